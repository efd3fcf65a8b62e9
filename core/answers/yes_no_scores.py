"""Scores of each yes/no attribute of a run that tells them one by one, from its out-of-fold predictions.

Imports no torch.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd

from core.runs import Run
from core.runs.yes_no import answers
from core.runs.yes_no.view import attributes
from core.stats.metrics import YesScores, yes_scores
from core.text import NOTHING

NUMBERS = tuple(each.name for each in fields(YesScores))  # photos, prevalence, f1, f1_yes, precision, recall, accuracy
F1_IN_WORDS = (
    "F1 of an attribute is the mean of the F1 of its yes and of its no, as if it were trained alone, so that it does "
    "not matter which way round an attribute is named; F1 of the run is the mean over the attributes. F1 of yes, "
    "precision and recall are those of the yes."
)


@dataclass(frozen=True, eq=False)
class AttributeTable:
    """folds: a row a fold and attribute, columns fold, attribute and NUMBERS. means: index attribute, the means over
    the folds, with <number>_deviation of each (NaN for one fold). Photos are summed, not averaged."""

    folds: pd.DataFrame
    means: pd.DataFrame

    @property
    def f1_yes(self) -> list[float]:
        """Of each fold the mean F1 of yes: scikit-learn's f1_score(average="macro") of the attributes as labels."""
        return self.folds.groupby("fold")["f1_yes"].mean().tolist()


@dataclass(frozen=True)
class YesNoOutcome:
    """What stands out among the attributes of a run.

    weakest: the attribute of lowest mean F1, as its table has it; weakest_f1, weakest_f1_yes: its means over the folds;
    weakest_yes: its photos that say yes. unfound: attributes of which no photo that says yes was answered so.
    """

    weakest: str
    weakest_f1: float
    weakest_f1_yes: float
    weakest_yes: int
    unfound: tuple[str, ...]


def of_counts(counts: np.ndarray, names: Sequence[str]) -> dict[str, YesScores]:
    """counts: (2 attributes, 2 attributes), see metrics.confusion_of_pairs."""
    return {name: yes_scores(counts[2 * i : 2 * i + 2, 2 * i : 2 * i + 2]) for i, name in enumerate(names)}


def share_of_yes(prevalence: float) -> str:
    """ "12.3%"; a dash for an attribute that no photo tells, as `score` gives for its scores."""
    return f"{prevalence:.1%}" if math.isfinite(prevalence) else NOTHING


def of_predictions(predictions: pd.DataFrame, names: Sequence[str]) -> dict[str, YesScores]:
    """The scores of each attribute on the photos that tell it. predictions: as a fold leaves them."""
    return of_counts(answers.confusion(predictions, names), names)


def score_run(run: Run, which: str = "best") -> AttributeTable | None:
    """Of the finished folds of a run; None where none is finished, or its photos have one class each.

    Raises LabError where predictions are gone.
    """
    names = attributes(run)
    done = [state.fold for state in run.states() if state.state == "done"] if names else []
    rows = [
        {"fold": fold, "attribute": name, **{number: getattr(score, number) for number in NUMBERS}}
        for fold in done
        for name, score in of_predictions(run.predictions(fold, which), names).items()
    ]
    return table_of(pd.DataFrame(rows), names) if rows else None


def table_of(folds: pd.DataFrame, names: Sequence[str]) -> AttributeTable:
    """folds: a row a fold and attribute."""
    by_attribute = folds.groupby("attribute")
    groups = by_attribute[list(NUMBERS)]
    means, deviations = groups.mean(), groups.std(ddof=1).add_suffix("_deviation")
    means["photos"] = by_attribute["photos"].sum()
    return AttributeTable(folds, means.join(deviations.drop(columns="photos_deviation")).loc[list(names)])


def outcome(table: AttributeTable) -> YesNoOutcome:
    """table: of at least one attribute that a photo tells."""
    folds, means = table.folds, table.means
    yes = (folds["prevalence"] * folds["photos"]).groupby(folds["attribute"]).sum().round().astype(int)
    recall = folds["recall"].groupby(folds["attribute"]).max()
    weakest = str(means["f1"].idxmin())
    return YesNoOutcome(
        weakest=weakest,
        weakest_f1=float(means.at[weakest, "f1"]),
        weakest_f1_yes=float(means.at[weakest, "f1_yes"]),
        weakest_yes=int(yes[weakest]),
        unfound=tuple(str(name) for name in means.index if yes[name] and not recall[name]),
    )
