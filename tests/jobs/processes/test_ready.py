"""A process that waits with torch loaded makes the workers of the next launch, and never stays for nothing."""

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
from tests.jobs.processes.waiting import WITHOUT_TORCH, who_waits
from tests.workers import log_of, short, until

LAB = """
import subprocess, sys
from pathlib import Path
from core.jobs.processes import detached, ready
start = subprocess.Popen
detached.subprocess.Popen = lambda command, **how: start([command[0], "-c", sys.argv[2], *command[3:]], **how)
ready.keep(Path(sys.argv[1]))
print(ready._waiting[Path(sys.argv[1])].process.pid, flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(ready.FORKS, reason="where it forks see test_nursery.py")
def test_it_becomes_the_worker_of_the_next_launch(root, tiny_plan):
    ready.keep(root)
    process = who_waits(root)
    run = control.launch(short(tiny_plan, epochs=1), folder=root)
    until(lambda: all(s.state == "done" for s in run.states()), f"both folds are trained: {log_of(run)}")
    assert {run.written_state(fold).worker["pid"] for fold in run.folds()} == {process.pid}
    until(lambda: queue.free_slots(root) == 1, "it leaves, as workers do")
    assert root not in ready._waiting


def test_it_leaves_when_the_lab_is_killed(root):
    lab = subprocess.Popen(
        [sys.executable, "-c", LAB, str(root), WITHOUT_TORCH],
        cwd=HOME,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
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


@pytest.mark.parametrize("why", ["taken", "waits", "stopped", "memory", "off", "cluster", "nonsense", "measurement"])
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
    elif why == "measurement":
        ready._forget(root)
        measures = subprocess.Popen([sys.executable, "-c", "import sys; sys.stdin.read()"], stdin=subprocess.PIPE)
        monkeypatch.setitem(ready._measurements, root, [ready.Alone(measures)])
    else:
        monkeypatch.setenv("FACET_ENGINE", {"cluster": "ray", "nonsense": "nobody knows"}[why])
    ready.keep(root)
    assert root not in ready._waiting
    until(lambda: asleep.poll() is not None, "whoever waited is let go of")
    if why == "measurement":
        ready.stop_measuring(root)
        until(lambda: measures.poll() is not None, "its line is closed")


def test_one_whose_workers_train_waits_on_though_no_slot_is_free(root, monkeypatch):
    ours, theirs = socket.socketpair()
    with theirs:
        process = subprocess.Popen(["sleep", "3600"])
        monkeypatch.setitem(ready._waiting, root, ready.Waiting(process, ours))
        monkeypatch.setattr(ready.Waiting, "has_forks", lambda self: True)
        slot = queue.take_slot(root)
        ready.keep(root)
        assert who_waits(root) is process
        monkeypatch.setattr(ready.Waiting, "has_forks", lambda self: False)
        ready.keep(root)
        assert root not in ready._waiting
        assert slot is not None
    process.kill()


def test_what_is_measured_in_a_process_of_its_own_ends_with_its_line(root, monkeypatch):
    monkeypatch.setenv(ready.OFF, "0")
    script = "import sys; line = sys.stdin.readline(); print(line, end='', flush=True); sys.stdin.read(); sys.exit(7)"
    begun = []

    def start(verb, *words, root, stdin):
        begun.append(subprocess.Popen([sys.executable, "-c", script], stdin=stdin, stdout=subprocess.PIPE))
        return begun[-1]

    monkeypatch.setattr(ready.detached, "start", start)
    measurement = ready.measure(root, '{"of": "this"}')
    assert begun[0].stdout.readline() == b'{"of": "this"}\n'
    with pytest.raises(subprocess.TimeoutExpired):
        begun[0].wait(0.5)
    ready.stop_measuring(root)
    assert until(lambda: measurement.poll(), "it hears that its line is closed") == 7
    begun[0].stdout.close()
