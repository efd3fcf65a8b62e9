"""Sets and thresholds for new photos are those of the run's out-of-fold answers."""

import numpy as np
import pytest

from core.predict.doubt import doubt
from core.predict.members import Member
from core.predict.photos import Photo
from core.predict.predictions import Predictions
from core.stats import conformal, selective
from tests.answered import CLASSES, made, probabilities_of, table_of


@pytest.fixture
def run(tmp_path):
    samples = table_of(tmp_path / "photos", people=240, folds=2)
    labels = samples["y"].to_numpy()
    wrong = {row: (labels[row] + 1) % 6 for row in range(0, 240, 12)}
    shares = probabilities_of(labels, 3, wrong, sure=0.5)
    shares[[*wrong]] = 0.5 * shares[[*wrong]] + 0.5 / 6  # what is wrong is less sure
    return made(tmp_path / "runs", samples, probabilities=shares)


def predictions_of(run, answers, names=CLASSES, folds=(0, 1)):
    photos = tuple(Photo(f"{row}.jpg") for row in range(answers.shape[1]))
    return Predictions(photos, tuple(Member(run, fold) for fold in folds), tuple(names), answers)


def oof(run):
    """(probabilities, y, fold, person) from the run's own files."""
    import pandas as pd

    table = pd.concat([run.predictions(fold).assign(fold=fold) for fold in (0, 1)])
    table["person"] = table["sample"].str.split("/").str[0]
    p = table[[f"p_{name}" for name in CLASSES]].to_numpy()
    return p, np.array([CLASSES.index(name) for name in table["label"]]), table["fold"].to_numpy(), table["person"]


def test_sets_are_cv_plus_and_a_photo_of_one_fold_has_one_by_the_other_folds_scores(run):
    answers = np.random.default_rng(1).dirichlet(np.full(6, 0.4), (2, 40))
    answers[0, 5], answers[1, 6], answers[:, 7] = np.nan, np.nan, np.nan
    judged = doubt(predictions_of(run, answers), views=False, alpha=0.1)
    scores = conformal.scores_of(*oof(run))
    np.testing.assert_array_equal(judged.sets[8:], conformal.cv_plus_sets(scores, answers[:, 8:], 0.1, [0, 1]))
    for row, fold in ((5, 1), (6, 0)):
        limit = conformal.quantile(scores.without(fold), 0.1)
        np.testing.assert_array_equal(judged.sets[row], 1 - answers[fold, row] <= limit)
    assert not judged.sets[7].any() and judged.unsure[7]
    turned = doubt(predictions_of(run, answers[:, :, ::-1], CLASSES[::-1]), views=False, alpha=0.1)
    np.testing.assert_array_equal(turned.sets[:, ::-1], judged.sets)


def test_answers_below_the_threshold_of_a_wanted_accuracy_are_not_sure(run):
    answers = np.random.default_rng(2).dirichlet(np.full(6, 0.4), (2, 60))
    judged = doubt(predictions_of(run, answers), views=False, accuracy=0.9)
    p, y, _, person = oof(run)
    promise = selective.promise(p.max(axis=1), p.argmax(axis=1) == y, np.unique(person, return_inverse=True)[1], 0.9)
    assert judged.threshold == promise.threshold
    np.testing.assert_array_equal(judged.unsure, answers.mean(0).max(axis=1) < promise.threshold)
    assert "answers were right about 240 photos held out" in judged.sentences[0]
    never = doubt(predictions_of(run, answers), views=False, accuracy=0.9999)
    assert never.threshold is None and never.unsure.all() and "none is called sure" in never.sentences[0]


def test_sets_are_not_made_where_they_would_promise_nothing(run):
    answers = np.random.default_rng(2).dirichlet(np.ones(6), (1, 5))
    for predictions, views in (
        (predictions_of(run, answers, folds=(0,)), False),
        (predictions_of(run, answers.repeat(2, 0)), True),
    ):
        judged = doubt(predictions, views=views)
        assert judged.sets is None and "all folds of one run" in judged.sentences[1]
