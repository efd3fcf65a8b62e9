"""Answering only where a network is sure: how right it is then, and how sure it has to be. Imports no torch.

scipy is imported when a threshold is asked for.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

LEVELS = 20  # shares of photos that are tried: 5 %, 10 %, ..., 100 %
DRAWS = 25  # of one photo a person, where people have several
LEVEL = 0.95


@dataclass(frozen=True, eq=False)
class RiskCoverage:
    """Photos taken from the surest on, photos of one confidence together.

    threshold: (steps,) descending confidences. coverage: (steps,) share of photos with at least so much, ending at 1.
    risk: (steps,) share of wrong answers among them. area: AURC, the mean risk over all coverages 1/n, 2/n, ..., 1; the
    lower the better. Source: Geifman & El-Yaniv 2017; area Ding et al. 2020.
    """

    threshold: np.ndarray
    coverage: np.ndarray
    risk: np.ndarray
    area: float


def risk_coverage(confidence: np.ndarray, right: np.ndarray) -> RiskCoverage:
    """confidence: (n,) finite. right: (n,) bool. In the area, photos of one confidence come in their mean order.

    Raises ValueError without photos, or with a confidence that is no number.
    """
    sure, wrong = _checked(confidence, right)
    order = np.argsort(-sure, kind="stable")
    ends = np.flatnonzero(np.append(np.diff(sure[order]) != 0, True))
    taken, missed = ends + 1, np.cumsum(wrong[order])[ends]
    between = np.interp(np.arange(1, len(sure) + 1), np.append(0, taken), np.append(0.0, missed))
    area = float((between / np.arange(1, len(sure) + 1)).mean())
    return RiskCoverage(sure[order][ends], taken / len(sure), missed / taken, area)


@dataclass(frozen=True)
class Promise:
    """From `threshold` on, at least `accuracy` of the answers are right, of which `level` is sure.

    coverage: share of the photos that are answered then. observed: how many of those were right. people: those who
    carry the promise, one photo each.
    """

    threshold: float
    accuracy: float
    coverage: float
    observed: float
    people: int
    level: float = LEVEL


def promise(
    confidence: np.ndarray,
    right: np.ndarray,
    person: np.ndarray,
    accuracy: float,
    *,
    level: float = LEVEL,
    seed: int = 0,
) -> Promise | None:
    """The lowest threshold of confidence above which a wanted accuracy is shown; None where these people show none.

    confidence, right: (n,). person: (n,) codes; each photo's own where persons are unknown. accuracy: 0 < share < 1.
    LEVELS thresholds are set by how many photos they answer, without a look at what is right. Each is tested with one
    photo a person (exact binomial, as Clopper & Pearson 1934); where people have several, DRAWS draws are made and
    twice the median p-value counts (Meinshausen, Meier & Bühlmann 2009). Testing goes from the strictest threshold to
    the laxest and hands on the error of those that hold (fallback: Wiens 2003), so that all of them together are wrong
    with 1 - level at most: learn then test, Angelopoulos et al. 2021. Half of the error begins where there are people
    enough to show it, were only a quarter of the mistakes made that are allowed.
    It is about one wanted accuracy: whoever tries many and takes the best has chosen by chance. Raises ValueError for
    no photos, confidences that are no numbers, another accuracy.
    """
    from scipy import stats  # half a second, which a page need not wait for

    sure, wrong = _checked(confidence, right)
    if not 0 < accuracy < 1:
        raise ValueError(f"a wanted accuracy is a share between 0 and 1, not {accuracy}")
    thresholds = np.quantile(sure, 1 - np.arange(1, LEVELS + 1) / LEVELS, method="lower")
    rows = _one_photo_each(person, seed)
    answered = sure[rows][None] >= thresholds[:, None, None]  # (levels, draws, people)
    taken, missed = answered.sum(axis=2), (answered & (wrong[rows] > 0)).sum(axis=2)
    draws = rows.shape[0]
    p = np.where(taken > 0, stats.binom.cdf(missed, np.maximum(taken, 1), 1 - accuracy), 1.0)
    p = p[:, 0] if draws == 1 else np.minimum(1.0, 2 * np.median(p, axis=1))
    lowest, budget = None, 0.0
    carried = np.median(taken, axis=1)
    enough = stats.binom.cdf((carried * (1 - accuracy) / 4).astype(int), carried, 1 - accuracy) * min(draws, 2)
    shares = _shares(np.flatnonzero(enough <= (1 - level) / 2))
    for threshold, of_level, share in zip(thresholds, p, shares, strict=True):
        budget += (1 - level) * share
        if of_level <= budget:
            lowest = float(threshold)
        else:
            budget = 0.0
    if lowest is None:
        return None
    above = sure >= lowest
    return Promise(lowest, accuracy, float(above.mean()), float(1 - wrong[above].mean()), rows.shape[1], level)


def _shares(carrying: np.ndarray) -> np.ndarray:
    """Share of the error that each level begins with, (LEVELS,); carrying: levels with people enough, ascending."""
    if not len(carrying):
        return np.full(LEVELS, 1 / LEVELS)
    shares = np.full(LEVELS, 0.5 / (LEVELS - 1))
    shares[carrying[0]] = 0.5
    return shares


def _one_photo_each(person: np.ndarray, seed: int) -> np.ndarray:
    """(draws, people): a row of each person, drawn; one draw where each has one photo."""
    _, codes, photos = np.unique(np.asarray(person), return_inverse=True, return_counts=True)
    first = np.cumsum(photos) - photos
    rows = np.argsort(codes, kind="stable")
    draws = 1 if photos.max() == 1 else DRAWS
    return rows[first + (np.random.default_rng(seed).random((draws, len(photos))) * photos).astype(int)]


def _checked(confidence: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(confidence, wrong) as float64 (n,)."""
    sure, wrong = np.asarray(confidence, dtype=float), 1.0 - np.asarray(right, dtype=float)
    if sure.shape != wrong.shape or sure.ndim != 1 or not len(sure):
        raise ValueError(f"confidences {sure.shape} do not fit answers {wrong.shape}, or there are none")
    if not np.isfinite(sure).all():
        raise ValueError("a confidence is no number")
    return sure, wrong
