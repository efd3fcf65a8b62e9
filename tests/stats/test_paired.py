"""Statistics against published numbers, scipy, statsmodels, scikit-learn and plain loops."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn.datasets import make_moons
from sklearn.metrics import accuracy_score, f1_score
from sklearn.model_selection import RepeatedStratifiedKFold, cross_val_score
from sklearn.svm import SVC
from statsmodels.stats import multitest
from statsmodels.stats.contingency_tables import mcnemar as their_mcnemar

from bench import coverage
from core.stats.paired import (
    BETTER,
    SAME,
    UNDECIDED,
    WORSE,
    Interval,
    bootstrap_f1_difference,
    bootstrap_scores,
    corrected_paired_interval,
    decide,
    f1_of_parts,
    f1_parts,
    fold_note,
    holm,
    mcnemar,
    people_mcnemar,
    sentence,
    signed,
)


def test_corrected_t_gives_scikit_learns_published_numbers():
    """Its example "Statistical comparison of models using grid search", RBF against linear kernel in 10 x 10 folds.

    Published there: t 2.611 and p 0.005 without the correction; t 0.750 and p 0.227 with it; both p one-sided.
    """
    x, y = make_moons(noise=0.352, random_state=1, n_samples=100)
    folds = RepeatedStratifiedKFold(n_splits=10, n_repeats=10, random_state=0)
    a, b = (cross_val_score(SVC(kernel=k), x, y, scoring="roc_auc", cv=folds) for k in ("rbf", "linear"))
    assert stats.ttest_rel(a, b).statistic == pytest.approx(2.611, abs=5e-4)
    ours = corrected_paired_interval(a, b, test_fraction=1 / 9)
    assert ours.p / 2 == pytest.approx(0.227, abs=5e-4)
    t = ours.mean * stats.t.ppf(0.975, 99) / (ours.high - ours.mean)
    assert t == pytest.approx(0.750, abs=5e-4)


def test_corrected_interval_is_the_published_formula_worked_out_by_hand():
    """mean ± t sqrt(s² (1/k + n_test / n_train)) for ten folds, s² and t from tables."""
    ten = np.array([0.02, 0.01, 0.03, 0.04, 0.00, 0.02, 0.03, 0.01, 0.02, 0.03])
    ours = corrected_paired_interval(0.7 + ten, np.full(10, 0.7), test_fraction=1 / 9)
    s2 = (0.0057 - 10 * 0.021**2) / 9  # the squares of the ten sum to 0.0057
    reach = 2.262157 * math.sqrt(s2 * (1 / 10 + 1 / 9))  # t, 9 degrees of freedom, 97.5 %
    assert ours.mean == pytest.approx(0.021) and ours.n == 10
    assert (ours.low, ours.high) == pytest.approx((0.021 - reach, 0.021 + reach), abs=1e-8)


def test_without_shared_training_data_it_is_the_ordinary_paired_t_of_scipy():
    rng = np.random.default_rng(1)
    a, b = rng.normal(0.7, 0.02, 8), rng.normal(0.69, 0.02, 8)
    theirs = stats.ttest_rel(a, b)
    ours = corrected_paired_interval(a, b, test_fraction=1e-15)
    assert ours.p == pytest.approx(theirs.pvalue)
    low, high = theirs.confidence_interval(0.95)
    assert (ours.low, ours.high) == pytest.approx((low, high))


def test_the_correction_widens_scipys_interval_by_the_root_of_one_plus_k_times_the_fraction():
    a, b = np.array([0.71, 0.74, 0.69, 0.73, 0.72]), np.array([0.70, 0.71, 0.70, 0.70, 0.71])
    low, high = stats.ttest_rel(a, b).confidence_interval(0.9)
    ours = corrected_paired_interval(a, b, test_fraction=0.25, level=0.9)
    assert ours.high - ours.low == pytest.approx((high - low) * math.sqrt(1 + 5 * 0.25))


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.floats(0, 1), st.floats(0, 1)), min_size=2, max_size=12), st.floats(0.05, 1))
def test_swapping_two_runs_turns_the_interval_round(scores, fraction):
    a, b = np.array(scores).T
    forward, swapped = (corrected_paired_interval(x, y, test_fraction=fraction) for x, y in ((a, b), (b, a)))
    assert forward.mean == pytest.approx(-swapped.mean)
    if forward.known:
        assert (forward.low, forward.high, forward.p) == pytest.approx((-swapped.high, -swapped.low, swapped.p))
        assert forward.low <= forward.mean <= forward.high


def test_one_fold_and_folds_without_spread_have_no_interval():
    assert not corrected_paired_interval(np.array([0.8]), np.array([0.7]), test_fraction=0.25).known
    flat = corrected_paired_interval(np.array([0.8, 0.7]), np.array([0.7, 0.6]), test_fraction=0.5)
    assert flat.mean == pytest.approx(0.1) and not flat.known and decide(flat, flat.p, 0.0) == UNDECIDED
    equal = corrected_paired_interval(np.array([0.8, 0.7]), np.array([0.8, 0.7]), test_fraction=0.5)
    assert (equal.low, equal.high, equal.p) == (0, 0, 1) and decide(equal, 1.0, 0.01) == SAME


@pytest.mark.parametrize(
    ("a", "b", "fraction"), [([], [], 0.25), ([0.1], [0.1, 0.2], 0.25), ([math.nan, 1], [1, 1], 0.25), ([1], [1], 0)]
)
def test_scores_that_are_no_pairs_are_refused(a, b, fraction):
    with pytest.raises(ValueError):
        corrected_paired_interval(np.array(a), np.array(b), test_fraction=fraction)


def photographed(people=60, photos=4, classes=4, seed=0, skill=(0.8, 0.7)):
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(people), photos)
    true = np.repeat(rng.integers(0, classes, people), photos)
    answers = [np.where(rng.random(len(true)) < s, true, rng.integers(0, classes, len(true))) for s in skill]
    return person, true, *answers, classes


def test_f1_from_the_parts_of_people_is_scikit_learns():
    person, true, a, _, classes = photographed()
    ours = f1_of_parts(f1_parts(person, true, a, classes + 1).sum(axis=0))  # one class never occurs
    theirs = f1_score(true, a, labels=range(classes + 1), average="macro", zero_division=0)
    assert ours == pytest.approx(theirs)


def plain_f1(true, predicted, classes):
    """scikit-learn's macro F1 over all classes, in a hundredth of its time."""
    hits = np.bincount(true[true == predicted], minlength=classes)
    named = np.bincount(true, minlength=classes) + np.bincount(predicted, minlength=classes)
    return (2 * hits / named.clip(1)).mean()


