"""What a worker does before it trains."""

import contextlib
import sys

import pytest

from core.errors import LabError
from core.jobs import worker
from core.places import machine_folder
from core.training import train


@pytest.mark.parametrize("fault", [None, LabError("torch is being written by another process."), OSError("read-only")])
def test_workers_import_torch_one_after_another_and_none_waits_for_ever(runs_folder, monkeypatch, fault):
    waited = []

    @contextlib.contextmanager
    def held(path, what, timeout):
        waited.append((path, timeout))
        if fault is not None:
            raise fault
        yield

    monkeypatch.setattr(worker.locks, "held", held)
    assert train.torch is sys.modules["torch"]
    worker.import_torch(runs_folder)
    assert not waited, "it is imported here: a fork of the process that waits asks nobody"
    monkeypatch.delitem(sys.modules, "torch")
    worker.import_torch(runs_folder)
    assert waited == [(machine_folder(runs_folder) / "importing.lock", worker.ALONE)]
