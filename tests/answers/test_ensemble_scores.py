"""Scores on test photos against scikit-learn, on probabilities made by hand; and what is read back from the file."""

import errno
import os

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import accuracy_score, confusion_matrix, f1_score

from core.answers import ensemble_scores
from core.errors import LabError
from core.storage import files
from tests.answered import CLASSES, made, probabilities_of, table_of

TRUE = [0, 0, 1, 1, 2, 2, 0, 1]
FOLDS = [  # probabilities of three classes: by the votes of the folds photo 2 is class 0, by their mean class 1
    [[0.8, 0.1, 0.1], [0.2, 0.7, 0.1], [0.5, 0.4, 0.1], [0.1, 0.8, 0.1], [0.1, 0.1, 0.8], [0.6, 0.3, 0.1], [0, 0, 1]],
    [[0.6, 0.3, 0.1], [0.9, 0.1, 0.0], [0.5, 0.4, 0.1], [0.3, 0.4, 0.3], [0.3, 0.3, 0.4], [0.5, 0.1, 0.4], [1, 0, 0]],
    [[0.1, 0.8, 0.1], [0.4, 0.5, 0.1], [0.0, 0.9, 0.1], [0.2, 0.2, 0.6], [0.1, 0.8, 0.1], [0.0, 0.1, 0.9], [0, 0, 1]],
]


def by_hand(last=(0.2, 0.5, 0.3)):
    return np.array([[*rows, last] for rows in FOLDS], dtype=float)


def photos_of(persons):
    samples = [f"test/{place}.jpg" for place in range(len(persons))]
    return pd.DataFrame({"sample": samples, "person": persons, "person_known": [p not in samples for p in persons]})


def test_the_ensemble_is_the_mean_of_probabilities_scored_as_scikit_learn_scores_it():
    shares, true = by_hand(), np.array(TRUE)
    scores = ensemble_scores.score(shares, true, photos_of(list("aabbccdd")), ["x", "y", "z"])
    mean = shares.mean(0).argmax(1)
    assert mean[2] == 1 and [fold[2].argmax() for fold in shares] == [0, 0, 1], "a mean, not a vote"
    assert scores.f1.mean == pytest.approx(f1_score(true, mean, average="macro"))
    assert scores.accuracy.mean == pytest.approx(accuracy_score(true, mean))
    assert scores.present == pytest.approx(scores.f1.mean) and scores.absent == ()
    np.testing.assert_array_equal(scores.confusion, confusion_matrix(true, mean))
    for fold, alone in zip(scores.folds, shares, strict=True):
        assert fold.f1 == pytest.approx(f1_score(true, alone.argmax(1), average="macro", labels=[0, 1, 2]))
        assert fold.accuracy == pytest.approx(accuracy_score(true, alone.argmax(1)))
    assert scores.gain == pytest.approx(scores.f1.mean - np.mean([fold.f1 for fold in scores.folds]))
    assert (scores.f1.n, scores.persons.people) == (4, 4)
    assert scores.f1.low < scores.f1.mean < scores.f1.high
    assert "over people of the test set" in scores.about and "4 people make a rough one" in scores.about


def test_where_persons_are_unknown_intervals_are_over_photos_and_it_is_said():
    photos = photos_of([f"test/{place}.jpg" for place in range(8)])
    scores = ensemble_scores.score(by_hand(), np.array(TRUE), photos, ["x", "y", "z"])
    assert scores.f1.n == 8
    assert (
        "over photos of the test set" in scores.about
        and "persons are unknown, so they may be too narrow" in scores.about
    )


def test_a_class_without_test_photos_counts_nothing_and_is_named():
    true = np.array([0, 0, 1, 1, 0, 1, 1, 0])
    scores = ensemble_scores.score(by_hand(), true, photos_of(list("abcdefgh")), ["x", "y", "z"])
    mean = by_hand().mean(0).argmax(1)
    assert scores.f1.mean == pytest.approx(f1_score(true, mean, average="macro", labels=[0, 1, 2], zero_division=0))
    assert scores.present == pytest.approx(f1_score(true, mean, average="macro", labels=[0, 1]))
    assert scores.absent == ("z",) and "No test photo of z: it counts 0 in F1" in scores.lacking
    assert f"{scores.present:.3f}" in scores.lacking


