"""Which engine is chosen, and what is known of a cluster without asking it."""

import pytest

from core.data.reach import bounds
from core.errors import LabError
from core.jobs import control, elsewhere, halt, slots
from core.storage import files, locks
from tests.workers import short


@pytest.mark.parametrize("choice", [None, "", "this-machine"])
def test_fold_jobs_train_here_unless_somebody_chose_otherwise(runs_folder, monkeypatch, choice):
    if choice is not None:
        monkeypatch.setenv("FACET_ENGINE", choice)
    assert elsewhere.address(runs_folder) is None


@pytest.mark.parametrize(
    "choice", ["ray", "ray://10.0.0.1:10001", "ray://gpu-1.lab.example:10001", "ray://[fe80::1]:1"]
)
def test_a_cluster_is_chosen_by_its_address(runs_folder, monkeypatch, choice):
    monkeypatch.setenv("FACET_ENGINE", choice)
    assert elsewhere.address(runs_folder) == choice


@pytest.mark.parametrize("choice", ["rya", "ray://", "ray://host", "ray://host:0", "ray://host:70000", "ray://a b:1"])
def test_what_names_no_engine_is_refused_before_a_run_is_made(runs_folder, monkeypatch, tiny_plan, choice):
    monkeypatch.setenv("FACET_ENGINE", choice)
    with pytest.raises(LabError, match="names no place where fold jobs can train") as refused:
        control.launch(tiny_plan, folder=runs_folder)
    assert refused.value.kind == "engine"
    assert not [path for path in runs_folder.iterdir() if not path.name.startswith(".")]


def test_the_setting_is_kept_beside_others_and_the_environment_wins(runs_folder, monkeypatch):
    slots.write(runs_folder, slots.Slots(3, 2))
    elsewhere.choose(runs_folder, "ray://host:10001")
    monkeypatch.delenv("FACET_SLOTS")
    assert slots.read(runs_folder) == slots.Slots(3, 2)
    assert elsewhere.address(runs_folder) == "ray://host:10001"
    slots.write(runs_folder, slots.Slots(1, 1))
    assert elsewhere.address(runs_folder) == "ray://host:10001"
    monkeypatch.setenv("FACET_ENGINE", "this-machine")
    assert elsewhere.address(runs_folder) is None
    with pytest.raises(LabError):
        elsewhere.choose(runs_folder, "nowhere")


@pytest.fixture
def started(monkeypatch):
    calls = []
    monkeypatch.setattr(control, "start_worker", lambda root: calls.append("worker"))
    monkeypatch.setattr(control, "start_writer", lambda root: calls.append("writer"))
    return calls


def test_a_launch_starts_the_writer_and_no_worker_where_a_cluster_is_chosen(
    runs_folder, monkeypatch, tiny_plan, started
):
    monkeypatch.setenv("FACET_ENGINE", "ray")
    control.ensure_workers(runs_folder)
    assert started == []  # nothing waits
    control.launch(short(tiny_plan), folder=runs_folder)
    assert started == ["writer"]
    halt.stop(runs_folder, "The cluster is gone.", "Start it anew.")
    control.ensure_workers(runs_folder)
    assert started == ["writer"]
    assert halt.stopped(runs_folder).message == "The queue has stopped: The cluster is gone."
    assert halt.stopped(runs_folder).remedy == "Start it anew."


def test_a_writer_comes_back_for_what_trains_though_nothing_waits(runs_folder, monkeypatch, started):
    monkeypatch.setenv("FACET_ENGINE", "ray")
    path = elsewhere.report_file(runs_folder)
    path.parent.mkdir(parents=True)
    files.write_json(path, {"under_way": [{"run": "a", "fold": 1, "attempt": 1, "node": "n"}], "trouble": "no room"})
    assert elsewhere.under_way(runs_folder) == [("a", 1)]
    control.ensure_workers(runs_folder)
    assert started == ["writer"]
    assert elsewhere.trouble(runs_folder) == ""  # of a writer that is no more
    with locks.held(elsewhere.writer_lock(runs_folder), "the writer"):
        assert elsewhere.trouble(runs_folder) == "no room"


@pytest.mark.parametrize(
    "content", ["", "[]", "{", '{"under_way": 3}', '{"under_way": [{"run": "a"}]}', '{"trouble": null}']
)
def test_a_damaged_report_is_none(runs_folder, content):
    path = elsewhere.report_file(runs_folder)
    path.parent.mkdir(parents=True)
    path.write_text(content)
    assert elsewhere.under_way(runs_folder) == []
    assert elsewhere.trouble(runs_folder) == ""


