import contextlib
import errno
import json
import multiprocessing
import os
import resource
import signal
import subprocess
import sys
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from core import machine, places
from core.cli import main as cli
from core.jobs import control, halt, queue, slots, turns, worker
from core.jobs.processes import detached
from core.runs import FoldState, Run
from core.runs.create import create
from core.runs.run import is_locked
from core.storage import files, locks
from tests.closed import close
from tests.workers import FORKS, PATIENCE, Workers, assert_done, held, launch, short, small_net, until


@pytest.fixture
def make_run(tiny_plan, runs_folder):
    """make_run(folds) -> a frozen run with so many folds, nothing queued."""

    def make(folds=2):
        samples = tiny_plan.samples.assign(fold=[i % folds for i in range(len(tiny_plan.samples))])
        return create(tiny_plan.config, samples, class_names=tiny_plan.class_names, info={}, folder=runs_folder)

    return make


def waiting(root):
    return [(run_id, fold) for _, run_id, fold in queue.entries(root)]


def pretend(root, gated=False):
    """In a worker: a job is a line at its start and at its end, and a state; no training.

    gated: it ends once there is .open, for all, or .open-<fold> in the runs folder.
    """

    def train_job(run, fold, slot, entry):
        note = partial(_note, root / "jobs.jsonl", run=run.id, fold=fold, slot=slot, pid=os.getpid())
        note(what="start")
        run.write_state(replace(run.written_state(fold), state="running"))
        entry.unlink(missing_ok=True)
        if gated:
            gates = root / ".open", root / f".open-{fold}"
            until(lambda: any(gate.exists() for gate in gates), "the gate opens", every=0.005)
        note(what="end")
        run.write_state(replace(run.written_state(fold), state="done"))

    worker.train_job = train_job


def _note(path, **facts):
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, (json.dumps(facts) + "\n").encode())  # one write: lines of two workers do not mix
    os.close(descriptor)


def notes(root):
    path = root / "jobs.jsonl"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def most_at_once(intervals):
    now = most = 0
    for note in intervals:
        now += 1 if note["what"] == "start" else -1
        most = max(most, now)
    return most


@pytest.fixture
def pretenders(runs_folder, monkeypatch):
    """Workers that start for real whenever the lab starts one, and only pretend to train."""
    crew = Workers(runs_folder)
    monkeypatch.setattr(control, "start_worker", lambda root: crew.start(pretend))
    yield crew
    crew.end()


def test_jobs_wait_in_the_order_in_which_they_came(make_run, runs_folder):
    first, second = make_run(), make_run()
    queue.enqueue(second, [1, 0])
    queue.enqueue(first, [0, 1])
    assert waiting(runs_folder)[:2] == [(second.id, 0), (second.id, 1)]
    assert waiting(runs_folder)[2:] == [(first.id, 0), (first.id, 1)]
    assert control.waiting(runs_folder) == waiting(runs_folder)


@pytest.mark.fault(28)
def test_what_is_launched_after_the_clock_went_back_trains_after_what_waits(make_run, runs_folder, monkeypatch):
    runs = sorted((make_run(1) for _ in range(3)), key=lambda run: run.id, reverse=True)  # not as their names sort
    queue.enqueue(runs[0], [0])
    for name in ("README", "99999999999999999999", f"{'x' * 20}__00"):
        (queue.queue_folder(runs_folder) / name).touch()
    monkeypatch.setattr(queue.time, "time_ns", lambda: 10**18)  # in the year 2001
    for run in runs[1:]:
        queue.enqueue(run, [0])
    monkeypatch.undo()
    assert [run_id for run_id, _ in waiting(runs_folder)] == [run.id for run in runs]


def test_a_job_that_waits_is_not_queued_twice(make_run, runs_folder):
    run = make_run()
    queue.enqueue(run, [0, 1])
    queue.enqueue(run, [1, 0])
    assert waiting(runs_folder) == [(run.id, 0), (run.id, 1)]


def test_strange_names_in_the_queue_folder_are_passed_over(make_run, runs_folder):
    run = make_run()
    queue.enqueue(run, [0])
    for name in ("README", "1__2", "0__../../etc__00", f"1__{run.id}__x", "__", ".hidden__x__01"):
        with_slash = "/" in name
        if not with_slash:
            (queue.queue_folder(runs_folder) / name).touch()
    (queue.queue_folder(runs_folder) / "00000000000000000001__..__00").touch()
    claimed = worker.claim(runs_folder)
    assert (claimed[0], claimed[1]) == (run, 0)
    claimed[2].release()


def test_the_queue_of_a_fresh_folder_is_empty(runs_folder):
    assert waiting(runs_folder) == []
    assert worker.claim(runs_folder) is None
    assert worker.work(runs_folder) == 0


