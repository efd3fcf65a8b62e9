"""Runs, run without a browser on made-up run folders."""

import io
from html import unescape

import pandas as pd
import pytest
import streamlit as st

from core.jobs import control, trash
from core.runs import Run, notes
from core.runs.kept import sizes
from core.runs.lists import curves, index, saved, views
from core.storage import files
from core.studies import record_file, records
from core.studies.record_file import Study
from pages.parts.runs import columns
from pages.parts.shared import exports
from tests.closed import close
from tests.pages.app import button, captions, html, labels, listed, page, sent
from tests.pages.trials import lost_samples, make_run, spared

pytestmark = pytest.mark.usefixtures("folder")


def columns_of(at):
    return [column["key"] for column in sent(at, "facet_runs")["columns"]]


EVIL = "<b>evil</b> **bold** :smile:"


def test_no_run_yet_offers_launch():
    at = page("runs")
    assert "No run yet" in at.info[0].value
    assert "Launch" in labels(at)


def test_the_line_of_a_run_is_told_by_the_epochs_that_it_has(folder):
    run = make_run(folder, epochs=30)
    for fold in (0, 1):
        spared(run, fold, range(7, 16))
    curve = curves.f1_curve(index.listed()[0])
    highest = max(curve, key=curve.get)
    (group,) = sent(page("runs"), "facet_runs")["groups"]
    (line,) = [cell for cell in group["rows"][0]["cells"] if isinstance(cell, dict)]
    assert len(line["points"]) == 21 and line["points"][6][0] == round(15 / 29, 3)
    assert line["words"].endswith(f" after epoch 30, {curve[highest]:.3f} at most, after epoch {highest}")


def test_the_address_chooses_runs_and_a_stranger_among_them_leaves_it(folder):
    ids = [make_run(folder, name).id for name in ("one", "two")]
    at = page("runs", runs=f"{ids[0]},20990101-000000-nobody-0000,../etc,{ids[1]}")
    assert "2 chosen" in html(at)
    assert at.query_params["runs"] == [",".join(ids)] or at.query_params["runs"] == ",".join(ids)


def test_search_filter_and_their_emptiness(folder):
    make_run(folder, "good one")
    make_run(folder, "bad one", states=("failed", "done"))
    at = page("runs", q="good")
    assert "1 of 2 runs" in captions(at)
    at = page("runs", state="failed")
    assert "1 of 2 runs" in captions(at)
    at = page("runs", q="nothing like it")
    assert "No run fits" in at.info[0].value
    button(at, "Clear search and filters").click().run()
    assert "2 runs" in captions(at)


def test_a_search_goes_on_by_clicks_from_half_a_name_to_a_value(folder):
    make_run(folder, "good one")
    make_run(folder, "bad one", states=("failed", "done"))
    at = page("runs", q="stat")
    at.button(key="runs-goes-on-0").click().run()
    assert at.text_input(key="q").value == "state=" and "of 2 runs" not in captions(at)
    at.button(key="runs-goes-on-1").click().run()
    assert at.text_input(key="q").value == "state=failed" and "1 of 2 runs" in captions(at)
    assert not [each for each in at.button if str(each.key).startswith("runs-goes-on")]


def test_conditions_choose_runs_and_one_that_is_not_understood_says_so(folder):
    make_run(folder, "short one", epochs=3)
    make_run(folder, "long one", epochs=8)
    assert "1 of 2 runs" in captions(page("runs", q="epochs>3"))
    at = page("runs", q="epoch>3")
    assert "Did you mean epochs" in at.warning[0].value and not at.info
    button(at, "Clear search and filters").click().run()
    assert "2 runs" in captions(at)


def test_an_expression_chooses_runs_and_says_what_was_understood_or_where_it_was_not(folder):
    for name, epochs in (("short one", 3), ("long one", 8), ("longest", 20)):
        make_run(folder, name, epochs=epochs)
    at = page("runs", q="epochs>10 or not name contains long")
    assert "2 of 3 runs" in captions(at) and "Asked for: epochs" in captions(at)
    at = page("runs", q="(epochs>3")
    assert "at character 1" in at.warning[0].value and "is never closed" in at.warning[0].value


