"""From which probability on each yes/no attribute is a yes: fitted on what the runs answered out of fold.

A rare yes is best told from below 0.5 on, and 0.5 is where training left it. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from core.answers import mistakes
from core.data.yes_no.pairs import UNTOLD
from core.errors import LabError
from core.runs import Run
from core.runs.yes_no.answers import YES, P
from core.stats import decisions
from core.stats.metrics import f1_of_counts
from core.text import count, listed

PLAIN = 0.5
LEAST = 20  # photos with a yes, and with a no: of fewer nothing is fitted


@dataclass(frozen=True, eq=False)
class Thresholds:
    """values: (attributes,), in their order. rare: attributes left at 0.5 for want of a yes or a no. photos: that the
    runs answered out of fold, 0 where there are no such answers.

    before, after: mean over the attributes of the mean F1 of yes and no of these answers, at 0.5 and at thresholds
    fitted on the other folds; NaN where one fold alone has answered.
    """

    attributes: tuple[str, ...]
    values: np.ndarray
    rare: tuple[str, ...] = ()
    photos: int = 0
    before: float = float("nan")
    after: float = float("nan")

    @property
    def sentences(self) -> list[str]:
        """What they rest on and bring, for a person."""
        if not self.photos:
            return ["A yes is a probability above 0.5: there are no out-of-fold answers to fit thresholds on."]
        moved = int((self.values != PLAIN).sum())
        words = [
            f"A yes is a probability above the attribute's own threshold, fitted on {count(self.photos)} out-of-fold "
            f"answers: {count(moved)} of {count(len(self.values))} are not 0.5."
        ]
        if np.isfinite(self.after):
            words.append(
                f"Over 0.5 they bring {self.after - self.before:+.3f} F1, the mean over the attributes, each fold "
                "judged by thresholds that were fitted without it."
            )
        if self.rare:
            words.append(f"Fewer than {LEAST} photos have a yes, or a no, of {listed(self.rare)}: 0.5 stands.")
        return words


def plain(attributes: Sequence[str]) -> Thresholds:
    """0.5 for each."""
    return Thresholds(tuple(attributes), np.full(len(attributes), PLAIN))


def fitted(runs: Sequence[Run], attributes: Sequence[str], which: str = "best") -> Thresholds:
    """Of the mean of the runs' probabilities, on photos that a finished fold of each answered out of fold; remembered.

    attributes: of each run. A threshold is of one network's own probability of each run. The mean of several folds is a
    better score on the same scale; tests/predict/test_yes_no.py holds its F1 against a fresh test set.
    Raises LabError(kind 'unreadable') where predictions are damaged or cannot be read.
    """
    folds = tuple(tuple(run.done_folds()) for run in runs)
    version = tuple(mistakes.version(run, which, of_run) for run, of_run in zip(runs, folds, strict=True))
    return _fitted(tuple(runs), tuple(attributes), which, folds, version)


@lru_cache(maxsize=16)
def _fitted(
    runs: tuple[Run, ...], attributes: tuple[str, ...], which: str, folds: tuple[tuple[int, ...], ...], version: tuple
) -> Thresholds:
    tables = [_out_of_fold(run, which, of_run) for run, of_run in zip(runs, folds, strict=True)]
    shared = tables[0].index
    for table in tables[1:]:
        shared = shared.intersection(table.index)
    if not len(shared):
        return plain(attributes)
    tables = [table.loc[shared] for table in tables]
    fold = tables[0]["fold"].to_numpy()
    values, rare, before, after = [], [], [], []
    for name in attributes:
        yes = np.mean([table[P + name].to_numpy(float) for table in tables], axis=0)
        true = tables[0][YES + name].to_numpy(np.int64)
        tells = true != UNTOLD
        yes, true, of_fold = yes[tells], true[tells], fold[tells]
        enough = min(true.sum(), (1 - true).sum()) >= LEAST
        values.append(decisions.fit_threshold(yes, true) if enough else PLAIN)
        rare += [] if enough else [name]
        before.append(_f1(yes > PLAIN, true))
        after.append(_f1(_nested(yes, true, of_fold) if enough else yes > PLAIN, true))
    judged = len(np.unique(fold)) > 1
    scores = (float(np.mean(before)), float(np.mean(after))) if judged else (float("nan"), float("nan"))
    return Thresholds(attributes, np.array(values), tuple(rare), len(shared), *scores)


def _nested(yes: np.ndarray, true: np.ndarray, fold: np.ndarray) -> np.ndarray:
    """(n,) bool: what each fold answers by the threshold of the others."""
    answered = np.empty(len(yes), dtype=bool)
    for each in np.unique(fold):
        own = fold == each
        answered[own] = yes[own] > decisions.fit_threshold(yes[~own], true[~own])
    return answered


def _f1(answered: np.ndarray, true: np.ndarray) -> float:
    """Mean F1 of yes and of no; one that is neither told nor answered counts 0, as everywhere."""
    hits = np.array([np.sum(answered & (true == 1)), np.sum(~answered & (true == 0))])
    totals = np.array([answered.sum() + true.sum(), (~answered).sum() + (1 - true).sum()])
    return float(f1_of_counts(hits, totals).mean())


def _out_of_fold(run: Run, which: str, folds: Sequence[int]) -> pd.DataFrame:
    """What these folds of a run answered, by dataset and photo, with the fold; empty where none has answered."""
    parts = []
    for fold in folds:
        try:
            parts.append(run.predictions(fold, which).assign(fold=fold))
        except LabError as error:
            if error.kind not in ("missing", "everybody"):
                raise
    if not parts:
        return pd.DataFrame(index=pd.MultiIndex.from_arrays([[], []]))
    table = pd.concat(parts, ignore_index=True)
    root = run.config().data.root
    return table.set_index(pd.MultiIndex.from_arrays([[root] * len(table), table["sample"].astype(str)]))
