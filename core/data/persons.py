"""Whom the photos show, and how far that is known. Where nobody told it, each photo counts as a person of its own.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any

import pandas as pd

from core.config.parts import NO_COLUMN, DataConfig
from core.storage.files import GARBAGE

COLUMN = "person_known"  # of a samples table: whether the dataset, or a label correction, names the photo's person
KNOWN, PARTLY, UNKNOWN = "known", "partly", "unknown"


@dataclass(frozen=True)
class Persons:
    """photos: how many. known: photos whose person is known. people: different persons, unknown ones one a photo."""

    photos: int
    known: int
    people: int

    @property
    def state(self) -> str:
        """known | partly | unknown."""
        if self.known == self.photos:
            return KNOWN
        return PARTLY if self.known else UNKNOWN

    @property
    def are_known(self) -> bool:
        return self.state == KNOWN

    @property
    def noun(self) -> str:
        """What the independent units of this dataset are called."""
        return noun(self.state)

    @property
    def warning(self) -> str:
        """What cannot be promised, as a sentence; empty where all persons are known."""
        if self.state == PARTLY:
            return (
                f"Persons are known for only {self.known:,} of {self.photos:,} photos: other photos of one person may "
                "stand in several folds."
            )
        return warning(self.state)

    def told(self) -> str:
        """ "2,700 people" where they are known, else "9,778 photos, persons unknown"."""
        if self.are_known:
            return units(self.people, KNOWN)
        photos = f"{units(self.photos, UNKNOWN)}, persons "
        return photos + (f"known for {self.known:,} of them" if self.known else "unknown")

    def as_record(self) -> dict[str, int]:
        return asdict(self)


def persons_of(samples: pd.DataFrame) -> Persons:
    """samples: sample, person, and COLUMN; without it a person is known if it is not simply the photo's own name."""
    person = samples["person"]
    named = samples[COLUMN].astype(bool) if COLUMN in samples else person != samples["sample"]
    named = named | person.duplicated(keep=False)
    return Persons(len(samples), int(named.sum()), int(person.nunique()))


def held_out(samples: pd.DataFrame) -> str:
    """What a fold held out, in a word: the person, or the photo where nobody knows whom it shows."""
    return "person" if persons_of(samples).are_known else "photo"


def with_known(samples: pd.DataFrame, data: DataConfig) -> pd.DataFrame:
    """A frozen samples table with COLUMN, which those of older labs lack; data: the run's.

    There all are known if a setting of the dataset told them; else, where all differ, they may be numbers of photos.
    """
    if COLUMN in samples:
        return samples
    if _was_told(data.person_column, data.person_pattern, data.reader):
        return samples.assign(**{COLUMN: True})
    names_people = samples["person"].duplicated().any()
    return samples.assign(**{COLUMN: (samples["person"] != samples["sample"]) & names_people})


def _was_told(column: object, pattern: object, reader: object) -> bool:
    return bool((column and column != NO_COLUMN) or pattern or reader == "mask")


def from_record(record: Any) -> Persons | None:
    """What `as_record` wrote; None for a record that is absent or damaged."""
    try:
        return Persons(*(int(record[name]) for name in ("photos", "known", "people")))
    except GARBAGE:
        return None


def state_of_summary(summary: dict[str, Any]) -> str:
    """known | partly | unknown for a run in a list, from summary.json alone.

    Summaries of older labs do not say it: as many people as photos means unknown there, unless a setting of the
    dataset told the person.
    """
    if (state := summary.get("persons")) in (KNOWN, PARTLY, UNKNOWN):
        return state
    settings = summary.get("settings")
    settings = settings if isinstance(settings, dict) else {}
    by_setting = _was_told(*(settings.get(f"data.{name}") for name in ("person_column", "person_pattern", "reader")))
    if by_setting or summary.get("people") != summary.get("samples"):
        return KNOWN
    return UNKNOWN


def together(states: Iterable[str]) -> str:
    """The state of several tables that are told in one sentence: known or unknown if all are, else partly."""
    distinct = set(states)
    return distinct.pop() if len(distinct) == 1 else PARTLY if distinct else KNOWN


def noun(state: str) -> str:
    """What intervals and counts are over: people, photos, or both."""
    return {KNOWN: "people", UNKNOWN: "photos"}.get(state, "people or single photos")


def units(number: int, state: str) -> str:
    """ "1 person", "2,700 people", "9,778 photos", "40 people or single photos"."""
    if number == 1:
        return {KNOWN: "1 person", UNKNOWN: "1 photo"}.get(state, "1 person or single photo")
    return f"{number:,} {noun(state)}"


def warning(state: str) -> str:
    """What folds cannot promise, as a sentence; empty where persons are known."""
    if state == KNOWN:
        return ""
    those = "unknown" if state == UNKNOWN else "known for some photos only"
    return f"Persons are {those}: photos of one person may stand in several folds."
