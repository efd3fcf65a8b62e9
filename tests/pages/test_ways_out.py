"""A class too rare for the folds: what can be done is a click away, on Launch and on Data."""

import copy
import json

import pytest
from streamlit.testing.v1 import AppTest

from core.config import from_dict
from core.places import HOME
from core.plan.plan import make_plan
from core.runs import Run
from core.runs.lists.summaries import summaries
from pages.parts.data import classes as data_classes
from pages.parts.launch import plan as launch_plan
from tests.data.cases import DRAWINGS
from tests.pages.launch_form import button, field, open_on, text_of
from tests.photos import draw

REFUSAL = "has 3 photos but 5 folds were asked for"


@pytest.fixture
def rare(tmp_path):
    root = tmp_path / "rare"
    root.mkdir()
    DRAWINGS["one-rare-class"](root)
    return root


def press(page, key):
    (one,) = [each for each in page.button if (each.key or "").endswith(key)]
    one.click().run()
    assert not page.exception
    return page


@pytest.mark.parametrize(
    ("key", "classes", "folds"),
    [
        ("no-plan.ways.folds", ["common", "rare", "usual"], 3),
        ("task.ways.out-0", ["common", "usual"], 5),
        ("no-plan.ways.merge", ["rare or common", "usual"], 5),
    ],
)
def test_each_way_out_is_one_click_at_launch_and_the_form_shows_it(opened, rare, key, classes, folds):
    page = open_on(rare)
    assert REFUSAL in text_of(page) and button(page).disabled
    assert "task" in page.session_state["groups_open"], "what is wrong opens by itself"
    press(page, key)
    assert REFUSAL not in text_of(page) and not button(page).disabled
    if folds == 3:
        assert page.text_input(key=f"form{page.session_state['launch_version']}.folds.count~1").value == "3"
    elif len(classes) == 2 and "usual" in classes and "common" in classes:
        (left_out,) = [each for each in page.multiselect if each.label == "Leave out classes"]
        assert left_out.value == ["rare"] and left_out.options == ["common (12)", "rare (3)", "usual (12)"]
    else:
        assert "rare or common is rare and common merged." in text_of(page)
    button(page).click().run()
    (summary,) = summaries()
    run = Run(summary["id"])
    assert run.info()["class_names"] == classes and run.config().folds.count == folds


def test_a_number_of_folds_that_no_run_has_is_answered_with_what_the_photos_allow(opened, rare, monkeypatch):
    planned = []
    monkeypatch.setattr(launch_plan, "make_plan", lambda *of: (planned.append(of), make_plan(*of))[1])
    page = open_on(rare, "task")
    field(page, "name").set_value("another name").run()
    assert REFUSAL in text_of(page) and len(planned) == 1, "what was refused is not planned at each drawing"
    field(page, "folds.count").set_value("21").run()
    assert "Must be at most 20, found 21. These photos allow 3 folds: class 'rare' has 3 photos." in text_of(page)
    field(page, "folds.count").set_value("20").run()
    assert "These photos allow" not in text_of(page) and "has 3 photos but 20 folds were asked for" in text_of(page)
    field(page, "folds.count").set_value("5").run()
    for number in (3, 4):
        draw(rare / "rare" / f"{number}.jpg", (number * 40, 200, 10))
    press(page, "launch-data.again")
    assert REFUSAL not in text_of(page) and not button(page).disabled, "a dataset that was mended is planned anew"


def test_what_is_merged_and_its_name_can_be_chosen(opened, rare):
    page = open_on(rare)
    (classes,) = [each for each in page.multiselect if "no-plan.ways.merge" in each.key]
    classes.set_value(["rare", "usual"]).run()
    (name,) = [each for each in page.text_input if "no-plan.ways.called" in each.key]
    assert name.value == "rare or usual"
    name.set_value("common").run()
    (merge,) = [each for each in page.button if (each.key or "").endswith("no-plan.ways.merge")]
    assert merge.disabled, "another class is called so"
    (name,) = [each for each in page.text_input if "no-plan.ways.called" in each.key]
    name.set_value("not **common**").run()
    press(page, "no-plan.ways.merge")
    assert page.session_state["launch_draft"]["task"]["merge"] == {"not **common**": ["rare", "usual"]}
    assert not button(page).disabled


