"""When a launch would begin and end behind what trains and waits."""

import pytest

from core.config import from_dict
from core.data.scan import scan
from core.errors import LabError
from core.jobs import queue, speed
from core.jobs.pace import ahead as jobs_ahead
from core.jobs.pace.ahead import Ahead, Times, ahead, both, free_at, times
from core.plan.plan import make_plan
from core.runs import FoldState, Run
from core.runs.create import create
from core.storage import files
from tests.pages.launch_form import faces


def test_jobs_go_to_the_slot_that_is_free_first():
    assert free_at([0.0, 0.0], [10, 4, 3]) == (7, 10)
    assert free_at([0.0], []) == (0,)
    when = times(Ahead(slots=(7, 10)), [5, 5])
    assert (when.begins, when.ends, when.lasts) == (7, 15, 8)
    assert times(Ahead(slots=(60,)), [12, 12]).ends == 84


@pytest.fixture
def waiting(runs_folder, tmp_path, monkeypatch):
    """A run of thirty photos in three folds: 0 done, 1 training, 2 waiting, on a machine of one slot."""
    monkeypatch.setenv("FACET_SLOTS", "1")
    base = {"name": "r", "data": {"root": str(faces(tmp_path / "faces")), "reader": "utkface"}, "folds": {"count": 3}}
    sized = [{"name": "Resize", "params": {"height": 32, "width": 32}}, {"name": "Normalize"}]
    phases = [{"optimizer": "adam", "epochs": 10}]
    config = from_dict({**base, "transforms": sized, "phases": phases, "model": {"init": "scratch"}})
    plan = make_plan(config, scan(config.data, threads=1))
    run = create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=runs_folder)
    run.write_state(FoldState(0, "done", epoch=10, seconds=50.0))
    run.write_state(FoldState(1, "running", epoch=4))
    run.write_summary()
    queue.enqueue(run, [2])
    with run.fold_lock(1):
        yield run


def test_what_trains_says_its_end_and_what_waits_lasts_as_long_as_its_run_did(waiting, runs_folder):
    files.write_json(waiting.progress_file(1), {"eta_seconds": 12.5})
    assert ahead(runs_folder) == Ahead(slots=(62.5,), jobs=2)
    assert both(runs_folder) == (ahead(runs_folder), jobs_ahead.waiting(runs_folder))


def test_without_a_finished_fold_the_measured_speed_says_it_and_without_one_it_is_unknown(waiting, runs_folder):
    waiting.write_state(FoldState(0, "failed"))
    waiting.write_summary()
    assert ahead(runs_folder) == Ahead(slots=(0,), jobs=2, unknown=2)
    speed.remember(waiting.config(), 10.0, runs_folder)
    whole = (20 * 10 + 10 * 10 / 3) / 10 + 5  # two thirds train, a third is held out, in each of ten epochs
    assert ahead(runs_folder).slots == pytest.approx((whole * 0.6 + whole,)), "four of ten epochs are behind it"


HEAD_FIRST = """
transforms: [{name: Resize}, {name: Normalize}]
phases: [{epochs: 10, lr_backbone: 0, frozen_norm: true}, {epochs: 10}]
"""
TO_COME = (20 * 10 + 10 * 10 / 3) / (20 * (1 / 3 + 10) + 10 * (1 / 3 + 10 / 3))  # of HEAD_FIRST, behind its first ten


@pytest.mark.parametrize(
    ("settings", "folds", "behind", "seconds", "share"),
    [
        ("folds: {everybody: 20260101-000000-r-0000}\nphases: [{epochs: 10}]", 1, 0, 30 * 10 / 10 + 5, 1),
        ("phases: [{epochs: 10, lr_backbone: 0}]", 3, 0, (20 + 10) * 10 / 3 / 10 + 5, 1),
        ("phases: [{epochs: 10}]", 3, 4, ((20 + 10 / 3) + 5) * 0.6, 0.6),
        (HEAD_FIRST, 3, 10, (20 * (1 / 3 + 10) + 10 * (1 / 3 + 10 / 3) + 50) / 10 * TO_COME, TO_COME),
    ],
)
def test_what_waits_lasts_as_long_as_what_it_trains_and_validates_takes(
    runs_folder, settings, folds, behind, seconds, share
):
    run = Run("20260101-000000-r-0001", runs_folder)
    run.dir.mkdir(parents=True)
    run.config_file.write_text(f"name: r\n{settings}\n")
    queue.enqueue(run, [0])
    speed.remember(run.config(), 10.0, runs_folder)
    states = [{"fold": fold, "state": "queued", "epoch": behind} for fold in range(folds)]
    row = {"id": run.id, "samples": 30, "epochs": run.config().epochs, "folds": states}
    assert jobs_ahead.waiting(runs_folder, [row])[run.id].lasts == pytest.approx(seconds)
    states[-1] |= {"state": "done", "seconds": 50.0}
    if folds > 1:
        assert jobs_ahead.waiting(runs_folder, [row])[run.id].lasts == pytest.approx(50 * share)


