"""Datasets that were looked at lately, under runs/.lab/, so that nobody types a path twice. Imports no torch."""

from __future__ import annotations

import contextlib
import os
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from core.config.run_config import DataConfig
from core.data.reach import bounds
from core.data.reach.opening import is_folder
from core.errors import LabError
from core.places import lab_folder
from core.storage import files

LIMIT = 12


@dataclass(frozen=True)
class Recent:
    """data: the DataConfig that was scanned, as a dict with an absolute root. seen: Unix time of the last scan."""

    data: dict[str, Any]
    reader: str
    people: int
    photos: int
    seen: float

    @property
    def root(self) -> str:
        return self.data["root"]


def recent(folder: Path | None = None) -> list[Recent]:
    """Newest first; an entry whose folder is gone (a drive that is not plugged in), or lies where the lab does not look
    by now, is left out, not forgotten.
    """
    return [entry for entry in _read(_file(folder)) if is_folder(entry.root)]


def remember(data: DataConfig, *, reader: str, people: int, photos: int, folder: Path | None = None) -> None:
    """Put a dataset first in the list; one entry a root.

    The agreement to leave out bad files is not remembered: it was about the files of that day.
    A list that cannot be written is no reason to fail: nothing happens then.
    """
    path = _file(folder)
    root = os.path.realpath(os.path.expanduser(data.root))
    settings = data.model_copy(update={"root": root, "leave_out_problems": False}).model_dump(mode="json")
    entry = Recent(settings, reader, people, photos, time.time())

    def put_first(content: Any) -> list[dict[str, Any]]:
        others = [old for old in _entries(content) if old.root != root]
        return [asdict(each) for each in [entry, *others][:LIMIT]]

    with contextlib.suppress(OSError, LabError):
        files.change_json(path, "the list of recent datasets", put_first, timeout=2, durable=False)


def moved(old: str, new: str, folder: Path | None = None) -> None:
    """A dataset of the list lies somewhere else now, or was copied there: under its new folder it is read as before."""

    def there(content: Any) -> list[dict[str, Any]]:
        entries = _entries(content)
        taken = {entry.root for entry in entries}
        listed = []
        for entry in entries:
            if entry.root == old and new not in taken:
                listed.append(replace(entry, data=entry.data | {"root": new}))
            if entry.root != old or not bounds.may_look(old) or Path(old).is_dir():
                listed.append(entry)
        return [asdict(each) for each in listed[:LIMIT]]

    path = _file(folder)
    if any(entry.root == old for entry in _read(path)):
        with contextlib.suppress(OSError, LabError):
            files.change_json(path, "the list of recent datasets", there, timeout=2, durable=False)


def _file(folder: Path | None) -> Path:
    return lab_folder(folder) / "recent.json"


def _read(path: Path) -> list[Recent]:
    try:
        return _entries(files.read_json(path))
    except (OSError, ValueError):
        return []


def _entries(rows: Any) -> list[Recent]:
    """The entries that make sense; a damaged list is an empty one."""
    entries = []
    for row in rows if isinstance(rows, list) else []:
        with contextlib.suppress(TypeError, ValidationError, KeyError):
            data = DataConfig.model_validate(row["data"])  # of an older lab it may lack settings of today
            entries.append(Recent(**row | {"data": data.model_dump(mode="json")}))
    return entries
