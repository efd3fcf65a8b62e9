"""Certainty of a run from the files that its folds left, against scikit-learn, and where folds or classes lack."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import average_precision_score, precision_recall_fscore_support, roc_auc_score

from core.answers import certainty, certainty_words
from core.errors import LabError
from core.runs import FoldState
from core.runs.yes_no.view import opened
from core.stats import calibration
from tests.answered import CLASSES, answer, made, probabilities_of, table_of
from tests.yes_no_runs import told_by_few

PEOPLE, PHOTOS, FOLDS = 72, 3, 3


def answers_of(table, seed=0, sure=0.5):
    """A third of the photos get another class than their own."""
    rng = np.random.default_rng(seed)
    wrong = {int(row): int(rng.integers(6)) for row in rng.choice(len(table), len(table) // 3, replace=False)}
    return probabilities_of(table["y"].to_numpy(), seed, wrong, sure)


@pytest.fixture
def run(tmp_path):
    table = table_of(tmp_path, people=PEOPLE, folds=FOLDS, photos=PHOTOS).assign(person_known=True)
    return made(tmp_path / "runs", table, probabilities=answers_of(table))


def test_lines_are_scikit_learns_for_classes_and_attributes(run):
    sure = certainty.load(run)
    assert [question.attribute for question in sure.questions] == ["", "gender", "age"]
    for question in sure.questions:
        p, y = question.probabilities, question.labels
        scores = precision_recall_fscore_support(y, p.argmax(axis=1), zero_division=0)
        for c, line in enumerate(question.lines):
            assert (line.precision.mean, line.recall.mean, line.f1.mean) == pytest.approx([s[c] for s in scores[:3]])
            assert line.auc.mean == pytest.approx(roc_auc_score(y == c, p[:, c]))
            assert line.average_precision.mean == pytest.approx(average_precision_score(y == c, p[:, c]))
            assert line.photos == scores[3][c] and line.people == line.photos / PHOTOS
            for interval in (line.precision, line.recall, line.f1, line.auc, line.average_precision):
                assert interval.low < interval.mean < interval.high and interval.n == PEOPLE
        assert [each.mean for each in question.macro] == pytest.approx([s.mean() for s in scores[:3]])
    gender = sure.questions[1]
    women = [c for c, name in enumerate(CLASSES) if name.startswith("female")]
    np.testing.assert_allclose(gender.probabilities[:, 0], sure.classes.probabilities[:, women].sum(axis=1))
    assert gender.names == ("female", "male")


@pytest.mark.parametrize("are_merged", [False, True])
def test_an_attribute_that_is_the_same_in_all_classes_is_no_question(tmp_path, are_merged):
    """Gender of women only, and of classes that are merged across it, has one value, of which nothing can be asked."""
    table, names, merge = table_of(tmp_path, people=PEOPLE, folds=FOLDS, photos=PHOTOS), CLASSES[:3], {}
    if are_merged:
        names = ["young", "grown", "old"]
        merge = {name: [CLASSES[place], CLASSES[place + 3]] for place, name in enumerate(names)}
        table["y"] %= 3
    table = table[table["y"] < 3].reset_index(drop=True)
    table["class_name"] = [names[y] for y in table["y"]]
    wrong = {row: (int(table["y"][row]) + 1) % 3 for row in range(0, len(table), 4)}
    p = probabilities_of(table["y"].to_numpy(), 0, wrong, 0.5, classes=3)
    task = {"name": "gender-age", "merge": merge}
    sure = certainty.load(made(tmp_path / "runs", table, probabilities=p, names=names, task=task))
    assert [question.attribute for question in sure.questions] == ["", "age"]
    assert sure.questions[1].names == ("<30", "30-59", ">=60") and sure.photos == len(table)


def test_rows_are_joined_by_fold_and_temperatures_are_those_of_the_folds(run):
    sure = certainty.load(run)
    p, y = sure.classes.probabilities, sure.classes.labels
    for fold in run.folds():
        table = run.predictions(fold)
        own = table[[f"p_{name}" for name in CLASSES]].to_numpy()
        labels = table["label"].map(CLASSES.index).to_numpy()
        np.testing.assert_array_equal(p[sure.fold == fold], own)
        assert sure.temperatures[fold] == pytest.approx(calibration.fit_temperature(own, labels))
        others = calibration.fit_temperature(p[sure.fold != fold], y[sure.fold != fold])
        assert sure.crossed[fold] == pytest.approx(others)
    assert sure.temperature == calibration.fit_temperature(p, y)
    scaled, _ = calibration.cross_fitted(p, y, sure.fold)
    assert sure.after.likelihood.mean == pytest.approx(calibration.nll_terms(scaled, y).mean())
    assert sure.before.likelihood.mean == pytest.approx(calibration.nll_terms(p, y).mean())


def test_it_is_computed_once_until_a_fold_answers_anew(run):
    first = certainty.load(run)
    assert certainty.load(run) is first
    table = run.samples()
    answer(run, table, answers_of(table, seed=5), folds=[1])
    again = certainty.load(run)
    assert again is not first
    assert again.temperatures[1] != first.temperatures[1] and again.temperatures[0] == first.temperatures[0]


def test_sets_and_promises_hold_what_they_say_of_these_photos(run):
    sure = certainty.load(run)
    summary = sure.sets(0.2)
    assert summary.coverage.low <= 0.8 <= summary.coverage.high + 0.05
    assert summary.sizes.sum() == pytest.approx(1) and summary.sizes @ np.arange(7) == pytest.approx(summary.size)
    weights = [line.photos for line in sure.classes.lines]
    assert np.average([each.mean for each in summary.of_classes], weights=weights) == pytest.approx(
        summary.coverage.mean
    )
    assert sure.sets(0.01).size == 6 and sure.sets(0.01).least > 0.01  # 48 people cannot carry it
    assert "would" not in certainty_words.sets(summary, sure)
    assert "every set is all classes" in certainty_words.sets(sure.sets(0.001), sure)
    promise = sure.promise(0.4)
    p, right = sure.classes.probabilities, sure.classes.probabilities.argmax(1) == sure.classes.labels
    assert promise.observed == pytest.approx(right[p.max(axis=1) >= promise.threshold].mean())
    assert sure.promise(0.999) is None
    assert "No threshold can be promised for 99.9% right" in certainty_words.threshold(sure, 0.999, None)


def test_one_finished_fold_is_told_without_what_needs_two(run):
    words = certainty_words.mean_of_folds(certainty.load(run))
    assert "New photos get the mean of 3 folds, which is less sure than they are" in words
    for fold in (1, 2):
        run.predictions_file(fold, "best").unlink()
    sure = certainty.load(run)
    assert sure.folds == (0,) and sure.missing == (1, 2)
    assert sure.after is None and sure.offsets is None and sure.sets() is None and sure.crossed == {}
    assert "Only fold 0 has answered" in sure.doubts[0]
    for words in (certainty_words.temperature(sure), certainty_words.sets(None, sure), certainty_words.offsets(sure)):
        assert "two folds have answered" in words
    words = certainty_words.mean_of_folds(sure)
    assert "Where new photos get the mean of several folds, that is less sure than they are" in words


def test_a_fold_that_was_stopped_counts_in_nothing_though_it_has_answered(run):
    whole = certainty.load(run)
    run.write_state(FoldState(2, "cancelled", epoch=1))
    sure = certainty.load(run)
    assert (sure.folds, sure.missing) == ((0, 1), (2,))
    assert sure.photos == sum(line.photos for line in sure.classes.lines) == (run.samples()["fold"] != 2).sum()
    assert sure.doubts[0] == "Fold 2 is not in it: it is not finished, or has no answers."
    run.write_state(FoldState(2, "done", epoch=1))
    assert certainty.load(run) is whole


def test_classes_without_photos_or_never_answered_and_few_people(tmp_path):
    table = table_of(tmp_path, people=12, folds=2)
    table = table[table["y"] != 5].reset_index(drop=True)
    p = answers_of(table)
    p[:, 4] = p[:, 4].min() / 2
    p /= p.sum(axis=1, keepdims=True)
    run = made(tmp_path / "runs", table, probabilities=p)
    sure = certainty.load(run)
    absent, never = sure.classes.lines[5], sure.classes.lines[4]
    assert absent.photos == 0 and np.isnan(absent.recall.mean) and np.isnan(absent.auc.mean)
    assert np.isnan(never.precision.mean) and never.recall.mean == 0 and not never.recall.known
    doubts = " ".join(sure.doubts)
    assert "Persons are unknown" in doubts and "10 photos make all of this rough" in doubts
    assert "Fewer than 10 photos have female <30" in doubts
    assert sure.sets(0.2).of_classes[5].n == 10 and np.isnan(sure.sets(0.2).of_classes[5].mean)


@pytest.mark.parametrize(("value", "words"), [(np.nan, "a probability is no number"), (1.7, "does not sum to 1")])
def test_what_is_no_probability_is_refused_in_words(run, value, words):
    table = run.predictions(1)
    table.loc[3, f"p_{CLASSES[0]}"] = value
    table.to_parquet(run.predictions_file(1, "best"))
    with pytest.raises(LabError, match=words) as refused:
        certainty.load(run)
    assert refused.value.kind == "unreadable"


def test_mixed_epochs_are_refused(run, monkeypatch):
    from core.runs import origins

    good = origins.of_predictions
    monkeypatch.setattr(origins, "of_weights", lambda path: origins.Origin(1, "b" * 16))
    monkeypatch.setattr(origins, "of_predictions", lambda path: good(path) or origins.Origin(2, "a" * 16))
    with pytest.raises(LabError) as refused:
        certainty.load(run)
    assert refused.value.kind == "mixed"


def test_two_classes(tmp_path):
    names = ["no", "yes"]
    table = table_of(tmp_path, people=40, folds=4)
    table = table.assign(y=table.index % 2, class_name=np.array(names)[table.index % 2], label="x")
    p = np.eye(2)[table["y"]] * 0.6 + 0.2
    p[::5] = p[::5, ::-1]
    run = made(tmp_path / "runs", table, probabilities=p, names=names, task={"name": "label"})
    sure = certainty.load(run)
    assert len(sure.questions) == 1 and sure.classes.accuracy.mean == 0.8
    assert sure.before.gap.mean == pytest.approx(0, abs=1e-6) and sure.before.error.mean == pytest.approx(0, abs=1e-6)
    assert isinstance(sure.classes.labels, np.ndarray) and pd.isna(sure.classes.accuracy.p)


def test_an_attribute_that_no_finished_fold_tells_lacks_answers_and_is_not_damaged(tmp_path):
    run = told_by_few(tmp_path, fold=0)
    for fold in (1, 2):
        run.write_state(FoldState(fold, "cancelled"))
    young, smiling = (opened(f"{run.id}:{name}", run.dir.parent) for name in ("Young", "Smiling"))
    with pytest.raises(LabError, match="no best predictions yet, or none about a photo that tells it") as refused:
        certainty.load(young)
    assert refused.value.kind == "missing" and young.key in refused.value.message
    assert certainty.load(smiling).folds == (0,)