def test_what_is_held_back_is_not_waited_for_and_an_idle_machine_begins_at_once(waiting, runs_folder):
    files.write_json(waiting.progress_file(1), {"eta_seconds": 12.5})
    queue.hold(runs_folder, "20260101-000000-study-0000", [waiting.id])
    assert ahead(runs_folder) == Ahead(slots=(12.5,), jobs=1)
    assert ahead(runs_folder / "empty") == Ahead(slots=(0,))


def test_each_run_that_waits_begins_where_the_one_before_it_leaves_a_slot(waiting, runs_folder, monkeypatch):
    files.write_json(waiting.progress_file(1), {"eta_seconds": 12.5})
    config, samples = waiting.config(), waiting.samples()
    later = create(config, samples, class_names=waiting.info()["class_names"], info={}, folder=runs_folder)
    later.write_state(FoldState(0, "done", epoch=10, seconds=20.0))
    later.write_summary()
    queue.enqueue(later, [1, 2])
    spans = {waiting.id: Times(12.5, 62.5), later.id: Times(62.5, 102.5)}
    assert jobs_ahead.waiting(runs_folder) == spans and list(spans) == list(jobs_ahead.waiting(runs_folder))
    monkeypatch.setenv("FACET_SLOTS", "2")
    assert jobs_ahead.waiting(runs_folder) == {waiting.id: Times(0, 50), later.id: Times(12.5, 52.5)}
    waiting.write_state(FoldState(0, "failed"))
    waiting.write_summary()
    assert jobs_ahead.waiting(runs_folder) == {waiting.id: None, later.id: None}, "nobody knows the first"


def test_a_configuration_that_was_out_of_reach_is_asked_for_again(waiting, runs_folder, monkeypatch):
    waiting.write_state(FoldState(0, "failed"))
    waiting.write_summary()
    speed.remember(waiting.config(), 10.0, runs_folder)

    def refused(run):
        raise LabError("config.yaml: cannot be read (Permission denied).", kind="config")

    with monkeypatch.context() as patch:
        patch.setattr(Run, "config", refused)
        assert ahead(runs_folder).unknown == 2
    assert ahead(runs_folder).unknown == 0, "rights are given without a restart"


def test_a_long_queue_asks_each_of_its_runs_for_its_configuration_once(runs_folder, monkeypatch):
    runs = [Run(f"20260101-000000-r-{number:04x}", runs_folder) for number in range(600)]
    for run in runs:
        run.dir.mkdir(parents=True)
        run.config_file.write_text(f"name: {run.id}\n")
        queue.enqueue(run, [0])
    waits = [{"id": run.id, "samples": 30, "folds": [{"fold": 0, "state": "queued", "epoch": 0}]} for run in runs]
    speed.remember(runs[0].config(), 10.0, runs_folder)
    first = jobs_ahead.waiting(runs_folder, waits)
    assert len(first) == 600 and None not in first.values()
    asked, config = [], Run.config
    monkeypatch.setattr(Run, "config", lambda run: asked.append(run.id) or config(run))
    assert jobs_ahead.waiting(runs_folder, waits) == first and asked == []


def test_where_a_finished_fold_tells_the_time_no_configuration_is_asked_for_a_fold_that_begins(
    waiting, runs_folder, monkeypatch
):
    files.write_json(waiting.progress_file(1), {"eta_seconds": 12.5})
    asked, config = [], Run.config
    monkeypatch.setattr(Run, "config", lambda run: asked.append(run.id) or config(run))
    assert ahead(runs_folder) == Ahead(slots=(62.5,), jobs=2) and asked == []
