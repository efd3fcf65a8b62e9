"""Logistic regression on features, its regularisation chosen among the photos that it is fitted on: arrays in, log-
probabilities out. Imports no torch, and scikit-learn once something is fitted.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from core.stats.metrics import confusion, macro_f1

STRENGTHS = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)  # scikit-learn's C, from the strongest regularisation to the weakest
USUAL = 1e-2  # where nothing can be set aside to choose by
STEPS = 1000  # of lbfgs, after which a fit is taken as it is
LEAST = 1e-12  # a probability, of a class that no fitted photo shows too


@dataclass(frozen=True, eq=False)
class Probe:
    """log_probabilities: float64 (asked, classes). strength: the C that was chosen. converged: whether lbfgs ended by
    itself, in the last fit."""

    log_probabilities: np.ndarray
    strength: float
    converged: bool


def probe(
    features: np.ndarray,
    codes: np.ndarray,
    inner: np.ndarray,
    asked: np.ndarray,
    classes: int,
    *,
    balanced: bool = False,
    tick: Callable[[], object] = lambda: None,
) -> Probe:
    """Fit on (features, codes), and answer about `asked`.

    features: (n, width). codes: (n,) 0..classes-1. inner: (n,) a number of the part that each photo is in: each part in
    turn is held out to choose C by, so nobody may stand in two. asked: (m, width), which nothing is chosen by.
    balanced: classes weigh the same, however many photos each has. tick: called before each fit; what it raises ends
    all.
    Features are standardised by those that are fitted on. C has the highest mean macro F1 over the parts, over all
    classes; of several the one that regularises most.
    Source: scikit-learn's LogisticRegression (multinomial, lbfgs) and StandardScaler; as a probe of frozen features
    Kornblith, Shlens and Le 2019, Do better ImageNet models transfer better?
    """
    strength = _chosen(features, codes, inner, classes, balanced, tick)
    tick()
    log_probabilities, converged = _answered(features, codes, asked, classes, strength, balanced)
    return Probe(log_probabilities, strength, converged)


def _chosen(
    features: np.ndarray, codes: np.ndarray, inner: np.ndarray, classes: int, balanced: bool, tick: Callable
) -> float:
    parts = np.unique(inner)
    if len(parts) < 2:
        return USUAL
    scores = np.zeros(len(STRENGTHS))
    for part in parts:
        out = inner == part
        for place, strength in enumerate(STRENGTHS):
            tick()
            answers, _ = _answered(features[~out], codes[~out], features[out], classes, strength, balanced)
            scores[place] += macro_f1(confusion(codes[out], answers.argmax(axis=1), classes))
    return STRENGTHS[int(np.argmax(scores.round(12)))]


def fits(inner: np.ndarray) -> int:
    """How many fits `probe` makes, and calls tick before."""
    parts = len(np.unique(inner))
    return 1 + (parts * len(STRENGTHS) if parts > 1 else 0)


def _answered(
    features: np.ndarray, codes: np.ndarray, asked: np.ndarray, classes: int, strength: float, balanced: bool
) -> tuple[np.ndarray, bool]:
    from sklearn.exceptions import ConvergenceWarning
    from sklearn.linear_model import LogisticRegression
    from sklearn.preprocessing import StandardScaler

    log_probabilities = np.full((len(asked), classes), np.log(LEAST))
    seen = np.unique(codes)
    if len(seen) < 2:  # there is nothing to tell apart
        log_probabilities[:, seen] = 0.0
        return log_probabilities, True
    scaler = StandardScaler().fit(features)
    model = LogisticRegression(C=strength, max_iter=STEPS, class_weight="balanced" if balanced else None)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)  # it is told by `converged`
        model.fit(scaler.transform(features), codes)
    probabilities = model.predict_proba(scaler.transform(asked))
    log_probabilities[:, model.classes_] = np.log(np.clip(probabilities, LEAST, None))
    return log_probabilities, bool(np.max(model.n_iter_) < STEPS)
