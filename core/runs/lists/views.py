"""How each person wants to see the list of runs: kept for whoever asks, one file a person. Imports no torch.

runs/.lab/views/<digest of the name>.json: what a name may be made of is nobody's business but its owner's.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path

from core.places import lab_folder, runs_folder
from core.storage import asking, files
from core.storage.files import GARBAGE

MOST = 40  # columns


def columns(folder: Path | None = None) -> list[str] | None:
    """The columns that whoever asks has chosen, in their order; None where they have not, and for garbage."""
    try:
        chosen = files.read_json(_file(folder))["columns"]
        return [str(name) for name in chosen][:MOST] if isinstance(chosen, list) else None
    except (OSError, *GARBAGE):
        return None


def keep_columns(chosen: Sequence[str] | None, folder: Path | None = None) -> None:
    """Keep them for whoever asks; None lets the choice go. Raises LabError: 'locked', 'read-only', 'disk-full'."""
    path = _file(folder)
    with files.written_to(path.parent, "Make the folder writable; the choice holds for this page alone."):
        files.change_json(
            path,
            "how you see the list of runs",
            lambda content: {**files.table_of(content), "columns": None if chosen is None else list(chosen)[:MOST]},
        )


def _file(folder: Path | None) -> Path:
    digest = hashlib.sha256(asking.asker().name.encode()).hexdigest()[:16]
    return lab_folder(folder or runs_folder()) / "views" / f"{digest}.json"
