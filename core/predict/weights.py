"""How much each of several runs should count: fitted on what they answered out of fold. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.answers.mistakes import Answers, load_answers
from core.errors import LabError
from core.runs import Run
from core.stats.decisions import Gain, vote_gain
from core.text import count

LEAST = 20  # photos that the runs share: fewer say nothing about weights


@dataclass(frozen=True, eq=False)
class RunWeights:
    """weights: (runs,), with sum 1. gain: what they bring over equal weights, where they were not fitted. photos: how
    many out-of-fold answers they are fitted on."""

    runs: tuple[Run, ...]
    weights: np.ndarray
    gain: Gain
    photos: int

    @property
    def sentences(self) -> list[str]:
        """The weights, and what they are worth, for a person."""
        parts = [f"{run.id} {weight:.2f}" for run, weight in zip(self.runs, self.weights, strict=True)]
        gain = self.gain.gain
        ends = f" [{gain.low:+.3f}, {gain.high:+.3f}]" if gain.known else ""
        return [
            f"Weights of the runs, fitted on {count(self.photos)} out-of-fold answers: {', '.join(parts)}.",
            f"Over equal weights they bring {gain.mean:+.3f} F1{ends}, each fold's people judged by weights that were "
            "fitted without them.",
        ]


def fitted(runs: Sequence[Run], which: str = "best") -> RunWeights:
    """Weights under which the runs' mean makes the true classes of photos that none of them had seen likeliest.

    Raises LabError: 'vote' for one run, and where the runs share too few photos; as load_answers does.
    """
    if len(runs) < 2:
        raise LabError(
            "vote: weights are of runs, and there is one only.", "Choose several runs, or vote soft.", kind="vote"
        )
    frame, stacked = joint(runs, [load_answers(run, which, run.done_folds()) for run in runs])
    if len(frame) < LEAST or frame["fold"].nunique() < 2:
        raise LabError(
            f"vote: the runs share {count(len(frame))} photos with out-of-fold answers, too few to weigh them.",
            "Choose runs on the same dataset, or vote soft.",
            kind="vote",
        )
    person = pd.factorize(frame["person"])[0]
    gain = vote_gain(stacked, frame["y"].to_numpy(), frame["fold"].to_numpy(), person)
    return RunWeights(tuple(runs), gain.tuned, gain, len(frame))


def joint(runs: Sequence[Run], answers: Sequence[Answers]) -> tuple[pd.DataFrame, np.ndarray]:
    """What runs answered out of fold about the photos that all of them answered, perhaps none.

    answers: of each run. Returns the first run's table of those photos, and the probabilities, float64 (runs, n,
    classes), in the order of the first run's class names. Raises LabError 'classes' where runs tell others apart.
    """
    first = answers[0]
    tables = [_by_photo(run, each, first.class_names) for run, each in zip(runs, answers, strict=True)]
    shared = tables[0].index
    for table in tables[1:]:
        shared = shared.intersection(table.index)
    frame = first.table.set_index(tables[0].index).loc[shared]
    return frame, np.stack([table.loc[shared].to_numpy() for table in tables])


def _by_photo(run: Run, answers: Answers, class_names: Sequence[str]) -> pd.DataFrame:
    """Probabilities in the order of the class names, by the photo: which dataset, which sample, which class."""
    if sorted(answers.class_names) != sorted(class_names):
        raise LabError(
            f"vote: {run.id} tells other classes apart than the first run.", "Choose runs of one task.", kind="classes"
        )
    order = [answers.class_names.index(name) for name in class_names]
    root = run.config().data.root
    keys = pd.MultiIndex.from_arrays([[root] * len(answers.table), answers.table["sample"], answers.table["true"]])
    return pd.DataFrame(answers.probabilities[:, order], index=keys)
