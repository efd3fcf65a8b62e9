"""How often the score on a run's test photos was shown to somebody who asked: each time is kept. Imports no torch."""

from __future__ import annotations

import contextlib
import hashlib
import os
import time
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

import pandas as pd

from core.errors import LabError
from core.runs.run import ID, Run
from core.storage import files, parquet
from core.storage.files import GARBAGE
from core.text import ordinal

REMEMBERED = 20_000  # tables of test photos


def times(run: Run) -> list[float]:
    """The moment of each look, oldest first; none before the first. Raises LabError(kind 'unreadable')."""
    try:
        content = files.read_json(run.test_looks_file)
    except FileNotFoundError:
        return []
    except (OSError, *GARBAGE) as error:
        raise _unreadable(run, error) from error
    return _moments(run, content)


def others(runs: Sequence[Run]) -> int:
    """How many looks at the test photos of these runs there were beside those of the one that was looked at most: at
    the same photos through any run of their folder. Runs that were shown together were looked at once.

    Counts that cannot be read are left out where they are of another run. Raises LabError(kind 'unreadable').
    """
    of_each = [times(run) for run in runs]
    photos = {_photos_of(run) for run in runs} - {""}
    moments = {moment for of_run in of_each for moment in of_run}
    root, name, own = runs[0].dir.parent, runs[0].test_looks_file.name, {run.id for run in runs}
    with contextlib.suppress(OSError):
        for entry in os.scandir(root) if photos else ():
            if entry.name in own or not ID.fullmatch(entry.name) or not os.path.isfile(os.path.join(entry.path, name)):
                continue
            other = Run(entry.name, root)
            with contextlib.suppress(LabError):
                moments |= set(times(other) if _photos_of(other) in photos else ())
    return max(0, len(moments) - max(map(len, of_each)))


def _photos_of(run: Run) -> str:
    """Equal for runs that have the same test photos, whatever they tell of them; empty where that cannot be read."""
    try:
        status = run.test_file.stat()
        return _digest(run.test_file, (status.st_mtime_ns, status.st_size, status.st_ino))
    except (OSError, *GARBAGE):
        return ""


@lru_cache(maxsize=REMEMBERED)
def _digest(test_file: Path, stamp: tuple[int, int, int]) -> str:
    table = parquet.read(test_file)
    columns = [name for name in ("sample", "bytes") if name in table]
    photos = pd.util.hash_pandas_object(table[columns].astype(str), index=False)
    return hashlib.sha256(photos.sort_values().to_numpy().tobytes()).hexdigest()


def add(run: Run, by: str) -> int:
    """One more look, by 'page' or 'command line'; how many there were with it.

    Raises LabError: 'unreadable' rather than begin at 1 again, 'locked', 'read-only', 'disk-full'.
    """
    return _add(run, {"time": time.time(), "by": by})


def add_together(runs: Sequence[Run], by: str) -> dict[Run, int]:
    """`add` for runs that are shown together, or not at all: where one look cannot be counted, none is."""
    look: dict[str, Any] = {"time": time.time(), "by": by}
    numbers: dict[Run, int] = {}
    try:
        for run in runs:
            numbers[run] = _add(run, look)
    except LabError:
        for run in numbers:
            _take_back(run, look)
        raise
    return numbers


def _add(run: Run, look: dict[str, Any]) -> int:
    looks = 0

    def one_more(content: Any) -> dict[str, Any]:
        nonlocal looks
        if content is None and run.test_looks_file.exists():
            raise _unreadable(run)
        before = [] if content is None else content["looks"] if _moments(run, content) else []
        looks = len(before) + 1
        return {"looks": [*before, look]}

    try:
        files.change_json(run.test_looks_file, f"the looks at the test set of '{run.id}'", one_more)
    except OSError as error:
        raise LabError(
            f"{run.id}: the look cannot be counted ({error.strerror}), so the score is not shown.",
            "Make the run folder writable, or copy the run to one that is.",
            kind="read-only",
        ) from error
    return looks


def _take_back(run: Run, look: dict[str, Any]) -> None:
    def without(content: Any) -> dict[str, Any]:
        looks = list(content["looks"])
        looks.remove(look)
        return {"looks": looks}

    with contextlib.suppress(OSError, LabError, *GARBAGE):  # why none was shown is told, and not this
        files.change_json(run.test_looks_file, f"the looks at the test set of '{run.id}'", without)


def words(number: int, through_others: int = 0) -> str:
    """ "not looked at yet", "looked at once", "looked at 3 times", and how often through others, see `others`."""
    if not through_others:
        return f"looked at {_often(number)}" if number else "not looked at yet"
    same = f"{_often(through_others)} through other runs with the same test photos"
    return f"looked at {_often(number)}, and {same}" if number else f"not looked at through this run yet, but {same}"


def _often(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


def next_one(number: int, through_others: int, whose: str = "this run") -> str:
    """Which look the next one is: "look 1", or "look 1 of this run, the 12th at these test photos"."""
    own = f"look {number + 1:,}"
    return (
        f"{own} of {whose}, the {ordinal(number + through_others + 1)} at these test photos" if through_others else own
    )


def _moments(run: Run, content: Any) -> list[float]:
    try:
        return [float(look["time"]) for look in content["looks"]]
    except GARBAGE as error:
        raise _unreadable(run) from error


def _unreadable(run: Run, error: Exception | None = None) -> LabError:
    what, remedy = "is damaged", "Copy it back from a backup, or delete it: counting then begins anew."
    if error is not None and files.out_of_reach(error):  # deleted it would be the count itself that is lost
        what, remedy = f"cannot be read ({error.strerror})", files.CHECK
    text = f"{run.id}: test_looks.json {what}, so nobody knows how often its test set was looked at."
    return LabError(text, remedy, kind="unreadable")
