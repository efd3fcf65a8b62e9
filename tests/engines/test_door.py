"""What a node does with Ray, with something in Ray's place; test_ray.py has the rest."""

import contextlib
import gc
import io
import pickle
import sys
import tempfile
import threading
import zipfile
from pathlib import Path
from types import SimpleNamespace

import pytest

from core.engines import door
from core.engines import node as trainer
from core.engines.parcel import FoldJob, Parcel


def test_large_content_travels_beside_what_is_pickled_and_comes_out_equal():
    large, small = bytes(range(256)) * 1000, b"\x00epoch,loss"
    parcel = Parcel("r", 0, 1, state={"epoch": 2}, files={"last.pt": large, "metrics.csv": small, "best": large + b"!"})
    head, *beside = door.packed((parcel, ["last.pt"]))
    assert [bytes(part) for part in beside] == [large, large + b"!"]
    with memoryview(beside[0]) as view:
        assert view.obj is large  # no copy of it
    assert len(head) < 1000 and small in head
    assert door.unpacked(head, *map(bytes, beside)) == (parcel, ["last.pt"])
    assert door.unpacked(pickle.dumps(("w", 3))) == ("w", 3)  # as a lab before this asks
    assert door.answer_of(door.packed({"batch": 1})) == {"batch": 1} == door.answer_of(pickle.dumps({"batch": 1}))


def test_what_comes_out_of_a_store_goes_on_without_a_copy_however_small_it_is():
    store = bytearray(range(200))
    head, *beside = door.packed({"metrics.csv": pickle.PickleBuffer(store), "note": b"small"})
    store[0] = 9
    assert bytes(beside[0])[:3] == b"\x09\x01\x02" and b"small" in head
    assert door.unpacked(head, b"\x09") == {"metrics.csv": b"\x09", "note": b"small"}


def test_what_is_packed_leaves_no_cycle_for_the_collector():
    gc.collect()
    parts = door.packed({"last.pt": bytes(door.LARGE)})
    assert door.unpacked(parts[0], bytes(parts[1]))["last.pt"] == bytes(door.LARGE)
    del parts
    assert gc.collect() == 0


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.fault(38)
def test_a_process_that_may_be_in_pieces_ends_once_its_fold_has_been_told(monkeypatch, broken):
    trained = []

    def train(job, fetch, desk, node):
        trained.append((job.key, node["id"]))
        return broken

    context = SimpleNamespace(get_node_id=lambda: "n0")
    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(get_runtime_context=lambda: context))
    monkeypatch.setattr(door, "lay", lambda code: None)
    monkeypatch.setattr(trainer, "train", train)
    job = pickle.dumps(FoldJob("r", 0, 1, {}))
    with pytest.raises(SystemExit) if broken else contextlib.nullcontext():
        door.train(b"", job, ("r", 0), 1, {}, None)
    assert trained == [(("r", 0), "n0")]


def test_a_node_waits_for_an_answer_beside_the_thread_that_trains(monkeypatch):
    """In which Ray would give the cores of the fold job away for as long as that takes."""
    threads = []

    def get(reference, timeout=None):
        threads.append(threading.current_thread())
        if reference == "late":
            raise TimeoutError(timeout)
        return f"{reference} within {timeout}"

    monkeypatch.setitem(sys.modules, "ray", SimpleNamespace(get=get))
    assert door.awaited("answer", 3.0) == "answer within 3.0"
    with pytest.raises(TimeoutError):
        door.awaited("late")
    assert threading.current_thread() not in threads and len(threads) == 2
    assert not any(thread.is_alive() for thread in threads)


@pytest.mark.parametrize("loss", ["a file", "a folder", "half a file"])
def test_code_that_a_machines_cleaner_took_in_part_is_put_back_and_the_rest_stays(loss, tmp_path, monkeypatch):
    """It takes what is old, file by file, and leaves folders that something newer lies in."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr(sys, "path", list(sys.path))
    texts = {"core/__init__.py": "", "core/errors.py": "A = 1\n", "core/runs/run.py": "B = 2\n"}
    code = io.BytesIO()
    with zipfile.ZipFile(code, "w") as archive:
        for name, text in texts.items():
            archive.writestr(name, text)
    door.lay(code.getvalue())
    folder = Path(sys.path[0])
    (folder / "core/__pycache__").mkdir()
    in_use = (folder / "core/errors.py").stat()
    taken = folder / "core/runs/run.py"
    if loss == "half a file":
        taken.write_text("B")
    else:
        taken.unlink()
    if loss == "a folder":
        taken.parent.rmdir()
    door.lay(code.getvalue())
    assert sys.path[:2] == [str(folder)] * 2
    assert {name: (folder / name).read_text() for name in texts} == texts
    assert (folder / "core/errors.py").stat() == in_use
    assert list(folder.parent.iterdir()) == [folder]
