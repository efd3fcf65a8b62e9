"""What a dataset's photos are labelled with: its attributes, their values in order, and groups of numbers."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.data.readers.attributes import ATTRIBUTES, CATEGORIES, NUMBER, YES_NO
from core.data.tables.cells import spelt
from core.text import in_full

MASKS = ("mask", "incorrect", "normal")
GENDERS = ("female", "male")
USUAL = {"mask": MASKS, "gender": GENDERS}  # attribute -> all the values that it can have, in their order
AGE_LIMITS = (30.0, 60.0)
OF_FACES = ("gender", "age", "mask")
OWN = "attribute:"  # before the name of a dataset's own attribute in a samples table, apart from all other columns
_DIAGNOSIS = re.compile(
    r"(dx|diagnos[ei]s|diagnostic|diseases?|pathology|findings?|findinglabels|histology|illness|disorder|lesiontype"
    r"|benignmalignant)\d?"
)
_RANGE = re.compile(
    r"(?P<below><=?|under |below |less than |up to )?\s*(more than |over |above |>=?)?\s*(?P<low>\d+(?:\.\d+)?)"
    r"(\s*(-|–|to|\.\.)\s*\d+(\.\d+)?)?\s*\+?(\s*(years?|yrs?|y|(and|or) (over|above|older|more))){0,2}",
    re.IGNORECASE,
)
_WORD = re.compile(r"[^\W\d_]+")
_LETTER = re.compile(r"(?<![^\W\d_])[^\W\d_](?![^\W_])")  # alone, and before no number
_SAY_NOT_OF_WHAT = frozenset(  # but none and unknown, which are of what the words beside them are
    _WORD.findall(
        """
        yes no not true false correct wrong to and or very pos neg positive negative on off with without present
        absent some any visible invisible detected undetected low lower lowest high higher highest medium middle
        intermediate average moderate mild slight minor major severe extreme weak strong heavy small little big
        large short long thin thick narrow wide few many less more partial partly full fully complete incomplete
        good better best bad worse worst poor excellent abnormal left right upper top bottom front back inner
        outer both neither either side one two three four five first second third last grade degree level stage
        class type group category score rank ii iii iv vi mm cm km mg kg ml
        """
    )
)


@dataclass(frozen=True)
class Attribute:
    """One thing that photos are labelled with.

    kind: categories, yes/no or number. ordered: whether the values ascend, as groups of ages do. counts: value ->
    photos, in the order of the values; empty for a number. photos: how many tell it. low, high: of a number.
    """

    name: str
    kind: str
    ordered: bool
    counts: dict[str, int]
    photos: int
    low: float | None = None
    high: float | None = None

    @property
    def span(self) -> str:
        """ "150 to 205", of a number."""
        return " to ".join(in_full(end) for end in (self.low, self.high) if end is not None)

    @property
    def summary(self) -> str:
        """ "dark 4, fair 4, red 4", "150 to 205"; of many values the first."""
        if self.kind == NUMBER:
            return f"{self.span} ({self.photos:,} photos)"
        listed = [f"{value} {photos:,}" for value, photos in list(self.counts.items())[:20]]
        more = len(self.counts) - len(listed)
        return ", ".join(listed) + (f" and {more:,} more values" if more else "")


def column_of(name: str, samples: pd.DataFrame) -> str | None:
    """The column of a samples table that holds an attribute; None if there is none."""
    return next((column for column in (OWN + name, name) if _holds(column) and column in samples), None)


def attribute_names(samples: pd.DataFrame) -> list[str]:
    """The attributes that at least one photo tells: mask, gender, age, label, race, then the dataset's own."""
    columns = [*(name for name in ATTRIBUTES if name in samples), *(c for c in samples if str(c).startswith(OWN))]
    return list(dict.fromkeys(column.removeprefix(OWN) for column in columns if samples[column].notna().any()))


def is_diagnosis(name: str) -> bool:
    """Whether an attribute by its name is what photos of patients are labelled with."""
    return _DIAGNOSIS.fullmatch(spelt(name)) is not None


def yes_no_names(samples: pd.DataFrame) -> list[str]:
    """The attributes that are yes in some photos and no in others."""
    return [
        name
        for name in attribute_names(samples)
        if not is_number(name, samples) and {*samples[str(column_of(name, samples))].dropna().unique()} == {"yes", "no"}
    ]


def attributes(samples: pd.DataFrame) -> dict[str, Attribute]:
    """Each attribute that the photos tell, with its values."""
    return {name: attribute(name, samples) for name in attribute_names(samples)}


def attribute(name: str, samples: pd.DataFrame) -> Attribute:
    """One attribute of a samples table that has it."""
    values = samples[str(column_of(name, samples))].dropna()
    if pd.api.types.is_numeric_dtype(values):
        return Attribute(name, NUMBER, True, {}, len(values), float(values.min()), float(values.max()))
    counts = values.value_counts()
    order = in_order(name, counts.index.tolist())
    kind = YES_NO if {*order} <= {"yes", "no"} else CATEGORIES
    ascends = all(_RANGE.fullmatch(value.strip()) for value in order)
    return Attribute(name, kind, ascends, {value: int(counts[value]) for value in order}, len(values))


