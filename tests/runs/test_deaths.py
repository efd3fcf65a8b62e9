"""A worker that was killed for want of memory is told from one that was stopped from outside."""

import os
import signal
from functools import partial
from pathlib import Path

import psutil
import pytest

from core import machine
from core.jobs import control, queue, worker
from core.runs import FoldState, deaths
from core.runs.lists.summaries import summaries
from core.storage import files
from core.studies import healing
from tests.control_groups import make_group
from tests.workers import (
    PATIENCE,
    assert_done,
    held,
    hold_at,
    launch,
    log_of,
    resume,
    short,
    small_net,
    until,
    with_changes,
)


@pytest.fixture
def counter(tmp_path, monkeypatch):
    """The kernel's count of kills, made up: counter(n) sets it."""
    path = tmp_path / "memory.events"

    def count(number):
        path.write_text(f"oom {number}\noom_kill {number}\n")

    count(3)
    monkeypatch.setattr(machine, "memory", lambda: 4_000_000_000)
    monkeypatch.setattr(machine, "is_limited", lambda: True)
    monkeypatch.setattr(
        machine, "kills", lambda: machine.Kills(f"{path} {machine._boot(machine.TOP)}", machine._counted(path))
    )
    return count


@pytest.fixture
def dead(tiny_plan, runs_folder, monkeypatch):
    """A run whose first fold says running, with the note that its worker left."""
    monkeypatch.setattr(control, "start_worker", lambda root: None)

    def made(progress=True, batch_size=8, slots_are_set=True, **state):
        run = launch(with_changes(tiny_plan, training__batch_size=batch_size), runs_folder)
        note = deaths.note()
        worker = {**note, "slots": 2, "slots_are_set": slots_are_set}
        run.write_state(FoldState(0, state="running", epoch=2, worker=worker, **state))
        if progress:
            row = {"kind": "progress", "worker": {**note, "held": 3_120_000_000}}
            files.write_json(run.fold_dir(0) / "progress.json", row)
        return run

    return made


@pytest.mark.fault(37)
def test_killed_for_memory_is_told_with_the_figures(dead, counter):
    run = dead()
    assert run.fold_state(0).reason == deaths.STOPPED
    counter(4)
    state = run.fold_state(0)
    assert (state.state, state.kind, state.memory_kills) == ("interrupted", "memory", 1)
    assert "probably out of memory: it held 3.1 GB of the 4.0 GB that its container" in state.reason
    assert "Resume goes on after epoch 2." in state.remedy
    assert "fold jobs at a time from 2 to 1" in state.remedy
    assert "batch size 4 instead of 8" in state.remedy


@pytest.mark.parametrize("slots_are_set", [False, None])
def test_where_the_setting_does_nothing_it_is_facet_slots_that_lowers_the_fold_jobs(dead, counter, slots_are_set):
    """As with GPUs, or where FACET_SLOTS is set; None stands for a note of a lab that did not say."""
    run = dead(slots_are_set=slots_are_set)
    counter(4)
    remedy = run.fold_state(0).remedy
    assert "start the lab anew with FACET_SLOTS=1, for 1 fold job at a time instead of 2, or launch it anew" in remedy
    assert "lower the fold jobs" not in remedy


@pytest.mark.parametrize(("forced", "gpus", "are_set"), [(None, 0, True), ("3", 0, False), (None, 2, False)])
def test_a_worker_notes_whether_its_slots_are_those_of_the_settings(
    tiny_plan, runs_folder, monkeypatch, forced, gpus, are_set
):
    monkeypatch.setattr(control, "start_worker", lambda root: None)
    monkeypatch.delenv("FACET_SLOTS")
    if forced:
        monkeypatch.setenv("FACET_SLOTS", forced)
    monkeypatch.setattr(queue, "gpu_count", lambda runs=None: gpus)
    monkeypatch.setattr(worker, "import_torch", lambda *_: False)
    run = launch(tiny_plan, runs_folder)
    worker.work(runs_folder)
    assert run.written_state(0).worker["slots_are_set"] is are_set


@pytest.mark.parametrize("batch_size", [2, 3])
def test_no_batch_size_is_advised_that_a_run_cannot_have(dead, counter, batch_size):
    run = dead(batch_size=batch_size)
    counter(4)
    remedy = run.fold_state(0).remedy
    assert "batch size" not in remedy and "with smaller images or a shallower network" in remedy


def test_lists_tell_it_too(dead, counter, runs_folder):
    dead()
    counter(4)
    (summary,) = summaries(runs_folder)
    assert summary["folds"][0]["state"] == "interrupted"
    assert "probably out of memory" in summary["folds"][0]["reason"]


def test_who_looks_first_writes_the_verdict_down(dead, counter, runs_folder):
    """The count goes on rising for others."""
    stopped, killed = dead(), None
    healing.look_after(runs_folder)
    killed = dead()
    counter(4)
    healing.look_after(runs_folder)
    counter(9)
    assert (stopped.fold_state(0).kind, stopped.fold_state(0).reason) == ("stopped", deaths.STOPPED)
    assert (killed.fold_state(0).kind, killed.fold_state(0).memory_kills) == ("memory", 1)
    healing.look_after(runs_folder)
    assert killed.fold_state(0).memory_kills == 1