def test_a_condition_is_put_together_by_choosing(folder):
    for name, epochs in (("short one", 3), ("long one", 8), ("longest", 20)):
        make_run(folder, name, epochs=epochs)
    at = page("runs", q="name contains long")
    at.session_state["runs-asked"] = True  # the popover is open
    at.run()
    for label, choice in (("Ask about", "epochs"), ("Sign", ">"), ("Joined by", "and not"), ("Value", "8")):
        next(box for box in at.selectbox if box.label == label).set_value(choice).run()
    button(at, "Add to the search").click().run()
    assert at.text_input(key="q").value == "name contains long and not epochs>8"
    assert "1 of 3 runs" in captions(at)


def test_a_condition_is_added_as_its_fields_show_it_at_the_click(folder):
    for name, epochs in (("short one", 3), ("long one", 8), ("longest", 20)):
        make_run(folder, name, epochs=epochs)
    at = page("runs", q="name contains long")
    at.session_state["runs-asked"] = True  # the popover is open
    at.run()
    for label, choice in (("Ask about", "epochs"), ("Value", "8")):
        next(box for box in at.selectbox if box.label == label).set_value(choice).run()
    for label, choice in (("Sign", ">"), ("Joined by", "or"), ("Value", "3")):  # the button is of the drawing before
        next(box for box in at.selectbox if box.label == label).set_value(choice)
    button(at, "Add to the search").click().run()
    assert not at.exception and at.text_input(key="q").value == "name contains long or epochs>3"
    for label, choice in (("Ask about", "epochs"), ("Value", "20")):
        next(box for box in at.selectbox if box.label == label).set_value(choice).run()
    next(box for box in at.selectbox if box.label == "Ask about").set_value("folds")  # of which nothing is said yet
    button(at, "Add to the search").click().run()
    assert not at.exception and at.text_input(key="q").value == "name contains long or epochs>3"
    assert button(at, "Add to the search").disabled


def test_a_setting_that_somebody_named_is_asked_for_by_choosing_and_heads_a_matrix_by_its_whole_name(folder):
    task = {"name": "attributes", "attributes": ["depth"], "only": {"hair color": ["dark"]}}
    make_run(folder, "narrowed", task=task | {"limits": {"depth": [3]}})
    make_run(folder, "whole", task=task | {"only": {}, "limits": {"depth": [5]}})
    at = page("runs")
    at.session_state["runs-asked"] = True  # the popover is open
    at.run()
    for label, choice in (("Ask about", "task.only.hair color"), ("Value", "dark")):
        next(box for box in at.selectbox if box.label == label).set_value(choice).run()
    button(at, "Add to the search").click().run()
    assert at.text_input(key="q").value == '"task.only.hair color"=dark' and "1 of 2 runs" in captions(at)
    drawn = sent(page("runs", see="matrix", rows="task.limits.depth", against="depth"), "facet_cells")
    assert drawn["down"] == "Limits of numbers: depth" and drawn["across"] == "Network"


def test_a_condition_that_is_too_long_for_the_search_is_not_added(folder):
    make_run(folder, "one")
    at = page("runs")
    at.session_state["runs-asked"] = True
    at.run()
    for label, choice in (("Ask about", "note"), ("Sign", "contains")):
        next(box for box in at.selectbox if box.label == label).set_value(choice).run()
    next(box for box in at.text_input if box.label == "Value").set_value("long " * 500).run()
    assert (
        "characters; it can have 2,000" in captions(at).replace("\\", "") and button(at, "Add to the search").disabled
    )


def test_a_chart_has_a_point_a_run_and_says_which_do_not_compare(folder):
    for name, states in (("<b>one</b>", ("done", "done")), ("two", ("done", "done")), ("three", ("done",) * 3)):
        make_run(folder, name, states=states, epochs=8)
    make_run(folder, "waits", states=("queued", "queued"))
    at = page("runs", see="chart", across="phases.0.epochs")
    drawn = sent(at, "facet_points")
    assert {point["name"] for point in drawn["points"]} == {"<b>one</b>", "two", "three"}
    assert drawn["across"] == "phases.0.epochs" and len(drawn["kinds"]) == 2
    assert "2 kinds of runs" in captions(at) and "1 run without a score left out" in captions(at)
    at = page("runs", see="chart", across="epochs", q="folds=3")
    assert "1 of 4 runs" in captions(at) and all(caption.value for caption in at.caption)
    at = page("runs", see="chart", across="nonsense", score="nonsense", q="waits")
    assert "No run here has both a score and a value" in at.info[0].value


