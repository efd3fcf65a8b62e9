"""The trash: a deleted run moves there whole, and Restore moves it back. Imports no torch.

A study launches what it lacks under the ids of deleted runs, so two of one id may be deleted: the later one gets
another name in the trash, and comes back under its id. Nothing that lies there is removed but by `delete_for_good`.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from filelock import Timeout

from core import places
from core.errors import LabError
from core.jobs import queue
from core.runs import FoldState, Run
from core.runs.lists import index
from core.runs.lists.index import Listed
from core.runs.lists.summaries import read_summary
from core.runs.notes import check_idle
from core.runs.owners import owner
from core.runs.run import check_id
from core.storage import files, locks

GOING = ".gone"  # ends the name of a folder of runs while they are removed for good


def trash_folder(folder: Path | None = None) -> Path:
    """Deleted runs, each in a folder under its id or the name that it got here, so that it reads like any runs
    folder."""
    return places.lab_folder(folder) / "trash"


def listed(folder: Path | None = None) -> list[Listed]:
    """The deleted runs, as lists show them. Raises LabError(kind 'unreadable') where the trash is out of reach."""
    trash = trash_folder(folder)
    try:
        return index.listed(trash)
    except OSError as error:
        raise LabError(f"{trash} cannot be read: {error.strerror}.", files.CHECK, kind="unreadable") from error


def delete(ids: Sequence[str], folder: Path | None = None) -> list[str]:
    """Move runs into the trash. Returns their names there: their ids, but for one whose id another has there already.

    Raises LabError, before anything is moved: 'not-yours', 'busy' for a run that trains or waits, 'parent' for one
    whose weights an unfinished run starts from, 'gone', 'bad-id', 'locked'; 'read-only' for what cannot be moved.
    """
    root = folder or places.runs_folder()
    chosen = [Run(run_id, root) for run_id in dict.fromkeys(ids)]
    _check_there(chosen)
    owner.check(chosen)
    for run in chosen:
        _check_idle(run)
    _check_children(chosen, root)
    with contextlib.ExitStack() as out_of_sight, alone(root):
        _check_there(chosen)  # another click may have been the first
        _clear(trash_folder(root), out_of_sight)  # here too: with an empty trash nothing is deleted for good any more
        return [_throw_away(run, trash_folder(root)) for run in chosen]


def restore(ids: Sequence[str], folder: Path | None = None) -> list[str]:
    """Move runs back from the trash. ids: their names there. Returns the ids that they have again.

    Raises LabError, before any is moved: 'gone', 'not-yours', 'exists' when a run of that id is there again or two of
    one id are asked for, 'unreadable' where what says its id is out of reach, 'locked'.
    """
    root = folder or places.runs_folder()
    trash = trash_folder(root)
    with alone(root):
        for name in ids:
            if not (trash / check_id(name)).is_dir():  # whose it was, nothing there says
                remedy = "It was restored or deleted for good."
                raise LabError(f"run '{name}' is not in the trash.", remedy, kind="gone")
        owner.check([Run(name, trash) for name in ids])
        ids_by_name = {name: _id_of(name, trash) for name in ids}
        for run_id in ids_by_name.values():
            if (root / run_id).exists():
                remedy = "Delete the one in the list first; the trash keeps both."
                raise LabError(f"run '{run_id}' exists already.", remedy, kind="exists")
        if len(set(ids_by_name.values())) < len(ids_by_name):
            raise LabError("two of these runs have the same id.", "Restore one of them.", kind="exists")
        for name, run_id in ids_by_name.items():
            _move(trash / name, root / run_id)
            _forget_id(name, trash)
    return list(ids_by_name.values())


def delete_for_good(ids: Sequence[str], folder: Path | None = None) -> None:
    """Remove runs from the trash and from the disk; there is no way back. ids: their names in the trash.

    What the folders hold is removed once nobody else is kept from moving runs any more: it takes long.
    Raises LabError, before any is removed: 'not-yours', 'locked'; for what cannot be removed, when the others are.
    """
    root = folder or places.runs_folder()
    trash = trash_folder(root)
    with contextlib.ExitStack() as out_of_sight, alone(root):
        owner.check([run for name in ids if (run := Run(name, trash)).dir.is_dir()])
        _clear(trash, out_of_sight)
        hidden = out_of_sight.enter_context(_going(trash))
        for name in ids:
            if not (trash / check_id(name)).is_dir():
                continue
            _move(trash / name, hidden / name)  # else what is removed in part, as this is cut off, could be restored
            out_of_sight.callback(_remove, hidden / name)
            _forget_id(name, trash)


@contextlib.contextmanager
def _going(trash: Path) -> Iterator[Path]:
    """A folder for all that is removed for good at once, which nobody else clears away meanwhile; gone at the end.

    Raises LabError: 'read-only'.
    """
    hidden = trash / f".{secrets.token_hex(4)}{GOING}"
    with contextlib.ExitStack() as stack:
        with files.written_to(trash):
            stack.enter_context(_removing(hidden))
            hidden.mkdir()
        try:
            yield hidden
        finally:
            with contextlib.suppress(OSError):  # what could not be removed stays, and was told
                hidden.rmdir()


@contextlib.contextmanager
def _removing(hidden: Path) -> Iterator[None]:
    """Held by whoever removes what a folder holds. Raises LabError(kind 'locked') at once where another does."""
    file = hidden.with_name(f"{hidden.name}.lock")  # where the doctor looks, too
    with locks.held(file, hidden.name, timeout=0):
        try:
            yield
        finally:
            with contextlib.suppress(OSError):
                file.unlink()


def _clear(trash: Path, out_of_sight: contextlib.ExitStack) -> None:
    """Have that removed which a deletion for good that was cut off has begun to remove, or the lock that it left."""
    locked = (lock.with_suffix("") for lock in trash.glob(f".*{GOING}.lock"))
    for hidden in {*trash.glob(f".*{GOING}"), *locked}:
        out_of_sight.callback(_clear_away, hidden)


def _clear_away(hidden: Path) -> None:
    """Left alone where somebody is removing it: whoever moves a run into the trash does not wait for that."""
    with contextlib.suppress(LabError, OSError), _removing(hidden):
        shutil.rmtree(hidden, ignore_errors=True)


def _remove(folder: Path) -> None:
    """Somebody may remove the same by hand: what is gone by then is no fault."""
    while folder.exists():
        try:
            shutil.rmtree(folder)
        except FileNotFoundError:
            continue
        except OSError as error:
            raise LabError(f"{folder} cannot be removed: {error.strerror}.", "Remove the folder by hand.") from error


def has(run_id: str, folder: Path | None = None) -> bool:
    """Whether a deleted run of this id lies in the trash, under whatever name."""
    return bool(names_of(run_id, folder))


def names_of(run_id: str, folder: Path | None = None) -> list[str]:
    """The names in the trash of deleted runs of this id; several where it was launched anew and deleted again."""
    trash = trash_folder(folder)
    names = []
    for name in dict.fromkeys([run_id, *(path.name for path in _id_file(run_id, trash).parent.glob("*"))]):
        with contextlib.suppress(LabError):  # whoever restores it is told
            if (trash / name).is_dir() and _id_of(name, trash) == run_id:
                names.append(name)
    return names


@contextlib.contextmanager
def alone(root: Path) -> Iterator[None]:
    """Nobody else moves a run of this folder into the trash or out of it meanwhile.

    Raises LabError: 'locked', 'read-only'.
    """
    trash = trash_folder(root)
    with contextlib.ExitStack() as stack:
        with files.written_to(trash):
            trash.mkdir(parents=True, exist_ok=True)
            stack.enter_context(locks.held(trash / ".lock", "the trash"))
        yield


def _check_there(chosen: Sequence[Run]) -> None:
    for run in chosen:
        if not run.dir.is_dir():
            run.require()


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


def _check_idle(run: Run, states: Sequence[FoldState] | None = None) -> None:
    """notes.check_idle, but for folds of which nobody wrote how they stand, as where a copy of the run was cut off.

    They count as folds that wait. Of a run that cannot be read they would do so for ever, and nobody could cancel them.
    Raises LabError: 'busy', 'read-only' where this account may not look at the folds, which may train.
    """
    try:
        states = run.states() if states is None else states
        if any(state.state == "queued" for state in states) and not _can_be_read(run):
            waiting = {fold for _, _, fold in queue.places(run.dir.parent, run.id)}
            states = [state for state in states if state.state != "queued" or state.fold in waiting]
        check_idle(run, states)
    except OSError as error:
        what = f"run '{run.id}' cannot be looked at: {error.strerror}."
        raise LabError(what, files.CHECK, kind="read-only") from error


def _can_be_read(run: Run) -> bool:
    return run.exists() and "unreadable" not in (read_summary(run.dir) or {})


@contextlib.contextmanager
def all_folds(run: Run):
    """Hold every fold's lock, so that no worker can claim the run while its folder moves.

    For who has the runs `alone`: taking the lock of a folder that just went would make it anew.
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
        _check_idle(run, [state for state in states if state.state == "queued"])  # who says running is dead: we hold it
        yield