def test_all_right_has_no_interval_and_it_is_said():
    true = by_hand().mean(0).argmax(1)
    scores = ensemble_scores.score(by_hand(), true, photos_of(list("abcdefgh")), ["x", "y", "z"])
    assert scores.f1.mean == scores.accuracy.mean == 1 and not scores.f1.known
    assert "there is none where every draw gives the same" in scores.about


@pytest.fixture
def asked(tmp_path):
    """(a finished run, its test photos, what its folds answered about them), written as `core.inside` writes them."""
    run = made(tmp_path / "runs", table_of(tmp_path), probabilities=probabilities_of([n % 6 for n in range(24)]))
    photos = table_of(tmp_path / "test", people=12, photos=2).drop(columns="fold")
    photos["sample"] = "test/" + photos["sample"]
    photos.assign(person_known=True).to_parquet(run.test_file, index=False)
    labels = photos["y"].tolist()
    shares = np.stack([probabilities_of(labels, seed=fold, wrong={fold: 5, 7: 0}, sure=0.6) for fold in (0, 1)])
    ensemble_scores.write(run, run.test_photos(), shares)
    return run, photos, shares


def test_what_was_written_is_what_is_read(asked):
    run, photos, shares = asked
    table = pd.read_parquet(run.test_predictions_file)
    together = shares.mean(0)
    np.testing.assert_array_equal(table[[f"p_{name}" for name in CLASSES]].to_numpy(), together)
    assert table["predicted"].tolist() == [CLASSES[place] for place in together.argmax(1)]
    assert table["label"].tolist() == photos["class_name"].tolist()
    np.testing.assert_allclose(table["loss"], -np.log(together[np.arange(24), photos["y"]]))
    scores = ensemble_scores.load(run)
    direct = ensemble_scores.score(shares, photos["y"].to_numpy(), run.test_photos(), CLASSES)
    assert (scores.f1, scores.accuracy, scores.folds) == (direct.f1, direct.accuracy, direct.folds)
    assert scores.f1.n == scores.persons.people == 12 and scores.photos == 24


def test_nobody_asked_yet_is_no_score(tmp_path):
    run = made(tmp_path, table_of(tmp_path))
    assert ensemble_scores.load(run) is None
    table_of(tmp_path).to_parquet(run.test_file)
    assert ensemble_scores.load(run) is None


@pytest.mark.parametrize("name", ["test.parquet", "test_predictions.parquet"])
def test_a_damaged_file_is_told(asked, name):
    run, *_ = asked
    (run.dir / name).write_bytes(b"garbage")
    with pytest.raises(LabError, match="is damaged") as told:
        ensemble_scores.load(run)
    assert told.value.kind == "unreadable"


def test_answers_that_cannot_be_reached_are_not_said_to_be_deleted(asked, monkeypatch):
    def refuse(path):
        raise OSError(errno.EIO, os.strerror(errno.EIO), str(path))

    monkeypatch.setattr(ensemble_scores.pq, "read_schema", refuse)
    with pytest.raises(LabError, match=r"test_predictions.parquet cannot be read \(Input/output error\)") as told:
        ensemble_scores.load(asked[0])
    assert told.value.remedy == files.CHECK


def test_answers_about_other_photos_are_no_score_of_these(asked):
    run, photos, _ = asked
    photos.iloc[::-1].to_parquet(run.test_file, index=False)
    with pytest.raises(LabError, match="not about its test photos"):
        ensemble_scores.load(run)


def test_answers_of_other_weights_are_refused(asked):
    from core.runs.origins import Origin
    from core.training import checkpoint

    run, *_ = asked
    checkpoint.save_predictions(run.predictions_file(1, "best"), run.predictions(1), Origin(1, "another training"))
    with pytest.raises(LabError, match="other weights answered") as told:
        ensemble_scores.load(run)
    assert told.value.kind == "mixed"
