"""Yes/no attributes that are told one by one: what each photo tells of each, and the pair of classes that each has.

A labelled table of such a task has a column yes:<attribute> for each, int8: 1 yes, 0 no, -1 not told. Its classes are
"<attribute> no" and "<attribute> yes", attribute by attribute; a photo is of one of each pair that it tells.
Imports no torch.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.data.values import column_of
from core.errors import LabError

VALUES = ("no", "yes")
UNTOLD = -1
YES = "yes:"  # before the name of an attribute in a labelled table
NAMED = 6  # values or attributes that a message lists


def class_names(attributes: Sequence[str]) -> list[str]:
    """["Bald no", "Bald yes", "Smiling no", ...]: class 2k is the no of attribute k, class 2k + 1 its yes."""
    return [f"{name} {value}" for name in attributes for value in VALUES]


def attributes_of(table: pd.DataFrame) -> list[str]:
    """The attributes that a labelled table tells one by one; none of one whose photos have one class each."""
    return [str(column).removeprefix(YES) for column in table if str(column).startswith(YES)]


def told(table: pd.DataFrame) -> np.ndarray:
    """What a labelled table tells: int8 (photos, attributes), 1 yes, 0 no, -1 not told."""
    return table[[YES + name for name in attributes_of(table)]].to_numpy(np.int8)


def labelled(chosen: pd.DataFrame, attributes: Sequence[str]) -> pd.DataFrame:
    """Samples with yes:<attribute> of each, y of 0, and in class_name all that is yes of a photo ("none" of nothing).

    Photos that tell none of the attributes are left out, and what is neither yes nor no is not told.
    """
    codes = {YES + name: _codes(chosen, name) for name in attributes}
    table = chosen.assign(**codes)
    values = np.stack(list(codes.values()), axis=1)
    tells = (values != UNTOLD).any(axis=1)
    table, values = table[tells], values[tells]
    names = np.asarray(attributes, dtype=object)
    yes = [", ".join(names[row]) or "none" for row in values == 1]
    return table.assign(y=np.zeros(len(table), np.int64), class_name=pd.array(yes, dtype="str")).reset_index(drop=True)


def check(chosen: pd.DataFrame, attributes: Sequence[str], title: str) -> None:
    """Raises LabError(kind 'task') for an attribute that is not yes or no, or the same in all photos that tell it."""
    for name in attributes:
        values = chosen[str(column_of(name, chosen))].dropna()
        if others := sorted({str(value) for value in values} - set(VALUES)):
            listed = ", ".join(others[:NAMED]) + (", ..." if len(others) > NAMED else "")
            raise LabError(
                f"task {title}: {name} is not a yes/no attribute; the photos have {listed}",
                "Leave it out of task.attributes, or make classes of all combinations (task.together: product).",
                "task",
            )
    of_one = {name: chosen[str(column_of(name, chosen))].dropna().unique() for name in attributes}
    if alike := {name: values for name, values in of_one.items() if len(values) < 2}:
        name = next(iter(alike))
        says = f"is {alike[name][0]} in every photo that tells it" if len(alike[name]) else "is told by no photo"
        others = list(alike)[1:]
        more = f"; so {'is' if len(others) == 1 else 'are'} {', '.join(others[:NAMED])}" if others else ""
        more += f" and {len(others) - NAMED} more" if len(others) > NAMED else ""
        raise LabError(
            f"task {title}: {name} {says}{more}: there is nothing to tell apart",
            f"Leave {'it' if len(alike) == 1 else 'them'} out of task.attributes.",
            "task",
        )


def unknown(chosen: pd.DataFrame, attributes: Sequence[str]) -> dict[str, int]:
    """Photos by "<attribute> <value>" for values that are neither yes nor no."""
    counts: dict[str, int] = {}
    for name in attributes:
        column = column_of(name, chosen)
        values = chosen[column].dropna().astype(str) if column else pd.Series(dtype=str)
        for value, photos in values[~values.isin(VALUES)].value_counts().sort_index().items():
            counts[f"{name} {value}"] = int(photos)
    return counts


def classes(values: np.ndarray) -> np.ndarray:
    """Whether a photo is of a class, bool (photos, 2 * attributes). values: as `told` gives them."""
    return np.stack([values == 0, values == 1], axis=2).reshape(len(values), -1)


def of_class(table: pd.DataFrame, name: str) -> pd.Series:
    """Whether each photo of a labelled table is of a class, bool: its own, or one of those of all its attributes."""
    attributes = attributes_of(table)
    if not attributes:
        return table["class_name"] == name
    attribute, _, value = name.rpartition(" ")
    return table[YES + attribute] == VALUES.index(value)


def in_words(names: Sequence[str], one_by_one: bool) -> str:
    """ "6 classes", "40 attributes". names: of the classes."""
    return f"{len(names) // 2} attributes" if one_by_one else f"{len(names)} classes"


def counts(table: pd.DataFrame) -> pd.DataFrame:
    """Photos and people of each attribute of a labelled table: index attribute, columns yes, no, not told (photos),
    share (of yes among those that tell it), people yes."""
    values = told(table)
    yes, no = (values == 1).sum(0), (values == 0).sum(0)
    return pd.DataFrame(
        {
            "yes": yes,
            "no": no,
            "not told": len(table) - yes - no,
            "share": yes / np.maximum(1, yes + no),
            "people yes": _people(table, values == 1),
        },
        index=pd.Index(attributes_of(table), name="attribute"),
    )


def people_of_classes(table: pd.DataFrame) -> dict[str, int]:
    """People of each no and yes of a labelled table, in the order of the classes."""
    return dict(zip(class_names(attributes_of(table)), _people(table, classes(told(table))), strict=True))


def _people(table: pd.DataFrame, has: np.ndarray) -> list[int]:
    """People with a photo in each column. has: bool (photos, columns)."""
    person = pd.factorize(table["person"])[0]
    return [int(np.count_nonzero(np.bincount(person[column]))) for column in has.T]


def _codes(chosen: pd.DataFrame, name: str) -> np.ndarray:
    column = column_of(name, chosen)
    if column is None:
        return np.full(len(chosen), UNTOLD, np.int8)
    return chosen[column].map({"no": 0, "yes": 1}).fillna(UNTOLD).to_numpy(np.int8)
