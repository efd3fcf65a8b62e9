"""A writer's life: connect, make its rounds, leave when nothing waits and nothing trains. Imports no torch, no ray."""

from __future__ import annotations

import contextlib
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from core.engines.cluster import Cluster, Demand, DeskEmpty, DeskGone, Gone, Succeeded
from core.engines.writer import Writer
from core.errors import LabError
from core.jobs import elsewhere, halt
from core.jobs.alerts.line import Line
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

    A cluster that cannot be reached, or is gone, stops the queue with the reason: who resumes lets it go on.
    """
    address = elsewhere.address(root) or next(iter([elsewhere.report(root).get("address")]), None)
    if address is None:
        return
    allow_files()
    writer: Writer | None = None
    try:
        cluster = connect(root, address)
        writer = Writer(root, cluster, address, demand)
        idle, early, is_greeted = 0.0, 0, False
        while idle < LINGER:
            try:
                if not is_greeted:
                    writer.greet()
                    early, is_greeted = 0, True
                idle = 0.0 if writer.round() else idle + EVERY
            except DeskGone as lost:
                cluster.close(end=isinstance(lost, DeskEmpty))
                early += not is_greeted  # one that was just ended may still have its name
                if early > MOST_EARLY:
                    raise Gone(f"its desk ends before it answers ({str(lost).partition(chr(10))[0]})") from lost
                try:
                    writer.cluster = cluster = connect(root, address)
                except LabError as error:
                    raise Gone(error.message.removeprefix("engine: ").rstrip(".")) from error
                if is_greeted:
                    is_greeted = False
                    continue
            pause(EVERY)
        writer.tell()
        cluster.close(end=True)
    except Gone as gone:
        why = f"The Ray cluster at {address} is gone: {gone}."
        if writer is not None:
            writer.give_up(why)
        remedy = "Start it anew and let the queue go on, or choose another engine and resume."
        halt.stop(root, why, remedy, "engine")
        _tell_of_stop(root, writer)
    except LabError as error:
        if writer is not None:
            writer.give_up(error.message)
        halt.stop(root, error.message, error.remedy, error.kind)
        _tell_of_stop(root, writer)
    except Succeeded:
        print("another writer has taken over; this one leaves", file=sys.stderr, flush=True)
    finally:
        if writer is not None:
            writer.close()


def _tell_of_stop(root: Path, writer: Writer | None) -> None:
    with contextlib.closing(writer.line if writer is not None else Line(root)) as line:
        line.stopped()


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
