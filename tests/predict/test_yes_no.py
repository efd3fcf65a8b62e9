"""All yes/no attributes from one pass: each by its own threshold, and thresholds that hold on new people."""

import errno
import os

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from core.errors import LabError
from core.predict.members import Member, orders_of_names
from core.predict.photos import Photo
from core.predict.predictor import Predictor
from core.predict.yes_no import thresholds
from core.predict.yes_no.answers import YesNoAnswers
from core.predict.yes_no.table import table
from core.runs import FoldState
from core.runs.yes_no.answers import of_probabilities
from core.runs.yes_no.view import opened
from core.storage import files, parquet
from core.training import checkpoint
from tests.answered import made, table_of
from tests.celeba import drawn
from tests.yes_no_runs import frozen, planned

NAMES = ("Smiling", "Bald")


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A run of two folds without networks, as if it had answered about 3,000 photos; calibrated, and Bald is seldom."""
    place = tmp_path_factory.mktemp("thresholds")
    root = drawn(place / "celeba", photos=24, people=12, attributes=NAMES, side=8)
    task = {"name": "attributes", "together": "each", "attributes": list(NAMES)}
    made = frozen(planned(root, task=task), place / "runs")
    rng = np.random.default_rng(0)
    for fold in made.folds():
        samples = np.array([f"{fold}/{place}.jpg" for place in range(1500)], dtype=object)
        yes, shares = told(rng, len(samples))
        frame = of_probabilities(samples, made.config().task.attributes, yes, shares)
        checkpoint.save_predictions(made.predictions_file(fold, "best"), frame)
        made.write_state(FoldState(fold, "done", epoch=1))
    return made


def told(rng, photos, folds=None):
    """(truth (n, 2), probability of yes (n, 2) or (folds, n, 2)), Smiling often a yes and Bald seldom; calibrated."""
    z = rng.normal([0.0, -1.6], [2.0, 1.6], (photos, 2))
    yes = (rng.random(z.shape) < 1 / (1 + np.exp(-z))).astype(np.int64)
    seen = z if folds is None else z + rng.normal(0, 0.5, (folds, *z.shape))
    return yes, 1 / (1 + np.exp(-seen))


def answers_of(run, shares):
    photos = tuple(Photo(f"{place}.jpg") for place in range(shares.shape[1]))
    return YesNoAnswers(
        photos, tuple(Member(run, fold) for fold in run.folds()), tuple(run.config().task.attributes), shares
    )


def test_thresholds_are_of_the_out_of_fold_answers_and_hold_for_the_mean_of_folds_on_new_people(run):
    names = run.config().task.attributes
    fitted = thresholds.fitted([run], names)
    assert fitted.photos == 3000 and fitted.attributes == tuple(names)
    bald, smiling = (fitted.values[names.index(name)] for name in ("Bald", "Smiling"))
    assert bald < 0.5 and abs(smiling - 0.5) < 0.1 and not fitted.rare
    assert (
        "3,000 out-of-fold answers" in fitted.sentences[0]
        and "judged by thresholds that were fitted without" in fitted.sentences[1]
    )
    yes, shares = told(np.random.default_rng(9), 20_000, folds=5)
    mean = shares.mean(axis=0)
    f1 = {t: f1_score(yes[:, 1], mean[:, 1] > t, average="macro") for t in (0.5, bald)}
    assert f1[bald] > f1[0.5] + 0.01, "fitted on one network's answers, it helps the mean of five on a fresh test set"


def test_a_fold_that_was_stopped_moves_no_threshold_though_it_has_answered(run):
    run.write_state(FoldState(1, "cancelled", epoch=1))
    try:
        assert thresholds.fitted([run], run.config().task.attributes).photos == 1500
    finally:
        run.write_state(FoldState(1, "done", epoch=1))


def test_a_rare_yes_keeps_half_and_is_named(run, tmp_path):
    names = run.config().task.attributes
    assert thresholds.plain(names).sentences[0].startswith("A yes is a probability above 0.5")
    parts = [run.predictions(fold) for fold in run.folds()]
    try:
        for fold, part in zip(run.folds(), parts, strict=True):
            seldom = part.assign(yes_Bald=(np.arange(len(part)) < 5).astype(np.int8))
            checkpoint.save_predictions(run.predictions_file(fold, "best"), seldom)
        fitted = thresholds.fitted([run], names)
        assert fitted.rare == ("Bald",) and fitted.values[names.index("Bald")] == 0.5
        assert "have a yes, or a no, of Bald" in fitted.sentences[-1]
    finally:
        for fold, part in zip(run.folds(), parts, strict=True):
            checkpoint.save_predictions(run.predictions_file(fold, "best"), part)


def test_answers_that_may_not_be_read_are_not_said_to_be_damaged(run, monkeypatch):
    def refuse(*_):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))

    monkeypatch.setattr(parquet, "read", refuse)
    with pytest.raises(LabError, match=r"cannot be read \(Permission denied\)") as told:
        thresholds.fitted([run], ["Bald"])
    assert told.value.remedy == files.CHECK and told.value.kind == "unreadable"


def test_one_attribute_is_seen_through_as_a_task_of_two_and_a_photo_without_an_answer_has_none(run):
    shares = told(np.random.default_rng(2), 6, folds=2)[1]
    shares[:, 4], shares[0, 5] = np.nan, np.nan
    answers = answers_of(run, shares)
    names, limits = answers.attributes, np.array([0.5, 0.2])
    yes = answers.yes(limits)
    np.testing.assert_array_equal(yes[:4], shares[:, :4].mean(axis=0) > limits)
    assert yes[4].tolist() == [-1, -1] and (yes[5] == (shares[1, 5] > limits)).all()
    agree = answers.agreeing(limits, yes)
    assert agree[5].tolist() == [1, 1] and agree[0].max() <= 2
    seen = answers.of(names[1])
    np.testing.assert_allclose(seen.probabilities()[:, 1], answers.probabilities()[:, 1])
    assert seen.class_names == ("no", "yes") and seen.members[0].run.key == f"{run.id}:{names[1]}"
    with pytest.raises(LabError, match=rf":{names[0]} are of {names[0]}, those of \S+:{names[1]} of {names[1]}"):
        Predictor([opened(f"{run.id}:{name}", run.dir.parent) for name in names])  # a mean of two probabilities of yes
    rows = table(answers, limits)
    assert rows["folds_asked"].tolist() == [2, 2, 2, 2, 0, 1]
    assert [*rows][1:3] == [f"answer_{names[0]}", f"p_{names[0]}"] and pd.isna(rows[f"answer_{names[0]}"].iloc[4])
    assert pd.isna(rows["mutual_information"].iloc[4])


def test_networks_of_the_same_words_for_other_findings_are_not_averaged(tmp_path):
    names = ["absent + present", "present + absent"]
    photos = table_of(tmp_path, people=12).assign(y=[0, 1] * 6, class_name=names * 6)
    one, other = (
        made(tmp_path, photos, task={"name": "attributes", "attributes": order}, names=names)
        for order in (["lung", "heart"], ["heart", "lung"])
    )
    assert orders_of_names([one, one], names) == [[0, 1]] * 2
    with pytest.raises(LabError, match=r"are of lung and heart, those of \S+ of heart and lung"):
        orders_of_names([one, other], names)
    names = ["absent", "present"]  # in a column that a run calls its label, and of one that it calls an attribute
    photos, chosen = photos.assign(class_name=names * 6), {"name": "attributes", "attributes": ["pneumonia"]}
    pneumonia, effusion, folders, attribute = (
        made(tmp_path, photos, task=task, data={"root": "/photos", "label_column": column}, names=names)
        for task, column in (
            *(({"name": "label"}, column) for column in ("pneumonia", "effusion", None)),
            (chosen, None),
        )
    )
    assert orders_of_names([folders, pneumonia, attribute], names) == [[0, 1]] * 3
    with pytest.raises(LabError, match=r"are of pneumonia, those of \S+ of effusion"):
        orders_of_names([folders, pneumonia, effusion], names)


def test_most_votes_answer_and_a_tie_goes_by_the_mean(run):
    shares = np.array([[[0.9, 0.3]], [[0.4, 0.1]]])
    answers = answers_of(run, shares)
    limits = np.array([0.5, 0.25])
    assert answers.yes(limits, "hard").tolist() == [[1, 0]], "one of two votes each: by the means 0.65 and 0.2"
    with pytest.raises(ValueError, match="weighted"):
        answers.yes(limits, "weighted")