def test_a_matrix_shows_the_best_of_each_cell_and_splits_what_does_not_compare(folder):
    for name, states, epochs in (("one", 2, 8), ("two", 2, 8), ("three", 3, 8), ("four", 2, 4)):
        make_run(folder, name, states=("done",) * states, epochs=epochs)
    at = page("runs", see="matrix", rows="epochs", against="depth")
    drawn = sent(at, "facet_cells")
    assert drawn["rows"] == ["4", "8"] and drawn["down"] == "Epochs"
    alone, both = drawn["cells"]["0,0"], drawn["cells"]["1,0"]
    assert alone["count"] == "1 run" and both["count"] == "3 runs"
    assert [part["words"][:14] for part in both["parts"]] == ["best of 2 runs", "the only finis"]
    assert both["parts"][1]["kind"].startswith("3 folds") and "2 kinds of runs" in captions(at)


def test_a_view_is_opened_by_its_address_changed_saved_over_deleted_and_brought_back(folder):
    for name, epochs in (("one", 4), ("two", 8)):
        make_run(folder, name, epochs=epochs)
    address = {"q": "epochs>4", "state": ["done"], "group": "Depth", "sort": "name", "see": "matrix", "rows": "epochs"}
    view = saved.save("<b>mine</b>", {**address, "columns": "state,best_f1"})
    at = page("runs", view=view.id)
    assert at.text_input(key="q").value == "epochs>4" and at.multiselect(key="state").value == ["done"]
    assert sent(at, "facet_cells")["rows"] == ["8"] and "1 of 2 runs" in captions(at)
    at.text_input(key="q").set_value("epochs>3").run()
    at.session_state["runs-view-box-0"] = True  # the popover is open
    at.run()
    button(at, "Save over it").click().run()
    (again,) = saved.saved()
    assert again.address == {**view.address, "q": "epochs>3"} and again.name == view.name
    at.session_state["runs-view-box-1"] = True
    at.run()
    button(at, "Delete the view").click().run()
    assert saved.saved() == [] and "is deleted" in captions(at)
    button(at, "Undo").click().run()
    assert saved.saved() == [again] and not at.exception


def test_dismissing_a_deleted_view_twice_is_no_error(folder):
    view = saved.save("mine", {"q": "one"})
    make_run(folder)
    at = page("runs", view=view.id)
    at.session_state["runs-view-box-0"] = True
    at.run()
    button(at, "Delete the view").click().run()
    dismiss = at.button(key="runs-view-dismiss")
    del at.session_state["runs-view-deleted"]  # as the first half of a double click leaves it
    dismiss.click().run()
    assert not at.exception and "is deleted" not in captions(at)


def test_a_view_is_saved_from_the_page_with_its_columns(folder):
    make_run(folder, "one")
    at = page("runs", q="epochs>3", columns="state,epochs", sort="name")
    at.session_state["runs-view-box-0"] = True
    at.run()
    next(box for box in at.text_input if box.label == "Save as a new view").set_value("short ones")
    next(b for b in at.button if b.label == "Save").click().run()
    (view,) = saved.saved()
    assert (view.name, view.address) == ("short ones", {"q": "epochs>3", "columns": "state,epochs", "sort": "name"})
    assert at.query_params["view"] in (view.id, [view.id])


def test_archive_undo(folder):
    run = make_run(folder, "one")
    make_run(folder, "two")
    at = page("runs", runs=run.id)
    button(at, "Archive").click().run()
    assert "1 run archived" in html(at)
    assert "1 runs" in captions(at) or "1 run" in captions(at)
    assert notes.read_notes(run).archived
    button(at, "Undo").click().run()
    assert notes.read_notes(run).archived is None
    assert "Undo" not in labels(at)


def test_delete_undo_and_trash(folder, monkeypatch):
    run = make_run(folder, "one")
    at = page("runs", runs=run.id)
    button(at, "Delete").click().run()
    assert not run.exists()
    button(at, "Undo").click().run()
    assert run.exists()
    trash.delete([run.id])
    at = page("runs", shelf="Trash", runs=run.id)
    button(at, "Restore").click().run()
    assert run.exists() and "1 run restored" in html(at)
    trash.delete([run.id])
    at = page("runs", shelf="Trash", runs=run.id)
    at.button(key="runs-for-good").click().run()
    assert trash.listed() == []
    assert "The trash is empty" in at.info[0].value
    close(monkeypatch, trash.trash_folder())
    at = page("runs", shelf="Trash")
    assert not at.info and f"{trash.trash_folder()} cannot be read: Permission denied." in html(at)


