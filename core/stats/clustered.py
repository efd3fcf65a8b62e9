"""Whether photos of one group are answered right less often than others: arrays in, an interval out.

Imports no torch.
"""

from __future__ import annotations

import math

import numpy as np
from scipy import stats

from core.stats.paired import LEVEL, Interval


def accuracy_gap(person: np.ndarray, right: np.ndarray, inside: np.ndarray, level: float = LEVEL) -> Interval:
    """Interval and two-sided p of accuracy(inside) - accuracy(outside), people being independent, their photos not.

    person: (n,) int codes from 0. right, inside: (n,) bool; a person may have photos on both sides. n of the interval
    is the number of people inside. Its ends and p are NaN where fewer than two people stand on one side. Raises
    ValueError where one side has no photo.
    Source: cluster-robust variance of a difference of means (Liang & Zeger 1986), the t distribution with as many
    degrees of freedom as the side with fewer people carries (Cameron & Miller 2015). A side on which people do not
    differ, as where all are right, would count as known exactly; it has the variance that its people would have at the
    accuracy of all photos together, which is what they have where there is no gap (the pooled variance of a test of
    two shares). Where that is none, as all photos are right, it has that of its people with one more right and one
    more wrong (Agresti & Caffo 2000).
    """
    person, right, inside = np.asarray(person), np.asarray(right, dtype=float), np.asarray(inside, dtype=bool)
    if inside.all() or not inside.any():
        raise ValueError("accuracy gap: one side has no photo")
    parts, people, gap, unseen = np.zeros(int(person.max()) + 1), [], 0.0, 0.0
    pooled = right.mean() * (1 - right.mean())
    for side, sign in ((inside, 1.0), (~inside, -1.0)):
        accuracy = right[side].mean()
        gap += sign * accuracy
        apart = np.bincount(person[side], right[side] - accuracy, len(parts)) / side.sum()
        parts += sign * apart
        people.append(len(np.unique(person[side])))
        if np.abs(apart).max() < 1e-12:
            shrunk = (people[-1] * accuracy + 1) / (people[-1] + 2)
            unseen += pooled / people[-1] if pooled else shrunk * (1 - shrunk) / (people[-1] + 2)
    together = len(np.unique(person))
    error = math.sqrt(together / max(1, together - 1) * float((parts**2).sum()) + unseen)
    if min(people) < 2:
        return Interval(gap, math.nan, math.nan, math.nan, people[0], level)
    freedom = min(people) - 1
    half = float(stats.t.ppf((1 + level) / 2, freedom)) * error
    p = 2 * float(stats.t.sf(abs(gap) / error, freedom))
    return Interval(gap, gap - half, gap + half, p, people[0], level)
