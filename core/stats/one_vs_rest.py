"""One class against all others: ROC and precision-recall curves, the areas under them with intervals over people.

A score is any number that is higher for the class, such as its probability. No torch; scipy comes with Interval.
"""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np

from core.stats.paired import LEVEL, Interval

FLAT = 1e-24  # variance of an area that every draw of people gives again, but for rounding


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
    Of one person of either no interval is told: how others of it would be answered is not known.
    Source: Obuchowski 1997, Nonparametric analysis of clustered ROC curve data, which for one photo a person is that of
    DeLong et al. 1988; interval of its logit, Pepe 2003.
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
    by_class, by_others = (np.bincount(person, influence * side) for side in (positive, ~positive))
    people, with_class, with_others = counts = _people(positive, person)
    variance = _sampled(with_class) * by_class @ by_class + _sampled(with_others) * by_others @ by_others
    return _over_people(area, float(variance + 2 * _sampled(people) * by_class @ by_others), counts, level)


def average_precision(score: np.ndarray, positive: np.ndarray, person: np.ndarray, level: float = LEVEL) -> Interval:
    """Area under the precision-recall curve as a sum of steps, with its interval when people are drawn anew.

    NaN where the class has no photo, and no interval where `auc` has none. Source: scikit-learn's
    average_precision_score; its spread by how much each photo moves it (infinitesimal jackknife, Jaeckel 1972; Efron
    1982), summed over the photos of a person.
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
    by_person, counts = np.bincount(person, influence), _people(positive, person)
    return _over_people(area, _sampled(counts[0]) * float(by_person @ by_person), counts, level)


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


def _people(positive: np.ndarray, person: np.ndarray) -> tuple[int, int, int]:
    """How many people there are, how many show the class, and how many something else."""
    every, with_class, with_others = (len(np.unique(of)) for of in (person, person[positive], person[~positive]))
    return every, with_class, with_others


def _sampled(people: int) -> float:
    """By how much squares around the mean of so many people fall short of those around the mean of all people."""
    return people / max(1, people - 1)


def _over_people(area: float, variance: float, people: tuple[int, int, int], level: float) -> Interval:
    """Interval of an area of which the variance is known; of its logit, so that it stays within 0..1.

    people: see _people. No ends where one person alone shows the class, or alone something else: the photos of one say
    nothing about how others would be answered, and the variance of what they add is 0.
    """
    if min(people) < 2 or not 0 < area < 1 or variance <= FLAT:
        return Interval(area, math.nan, math.nan, math.nan, people[0], level)
    error = math.sqrt(variance) / (area * (1 - area))
    middle, reach = math.log(area / (1 - area)), NormalDist().inv_cdf((1 + level) / 2) * error
    low, high = (1 / (1 + math.exp(-min(max(end, -700.0), 700.0))) for end in (middle - reach, middle + reach))
    return Interval(area, low, high, math.nan, people[0], level)


def _nothing(person: np.ndarray, level: float) -> Interval:
    return Interval(math.nan, math.nan, math.nan, math.nan, len(np.unique(person)), level)
