"""The data page, driven through Streamlit's own test runner."""

import os
import re
from dataclasses import replace
from functools import partial
from html import escape
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import streamlit as st
from PIL import Image
from streamlit.testing.v1 import AppTest

from core.config.run_config import DataConfig
from core.data import recent, thumbnails, understood
from core.data.chosen.selections import selection
from core.data.labels import correction_rows, corrections, reviews
from core.data.labels.corrections import Correction
from core.data.pictures import alike
from core.data.scan import scan
from core.places import HOME
from pages.parts.correcting import said as data_said
from pages.parts.data import duplicates, faces, problems, split_bars
from pages.parts.data import gallery as data_gallery
from pages.parts.dataset import card, picker
from pages.parts.keys import palette
from pages.parts.keys.places import KEYS
from tests import celeba
from tests.pages.app import page
from tests.photos import draw, mask_dataset

PAGE = HOME / "pages" / "data.py"
FIVE = ("Smiling", "Young", "Male", "Bald", "Bangs")


@pytest.fixture
def lab(tmp_path, monkeypatch):
    monkeypatch.setenv("FACET_RUNS", str(tmp_path / "runs"))
    monkeypatch.setenv("FACET_DEMO", str(tmp_path / "demo"))


@pytest.fixture
def drawn(monkeypatch):
    """The cells of every gallery that the page draws."""
    galleries = []

    def gallery(tiles, picked, *, key, chosen=(), selected=(), several=None):
        galleries.append(data_gallery.cells_of(tiles, chosen, selected))

    for part in (faces, problems, duplicates):
        monkeypatch.setattr(part, "gallery", gallery)
    return galleries


def pets(root: Path, each: int = 40) -> Path:
    for kind in ("cats", "<b>dogs</b>".replace("/", "")):
        for number in range(each):
            draw(root / kind / f"{number:02d}.jpg", (number * 5, len(kind) * 10, 0))
    return root


