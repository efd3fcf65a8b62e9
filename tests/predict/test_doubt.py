"""Sets and thresholds for new photos are those of the run's out-of-fold answers."""

import numpy as np
import pytest

from core.predict import weights
from core.predict.doubt import doubt
from core.predict.members import Member
from core.predict.photos import Photo
from core.predict.predictions import Predictions
from core.runs import FoldState
from core.stats import conformal, selective, voting
from tests.answered import CLASSES, answer, made, probabilities_of, table_of
from tests.stats.drawn_answers import softmax


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
    flatters = "The best epoch was chosen on the same held-out photos, which flatters a little."
    assert "(95% sure)" in judged.sentences[0] and "(CV+" in judged.sentences[1] and judged.sentences[2] == flatters
    never = doubt(predictions_of(run, answers), views=False, accuracy=0.9999)
    assert never.threshold is None and never.unsure.all() and "none is called sure" in never.sentences[0]
    assert never.sentences[2] == flatters, "the sets rest on it, too"


def test_a_fold_that_was_stopped_shows_nothing_though_it_has_answered(run):
    run.write_state(FoldState(1, "cancelled", epoch=1))
    answers = np.random.default_rng(2).dirichlet(np.full(6, 0.4), (1, 60))
    judged = doubt(predictions_of(run, answers, folds=(0,)), views=False, accuracy=0.8)
    assert "answers were right about 120 photos held out" in judged.sentences[0]


def test_sets_are_not_made_where_they_would_promise_nothing(run):
    answers = np.random.default_rng(2).dirichlet(np.ones(6), (1, 5))
    for predictions, views in (
        (predictions_of(run, answers, folds=(0,)), False),
        (predictions_of(run, answers.repeat(2, 0)), True),
    ):
        judged = doubt(predictions, views=views)
        assert judged.sets is None and "all folds of one run" in judged.sentences[1]
    nothing = doubt(predictions_of(run, answers, folds=(0,)), views=False, accuracy=0.9999)
    assert nothing.threshold is None and len(nothing.sentences) == 2, "of what nothing is promised nothing flatters"


def row_of(*probabilities):
    """(1, members, 6 classes) of the first two classes, the rest shared by the others."""
    return np.array([[first, second, *[(1 - first - second) / 4] * 4] for first, second in probabilities])[:, None]


def test_the_confidence_is_that_of_the_class_answered(run):
    """Three of five answers vote for the second class; the mean's top is the first, and it alone is sure."""
    photo = row_of((0.9, 0.02), (0.9, 0.02), (0.30, 0.36), (0.30, 0.36), (0.30, 0.36))
    predictions = predictions_of(run, photo, folds=(0, 1, 0, 1, 0))
    assert predictions.classes()[0] == 0 and predictions.classes("hard")[0] == 1
    soft, hard = (doubt(predictions, views=False, vote=vote, accuracy=0.9) for vote in ("soft", "hard"))
    assert soft.threshold == hard.threshold and photo[:, 0, 1].mean() < soft.threshold < photo[:, 0, 0].mean()
    assert not soft.unsure[0] and hard.unsure[0]


@pytest.fixture
def two(run, tmp_path):
    """The run and one that answered otherwise about its photos; rows of both in the order of the run's folds."""
    samples = run.samples()
    y = samples["y"].to_numpy()
    other = made(
        tmp_path / "runs",
        samples,
        probabilities=probabilities_of(y, 9, {5: 0, 17: 1, 100: 2}, sure=0.3),
        run_id="other",
    )
    return run, other


def of_two(runs, answers):
    photos = tuple(Photo(f"{row}.jpg") for row in range(answers.shape[1]))
    return Predictions(photos, tuple(Member(run, fold) for run in runs for fold in (0, 1)), tuple(CLASSES), answers)


