"""What a worker does before it trains."""

import contextlib
import sys

import psutil
import pytest

import core.training
from core.errors import LabError
from core.jobs import control, elsewhere, queue, worker
from core.places import machine_folder
from core.runs import FoldState
from core.training import train
from tests.workers import PATIENCE, launch, log_of, short, until


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


def test_what_is_wrong_with_torch_is_told_as_it_was_raised_first(runs_folder, monkeypatch):
    monkeypatch.delitem(sys.modules, "torch")
    monkeypatch.delattr(core.training, "train")
    monkeypatch.setitem(sys.modules, "core.training.train", None)
    for _ in range(2):
        with pytest.raises(ImportError, match="train"):
            worker.import_torch(runs_folder)


SLOW_TORCH = """
import threading
from pathlib import Path

here = Path(__file__).parent
(here / "asked").touch()
while not (here / "go").exists():
    threading.Event().wait(0.01)
raise ImportError("nothing is trained here, and the real one takes seconds")
"""


def test_a_cancel_does_not_wait_for_torch(runs_folder, tmp_path, tiny_plan, monkeypatch):
    (tmp_path / "torch.py").write_text(SLOW_TORCH)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    run = launch(short(tiny_plan), runs_folder)
    until((tmp_path / "asked").exists, "a worker asks for torch")
    worker_process = psutil.Process(run.written_state(0).worker["pid"])
    control.cancel(run)
    assert run.written_state(0).state == "cancelled" and worker_process.is_running(), "it was not killed for that"
    until(lambda: queue.free_slots(runs_folder) == 1, "the slot is free")
    (tmp_path / "go").touch()
    worker_process.wait(PATIENCE)
    assert run.written_state(0).state == "cancelled" and not log_of(run).count("Traceback")


def set_on_the_page(root, monkeypatch):
    elsewhere.choose(root, "ray")


def lab_started_anew(root, monkeypatch):
    with monkeypatch.context() as environment:
        environment.setenv(elsewhere.CHOICE, "ray")
        control.ensure_workers(root)


@pytest.mark.parametrize("choose", [set_on_the_page, lab_started_anew])
@pytest.mark.parametrize("by_itself", [True, False])
def test_a_worker_leaves_what_waits_to_a_cluster_that_was_chosen_meanwhile(
    runs_folder, tiny_plan, monkeypatch, by_itself, choose
):
    """One that was started by hand trains it on this machine, as its words say."""
    trained, writers = [], []

    def train_job(run, fold, slot, entry):
        if not trained:
            choose(runs_folder, monkeypatch)
        trained.append(fold)
        entry.unlink()
        run.write_state(FoldState(fold, "done"))
        return False

    monkeypatch.setattr(worker, "train_job", train_job)
    monkeypatch.setattr(control, "start_worker", lambda root: None)
    monkeypatch.setattr(control, "start_writer", writers.append)
    control.launch(short(tiny_plan), folder=runs_folder)
    assert worker.work(runs_folder, by_itself=by_itself) == len(trained)
    assert trained == ([0] if by_itself else [0, 1])
    if by_itself:
        assert writers[-1:] == [runs_folder], "what waits is taken there though nobody opens a page"


def test_a_choice_that_names_no_place_keeps_no_worker_from_going_on(runs_folder, tiny_plan, monkeypatch):
    monkeypatch.setattr(control, "start_worker", lambda root: None)
    control.launch(short(tiny_plan), folder=runs_folder)
    monkeypatch.setattr(worker, "train_job", lambda run, fold, slot, entry: entry.unlink())
    monkeypatch.setenv(elsewhere.CHOICE, "nowhere")
    assert worker.work(runs_folder, by_itself=True) == 2
