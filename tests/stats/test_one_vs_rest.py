"""Curves and areas against scikit-learn; their intervals against people drawn anew."""

import math

import numpy as np
import pytest
from sklearn import metrics as sklearn_metrics

from core.stats import one_vs_rest
from tests.stats.drawn_answers import drawn


def scored(people=80, decimals=2, **settings):
    """Scores of class 0, many of them equal, whether it is it, and the person."""
    p, y, _, person = drawn(people=people, **settings)
    return p[:, 0].round(decimals), y == 0, person


def test_curves_are_scikit_learns():
    score, positive, _ = scored()
    others, hits = one_vs_rest.roc_curve(score, positive)
    fpr, tpr, _ = sklearn_metrics.roc_curve(positive, score, drop_intermediate=False)
    np.testing.assert_allclose(others, fpr)
    np.testing.assert_allclose(hits, tpr)
    recall, precision = one_vs_rest.precision_recall_curve(score, positive)
    of_sklearn = sklearn_metrics.precision_recall_curve(positive, score)
    np.testing.assert_allclose(precision, of_sklearn[0][-2::-1])
    np.testing.assert_allclose(recall, of_sklearn[1][-2::-1])


def test_areas_are_scikit_learns():
    score, positive, person = scored()
    assert one_vs_rest.auc(score, positive, person).mean == pytest.approx(
        sklearn_metrics.roc_auc_score(positive, score)
    )
    assert one_vs_rest.average_precision(score, positive, person).mean == pytest.approx(
        sklearn_metrics.average_precision_score(positive, score)
    )


@pytest.mark.parametrize("name", ["auc", "average_precision"])
def test_intervals_are_those_of_people_drawn_anew(name):
    score, positive, person = scored(people=150, decimals=3)
    interval = getattr(one_vs_rest, name)(score, positive, person)
    rng = np.random.default_rng(0)
    by_sklearn = {"auc": "roc_auc_score", "average_precision": "average_precision_score"}[name]
    areas = []
    for _ in range(150):
        rows = (rng.integers(0, 150, 150)[:, None] * 7 + np.arange(7)).ravel()
        areas.append(getattr(sklearn_metrics, by_sklearn)(positive[rows], score[rows]))
    low, high = np.quantile(areas, [0.025, 0.975])
    assert (interval.high - interval.low) / (high - low) == pytest.approx(1, abs=0.25)
    assert interval.low == pytest.approx(low, abs=0.03) and interval.high == pytest.approx(high, abs=0.03)
    single = getattr(one_vs_rest, name)(score, positive, np.arange(len(score)))
    assert single.high - single.low < 0.9 * (interval.high - interval.low)  # photos of one person are no people


def ends_of(area, variance):
    """95% of a logit."""
    middle, reach = math.log(area / (1 - area)), 1.959964 * math.sqrt(variance) / (area * (1 - area))
    return [1 / (1 + math.exp(-end)) for end in (middle - reach, middle + reach)]


def ahead(score, positive):
    """(of the class, others): 1 where the first has the higher score, a half where both have the same."""
    of_class, others = score[positive][:, None], score[~positive][None]
    return (of_class > others) + (of_class == others) / 2


def test_the_interval_of_an_area_is_delongs_where_each_photo_is_of_somebody_else():
    score, positive, _ = scored(people=6, decimals=1)
    wins = ahead(score, positive)
    variance = wins.mean(1).var(ddof=1) / len(wins) + wins.mean(0).var(ddof=1) / len(wins.T)
    interval = one_vs_rest.auc(score, positive, np.arange(len(score)))
    assert [interval.low, interval.high] == pytest.approx(ends_of(wins.mean(), variance), abs=1e-6)


def test_the_interval_of_an_area_over_people_is_obuchowskis():
    """As in the paper: sums over a person's photos, of the class and of all else, each with its number of people."""
    rng = np.random.default_rng(5)
    person, positive = np.repeat(np.arange(9), 4), rng.random(36) < 0.3
    positive[:8], positive[8:16] = True, False  # of two people all photos show the class, of two none
    score = (rng.random(36) + 0.4 * positive + 0.3 * rng.random(9)[person]).round(1)
    wins = ahead(score, positive)
    area, (of_class, others) = wins.mean(), wins.shape
    s10 = s01 = s11 = 0.0
    for one in range(9):
        ours, theirs = person[positive] == one, person[~positive] == one
        x = wins.mean(1)[ours].sum() - ours.sum() * area
        y = wins.mean(0)[theirs].sum() - theirs.sum() * area
        s10, s01, s11 = s10 + x * x, s01 + y * y, s11 + x * y
    with_class, with_others = len(set(person[positive])), len(set(person[~positive]))
    assert 1 < with_class < 9 and 1 < with_others < 9
    s10 *= with_class / (with_class - 1) / of_class
    s01 *= with_others / (with_others - 1) / others
    variance = s10 / of_class + s01 / others + 2 * 9 / 8 * s11 / (of_class * others)
    interval = one_vs_rest.auc(score, positive, person)
    assert [interval.low, interval.high] == pytest.approx(ends_of(area, variance), abs=1e-6)


@pytest.mark.parametrize("name", ["auc", "average_precision"])
def test_of_one_person_no_interval_is_told(name):
    """The photos of one say nothing about how others of the class, or others without it, would be answered."""
    person = np.repeat(np.arange(10), 4)
    score = np.random.default_rng(3).random(40)
    area = getattr(one_vs_rest, name)
    for alone in (person == 0, person != 0, (person == 0) & (np.arange(40) % 2 == 0)):
        interval = area(score, alone, person)
        assert 0 < interval.mean < 1 and not interval.known and interval.n == 10
    assert area(score, person < 2, person).known


def test_a_class_without_photos_alone_or_told_perfectly():
    person = np.arange(6)
    nothing = one_vs_rest.auc(np.linspace(0, 1, 6), np.zeros(6, bool), person)
    assert math.isnan(nothing.mean) and not nothing.known
    assert math.isnan(one_vs_rest.auc(np.linspace(0, 1, 6), np.ones(6, bool), person).mean)
    assert math.isnan(one_vs_rest.average_precision(np.linspace(0, 1, 6), np.zeros(6, bool), person).mean)
    perfect = one_vs_rest.auc(np.arange(6), np.arange(6) > 2, person)
    assert perfect.mean == 1 and not perfect.known
    constant = one_vs_rest.auc(np.full(6, 0.5), np.arange(6) > 2, person)
    assert constant.mean == 0.5 and not constant.known, "every draw of people gives it"
    with pytest.raises(ValueError, match="no photo"):
        one_vs_rest.roc_curve(np.arange(3), np.zeros(3, bool))
    with pytest.raises(ValueError, match="other classes"):
        one_vs_rest.roc_curve(np.arange(3), np.ones(3, bool))
    with pytest.raises(ValueError, match="no number"):
        one_vs_rest.roc_curve([np.nan, 1, 2], np.arange(3) > 1)
