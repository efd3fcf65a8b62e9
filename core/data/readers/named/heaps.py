"""Folders that by their names hold photos and no more, whatever these show (images/, JPEGImages/, raw_photos/), and
parts of a dataset beside folders that are none."""

from __future__ import annotations

from collections.abc import Iterable

from core.data.readers.named.pieces import CONTAINERS, tokens_of
from core.data.readers.split_names import AROUND, FOLD, TRAIN, Part, by_words_around, may_be_part, parts_of

_PHOTOS = CONTAINERS | {"photo", "picture", "face", "pic", "pics", "jpeg", "jpegs", "jpg", "jpgs", "png", "pngs"}
_PHOTOS |= {"original", "originals", "raw", "input", "inputs", "rgb", "cxr", "xray", "xrays", "all"}


def is_heap(folder: str) -> bool:
    """Whether its name says that it holds photos, with no other words than usual ones around."""
    words = {token for token in tokens_of(folder) if not token.isdecimal()}
    return bool(words & _PHOTOS) and words <= _PHOTOS | set(AROUND)


def parts_among(names: Iterable[str]) -> dict[str, Part]:
    """name -> part, of folders of one level: all of them; else photos/, which is to train on, beside test/; else train/
    and test/ beside whatever else there is (extra/, part3/). Words around are the same for both."""
    folders = set(names)
    if parts := parts_of(folders) or _heaps_among(folders):
        return parts
    groups = by_words_around(folders).values()
    return {
        name: part
        for group in groups
        if any(part.role == TRAIN for part in group.values()) and any(part.split for part in group.values())
        for name, part in group.items()
    }


def _heaps_among(folders: set[str]) -> dict[str, Part]:
    """The same of folders that hold photos and no more beside parts, none of which is called as one to train on."""
    heaps = {name for name in folders if is_heap(name) and not may_be_part(name)}
    parts = parts_of(folders - heaps)
    if not heaps or not parts or {part.role for part in parts.values()} & {TRAIN, FOLD}:
        return {}
    return parts | dict.fromkeys(heaps, Part(TRAIN))


def tell_no_classes(names: Iterable[str]) -> bool:
    """Whether of folders of one level some are parts of a dataset and the others only hold photos, as photos/ and
    test/, or all but one are such and among them train/ and test/: all of them classes they are hardly."""
    folders = set(names)
    part_of = {name: part for name in folders for part in parts_of([name]).values()}
    others = folders - part_of.keys()
    is_parted = any(part.role == TRAIN for part in part_of.values()) and any(part.split for part in part_of.values())
    return bool(part_of) and (all(map(is_heap, others)) or (is_parted and len(others) == 1))
