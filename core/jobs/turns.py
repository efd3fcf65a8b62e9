"""Whose turn it is: the queue goes round by person, and one person's jobs may be kept to a number at a time. No torch.

Each person's jobs keep their order. Of the persons who wait, who began a job longest ago begins the next one. That is
remembered in runs/.lab/turns.json; without it the queue goes round all the same, but may begin with anybody. Where only
one person waits, the queue is as it was: what nobody is known to have launched counts as a person of its own only where
several others wait.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

from core.errors import LabError
from core.places import lab_folder
from core.runs import Run
from core.runs.lists import index
from core.runs.owners import owner
from core.runs.run import is_locked
from core.storage import files, lab_file, locks

Job = tuple[Path, str, int]  # its place in the queue, run id, fold


def in_turn(jobs: Sequence[Job], whose: Callable[[str], str], last: Mapping[str, int]) -> list[Job]:
    """The jobs, person by person in turn. whose: run id -> who launched it. last: person -> number of their last turn.

    Source: round robin, least recently served first.
    """
    lines: dict[str, list[Job]] = {}
    for job in jobs:
        lines.setdefault(whose(job[1]), []).append(job)
    if len(lines.keys() - {""}) < 2:
        return list(jobs)
    order = sorted(lines, key=lambda person: last.get(person, 0))
    return [job for row in zip_longest(*(lines[person] for person in order)) for job in row if job is not None]


def arranged(runs: Path, jobs: Sequence[Job]) -> list[Job]:
    """The jobs of a runs folder in the order in which they are to begin."""
    return in_turn(jobs, lambda run_id: owner.of(Run(run_id, runs)), _last(runs))


def within_cap(runs: Path, jobs: Sequence[Job], everything: Callable[[], Sequence[Job]]) -> list[Job]:
    """Of the jobs those that may begin beside what trains already, if one person's are kept to a number.

    What is nobody's is not kept to it. everything: all that stands in the queue, also what a worker has claimed and has
    not begun.
    """
    if (most := cap(runs)) is None:
        return list(jobs)
    training = training_now(runs, everything())
    room = Counter({person: most - count for person, count in Counter(_owner(runs, job) for job in training).items()})
    chosen = []
    for job in jobs:
        person = _owner(runs, job[1:])
        left = room.get(person, most)
        if job[1:] not in training and (left > 0 or not person):
            chosen.append(job)
            room[person] = left - 1
    return chosen


def cap(runs: Path) -> int | None:
    """How many fold jobs of one person train at a time, by lab.toml; None where nothing is said, or it cannot be read.

    Whoever starts the lab is told of a broken file; what waits must not wait for that.
    """
    with contextlib.suppress(LabError):
        return lab_file.read(runs).queue.each
    return None


def training_now(runs: Path, jobs: Sequence[Job]) -> set[tuple[str, int]]:
    """(run id, fold) of what somebody trains. jobs: all that stands in the queue."""
    claimed = {(run_id, fold) for _, run_id, fold in jobs if is_locked(Run(run_id, runs).fold_lock(fold))}
    return claimed | {
        (summary["id"], int(fold["fold"]))
        for summary in index.summaries(runs)
        for fold in summary.get("folds", ())
        if fold["state"] == "running"
    }


@contextlib.contextmanager
def one_at_a_time(runs: Path) -> Iterator[None]:
    """Where persons have a number of their own: nobody else counts what trains before this job is claimed."""
    with contextlib.ExitStack() as stack:
        if cap(runs) is not None:
            with contextlib.suppress(LabError, OSError):  # a folder that may only be read keeps nobody from training
                stack.enter_context(locks.held(lab_folder(runs) / "claim.lock", "the queue"))
        yield


def took_one(run: Run) -> None:
    """Remember that the person whose run this is has had a turn. What cannot be written is not remembered."""
    person = owner.of(run)

    def counted(content: object) -> dict[str, int]:
        before = _sensible(content)
        return before | {person: max(before.values(), default=0) + 1}

    with contextlib.suppress(LabError, OSError):
        files.change_json(turns_file(run.dir.parent), "whose turn it is", counted, timeout=2, durable=False)


def _owner(runs: Path, job: tuple[str, int]) -> str:
    return owner.of(Run(job[0], runs))


def _last(runs: Path) -> dict[str, int]:
    try:
        return _sensible(files.read_json(turns_file(runs)))
    except (OSError, ValueError, RecursionError):
        return {}


def _sensible(content: object) -> dict[str, int]:
    pairs = content.items() if isinstance(content, dict) else ()
    return {person: turn for person, turn in pairs if isinstance(turn, int)}


def turns_file(runs: Path) -> Path:
    return lab_folder(runs) / "turns.json"
