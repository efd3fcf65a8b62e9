"""How much a run used of its machine, as run.json keeps it."""

import json

import pytest

from core.runs.create import create
from core.runs.use import used
from core.runs.use.used import Totals


def totals(*readings):
    whole = Totals()
    for reading in readings:
        whole.add(reading)
    return whole.record()


@pytest.fixture
def run(tiny_plan, runs_folder):
    plan = tiny_plan
    return create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=runs_folder)


def test_a_record_has_mean_peak_and_looks_of_what_was_told():
    record = totals({"gpu": 10, "gpu_memory_total": 8e9, "cpu": 50}, {"gpu": 40, "cores": 2.0}, {"gpu": 10})
    assert record == {
        "gpu": {"mean": 20, "peak": 40, "looks": 3},
        "cpu": {"mean": 50, "peak": 50, "looks": 1},
        "gpu_memory_total": 8e9,
        "cores": 2,
    }
    assert totals() == {}


def test_records_are_joined_by_their_looks():
    parts = [totals(*[{"gpu": 90, "temperature": 60}] * 3), totals({"gpu": 10, "temperature": 70}), totals({"cpu": 5})]
    assert used.joined(parts) == {
        "gpu": {"mean": 70, "peak": 90, "looks": 4},
        "temperature": {"mean": 62.5, "peak": 70, "looks": 4},
        "cpu": {"mean": 5, "peak": 5, "looks": 1},
    }
    assert used.joined([]) == {}


def test_a_fold_that_goes_on_adds_and_one_that_begins_anew_replaces(run):
    used.keep(run, 0, totals({"gpu": 10}), goes_on=False)
    used.keep(run, 1, totals({"gpu": 80}), goes_on=True)
    used.keep(run, 0, totals({"gpu": 30}), goes_on=True)
    assert {fold: record["gpu"]["mean"] for fold, record in used.of_folds(run.info()).items()} == {0: 20, 1: 80}
    used.keep(run, 0, totals({"gpu": 50}), goes_on=False)
    used.keep(run, 1, {}, goes_on=False)
    assert {fold: record["gpu"]["mean"] for fold, record in used.of_folds(run.info()).items()} == {0: 50, 1: 80}
    assert run.info()["class_names"] and used.of_run(run.info())["gpu"] == {"mean": 65, "peak": 80, "looks": 2}


@pytest.mark.parametrize(
    "written",
    [
        None,
        5,
        "gpu",
        {"0": 5, "x": {}},
        {"0": {"gpu": 5}},
        {"0": {"gpu": {"mean": "5", "peak": 1, "looks": 1}}},
        {"0": {"gpu": {"mean": float("nan"), "peak": 1, "looks": 1}}},
        {"0": {"colour": 3}},
    ],
)
def test_a_run_of_before_and_a_damaged_record_tell_nothing(run, written):
    assert used.of_run(run.info()) == {}
    info = run.info() | {used.KEY: written}
    run.info_file.write_text(json.dumps(info))
    assert used.of_run(run.info()) == {} == used.of_folds(run.info())
