"""Folders of masks or copies of the photos in the one folder beside them: images/ and masks/, annotations/trimaps/,
JPEGImages/ and SegmentationClass/."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache

from core.data.pictures.beside import WORDS
from core.data.readers.named.heaps import is_heap
from core.data.readers.named.pieces import CAMEL
from core.data.readers.reading import folder_list
from core.data.readers.split_names import may_be_part

AS_MASKS = "as masks or copies of photos"  # why they are left out
FACE = "face"  # faces/ beside masks/ may be people without masks and with them
_SURE = "segs?|segmentations?|seg_?maps?|ground[ _-]?truths?|tri[ _]?maps?|labels?|annotations?|annots?|mattes?"
_KINDS = f"{WORDS}|{_SURE}"
_FOLDER = re.compile(rf"(?:.*[\W_])?(?:{_KINDS})(?:[\W_].*|\d*)", re.IGNORECASE)
_SURE_FOLDER = re.compile(rf"(?:.*[\W_])?(?:{_SURE})(?:[\W_].*|\d*)", re.IGNORECASE)
_BEHIND = re.compile(rf"(.+?)[\s_.-]+(?:{_KINDS})(?:[\s_.-]*\d+)?", re.IGNORECASE)
Stem = tuple[tuple[str, ...], str]  # the folders above those that are compared, a photo's name without suffix and case


def masks_beside(folders: Mapping[str, Sequence[str]], at: int) -> set[str]:
    """The photos that lie in folders of level `at` and are masks or copies of those in the only folder beside them, or
    of those right beside these folders; none where one of them may be something else, but for parts of the dataset.

    Each of them has a folder called so above it, and nine of ten stand under the name of a photo, with such a word
    behind or not. Numbers alone are also those of photos that were numbered anew: there nine of ten photos have one.
    The folder of the photos is called as what only holds photos: masks are worn, too. Beside folders with other words
    for them it may be called as it likes, unless its photos are numbers.

    folders: path of a photo -> the folders above it.
    """
    if not any(_is_called(name, _FOLDER) for name in {name for names in folders.values() for name in names[at:]}):
        return set()
    held: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for path, names in folders.items():
        if len(names) >= at:
            held[tuple(names)].append(path)
    called = {inner for inner in held if any(_is_called(name, _FOLDER) for name in inner[at:])}
    above = {inner[:at] for inner in called}
    held = {inner: paths for inner, paths in held.items() if inner[:at] in above}
    heaps = {name for inner in held for name in inner[at : at + 1] if is_heap(name) and FACE not in name.lower()}
    others = {name for inner in held.keys() - called for name in inner[at : at + 1]} - heaps
    masks = [inner for inner in called if inner[at] not in heaps | others]
    home = heaps | {name for name in others if not may_be_part(name)}
    if not masks or len(home) > 1:
        return set()
    photos = {(inner[:at], _stem(path)) for inner in held if {*inner[at : at + 1]} == home for path in held[inner]}
    stems = [_of_photo((inner[:at], _stem(path)), photos) for inner in masks for path in held[inner]]
    alike = {stem for stem in stems if stem in photos}
    are_masks = 10 * sum(stem in photos for stem in stems) >= 9 * len(stems)
    if all(name.isdecimal() for _, name in photos):
        are_masks = are_masks and 10 * len(alike) >= 9 * len(photos) and home <= heaps
    elif not home <= heaps:
        are_masks = are_masks and all(any(_is_called(name, _SURE_FOLDER) for name in inner[at:]) for inner in masks)
    return {path for inner in masks for path in held[inner]} if are_masks else set()


def masks_in(paths: Iterable[str]) -> tuple[set[str], str]:
    """(the photos that are such, what is told of them), at whichever level of folders."""
    every = list(paths)
    names = {name for folder in {path.rpartition("/")[0] for path in every} for name in folder.split("/")}
    if not any(_is_called(name, _FOLDER) for name in names):
        return set(), ""
    folders = {path: path.split("/")[:-1] for path in every}
    masks: dict[str, str] = {}  # photo -> the folder that is called so, or is above one
    for i in range(max(map(len, folders.values()), default=0)):
        here = masks_beside({path: above for path, above in folders.items() if path not in masks}, i)
        masks |= {path: folders[path][i] for path in here}
    return set(masks), told_of_masks(masks.values()) if masks else ""


def told_of_masks(masks: Iterable[str]) -> str:
    """masks: names of folders."""
    names = set(masks)
    hold, beside = ("hold", "them") if len(names) > 1 else ("holds", "it")
    return f"{folder_list(names)} {hold} masks or copies of the photos beside {beside}: left out."


@lru_cache(maxsize=1024)
def _is_called(folder: str, words: re.Pattern[str]) -> bool:
    return words.fullmatch(CAMEL.sub(" ", folder)) is not None


def _of_photo(stem: Stem, photos: set[Stem]) -> Stem:
    behind = _BEHIND.fullmatch(stem[1])
    return (stem[0], behind[1]) if behind and stem not in photos else stem


def _stem(path: str) -> str:
    return posixpath.splitext(posixpath.basename(path))[0].casefold()