def test_undo_brings_back_the_run_that_was_deleted_and_not_another_that_had_its_id(folder):
    run = make_run(folder, "trained")
    trash.delete([run.id])
    make_run(folder, "again", run_id=run.id)
    at = page("runs", shelf="Trash", runs=run.id)
    button(at, "Restore").click().run()
    assert "exists already" in html(at) and "Delete the one in the list first" in html(at)
    at = page("runs", runs=run.id)
    button(at, "Delete").click().run()
    assert {entry.name for entry in index.listed(trash.trash_folder())} == {"trained", "again"}
    button(at, "Undo").click().run()
    assert [entry.name for entry in index.listed(folder)] == ["again"]


def test_a_running_run_is_refused_in_words(folder):
    run = make_run(folder, "busy", states=("done", "running"))
    with run.fold_lock(1):
        at = page("runs", runs=run.id)
        button(at, "Delete").click().run()
    markup = html(at)
    assert "fold 1 is training" in markup and "Cancel the run first" in markup
    assert run.exists()


def test_tags_and_note_of_one_run(folder):
    run = make_run(folder, "one")
    at = page("runs", runs=run.id)
    at.text_area(key=f"note-{run.id}").set_value(EVIL)
    next(b for b in at.button if b.label == "Save").click().run()
    assert notes.read_notes(run).text == EVIL
    assert not at.exception


def test_a_run_is_renamed_on_every_page_and_back(folder):
    run = make_run(folder, "one")
    at = page("runs", runs=run.id)
    next(box for box in at.text_input if box.label == "Name").set_value("the  best one")
    next(b for b in at.button if b.label == "Save").click().run()
    assert "1 run renamed" in html(at) and [entry.name for entry in index.listed()] == ["the best one"]
    assert "the best one</div>" in html(page("live", run=run.id))
    button(at, "Undo").click().run()
    assert [entry.name for entry in index.listed()] == ["one"] and run.exists()


def test_a_run_that_was_renamed_is_exported_under_its_name(folder, monkeypatch):
    run, offered = make_run(folder, "one"), {}
    monkeypatch.setattr(st, "download_button", lambda label, data, *_, **options: offered.update({label: data}))
    at = page("runs", runs=run.id)
    at.session_state["runs-export"] = True  # the popover is open
    at.run()
    assert b",one," in offered["CSV"]
    notes.change_notes(run, name="the best one")
    at.run()
    assert b",the best one," in offered["CSV"] and b",one," not in offered["CSV"]
    assert set(pd.read_parquet(io.BytesIO(offered["Parquet"]))["name"]) == {"the best one"}
    (entry,) = index.listed()
    before = exports.version_of(entry)
    notes.change_notes(run, name="another")
    (entry,) = index.listed()
    assert exports.version_of(entry) != before, "a report that was written names it as it was"


def test_a_study_has_its_name_again_once_its_record_is_in_reach(folder, monkeypatch):
    study = Study("20260301-000000-depths-0000", "depths", "", 1.0, {}, [])
    with record_file.locked(folder):
        record_file.write(study, folder)
    entry, cell = index.Listed({"study": study.id}), columns.offered([])["study"].cell
    with monkeypatch.context() as patch:
        close(patch, record_file.folder_of(folder))
        assert cell(entry) == study.id
    assert cell(entry) == "depths"
    records.delete(study)
    assert cell(entry) == f"{study.id}, deleted"


