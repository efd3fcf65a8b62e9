"""The name that somebody gave a run after its launch, in its notes.json; what was frozen keeps the one that it had.

Whoever reads configuration or summary from the run gets it with the name it has now. Imports no torch.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from core.config import RunConfig
from core.storage import files
from core.storage.files import GARBAGE
from core.text import one_line

LONGEST = 60  # characters, as in a configuration


def name(path: Path) -> str:
    """Empty where nobody renamed the run, and for a file that is garbage. path: of its notes.json."""
    if not os.path.exists(path):  # of thousands in a list hardly any has one, and asking costs less than opening
        return ""
    try:
        return of(files.read_json(path))
    except (OSError, *GARBAGE):
        return ""


def of(notes: dict[str, Any]) -> str:
    """The same of the content of a notes.json."""
    return cleaned(notes.get("name") or "")[:LONGEST]


def cleaned(text: object) -> str:
    """A name on one line, without spaces around it."""
    return one_line(text)


def config(frozen: RunConfig, path: Path) -> RunConfig:
    """A frozen configuration under the run's name as it is now."""
    given = name(path)
    return frozen.model_copy(update={"name": given}) if given else frozen


def summary(written: dict[str, Any], path: Path) -> dict[str, Any]:
    """A summary under the run's name as it is now."""
    given = name(path)
    return {**written, "name": given} if given else written
