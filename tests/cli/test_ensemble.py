"""The verb `test`: a tiny run trained for real on a dataset with a test split, scored by its folds together."""

import json

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from core.config import from_dict
from core.data.scan import scan
from core.inside import fold_models
from core.plan.plan import make_plan
from core.runs import Run, looks
from tests.held_apart import with_test
from tests.workers import launch

AWAY = ["blue/blue0.jpg", "green/green1.jpg", "red/red2.jpg", "red/red3.jpg"]


@pytest.mark.long
def test_a_trained_run_is_scored_on_photos_that_it_never_saw_and_each_call_is_a_look(workers, tiny_config, lab):
    dataset = with_test(scan(tiny_config.data, threads=1), AWAY)
    dataset.set_aside.loc[dataset.set_aside["sample"] == AWAY[3], "label"] = "violet"
    short = from_dict(tiny_config.model_dump(mode="json") | {"phases": [{"epochs": 1}]})
    run = launch(make_plan(short, dataset), workers.root, folds=(0, 1))
    before = lab("test", run.id)
    assert before.code == 1 and "2 folds of 2 are not done" in before.err and looks.times(run) == []
    assert workers.run() == 0
    assert [state.state for state in run.states()] == ["done", "done"]
    for fold in run.folds():
        assert not set(run.predictions(fold)["sample"]) & set(AWAY)

    summary = run.summary_file.read_bytes()
    first, second = lab("test", run.id), lab("test", run.id, "--json")
    assert first.code == second.code == 0, first.err + second.err
    assert "test set: 3 photos, persons unknown, never trained on; looked at once" in first.out
    assert "note: 1 test photo is left out, of a class that the run does not tell: violet 1." in first.out
    assert "fold 1 alone" in first.out and "never uses it for its verdicts" in first.out
    record = json.loads(second.out)
    assert record["look"] == 2 == len(looks.times(run))
    table = pd.read_parquet(run.test_predictions_file)
    assert table["sample"].tolist() == AWAY[:3]
    names = ["blue", "green", "red"]
    together = table[[f"p_{name}" for name in names]].to_numpy()
    np.testing.assert_allclose(together.sum(1), 1)
    by_sklearn = f1_score(["blue", "green", "red"], np.array(names)[together.argmax(1)], average="macro")
    assert record["ensemble"]["f1"]["score"] == pytest.approx(by_sklearn)
    assert np.sum(record["confusion"]) == record["photos"] == 3
    assert record["persons"] == {"known": 0, "count": 3} and record["left_out"]["unknown"] == {"violet": 1}
    assert run.summary_file.read_bytes() == summary
    fold_models.free()


def test_a_run_without_test_photos_is_refused_in_words(tiny_plan, runs_folder, lab, monkeypatch):
    from core.jobs import control

    monkeypatch.setattr(control, "start_worker", lambda root: None)
    run = control.launch(tiny_plan, folder=runs_folder)
    refused = lab("test", run.id)
    assert refused.code == 1 and "has no test photos" in refused.err and "labelled test split" in refused.err
    assert not run.test_looks_file.exists() and not refused.out


def test_a_run_that_is_gone_is_told(lab, runs_folder):
    assert "is gone" in lab("test", "20260101-000000-gone-0000").err
    assert not list(Run("20260101-000000-gone-0000", runs_folder).dir.parent.glob("*gone*"))
