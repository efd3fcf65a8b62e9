"""GPUs as torch will see them: asked for in a process, once, and not at all where there is surely none."""

import json

import pytest

from core import machine
from core.jobs import gpus, queue
from core.places import machine_folder

TORCH = """
import json, os
from pathlib import Path
log = Path(os.environ["ASKED"])
log.write_text(log.read_text() + "." if log.exists() else ".")
class cuda:
    def device_count():
        return int(os.environ.get("SEEN", "0"))
    def get_device_name(index):
        if index == 1:
            raise RuntimeError("CUDA error")
        return f"card {index}"
    def get_device_properties(index):
        if index == 1:
            raise RuntimeError("CUDA error")
        return type("Properties", (), {"uuid": f"uuid-{index}"})
"""


@pytest.fixture
def card(tmp_path, monkeypatch):
    """A made-up machine and a made-up torch that says how many GPUs it sees; card(path, seen) adds a driver's file."""
    (tmp_path / "torch").mkdir()
    (tmp_path / "torch" / "torch.py").write_text(TORCH)
    monkeypatch.setattr(gpus, "_answers", {})
    monkeypatch.setenv("PYTHONPATH", str(tmp_path / "torch"))
    monkeypatch.setenv("ASKED", str(tmp_path / "asked"))
    for name in gpus.CHOICE:
        monkeypatch.delenv(name, raising=False)
    top = tmp_path / "top"
    top.mkdir()

    def add(node=None, seen=None, text=""):
        if node:
            (top / node).parent.mkdir(parents=True, exist_ok=True)
            (top / node).write_text(text)
        if seen is not None:
            monkeypatch.setenv("SEEN", str(seen))
        machine.forget()
        return top

    return add


def asked(tmp_path) -> int:
    return len((tmp_path / "asked").read_text()) if (tmp_path / "asked").exists() else 0


def test_without_a_driver_nobody_is_asked(card, runs_folder, tmp_path):
    assert gpus.names(runs_folder, card(seen=4)) == []
    assert asked(tmp_path) == 0


@pytest.mark.parametrize("node", ["dev/nvidia0", "dev/dxg", "dev/kfd", "proc/driver/nvidia/gpus/0000:01:00.0"])
def test_torch_is_asked_once_wherever_a_driver_is(card, runs_folder, tmp_path, node):
    """NVIDIA, WSL2 and AMD: the last two have no /proc/driver/nvidia."""
    top = card(node, seen=2)
    assert gpus.names(runs_folder, top) == ["card 0", "GPU"]
    assert gpus.names(runs_folder, top) == ["card 0", "GPU"]
    gpus._answers.clear()  # as in another process
    assert gpus.names(runs_folder, top) == ["card 0", "GPU"]
    assert asked(tmp_path) == 1


def test_it_is_asked_again_when_what_it_depends_on_changes(card, runs_folder, tmp_path, monkeypatch):
    top = card("dev/nvidia0", seen=1)
    card("proc/driver/nvidia/version", text="one")
    assert len(gpus.names(runs_folder, top)) == 1
    changes = [
        lambda: card("proc/driver/nvidia/version", text="two"),
        lambda: card("dev/nvidia1"),
        lambda: card("proc/sys/kernel/random/boot_id", text="another start"),
        lambda: monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "GPU-8932f937"),
        lambda: monkeypatch.setenv("HIP_VISIBLE_DEVICES", "0"),
    ]
    for count, change in enumerate(changes, 2):
        change()
        gpus.names(runs_folder, top)
        gpus.names(runs_folder, top)
        assert asked(tmp_path) == count


def test_no_gpu_is_believed_for_a_while_only(card, runs_folder, tmp_path, monkeypatch):
    """A driver may have been starting."""
    top = card("dev/nvidia0", seen=0)
    assert gpus.names(runs_folder, top) == gpus.names(runs_folder, top) == []
    assert asked(tmp_path) == 1
    now = gpus.time.time()
    monkeypatch.setattr(gpus.time, "time", lambda: now + gpus.NONE_HOLDS + 1)
    card(seen=1)
    assert gpus.names(runs_folder, top) == ["card 0"]


def test_a_torch_that_cannot_be_asked_trains_on_no_gpu(card, runs_folder, tmp_path):
    top = card("dev/nvidia0", seen="many")
    assert gpus.names(runs_folder, top) == []


@pytest.mark.parametrize("text", ["{", "[]", '{"state": 1}', '{"state": "x", "when": 1, "names": 5}'])
def test_a_damaged_answer_is_asked_for_again(card, runs_folder, text):
    top = card("dev/nvidia0", seen=1)
    machine_folder(runs_folder).mkdir(parents=True)
    (machine_folder(runs_folder) / "gpus.json").write_text(text)
    assert gpus.names(runs_folder, top) == ["card 0"]
    assert json.loads((machine_folder(runs_folder) / "gpus.json").read_text())["names"] == ["card 0"]


def test_each_gpu_is_told_with_what_tells_it_from_others(card, runs_folder):
    top = card("dev/nvidia0", seen=3)
    for _ in range(2):  # as torch says it, then as it was written down
        assert gpus.listed(runs_folder, top) == [("card 0", "uuid-0"), ("GPU", ""), ("card 2", "uuid-2")]
        gpus._answers.clear()


def test_an_answer_of_a_lab_that_kept_names_alone_is_asked_for_again(card, runs_folder, tmp_path):
    top = card("dev/nvidia0", seen=1)
    assert gpus.names(runs_folder, top) == ["card 0"]
    path = machine_folder(runs_folder) / "gpus.json"
    path.write_text(json.dumps({k: v for k, v in json.loads(path.read_text()).items() if k != "uuids"}))
    gpus._answers.clear()
    assert gpus.listed(runs_folder, top) == [("card 0", "uuid-0")] and asked(tmp_path) == 2


def test_where_nothing_can_be_written_the_answer_is_remembered(card, tmp_path):
    (tmp_path / "file").write_text("x")
    top = card("dev/nvidia0", seen=1)
    assert gpus.names(tmp_path / "file", top) == gpus.names(tmp_path / "file", top) == ["card 0"]
    assert asked(tmp_path) == 1


def test_a_slot_a_gpu(runs_folder, monkeypatch):
    monkeypatch.delenv("FACET_SLOTS")
    monkeypatch.setattr(gpus, "names", lambda root: ["a", "b", "c"])
    assert queue.slot_count(runs_folder) == 3


def test_what_torch_says_here_is_what_is_counted(capsys):
    """The real torch, which is here already; that a process is asked the tests above show."""
    import torch

    exec(gpus.QUESTION, {})
    assert len(json.loads(capsys.readouterr().out)) == torch.cuda.device_count()
