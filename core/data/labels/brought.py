"""What a list of corrections or reviews was given when its dataset moved, where the list of the old place stays for who
still goes by it: what was undone since does not come back with the next runs that follow. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from core.data.reach import bounds
from core.storage import files


def stays(old: str | Path, *, leave: bool) -> bool:
    """Whether the list of a place stays there: the dataset is, or may be, there still, or some run goes by it."""
    return leave or not bounds.may_look(old) or Path(old).is_dir()


def of(listing: Path) -> set[str]:
    """What the list was given. Nothing where the note of it cannot be read: then it may come back."""
    try:
        return _noted(files.read_json(_note(listing)))
    except (OSError, *files.GARBAGE):
        return set()


def follow(old: Path, new: Path, given: Iterable[str], *, keep: bool) -> None:
    """Note what the new list was given of the old one, with what that was given itself. keep: else the old one goes.

    Raises LabError as files.change_json does; OSErrors pass.
    """
    noted = of(old) | (set(given) if keep else set())
    if not noted <= of(new):
        files.change_json(
            _note(new), "what moved with a dataset", lambda content: sorted(_noted(content) | noted), timeout=5
        )
    if not keep:
        for path in (old, _note(old)):
            path.unlink(missing_ok=True)


def _note(listing: Path) -> Path:
    return listing.with_suffix(".brought.json")


def _noted(content: Any) -> set[str]:
    return {each for each in content if isinstance(each, str)} if isinstance(content, list) else set()
