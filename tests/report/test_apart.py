"""The report's section of test photos: how often they were looked at, a score only of what somebody has seen."""

import numpy as np
import pytest

from core.answers import ensemble_scores
from core.report import gather, render, words
from core.report.blocks import Bullets, Table
from core.report.findings import compare_runs
from core.runs import Run, looks
from tests.answered import probabilities_of
from tests.compared import make_run, samples

IDS = [f"20260101-00000{number}-run-000{number}" for number in range(3)]


@pytest.fixture
def runs(tmp_path):
    """Three finished runs of which the first two have twelve test photos that both have answered."""
    table = samples(tmp_path, people=24, photos=1)
    for number, run_id in enumerate(IDS):
        make_run(tmp_path, table, f"run {number}", skill=0.8, seed=number, run_id=run_id)
    made = [Run(run_id, tmp_path) for run_id in IDS]
    for run in made[:2]:
        photos = table.head(12).drop(columns="fold").assign(person_known=True)
        photos["sample"] = "test/" + photos["sample"]
        photos.to_parquet(run.test_file, index=False)
        classes = len(run.info()["class_names"])
        shares = [
            probabilities_of(photos["y"].tolist(), seed=fold, wrong={fold: classes - 1, 4: 0, 7: 0}, classes=classes)
            for fold in run.folds()
        ]
        ensemble_scores.write(run, run.test_photos(), np.stack(shares))
    return made


def section(report):
    return next((part for part in report.sections if part.title == "Test set"), None)


def test_the_report_tells_how_often_and_shows_what_was_seen_only(runs):
    for by in ("page", "command line"):
        looks.add(runs[0], by)
    report = gather.gather(runs)
    (table,) = [block for block in section(report).blocks if isinstance(block, Table)]
    seen, unseen = table.rows
    scores = ensemble_scores.load(runs[0])
    assert seen[:3] == ("run 0", "12", "looked at 2 times") and seen[3].startswith(f"{scores.f1.mean:.3f} [")
    through_others = "not looked at through this run yet, but 2 times through other runs with the same test photos"
    assert unseen == ("run 1", "12", through_others, "–", "–", "–")
    assert "Compare never uses it for its verdicts" in table.note and "counts no look" in table.note
    assert len(looks.times(runs[0])) == 2 and not runs[1].test_looks_file.exists()
    assert "looked at 2 times" in render.markdown(report) and "looked at 2 times" in render.html(report)


def test_no_test_photos_no_section(runs):
    assert section(gather.gather(runs[2:])) is None


def test_a_count_that_is_damaged_is_told_and_shows_no_score(runs):
    runs[0].test_looks_file.write_text("{")
    (bullets,) = [block for block in section(gather.gather(runs[:1])).blocks if isinstance(block, Bullets)]
    assert bullets.warn and "nobody knows how often" in bullets.lines[0]


def test_verdicts_are_the_same_whatever_the_test_set_says(runs):
    before = words.answer(compare_runs(runs))
    for run in runs[:2]:
        looks.add(run, "page")
        photos = run.test_photos()
        right = np.stack([np.eye(len(run.info()["class_names"]))[photos["y"]]] * len(run.folds()))
        ensemble_scores.write(run, photos, right if run is runs[1] else 1 - right)
    assert words.answer(compare_runs(runs)) == before
