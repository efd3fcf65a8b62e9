"""Which of both names the classes: the folders of photos, or a table that names the same photos.

cells_of: photo -> meaning -> cell of the table. folder_of: photo -> the folder that would be its class. nothing: what
says nothing in a cell. All words folded.
"""

from __future__ import annotations

import math
import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence, Set
from typing import Any

from core.data.readers.attributes import GENDER_WORDS, MASK_WORDS
from core.data.readers.split_names import parts_of
from core.data.tables.words import says_nothing

_NUMBER = re.compile(r"[+-]?\d+(\.0*)?", re.ASCII)


def are_other_classes(
    cells_of: Mapping[str, Mapping[str, str]], folder_of: Mapping[str, str], nothing: frozenset[str]
) -> bool:
    """Whether by the table the folders are no classes: fewer than half of its labels are called as a folder is (a
    number: as the photo's own), as what somebody predicted would be, nor are they numbers of the folders. A gender, age
    or mask alone is no other class; but folders of persons are none."""
    folders = set(folder_of.values())
    if labels := _by_folder("label", cells_of, folder_of, nothing):
        if _are_numbers_of(labels):
            return False
        alike = [label == folder or (label in folders and not label.isdecimal()) for folder, label in labels]
        return 2 * sum(alike) < len(alike)
    persons, genders = (set(_by_folder(meaning, cells_of, folder_of, nothing)) for meaning in ("person", "gender"))
    are_more = len(folders) > len({gender for _, gender in genders})  # two folders of women and men are genders
    return hold_one(persons, folders) or (are_more and hold_one(genders, folders))


def are_the_same_classes(
    cells_of: Mapping[str, Mapping[str, str]], folder_of: Mapping[str, str], nothing: frozenset[str]
) -> bool:
    """Whether the table labels each photo as its folder is called, or by a number for each folder."""
    labels = _by_folder("label", cells_of, folder_of, nothing)
    return bool(labels) and (all(label == folder for folder, label in labels) or _are_numbers_of(labels))


def _are_numbers_of(labels: Sequence[tuple[str, str]]) -> bool:
    """Whether all labels are numbers, one for each folder: they count classes, which the folders name."""
    pairs = set(labels)
    folders, numbers = {folder for folder, _ in pairs}, {label for _, label in pairs}
    return len(pairs) == len(folders) == len(numbers) and all(map(_NUMBER.fullmatch, numbers))


def hold_one(cells: Set[tuple[str, str]], folders: Set[str]) -> bool:
    """Whether nearly all folders of which something is told hold one thing, not all the same, and half of all are
    such: a cell may be empty, or wrong. cells: (folder, cell), each once."""
    held = Counter(folder for folder, _ in cells)
    single = sum(number == 1 for number in held.values())
    return len({cell for _, cell in cells}) > 1 and 10 * single >= 9 * len(held) and 2 * single >= len(folders)


def name_classes(photos: Iterable[str]) -> bool:
    """Whether two folders of photos at least are called as classes may be, before it is looked which are classes."""
    folders = {path.rpartition("/")[0] for path in photos}
    return sum(map(_may_name_a_class, {name for folder in folders for name in folder.split("/")})) > 1


def may_be_classes(photos: Sequence[Mapping], of_folders: Sequence[Mapping]) -> bool:
    """Whether folders may be the classes of photos that a table in the root gives none: two of them at least, of two
    photos or more, that are called as classes may be, hold more than a person each, and do not say what the table says.

    photos: as the table labels them. of_folders: as folders do.
    """
    folder_of = {each["sample"]: each["label"] for each in of_folders}
    named = {name for name, size in Counter(folder_of.values()).items() if size > 1 and _may_name_a_class(name)}
    held: dict[str, list[Mapping]] = defaultdict(list)
    for each in photos:
        if (name := folder_of.get(each["sample"], "")) in named:
            held[name].append(each)
    held = {name: its for name, its in held.items() if not _is_what_photos_are(name, its)}
    return len(held) > 1 and not _are_persons(list(held.values()))


def _may_name_a_class(folder: str) -> bool:
    """Neither a number alone, as 00 to 99 or 20-29, nor a part of a dataset."""
    return any(map(str.isalpha, folder)) and not parts_of([folder])


def _is_what_photos_are(name: str, photos: Iterable[Mapping]) -> bool:
    """Whether a folder is called as the gender, mask or another attribute of each of its photos: it says no more than
    the table does."""
    words = {name.casefold(), GENDER_WORDS.get(name.lower(), ""), MASK_WORDS.get(name.lower(), "")} - {""}
    values_of_each = ({each["gender"], each["mask"], *each["attributes"].values()} for each in photos)
    return all(any(str(value).casefold() in words for value in values) for values in values_of_each)


def _are_persons(folders: Sequence[Sequence[Mapping]]) -> bool:
    """Whether nearly all folders hold one person each. Where nobody is known, those of one age each probably do; those
    of one gender each may be of one illness as well."""
    persons = [[each["person"] for each in photos if each["person_known"]] for photos in folders]
    if any(persons):
        return _hold_one_each(persons)
    return _hold_one_each([[each["age"] for each in photos if not math.isnan(each["age"])] for photos in folders])


def _hold_one_each(folders: Sequence[Sequence[Any]]) -> bool:
    """Whether nine of ten folders hold one thing only, of two photos or more, and not all the same."""
    single = [things[0] for things in folders if len(things) > 1 and len(set(things)) == 1]
    return len(set(single)) > 1 and 10 * len(single) >= 9 * len(folders)


def _by_folder(
    meaning: str, cells_of: Mapping[str, Mapping[str, str]], folder_of: Mapping[str, str], nothing: frozenset[str]
) -> list[tuple[str, str]]:
    """(folder, cell) of each photo that has both."""
    both = ((folder_of[photo], cells.get(meaning, "")) for photo, cells in cells_of.items() if photo in folder_of)
    return [(folder, cell) for folder, cell in both if not says_nothing(cell, nothing)]
