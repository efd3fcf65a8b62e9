"""What training earned: a run against the frozen features of its own first weights with a logistic regression on top.

Both answer the same photos in the same folds, so they are paired as two runs are. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from core.answers import frozen_features
from core.answers.frozen_features import NAME, FrozenFeatures
from core.compare import members
from core.compare.members import METRICS, WHICH, ComparedRun
from core.compare.pairs import Difference, Pair, differences, merged, test_fraction
from core.data import persons
from core.errors import LabError
from core.stats import paired
from core.text import spread


@dataclass(frozen=True, eq=False)
class Earned:
    """member: the run. baseline: what its first weights tell. difference: the run minus the baseline, over the run's
    finished folds; sentence: what can be said of it."""

    member: ComparedRun
    baseline: FrozenFeatures
    difference: Difference
    sentence: str


def of_run(member: ComparedRun, *, metric: str = "f1", which: str = "final", within: float = 0.01) -> Earned | None:
    """None where nobody has asked for the baseline yet, or no fold of the run is finished.

    which: as a rule the last epoch, which like the baseline nothing chose on held-out photos, unless early stopping
    ended training there (config.names.last_epoch says so); 'best' flatters the run.
    within: half width of the region that counts as the same, a share.
    Raises LabError: kinds 'gone' and 'missing' where the run's own predictions are gone.
    """
    baseline = frozen_features.load(member.run)
    if baseline is None:
        return None
    of_frozen = baseline.scores(metric)
    scored = {fold: score for fold, score in member.scores(metric, which).items() if fold in of_frozen}
    if not scored:
        return None
    folds = tuple(sorted(scored))
    frozen = replace(member, config=member.config.model_copy(update={"name": NAME}))
    answers = {fold: baseline.table[baseline.table["fold"] == fold].drop(columns="fold") for fold in folds}
    table, notes = merged(
        members.out_of_fold(member, which, folds), members.as_rows(member.run, answers), one_by_one=member.one_by_one
    )
    pair = Pair(
        member,
        frozen,
        folds=folds,
        scores=np.array([scored[fold] for fold in folds]),
        base_scores=np.array([of_frozen[fold] for fold in folds]),
        test_fraction=test_fraction(member, folds),
        table=table,
        notes=tuple(notes),
    )
    (difference,) = differences([pair], within=within, metric=metric, which=which)
    return Earned(member, baseline, difference, _sentence(baseline, difference, within))


def of_runs(
    compared: Sequence[ComparedRun], *, metric: str = "f1", which: str = "final", within: float = 0.01
) -> tuple[list[Earned], list[str]]:
    """Of the runs that have a baseline, and what is wrong with others of them."""
    earned, problems = [], []
    for member in compared:
        try:
            if (each := of_run(member, metric=metric, which=which, within=within)) is not None:
                earned.append(each)
        except LabError as error:
            problems.append(str(error))
    return earned, problems


def _sentence(baseline: FrozenFeatures, difference: Difference, within: float) -> str:
    metric = "macro F1" if difference.metric == "f1" else METRICS[difference.metric]
    of_frozen = baseline.scores(difference.metric)
    against = f"frozen {baseline.features} with logistic regression"
    reached = f"{metric} {spread([of_frozen[fold] for fold in difference.folds])}"
    mean, ends = difference.deltas_mean, ""
    if (people := difference.bootstrap) is not None and people.known and difference.metric == "f1":
        mean = people.mean  # of the answers of all folds together, as the interval is
        ends = f" [{paired.signed(people.low)} to {paired.signed(people.high)}, 95% over "
        ends += f"{persons.noun(difference.persons)}]"
    gap = f"{paired.signed(mean)} points{ends}"
    when = f"at the {WHICH[difference.which]}"
    if difference.verdict == paired.BETTER:
        return f"Training earned {gap} {when} over {against} ({reached})."
    if difference.verdict == paired.WORSE:
        return f"Training lost {gap} {when}: {against} are better ({reached})."
    if difference.verdict == paired.SAME:
        return (
            f"Training earned nothing that counts: {gap} {when} over {against} ({reached}), the same within "
            f"{paired.points(within)}."
        )
    outcome = "is not shown to have earned anything" if mean > 0 else "is not shown to have helped"
    folds = len(difference.folds)
    why = "one fold cannot show it" if folds == 1 else f"over {folds} folds that can be chance"
    return f"Training {outcome}: {gap} {when} over {against} ({reached}); {why}."
