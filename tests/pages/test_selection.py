"""One selection of photos: what sets it on Look inside, where it goes along to, and what it does there."""

import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import streamlit as st

from core.answers import mistakes
from core.data.chosen import selections
from core.places import lab_folder
from pages.parts.selection import judged
from tests.answered import CLASSES, made, photo, probabilities_of, table_of
from tests.closed import close
from tests.pages.app import button, elements, html, page

WRONG = {0: 1, 3: 0, 6: 5, 12: 1, 20: 3}


@pytest.fixture
def run(folder):
    samples = table_of(folder / "photos").assign(person_known=True)
    for row in range(len(samples)):
        photo(Path(samples.loc[row, "path"]), row)
    answers = probabilities_of(samples["y"], wrong=WRONG)
    return made(folder, samples, probabilities=answers, root=folder / "photos")


def sent(at, name):
    """What the page sent to its element of that name."""
    return next(
        json.loads(each.proto.json)
        for each in elements(at.main)
        if each.type == "bidi_component" and each.proto.component_name == name
    )


def marked(at, name="facet_gallery", cells="faces"):
    return {cell["sample"] for cell in sent(at, name)[cells] if cell["selected"]}


def words(at):
    return " ".join(each.value for each in at.markdown) + html(at)


def press(at, label):
    button(at, label).click().run()
    assert not at.exception, at.exception
    return at


def test_misclassified_photos_are_selected_and_matrix_gallery_reload_and_data_have_them(run):
    wrong = {f"p{row:03d}/0.jpg" for row in WRONG}
    at = page("look_inside", run=run.id)
    assert "selected" not in words(at) and "selection" not in at.query_params
    press(at, "Select misclassified (5)")
    assert marked(at) == wrong
    assert "**5 photos selected**" in words(at) and "5 misclassified" in words(at)
    matrix = sent(at, "facet_confusion")
    off_diagonal = np.array(matrix["counts"]) * (1 - np.eye(len(CLASSES), dtype=int))
    np.testing.assert_array_equal(matrix["selected"], off_diagonal)

    again = page("look_inside", run=run.id, answer="all", selection=at.query_params["selection"])
    assert marked(again) <= wrong and "**5 photos selected**" in words(again), "another session, by the address alone"

    for key in list(at.query_params):
        del at.query_params[key]
    at.switch_page("pages/data.py")
    at.query_params["root"], at.query_params["view"] = run.config().data.root, "faces"
    at.run()
    assert not at.exception, at.exception
    assert marked(at, "facet_data_gallery", "cells") == wrong, "the menu's bare address, the same session"
    assert "Correct 5 photos" in [each.label for each in at.button]
    at.toggle(key="selection-only").set_value(True).run()
    assert len(sent(at, "facet_data_gallery")["cells"]) == 5


def test_what_is_selected_next_replaces_is_added_or_taken_away_and_the_one_before_comes_back(run):
    at = page("look_inside", run=run.id)
    press(at, "Select misclassified (5)")
    press(at, "Select correct (19)")
    assert "**19 photos selected**" in words(at)
    how = at.segmented_control(key="selection-how")
    how.set_value("add").run()
    press(at, "Select misclassified (5)")
    assert "**24 photos selected**" in words(at) and "5 misclassified · 19 correct" in words(at)
    at.segmented_control(key="selection-how").set_value("take").run()
    press(at, "Select correct (19)")
    assert "**5 photos selected**" in words(at)
    press(at, "Back to 24 photos")
    assert "**24 photos selected**" in words(at)
    press(at, "Back to 5 photos")
    press(at, "Invert: select the other 19")
    assert "19 correct" in words(at) and "misclassified ·" not in words(at)
    press(at, "Clear")
    assert "No photo is selected" in words(at) and "selection" not in at.query_params and not marked(at)


def test_only_the_selected_photos_narrow_the_matrix_the_gallery_and_what_is_selected_next(run):
    at = press(page("look_inside", run=run.id), "Select misclassified (5)")
    at.toggle(key="selection-only").set_value(True).run()
    assert np.sum(sent(at, "facet_confusion")["counts"]) == 5
    assert len(sent(at, "facet_gallery")["faces"]) == 5
    assert at.button(key="selection-right").disabled and at.button(key="selection-wrong").label.endswith("(5)")
    assert not button(at, "See their maps").disabled
    press(at, "Clear")
    assert "selected" not in at.query_params and np.sum(sent(at, "facet_confusion")["counts"]) == 24