def test_what_is_merged_is_what_the_fields_show_at_the_click(opened, rare):
    page = open_on(rare)
    (name,) = [each for each in page.text_input if "no-plan.ways.called" in each.key]
    name.set_value("few")  # the button is of the drawing before
    press(page, "no-plan.ways.merge")
    assert page.session_state["launch_draft"]["task"]["merge"] == {"few": ["rare", "common"]}
    page = open_on(rare)
    (classes,) = [each for each in page.multiselect if "no-plan.ways.merge" in each.key]
    classes.set_value(["rare", "usual"])
    press(page, "no-plan.ways.merge")
    assert page.session_state["launch_draft"]["task"]["merge"] == {"rare or usual": ["rare", "usual"]}
    page = open_on(rare)
    (name,) = [each for each in page.text_input if "no-plan.ways.called" in each.key]
    name.set_value("usual")
    press(page, "no-plan.ways.merge")
    assert page.session_state["launch_draft"]["task"]["merge"] == {}
    (merge,) = [each for each in page.button if (each.key or "").endswith("no-plan.ways.merge")]
    assert merge.disabled and merge.help == "There is another class of that name."


def test_classes_of_any_task_are_left_out_merged_and_set_apart_on_the_form(opened, rare):
    page = press(open_on(rare), "task.ways.folds")

    def control(kind, label):
        (one,) = [each for each in kind if each.label == label and ".ways" not in each.key]
        return one

    control(page.multiselect, "Merge classes").set_value(["common", "usual"]).run()
    control(page.text_input, "Called").set_value("all")  # the button is of the drawing before
    press(page, "task.merge-now")
    task = page.session_state["launch_draft"]["task"]
    assert (task["leave_out"], task["merge"]) == ([], {"all": ["common", "usual"]})
    press(page, "task.merge.0")
    assert page.session_state["launch_draft"]["task"]["merge"] == {}
    control(page.multiselect, "Leave out classes").set_value(["rare"]).run()
    assert page.session_state["launch_draft"]["task"]["leave_out"] == ["rare"] and not button(page).disabled


def test_a_merged_class_is_left_out_with_all_its_members(opened, rare):
    page = open_on(rare, "task")
    page.session_state["launch_draft"]["task"]["merge"] = {"seldom": ["rare", "usual"]}
    page.run()
    (left_out,) = [each for each in page.multiselect if each.label == "Leave out classes"]
    left_out.set_value(["seldom"]).run()
    task = page.session_state["launch_draft"]["task"]
    assert (task["leave_out"], task["merge"]) == (["rare", "usual"], {})


def data_page(root, **address):
    page = AppTest.from_file(str(HOME / "pages" / "data.py"), default_timeout=60)
    for key, value in {"root": str(root), "view": "folds", **address}.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception
    return page


@pytest.mark.parametrize(
    ("key", "task", "folds"),
    [
        ("data.folds", {"leave_out": [], "merge": {}}, 3),
        ("data.out-0", {"leave_out": ["rare"], "merge": {}}, 5),
        ("data.merge", {"leave_out": [], "merge": {"rare or common": ["rare", "common"]}}, 5),
    ],
)
def test_the_data_page_offers_the_same_and_launch_takes_it_over(opened, rare, key, task, folds):
    page = data_page(rare)
    assert REFUSAL in text_of(page)
    press(page, key)
    assert REFUSAL not in text_of(page) and "Photos of each class in each fold" in text_of(page)
    next(each for each in page.button if each.label == "Launch with it").click().run()
    assert [name for name, _ in opened] == ["launch"]
    launch = AppTest.from_file(str(HOME / "pages" / "launch.py"), default_timeout=60)
    for name in ("launch_data", "launch_classes"):
        launch.session_state[name] = page.session_state[name]
    launch.run()
    form = launch.session_state["launch_draft"]
    assert {name: form["task"][name] for name in task} == task and form["folds"]["count"] == folds
    assert not button(launch).disabled