def is_number(name: str, samples: pd.DataFrame) -> bool:
    return bool(pd.api.types.is_numeric_dtype(samples[str(column_of(name, samples))]))


def in_order(name: str, values: Sequence[str]) -> list[str]:
    """The values of an attribute as they are listed: mask states and genders as always, groups of numbers ascending,
    others by the alphabet."""
    usual = USUAL.get(name, ())
    if set(values) <= set(usual):
        return [value for value in usual if value in values]
    matches = {value: _RANGE.fullmatch(value.strip()) for value in values}
    if name != "label" and all(matches.values()):
        return sorted(values, key=lambda value: _place(matches[value], value))
    return sorted(values)


def in_one_order(groups: Sequence[Sequence[str]]) -> list[list[str]]:
    """Groups of values, each in the order in which the values come first in all of them."""
    order = list(dict.fromkeys(value for group in groups for value in group))
    return [sorted(group, key=order.index) for group in groups]


def are_apart(groups: set[frozenset[str]]) -> bool:
    """Whether groups of values are several, and share none."""
    return len(groups) > 1 and sum(map(len, groups)) == len(frozenset[str]().union(*groups))


def is_bare(attribute: str, value: str, class_name: str) -> bool:
    """Whether a class is named after a value that does not say of what it is."""
    around = f" {class_name} "
    return f" {value} " in around and f" {attribute} {value} " not in around and not names_itself(value)


def names_itself(value: str) -> bool:
    """Whether a value says what it is without its attribute, as "cat" does. A yes or a no does not, nor do groups of
    numbers, single letters, and words of presence, degree or side alone.

    A letter before a number is that of an identifier, as n01440764 of WordNet is, and names itself: so do K9 and c1,
    and thereby grades that are written A1 and B2.
    """
    words = set(_WORD.findall(value.casefold())) - _SAY_NOT_OF_WHAT
    letters = {word for word in _LETTER.findall(value.casefold()) if word.islower()}  # not so a Chinese word
    return words > letters and not _RANGE.fullmatch(value.strip())


def grouped(name: str, samples: pd.DataFrame, limits: Sequence[float] = ()) -> tuple[pd.Series, list[str]]:
    """(an attribute's value of each photo as text, None where it is not told; the values that occur, in order).

    limits: where a number is cut; without any a number is not grouped and each value stands for itself.
    """
    column = samples[str(column_of(name, samples))]
    if not pd.api.types.is_numeric_dtype(column):
        values = column.astype("object").where(column.notna(), None)
        return values, in_order(name, values.dropna().unique().tolist())
    if not limits:
        values = column.map(in_full).astype("object").where(column.notna(), None)
        return values, [in_full(number) for number in sorted(column.dropna().unique())]
    names = group_names(name, column, limits)
    groups = pd.cut(column, [-np.inf, *limits, np.inf], right=False, labels=names).astype("object")
    groups = groups.where(groups.notna(), None)
    return groups, [group for group in names if (groups == group).any()]


def group_names(name: str, numbers: pd.Series, limits: Sequence[float]) -> list[str]:
    """ "<30", "30-59", ">=60" where all is whole, as years are; else "<1.5", "1.5 to <2.5", ">=2.5"."""
    counted = limits if name == "age" else [*limits, *numbers.dropna()]
    whole = all(float(number).is_integer() for number in counted)
    between = [
        (f"{in_full(low)}-{in_full(high - 1)}" if high - 1 > low or name == "age" else in_full(low))
        if whole
        else f"{in_full(low)} to <{in_full(high)}"
        for low, high in itertools.pairwise(limits)
    ]
    return [f"<{in_full(limits[0])}", *between, f">={in_full(limits[-1])}"]


def proposed_limits(name: str, samples: pd.DataFrame) -> list[float]:
    """Two limits that make three groups of about as many photos: 30 and 60 for an age, a proposal for others."""
    if name == "age":
        return list(AGE_LIMITS)
    numbers = samples[str(column_of(name, samples))].dropna().to_numpy(float)
    if not len(numbers):
        return []
    whole = bool((numbers == np.round(numbers)).all())
    thirds = np.quantile(numbers, [1 / 3, 2 / 3])
    cut = [float(f"{third:.3g}") if not whole else float(np.ceil(third)) for third in thirds]
    inside = [limit for limit in dict.fromkeys(cut) if numbers.min() < limit <= numbers.max()]
    higher = numbers[numbers > numbers.min()]
    return inside or ([float(higher.min())] if len(higher) else [])  # most are the lowest: the others are apart then


def _holds(column: str) -> bool:
    """Whether a column can hold an attribute: path and width cannot, whatever an attribute is called."""
    return column.startswith(OWN) or column in ATTRIBUTES


def _place(match: re.Match | None, value: str) -> tuple[float, bool, str]:
    """Where a group of numbers stands: by its lowest number, "less than 20" before "20-29"."""
    return (float(match["low"]), not match["below"], value) if match else (0.0, False, value)


def noun_of(samples: pd.DataFrame) -> str:
    """What the photos show, in a word: "face" where they tell what only faces have, else "photo"."""
    return "face" if any(name in samples and samples[name].notna().any() for name in OF_FACES) else "photo"
