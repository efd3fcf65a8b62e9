"""How often the score on a run's test photos was shown to somebody who asked: each time is kept. Imports no torch."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Sequence
from typing import Any

from core.errors import LabError
from core.runs.run import Run
from core.storage import files
from core.storage.files import GARBAGE


def times(run: Run) -> list[float]:
    """The moment of each look, oldest first; none before the first. Raises LabError(kind 'unreadable')."""
    try:
        content = files.read_json(run.test_looks_file)
    except FileNotFoundError:
        return []
    except (OSError, *GARBAGE) as error:
        raise _unreadable(run, error) from error
    return _moments(run, content)


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


def words(number: int) -> str:
    """ "not looked at yet", "looked at once", "looked at 3 times"."""
    if number < 2:
        return "looked at once" if number else "not looked at yet"
    return f"looked at {number:,} times"


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
