"""Offsets and votes: what they bring, and that no more is told than a fresh test set shows."""

import numpy as np
import pytest
from sklearn.metrics import f1_score

from core.stats import decisions
from core.stats.metrics import class_scores, confusion
from tests.stats.drawn_answers import drawn, softmax


def macro_f1(y, chosen, classes):
    return class_scores(confusion(y, chosen, classes)).macro


def uneven(people, seed, classes=4, photos=3, shift=0.0):
    """Answers of a network that thinks the rare classes rarer still by `shift`; classes of 50, 30, 15 and 5 %."""
    rng = np.random.default_rng(seed)
    label = rng.choice(classes, people, p=[0.5, 0.3, 0.15, 0.05])
    person = np.repeat(np.arange(people), photos)
    logits = 1.6 * np.eye(classes)[label] + rng.normal(0, 0.8, (people, classes))
    logits = logits[person] + rng.normal(0, 0.6, (len(person), classes)) - shift * np.arange(classes)
    return softmax(logits), label[person], person % 5, person


def test_offsets_are_at_least_as_good_as_each_step_of_one_class_alone():
    p, y, _, _ = uneven(300, 1, shift=0.6)
    offsets = decisions.fit_offsets(p, y)
    best = macro_f1(y, decisions.decide(p, offsets), 4)
    assert best > macro_f1(y, p.argmax(axis=1), 4) + 0.02
    assert best == pytest.approx(f1_score(y, decisions.decide(p, offsets), average="macro"))
    for c in range(4):
        for step in (-1.0, -0.5, 0.5, 1.0):
            moved = offsets + step * np.eye(4)[c]
            chosen = decisions.decide(p, moved)
            allowed = np.sqrt((chosen != decisions.decide(p, offsets)).sum()) / len(y)
            assert macro_f1(y, chosen, 4) <= best + allowed


def test_f1_of_each_offset_is_counted_as_if_every_photo_were_decided_anew():
    p, y, _, _ = drawn(people=40)
    p = p.round(1) + 0.1  # many ties
    z = np.log(p / p.sum(axis=1, keepdims=True)).T.copy()
    support = np.bincount(y, minlength=4)
    for c in range(4):
        f1, won = decisions._by_offset(z, decisions._two_largest(z), y, c, 0.0, support)
        for place in (0, 17, 30, 31, 44, 60):
            chosen = (z.T + decisions.OFFSETS[place] * np.eye(4)[c]).argmax(axis=1)
            assert f1[place] == pytest.approx(macro_f1(y, chosen, 4)) and won[place] == (chosen == c).sum()


@pytest.mark.parametrize("shift", [0.0, 0.6])
def test_the_gain_of_offsets_that_is_told_is_not_above_what_a_fresh_test_set_shows(shift):
    told_gains, fresh_gains, flattering = [], [], []
    test, of_test, _, _ = uneven(4000, 999, shift=shift)
    before = macro_f1(of_test, test.argmax(axis=1), 4)
    for seed in range(25):
        p, y, fold, person = uneven(120, seed, shift=shift)
        gain = decisions.offset_gain(p, y, fold, person)
        told_gains.append(gain.gain.mean)
        flattering.append(gain.flattering)
        fresh_gains.append(macro_f1(of_test, decisions.decide(test, gain.tuned), 4) - before)
        assert gain.after - gain.before == pytest.approx(gain.gain.mean)
    error = np.std(told_gains) / 25**0.5
    assert np.mean(told_gains) <= np.mean(fresh_gains) + 2 * error
    assert np.mean(flattering) > np.mean(fresh_gains) + 2 * np.std(flattering) / 25**0.5  # what would have been told
    if shift:
        assert np.mean(told_gains) > 0.01


def votes(people, seed, noise=(0.8, 0.8, 3.0), classes=4):
    """Three runs about the same photos, the last of which hardly knows anything, and is sure of it."""
    rng = np.random.default_rng(seed)
    y = rng.integers(0, classes, people)
    logits = np.stack([2 * np.eye(classes)[y] * (each < 2) + rng.normal(0, each, (people, classes)) for each in noise])
    return softmax(logits), y, np.arange(people) % 5, np.arange(people)