def launched_with(page, root, leave_out):
    """The changes of classes on the form after a click on the page Data. root, leave_out: of the form before it."""
    for key, left_out in (("launch_base", []), ("launch_draft", leave_out)):
        form = from_dict({"data": {"root": str(root)}, "task": {"name": "label", "leave_out": left_out}})
        page.session_state[key] = form.model_dump(mode="json")
    page.session_state["launch_source"] = ("recipe", "quick")
    next(each for each in page.run().button if each.label == "Launch with it").click().run()
    assert not page.exception
    task = page.session_state["launch_draft"]["task"]
    return {name: task[name] for name in ("leave_out", "merge")}


def test_what_was_changed_on_the_data_page_has_a_way_back_and_nonsense_in_the_address_is_none(opened, rare):
    page = data_page(rare, leave_out=json.dumps(["rare"]))
    assert "Left out: rare." in text_of(page) and REFUSAL not in text_of(page)
    assert launched_with(page, rare, ["usual"])["leave_out"] == ["rare"]
    assert launched_with(page, rare, ["rare"])["leave_out"] == ["rare"]
    form = AppTest.from_file(str(HOME / "pages" / "launch.py"), default_timeout=60)
    form.session_state["launch_version"] = 0
    for key in ("launch_draft", "launch_base", "launch_source", "launch_before", "launch_put"):
        if key in page.session_state:
            form.session_state[key] = copy.deepcopy(page.session_state[key])
    form.run()
    for left_out in ("usual", "rare"):
        press(form, "launch-undo")
        assert form.session_state["launch_draft"]["task"]["leave_out"] == [left_out], "as on the form, then on Data"
    press(page.run(), "data-take-in")
    assert REFUSAL in text_of(page)
    assert launched_with(page, rare, ["rare"]) == {"leave_out": [], "merge": {}}, "Launch takes in again what Data does"
    press(page.run(), "data.out-0")
    launched_with(page, rare, [])
    press(page.run(), "data-take-in")
    assert launched_with(page, rare, ["usual"])["leave_out"] == ["usual"], "as was said on the form, or by another run"
    assert launched_with(page, rare.parent, ["usual"])["leave_out"] == [], "of another dataset"
    for nonsense in ("[", "7", '{"a": 1}', "null"):
        assert REFUSAL in text_of(data_page(rare, leave_out=nonsense, merge=nonsense))
    assert "to leave out" in text_of(data_page(rare, leave_out='["nobody"]'))


def test_many_rare_classes_are_left_out_with_a_click_and_taken_in_again(opened, tmp_path, monkeypatch):
    for number in range(62):
        for photo in range(6 if number < 2 else 1):
            draw(tmp_path / "many" / f"class {number:02d}" / f"{photo}.png")
    page = open_on(tmp_path / "many")
    assert "Make one class of the 60 rare ones:" in text_of(page)
    assert len([each for each in page.button if "no-plan.ways.out-" in (each.key or "")]) == 4, "three and all"
    press(page, "no-plan.ways.out-all")
    assert not button(page).disabled and "60 classes are left out: class 02, " in text_of(page)
    assert len(page.session_state["launch_draft"]["task"]["leave_out"]) == 60
    press(page, "task.take-in")
    assert page.session_state["launch_draft"]["task"]["leave_out"] == []
    press(page, "no-plan.ways.merge")
    (merged,) = page.session_state["launch_draft"]["task"]["merge"].items()
    assert merged[0] == "other" and len(merged[1]) == 60 and not button(page).disabled
    monkeypatch.setattr(data_classes, "MOST_IN_ADDRESS", 50)
    data = data_page(tmp_path / "many")
    assert "Launch leaves the 60 rare classes out, or makes one of them, with a click." in text_of(data)
    assert not [each for each in data.button if (each.key or "").startswith("data.")]
