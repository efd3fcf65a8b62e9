"""Split people into folds: all photos of a person stand in one fold, classes in equal shares."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.data.persons import UNKNOWN, persons_of, units
from core.data.yes_no import pairs
from core.errors import LabError
from core.plan.iterative import iterative_groups
from core.plan.split import stratified_groups

NAMED = 3  # classes that a sentence names
MEND_ABSENT = "Use fewer folds, or merge or leave out a class that so few show."


def assign_folds(table: pd.DataFrame, folds: int, seed: int) -> np.ndarray:
    """The fold of each row, shape (n,), int64, 0 to folds - 1; the same for any order of the rows.

    table: labelled samples with sample, person, y and class_name, or with yes/no attributes that are told one by one.
    Raises LabError naming the class that has fewer people (photos, where persons are unknown) than there are folds; of
    attributes that are told one by one, the answer that one person alone has.
    """
    if pairs.attributes_of(table):
        return _assign_one_by_one(table, folds, seed)
    people = table.groupby(["y", "class_name"])["person"].nunique()
    if people.empty:
        raise LabError("folds: there are no samples to split", "Choose a task that fits the dataset.", "folds")
    if people.min() < folds:
        class_name, least = people.idxmin()[1], int(people.min())
        persons = persons_of(table)
        fewer = f"lower folds to {least}" if least > 1 else f"add {persons.noun} to it"
        remedy = f"{fewer.capitalize()}, leave the class out (task.leave_out) or merge it with another (task.merge)."
        if persons.are_known and people.max() == 1 and len(table) > len(people) > 1:
            remedy = 'If the classes are the persons, choose "Nobody is known" for these (data.persons none).'
        raise LabError(
            f"folds: class {class_name!r} has {units(least, persons.state)} but {folds} folds were asked for",
            remedy,
            "folds",
        )
    return stratified_groups(table["y"].to_numpy(), table["person"].to_numpy(dtype=str), folds, seed)


def _assign_one_by_one(table: pd.DataFrame, folds: int, seed: int) -> np.ndarray:
    persons = persons_of(table)
    people = table["person"].nunique()
    if people < folds:
        raise LabError(
            f"folds: the photos show {units(people, persons.state)} but {folds} folds were asked for",
            f"Lower folds to {people}." if people > 1 else f"Add {persons.noun}.",
            "folds",
        )
    for name, who in pairs.people_of_classes(table).items():
        if who < 2:
            raise LabError(
                f"folds: {name!r} is told of {units(1, persons.state)} alone, so that the fold that is "
                "validated on it never saw it",
                "Leave the attribute out (task.attributes), or add photos.",
                "folds",
            )
    labels = pairs.classes(pairs.told(table))
    return iterative_groups(labels, table["person"].to_numpy(dtype=str), folds, seed)


def given_folds(table: pd.DataFrame, count: int) -> np.ndarray:
    """The fold of each row, shape (n,), int64, 0 to count - 1: those that the dataset gives, in their order.

    table: labelled samples with sample, person, class_name and, where the dataset gives folds, given_fold.
    Raises LabError: kind 'given' where photos have none, where a person stands in two of them or a class in one alone;
    'folds' where they are not as many as count.
    """
    given = table["given_fold"] if "given_fold" in table else pd.Series(pd.NA, index=table.index, dtype="Int64")
    without = table["sample"][given.isna()]
    if len(without):
        photos = f"{len(without):,} of {len(table):,} photos have" if len(without) > 1 else "1 photo has"
        raise LabError(
            f"folds: {photos} no fold of the dataset, such as {without.iloc[0]}",
            "Give each photo one, or let the lab make the folds (folds.given).",
            "given",
        )
    numbers = sorted(given.unique())
    if len(numbers) != count:
        raise LabError(
            f"folds: the dataset gives {len(numbers)} folds but {count} were asked for",
            f"Set the number of folds to {len(numbers)}, or let the lab make the folds (folds.given).",
            "folds",
        )
    fold = given.map({number: i for i, number in enumerate(numbers)}).to_numpy(np.int64)
    stands = table.assign(fold=given)
    if leaks := audit(stands):
        more = f"; so do {len(leaks) - 1:,} more" if len(leaks) > 1 else ""
        raise LabError(
            f"folds: of the dataset's own, {leaks[0]}{more}",
            "Correct them, or let the lab make folds in which everybody stands once (folds.given).",
            "given",
        )
    if attributes := pairs.attributes_of(table):
        labels = pairs.classes(pairs.told(table))
        folds_of_class = {
            name: given[has].unique() for name, has in zip(pairs.class_names(attributes), labels.T, strict=True)
        }
    else:
        folds_of_class = stands.groupby("class_name")["fold"].unique().to_dict()
    for name, where in folds_of_class.items():
        if len(where) < 2:
            raise LabError(
                f"folds: class {name!r} stands in the dataset's fold {where[0]} alone, so that a network that is "
                "validated on it never saw it",
                "Correct the folds, let the lab make them (folds.given), or leave the class out.",
                "given",
            )
    return fold


def fold_table(table: pd.DataFrame) -> pd.DataFrame:
    """One row a fold (index `fold`): people, photos, then the photos of each class in class order.

    Where persons are unknown there is no column people: it would say the same as photos.
    table: labelled samples with a fold column. A class named people or photos gets "class " before its name. Of
    attributes that are told one by one, the photos that are yes.
    """
    counts = table.groupby("fold").agg(people=("person", "nunique"), photos=("sample", "size"))
    if persons_of(table).state == UNKNOWN:
        counts = counts.drop(columns="people")
    if pairs.attributes_of(table):
        photos = photos_of_classes(table)
        return counts.join(photos[[name for name in photos if name.endswith(" yes")]])
    names = table.drop_duplicates("y").sort_values("y")["class_name"]
    classes = pd.crosstab(table["fold"], table["class_name"])[list(names)]
    classes.columns = [f"class {name}" if name in counts.columns else name for name in classes.columns]
    return counts.join(classes)


def photos_of_classes(table: pd.DataFrame) -> pd.DataFrame:
    """Photos of each no and yes of attributes that are told one by one: a row a fold, a column a class, in order."""
    names = pairs.class_names(pairs.attributes_of(table))
    held, fold = pairs.classes(pairs.told(table)), table["fold"].to_numpy()
    numbers = np.unique(fold)
    photos = [held[fold == number].sum(axis=0) for number in numbers]
    return pd.DataFrame(photos, index=pd.Index(numbers, name="fold"), columns=names)


def absent_classes(table: pd.DataFrame, names: Sequence[str]) -> dict[int, list[str]]:
    """The classes of which a fold holds no photo, by fold, in the order of names; folds that hold all are left out.

    table: labelled samples with class_name and fold. names: all classes of the task.
    """
    if pairs.attributes_of(table):
        photos = photos_of_classes(table)
        lacks = {int(fold): [name for name in names if not row[name]] for fold, row in photos.iterrows()}
        return {fold: lacking for fold, lacking in lacks.items() if lacking}
    held = table.groupby("fold")["class_name"].unique()
    absent = {int(fold): [name for name in names if name not in set(there)] for fold, there in held.items()}
    return {fold: lacking for fold, lacking in absent.items() if lacking}


def sole_folds(table: pd.DataFrame, names: Sequence[str]) -> dict[int, list[str]]:
    """The classes that stand in one fold alone, by that fold, in the order of names: its network never saw them. Empty
    where all stands in one, as of a network on everybody.

    table, names: as in absent_classes. assign_folds and given_folds refuse such classes; in folds that follow a parent
    they stand where new people came to.
    """
    if table["fold"].nunique() < 2:
        return {}
    if pairs.attributes_of(table):
        photos = photos_of_classes(table)
        where = {name: photos.index[photos[name] > 0] for name in names}
    else:
        where = table.groupby("class_name")["fold"].unique().to_dict()
    sole: dict[int, list[str]] = {}
    for name in names:
        if len(stands := where.get(name, ())) == 1:
            sole.setdefault(int(stands[0]), []).append(name)
    return dict(sorted(sole.items()))


def never_seen(fold: int, sole: Sequence[str]) -> str:
    """What it means that a fold holds all photos of some classes, as a sentence."""
    it = "it" if len(sole) == 1 else "them"
    return f"Fold {fold} holds all photos of {_named(sole)}: the network that is validated on {it} never saw {it}."


def gaps(table: pd.DataFrame, names: Sequence[str]) -> list[str]:
    """A sentence for each fold that holds all photos of some class, then for each that holds none of some.

    table, names: as in absent_classes.
    """
    sentences = [never_seen(fold, sole) for fold, sole in sole_folds(table, names).items()]
    return sentences + [absence(fold, lacking, len(names)) for fold, lacking in absent_classes(table, names).items()]


def absence(fold: int, absent: Sequence[str], classes: int) -> str:
    """What a fold without photos of some classes means for its macro F1, as a sentence. classes: of the task."""
    each = "that class" if len(absent) == 1 else "each of them"
    return (
        f"Fold {fold} has no photo of {_named(absent)}: its macro F1 counts 0 for {each} and cannot exceed "
        f"{1 - len(absent) / classes:.3f}."
    )


def _named(classes: Sequence[str]) -> str:
    named = ", ".join(f"'{name}'" for name in classes[:NAMED])
    return named + (f" and {len(classes) - NAMED} more classes" if len(classes) > NAMED else "")


def audit(table: pd.DataFrame) -> list[str]:
    """A sentence for each person whose photos stand in more than one fold; empty is good."""
    stands = table[["person", "fold"]].drop_duplicates()
    leaks = stands[stands.duplicated("person", keep=False)].groupby("person")["fold"].unique()
    return [
        f"person {person!r} stands in folds {', '.join(str(fold) for fold in sorted(where))}"
        for person, where in leaks.items()
    ]
