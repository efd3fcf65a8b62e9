"""A writer's life: connect, make its rounds, leave when nothing waits and nothing trains. Imports no torch, no ray."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import Timeout

from core.engines.cluster import Cluster, Demand, DeskEmpty, DeskGone, Gone, Succeeded
from core.engines.writer import Writer
from core.errors import LabError
from core.jobs import elsewhere, halt
from core.jobs.alerts.line import Line
from core.runs import Run
from core.storage import locks

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

EVERY = 0.3  # seconds between two rounds
LINGER = 3.0  # seconds without work after which the writer leaves
MOST_EARLY = 3  # desks in a row that are gone before they have greeted, after which the cluster is given up


def allow_files(more: int = 100_000) -> None:
    """Let this process hold so many files open more, as far as the system allows: a lock of each fold that trains."""
    if resource is not None:
        soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
        wish = soft + more if hard == resource.RLIM_INFINITY else min(soft + more, hard)
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wish), hard))


def serve(
    root: Path,
    connect: Callable[[Path, str], Cluster],
    demand: Callable[[Path, int, str], Demand],
    *,
    pause: Callable[[float], None] = time.sleep,
) -> None:
    """A writer's life, for the holder of the writer's lock.

    While something trains on a cluster it is that one's writer, whatever is chosen by now. One that cannot be reached,
    or is gone, stops the queue with the reason, so that it is not tried again before somebody lets the queue go on.
    Where it is not the chosen one any more the folds alone say so, and the queue goes on.
    """
    address = elsewhere.collects_from(root) or elsewhere.in_force(root) or elsewhere.report(root).get("address")
    if address is None:
        return
    allow_files()
    newcomer: Writer | None = None
    writer: Writer | None = None
    try:
        cluster = connect(root, address)
        newcomer = Writer(root, cluster, address, demand)
        idle, early, is_greeted = 0.0, 0, False
        while idle < LINGER:
            try:
                if not is_greeted:
                    newcomer.greet()
                    writer = newcomer  # from here on it knows what trains, and may say what does not
                    early, is_greeted = 0, True
                idle = 0.0 if newcomer.round() else idle + EVERY
            except DeskGone as lost:
                cluster.close(end=isinstance(lost, DeskEmpty))
                early += not is_greeted  # one that was just ended may still have its name
                if early > MOST_EARLY:
                    raise Gone(f"its desk ends before it answers ({str(lost).partition(chr(10))[0]})") from lost
                try:
                    newcomer.cluster = cluster = connect(root, address)
                except LabError as error:
                    raise Gone(error.message.removeprefix("engine: ").rstrip(".")) from error
                if is_greeted:
                    is_greeted = False
                    continue
            pause(EVERY)
        newcomer.tell()
        cluster.close(end=True)
    except Gone as gone:
        remedy = "Start it anew and let the queue go on, or choose another engine and resume."
        _give_up(root, address, writer, LabError(f"The Ray cluster at {address} is gone: {gone}.", remedy, "engine"))
    except LabError as error:
        _give_up(root, address, writer, error)
    except Succeeded:
        print("another writer has taken over; this one leaves", file=sys.stderr, flush=True)
    finally:
        if newcomer is not None:
            newcomer.close()


def _give_up(root: Path, address: str, writer: Writer | None, error: LabError) -> None:
    """The cluster is gone, or was never reached. writer: None where it was never greeted."""
    is_chosen = True
    with contextlib.suppress(LabError):  # a choice that names no place keeps the queue from going on all the same
        is_chosen = elsewhere.in_force(root) == address
    if writer is not None:
        writer.give_up(error.message)
    elif not is_chosen:
        _leave_uncollected(root, address, error.message)
    if is_chosen:
        halt.stop(root, error.message, error.remedy, error.kind)
        with contextlib.closing(writer.line if writer is not None else Line(root)) as line:
            line.stopped()


def _leave_uncollected(root: Path, address: str, why: str) -> None:
    """What trained on a cluster that is neither chosen any more nor reached is interrupted, and says why."""
    for run_id, fold in elsewhere.under_way(root):
        run = Run(run_id, root)
        if not run.exists() or not run.fold_dir(fold).is_dir():
            continue
        with (
            contextlib.suppress(OSError, LabError),
            contextlib.suppress(Timeout),
            run.fold_lock(fold).acquire(timeout=0),
        ):
            state = run.written_state(fold)
            if state.state == "running" and "desk" in (state.worker or {}):
                reason = f"{why} Other fold jobs do not train there any more, so nobody collects what it trained."
                remedy = (
                    f"Resume goes on after epoch {state.epoch} where they train now; or choose {address} again once it "
                    "answers, then resume."
                )
                run.write_state(replace(state, kind="stopped", reason=reason, remedy=remedy))
                run.log(f"fold {fold}: {reason}")
    with contextlib.suppress(OSError, LabError):
        elsewhere.nothing_under_way(root)


def locked(root: Path, descriptor: int | None) -> contextlib.AbstractContextManager[Any]:
    """The writer's lock, born with or taken now. Raises LabError(kind 'locked') where another writer lives."""
    if descriptor is not None:
        return contextlib.closing(_Released(locks.Inherited(descriptor)))
    elsewhere.writer_lock(root).parent.mkdir(parents=True, exist_ok=True)
    return locks.held(elsewhere.writer_lock(root), "the cluster's results", timeout=0.1)


class _Released:
    def __init__(self, held: locks.Inherited):
        self._held = held

    def close(self) -> None:
        self._held.release()
