import errno
import re

import pytest

from core.compare import members
from core.errors import LabError
from core.runs import FoldState, notes
from core.runs.create import create
from core.runs.lists import index
from core.runs.lists.summaries import summaries
from core.storage import files


@pytest.fixture
def run(runs_folder, tiny_plan):
    made = create(tiny_plan.config, tiny_plan.samples, class_names=tiny_plan.class_names, info={})
    for fold in made.folds():
        made.write_state(FoldState(fold, "done"))
    return made


def test_tags_and_note_are_kept_apart_from_each_other(run):
    notes.change_notes(run, add=["good", " for  the paper ", "good", ""])
    notes.change_notes(run, text="  Overfits.  ")
    written = notes.read_notes(run)
    assert written.tags == ("good", "for the paper")
    assert written.text == "Overfits."
    assert notes.change_notes(run, add=["new"]).tags == ("good", "for the paper", "new")
    assert notes.change_notes(run, remove=["good", "for the paper", "new"], text="") == notes.Notes()


def test_a_run_is_called_otherwise_from_then_on_and_stays_what_it_was(run, runs_folder):
    before, frozen = run.config().name, run.config_file.read_bytes()
    notes.change_notes(run, name="  the\nbest one ")
    notes.change_notes(run, add=["good"])
    assert run.config().name == members.load(run.id).name == "the best one"
    run.summary_file.unlink()  # made anew, and read once more
    for _ in range(2):
        assert [entry.name for entry in index.listed()] == [summaries()[0]["name"]] == ["the best one"]
    assert run.config_file.read_bytes() == frozen and f"name: {before}" in frozen.decode()


def test_what_somebody_wrote_since_is_not_replaced_by_who_has_not_seen_it(run):
    seen = notes.change_notes(run, text="first")
    notes.change_notes(run, text="second", name="another")
    for change in ({"text": "mine"}, {"name": "mine"}):
        with pytest.raises(LabError, match="meanwhile") as caught:
            notes.change_notes(run, add=["good"], seen=seen, **change)
        assert caught.value.kind == "changed"
    assert notes.read_notes(run) == notes.Notes((), "second", name="another")
    assert notes.change_notes(run, add=["good"], text="second", seen=seen).tags == ("good",), "both say the same"


@pytest.mark.parametrize("name", ["", " \n", "x" * 61])
def test_a_run_is_not_called_nothing_or_too_much(run, name):
    with pytest.raises(LabError, match="at most 60"):
        notes.change_notes(run, name=name)
    assert notes.read_notes(run) == notes.Notes()


def test_a_tag_never_carries_a_comma(run):
    assert notes.change_notes(run, add=["a,b"]).tags == ("a b",)


@pytest.mark.parametrize("tags", [["x" * 31], [f"t{i}" for i in range(13)]])
def test_too_many_or_too_long_tags_are_refused(run, tags):
    with pytest.raises(LabError, match="too many or too long"):
        notes.change_notes(run, add=tags)
    assert notes.read_notes(run) == notes.Notes()


def test_a_very_long_note_is_refused(run):
    with pytest.raises(LabError, match="2,001"):
        notes.change_notes(run, text="x" * 2001)


@pytest.mark.parametrize("garbage", ["", "{", "[]", '"x"', '{"tags": 3}', '{"archived": "x"}', "null"])
def test_a_garbage_file_hides_nothing(run, garbage):
    run.notes_file.write_text(garbage)
    assert notes.read_notes(run) == notes.Notes()
    assert notes.change_notes(run, add=["good"]).tags == ("good",)


@pytest.mark.parametrize("number", [errno.EACCES, errno.EIO, errno.EMFILE])
def test_notes_that_are_out_of_reach_are_not_written_over_as_if_there_were_none(run, monkeypatch, number):
    notes.change_notes(run, add=["good"], text="Overfits.", name="another")
    read = files.read_json

    def refused(path):
        if path == run.notes_file:
            raise OSError(number, "no")
        return read(path)

    with monkeypatch.context() as patch:
        patch.setattr(files, "read_json", refused)
        with pytest.raises(LabError, match=f"{re.escape(str(run.notes_file))} cannot be read: no") as caught:
            notes.change_notes(run, add=["new"])
    assert (caught.value.kind, caught.value.remedy) == ("unreadable", files.CHECK)
    assert notes.read_notes(run) == notes.Notes(("good",), "Overfits.", name="another")


def test_notes_of_a_run_that_is_gone(run):
    run.delete()
    with pytest.raises(LabError, match="gone"):
        notes.change_notes(run, text="x")
    assert not run.dir.exists()


def test_archive_and_back(run):
    notes.change_notes(run, add=["good"])
    notes.archive([run.id])
    assert notes.read_notes(run).archived > 0
    assert files.read_json(run.notes_file)["tags"] == ["good"]
    notes.unarchive([run.id])
    assert notes.read_notes(run) == notes.Notes(("good",))


@pytest.mark.parametrize("state", ["queued", "running"])
def test_a_run_that_trains_or_waits_is_not_archived(run, state):
    run.write_state(FoldState(1, state))
    with run.fold_lock(1), pytest.raises(LabError) as caught:
        notes.archive([run.id])
    assert caught.value.kind == "busy"
    assert run.id in caught.value.message
    assert notes.read_notes(run).archived is None
