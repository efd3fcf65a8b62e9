"""Split people into folds: all photos of a person stand in one fold, classes in equal shares."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.data.persons import UNKNOWN, persons_of, units
from core.errors import LabError
from core.plan.split import stratified_groups

NAMED = 3  # classes that a sentence names
MEND_ABSENT = "Use fewer folds, or merge or leave out a class that so few show."


def assign_folds(table: pd.DataFrame, folds: int, seed: int) -> np.ndarray:
    """The fold of each row, shape (n,), int64, 0 to folds - 1; the same for any order of the rows.

    table: labelled samples with sample, person, y and class_name.
    Raises LabError naming the class that has fewer people (photos, where persons are unknown) than there are folds.
    """
    people = table.groupby(["y", "class_name"])["person"].nunique()
    if people.empty:
        raise LabError("folds: there are no samples to split", "Choose a task that fits the dataset.", "folds")
    if people.min() < folds:
        class_name, least = people.idxmin()[1], int(people.min())
        persons = persons_of(table)
        lower = f"lower folds to {least} or merge the class" if least > 1 else f"add {persons.noun} to it, or merge it"
        raise LabError(
            f"folds: class {class_name!r} has {units(least, persons.state)} but {folds} folds were asked for",
            f"{lower.capitalize()}.",
            "folds",
        )
    return stratified_groups(table["y"].to_numpy(), table["person"].to_numpy(dtype=str), folds, seed)


def fold_table(table: pd.DataFrame) -> pd.DataFrame:
    """One row a fold (index `fold`): people, photos, then the photos of each class in class order.

    Where persons are unknown there is no column people: it would say the same as photos.
    table: labelled samples with a fold column. A class named people or photos gets "class " before its name.
    """
    counts = table.groupby("fold").agg(people=("person", "nunique"), photos=("sample", "size"))
    if persons_of(table).state == UNKNOWN:
        counts = counts.drop(columns="people")
    names = table.drop_duplicates("y").sort_values("y")["class_name"]
    classes = pd.crosstab(table["fold"], table["class_name"])[list(names)]
    classes.columns = [f"class {name}" if name in counts.columns else name for name in classes.columns]
    return counts.join(classes)


def absent_classes(table: pd.DataFrame, names: Sequence[str]) -> dict[int, list[str]]:
    """The classes of which a fold holds no photo, by fold, in the order of names; folds that hold all are left out.

    table: labelled samples with class_name and fold. names: all classes of the task.
    """
    held = table.groupby("fold")["class_name"].unique()
    absent = {int(fold): [name for name in names if name not in set(there)] for fold, there in held.items()}
    return {fold: lacking for fold, lacking in absent.items() if lacking}


def absence(fold: int, absent: Sequence[str], classes: int) -> str:
    """What a fold without photos of some classes means for its macro F1, as a sentence. classes: of the task."""
    named = ", ".join(f"'{name}'" for name in absent[:NAMED])
    more = f" and {len(absent) - NAMED} more classes" if len(absent) > NAMED else ""
    each = "that class" if len(absent) == 1 else "each of them"
    return (
        f"Fold {fold} has no photo of {named}{more}: its macro F1 counts 0 for {each} and cannot exceed "
        f"{1 - len(absent) / classes:.3f}."
    )


def audit(table: pd.DataFrame) -> list[str]:
    """A sentence for each person whose photos stand in more than one fold; empty is good."""
    stands = table[["person", "fold"]].drop_duplicates()
    leaks = stands[stands.duplicated("person", keep=False)].groupby("person")["fold"].unique()
    return [
        f"person {person!r} stands in folds {', '.join(str(fold) for fold in sorted(where))}"
        for person, where in leaks.items()
    ]
