"""Split people into folds: all photos of a person stand in one fold, classes in equal shares."""

import numpy as np
import pandas as pd

from core.errors import LabError
from core.split import stratified_groups


def assign_folds(table: pd.DataFrame, folds: int, seed: int) -> np.ndarray:
    """The fold of each row, shape (n,), int64, 0 to folds - 1; the same for any order of the rows.

    table: labelled samples with person, y and class_name.
    Raises LabError naming the class that has fewer people than there are folds.
    """
    people = table.groupby(["y", "class_name"])["person"].nunique()
    if people.empty:
        raise LabError("folds: there are no samples to split", "Choose a task that fits the dataset.", "folds")
    if people.min() < folds:
        class_name, few = people.idxmin()[1], int(people.min())
        lower = f"lower folds to {few} or merge the class" if few > 1 else "add people to the class, or merge it"
        count = f"{few} {'people' if few > 1 else 'person'}"
        raise LabError(
            f"folds: class {class_name!r} has {count} but {folds} folds were asked for",
            f"{lower.capitalize()}.",
            "folds",
        )
    return stratified_groups(table["y"].to_numpy(), table["person"].to_numpy(dtype=str), folds, seed)


def fold_table(table: pd.DataFrame) -> pd.DataFrame:
    """One row a fold (index `fold`): people, photos, then the photos of each class in class order.

    table: labelled samples with a fold column. A class named people or photos gets "class " before its name.
    """
    counts = table.groupby("fold").agg(people=("person", "nunique"), photos=("sample", "size"))
    names = table.drop_duplicates("y").sort_values("y")["class_name"]
    classes = pd.crosstab(table["fold"], table["class_name"])[list(names)]
    classes.columns = [f"class {name}" if name in counts.columns else name for name in classes.columns]
    return counts.join(classes)


def audit(table: pd.DataFrame) -> list[str]:
    """A sentence for each person whose photos stand in more than one fold; empty is good."""
    folds = table.groupby("person")["fold"].unique()
    leaks = folds[folds.map(len) > 1]
    return [
        f"person {person!r} stands in folds {', '.join(str(fold) for fold in sorted(where))}"
        for person, where in leaks.items()
    ]
