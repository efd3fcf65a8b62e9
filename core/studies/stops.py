"""A study that is cancelled or deleted while its runs are launched. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from core.errors import LabError
from core.jobs import control, queue
from core.runs import Run
from core.storage import files
from core.studies.record_file import Study, exists, folder_of, load

DELETED = "Its study was deleted while it was paused."


def watch(study: Study, root: Path) -> Callable[[], bool]:
    """Whether a study has been cancelled or deleted since; its record is read only when it was written anew.

    As it was seen last while the record is out of reach: a launch goes on.
    """
    path, seen, stopped = folder_of(root) / f"{study.id}.json", None, False

    def was_stopped() -> bool:
        nonlocal seen, stopped
        try:
            status = path.stat()
        except OSError as error:
            return stopped if files.out_of_reach(error) else True
        now = status.st_mtime_ns, status.st_size, status.st_ino
        if now != seen:
            try:
                stopped = load(study.id, root).cancelled != study.cancelled
            except LabError as error:
                stopped = error.kind == "gone"
            seen = now
        return stopped

    return was_stopped


def stop_late(study: Study, run: Run, root: Path) -> None:
    if exists(study.id, root):
        control.stop(run)
        return
    if run.id in queue.held_runs(root) or any(state.state == "cancelled" for state in run.states()):
        control.cancel_waiting(run, DELETED)  # once more: it came into the queue after the first time
    queue.release(root, study.id, [run.id])
