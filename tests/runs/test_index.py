import copy
import errno
from dataclasses import replace

import pytest

from core.config import from_dict, recipes, to_yaml
from core.errors import LabError
from core.runs import FoldState, Run, notes
from core.runs.create import create
from core.runs.lists import index as run_index
from core.runs.lists.summaries import read_summary, summaries
from core.runs.moves import moved
from core.storage import files
from tests.closed import close
from tests.yes_no_runs import told_by_few

SCORES = {f"{which}_{key}": 0.5 for which in ("best", "final") for key in ("f1", "accuracy", "loss")}


@pytest.fixture
def made(runs_folder, tiny_plan):
    def make(name="a", config=None):
        config = config or tiny_plan.config.model_copy(update={"name": name})
        return create(config, tiny_plan.samples, class_names=tiny_plan.class_names, info={})

    return make


def counting(monkeypatch):
    read = []
    original = read_summary
    monkeypatch.setattr(run_index, "read_summary", lambda path: read.append(path.name) or original(path))
    return read


def test_it_lists_what_summaries_lists(made):
    for name in "abc":
        made(name)
    plain = summaries()
    quick = run_index.summaries()
    assert [{k: v for k, v in s.items() if k not in ("archived", "tags")} for s in quick] == plain
    assert len(plain) == 3


def test_an_unchanged_run_is_read_once(made, monkeypatch):
    made("a")
    read = counting(monkeypatch)
    assert len(run_index.listed()) == len(run_index.listed()) == 1
    assert len(read) == 1


def test_a_change_of_state_notes_or_existence_is_seen_at_once(made):
    run, other = made("a"), made("b")
    assert {e.state for e in run_index.listed()} == {"queued"}
    for fold in run.folds():
        run.write_state(FoldState(fold, "done", scores=SCORES, started=10.0, ended=15.0, seconds=4.0))
    entries = {entry.id: entry for entry in run_index.listed()}
    assert entries[run.id].state == "done"
    assert entries[run.id].scores["best_f1"] == (0.5, 0.0, 2)
    assert entries[run.id].seconds == 8.0
    notes.change_notes(run, add=["good"])
    assert {e.id: e.notes.tags for e in run_index.listed()} == {run.id: ("good",), other.id: ()}
    other.delete()
    assert [e.id for e in run_index.listed()] == [run.id]


def test_running_without_a_process_is_interrupted_though_no_file_changed(made):
    run = made("a")
    run.write_state(FoldState(1, "done"))
    run.write_state(FoldState(0, "running"))
    with run.fold_lock(0):
        assert run_index.listed()[0].state == "running"
    assert run_index.listed()[0].state == "interrupted"


def test_garbage_is_listed_as_unreadable_and_reread_when_mended(made):
    run = made("a")
    good = (run.dir / "summary.json").read_text()
    (run.dir / "samples.parquet").unlink()  # or it would be made anew
    (run.dir / "summary.json").write_text("{")
    assert run_index.listed()[0].unreadable
    assert run_index.listed()[0].state == "unreadable"
    (run.dir / "summary.json").unlink()
    assert run_index.listed()[0].unreadable == "summary.json is missing"
    (run.dir / "summary.json").write_text(good)
    assert run_index.listed()[0].state == "queued"


@pytest.mark.parametrize("lost", ["samples.parquet", "config.yaml", "folds"])
def test_what_is_put_back_beside_a_summary_that_stays_as_it_is_is_seen(made, lost):
    run = made("a")
    (run.dir / "summary.json").write_text("{")
    (run.dir / lost).rename(run.dir / "away")
    assert run_index.listed()[0].state == "unreadable"
    (run.dir / "away").rename(run.dir / lost)
    assert run_index.listed()[0].state == "queued"


def test_notes_that_are_out_of_reach_hide_no_run_and_are_asked_for_again(made, monkeypatch):
    """As once a right is given or a disk answers, which changes no file's time or size."""
    run, read = made("a"), files.read_json
    notes.change_notes(run, add=["good"], name="another")

    def refused(path):
        if path == run.notes_file:
            raise PermissionError(errno.EACCES, "Permission denied")
        return read(path)

    with monkeypatch.context() as patch:
        patch.setattr(files, "read_json", refused)
        (entry,) = run_index.listed()
        assert (entry.state, entry.notes) == ("queued", notes.Notes())
    (entry,) = run_index.listed()
    assert (entry.notes.tags, entry.name) == (("good",), "another")


def test_settings_of_an_older_run_that_were_out_of_reach_are_asked_for_again(made, monkeypatch):
    run = made("a")
    summary = files.read_json(run.summary_file)
    del summary["settings"]
    files.write_json(run.summary_file, summary)
    (entry,) = run_index.listed()

    def refused(run):
        raise LabError("config.yaml cannot be read.", kind="unreadable")

    with monkeypatch.context() as patch:
        patch.setattr(Run, "config", refused)
        assert run_index.settings_of(entry) == {}
    assert run_index.settings_of(entry)["training.batch_size"] == 8
    assert run_index.settings_of(entry) is run_index.settings_of(entry), "and kept from then on"


