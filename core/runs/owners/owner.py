"""Whose a run is: who launched it, as run.json says from then on. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from core.errors import LabError
from core.runs.run import Run
from core.storage import asking, files
from core.storage.files import GARBAGE

REMEMBERED = 20_000  # runs
_OWNERS: dict[Path, tuple[tuple[int, int, int], str]] = {}  # run.json -> (its time, size and inode, who launched it)


def of(run: Run) -> str:
    """Who launched a run; empty where that is not known: of older labs, and where run.json cannot be read."""
    try:
        return _in_reach(run)
    except OSError:
        return ""


def _in_reach(run: Run) -> str:
    """The same; OSError where run.json is out of reach."""
    try:
        status = run.info_file.stat()
        stamp = status.st_mtime_ns, status.st_size, status.st_ino
        before = _OWNERS.get(run.info_file)
        if before is not None and before[0] == stamp:
            return before[1]
        owner = told(run.info())
    except (OSError, LabError, *GARBAGE) as error:
        if files.out_of_reach(error):
            raise
        return ""
    if len(_OWNERS) >= REMEMBERED:
        _OWNERS.clear()
    _OWNERS[run.info_file] = stamp, owner
    return owner


def told(facts: Mapping[str, Any]) -> str:
    """Who launched it, as run.json, summary.json or the record of a study say."""
    return owner if isinstance(owner := facts.get("by"), str) else ""


def check(runs: Sequence[Run]) -> None:
    """Raises LabError(kind 'not-yours') naming the first of these runs that whoever asks may not change; 'unreadable'
    where nobody can tell just now.
    """
    if not asking.asker().admin:
        for run in runs:
            try:
                owner = _in_reach(run)
            except OSError as error:
                what = f"{run.id}: {run.info_file.name} cannot be read ({error.strerror}); it says whose the run is."
                raise LabError(what, files.CHECK, kind="unreadable") from error
            asking.check(owner, f"run '{run.id}'")
