"""Whether an attribute says something about a person, as gender does, or about one photo of theirs, as a smile does."""

from __future__ import annotations

import pandas as pd

from core.data.values import column_of, is_number

ALIKE = 0.9  # share of people with several photos whose photos agree, from which on those of the others are doubtful
YEAR = 1.0  # ages of one person that are this close agree


def is_of_person(name: str, samples: pd.DataFrame) -> bool:
    """Whether the photos of nearly every person with several of them say the same; False where nobody has several."""
    column = column_of(name, samples)
    if column is None:
        return False
    labelled = samples[[column, "person"]].dropna()
    groups = labelled.groupby("person", sort=False)[column]
    several = groups.size() > 1
    if not several.any():
        return False
    if is_number(name, samples):
        agree = groups.max() - groups.min() <= (YEAR if name == "age" else 0.0)
    else:
        agree = groups.nunique() == 1
    return bool(agree[several].mean() >= ALIKE)
