"""Folders of masks or copies of the photos in the one folder beside them: images/ and masks/, annotations/trimaps/."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from core.data.pictures.beside import WORDS
from core.data.readers.named.pieces import CONTAINERS
from core.data.readers.reading import folder_list
from core.data.readers.split_names import parts_of

HOMES = CONTAINERS - {"faces"}  # faces/ beside masks/ may be people without masks and with them
_KINDS = f"{WORDS}|seg_?maps?|ground[ _-]?truths?|tri_?maps?|labels?|annotations?|annots?|mattes?"
_FOLDER = re.compile(rf"(?:.*[\W_])?(?:{_KINDS})(?:[\W_].*|\d*)", re.IGNORECASE)
_BEHIND = re.compile(rf"(.+?)[\s_.-]+(?:{_KINDS})(?:[\s_.-]*\d+)?", re.IGNORECASE)


def masks_beside(folders: Mapping[str, Sequence[str]], at: int) -> set[str]:
    """The folders of level `at` that hold masks or copies of the photos in the only one beside them that is called as
    what only holds photos; none where one of them may be something else.

    Each of their photos has a folder called so above it, and nine of ten stand under the name of a photo, with such a
    word behind or not. Numbers alone are also those of photos that were numbered anew: there nine of ten photos have
    one.

    folders: path of a photo -> the folders above it.
    """
    held: dict[str, list[str]] = defaultdict(list)
    for path, names in folders.items():
        if len(names) > at:
            held[names[at]].append(path)
    homes = [name for name in held if name.lower() in HOMES]
    if len(homes) != 1 or len(held) < 2:
        return set()
    photos = {_stem(path) for path in held.pop(homes[0])}
    others = [path for paths in held.values() for path in paths]
    if not all(any(map(_FOLDER.fullmatch, folders[path][at:])) for path in others):
        return set()
    stems = [_of_photo(_stem(path), photos) for path in others]
    alike = {stem for stem in stems if stem in photos}
    are_masks = 10 * sum(stem in photos for stem in stems) >= 9 * len(stems)
    are_numbers = all(stem.isdecimal() for stem in photos)
    return set(held) if are_masks and (not are_numbers or 10 * len(alike) >= 9 * len(photos)) else set()


def masks_in(paths: Iterable[str]) -> tuple[set[str], str]:
    """(the photos that are such, what is told of them) of a dataset whose folders name no classes."""
    folders = {path: path.split("/")[:-1] for path in paths}
    for i in range(max(map(len, folders.values()), default=0)):
        if masks := masks_beside(folders, i):
            return {path for path, names in folders.items() if len(names) > i and names[i] in masks}, told(masks)
        here = {names[i] for names in folders.values() if len(names) > i}
        if len(here) > 1 and not parts_of(here):
            break
    return set(), ""


def told(masks: Iterable[str]) -> str:
    names = set(masks)
    hold, beside = ("hold", "them") if len(names) > 1 else ("holds", "it")
    return f"{folder_list(names)} {hold} masks or copies of the photos beside {beside}: left out."


def _of_photo(stem: str, photos: set[str]) -> str:
    behind = _BEHIND.fullmatch(stem)
    return behind[1] if behind and stem not in photos else stem


def _stem(path: str) -> str:
    return posixpath.splitext(posixpath.basename(path))[0].casefold()
