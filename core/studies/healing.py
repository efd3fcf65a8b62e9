"""What a lab that was killed half-way left behind is found again. Imports no torch."""

from __future__ import annotations

import contextlib
import errno
import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from filelock import Timeout

from core import places
from core.errors import LabError
from core.jobs import control, elsewhere, queue
from core.jobs.alerts import ends
from core.jobs.processes import detached
from core.runs import Run, deaths
from core.runs.lists import index
from core.runs.run import is_locked
from core.storage.files import GARBAGE
from core.studies.record_file import honour_old_pauses

READ_ONLY = "This runs folder may only be read from here; nothing is started."
_told: dict[Path, set[str]] = {}  # by runs folder: those of which this process had people told, as they were left
_settled: set[tuple[Any, ...]] = set()  # interrupted folds of which this process knows that no verdict is to be kept


def look_after(folder: Path | None = None) -> str:
    """Queue what a lab that was killed in the middle of a launch or a resume left out, and start workers. Cancel
    what one that was killed in the middle of a cancel left waiting.

    A fold that says queued and has no place in the queue was left out. What the queue holds back stays held back.
    Returns why what waits could not be started, in a sentence; empty where it was, or where nothing waits.
    """
    root = folder or places.runs_folder()
    try:
        summaries = index.summaries(root)
        _keep_verdicts(root, summaries)
        _tell_what_was_left_over(root, summaries)
        _queue_what_was_left_out(root, summaries)
        if next(queue.entries(root), None) is not None and not os.access(queue.queue_folder(root), os.W_OK):
            return READ_ONLY
        control.ensure_workers(root)
        if elsewhere.address(root) is not None:
            return elsewhere.trouble(root)
        return _waits_elsewhere(root, summaries)
    except LabError as error:
        return READ_ONLY if _not_allowed(error.__cause__) else str(error)
    except OSError as error:
        return READ_ONLY if _not_allowed(error) else f"What waits could not be started: {error.strerror or error}."


def _not_allowed(error: BaseException | None) -> bool:
    return isinstance(error, OSError) and error.errno in (errno.EACCES, errno.EPERM, errno.EROFS)


def _keep_verdicts(root: Path, summaries: list[dict[str, Any]]) -> None:
    for summary in summaries:
        for fold in summary.get("folds", ()):
            if fold["state"] != "interrupted":
                continue
            death = (root, summary["id"], fold["fold"], fold["epoch"], fold["started"])
            if death not in _settled and deaths.write_down(Run(summary["id"], root), int(fold["fold"])):
                _settled.add(death)


def _tell_what_was_left_over(root: Path, summaries: list[dict[str, Any]]) -> None:
    """Ends of which nobody was told, since who should have had it told was killed with its worker."""
    left = ends.left_over(root, summaries)
    for run_id in left:
        if run_id not in _told.get(root, ()):
            with contextlib.suppress(OSError):  # who may only read here starts nothing
                detached.start("tell", run_id, "--runs", str(root), root=root)
    _told[root] = set(left)


def _queue_what_was_left_out(root: Path, summaries: list[dict[str, Any]]) -> None:
    waiting = {(run_id, fold) for _, run_id, fold in queue.places(root)}
    honoured = False
    for summary in summaries:
        lost = [
            int(fold["fold"])
            for fold in summary.get("folds", ())
            if fold["state"] == "queued" and (summary["id"], int(fold["fold"])) not in waiting
        ]
        if not lost:
            continue
        if not honoured:
            honour_old_pauses(root)
            honoured = True
        _enqueue_again(Run(summary["id"], root), lost)


def _enqueue_again(run: Run, folds: list[int]) -> None:
    """Only what nobody has taken up meanwhile: a worker holds the lock of a fold from its claim on."""
    still = []
    for fold in folds:
        if run.written_state(fold).state != "queued" or run.cancel_file(fold).exists():
            _write_what_was_cut_off(run, fold)
        elif not is_locked(run.fold_lock(fold)):
            still.append(fold)
    queue.enqueue(run, still, _launched_on(run))


def _write_what_was_cut_off(run: Run, fold: int) -> None:
    """A fold that was to stop is cancelled, and its summary says what its state does: who was about to write that was
    killed, and nobody else would."""
    with (
        contextlib.suppress(OSError, LabError),  # who may only read leaves it to whose run it is
        contextlib.suppress(Timeout),
        run.fold_lock(fold).acquire(timeout=0),
    ):
        state = run.written_state(fold)
        if state.state == "queued" and run.cancel_file(fold).exists():
            run.write_state(replace(state, state="cancelled", ended=time.time()))
        else:
            run.write_summary()


def _launched_on(run: Run) -> str:
    """The machine that launched a run, which has its photos; empty where that is not known."""
    with contextlib.suppress(OSError, LabError, *GARBAGE):
        return str(run.info().get("machine") or "")
    return ""


def _waits_elsewhere(root: Path, summaries: list[dict[str, Any]]) -> str:
    """In a sentence: that another machine begins what waits. Empty while anything trains, or waits for this one."""
    trains = any(fold["state"] == "running" for summary in summaries for fold in summary.get("folds", ()))
    if trains or next(queue.entries(root, by_itself=True), None) is not None:
        return ""
    if next(queue.entries(root), None) is None:
        return ""
    here = f"To train here what waits, start a worker by hand: python -m core worker{places.runs_option(root)}"
    return f"What waits was queued on another machine, which trains it when the lab runs there. {here}"