def test_attributes_that_an_older_lab_left_to_the_dataset_are_listed_as_those_of_new_runs(tmp_path, monkeypatch):
    """Its summary named none, and the lists held it apart from new runs of the same attributes."""
    run = told_by_few(tmp_path)
    (new,) = run_index.listed(run.dir.parent)
    assert new.summary["task"] == "Smiling, Young"
    config, summary = run.config(), files.read_json(run.summary_file)
    bare = config.model_copy(update={"task": config.task.model_copy(update={"attributes": []})})
    run.config_file.write_text(to_yaml(bare))
    summary["settings"]["task.attributes"] = ""
    files.write_json(run.summary_file, {**summary, "task": bare.task.title})
    with monkeypatch.context() as patch:
        close(patch, run.config_file, errno.EIO)
        (entry,) = run_index.listed(run.dir.parent)
        assert (entry.state, entry.summary["task"]) == (new.state, "attributes"), "listed all the same"
    (entry,) = run_index.listed(run.dir.parent)
    assert entry.summary["task"] == "Smiling, Young" and entry.answers_about == new.answers_about
    assert run_index.settings_of(entry) == run_index.settings_of(new)
    read = counting(monkeypatch)
    run_index.listed(run.dir.parent)
    assert not read, "and kept from then on"


def test_settings_come_from_the_summary_or_for_older_runs_from_the_configuration(made):
    run = made("a")
    summary = files.read_json(run.dir / "summary.json")
    assert summary["settings"]["training.batch_size"] == 8
    del summary["settings"], summary["recipe"]
    files.write_json(run.dir / "summary.json", summary)
    (entry,) = run_index.listed()
    assert run_index.settings_of(entry)["training.batch_size"] == 8
    assert entry.recipe == ""
    run.config_file.write_text("!!python/none")
    assert run_index.settings_of(entry) == {}
    run.config_file.unlink()
    assert run_index.settings_of(entry) == {}


def test_time_of_folds_from_before_it_was_recorded_is_end_minus_start(made):
    run = made("a")
    run.write_state(FoldState(0, "done", scores=SCORES, started=10.0, ended=15.0))
    assert run_index.listed()[0].seconds == 5.0
    run.write_state(FoldState(0, "done", scores=SCORES, started=15.0, ended=10.0))
    assert run_index.listed()[0].seconds == 0.0  # the clock went back


def test_the_time_by_the_clock_is_not_known_where_a_fold_was_begun_again(made):
    run = made("a")

    def by_the_clock(**fold):
        run.write_state(FoldState(1, "done", **{"started": 1050.0, "ended": 1250.0, "seconds": 190.0, **fold}))
        return run_index.listed()[0].wall_seconds

    run.write_state(FoldState(0, "done", started=1000.0, ended=1100.0, seconds=90.0))
    assert by_the_clock() == 250.0, "what trained side by side counts once"
    assert by_the_clock(resumed=True) is None, "its first start was cut off before the end of an epoch"
    assert by_the_clock(seconds=900.0) is None, "an older lab did not say so, but its epochs took longer"


def test_the_nearest_recipe_is_told_with_its_changes(made):
    made("a", from_dict({"name": "x", "data": {"root": "/x"}}))
    assert run_index.listed()[0].recipe.startswith("As published")


def test_a_recipe_that_is_guessed_while_saved_ones_are_out_of_reach_is_listed_and_not_written(made, monkeypatch):
    run = made("a")
    recipes.save_recipe("mine", run.config())
    run.summary_file.write_text("{")
    with monkeypatch.context() as patch:
        close(patch, recipes.recipes_home())
        readings, samples = [], Run.samples
        patch.setattr(Run, "samples", lambda run: readings.append(run.id) or samples(run))
        assert run_index.listed()[0].recipe_file.startswith("study-adam-sgd")  # of the lab's own
        assert readings == [run.id], "a guess is not made twice, to be thrown away"
        run.write_state(FoldState(1, "done"))
        moved.record(run, "/new/old", {}, {})
        assert run.summary_file.read_text() == "{"
    assert run_index.listed()[0].recipe == "mine"
    with monkeypatch.context() as patch:
        close(patch, recipes.recipes_home())
        moved.record(run, "/new/place", {}, {})
        summary = files.read_json(run.summary_file)
        assert (summary.pop("recipe"), summary["dataset"], "guessed" in summary) == (["mine", 0], "place", False)
        files.write_json(run.summary_file, summary)  # as an older lab did
        moved.record(run, "/new/disk", {}, {})
        launched = made("b")
        older, new = (files.read_json(each.summary_file) for each in (run, launched))
    assert older["dataset"] == "disk" and "recipe" not in older and "recipe" not in new
    launched.write_state(FoldState(0, "running"))
    assert files.read_json(launched.summary_file)["recipe"] == ["mine", 0]


def test_no_more_folders_than_a_few_are_remembered(tmp_path):
    for index in range(run_index.FOLDERS + 3):
        assert run_index.listed(tmp_path / str(index)) == []
    assert len(run_index._FOLDERS) <= run_index.FOLDERS


def test_what_a_caller_does_with_its_list_does_not_reach_the_next_one(made):
    made("a")
    first = run_index.summaries()
    with pytest.raises(TypeError, match="change a copy"):
        first[0].pop("name")
    with pytest.raises(TypeError, match="change a copy"):
        first[0]["name"] = "spoilt"
    own = copy.deepcopy(first[0])
    own["name"] = "another"
    first.clear()
    assert run_index.summaries()[0]["name"] == "a"
    assert replace(run_index.listed()[0]).name == "a"


def test_newest_first(made):
    ids = []
    for name in "ab":
        ids.append(made(name).id)
    assert [e.id for e in run_index.listed()] == sorted(ids, reverse=True)
