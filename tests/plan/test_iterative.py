"""Iterative stratification: groups stay whole, and each label has photos in each fold where it can."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from core.plan.iterative import iterative_groups


def drawn(seed, photos=300, people=120, labels=8):
    rng = np.random.default_rng(seed)
    has = rng.random((photos, labels)) < rng.uniform(0.02, 0.7, labels)
    return has, rng.integers(0, people, photos).astype(str)


@given(seed=st.integers(0, 10_000), folds=st.integers(2, 6))
def test_no_group_is_in_two_folds_and_no_fold_is_empty(seed, folds):
    has, person = drawn(seed)
    fold = iterative_groups(has, person, folds, seed)
    assert all(len(set(fold[person == name])) == 1 for name in set(person))
    assert set(fold) == set(range(folds))
    order = np.random.default_rng(seed).permutation(len(fold))
    assert (iterative_groups(has[order], person[order], folds, seed) == fold[order]).all(), "the same for any order"


def test_every_label_of_enough_people_is_in_every_fold_in_about_equal_shares():
    folds, lacking, unequal = 5, 0, []
    for seed in range(20):
        has, person = drawn(seed)
        fold = iterative_groups(has, person, folds, seed)
        of_fold = np.stack([has[fold == number].sum(0) for number in range(folds)])
        people = np.array([len(set(person[column])) for column in has.T])
        lacking += int((of_fold[:, people >= folds] == 0).sum())
        often = has.sum(0) >= 30
        unequal.append(np.ptp(of_fold[:, often] / has.sum(0)[often], axis=0).max())
    assert lacking == 0
    assert np.mean(unequal) < 0.1, "shares of 20 % each, whole people being given"


def test_the_rarest_label_goes_first():
    """Two photos of a label in 40, each of a person: one in each of two folds, whatever else they show."""
    for seed in range(10):
        has = np.zeros((40, 3), bool)
        has[:2, 0], has[:20, 1], has[:, 2] = True, True, True
        fold = iterative_groups(has, np.arange(40).astype(str), 2, seed)
        assert set(fold[:2]) == {0, 1} and np.bincount(fold).tolist() == [20, 20]
        assert np.bincount(fold[:20]).tolist() == [10, 10]
