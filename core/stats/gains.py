"""Several ways to answer the same photos: F1 of each, and what each brings over another. Arrays alone, no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.stats.metrics import confusion, f1_of_counts, macro_f1
from core.stats.over_people import grouped
from core.stats.paired import LEVEL, RESAMPLES, Interval, drawn_anew, f1_of_parts, f1_parts, of_draws


@dataclass(frozen=True, eq=False)
class Way:
    """f1: macro F1 over all classes, the mean over its networks where each answers alone. each: of each of them.

    over: f1 minus that of the way it is held against, people drawn anew for both at once; None for the first.
    """

    f1: Interval
    each: tuple[float, ...]
    over: Interval | None


def judged(
    person: np.ndarray,
    true: np.ndarray,
    answers: Sequence[np.ndarray],
    against: Sequence[int | None],
    classes: int,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> list[Way]:
    """person, true: (n,) int codes from 0. answers: of each way (networks, n) class indices; a way of several networks
    is worth what one of them is on average, not what the best is. against: of each way the place of another, or None.

    Percentile intervals when people are drawn anew, all photos of a person together, the same draws for all ways. Those
    of f1 are as bootstrap_scores tells them, those of over, with their two-sided p, as bootstrap_f1_difference does.
    Raises ValueError without samples. Source: Efron & Tibshirani 1993, chapter 13; clusters: Field & Welsh 2007.
    """
    group, _, people = grouped(person)
    alone = [np.asarray(network) for way in answers for network in way]
    whose = np.repeat(np.arange(len(answers)), [len(way) for way in answers])
    parts = np.stack([f1_parts(group, true, network, classes) for network in alone], axis=1)
    sums = parts.sum(axis=0)
    occurs = (sums[:, 1] > 0).mean(axis=-1)  # (networks,), of the classes
    own, drawn = [], []
    for draws in drawn_anew(parts, resamples, seed):
        named = draws[..., 1, :]
        over_drawn = f1_of_counts(draws[..., 0, :], named).sum(axis=-1) / (named > 0).sum(axis=-1) * occurs
        own.append(_of_ways(over_drawn, whose))
        drawn.append(_of_ways(f1_of_parts(draws), whose))
    f1, all_classes, means = np.concatenate(own), np.concatenate(drawn), _of_ways(f1_of_parts(sums), whose)
    ways = []
    for place, other in enumerate(against):
        low, high = _ends(f1[:, place], level)
        over = None
        if other is not None:
            draws = all_classes[:, place] - all_classes[:, other]
            over = of_draws(draws, float(means[place] - means[other]), people, level)
        each = tuple(macro_f1(confusion(true, network, classes)) for network in answers[place])
        ways.append(Way(Interval(float(means[place]), low, high, math.nan, people, level), each, over))
    return ways


def _of_ways(networks: np.ndarray, whose: np.ndarray) -> np.ndarray:
    """(..., networks) -> (..., ways): means."""
    return np.stack([networks[..., whose == way].mean(axis=-1) for way in range(whose.max() + 1)], axis=-1)


def _ends(draws: np.ndarray, level: float) -> tuple[float, float]:
    """NaN where every draw gives the same, which tells nothing about the spread."""
    if np.ptp(draws) <= 1e-12:
        return math.nan, math.nan
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