def test_bootstrap_over_people_agrees_with_scipys_on_scikit_learns_f1():
    person, true, a, b, classes = photographed(people=40)
    rows = [np.flatnonzero(person == p) for p in range(40)]

    def statistic(drawn, f1=plain_f1):
        at = np.concatenate([rows[int(p)] for p in drawn])
        return f1(true[at], a[at], classes) - f1(true[at], b[at], classes)

    def theirs_of(true, predicted, classes):
        return f1_score(true, predicted, labels=range(classes), average="macro", zero_division=0)

    for drawn in (range(40), [0, 1], *np.random.default_rng(4).integers(0, 40, (5, 40))):
        assert statistic(drawn) == pytest.approx(statistic(drawn, theirs_of))
    theirs = stats.bootstrap(
        (np.arange(40),),
        statistic,
        n_resamples=800,
        vectorized=False,
        method="percentile",
        rng=np.random.default_rng(3),
    )
    ours = bootstrap_f1_difference(person, true, a, b, classes, resamples=6000)
    assert ours.mean == pytest.approx(statistic(range(40), theirs_of))
    width = ours.high - ours.low
    assert ours.low == pytest.approx(theirs.confidence_interval.low, abs=0.12 * width)
    assert ours.high == pytest.approx(theirs.confidence_interval.high, abs=0.12 * width)


def test_bootstrap_draws_all_photos_of_a_person_together():
    """Seven copies of each photo tell no more than one: an interval over photos would shrink by the root of seven."""
    person, true, a, b, classes = photographed(people=200, photos=1)
    once = bootstrap_f1_difference(person, true, a, b, classes)
    seven = bootstrap_f1_difference(*(np.repeat(x, 7) for x in (person, true, a, b)), classes)
    assert (once.low, once.high) == pytest.approx((seven.low, seven.high))
    assert once.n == seven.n == 200


def test_bootstrap_in_chunks_equals_one_piece_and_its_memory_is_bounded(monkeypatch):
    data = photographed()
    whole = bootstrap_f1_difference(*data, resamples=500)
    monkeypatch.setattr("core.stats.paired.CHUNK", 60 * 7)
    assert bootstrap_f1_difference(*data, resamples=500) == whole


def test_bootstrap_without_photos_is_refused():
    nothing = np.empty(0, dtype=int)
    with pytest.raises(ValueError):
        bootstrap_f1_difference(nothing, nothing, nothing, nothing, 2)


