"""A worker that is a fork trains as one that was started anew, holds its own locks alone, and survives who made it."""

import contextlib
import os
import socket
import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from core.jobs import control, queue, speed
from core.jobs.processes import detached, nursery, ready
from core.places import HOME, lab_folder, machine_folder
from core.storage import locks
from tests.jobs.processes.waiting import SINCE, TELLS, WITHOUT_TORCH, by, start_forked, who_waits
from tests.narrow import narrow_worker
from tests.workers import FORKS, PATIENCE, Workers, assert_same_result, launch, log_of, short, until, with_changes

pytestmark = pytest.mark.skipif(not ready.FORKS, reason="only Linux forks")

SPOILT = {
    "thread": "import threading; threading.Thread(target=threading.Event().wait, daemon=True).start()",
    "file": "kept = open('/dev/null')",
}
# One that has no torch: what it is to train is trained at once, and it measures what it is told here.
ALONE = """
import sys, types
from core.cli.main import main
from core.jobs import speed
sys.modules["core.training.device"] = types.SimpleNamespace(limit_threads=lambda count: None)
sys.modules["core.training.train"] = types.SimpleNamespace(train_fold=lambda *_, **how: True)
speed.measure = lambda config, should_stop: 7.0
main()
"""
# It says in the lab's log what it starts anew.
STARTS = f"""
from core.jobs.processes import detached
start = detached.subprocess.Popen
def popen(command, **how):
    print("started anew:", *command[3:], flush=True)
    return start([command[0], "-c", {ALONE!r}, *command[3:]], **how)
detached.subprocess.Popen = popen
"""


def endless(plan):
    """Of many epochs, whose resume points of 134 MB are not written after each of them."""
    return short(plan, epochs=500, training__resume_seconds=600)


def under_way(plan, root):
    """(a run of many epochs, the worker that trains its first fold), once an epoch of it is done."""
    run = control.launch(endless(plan), folder=root)
    until(lambda: run.written_state(0).epoch, f"an epoch is done: {log_of(run)}")
    return run, worker_of(run, 0)


def worker_of(run, fold) -> psutil.Process:
    return psutil.Process(run.written_state(fold).worker["pid"])


def descriptors(pid) -> dict[int, str]:
    folder, found = Path(f"/proc/{pid}/fd"), {}
    for name in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):  # closed since it was listed: what trains opens files all the time
            found[int(name)] = os.readlink(folder / name)
    return found


def trained(plan, root):
    run = launch(short(plan), root)
    until(lambda: run.written_state(0).state == "done", f"it is trained: {log_of(run)}")
    until(lambda: queue.free_slots(root) == 1, "the worker leaves")
    return run


def test_forks_train_as_any_other_worker_and_stay_when_their_maker_leaves(root, tiny_plan, monkeypatch):
    """A fork begins with what the process that waits had imported, all that a fold needs, and with nothing of its other
    forks. Beside an open file a worker is no fork. Who waits leaves with the lab, whatever it made.

    That other worker has nothing of the process that waits; test_faults.py holds it against one that was started anew.
    """
    with monkeypatch.context() as patch:
        patch.setattr(detached.subprocess, "Popen", by(TELLS))
        ready.keep(root)
    process = who_waits(root)
    ready.keep(root)
    assert who_waits(root) is process, "one is enough"
    assert queue.free_slots(root) == 1, "who waits holds nothing"
    forked = trained(tiny_plan, root)
    measurement = speed.start_measuring(tiny_plan.config, root)
    assert isinstance(measurement, ready.Forked)
    until(lambda: measurement.poll() is not None, "the measurement ends")
    again = trained(tiny_plan, root)
    assert_same_result(forked, again)
    with monkeypatch.context() as patch:
        patch.setattr(control, "start_worker", lambda root: None)
        other = launch(short(tiny_plan), root)
    assert Workers(root).run(narrow_worker) == 0
    assert_same_result(forked, other)
    workers = {run.written_state(0).worker["pid"] for run in (forked, again)}
    assert len(workers - {process.pid}) == 2, "a worker each launch"
    assert who_waits(root) is process and process.poll() is None, "it waits for the next launch"
    until(lambda: not psutil.Process(process.pid).children(), "no worker that has left stays behind as a zombie")
    log = (lab_folder(root) / "worker.log").read_text().splitlines()
    assert [line for line in log if line.startswith(SINCE)] == [SINCE, SINCE], "a fold imports no library"

    run, worker = under_way(tiny_plan, root)
    ready._forget(root)  # as the end of the lab's process closes its end of the line
    until(lambda: process.poll() == 0, "it leaves")
    assert_goes_on(run, 0)
    assert worker.is_running()
    control.cancel(run)
    until(lambda: queue.free_slots(root) == 1, "the slot is free")

    process = spoilt(root, "file")
    anew = trained(tiny_plan, root)
    assert "started anew: worker" in (log := (lab_folder(root) / "worker.log").read_text()) and "--slot-lock" in log
    assert anew.written_state(0).worker["pid"] != process.pid


