"""Against MAPIE, and coverage in studies that are drawn anew a thousand times."""

import numpy as np
import pytest
from mapie.classification import CrossConformalClassifier, SplitConformalClassifier
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.model_selection import PredefinedSplit

from core.stats import conformal
from tests.stats.drawn_answers import drawn, softmax


class Answers(ClassifierMixin, BaseEstimator):
    """A network that is already trained: its input are its logits. shift: of a fold's network, by whom it saw."""

    def fit(self, x, y):
        self.classes_ = np.arange(x.shape[1])
        self.shift_ = np.cos(np.arange(x.shape[1]) * (1 + x.sum()))
        return self

    def predict_proba(self, x):
        return softmax(x + self.shift_)

    def predict(self, x):
        return self.predict_proba(x).argmax(axis=1)


def test_sets_of_one_network_are_mapies_split_conformal_sets():
    p, y, _, _ = drawn(people=300, photos=1)
    logits, alone = np.log(p), np.arange(len(y))
    network = Answers().fit(logits, y)
    answered = network.predict_proba(logits)
    held = alone < 200
    mapie = SplitConformalClassifier(network, confidence_level=0.9, conformity_score="lac", prefit=True)
    mapie.conformalize(logits[held], y[held])
    of_mapie = mapie.predict_set(logits[~held])[1][:, :, 0]
    scores = conformal.scores_of(answered[held], y[held], np.zeros(held.sum()), alone[held])
    np.testing.assert_array_equal(conformal.sets(answered[~held], conformal.quantile(scores, 0.1)), of_mapie)


def test_sets_of_all_folds_are_mapies_cross_conformal_sets():
    p, y, fold, _ = drawn(people=350, photos=1)
    logits, alone = np.log(p), np.arange(len(y))
    held = alone < 250
    mapie = CrossConformalClassifier(
        Answers(), confidence_level=0.85, conformity_score="lac", cv=PredefinedSplit(fold[held])
    )
    mapie.fit_conformalize(logits[held], y[held])
    of_mapie = mapie.predict_set(logits[~held], agg_scores="crossval")[1][:, :, 0]
    networks = [Answers().fit(logits[held & (fold != k)], y[held & (fold != k)]) for k in range(5)]
    out_of_fold = np.empty((250, 4))
    for k, network in enumerate(networks):
        out_of_fold[fold[held] == k] = network.predict_proba(logits[held & (fold == k)])
    scores = conformal.scores_of(out_of_fold, y[held], fold[held], alone[held])
    answers = np.stack([network.predict_proba(logits[~held]) for network in networks])
    np.testing.assert_array_equal(conformal.cv_plus_sets(scores, answers, 0.15), of_mapie)
    assert 1 < of_mapie.sum(axis=1).mean() < 4  # they are neither all nor nothing


def studies(number, people, photos, folds, classes=4, seed=0):
    """Studies whose fold networks saw different people: logits (studies, photos, folds, classes), labels and person.

    The last person is the new one. A network's fault about a person is the same in all photos of that person, so that
    photos of one person are right or wrong together.
    """
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(people + 1), photos)
    label = rng.integers(0, classes, (number, people + 1))
    logits = 2.0 * np.eye(classes)[label]
    logits = logits + rng.normal(0, 1.3, (number, people + 1, classes))  # what is hard about a person
    shown = logits[:, person] + rng.normal(0, 0.5, (number, len(person), classes))
    networks = rng.normal(0, 0.5, (number, 1, folds, classes))
    return shown[:, :, None] + networks, label[:, person], person


def test_a_thousand_studies_with_seven_photos_a_person_hold_what_was_asked_for():
    """Coverage of CV+ for a photo of somebody new: at least 1 - alpha - 1 point. Photos as units would fall below."""
    number, people, photos, folds, alphas = 1000, 35, 7, 5, (0.1, 0.2)
    logits, labels, person = studies(number, people, photos, folds)
    p = softmax(logits)
    new, held = person == people, np.flatnonzero(person < people)
    fold = person[held] % folds
    covered, by_photo, sizes = np.empty((3, number, len(alphas)))
    for study in range(number):
        own, of_new = p[study, held, fold], p[study, new].swapaxes(0, 1)
        scores = conformal.scores_of(own, labels[study, held], fold, person[held])
        alone = conformal.scores_of(own, labels[study, held], fold, held)
        for place, alpha in enumerate(alphas):
            sets = conformal.cv_plus_sets(scores, of_new, alpha)
            covered[study, place] = sets[np.arange(photos), labels[study, new]].mean()
            sizes[study, place] = sets.sum(axis=1).mean()
            sets = conformal.cv_plus_sets(alone, of_new, alpha)
            by_photo[study, place] = sets[np.arange(photos), labels[study, new]].mean()
    for place, alpha in enumerate(alphas):
        assert 1 - alpha - 0.01 <= covered[:, place].mean() <= 1 - alpha + 0.05
        assert sizes[:, place].mean() < 3  # sets that say something
        assert by_photo[:, place].mean() < covered[:, place].mean() - 0.01


def test_each_person_weighs_one_whatever_the_number_of_photos():
    """By hand: three people with 1, 2 and 4 photos."""
    person = np.array([0, 1, 1, 2, 2, 2, 2])
    own = np.array([0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3])
    p = np.stack([own, 1 - own], axis=1)
    scores = conformal.scores_of(p, np.zeros(7, int), person % 2, person)
    assert scores.people == 3 and sum(fold.weight.sum() for fold in scores.folds.values()) == pytest.approx(3)
    assert conformal.quantile(scores, 0.5) == pytest.approx(0.3)  # 0.1: 1, 0.2: 1.5, 0.3: 2 = 0.5 * (3 + 1)
    assert conformal.quantile(scores, 0.3) == pytest.approx(0.7)
    assert conformal.quantile(scores, 0.2) == np.inf  # 3 people cannot carry it
    assert conformal.sets(p, np.inf).all()
    assert conformal.quantile(scores.without(1), 0.5) == pytest.approx(0.5)  # 0.1: 1, 0.4: 1.25, 0.5: 1.5


def test_answers_that_are_sure_or_all_alike():
    labels, fold = np.arange(20) % 2, np.arange(20) % 4
    sure = conformal.scores_of(np.eye(2)[labels], labels, fold, np.arange(20))
    assert conformal.quantile(sure, 0.1) == 0
    assert conformal.sets(np.array([[1.0, 0.0], [0.6, 0.4]]), 0.0).tolist() == [[True, False], [False, False]]
    alike = conformal.scores_of(np.full((20, 2), 0.5), labels, fold, np.arange(20))
    assert conformal.cv_plus_sets(alike, np.full((4, 3, 2), 0.5), 0.1).all()


def test_what_would_be_no_promise_is_refused():
    p, y, fold, person = drawn(people=20)
    scores = conformal.scores_of(p, y, fold, person)
    with pytest.raises(ValueError, match="two folds"):
        conformal.scores_of(p, y, np.arange(len(y)) % 5, person)
    with pytest.raises(ValueError, match="need photos"):
        conformal.scores_of(p[:0], y[:0], fold[:0], person[:0])
    with pytest.raises(ValueError, match="no number"):
        conformal.scores_of(np.full_like(p, np.nan), y, fold, person)
    with pytest.raises(ValueError, match="not of the folds"):
        conformal.cv_plus_sets(scores, p[None], 0.1)
    with pytest.raises(ValueError, match="between 0 and 1"):
        conformal.quantile(scores, 1.0)
