"""How right a network is where it is sure, by hand, and that a promise is kept."""

import numpy as np
import pytest

from core.stats import selective
from tests.stats.drawn_answers import drawn


def test_risk_and_coverage_by_hand_and_photos_of_one_confidence_together():
    curve = selective.risk_coverage([0.9, 0.5, 0.7, 0.7], [True, False, False, True])
    assert curve.threshold.tolist() == [0.9, 0.7, 0.5]
    assert curve.coverage.tolist() == [0.25, 0.75, 1.0]
    np.testing.assert_allclose(curve.risk, [0, 1 / 3, 0.5])
    assert curve.area == pytest.approx(np.mean([0, 0.25, 1 / 3, 0.5]))  # the two at 0.7 in their mean order


def test_the_area_is_the_mean_over_all_orders_of_equal_confidences():
    rng = np.random.default_rng(0)
    sure, right = rng.integers(0, 5, 60) / 5, rng.random(60) < 0.6
    areas = []
    for _ in range(4000):
        order = np.lexsort((rng.random(60), -sure))
        areas.append((np.cumsum(~right[order]) / np.arange(1, 61)).mean())
    assert selective.risk_coverage(sure, right).area == pytest.approx(np.mean(areas), abs=4 * np.std(areas) / 4000**0.5)


def test_constant_confidences_and_answers_all_right():
    curve = selective.risk_coverage(np.full(8, 0.5), np.arange(8) % 2 == 0)
    assert curve.coverage.tolist() == [1] and curve.risk.tolist() == [0.5] and curve.area == 0.5
    assert selective.risk_coverage(np.linspace(0, 1, 9), np.ones(9, bool)).area == 0


def test_a_promise_needs_people_not_photos():
    """59 people without a mistake show 95 %; 7 photos each of 20 people do not."""
    assert selective.promise(np.full(20 * 7, 0.9), np.ones(140, bool), np.repeat(np.arange(20), 7), 0.95) is None
    alone = selective.promise(np.linspace(0.8, 1, 300), np.ones(300, bool), np.arange(300), 0.95)
    assert alone.coverage == 1 and alone.observed == 1 and alone.people == 300 and alone.threshold == 0.8
    wrong = selective.promise(np.linspace(0, 1, 300), np.zeros(300, bool), np.arange(300), 0.5)
    assert wrong is None


@pytest.mark.parametrize("photos", [1, 7])
def test_promises_are_broken_less_often_than_they_may_be(photos):
    """Studies of 300 people: the true accuracy above the threshold falls below the wanted one in at most 5 %."""
    big = drawn(people=6000, photos=photos, sure=2.5, seed=99)
    truly, right = big[0].max(axis=1), big[0].argmax(axis=1) == big[1]
    made, broken = 0, 0
    for seed in range(80):
        p, y, _, person = drawn(people=300, photos=photos, sure=2.5, seed=seed)
        made_promise = selective.promise(p.max(axis=1), p.argmax(axis=1) == y, person, 0.85, seed=seed)
        if made_promise is not None:
            made += 1
            broken += right[truly >= made_promise.threshold].mean() < 0.85
            above = p.max(axis=1) >= made_promise.threshold
            assert made_promise.coverage == pytest.approx(above.mean())
    assert made >= 70
    assert broken <= 0.05 * 80


def test_what_cannot_be_judged_is_refused():
    for sure, right, words in (([], [], "there are none"), ([0.5, np.nan], [True, True], "no number")):
        with pytest.raises(ValueError, match=words):
            selective.risk_coverage(sure, right)
    with pytest.raises(ValueError, match="do not fit"):
        selective.risk_coverage([0.5, 0.6], [True])
    with pytest.raises(ValueError, match="between 0 and 1"):
        selective.promise([0.5], [True], [0], 1.0)
