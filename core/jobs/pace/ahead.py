"""When something that is launched now would begin and end: what trains, what waits before it, and the slots.

A fold that trains tells its own time; one that waits takes as long as its run's finished folds did, else as its network
and photos take at the speed measured here, which says nothing of a cluster. What neither tells is counted and named,
never guessed. Where the queue goes round by person, one's own job may come earlier than behind all of that: these times
are the latest. Imports no torch.
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

from core.config import RunConfig
from core.errors import LabError
from core.jobs import elsewhere, halt, queue, speed
from core.jobs.speed import PhaseWork, Step
from core.places import runs_folder
from core.runs import Run
from core.runs.lists import index

REMEMBERED = 20_000  # runs


@dataclass(frozen=True)
class Ahead:
    """What the slots of this machine, or the places of a cluster, do before anything that is launched now.

    slots: seconds until each is free of it, least first; none where nobody knows how many there are. jobs: fold jobs
    that train or wait. unknown: how many of those tell no time, so that it takes longer than `slots` says. halted:
    nothing begins until somebody lets the queue go on.
    """

    slots: tuple[float, ...]
    jobs: int = 0
    unknown: int = 0
    halted: bool = False


@dataclass(frozen=True)
class Times:
    """Seconds from now. begins: of the first fold job; ends: of the last."""

    begins: float
    ends: float

    @property
    def lasts(self) -> float:
        return self.ends - self.begins


class Work(NamedTuple):
    """What of a run's configuration tells how long its folds take; everybody: whether it holds nobody out."""

    step: Step
    phases: tuple[PhaseWork, ...]
    everybody: bool

    def seconds(self, photos: int, folds: int, images_per_second: float, behind: int = 0) -> float:
        """Of one of so many folds, without the epochs that it has behind it. photos: of the run."""
        held_out = self._held_out(photos, folds)
        whole = speed.fold_seconds(speed.passes(self.phases), photos - held_out, held_out, images_per_second)
        return whole * self.share_left(photos, folds, behind)

    def share_left(self, photos: int, folds: int, behind: int) -> float:
        """Of the time of a fold, 0 to 1, behind so many epochs: those of a head alone take less than others."""
        held_out = self._held_out(photos, folds)
        whole, left = (speed.passes(self.phases, epochs) for epochs in (0, behind))
        takes = (photos - held_out) * whole.trained + held_out * whole.held_out
        return ((photos - held_out) * left.trained + held_out * left.held_out) / takes if takes else 1.0

    def _held_out(self, photos: int, folds: int) -> float:
        return 0.0 if self.everybody else photos / max(1, folds)


def places(root: Path) -> int | None:
    """How many fold jobs train at a time where they train now: in the slots of this machine, or on a cluster as it told
    lately; None where that did not."""
    cluster = elsewhere.cluster(root)
    if cluster is None:
        return queue.slot_count(root)
    number = elsewhere.told_lately(root, cluster).get("places")
    return number if isinstance(number, int) and number > 0 else None


def rates(folder: Path | None = None) -> Callable[[RunConfig | Step], float | None]:
    """Training images per second of a configuration where fold jobs train now, as `speed.known_once`; None for each on
    a cluster, since it is this machine that was measured."""
    root = folder or runs_folder()
    return speed.known_once(folder) if elsewhere.cluster(root) is None else lambda config: None


def ahead(folder: Path | None = None, summaries: Sequence[dict[str, Any]] | None = None) -> Ahead:
    """summaries: of all runs, where the caller has read them already."""
    root = folder or runs_folder()
    return _ahead(root, *_jobs(root, summaries))


def waiting(folder: Path | None = None, summaries: Sequence[dict[str, Any]] | None = None) -> dict[str, Times | None]:
    """When the fold jobs that wait of each run begin and end, in the order of the queue; None for a run with or behind
    a job that tells no time, and while nothing begins. summaries: as in `ahead`."""
    root = folder or runs_folder()
    return _waiting(root, *_jobs(root, summaries))


def both(
    folder: Path | None = None, summaries: Sequence[dict[str, Any]] | None = None
) -> tuple[Ahead, dict[str, Times | None]]:
    """`ahead` and `waiting` from one look at the queue."""
    root = folder or runs_folder()
    jobs = _jobs(root, summaries)
    return _ahead(root, *jobs), _waiting(root, *jobs)