def test_a_kill_before_the_last_note_was_somebody_elses(dead, counter):
    run = dead(progress=False)
    counter(4)
    note = {**deaths.note(), "held": 1_000_000_000}
    files.write_json(run.fold_dir(0) / "progress.json", {"kind": "progress", "worker": note})
    assert run.fold_state(0).reason == deaths.STOPPED


def test_a_note_of_the_worker_before_does_not_count(dead, counter):
    run = dead()
    left = files.read_json(run.fold_dir(0) / "progress.json")
    left["worker"] |= {"pid": 1, "kills": {**left["worker"]["kills"], "count": 99}}
    files.write_json(run.fold_dir(0) / "progress.json", left)
    counter(4)
    state = run.fold_state(0)
    assert state.kind == "memory"
    assert "it held" not in state.reason, "what it held at its start says nothing"
    assert "4.0 GB" in state.reason


@pytest.mark.parametrize("by", [5.0, -3600.0, 1 / 3])
@pytest.mark.fault(28)
def test_a_note_after_the_clock_was_set_is_of_the_same_worker(dead, counter, monkeypatch, by):
    run, real = dead(), psutil._psplatform.boot_time
    monkeypatch.setattr(psutil._psplatform, "boot_time", lambda: real() + by)
    note = {**deaths.note(), "held": 3_120_000_000}
    files.write_json(run.fold_dir(0) / "progress.json", {"kind": "progress", "worker": note})
    counter(4)
    assert "it held 3.1 GB" in run.fold_state(0).reason


@pytest.mark.fault(4)
def test_after_a_restart_of_the_machine_nothing_is_claimed(dead, counter, monkeypatch):
    run = dead()
    counter(4)
    monkeypatch.setattr(machine, "_boot", lambda top: "another")
    assert run.fold_state(0).reason == deaths.STOPPED


@pytest.mark.parametrize("worker", [None, {}, {"pid": 1, "create_time": 2.0}, {"kills": 5}, {"kills": {"count": "x"}}])
def test_a_state_without_notes_as_before_is_stopped_from_outside(dead, counter, worker):
    run = dead(progress=False)
    counter(4)
    run.write_state(FoldState(0, state="running", worker=worker))
    assert (run.fold_state(0).state, run.fold_state(0).reason) == ("interrupted", deaths.STOPPED)


@pytest.mark.fault(37)
def test_the_second_time_names_what_has_to_change_and_nothing_resumes_by_itself(dead, counter, runs_folder):
    run = dead()
    counter(4)
    control.resume(run)
    assert run.written_state(0).memory_kills == 1
    worker = {**deaths.note(), "slots": 2, "slots_are_set": True}
    run.write_state(FoldState(0, state="running", epoch=2, worker=worker, memory_kills=1))
    queue.remove(run, run.folds())
    counter(5)
    healing.look_after(runs_folder)
    state = run.fold_state(0)
    assert (state.state, state.memory_kills) == ("interrupted", 2)
    assert state.remedy.startswith("This was the second time: before you resume, lower the fold jobs at a time from 2")
    assert (run.id, 0) not in control.waiting(runs_folder)


def test_a_worker_killed_from_outside_is_not_said_to_have_lacked_memory(tiny_plan, workers):
    run = launch(short(tiny_plan, epochs=2), workers.root)
    process = workers.start(small_net, hold_at(epoch=2))
    until(lambda: held(workers.root), "the worker trains")
    assert run.progress(0)["worker"]["pid"] == run.written_state(0).worker["pid"]
    assert run.progress(0)["worker"]["held"] > 10_000_000
    os.kill(process.pid, signal.SIGKILL)
    process.join(PATIENCE)
    state = run.fold_state(0)
    assert (state.state, state.reason) == ("interrupted", deaths.STOPPED)


def hungry(root, *, group):
    """Takes 900 MB at the second epoch, in a control group that allows less."""
    from core.training import train

    (group / "cgroup.procs").write_text(str(os.getpid()))
    start_epoch = train.Clock.start_epoch

    def start(clock, epoch, phase):
        if epoch == 2:
            taken = [bytearray(b"x" * 2**20) for _ in range(900)]
            assert len(taken) == 900
        return start_epoch(clock, epoch, phase)

    train.Clock.start_epoch = start


@pytest.mark.fault(37)
def test_a_worker_that_the_kernel_kills_for_memory_says_so_and_can_be_resumed(tiny_plan, workers):
    group = make_group(megabytes=600)
    if group is None:
        pytest.skip("NOT TESTED: no control group can be made here (this needs root and a memory controller)")
    try:
        run = launch(short(tiny_plan, epochs=2), workers.root)
        assert workers.run(small_net, partial(hungry, group=Path(group))) == -signal.SIGKILL, log_of(run)
        state = run.fold_state(0)
        assert (state.state, state.kind) == ("interrupted", "memory"), log_of(run)
        assert "of the 0.6 GB that its container or control group allows" in state.reason
        healing.look_after(workers.root)
    finally:
        group.rmdir()
    assert run.fold_state(0).kind == "memory", "though its control group and its counter are gone"
    resume(run)
    assert workers.run(small_net) == 0
    assert_done(run)
    assert run.written_state(0).memory_kills == 1
