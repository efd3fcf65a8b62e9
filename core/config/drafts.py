"""Drafts of the launch form on disk, one file a form, so that a reload finds what was being prepared. Imports no torch.

runs/.lab/drafts/<token>.json; the newest MOST of each person are kept, and none longer than DAYS. A form is found by
whoever has its address; `by` says whose draft it is, which others leave as it is.
"""

from __future__ import annotations

import contextlib
import re
from pathlib import Path
from typing import Any

from core import places
from core.errors import LabError
from core.storage import files
from core.storage.files import GARBAGE

MOST, DAYS = 200, 30
LARGEST = 1_000_000  # bytes; a form is a few thousand
_TOKEN = re.compile(r"[0-9]{8}-[0-9]{6}-[0-9a-f]{4}")


def is_token(text: str) -> bool:
    """Whether a text names a form: time and four digits. The one place where that is checked."""
    return _TOKEN.fullmatch(text) is not None


def save(token: str, draft: dict[str, Any], folder: Path | None = None) -> None:
    """Keep a draft, whole or not at all. A disk that takes no more is told where something is launched, not here."""
    path = _path(token, folder)
    with contextlib.suppress(OSError, LabError):
        path.parent.mkdir(parents=True, exist_ok=True)
        fresh = not path.exists()
        files.write_json(path, draft, durable=False)
        if fresh:
            files.keep_newest(path.parent, MOST, DAYS, whose=lambda each: _counted_with(each.stem, folder))


def load(token: str, folder: Path | None = None) -> dict[str, Any] | None:
    """What was kept under a token; None for nothing, and for what is no draft.

    Raises LabError(kind 'unreadable') where it is out of reach: it may be what somebody has prepared for hours.
    """
    path = _path(token, folder)
    try:
        if path.stat().st_size > LARGEST:
            return None
        draft = files.read_json(path)
    except (OSError, *GARBAGE) as error:
        if files.out_of_reach(error):
            what = f"the draft of this form cannot be read: {error.strerror}."
            remedy = f"{files.CHECK} It stays as it is: what is changed meanwhile is another form."
            raise LabError(what, remedy, kind="unreadable") from error
        return None
    return draft if isinstance(draft, dict) else None


def whose(token: str, folder: Path | None = None) -> str:
    """Who prepares this form, as its draft says; empty where that is not known, and where there is none.

    Raises LabError as `load` does.
    """
    by = (load(token, folder) or {}).get("by") if is_token(token) else None
    return by if isinstance(by, str) else ""


def forget(token: str, folder: Path | None = None) -> None:
    with contextlib.suppress(OSError):
        _path(token, folder).unlink(missing_ok=True)


def _counted_with(token: str, folder: Path | None) -> str:
    """Among whose drafts this one is counted; one that is out of reach alone, so that nobody's newer ones take it."""
    try:
        return whose(token, folder)
    except LabError:
        return token


def _path(token: str, folder: Path | None) -> Path:
    if not is_token(token):
        raise ValueError(f"{token!r} names no form")
    return places.lab_folder(folder) / "drafts" / f"{token}.json"