def test_one_person_has_a_difference_but_neither_an_interval_nor_a_p():
    """Each draw is that person again, which tells nothing about others."""
    person, true = np.zeros(6, dtype=int), np.arange(6) % 3
    wrong = np.where(np.arange(6) < 2, (true + 1) % 3, true)
    gap = bootstrap_f1_difference(person, true, true, wrong, 3)
    assert gap.mean > 0.1 and gap.n == 1 and not gap.known and math.isnan(gap.p)
    assert decide(gap, gap.p, 0.0) == UNDECIDED
    same = bootstrap_f1_difference(person, true, wrong, wrong, 3)
    assert (same.mean, same.low, same.high, same.p) == (0, 0, 0, 1)


@pytest.mark.parametrize(("b", "c"), [(0, 0), (1, 0), (5, 5), (3, 12), (41, 22)])
def test_mcnemar_is_statsmodels(b, c):
    right_a = np.array([True] * b + [False] * c + [True] * 7 + [False] * 3)
    right_b = np.array([False] * b + [True] * c + [True] * 7 + [False] * 3)
    ours = mcnemar(right_a, right_b)
    assert (ours.only_a, ours.only_b) == (b, c)
    assert ours.exact == pytest.approx(their_mcnemar([[7, b], [c, 3]], exact=True).pvalue if b + c else 1.0)
    # Fagerlund et al. 2013: the exact p less the probability of what was seen; never above 1
    mid = 2 * stats.binom.cdf(min(b, c), b + c, 0.5) - stats.binom.pmf(b, b + c, 0.5)
    assert ours.mid_p == pytest.approx(min(1, mid))


def test_mid_p_of_fagerlunds_published_example():
    """Bentur et al. 2009, as analysed by Fagerlund et al. 2013, table 3: b = 1, c = 7 gives 0.0703 and 0.0391."""
    ours = mcnemar(np.array([True] + [False] * 7), np.array([False] + [True] * 7))
    assert ours.exact == pytest.approx(0.0703, abs=5e-5) and ours.mid_p == pytest.approx(0.0391, abs=5e-5)


def test_people_are_counted_once_however_many_photos_they_have():
    person = np.array([0] * 7 + [1] * 7 + [2])
    by_person = people_mcnemar(person, np.array([True] * 14 + [False]), np.array([False] * 7 + [True] * 7 + [True]))
    assert (by_person.only_a, by_person.only_b) == (1, 1)


def multipletests(p, monkeypatch):
    """statsmodels' own, which looks for garbage in all of the process each time that it is called."""
    with monkeypatch.context() as patch:
        patch.setattr("gc.collect", lambda: 0)
        return multitest.multipletests(p, method="holm")[1]


def test_holm_is_statsmodels(monkeypatch):
    rng = np.random.default_rng(0)
    for p in ([0.5], [0.01, 0.01, 0.04], rng.random(7), rng.random(12) ** 4):
        assert holm(p) == pytest.approx(multipletests(p, monkeypatch))


def test_holm_over_a_family_of_which_few_were_tested_is_statsmodels_with_ones_for_the_others(monkeypatch):
    rng = np.random.default_rng(0)
    for runs in (2, 3, 5, 12):
        family = math.comb(runs, 2)
        p = rng.random(runs - 1) ** 4
        whole = [*p, *[1.0] * (family - len(p))]
        assert holm(p, family) == pytest.approx(multipletests(whole, monkeypatch)[: len(p)])
    assert holm([0.02, math.nan, 0.01], 6) == pytest.approx([0.1, math.nan, 0.06], nan_ok=True)


def test_holm_leaves_out_what_was_not_tested():
    assert holm([0.02, math.nan, 0.01]) == pytest.approx([0.02, math.nan, 0.02], nan_ok=True)


def interval(mean, reach, p=0.5, n=5):
    return Interval(mean, mean - reach, mean + reach, p, n)


@pytest.mark.parametrize(
    ("mean", "reach", "p", "verdict"),
    [
        (0.030, 0.010, 0.01, BETTER),
        (-0.030, 0.010, 0.01, WORSE),
        (0.030, 0.010, 0.06, UNDECIDED),  # excludes 0 alone, not after the correction
        (0.008, 0.001, 0.001, SAME),  # surely above 0, and surely less than what counts
        (0.008, 0.005, 0.01, UNDECIDED),  # above 0, but its mean lies within the region
        (0.001, 0.030, 0.90, UNDECIDED),
        (0.001, 0.005, 0.90, SAME),
    ],
)
def test_a_side_is_taken_only_outside_zero_and_outside_the_region(mean, reach, p, verdict):
    assert decide(interval(mean, reach, p), p, 0.01) == verdict


