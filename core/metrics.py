"""Scores: arrays in, numbers out. Imports no torch."""

from __future__ import annotations

import numpy as np


def accuracy(confusion: np.ndarray) -> float:
    """Share of samples on the diagonal. confusion: (classes, classes), rows true, columns predicted."""
    return float(np.trace(confusion) / max(1, confusion.sum()))


def class_f1(confusion: np.ndarray) -> np.ndarray:
    """F1 of every class, shape (classes,); 0 for a class that neither occurs nor is predicted.

    confusion: (classes, classes), rows true, columns predicted.
    Source: scikit-learn's f1_score(average=None, zero_division=0) gives the same numbers.
    """
    hits = np.diag(confusion).astype(float)
    support = confusion.sum(axis=0) + confusion.sum(axis=1)
    return np.divide(2 * hits, support, out=np.zeros_like(hits), where=support > 0)


def macro_f1(confusion: np.ndarray) -> float:
    """Mean of class_f1 over all classes of the task, absent ones included."""
    return float(class_f1(confusion).mean())


def mean_and_deviation(values) -> tuple[float, float, int]:
    """(mean, sample standard deviation over folds, number of folds); deviation is NaN for a single fold."""
    array = np.asarray([v for v in values if v is not None and np.isfinite(v)], dtype=float)
    if not len(array):
        return float("nan"), float("nan"), 0
    return float(array.mean()), float(array.std(ddof=1)) if len(array) > 1 else float("nan"), len(array)
