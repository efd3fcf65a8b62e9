"""Folders that by their names hold photos and no more, whatever these show (images/, JPEGImages/, raw_photos/), and
parts of a dataset beside folders that are none."""

from __future__ import annotations

from collections.abc import Iterable

from core.data.readers.named.pieces import CONTAINERS, tokens_of
from core.data.readers.split_names import AROUND, TRAIN, Part, by_words_around, parts_of

_PHOTOS = CONTAINERS | {"photo", "picture", "face", "pic", "pics", "jpeg", "jpegs", "jpg", "jpgs", "png", "pngs"}
_PHOTOS |= {"original", "originals", "raw", "input", "inputs", "rgb", "cxr", "xray", "xrays", "all"}


def is_heap(folder: str) -> bool:
    """Whether its name says that it holds photos, with no other words than usual ones around."""
    words = {token for token in tokens_of(folder) if not token.isdecimal()}
    return bool(words & _PHOTOS) and words <= _PHOTOS | set(AROUND)


def parts_among(names: Iterable[str]) -> dict[str, Part]:
    """name -> part, of folders of one level: all of them, or train/ and test/ beside whatever else there is (extra/,
    part3/). Words around are the same for both."""
    folders = set(names)
    if parts := parts_of(folders):
        return parts
    groups = by_words_around(folders).values()
    return {
        name: part
        for group in groups
        if any(part.role == TRAIN for part in group.values()) and any(part.split for part in group.values())
        for name, part in group.items()
    }
