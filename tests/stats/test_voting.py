"""Votes, agreement and disagreement of several networks, against plain counting and scipy."""

import warnings

import numpy as np
from scipy import stats

from core.stats import voting


def made_up(members=4, photos=30, classes=3, seed=0):
    return np.random.default_rng(seed).dirichlet(np.ones(classes), (members, photos))


def test_soft_votes_are_the_mean_of_each_run_and_then_of_the_runs():
    answers = made_up(5)
    together = voting.soft(answers, [0, 0, 0, 1, 1])
    np.testing.assert_allclose(together, (answers[:3].mean(0) + answers[3:].mean(0)) / 2)
    weighted = voting.soft(answers, [0, 0, 0, 1, 1], np.array([3.0, 1.0]))
    np.testing.assert_allclose(weighted, (3 * answers[:3].mean(0) + answers[3:].mean(0)) / 4)


def test_members_that_were_not_asked_count_for_nothing():
    answers = made_up(4)
    answers[[0, 1], 0] = np.nan  # run 0 was not asked about photo 0
    answers[1, 1], answers[:, 2] = np.nan, np.nan
    together = voting.soft(answers, [0, 0, 1, 1])
    np.testing.assert_allclose(together[0], answers[2:, 0].mean(0))
    np.testing.assert_allclose(together[1], (answers[0, 1] + answers[2:, 1].mean(0)) / 2)
    assert np.isnan(together[2]).all() and voting.chosen(together)[2] == -1
    np.testing.assert_allclose(voting.soft(answers, [0, 0, 1, 1], np.array([1.0, 0.0]))[0], answers[2:, 0].mean(0))
    agree, asked = voting.agreeing(answers, voting.chosen(together))
    assert asked[:4].tolist() == [2, 3, 0, 4] and agree[2] == 0
    assert np.isnan(voting.mutual_information(answers)[2])


def test_a_photo_that_nobody_was_asked_about_changes_no_warnings_of_other_threads(monkeypatch):
    answers = made_up(2)
    answers[:, 0] = np.nan
    with monkeypatch.context() as patch:
        patch.setattr(warnings, "catch_warnings", None)
        together, disagreement = voting.soft(answers, [0, 1]), voting.mutual_information(answers)
    assert np.isnan(together[0]).all() and np.isnan(disagreement[0])


def test_hard_votes_are_counted_and_a_tie_goes_to_the_more_probable_class():
    answers = np.array([[[0.9, 0.1, 0.0]], [[0.6, 0.4, 0.0]], [[0.0, 0.1, 0.9]], [[0.0, 0.49, 0.51]]])
    shares = voting.hard(answers, [0, 0, 0, 0])
    np.testing.assert_allclose(shares, [[0.5, 0, 0.5]])
    assert voting.chosen(shares, answers.mean(0)).tolist() == [0]
    assert voting.agreeing(answers, np.array([0]))[0].tolist() == [2]


def test_mutual_information_is_scipys_entropy_of_the_mean_less_the_mean_entropy():
    answers = made_up(5)
    expected = stats.entropy(answers.mean(0), base=2, axis=1) - stats.entropy(answers, base=2, axis=2).mean(0)
    np.testing.assert_allclose(voting.mutual_information(answers), expected, atol=1e-12)
    one = answers[:1].repeat(4, axis=0)
    np.testing.assert_allclose(voting.mutual_information(one), 0, atol=1e-12)