def test_all_slots_get_their_workers_from_one_process_and_each_lives_and_dies_for_itself(root, tiny_plan, monkeypatch):
    """Torch is imported once for all of them; a measurement gives way to them; what they hold is their own."""
    monkeypatch.setenv("FACET_SLOTS", "2")
    with monkeypatch.context() as patch:
        patch.setattr(detached, "start", start_forked)
        ready.keep(root)
    process = who_waits(root)
    config = with_changes(tiny_plan, training__batch_size=64).config
    measurement = speed.start_measuring(config, root)
    until(lambda: locks.is_held(machine_folder(root) / "measure.lock"), "it is under way")
    assert psutil.Process(process.pid).children(), "as a fork of the process that waits"
    run = control.launch(endless(tiny_plan), folder=root)
    until(lambda: all(run.written_state(fold).epoch for fold in (0, 1)), f"both train: {log_of(run)}")
    assert measurement.poll() is not None and not locks.is_held(machine_folder(root) / "measure.lock")
    workers = [worker_of(run, fold) for fold in (0, 1)]
    assert len({worker.pid for worker in workers}) == 2
    assert all(worker.ppid() == process.pid for worker in workers)
    assert all(os.getsid(worker.pid) == worker.pid for worker in workers), "each has a session of its own"
    assert_nothing_is_shared(process, workers, root)

    killed = 0 if workers[0].create_time() < workers[1].create_time() else 1  # the other is a fork made beside it
    workers[killed].kill()
    until(lambda: run.fold_state(killed).state == "interrupted", "its fold is free at once")
    assert process.poll() is None, "who made it lives"
    assert queue.free_slots(root) == 1, "nobody else has its slot's lock"
    control.resume(run)
    until(lambda: run.fold_state(killed).state == "running", f"another fork goes on: {log_of(run)}")
    assert worker_of(run, killed).ppid() == process.pid

    process.kill()
    process.wait()
    other = 1 - killed
    assert_goes_on(run, other)
    assert workers[other].is_running()
    control.cancel(run)
    assert [run.written_state(fold).state for fold in (0, 1)] == ["cancelled", "cancelled"]


def assert_nothing_is_shared(process, workers, root):
    """No worker has the line of who made it, which has no lock and no thread that a fork would lack."""
    made, own = descriptors(process.pid), [set(descriptors(worker.pid).values()) for worker in workers]
    line = [name for at, name in made.items() if at > 2]
    assert len(line) == 1 and line[0].startswith("socket:"), "its streams and its line"
    assert all(line[0] not in names for names in own), "or the line would not end with its maker"
    slots = {str(machine_folder(root) / "slots" / f"{slot}.lock") for slot in range(len(workers))}
    assert slots <= set.union(*own)
    assert all(slots & names for names in own), "each worker has its slot"
    assert len(os.listdir(f"/proc/{process.pid}/task")) == 1, "no thread that a fork would lack"


def assert_goes_on(run, fold):
    epoch = run.written_state(fold).epoch
    until(lambda: run.written_state(fold).epoch > epoch, "it goes on")


def spoilt(root, how) -> subprocess.Popen:
    """The process that waits, with something that a fork of it would lack or should not have."""
    ours, theirs = socket.socketpair()
    words = ["worker", "--by-itself", "--runs", str(root), "--ready", str(theirs.fileno())]
    script = f"{SPOILT[how]}\n{STARTS}\n{WITHOUT_TORCH}"
    with theirs, detached.log(root) as log:
        process = subprocess.Popen(
            [sys.executable, "-c", script, *words], cwd=HOME, pass_fds=(theirs.fileno(),), stdout=log
        )
    ours.setblocking(False)
    ready._waiting[root] = ready.Waiting(process, ours)
    return process


def test_beside_a_thread_a_measurement_is_no_fork_but_started_anew(root, tiny_plan):
    spoilt(root, "thread")
    measurement = speed.start_measuring(tiny_plan.config, root)
    until(lambda: measurement.poll() is not None, "what was to be measured is measured")
    log = (lab_folder(root) / "worker.log").read_text()
    assert "started anew: measure" in log, "a process of its own measures"
    outcome = next(each for each in speed.Outcome if each.value[0] == measurement.poll())
    assert outcome in (speed.Outcome.MEASURED, speed.Outcome.BUSY) and outcome.value[1] in log  # whatever runs beside
    assert (speed.known(tiny_plan.config, root) is not None) == (outcome is speed.Outcome.MEASURED)
    assert "Traceback" not in log


def _unneeded(theirs, seconds):
    """In a process of its own: it buries every child, and a test's own process has some that others wait for."""
    ready.IDLE = seconds
    sys.exit(0 if nursery.wait(theirs.detach(), Path("nowhere")) is None else 1)


def test_it_leaves_when_nothing_is_said_for_long():
    ours, theirs = socket.socketpair()
    with ours, theirs:
        waiting = FORKS.Process(target=_unneeded, args=(theirs, 0.01))
        waiting.start()
        waiting.join(PATIENCE)
        assert waiting.exitcode == 0
