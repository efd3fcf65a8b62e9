"""Times of a queue whose fold jobs train on a cluster: by its places, and by nothing that was measured here."""

from dataclasses import replace

import pytest

from core.jobs import elsewhere, queue, speed
from core.jobs.pace import ahead
from core.jobs.pace.ahead import Ahead, Times
from core.runs import FoldState
from core.storage import files, locks
from core.studies import grid
from tests.pages.trials import make_run

ADDRESS = "ray://head:10001"
HOUR = 3600.0
SOON = 1e12  # Unix time; what was told then is fresh however slow this machine is


@pytest.fixture
def waiting(runs_folder, monkeypatch):
    """A run of which one fold took an hour and ten wait for a cluster; this machine has one slot."""
    monkeypatch.setenv("FACET_ENGINE", ADDRESS)
    run = make_run(runs_folder, states=("done", *["queued"] * 10))
    run.write_state(replace(run.states()[0], seconds=HOUR))
    queue.enqueue(run, list(range(1, 11)))
    return run


@pytest.fixture
def told(runs_folder):
    """What the writer beside the lab tells of the cluster; it lives."""

    def tell(**changes):
        content = {"address": ADDRESS, "when": SOON, "places": 10, "nodes": []} | changes
        files.write_json(elsewhere.report_file(runs_folder), content)

    elsewhere.report_file(runs_folder).parent.mkdir(parents=True)
    with locks.held(elsewhere.writer_lock(runs_folder), "the writer"):
        yield tell


def test_ten_places_of_a_cluster_train_ten_folds_in_the_time_of_one(waiting, told, runs_folder, monkeypatch):
    told()
    assert ahead.places(runs_folder) == 10
    assert ahead.ahead(runs_folder) == Ahead(slots=(HOUR,) * 10, jobs=10)
    assert ahead.waiting(runs_folder) == {waiting.id: Times(0, HOUR)}
    monkeypatch.setenv("FACET_ENGINE", "this-machine")
    assert ahead.places(runs_folder) == 1
    assert ahead.ahead(runs_folder) == Ahead(slots=(10 * HOUR,), jobs=10)


@pytest.mark.parametrize(
    "changes", [{"when": 0}, {"when": None}, {"address": "ray://other:10001"}, {"places": 0}, {"places": "many"}]
)
def test_a_cluster_that_has_not_told_its_places_lately_leaves_the_times_unknown(waiting, told, runs_folder, changes):
    told(**changes)
    assert ahead.places(runs_folder) is None
    assert ahead.both(runs_folder) == (Ahead(slots=(), jobs=10), {waiting.id: None})


def test_a_report_whose_writer_is_no_more_is_not_believed(waiting, runs_folder):
    elsewhere.report_file(runs_folder).parent.mkdir(parents=True)
    content = {"address": ADDRESS, "when": SOON, "places": 10}
    files.write_json(elsewhere.report_file(runs_folder), content)
    assert ahead.places(runs_folder) is None
    with locks.held(elsewhere.writer_lock(runs_folder), "the writer"):
        assert ahead.places(runs_folder) == 10


def test_the_speed_that_was_measured_here_says_nothing_of_a_cluster(waiting, told, runs_folder, monkeypatch):
    told()
    waiting.write_state(FoldState(0, "failed"))
    speed.remember(waiting.config(), 10.0, runs_folder)
    assert ahead.ahead(runs_folder) == Ahead(slots=(0,) * 10, jobs=10, unknown=10)
    assert ahead.waiting(runs_folder) == {waiting.id: None}
    monkeypatch.setenv("FACET_ENGINE", "this-machine")
    assert ahead.ahead(runs_folder).unknown == 0


def test_a_study_for_a_cluster_is_not_reckoned_with_what_this_machine_can(told, runs_folder, tiny_plan, monkeypatch):
    told()
    speed.remember(tiny_plan.config, 10.0, runs_folder)
    assert grid.estimate([tiny_plan], runs_folder).seconds is not None
    monkeypatch.setenv("FACET_ENGINE", ADDRESS)
    assert grid.estimate([tiny_plan], runs_folder).seconds is None


def test_a_choice_that_names_no_place_leaves_the_times_of_this_machine(runs_folder, monkeypatch):
    """It is said where it was chosen; the pages are drawn all the same."""
    monkeypatch.setenv("FACET_ENGINE", "nowhere")
    assert ahead.ahead(runs_folder) == Ahead(slots=(0,))
