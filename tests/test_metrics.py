import math
import statistics
import warnings

import numpy as np
import pytest
import sklearn.metrics
import torch
from hypothesis import given
from hypothesis import strategies as st
from torchmetrics.classification import MulticlassF1Score

from core.metrics import accuracy, class_f1, macro_f1, mean_and_deviation


@st.composite
def predictions(draw):
    """(classes, labels, predicted): some classes may be in neither, in one, or in both."""
    classes = draw(st.integers(2, 18))
    among = st.sampled_from(draw(st.lists(st.integers(0, classes - 1), min_size=1, unique=True)))
    other = st.sampled_from(draw(st.lists(st.integers(0, classes - 1), min_size=1, unique=True)))
    pairs = draw(st.lists(st.tuples(among, st.one_of(among, other)), min_size=1, max_size=80))
    labels, predicted = zip(*pairs, strict=True)
    return classes, list(labels), list(predicted)


def table(classes, labels, predicted):
    return sklearn.metrics.confusion_matrix(labels, predicted, labels=range(classes))


@given(predictions())
def test_scores_are_those_of_scikit_learn(case):
    classes, labels, predicted = case
    found = table(*case)
    every = {"labels": range(classes), "zero_division": 0}
    assert accuracy(found) == pytest.approx(sklearn.metrics.accuracy_score(labels, predicted))
    expected = sklearn.metrics.f1_score(labels, predicted, average=None, **every)
    assert class_f1(found) == pytest.approx(expected)
    assert macro_f1(found) == pytest.approx(sklearn.metrics.f1_score(labels, predicted, average="macro", **every))


@given(predictions())
def test_a_class_that_is_absent_and_never_predicted_counts_as_zero(case):
    classes, labels, predicted = case
    present = set(labels) | set(predicted)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        per_class = MulticlassF1Score(classes, average="none")(torch.tensor(predicted), torch.tensor(labels))
    assert class_f1(table(*case)) == pytest.approx(per_class.numpy(), abs=1e-6)
    assert all(class_f1(table(*case))[c] == 0 for c in range(classes) if c not in present)
    assert macro_f1(table(*case)) <= len(present) / classes + 1e-12


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
