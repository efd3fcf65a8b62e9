"""What a node does with Ray, with something in Ray's place; test_ray.py has the rest."""

import pickle
import sys
import threading
from types import SimpleNamespace

import pytest

from core.engines import door
from core.engines.parcel import Parcel


def test_large_content_travels_beside_what_is_pickled_and_comes_out_equal():
    large, small = bytes(range(256)) * 1000, b"\x00epoch,loss"
    parcel = Parcel("r", 0, 1, state={"epoch": 2}, files={"last.pt": large, "metrics.csv": small, "best": large + b"!"})
    head, *beside = door.packed((parcel, ["last.pt"]))
    assert beside == [large, large + b"!"]
    assert beside[0] is large  # no copy of it
    assert len(head) < 1000 and small in head
    assert door.unpacked(head, *beside) == (parcel, ["last.pt"])
    assert door.unpacked(pickle.dumps(("w", 3))) == ("w", 3)  # as a lab before this asks


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
