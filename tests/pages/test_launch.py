"""The launch page, driven through Streamlit's own test runner; measuring and workers are stood in for."""

import os
from dataclasses import replace
from html import unescape

import pytest

from core.config import drafts, recipes
from core.errors import LabError
from core.jobs.processes import ready
from core.places import datasets_folder, runs_folder
from core.plan.plan import with_whole_path
from core.runs import FoldState, Run
from core.runs.lists.summaries import summaries
from core.studies.grid import StudyConfig
from pages.parts.launch import source
from pages.parts.launch.click import is_of
from tests.closed import close
from tests.pages.app import elements
from tests.pages.launch_form import button, faces, field, open_group, open_on, open_page, take_folder, text_of
from tests.photos import draw


def test_a_newcomer_is_asked_for_a_dataset_and_launch_freezes_what_the_form_says_and_opens_live(
    opened, tmp_path, monkeypatch
):
    """With a folder that is typed, as somebody does it; most other tests bring their dataset along. From when the click
    would launch something, a process waits for it."""
    waits = []
    monkeypatch.setattr(ready, "keep", waits.append)
    page = open_page()
    assert page.session_state["launch_draft"]["name"] == "quick"
    assert any(b.label == "Draw the demo dataset" for b in page.button)
    assert button(page).disabled and not waits
    take_folder(page, faces(tmp_path / "faces"))
    assert not button(page).disabled and set(waits) == {runs_folder()}
    words = text_of(page)
    assert ":orange[:material/gpp_maybe: Persons are unknown: photos of one person may stand" in words
    assert "No person is in two folds" not in words
    assert "5 photos, some folds judge it on a single photo." in words, "before the launch"
    assert "2 more classes are rare." in words and "refused" not in words
    assert "People" not in [metric.label for metric in page.metric]
    button(page).click().run()
    assert opened[0][0] == "live"
    run = Run(opened[0][1]["run"])
    assert run.config().data.root == str(tmp_path / "faces")
    assert len(run.samples()) == 30
    assert len(run.folds()) == 5
    button(page.run()).click().run()
    assert len(summaries()) == 2, "the same settings can be launched again"


def test_a_plan_that_found_out_where_a_file_of_first_weights_lies_is_of_the_forms_settings(tiny_plan):
    model = tiny_plan.config.model.model_copy(update={"init": "file:w.pth"})
    asked = tiny_plan.config.model_copy(update={"model": model})
    plan = replace(tiny_plan, config=with_whole_path(asked))
    assert plan.config.model.init != "file:w.pth" and is_of(plan, asked) and not is_of(plan, tiny_plan.config)


def test_a_second_tab_or_a_reload_of_the_form_launches_no_second_run_and_one_that_is_opened_later_is_a_new_form(
    opened, tmp_path
):
    """The folder is typed: what is edited leaves a draft, which the tabs that are opened later find."""
    root = faces(tmp_path / "faces")
    first = take_folder(open_page(recipe="quick"), root)
    token = first.session_state["launch_token"]
    second = take_folder(open_page(recipe="quick", form=token), root)
    button(first).click().run()
    button(second).click().run()
    assert len(opened) == 2
    assert opened[0] == opened[1]
    reloaded = open_page(recipe="quick", form=token)
    assert f"Launched already as {summaries()[0]['id']}: a click opens it." in text_of(reloaded)
    button(reloaded).click().run()
    assert len(summaries()) == 1 and opened[2] == opened[0], "who reloads at once and clicks once more means one run"
    os.utime(Run(summaries()[0]["id"]).config_file, (0, 0))
    again = open_page(recipe="quick", form=token)
    assert again.session_state["launch_token"] != token
    button(again).click().run()
    assert len(summaries()) == 2


def test_a_second_tab_with_other_settings_is_another_run(opened, tmp_path):
    root = faces(tmp_path / "faces")
    first = open_on(root, recipe="quick")
    second = open_on(root, "phases", recipe="quick", form=first.session_state["launch_token"])
    field(second, "phases.0.epochs").set_value("3").run()
    button(first).click().run()
    button(second).click().run()
    assert len(summaries()) == 2


