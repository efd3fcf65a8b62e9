"""The launch form: what is frozen is what it shows at the click, and a draft that outlives its session."""

import copy
import errno
import json
import os
import shutil
import threading
import time
from unittest.mock import patch

import pytest
from streamlit.testing.v1 import AppTest

from core import places
from core.config import drafts, recipes
from core.data.labels import corrections
from core.data.labels.corrections import Correction
from core.data.pictures.photo import StoredPhoto
from core.jobs import speed
from core.runs import FoldState, Run
from core.runs.lists.summaries import summaries
from core.studies import grid as study_grid
from core.studies import record_file
from pages.parts.form import draft as form_draft
from pages.parts.form import summary as form_summary
from pages.parts.form import transforms
from pages.parts.launch import click as launch_click
from pages.parts.launch import draft as launch_draft
from pages.parts.shared import faces as grid
from pages.parts.shared import frame
from tests.closed import close
from tests.pages.launch_form import PAGE, button, faces, field, open_group, open_on, open_page, text_of
from tests.pages.study_form import open_study, study_button
from tests.pages.trials import make_run
from tests.photos import draw

TOKEN = "20261126-101500-0a1b"
REPLACED = "What you had prepared was replaced"


@pytest.fixture
def form(opened, tmp_path):
    """The form on a dataset of 30 faces, its phases open."""
    return open_on(faces(tmp_path / "faces"), "phases")


def configs():
    return [Run(summary["id"]).config() for summary in summaries()]


# The click


def test_what_is_typed_last_into_a_study_is_launched(opened, tmp_path):
    page = open_study(tmp_path, {"training.seed": [0, 1]})
    key = f"study{page.session_state['launch_study']['version']}.epochs"
    page.text_input(key=key).set_value("4")
    study_button(page).click().run()
    assert [config.epochs for config in configs()] == [4, 4]


def test_what_is_typed_last_is_launched_though_the_button_was_drawn_before_it_and_nothing_where_it_is_wrong(form):
    assert "0 leaves its weights as they are." in field(form, "phases.0.lr_backbone").help
    field(form, "phases.0.lr_backbone").set_value("0").run()
    assert not button(form).disabled
    field(form, "phases.0.epochs").set_value("ten")
    button(form).click().run()
    assert configs() == []
    assert "Nothing was launched: what the form says now cannot run" in text_of(form)
    assert "found 'ten'" in text_of(form)
    field(form, "phases.0.epochs").set_value("8")
    field(form, "phases.0.lr_head").set_value("0").run()
    assert configs() == [] and "Nothing was launched" not in text_of(form)
    assert button(form).disabled and "Must be above 0, found 0." in text_of(form), "a head has to learn"
    field(form, "phases.0.lr_head").set_value("0.001").run()
    field(form, "phases.0.epochs").set_value("9")
    button(form).click().run()
    assert [(config.epochs, config.phases[0].lr_backbone) for config in configs()] == [(9, 0)]


def test_what_nobody_changed_is_not_launched_until_the_page_has_shown_it(form):
    form.session_state["launch_draft"]["phases"][0]["epochs"] = 3
    button(form).click().run()
    assert configs() == []
    assert "Phase 1: Epochs changed since the page showed it, and not by you" in text_of(form)
    button(form).click().run()
    assert [config.epochs for config in configs()] == [3]


def test_labels_that_changed_meanwhile_are_not_launched_until_the_page_has_shown_them(form, tmp_path):
    field(open_group(form, "task"), "folds.count").set_value("3").run()
    root = str(tmp_path / "faces")
    sample = sorted(path.name for path in (tmp_path / "faces").iterdir())[0]
    corrections.add_all(root, [Correction(kind="exclude-photo", sample=sample, person=sample, reason="a test")])
    button(form).click().run()
    assert configs() == []
    assert "photos, labels or folds are not those that the page showed" in text_of(form)
    button(form).click().run()
    assert len(Run(summaries()[0]["id"]).samples()) == 29


