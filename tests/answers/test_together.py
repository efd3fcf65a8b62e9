"""The mean of the folds on the test set: told of what somebody has looked at already, and of nothing else."""

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from core.answers import certainty, certainty_words, ensemble_scores, together
from core.cli.main import app
from core.errors import LabError
from core.runs import looks
from core.runs.yes_no.view import opened
from core.stats import calibration
from tests.answered import CLASSES, made, table_of
from tests.yes_no_runs import told_by_few


def answers(labels, networks, seed):
    """Calibrated networks that err apart: (networks, n, 6)."""
    rng = np.random.default_rng(seed)
    logits = 1.5 * np.eye(6)[labels] + rng.normal(0, 0.8, (networks, len(labels), 6))
    shares = np.exp(logits) / np.exp(logits).sum(axis=2, keepdims=True)
    return np.stack([calibration.with_temperature(p, calibration.fit_temperature(p, labels)) for p in shares])


@pytest.fixture
def run(tmp_path):
    table = table_of(tmp_path, people=240, folds=4).assign(person_known=True)
    run = made(tmp_path / "runs", table, probabilities=answers(table["y"].to_numpy(), 1, 0)[0])
    test = table_of(tmp_path / "t", people=120, photos=2).drop(columns="fold").assign(person_known=True)
    test.to_parquet(run.test_file)
    ensemble_scores.write(run, test, answers(test["y"].to_numpy(), 4, 1))
    return run


def test_nothing_is_told_of_a_test_set_before_somebody_looked(run):
    sure = certainty.load(run)
    assert together.load(run, sure) is None
    looks.add(run, "command line")
    assert together.load(run, sure).photos == 240 and len(looks.times(run)) == 1
    assert together.load(run, certainty.load(run, "final")) is None  # the best weights answered


def test_the_mean_of_calibrated_folds_is_under_confident_and_its_own_temperature_mends_it(run):
    looks.add(run, "page")
    sure = certainty.load(run)
    test = together.load(run, sure)
    assert test.plain.gap.high < 0 and test.members.gap.high < 0
    assert test.temperature < 0.9
    assert abs(test.pooled.gap.mean) < 0.03 < abs(test.plain.gap.mean)
    assert test.pooled.likelihood.mean < test.plain.likelihood.mean
    assert test.coverage.mean > 0.85 and 1 <= test.size < 6
    words = certainty_words.together(test)
    assert "On the 240 test photos" in words and f"a temperature of {test.temperature:.2f}" in words


def test_too_few_people_leave_nothing_to_judge_a_temperature_with(run):
    sure = certainty.load(run)
    photos = run.test_photos().iloc[:6]
    few = together.of_answers(answers(photos["y"].to_numpy(), 4, 2), photos, sure, run.folds())
    assert few.pooled is None and few.temperature is None
    assert "then a temperature" not in certainty_words.together(few)


def test_what_is_no_probability_is_refused_in_words_and_hides_nothing_else(run):
    looks.add(run, "page")
    table = pd.read_parquet(run.test_predictions_file)
    table.loc[2, ensemble_scores.column(1, CLASSES[0])] = 1.5
    meta = pq.read_schema(run.test_predictions_file).metadata
    written = pa.Table.from_pandas(table, preserve_index=False)
    pq.write_table(written.replace_schema_metadata({**written.schema.metadata, **meta}), run.test_predictions_file)
    sure = certainty.load(run)
    with pytest.raises(LabError, match="is damaged") as refused:
        together.load(run, sure)
    assert refused.value.kind == "unreadable"
    told = CliRunner().invoke(app, ["certainty", run.id, "--runs", str(run.dir.parent)])
    assert told.exit_code == 0 and "is damaged" in told.stderr and "mean of calibrated networks" in told.stdout


def seen_through(run, name):
    """(the run seen through one attribute, how sure it is, the mean of its folds on the test set)."""
    of_one = opened(f"{run.id}:{name}", run.dir.parent)
    sure = certainty.load(of_one)
    return of_one, sure, together.load(of_one, sure)


def test_of_an_attribute_that_nobody_of_a_fold_tells_the_mean_of_folds_is_not_told(tmp_path):
    run = told_by_few(tmp_path, fold=1)
    looks.add(run, "page")
    young, sure, test = seen_through(run, "Young")
    assert test is None and (sure.folds, sure.missing) == ((0, 2), (1,))
    assert "Fold 1 is not in it: it is not finished, or has no answers." in sure.doubts
    assert seen_through(run, "Smiling")[2].photos == 12
    told = CliRunner().invoke(app, ["certainty", young.key, "--runs", str(run.dir.parent)])
    assert told.exit_code == 0 and "New photos get the mean of 2 folds" in told.stdout, told.output


def test_an_attribute_that_no_test_photo_tells_is_not_told_there_and_nothing_is_damaged(tmp_path):
    run = told_by_few(tmp_path, test=True)
    looks.add(run, "page")
    assert seen_through(run, "Young")[2] is None
    assert seen_through(run, "Smiling")[2].photos == 12
