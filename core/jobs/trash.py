"""The trash: a deleted run moves there whole, and Restore moves it back. Imports no torch."""

from __future__ import annotations

import contextlib
import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from filelock import Timeout

from core import places
from core.errors import LabError
from core.jobs import queue
from core.runs import Run
from core.runs.lists import index
from core.runs.notes import check_idle
from core.runs.owners import owner
from core.runs.run import check_id
from core.storage import files


def trash_folder(folder: Path | None = None) -> Path:
    """Deleted runs, each in a folder under its own id, so that it reads like any runs folder."""
    return places.lab_folder(folder) / "trash"


def delete(ids: Sequence[str], folder: Path | None = None) -> None:
    """Move runs into the trash.

    Raises LabError, before anything is moved: 'not-yours', 'busy' for a run that trains or waits, 'parent' for one
    whose weights an unfinished run starts from, 'gone', 'bad-id'; 'read-only' for what cannot be moved.
    """
    root = folder or places.runs_folder()
    chosen = [Run(run_id, root) for run_id in ids]
    for run in chosen:
        if not run.dir.is_dir():
            run.require()
    owner.check(chosen)
    for run in chosen:
        check_idle(run)
    _check_children(chosen, root)
    target = trash_folder(root)
    with files.written_to(target):
        target.mkdir(parents=True, exist_ok=True)
    for run in chosen:
        with all_folds(run):
            queue.remove(run, run.folds())
            _move(run.dir, _free(target / run.id))


def restore(ids: Sequence[str], folder: Path | None = None) -> None:
    """Move runs back from the trash.

    Raises LabError: 'not-yours' before any is moved, 'gone', or 'exists' when a run of that id is there again.
    """
    root = folder or places.runs_folder()
    owner.check([Run(run_id, trash_folder(root)) for run_id in ids])
    for run_id in ids:
        source = trash_folder(root) / check_id(run_id)
        if not source.is_dir():
            raise LabError(f"run '{run_id}' is not in the trash.", "It was restored or deleted for good.", kind="gone")
        if (root / run_id).exists():
            raise LabError(f"run '{run_id}' exists already.", "Delete the one in the list first.", kind="exists")
        _move(source, root / run_id)


def delete_for_good(ids: Sequence[str], folder: Path | None = None) -> None:
    """Remove runs from the trash and from the disk; there is no way back. Raises LabError: 'not-yours' before that."""
    owner.check([run for run_id in ids if (run := Run(run_id, trash_folder(folder))).dir.is_dir()])
    for run_id in ids:
        place = trash_folder(folder) / check_id(run_id)
        try:
            shutil.rmtree(place)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise LabError(f"{place} cannot be removed: {error.strerror}.", "Remove the folder by hand.") from error


def _check_children(chosen: Sequence[Run], root: Path) -> None:
    leaving = {run.id for run in chosen}
    for summary in index.summaries(root):
        parent = str(summary.get("init", "")).removeprefix("run:")
        if parent in leaving and summary["id"] not in leaving and summary.get("state") != "done":
            raise LabError(
                f"run '{parent}' is needed: '{summary['id']}' starts from its weights and is not finished.",
                "Let that run finish, or delete it too.",
                kind="parent",
            )


@contextlib.contextmanager
def all_folds(run: Run):
    """Hold every fold's lock, so that no worker can claim the run while its folder moves.

    Raises LabError: 'busy' for a run that trains or waits, which it may since it was looked at; 'read-only'.
    """
    with contextlib.ExitStack() as stack:
        for fold in run.folds():
            with files.written_to(run.dir):
                try:
                    stack.enter_context(run.fold_lock(fold).acquire(timeout=0.2))
                except Timeout:
                    remedy = "Cancel the run first; its checkpoints are kept."
                    raise LabError(f"run '{run.id}': fold {fold} is training.", remedy, kind="busy") from None
        states = [run.written_state(fold) for fold in run.folds()]
        check_idle(run, [state for state in states if state.state == "queued"])  # who says running is dead: we hold it
        yield


def _free(place: Path) -> Path:
    """The place itself; what was deleted under the same id before makes room."""
    if place.exists():
        shutil.rmtree(place)
    return place


def _move(source: Path, target: Path) -> None:
    try:
        os.rename(source, target)
    except OSError as error:
        remedy = "Check that the runs folder can be written."
        raise LabError(f"{source.name} cannot be moved: {error.strerror}.", remedy, kind="read-only") from error
