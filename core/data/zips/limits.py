"""How much a zip may hold: a setting of this machine, under runs/.lab/machines/. Imports no torch."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from core.errors import LabError
from core.places import machine_folder
from core.storage import asking, files

MOST = {"gigabytes": 10_000, "files": 10_000_000}
NOUNS = {"gigabytes": "gigabytes unpacked", "files": "files"}


@dataclass(frozen=True)
class Limits:
    """gigabytes: of all files of a zip, unpacked (10^9 bytes). files: how many there may be."""

    gigabytes: int = 20
    files: int = 300_000


def read(runs: Path | None = None) -> Limits:
    """The setting; its default where there is none, or none that makes sense."""
    try:
        content = files.table_of(files.read_json(_file(runs)))
        return check(**{field.name: content.get(field.name, field.default) for field in fields(Limits)})
    except (OSError, ValueError, LabError):
        return Limits()


def check(gigabytes: Any, files: Any) -> Limits:
    """Raises LabError naming what does not fit."""
    for name, value in (("gigabytes", gigabytes), ("files", files)):
        if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= MOST[name]:
            text = f"limits of a zip: {NOUNS[name]} must be a whole number from 1 to {MOST[name]:,}, found {value!r}."
            raise LabError(text, kind="config")
    return Limits(gigabytes, files)


def write(limits: Limits, runs: Path | None = None) -> None:
    """Keep the setting. Raises LabError: 'not-yours', and as `check` and files.change_json do; other OSErrors pass."""
    asking.check_lab("how much a zip may hold")
    checked = asdict(check(limits.gigabytes, limits.files))
    files.change_json(_file(runs), "the lab's zips.json", lambda _: checked)


def _file(runs: Path | None) -> Path:
    return machine_folder(runs) / "zips.json"