def test_removing_takes_only_the_named_folds(make_run, runs_folder):
    run, other = make_run(3), make_run(3)
    queue.enqueue(run, [0, 1, 2])
    queue.enqueue(other, [0])
    queue.remove(run, [0, 2])
    assert waiting(runs_folder) == [(run.id, 1), (other.id, 0)]


def test_what_is_held_back_keeps_its_place_and_is_not_begun(make_run, runs_folder):
    first, second = make_run(1), make_run(1)
    queue.hold(runs_folder, "some-study", [first.id, "still-to-be-made"])
    queue.enqueue(first, [0])
    queue.enqueue(second, [0])
    queue.enqueue(first, [0])
    assert queue.held_runs(runs_folder) == {first.id, "still-to-be-made"}
    assert waiting(runs_folder) == [(second.id, 0)]
    claimed = worker.claim(runs_folder)
    assert claimed[0] == second and worker.claim(runs_folder) is None
    claimed[2].release()
    queue.release(runs_folder, "some-study")
    assert waiting(runs_folder) == [(first.id, 0), (second.id, 0)]


def test_a_hold_that_comes_while_a_worker_reads_the_queue_is_honoured(make_run, runs_folder, monkeypatch):
    run = make_run()
    queue.enqueue(run, [0])
    entries = queue.entries

    def hold_after(root, *, by_itself):
        queued = list(entries(root, by_itself=by_itself))
        queue.hold(root, "some-study", [run.id])
        return queued

    monkeypatch.setattr(queue, "entries", hold_after)
    assert worker.claim(runs_folder) is None
    monkeypatch.undo()
    assert not is_locked(run.fold_lock(0))
    queue.release(runs_folder, "some-study")
    assert waiting(runs_folder) == [(run.id, 0)]


def test_two_holds_hold_until_both_are_gone_and_one_run_is_let_go_of_all(make_run, runs_folder):
    run, other = make_run(1), make_run(1)
    queue.hold(runs_folder, "one", [run.id, other.id])
    queue.hold(runs_folder, "two", [run.id])
    queue.hold(runs_folder, "two", [other.id])
    queue.release(runs_folder, "one")
    assert queue.held_runs(runs_folder) == {run.id, other.id}
    queue.let_go(run)
    assert queue.held_runs(runs_folder) == {other.id} and queue.is_holding(runs_folder, "two")
    queue.release(runs_folder, "two", [other.id])
    assert not queue.is_holding(runs_folder, "two")
    queue.release(runs_folder, "two")
    assert os.listdir(queue.holds_folder(runs_folder)) == []


class Clock:
    now = 1000.0

    def __call__(self):
        return self.now


@pytest.fixture
def reader(runs_folder, monkeypatch):
    """One that has settled: as if nothing had changed for an hour. reads: how often it read the whole queue."""
    reader = queue.Reader(runs_folder, Clock())
    reader.reads = 0
    original = reader._read

    def read():
        reader.reads += 1
        original()

    def settle():
        for path in reader._paths():
            with contextlib.suppress(FileNotFoundError):
                os.utime(path, (0, 0))
        for _ in range(3):
            reader.entries()
            reader._unchanged._clock.now += 3.0

    monkeypatch.setattr(reader, "_read", read)
    reader.settle = settle
    return reader


def test_a_queue_that_did_not_change_is_not_read_again(make_run, runs_folder, reader):
    queue.enqueue(make_run(), [0, 1])
    reader.settle()
    reads = reader.reads
    for _ in range(50):
        reader._unchanged._clock.now += 0.3
        assert reader.entries() == list(queue.entries(runs_folder, by_itself=True))
    assert reader.reads == reads


CHANGES = {
    "another run": lambda root, runs, make: queue.enqueue(make(), [0]),
    "a fold that began": lambda root, runs, make: queue.remove(runs[0], [0]),
    "another order": lambda root, runs, make: queue.reorder(root, [runs[1].id, runs[0].id]),
    "a hold": lambda root, runs, make: queue.hold(root, "pause", [runs[0].id]),
    "a run more of a hold": lambda root, runs, make: queue.hold(root, "early", [runs[1].id]),
    "a hold that ended": lambda root, runs, make: queue.release(root, "early"),
    "a run less of a hold": lambda root, runs, make: queue.release(root, "early", [runs[2].id]),
    "a run let go": lambda root, runs, make: queue.let_go(runs[2]),
    "somebody's turn": lambda root, runs, make: turns.took_one(runs[0]),
    "a number for each": lambda root, runs, make: files.write_text(places.lab_file(root), "[queue]\neach = 1\n"),
    "a job of another machine": lambda root, runs, make: queue.enqueue(make(), [0], "another"),
    "no queue": lambda root, runs, make: [path.unlink() for path in queue.queue_folder(root).iterdir()],
}


