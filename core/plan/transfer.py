"""Folds that follow people from run to run, so that no ancestor of fold k ever trained on a person of fold k.

Imports no torch.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.config.parts import CHOOSE
from core.config.run_config import FoldsConfig, ModelConfig
from core.data.persons import persons_of, units
from core.data.readers.spelling import nfc
from core.data.yes_no import pairs
from core.errors import LabError
from core.plan.folds import assign_folds, given_folds
from core.runs import Run, origins
from core.runs.ancestry import ancestry, line
from core.runs.everybody import unmeasured
from core.runs.kept import dropped


def check_parent(parent: Run, folds: int, model: ModelConfig) -> None:
    """Raises LabError(kind 'transfer') naming why a run cannot be started from. model: of the run that wants to.

    Kind 'mixed' where a fold's weights are not of the epoch that its predictions and scores describe.
    """
    which = model.init_checkpoint
    if parent.id == CHOOSE:
        raise LabError(
            "transfer: no run is chosen to start from.",
            "Choose a finished one; on the command line with --set model.init=run:<id>.",
            kind="transfer",
        )
    if not parent.exists():
        raise LabError(
            f"transfer: there is no run '{parent.id}'.", "It was deleted; choose another one.", kind="transfer"
        )
    if (before := unmeasured.measured_by(parent)) is not None:
        raise LabError(
            f"transfer: {parent.id} was trained on everybody, so that no fold could hold out whom it never saw.",
            f"Start from the cross-validated run {before}.",
            kind="transfer",
        )
    depth = parent.config().model.depth
    if depth != model.depth:
        raise LabError(
            f"transfer: {parent.id} is a ResNet-{depth}, this run a ResNet-{model.depth}.",
            f"Set the depth to {depth}, or choose another run.",
            kind="transfer",
        )
    have = parent.folds()
    if len(have) != folds:
        raise LabError(
            f"transfer: {parent.id} has {len(have)} folds, this run {folds}.",
            f"Set the number of folds to {len(have)}: fold k starts from fold k.",
            kind="transfer",
        )
    for fold in have:
        state = parent.fold_state(fold).state
        if (on_purpose := dropped.missing(parent, fold, which)) is not None:
            raise LabError(
                f"transfer: {on_purpose.message}", "Choose another run to start from, or run it again.", kind="transfer"
            )
        if state != "done" or not parent.weights_file(fold, which).is_file():
            raise LabError(
                f"transfer: fold {fold} of {parent.id} is {state if state != 'done' else 'without weights'}.",
                "Let the parent run finish, or choose another one.",
                kind="transfer",
            )
        origins.check(parent, fold, which)


def inherit_folds(table: pd.DataFrame, people: pd.DataFrame, folds: int, seed: int) -> np.ndarray:
    """The fold of each row, shape (n,): the ancestors' fold for people they knew; new people are spread over all folds.

    table: labelled samples. people: person, fold of the ancestors. Nobody known is moved.
    New people go, class by class, to the fold that has the fewest samples of their class, in a seeded order.
    Raises LabError(kind 'transfer') if no person is known: then this is another dataset.
    """
    fold_of = people.set_index("person")["fold"]
    fold = table["person"].map(fold_of)
    if fold.notna().sum() == 0:
        here = units(table["person"].nunique(), persons_of(table).state)
        if table["sample"].isin(fold_of.index).any():
            raise LabError(
                f"transfer: none of the {here} is known to the run whose folds are followed: its photos counted as "
                "people of their own.",
                'Choose "Nobody is known" for the persons of the dataset (data.persons none), or another run.',
                kind="transfer",
            )
        raise LabError(
            f"transfer: none of the {here} is known to the parent run.",
            "Choose a parent that was trained on this dataset.",
            kind="transfer",
        )
    new = fold.isna()
    if new.any():
        fold[new] = _spread(table, fold, folds, seed)
    result = fold.to_numpy(np.int64)
    empty = sorted(set(range(folds)) - set(result))
    if empty:
        raise LabError(
            f"transfer: fold {empty[0]} would hold no photo of this dataset.",
            "Use more of its photos.",
            kind="transfer",
        )
    return result


def check_held_out(table: pd.DataFrame, parent: Run) -> None:
    """Raises LabError(kind 'transfer') when a photo stands in another fold than the one where the parent, or a run of
    its line that is still here, held it out, or somebody in another than where their line held them out under
    another spelling of their name.

    A label correction can give a photo to another person, whom that run held out elsewhere: the fold's first weights
    would have seen the photo. An older lab could take two spellings of a name for two persons, in a fold each.
    table: labelled samples with their fold.
    """
    people = ancestry(parent)
    here = _names_here(people, table)
    fold_here = here.map(dict(zip(table["person"], table["fold"], strict=True)))
    respelt = people[(here != people["person"]) & fold_here.notna() & (fold_here != people["fold"])]
    if len(respelt):
        first, place = respelt.iloc[0], respelt.index[0]
        raise LabError(
            f"transfer: {parent.id} held person '{here[place]}' out in fold {first['fold']} under another spelling "
            "that looks the same (accents apart or joined); here they stand in fold "
            f"{fold_here[place]:.0f}, whose weights saw them.",
            "Start from other weights: no label correction keeps two such spellings apart.",
            kind="transfer",
        )
    for run in line(parent):
        before = run.samples()
        held_out = table["sample"].map(dict(zip(before["sample"], before["fold"], strict=True)))
        moved = table[held_out.notna() & (held_out != table["fold"])]
        if len(moved):
            first, fold = moved.iloc[0], held_out[moved.index[0]]
            raise LabError(
                f"transfer: photo {first['sample']} is person '{first['person']}' here but not in {run.id}; "
                f"it would move from fold {fold:.0f} to fold {first['fold']}, whose weights saw it.",
                "Make the label corrections of persons as they were for that run, or start from other weights.",
                kind="transfer",
            )


def _names_here(people: pd.DataFrame, table: pd.DataFrame) -> pd.Series:
    """What the table calls each of the ancestors' people, however the name was spelt; None of who is not in it."""
    names = {nfc(person): person for person in table["person"].unique()}
    return people["person"].where(people["person"].isin(table["person"]), people["person"].map(nfc).map(names))