def _throw_away(run: Run, trash: Path) -> str:
    """Move a run into the trash, for who has it alone; its name there."""
    name = _free_name(run.id, trash)
    with all_folds(run):
        queue.remove(run, run.folds())
        with files.written_to(trash):
            id_file = _id_file(name, trash)
            id_file.unlink(missing_ok=True)
            if name != run.id:
                id_file.parent.mkdir(exist_ok=True)
                files.write_text(id_file, run.id)
        _move(run.dir, trash / name)
    return name


def _free_name(run_id: str, trash: Path) -> str:
    """The id itself, or what begins like it where a run of that id lies in the trash already."""
    others = (f"{run_id[:70]}-{number}" for number in itertools.count(2))  # an id has 80 letters at most
    return next(name for name in itertools.chain([run_id], others) if not (trash / name).exists())


def _id_file(name: str, trash: Path) -> Path:
    """Says the id of a run that has another name in the trash; absent for all others."""
    return trash / ".ids" / check_id(name)


def _id_of(name: str, trash: Path) -> str:
    """Of a run in the trash; its name there where nothing, or nothing that makes sense, says another.

    Raises LabError(kind 'unreadable') where what says it is out of reach: restored as its name it would be another run.
    """
    try:
        return check_id(_id_file(name, trash).read_text("utf-8"))
    except (OSError, ValueError, LabError) as error:
        if files.out_of_reach(error):
            what = f"{_id_file(name, trash)} cannot be read: {error.strerror}."
            raise LabError(what, files.CHECK, kind="unreadable") from error
        return name


def _forget_id(name: str, trash: Path) -> None:
    with contextlib.suppress(OSError):  # it is taken away, too, before another run gets the name
        _id_file(name, trash).unlink(missing_ok=True)


def _move(source: Path, target: Path) -> None:
    try:
        os.rename(source, target)
    except OSError as error:
        remedy = "Check that the runs folder can be written."
        raise LabError(f"{source.name} cannot be moved: {error.strerror}.", remedy, kind="read-only") from error