@pytest.mark.parametrize("change", CHANGES)
def test_whatever_changes_what_may_begin_is_seen_at_once(make_run, runs_folder, reader, change):
    runs = [make_run() for _ in range(4)]
    for run, person in zip(runs, ("ada", "bob", "ada", "ada"), strict=True):
        run.update_info(by=person)
        queue.enqueue(run, [0, 1])
    queue.hold(runs_folder, "early", [runs[2].id, runs[3].id])
    reader.settle()
    before = reader.entries()
    CHANGES[change](runs_folder, runs, make_run)
    now = list(queue.entries(runs_folder, by_itself=True))
    assert reader.entries() == now
    assert (now != before) == (change != "a job of another machine")


def test_a_job_that_was_given_another_place_still_stands_in_the_queue(make_run, runs_folder, reader):
    first, second = make_run(), make_run()
    for run in (first, second):
        queue.enqueue(run, [0, 1])
    reader.settle()
    queue.reorder(runs_folder, [second.id, first.id])
    queue.remove(second, [0])
    assert reader.stands(first.id, 0) and reader.stands(second.id, 1)
    assert not reader.stands(second.id, 0) and not reader.stands(first.id, 2)


def test_a_claimed_job_cannot_be_claimed_again(make_run, runs_folder):
    run = make_run()
    queue.enqueue(run, [0, 1])
    first, second = worker.claim(runs_folder), worker.claim(runs_folder)
    assert (first[1], second[1]) == (0, 1)
    assert worker.claim(runs_folder) is None
    first[2].release()
    second[2].release()


def _hold(take, place, said):
    """In a process of its own: have what take(place) takes, until it is killed."""
    held_here = take(place)
    said.send(held_here is not None)
    signal.pause()


def _take_lock(run):
    return run.fold_lock(0).acquire()


@contextlib.contextmanager
def holding(take, place):
    """Meanwhile another process has what take(place) takes; then it is killed."""
    here, there = FORKS.Pipe(duplex=False)
    holder = FORKS.Process(target=_hold, args=(take, place, there))
    holder.start()
    try:
        assert here.recv()
        yield
    finally:
        holder.kill()
        holder.join(PATIENCE)


@pytest.mark.fault(40)
def test_a_job_whose_lock_another_process_holds_keeps_its_place(make_run, runs_folder):
    run = make_run()
    queue.enqueue(run, [0, 1])
    with holding(_take_lock, run):
        claimed = worker.claim(runs_folder)
        assert claimed[:2] == (run, 1)
        claimed[2].release()
        assert waiting(runs_folder) == [(run.id, 0), (run.id, 1)]
    claimed = worker.claim(runs_folder)
    assert claimed[:2] == (run, 0), "it is the first of the queue again when its holder is dead"
    claimed[2].release()


def test_a_job_that_cannot_be_locked_keeps_its_place_and_the_log_says_why(make_run, runs_folder, capsys):
    run = make_run()
    queue.enqueue(run, [0, 1])
    (run.fold_dir(0) / "lock").mkdir()  # for root, too, a file that cannot be opened
    claimed = worker.claim(runs_folder)
    assert claimed[:2] == (run, 1)
    claimed[2].release()
    assert waiting(runs_folder) == [(run.id, 0), (run.id, 1)]
    assert f"{run.id}: fold 0 cannot be locked" in capsys.readouterr().err


def test_a_job_whose_state_is_out_of_reach_keeps_its_place_and_the_log_says_why(
    make_run, runs_folder, monkeypatch, capsys
):
    run, passed_over = make_run(), set()
    queue.enqueue(run, [0, 1])
    with monkeypatch.context() as patch:
        close(patch, run.state_file(0), errno.EIO)
        claimed = worker.claim(runs_folder, passed_over)
        assert claimed[:2] == (run, 1) and passed_over == {(run.id, 0)}
        claimed[2].release()
        assert waiting(runs_folder) == [(run.id, 0), (run.id, 1)] and not is_locked(run.fold_lock(0))
        assert f"{run.id}: fold 0 cannot be read and waits on: " in capsys.readouterr().err
    claimed = worker.claim(runs_folder)
    assert claimed[:2] == (run, 0)
    claimed[2].release()


