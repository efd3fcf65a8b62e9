"""Launch, cancel, resume, and seeing that a worker is there for what waits. Imports no torch.

The operating system frees a dead process's locks, so a fold that says 'running' while its lock is free was
interrupted: nothing here depends on a daemon, a heartbeat or a clock.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shutil
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path

import psutil
from filelock import Timeout

from core import __version__, machine, places
from core.data.content.unchanged import check_unchanged
from core.data.labels import corrections
from core.data.reach import bounds
from core.errors import LabError
from core.jobs import elsewhere, halt, queue, reach
from core.jobs.processes import detached, ready
from core.jobs.room import forecast
from core.network.weights import check_held, of_launch
from core.plan.apart import without_copies
from core.plan.plan import Plan, check_weights
from core.runs import FoldState, Run, deaths, notes, starts
from core.runs.create import create
from core.runs.everybody import unmeasured
from core.runs.owners import owner
from core.runs.run import is_locked
from core.runs.states import ALIVE
from core.storage import asking, files, lab_file, locks

GRACE = 3.0  # seconds between asking a worker to stop and killing it; last.pt makes the kill harmless


def launch(
    plan: Plan,
    run_id: str | None = None,
    folder: Path | None = None,
    *,
    study: str | None = None,
    retrained: str | None = None,
    beside: Sequence[str] = (),
) -> Run:
    """Freeze the plan as a run of whoever asks, queue its folds and see that a worker is there.

    retrained: id of the run that this one trains anew on corrected labels. beside: of runs that it is held against, and
    of such that will be. A file of first weights has to be the one that they began with, and the cross-validated run of
    a training on everybody.

    Raises LabError: 'exists' for an id that was launched before, 'not-allowed' for a dataset where the lab does not
    look, 'weights', 'locks', 'engine', 'read-only', 'disk-full'.
    """
    bounds.check(plan.config.data.root)
    check_weights(plan.config)
    elsewhere.address(folder or places.runs_folder())
    locks.check_folder(places.lab_folder(folder or places.runs_folder()))
    queue.check_folder(folder or places.runs_folder())
    forecast.check([plan], folder)
    first = of_launch(plan.config.model.init)
    check_held(first, (Run(of, folder) for of in (plan.config.folds.everybody, retrained, *beside) if of))
    apart = without_copies(plan.apart, plan.samples)
    info = {
        "dataset": {
            "root": plan.config.data.root,
            "reader": plan.config.data.reader,
            "fingerprint": plan.fingerprint,
            "fingerprint_by_time": plan.fingerprint_by_time,
        },
        "persons": plan.persons.as_record(),
        "left_out": plan.left_out,
        "dropped": plan.dropped,
        "corrections": [correction.id for correction in plan.corrections],
        "versions": {"facet-lab": __version__}
        | {name: version(name) for name in (*starts.LIBRARIES, "scikit-learn")}
        | {"python": sys.version.split()[0]},
        "parent": plan.config.model.parent,
        "study": study,
        "by": asking.asker().name,
        "machine": machine.name(),
        reach.ASKED_FROM: bounds.asked_from(),
    } | ({"test": record} if (record := apart.record()) else {})
    info |= {unmeasured.INFO: plan.everybody} if plan.everybody else {}
    info |= {"retrained": retrained} if retrained else {}
    info |= {"weights": first} if first else {}
    run = create(
        plan.config,
        plan.samples,
        class_names=plan.class_names,
        info=info,
        ancestors=plan.ancestors,
        corrections=corrections.to_csv(plan.corrections) if plan.corrections else "",
        test=apart.photos,
        run_id=run_id,
        folder=folder,
    )
    _queue_or_take_back(run)
    ensure_workers(run.dir.parent)
    return run


def _queue_or_take_back(run: Run) -> None:
    """Queue each fold of a run that was just frozen, or undo its launch: nobody has to find half of one.

    Raises LabError(kind 'read-only'), also where not even that can be written: then it waits for studies/healing.py.
    """
    folds = run.folds()
    try:
        queue.enqueue(run, folds)
        return
    except LabError as error:
        refused = error
    hidden = run.dir.with_name(f".{run.id}.{secrets.token_hex(4)}.old")
    try:
        os.rename(run.dir, hidden)  # who has taken up one of its folds stops: its run is gone
    except OSError:
        message = f"{run.id} is launched, but waits without a place in the queue: {refused.message}"
        remedy = "The lab queues it by itself as soon as that can be written."
        raise LabError(message, remedy, refused.kind) from refused
    shutil.rmtree(hidden, ignore_errors=True)
    with contextlib.suppress(OSError, LabError):
        queue.remove(run, folds)
    raise refused


def resume(run: Run) -> list[int]:
    """Queue every fold that is neither done nor under way; each goes on from its last checkpoint.

    A run that is held back because its study is paused may begin: somebody asked for this one by name.
    An archived run is listed again. Returns the folds. Raises LabError: 'not-yours', as check_unchanged when the
    photos are not those of the launch, 'locks', 'unreadable', 'read-only'.
    """
    owner.check([run.require()])
    folds = requeue(run)
    halt.go_on(run.dir.parent)
    queue.let_go(run)
    ensure_workers(run.dir.parent)
    return folds


def requeue(run: Run, *, stopped: bool = True) -> list[int]:
    """`resume`, whoever asks, that leaves what is held back held back, and starts nothing.

    stopped: what was stopped is taken up, too; else only what waits.
    """
    check_unchanged(run.require().samples(), run.touched_file, run.dir.parent)
    locks.check_folder(places.lab_folder(run.dir.parent))
    queue.check_folder(run.dir.parent)
    for fold in run.folds():  # before any is queued anew
        _state_in_reach(run, fold)
    waiting = []
    with files.written_to(run.dir):
        reach.note_asked(run)
        for fold in run.folds():
            with contextlib.suppress(Timeout), run.fold_lock(fold).acquire(timeout=0.2):
                state = _state_in_reach(run, fold)
                if state.state == "done" or not (stopped or state.state == "queued"):
                    continue
                run.cancel_file(fold).unlink(missing_ok=True)
                if state.state == "running":  # its worker is dead, since its lock is ours
                    state = deaths.judged(run, state)
                facts = {name: getattr(state, name) for name in ("epoch", "best_epoch", "scores", "memory_kills")}
                # A cluster may train it still: its writer knows it by that, and goes on with it.
                if state.ended is None and "desk" in (state.worker or {}):
                    facts["worker"] = state.worker
                run.write_state(FoldState(fold, **facts, resumed=state.was_begun))
                waiting.append(fold)
        if waiting:
            notes.list_again(run)
    queue.enqueue(run, waiting)
    return waiting


def _state_in_reach(run: Run, fold: int) -> FoldState:
    """Raises LabError(kind 'unreadable') where it is out of reach: it may be that of a fold that is done."""
    try:
        return run.state_in_reach(fold)
    except OSError as error:
        name = run.state_file(fold).relative_to(run.dir).as_posix()
        what = f"{run.id}: {name} cannot be read ({error.strerror})."
        raise LabError(what, files.CHECK, kind="unreadable") from error


def cancel(run: Run, *, grace: float = GRACE) -> None:
    """Stop every fold of a run: what waits at once, what trains within `grace` seconds or by force.

    Raises LabError: 'gone', 'not-yours', 'read-only'.
    """
    owner.check([run.require()])
    stop(run, grace=grace)


def stop(run: Run, *, grace: float = GRACE) -> None:
    """`cancel`, whoever asks: for who may stop what the run is part of."""
    run.require()
    with files.written_to(run.dir):
        _stop(run, grace)
    ensure_workers(run.dir.parent)


def ask_to_stop(run: Run) -> list[int]:
    """Ask every fold of a run that waits or trains to stop, and take what waits out of the queue; these folds.

    In this order: what has lost its place and is asked nothing looks as if a killed launch had left it out, and is
    queued again. What trains stops by itself; what waits is cancelled by `stop`, or by studies/healing.py where nobody
    came that far. Raises LabError(kind 'read-only'), before anything is asked.
    """
    if any(queue.places(run.dir.parent, run.id)):
        queue.check_folder(run.dir.parent)
    stopping, there = [], elsewhere.under_way(run.dir.parent)
    with files.written_to(run.dir):
        for fold in run.folds():
            trains_there = (run.id, fold) in there and run.written_state(fold).state == "running"
            if trains_there or run.fold_state(fold).state in ALIVE:  # whoever collects from there may be dead
                run.cancel_file(fold).touch()
                stopping.append(fold)
    queue.remove(run, run.folds())
    return stopping


def _stop(run: Run, grace: float) -> None:
    training = [fold for fold in ask_to_stop(run) if not _write_cancelled(run, fold, timeout=0)]
    deadline = time.monotonic() + grace
    for fold in training:  # after those that wait: whoever stands here for seconds may be killed
        while is_locked(run.fold_lock(fold)) and time.monotonic() < deadline:
            time.sleep(0.05)
        if is_locked(run.fold_lock(fold)):
            kill_worker(run, fold)
        _write_cancelled(run, fold, timeout=2)


def _write_cancelled(run: Run, fold: int, timeout: float) -> bool:
    """Cancel a fold that has not ended; False while a process trains it. timeout: seconds to wait for that one."""
    try:
        with run.fold_lock(fold).acquire(timeout=timeout):
            state = run.written_state(fold)
            if state.state in ALIVE:
                run.write_state(replace(state, state="cancelled", ended=time.time()))
            return True
    except Timeout:
        return False


def cancel_waiting(run: Run, reason: str) -> None:
    """Cancel the folds that wait; what trains goes on to its end. reason: what a person reads beside them."""
    for fold in run.folds():
        with files.written_to(run.dir), contextlib.suppress(Timeout), run.fold_lock(fold).acquire(timeout=0.2):
            state = run.written_state(fold)
            if state.state == "queued":
                remedy = "Resume the run to train it."
                run.write_state(replace(state, state="cancelled", reason=reason, remedy=remedy, ended=time.time()))
            queue.remove(run, [fold])


def kill_worker(run: Run, fold: int) -> None:
    """Kill the process tree that trains a fold: only while the fold's lock is held, and only if pid and start agree.

    A child in a session of its own lives on, such as the messenger that still sends how the run before ended.
    """
    worker = run.written_state(fold).worker or {}
    with contextlib.suppress(psutil.Error, KeyError):
        process = psutil.Process(worker["pid"])
        if not deaths.is_of(worker, process) or not is_locked(run.fold_lock(fold)):
            return
        session = _session(process)
        tree = [*(child for child in process.children(recursive=True) if _session(child) == session), process]
        for member in tree:
            with contextlib.suppress(psutil.Error):
                member.kill()
        psutil.wait_procs(tree, timeout=2)


def _session(process: psutil.Process) -> int | None:
    """None where there are no sessions, and for a process that has just ended."""
    with contextlib.suppress(AttributeError, OSError):
        return os.getsid(process.pid)
    return None


def ensure_workers(folder: Path | None = None, *, in_force: bool = False) -> None:
    """Start workers for what waits and is not taken up by one that starts already: at most one a free slot.

    Where fold jobs train on a cluster it is one process beside the lab. That one also collects what trains on a cluster
    already, whatever is chosen by now, and while the queue is stopped; else none is started then. What another machine
    has queued waits for that one, or for a worker that is started by hand. Cheap if nothing waits.

    in_force: asked by a process that was started here itself, whose environment is no choice: see elsewhere.in_force.
    """
    root = folder or places.runs_folder()
    stop, collects = halt.stopped(root), elsewhere.collects_from(root) is not None
    if collects and (stop is None or _lets_collect(stop)):
        start_writer(root)
    if stop is not None:
        return
    cluster = elsewhere.in_force(root) if in_force else elsewhere.put_in_force(root)
    waits = next(queue.entries(root, by_itself=True), None) is not None
    if cluster is not None:
        if not collects and (waits or elsewhere.under_way(root)):
            start_writer(root)
        return
    if not waits:
        return
    free, starting = queue.free_slots(root), queue.starting_workers(root)
    if free:
        unclaimed = (job for job in queue.entries(root, by_itself=True) if _can_be_claimed(Run(job[1], root), job[2]))
        workers = sum(1 for _ in itertools.islice(unclaimed, free + starting)) - starting
        for _ in range(workers):
            start_worker(root)


def _lets_collect(stop: halt.Stop) -> bool:
    """Not one that the writer left: what it could not reach is tried again once somebody lets the queue go on."""
    return not stop.cause or stop.kind in (lab_file.KIND, halt.UNREADABLE, halt.DAMAGED)


def _can_be_claimed(run: Run, fold: int) -> bool:
    """Not by a worker of a user who may not open its lock; of a run that was deleted its place can be cleared away."""
    lock = run.fold_lock(fold)
    return not run.exists() or (locks.may_be_taken(Path(lock.lock_file)) and not is_locked(lock))


def start_worker(root: Path, *, by_itself: bool = True) -> None:
    """A worker that outlives whoever started it: the process that waits for that, if one does, else a new one.

    by_itself: False for one that goes on for a worker which was started by hand, and takes what that one took.
    It is born with the slot that it will train in; none is started when another process took the last one meanwhile.
    What is measured gives way.
    """
    ready.stop_measuring(root)
    if os.name != "posix":  # no descriptors to inherit: it takes a slot when it has started
        detached.start("worker", "--runs", str(root), detached.whose(by_itself), root=root)
        return
    taken = queue.take_slot_for_worker(root)
    if taken is None:
        return
    slot, descriptor = taken
    try:
        if not by_itself or not ready.hand_over(root, slot, descriptor):
            detached.start_worker(root, slot, descriptor, by_itself=by_itself)
    finally:
        os.close(descriptor)


def start_writer(root: Path) -> None:
    """The one process that hands fold jobs to a cluster and writes what comes back; none where it runs already."""
    words = ("writer", "--runs", str(root))
    if os.name != "posix":
        detached.start(*words, root=root)
        return
    descriptor = locks.take_to_hand_over(elsewhere.writer_lock(root))
    if descriptor is None:
        return
    try:
        detached.start(*words, "--lock", str(descriptor), root=root, pass_fds=(descriptor,))
    finally:
        os.close(descriptor)


def waiting(folder: Path | None = None) -> list[tuple[str, int]]:
    """(run id, fold) of every fold job that waits and is not held back, in order."""
    return [(run_id, fold) for _, run_id, fold in queue.waiting(folder or places.runs_folder())]
