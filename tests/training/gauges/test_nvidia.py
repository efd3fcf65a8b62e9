"""What a GPU says of itself, and which GPU it is: with a stand-in that answers by the names of nvidia-ml-py."""

import inspect
import sys

import pynvml
import pytest

from core import machine
from core.training.gauges import nvidia
from core.training.gauges.nvidia import Card, Untold
from tests.training.gauges.stand_in import Chip, Nvml

A, B, C = (f"{letter * 8}-0000-0000-0000-{letter * 12}" for letter in "abc")
READING = {"gpu": 87, "gpu_memory": 41e9, "gpu_memory_total": 80e9, "temperature": 64}


def test_the_stand_in_is_asked_as_nvidia_ml_py_is():
    asked = [name for name in vars(Nvml) if name.startswith("nvml")]
    assert len(asked) == 16
    for name in asked:
        real, ours = (list(inspect.signature(getattr(place, name)).parameters) for place in (pynvml, Nvml))
        assert ours[1:] == real, name


def test_a_gpu_tells_use_memory_and_temperature(nvml):
    nvml(Chip("GPU-" + A))
    assert nvidia.Nvml().meter(Card(A)).read() == READING


def test_a_gpu_is_found_by_what_it_is_and_not_by_its_number(nvml):
    """torch counts what CUDA_VISIBLE_DEVICES leaves over, in its order; NVML counts all."""
    nvml(*(Chip(f"GPU-{uuid}", f"00000000:0{place}:00.0", name=uuid[0]) for place, uuid in enumerate((A, B, C))))
    opened = nvidia.Nvml()
    assert [opened.meter(Card(uuid)).name() for uuid in (C, A)] == ["c", "a"]
    assert opened.meter(Card("", "00000000:01:00.0")).name() == "b"
    assert opened.meter(Card("of a torch that tells it otherwise", "00000000:02:00.0")).name() == "c"
    with pytest.raises(Untold, match="Not Found"):
        opened.meter(Card("dddddddd", "00000000:09:00.0"))
    assert [meter.uuid() for meter in opened.meters()] == [f"GPU-{uuid}" for uuid in (A, B, C)]
    assert opened.meters()[1].bus() == "00000000:01:00.0"


def test_a_slice_tells_its_own_memory_and_the_temperature_of_the_gpu_that_it_is_of(nvml):
    whole = Chip("GPU-" + A, "00000000:01:00.0", temperature=70, sliced=True)
    refused = {"nvmlDeviceGetUtilizationRates": pynvml.NVML_ERROR_NOT_SUPPORTED}
    nvml(whole, Chip("MIG-" + B, whole.bus, memory=(1_000, 10_000), temperature=0, whole=whole, fails=refused))
    meter = nvidia.Nvml().meter(Card(B, whole.bus))
    assert meter.read() == {"gpu_memory": 1_000, "gpu_memory_total": 10_000, "temperature": 70}
    assert meter.untold == ["use"]


def test_the_figures_of_a_whole_gpu_are_not_told_as_those_of_its_slice(nvml):
    nvml(Chip("GPU-" + A, "00000000:01:00.0", sliced=True))
    with pytest.raises(Untold, match="slice"):
        nvidia.Nvml().meter(Card(B, "00000000:01:00.0"))


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, nvidia.MISSING),
        (pynvml.NVML_ERROR_DRIVER_NOT_LOADED, nvidia.MISSING),
        (pynvml.NVML_ERROR_NO_PERMISSION, nvidia.REFUSED),
        (pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH, "NVML says: RM has detected an NVML/RM version mismatch."),
    ],
)
def test_why_nothing_is_told_is_said_in_words(nvml, error, words):
    nvml(fails={"nvmlInit": error})
    with pytest.raises(Untold) as why:
        nvidia.Nvml()
    assert str(why.value) == words


def test_without_the_package_nothing_is_told(monkeypatch):
    monkeypatch.setitem(sys.modules, "pynvml", None)
    with pytest.raises(Untold, match="nvidia-ml-py"):
        nvidia.Nvml()


def test_the_package_itself_says_why_where_there_is_no_driver():
    """Here for real: on a machine with a driver tests/gpu asks it."""
    if any(machine.TOP.glob("dev/nvidia*")):
        pytest.skip("there is a driver")
    with pytest.raises(Untold) as why:
        nvidia.Nvml()
    assert str(why.value) == nvidia.MISSING


def test_what_a_driver_does_not_tell_is_left_out_and_not_asked_again(nvml):
    fails = {"nvmlDeviceGetUtilizationRates": pynvml.NVML_ERROR_NOT_SUPPORTED}
    fails["nvmlDeviceGetMemoryInfo"] = pynvml.NVML_ERROR_NO_PERMISSION
    module = nvml(Chip("GPU-" + A, fails=fails))
    meter = nvidia.Nvml().meter(Card(A))
    assert meter.read() == meter.read() == {"temperature": 64}
    assert meter.untold == ["use", "memory"] and module.calls.count("nvmlDeviceGetUtilizationRates") == 1


def test_what_a_driver_does_not_tell_for_a_moment_is_asked_again(nvml):
    chip = Chip("GPU-" + A, fails={"nvmlDeviceGetMemoryInfo": pynvml.NVML_ERROR_TIMEOUT})
    nvml(chip)
    meter = nvidia.Nvml().meter(Card(A))
    assert meter.read() == {"gpu": 87, "temperature": 64} and meter.untold == []
    chip.fails.clear()
    assert meter.read() == READING


def test_a_driver_that_knows_only_the_newer_name_tells_the_temperature(nvml):
    nvml(Chip("GPU-" + A, fails={"nvmlDeviceGetTemperature": pynvml.NVML_ERROR_FUNCTION_NOT_FOUND}))
    assert nvidia.Nvml().meter(Card(A)).read() == READING


def test_a_share_that_cannot_be_and_a_memory_of_nothing_are_left_out(nvml):
    nvml(Chip("GPU-" + A, use=4_000_000_000, memory=(0, 0)))
    assert nvidia.Nvml().meter(Card(A)).read() == {"temperature": 64}
