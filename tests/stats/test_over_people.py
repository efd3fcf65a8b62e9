"""Intervals over people: against people drawn anew one by one, and the lab's other bootstrap."""

import numpy as np
import pytest
from sklearn.metrics import brier_score_loss, f1_score, log_loss, precision_recall_fscore_support

from core.stats import calibration, over_people, paired
from tests.stats.drawn_answers import drawn


def test_intervals_of_classes_are_those_of_people_drawn_one_by_one():
    p, y, _, person = drawn(people=80, photos=4)
    predicted = p.argmax(axis=1)
    of_classes = over_people.class_intervals(person, y, predicted, 4)
    f1, accuracy = paired.bootstrap_scores(person, y, predicted, 4)
    assert of_classes.accuracy.mean == pytest.approx(accuracy.mean) and of_classes.accuracy.n == 80
    assert of_classes.macro[2].mean == pytest.approx(f1.mean)
    assert (of_classes.accuracy.low, of_classes.accuracy.high) == pytest.approx((accuracy.low, accuracy.high), abs=0.02)
    rng, draws = np.random.default_rng(1), []
    for _ in range(200):
        rows = (rng.integers(0, 80, 80)[:, None] * 4 + np.arange(4)).ravel()
        scores = precision_recall_fscore_support(y[rows], predicted[rows], labels=range(4), zero_division=0)
        draws.append(np.stack(scores[:3]))
    low, high = np.quantile(draws, [0.025, 0.975], axis=0)
    for name, ends in zip(("precision", "recall", "f1"), zip(low, high, strict=True), strict=True):
        for interval, least, most in zip(getattr(of_classes, name), *ends, strict=True):
            assert interval.low == pytest.approx(least, abs=0.04) and interval.high == pytest.approx(most, abs=0.04)


def test_a_class_that_only_a_draw_lacks_does_not_pull_the_mean_of_all_below_what_was_reached():
    """One person a class: most draws lack classes, which no network could get right in them."""
    person = true = np.repeat(np.arange(8), 3)
    predicted = true.copy()
    predicted[0] = 1
    of_classes = over_people.class_intervals(person, true, predicted, 9)  # the ninth occurs nowhere
    for mean_of_all in of_classes.macro:
        assert mean_of_all.low <= mean_of_all.mean <= mean_of_all.high
    f1, _ = paired.bootstrap_scores(person, true, predicted, 9)
    ours = of_classes.macro[2]
    assert (ours.low, ours.mean, ours.high) == pytest.approx((f1.low, f1.mean, f1.high), abs=0.02)
    rng, draws = np.random.default_rng(1), []
    for _ in range(300):
        rows = (rng.integers(0, 8, 8)[:, None] * 3 + np.arange(3)).ravel()
        in_draw = np.union1d(true[rows], predicted[rows])
        draws.append(f1_score(true[rows], predicted[rows], labels=in_draw, average="macro") * 8 / 9)
    assert (ours.low, ours.high) == pytest.approx(tuple(np.quantile(draws, [0.025, 0.975])), abs=0.03)
    first, ninth = of_classes.f1[0], of_classes.f1[8]
    assert first.mean == pytest.approx(0.8) and not first.known  # 0.8 in every draw that holds its person
    assert ninth.mean == 0 and not ninth.known


def test_scores_of_probabilities_are_scikit_learns_and_their_intervals_grow_with_the_photos_of_a_person():
    p, y, _, person = drawn(people=80, photos=4)
    of_people = over_people.believable(person, p, y)
    assert of_people.brier.mean == pytest.approx(brier_score_loss(y, p, scale_by_half=False))
    assert of_people.likelihood.mean == pytest.approx(log_loss(y, p, labels=range(4)))
    assert of_people.error.mean == pytest.approx(calibration.top_reliability(p, y).error)
    assert of_people.gap.mean == pytest.approx(p.max(axis=1).mean() - (p.argmax(axis=1) == y).mean())
    for c, of_class in enumerate(of_people.class_errors):
        assert of_class.mean == pytest.approx(calibration.reliability(p[:, c], y == c).error)
    of_photos = over_people.believable(np.arange(len(y)), p, y)
    for name in ("brier", "likelihood", "gap"):
        wide, narrow = getattr(of_people, name), getattr(of_photos, name)
        assert wide.high - wide.low > 1.2 * (narrow.high - narrow.low)  # photos of one person are right together


def test_people_in_groups_have_the_intervals_of_people_alone(monkeypatch):
    p, y, _, person = drawn(people=600, photos=1)
    alone = over_people.class_intervals(person, y, p.argmax(axis=1), 4)
    monkeypatch.setattr(over_people, "GROUPS", 100)
    grouped = over_people.class_intervals(person, y, p.argmax(axis=1), 4)
    assert grouped.accuracy.n == 600 and grouped.accuracy.mean == alone.accuracy.mean
    widths = [[each.high - each.low for each in (*of.f1, *of.recall)] for of in (grouped, alone)]
    assert np.mean(widths[0]) == pytest.approx(np.mean(widths[1]), rel=0.1)


def test_the_interval_of_a_calibration_error_is_not_pushed_up_by_chance():
    """Calibrated answers: the plain percentile interval would lie above most of what other photos show."""
    rng = np.random.default_rng(0)
    errors, low = [], []
    for _ in range(40):
        p = rng.dirichlet([1, 1, 1], 150)
        y = (p.cumsum(axis=1) < rng.random(150)[:, None]).sum(axis=1)
        error = over_people.believable(np.arange(150), p, y, 200).error
        errors.append(error.mean)
        low.append(error.low)
    assert np.mean(np.array(low) <= 0.02) > 0.8  # the truth is 0; nearly every interval comes near it
    assert np.mean(errors) > 0.03  # though the error itself does not


def test_shares_of_kinds_and_of_all():
    person = np.array([0, 0, 1, 2, 2])
    *kinds, everything = over_people.shares(person, np.array([1, 0, 1, 1, 1]) > 0, np.array([0, 0, 0, 2, 2]), 3)
    assert [each.mean for each in kinds] == pytest.approx([2 / 3, np.nan, 1], nan_ok=True)
    assert everything.mean == 0.8 and not kinds[2].known
    with pytest.raises(ValueError, match="no samples"):
        over_people.shares(person[:0], person[:0] > 0, person[:0], 3)