def test_columns_are_chosen_in_their_order_and_kept(folder):
    for epochs in (4, 5):
        make_run(folder, "one", epochs=epochs)
    at = page("runs")
    box = next(box for box in at.multiselect if box.label.startswith("Columns"))
    assert "Phase 1: Epochs" in box.options and "phases.0.epochs" not in box.options
    (groups,) = [each for each in at.selectbox if each.label == "Group by"]
    assert "Phase 1: Epochs" in groups.options and "phases.0.epochs" not in groups.options
    box.set_value(["epochs", "phases.0.epochs", "state"]).run()
    assert views.columns() == ["epochs", "phases.0.epochs", "state"]
    assert columns_of(at) == ["name", "epochs", "phases.0.epochs", "state"]
    assert [column["title"] for column in sent(at, "facet_runs")["columns"]][2] == "Phase 1: Epochs"
    again = page("runs")
    assert columns_of(again) == ["name", "epochs", "phases.0.epochs", "state"]
    at = page("runs", columns="bytes,nothing like it", sort="phases.0.epochs", order="up")
    assert columns_of(at) == ["name", "bytes"]
    button(at, "As in the beginning").click().run()
    assert views.columns() is None and not at.exception


def test_a_setting_with_a_comma_in_its_name_is_a_column_like_others(folder):
    key = "task.merge.old, 50%2C"
    for merge in ({}, {"old, 50%2C": ["a", "b"]}):
        make_run(folder, "one", task={"merge": merge})
    at = page("runs")
    next(box for box in at.multiselect if box.label.startswith("Columns")).set_value(["epochs", key]).run()
    assert columns_of(at) == ["name", "epochs", key]
    address = "epochs,task.merge.old%2C 50%252C"
    assert at.query_params["columns"] in (address, [address])
    assert columns_of(page("runs", columns=address)) == ["name", "epochs", key]
    at.session_state["runs-view-box-0"] = True
    at.run()
    next(box for box in at.text_input if box.label == "Save as a new view").set_value("merged")
    button(at, "Save").click().run()
    (view,) = saved.saved()
    at = page("runs", view=view.id)
    at.session_state["runs-view-box-0"] = True
    assert columns_of(at.run()) == ["name", "epochs", key] and button(at, "Save over it").disabled, "it is as saved"


def test_what_one_run_and_several_can_be_asked_to_do(folder, monkeypatch):
    monkeypatch.setattr(control, "check_unchanged", lambda *photos: None)  # there are none
    done, stopped = make_run(folder, "one"), make_run(folder, "two", states=("done", "cancelled"))
    at = page("runs", runs=done.id)
    assert [button(at, label).disabled for label in ("Look inside", "Run again", "Resume", "Cancel")] == [
        *(False, False, True, True)
    ]
    at = page("runs", runs=f"{done.id},{stopped.id}")
    assert button(at, "Look inside").disabled and not button(at, "Resume").disabled
    button(at, "Resume").click().run()
    assert "1 run: every fold that was not done is queued" in html(at)
    assert [state.state for state in stopped.states()] == ["done", "queued"]
    waits = make_run(folder, "three", states=("done", "queued"))
    at = page("runs", runs=f"{done.id},{waits.id}")
    button(at, "Cancel").click().run()
    assert "1 run: stopped" in html(at) and [state.state for state in waits.states()] == ["done", "cancelled"]


def test_a_run_on_everybody_is_neither_compared_nor_written_up(folder):
    one, two = make_run(folder, "one"), make_run(folder, "two")
    on_everybody = make_run(folder, "one everybody", ("done",), everybody=one.id)
    at = page("runs", runs=f"{one.id},{on_everybody.id}")
    compare = button(at, "Compare")
    assert compare.disabled and "has no score of its own" in compare.proto.help
    at = page("runs", runs=f"{on_everybody.id},{one.id},{two.id}")
    assert not button(at, "Compare").disabled
    (report,) = [
        each for each in page("runs", runs=on_everybody.id).get("popover") if each.proto.popover.label == "Report"
    ]
    assert report.proto.popover.disabled


def test_tags_of_many(folder):
    first, second = make_run(folder, "one"), make_run(folder, "two")
    notes.change_notes(first, add=["old"])
    at = page("runs", runs=f"{first.id},{second.id}")
    at.multiselect(key="tags-added").set_value(["a" * (notes.TAG_LENGTH + 1), "new"])
    at.multiselect(key="tags-removed").set_value(["old"])
    next(b for b in at.button if b.label == "Save").click().run()
    assert "too many or too long tags" in html(at)
    assert at.multiselect(key="tags-added").value == ["a" * (notes.TAG_LENGTH + 1), "new"], "what was typed is there"
    notes.change_notes(second, add=map(str, range(notes.TAGS)))
    at.run()
    at.multiselect(key="tags-added").set_value(["new"])
    next(b for b in at.button if b.label == "Save").click().run()
    assert f"{second.id}&#x27;: too many" in html(at) and notes.read_notes(first).tags == ("old",), "all or none"
    notes.change_notes(second, remove=["0"])
    next(b for b in at.button if b.label == "Save").click().run()
    assert notes.read_notes(first).tags == ("new",) and at.multiselect(key="tags-added").value == []


