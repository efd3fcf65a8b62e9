"""A worker's life: take a slot, claim the fold job whose turn it is, train it, take the next, leave.

Imports no torch until it has a job. The operating system frees a dead worker's locks, so it needs no farewell.
"""

from __future__ import annotations

import contextlib
import math
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor, wait
from pathlib import Path

from filelock import FileLock, Timeout

from core import places
from core.data.content.unchanged import check_unchanged
from core.errors import LabError
from core.jobs import control, elsewhere, fold_job, halt, queue, reach, speed, turns
from core.jobs.alerts.line import Line
from core.jobs.room import keep
from core.places import machine_folder
from core.runs import Run, deaths
from core.runs.run import is_locked
from core.runs.states import ALIVE
from core.storage import locks

ALONE = 20.0  # seconds


def claim(
    root: Path, passed_over: set[tuple[str, int]] | None = None, *, by_itself: bool = False
) -> tuple[Run, int, FileLock, Path] | None:
    """(run, fold, its lock, held, its place in the queue) of the fold job whose turn it is; None when there is none.

    passed_over: jobs whose lock or state cannot be opened, which are not tried again; those that this call finds come
    to them.
    by_itself: only jobs that this machine begins by itself.

    Its place is given up only by who holds the fold's lock, once the state says running: a worker killed before that
    leaves the place to the next one, who goes on with a job that says running and still has its place.
    """
    with turns.one_at_a_time(root):
        return _claim(root, set() if passed_over is None else passed_over, by_itself)


def _claim(root: Path, passed_over: set[tuple[str, int]], by_itself: bool) -> tuple[Run, int, FileLock, Path] | None:
    for entry, run_id, fold in list(queue.entries(root, by_itself=by_itself)):
        if (run_id, fold) in passed_over:
            continue
        run = Run(run_id, root)
        if not run.exists() or not run.fold_dir(fold).is_dir():
            entry.unlink(missing_ok=True)  # its run was deleted
            continue
        lock = run.fold_lock(fold)
        try:
            lock.acquire(timeout=0.2)
        except Timeout:  # also an OSError, but its place belongs to the worker that holds the lock
            continue
        except OSError as error:  # no word about the job: it keeps its place
            passed_over.add((run_id, fold))
            print(f"{run.id}: fold {fold} cannot be locked and waits on: {error}", file=sys.stderr, flush=True)
            continue
        if run_id in queue.held_runs(root):  # since the queue was read: whoever holds it finds it begun, or not at all
            lock.release()
            continue
        try:
            waits = run.state_in_reach(fold).state in ALIVE and not run.cancel_file(fold).exists()
        except OSError as error:  # as where it cannot be locked
            lock.release()
            passed_over.add((run_id, fold))
            print(f"{run.id}: fold {fold} cannot be read and waits on: {error}", file=sys.stderr, flush=True)
            continue
        if waits:
            turns.took_one(run)
            return run, fold, lock, entry
        entry.unlink(missing_ok=True)
        lock.release()
    return None


def work(
    folder: Path | None = None, born_with: tuple[int, locks.Inherited] | None = None, *, by_itself: bool = False
) -> int:
    """A worker's life: take a slot, train what waits, leave when nothing does. Returns the number of jobs.

    born_with: the slot, and its lock, that whoever started this process took for it.
    by_itself: take only what this machine begins by itself, as a worker that nobody started by hand.
    After an error that nobody foresaw it leaves what waits to a fresh process: its own may be broken, as with a GPU.
    Where there are fewer slots by now and its own is none of them, it goes on in a free one of them, or leaves.
    By itself it also leaves once fold jobs train on a cluster, and sees that the writer there has what waits.
    """
    root = folder or places.runs_folder()
    with contextlib.closing(Line(root)) as line:
        return _work(root, born_with, by_itself, line)


def _work(root: Path, born_with: tuple[int, locks.Inherited] | None, by_itself: bool, line: Line) -> int:
    count, broken = 0, False
    passed_over: set[tuple[str, int]] = set()
    taken = born_with or queue.take_slot(root)
    while taken is not None:
        slot, slot_lock = taken
        queue.looks_for_work(slot_lock)
        try:
            while not broken and slot < queue.slot_count(root) and halt.stopped(root) is None:
                job = None if _trains_elsewhere(root, by_itself) else claim(root, passed_over, by_itself=by_itself)
                if job is None:
                    break
                run, fold, fold_lock, entry = job
                try:
                    if broken_file := reach.broken_lab_file(run):  # each job would fail of it: they keep their places
                        halt.stop(root, broken_file.message, reach.LET_GO_ON, broken_file.kind)
                        line.stopped()
                        return count
                    with line.training(run, fold):
                        broken = train_job(run, fold, slot, entry)
                finally:
                    fold_lock.release()
                keep.follow_rule(run)
                line.ended(run)
                count += 1
        finally:
            slot_lock.release()
        if broken or _trains_elsewhere(root, by_itself):
            if not by_itself and halt.stopped(root) is None and any(_claimable(root, passed_over, by_itself)):
                control.start_worker(root, by_itself=False)  # nobody else begins what another machine has queued
            control.ensure_workers(root, in_force=True)
            break
        # A job queued while this worker was leaving saw the slot taken: look once more with the slot free.
        if halt.stopped(root) is not None or not any(_claimable(root, passed_over, by_itself)):
            break
        taken = queue.take_slot(root)
    return count


