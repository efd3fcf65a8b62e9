"""A logistic regression on features: held against scikit-learn put together by hand, and what it must not look at."""

import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.model_selection import LeaveOneGroupOut
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from core.stats import linear_probe
from core.stats.linear_probe import LEAST, STRENGTHS, USUAL, fits, probe


def drawn(n=60, width=12, classes=3, seed=0):
    rng = np.random.default_rng(seed)
    codes = np.arange(n) % classes
    features = rng.normal(0, 1, (n, width)) * np.linspace(0.1, 30, width)
    features[:, 0] += 0.15 * codes
    return features, codes, rng.integers(0, 3, n), rng.normal(0, 1, (20, width)) * np.linspace(0.1, 30, width)


def pipeline(strength, balanced):
    weight = "balanced" if balanced else None
    return make_pipeline(StandardScaler(), LogisticRegression(C=strength, class_weight=weight, max_iter=5000))


@pytest.mark.parametrize("balanced", [False, True])
def test_it_is_scikit_learns_with_the_strength_of_the_best_f1_among_its_own_photos(balanced):
    features, codes, inner, asked = drawn()
    codes = np.where(np.arange(60) < 30, 0, codes)  # one class is common
    means = []
    for strength in STRENGTHS:
        of_parts = []
        for train, out in LeaveOneGroupOut().split(features, codes, inner):
            answers = pipeline(strength, balanced).fit(features[train], codes[train]).predict(features[out])
            of_parts.append(f1_score(codes[out], answers, labels=range(3), average="macro", zero_division=0))
        means.append(np.mean(of_parts))
    assert np.ptp(means) > 0.02, "else any choice would do"
    calls = []
    answered = probe(features, codes, inner, asked, 3, balanced=balanced, tick=lambda: calls.append(1))
    assert answered.strength == STRENGTHS[int(np.argmax(means))] and answered.converged
    expected = pipeline(answered.strength, balanced).fit(features, codes).predict_proba(asked)
    assert np.abs(np.exp(answered.log_probabilities) - expected).max() < 1e-6
    assert len(calls) == fits(inner) == 16


def test_what_is_asked_chooses_nothing_and_one_part_leaves_the_usual_strength():
    features, codes, inner, asked = drawn()
    alone = probe(features, codes, np.zeros(60, int), asked, 3)
    assert alone.strength == USUAL and fits(np.zeros(60, int)) == 1
    first, other = (probe(features, codes, inner, each, 3) for each in (asked, -100 * asked))
    assert first.strength == other.strength
    of_one = probe(features, codes, inner, asked[:1], 3)
    assert np.allclose(of_one.log_probabilities, first.log_probabilities[:1])


def test_a_class_without_a_photo_is_never_answered_and_one_class_is_always():
    features, codes, inner, asked = drawn()
    answered = probe(features, 2 * (codes > 0), inner, asked, 3)
    assert np.allclose(answered.log_probabilities[:, 1], np.log(LEAST))
    only = probe(features, np.full(60, 2), inner, asked, 3)
    assert (only.log_probabilities.argmax(1) == 2).all() and np.allclose(np.exp(only.log_probabilities).sum(1), 1)
    nobody = probe(features[:0], codes[:0], inner[:0], asked, 2)
    assert np.ptp(nobody.log_probabilities) == 0


def test_a_fit_that_was_cut_off_says_so(monkeypatch):
    features, codes, inner, asked = drawn()
    monkeypatch.setattr(linear_probe, "STEPS", 2)
    assert not probe(features, codes, inner, asked, 3).converged
