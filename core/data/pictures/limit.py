"""How many pixels a photo may have: a setting of this machine, under runs/.lab/machines/. Imports no torch."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from core.errors import LabError
from core.places import machine_folder
from core.storage import asking, files

USUAL, LEAST, MOST = 256, 64, 4096  # megapixels of a JPEG, which can be decoded at reduced size; of others a quarter
MILLION = 1_000_000
GIVEN = "FACET_MEGAPIXELS"


def forced() -> int | None:
    """FACET_MEGAPIXELS, which wins over the setting; None when it is not set or does not fit."""
    text = os.environ.get(GIVEN, "")
    return int(text) if text.isdecimal() and LEAST <= int(text) <= MOST else None


def megapixels(runs: Path | None = None) -> int:
    """Of the largest JPEG that is read: FACET_MEGAPIXELS, else the setting, else USUAL."""
    if (given := forced()) is not None:
        return given
    try:
        return check(files.table_of(files.read_json(_file(runs))).get("megapixels", USUAL))
    except (OSError, ValueError, LabError):
        return USUAL


def check(value: Any) -> int:
    """Raises LabError for what is no limit."""
    if not isinstance(value, int) or isinstance(value, bool) or not LEAST <= value <= MOST:
        text = f"largest photo: must be a whole number of megapixels from {LEAST} to {MOST:,}, found {value!r}."
        raise LabError(text, kind="config")
    return value


def write(value: int, runs: Path | None = None) -> None:
    """Keep the setting. Raises LabError: 'not-yours', and as `check` and files.change_json do; other OSErrors pass."""
    asking.check_lab("how large a photo may be")
    checked = check(value)
    files.change_json(_file(runs), "the lab's photos.json", lambda _: {"megapixels": checked})


def check_size(width: int, height: int, *, reducible: bool = False) -> None:
    """Raises LabError(kind 'bomb') for a photo with more pixels than are read; its header says how many.

    reducible: a JPEG, which is decoded at a half, a quarter or an eighth of its width and height.
    """
    share = 1 if reducible else 4
    if width * height <= LEAST * MILLION // share:  # no setting refuses it, so it is not looked up
        return
    limit = megapixels()
    if width * height > limit * MILLION // share:
        text = f"its header says {width} x {height} pixels; the limit is {limit // share:,} million"
        text += "" if reducible else " (four times as many in a JPEG)"
        remedy = f"Make it smaller, leave it out, or raise the largest photo where labels are found (or by {GIVEN}; "
        remedy += f"now {limit:,} megapixels)."
        raise LabError(text, remedy, "bomb")


def _file(runs: Path | None) -> Path:
    return machine_folder(runs) / "photos.json"
