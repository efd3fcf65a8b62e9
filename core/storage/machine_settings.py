"""This machine's own settings, which the page Settings writes: what suits one machine may not suit another that shares
the runs folder. Imports no torch."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

from core.errors import LabError
from core.places import lab_folder, machine_folder
from core.storage import asking, files


def settings_file(root: Path) -> Path:
    return machine_folder(root) / "settings.json"


def read(root: Path) -> dict[str, Any]:
    """What was chosen on this machine, else what version 0.1 kept for all; {} where nothing was or can be read."""
    with contextlib.suppress(OSError, LabError, ValueError, RecursionError):
        file = settings_file(root)
        return _with_older(root, files.read_json(file) if file.exists() else None)
    return {}


def change(root: Path, **chosen: Any) -> None:
    """Keep these; others in the file stay.

    Raises LabError: 'not-yours' where whoever asks is no admin of a lab that several share, 'locked', 'disk-full',
    'unreadable' where what stands there is out of reach; other OSErrors pass.
    """
    asking.check_lab("what this machine does")
    files.change_json(
        settings_file(root), "the lab's settings.json", lambda content: _with_older(root, content) | chosen
    )


def _with_older(root: Path, content: Any) -> dict[str, Any]:
    """content: of the file, None if absent. Raises LabError(kind 'unreadable'): what is written now hides the older."""
    if content is None:
        older = lab_folder(root) / "settings.json"
        try:
            content = files.read_json(older)
        except (OSError, ValueError, RecursionError) as error:
            if files.out_of_reach(error):
                what = f"{older} cannot be read: {error.strerror}."
                raise LabError(what, files.CHECK, kind="unreadable") from error
    return files.table_of(content)