def test_what_another_page_wrote_since_the_form_was_drawn_stays(folder):
    run, second = make_run(folder, "one"), make_run(folder, "two")
    notes.change_notes(run, add=["old"], text="first")
    one, many = page("runs", runs=run.id), page("runs", runs=f"{run.id},{second.id}")
    notes.change_notes(run, add=["elsewhere"], text="written elsewhere")
    next(box for box in one.multiselect if box.label == "Tags").set_value(["mine"])
    next(b for b in one.button if b.label == "Save").click().run()
    assert notes.read_notes(run) == notes.Notes(("elsewhere", "mine"), "written elsewhere")
    many.multiselect(key="tags-removed").set_value(["old"])
    next(b for b in many.button if b.label == "Save").click().run()
    assert notes.read_notes(run).tags == ("elsewhere", "mine")


def typed(at, widgets, label, value):
    """Type into the one field of this label."""
    (only,) = [each for each in widgets if each.label == label]
    only.set_value(value)
    return at


def test_a_note_that_another_page_wrote_meanwhile_is_read_before_it_is_replaced(folder):
    run = make_run(folder, "one")
    notes.change_notes(run, text="first")
    at = page("runs", runs=run.id)
    typed(at, at.text_area, "Note", "mine")
    typed(at, at.multiselect, "Tags", ["good"])
    notes.change_notes(run, text="written elsewhere", name="another name")
    button(at, "Save").click().run()
    assert notes.read_notes(run) == notes.Notes((), "written elsewhere", name="another name")
    assert "somebody wrote another note meanwhile" in html(at)
    assert "another name\nNo tags\nwritten elsewhere" in [text.value for text in at.text]
    assert [area.value for area in at.text_area] == ["mine"], "what was typed is not lost"
    button(at, "Save").click().run()
    assert notes.read_notes(run) == notes.Notes(("good",), "mine", name="another name")
    assert "Keep theirs" not in labels(at)


def test_a_name_that_another_page_gave_meanwhile_is_kept_by_a_click_or_replaced(folder):
    run = make_run(folder, "one")
    at = page("runs", runs=run.id)
    typed(at, at.text_input, "Name", "mine")
    notes.change_notes(run, name="theirs")
    button(at, "Save").click().run()
    assert "somebody wrote another name meanwhile" in html(at) and run.config().name == "theirs"
    button(at, "Keep theirs").click().run()
    (name,) = [each for each in at.text_input if each.label == "Name"]
    assert name.value == "theirs" and "Keep theirs" not in labels(at)
    name.set_value("mine")
    button(at, "Save").click().run()
    assert run.config().name == "mine"
    notes.change_notes(run, name="theirs again")
    button(at, "Undo").click().run()
    assert run.config().name == "theirs again", "Undo takes back what was done here"


def test_a_view_that_another_page_changed_meanwhile_is_not_saved_over_unseen(folder):
    make_run(folder, "one")
    view = saved.save("mine", {"q": "one"})
    at = page("runs", view=view.id)
    at.text_input(key="q").set_value("two").run()
    at.session_state["runs-view-box-0"] = True  # the popover is open
    at.run()
    saved.change(view.id, address={"q": "elsewhere"})
    button(at, "Save over it").click().run()
    assert "was changed meanwhile, on another page" in html(at)
    assert saved.saved()[0].address["q"] == "elsewhere"
    button(at, "Save over it").click().run()
    assert saved.saved()[0].address["q"] == "two", "now that it was said"


def test_what_the_browsers_back_shows_is_what_is_done(folder):
    first, second = make_run(folder, "one"), make_run(folder, "two")
    at = page("runs", runs=f"{first.id},{second.id}")
    at.session_state["runs-chosen"] = [first.id, second.id]  # as ticking them leaves it
    at.query_params["runs"] = first.id
    at.run()
    button(at, "Archive").click().run()
    assert "Nothing was done" not in html(at)
    assert notes.read_notes(first).archived and not notes.read_notes(second).archived