def test_a_worker_leaves_when_what_waits_cannot_be_locked_and_says_so_once(make_run, runs_folder, monkeypatch, capsys):
    run, begun, looks, take_slot = make_run(), [], [], queue.take_slot

    def take(root):
        looks.append(root)
        assert len(looks) < 10, "it goes round and round"
        return take_slot(root)

    def train_job(run, fold, slot, entry):
        begun.append(fold)
        run.write_state(FoldState(fold, state="done"))
        entry.unlink()

    monkeypatch.setattr(queue, "take_slot", take)
    monkeypatch.setattr(worker, "train_job", train_job)
    queue.enqueue(run, [0, 1])
    (run.fold_dir(0) / "lock").mkdir()
    assert worker.work(runs_folder) == 1
    assert begun == [1]
    assert waiting(runs_folder) == [(run.id, 0)]
    assert capsys.readouterr().err.count("cannot be locked") == 1
    (run.fold_dir(0) / "lock").rmdir()
    assert worker.work(runs_folder) == 1, "another worker tries it again"


def _stand_still(root, *, point):
    """In a worker: stop at a point between taking the first job's lock and training it until it is killed."""

    def here(reached):
        if reached == point:
            (root / ".held").touch()
            signal.pause()

    states, unlink = Run.state_in_reach, Path.unlink
    write = files.write_json

    def state_in_reach(run, fold):
        here("locked")
        return states(run, fold)

    def write_json(path, data, **options):
        if path.name == "state.json":
            here("before it says running")
        write(path, data, **options)
        if path.name == "state.json":
            here("after it says running")

    def gone(path, **options):
        if path.parent.name == "queue":
            here("before its entry goes")
        return unlink(path, **options)

    Run.state_in_reach, files.write_json, Path.unlink = state_in_reach, write_json, gone


@pytest.mark.parametrize(
    "point", ["locked", "before it says running", "after it says running", "before its entry goes"]
)
@pytest.mark.fault(40)
def test_a_worker_that_dies_between_claim_and_training_leaves_the_job_to_the_next(tiny_plan, workers, point):
    run = launch(short(tiny_plan), workers.root)
    begun = control.waiting(workers.root)
    holder = workers.start(small_net, partial(_stand_still, point=point))
    until(lambda: held(workers.root), "the first worker stands still")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACET_SLOTS", "2")
        assert workers.run(small_net) == 0
    assert control.waiting(workers.root) == begun, "a second worker finds it taken and leaves it where it is"
    os.kill(holder.pid, signal.SIGKILL)
    holder.join(PATIENCE)
    assert control.waiting(workers.root) == begun, "its place outlives its holder"
    assert workers.run(small_net) == 0
    assert_done(run)
    assert control.waiting(workers.root) == []
    assert run.log_tail().count("fold 0: done") == 1


def test_a_job_claimed_by_a_worker_that_died_at_once_is_still_queued(make_run, runs_folder):
    run = make_run()
    queue.enqueue(run, [0])
    worker.claim(runs_folder)[2].release()  # what the operating system does when the worker is killed here
    assert waiting(runs_folder) == [(run.id, 0)]
    assert run.fold_state(0).state == "queued"


@pytest.mark.parametrize("state", ["done", "failed", "cancelled"])
def test_a_stale_entry_of_a_job_that_does_not_wait_is_dropped(make_run, runs_folder, state):
    run = make_run()
    queue.enqueue(run, [0])
    run.write_state(FoldState(0, state=state))
    assert worker.claim(runs_folder) is None
    assert waiting(runs_folder) == []
    assert run.written_state(0).state == state


def test_a_job_that_was_asked_to_stop_is_not_begun(make_run, runs_folder):
    run = make_run()
    queue.enqueue(run, [0])
    run.cancel_file(0).touch()
    assert worker.claim(runs_folder) is None


def test_jobs_of_a_deleted_run_are_dropped_and_its_folder_stays_gone(make_run, runs_folder):
    gone, run = make_run(), make_run()
    queue.enqueue(gone, [0, 1])
    queue.enqueue(run, [0])
    gone.delete()
    claimed = worker.claim(runs_folder)
    assert claimed[0] == run
    claimed[2].release()
    assert waiting(runs_folder) == [(run.id, 0)]
    assert not gone.dir.exists()


def test_looking_at_a_lock_of_a_deleted_run_does_not_make_its_folder_again(make_run):
    run = make_run()
    lock = run.fold_lock(0)
    run.delete()
    assert not is_locked(lock)
    assert not run.dir.exists()


def test_two_jobs_and_one_slot_never_train_at_once(make_run, runs_folder, pretenders):
    run = make_run(4)
    queue.enqueue(run, run.folds())
    three = [pretenders.start(partial(pretend, gated=True)) for _ in range(3)]
    until(lambda: notes(runs_folder) and sum(worker.is_alive() for worker in three) == 1, "two find no slot and leave")
    assert [note["what"] for note in notes(runs_folder)] == ["start"]
    (runs_folder / ".open").touch()
    until(lambda: all(state.state == "done" for state in run.states()), "four jobs end")
    assert most_at_once(notes(runs_folder)) == 1
    assert [note["fold"] for note in notes(runs_folder) if note["what"] == "start"] == [0, 1, 2, 3]


