"""What a dataset is made of: counts by class, attribute and person, ages, sizes, mean photos. Imports no torch."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
import pandas as pd
from PIL import Image, ImageOps

from core.config.run_config import TaskConfig
from core.data import persons
from core.data.persons import noun, persons_of, units
from core.data.pictures.photo import StoredPhoto
from core.data.tasks import grouped_as, limits_of
from core.data.thumbnails import thumbnail
from core.data.values import attribute_names, column_of, group_names, is_number
from core.data.yes_no import pairs
from core.errors import LabError

MEAN_SIDE = 96  # px
MEAN_PHOTOS = 60  # of each class
UNKNOWN = "unknown"


def class_counts(table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    """People, photos and share of the photos (0..1) of each class, in class order. table: labelled samples.

    Where persons are unknown there is no column people: it would say the same as photos. Of attributes that are told
    one by one, the share is that of the photos that tell the attribute.
    """
    if pairs.attributes_of(table):
        return _counts_of_pairs(table)
    groups = table.groupby("class_name", sort=False)
    counts = groups.agg(people=("person", "nunique"), photos=("sample", "size")).reindex(names)
    counts = counts.drop(columns="people") if persons_of(table).state == persons.UNKNOWN else counts
    return counts.assign(share=counts["photos"] / counts["photos"].sum())


def _counts_of_pairs(table: pd.DataFrame) -> pd.DataFrame:
    of_one = pairs.counts(table)
    photos = of_one[["no", "yes"]].to_numpy()
    photos_of_pair = np.maximum(1, photos.sum(axis=1, keepdims=True))
    people = pairs.people_of_classes(table)
    counts = pd.DataFrame({"people": people.values(), "photos": photos.ravel()}, index=list(people))
    counts = counts.drop(columns="people") if persons_of(table).state == persons.UNKNOWN else counts
    return counts.assign(share=(photos / photos_of_pair).ravel())


def told_attributes(samples: pd.DataFrame) -> list[str]:
    """The attributes that at least one photo has and that take at least two values."""
    there = attribute_names(samples)
    return [name for name in there if name == "age" or samples[column_of(name, samples)].nunique() > 1]


def as_groups(samples: pd.DataFrame, attribute: str, task: TaskConfig) -> pd.Series:
    """An attribute as ordered categories, what is unknown last. A number is cut at the task's limits, where each group
    stands though it be empty; else in groups of about as many photos."""
    values = grouped_as(attribute, samples, task)
    limits = limits_of(attribute, task) if is_number(attribute, samples) else ()
    column = samples[str(column_of(attribute, samples))]
    order = group_names(attribute, column, limits) if limits else list(values.cat.categories)
    untold = "not told" if UNKNOWN in order else UNKNOWN  # a value of that name is none that is missing
    values = values.astype("object").where(values.notna(), untold)
    order += [untold] if (values == untold).any() and untold not in order else []
    return pd.Series(pd.Categorical(values, order), index=samples.index, name=attribute)


def cross_table(samples: pd.DataFrame, rows: str, columns: str, task: TaskConfig, of: str) -> pd.DataFrame:
    """Photos, or people, of each combination of two attributes. of: 'photos' or 'people'.

    A person whose photos differ (with a mask and without) counts in every cell that has a photo of theirs.
    """
    pair = {"a": as_groups(samples, rows, task), "b": as_groups(samples, columns, task)}
    table = pd.DataFrame({**pair, "person": samples["person"]})
    if of == "people":
        table = table.drop_duplicates()
    counts = table.groupby(["a", "b"], observed=False).size().unstack("b")
    counts.index.name, counts.columns.name = rows, columns
    return counts


def ages_of_people(samples: pd.DataFrame) -> np.ndarray:
    """Age in whole years of each person who has one: the median of their photos."""
    with_age = samples[samples["age"].notna()]
    return np.floor(with_age.groupby("person", sort=False)["age"].median().to_numpy())


def numbers(samples: pd.DataFrame) -> list[str]:
    """The attributes that are numbers."""
    return [name for name in attribute_names(samples) if is_number(name, samples)]


def photos_per_person(samples: pd.DataFrame) -> pd.Series:
    """Index: photos of a person; value: how many people have that many."""
    return samples["person"].value_counts().value_counts().sort_index().rename("people")


def sizes(samples: pd.DataFrame) -> pd.DataFrame:
    """Each width and height that occurs (px) and how many photos have it, the most frequent first."""
    counts = samples.groupby(["width", "height"]).size().rename("photos").reset_index()
    return counts.sort_values(["photos", "width", "height"], ascending=[False, True, True], ignore_index=True)


def mean_photo(photos: Sequence[StoredPhoto]) -> np.ndarray | None:
    """The mean of photos in RGB, (MEAN_SIDE, MEAN_SIDE, 3) uint8, each cropped to a square; None if none is good."""
    total, good = np.zeros((MEAN_SIDE, MEAN_SIDE, 3)), 0
    for photo in photos:
        try:
            small = Image.open(io.BytesIO(thumbnail(photo)))
        except LabError:
            continue
        total += np.asarray(ImageOps.fit(small.convert("RGB"), (MEAN_SIDE, MEAN_SIDE), Image.Resampling.BILINEAR))
        good += 1
    return np.rint(total / good).astype(np.uint8) if good else None


def spread_out(table: pd.DataFrame, most: int) -> pd.DataFrame:
    """At most `most` rows, the same ones each time, of as many people as possible."""
    shuffled = table.iloc[np.random.default_rng(0).permutation(len(table))]
    turn = shuffled.groupby("person", sort=False).cumcount()
    return shuffled.iloc[np.argsort(turn.to_numpy(), kind="stable")[:most]]


def people_of_classes(table: pd.DataFrame) -> dict[str, int]:
    """People of each class, in class order. table: labelled samples."""
    people = table.groupby(["y", "class_name"])["person"].nunique()
    return {str(name): int(n) for (_, name), n in people.items()}


def thin_classes(table: pd.DataFrame, folds: int, *, is_split: bool = False) -> list[tuple[str, int, str]]:
    """(class, its people, what that means) for classes with fewer than three people a fold. table: labelled samples.

    Where persons are unknown, people are photos. is_split: whether the folds are there, of a dataset or a parent run
    perhaps; else they are to be assigned, which is refused where a class has too few for them.
    """
    state, one_by_one = persons_of(table).state, bool(pairs.attributes_of(table))
    people = pairs.people_of_classes(table) if one_by_one else people_of_classes(table)
    thin = []
    for name, n in people.items():
        if n < folds:
            stands = is_split or (one_by_one and n > 1)
            means = "some folds have none of it" if stands else "this split is refused"
            thin.append((name, int(n), f"fewer {noun(state)} than the {folds} folds: {means}"))
        elif n < 2 * folds:
            thin.append((name, int(n), f"some folds judge it on a single {units(1, state)[2:]}"))
        elif n < 3 * folds:
            thin.append((name, int(n), f"some folds judge it on two {noun(state)}"))
    return sorted(thin, key=lambda row: row[1])
