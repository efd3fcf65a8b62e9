"""The gap of a group's accuracy, against statsmodels' cluster-robust regression and on drawn people."""

import numpy as np
import pytest
import statsmodels.api as sm
from scipy import stats

from core.stats.clustered import accuracy_gap


def drawn(rng, people=60, skill_inside=0.7, skill_outside=0.7):
    """(person, right, inside): one to five photos each, all of a person right or wrong in half of the cases."""
    person = np.repeat(np.arange(people), rng.integers(1, 6, people))
    inside = (person % 3 == 0) ^ (rng.random(len(person)) < 0.05)
    skill = np.where(inside, skill_inside, skill_outside)
    alike = rng.random(people)[person]
    chance = np.where((rng.random(people) < 0.5)[person], alike, rng.random(len(person)))
    return person, chance < skill, inside


def test_the_gap_and_its_error_equal_statsmodels_cluster_robust_regression():
    person, right, inside = drawn(np.random.default_rng(0))
    ours = accuracy_gap(person, right, inside)
    fit = sm.OLS(right.astype(float), sm.add_constant(inside.astype(float))).fit(
        cov_type="cluster", cov_kwds={"groups": person}
    )
    n = len(person)
    error = fit.bse[1] / np.sqrt((n - 1) / (n - 2))  # its factor for small samples, of which we take that of people
    assert ours.mean == pytest.approx(fit.params[1])
    inside_people = len(np.unique(person[inside]))
    half = stats.t.ppf(0.975, min(inside_people, len(np.unique(person[~inside]))) - 1) * error
    assert (ours.low, ours.high) == pytest.approx((ours.mean - half, ours.mean + half))
    assert ours.n == inside_people


def test_groups_without_a_difference_are_called_one_in_a_twentieth_of_cases_and_a_real_one_is_found():
    rng = np.random.default_rng(1)
    false_alarms = np.mean([accuracy_gap(*drawn(rng)).p < 0.05 for _ in range(600)])
    assert 0.02 < false_alarms < 0.08
    assert np.mean([accuracy_gap(*drawn(rng, 200, 0.5, 0.8)).p < 0.05 for _ in range(60)]) > 0.9


def test_people_of_whom_all_are_right_or_wrong_are_not_called_better_or_worse_by_that_alone():
    rng = np.random.default_rng(2)
    for people, of_all, skill in ((5, 400, 0.95), (10, 400, 0.95), (10, 400, 0.4), (42, 2000, 0.95), (60, 2000, 0.95)):
        person = np.arange(of_all)
        p = np.array([accuracy_gap(person, rng.random(of_all) < skill, person < people).p for _ in range(400)])
        assert (p < 0.05).mean() < 0.08 and (p < 0.005).mean() < 0.015, f"{people} people, {skill:.0%} right"
    person = np.arange(400)
    most_right = person >= 20  # and those inside all right, or all wrong
    few = accuracy_gap(person, most_right | (person < 5), person < 5)
    assert few.low < 0 < few.high and few.p > 0.5
    assert accuracy_gap(person, most_right, person < 20).p < 1e-6
    mixed = accuracy_gap(person, (person < 20) | (person % 2 == 0), person < 20)
    half = stats.t.ppf(0.975, 19) * np.sqrt(0.525 * 0.475 / 20 + 400 / 399 * 0.25 / 380)
    assert (mixed.low, mixed.high) == pytest.approx((0.5 - half, 0.5 + half)), "of one side the pooled variance"


def test_one_person_has_no_interval_and_where_all_are_right_there_is_no_difference():
    person = np.array([0, 0, 1, 2, 3])
    assert not accuracy_gap(person, np.array([1, 0, 1, 0, 1], bool), person == 0).known
    nothing = accuracy_gap(person, np.ones(5, bool), person < 2)
    assert nothing.mean == 0 and nothing.low < 0 < nothing.high and nothing.p == 1
    with pytest.raises(ValueError, match="one side"):
        accuracy_gap(person, np.ones(5, bool), person < 9)
