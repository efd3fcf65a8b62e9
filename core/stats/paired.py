"""What a difference between two runs can and cannot be called: arrays in, numbers and a sentence out. Imports no torch.

Scores are shares (0..1); sentences speak of points (hundredths).
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from core.stats.metrics import f1_of_counts

LEVEL = 0.95
MOST_FOLDS = 20  # that the lab offers
RESAMPLES = 2000
CHUNK = 1 << 21  # drawn people held at a time by the bootstrap: bounds its memory to some tens of MB
BETTER, WORSE, SAME, UNDECIDED = "better", "worse", "same", "undecided"


@dataclass(frozen=True)
class Interval:
    """mean: of differences, or a score; low, high: its interval at `level`; p: two-sided against 0; n: folds or people.

    low, high and p are NaN where nothing can be said: fewer than two values, or values without any spread.
    """

    mean: float
    low: float
    high: float
    p: float
    n: int
    level: float = LEVEL

    @property
    def known(self) -> bool:
        return math.isfinite(self.low) and math.isfinite(self.high)


def corrected_paired_interval(a: np.ndarray, b: np.ndarray, *, test_fraction: float, level: float = LEVEL) -> Interval:
    """Interval and two-sided p of mean(a - b) over folds that share their training data.

    a, b: shape (k,), one score per fold, same folds in the same order, finite.
    test_fraction: held-out people / training people in a fold (1 / (k - 1) for plain k-fold).
    The variance of the mean is s² (1/k + test_fraction), not s² / k, since folds that train on the same people are not
    independent; t has k - 1 degrees of freedom. One fold, or folds that all differ by exactly the same amount other
    than 0, tell nothing about the spread: low, high and p are NaN then.
    Raises ValueError for arrays of different or zero length, or with values that are not finite.
    Source: Nadeau & Bengio 2003, Inference for the generalization error, Machine Learning 52, corrected resampled t.
    """
    a, b = np.asarray(a, dtype=float), np.asarray(b, dtype=float)
    if a.shape != b.shape or a.ndim != 1 or not len(a):
        raise ValueError(f"paired scores need one shape (k,) with k >= 1, got {a.shape} and {b.shape}")
    if not (np.isfinite(a).all() and np.isfinite(b).all()) or not test_fraction > 0:
        raise ValueError("paired scores must be finite, and test_fraction above 0")
    delta = a - b
    k, mean = len(delta), float(delta.mean())
    if k < 2:
        return Interval(mean, math.nan, math.nan, math.nan, k, level)
    spread = float(delta.std(ddof=1))
    if spread <= 1e-12:
        same = abs(mean) <= 1e-12
        ends = (0.0, 0.0, 1.0) if same else (math.nan, math.nan, math.nan)
        return Interval(0.0 if same else mean, *ends, k, level)
    error = spread * math.sqrt(1 / k + test_fraction)
    reach = float(stats.t.ppf((1 + level) / 2, k - 1)) * error
    return Interval(mean, mean - reach, mean + reach, float(2 * stats.t.sf(abs(mean) / error, k - 1)), k, level)


def f1_parts(person: np.ndarray, true: np.ndarray, predicted: np.ndarray, classes: int) -> np.ndarray:
    """What each person adds to macro F1: (people, 2, classes) float64 of [hits, support + predicted] of each class.

    person, true, predicted: (n,) int codes from 0, one a sample.
    """
    people = int(person.max()) + 1 if len(person) else 0
    right = true == predicted
    hits = _counted(person[right], true[right], people, classes)
    named = _counted(person, true, people, classes) + _counted(person, predicted, people, classes)
    return np.stack([hits, named], axis=1).astype(float)


def _counted(person: np.ndarray, of_class: np.ndarray, people: int, classes: int) -> np.ndarray:
    """How many samples of each person are of each class, (people, classes) int."""
    return np.bincount(person * classes + of_class, minlength=people * classes).reshape(people, classes)


def f1_of_parts(sums: np.ndarray) -> np.ndarray:
    """Macro F1 over all classes from summed f1_parts, shape (..., 2, classes) -> (...); an absent class counts 0."""
    return f1_of_counts(sums[..., 0, :], sums[..., 1, :]).mean(axis=-1)


def bootstrap_f1_difference(
    person: np.ndarray,
    true: np.ndarray,
    predicted_a: np.ndarray,
    predicted_b: np.ndarray,
    classes: int,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> Interval:
    """Percentile interval of macro F1(a) - macro F1(b) when people are drawn anew, all photos of a person together.

    person, true, predicted_*: (n,) int codes from 0, the same out-of-fold samples in the same order.
    It says how much the people that were photographed matter, for these trained networks. It does not know that
    another training would end elsewhere; corrected_paired_interval does.
    p is two-sided: twice the smaller share of resamples on one side of 0, never below 1 / (resamples + 1).
    low, high and p are NaN where all draws are alike, as those of one person are: see of_draws.
    Raises ValueError without samples. Source: Efron & Tibshirani 1993, chapter 13; clusters: Field & Welsh 2007.
    """
    if not len(person):
        raise ValueError("bootstrap: there are no samples")
    both = np.stack([f1_parts(person, true, p, classes) for p in (predicted_a, predicted_b)], axis=1)
    observed = f1_of_parts(both.sum(axis=0))
    f1 = np.concatenate([f1_of_parts(sums) for sums in drawn_anew(both, resamples, seed)])
    return of_draws(f1[:, 0] - f1[:, 1], float(observed[0] - observed[1]), len(both), level)


def of_draws(draws: np.ndarray, mean: float, people: int, level: float = LEVEL) -> Interval:
    """The percentile interval and two-sided p of a difference, from what it is in each draw of people, (resamples,).

    Where every draw gives the same difference other than 0, as with one person, that tells nothing about the spread:
    low, high and p are NaN then.
    """
    if np.ptp(draws) <= 1e-12 and abs(mean) > 1e-12:
        return Interval(mean, math.nan, math.nan, math.nan, people, level)
    low, high = np.quantile(draws, [(1 - level) / 2, (1 + level) / 2])
    sides = (draws <= 0).sum(), (draws >= 0).sum()
    p = min(1.0, 2 * (min(sides) + 1) / (len(draws) + 1))
    return Interval(mean, float(low), float(high), float(p), people, level)


def bootstrap_scores(
    person: np.ndarray,
    true: np.ndarray,
    predicted: np.ndarray,
    classes: int,
    *,
    resamples: int = RESAMPLES,
    level: float = LEVEL,
    seed: int = 0,
) -> tuple[Interval, Interval]:
    """(macro F1 over all classes, accuracy) with percentile intervals when people are drawn anew; p is NaN.

    person, true, predicted: (n,) int codes from 0. A class that is neither true nor predicted anywhere counts 0 in F1,
    as it does in the score; one that only a draw happens to lack is left out of that draw's mean, which would otherwise
    fall below what any network could reach. low and high are NaN for one person, and where every draw gives the same,
    such as with all photos right: that tells nothing about the spread.
    Raises ValueError without samples. Source: Efron & Tibshirani 1993, chapter 13; clusters: Field & Welsh 2007.
    """
    if not len(person):
        raise ValueError("bootstrap: there are no samples")
    parts = f1_parts(person, true, predicted, classes)
    share = (parts.sum(axis=0)[1] > 0).sum() / classes

    def scores(sums: np.ndarray) -> np.ndarray:
        """(..., 2, classes) -> (..., 2): macro F1, accuracy."""
        hits, named = sums[..., 0, :], sums[..., 1, :]
        f1 = f1_of_counts(hits, named).sum(axis=-1) / (named > 0).sum(axis=-1) * share
        return np.stack([f1, 2 * hits.sum(axis=-1) / named.sum(axis=-1)], axis=-1)

    means = scores(parts.sum(axis=0))
    resampled = np.concatenate([scores(sums) for sums in drawn_anew(parts, resamples, seed)])
    ends = np.quantile(resampled, [(1 - level) / 2, (1 + level) / 2], axis=0)
    ends[:, np.ptp(resampled, axis=0) <= 1e-12] = np.nan
    f1, accuracy = (
        Interval(float(mean), float(low), float(high), math.nan, len(parts), level)
        for mean, low, high in zip(means, *ends, strict=True)
    )
    return f1, accuracy


def drawn_anew(parts: np.ndarray, resamples: int, seed: int) -> Iterator[np.ndarray]:
    """parts, (people, ...), summed over as many people drawn with replacement, (resamples, ...) in pieces."""
    people = len(parts)
    flat = parts.reshape(people, -1).astype(np.float32)
    rng = np.random.default_rng(seed)
    step = max(1, CHUNK // people)
    for start in range(0, resamples, step):
        rows = min(step, resamples - start)
        drawn = rng.integers(0, people, (rows, people)) + np.arange(rows)[:, None] * people
        times = np.bincount(drawn.ravel(), minlength=rows * people).reshape(rows, people).astype(np.float32)
        yield (times @ flat).astype(float).reshape(rows, *parts.shape[1:])


@dataclass(frozen=True)
class McNemar:
    """only_a, only_b: samples that only one of two runs gets right. exact, mid_p: two-sided p-values."""

    only_a: int
    only_b: int
    exact: float
    mid_p: float


def mcnemar(right_a: np.ndarray, right_b: np.ndarray) -> McNemar:
    """McNemar's exact test and its mid-p form on paired right/wrong, shape (n,) bool.

    It takes the samples for independent: photos of one person are not. people_mcnemar asks the people instead.
    Source: McNemar 1947; mid-p: Fagerlund, Lydersen & Laake 2013, BMC Medical Research Methodology 13:91.
    """
    right_a, right_b = np.asarray(right_a, dtype=bool), np.asarray(right_b, dtype=bool)
    return _binomial(int((right_a & ~right_b).sum()), int((right_b & ~right_a).sum()))


def people_mcnemar(person: np.ndarray, right_a: np.ndarray, right_b: np.ndarray) -> McNemar:
    """The same test with people as units: only_a counts people of whom a gets more photos right than b.

    person: (n,) int codes from 0. People are independent of each other, so this one holds for several photos each.
    """
    ahead = np.bincount(person, weights=np.asarray(right_a, dtype=float) - np.asarray(right_b, dtype=float))
    return _binomial(int((ahead > 0).sum()), int((ahead < 0).sum()))


def _binomial(only_a: int, only_b: int) -> McNemar:
    fewer, n = min(only_a, only_b), only_a + only_b
    if n == 0:
        return McNemar(0, 0, 1.0, 1.0)
    below, at = float(stats.binom.cdf(fewer, n, 0.5)), float(stats.binom.pmf(fewer, n, 0.5))
    return McNemar(only_a, only_b, min(1.0, 2 * below), min(1.0, 2 * below - at))


def holm(p: Sequence[float], family: int | None = None) -> np.ndarray:
    """p-values corrected for having looked at all of them, shape (m,); NaN stays NaN and counts for nothing.

    family: of how many comparisons these are the ones that were picked, where they are not all; each of the others
    counts as if its p were 1, which is never too little.
    Source: Holm 1979, A simple sequentially rejective multiple test procedure.
    """
    raw = np.asarray(p, dtype=float)
    corrected = np.full(raw.shape, np.nan)
    tested = np.flatnonzero(np.isfinite(raw))
    order = tested[np.argsort(raw[tested], kind="stable")]
    factors = (len(order) if family is None else family) - np.arange(len(order))
    corrected[order] = np.minimum(1.0, np.maximum.accumulate(raw[order] * factors))
    return corrected


def decide(interval: Interval, p: float, within: float) -> str:
    """better | worse | same | undecided, of a first run against a second.

    p: corrected for the number of comparisons. within: half width of the region that counts as the same, a share
    (0.01 is one point). A side is taken only if p excludes 0 *and* the mean difference leaves the region; "same" only
    if the whole interval lies inside the region. Everything else is undecided.
    Source: equivalence as in Schuirmann 1987 (here with the whole two-sided interval, which is stricter).
    """
    if not interval.known or not math.isfinite(p):
        return UNDECIDED
    if within > 0 and -within <= interval.low and interval.high <= within:
        return SAME
    if p < 1 - interval.level and (interval.low > 0 or interval.high < 0) and abs(interval.mean) > within:
        return BETTER if interval.mean > 0 else WORSE
    return UNDECIDED


def sentence(
    name: str,
    baseline: str,
    interval: Interval,
    verdict: str,
    *,
    within: float,
    metric: str = "F1",
    cost_ratio: float | None = None,
    comparisons: int = 1,
) -> str:
    """One plain sentence about a run against a baseline, as text.

    interval: from corrected_paired_interval of the run minus the baseline; verdict: from decide.
    cost_ratio: multiply-adds per image of the run / of the baseline, None where unknown.
    """
    folds = f"{interval.n} shared fold{'s' if interval.n != 1 else ''}"
    if interval.known:
        ends = f", {interval.level:.0%} interval {signed(interval.low)} to {signed(interval.high)}"
    else:
        ends = ", no interval"
    claim = {
        BETTER: f"is better than {baseline}",
        WORSE: f"is worse than {baseline}",
        SAME: f"is the same as {baseline} within {points(within)}",
        UNDECIDED: f"is not shown to be {'better' if interval.mean >= 0 else 'worse'} than {baseline}",
    }[verdict]
    numbers = f"({metric} {signed(interval.mean)} points{ends}, {folds}{_why(interval, verdict, within, comparisons)})"
    return f"{name} {claim} {numbers}{_cost(cost_ratio)}."


def _why(interval: Interval, verdict: str, within: float, comparisons: int) -> str:
    """What else was decisive: the correction for many comparisons, or a mean that is too small to matter."""
    if verdict in (BETTER, WORSE) and comparisons > 1:
        return f", corrected for {comparisons} comparisons"
    if verdict != UNDECIDED or not interval.known or interval.low <= 0 <= interval.high:
        return ""
    if abs(interval.mean) <= within:
        return f", on average within {points(within)}"
    return f", which does not stand the correction for {comparisons} comparisons"


def fold_note(folds: int) -> str:
    """What so few folds can carry, as a sentence; empty from 20 folds on."""
    if folds < 2:
        return "One fold tells nothing about how far folds differ: no interval, no test."
    if folds >= 20:
        return ""
    least = 2 * 0.5**folds
    needed = stats.t.ppf((1 + LEVEL) / 2, folds - 1)
    return (
        f"{folds} folds cannot carry small p-values: a mean must be {needed:.1f} times its error to count, and even if "
        f"all {folds} agree a test of their signs only reaches p = {round(least, 2):g}. Read the interval."
    )


def folds_to_tell(deltas: np.ndarray, folds: int, *, level: float = LEVEL) -> int | None:
    """The fewest folds, more than `folds`, in which a mean difference as seen would be told from 0; None up to
    MOST_FOLDS.

    deltas: shape (k,), k >= 2, a difference for each shared fold. folds: in how many parts the people were split.
    It supposes that the mean stays, that a fold's spread grows as its held-out part shrinks, by the root of the number
    of folds, and plain k-fold cross-validation, where held-out / training people is 1 / (folds - 1). Then the
    corrected resampled t of `corrected_paired_interval` says when |mean| leaves its reach. None for a mean of 0 too.
    """
    deltas = np.asarray(deltas, dtype=float)
    if len(deltas) < 2:
        return None
    mean, spread = abs(float(deltas.mean())), float(deltas.std(ddof=1))
    for k in range(folds + 1, MOST_FOLDS + 1):
        error = spread * math.sqrt(k / folds) * math.sqrt(1 / k + 1 / (k - 1))
        if mean > float(stats.t.ppf((1 + level) / 2, k - 1)) * error:
            return k
    return None


def signed(share: float) -> str:
    """A difference in points with its sign: "+0.4"; "0.0" for what rounds to nothing."""
    rounded = f"{100 * share:+.1f}"
    return "0.0" if rounded in ("+0.0", "-0.0") else rounded


def points(share: float) -> str:
    """ "1 point", "0.5 points"."""
    value = f"{100 * share:g}"
    return f"{value} point{'' if value == '1' else 's'}"


def _cost(ratio: float | None) -> str:
    if ratio is None or not math.isfinite(ratio) or ratio <= 0:
        return ""
    if abs(ratio - 1) < 0.02:
        return " and costs the same per image"
    times = f"{ratio:.1f}" if ratio >= 0.95 else f"{ratio:.2f}"
    return f" and costs {times} times as much per image"
