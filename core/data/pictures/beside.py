"""Masks and smaller copies that lie beside photos in folders of classes, and so are taken for photos of a class."""

from __future__ import annotations

import posixpath
import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence

from core.data.readers.named.pieces import CONTAINERS
from core.data.readers.reading import Fact

WORDS = "masks?|segs?|segmentations?|gt|thumbs?|thumbnails?"
_FOLDER = re.compile(WORDS, re.IGNORECASE)
_BEHIND = re.compile(rf"(.+?)[\s_.-]+(?:{WORDS})(?:[\s_.-]*\d+)?", re.IGNORECASE)
REMEDY = "Move masks and smaller copies out of the dataset."


def beside_photos(photos: Sequence[Mapping]) -> list[Fact]:
    """A question about photos of folders that are called as another in their folder with a word behind, as 1_mask is,
    or stand under its name in a folder of such a word beside it, or beside its images/: where they are a tenth."""
    stems: dict[str, set[str]] = defaultdict(set)
    for photo in photos:
        folder, stem = _parts(photo["sample"])
        stems[folder].add(stem)
    homes: dict[str, list[str]] = defaultdict(list)  # folder -> where photos may be of which one below it holds masks
    for folder in stems:
        homes[folder].append(folder)
        if posixpath.basename(folder).lower() in CONTAINERS:
            homes[_above(folder)].append(folder)
    beside = [photo["sample"] for photo in photos if _is_of_another(photo, stems, homes)]
    if not beside or 10 * len(beside) < len(photos):
        return []
    text = f"{len(beside):,} pictures are called as another beside them, such as {beside[0]}: they count as photos of "
    text += "their classes."
    if len(beside) == 1:
        text = f"{beside[0]} is called as another picture beside it: it counts as a photo of its class."
    return [Fact("pictures", f"{text} {REMEDY}", probable=True)]


def _is_of_another(photo: Mapping, stems: Mapping[str, set[str]], homes: Mapping[str, Iterable[str]]) -> bool:
    folder, stem = _parts(photo["sample"])
    behind = _BEHIND.fullmatch(stem)
    if behind and behind[1] in stems[folder]:
        return True
    name = posixpath.basename(folder)
    if name == photo["label"] or not _FOLDER.fullmatch(name):  # a class of masks that people wear holds photos
        return False
    names = {stem, behind[1]} if behind else {stem}
    return any(names & stems[home] for home in homes.get(_above(folder), ()))


def _parts(path: str) -> tuple[str, str]:
    """(folder, name without suffix and case)."""
    folder, _, name = path.rpartition("/")
    return folder, posixpath.splitext(name)[0].casefold()


def _above(folder: str) -> str:
    return folder.rpartition("/")[0]