def _spread(table: pd.DataFrame, fold: pd.Series, folds: int, seed: int) -> np.ndarray:
    newcomers = table[fold.isna()]
    if pairs.attributes_of(table):
        return _spread_one_by_one(table, fold, folds, seed)
    loads = pd.crosstab(table["y"][fold.notna()], fold[fold.notna()])
    loads = loads.reindex(index=range(int(table["y"].max()) + 1), columns=range(folds), fill_value=0)
    loads = loads.to_numpy(float, copy=True)
    people = {person: np.bincount(y, minlength=len(loads)) for person, y in newcomers.groupby("person")["y"]}
    return newcomers["person"].map(_places(loads, people, seed)).to_numpy()


def _spread_one_by_one(table: pd.DataFrame, fold: pd.Series, folds: int, seed: int) -> np.ndarray:
    """As `_spread`, of attributes that are told one by one: each photo counts for all its answers."""
    classes = pairs.classes(pairs.told(table)).astype(float)
    has_fold, newcomers = fold.notna().to_numpy(), table["person"][fold.isna()]
    loads = np.stack([classes[has_fold & (fold == number).to_numpy()].sum(0) for number in range(folds)], axis=1)
    of_new = classes[~has_fold]
    people = {person: of_new[places].sum(0) for person, places in newcomers.groupby(newcomers).indices.items()}
    return newcomers.map(_places(loads, people, seed)).to_numpy()


def _places(loads: np.ndarray, people: dict, seed: int) -> dict:
    """The fold of each new person. loads: (classes, folds), photos so far. people: person -> photos of each class."""
    order = np.random.default_rng([seed, 7]).permutation(sorted(people))
    place = {}
    for person in order:
        counts = people[person]
        goal = int(np.argmin((loads * counts[:, None]).sum(0) + loads.sum(0) * 1e-6))
        loads[:, goal] += counts
        place[person] = goal
    return place


def folds_for(table: pd.DataFrame, folds: FoldsConfig, parent: Run | None, model: ModelConfig) -> np.ndarray:
    """The fold of each row, shape (n,): the dataset's own if they are asked for, else inherited where there is a
    parent, else split anew.

    Raises LabError(kind 'transfer') where the dataset's own are not those that the parent held people out in.
    """
    given = given_folds(table, folds.count) if folds.given else None
    if parent is None:
        return assign_folds(table, folds.count, folds.seed) if given is None else given
    check_parent(parent, folds.count, model)
    people = ancestry(parent)
    here = _names_here(people, table)
    names = here.where(~here.isin(people["person"])).fillna(people["person"])  # who is called so there comes first
    people = people.assign(person=names).drop_duplicates("person")
    inherited = inherit_folds(table, people, folds.count, folds.seed)
    if given is None:
        return inherited
    moved = table["person"][table["person"].isin(people["person"]) & (inherited != given)]
    if len(moved):
        raise LabError(
            f"transfer: {parent.id} held {units(moved.nunique(), persons_of(table).state)} out in another fold than "
            f"the dataset gives, such as {moved.iloc[0]}.",
            "Let the folds follow the parent (folds.given off), or start from a run on the dataset's own folds.",
            kind="transfer",
        )
    return given
