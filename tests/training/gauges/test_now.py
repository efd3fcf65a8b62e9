"""What the machine does at the moment: looked at once for all who ask, and never waited for."""

import threading
from collections import namedtuple

import psutil
import pynvml
import pytest

from core import machine
from core.training.gauges import now
from core.training.gauges.now import Watch
from core.training.gauges.nvidia import MISSING
from tests.training.gauges.stand_in import Chip

Times = namedtuple("Times", "user system idle iowait")
A, B = "aaaaaaaa-0000-0000-0000-aaaaaaaaaaaa", "bbbbbbbb-0000-0000-0000-bbbbbbbbbbbb"


def test_processor_memory_and_gpus_are_told_and_nvml_is_opened_once(nvml, monkeypatch):
    module = nvml(Chip("GPU-" + A, name="one", use=5), Chip("GPU-" + B, name="two"))
    monkeypatch.setattr(now, "BELIEVED", -1.0)
    seconds = iter([Times(10, 5, 80, 5), Times(11, 6, 81, 5)])
    monkeypatch.setattr(psutil, "cpu_times", lambda: next(seconds))
    watch = Watch()
    first, second = watch.look(), watch.look()
    assert first.cpu is None and second.cpu == pytest.approx(200 / 3) and second.processors == machine.processors()
    assert 0 < second.memory < second.memory_total == psutil.virtual_memory().total
    assert [(gpu.name, gpu.uuid, gpu.reading["gpu"]) for gpu in second.gpus] == [("one", A, 5), ("two", B, 87)]
    assert module.calls.count("nvmlInit") == 1 and "nvmlShutdown" not in module.calls and not second.untold


def test_what_a_processor_did_since_a_look_of_long_ago_is_not_told_as_now(nvml, monkeypatch):
    nvml()
    monkeypatch.setattr(now, "BELIEVED", -1.0)
    seconds = iter([Times(10, 5, 80, 5), Times(11, 6, 81, 5)])
    monkeypatch.setattr(psutil, "cpu_times", lambda: next(seconds))
    watch = Watch()
    watch.look()
    monkeypatch.setattr(now, "RECENT", -1.0)
    assert watch.look().cpu is None


def test_who_asks_at_once_is_answered_by_the_same_look(nvml):
    module, watch = nvml(Chip("GPU-" + A)), Watch()
    assert watch.look() is watch.look() and module.calls.count("nvmlDeviceGetUtilizationRates") == 1


def test_a_slice_that_torch_names_is_told_though_nvml_does_not_list_it(nvml):
    whole = Chip("GPU-" + A, sliced=True)
    nvml(whole, Chip("MIG-" + B, memory=(1_000, 10_000), whole=whole))
    told = Watch().look([B, "", "cccccccc"])
    assert [(gpu.uuid, gpu.reading["gpu_memory"]) for gpu in told.gpus] == [(A, 41e9), (B, 1_000)]


def test_without_a_driver_it_says_why_and_asks_again_later(nvml, monkeypatch):
    monkeypatch.setattr(now, "BELIEVED", -1.0)
    module, watch = nvml(Chip("GPU-" + A), fails={"nvmlInit": pynvml.NVML_ERROR_LIBRARY_NOT_FOUND}), Watch()
    assert watch.look().gpus == () and watch.look().untold == MISSING
    module.fails.clear()
    assert watch.look().gpus[0].uuid == A and not watch.look().untold


def test_a_driver_that_does_not_answer_holds_up_one_page_alone(nvml, monkeypatch):
    asked, answers = threading.Event(), threading.Event()
    module = nvml(Chip("GPU-" + A))
    monkeypatch.setattr(module, "nvmlInit", lambda: (asked.set(), answers.wait(60)))
    watch = Watch()
    waits = threading.Thread(target=watch.look)
    waits.start()
    assert asked.wait(60) and watch.look() is None
    answers.set()
    waits.join(60)
    assert watch.newest is not None
