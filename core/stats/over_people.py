"""Scores of answers and of probabilities, each with its interval when people are drawn anew. Imports no torch.

person: (n,) int codes from 0, all of a person's photos together; each photo's own where persons are unknown.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.stats import calibration
from core.stats.calibration import Reliability
from core.stats.metrics import checked, f1_of_counts
from core.stats.paired import LEVEL, Interval, drawn_anew

RESAMPLES = 1000
GROUPS = 1000  # more people than that are drawn in so many groups of people, which are as independent as they are


@dataclass(frozen=True, eq=False)
class ClassIntervals:
    """precision, recall, f1: of each class; macro: (precision, recall, F1), means over all classes. accuracy: of all.

    precision is NaN for a class that is never predicted, recall for one without a photo; macro counts both as 0. What
    only a draw happens to lack is left out of that draw, as by bootstrap_scores.
    """

    precision: tuple[Interval, ...]
    recall: tuple[Interval, ...]
    f1: tuple[Interval, ...]
    macro: tuple[Interval, Interval, Interval]
    accuracy: Interval


def class_intervals(
    person: np.ndarray, true: np.ndarray, predicted: np.ndarray, classes: int, resamples: int = RESAMPLES
) -> ClassIntervals:
    """true, predicted: (n,) class indices. Percentile intervals, Efron & Tibshirani 1993; clusters Field & Welsh 2007.

    An interval is NaN where every draw gives the same, which tells nothing about the spread. Raises ValueError without
    samples.
    """
    person, people, number = grouped(person)
    right = true == predicted
    counted = (person[right], true[right]), (person, true), (person, predicted)
    parts = np.stack([_counts(rows, codes, people, classes) for rows, codes in counted], axis=1)

    occurs = ~np.isnan(_of_each(parts.sum(axis=0)))  # (3, classes)

    def scores(sums: np.ndarray) -> np.ndarray:
        """(..., 3, classes) -> (..., 3 classes + 4)."""
        each = _of_each(sums)
        macro = np.nanmean(each, axis=-1) * occurs.mean(axis=-1)
        each[..., 2, ~occurs[2]] = 0
        accuracy = sums[..., 0, :].sum(axis=-1, keepdims=True) / sums[..., 1, :].sum(axis=-1, keepdims=True)
        return np.concatenate([each.reshape(*sums.shape[:-2], 3 * classes), macro, accuracy], axis=-1)

    ends = _intervals(parts, scores, resamples, number)
    precision, recall, f1 = (tuple(ends[start : start + classes]) for start in (0, classes, 2 * classes))
    return ClassIntervals(precision, recall, f1, macro=(ends[-4], ends[-3], ends[-2]), accuracy=ends[-1])


def _of_each(sums: np.ndarray) -> np.ndarray:
    """(..., hits | photos | predictions of each class) -> as many: precision, recall, F1; NaN where there is none."""
    hits, of_class, named = sums[..., 0, :], sums[..., 1, :], sums[..., 2, :]
    f1 = np.where(of_class + named > 0, f1_of_counts(hits, of_class + named), np.nan)
    return np.stack([_share(hits, named), _share(hits, of_class), f1], axis=-2)


@dataclass(frozen=True, eq=False)
class Believable:
    """How far probabilities can be believed. brier, likelihood: lower is better. error: expected calibration error.

    gap: mean confidence minus accuracy; above 0 the network promises more than it keeps. class_errors: of each class's
    own probability. reliability: of the answers, in bins.
    """

    brier: Interval
    likelihood: Interval
    error: Interval
    gap: Interval
    class_errors: tuple[Interval, ...]
    reliability: Reliability


def believable(
    person: np.ndarray, probabilities: np.ndarray, labels: np.ndarray, resamples: int = RESAMPLES
) -> Believable:
    """probabilities: (n, classes). labels: (n,). Calibration errors have bins of equal numbers, the same in each draw.

    Such an error cannot fall below 0, so that chance makes it larger, in the photos and once more in each draw; its
    interval is therefore the basic one, 2 error - quantile, cut at 0 (Davison & Hinkley 1997, 5.2). Raises ValueError
    without photos and for what `metrics.checked` refuses.
    """
    p, y = checked(probabilities, labels)
    person, people, number = grouped(person)
    classes = p.shape[1]
    bins = calibration.bins_for(len(y))
    top = calibration.top_reliability(p, y, bins)
    sure, right = p.max(axis=1), p.argmax(axis=1) == y
    columns = [np.ones(len(y)), calibration.brier_terms(p, y), calibration.nll_terms(p, y), sure - right]
    parts = [np.stack([np.bincount(person, column, people) for column in columns], axis=1)]
    parts.append(_bin_sums(person, top.place, sure - right, people, bins))
    for c in range(classes):
        of_class = calibration.reliability(p[:, c], y == c, bins)
        parts.append(_bin_sums(person, of_class.place, p[:, c] - (y == c), people, bins))

    def scores(sums: np.ndarray) -> np.ndarray:
        """(..., 4 + (1 + classes) bins) -> (..., 3 + 1 + classes): Brier, likelihood, gap, errors."""
        photos = sums[..., :1]
        errors = np.abs(sums[..., 4:]).reshape(*sums.shape[:-1], classes + 1, bins).sum(axis=-1)
        return np.concatenate([sums[..., 1:4], errors], axis=-1) / photos

    basic = np.arange(classes + 4) >= 3
    brier, likelihood, gap, error, *class_errors = _intervals(np.hstack(parts), scores, resamples, number, basic)
    return Believable(brier, likelihood, error, gap, tuple(class_errors), top)


def shares(person: np.ndarray, hits: np.ndarray, kind: np.ndarray, kinds: int) -> tuple[Interval, ...]:
    """Share of hits among the photos of each kind, and of all photos at the end: (kinds + 1) intervals.

    hits: (n,) bool. kind: (n,) 0..kinds-1, such as the class. NaN for a kind without photos.
    """
    person, groups, number = grouped(person)
    parts = np.stack([_counts(person[hits], kind[hits], groups, kinds), _counts(person, kind, groups, kinds)], axis=1)

    def scores(sums: np.ndarray) -> np.ndarray:
        """(..., 2, kinds) -> (..., kinds + 1)."""
        both = np.concatenate([sums, sums.sum(axis=-1, keepdims=True)], axis=-1)
        return _share(both[..., 0, :], both[..., 1, :])

    return tuple(_intervals(parts, scores, RESAMPLES, number))


def _intervals(
    parts: np.ndarray,
    scores: Callable[[np.ndarray], np.ndarray],
    resamples: int,
    number: int,
    basic: np.ndarray | None = None,
) -> list[Interval]:
    """An interval of each score. parts: (groups, ...). scores: (..., of parts) -> (..., scores). basic: (scores,) bool.

    number: people.
    """
    means = scores(parts.sum(axis=0))
    draws = np.concatenate([scores(sums) for sums in drawn_anew(parts, resamples, 0)])
    draws[:, ~np.isfinite(means)] = np.nan
    lacking = np.isnan(draws).all(axis=0)
    draws[:, lacking] = 0
    low, high = np.nanquantile(draws, [(1 - LEVEL) / 2, (1 + LEVEL) / 2], axis=0)
    unknown = lacking | (np.nanmax(draws, axis=0) - np.nanmin(draws, axis=0) <= 1e-12)
    if basic is not None:
        low, high = np.where(basic, np.maximum(0, 2 * means - high), low), np.where(basic, 2 * means - low, high)
        high = np.where(basic, np.maximum(high, 0), high)
    low, high = np.where(unknown, np.nan, low), np.where(unknown, np.nan, high)
    return [
        Interval(float(mean), float(least), float(most), math.nan, number)
        for mean, least, most in zip(means, low, high, strict=True)
    ]


def grouped(person: np.ndarray) -> tuple[np.ndarray, int, int]:
    """(group of each photo, groups, people): each person alone, or GROUPS groups into which people were dealt.

    Sums over groups of independent people vary as sums over the people do, and cost a fraction of them.
    """
    if not len(person):
        raise ValueError("bootstrap: there are no samples")
    people = int(person.max()) + 1
    if people <= GROUPS:
        return person, people, people
    return (np.random.default_rng(0).permutation(people) % GROUPS)[person], GROUPS, people


def _counts(person: np.ndarray, codes: np.ndarray, people: int, classes: int) -> np.ndarray:
    """(people, classes): how many of a person's photos have each code."""
    return np.bincount(person * classes + codes, minlength=people * classes).reshape(people, classes)


def _bin_sums(person: np.ndarray, place: np.ndarray, values: np.ndarray, people: int, bins: int) -> np.ndarray:
    """(people, bins): the sum of a person's values in each bin."""
    return np.bincount(person * bins + place, values, people * bins).reshape(people, bins)


def _share(hits: np.ndarray, of: np.ndarray) -> np.ndarray:
    """hits / of, NaN where there is nothing to share."""
    return np.divide(hits, of, out=np.full(np.shape(hits), np.nan), where=of > 0)