def test_another_study_to_join_is_not_launched_into_until_the_page_has_shown_it(opened, tmp_path):
    first = open_study(tmp_path, {"training.seed": [0, 1]})
    study_button(first).click().run()
    page = open_on(tmp_path / "faces")
    page.query_params["study"] = record_file.all_studies()[0].id
    button(page).click().run()
    assert "the study that the run joins is another one now" in text_of(page)
    assert len(configs()) == 2
    page.session_state["launch_study"].update(on=True, grid={"training.seed": [5, 6]})
    button(page.run()).click().run()
    assert len(configs()) == 3
    study = study_grid.to_yaml(study_grid.StudyConfig(name="depths", recipe="quick", grid={"model.depth": [18, 34]}))
    page.run().file_uploader(key="import0").set_value(("depths.yaml", study.encode(), "application/yaml")).run()
    page.button(key="launch-undo").click().run()
    assert page.session_state["launch_study"]["grid"] == {"training.seed": [5, 6]}, "none of its runs was launched"
    del page.query_params["form"]
    page.query_params["from"] = summaries()[0]["id"]
    assert page.run().session_state["launch_draft"]["name"].endswith(" 2"), "which is proposed"
    page.button(key="use-study").click().run()
    assert REPLACED not in text_of(page), "nobody typed that name"


def test_who_comes_back_to_what_was_launched_prepares_another_run(form):
    """As the browser's Back does: the address of the form that was launched, on a page without controls yet."""
    field(form, "phases.0.epochs").set_value("10").run()
    token = form.session_state["launch_token"]
    button(form).click().run()
    back = AppTest.from_file(str(PAGE), default_timeout=60)
    back.query_params["recipe"], back.query_params["form"] = "quick", token
    for key in ("launch_draft", "launch_version", "launch_source", "launch_base", frame.LAUNCHED):
        back.session_state[key] = form.session_state[key]
    back.run()
    assert back.session_state["launch_draft"]["phases"][0]["epochs"] == 10, "the settings stay"
    field(open_group(back, "phases"), "phases.0.lr_head").set_value("0.5").run()
    field(back, "phases.0.epochs").set_value("7")
    button(back).click().run()
    assert sorted(config.epochs for config in configs()) == [7, 10]
    back.run()  # as after coming back
    back.button(key=f"form{back.session_state['launch_version']}.reset").click().run()
    assert back.session_state["launch_draft"]["phases"][0]["epochs"] == 25
    back.button(key="launch-undo").click().run()
    assert back.session_state["launch_draft"]["phases"][0]["epochs"] == 7
    back.button(key="use-study").click().run()
    assert REPLACED not in text_of(back), "it was launched"


def come(at, **address):
    """To the page as the palette does while it is open: its controls stay."""
    for key in list(at.query_params):
        del at.query_params[key]
    for key, value in address.items():
        at.query_params[key] = value
    at.run()
    assert not at.exception
    return at.session_state["launch_study"]["on"]


def test_who_comes_for_a_study_or_a_run_gets_it_whatever_the_form_was_before(form, opened, tmp_path):
    run = make_run(tmp_path / "runs")
    assert come(form, **{"as": "study"})
    next(each for each in form.segmented_control if each.label == "What you want").set_value("quick").run()
    assert not come(form, **{"as": "study", "form": form.session_state["launch_token"]}), "the address lags behind"
    arriving = AppTest.from_file(str(PAGE), default_timeout=60)
    for key in ("launch_draft", "launch_version", "launch_source", "launch_base", "launch_study", "launch_token"):
        arriving.session_state[key] = form.session_state[key]
    assert come(arriving, **{"as": "study"})
    arriving.session_state["launch_study"]["grid"] = {"training.seed": [0, 1]}
    arriving.session_state["launch_draft"]["phases"][0]["epochs"] = 3
    assert not come(arriving, **{"from": run.id}), "Run again is of one run"
    assert arriving.session_state["launch_study"]["grid"] == {"training.seed": [0, 1]}
    assert [each.value for each in arriving.toast] == [f"{REPLACED}: Undo stands at the top of this page."]
    arriving.run()
    assert not arriving.toast, "once"
    field(open_group(arriving, "phases"), "phases.0.epochs").set_value("7").run()
    for epochs, is_study in ((3, True), (7, False)):
        arriving.button(key="launch-undo").click().run()
        assert arriving.session_state["launch_draft"]["phases"][0]["epochs"] == epochs
        assert arriving.session_state["launch_study"]["on"] == is_study, "as each of both forms was"
    arriving.session_state["launch_draft"]["phases"][0]["lr_head"] = 0.5
    arriving.run().button(key=f"form{arriving.session_state['launch_version']}.reset").click().run()
    next(each for each in arriving.segmented_control if each.label == "What you want").set_value("study").run()
    for comes in ({}, {"from": make_run(tmp_path / "runs").id}):
        if comes:
            arriving.button(key=f"form{arriving.session_state['launch_version']}.reset").click().run()
            assert not come(arriving, **comes)
        arriving.button(key="launch-undo").click().run()
        assert arriving.session_state["launch_draft"]["phases"][0]["epochs"] == 7
        assert arriving.session_state["launch_study"]["on"], "the reset was none of that"


