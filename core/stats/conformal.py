"""Sets of classes that hold the true one as often as was asked for. Imports neither torch nor scipy.

A class's score is 1 - its probability: sets are then as small as they can be on average, and nothing is drawn. Such a
set may be empty: no class is usual enough. Source: Sadinle, Lei & Wasserman 2019, Least ambiguous set-valued
classifiers.

What is exchangeable are persons, not their photos: each person weighs one, shared by its photos. That holds for a photo
of somebody new. Source: Lee, Barber & Willett 2023, Distribution-free inference with hierarchical data; with one photo
each it is the plain quantile.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.stats.metrics import checked

ROUNDING = 1e-9  # seven sevenths may not be one


@dataclass(frozen=True, eq=False)
class FoldScores:
    """score: (n,) ascending, 1 - probability of the true class of a fold's held-out photos. weight: (n,) of each."""

    score: np.ndarray
    weight: np.ndarray

    def below(self, score: np.ndarray) -> np.ndarray:
        """Weight of the scores that are smaller, for each of `score`, of its shape."""
        sums = np.concatenate([[0.0], np.cumsum(self.weight)])
        return sums[np.searchsorted(self.score, score, side="left")]


@dataclass(frozen=True, eq=False)
class Scores:
    """What every fold's network scored the truth about people that it held out. people: how many, over all folds."""

    folds: dict[int, FoldScores]
    people: int

    def without(self, fold: int) -> Scores:
        """Those of the other folds: for judging sets of this fold's photos, which then have no part in them."""
        rest = {k: scores for k, scores in self.folds.items() if k != fold}
        return Scores(rest, round(sum(float(scores.weight.sum()) for scores in rest.values())))

    def enough(self, alpha: float) -> float:
        """Weight that a set has to outdo: (1 - alpha)(people + 1). Raises ValueError unless 0 < alpha < 1."""
        if not 0 < alpha < 1:
            raise ValueError(f"alpha is a share between 0 and 1, not {alpha}")
        return (1 - alpha) * (self.people + 1) - ROUNDING


def scores_of(probabilities: np.ndarray, labels: np.ndarray, fold: np.ndarray, person: np.ndarray) -> Scores:
    """Out-of-fold answers as scores. probabilities (n, classes), labels (n,); fold, person: (n,) int or text codes.

    A person is in one fold. Where persons are unknown, give each photo a person of its own. Raises ValueError without
    photos, and for a person in two folds.
    """
    p, y = checked(probabilities, labels)
    if not len(y):
        raise ValueError("conformal scores need photos")
    _, codes, photos = np.unique(np.asarray(person), return_inverse=True, return_counts=True)
    pairs = np.unique(np.stack([codes, np.unique(fold, return_inverse=True)[1]]), axis=1)
    if pairs.shape[1] > len(photos):
        raise ValueError("a person stands in two folds")
    score, weight = 1 - p[np.arange(len(y)), y], 1 / photos[codes]
    folds = {}
    for k in np.unique(fold):
        rows = np.flatnonzero(fold == k)
        rows = rows[np.argsort(score[rows], kind="stable")]
        folds[int(k)] = FoldScores(score[rows], weight[rows])
    return Scores(folds, len(photos))


def quantile(scores: Scores, alpha: float) -> float:
    """The largest score that a class of a set may have, for answers of one network: see `sets`.

    The smallest score that people of weight (1 - alpha)(people + 1) do not exceed; infinite, so that every class is in
    every set, where there are too few people for that: fewer than 1 / alpha - 1.
    """
    score = np.concatenate([fold.score for fold in scores.folds.values()])
    weight = np.concatenate([fold.weight for fold in scores.folds.values()])
    order = np.argsort(score, kind="stable")
    reached = np.flatnonzero(np.cumsum(weight[order]) >= scores.enough(alpha))
    return float(score[order][reached[0]]) if len(reached) else float("inf")


def sets(probabilities: np.ndarray, quantile: float) -> np.ndarray:
    """(n, classes) bool: the classes of each photo's set. quantile: from `quantile`, for answers of one network.

    With the scores of all folds it is close to CV+, but promises nothing for sure: each score is of another network.
    """
    return 1 - np.asarray(probabilities, dtype=float) <= quantile


def cv_plus_sets(scores: Scores, answers: np.ndarray, alpha: float, folds: Sequence[int] | None = None) -> np.ndarray:
    """(n, classes) bool: sets for photos of new people, from the answers of all fold networks.

    answers: (folds, n, classes), in the order of `folds` (ascending without). A class is left out once its scores, each
    by the network that held a known person out, exceed those of people of weight (1 - alpha)(people + 1).
    A set holds the true class of a photo of somebody new with probability 1 - 2 alpha at least, and about 1 - alpha in
    practice. Raises ValueError where folds lack.
    Source: Barber, Candès, Ramdas & Tibshirani 2021, Predictive inference with the jackknife+ (CV+); for classes
    Romano, Sesia & Candès 2020, Classification with valid and adaptive coverage.
    """
    order = sorted(scores.folds) if folds is None else [int(fold) for fold in folds]
    p = np.asarray(answers, dtype=float)
    if sorted(order) != sorted(scores.folds) or p.ndim != 3 or len(p) != len(order):
        raise ValueError(f"answers {p.shape} are not of the folds {sorted(scores.folds)}")
    return sum(scores.folds[fold].below(1 - of_fold) for fold, of_fold in zip(order, p, strict=True)) < scores.enough(
        alpha
    )
