"""Better answers from the same probabilities: offsets, thresholds, weights of votes, and their gain.

What was tuned on answers flatters on the same answers. So each gain is nested: a fold's answers are decided with what
was tuned on the other folds. Imports neither torch nor scipy before an interval is computed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from core.stats.calibration import SMALLEST, pooled
from core.stats.metrics import checked, class_scores, confusion, f1_of_counts

if TYPE_CHECKING:
    from core.stats.paired import Interval

OFFSETS = np.round(np.arange(-30, 31) / 10, 1)  # in nats; 0.7 makes a class twice as likely
ROUNDS = 6  # over all classes; as a rule two or three change something
STEPS = 500  # of the weights' fit, at most
THRESHOLDS = 1 / (1 + np.exp(-np.arange(-60, 61) / 10))  # of the probability of a yes, a tenth of a nat apart


def decide(probabilities: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """(n,) the class with the largest log-probability plus its offset; offsets: (classes,), in nats."""
    return (_log(probabilities) + np.asarray(offsets, dtype=float)).argmax(axis=-1)


def fit_offsets(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Offsets of the classes, (classes,) among OFFSETS, under which macro F1 of these answers is high.

    Class by class, each at its best offset given the others, until nothing improves. An offset has to bring more than
    so many changed answers bring by chance (sqrt(changed) / n), so that where there is nothing to gain most stay 0.
    Classes without a photo keep 0. Raises ValueError for what `metrics.checked` refuses.
    Source: thresholds for F1, Lipton, Elkan & Naryanaswamy 2014; coordinate ascent for several classes.
    """
    p, y = checked(probabilities, labels)
    z = np.ascontiguousarray(_log(p).T)
    offsets, support = np.zeros(len(z)), np.bincount(y, minlength=len(z))
    two = _two_largest(z)
    for _ in range(ROUNDS):
        before = offsets.copy()
        for c in np.flatnonzero(support):
            f1, won = _by_offset(z, two, y, int(c), offsets[c], support)
            now = int(np.abs(OFFSETS - offsets[c]).argmin())
            worth = f1 - f1[now] - np.sqrt(np.abs(won - won[now])) / len(y)
            if worth.max() > 0:
                best = OFFSETS[worth.argmax()]
                z[c] += best - offsets[c]
                offsets[c] = best
                two = _two_largest(z)
        if (offsets == before).all():
            break
    return offsets


