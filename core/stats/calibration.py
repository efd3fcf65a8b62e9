"""How far probabilities can be believed: Brier score, likelihood, reliability, temperature. No torch, no scipy.

Probabilities are (n, classes), rows that sum to 1; labels are (n,) class indices. `metrics.checked` refuses others.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.stats.metrics import checked

BINS = 15  # at most, of a reliability diagram
IN_A_BIN = 25  # photos; fewer tell too little about how often a network is right
LIMITS = (0.05, 20.0)  # of a temperature; where all answers are right, the likeliest one would be 0
SMALLEST = float(np.finfo(float).eps)  # a probability is taken for no less in a likelihood, as by scikit-learn


def brier_terms(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """Squared distance from the truth, photo by photo, (n,), 0..2; their mean is the Brier score of all classes.

    Source: Brier 1950; scikit-learn's brier_score_loss(scale_by_half=False) is the mean.
    """
    p, y = checked(probabilities, labels)
    return np.square(p).sum(axis=1) - 2 * p[np.arange(len(y)), y] + 1


def nll_terms(probabilities: np.ndarray, labels: np.ndarray) -> np.ndarray:
    """-log of the true class's probability, in nats, (n,); their mean is the negative log-likelihood.

    A probability below SMALLEST counts as SMALLEST, as in scikit-learn's log_loss.
    """
    p, y = checked(probabilities, labels)
    return -np.log(np.clip(p[np.arange(len(y)), y], SMALLEST, 1.0))


@dataclass(frozen=True, eq=False)
class Reliability:
    """What was promised and what came, in bins of (nearly) equal numbers of photos; empty bins are left out.

    count: (bins,) photos. promised: (bins,) mean probability. came: (bins,) share in which it was so. place: (n,) the
    bin of each photo. Equal probabilities share a bin, so that there can be fewer bins than were asked for.
    """

    count: np.ndarray
    promised: np.ndarray
    came: np.ndarray
    place: np.ndarray

    @property
    def error(self) -> float:
        """Expected calibration error: mean distance of promise and truth over photos, 0..1.

        Source: Naeini, Cooper & Hauskrecht 2015; with bins of equal numbers Nixon et al. 2019 (adaptive).
        """
        return float(self.count @ np.abs(self.promised - self.came) / self.count.sum())


def bins_for(photos: int) -> int:
    """How many bins so many photos carry: IN_A_BIN in each, at least 1, at most BINS."""
    return int(np.clip(photos // IN_A_BIN, 1, BINS))


def reliability(promised: np.ndarray, came: np.ndarray, bins: int | None = None) -> Reliability:
    """promised: (n,) probabilities of an event. came: (n,) bool, whether it was so. bins: bins_for(n) without.

    Of the likeliest class it is the reliability of the answers, of one class's probability that of this class.
    Raises ValueError without photos, and for probabilities that are no numbers of 0..1.
    Source: Niculescu-Mizil & Caruana 2005; scikit-learn's calibration_curve(strategy="quantile") gives the same bins.
    """
    p, hits = np.asarray(promised, dtype=float), np.asarray(came, dtype=float)
    if p.shape != hits.shape or p.ndim != 1 or not len(p):
        raise ValueError(f"reliability needs photos, and one truth a probability; got {p.shape} and {hits.shape}")
    if not (np.isfinite(p).all() and p.min() >= 0 and p.max() <= 1 + 1e-6):
        raise ValueError("a probability is not a number of 0..1")
    edges = np.quantile(p, np.linspace(0, 1, (bins or bins_for(len(p))) + 1))[1:-1]
    _, place = np.unique(np.searchsorted(edges, p), return_inverse=True)
    count = np.bincount(place)
    return Reliability(count, np.bincount(place, p) / count, np.bincount(place, hits) / count, place)


def top_reliability(probabilities: np.ndarray, labels: np.ndarray, bins: int | None = None) -> Reliability:
    """Reliability of the answers: the likeliest class's probability, and whether it was right."""
    p, y = checked(probabilities, labels)
    return reliability(p.max(axis=1), p.argmax(axis=1) == y, bins)


def with_temperature(probabilities: np.ndarray, temperature: float) -> np.ndarray:
    """The same answers, softer above 1 and sharper below: softmax(logits / temperature), (..., classes) float64.

    Logits are known from probabilities up to a constant that a softmax does not see, so that this is what the division
    of the network's logits gives. The order of the classes stays. Raises ValueError unless temperature > 0.
    """
    if not temperature > 0:
        raise ValueError(f"a temperature is above 0, not {temperature}")
    scaled = _logits(probabilities) / temperature
    shares = np.exp(scaled - scaled.max(axis=-1, keepdims=True))
    return shares / shares.sum(axis=-1, keepdims=True)