def test_the_threshold_of_several_runs_is_of_their_joint_answers(two):
    answers = np.random.default_rng(3).dirichlet(np.full(6, 0.3), (4, 80))
    answers[2:, 7] = np.nan  # of the other run none may be asked
    predictions = of_two(two, answers)
    (p, y, fold, person), (q, *_) = oof(two[0]), oof(two[1])
    person = np.unique(person, return_inverse=True)[1]
    judged = doubt(predictions, views=False, accuracy=0.9)
    mean = (p + q) / 2
    threshold = selective.promise(mean.max(axis=1), mean.argmax(axis=1) == y, person, 0.9).threshold
    assert judged.threshold == pytest.approx(threshold, abs=1e-12)
    assert abs(threshold - doubt(predictions_of(two[0], answers[:2]), views=False, accuracy=0.9).threshold) > 0.01
    sure = predictions.probabilities().max(axis=1) >= judged.threshold
    assert sure[7] and judged.unsure[7], "one run's answer is no joint one"
    np.testing.assert_array_equal(np.delete(judged.unsure, 7), np.delete(~sure, 7))
    assert "not all runs" in judged.sentences[0] and "That is careful" in judged.sentences[0]

    fitted = weights.fitted(two)
    weighted = doubt(predictions, views=False, vote="weighted", weights=fitted, accuracy=0.9)
    share = np.stack([fitted.gain.of_folds[k] for k in fold])  # fitted on the other fold
    mean = share[:, :1] * p + share[:, 1:] * q
    promise = selective.promise(mean.max(axis=1), mean.argmax(axis=1) == y, person, 0.9)
    assert weighted.threshold == pytest.approx(promise.threshold, abs=1e-12)


def test_runs_that_share_no_photos_have_no_threshold_and_it_is_said_why(run, tmp_path):
    samples = run.samples()
    other = made(tmp_path / "runs", samples, run_id="other", root="/photos/other")
    answer(other, samples, probabilities_of(samples["y"].to_numpy(), 4))
    judged = doubt(of_two((run, other), np.full((4, 3, 6), 1 / 6)), views=False)
    assert judged.threshold is None and judged.unsure.all()
    assert f"{run.id} and other share 0 photos with out-of-fold answers" in judged.sentences[0]


def drawn_folds(n, folds, scale, own, seed):
    """(probabilities (folds, n, 4), labels): each photo's signal, and noise of each fold; scale: how reckless."""
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, 4, n)
    signal = 2 * np.eye(4)[labels] + rng.normal(0, 1, (n, 4))
    return softmax(scale * (signal + rng.normal(0, own, (folds, n, 4)))), labels


@pytest.mark.parametrize("scale", [0.5, 1, 4])  # too careful, about right, reckless
@pytest.mark.parametrize("own", [0.3, 1])  # noise of each fold
def test_one_folds_threshold_is_careful_for_the_mean_of_five(scale, own):
    """In 5 % of studies at most, fewer of the mean's sure answers are right than wanted; and fewer pass than could."""
    new, truth = drawn_folds(4000, 5, scale, own, seed=0)
    mean = voting.soft(new, [0] * 5)
    classes = {"soft": mean.argmax(axis=1), "hard": voting.chosen(voting.hard(new, [0] * 5), mean)}
    promises, broken, passing = 0, dict.fromkeys(classes, 0), []
    for seed in range(1, 61):
        (p,), y = drawn_folds(300, 1, scale, own, seed)
        promise = selective.promise(p.max(axis=1), p.argmax(axis=1) == y, np.arange(300), 0.85)
        if promise is None:
            continue
        promises += 1
        for vote, chosen in classes.items():
            sure = mean[np.arange(4000), chosen] >= promise.threshold
            assert sure.sum() >= 20
            broken[vote] += (chosen == truth)[sure].mean() < 0.85
        passing.append((mean.max(axis=1) >= promise.threshold).mean())
    assert promises >= 20 and max(broken.values()) <= 0.05 * promises
    of_mean = selective.promise(mean.max(axis=1), classes["soft"] == truth, np.arange(4000), 0.85)
    assert np.mean(passing) < (mean.max(axis=1) >= of_mean.threshold).mean()