def test_who_was_started_by_a_lab_follows_the_choice_of_the_lab_that_is_open_now(runs_folder, monkeypatch):
    """Its own environment is the one of a lab that may be closed by now."""
    monkeypatch.setenv("FACET_ENGINE", "ray://old:10001")
    assert elsewhere.in_force(runs_folder) == "ray://old:10001", "nobody has left another"
    control.ensure_workers(runs_folder)
    with monkeypatch.context() as anew:
        anew.setenv("FACET_ENGINE", "ray://new:10001")
        control.ensure_workers(runs_folder)
    assert elsewhere.in_force(runs_folder) == "ray://new:10001"
    control.ensure_workers(runs_folder, in_force=True)
    assert elsewhere.in_force(runs_folder) == "ray://new:10001", "who was started chooses nothing"
    with monkeypatch.context() as anew:
        anew.delenv("FACET_ENGINE")
        bounds.hold_page(runs_folder)
        control.ensure_workers(runs_folder)
    assert elsewhere.in_force(runs_folder) is None
    elsewhere.choose(runs_folder, "ray")
    assert elsewhere.in_force(runs_folder) == "ray", "the setting is read as it is now"


def test_a_command_that_is_typed_without_the_variable_takes_nothing_off_the_cluster_of_the_lab(
    runs_folder, monkeypatch, tiny_plan, started
):
    with monkeypatch.context() as lab:
        lab.setenv("FACET_ENGINE", "ray://host:10001")
        bounds.hold_page(runs_folder)
        control.launch(short(tiny_plan), folder=runs_folder)
        other = control.launch(short(tiny_plan), folder=runs_folder)
    monkeypatch.delenv("FACET_ENGINE", raising=False)
    monkeypatch.delenv(bounds.GIVEN)
    started.clear()
    control.cancel(other)
    assert elsewhere.in_force(runs_folder) == "ray://host:10001"
    assert started == ["writer"]
    assert elsewhere.address(runs_folder) == "ray://host:10001", "as the command says, too"
    monkeypatch.setenv("FACET_ENGINE", "")
    assert elsewhere.address(runs_folder) is None, "set to nothing it is a choice"


def typed(verb, monkeypatch, choice):
    """A command in a shell that has this FACET_ENGINE, and what comes after it in one without."""
    with monkeypatch.context() as shell:
        shell.setenv("FACET_ENGINE", choice)
        verb()
    monkeypatch.delenv("FACET_ENGINE", raising=False)


def test_one_command_with_the_variable_does_not_decide_for_those_after_it(runs_folder, monkeypatch, tiny_plan, started):
    def launch():
        return control.launch(short(tiny_plan), folder=runs_folder)

    typed(launch, monkeypatch, "ray://host:10001")
    assert started == ["writer"]
    with locks.held(elsewhere.writer_lock(runs_folder), "the writer"):
        assert elsewhere.address(runs_folder) == "ray://host:10001", "what waits there is not taken off it meanwhile"
        launch()
    assert elsewhere.in_force(runs_folder) == "ray://host:10001" and elsewhere.address(runs_folder) is None
    launch()
    assert "worker" in started and elsewhere.in_force(runs_folder) is None


def test_commands_go_by_the_lab_again_once_what_another_had_sent_elsewhere_is_through(
    runs_folder, monkeypatch, started
):
    with monkeypatch.context() as lab:
        lab.setenv("FACET_ENGINE", "ray://host:10001")
        bounds.hold_page(runs_folder)
        control.ensure_workers(runs_folder)
    monkeypatch.delenv(bounds.GIVEN)
    typed(lambda: control.ensure_workers(runs_folder), monkeypatch, "ray://other:10001")
    path = elsewhere.report_file(runs_folder)
    job = {"run": "a", "fold": 1, "attempt": 1, "node": "n"}
    files.write_json(path, {"address": "ray://other:10001", "under_way": [job]})
    assert elsewhere.address(runs_folder) == "ray://other:10001"
    elsewhere.nothing_under_way(runs_folder)
    assert elsewhere.address(runs_folder) == "ray://host:10001"


@pytest.mark.parametrize("by_a_page", [False, True])
def test_an_engine_that_is_chosen_takes_the_place_of_one_that_was_named_before(
    runs_folder, monkeypatch, tiny_plan, started, by_a_page
):
    if by_a_page:
        bounds.hold_page(runs_folder)
    typed(lambda: control.launch(short(tiny_plan), folder=runs_folder), monkeypatch, "ray://host:10001")
    monkeypatch.delenv(bounds.GIVEN, raising=False)
    elsewhere.choose(runs_folder, elsewhere.HERE)
    with locks.held(elsewhere.writer_lock(runs_folder), "the writer"):
        assert elsewhere.address(runs_folder) is None and elsewhere.in_force(runs_folder) is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"FACET_ENGINE": 3}'])
def test_a_choice_that_was_left_damaged_is_left_anew(runs_folder, monkeypatch, content):
    path = elsewhere.report_file(runs_folder).with_name("engine.json")
    path.parent.mkdir(parents=True)
    path.write_text(content)
    monkeypatch.setenv("FACET_ENGINE", "ray")
    control.ensure_workers(runs_folder)
    assert elsewhere.in_force(runs_folder) == "ray"