def _logits(probabilities: np.ndarray) -> np.ndarray:
    return np.log(np.clip(np.asarray(probabilities, dtype=float), np.finfo(float).tiny, None))


def fit_temperature(probabilities: np.ndarray, labels: np.ndarray) -> float:
    """The temperature under which the labels are likeliest, within LIMITS; `at_limit` tells where it ended there.

    1.0 where answers tell nothing (all classes alike). The likelihood is concave in 1 / temperature, so that Newton's
    steps between two bounds end at its one maximum. Raises ValueError without photos.
    Source: Guo, Pleiss, Sun & Weinberger 2017, On calibration of modern neural networks.
    """
    p, y = checked(probabilities, labels)
    if not len(y):
        raise ValueError("a temperature needs photos")
    z = _logits(p)
    z = z - z.max(axis=1, keepdims=True)
    own = z[np.arange(len(y)), y]

    def slope(sharpness: float) -> tuple[float, float]:
        """First and second derivative of the mean negative log-likelihood by 1 / temperature."""
        shares = np.exp(sharpness * z)
        shares /= shares.sum(axis=1, keepdims=True)
        mean = np.einsum("nc,nc->n", shares, z)
        return float((mean - own).mean()), float((np.einsum("nc,nc,nc->n", shares, z, z) - mean**2).mean())

    low, high = 1 / LIMITS[1], 1 / LIMITS[0]
    if not z.any():
        return 1.0
    if slope(high)[0] <= 0:
        return LIMITS[0]
    if slope(low)[0] >= 0:
        return LIMITS[1]
    sharpness = 1.0
    for _ in range(100):
        first, second = slope(sharpness)
        if first == 0:
            break
        low, high = (low, sharpness) if first > 0 else (sharpness, high)
        step = sharpness - first / second if second > 0 else np.inf
        if not low < step < high:
            step = float(np.sqrt(low * high))
        if abs(step - sharpness) <= 1e-9 * sharpness:
            break
        sharpness = step
    return 1 / sharpness


def at_limit(temperature: float) -> bool:
    """Whether no temperature within LIMITS was best: all answers were right, or the surest were wrong."""
    return not LIMITS[0] * 1.001 < temperature < LIMITS[1] / 1.001


def temperature_of_folds(probabilities: np.ndarray, labels: np.ndarray, fold: np.ndarray) -> dict[int, float]:
    """fold -> the temperature of its network, fitted on what it answered about the people whom it held out.

    fold: (n,) the fold that answered. It is what a fold's network is to be used with. Scores of answers under the
    temperature that was fitted on themselves flatter: `cross_fitted` is for telling.
    """
    p, y = checked(probabilities, labels)
    return {int(k): fit_temperature(p[fold == k], y[fold == k]) for k in np.unique(fold)}


def cross_fitted(
    probabilities: np.ndarray, labels: np.ndarray, fold: np.ndarray
) -> tuple[np.ndarray, dict[int, float]]:
    """(answers under a temperature that their own labels had no part in, fold -> that temperature).

    A fold's answers get the temperature that was fitted on those of all other folds, so that scores of them do not
    flatter. Raises ValueError for a single fold.
    """
    p, y = checked(probabilities, labels)
    folds = np.unique(fold)
    if len(folds) < 2:
        raise ValueError("a temperature from the other folds needs two folds")
    scaled, temperatures = np.empty_like(p), {}
    for k in folds:
        own = fold == k
        temperatures[int(k)] = fit_temperature(p[~own], y[~own])
        scaled[own] = with_temperature(p[own], temperatures[int(k)])
    return scaled, temperatures


def pooled(probabilities: np.ndarray, weights: Sequence[float] | None = None) -> np.ndarray:
    """Mean answer of several networks, (networks, n, classes) -> (n, classes); weights: one a network, equal without.

    The mean of networks that are each calibrated is under-confident: pool first, then fit the temperature on the mean.
    Source: Rahaman & Thiery 2021, Uncertainty quantification and deep ensembles; Wu & Gales 2021.
    """
    p = np.asarray(probabilities, dtype=float)
    shares = np.full(len(p), 1 / len(p)) if weights is None else np.asarray(weights, dtype=float)
    return np.tensordot(shares / shares.sum(), p, axes=1)