def test_an_unreadable_run_is_shown_and_can_be_deleted(folder):
    run = make_run(folder, "one")
    for name in ("summary.json", "samples.parquet"):
        (run.dir / name).write_text("{")
    at = page("runs", runs=run.id)
    (row,) = listed(at)
    assert row["id"] == run.id and "unreadable" in row["cells"] and row["note"], "with the reason"
    button(at, "Delete").click().run()
    assert not run.dir.exists()


def test_a_run_that_this_account_may_not_read_is_told_on_every_page_and_nowhere_said_to_be_deleted(folder, monkeypatch):
    """As of a folder of mode 0700 that is another's. Of that one nobody here knows whether it trains."""
    run = make_run(folder, "one")
    close(monkeypatch, run.dir)
    assert files.CHECK in html(page("home")) and "deleted on the page Runs" not in html(page("home"))
    live = html(page("live", run=run.id))
    assert "cannot be read (Permission denied)" in live and files.CHECK in live
    at = page("runs", runs=run.id)
    assert sizes.bytes_of(run).total == 0, "a column that can be chosen"
    button(at, "Delete").click().run()
    assert not at.exception and run.dir.is_dir()
    assert "cannot be looked at: Permission denied" in html(at) and files.CHECK in html(at)


def test_runs_are_grouped_and_by_a_setting_by_its_name_and_by_that_of_older_addresses(folder):
    for epochs in (4, 5, 5):
        make_run(folder, "one", epochs=epochs)
    for by in ("phases.0.epochs", "Phase 1: Epochs"):
        at = page("runs", group=by)
        (box,) = [each for each in at.selectbox if each.label == "Group by"]
        assert box.value == "phases.0.epochs" and "Phase 1: Epochs" in box.options
        assert sorted(len(group["rows"]) for group in sent(at, "facet_runs")["groups"]) == [1, 2]
    for by in ("State", "Study", "Tag", "Depth", "nonsense"):
        assert "3 runs" in captions(page("runs", group=by))


def test_a_page_that_is_not_there_shows_the_nearest(folder):
    make_run(folder, "one")
    for place in range(100):
        (folder / f"20260101-{place:06d}-one-0000").mkdir()
    for number, rows in (("-1", "1 to 100"), ("²", "1 to 100"), ("3", "101 to 101"), ("9" * 5000, "101 to 101")):
        assert f"{rows} of 101 rows" in captions(page("runs", page=number, sort="nonsense", order="sideways"))


def test_any_page_of_a_long_list_is_typed(folder):
    for _ in range(2):
        make_run(folder, "first")
    for number in range(201):
        run_id = f"20260101-{number // 60:02d}{number % 60:02d}00-one-0000"
        (folder / run_id).mkdir()
    at = page("runs")
    (number,) = at.number_input
    assert number.label == "Page, of 3" and "1 to 100 of 203 rows" in captions(at)
    number.set_value(3).run()
    assert "201 to 203 of 203 rows" in captions(at) and at.query_params["page"] == "3"
    button(at, "Back").click().run()
    assert "101 to 200 of 203 rows" in captions(at)


def test_archived_runs_are_not_on_home_but_their_link_opens(folder):
    run = make_run(folder, "one")
    notes.archive([run.id])
    assert f"run={run.id}" not in html(page("home"))
    assert ">one</div>" in html(page("live", run=run.id))
    assert Run(run.id).exists()


def test_what_is_done_to_the_chosen_is_not_done_when_others_are_ticked_by_then(folder):
    first, second = make_run(folder, "one"), make_run(folder, "two")
    at = page("runs", runs=f"{first.id},{second.id}")
    at.session_state["runs-chosen"] = [first.id]  # as its table tells it, just before the click
    button(at, "Delete").click().run()
    assert first.exists() and second.exists()
    assert "the choice of runs changed just before the click" in html(at)
    button(at, "Delete").click().run()
    assert not first.exists() and second.exists()


def unreadable(run):
    for name in ("summary.json", "samples.parquet"):
        (run.dir / name).write_text("{")
    return run


