"""What the lists of corrections or reviews of two places of a dataset had in common when it moved, where that of the
old place stays for who still goes by it: what was undone in one of them since comes back to it neither with the next
runs that follow nor with those that return. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from core.data.reach import bounds
from core.storage import files

_ANEW = " anew"  # behind an id in a note, which is of no list: what was forgotten


def stays(old: str | Path, *, leave: bool) -> bool:
    """Whether the list of a place stays there: the dataset is, or may be, there still, or some run goes by it."""
    return leave or not bounds.may_look(old) or Path(old).is_dir()


def of(listing: Path) -> set[str]:
    """What the list had in common with another. Nothing where the note of it cannot be read: then it may come back."""
    try:
        return _noted(files.read_json(_note(listing)))
    except (OSError, *files.GARBAGE):
        return set()


def undone(listing: Path, there: Iterable[str]) -> set[str]:
    """What the list does not have in common any more; nothing of a list that is lost. there: what it holds."""
    return of(listing) - set(there) if listing.exists() else set()


def forget(listing: Path, anew: set[str]) -> None:
    """Of the note of a list, what was written into it anew, on purpose: it goes with nothing that is undone elsewhere.

    Raises LabError as files.change_json does; OSErrors pass.
    """
    if anew & of(listing):
        _change(listing, lambda noted: (noted - anew) | {f"{each}{_ANEW}" for each in anew & noted})


def leave(listing: Path, gone: set[str]) -> None:
    """Note again what was forgotten as written anew, where it is undone once more. Raises as `forget` does."""
    noted = of(listing)
    if again := {each for each in gone if f"{each}{_ANEW}" in noted}:
        _add(listing, again)


def follow(old: Path, new: Path, before: Iterable[str], after: Iterable[str], *, keep: bool) -> None:
    """Note what both lists have now, and in the new one what the old one had before. keep: else the old one goes.

    before: what the old one holds. after: what the new one does now; what it did not take, as it says something of that
    photo already, it never had. Raises LabError as files.change_json does; OSErrors pass.
    """
    held = set(before)
    both = held & set(after)
    _add(new, of(old) - held | (both if keep else of(old) & both))
    if keep:
        _add(old, both)
        return
    for path in (old, _note(old)):
        path.unlink(missing_ok=True)


def _add(listing: Path, noted: set[str]) -> None:
    if not noted <= of(listing):
        _change(listing, lambda before: before | noted)


def _change(listing: Path, change: Callable[[set[str]], set[str]]) -> None:
    path = _note(listing)
    files.change_json(path, "what moved with a dataset", lambda content: sorted(change(_noted(content))), timeout=5)


def _note(listing: Path) -> Path:
    return listing.with_suffix(".brought.json")


def _noted(content: Any) -> set[str]:
    return {each for each in content if isinstance(each, str)} if isinstance(content, list) else set()