def a_click():
    return launch_click.Click(launch_click.Ticket(TOKEN, 0, {}, "", ""))


@pytest.fixture
def session(monkeypatch):
    monkeypatch.setattr(launch_click.st, "session_state", {})


def test_a_launch_that_a_rerun_cuts_off_is_waited_for_and_made_once(session):
    """A rerun stops the one before at its next look at the session, but not what that one is freezing."""
    click, begun, go_on, launches = a_click(), threading.Event(), threading.Event(), []

    def launch():
        launches.append(1)
        begun.set()
        assert go_on.wait(60)

    def follow():
        assert launch_click._launch(click, launch, ("live", "run"), lambda: True) is None

    launched = []
    first, second = threading.Thread(target=follow), threading.Thread(target=follow)
    leaves = threading.Thread(target=lambda: launched.append(click.leave()))
    first.start()
    assert begun.wait(60)
    second.start()
    leaves.start()
    assert not launched
    go_on.set()
    for thread in (first, second, leaves):
        thread.join(60)
    assert (launches, launched, click.opens) == ([1], [True], ("live", "run"))


def test_a_click_whose_page_was_left_before_it_began_is_never_followed(session):
    click, launches = a_click(), []
    assert click.leave() is False
    assert launch_click._launch(click, lambda: launches.append(1), ("live", "run"), lambda: True) is None
    assert (launches, click.opens) == ([], None)


def label_of(path):
    draft = {"launch_draft": recipes.load_recipe("quick").model_dump(mode="json")}
    with patch.object(form_draft.st, "session_state", draft):
        return form_draft.label_of(path)


def test_a_setting_of_a_list_that_was_replaced_and_what_people_named_have_labels_of_their_own():
    assert label_of("transforms.99.p") == "Transforms"
    assert label_of("transforms.0.p").startswith("Transforms: ")
    assert label_of("task.limits.depth") == "Limits: depth"
    assert label_of("task.only.seed") == "Only photos with: seed"
    assert label_of("task.merge.St. Bernard") == "Merged classes: St. Bernard"
    assert label_of("data.attributes.epochs") == "Attributes: epochs"


def test_a_transform_is_removed_once_however_often_its_button_is_pressed():
    listed = [{"name": "Resize"}, {"name": "HorizontalFlip"}, {"name": "Normalize"}]
    edits = []
    draft = transforms.TransformList(listed, "key", restart=lambda: None, edited=lambda: edits.append(1))
    flip = listed[1]
    transforms._drop(draft, flip)
    transforms._drop(draft, flip)
    transforms._move(draft, flip, 1)
    assert [entry["name"] for entry in listed] == ["Resize", "Normalize"]


# A control and what it shows


def test_a_parent_run_brings_its_folds_to_the_field_and_they_stay(form):
    field(open_group(form, "task"), "folds.count").set_value("4").run()
    button(form).click().run()
    parent = summaries()[0]["id"]
    run = Run(parent)
    for fold in run.folds():
        run.weights_file(fold, "best").write_bytes(b"weights")
        run.write_state(FoldState(fold, "done"))
    page = open_page("task", "model")
    assert field(page, "folds.count").value == "5"
    kind = f"form{page.session_state['launch_version']}.model.init"
    page.segmented_control(key=f"{kind}.kind").set_value("run").run()
    page.selectbox(key=f"{kind}.run").set_value(parent).run()
    assert page.selectbox(key=f"{kind}_checkpoint").options == ["best epoch", "last epoch"]
    heads = page.segmented_control(key=f"{kind.removesuffix('init')}head").options
    assert heads == ["joint: one head for all classes", "factored: a head for each attribute"]
    counts = [each.value for each in page.text_input if each.label == "Folds"]
    assert counts == ["4"]
    page.run()
    assert page.session_state["launch_draft"]["folds"]["count"] == 4


