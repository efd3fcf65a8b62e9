import os
import pickle
import resource

import pandas as pd
import pytest
import safetensors.torch
import torch

from core.errors import LabError
from core.storage import files
from core.training import checkpoint

CPU = torch.device("cpu")


class Bomb:
    """What a malicious pickle does when it is loaded."""

    def __init__(self, path):
        self.path = str(path)

    def __reduce__(self):
        return (os.mkdir, (self.path,))


@pytest.fixture
def small_disk():
    """limit(bytes): no file of this process may grow past it, as on a full disk; lifted when the test ends."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def state(epoch=1, size=200_000):
    generator = torch.Generator().manual_seed(epoch)
    weights = {f"layer{i}.weight": torch.randn(size // 4, generator=generator) for i in range(4)}
    best = {"epoch": epoch, "f1": 0.25}
    return {"epoch": epoch, "phase": 0, "best": best, "model": weights, "optimizer": {"state": {0: {"step": 3.0}}}}


def test_what_is_saved_is_loaded_to_the_bit(tmp_path):
    path = tmp_path / "last.pt"
    checkpoint.save_last(path, state())
    loaded = checkpoint.load_last(path, CPU)
    assert {key: loaded[key] for key in ("epoch", "phase", "best", "optimizer")} == {
        key: state()[key] for key in ("epoch", "phase", "best", "optimizer")
    }
    assert all(torch.equal(loaded["model"][key], value) for key, value in state()["model"].items())
    assert os.listdir(tmp_path) == ["last.pt"]


@pytest.mark.fault(33)
def test_a_resume_point_that_a_gpu_wrote_opens_on_a_cpu(tmp_path, monkeypatch):
    path = tmp_path / "last.pt"
    with monkeypatch.context() as gpu:
        gpu.setattr(torch.serialization, "location_tag", lambda storage: "cuda:0")
        checkpoint.save_last(path, state())
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    with pytest.raises(RuntimeError, match="CUDA"):
        torch.load(path, weights_only=True)
    loaded = checkpoint.load_last(path, CPU)
    assert all(torch.equal(loaded["model"][key], value) for key, value in state()["model"].items())
    assert {value.device for value in loaded["model"].values()} == {CPU}


def test_there_is_no_resume_point_before_the_first(tmp_path):
    assert checkpoint.load_last(tmp_path / "last.pt", CPU) is None


def test_a_snapshot_does_not_change_when_training_goes_on():
    weights = torch.ones(3)
    kept = checkpoint.snapshot({"model": {"w": weights}, "list": [weights], "epoch": 1})
    weights.zero_()
    assert kept["model"]["w"].sum() == kept["list"][0].sum() == 3


def test_weights_are_plain_safetensors_whatever_their_memory_layout(tmp_path):
    filters = torch.randn(4, 3, 5, 5).to(memory_format=torch.channels_last)
    checkpoint.save_weights(tmp_path / "best.safetensors", {"conv1.weight": filters})
    assert torch.equal(safetensors.torch.load_file(tmp_path / "best.safetensors")["conv1.weight"], filters)


@pytest.mark.filterwarnings("ignore:Detected pickle protocol")
@pytest.mark.fault(21)
def test_a_malicious_pickle_as_a_checkpoint_is_refused_and_never_runs(tmp_path):
    path = tmp_path / "last.pt"
    for protocol in range(pickle.HIGHEST_PROTOCOL + 1):
        path.write_bytes(pickle.dumps(Bomb(tmp_path / "ran"), protocol))
        with pytest.raises(LabError, match=r"last\.pt") as caught:
            checkpoint.load_last(path, CPU)
        assert caught.value.kind == "checkpoint"
    torch.save({"model": Bomb(tmp_path / "ran")}, path)
    with pytest.raises(LabError, match="plain tensors"):
        checkpoint.load_last(path, CPU)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("share", [0, 0.5, 0.99])
def test_a_checkpoint_that_was_cut_short_is_refused_with_its_name(tmp_path, share):
    path = tmp_path / "last.pt"
    checkpoint.save_last(path, state())
    whole = path.read_bytes()
    path.write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(LabError, match=r"last\.pt") as caught:
        checkpoint.load_last(path, CPU)
    assert caught.value.kind == "checkpoint"
    assert "Delete" in caught.value.remedy


@pytest.mark.parametrize("share", [0, 0.01, 0.5, 0.99])
@pytest.mark.parametrize("what", ["last.pt", "best.safetensors", "predictions_best.parquet"])
def test_disk_full_names_the_folder_keeps_the_old_file_and_leaves_no_other(tmp_path, small_disk, what, share):
    def save(epoch):
        if what == "last.pt":
            checkpoint.save_last(path, state(epoch))
        elif what == "best.safetensors":
            checkpoint.save_weights(path, state(epoch)["model"])
        else:
            checkpoint.save_predictions(path, pd.DataFrame({"p": state(epoch)["model"]["layer0.weight"].numpy()}))

    path = tmp_path / what
    save(1)
    old = path.read_bytes()
    small_disk(int(len(old) * share))
    with pytest.raises(LabError, match="disk full") as caught:
        save(2)
    small_disk(resource.RLIM_INFINITY)
    assert caught.value.kind == "disk-full"
    assert str(tmp_path) in caught.value.message
    assert "Free at least" in caught.value.remedy
    assert os.listdir(tmp_path) == [what]
    assert path.read_bytes() == old
    save(2)
    assert path.read_bytes() != old


def test_only_a_full_disk_is_called_a_full_disk(tmp_path):
    with pytest.raises(FileNotFoundError):
        checkpoint.save_last(tmp_path / "gone" / "last.pt", state())
    try:
        raise RuntimeError("of something else")
    except RuntimeError as error:
        assert not files.disk_full(error)


def test_the_writer_keeps_the_order_and_one_failure_is_told_once():
    writer, done = checkpoint.Writer(), []

    def fail():
        raise LabError("disk full", kind="disk-full")

    for number in range(5):
        writer.submit(lambda number=number: done.append(number))
    writer.wait()
    assert done == [0, 1, 2, 3, 4]
    writer.submit(fail)
    with pytest.raises(LabError, match="disk full"):
        writer.submit(lambda: done.append(5))
    writer.wait()
    writer.close()


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        torch.OutOfMemoryError("CUDA out of memory"),
        RuntimeError("can't allocate memory: 5 bytes"),
        PermissionError(13, "Permission denied"),
        OSError(5, "Input/output error"),
    ],
)
def test_a_good_resume_point_is_never_said_to_be_deleted(tmp_path, monkeypatch, error):
    """What is wrong is the machine and not the file: the worker has its own words for memory and disks."""
    checkpoint.save_last(tmp_path / "last.pt", {"epoch": 1})

    def load(*args, **settings):
        raise error

    monkeypatch.setattr(torch, "load", load)
    with pytest.raises(type(error)) as caught:
        checkpoint.load_last(tmp_path / "last.pt", CPU)
    assert caught.value is error