WRONG = {
    "phases.0.lr_head": ("-1", "Must be above 0, found -1"),
    "phases.0.lr_backbone": ("ten", "Must be a number, found 'ten'"),
    "training.batch_size": ("", "Must be a whole number, found nothing"),
    "folds.count": ("2.5", "whole number, found 2.5"),
    "transforms.1.p": ("7", "Must be at most 1, found 7"),
    "transforms.0.params.height": ("1", "1 is outside 8 to 2048"),
    "transforms.3.params.hole_height_range.0": ("99", "the low end 99 is above the high end 16"),
}


def test_wrong_values_are_said_beside_their_fields_and_stop_the_launch_until_all_are_right(
    opened, tmp_path, monkeypatch
):
    page = open_on(faces(tmp_path / "faces"), "phases", "training", "task", "transforms")
    waits = []
    monkeypatch.setattr(ready, "keep", waits.append)
    assert not [box for box in page.checkbox if "folds.given" in box.key], "the dataset gives none"
    right = {path: field(page, path).value for path in WRONG}

    def said_beside_fields():
        assert not page.exception
        return "\n".join(each.value.replace("\\", "") for each in page.markdown if ":small" in each.value)

    for path, (typed, _) in WRONG.items():
        field(page, path).set_value(typed)
    page.run()
    for path, (typed, said) in WRONG.items():
        assert said in said_beside_fields() and field(page, path).value == typed
    assert button(page).disabled and not waits
    for path in WRONG:
        field(page, path).set_value("1" if path == "training.batch_size" else right[path])
    page.run()
    assert "Must be at least 2, found 1" in said_beside_fields()
    assert not [said for _, said in WRONG.values() if said in said_beside_fields()], "the others are right again"
    assert button(page).disabled and not waits
    field(page, "phases.0.lr_head").set_value("2e-4")
    field(page, "training.batch_size").set_value("16").run()
    assert not button(page).disabled and waits
    button(page).click().run()
    assert Run(opened[0][1]["run"]).config().phases[0].lr_head == 2e-4


def test_fewer_people_than_folds_is_said_at_the_folds(opened, tmp_path):
    page = open_on(faces(tmp_path / "faces", people=3))
    assert "has 3 photos but 5 folds were asked for" in text_of(page)
    assert button(page).disabled
    field(page, "folds.count").set_value("3").run()
    assert not button(page).disabled


def test_a_dataset_that_cannot_be_used_says_why_and_one_in_folders_gets_the_label_task(opened, tmp_path):
    """Where its folder is typed, on a form that was shown without it."""
    (tmp_path / "empty").mkdir()
    for root, kinds in (("single", ("cats",)), ("pets", ("cats", "**dogs**"))):
        for name in kinds:
            for number in range(6):
                draw(tmp_path / root / name / f"{number}.jpg", (number * 40, len(name) * 20, 0))
    page = take_folder(open_page(), tmp_path / "missing")
    assert "there is no such folder" in text_of(page) and button(page).disabled
    for name, said in (("empty", "no images"), ("single", "ne class only, 'cats'")):
        page.text_input(key="launch-data.path").set_value(str(tmp_path / name)).run()
        assert not page.exception and said in text_of(page) and button(page).disabled
    page.text_input(key="launch-data.path").set_value(str(tmp_path / "pets")).run()
    assert page.session_state["launch_draft"]["task"]["name"] == "label"
    assert not page.exception and not button(page).disabled


def test_datasets_of_zips_that_are_out_of_reach_are_not_told_as_none(opened, monkeypatch):
    close(monkeypatch, datasets_folder())
    page = open_page()
    assert "Datasets that came as zips are not listed: " in text_of(page) and "Permission denied" in text_of(page)


def test_bad_files_are_listed_and_have_to_be_agreed_to(opened, tmp_path):
    root = faces(tmp_path / "faces", people=6)
    victim = next(iter(sorted(root.iterdir())))
    victim.write_bytes(victim.read_bytes()[:200])
    page = open_on(root, "problems-launch-data")
    assert button(page).disabled
    assert victim.name in page.dataframe[0].value["where"].tolist()
    box = page.checkbox(key="launch-data.leave-out")
    assert box.label == "Leave out 1 bad entry"
    box.check().run()
    assert not button(page).disabled
    button(page).click().run()
    assert Run(opened[0][1]["run"]).info()["left_out"] == 1


