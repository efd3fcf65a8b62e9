import functools
import os
import pickle
import subprocess

import pytest
import torch
import torchvision

from core.errors import LabError
from core.network.weights import check_weights
from core.network.weights_file import load_backbone, read_state
from tests.narrow import Narrow
from tests.network.backbones import assert_backbone_is, from_file, save, scratch


@pytest.fixture(scope="module", autouse=True)
def an_eighth():
    """Networks of an eighth of their width: what a file has to hold of one is the same."""
    with pytest.MonkeyPatch.context() as patch:
        for depth in (18, 34, 50):
            patch.setattr(torchvision.models, f"resnet{depth}", functools.partial(Narrow, depth=depth))
        yield


class Payload:
    """What a malicious pickle does when something loads it."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (os.mkdir, (self.path,))


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
def test_a_file_fills_the_backbone_and_the_head_stays_new(donor, tmp_path, name):
    path = save(donor, tmp_path / name)
    network, facts = from_file(path, seed=4)
    assert_backbone_is(network, donor)
    new = scratch(seed=4)
    assert torch.equal(network.fc.weight, new.fc.weight)
    assert torch.equal(network.fc.bias, new.fc.bias)
    assert network.fc.weight.shape == (6, 64)
    assert facts["file"] == name
    assert len(facts["sha256"]) == 64
    same_classes, _ = from_file(path, classes=1000, seed=4)
    assert not torch.equal(same_classes.fc.weight, donor["fc.weight"])


def test_the_facts_tell_the_files_sha256_as_other_tools_do(donor, tmp_path):
    path = save(donor, tmp_path / "w.safetensors")
    digest = subprocess.run(["sha256sum", str(path)], capture_output=True, text=True, check=True).stdout.split()[0]
    assert from_file(path)[1]["sha256"] == digest


@pytest.mark.parametrize(
    "change",
    [
        lambda s: {f"module.{k}": v for k, v in s.items()},  # DataParallel
        lambda s: {"state_dict": s, "epoch": 3},  # a training script's checkpoint
        lambda s: {"state_dict": {f"module.{k}": v for k, v in s.items()}},
        lambda s: {k: v for k, v in s.items() if not k.startswith("fc.")},  # a backbone alone
        lambda s: {k: v for k, v in s.items() if "num_batches_tracked" not in k},  # torchvision's ImageNet files
        lambda s: {k: torch.nn.Parameter(v) if v.is_floating_point() else v for k, v in s.items()},
    ],
    ids=["module", "state_dict", "both", "headless", "no counters", "parameters"],
)
def test_the_usual_shapes_of_a_weights_file_load(donor, tmp_path, change):
    network, _ = from_file(save(change(donor), tmp_path / "w.pth"))
    assert_backbone_is(network, donor, but="num_batches_tracked")


def test_a_legacy_pth_loads(donor, tmp_path):
    torch.save(donor, tmp_path / "old.pth", _use_new_zipfile_serialization=False)
    assert_backbone_is(from_file(tmp_path / "old.pth")[0], donor)


def test_the_home_folder_may_be_written_as_a_tilde(donor, tmp_path, monkeypatch):
    monkeypatch.setenv("HOME", str(tmp_path))
    save(donor, tmp_path / "w.pth")
    assert_backbone_is(from_file("~/w.pth")[0], donor)


untouched = functools.cache(scratch)


def refused(path, depth=18):
    network = untouched(depth)
    before = {key: value.clone() for key, value in network.state_dict().items()}
    with pytest.raises(LabError) as caught:
        load_backbone(network, path)
    assert caught.value.kind == "weights"
    assert path.name in caught.value.message
    assert caught.value.remedy
    assert all(torch.equal(before[key], value) for key, value in network.state_dict().items())
    return caught.value.message


def test_another_architecture_names_keys_and_shapes(donor, tmp_path):
    path = save(donor, tmp_path / "resnet18.pth")
    message = refused(path, depth=34)
    assert "weights missing, first layer1.2.conv1.weight" in message
    message = refused(path, depth=50)
    assert "layer1.0.conv3.weight" in message
    assert "layer1.0.conv1.weight is (8, 8, 3, 3) in the file, (8, 8, 1, 1) in the network" in message
    message = refused(save(untouched(34).state_dict(), tmp_path / "resnet34.pth"), depth=18)
    assert "unknown weights, first layer1.2.conv1.weight" in message


def test_a_file_with_one_weight_too_few_too_many_or_of_another_shape_names_it(donor, tmp_path):
    path = tmp_path / "w.pth"
    save({k: v for k, v in donor.items() if k != "layer4.1.bn2.running_var"}, path)
    assert "1 weights missing, first layer4.1.bn2.running_var" in refused(path)
    save({**donor, "layer5.weight": torch.zeros(2)}, path)
    assert "1 unknown weights, first layer5.weight" in refused(path)
    save({**donor, "conv1.weight": torch.zeros(8, 1, 7, 7)}, path)
    assert "conv1.weight is (8, 1, 7, 7) in the file, (8, 3, 7, 7) in the network" in refused(path)


@pytest.mark.parametrize("error", [MemoryError(), PermissionError(13, "Permission denied")])
def test_weights_that_cannot_be_read_just_now_are_not_said_to_be_bad(donor, tmp_path, monkeypatch, error):
    path = save(donor, tmp_path / "w.pth")

    def fails(*_, **__):
        raise error

    with monkeypatch.context() as patched:
        patched.setattr(torch, "load", fails)
        with pytest.raises(LabError) as caught:
            check_weights(18, f"file:{path}")
    if isinstance(error, MemoryError):
        assert caught.value.kind == "memory" and "not enough memory" in caught.value.message
    else:
        assert "Permission denied" in caught.value.message and "rights" in caught.value.remedy
    check_weights(18, f"file:{path}")  # nothing of it is remembered


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.parametrize("suffix", ["pth", "pt", "safetensors", "bin"])
def test_a_malicious_pickle_is_refused_and_never_runs(tmp_path, suffix):
    made, path = tmp_path / "made", tmp_path / f"w.{suffix}"

    def is_refused():
        with pytest.raises(LabError, match="cannot be read as plain weights") as caught:
            read_state(path)
        assert path.name in caught.value.message
        assert not made.exists()

    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        path.write_bytes(pickle.dumps({"conv1.weight": Payload(made)}, protocol))
        is_refused()
    for state in (Payload(made), {"state_dict": Payload(made)}, {"conv1.weight": torch.zeros(1), "x": Payload(made)}):
        for modern in (True, False):
            torch.save(state, path, _use_new_zipfile_serialization=modern)
            is_refused()
    refused(path)
    path.rename(tmp_path / "w.pth")
    torch.load(tmp_path / "w.pth", weights_only=False)  # the payload does work where nobody takes care
    assert made.exists()


@pytest.mark.parametrize(
    "state",
    [torch.zeros(3), [torch.zeros(3)], {}, {"epoch": 3}, {0: torch.zeros(3)}, {"state_dict": {"a": 1}}],
    ids=["tensor", "list", "empty", "no tensors", "numbered", "nested"],
)
def test_a_file_without_a_state_dict_is_refused(tmp_path, state):
    torch.save(state, tmp_path / "w.pth")
    assert "holds no state dict" in refused(tmp_path / "w.pth")


def test_a_whole_pickled_network_is_refused(tmp_path):
    torch.save(scratch(), tmp_path / "network.pth")
    assert "plain weights" in refused(tmp_path / "network.pth")


@pytest.mark.parametrize("name", ["w.pth", "w.safetensors"])
@pytest.mark.parametrize("share", [0, 0.1, 0.5, 0.99])
def test_a_file_that_was_cut_short_is_refused(donor, tmp_path, name, share):
    path = save(donor, tmp_path / name)
    os.truncate(path, int(path.stat().st_size * share))
    assert "cannot be read as plain weights" in refused(path)


def test_a_missing_file_or_a_folder_is_refused(tmp_path):
    assert "there is no file" in refused(tmp_path / "absent.pth")
    assert "there is no file" in refused(tmp_path)
    with pytest.raises(LabError, match="there is no file"):
        read_state(tmp_path / "absent.pth")
