"""The record of a study: which runs belong together and in which order. Imports no torch.

runs/.lab/studies/<id>.json. Whoever changes a record changes what stands in it then, under the lock of the records.
That a study is paused is a hold in the queue under its id.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from core.errors import LabError
from core.jobs import queue
from core.places import lab_folder, runs_folder
from core.runs.run import check_id
from core.storage import files, locks
from core.storage.files import GARBAGE


@dataclass(frozen=True)
class StudyRun:
    """One run of a study. config: the complete RunConfig as a dict, so that it can be launched again."""

    id: str
    name: str
    config: dict[str, Any]


@dataclass(frozen=True)
class Study:
    """What was asked and which runs answer it, in the order of the grid; added runs stand last.

    paused: the queue holds its runs back. cancelled: Unix time of the last cancel; a launch that began before it stops.
    """

    id: str
    name: str
    description: str
    created: float
    settings: dict[str, Any]
    runs: list[StudyRun]
    paused: bool = False
    refused: dict[str, str] = field(default_factory=dict)  # run id -> why it could not be launched
    cancelled: float | None = None
    persons: str = ""  # how far they are known: known | partly | unknown; empty in records of older labs
    by: str = ""  # who launched it; empty in records of older labs

    @property
    def run_ids(self) -> list[str]:
        return [member.id for member in self.runs]


def folder_of(root: Path) -> Path:
    return lab_folder(root) / "studies"


def all_studies(folder: Path | None = None) -> list[Study]:
    """Every readable study, newest first."""
    return listed(folder)[0]


def listed(folder: Path | None = None) -> tuple[list[Study], list[LabError]]:
    """(every readable study, newest first; what is wrong with the record of another, or with the folder of all)."""
    home = folder_of(folder or runs_folder())
    try:
        paths = files.matching(home, "*.json")
    except OSError as error:
        return [], [LabError(f"Studies cannot be looked for in {home} ({error.strerror}).", files.CHECK, "unreadable")]
    studies, faults = [], []
    for path in reversed(paths):
        try:
            studies.append(_read(path))
        except LabError as error:
            if files.may_be_there(path):  # not deleted since it was listed
                faults.append(error)
    return studies, faults


def load(study_id: str, folder: Path | None = None) -> Study:
    """Raises LabError: 'bad-id', 'gone', 'unreadable' for a record that is out of reach, 'config' for a damaged one."""
    path = folder_of(folder or runs_folder()) / f"{check_id(study_id)}.json"
    if not files.may_be_there(path):
        raise LabError(f"study '{study_id}' is gone.", "It was deleted; pick another one.", kind="gone")
    return _read(path)


def exists(study_id: str, folder: Path | None = None) -> bool:
    """Also where its record is out of reach, which load says."""
    return files.may_be_there(folder_of(folder or runs_folder()) / f"{check_id(study_id)}.json")


def _read(path: Path) -> Study:
    try:
        data = files.read_json(path)
        data.pop("taken_up", None)  # of a lab between two versions
        study = Study(**{**data, "runs": [StudyRun(**member) for member in data["runs"]]})
        return replace(study, paused=study.paused or queue.is_holding(path.parents[2], study.id))
    except (OSError, *GARBAGE) as error:
        why, remedy, kind = type(error).__name__, f"Delete {path}; the runs themselves are whole.", "config"
        if files.out_of_reach(error):
            why, remedy, kind = str(error.strerror), files.CHECK, "unreadable"
        raise LabError(f"study {path.stem}: its record cannot be read ({why}).", remedy, kind) from None


def write(study: Study, root: Path) -> None:
    data = {**vars(study), "runs": [vars(member) for member in study.runs]}
    del data["paused"]  # the queue knows
    files.write_json(folder_of(root) / f"{study.id}.json", data)


@contextlib.contextmanager
def locked(root: Path) -> Iterator[None]:
    folder_of(root).mkdir(parents=True, exist_ok=True)
    with locks.held(folder_of(root) / ".lock", "the record of a study", timeout=30):
        yield


def fresh(study_id: str, root: Path) -> Study:
    """The record as it is now, for who holds the lock; a pause of version 0.1, told in the record, becomes a hold."""
    study = load(study_id, root)
    if study.paused and not queue.is_holding(root, study_id):
        queue.hold(root, study_id, study.run_ids)
    return study


def change(study_id: str, root: Path, changed: Callable[[Study], Study]) -> Study:
    """Write what `changed` makes of the record as it is now; nobody else writes meanwhile."""
    with locked(root):
        after = changed(fresh(study_id, root))
        write(after, root)
    return after


def honour_old_pauses(root: Path) -> None:
    """Hold back the runs of studies that version 0.1 paused: it said so in their records alone."""
    for study in all_studies(root):
        if study.paused and not queue.is_holding(root, study.id):
            change(study.id, root, lambda record: record)