def test_weights_of_votes_are_likelier_than_any_others_nearby_and_leave_out_who_knows_nothing():
    p, y, _, _ = votes(600, 0)
    weights = decisions.fit_vote_weights(p, y)
    assert weights.sum() == pytest.approx(1) and weights[2] < 0.1 and abs(weights[0] - weights[1]) < 0.2

    def likelihood(w):
        return np.log(np.tensordot(w, p, axes=1)[np.arange(600), y]).mean()

    rng = np.random.default_rng(0)
    for w in np.vstack([rng.dirichlet(np.ones(3), 200), rng.dirichlet(1 + 50 * weights, 200)]):
        assert likelihood(w) <= likelihood(weights) + 1e-6


def test_the_gain_of_weights_that_is_told_is_not_above_what_a_fresh_test_set_shows():
    test, of_test, _, _ = votes(6000, 999)
    before = macro_f1(of_test, test.mean(axis=0).argmax(axis=1), 4)
    gains = []
    for seed in range(30):
        gain = decisions.vote_gain(*votes(80, seed))
        fresh = np.tensordot(gain.tuned, test, axes=1).argmax(axis=1)
        gains.append((gain.gain.mean, macro_f1(of_test, fresh, 4) - before))
    told, fresh = np.transpose(gains)
    assert told.mean() <= fresh.mean() + 2 * told.std() / 30**0.5
    assert fresh.mean() > 0.05


def test_classes_that_lack_in_a_fold_or_are_never_predicted_and_two_classes():
    p, y, fold, person = uneven(60, 3)
    lacking = np.where((fold == 0) & (y == 3), 0, y)
    assert decisions.offset_gain(p, lacking, fold, person).of_folds.keys() == {0, 1, 2, 3, 4}
    z = np.log(p)
    never = softmax(z - np.eye(4)[3] * ((z[:, 3] - z[:, :3].max(axis=1)).max() + 0.01))
    assert not (never.argmax(axis=1) == 3).any()
    assert (decisions.decide(never, decisions.fit_offsets(never, y)) == 3).any()
    absent = np.minimum(y, 2)
    assert decisions.fit_offsets(p, absent)[3] == 0
    constant = np.full((20, 2), 0.5)
    assert decisions.fit_offsets(constant, np.arange(20) % 2).tolist() == [0, 0]
    sure = np.eye(2)[np.arange(20) % 2]
    assert decisions.fit_offsets(sure, np.arange(20) % 2).tolist() == [0, 0]


def test_what_cannot_be_nested_is_refused():
    p, y, _, person = drawn(people=10)
    with pytest.raises(ValueError, match="two folds"):
        decisions.offset_gain(p, y, np.zeros(len(y), int), person)
    with pytest.raises(ValueError, match="no number"):
        decisions.fit_offsets(np.full_like(p, np.nan), y)
    with pytest.raises(ValueError, match="need photos"):
        decisions.fit_vote_weights(p[None, :0], y[:0])


def test_a_threshold_of_a_yes_has_the_best_mean_f1_of_both_answers_unless_that_may_be_chance():
    rng = np.random.default_rng(3)
    z = rng.normal(-2.5, 1.5, 4000)
    yes, labels = 1 / (1 + np.exp(-z)), (rng.random(4000) < 1 / (1 + np.exp(-z))).astype(int)
    f1 = [f1_score(labels, yes > t, average="macro", zero_division=0) for t in decisions.THRESHOLDS]
    chosen = decisions.fit_threshold(yes, labels)
    named = [(yes > t).sum() for t in decisions.THRESHOLDS]
    worth = [f - f1[60] - np.sqrt(abs(n - named[60])) / 4000 for f, n in zip(f1, named, strict=True)]
    assert chosen == decisions.THRESHOLDS[int(np.argmax(worth))] and 0.2 < chosen < 0.5
    assert max(f1) - f1[int(np.argmax(worth))] < 0.01, "what chance is asked for costs little"
    assert decisions.fit_threshold(rng.random(400), rng.integers(0, 2, 400)) == pytest.approx(0.5, abs=0.12)
    with pytest.raises(ValueError, match="of one attribute"):
        decisions.fit_threshold(yes, labels[:-1])
