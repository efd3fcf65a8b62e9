"""A worker that is a fork of the process that waits has a GPU of its own: its maker has never touched one."""

import psutil

from core.jobs import queue
from core.jobs.processes import ready
from tests.workers import assert_same_result, launch, log_of, until


def test_a_fork_trains_on_a_gpu_as_a_worker_that_was_started_anew(plan, runs_folder, monkeypatch, gpu):
    monkeypatch.setenv(ready.OFF, "1")
    ready.keep(runs_folder)
    maker = ready._waiting[runs_folder].process
    forked = launch(plan, runs_folder)
    until(lambda: forked.written_state(0).epoch, f"an epoch is done: {log_of(forked)}")
    assert psutil.Process(forked.written_state(0).worker["pid"]).ppid() == maker.pid, "its maker could fork"
    until(lambda: forked.written_state(0).state == "done", f"it is trained: {log_of(forked)}")
    until(lambda: queue.free_slots(runs_folder) == 1, "the worker leaves")
    ready._forget(runs_folder)
    monkeypatch.setenv(ready.OFF, "0")
    anew = launch(plan, runs_folder)
    until(lambda: anew.written_state(0).state == "done", f"it is trained: {log_of(anew)}")
    assert_same_result(forked, anew)
    assert forked.info()["device"] == anew.info()["device"] != "cpu"
