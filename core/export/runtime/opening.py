"""Opening a photo, as core/data/reach/opening.py has it: a package looks wherever whoever runs it may."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

NOT_ALLOWED = "not-allowed"


def open_file(path: str | Path) -> BinaryIO:
    return open(path, "rb")


def has_file(path: str | Path) -> bool:
    return Path(path).is_file()