def test_a_link_whose_selection_is_gone_says_so_and_one_that_is_no_name_does_no_harm(run):
    for name in ("0" * 16, "../../x", "<b>"):
        at = page("look_inside", run=run.id, selection=name)
        assert "not kept any more" in at.toast[0].value and "selection" not in at.query_params


def test_a_link_whose_selection_is_out_of_reach_says_so_and_keeps_it(run, monkeypatch):
    selected = selections.selection(run.config().data.root, ["a.jpg"])
    selections.keep(selected)
    with monkeypatch.context() as away:
        close(away, lab_folder() / "selections")
        at = page("look_inside", run=run.id, selection=selected.name)
        assert "cannot be read" in at.toast[0].value and selected.name in at.query_params["selection"]
    at.run()
    assert not at.toast and selected.name in at.query_params["selection"] and "1 photo selected" in words(at)


def test_a_lab_that_may_not_write_keeps_the_selection_in_its_session_and_says_so(run):
    lab_folder().mkdir(exist_ok=True)
    (lab_folder() / "selections").write_text("a file in its way")
    at = press(page("look_inside", run=run.id), "Select misclassified (5)")
    assert len(marked(at)) == 5
    assert "cannot be written" in html(at) and "holds for one tab alone" in html(at)


def test_photos_that_a_run_does_not_have_are_counted_and_no_more(run):
    root = run.config().data.root
    chosen = selections.selection(root, ["p000/0.jpg", "gone/1.jpg"])
    selections.keep(chosen)
    at = page("look_inside", run=run.id, selection=chosen.name)
    assert "**2 photos selected**, 1 of them in this run" in words(at)
    assert marked(at) == {"p000/0.jpg"}


def test_a_cell_a_row_and_a_column_of_the_matrix_are_their_photos_and_the_table_says_what_was_answered(run):
    answers = mistakes.load_answers(run)
    everyone = np.arange(len(answers.table))
    table = answers.table.set_index("sample")
    assert set(judged.cell(answers, everyone, 0, 1)) == {"p000/0.jpg", "p012/0.jpg"}
    assert set(judged.cell(answers, everyone, 2, None)) == set(table.index[table["true"] == CLASSES[2]])
    assert set(judged.cell(answers, everyone, None, 3)) == set(table.index[table["predicted"] == CLASSES[3]])
    facts = judged.facts(answers, judged.positions(answers, ["p012/0.jpg", "p003/0.jpg", "p001/0.jpg"]))
    assert list(facts["loss"]) == sorted(facts["loss"], reverse=True) and set(facts["correct"]) == {True, False}
    for row in facts.itertuples():
        assert row.loss == pytest.approx(-np.log(row.p_true)) and row.predicted == table.loc[row.sample, "predicted"]


def test_ticks_of_the_table_are_the_selection_and_another_selection_ticks_a_new_table(run, monkeypatch):
    drawn, ticks = [], []

    def dataframe(frame, **options):
        drawn.append((frame, options))
        if ticks:
            st.session_state[options["key"]] = SimpleNamespace(selection={"rows": ticks.pop()})
            options["on_select"]()

    monkeypatch.setattr(st, "dataframe", dataframe)
    at = page("look_inside", **{"run": run.id, "as": "table"})
    press(at, "Select misclassified (5)")
    frame, options = drawn[-1]
    assert options["selection_default"]["selection"]["rows"] == [0, 1, 2, 3, 4]
    assert set(frame["sample"]) == {f"p{row:03d}/0.jpg" for row in WRONG}
    ticks.append([3, 1])
    at.run()
    at.run()
    assert "**2 photos selected**" in words(at) and drawn[-1][1]["key"] == options["key"], "it shows its own ticks"
    assert drawn[-1][1]["selection_default"]["selection"]["rows"] == [1, 3]
    press(at, "Select misclassified (5)")
    assert drawn[-1][1]["key"] != options["key"]
    press(at, "Select correct (19)")
    assert drawn[-1][1]["selection_default"]["selection"]["rows"] == [], "what is selected elsewhere has no tick here"
    ticks.append([0])
    at.run()
    at.run()
    assert "**20 photos selected**" in words(at), "and it stays selected"