def test_two_slots_train_two_jobs_at_once_and_never_three(make_run, runs_folder, pretenders, monkeypatch):
    monkeypatch.setenv("FACET_SLOTS", "2")
    run = make_run(6)
    queue.enqueue(run, run.folds())
    three = [pretenders.start(partial(pretend, gated=True)) for _ in range(3)]
    until(lambda: len(notes(runs_folder)) == 2 and not all(worker.is_alive() for worker in three), "the third leaves")
    (runs_folder / ".open").touch()
    until(lambda: all(state.state == "done" for state in run.states()), "six jobs end")
    intervals = notes(runs_folder)
    assert most_at_once(intervals) == 2
    assert {note["slot"] for note in intervals} == {0, 1}


@pytest.fixture
def two_slots(runs_folder, monkeypatch):
    """Two fold jobs at a time as Settings keep it, which can be changed while workers live."""
    monkeypatch.delenv("FACET_SLOTS")
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")  # else there is a slot a GPU
    slots.write(runs_folder, slots.Slots(2))


def test_fewer_jobs_at_a_time_hold_for_all_that_begin_later(make_run, runs_folder, pretenders, two_slots):
    run = make_run(6)
    queue.enqueue(run, run.folds())
    two = [pretenders.start(partial(pretend, gated=True)) for _ in range(2)]
    until(lambda: len(notes(runs_folder)) == 2, "two jobs begin")
    slots.write(runs_folder, slots.Slots(1))
    for fold in (0, 1):
        (runs_folder / f".open-{fold}").touch()
    until(lambda: len(notes(runs_folder)) == 6 or not all(each.is_alive() for each in two), "one leaves, or both go on")
    (runs_folder / ".open").touch()
    until(lambda: all(state.state == "done" for state in run.states()), "six jobs end")
    later = [note for note in notes(runs_folder) if note["fold"] not in (0, 1)]
    assert most_at_once(later) == 1
    assert {note["slot"] for note in later} == {0}


@pytest.mark.parametrize("is_free", [False, True])
def test_a_worker_whose_slot_is_no_more_goes_on_in_one_that_is_free_else_leaves(
    make_run, runs_folder, monkeypatch, two_slots, is_free
):
    run, begun = make_run(3), []
    _, first = queue.take_slot(runs_folder)

    def train_job(run, fold, slot, entry):
        begun.append((fold, slot))
        slots.write(runs_folder, slots.Slots(1))
        if is_free:
            first.release()
        run.write_state(FoldState(fold, state="done"))
        entry.unlink()

    monkeypatch.setattr(worker, "train_job", train_job)
    queue.enqueue(run, run.folds())
    worker.work(runs_folder)
    assert begun == ([(0, 1), (1, 0), (2, 0)] if is_free else [(0, 1)])
    assert waiting(runs_folder) == ([] if is_free else [(run.id, 1), (run.id, 2)])
    slots.write(runs_folder, slots.Slots(2))
    assert queue.free_slots(runs_folder) == 1 + is_free


def test_a_job_queued_while_the_worker_leaves_is_not_lost(make_run, runs_folder, pretenders):
    run = make_run(20)
    moments = (  # how far the worker is with a job when the next one comes
        lambda fold: True,
        lambda fold: any(note["fold"] == fold for note in notes(runs_folder)),
        lambda fold: run.written_state(fold).state == "done",
        lambda fold: run.written_state(fold).state == "done" and not is_locked(run.fold_lock(fold)),
        lambda fold: run.written_state(fold).state == "done" and queue.free_slots(runs_folder) == 1,
    )
    for fold in run.folds():
        queue.enqueue(run, [fold])
        control.ensure_workers(runs_folder)  # once, as a launch does: nobody looks again
        until(partial(moments[fold * 7 % 5], fold), f"the worker is as far with job {fold}", every=0.001)
    until(lambda: all(state.state == "done" for state in run.states()), "twenty jobs end")
    assert most_at_once(notes(runs_folder)) == 1
    assert sorted(note["fold"] for note in notes(runs_folder) if note["what"] == "start") == run.folds()


