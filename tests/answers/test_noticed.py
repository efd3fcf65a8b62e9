"""What the lab notices by itself: each finding where its rule says so, and nowhere else."""

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from core.answers import noticed
from core.answers.noticed import APART, FEWEST, GRUBBS, odd_fold, twins
from core.answers.outcome import Outcome
from core.data.pictures import alike
from core.stats.overfitting import Overfit

WEAK = Outcome("old", 0.0, 4, ("old",), None, 5, 24, 0)


def test_the_critical_values_are_those_of_grubbs():
    for folds, value in enumerate(GRUBBS, FEWEST):
        t = stats.t.isf(0.05 / (2 * folds), folds - 2)
        assert value == pytest.approx((folds - 1) / np.sqrt(folds) * np.sqrt(t**2 / (folds - 2 + t**2)), abs=6e-5)


def test_one_fold_is_odd_only_where_chance_and_smallness_are_out_of_the_question():
    assert odd_fold({0: 0.70, 1: 0.71, 2: 0.41, 3: 0.72, 4: 0.70}) == 2
    assert odd_fold({0: 0.70, 1: 0.71, 2: 0.99, 3: 0.72, 4: 0.70}) == 2, "one that is far better is as odd"
    assert odd_fold({0: 0.70, 1: 0.60, 2: 0.52, 3: 0.75, 4: 0.66}) is None, "a wide spread has no odd one"
    assert odd_fold({0: 0.700, 1: 0.701, 2: 0.670, 3: 0.702, 4: 0.700}) is None, f"closer than {APART}"
    assert odd_fold({0: 0.70, 1: 0.71, 2: 0.10}) is None and odd_fold({}) is None
    assert odd_fold(dict.fromkeys(range(5), 0.7)) is None


def test_equal_folds_are_seldom_called_odd():
    rng = np.random.default_rng(0)
    called = sum(odd_fold(dict(enumerate(rng.normal(0.6, 0.1, 5)))) is not None for _ in range(1000))
    assert called < 70


def test_each_finding_says_its_evidence():
    scores = {0: 0.70, 1: 0.71, 2: 0.41, 3: 0.72, 4: 0.70}
    never, overfits, odd = noticed.noticed(WEAK, Overfit(5, 0.4, 4, 5), scores, scores)
    assert never.title == "Never predicted" and never.classes == ("old",) and "no photo was taken for it" in never.words
    assert overfits.words == "from epoch 5 on: validation loss ends 40% above its lowest, in 4 of 5 folds"
    assert odd.fold == 2 and "fold 2 has F1 0.410, the others 0.700 to 0.720: more than" in odd.words
    assert noticed.noticed(None, None, {0: 0.7}, {}) == []


def test_a_fold_that_merely_lacks_a_class_is_not_odd():
    scores = {0: 0.70, 1: 0.71, 2: 0.47, 3: 0.72, 4: 0.70}
    assert noticed.noticed(None, None, scores, scores | {2: 0.705}) == []
    (odd,) = noticed.noticed(None, None, scores | {1: 0.47}, scores | {1: 0.71, 2: 0.48})
    assert "fold 2 has F1 0.480, the others 0.700 to 0.720 over the classes that each has photos of" in odd.words
    for recorded in ({}, {2: 0.705}):  # by an older lab, or of some folds
        (odd,) = noticed.noticed(None, None, scores, recorded)
        assert odd.fold == 2 and "fold 2 has F1 0.470, the others 0.700 to 0.720: more than" in odd.words


def test_photos_that_look_the_same_count_where_the_run_has_both_in_two_folds():
    samples = pd.DataFrame({"sample": list("abcd"), "fold": [0, 1, 0, 0]})
    pairs = pd.DataFrame({"sample_a": ["a", "a", "a"], "sample_b": ["b", "c", "elsewhere"]})
    assert twins(samples, pairs).words.startswith("1 pair of photos that look the same stands in two folds")
    assert twins(samples, pairs.iloc[1:]) is None
    full = pd.concat([pairs] * alike.MOST).iloc[: alike.MOST]  # as many as a search keeps
    number = int((full["sample_b"] == "b").sum())
    assert twins(samples, full).words.startswith(f"at least {number} pairs of photos that look the same stand in two")
