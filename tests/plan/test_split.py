"""The split is scikit-learn's, row by row: runs launched before and after share their folds."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.model_selection import StratifiedGroupKFold

from core.plan import split
from core.plan.split import stratified_groups


def of_scikit_learn(y, groups, folds, seed):
    assigned = np.full(len(y), -1)
    for fold, (_, held_out) in enumerate(
        StratifiedGroupKFold(folds, shuffle=True, random_state=seed).split(y, y, groups)
    ):
        assigned[held_out] = fold
    return assigned


@st.composite
def rows(draw):
    """Classes in unequal shares, each with at least as many rows as folds; every row alone, or in groups of several."""
    folds, classes = draw(st.integers(2, 9)), draw(st.integers(2, 24))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    shares = rng.dirichlet(np.full(classes, draw(st.sampled_from([0.3, 1, 50]))))
    y = np.concatenate([np.repeat(np.arange(classes), folds), rng.choice(classes, draw(st.integers(0, 150)), p=shares)])
    y = rng.permutation(y)
    alone = draw(st.booleans())
    groups = (
        rng.permutation(len(y)) if alone else rng.integers(0, max(folds, len(y) // draw(st.integers(2, 7))), len(y))
    )
    groups[:folds] = np.arange(folds)  # never fewer groups than folds
    return y * 3 - 4, np.array([f"person {g}" for g in groups]), folds, draw(st.integers(0, 2**32 - 1))


@settings(max_examples=120, deadline=None)
@given(rows())
@pytest.mark.filterwarnings("ignore:The least populated class")
def test_every_row_stands_in_the_fold_that_scikit_learn_gives_it(case):
    assert stratified_groups(*case).tolist() == of_scikit_learn(*case).tolist()


@pytest.mark.parametrize("classes", [2, 7, 8, 9, 130])
def test_sums_over_many_classes_are_made_in_the_same_order(classes):
    """numpy adds 8 and 128 numbers in other ways than a few: the last bit decides ties."""
    rng = np.random.default_rng(classes)
    y = np.concatenate([np.repeat(np.arange(classes), 3), rng.integers(0, classes, 120)])
    alone = np.array([f"{i:04d}" for i in rng.permutation(len(y))])
    assert stratified_groups(y, alone, 3, 5).tolist() == of_scikit_learn(y, alone, 3, 5).tolist()


def test_the_work_for_photos_alone_does_not_grow_with_folds_times_classes(monkeypatch):
    """One look at one class a photo; scikit-learn looks at every class for every fold."""
    looks = []
    kept = split._deviations
    monkeypatch.setattr(split, "_deviations", lambda shares: (looks.append(shares.shape), kept(shares))[1])
    y = np.arange(400) % 10
    stratified_groups(y, np.arange(400).astype(str), 5, 0)
    assert looks == [(5, 5)] * 400