def test_a_job_queued_between_the_last_look_and_the_freed_slot_is_taken_by_the_leaving_worker(
    make_run, runs_folder, monkeypatch
):
    late, begun = make_run(), []
    claim = worker.claim

    def claim_then_queue(root, *passed_over, by_itself):
        job = claim(root, *passed_over, by_itself=by_itself)
        if job is None and not begun:
            queue.enqueue(late, [0])
            assert queue.free_slots(root) == 0  # so the launch that queued it starts no worker
        return job

    def train_job(run, fold, slot, entry):
        begun.append((run, fold))
        run.write_state(FoldState(fold, state="done"))
        entry.unlink()

    monkeypatch.setattr(worker, "claim", claim_then_queue)
    monkeypatch.setattr(worker, "train_job", train_job)
    assert worker.work(runs_folder) == 1
    assert begun == [(late, 0)]
    assert queue.free_slots(runs_folder) == 1
    assert not is_locked(late.fold_lock(0))


def _launch_many(root, run_ids):
    fork = multiprocessing.get_context("fork")
    control.start_worker = lambda folder: fork.Process(target=_pretend_worker, args=(folder,)).start()
    for run_id in run_ids:
        queue.enqueue(Run(run_id, root), [0])
        control.ensure_workers(root)


def _pretend_worker(root):
    pretend(root)
    worker.work(root)


@pytest.mark.fault(40)
def test_launches_from_several_processes_at_once_lose_nothing(make_run, runs_folder):
    made = [make_run() for _ in range(9)]
    shares = [[run.id for run in made[i::3]] for i in range(3)]
    launchers = [FORKS.Process(target=_launch_many, args=(runs_folder, share)) for share in shares]
    for launcher in launchers:
        launcher.start()
    for launcher in launchers:
        launcher.join(PATIENCE)
    until(lambda: all(run.fold_state(0).state == "done" for run in made), "nine jobs end")
    assert most_at_once(notes(runs_folder)) == 1
    assert len([note for note in notes(runs_folder) if note["what"] == "start"]) == 9


def test_a_slot_is_free_again_when_its_holder_is_killed(runs_folder):
    with holding(queue.take_slot, runs_folder):
        assert queue.free_slots(runs_folder) == 0
        assert queue.take_slot(runs_folder) is None
    assert queue.free_slots(runs_folder) == 1


def test_slots_are_a_setting_else_one_a_gpu_else_the_labs(runs_folder, monkeypatch):
    monkeypatch.setenv("FACET_SLOTS", "3")
    assert len(queue.slot_locks(runs_folder)) == 3
    monkeypatch.delenv("FACET_SLOTS")
    monkeypatch.setattr(queue, "gpu_count", lambda runs=None: 4)
    assert len(queue.slot_locks(runs_folder)) == 4
    monkeypatch.setattr(queue, "gpu_count", lambda runs=None: 0)
    assert len(queue.slot_locks(runs_folder)) == slots.default_count()


@pytest.mark.parametrize(("gpus", "forced", "shared"), [(0, "3", 1), (2, None, 1), (1, "3", 3), (2, "3", 2)])
def test_how_many_fold_jobs_may_meet_on_a_gpu(runs_folder, monkeypatch, gpus, forced, shared):
    monkeypatch.setattr(queue, "gpu_count", lambda runs=None: gpus)
    monkeypatch.delenv("FACET_SLOTS")
    if forced:
        monkeypatch.setenv("FACET_SLOTS", forced)
    assert queue.slots_of_a_gpu(runs_folder) == shared


def test_hidden_gpus_do_not_count(monkeypatch):
    for hidden in ("", "-1"):
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", hidden)
        assert queue.gpu_count() == 0


# As many workers as there are slots


def starts_slowly(root):
    """What the lab starts is a real process that has whatever a worker inherits and never comes to its first look."""
    popen = subprocess.Popen

    def start(command, **options):
        process = popen([sys.executable, "-S", "-c", "import signal; signal.pause()", str(root)], **options)
        _note(root / "started.jsonl", pid=process.pid)

    detached.subprocess.Popen = start


def started(root):
    path = root / "started.jsonl"
    return [json.loads(line)["pid"] for line in path.read_text().splitlines()] if path.exists() else []


@pytest.fixture
def slow_starters(runs_folder, monkeypatch):
    monkeypatch.setenv("FACET_SLOTS", "2")
    monkeypatch.setattr(detached.subprocess, "Popen", subprocess.Popen)
    starts_slowly(runs_folder)


def _launch_slowly(root, run_ids):
    os.environ["FACET_SLOTS"] = "2"
    starts_slowly(root)
    for run_id in run_ids:
        run = Run(run_id, root)
        queue.enqueue(run, run.folds())
        control.ensure_workers(root)


