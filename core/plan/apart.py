"""Photos that a dataset sets aside as a test set: on which of them a run can be scored. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pandas as pd

from core.config.parts import TaskConfig
from core.data.content.same_bytes import twins
from core.data.persons import persons_of, units
from core.data.readers.attributes import TEST
from core.data.tasks import label_as
from core.runs import Run
from core.runs.ancestry import line_of
from core.text import count

REASONS = {
    "off_task": ", outside the task",
    "inherited": ": the run that this one starts from was trained on them",
    "copies": ": what is byte for byte the same is trained on under another name",
}


@dataclass(frozen=True, eq=False)
class Apart:
    """photos: the test photos, labelled as the run's samples are (y, class_name). Why others are not among them:

    unknown: class -> photos of a class that the run does not tell. off_task: photos outside the task. inherited: photos
    that the parent's line was trained on. copies: photos that are, byte for byte, photos that the run trains on.
    people_shared: people of `photos` of whom the run trains on other photos; they stay, and it is said.
    """

    photos: pd.DataFrame = field(default_factory=pd.DataFrame)
    unknown: Mapping[str, int] = field(default_factory=dict)
    off_task: int = 0
    inherited: int = 0
    copies: int = 0
    people_shared: int = 0

    def record(self) -> dict[str, Any]:
        """What run.json keeps of it; {} where the dataset sets no test photos aside."""
        why = {"unknown": dict(self.unknown), **{name: getattr(self, name) for name in REASONS}}
        if self.photos.empty and not any(why.values()):
            return {}
        return {"photos": len(self.photos), **why, "people_shared": self.people_shared}


def set_apart(
    aside: pd.DataFrame, samples: pd.DataFrame, task: TaskConfig, names: Sequence[str], parent: Run | None
) -> Apart:
    """The test photos of a scan, labelled by the run's task with the run's classes.

    aside: Scan.set_aside. samples: the scan's, from which the task makes its classes. names: those classes.
    """
    tested = aside[aside["split"] == TEST].drop(columns="split") if len(aside) else aside
    if tested.empty:
        return Apart()
    labelled, unknown, off_task = label_as(tested, samples, task, names)
    inherited = pd.Series(False, index=labelled.index)
    if parent is not None:
        photos, people = line_of(parent)
        inherited = labelled["sample"].isin(photos) | labelled["person"].isin(people)
    return _with_shared(Apart(labelled[~inherited], unknown, off_task, int(inherited.sum())), samples)


def without_copies(apart: Apart, samples: pd.DataFrame) -> Apart:
    """The test photos that are not, byte for byte, among the samples under another name.

    Opens photos of which a test photo and a sample have the same size.
    """
    photos = apart.photos
    if photos.empty:
        return apart
    files = ["sample", "path", "bytes"]
    copies = twins(*(table[files].itertuples(index=False, name=None) for table in (samples, photos)))
    rest = photos[~photos["sample"].isin(copies)]
    return _with_shared(replace(apart, photos=rest, copies=apart.copies + len(copies)), samples)


def _with_shared(apart: Apart, samples: pd.DataFrame) -> Apart:
    shared = set(apart.photos["person"]) & set(samples["person"])
    return replace(apart, photos=apart.photos.reset_index(drop=True), people_shared=len(shared))


def sentences(record: Any) -> list[str]:
    """What `Apart.record` says, for a person; the first says how many test photos there are. [] for no such record."""
    if not isinstance(record, Mapping) or not record:
        return []
    numbers = {name: int(record.get(name) or 0) for name in ("photos", *REASONS, "people_shared")}
    lines = [f"{_photos(numbers['photos'], 'is', 'are')} set aside and never trained on."]
    if unknown := record.get("unknown"):
        classes = ", ".join(f"{name} {count(number)}" for name, number in unknown.items())
        whose = f"of {'a class' if len(unknown) == 1 else 'classes'} that the run does not tell"
        lines.append(f"{_photos(sum(unknown.values()), 'is', 'are')} left out, {whose}: {classes}.")
    for name, why in REASONS.items():
        if numbers[name]:
            lines.append(f"{_photos(numbers[name], 'is', 'are')} left out{why}.")
    if shared := numbers["people_shared"]:
        who = "1 person of the test set is" if shared == 1 else f"{count(shared)} people of the test set are"
        lines.append(f"{who} in photos that are trained on, too: the score flatters for new people.")
    return lines


def _photos(number: int, is_: str, are: str) -> str:
    return f"1 test photo {is_}" if number == 1 else f"{count(number)} test photos {are}"


def told_persons(photos: pd.DataFrame) -> str:
    """ "6 photos, persons unknown", "12 photos of 4 people"."""
    persons = persons_of(photos)
    if persons.are_known:
        return f"{count(len(photos))} photo{'s' * (len(photos) != 1)} of {units(persons.people, persons.state)}"
    return persons.told()
