"""Whose a run is, and every verb that changes one: refused to others, whoever calls it and however."""

import errno
import json
import os
import shutil

import pytest

from core.config import recipes
from core.data.labels import corrections, reviews
from core.data.labels.corrections import Correction
from core.data.pictures import limit
from core.data.zips import limits
from core.errors import LabError
from core.jobs import control, elsewhere, slots, trash
from core.jobs.slots import Slots
from core.runs import Run, exports, notes
from core.runs.lists import index, query
from core.runs.lists.summaries import summaries
from core.runs.owners import owner
from core.storage import files
from core.studies import record_file, records, relocate
from tests.closed import close
from tests.moving import draw_dataset, frozen_run
from tests.pages.trials import make_run
from tests.people import ADMIN, ANNA, BERT, acting


@pytest.fixture
def launched(tiny_plan, workers, monkeypatch):
    """A run that anna launched; it waits, and no worker is there."""
    acting(monkeypatch, ANNA)
    return control.launch(tiny_plan, folder=workers.root)


def refused(change, *args, **kwargs):
    with pytest.raises(LabError) as error:
        change(*args, **kwargs)
    assert error.value.kind == "not-yours"
    return error.value.message


def content(root):
    """Every file of a folder that says something, by its name; locks and what may be made anew left out."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and "lock" not in path.name
    }


def test_a_launch_says_who_did_it_and_its_configuration_says_nothing_of_it(launched):
    assert launched.info()["by"] == "anna" == owner.of(launched)
    assert [summary["by"] for summary in summaries()] == ["anna"]
    assert "anna" not in launched.config_file.read_text()
    launched.summary_file.unlink()
    assert index.listed()[0].by == "anna", "a summary that is made anew knows it from run.json"
    launched.update_info(device="cpu")
    assert owner.of(launched) == "anna"


def test_whose_a_run_is_that_cannot_be_read_is_told_and_not_taken_for_nobodys(launched, monkeypatch):
    os.utime(launched.info_file)  # or it is remembered
    with monkeypatch.context() as patch:
        close(patch, launched.info_file, errno.EIO)
        with pytest.raises(LabError, match=r"run\.json cannot be read \(Input/output error\); it says whose") as caught:
            notes.change_notes(launched, text="mine")
        assert (caught.value.kind, caught.value.remedy) == ("unreadable", files.CHECK)
        assert owner.of(launched) == "", "lists show the run all the same"
    notes.change_notes(launched, text="mine")


@pytest.mark.parametrize(
    "change",
    [
        control.cancel,
        control.resume,
        lambda run: trash.delete([run.id]),
        lambda run: notes.change_notes(run, text="mine now"),
        lambda run: notes.change_notes(run, name="mine now"),
        lambda run: notes.archive([run.id]),
        lambda run: notes.unarchive([run.id]),
        lambda run: relocate.relocate(run, run.dir),
    ],
    ids=["cancel", "resume", "delete", "note", "name", "archive", "unarchive", "relocate"],
)
def test_another_person_changes_nothing_of_a_run(launched, monkeypatch, change):
    before = content(launched.dir.parent)
    acting(monkeypatch, BERT)
    assert refused(change, launched) == f"run '{launched.id}' belongs to anna."
    assert content(launched.dir.parent) == before


def test_the_one_who_launched_it_and_an_admin_may(launched, monkeypatch):
    notes.change_notes(launched, text="a first try")
    control.cancel(launched)
    assert {state.state for state in launched.states()} == {"cancelled"}
    acting(monkeypatch, ADMIN)
    notes.change_notes(launched, add=["kept"])
    assert notes.read_notes(launched).by == "carla"
    trash.delete([launched.id])
    acting(monkeypatch, BERT)
    refused(trash.restore, [launched.id])
    refused(trash.delete_for_good, [launched.id])
    acting(monkeypatch, ANNA)
    trash.restore([launched.id])
    assert launched.exists()
    with pytest.raises(LabError, match="is not in the trash"):  # a second time, as from another tab
        trash.restore([launched.id])
    trash.delete([launched.id])
    with pytest.raises(LabError, match="is gone"):
        notes.unarchive([launched.id])


def test_one_of_several_runs_that_is_anothers_keeps_all_of_them(runs_folder, monkeypatch):
    mine, theirs = (make_run(runs_folder, name, info={"by": name}) for name in ("anna", "bert"))
    acting(monkeypatch, ANNA)
    refused(trash.delete, [mine.id, theirs.id])
    refused(notes.archive, [mine.id, theirs.id])
    refused(notes.change_tags, [mine.id, theirs.id], add=["ours"], remove=[])
    assert mine.exists() and notes.read_notes(mine) == notes.Notes()


def test_who_deletes_a_run_takes_nothing_of_anothers_that_had_its_id(runs_folder, monkeypatch):
    run = make_run(runs_folder, "of anna", info={"by": "anna"})
    trash.delete([run.id])
    make_run(runs_folder, "of bert", info={"by": "bert"}, run_id=run.id)
    acting(monkeypatch, BERT)
    (name,) = trash.delete([run.id])
    owners = {entry.name: entry.by for entry in index.listed(trash.trash_folder())}
    assert owners == {"of anna": "anna", "of bert": "bert"}
    refused(trash.restore, [name, run.id])
    assert trash.restore([name]) == [run.id] and owner.of(run) == "bert"


def test_a_run_of_an_older_lab_is_nobodys_and_changed_by_admins_alone_where_several_are(runs_folder, monkeypatch):
    run = make_run(runs_folder)
    assert owner.of(run) == "" and "by" not in run.info()
    notes.change_notes(run, text="alone, one may")
    acting(monkeypatch, ANNA)
    assert "is nobody's" in refused(notes.change_notes, run, text="no")
    acting(monkeypatch, ADMIN)
    trash.delete([run.id])


@pytest.mark.parametrize("facts", [b"", b"[]", b'{"by": 7}', b'{"by": ["anna"]}', b"\xff"])
def test_a_run_of_which_run_json_is_garbage_is_nobodys(runs_folder, monkeypatch, facts):
    run = make_run(runs_folder, info={"by": "anna"})
    run.info_file.write_bytes(facts)
    acting(monkeypatch, ANNA)
    assert owner.of(run) == ""
    refused(trash.delete, [run.id])


def test_a_run_that_takes_the_place_of_a_deleted_one_is_its_launchers(runs_folder):
    run = make_run(runs_folder, info={"by": "anna"})
    assert owner.of(run) == "anna"
    shutil.rmtree(run.dir)
    make_run(runs_folder, info={"by": "bert"}, run_id=run.id)
    assert owner.of(run) == "bert"


def test_the_list_asks_for_ones_own(runs_folder):
    for name in ("anna", "bert"):
        make_run(runs_folder, f"by {name}", info={"by": name})
    make_run(runs_folder, "old")
    listed = index.listed()
    assert [entry.name for entry in query.choose(listed, query.Query(by=("anna",)))] == ["by anna"]
    assert [value for value, _ in query.grouped(listed, "by")] == ["anna", "bert", query.NO_VALUE]
    assert [entry.by for entry in query.ordered(listed, "by", False)] == ["anna", "bert", ""]
    table = exports.tidy_metrics([Run(entry.id) for entry in listed])
    assert set(zip(table["name"], table["by"], strict=True)) == {("by anna", "anna"), ("by bert", "bert"), ("old", "")}


@pytest.fixture
def study(tiny_plan, workers, monkeypatch):
    acting(monkeypatch, ANNA)
    return records.launch_plans("two", "", [tiny_plan, tiny_plan], "20260101-000000-two-abcd", folder=workers.root)


@pytest.mark.parametrize(
    "change",
    [
        records.pause,
        records.go_on,
        records.resume,
        records.cancel,
        records.delete,
        records.put_back,
        lambda study: records.move(study, study.run_ids[0], 1),
        records.launch_missing,
        lambda study: records.add(study, None, None),
    ],
    ids=["pause", "go on", "resume", "cancel", "delete", "put back", "move", "launch missing", "add"],
)
def test_another_person_changes_nothing_of_a_study(study, workers, monkeypatch, change):
    before = content(workers.root)
    acting(monkeypatch, BERT)
    assert refused(change, study) == "study 'two' belongs to anna."
    assert content(workers.root) == before


def test_whose_the_study_is_may_stop_a_run_that_an_admin_let_join(study, workers, monkeypatch, tiny_plan):
    last = Run(study.run_ids[-1])
    facts = last.info() | {"by": "carla"}
    last.info_file.write_text(json.dumps(facts))
    refused(control.cancel, last)
    records.cancel(study)
    assert {state.state for state in last.states()} == {"cancelled"}


def test_a_study_of_an_older_lab_is_nobodys(study, workers, monkeypatch):
    path = record_file.folder_of(workers.root) / f"{study.id}.json"
    path.write_text(json.dumps({key: value for key, value in json.loads(path.read_text()).items() if key != "by"}))
    old = records.load(study.id)
    assert old.by == ""
    assert "is nobody's" in refused(records.pause, old)
    acting(monkeypatch, ADMIN)
    assert records.pause(old).paused


def test_a_dataset_that_moved_is_followed_by_ones_own_runs(runs_folder, monkeypatch, tmp_path):
    data = draw_dataset(tmp_path / "faces")
    mine, theirs = (frozen_run(runs_folder, data, name) for name in ("bert", "anna"))
    mine.update_info(by="bert")
    theirs.update_info(by="anna")
    data.rename(tmp_path / "new")
    acting(monkeypatch, BERT)
    outcome = relocate.relocate(mine, tmp_path / "new", others=True)
    assert list(outcome.agreed) == [mine.id] and outcome.refused[theirs.id].kind == "not-yours"
    assert not theirs.moved_file.exists() and mine.moved_file.exists()


def test_everybody_corrects_labels_and_takes_back_what_they_said_themselves(runs_folder, monkeypatch):
    data = runs_folder / "data"
    acting(monkeypatch, ANNA)
    first = corrections.add(data, Correction(kind="exclude-photo", sample="a.jpg"))
    reviews.confirm(data, "b.jpg", "cat")
    assert first.by == "anna"
    acting(monkeypatch, BERT)
    second = corrections.add(data, Correction(kind="exclude-photo", sample="c.jpg", by="anna"))
    assert second.by == "bert", "whoever says something is named, not whom they name"
    assert refused(corrections.undo, data, first.id) == "the correction of a.jpg belongs to anna."
    assert refused(reviews.forget, data, "b.jpg") == "what was found of b.jpg belongs to anna."
    corrections.undo(data, second.id)
    assert corrections.load(data) == [first] and reviews.load(data) == {"b.jpg": "cat"}


def test_lists_of_older_labs_open_and_who_takes_some_in_is_named(runs_folder, monkeypatch):
    data = runs_folder / "data"
    line = "1a2b3c4d,2026-01-01T00:00:00+00:00,exclude-photo,a.jpg,,,,,blurred"
    old = f"id,when,kind,sample,person,attribute,before,after,reason\n{line}\n"
    path = corrections.file(data)
    path.parent.mkdir(parents=True)
    path.write_text(old)
    reviews.file(data).write_text("when,sample,label\n2026-01-01T00:00:00+00:00,b.jpg,cat\n")
    acting(monkeypatch, ANNA)
    assert [each.by for each in corrections.load(data)] == [""] and reviews.load(data) == {"b.jpg": "cat"}
    assert "is nobody's" in refused(corrections.undo, data, "1a2b3c4d")
    corrections.add(data, Correction(kind="exclude-photo", sample="c.jpg"))
    assert [each.by for each in corrections.load(data)] == ["", "anna"]
    reviews.confirm(data, "d.jpg", "dog")
    assert reviews.load(data) == {"b.jpg": "cat", "d.jpg": "dog"}
    assert corrections.take_in(runs_folder / "elsewhere", old) == 1
    assert [each.by for each in corrections.load(runs_folder / "elsewhere")] == ["anna"]
    corrections.take_over(data, runs_folder / "moved")
    assert [each.by for each in corrections.load(runs_folder / "moved")] == ["", "anna"]


def test_a_recipe_is_replaced_by_whoever_saved_it(runs_folder, monkeypatch):
    acting(monkeypatch, ANNA)
    quick = recipes.load_recipe("quick")
    recipes.save_recipe("hers", quick)
    acting(monkeypatch, BERT)
    assert refused(recipes.save_recipe, "hers", quick, replace=True) == "recipe 'hers' belongs to anna."
    acting(monkeypatch, ANNA)
    recipes.save_recipe("hers", quick, replace=True)
    assert recipes.owner_of("hers") == "anna" and recipes.own_recipes()[1] == {}


@pytest.mark.parametrize(
    "change",
    [
        lambda root: slots.write(root, Slots(3)),
        lambda root: limits.write(limits.Limits()),
        lambda root: limit.write(300),
        lambda root: elsewhere.choose(root, "ray"),
        lambda root: elsewhere.use_node(root, "a node", False),
    ],
    ids=["slots", "zips", "photos", "engine", "node"],
)
def test_settings_of_the_whole_lab_are_an_admins(runs_folder, monkeypatch, change):
    acting(monkeypatch, ANNA)
    refused(change, runs_folder)
    assert content(runs_folder) == {}
    acting(monkeypatch, ADMIN)
    change(runs_folder)
    assert content(runs_folder) != {}