def people(root: Path, many: int = 12) -> Path:
    return mask_dataset(root, [(f"{n:03d}", ("female", "male")[n % 2], 20 + 25 * (n // 2 % 3)) for n in range(many)])


def open_page(state: dict | None = None, **address) -> AppTest:
    page = AppTest.from_file(str(PAGE), default_timeout=60)
    for key, value in (state or {}).items():
        page.session_state[key] = value
    for key, value in address.items():
        page.query_params[key] = str(value)
    page.run()
    assert not page.exception
    return page


def field_of(page: AppTest, part: str):
    """The one field of a form of corrections in whose key this stands, after "data-"."""
    (only,) = [
        field
        for field in (*page.selectbox, *page.text_input, *page.number_input, *page.checkbox)
        if field.key.startswith(f"data-{part}")
    ]
    return only


def html(page: AppTest) -> str:
    return "".join(element.proto.body for element in page.get("html"))


def words(page: AppTest) -> str:
    elements = (*page.markdown, *page.caption, *page.info, *page.success, *page.error)
    return (" ".join(element.value for element in elements) + html(page)).replace("\\", "")


def press(page: AppTest, label: str) -> AppTest:
    next(button for button in page.button if button.label == label).click().run()
    assert not page.exception
    return page


def address(page: AppTest, name: str) -> str:
    value = page.query_params.get(name, "")
    return value[0] if isinstance(value, list) else value


def test_without_a_dataset_the_page_says_how_to_get_one(lab):
    assert "Choose a folder of labelled photos" in open_page().info[0].value


def test_a_missing_folder_is_an_error_and_no_traceback(lab, tmp_path):
    assert "there is no such folder" in html(open_page(root=tmp_path / "nowhere"))


def test_a_misspelt_folder_is_one_click_from_the_right_one_and_cannot_be_launched_before(lab, tmp_path):
    root = pets(tmp_path / "real-faces", each=2)
    page = open_page(root=str(tmp_path / "real-face"))
    launch = next(button for button in page.button if button.label == "Launch with it")
    assert launch.disabled and "no such folder" in html(page)
    (offered,) = (button for button in page.button if ".alike-" in button.key)
    assert offered.label.replace("\\", "").endswith("real-faces")
    offered.click().run()
    assert not page.exception and address(page, "root") == str(root)
    assert next(button for button in page.button if button.label == "Launch with it").disabled is False
    assert not [button for button in page.button if ".alike-" in button.key]


def test_the_path_of_a_folder_is_typed_into_an_empty_field_and_stands_on_the_page_once(lab, tmp_path):
    demo = pets(tmp_path / "demo", each=2)
    page = open_page(root=str(demo))
    page.segmented_control(key="data-choice.source").set_value("folder").run()
    (path,) = (each for each in page.text_input if each.label == "Folder of the dataset")
    assert path.value == "" and path.placeholder
    clicks = "Use this folder"
    assert any(each.label == clicks for each in page.button), "or it is found by clicks"
    root = pets(tmp_path / "mine", each=2)
    path.set_value(str(root)).run()
    assert not any(each.label == clicks for each in page.button), "it is found"
    assert address(page, "root") == str(root)
    heads = [each.value for each in page.markdown if "What was understood" in each.value]
    assert heads == ["**What was understood**"]
    page.segmented_control(key="data-choice.source").set_value("recent").run()
    (head,) = (each.value for each in page.markdown if "What was understood" in each.value)
    assert str(root) in head.replace("\\", "").replace("\u200b", "")


def test_the_address_opens_a_dataset_and_it_becomes_a_recent_one(lab, tmp_path):
    page = press(open_page(root=pets(tmp_path / "pets", 4)), "**Counts of each class**")
    assert page.dataframe[0].value["photos"].tolist() == [4, 4]
    assert [entry.root for entry in recent.recent()] == [str(tmp_path / "pets")]


def test_the_palette_and_the_browsers_back_lead_to_another_dataset_on_the_open_page(lab, tmp_path, monkeypatch):
    first, second = str(pets(tmp_path / "first", 2)), str(pets(tmp_path / "second", 2))
    at = page("data", root=first)
    at.session_state[palette.GOES] = {"page": "data", "params": {"root": second}}
    assert at.run().session_state["data-choice"]["root"] == second and not at.exception
    at.query_params["root"] = first
    assert at.run().query_params["root"] == second, "the address that comes with a quick second click lags behind"
    at.query_params["root"] = first
    with monkeypatch.context() as back:
        back.setattr(palette, "get_script_run_ctx", lambda: SimpleNamespace(is_history_navigation=True))
        at.run()
    assert at.session_state["data-choice"]["root"] == first and at.query_params["root"] == first


def test_the_overview_draws_classes_attributes_ages_and_means(lab, tmp_path):
    page = open_page(root=people(tmp_path / "faces"), task="gender-age")
    assert len(page.get("plotly_chart")) == 3  # classes, cross-table, ages; all sizes and photos a person are the same
    text = words(page)
    assert "All 12 people have 7 photos" in text and "6 classes" in text
    assert html(page).count("<figure>") == 6
    page.selectbox(key="data-rows").set_value("mask").run()
    assert address(page, "rows") == "mask" and not page.exception


def test_the_mean_photo_is_of_the_photos_that_lie_there_now(lab, tmp_path):
    page = open_page(root=pets(tmp_path / "pets", 4))
    cells = html(page).split("<figure>")[1:]
    for path in (tmp_path / "pets" / "cats").iterdir():
        draw(path, (250, 250, 250), (9, 7))
    page.run()
    dogs, cats = html(page).split("<figure>")[1:]
    assert not page.exception and dogs == cells[0] and cats != cells[1]


def balance_of(page: AppTest) -> str:
    (said,) = [text for each in page.caption if "The largest, " in (text := each.value.replace("\\", ""))]
    return said


def test_the_overview_says_how_many_folds_there_can_be_where_the_photos_set_it(lab, tmp_path):
    root = pets(tmp_path / "pets", 24)
    for each, allowed in (
        (1, " These photos allow no folds: class "),
        (3, " These photos allow 3 folds: class 'rare' has 3 photos."),
        (20, ""),
    ):
        for number in range(each):
            draw(root / "rare" / f"{number:02d}.jpg", (0, number, 90))
        said = balance_of(open_page(root=root))
        assert said.startswith("3 classes. The largest, ")
        assert said.partition("the smallest, rare.")[2].startswith(allowed) and ("folds" in said) == bool(allowed)


def test_the_overview_counts_attributes_that_are_told_one_by_one_and_not_their_yes_and_no(lab, tmp_path):
    celeba.drawn(tmp_path / "celeba", photos=40, people=10, attributes=FIVE, side=20)
    page = open_page(root=tmp_path / "celeba", attributes="|".join(FIVE))
    said = balance_of(page)
    assert said.startswith("5 attributes. ") and "folds" not in said and "classes" not in said


def test_what_was_understood_stands_on_the_page_and_leads_to_what_changes_it(lab, tmp_path):
    draw(pets(tmp_path / "pets", 3) / "logo.png")
    page = open_page(root=tmp_path / "pets")
    text = words(page)
    for fact in understood.facts_of(scan(DataConfig(root=str(tmp_path / "pets")))):
        assert fact.text in text
    assert html(page).count("<figure title=") == 6
    assert "&lt;b&gt;dogs" in html(page) and "<b>dogs" not in html(page)
    assert not [box for box in page.text_input if box.label == "Person pattern"]
    page.button(key="data-choice-2.change").click().run()
    assert [box for box in page.text_input if box.label == "Person pattern"]
    page.button(key="data-choice-3.show").click().run()
    assert (address(page, "view"), address(page, "kind")) == ("problems", "left-over")
    assert not page.exception and "logo.png" in html(page)


def test_a_question_stands_before_all_that_is_sure(lab, tmp_path):
    for number in range(3):
        draw(tmp_path / "flat" / "images" / f"{number}.png", (number, 0, 0))
    page = open_page(root=tmp_path / "flat")
    rows = [element.value for element in page.markdown if ":material/" in element.value]
    assert rows[0].startswith(":violet[:material/help:] 1 class") and "Read as folders" in rows[1]


def test_the_gallery_turns_pages(lab, tmp_path, drawn):
    page = open_page(root=pets(tmp_path / "pets"), view="faces")
    assert len(drawn[-1]) == 60
    press(page, "Next")
    assert address(page, "page") == "2"
    assert len(drawn[-1]) == 20
    assert all(cell["image"] for cell in drawn[-1])
    (jump,) = (each for each in page.number_input if each.label == "Page, of 2")
    assert jump.value == 2
    jump.set_value(1).run()
    assert address(page, "page") == "1" and len(drawn[-1]) == 60


def test_a_gallery_of_thousands_of_photos_makes_the_pictures_of_one_page(lab, tmp_path, monkeypatch):
    root = pets(tmp_path / "pets", 2)
    small = scan(DataConfig(root=str(root)))
    many = pd.concat([small.samples] * 1_000, ignore_index=True)
    many["sample"] = [f"{n:06d}.jpg" for n in range(len(many))]
    many["person"] = many["sample"]
    monkeypatch.setattr(picker, "find", lambda choice: replace(small, samples=many))
    decoded, real = [], thumbnails.thumbnail
    monkeypatch.setattr(thumbnails, "thumbnail", lambda *args: decoded.append(args[0]) or real(*args))
    for order in ("class", "person", "random"):
        page = open_page(root=root, view="faces", order=order, page=60)
        assert "of 4,000 photos" in words(page)
        assert len(decoded) == 60 + card.PHOTOS
        decoded.clear()


def test_choosing_a_class_starts_at_its_first_page(lab, tmp_path, drawn):
    page = open_page(root=pets(tmp_path / "pets"), view="faces", page=2)
    page.selectbox(key="data-class").set_value("cats").run()
    assert {cell["first"] for cell in drawn[-1]} == {"cats"} and len(drawn[-1]) == 40


def test_a_gallery_goes_by_person_and_at_random(lab, tmp_path, drawn):
    page = open_page(root=people(tmp_path / "faces"), view="faces", order="person", person="003")
    assert len(drawn[-1]) == 7 and {cell["first"] for cell in drawn[-1]} == {"003"}
    draw(tmp_path / "apart" / "cats" / "Zoe\u0308.jpg")
    open_page(root=pets(tmp_path / "apart", 2), view="faces", order="person", person="Zo\u00eb")
    assert [cell["sample"] for cell in drawn[-1]] == ["cats/Zoe\u0308.jpg"], "as a Mac writes it"
    page = open_page(root=tmp_path / "faces", view="faces", order="random")
    first = [cell["sample"] for cell in drawn[-1]]
    press(page, "Shuffle again")
    again = [cell["sample"] for cell in drawn[-1]]
    assert first != again and first != sorted(first)


def test_p_and_n_go_to_the_previous_and_the_next_photo_over_the_ends_of_pages_and_esc_closes_it(lab, tmp_path):
    root = pets(tmp_path / "pets")
    order = scan(DataConfig(root=str(root))).samples["sample"].tolist()
    page = open_page(root=root, view="faces", order="name", photo=order[59])

    def press_key(shortcut: str) -> None:
        (button,) = (each for each in page.button if each.proto.shortcut.lower() == shortcut.lower())
        assert not button.disabled
        button.click().run()
        assert not page.exception

    press_key("N")
    assert (address(page, "photo"), address(page, "page")) == (order[60], "2")
    press_key("P")
    assert (address(page, "photo"), address(page, "page")) == (order[59], "")
    press_key("P")
    assert address(page, "photo") == order[58]
    press_key("escape")
    assert address(page, "photo") == ""
    listed = " ".join(keys for keys, _ in KEYS["data"]).split()
    assert {"P", "N", "Esc"} <= {*listed}


def orders_of(page: AppTest) -> list[str]:
    return page.segmented_control(key="data-order").options


def test_photos_stand_by_a_number_and_those_without_it_last(lab, tmp_path, drawn):
    page = open_page(root=people(tmp_path / "faces"), view="faces")
    assert "By age" in orders_of(page)
    page.segmented_control(key="data-order").set_value("number").run()
    assert address(page, "order") == "number" and drawn[-1][0]["first"] == "20 years"
    page = open_page(root=tmp_path / "faces", view="faces", order="number", page=2)
    assert drawn[-1][-1]["first"] == "70 years"
    assert "By age" not in orders_of(open_page(root=pets(tmp_path / "pets", 2), view="faces"))

    table = ["file,label,height_cm,age", "0.jpg,a,182.5,", "1.jpg,b,,30", "2.jpg,a,150,41", "3.jpg,b,170,8"]
    for row in table[1:]:
        draw(tmp_path / "two" / row.split(",")[0])
    (tmp_path / "two" / "labels.csv").write_text("\n".join(table) + "\n")
    page = open_page(root=tmp_path / "two", view="faces", order="number", number="height_cm")
    assert "By a number" in orders_of(page)
    assert [cell["first"] for cell in drawn[-1]] == [
        "height_cm 150",
        "height_cm 170",
        "height_cm 182.5",
        "no height_cm",
    ]
    page.selectbox(key="data-number").set_value("age").run()
    assert [cell["first"] for cell in drawn[-1]] == ["8 years", "30 years", "41 years", "no age"]
    assert address(page, "number") == "age"


def test_the_overview_shows_any_of_several_numbers(lab, tmp_path):
    told = ("182.5,40,80", "160,30,60", "150,41,50", "170,8,70")
    table = ["file,label,height_cm,age,weight_kg", *(f"{n}.jpg,{'ab'[n % 2]},{each}" for n, each in enumerate(told))]
    for row in table[1:]:
        draw(tmp_path / "several" / row.split(",")[0])
    (tmp_path / "several" / "labels.csv").write_text("\n".join(table) + "\n")
    page = open_page(root=tmp_path / "several", view="overview", number="height_cm")
    assert "Photos in the groups of height_cm" in words(page)
    for other in ("age", "weight_kg"):
        page.selectbox(key="data-number").set_value(other).run()
        assert not page.exception and address(page, "number") == other


def test_a_page_that_is_not_there_is_the_nearest_one(lab, tmp_path, drawn):
    root = pets(tmp_path / "pets", 31)
    for number in ("-3", "²", "0", "9" * 21, "9" * 5000):
        first, last = (61, 62) if number.startswith("9") else (1, 60)
        assert f"{first} to {last} of 62 photos" in words(open_page(root=root, view="faces", page=number))
        assert len(drawn[-1]) == last - first + 1


def test_nonsense_in_the_address_is_no_error(lab, tmp_path):
    root = people(tmp_path / "faces", 2)
    for wrong in ({"view": "x", "task": "x", "photo": "../x", "rows": "x"}, {"view": "folds", "folds": "99999"}):
        open_page(root=root, **wrong)


def test_a_label_is_corrected_shown_as_a_diff_and_undone(lab, tmp_path, drawn, monkeypatch):
    root = people(tmp_path / "faces", 4)
    sample = f"images/{min((root / 'images').iterdir()).name}/normal.jpg"
    page = open_page(root=root, view="faces", order="person", photo=sample)
    page.selectbox(key=f"data-what-{sample}").set_value("age").run()
    field_of(page, "value-").set_value(63)
    field_of(page, "all-").set_value(False)
    field_of(page, "why-").set_value("grey <b>hair</b>")
    press(page, "Save correction")
    (correction,) = corrections.load(root)
    assert (correction.sample, correction.reason) == (sample, "grey <b>hair</b>")
    assert (correction.attribute, correction.after) == ("age", "63")
    assert {cell["sample"]: cell["mark"] for cell in drawn[-1]}.get(sample, "corrected") == "corrected"
    said = f"age: {correction.before} → 63."
    assert said in words(page)
    with monkeypatch.context() as patch:
        patch.setattr(faces, "gallery", lambda *_, **__: st.stop())
        page.run()
    assert said in words(page) and not page.exception, "before the photos, which may take a while"
    assert said not in words(open_page(root=root, view="faces"))
    page = open_page({data_said.SAID: page.session_state[data_said.SAID]}, root=root, view="corrections")
    assert said in words(page)
    assert f"<del>{correction.before}</del> → <ins>63</ins>" in html(page)
    assert "grey &lt;b&gt;hair" in html(page) and "grey <b>hair" not in html(page)
    page.button(key=f"undo-{correction.id}").click().run()
    assert corrections.load(root) == []
    assert "No corrections yet" in words(page) and said not in words(page), "it was taken back in the list"


def test_a_person_is_corrected_as_a_whole_and_left_out(lab, tmp_path, drawn):
    root = people(tmp_path / "faces", 4)
    sample = f"images/{min((root / 'images').iterdir()).name}/mask1.jpg"
    page = open_page(root=root, view="faces", photo=sample)
    page.selectbox(key=f"data-what-{sample}").set_value("gender").run()
    gender = field_of(page, "value-")
    gender.set_value({"female": "male", "male": "female"}[gender.value])
    press(page, "Save correction")
    assert corrections.load(root)[0].sample == ""
    press(page, "Correct something else")
    page.selectbox(key=f"data-what-{sample}").set_value("exclude-person").run()
    press(page, "Leave this person out")
    assert [each.kind for each in corrections.load(root)] == ["relabel", "exclude-person"]
    assert "leaves this photo out" in words(page)


def test_several_photos_are_corrected_in_one_step_and_one_undo_takes_all_back(lab, tmp_path, drawn):
    root = pets(tmp_path / "pets", 3)
    chosen = ["cats/00.jpg", "cats/02.jpg", f"{min(path.name for path in root.iterdir())}/01.jpg"]
    page = open_page(root=root, view="faces", photos=",".join(chosen))
    assert {cell["sample"] for cell in drawn[-1] if cell["selected"]} == set(chosen)
    press(page, "Correct 3 photos")
    assert "nothing is chosen" in html(page) and corrections.load(root) == []
    other = open_page(root=root, view="faces", photos=",".join(chosen))
    for tab in (page, other):
        tab.selectbox(key="data-several-what").set_value("exclude-photo").run()
    for tab in (page, other):
        press(tab, "Leave these photos out")
        assert "3 photos left out." in words(tab), "also where another tab was first"
    assert [each.sample for each in corrections.load(root)] == chosen
    assert address(page, "selection") == "" and "3 photos left out." in words(page)
    press(page, "Undo")
    assert corrections.load(root) == [] and "left out" not in words(page)


def test_several_photos_are_relabelled_at_once_and_those_that_say_so_already_are_left_alone(lab, tmp_path, drawn):
    root = pets(tmp_path / "pets", 3)
    chosen = ["cats/00.jpg", "cats/02.jpg", f"{min(path.name for path in root.iterdir())}/01.jpg"]
    page = open_page(root=root, view="faces", photos=",".join(chosen))
    assert "They say 2 different things now." in words(page)
    field_of(page, "several-value").set_value("cats")
    field_of(page, "several-why").set_value("all <b>cats</b>")
    press(page, "Correct 3 photos")
    (made,) = corrections.load(root)
    assert (made.kind, made.sample, made.attribute, made.before, made.after) == (
        *("relabel", chosen[2], "label"),
        *(chosen[2].rpartition("/")[0], "cats"),
    )
    assert made.reason == "all <b>cats</b>" and "label of 1 photo → cats." in words(page)
    page = open_page(root=root, view="faces", photos=",".join(chosen))
    press(page, "Correct 3 photos")
    assert "all of them say so already" in html(page) and corrections.load(root) == [made]


def test_the_form_begins_anew_with_another_selection_and_with_what_was_said_meanwhile(lab, tmp_path, drawn):
    root = pets(tmp_path / "pets", 3)
    cats, dogs = ([f"{kind.name}/{n:02d}.jpg" for n in range(3)] for kind in sorted(root.iterdir(), reverse=True))
    page = open_page(root=root, view="faces", photos=",".join(cats))
    assert field_of(page, "several-value").value == "cats"
    field_of(page, "several-why").set_value("blurred")
    press(page, "Correct 3 photos")
    assert "all of them say so already" in html(page) and field_of(page, "several-why").value == "blurred"
    page.query_params["photos"] = ",".join(dogs)
    page.query_params.pop("selection", None)
    page.run()
    assert not page.exception and "**3 photos**" in words(page)
    assert field_of(page, "several-value").value == dogs[0].rpartition("/")[0]
    assert field_of(page, "several-why").value == ""

    page = open_page(root=root, view="faces", photo=cats[0])
    field_of(page, "why-").set_value("no cat")
    press(page, "Save correction")
    assert "it is cats already" in html(page) and field_of(page, "why-").value == "no cat"
    assert corrections.load(root) == []
    said = {"attribute": "label", "before": "cats", "after": "dogs", "reason": "in another tab"}
    corrections.add(root, Correction(kind="relabel", sample=cats[0], person=cats[0], **said))
    page.run()
    assert (field_of(page, "value-").value, field_of(page, "why-").value) == ("dogs", "")


def test_a_class_may_be_called_as_one_would_call_what_no_label_says(lab, tmp_path, drawn):
    root = pets(tmp_path / "pets", 3)
    for number in range(3):
        draw(root / "unknown" / f"{number}.jpg", (number, 9, 9))
        draw(root / "not told" / f"{number}.jpg", (number, 7, 7))
    page = open_page(root=root, view="faces", photo="cats/00.jpg")
    label = field_of(page, "value-")
    assert len(label.options) == len(set(label.options)) == 5
    label.set_value("unknown")
    press(page, "Save correction")
    assert "label: cats → unknown." in words(page)
    page = open_page(root=root, view="faces", photos="cats/01.jpg,cats/02.jpg")
    field_of(page, "several-value").set_value("not told")
    press(page, "Correct 2 photos")
    assert [each.after for each in corrections.load(root)] == ["unknown", "not told", "not told"]
    page = open_page(root=root, view="faces", photo="unknown/0.jpg")
    field_of(page, "value-").set_value("")
    press(page, "Save correction")
    assert corrections.load(root)[-1].after == "" and "label: unknown → not told." in words(page)
    assert "<del>unknown</del> → <ins>not told</ins>" in html(open_page(root=root, view="corrections"))


def test_by_class_stands_under_headings_with_the_number_of_photos(lab, tmp_path, drawn):
    root = people(tmp_path / "faces")
    open_page(root=root, view="faces", task="gender")
    headings = [cell["heading"] for cell in drawn[-1] if cell["heading"]]
    assert headings == [("female", "42 photos"), ("male", "42 photos")][: len(headings)] and headings
    classes = [cell["first"] for cell in drawn[-1]]
    assert classes == sorted(classes)
    open_page(root=root, view="faces", task="gender", page=2)
    assert drawn[-1][0]["heading"] == ("male", "42 photos")
    open_page(root=root, view="faces", task="gender", order="fold", folds=3)
    assert drawn[-1][0]["heading"][0] == "fold 0"
    open_page(root=root, view="faces", order="name")
    named = [cell["sample"] for cell in drawn[-1]]
    assert named == sorted(named) and not any(cell["heading"] for cell in drawn[-1])


def test_a_photo_is_taken_along_to_augmentation(lab, tmp_path):
    page = AppTest.from_file(str(HOME / "app.py"), default_timeout=60)
    page.run()
    page.switch_page("pages/data.py")
    for key, value in {"root": str(pets(tmp_path / "pets", 3)), "view": "faces", "photo": "cats/02.jpg"}.items():
        page.query_params[key] = value
    page.run()
    press(page, "See it augmented")
    assert address(page, "photo") == "cats/02.jpg"
    assert "what training makes of it" in words(page) and "Epoch 16" in html(page)


@pytest.mark.parametrize(
    ("typed", "after"),
    [
        ("cats/IMG\u202f  1.jpg", "cats/IMG\u202f  1.jpg"),
        (" Anna  Bo ", "Anna Bo"),
        ("cats/Zo\u00eb.jpg", "cats/Zoe\u0308.jpg"),  # as a Mac writes it
        ("Zoe\u0308", "Zo\u00eb"),
    ],
)
def test_a_person_of_the_dataset_is_written_as_it_stands_and_a_new_one_without_blanks_around(
    lab, tmp_path, drawn, typed, after
):
    root = pets(tmp_path / "pets", 2)
    draw(root / "cats" / "IMG\u202f  1.jpg", (9, 9, 9))
    draw(root / "cats" / "Zoe\u0308.jpg", (7, 9, 9))
    page = open_page(root=root, view="faces", order="name", photo="cats/00.jpg")
    page.selectbox(key="data-what-cats/00.jpg").set_value("person").run()
    field_of(page, "value-").set_value(typed)
    press(page, "Save correction")
    (correction,) = corrections.load(root)
    assert correction.after == after
    table = scan(DataConfig(root=str(root))).samples
    corrected, _ = corrections.effects(table, [correction])
    assert corrected["person"].nunique() == len(table) - (after in set(table["person"]))


def test_problems_show_their_photos_and_a_bad_file_can_be_left_out(lab, tmp_path, drawn):
    root = people(tmp_path / "faces", 4)
    bad = min((root / "images").iterdir()) / "mask2.jpg"
    bad.write_bytes(b"no image")
    page = open_page(root=root, view="problems")
    assert "not an image" in html(page)
    press(page, "Leave it out")
    press(page, "Leave this photo out")
    assert [each.sample for each in corrections.load(root)] == [bad.relative_to(root).as_posix()]
    assert "Corrections settle every problem" in words(page)


@pytest.mark.parametrize(("refused", "what", "said"), [("scandir", "birds", "listed"), ("stat", "0.jpg", "looked at")])
def test_a_folder_that_is_closed_is_a_problem_in_words(lab, tmp_path, monkeypatch, refused, what, said):
    root, real = pets(tmp_path / "pets", 2), getattr(os, refused)
    draw(root / "birds" / "0.jpg")

    def refuse(path=".", **options):
        if str(path).endswith(what) and "birds" in str(path):
            raise PermissionError(13, "Permission denied")
        return real(path, **options)

    monkeypatch.setattr(os, refused, refuse)
    shown = words(open_page(root=root, view="problems"))
    assert f"cannot be {said}" in shown and "Permission denied" in shown


def test_what_is_said_of_several_photos_is_said_once_and_shows_them(lab, tmp_path, drawn):
    """A folder in two rows that disagree, a row with an impossible age, a photo that is no photo."""
    root = people(tmp_path / "faces", 6)
    lines = (root / "train.csv").read_text().splitlines()
    first, second, third = (line.split(",") for line in lines[1:4])
    lines.append(",".join([*first[:3], "71", first[4]]))
    lines[2] = ",".join([*second[:3], "200", second[4]])
    (root / "train.csv").write_text("\n".join(lines) + "\n")
    (root / "images" / third[4] / "normal.jpg").write_text("no photo")
    page = open_page(root=root, view="problems", task="mask-gender-age")
    assert html(page).count("the same photo has age") == 1
    samples = [[cell["sample"] for cell in cells] for cells in drawn]
    assert sorted(map(len, samples)) == [7, 7]
    assert {sample.split("/")[1] for cells in samples for sample in cells} == {first[4], second[4]}
    assert all(cell["image"] for cells in drawn for cell in cells)
    assert "is not an image in a known format" in html(page)


def test_a_person_with_contradictory_labels_is_shown_with_all_photos(lab, tmp_path, drawn):
    root = tmp_path / "pets"
    for folder, number in (("cats", 0), ("cats", 1), ("dogs", 2)):
        draw(root / folder / f"it's_{number}.jpg", (number * 90, 0, 0))
    draw(root / "dogs" / "other_0.jpg")
    choice = DataConfig(root=str(root), person_pattern="^([^_]+)_").model_dump(mode="json")
    open_page({"data-choice": choice}, root=root, view="problems")
    assert [len(cells) for cells in drawn] == [3]


def test_a_broken_file_of_corrections_is_told_and_the_page_still_shows_the_dataset(lab, tmp_path, drawn):
    root = pets(tmp_path / "pets", 3)
    path = corrections.file(root)
    path.parent.mkdir(parents=True)
    path.write_text(",".join(correction_rows.COLUMNS) + "\n<b>\n")
    page = open_page(root=root, view="faces")
    assert "line 2: 1 cells, not 10" in html(page)
    assert len(drawn[-1]) == 6


def test_duplicates_of_two_people_are_found_and_settled(lab, tmp_path, drawn):
    root = tmp_path / "pets"
    pictures = np.random.default_rng(0).integers(0, 255, (9, 6, 6, 3)).astype(np.uint8)
    for kind in ("cats", "dogs"):
        (root / kind).mkdir(parents=True)
    for n, pixels in enumerate(pictures):
        Image.fromarray(pixels).resize((90, 90)).save(root / ("cats", "dogs")[n % 2] / f"{n}.png")
    Image.fromarray(pictures[0]).resize((60, 60)).save(root / "dogs" / "copy.jpg")
    page = open_page(root=root, view="duplicates")
    press(page, "Look for duplicates")
    assert [[cell["sample"] for cell in cells] for cells in drawn] == [["cats/0.png", "dogs/copy.jpg"]]
    assert [cell["first"] for cell in drawn[0]] == ["cats", "dogs"]
    assert "They disagree on label" in words(page)
    press(page, "Leave the second out")
    assert corrections.load(root)[0].sample == "dogs/copy.jpg"
    assert "look the same among 9" in words(page)


def test_pairs_beyond_those_that_are_listed_are_counted(lab, tmp_path, drawn, monkeypatch):
    monkeypatch.setattr(duplicates.duplicates, "pairs", partial(duplicates.duplicates.pairs, most=2))
    same, *others = np.random.default_rng(0).integers(0, 255, (4, 6, 6, 3)).astype(np.uint8)
    for kind, pictures in {"cats": [same, same, *others], "dogs": [same]}.items():
        folder = tmp_path / "pets" / kind
        folder.mkdir(parents=True)
        for n, pixels in enumerate(pictures):
            Image.fromarray(pixels).resize((90, 90)).save(folder / f"{n}.png")
    page = open_page(root=tmp_path / "pets", view="duplicates")
    press(page, "Look for duplicates")
    assert "**3** pairs of photos of different people look the same; here are the 2 most alike." in words(page)
    assert len(drawn) == 2


def test_folds_are_audited_and_thin_classes_are_named(lab, tmp_path):
    root = people(tmp_path / "faces", 18)
    page = open_page(root=root, view="folds", task="gender-age", folds=2)
    assert ":green[:material/verified_user:] No person is in two folds." in words(page)
    assert page.dataframe[0].value["people"].sum() == 18
    assert "some folds judge it on a single person" in words(page)
    page = open_page(root=root, view="folds", task="gender-age", folds=5)
    assert "5 folds were asked for" in html(page)


def test_folds_of_unknown_persons_are_amber_and_count_photos(lab, tmp_path):
    page = open_page(root=pets(tmp_path / "pets", 8), view="folds", folds=2)
    assert (
        ":orange[:material/gpp_maybe: Persons are unknown: photos of one person may stand in several folds.]"
        in words(page)
    )
    assert "verified_user" not in words(page) and "people" not in page.dataframe[0].value
    assert "Name a person column or a pattern of the file names" in words(page)


def test_a_split_is_seen_as_bars_of_each_folds_classes_and_of_the_test_set(lab, tmp_path):
    root = pets(tmp_path / "pets" / "train", 8)
    pets(tmp_path / "pets" / "test", 3)
    markup = html(open_page(root=root.parent, view="folds", folds=2))
    bars = re.findall(r'aria-label="(fold \d|test set): (\d+) photos; ([^"]*)"', markup)
    assert [name for name, _, _ in bars] == ["fold 0", "fold 1", "test set"]
    assert [int(photos) for _, photos, _ in bars] == [8, 8, 6]
    assert all(told.count(" 4") == 2 and "cats 4" in told and "<b>" not in told for _, _, told in bars[:2])
    counts = pd.DataFrame({"people": [2, 1], "photos": [3, 1], "a": [2, 0], "b": [1, 1]}, index=["fold 0", "fold 1"])
    shares = re.findall(r"width:(?:calc\()?([\d.]+)%", split_bars.html_of(counts, 6))
    assert [float(share) for share in shares] == [33.33, 16.67, 16.67, 100.0], "of the longest; an empty class has none"
    overlapping = counts.assign(a=[3, 1])
    assert len(re.findall("<i ", split_bars.html_of(overlapping, 0))) == 2, "a bar a fold where photos count twice"


def test_pairs_that_look_the_same_and_stand_in_two_folds_take_the_shield_away(lab, tmp_path, drawn, monkeypatch):
    root = people(tmp_path / "faces", 18)
    again = np.random.default_rng(0).integers(0, 255, (9, 9, 3), dtype=np.uint8)
    for person, quality in (("000", 90), ("006", 95)):  # of one kind: which folds they stand in is the seed's choice
        photo = next(root.glob(f"images/*{person}*/normal.jpg"))
        Image.fromarray(again).resize((90, 90)).save(photo, quality=quality)
    page = open_page(root=root, view="duplicates")
    press(page, "Look for duplicates")
    verdicts = {}
    for seed in range(6):
        page.query_params |= {"view": "folds", "task": "gender-age", "folds": "2", "seed": str(seed)}
        page.run()
        verdicts["1 pair of photos that look the same stands in two folds." in words(page)] = str(seed)
        assert ("verified_user" in words(page)) != ("stands in two folds" in words(page))
        if len(verdicts) == 2:
            break
    assert verdicts.keys() == {True, False}
    with monkeypatch.context() as full:
        full.setattr(alike, "MOST", 1)  # as if the search had found more than are kept
        page.query_params["seed"] = verdicts[True]
        page.run()
        assert "At least 1 pair of photos that look the same stands in two folds." in words(page)
        problems_page = open_page(root=root, view="problems")
        assert "At least 1 pair of photos of different people looks the same" in words(problems_page)
    later = open_page(root=root, view="problems")  # another session: what was found is not forgotten
    assert "1 pair of photos of different people looks the same" in words(later)
    assert "No problems." not in words(later) and "The scan found nothing wrong." not in words(later)
    press(later, "See the pairs")
    assert "look the same" in words(later) and later.query_params["view"] in ("duplicates", ["duplicates"])
    press(later, "Same person")
    assert "No photos of different people look the same" in words(later)
    assert "No problems." in words(open_page(root=root, view="problems"))
    assert len(alike.kept(str(root))) == 1, "a run that was launched before the correction has it in its folds"
    corrections.undo_all(root, [each.id for each in corrections.load(root)])
    one, all_of_them = (DataConfig(root=str(root), max_people=most).model_dump(mode="json") for most in (2, None))
    page = open_page({"data-choice": one}, root=root, view="duplicates")
    assert "No photos of different people look the same among 14." in words(page)
    page = open_page({"data-choice": all_of_them}, root=root, view="problems")
    pair = "1 pair of photos of different people looks the same"
    assert pair in words(page), "a search among fewer people says nothing about the others"


def test_a_table_of_labels_that_is_edited_while_the_page_is_open_is_read_again(lab, tmp_path, monkeypatch):
    root, scans = tmp_path / "pets", []
    read = picker.scan
    monkeypatch.setattr(picker, "scan", lambda *given, **options: scans.append(1) or read(*given, **options))
    for number in range(6):
        draw(root / f"{number}.jpg", (number * 40, 0, 0))

    def label(dogs: int) -> None:
        rows = "".join(f"{number}.jpg,{'dog' if number < dogs else 'cat'}\n" for number in range(6))
        (root / "labels.csv").write_text(f"path,label\n{rows}")

    label(dogs=3)
    page = open_page(root=root)
    assert "2 classes: cat 3, dog 3" in words(page)
    page.run()
    assert len(scans) == 1
    label(dogs=2)
    page.run()
    assert "2 classes: cat 4, dog 2" in words(page) and len(scans) == 2
    (root / "labels.csv").unlink()
    page.run()
    assert not page.exception and "2 classes" not in words(page)


@pytest.mark.parametrize("chosen", [None, "labels.csv"])
def test_a_person_corrected_in_a_table_beside_that_of_labels_is_read_while_the_page_is_open(lab, tmp_path, chosen):
    root = tmp_path / "pets"
    for number in range(6):
        draw(root / f"{number}.jpg", (number * 40, 0, 0))
    rows = "".join(f"{number}.jpg,{'dog' if number < 3 else 'cat'}\n" for number in range(6))
    (root / "labels.csv").write_text(f"path,label\n{rows}")

    def identify(people: str) -> None:
        rows = "".join(f"{number}.jpg,{person}\n" for number, person in enumerate(people))
        (root / "identity.csv").write_text(f"path,person\n{rows}")

    identify("aabbcd")
    choice = DataConfig(root=str(root), csv_file=chosen).model_dump(mode="json")
    page = open_page({"data-choice": choice}, root=root)
    assert "Persons: 4 people" in words(page)
    identify("aabbcc")
    page.run()
    assert "Persons: 3 people" in words(page)
    identify("aa")  # most of its rows are not written yet: it joins no table, and is looked at all the same
    page.run()
    assert "Persons: 3 people" not in words(page)
    identify("aabbcc")
    page.run()
    assert "Persons: 3 people" in words(page)


def test_a_correction_without_effect_says_why(lab, tmp_path):
    root = pets(tmp_path / "pets", 3)
    corrections.add(root, Correction(kind="exclude-photo", sample="gone.jpg"))
    page = open_page(root=root, view="corrections")
    assert "without effect: photo &#x27;gone.jpg&#x27; is not in the dataset" in html(page)


def test_a_label_that_was_found_right_is_listed_and_taken_back_after_a_reload(lab, tmp_path):
    root = pets(tmp_path / "pets", 3)
    first, second = (path.relative_to(root).as_posix() for path in sorted(root.rglob("*.jpg"))[:2])
    for sample in (first, second):
        reviews.confirm(root, reviews.subject(sample, ["label"]), "<cat>")
    page = open_page(root=root, view="corrections")
    assert "**2 labels found right**" in words(page)
    assert f"<ins>&lt;cat&gt;</ins> is right<small>{escape(second)} · label · just now" in html(page)
    key = f"found-right-undo-{reviews.subject(first, ['label'])}"
    page.button(key=key).click().run()
    assert list(reviews.load(root)) == [reviews.subject(second, ["label"])]
    assert f"<small>{escape(first)}" not in html(page)


def test_the_corrections_are_taken_in_of_the_file_that_was_chosen_last(lab, tmp_path):
    root = pets(tmp_path / "pets", 3)
    samples = sorted(path.relative_to(root).as_posix() for path in root.rglob("*.jpg"))[:2]
    files = [correction_rows.to_csv([Correction(kind="exclude-photo", sample=sample)]).encode() for sample in samples]
    page = open_page(root=root, view="corrections")
    page.file_uploader[0].set_value(("first.csv", files[0], "text/csv")).run()
    page.file_uploader[0].set_value(("second.csv", files[1], "text/csv"))
    press(page, "Take in")
    assert [each.sample for each in corrections.load(root)] == [samples[1]]
    assert "1 correction taken in." in [toast.value for toast in page.toast]


def test_only_a_photo_that_a_correction_changes_is_marked_as_corrected(lab, tmp_path, drawn):
    root = people(tmp_path / "people", 4)
    samples = [f"images/{folder.name}/normal.jpg" for folder in sorted((root / "images").iterdir())[:2]]
    says = Path(samples[0]).parent.name.split("_")[-1]
    for sample, before in zip(samples, (says, "99"), strict=True):  # the second one says no such age
        corrections.add(root, Correction(kind="relabel", sample=sample, attribute="age", before=before, after="63"))
    open_page(root=root, view="faces", order="person")
    marks = {cell["sample"]: cell["mark"] for cell in drawn[-1] if cell["sample"] in samples}
    assert marks == {samples[0]: "corrected", samples[1]: ""}


def test_a_filter_holds_values_that_are_written_with_what_stands_between_two(lab, tmp_path, drawn):
    table = ["image,hair,a|b"]
    colours = ("dark", "dark|hair: fair", "fair", "100%7Cdyed")
    for number, hair in enumerate(4 * colours):
        draw(tmp_path / "odd" / f"{number}.jpg", (number, 9, 9))
        table.append(f"{number}.jpg,{hair},{'xxy'[number % 3]}")
    (tmp_path / "odd" / "labels.csv").write_text("\n".join(table) + "\n")
    page = open_page(root=tmp_path / "odd", view="faces", task="attributes", attributes="a%7Cb")
    assert page.multiselect(key="data-attributes").value == ["a|b"]
    for first, hair in list(enumerate(colours))[1::2]:
        next(field for field in page.multiselect if field.label == "Only photos with").set_value(
            [f"hair: {hair}"]
        ).run()
        there = open_page(root=tmp_path / "odd", view="faces", only=address(page, "only"))
        for each in (page, there):
            (only,) = [field for field in each.multiselect if field.label == "Only photos with"]
            assert only.value == [f"hair: {hair}"]
            assert {cell["sample"] for cell in drawn.pop()} == {f"{number}.jpg" for number in range(first, 16, 4)}
    open_page(root=tmp_path / "odd", view="faces", only="hair: dark|hair: fair")
    assert {cell["sample"] for cell in drawn[-1]} == {f"{number}.jpg" for number in range(0, 16, 2)}, (
        "as older links are"
    )


def test_a_filter_of_faces_that_was_cleared_does_not_come_back(lab, drawn, tmp_path):
    page = open_page(root=people(tmp_path / "people", 4), view="faces", order="person")
    page.text_input(key="data-person").set_value("nobody").run()
    assert page.query_params["person"] == "nobody"
    next(each for each in page.button if each.label == "Clear the filter").click().run()
    page.run()
    assert "person" not in page.query_params
    assert [each.value for each in page.text_input if each.label == "Person"] == [""]
    assert len(drawn[-1]) > 1


def test_a_dataset_of_links_is_opened_by_one_click(lab, tmp_path, drawn):
    store = pets(tmp_path / "store", 3)
    root = tmp_path / "linked"
    for photo in sorted(store.rglob("*.jpg")):
        link = root / photo.relative_to(store)
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to(photo)
    page = open_page(root=root, view="faces")
    assert "6 links are not followed" in html(page) + words(page) and not drawn
    (box,) = [box for box in page.checkbox if box.label == "Follow links"]
    box.check().run()
    assert not page.exception
    assert len(drawn[-1]) == 6 and all(cell["image"] for cell in drawn[-1])


def test_what_is_understood_comes_before_decoding_which_one_click_leaves_to_the_first_epoch(lab, tmp_path):
    def look():
        import streamlit as st

        from core.config.parts import DataConfig
        from core.data.scan import scan
        from pages.parts.dataset import picker

        root = st.session_state["root"]
        choice = st.session_state.setdefault("choice", picker.known_choice(root))
        later, place = st.empty(), st.empty()
        scan(DataConfig(root=root), labels_read=lambda first: picker.first_look(choice, first, later, place))

    page = AppTest.from_function(look)
    page.session_state["root"] = str(pets(tmp_path / "pets", 3))
    page.run()
    assert not page.exception
    facts = words(page)
    assert "Read as folders: 6 photos." in facts and "2 classes" in facts
    assert "problems" not in facts, "nobody has looked for any yet"
    page.button[0].click().run()
    choice = page.session_state["choice"]
    assert choice["decode"] == "first epoch"
    assert "6 photos are known by the header alone" in words(open_page({"data-choice": choice}))


def close_and_select():
    import streamlit as st

    from pages.parts.correcting import several
    from pages.parts.data.view import begin_selection, go

    root = st.session_state["root"]
    begin_selection(root)
    go(photo="first.jpg")
    go(photo=None)
    st.query_params["photo"] = "first.jpg"  # as a quick click brings it: the browser has not heard of the close yet
    several.of(root).take(["second.jpg"], False)


def test_a_photo_that_was_closed_is_not_selected_with_the_next_one(tmp_path, folder):
    at = AppTest.from_function(close_and_select, default_timeout=60)
    at.session_state["root"] = str(tmp_path)
    at.run()
    assert not at.exception
    with_one = selection(str(tmp_path), ["second.jpg"])
    assert at.session_state["selection-now"] == {with_one.root: with_one} and "photo" not in at.query_params
