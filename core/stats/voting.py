"""Several networks' answers about the same photos made one: votes, agreement and disagreement. Arrays alone.

A member that was not asked about a photo has NaN there and counts for nothing; a photo that nobody was asked about has
NaN, or -1 for a class.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def soft(answers: np.ndarray, run_of: Sequence[int], weights: np.ndarray | None = None) -> np.ndarray:
    """(n, classes): the mean over the members of each run, then over the runs, by their weights.

    answers: (members, n, classes) probabilities. run_of: (members,) which run, from 0. weights: (runs,), not negative;
    all alike if None. Runs that nobody was asked of about a photo are left out there.
    """
    of_runs = by_run(answers, run_of)
    asked = ~np.isnan(of_runs[..., 0])
    share = asked * (np.ones(len(of_runs)) if weights is None else np.asarray(weights, dtype=float))[:, None]
    share = np.where(share.sum(axis=0) > 0, share, asked)  # where only runs without weight were asked, they count
    total = share.sum(axis=0)[:, None]
    summed = (np.nan_to_num(of_runs) * share[..., None]).sum(axis=0)
    return np.divide(summed, total, out=np.full_like(summed, np.nan), where=total > 0)


def by_run(answers: np.ndarray, run_of: Sequence[int]) -> np.ndarray:
    """(runs, n, classes): the mean over the members of each run that were asked; NaN where none was."""
    places = np.asarray(run_of)
    return np.stack([_mean(answers[places == run]) for run in range(int(places.max()) + 1)])


def hard(answers: np.ndarray, run_of: Sequence[int]) -> np.ndarray:
    """(n, classes): the share of the votes that each class got: each member has one, and runs count alike."""
    votes = np.zeros_like(answers)
    asked = ~np.isnan(answers[..., 0])
    np.put_along_axis(votes, np.nan_to_num(answers).argmax(axis=2)[..., None], 1.0, axis=2)
    votes[~asked] = np.nan
    return soft(votes, run_of)


def chosen(shares: np.ndarray, tie: np.ndarray | None = None) -> np.ndarray:
    """(n,) the class with the largest share; among equal ones that with the larger `tie`; -1 where there is NaN.

    shares, tie: (n, classes).
    """
    answered = ~np.isnan(shares).any(axis=1)
    best = np.isclose(shares, np.nan_to_num(shares).max(axis=1, keepdims=True), rtol=0, atol=1e-12)
    second = np.nan_to_num(shares if tie is None else tie)
    return np.where(answered, np.where(best, second, -1.0).argmax(axis=1), -1)


def agreeing(answers: np.ndarray, classes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(how many members answer so, how many were asked), (n,) int each. classes: (n,) the class of the answer."""
    asked = ~np.isnan(answers[..., 0])
    own = np.nan_to_num(answers).argmax(axis=2)
    return ((own == np.asarray(classes)[None]) & asked).sum(axis=0), asked.sum(axis=0)


def mutual_information(answers: np.ndarray) -> np.ndarray:
    """(n,) how far the members disagree about each photo, in bits: the entropy of their mean less their mean entropy.

    answers: (members, n, classes). 0 where they are one, at most log2(members). NaN where nobody was asked.
    Source: Lin 1991 (Jensen-Shannon divergence); Houlsby et al. 2011, Bayesian active learning by disagreement.
    """
    p = np.asarray(answers, dtype=float)
    return np.maximum(0.0, _entropy(_mean(p)) - _mean(_entropy(p)))


def _mean(values: np.ndarray) -> np.ndarray:
    """np.nanmean without its warning: a mean of nothing is NaN, as is said above."""
    total, asked = np.nansum(values, axis=0), (~np.isnan(values)).sum(axis=0)
    with np.errstate(invalid="ignore"):
        return np.divide(total, asked, out=total)


def _entropy(p: np.ndarray) -> np.ndarray:
    return -np.sum(p * np.log2(p, out=np.zeros_like(p), where=p > 0), axis=-1)
