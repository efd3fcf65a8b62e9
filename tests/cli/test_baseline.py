"""The verb `baseline`: folds, what training earned over them, and the same for programs; asked once, then kept."""

import json

import pytest

from core.inside import first_weights
from tests.compared import make_run, samples
from tests.frozen_runs import keep


def test_it_is_computed_once_and_says_what_training_earned(lab, runs_folder, monkeypatch):
    table = samples(runs_folder, people=60, photos=2)
    make_run(runs_folder, table, skill=0.95, run_id="first")
    monkeypatch.setattr(first_weights, "measure", lambda run, device, progress: keep(run, table, 0.3))
    done = lab("baseline", "first")
    assert done.code == 0, done.err
    head, titles, *rows = done.out.splitlines()
    assert head.endswith("of its own first weights (imagenet)") and titles.split() == ["fold", "F1", "accuracy", "C"]
    assert [row.split()[0] for row in rows[:5]] == ["0", "1", "2", "3", "4"] and rows[5].endswith("(5)")
    assert "\nTraining earned +" in done.out and "an abacus" in done.out
    monkeypatch.setattr(first_weights, "measure", lambda *_, **__: pytest.fail("computed again"))
    record = json.loads(lab("baseline", "first", "--json").out)
    last = record["earned"]["final"]
    assert last["verdict"] == "better" and last["sentence"] in done.out and last["over_people"]["low"] > 0
    assert record["f1"]["folds"] == len(record["by_fold"]) == 5
    assert record["f1"]["mean"] == pytest.approx(sum(fold["f1"] for fold in record["by_fold"]) / 5)


def test_a_run_of_which_nothing_is_done_has_a_baseline_all_the_same(lab, runs_folder):
    table = samples(runs_folder, people=60, photos=2)
    keep(make_run(runs_folder, table, run_id="waits", states=dict.fromkeys(range(5), "queued")), table, 0.3)
    done = lab("baseline", "waits")
    assert done.code == 0 and "told once a fold of the run is done" in done.out
    assert "--device gpu: there is no such device" in lab("baseline", "waits", "--device", "gpu").err
    gone = lab("baseline", "gone")
    assert gone.code == 1 and "run 'gone' is gone" in gone.err
