import math
import statistics

import numpy as np
import pytest
import sklearn.metrics
from hypothesis import given
from hypothesis import strategies as st

from core.stats.metrics import accuracy, class_f1, class_scores, confusion, confusion_of, macro_f1, mean_and_deviation


@st.composite
def predictions(draw):
    """(classes, labels, predicted): some classes may be in neither, in one, or in both."""
    classes = draw(st.integers(2, 18))
    true_class = st.sampled_from(draw(st.lists(st.integers(0, classes - 1), min_size=1, unique=True)))
    stray_class = st.sampled_from(draw(st.lists(st.integers(0, classes - 1), min_size=1, unique=True)))
    pairs = draw(st.lists(st.tuples(true_class, st.one_of(true_class, stray_class)), min_size=1, max_size=80))
    labels, predicted = zip(*pairs, strict=True)
    return classes, list(labels), list(predicted)


def table(classes, labels, predicted):
    return sklearn.metrics.confusion_matrix(labels, predicted, labels=range(classes))


@given(predictions())
def test_scores_are_those_of_scikit_learn(case):
    classes, labels, predicted = case
    matrix = table(*case)
    every = {"labels": range(classes), "zero_division": 0}
    assert accuracy(matrix) == pytest.approx(sklearn.metrics.accuracy_score(labels, predicted))
    expected = sklearn.metrics.f1_score(labels, predicted, average=None, **every)
    assert class_f1(matrix) == pytest.approx(expected)
    assert macro_f1(matrix) == pytest.approx(sklearn.metrics.f1_score(labels, predicted, average="macro", **every))


@given(predictions())
def test_the_confusion_matrix_is_scikit_learns(case):
    classes, labels, predicted = case
    expected = table(*case)
    np.testing.assert_array_equal(confusion(labels, predicted, classes), expected)
    names = [f"class {i}" for i in range(classes)]
    by_name = confusion_of([names[i] for i in labels], [names[i] for i in predicted], names)
    np.testing.assert_array_equal(by_name, expected)


def test_an_index_or_a_name_of_no_class_is_refused_and_never_counted_for_another():
    assert confusion([], [], 3).sum() == 0
    for labels, predicted in (([0, 3], [0, 0]), ([0, 0], [0, -1]), ([0], [0, 0])):
        with pytest.raises(ValueError):
            confusion(labels, predicted, 3)
    with pytest.raises(ValueError):
        confusion_of(["a", "stranger"], ["a", "a"], ["a", "b"])


@given(predictions())
def test_f1_over_the_classes_present_is_scikit_learns_over_the_labels_there_are(case):
    classes, labels, predicted = case
    counts = confusion(labels, predicted, classes)
    scores = class_scores(counts)
    np.testing.assert_array_equal(scores.support, np.bincount(labels, minlength=classes))
    present = sorted(set(labels))
    every = {"average": "macro", "zero_division": 0}
    assert scores.present == pytest.approx(sklearn.metrics.f1_score(labels, predicted, labels=present, **every))
    assert scores.macro == pytest.approx(macro_f1(counts))  # above: scikit-learn's over all classes
    assert scores.absent == tuple(c for c in range(classes) if c not in present)
    assert scores.absent or scores.macro == scores.present


def test_a_perfect_fold_without_a_class_has_macro_f1_below_1_and_says_why():
    scores = class_scores(confusion([0, 0, 1, 3], [0, 0, 1, 3], 4))
    assert (scores.macro, scores.present, scores.absent) == (0.75, 1.0, (2,))
    assert list(scores.support) == [2, 1, 0, 1]
    nothing = class_scores(np.zeros((3, 3), dtype=int))
    assert (nothing.macro, nothing.absent) == (0.0, (0, 1, 2))
    assert math.isnan(nothing.present)


@given(predictions())
def test_a_class_that_is_absent_and_never_predicted_counts_as_zero(case):
    classes, labels, predicted = case
    present, counts = set(labels) | set(predicted), confusion(labels, predicted, classes)
    assert all(class_f1(counts)[c] == 0 for c in range(classes) if c not in present)
    assert macro_f1(counts) <= len(present) / classes + 1e-12


def test_scores_of_nothing_are_zero_and_say_so_without_warnings():
    nothing = np.zeros((6, 6), dtype=int)
    assert (accuracy(nothing), macro_f1(nothing)) == (0.0, 0.0)
    assert accuracy(np.eye(6, dtype=int) * 4) == macro_f1(np.eye(6, dtype=int) * 4) == 1.0


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20))
def test_mean_and_deviation_are_the_samples(values):
    mean, deviation, count = mean_and_deviation(values)
    assert mean == pytest.approx(statistics.fmean(values), abs=1e-6)
    assert deviation == pytest.approx(statistics.stdev(values), rel=1e-6, abs=1e-6)
    assert count == len(values)


def test_folds_without_a_score_are_left_out_and_one_fold_has_no_deviation():
    assert mean_and_deviation([0.5, None, float("nan"), 0.7]) == pytest.approx((0.6, math.sqrt(0.02), 2))
    mean, deviation, count = mean_and_deviation(iter([0.5, None]))
    assert (mean, count) == (0.5, 1)
    assert math.isnan(deviation)
    assert mean_and_deviation([])[2] == 0
    assert math.isnan(mean_and_deviation([None])[0])