def test_one_of_something_is_told_as_one():
    drafted = recipes.load_recipe("quick").model_dump(mode="json")
    drafted["folds"]["count"], drafted["phases"] = 1, [{**drafted["phases"][0], "epochs": 1}]
    told = form_summary.summaries(drafted)
    assert told["task"].endswith(" · 1 fold") and f"{drafted['phases'][0]['optimizer']} 1 epoch ·" in told["phases"]
    drafted["phases"][0]["epochs"] = "1.5"
    assert "1.5 epochs" in form_summary.summaries(drafted)["phases"], "what is no number stands as it was typed"


# The draft


def test_a_reload_finds_every_edit(form, opened, tmp_path):
    field(form, "phases.0.epochs").set_value("ten").run()
    field(form, "name").set_value("mine").run()
    open_group(form, "transforms")
    version = form.session_state["launch_version"]
    form.selectbox(key=f"form{version}.transforms.new").set_value("Perspective").run()
    form.button(key=f"form{version}.transforms.add").click().run()
    form.session_state["launch_draft"]["task"].update(name="gender", merge={"old": ["a", "b"], "new": ["c", "d"]})
    prepared = copy.deepcopy(form.session_state["launch_draft"])
    for path in ("transforms", "task.merge.old", "task.name"):
        form.run().button(key=f"form{form.session_state['launch_version']}.reset.{path}").click().run()
        assert form.session_state["launch_draft"] != prepared
        form.button(key="launch-undo").click().run()
        assert form.session_state["launch_draft"] == prepared
    form.session_state["launch_draft"]["task"]["merge"] = {}
    form.run().button(key=f"form{form.session_state['launch_version']}.reset.task.name").click().run()
    assert form.session_state["launch_draft"]["task"]["name"] == "gender-age"
    assert REPLACED not in text_of(form), "nothing else went with it"
    form.segmented_control(key="launch-as").set_value("study").run()
    form.session_state["launch_study"]["grid"] = {"training.seed": [0, 1]}
    form.run()
    draft = form.session_state["launch_draft"]
    again = open_page(recipe="quick", form=form.session_state["launch_token"])
    assert "Draft restored" in text_of(again)
    assert again.session_state["launch_draft"] == draft
    assert draft["data"]["root"] == str(tmp_path / "faces") and draft["phases"][0]["epochs"] == "ten"
    assert again.session_state["launch_study"]["grid"] == {"training.seed": [0, 1]}
    assert again.segmented_control(key="launch-as").value == "study"
    next(each for each in again.button if each.label == "Start anew").click().run()
    assert not again.exception and "Draft restored" not in text_of(again)
    assert again.session_state["launch_draft"]["phases"][0]["epochs"] == 25
    again = open_page(recipe="quick", form=form.session_state["launch_token"])
    again.button(key="launch-undo").click().run()
    assert again.session_state["launch_draft"] == draft
    assert again.session_state["launch_study"]["grid"] == {"training.seed": [0, 1]}


def test_a_form_on_which_nothing_was_changed_leaves_no_draft(opened):
    page = open_page()
    assert "Draft restored" not in text_of(open_page(recipe="quick", form=page.session_state["launch_token"]))
    assert not (places.lab_folder() / "drafts").exists()


def test_a_form_that_another_took_the_place_of_comes_back_also_after_a_reload(form):
    def epochs(page):
        return page.session_state["launch_draft"]["phases"][0]["epochs"]

    form.button(key="use-study").click().run()
    assert REPLACED not in text_of(form), "the dataset stays, and nothing else was chosen"
    field(open_group(form, "phases"), "phases.0.epochs").set_value("3").run()
    form.button(key="use-quick").click().run()
    assert f"{REPLACED}: Recipe **{recipes.title('study')}**, 1 setting changed." in text_of(form)
    form.button(key="use-study-mixup").click().run()
    page = open_page(recipe="study-mixup", form=form.session_state["launch_token"])
    assert epochs(page) != 3 and REPLACED in text_of(page), "what nobody changed takes the place of nothing"
    page.button(key="launch-undo").click().run()
    assert epochs(page) == 3 and page.session_state["launch_source"] == ("recipe", "study")
    assert REPLACED not in text_of(page)
    del page.query_params["form"]
    page.query_params["recipe"] = "quick"  # as a link does, and Run again
    page.run()
    assert page.session_state["launch_source"] == ("recipe", "quick") and REPLACED in text_of(page)
    field(open_group(page, "phases"), "phases.0.epochs").set_value("7").run()
    page.button(key="launch-undo").click().run()
    assert epochs(page) == 3 and REPLACED in text_of(page), "what was changed meanwhile is not lost by the way back"
    page.button(key="launch-undo").click().run()
    assert epochs(page) == 7
    button(page).click().run()
    assert [config.epochs for config in configs()] == [7]


