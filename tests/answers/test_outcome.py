"""What stands out in a run's answers, against plain counts."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from core.answers import label_errors, mistakes, outcome
from tests.answered import CLASSES, made, probabilities_of, table_of


@pytest.fixture(scope="module")
def answered(tmp_path_factory):
    """24 people, 4 of each class; three of class 1 are taken for class 4, one of class 0 for class 1."""
    folder = tmp_path_factory.mktemp("outcome")
    samples = table_of(folder / "photos")
    rows = {cls: np.flatnonzero(samples["y"] == cls) for cls in range(6)}
    wrong = {row: 4 for row in rows[1][:3]} | {rows[0][0]: 1}
    run = made(folder, samples, probabilities=probabilities_of(samples["y"], wrong=wrong))
    return mistakes.load_answers(run)


def test_the_weakest_class_and_the_commonest_mistake(answered):
    story = outcome.outcome(answered)
    table = answered.table
    f1 = f1_score(table["true"], table["predicted"], labels=CLASSES, average=None, zero_division=0)
    assert story.weakest == CLASSES[int(np.argmin(f1))] and story.weakest_f1 == pytest.approx(f1.min())
    assert story.weakest_photos == 4
    assert (story.wrong, story.photos, story.never) == (4, 24, ())
    mistake = story.confusion
    assert (mistake.true, mistake.predicted, mistake.photos, mistake.of) == (CLASSES[1], CLASSES[4], 3, 4)
    part = table.iloc[list(mistake.rows)]
    assert (part["true"] == CLASSES[1]).all() and (part["predicted"] == CLASSES[4]).all() and len(part) == 3
    assert part["loss"].is_monotonic_decreasing
    assert story.contradicted == len(label_errors.likely_errors(answered)) > 0


def test_a_class_that_nothing_is_taken_for_is_named(tmp_path):
    samples = table_of(tmp_path / "photos")
    wrong = {row: 0 for row in np.flatnonzero(samples["y"] == 5)}
    run = made(tmp_path, samples, probabilities=probabilities_of(samples["y"], wrong=wrong))
    story = outcome.outcome(mistakes.load_answers(run))
    assert story.never == (CLASSES[5],) and story.weakest == CLASSES[5] and story.weakest_f1 == 0


def test_without_mistakes_there_is_no_commonest_one(tmp_path):
    samples = table_of(tmp_path / "photos")
    run = made(tmp_path, samples, probabilities=probabilities_of(samples["y"]))
    assert outcome.outcome(mistakes.load_answers(run)).confusion is None


def test_labels_are_not_doubted_by_a_network_that_is_wrong_about_more_photos_than_not(answered, tmp_path):
    assert not outcome.outcome(answered).too_weak
    samples = table_of(tmp_path / "photos")
    wrong = {row: (int(y) + 1) % 6 for row, y in enumerate(samples["y"]) if row % 3}
    run = made(tmp_path, samples, probabilities=probabilities_of(samples["y"], wrong=wrong))
    story = outcome.outcome(mistakes.load_answers(run))
    assert story.wrong == len(wrong) > story.photos / 2 and story.too_weak
    half = [label_errors.too_weak(wrong=wrong, photos=10) for wrong in (5, 6)]
    assert half == [False, True]


def test_overfitting_is_read_from_a_runs_metrics():
    epochs = np.arange(1, 21)
    losses = {"train": np.exp(-0.2 * epochs), "validation": 1 + 0.05 * np.abs(epochs - 8)}
    rows = [
        {"fold": fold, "epoch": epoch, "split": split, "loss": values[epoch - 1]}
        for fold in (0, 1)
        for split, values in losses.items()
        for epoch in epochs
    ]
    over = outcome.overfits(pd.DataFrame(rows).sample(frac=1, random_state=0))
    assert (over.epoch, over.folds, over.of) == (8, 2, 2)


def test_overfitting_is_told_by_the_epoch_that_it_begins_at_where_a_phase_stopped_early():
    epochs = [*range(1, 7), *range(16, 31)]  # a phase of 15 epochs that stopped after 6, and one of 15
    after = np.arange(1, len(epochs) + 1)
    losses = {"train": np.exp(-0.2 * after), "validation": 1 + 0.05 * np.abs(after - 10)}
    rows = [
        {"fold": 0, "epoch": epoch, "split": split, "loss": loss}
        for split, values in losses.items()
        for epoch, loss in zip(epochs, values, strict=True)
    ]
    assert outcome.overfits(pd.DataFrame(rows)).epoch == 19