def test_an_unreadable_run_among_the_chosen_keeps_no_other_from_going_on_stopping_or_being_tagged(folder, monkeypatch):
    monkeypatch.setattr(control, "check_unchanged", lambda *photos: None)  # there are none
    bad = unreadable(make_run(folder, "bad"))
    one, two = (make_run(folder, name, states=("done", "queued")) for name in ("one", "two"))
    at = page("runs", runs=f"{one.id},{bad.id},{two.id}")
    button(at, "Cancel").click().run()
    assert "Nothing was done" not in html(at) and "2 runs: stopped" in html(at)
    assert [run.states()[1].state for run in (one, two)] == ["cancelled", "cancelled"]
    button(at, "Resume").click().run()
    assert "Nothing was done" not in html(at) and "2 runs: every fold that was not done is queued" in html(at)
    assert [run.states()[1].state for run in (one, two)] == ["queued", "queued"]
    at.multiselect(key="tags-added").set_value(["both"])
    next(each for each in at.button if each.label == "Save").click().run()
    assert "Nothing was done" not in html(at)
    assert [notes.read_notes(run).tags for run in (one, two, bad)] == [("both",), ("both",), ()]


def test_room_is_made_of_the_chosen_runs_that_can_be_read_and_never_of_others_instead(folder):
    bad, good, other = unreadable(make_run(folder, "bad")), make_run(folder, "good"), make_run(folder, "other")
    for run in (good, other):
        run.weights_file(0, "final").write_bytes(b"w" * 1000)
    at = page("runs", session={"runs-room": True}, runs=f"{bad.id},{good.id}")
    assert "Of the 1 run chosen that can be read." in captions(at)
    at.button(key="runs-room-best-do").click().run()
    assert "Nothing was done" not in html(at) and "1 run now takes 1 kB less" in html(at)
    assert not good.weights_file(0, "final").is_file() and other.weights_file(0, "final").is_file()
    at = page("runs", session={"runs-room": True}, runs=bad.id)
    assert "none is chosen" not in captions(at) and "runs-room-best-do" not in {each.key for each in at.button}


def test_what_was_dropped_is_told_of_the_runs_that_let_go_of_it_and_why_another_did_not(folder):
    one, two = make_run(folder, "one"), make_run(folder, "two")
    for run in (one, two):
        run.weights_file(0, "final").write_bytes(b"w" * 1000)
    at = page("runs", session={"runs-room": True}, runs=f"{one.id},{two.id}")
    make_run(folder, "child", states=("queued", "queued"), model={"init": f"run:{two.id}", "init_checkpoint": "final"})
    at.button(key="runs-room-best-do").click().run()
    assert not at.exception and "1 run now takes 1 kB less" in html(at)
    assert f"run '{two.id}' is needed" in unescape(html(at))
    assert not one.weights_file(0, "final").exists() and two.weights_file(0, "final").exists()
    one.weights_file(0, "final").write_bytes(b"w" * 1000)
    at = page("runs", session={"runs-room": True}, runs=one.id)
    one.weights_file(0, "final").unlink()
    at.button(key="runs-room-best-do").click().run()
    assert not at.exception and "less" not in html(at) and "Nothing was left to drop by then." in html(at)


def test_how_many_of_the_chosen_runs_search_and_filters_leave_out_is_said(folder):
    ids = {name: make_run(folder, name).id for name in ("good one", "bad one", "bad two")}
    for names, words in (
        (["good one"], "1 chosen<"),
        (["good one", "bad one", "bad two"], "3 chosen, 2 of them not in this list<"),
        (["bad one", "bad two"], "2 chosen, none of them in this list<"),
        (["bad one"], "1 chosen, not in this list<"),
        ([], "No run chosen<"),
    ):
        chosen = {"runs": ",".join(ids[name] for name in names)} if names else {}
        assert words in html(page("runs", q="good", **chosen))


@pytest.mark.parametrize("left", [b"{", None], ids=["torn", "gone"])
def test_a_run_whose_samples_cannot_be_read_keeps_no_other_from_going_on(folder, left, monkeypatch):
    monkeypatch.setattr(control, "check_unchanged", lambda *photos: None)  # there are none
    first, second = (make_run(folder, name, states=("done", "running")) for name in ("one", "two"))
    lost_samples(first, left)
    at = page("runs", runs=f"{first.id},{second.id}")
    button(at, "Resume").click().run()
    assert not at.exception
    assert f"{first.id}: samples.parquet is {'damaged' if left else 'gone'}" in html(at)
    assert [run.states()[1].state for run in (first, second)] == ["interrupted", "queued"]
