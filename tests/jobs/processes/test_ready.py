"""A process that waits with torch loaded takes the slot of the next launch, and never stays for nothing."""

import os
import signal
import socket
import subprocess
import sys

import psutil
import pytest

from core.jobs import control, halt, queue
from core.jobs.processes import ready
from core.places import HOME
from tests.workers import log_of, short, until

LAB = """
import sys
from pathlib import Path
from core.jobs.processes import ready
ready.keep(Path(sys.argv[1]))
print(ready._waiting[Path(sys.argv[1])].process.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def root(runs_folder, monkeypatch):
    monkeypatch.setenv(ready.OFF, "1")
    yield runs_folder
    waiting = ready._waiting.get(runs_folder)
    ready._forget(runs_folder)
    if waiting is not None:
        until(lambda: waiting.process.poll() is not None, "what waited leaves when its line is closed")


def who_waits(root) -> subprocess.Popen:
    return ready._waiting[root].process


def test_it_trains_what_is_launched_and_is_a_worker_then(root, tiny_plan):
    ready.keep(root)
    process = who_waits(root)
    ready.keep(root)
    assert who_waits(root) is process, "one is enough"
    assert queue.free_slots(root) == 1, "who waits holds nothing"
    run = control.launch(short(tiny_plan, epochs=1), folder=root)
    assert root not in ready._waiting and queue.starting_workers(root) + (queue.free_slots(root) == 0) >= 1
    until(lambda: all(state.state == "done" for state in run.states()), f"both folds are trained: {log_of(run)}")
    assert {run.written_state(fold).worker["pid"] for fold in run.folds()} == {process.pid}
    until(lambda: process.poll() == 0, "it leaves, as workers do")
    assert queue.free_slots(root) == 1


def test_it_leaves_when_the_lab_is_killed(root):
    lab = subprocess.Popen(
        [sys.executable, "-c", LAB, str(root)], cwd=HOME, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    with lab:
        waiting = psutil.Process(int(lab.stdout.readline()))
        lab.kill()
    until(lambda: not waiting.is_running(), "nobody is at the other end")


def test_a_slot_that_was_on_its_way_to_one_who_dies_is_free_again(root):
    ready.keep(root)
    process = who_waits(root)
    process.send_signal(signal.SIGSTOP)  # it has not heard yet
    slot, descriptor = queue.take_slot_for_worker(root)
    assert ready.hand_over(root, slot, descriptor)
    os.close(descriptor)
    assert queue.free_slots(root) == 0 and queue.starting_workers(root) == 1
    process.kill()
    until(lambda: queue.free_slots(root) == 1, "its death frees the slot")
    assert queue.starting_workers(root) == 0


def test_one_who_died_meanwhile_is_given_no_slot(root):
    ready.keep(root)
    process = who_waits(root)
    process.kill()
    process.wait()
    slot, descriptor = queue.take_slot_for_worker(root)
    assert not ready.hand_over(root, slot, descriptor), "a worker is started anew"
    os.close(descriptor)
    assert queue.free_slots(root) == 1


@pytest.mark.parametrize("why", ["taken", "waits", "stopped", "memory", "off", "cluster", "nonsense"])
def test_none_waits_where_it_would_not_be_used_at_once(root, tiny_plan, monkeypatch, why):
    monkeypatch.setattr(ready.detached, "start", lambda *words, **options: pytest.fail(f"{words} is started"))
    ours, theirs = socket.socketpair()
    asleep = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=theirs)
    theirs.close()
    ready._waiting[root] = ready.Waiting(asleep, ours)
    if why == "taken":
        slot = queue.take_slot(root)
        assert slot is not None
    elif why == "waits":
        monkeypatch.setattr(control, "start_worker", lambda root: None)
        control.launch(short(tiny_plan), folder=root)
    elif why == "stopped":
        halt.stop(root, "The queue was stopped.", "Look why.")
    elif why == "memory":
        monkeypatch.setattr(ready.machine, "memory", lambda: ready.ROOM - 1)
    elif why == "off":
        monkeypatch.setenv(ready.OFF, "0")
    else:
        monkeypatch.setenv("FACET_ENGINE", {"cluster": "ray", "nonsense": "nobody knows"}[why])
    ready.keep(root)
    assert root not in ready._waiting
    assert until(lambda: asleep.poll() is not None, "whoever waited is let go of")


def test_it_leaves_when_nothing_is_said_for_long(monkeypatch):
    monkeypatch.setattr(ready, "IDLE", 0.01)
    ours, theirs = socket.socketpair()
    with ours:
        assert ready.wait(theirs.detach()) is None
