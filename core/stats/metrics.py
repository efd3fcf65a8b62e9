"""Scores: arrays in, numbers out. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

SUM_TOLERANCE = 1e-3  # of a row of probabilities: those of a network that answers in bfloat16 are this coarse


@dataclass(frozen=True, eq=False)
class ClassScores:
    """F1 of every class of a task on one set of photos, with how many photos each class has among them.

    f1: (classes,), 0..1; 0 for a class that neither occurs nor is predicted. support: (classes,) photos whose label it
    is. macro: mean of f1 over all classes of the task, the F1 that the lab tells wherever it says no more; a fold that
    lacks photos of a class cannot reach 1 by it. present: mean of f1 over the classes that have photos, which a perfect
    fold always brings to 1; NaN without photos. absent: indices of the classes without a photo, in the task's order;
    where there are none, macro and present are equal.
    """

    f1: np.ndarray
    support: np.ndarray

    @property
    def macro(self) -> float:
        return float(self.f1.mean())

    @property
    def present(self) -> float:
        return float(self.f1[self.support > 0].mean()) if self.support.any() else float("nan")

    @property
    def absent(self) -> tuple[int, ...]:
        return tuple(np.flatnonzero(self.support == 0).tolist())


def confusion(true: Sequence[int] | np.ndarray, predicted: Sequence[int] | np.ndarray, classes: int) -> np.ndarray:
    """Counts, (classes, classes) int64, rows true, columns predicted: the one confusion matrix of the lab.

    true, predicted: (n,) class indices 0..classes-1. Raises ValueError for another index or another length.
    """
    true, predicted = np.asarray(true, dtype=np.int64), np.asarray(predicted, dtype=np.int64)
    if true.shape != predicted.shape:
        raise ValueError(f"{len(true)} labels do not fit {len(predicted)} predictions")
    for indices in (true, predicted):
        if len(indices) and not 0 <= indices.min() <= indices.max() < classes:
            raise ValueError(f"a class index lies outside 0..{classes - 1}")
    return np.bincount(true * classes + predicted, minlength=classes * classes).reshape(classes, classes)


def confusion_of(true: Sequence[str], predicted: Sequence[str], names: Sequence[str]) -> np.ndarray:
    """`confusion` of class names, in the order of names. Raises ValueError for a name that is not among them."""
    return confusion(codes(true, names), codes(predicted, names), len(names))


def confusion_of_pairs(true: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """`confusion` of yes/no attributes that are told one by one, (2 k, 2 k): block by block, one an attribute.

    true, predicted: (n, k), 1 yes, 0 no; -1 in true is not told and not counted. Class 2 i is the no of attribute i,
    class 2 i + 1 its yes, so that macro F1 over all classes is the mean over the attributes of the mean F1 of no and
    yes. Raises ValueError for another shape or value.
    """
    true, predicted = np.asarray(true, dtype=np.int64), np.asarray(predicted, dtype=np.int64)
    if true.shape != predicted.shape or true.ndim != 2:
        raise ValueError(f"labels {true.shape} do not fit predictions {predicted.shape}")
    if not np.isin(true, (-1, 0, 1)).all() or not np.isin(predicted, (0, 1)).all():
        raise ValueError("an answer is 0 or 1, and -1 where it is not told")
    is_told, places = true >= 0, 2 * np.arange(true.shape[1])
    return confusion((true + places)[is_told], (predicted + places)[is_told], 2 * true.shape[1])


@dataclass(frozen=True)
class YesScores:
    """How one yes/no attribute is told, 0..1. photos: that tell it. prevalence: share of them that are yes.

    f1: mean of the F1 of no and of yes, as if the attribute were told alone; f1_yes, precision, recall: of yes, 0 where
    none is named. accuracy: share of right answers. nan without photos.
    """

    photos: int
    prevalence: float
    f1: float
    f1_yes: float
    precision: float
    recall: float
    accuracy: float


def yes_scores(block: np.ndarray) -> YesScores:
    """block: (2, 2) counts, rows true, columns predicted, no then yes.

    Source: scikit-learn's f1_score, precision_score and recall_score (zero_division=0) give the same numbers.
    """
    photos, hits = int(block.sum()), float(block[1, 1])
    if not photos:
        return YesScores(0, *[float("nan")] * 6)
    true, named = float(block[1].sum()), float(block[:, 1].sum())
    f1 = class_scores(block)
    return YesScores(
        photos,
        true / photos,
        f1.macro,
        float(f1.f1[1]),
        hits / named if named else 0.0,
        hits / true if true else 0.0,
        accuracy(block),
    )


def codes(values: Sequence[str], names: Sequence[str]) -> np.ndarray:
    """Place of each value among the names, (n,) int64; -1 for one that is not among them."""
    place, distinct = pd.factorize(values if isinstance(values, pd.Series) else np.asarray(values, dtype=object))
    among = pd.Index(list(names), dtype=object).get_indexer(np.asarray(distinct, dtype=object))
    return np.append(among, -1)[place].astype(np.int64)  # what is missing has the place -1


def checked(probabilities: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(probabilities as float64 (n, classes), labels as int64 (n,)), or ValueError for what no network answers.

    Refused: other shapes, values that are no numbers or not in 0..1, rows whose sum is not 1, labels of no class.
    """
    p, y = np.asarray(probabilities, dtype=float), np.asarray(labels, dtype=np.int64)
    if p.ndim != 2 or y.shape != p.shape[:1] or p.shape[1] < 2:
        raise ValueError(f"labels {y.shape} do not fit probabilities {p.shape} of at least two classes")
    if not np.isfinite(p).all():
        raise ValueError("a probability is no number")
    if len(p) and (p.min() < 0 or np.abs(p.sum(axis=1) - 1).max() > SUM_TOLERANCE):
        raise ValueError("a row of probabilities is below 0 or does not sum to 1")
    if len(y) and not 0 <= y.min() <= y.max() < p.shape[1]:
        raise ValueError(f"a label lies outside 0..{p.shape[1] - 1}")
    return p, y