def _trains_elsewhere(root: Path, by_itself: bool) -> bool:
    """Whether somebody has chosen a cluster, for who was not started by hand: that one trains here all the same."""
    with contextlib.suppress(LabError):  # a choice that names no place: it is said where that was chosen
        return by_itself and elsewhere.in_force(root) is not None
    return False


def _claimable(root: Path, passed_over: set[tuple[str, int]], by_itself: bool) -> Iterator[bool]:
    for _, run_id, fold in queue.entries(root, by_itself=by_itself):
        run = Run(run_id, root)
        yield (run_id, fold) not in passed_over and run.exists() and not is_locked(run.fold_lock(fold))


def import_torch(root: Path, is_stopped: Callable[[], bool] = lambda: False) -> bool:
    """Whether torch is here. It takes seconds, in a thread: where `is_stopped` meanwhile, nobody waits for it here.

    A process that then has nothing to do leaves once it has been imported. Raises what the import raised.
    """
    if not _importing:
        if "torch" in sys.modules:
            return True
        thread = ThreadPoolExecutor(1)
        _importing.append(thread.submit(_import_alone, root))
        thread.shutdown(wait=False)
    while wait(_importing, timeout=0.05).not_done:
        if is_stopped():
            return False
    _importing.pop().result()
    return True


_importing: list[Future[None]] = []  # what was begun here and not yet waited for, at most one


def _import_alone(root: Path) -> None:
    """One process of this machine at a time: two cores that both import let the first fold begin later.

    A courtesy, for ALONE seconds at most.
    """
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(LabError, OSError):
            stack.enter_context(locks.held(machine_folder(root) / "importing.lock", "torch", timeout=ALONE))
        from core.training import train  # noqa: F401


def train_job(run: Run, fold: int, slot: int, entry: Path) -> bool:
    """Train one claimed fold and leave a state that says how it ended. Returns whether this process may be broken, so
    that a fresh one had better take the next.

    entry: its place in the queue, given up as soon as the state says that it runs.
    """

    def should_stop() -> bool:
        return run.cancel_file(fold).exists() or not run.config_file.exists()

    with fold_job.output_to(run.log_file):
        reporter, begun = fold_job.Reporter(run, fold), None
        with fold_job.ending(run, fold) as end:
            slots = {"slots": queue.slot_count(run.dir.parent), "slots_are_set": queue.slots_are_set(run.dir.parent)}
            reporter.state = fold_job.begin(run, fold, {**deaths.note(), **slots})
            entry.unlink(missing_ok=True)
            run.sweep(fold)
            run.log(f"fold {fold}: started, {run.written_state(fold).epoch} epochs done before")
            finished = False
            if import_torch(run.dir.parent, should_stop):
                from core.training import train
                from core.training.device import limit_threads

                with reach.held_as_asked(run):
                    check_unchanged(run.samples(), run.touched_file, run.dir.parent)
                    threads = queue.threads_of_a_slot(run.dir.parent)
                    limit_threads(threads)
                    begun, beside = time.monotonic(), speed.Beside()
                    finished = train.train_fold(
                        run,
                        fold,
                        report=reporter,
                        should_stop=should_stop,
                        device_slot=slot,
                        sharing=queue.slots_of_a_gpu(run.dir.parent),
                    )
            end["state"] = "done" if finished else "cancelled"
        deleted = not run.exists()  # there is no one left to tell, and no wonder that one of its files was missing
        if not deleted:
            fold_job.finish(run, fold, end, reporter.state)
            fold_job.forget_resume_point(run, fold)
            rate = fold_job.images_per_second(run, fold) if end["state"] == "done" else None
            if rate is not None and beside.leaves(threads):
                speed.remember(run.config(), rate, run.dir.parent)
    seconds = math.inf if reporter.epochs else time.monotonic() - begun if begun else 0.0
    halt.ended(run.dir.parent, slot, run.id, fold, {} if deleted else end, seconds)
    return end.get("kind") in halt.BROKEN and not deleted