def test_a_runs_folder_that_cannot_be_written_is_an_error_and_nothing_is_lost(opened, tmp_path, monkeypatch):
    page = open_on(faces(tmp_path / "faces"))
    blocked = tmp_path / "blocked"
    blocked.write_text("a file where the folder should be")
    monkeypatch.setenv("FACET_RUNS", str(blocked))
    button(page).click().run()
    assert not page.exception
    assert opened == []
    assert "lab-fault" in text_of(page)
    monkeypatch.setenv("FACET_RUNS", str(tmp_path / "runs"))
    button(page).click().run()
    assert len(opened) == 1


@pytest.mark.fault(34)
def test_missing_weights_and_a_crop_larger_than_the_photos_are_said_on_the_form(opened, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    page = open_on(faces(tmp_path / "faces"), recipe="study")
    assert "ImageNet weights of ResNet-18 (resnet18-f37072fd.pth, 45 MB) are not on this machine" in text_of(page)
    assert "is larger than 100% of the photos" in text_of(page)
    assert button(page).disabled


def test_another_run_brings_its_settings_and_its_dataset(opened, tmp_path):
    page = open_on(faces(tmp_path / "faces"), "phases")
    field(page, "phases.0.epochs").set_value("3").run()
    button(page).click().run()
    again = open_page(**{"from": opened[0][1]["run"]})
    assert again.session_state["launch_draft"]["phases"][0]["epochs"] == 3
    assert again.session_state["launch_draft"]["data"]["root"] == str(tmp_path / "faces")
    assert "Settings and dataset of run" in text_of(again)
    assert not button(again).disabled


@pytest.mark.parametrize(
    "address",
    [
        {"from": "../../etc", "form": "../../x"},
        {"from": "gone", "form": "20261123-052704-zzzz"},
        {"recipe": "<b>nothing</b>", "form": "<b>"},
    ],
)
def test_an_address_that_leads_nowhere_is_an_error_and_the_form_still_works(opened, address):
    page = open_page(**address)
    assert page.session_state["launch_draft"]["name"] == "quick"
    assert any("lab-fault" in element.proto.body for element in page.get("html"))
    assert "<b>nothing" not in "".join(element.proto.body for element in page.get("html"))
    assert drafts.is_token(page.session_state["launch_token"]), "a form whose token is none has another"


@pytest.mark.parametrize("content", [None, "name: mine\nphases: none\n"], ids=["removed", "broken"])
def test_a_recipe_whose_file_is_gone_or_broken_since_it_was_drawn_is_said_and_the_form_stays(
    opened, content, monkeypatch
):
    file = recipes.save_recipe("mine", recipes.load_recipe("quick"))
    page = open_page(recipe="study")
    file.unlink() if content is None else file.write_text(content)
    page.button(key="use-mine").click().run()
    assert not page.exception and "recipe 'mine' is not known" in unescape(text_of(page))
    assert page.session_state["launch_source"] == ("recipe", "study")
    assert page.session_state["launch_draft"]["name"] == "study"
    monkeypatch.setattr(recipes, "out_of_reach", lambda root: LabError("They are out of reach."))
    for take, asked in (
        (source.take_recipe, "mine"),
        (source.take_study, StudyConfig(name="s", recipe="mine", grid={"training.seed": [0, 1]})),
    ):
        with pytest.raises(LabError, match=r"recipe 'mine' is not known\. They are out of reach\."):
            take(asked)


def test_edits_survive_a_hidden_group_and_leaving_the_page(opened, tmp_path):
    page = open_on(faces(tmp_path / "faces"), "training")
    field(page, "training.batch_size").set_value("48").run()
    page.button(key="open-training").click().run()
    assert page.session_state["launch_draft"]["training"]["batch_size"] == 48
    open_group(page, "training")
    assert field(page, "training.batch_size").value == "48"


def test_every_setting_that_opens_another_one_can_be_used(opened, tmp_path):
    page = open_on(faces(tmp_path / "faces"), "model", "phases", "training")
    choose = {
        "phases.0.schedule": "step",
        "training.loss": "focal",
        "mix.method": "mixup",
        "training.sampling": "balanced",
    }
    for path, value in choose.items():
        page.selectbox(key=f"form{page.session_state['launch_version']}.{path}").set_value(value)
    page.run()
    assert not page.exception
    for path, value in {"phases.0.step_epochs": "4", "training.focal_gamma": "1.5", "mix.alpha": "0.4"}.items():
        field(page, path).set_value(value)
    field(page, "training.early_stopping").set_value("6").run()
    button(page).click().run()
    config = Run(opened[0][1]["run"]).config()
    assert (config.phases[0].schedule, config.phases[0].step_epochs) == ("step", 4)
    assert (config.training.loss, config.training.focal_gamma, config.training.early_stopping) == ("focal", 1.5, 6)
    assert (config.mix.method, config.mix.alpha) == ("mixup", 0.4)


def test_weights_of_a_run_that_is_gone_are_said_at_the_weights(opened, tmp_path):
    page = open_on(faces(tmp_path / "faces"), "model")
    kind = f"form{page.session_state['launch_version']}.model.init.kind"
    page.segmented_control(key=kind).set_value("run").run()
    assert "Choose a run" in text_of(page)
    page.session_state["launch_draft"]["model"]["init"] = "run:20260101-000000-gone-0000"
    page.run()
    assert not page.exception
    assert "There is no run" in text_of(page)
    assert button(page).disabled


def test_the_second_stage_starts_from_the_finished_run_of_the_dataset_with_its_depth_and_folds(opened, tmp_path):
    page = open_on(faces(tmp_path / "faces"))
    page.session_state["launch_draft"]["model"]["depth"] = 34
    page.session_state["launch_draft"]["folds"]["count"] = 4
    button(page.run()).click().run()
    parent = Run(opened[0][1]["run"])
    unfinished = open_page("model", recipe="study-masked")
    assert "Choose a run" in text_of(unfinished) and button(unfinished).disabled
    for fold in parent.folds():
        parent.weights_file(fold, "best").write_bytes(b"weights")
        parent.write_state(FoldState(fold, "done"))
    draft = open_page(recipe="study-masked").session_state["launch_draft"]
    assert (draft["model"]["init"], draft["model"]["depth"]) == (f"run:{parent.id}", 34)
    assert draft["folds"]["count"] == 4
    chosen = open_page("model")
    version = chosen.session_state["launch_version"]
    chosen.segmented_control(key=f"form{version}.model.init.kind").set_value("run").run()
    chosen.selectbox(key=f"form{version}.model.init.run").set_value(parent.id).run()
    assert not chosen.exception and not button(chosen).disabled
    button(chosen).click().run()
    child = Run(opened[-1][1]["run"])
    assert (child.config().model.depth, child.config().folds.count) == (34, 4)
    held_out = parent.samples().set_index("sample")["fold"]
    assert (child.samples().set_index("sample")["fold"] == held_out).all()


def parts(root, *, folds=0):
    """Two classes in train/ and a test set of 6 photos, or in folders of folds."""
    for name in ("cat", "dog"):
        for i in range(6):
            draw(root / f"{f'fold_{i % folds}' if folds else 'train'}/{name}/{name}{i}.jpg", (40 * i, 90, 60))
        for i in range(3):
            draw(root / f"test/{name}/{name}-{i}.jpg", (40 * i, 190, 60))
    return root


def test_a_class_folder_that_is_not_there_can_be_taken_back_and_what_is_set_aside_is_said_until_it_is_pooled(
    opened, tmp_path
):
    root = parts(tmp_path / "pets")
    page = open_on(root, "labels-launch-data")
    page.text_input(key=f"launch-data.{root}.class_level").set_value("4").run()
    assert "nothing that names their classes" in text_of(page)
    page.text_input(key=f"launch-data.{root}.class_level").set_value("").run()
    assert "nothing that names their classes" not in text_of(page)
    assert not button(page).disabled
    assert "6 photos of the test set are set aside, never trained on" in text_of(page)
    page.selectbox(key=f"launch-data.{root}.test_set").set_value("pool").run()
    assert "set aside, never trained on" not in text_of(page)
    assert [metric.value for metric in page.metric if metric.label == "Photos"] == ["18"]
    button(page).click().run()
    run = Run(opened[0][1]["run"])
    assert run.config().data.test_set == "pool"
    assert len(run.samples()) == 18


def test_a_test_set_that_changed_meanwhile_is_not_launched_until_the_page_has_shown_it(opened, tmp_path):
    root = parts(tmp_path / "pets")
    page = open_on(root)
    (root / "test/cat/cat-0.jpg").unlink()
    page.session_state["scans"].clear()
    button(page).click().run()
    assert summaries() == []
    assert "photos, labels or folds are not those that the page showed" in text_of(page)
    button(page).click().run()
    assert len(summaries()) == 1


def test_folds_that_the_dataset_gives_can_be_chosen_on_the_form(opened, tmp_path):
    page = open_on(parts(tmp_path / "pets", folds=3), "task")
    chosen = page.checkbox(key=f"form{page.session_state['launch_version']}.folds.given")
    chosen.check().run()
    assert "The dataset gives 3 folds but 5 were asked for" in text_of(page)
    field(page, "folds.count").set_value("3").run()
    button(page).click().run()
    samples = Run(opened[0][1]["run"]).samples()
    assert (samples["fold"] == samples["given_fold"]).all()


def test_names_of_photos_that_tell_their_classes_are_asked_about_and_a_pattern_is_typed(opened, tmp_path):
    for n in range(18):
        draw(tmp_path / "moods" / f"{('happy', 'sad')[n % 2]}_{('ann', 'bo', 'cy')[n % 3]}_{n}.jpg", (14 * n, 90, 60))
    page = open_on(tmp_path / "moods")
    assert "taken to tell their classes" in text_of(page) and "6 classes" in text_of(page)
    open_group(page, "labels-launch-data")
    page.text_input(key=f"launch-data.{tmp_path / 'moods'}.label_pattern").set_value("^([a-z]+)_").run()
    assert "2 classes: happy 9, sad 9" in text_of(page) and "taken to tell" not in text_of(page)
    assert not button(page).disabled


def test_the_folder_that_is_suggested_as_the_person_can_be_chosen(opened, tmp_path):
    root = tmp_path / "patients"
    for n in range(12):
        for i in range(2):
            draw(root / f"{('ill', 'well')[n % 2]}/p{n}/{i}.jpg", (20 * n, 100 * i, 60))
    page = open_on(root, "labels-launch-data")
    assert "may be the person: 12 folders" in text_of(page)
    page.selectbox(key=f"launch-data.{root}.persons").set_value("folder").run()
    assert [metric.value for metric in page.metric if metric.label == "People"] == ["12"]
    button(page).click().run()
    samples = Run(opened[0][1]["run"]).samples()
    assert samples.groupby("person")["fold"].nunique().max() == 1
    assert samples["person"].nunique() == 12


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"phases: [{epochs: ten}]", "ten.yaml"),
        ("name: caf\u00e9".encode("utf-16"), "ten.yaml: is not text in UTF-8."),
        (b"recipe: none\nname: s\ngrid: {training.seed: [0, 1]}", "is not known"),
    ],
)
def test_a_file_that_cannot_be_taken_is_said_where_it_was_dropped(opened, content, said):
    page = open_page()
    before = page.session_state["launch_draft"]
    page.file_uploader(key="import0").set_value(("ten.yaml", content, "application/yaml")).run()
    assert not page.exception and page.session_state["launch_draft"] == before
    (popover,) = [block for block in page.get("popover") if block.proto.popover.label == "Import or export"]
    faults = [each.proto.body for each in elements(popover) if each.type == "html" and "lab-fault" in each.proto.body]
    assert len(faults) == 1 and said in faults[0] and text_of(page).count('class="lab-fault') == 1
    page.run()
    assert 'class="lab-fault' not in text_of(page), "it is said once"
