"""What has ended and nobody was told of yet: a mark a run and a study, which exactly one process takes away.

A mark is made when a fold of the run begins, where there is somebody to tell. Whoever finds that nothing of the run
trains or waits any more removes it: the file system lets one of them do so, and that one tells. A run that is resumed
gets a mark again. Imports no torch.
"""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.errors import LabError
from core.jobs import halt
from core.jobs.alerts import addresses
from core.runs import FoldState, Run
from core.runs.run import ID
from core.runs.states import ALIVE
from core.storage.files import GARBAGE

RUNS, STUDIES = "runs", "studies"
FRESH = 60.0  # seconds after an end in which whoever was there when it came tells of it


def _mark(root: Path, kind: str, name: str) -> Path:
    return addresses.folder_of(root) / kind / name


def watch(run: Run) -> None:
    """From now on somebody is to be told when this run, and its study, have ended. Raises OSError."""
    root = run.dir.parent
    marks = [_mark(root, RUNS, run.id)]
    with contextlib.suppress(OSError, LabError, *GARBAGE):  # a run.json that cannot be read: of the run alone
        if isinstance(study := run.info().get("study"), str) and ID.fullmatch(study):
            marks.append(_mark(root, STUDIES, study))
    for mark in marks:
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()


def watches(root: Path, kind: str, name: str) -> bool:
    return _mark(root, kind, name).exists()


def over(states: Iterable[FoldState]) -> bool:
    """Whether nothing of a run trains or waits."""
    return not any(state.state in ALIVE for state in states)


def take(root: Path, kind: str, name: str, is_over: Callable[[], bool]) -> bool:
    """Whether it is over, and this process is the one that tells of it. Raises OSError.

    is_over: looks. Asked once more when the mark is gone, for a resume in between: then somebody tells later.
    """
    if not is_over():
        return False
    try:
        os.unlink(_mark(root, kind, name))
    except FileNotFoundError:
        return False
    if is_over():
        return True
    _mark(root, kind, name).touch()
    return False


def take_stop(root: Path) -> halt.Stop | None:
    """What stopped the queue, for the one process that tells of it; None for all others, and while it goes on, or
    where only nobody can tell whether it does."""
    stop = halt.stopped(root)
    if stop is None or stop.kind == halt.UNREADABLE:
        return None
    # One file a stop and machine, for the name of a file is taken by one process alone.
    mark = halt.stop_file(root).with_name(f"stop-told-{stop.when:.6f}")
    for old in mark.parent.glob("stop-told-*"):
        if old != mark:
            old.unlink(missing_ok=True)
    try:
        os.close(os.open(mark, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))
    except FileExistsError:
        return None
    return stop


def left_over(root: Path, summaries: Sequence[Mapping[str, Any]]) -> list[str]:
    """Ids of runs that are over while nobody tells of it, or of a run of each study of which all are: who should have
    was killed, the machine went down, or the study's record was out of reach.

    summaries: of all runs, with their states. Where nobody is told of anything it costs a look at two folders.
    """
    runs, studies = _marked(root, RUNS), _marked(root, STUDIES)
    ids = [str(summary["id"]) for summary in summaries if summary["id"] in runs and _is_long_over(summary)]
    members: dict[str, list[Mapping[str, Any]]] = {}
    for summary in summaries if studies else ():
        if (study := str(summary.get("study"))) in studies:
            members.setdefault(study, []).append(summary)
    for of_study in members.values():
        if all(map(_is_long_over, of_study)) and not any(summary["id"] in runs for summary in of_study):
            ids.append(str(of_study[0]["id"]))
    for gone in runs - {summary["id"] for summary in summaries}:
        with contextlib.suppress(OSError):
            if not Run(gone, root).exists():  # else it was launched after the summaries were read
                forget(root, RUNS, gone)
    return ids


def _marked(root: Path, kind: str) -> set[str]:
    try:
        return set(os.listdir(addresses.folder_of(root) / kind))
    except OSError:
        return set()


def _is_long_over(summary: Mapping[str, Any]) -> bool:
    """Whether a run ended so long ago that who was there then has told of it."""
    if summary.get("state") in (*ALIVE, None):
        return False
    ended = max((fold["ended"] or 0.0 for fold in summary.get("folds", ())), default=0.0)
    return not 0 <= time.time() - ended < FRESH


def forget(root: Path, kind: str, name: str) -> None:
    """Of a run that was deleted, or where nobody is to be told any more. Raises OSError."""
    _mark(root, kind, name).unlink(missing_ok=True)


def nobody(run: Run, error: Exception) -> None:
    """Say in the run's log that nobody is told, and why."""
    why = error if isinstance(error, LabError) else getattr(error, "strerror", None) or type(error).__name__
    run.log(f"nobody is told when this run ends: {why}")