def _ahead(root: Path, trains: Sequence[float | None], waits: Sequence[tuple[str, float | None]]) -> Ahead:
    at_once = places(root)
    jobs = [*trains, *(seconds for _, seconds in waits)]
    return Ahead(
        slots=free_at([0.0] * at_once, [seconds or 0.0 for seconds in jobs]) if at_once else (),
        jobs=len(jobs),
        unknown=sum(seconds is None for seconds in jobs),
        halted=halt.stopped(root) is not None,
    )


def _waiting(
    root: Path, trains: Sequence[float | None], waits: Sequence[tuple[str, float | None]]
) -> dict[str, Times | None]:
    at_once = places(root)
    is_known = at_once is not None and None not in trains and halt.stopped(root) is None
    free = list(free_at([0.0] * (at_once or 1), [seconds or 0.0 for seconds in trains]))
    spans: dict[str, Times | None] = {}
    for run_id, seconds in waits:
        is_known = is_known and seconds is not None
        if not is_known or seconds is None:
            spans[run_id] = None
            continue
        begins = heapq.heapreplace(free, free[0] + seconds)
        before = spans.get(run_id)
        spans[run_id] = (
            Times(before.begins, max(before.ends, begins + seconds)) if before else Times(begins, begins + seconds)
        )
    return spans


def _jobs(
    root: Path, summaries: Sequence[dict[str, Any]] | None
) -> tuple[list[float | None], list[tuple[str, float | None]]]:
    """Seconds of each fold job that trains, and (run id, seconds) of each that waits, in the order of the queue."""
    rows = {row["id"]: row for row in (index.summaries(root) if summaries is None else summaries)}
    rate_of = rates(root)
    trains = [(row, fold["fold"]) for row in rows.values() for fold in row.get("folds", ()) if _is_running(fold)]
    waits = [(rows[run_id], fold) for _, run_id, fold in queue.waiting(root, by_itself=True) if run_id in rows]
    return (
        [_left(Run(row["id"], root), fold) or _lasts(row, fold, root, rate_of) for row, fold in trains],
        [(row["id"], _lasts(row, fold, root, rate_of)) for row, fold in waits if (row, fold) not in trains],
    )


def free_at(slots: Sequence[float], jobs: Iterable[float]) -> tuple[float, ...]:
    """Seconds until each slot is free, least first, once every job was taken in its order by the slot free first."""
    free = list(slots)
    heapq.heapify(free)
    for seconds in jobs:
        heapq.heapreplace(free, free[0] + seconds)
    return tuple(sorted(free))


def times(before: Ahead, jobs: Sequence[float]) -> Times:
    """When fold jobs of these seconds begin and end behind what is ahead of them, at least one; `slots` are known."""
    free = list(before.slots)
    heapq.heapify(free)
    ends = [heapq.heapreplace(free, free[0] + seconds) + seconds for seconds in jobs]
    return Times(before.slots[0], max(ends))


def _is_running(fold: dict[str, Any]) -> bool:
    return fold["state"] == "running"


def _left(run: Run, fold: int) -> float | None:
    """What a fold that trains says of its own end; None before its first steps."""
    seconds = run.progress(fold).get("eta_seconds")
    return max(0.0, float(seconds)) if isinstance(seconds, (int, float)) else None


def _lasts(
    row: dict[str, Any], fold: int, root: Path, rate_of: Callable[[RunConfig | Step], float | None]
) -> float | None:
    """Seconds of a fold without the epochs that it has behind it; None where nobody can say."""
    folds = row.get("folds", [])
    done = [each["seconds"] for each in folds if each["state"] == "done" and each.get("seconds")]
    behind = next((each["epoch"] for each in folds if each["fold"] == fold), 0)
    if done and not behind:
        return fmean(done)
    if (work := work_of(Run(row["id"], root), row["samples"])) is None:
        return None
    if done:
        return fmean(done) * work.share_left(row["samples"], len(folds), behind)
    rate = rate_of(work.step)
    return None if rate is None else work.seconds(row["samples"], len(folds), rate, behind)


def work_of(run: Run, photos: int) -> Work | None:
    """Of a run's configuration, which is never rewritten; None where it cannot be read now. photos: of the run."""
    try:
        return _read(run.id, run.dir.parent, photos)
    except LabError:
        return None


@lru_cache(maxsize=REMEMBERED)
def _read(run_id: str, root: Path, photos: int) -> Work:
    """Not the whole configuration: each look at a long queue asks for all that waits, one after the other, and of a
    memory that holds fewer it would find none again. Raises LabError, which is not remembered: rights and disks are
    mended."""
    config = Run(run_id, root).config()
    return Work(speed.step_of(config), speed.phases_of(config, photos), bool(config.folds.everybody))
