"""What of a finished run was dropped on purpose to make room, and what is said where it would be needed.

dropped.json holds {"weights": ["best", "final"], "when": Unix time, "bytes": what became free}. Nothing else of a run
tells that weights are missing because somebody wanted it so. Imports no torch.
"""

from __future__ import annotations

import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING

from core.errors import LabError
from core.storage import files
from core.storage.files import GARBAGE

if TYPE_CHECKING:
    from core.runs.run import Run

KIND = "dropped"  # of the errors that are none: somebody wanted it so
CHECKPOINTS = ("best", "final")
DAMAGED = "Copy it back from a backup; or delete it, and what was dropped is taken for lost."


@dataclass(frozen=True)
class Dropped:
    """weights: 'best' and 'final', those that were dropped. when: Unix time of the last time. bytes: freed, in all."""

    weights: tuple[str, ...] = ()
    when: float = 0.0
    bytes: int = 0


def read(run: Run) -> Dropped:
    """What `written` says; nothing where that cannot be read, for lists, which nothing of it may hide."""
    try:
        return written(run)
    except LabError:
        return Dropped()


def written(run: Run) -> Dropped:
    """Nothing for a run of which nothing was dropped.

    Raises LabError(kind 'unreadable') where it is out of reach or damaged: what was dropped on purpose would be taken
    for lost, and the package of such a run, the last place that has networks, for one that is made again by a click.
    """
    try:
        content = files.read_json(run.dropped_file)
        weights = tuple(which for which in CHECKPOINTS if which in content["weights"])
        return Dropped(weights, float(content["when"]), int(content["bytes"]))
    except (FileNotFoundError, NotADirectoryError):
        return Dropped()
    except (OSError, *GARBAGE) as error:
        how, remedy = f"is damaged ({type(error).__name__})", DAMAGED
        if files.out_of_reach(error):
            how, remedy = f"cannot be read ({error.strerror})", files.CHECK
        what = f"{run.id}: {run.dropped_file.name} {how}; it says what was dropped of the run."
        raise LabError(what, remedy, kind="unreadable") from error


def note(run: Run, weights: Iterable[str], freed: int) -> None:
    """Say beforehand what is about to be dropped. freed: bytes. Raises LabError: 'unreadable', 'locked', 'read-only',
    'disk-full'."""
    with files.written_to(run.dir, "Make the folder writable."), run.written_alone():
        before = written(run)
        every = [which for which in CHECKPOINTS if which in {*before.weights, *weights}]
        files.write_json(run.dropped_file, {"weights": every, "when": time.time(), "bytes": before.bytes + freed})


def missing(run: Run, fold: int, which: str) -> LabError | None:
    """What to say where weights are asked for that were dropped on purpose; None where they are there, or gone for
    another reason. which: 'best' or 'final'. Raises LabError as `written` does."""
    if run.weights_file(fold, which).is_file() or which not in (dropped := written(run)).weights:
        return None
    day = f"{datetime.fromtimestamp(dropped.when):%d %B %Y}"
    if set(CHECKPOINTS) <= set(dropped.weights):
        return LabError(
            f"{run.id}: only its results were kept; its weights were dropped on {day} to make room.",
            "Scores, curves, mistakes and predictions are all there. To ask its networks again, run it again.",
            kind=KIND,
        )
    other = next(each for each in CHECKPOINTS if each != which)
    return LabError(
        f"{run.id}: its {which} weights were dropped on {day} to make room.",
        f"Its {other} weights are there: choose that checkpoint.",
        kind=KIND,
    )


def sentence(run: Run) -> str:
    """What a page says of a run of which something was dropped; empty of any other."""
    try:
        dropped = written(run)
    except LabError as error:
        return str(error)
    if not dropped.weights:
        return ""
    folds = run.folds()
    lacking = [which for which in dropped.weights if any(not run.weights_file(k, which).is_file() for k in folds)]
    if not lacking:  # they were copied back
        return ""
    day = f"{datetime.fromtimestamp(dropped.when):%d %B %Y}"
    if len(lacking) == len(CHECKPOINTS):
        return f"Only the results of this run were kept; its weights were dropped on {day}, so it cannot answer anew."
    return f"The {lacking[0]} weights of this run were dropped on {day}."