def test_the_sentence_is_the_issues():
    undecided = Interval(0.004, -0.011, 0.019, 0.5, 5)
    assert sentence("ResNet-101", "ResNet-18", undecided, UNDECIDED, within=0.01, cost_ratio=3.1) == (
        "ResNet-101 is not shown to be better than ResNet-18 (F1 +0.4 points, 95% interval -1.1 to +1.9, "
        "5 shared folds) and costs 3.1 times as much per image."
    )


def test_other_sentences():
    better = interval(0.05, 0.02, 0.001)
    assert sentence("A", "B", better, BETTER, within=0.01, comparisons=3) == (
        "A is better than B (F1 +5.0 points, 95% interval +3.0 to +7.0, 5 shared folds, corrected for 3 comparisons)."
    )
    one = corrected_paired_interval(np.array([0.5]), np.array([0.6]), test_fraction=1)
    assert sentence("A", "B", one, UNDECIDED, within=0.01, cost_ratio=1.0) == (
        "A is not shown to be worse than B (F1 -10.0 points, no interval, 1 shared fold) and costs the same per image."
    )
    assert "the same as B within 0.5 points" in sentence("A", "B", interval(0, 0.001), SAME, within=0.005)
    assert "0.32 times" in sentence("A", "B", better, BETTER, within=0.01, cost_ratio=0.32)
    assert signed(-0.0001) == "0.0"


def test_an_interval_beside_zero_that_claims_nothing_says_why():
    one = interval(0.05, 0.04, 0.03)
    assert "which does not stand the correction for 4 comparisons" in sentence(
        "A", "B", one, UNDECIDED, within=0.01, comparisons=4
    )
    small = interval(0.008, 0.005, 0.01)
    assert "on average within 1 point)" in sentence("A", "B", small, UNDECIDED, within=0.01)


def test_few_folds_say_that_they_carry_no_small_p():
    assert "5 folds cannot carry small p-values" in fold_note(5) and "p = 0.06" in fold_note(5)
    assert "no interval" in fold_note(1) and fold_note(20) == ""


def test_intervals_cover_the_truth_in_simulated_studies():
    """bench/coverage.py runs 2,000; 400 have a standard error of about 1.1 points, so three of them are allowed."""
    assert 0.915 <= coverage.bootstrap(studies=400, resamples=400, seed=1).covered <= 0.985
    assert coverage.corrected(studies=400, seed=1).covered >= 0.90


def test_intervals_of_a_score_are_those_of_a_plain_loop_over_drawn_people():
    """Each draw scored by scikit-learn over the classes that it names; class 3 of 4 is named nowhere and counts 0."""
    rng = np.random.default_rng(3)
    person = np.repeat(np.arange(15), [1, 2, 3] * 5)
    true = rng.integers(0, 3, len(person))
    predicted = np.where(rng.random(len(person)) < 0.7, true, rng.integers(0, 3, len(person)))
    f1, accuracy = bootstrap_scores(person, true, predicted, 4, resamples=300, seed=5)
    assert f1.mean == pytest.approx(f1_score(true, predicted, average="macro", labels=range(4), zero_division=0))
    assert accuracy.mean == pytest.approx(accuracy_score(true, predicted))
    assert f1.n == accuracy.n == 15 and math.isnan(f1.p)
    loop = []
    for people in np.random.default_rng(5).integers(0, 15, (300, 15)):
        rows = np.concatenate([np.flatnonzero(person == one) for one in people])
        of_draw = f1_score(true[rows], predicted[rows], average="macro", zero_division=0)
        loop.append((of_draw * 3 / 4, accuracy_score(true[rows], predicted[rows])))
    ends = np.quantile(loop, [0.025, 0.975], axis=0)
    assert (f1.low, f1.high) == pytest.approx(tuple(ends[:, 0]))
    assert (accuracy.low, accuracy.high) == pytest.approx(tuple(ends[:, 1]))


@pytest.mark.parametrize("people", [1, 6])
def test_a_score_without_any_spread_has_no_interval(people):
    """All right, or one person alone: the same in every draw, which tells nothing about others."""
    person, true = np.arange(6) % people, np.arange(6) % 3
    for predicted in (true, (true + 1) % 3):
        f1, accuracy = bootstrap_scores(person, true, predicted, 3, resamples=50)
        assert (f1.mean, accuracy.mean) == ((1.0, 1.0) if predicted is true else (0.0, 0.0))
        assert not f1.known and not accuracy.known


def test_no_samples_have_no_score():
    with pytest.raises(ValueError, match="no samples"):
        bootstrap_scores(np.array([], int), np.array([], int), np.array([], int), 3)