def test_a_form_that_nobody_changed_takes_the_place_of_none_that_is_kept(form, monkeypatch):
    monkeypatch.setattr(speed, "known", lambda config, folder=None: 1.0)

    def take(page, goal):
        page.segmented_control(key="launch-as").set_value(goal).run()
        page.button(key="take-proposal").click().run()
        return REPLACED in text_of(page)

    def undo(page):
        page.button(key="launch-undo").click().run()
        return [page.session_state["launch_draft"]["phases"][0][name] for name in ("epochs", "lr_head")]

    form.segmented_control(key="launch-minutes").set_value("any").run()
    assert not take(form, "best") and not take(form, "quick")
    field(form, "phases.0.epochs").set_value("3").run()
    assert take(form, "best") and take(form, "quick")
    page = open_page(recipe="quick", form=form.session_state["launch_token"])
    page.button(key="use-study-mixup").click().run()
    field(page, "name").set_value("mine").run()
    take(page, "best")
    assert page.session_state["launch_draft"]["name"] == "mine"
    assert undo(page)[0] == 3
    field(page, "name").set_value("yours").run()
    take(page, "best")  # the name stays
    page.button(key="use-quick").click().run()
    assert undo(page)[0] == 3, "on the form that is kept already the name stands, too"
    field(open_group(page, "phases"), "phases.0.lr_head").set_value("0.5").run()
    page.button(key=f"form{page.session_state['launch_version']}.reset").click().run()
    assert undo(page) == [3, 0.5] and REPLACED not in text_of(page)
    page.segmented_control(key="launch-minutes").set_value("15").run()
    assert take(page, "best")
    page.button(key=f"form{page.session_state['launch_version']}.reset").click().run()
    assert undo(page) == [3, 0.5], "what was proposed, and changed by nobody, costs nothing that somebody changed"


def mangled(record):
    """What is wrong, and the draft's file with that alone."""

    def without(key):
        return f"without {key}", {name: value for name, value in record.items() if name != key}

    def put(path, value):
        changed = copy.deepcopy(record)
        part = changed
        for step in path[:-1]:
            part = part[step]
        part[path[-1]] = value
        return f"{path} as {value!r}", changed

    yield from (without(key) for key in ("draft", "base", "source", "study"))
    yield from (
        put(("draft",), []),
        put(("draft", "phases"), [{}]),
        put(("draft", "phases"), {"0": 1}),
        put(("draft", "transforms", 0, "name"), "Nothing"),
        put(("draft", "transforms", 0, "params"), {}),
        put(("draft", "task", "age_limits"), [30]),
        put(("draft", "model", "depth"), "18; rm"),
        put(("draft", "model", "init"), None),
        put(("draft", "data", "leave_out_problems"), "yes"),
        put(("source",), ["recipe"]),
        put(("source",), ["elsewhere", "quick"]),
        put(("study", "grid"), {"training.seed": "0"}),
        put(("study", "on"), 1),
    )


def test_a_file_that_is_no_draft_is_taken_for_none_and_a_link_to_another_recipe_is_followed_whatever_the_draft(form):
    field(form, "phases.0.epochs").set_value("3").run()
    token = form.session_state["launch_token"]
    record = drafts.load(token)
    assert launch_draft._fits(record)
    for wrong, mangled_record in mangled(record):
        assert not launch_draft._fits(mangled_record), wrong
    drafts.save(token, mangled_record)
    again = open_page(recipe="quick", form=token)
    assert "Draft restored" not in text_of(again)
    assert again.session_state["launch_draft"]["phases"][0]["epochs"] == 25
    drafts.save(token, record)
    again = open_page(recipe="study", form=token)
    assert again.session_state["launch_source"] == ("recipe", "study")


@pytest.mark.parametrize("text", [b"", b"{", b"[1]", b"\xff\xfe", b'"text"', b"null", b"[" * 100_000])
def test_garbage_is_no_draft(opened, text):
    drafts.save(TOKEN, {})
    (places.lab_folder() / "drafts" / f"{TOKEN}.json").write_bytes(text)
    assert drafts.load(TOKEN) is None