def _two_largest(z: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The largest and the second largest class of each photo, (n,) each; z: (classes, n). Ties: the lower index."""
    first = z.argmax(axis=0)
    rest = z.copy()
    rest[first, np.arange(z.shape[1])] = -np.inf
    return first, rest.argmax(axis=0)


def _by_offset(
    z: np.ndarray, two: tuple[np.ndarray, np.ndarray], y: np.ndarray, c: int, now: float, support: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """(macro F1, photos that class c wins) for each of OFFSETS of class c. z: (classes, n) with the offsets of now."""
    classes, n = z.shape
    rival = np.where(two[0] == c, two[1], two[0])
    margin = z[rival, np.arange(n)] - (
        z[c] - now
    )  # class c wins with an offset above it; a tie goes to the lower index
    first = np.where(c < rival, np.searchsorted(OFFSETS, margin, "left"), np.searchsorted(OFFSETS, margin, "right"))
    steps = len(OFFSETS) + 1  # the last one: never
    won = np.bincount(first, minlength=steps)[:-1].cumsum()
    left = np.bincount(first * classes + rival, minlength=steps * classes).reshape(steps, classes)[:-1].cumsum(axis=0)
    hit = rival == y
    lost = np.bincount(first[hit] * classes + rival[hit], minlength=steps * classes)
    lost = lost.reshape(steps, classes)[:-1].cumsum(axis=0)
    predicted = np.bincount(rival, minlength=classes) - left
    hits = np.bincount(rival[hit], minlength=classes) - lost
    predicted[:, c] = won
    hits[:, c] = np.bincount(first[y == c], minlength=steps)[:-1].cumsum()
    return f1_of_counts(hits, predicted + support).mean(axis=1), won


def fit_threshold(yes: np.ndarray, labels: np.ndarray) -> float:
    """The probability above which a yes is answered, so that the mean F1 of yes and of no is high; of THRESHOLDS.

    yes: (n,) probability of yes. labels: (n,), 1 yes and 0 no. As an offset, it has to bring more than so many changed
    answers bring by chance, sqrt(changed) / n; else 0.5 stays. Raises ValueError unless they are of one length.
    Source: Lipton, Elkan & Naryanaswamy 2014.
    """
    p, y = np.asarray(yes, dtype=float), np.asarray(labels)
    if p.shape != y.shape or p.ndim != 1 or not np.isfinite(p).all():
        raise ValueError(f"probabilities {p.shape} and labels {y.shape} of one attribute")
    n, positive = len(p), np.sort(p[y == 1])
    named = n - np.searchsorted(np.sort(p), THRESHOLDS, "right")  # photos answered with yes
    hits = len(positive) - np.searchsorted(positive, THRESHOLDS, "right")
    of_yes = f1_of_counts(hits, named + len(positive))
    right_no = n - named - (len(positive) - hits)
    f1 = (of_yes + f1_of_counts(right_no, 2 * n - named - len(positive))) / 2
    half = len(THRESHOLDS) // 2
    worth = f1 - f1[half] - np.sqrt(np.abs(named - named[half])) / max(1, n)
    return float(THRESHOLDS[worth.argmax()]) if worth.max() > 0 else 0.5


@dataclass(frozen=True, eq=False)
class Gain:
    """What tuning brings, told honestly. tuned: what to use, fitted on all answers (offsets, or weights of runs).

    of_folds: fold -> what was fitted on the other folds. before, after: macro F1 of all out-of-fold answers as they
    are, and decided fold by fold with of_folds. gain: after - before with its interval over people. flattering: the
    gain on the answers that `tuned` was fitted on, which is never to be told alone.
    """

    tuned: np.ndarray
    of_folds: dict[int, np.ndarray]
    before: float
    after: float
    gain: Interval
    flattering: float


def offset_gain(probabilities: np.ndarray, labels: np.ndarray, fold: np.ndarray, person: np.ndarray) -> Gain:
    """Offsets tuned on out-of-fold answers, and what they bring where they were not tuned.

    probabilities: (n, classes). labels: (n,). fold: (n,). person: (n,) int codes from 0. ValueError for one fold.
    """
    p, y = checked(probabilities, labels)

    def fit(rows: np.ndarray) -> np.ndarray:
        return fit_offsets(p[rows], y[rows])

    def use(rows: np.ndarray, offsets: np.ndarray) -> np.ndarray:
        return decide(p[rows], offsets)

    return _nested(p.argmax(axis=1), y, fold, person, p.shape[1], fit, use)


def fit_vote_weights(answers: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Weights of several runs, (runs,) that sum to 1, under which the mean answer makes the labels likeliest.

    answers: (runs, n, classes), out of fold, the same photos. By likelihood, not by F1: it has one maximum and hardly
    overfits. Runs that answer alike share their weight. Raises ValueError without photos.
    Source: stacking by log score, Breiman 1996, Yao et al. 2018; fitted as the shares of a mixture (EM).
    """
    p = np.asarray(answers, dtype=float)
    y = _labels_of_all(p, labels)
    if not len(y):
        raise ValueError("weights need photos")
    own = np.clip(p[:, np.arange(len(y)), y], SMALLEST, None)
    weights = np.full(len(p), 1 / len(p))
    for _ in range(STEPS):
        better = weights * (own / (weights @ own)).mean(axis=1)
        done = np.abs(better - weights).max() <= 1e-6
        weights = better
        if done:
            break
    return weights / weights.sum()


def _labels_of_all(answers: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """The labels, once the answers of each run were checked with them; answers: (runs, n, classes)."""
    y = np.asarray(labels, dtype=np.int64)
    for of_run in answers:
        checked(of_run, y)
    return y


def vote_gain(answers: np.ndarray, labels: np.ndarray, fold: np.ndarray, person: np.ndarray) -> Gain:
    """Weights of several runs fitted on out-of-fold answers, and what they bring over equal weights.

    answers: (runs, n, classes), the same photos held out by the same folds. Raises ValueError for one fold.
    """
    p = np.asarray(answers, dtype=float)
    y = _labels_of_all(p, labels)

    def fit(rows: np.ndarray) -> np.ndarray:
        return fit_vote_weights(p[:, rows], y[rows])

    def use(rows: np.ndarray, weights: np.ndarray) -> np.ndarray:
        return pooled(p[:, rows], weights).argmax(axis=1)

    return _nested(pooled(p).argmax(axis=1), y, fold, person, p.shape[2], fit, use)


def _nested(
    plain: np.ndarray,
    y: np.ndarray,
    fold: np.ndarray,
    person: np.ndarray,
    classes: int,
    fit: Callable[[np.ndarray], np.ndarray],
    use: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> Gain:
    """fit(rows) -> what was tuned on them; use(rows, tuned) -> the classes that it decides."""
    from core.stats import paired
    from core.stats.over_people import grouped

    folds = np.unique(fold)
    if len(folds) < 2:
        raise ValueError("an honest gain needs two folds")
    decided, of_folds = np.empty_like(plain), {}
    for k in folds:
        own = np.flatnonzero(fold == k)
        of_folds[int(k)] = fit(np.flatnonzero(fold != k))
        decided[own] = use(own, of_folds[int(k)])
    everything = np.arange(len(y))
    tuned = fit(everything)
    group, _, people = grouped(person)
    gain = replace(paired.bootstrap_f1_difference(group, y, decided, plain, classes), n=people)
    before, after, flattered = (
        class_scores(confusion(y, chosen, classes)).macro for chosen in (plain, decided, use(everything, tuned))
    )
    return Gain(tuned, of_folds, before, after, gain, flattered - before)


def _log(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.clip(np.asarray(probabilities, dtype=float), np.finfo(float).tiny, None))