def test_eight_runs_on_two_slots_start_two_workers(make_run, runs_folder, slow_starters):
    for run in [make_run() for _ in range(8)]:
        queue.enqueue(run, run.folds())
        control.ensure_workers(runs_folder)
    assert len(started(runs_folder)) == 2
    assert queue.free_slots(runs_folder) == 0 and queue.starting_workers(runs_folder) == 2


def test_launches_of_several_processes_at_once_start_a_worker_a_slot(make_run, runs_folder, slow_starters):
    shares = [[make_run().id for _ in range(3)] for _ in range(3)]
    launchers = [FORKS.Process(target=_launch_slowly, args=(runs_folder, share)) for share in shares]
    for launcher in launchers:
        launcher.start()
    for launcher in launchers:
        launcher.join(PATIENCE)
    assert [launcher.exitcode for launcher in launchers] == [0, 0, 0]
    assert len(started(runs_folder)) == 2


def test_one_job_starts_one_worker_however_often_one_looks_and_another_when_that_one_dies(
    make_run, runs_folder, slow_starters
):
    run = make_run()
    queue.enqueue(run, [0])
    for _ in range(3):
        control.ensure_workers(runs_folder)
    assert len(started(runs_folder)) == 1
    queue.enqueue(run, [1])
    control.ensure_workers(runs_folder)
    first, second = started(runs_folder)
    os.kill(second, signal.SIGKILL)
    until(lambda: queue.free_slots(runs_folder) == 1, "the dead one's slot is free")
    control.ensure_workers(runs_folder)
    assert len(started(runs_folder)) == 3 and first in started(runs_folder)


def test_a_job_that_a_worker_has_taken_up_starts_no_other(make_run, runs_folder, slow_starters):
    run = make_run()
    queue.enqueue(run, [0])
    claimed = worker.claim(runs_folder)
    control.ensure_workers(runs_folder)
    assert started(runs_folder) == []
    claimed[2].release()
    control.ensure_workers(runs_folder)
    assert len(started(runs_folder)) == 1


def test_a_worker_born_with_its_slot_gives_it_back(runs_folder):
    slot, descriptor = queue.take_slot_for_worker(runs_folder)
    assert queue.take_slot(runs_folder) is None and queue.take_slot_for_worker(runs_folder) is None
    assert (queue.free_slots(runs_folder), queue.starting_workers(runs_folder)) == (0, 1)
    assert worker.work(runs_folder, (slot, locks.Inherited(descriptor))) == 0
    assert (queue.free_slots(runs_folder), queue.starting_workers(runs_folder)) == (1, 0)


def _descriptors_of(path):
    descriptors = []
    for descriptor in os.listdir("/proc/self/fd"):
        with contextlib.suppress(OSError):
            descriptors += [descriptor] if os.readlink(f"/proc/self/fd/{descriptor}") == str(path) else []
    return descriptors