def accuracy(confusion: np.ndarray) -> float:
    """Share of samples on the diagonal. confusion: (classes, classes), rows true, columns predicted."""
    return float(np.trace(confusion) / max(1, confusion.sum()))


def f1_of_counts(hits: np.ndarray, named: np.ndarray) -> np.ndarray:
    """F1 = 2 hits / named, elementwise, float64; 0 where nothing is named.

    hits: photos of a class that are predicted as it. named: photos of the class plus predictions of it.
    """
    hits, named = np.asarray(hits, dtype=float), np.asarray(named, dtype=float)
    return np.divide(2 * hits, named, out=np.zeros_like(hits), where=named > 0)


def class_scores(confusion: np.ndarray) -> ClassScores:
    """F1 and support of every class, with both macro means: the one place where F1 is computed from predictions.

    confusion: (classes, classes), rows true, columns predicted.
    Source: scikit-learn's f1_score(average=None, zero_division=0) gives the same numbers.
    """
    support = confusion.sum(axis=1)
    return ClassScores(f1_of_counts(np.diag(confusion), confusion.sum(axis=0) + support), support)


def class_f1(confusion: np.ndarray) -> np.ndarray:
    """F1 of every class, shape (classes,): see class_scores."""
    return class_scores(confusion).f1


def macro_f1(confusion: np.ndarray) -> float:
    """Mean F1 over all classes of the task, absent ones included: see class_scores."""
    return class_scores(confusion).macro


def mean_and_deviation(values) -> tuple[float, float, int]:
    """(mean, sample standard deviation over folds, number of folds); deviation is NaN for a single fold."""
    # Sums of a few numbers, for thousands of runs in a list: numpy takes ten times as long to begin.
    finite = [float(v) for v in values if v is not None and math.isfinite(v)]
    if not finite:
        return math.nan, math.nan, 0
    mean = math.fsum(finite) / len(finite)
    if len(finite) == 1:
        return mean, math.nan, 1
    return mean, math.sqrt(math.fsum((v - mean) ** 2 for v in finite) / (len(finite) - 1)), len(finite)
