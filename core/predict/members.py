"""Who answers: the networks of an ensemble. Imports no torch."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from core.data.of_what import are_of_the_same, told_apart_by
from core.errors import LabError
from core.runs import Run
from core.runs.everybody.unmeasured import folds_to_train
from core.runs.kept import dropped
from core.runs.yes_no.view import attributes
from core.text import listed


@dataclass(frozen=True)
class Member:
    """One network of an ensemble: that of one fold of a run."""

    run: Run
    fold: int


def members_of(run: Run, chosen: Sequence[int] | None, which: str) -> list[Member]:
    """The folds of a run that answer; all if none are chosen. Raises LabError where one of them cannot."""
    every = folds_to_train(run.config(), run.samples())
    folds = every if chosen is None else list(dict.fromkeys(chosen))
    if absent := [fold for fold in folds if fold not in every]:
        raise LabError(
            f"{run.id} has no fold {absent[0]}.", f"Choose of {listed([str(f) for f in every])}.", kind="fold"
        )
    for fold in folds:
        state = run.fold_state(fold).state
        if state != "done":
            raise LabError(
                f"{run.id}: fold {fold} is {'missing' if fold not in run.folds() else state}, not done.",
                "Let the run finish, or resume it; or choose among its other folds.",
                kind="unfinished",
            )
        if (on_purpose := dropped.missing(run, fold, which)) is not None:
            raise on_purpose
        if not run.weights_file(fold, which).is_file():
            raise LabError(
                f"{run.id}: the {which} weights of fold {fold} are gone from the run folder.",
                f"Copy {run.weights_file(fold, which).name} back, or choose among its other folds.",
                kind="checkpoint",
            )
    return [Member(run, fold) for fold in folds]


def names_of(run: Run) -> tuple[str, ...]:
    """The classes of a run, or the attributes that it tells one by one. Raises LabError(kind 'gone')."""
    return tuple(attributes(run.require())) or tuple(str(name) for name in run.info()["class_names"])


def orders_of_names(runs: Sequence[Run], names: Sequence[str]) -> list[list[int]]:
    """Where each of the names stands among those of each run. names: of the first, see names_of.

    Raises LabError(kind 'classes') where two runs tell different things apart, also under the same names: yes and no of
    different attributes.
    """
    for first, run in itertools.combinations(dict.fromkeys(runs), 2):  # folders may hold what either of two tables does
        _check_same(first, run, names)
    return [[own.index(name) for name in names] for own in map(names_of, runs)]


def _check_same(first: Run, run: Run, names: Sequence[str]) -> None:
    own = list(names_of(run))
    what = "attributes" if attributes(first) else "classes"
    of, of_first = (
        told_apart_by(config.task, names, config.data.label_column) for config in (run.config(), first.config())
    )
    same = are_of_the_same(of, of_first)
    if sorted(own) != sorted(names) or bool(attributes(run)) != bool(attributes(first)) or not same:
        lacks, adds = set(names) - set(own), set(own) - set(names)
        differ = [f"{run.key} lacks {listed(sorted(lacks))}"] if lacks else []
        differ += [f"{run.key} has {listed(sorted(adds))}"] if adds else []
        if not differ and not same:
            firsts, others = (listed(each) or "none" for each in (of_first, of))
            differ = [f"those of {first.key} are of {firsts}, those of {run.key} of {others}"]
        differ = differ or [f"{run.key} tells them otherwise"]
        raise LabError(
            f"runs '{first.key}' and '{run.key}' tell different {what} apart: {', and '.join(differ)}.",
            "Choose runs of the same task and classes.",
            kind="classes",
        )
