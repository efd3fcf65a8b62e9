"""Folders that by their names are persons (patient00001, sub-012, Subject 3), or may be (case_07), or count visits."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

_PEOPLE = r"(?:patient|subject|subj|person|participant|volunteer|proband)"
_MAY_BE_PEOPLE = r"(?:case|control|donor|sub|pid|pat|pt)"
_VISIT = (
    r"(?:study|session|ses|visit|day|week|month|exam|time|timepoint|scan|series|sequence|seq|view|slice|frame|clip)"
)
_NUMBER = r"(?:[\s_.-]*(?:id|no|nr))?[\s_.#-]*(?:\d+|\(\d+\))"
_SURELY = re.compile(rf"(?i:{_PEOPLE}{_NUMBER})|sub-(?=[A-Z]*\d)[A-Z\d]{{2,}}")  # the latter in BIDS
_MAYBE = re.compile(rf"{_MAY_BE_PEOPLE}{_NUMBER}", re.IGNORECASE)
_COUNTS = re.compile(rf"{_VISIT}[\s_.#-]*\d+", re.IGNORECASE)


@dataclass
class Called:
    """Persons by folders. person_of: photo -> its person. is_sure: False where names may mean something else, as case_1
    does. places: person -> the folders above theirs, each once; several where one name stands in several places."""

    person_of: dict[str, str]
    is_sure: bool
    places: dict[str, set[tuple[str, ...]]] = field(default_factory=lambda: defaultdict(set))


@lru_cache(maxsize=2**14)  # thousands of photos lie in each
def is_person(folder: str) -> bool:
    """Whether a folder by its name holds the photos of one person."""
    return _SURELY.fullmatch(folder.strip()) is not None


@lru_cache(maxsize=2**14)
def may_be_person(folder: str) -> bool:
    """Whether it holds them, or may."""
    return is_person(folder) or _MAYBE.fullmatch(folder.strip()) is not None


def count_visits(folders: Iterable[str]) -> bool:
    """Whether all of these are visits or views of somebody (study1, ses-02, Day 3), no classes."""
    return all(_COUNTS.fullmatch(folder.strip()) for folder in folders)


def persons_called(photos: Sequence[Mapping], others: Iterable[Mapping]) -> Called | None:
    """The persons that folders are called as, of each photo in such, the highest of its folders; a name is one person
    wherever it stands, in capitals or not. Of several kinds of names those that are surely persons count, and with one
    of these at their level those that may be. None unless nine of ten photos are in such and these are several persons,
    nor where each of them is a class of its own.

    photos: those to train on, which decide. others: those that are set aside.
    """
    at_level: dict[int, set[str]] = defaultdict(set)
    for each in photos:
        for i, name in enumerate(each["sample"].split("/")[:-1]):
            at_level[i].add(name)
    levels_of_some = {i for i, names in at_level.items() if len(names) > 1 and any(map(may_be_person, names))}
    sure = {i for i in levels_of_some if any(map(is_person, at_level[i]))}
    for levels in filter(None, (sure, levels_of_some)):
        called = _called([*photos, *others], levels)
        pairs = [(each["label"], called.person_of.get(each["sample"])) for each in photos]
        held = [(label, person) for label, person in pairs if person is not None]
        if 10 * len(held) >= 9 * len(photos) and len({person for _, person in held}) > 1:
            called.is_sure = levels is sure
            return None if _are_classes(held) else called
    return None


def _called(photos: Iterable[Mapping], levels: set[int]) -> Called:
    called = Called({}, is_sure=False)
    spelt: dict[str, str] = {}
    for each in photos:
        names = each["sample"].split("/")[:-1]
        at = next((i for i, name in enumerate(names) if i in levels and may_be_person(name)), None)
        if at is not None:
            person = spelt.setdefault(names[at].strip().casefold(), names[at])
            called.person_of[each["sample"]] = person
            called.places[person].add(tuple(names[:at]))
    return called


def _are_classes(pairs: Iterable[tuple[str | None, str]]) -> bool:
    """Whether each person stands for a class of its own. pairs: (class, person) of each photo."""
    labelled = {(label, person) for label, person in pairs if label is not None}
    labels, persons = {label for label, _ in labelled}, {person for _, person in labelled}
    return bool(labelled) and len(labelled) == len(labels) == len(persons)