@pytest.mark.skipif(not Path("/proc/self/fd").is_dir(), reason="NOT TESTED: this system does not list descriptors")
def test_with_a_full_disk_a_worker_is_started_all_the_same_and_no_slot_stays_taken(
    make_run, runs_folder, slow_starters
):
    run = make_run()
    queue.enqueue(run, run.folds())
    slot_files = [Path(lock.lock_file) for lock in queue.slot_locks(runs_folder)]
    (places.lab_folder(runs_folder) / "worker.log").touch()
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        taken = queue.take_slot_for_worker(runs_folder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        left = [_descriptors_of(file) for file in slot_files]
    assert taken is not None and taken[0] == 0
    assert left == [[str(taken[1])], []]
    os.close(taken[1])
    assert queue.free_slots(runs_folder) == 2


def test_a_lock_that_cannot_be_had_leaves_no_descriptor_behind(tmp_path, monkeypatch):
    def refuse(descriptor, **options):
        raise OSError(errno.ENOLCK, os.strerror(errno.ENOLCK))

    monkeypatch.setattr(locks, "lock_descriptor", refuse)
    before = len(os.listdir("/proc/self/fd"))
    with pytest.raises(OSError, match=os.strerror(errno.ENOLCK)):
        locks.take_to_hand_over(tmp_path / "lock")
    assert len(os.listdir("/proc/self/fd")) == before


def test_no_worker_is_started_for_a_lock_that_this_user_may_not_open(make_run, runs_folder, slow_starters, monkeypatch):
    run = make_run()
    queue.enqueue(run, [0])
    run.fold_lock(0).acquire()  # makes the file; given back with the object
    access = os.access
    monkeypatch.setattr(os, "access", lambda path, how: "folds" not in str(path) and access(path, how))
    control.ensure_workers(runs_folder)
    assert started(runs_folder) == []


def test_a_worker_needs_no_name_of_its_machine_to_find_the_slot_it_was_born_with(runs_folder, monkeypatch):
    slot, descriptor = queue.take_slot_for_worker(runs_folder)
    file = Path(queue.slot_locks(runs_folder)[slot].lock_file)
    monkeypatch.setattr(machine, "name", lambda: "renamed")
    assert worker.work(runs_folder, (slot, locks.Inherited(descriptor))) == 0
    assert file.read_bytes() == b""


def test_a_worker_that_the_lab_starts_trains_in_the_slot_it_was_born_with(tiny_plan, runs_folder, monkeypatch):
    monkeypatch.setenv("FACET_SLOTS", "2")
    monkeypatch.setattr(machine, "name", lambda: "as-the-lab-calls-it")
    _, taken = queue.take_slot(runs_folder)
    run = control.launch(short(tiny_plan, epochs=500))  # it trains for as long as this test looks
    until(lambda: run.fold_state(0).state != "queued", "it trains")
    assert queue.free_slots(runs_folder) == 0 and queue.starting_workers(runs_folder) == 0
    assert os.listdir(places.lab_folder(runs_folder) / "machines") == ["as-the-lab-calls-it"]
    taken.release()
    assert queue.free_slots(runs_folder) == 1
    control.cancel(run, grace=0)
    until(lambda: queue.free_slots(runs_folder) == 2, "its death frees the slot")


# Machines that share a runs folder


@pytest.fixture
def another(monkeypatch):
    """another(work): work() as on another machine that shares the runs folder."""

    def on(work):
        with monkeypatch.context() as patch:
            patch.setattr(machine, "name", lambda: "another")
            return work()

    return on


def test_what_another_machine_has_queued_waits_for_it(make_run, runs_folder, slow_starters, another):
    run = make_run()
    another(lambda: queue.enqueue(run, [0, 1]))
    queue.reorder(runs_folder, [run.id])
    control.ensure_workers(runs_folder)
    assert started(runs_folder) == []
    assert worker.claim(runs_folder, by_itself=True) is None and waiting(runs_folder) == [(run.id, 0), (run.id, 1)]
    queue.enqueue(make_run(), [0])
    control.ensure_workers(runs_folder)
    assert len(started(runs_folder)) == 1
    another(lambda: control.ensure_workers(runs_folder))
    assert len(started(runs_folder)) == 3
    claimed = worker.claim(runs_folder)
    assert claimed[:2] == (run, 0), "a worker that was started by hand takes it"
    claimed[2].release()


def test_a_place_of_version_0_1_is_begun_by_whoever_looks(make_run, runs_folder, slow_starters):
    run = make_run()
    queue.queue_folder(runs_folder).mkdir(parents=True)
    (queue.queue_folder(runs_folder) / f"{1:020d}__{run.id}__00").touch()
    control.ensure_workers(runs_folder)
    assert len(started(runs_folder)) == 1
    claimed = worker.claim(runs_folder, by_itself=True)
    assert claimed[:2] == (run, 0)
    claimed[2].release()


def test_a_worker_that_the_lab_started_leaves_what_another_machine_has_queued(make_run, runs_folder, another):
    run = make_run()
    another(lambda: queue.enqueue(run, [0]))
    cli.app(["worker", "--runs", str(runs_folder), "--by-itself"], standalone_mode=False)
    assert run.fold_state(0).state == "queued" and waiting(runs_folder) == [(run.id, 0)]


@pytest.mark.parametrize("stopped", [False, True])
def test_who_was_started_by_hand_hands_on_to_one_that_takes_any_job_too(
    make_run, runs_folder, monkeypatch, another, stopped
):
    """A failure ends the worker: nobody else would begin what another machine has queued."""
    run, commands, lives = make_run(), [], []
    another(lambda: queue.enqueue(run, [0, 1]))

    def train_job(run, fold, slot, entry):
        entry.unlink()
        if stopped:
            halt.stop(runs_folder, "it fails.", "Mend it.")
        return True

    monkeypatch.setattr(worker, "train_job", train_job)
    monkeypatch.setattr(detached, "start", lambda *words, **options: commands.append(words))
    assert worker.work(runs_folder) == 1 and waiting(runs_folder) == [(run.id, 1)]
    assert len(commands) == (0 if stopped else 1)
    for verb, *words in commands:
        halt.stop(runs_folder, "it fails.", "Mend it.")
        monkeypatch.setattr(cli, "work", lambda *given, by_itself: lives.append(by_itself))
        monkeypatch.setattr(cli.locks, "Inherited", lambda descriptor: None)
        cli.app([verb, *words], standalone_mode=False)
        assert lives == [False], "it takes any job"
        assert halt.stopped(runs_folder), "nobody typed it: what stopped stays stopped"
