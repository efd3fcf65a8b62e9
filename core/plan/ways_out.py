"""What can be done where a class is too rare for the folds: leave it out, merge it, fewer folds. Imports no torch."""

from __future__ import annotations

import json
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from core.config.classes import merged, proposed_name, without
from core.config.parts import MOST_FOLDS, FoldsConfig, TaskConfig
from core.data.persons import persons_of, units
from core.data.scan import Scan
from core.data.tasks import classes_of
from core.data.yes_no import pairs
from core.errors import LabError, in_sentences
from core.plan.folds import absent_classes, assign_folds

NAMED = 20  # rare classes that a command line names one by one
MOST_PLACES = 4_000_000  # photos times classes for which fewer folds are tried
TRIED_ROWS = 200_000


@dataclass(frozen=True)
class WaysOut:
    """rare: the classes that stand in the way, the rarest first. others: the other classes. people: of each class
    (photos, where persons are unknown). state: how far persons are known. count: the folds that were asked for.
    folds: how many would do with all classes; None if no other number does. given: the dataset's own folds are in the
    way, and the lab can make others."""

    rare: tuple[str, ...]
    others: tuple[str, ...]
    people: dict[str, int]
    state: str
    count: int
    folds: int | None = None
    given: bool = False

    @property
    def can_leave_out(self) -> bool:
        return len(self.others) >= 2

    @property
    def to_merge(self) -> tuple[str, ...]:
        """The classes that would be one: the rare ones, and the smallest other one where they are too few alone."""
        if len(self.rare) > 1 and self.others and sum(self.people[name] for name in self.rare) >= self.count:
            return self.rare
        if not self.rare or len(self.others) < 2:
            return ()  # one class would be left
        return (*self.rare, min(self.others, key=lambda name: self.people[name]))

    @property
    def merged_name(self) -> str:
        merging = set(self.to_merge)
        return proposed_name(self.to_merge, [name for name in self.people if name not in merging])


def ways_out(scan: Scan, task: TaskConfig, folds: FoldsConfig) -> WaysOut | None:
    """What can be done where a task cannot be split into its folds; None where its classes are not what is wrong, and
    of attributes that are told one by one, which have no classes to leave out or merge.

    scan: under its corrections.
    """
    if task.one_by_one:
        return None
    try:
        class_of, names = classes_of(scan.samples, task)
    except LabError:
        return None
    table = scan.samples.loc[class_of.index].assign(class_name=class_of)
    people = _people(table, names)
    state = persons_of(table).state
    if folds.given and "given_fold" in table:
        own = table["given_fold"].nunique()
        alone = table.groupby("class_name")["given_fold"].nunique()
        rare = sorted((name for name in names if alone.get(name, 0) < 2), key=lambda name: people[name])
        other_number = own if own != folds.count and 2 <= own <= MOST_FOLDS else None
        return WaysOut(*_divided(names, rare), people, state, folds.count, other_number, given=True)
    rare = sorted((name for name in names if people[name] < folds.count), key=lambda name: people[name])
    if not rare:
        return None
    fewest = people[rare[0]]
    return WaysOut(*_divided(names, rare), people, state, folds.count, fewest if fewest > 1 else None)


def most_folds(scan: Scan, task: TaskConfig) -> str:
    """As folds_allowed, of a task that may not be one of this dataset: then empty. scan: under its corrections."""
    if task.one_by_one:
        return ""
    try:
        class_of, names = classes_of(scan.samples, task)
    except LabError:
        return ""
    return folds_allowed(scan.samples.loc[class_of.index].assign(class_name=class_of), names)


def folds_allowed(table: pd.DataFrame, names: Sequence[str]) -> str:
    """How many folds the smallest class allows, as a sentence; empty where any number of folds is, and of attributes
    that are told one by one. table: labelled samples."""
    if pairs.attributes_of(table) or not names:
        return ""
    people = _people(table, names)
    smallest = min(names, key=lambda name: people[name])
    fewest = people[smallest]
    if fewest >= MOST_FOLDS:
        return ""
    folds = f"{fewest} folds" if fewest > 1 else "no folds"
    return f"These photos allow {folds}: class '{smallest}' has {units(fewest, persons_of(table).state)}."


def ways_to_fill(split: pd.DataFrame, names: Sequence[str], folds: FoldsConfig) -> WaysOut | None:
    """What can be done where folds lack a class; None where all folds have all. split: labelled samples with fold."""
    absent = absent_classes(split, names)
    if not absent or pairs.attributes_of(split):
        return None
    people = _people(split, names)
    lacking = {name for classes in absent.values() for name in classes}
    rare = sorted(lacking, key=lambda name: (people[name], name))
    fewer = None if folds.given else _enough_folds(split, names, folds)
    return WaysOut(*_divided(names, rare), people, persons_of(split).state, folds.count, fewer, given=folds.given)


def as_settings(ways: WaysOut, task: TaskConfig) -> list[str]:
    """The ways as words for the command line, each whole: "--set folds.count=3"."""
    words = [f"--set folds.count={ways.folds}"] if ways.folds else []
    words += ["--set folds.given=false"] if ways.given else []
    if len(ways.rare) > NAMED:
        return words
    if ways.rare and ways.can_leave_out:
        words += _of_classes(without(task, ways.rare), task)
    if ways.to_merge:
        words += _of_classes(merged(task, ways.to_merge, ways.merged_name), task)
    return words


def with_settings_named(error: LabError, ways: WaysOut | None, task: TaskConfig) -> LabError:
    """The error with what can be added to the command in its remedy."""
    words = as_settings(ways, task) if ways is not None else []
    if not words:
        return error
    added = words[0] if len(words) == 1 else f"one of: {', or '.join(words)}"
    return LabError(error.message, in_sentences(error.remedy, f"Add {added}."), error.kind)


def _of_classes(changed: TaskConfig, task: TaskConfig) -> list[str]:
    """The settings of classes that differ, in one word of a shell each, joined."""
    settings = [
        "--set " + shlex.quote(f"task.{name}={json.dumps(getattr(changed, name), ensure_ascii=False)}")
        for name in ("leave_out", "merge")
        if getattr(changed, name) != getattr(task, name)
    ]
    return [" ".join(settings)] if settings else []


def _divided(names: Sequence[str], rare: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    return tuple(rare), tuple(name for name in names if name not in set(rare))


def _people(table: pd.DataFrame, names: Sequence[str]) -> dict[str, int]:
    counts = table.groupby("class_name")["person"].nunique()
    return {name: int(counts.get(name, 0)) for name in names}


def _enough_folds(split: pd.DataFrame, names: Sequence[str], folds: FoldsConfig) -> int | None:
    """The largest smaller number of folds that all hold all classes; not looked for in very large datasets."""
    if len(split) > TRIED_ROWS or len(split) * len(names) > MOST_PLACES:
        return None
    for count in range(folds.count - 1, 1, -1):
        try:
            tried = split.assign(fold=assign_folds(split, count, folds.seed))
        except LabError:
            continue
        if not absent_classes(tried, names):
            return count
    return None
