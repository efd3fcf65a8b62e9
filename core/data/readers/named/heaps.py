"""Folders that by their names hold photos and no more, whatever these show: images/, JPEGImages/, raw_photos/."""

from __future__ import annotations

from core.data.readers.named.pieces import CONTAINERS, tokens_of
from core.data.readers.split_names import AROUND

_PHOTOS = CONTAINERS | {"photo", "picture", "face", "pic", "pics", "jpeg", "jpegs", "jpg", "jpgs", "png", "pngs"}
_PHOTOS |= {"original", "originals", "raw", "input", "inputs", "rgb", "cxr", "xray", "xrays", "all"}


def is_heap(folder: str) -> bool:
    """Whether its name says that it holds photos, with no other words than usual ones around."""
    words = {token for token in tokens_of(folder) if not token.isdecimal()}
    return bool(words & _PHOTOS) and words <= _PHOTOS | set(AROUND)