@pytest.mark.parametrize(
    "token", ["", "../../etc/passwd", "20261126-101500-0A1B", "２0261126-101500-0a1b", f"{TOKEN}\n"]
)
def test_a_draft_is_named_by_a_token_alone(opened, token):
    assert not drafts.is_token(token)
    with pytest.raises(ValueError, match="names no form"):
        drafts.load(token)


def test_drafts_are_bounded_in_number_and_age(opened):
    folder = places.lab_folder() / "drafts"
    folder.mkdir(parents=True)
    now = time.time()
    for number in range(drafts.MOST + 5):
        path = folder / f"20260101-000000-{number:04x}.json"
        path.write_text(json.dumps({}))
        os.utime(path, (now - number, now - number))
    old = folder / "20250101-000000-0000.json"
    old.write_text("{}")
    os.utime(old, (now - 31 * 86_400,) * 2)
    drafts.save(TOKEN, {"draft": 1})
    names = sorted(path.stem for path in folder.iterdir())
    assert len(names) == drafts.MOST and TOKEN in names and old.stem not in names
    assert drafts.load(TOKEN) == {"draft": 1}


def test_a_draft_that_cannot_be_written_stops_nobody_and_one_that_cannot_be_read_is_told_and_stays(
    form, opened, monkeypatch, tmp_path
):
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be")
    with monkeypatch.context() as context:
        context.setenv("FACET_RUNS", str(blocked))
        field(form, "phases.0.epochs").set_value("4").run()
        assert not form.exception
        assert form.session_state["launch_draft"]["phases"][0]["epochs"] == 4
    field(form, "phases.0.epochs").set_value("7").run()
    token = form.session_state["launch_token"]
    left = drafts.load(token)
    with monkeypatch.context() as context:
        close(context, places.lab_folder() / "drafts" / f"{token}.json", errno.EIO)
        page = open_page("phases", form=token)
        assert "the draft of this form cannot be read: Input/output error" in text_of(page)
        assert page.session_state["launch_token"] == token
    field(page, "phases.0.epochs").set_value("3").run()  # by when it can be read
    other = page.session_state["launch_token"]
    assert other != token and drafts.load(other)["draft"]["phases"][0]["epochs"] == 3
    assert drafts.load(token) == left
    assert "Draft restored" in text_of(open_page(form=token))


def test_a_draft_whose_dataset_and_parent_run_are_gone_opens_and_says_both(opened, tmp_path):
    page = open_on(faces(tmp_path / "faces"), "model")
    page.session_state["launch_draft"]["model"]["init"] = "run:20260101-000000-gone-0000"
    page.run()
    token = page.session_state["launch_token"]
    record = drafts.load(token)
    assert record["draft"]["model"]["init"].endswith("gone-0000")
    assert "There is no run" in text_of(open_page("model", form=token))
    drafts.save(token, record | {"source": ["from", "20260101-000000-gone-0000"]})
    shutil.rmtree(tmp_path / "faces")
    again = open_page("model", form=token)
    assert "Draft restored" in text_of(again) and "faces" in text_of(again)
    again.run()
    assert not again.exception and button(again).disabled


def test_a_photo_that_was_away_once_is_shown_in_the_grid_when_it_is_back(tmp_path):
    photo, away = draw(tmp_path / "0.png"), tmp_path / "away.png"
    photo.rename(away)
    asked = "[]", ((StoredPhoto(str(photo), photo.name, 0, 1), 0, "cat"),), {"cat": 1}, 0, 1
    assert grid.class_grid(*asked).count('<div class="faces-missing">') == 2
    away.rename(photo)
    assert grid.class_grid(*asked).count("<img") == 2


def test_a_photo_that_was_replaced_is_shown_in_the_grid_as_it_is(tmp_path):
    photo = draw(tmp_path / "0.png", (200, 0, 0))
    at_the_scan = photo.stat().st_mtime_ns
    asked = "[]", ((StoredPhoto(str(photo), photo.name, 0, at_the_scan), 0, "cat"),), {"cat": 1}, 0, 1
    before = grid.class_grid(*asked)
    draw(photo, (0, 0, 200), (9, 7))
    assert grid.class_grid(*asked) != before
    put_back = draw(tmp_path / "again.png", (200, 0, 0))
    os.utime(put_back, ns=(at_the_scan, at_the_scan))
    put_back.replace(photo)
    assert grid.class_grid(*asked) == before
