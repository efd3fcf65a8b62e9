"""Folders that by their names are pieces of a dataset, as it was packed: part_1, images_002, Batch 3."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

from core.data.readers.split_names import parts_of

CONTAINERS = {"data", "dataset", "datasets", "images", "image", "imgs", "img", "photos", "pictures", "faces"}
_WORDS = CONTAINERS | {"photo", "picture", "face", "folder", "folders", "dir", "dirs"}
_WORDS |= {"part", "parts", "batch", "batches", "chunk", "chunks", "shard", "shards", "piece", "pieces"}
_WORDS |= {"volume", "volumes", "disk", "disks", "disc", "discs"}
_HOLD_PICTURES = CONTAINERS | {"mask", "masks", "seg", "segmentation", "segmentations", "gt", "thumbs", "thumbnails"}
CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z]{2})")  # between words: JPEG and Images, gt and Fine
_TOKEN = re.compile(r"\d+|[^\W\d_]+")


def pieces_of(names: Iterable[str]) -> set[str]:
    """Those of these names, of folders of one level, that differ by a number alone, beside a word that says that they
    are pieces or hold photos; none where there are not two. Of class_1 or 07 a number says which class it is."""
    alike: dict[tuple[str, ...], dict[str, int]] = defaultdict(dict)
    for name in names:
        for stem, number in _read(name):
            alike[stem][name] = number
    groups = (set(group) for group in alike.values() if len(set(group.values())) > 1)
    return max(groups, key=len, default=set())


def words_around(name: str) -> set[str] | None:
    """The words of a name that could be that of a piece, but for those that say so; None of any other."""
    tokens = tokens_of(name)
    return {token for token in tokens if not token.isdecimal()} - _WORDS if any(_read(name)) else None


def pieces_in(photos: Iterable[str]) -> set[str]:
    """The folders that are pieces of a dataset: nine of ten photos of the first level that has several folders, other
    than those of a test set and the like, are in such. photos: their paths."""
    held = Counter(path.rpartition("/")[0] for path in photos)
    folders = [(folder.split("/"), number) for folder, number in held.items() if folder]
    for i in range(max((len(names) for names, _ in folders), default=0)):
        here: Counter[str] = Counter()
        for names, number in folders:
            if len(names) > i:
                here[names[i]] += number
        if len(here) > 1 and not parts_of(here):
            pieces = pieces_of(here)
            return pieces if 10 * sum(here[name] for name in pieces) >= 9 * here.total() else set()
    return set()


def hold_classes(folders: Iterable[list[str]], at: int) -> bool:
    """Whether the folders below pieces name classes: at the first level below that has several, other than those of a
    test set, two or more that hold more than photos stand in several pieces each, and nine of ten photos in such.

    folders: above each photo. at: level of the pieces.
    """
    rows = [names for names in folders if len(names) > at]
    for i in range(at + 1, max(map(len, rows), default=0)):
        above: dict[str, set[str]] = defaultdict(set)
        for names in rows:
            if len(names) > i:
                above[names[i]].add(names[at])
        if len(above) > 1 and not parts_of(above):
            again = {name for name, pieces in above.items() if len(pieces) > 1}
            held = sum(len(names) > i and names[i] in again for names in rows)
            return len({name for name in again if name.lower() not in _HOLD_PICTURES}) > 1 and 10 * held >= 9 * len(
                rows
            )
    return False


def tokens_of(name: str) -> list[str]:
    """The words and numbers of a name, folded."""
    return [token.casefold() for token in _TOKEN.findall(CAMEL.sub(" ", name))]


def _read(name: str) -> Iterator[tuple[tuple[str, ...], int]]:
    """(the name without a number that may count pieces, that number): the word before it says so, else that behind."""
    tokens = tokens_of(name)
    for i, token in enumerate(tokens):
        if token.isdecimal():
            words = [*reversed(tokens[:i]), *tokens[i + 1 :]]
            if next((word for word in words if not word.isdecimal()), "") in _WORDS:
                yield (*tokens[:i], "", *tokens[i + 1 :]), int(token)
