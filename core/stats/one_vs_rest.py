"""One class against all others: ROC and precision-recall curves, the areas under them with intervals over people.

A score is any number that is higher for the class, such as its probability. No torch; scipy comes with Interval.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from core.stats.paired import LEVEL, Interval


def roc_curve(score: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(share of the others above each threshold, share of the class above it), from (0, 0) to (1, 1).

    score: (n,) finite. positive: (n,) bool. Raises ValueError where the class, or everything else, has no photo.
    Source: scikit-learn's roc_curve(drop_intermediate=False) gives the same.
    """
    _, hits, taken = _steps(score, positive)
    others = taken - hits
    if not others[-1]:
        raise ValueError("a ROC curve needs photos of other classes")
    return np.append(0.0, others / others[-1]), np.append(0.0, hits / hits[-1])


def precision_recall_curve(score: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(recall, precision) at each threshold, from the strictest on; recall ends at 1.

    Raises ValueError where the class has no photo.
    """
    _, hits, taken = _steps(score, positive)
    return hits / hits[-1], hits / taken


def auc(score: np.ndarray, positive: np.ndarray, person: np.ndarray, level: float = LEVEL) -> Interval:
    """Area under the ROC curve, with its interval when people are drawn anew; ties count a half.

    person: (n,) int codes from 0. NaN where the class, or everything else, has no photo.
    Source: Obuchowski 1997, Nonparametric analysis of clustered ROC curve data; interval of its logit, Pepe 2003.
    """
    positive = np.asarray(positive, dtype=bool)
    if positive.all() or not positive.any():
        return _nothing(person, level)
    place, hits, taken = _steps(score, positive)
    of_class, others = hits[-1], taken[-1] - hits[-1]
    hits_before, others_before = np.append(0, hits[:-1]), np.append(0, (taken - hits)[:-1])
    above = (hits + hits_before)[place] / 2  # photos of the class with a higher score than each photo, ties halved
    below = others - ((taken - hits) + others_before)[place] / 2
    area = float(below[positive].sum() / of_class / others)
    influence = np.where(positive, (below / others - area) / of_class, (above / of_class - area) / others)
    return _over_people(area, influence, person, level)


def average_precision(score: np.ndarray, positive: np.ndarray, person: np.ndarray, level: float = LEVEL) -> Interval:
    """Area under the precision-recall curve as a sum of steps, with its interval when people are drawn anew.

    NaN where the class has no photo. Source: scikit-learn's average_precision_score; its spread by how much each photo
    moves it (infinitesimal jackknife, Jaeckel 1972; Efron 1982), summed over the photos of a person.
    """
    positive = np.asarray(positive, dtype=bool)
    if not positive.any():
        return _nothing(person, level)
    place, hits, taken = _steps(score, positive)
    new = np.diff(hits, prepend=0)
    precision, of_class = hits / taken, hits[-1]
    area = float(new @ precision / of_class)
    later = np.cumsum((new / taken)[::-1])[::-1], np.cumsum((new * hits / taken**2)[::-1])[::-1]
    influence = (positive * (precision[place] - area + later[0][place]) - later[1][place]) / of_class
    return _over_people(area, influence, person, level)


def _steps(score: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """(step of each photo, photos of the class down to each step, all photos down to it); steps: scores, descending."""
    values, positive = np.asarray(score, dtype=float), np.asarray(positive, dtype=bool)
    if values.shape != positive.shape or values.ndim != 1:
        raise ValueError(f"scores {values.shape} do not fit {positive.shape}")
    if not np.isfinite(values).all():
        raise ValueError("a score is no number")
    if not positive.any():
        raise ValueError("the class has no photo")
    _, place = np.unique(-values, return_inverse=True)
    return place, np.bincount(place, positive).cumsum(), np.bincount(place).cumsum()


def _over_people(area: float, influence: np.ndarray, person: np.ndarray, level: float) -> Interval:
    """Interval of an area of which each photo's influence is known; of its logit, so that it stays within 0..1."""
    by_person = np.bincount(person, influence)
    people = len(by_person)
    if people < 2 or not 0 < area < 1:
        return Interval(area, math.nan, math.nan, math.nan, people, level)
    error = math.sqrt(people / (people - 1) * float(by_person @ by_person)) / (area * (1 - area))
    middle, reach = math.log(area / (1 - area)), NormalDist().inv_cdf((1 + level) / 2) * error
    low, high = (1 / (1 + math.exp(-min(max(end, -700.0), 700.0))) for end in (middle - reach, middle + reach))
    return Interval(area, low, high, math.nan, people, level)


def _nothing(person: np.ndarray, level: float) -> Interval:
    return Interval(math.nan, math.nan, math.nan, math.nan, len(np.unique(person)), level)
