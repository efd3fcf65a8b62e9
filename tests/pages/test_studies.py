"""A study from the Launch page to the page of studies, through Streamlit's own test runner; nothing trains here."""

import re
from dataclasses import replace
from html import unescape
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest
import streamlit as st
import torch
import torchvision
from streamlit.testing.v1 import AppTest

from core import places
from core.answers.attribute_scores import score_together
from core.compare import members
from core.config import from_dict, recipes
from core.data.scan import scan
from core.errors import LabError
from core.jobs import control as jobs
from core.jobs import queue, trash
from core.network import weights
from core.places import HOME
from core.plan.plan import make_plan
from core.report import numbers
from core.runs import FoldState, Run, starts
from core.runs.lists.summaries import summaries
from core.storage import files
from core.studies import grid as study
from core.studies import healing, record_file, records
from core.studies.record_file import Study, StudyRun
from core.text import plain, spread
from pages.parts.compare import decide, pick
from pages.parts.studies import view
from tests import compared
from tests.celeba import drawn
from tests.closed import close
from tests.pages.app import captions, page
from tests.pages.launch_form import faces, field, open_on, open_page, text_of
from tests.pages.study_form import open_study, study_button, vary
from tests.pages.trials import lost_samples
from tests.photos import draw

STUDIES = HOME / "pages" / "studies.py"


def launched(opened) -> records.Study:
    (name, address), *_ = opened
    assert name == "studies"
    return records.load(address["study"])


def test_a_grid_becomes_runs_on_the_same_folds(opened, tmp_path):
    page = open_on(faces(tmp_path / "faces"), recipe="quick")
    page.segmented_control(key="launch-as").set_value("study").run()
    assert "Choose what differs between the runs" in text_of(page)
    vary(page, model__depth=[18, 34], training__seed=["0", "1"])
    assert "4 runs, 20 fold jobs are queued" in text_of(page)
    study_button(page).click().run()
    assert not page.exception
    members = [Run(run_id) for run_id in launched(opened).run_ids]
    assert [(r.config().model.depth, r.config().training.seed) for r in members] == [(18, 0), (18, 1), (34, 0), (34, 1)]
    folds = [r.samples().set_index("person")["fold"].to_dict() for r in members]
    assert all(split == folds[0] for split in folds)


def test_a_second_tab_of_the_form_launches_no_second_study(opened, tmp_path):
    first = open_study(tmp_path, {"training.seed": [0, 1]})
    second = open_study(tmp_path, {"training.seed": [0, 1]}, form=first.session_state["launch_token"])
    study_button(first).click().run()
    study_button(second).click().run()
    assert opened[0] == opened[1]
    assert len(record_file.all_studies()) == 1
    assert len(summaries()) == 2


def test_shrunk_by_the_form_every_recipe_is_smaller_and_the_file_says_it(opened, tmp_path):
    rows = {"recipe": ["quick", "study-adam-sgd"], "model.init": ["scratch"]}
    page = open_study(tmp_path, rows, size=32, epochs=4)
    study_button(page).click().run()
    record = launched(opened)
    configs = [Run(run_id).config() for run_id in record.run_ids]
    assert [c.input_size for c in configs] == [(32, 32)] * 2
    assert [c.epochs for c in configs] == [4, 4]
    assert [len(c.phases) for c in configs] == [1, 2]
    assert record.settings["shrink"] == {"size": 32, "epochs": 4}


def test_a_value_that_cannot_be_is_named_and_nothing_is_launched(opened, tmp_path):
    page = open_study(tmp_path, {"mix.alpha": [0.2, 0]})
    assert "mix.alpha" in text_of(page) and "greater than 0, found 0" in text_of(page)
    assert study_button(page).disabled
    page.session_state["launch_study"]["grid"] = {"phases.0.epochs": [0, 2]}
    page.run()
    assert "phases.0.epochs" in text_of(page) and "found 0" in text_of(page)
    assert study_button(page).disabled
    assert not summaries()


def test_ten_thousand_runs_are_asked_about_before_anything_is_planned(opened, tmp_path, monkeypatch):
    monkeypatch.setattr(study, "make_plans", lambda *given, **options: pytest.fail("they were planned"))
    page = open_study(tmp_path, {"training.seed": list(range(100)), "training.batch_size": list(range(2, 102))})
    assert "The grid makes 10,000 runs, 50,000 fold jobs." in text_of(page)
    assert study_button(page).disabled


def test_a_large_grid_is_agreed_to_beside_the_button_that_waits_for_it(opened, tmp_path):
    page = open_study(tmp_path, {"training.seed": list(range(25))})
    assert study_button(page).disabled
    assert "planned once you say that it is meant" in captions(page)
    page.button(key="ticket-agree").click().run()
    assert not study_button(page).disabled
    assert not [each for each in page.button if each.key == "ticket-agree"]


def test_weights_that_are_not_there_are_said_and_nothing_is_queued(opened, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path / "torch"))
    page = open_study(tmp_path, {"model.init": ["imagenet"], "model.depth": [18, 50]})
    assert "resnet18-f37072fd.pth, 45 MB" in text_of(page)
    assert study_button(page).disabled
    assert not summaries()


def test_a_parent_that_is_unfinished_is_said_and_nothing_is_queued(opened, tmp_path):
    page = open_study(tmp_path, {"training.seed": [0, 1]})
    study_button(page).click().run()
    parent = launched(opened).run_ids[0]
    again = open_study(tmp_path, {"model.init": [f"run:{parent}"]})
    assert f"old 0 of {parent} is queued" in text_of(again)
    assert study_button(again).disabled
    Run(parent).delete()
    gone = open_study(tmp_path, {"model.init": [f"run:{parent}"]})
    assert "There is no run" in text_of(gone) and study_button(gone).disabled


def test_a_weights_file_of_another_depth_is_refused_on_the_form(opened, tmp_path):
    state = {k: v for k, v in torchvision.models.resnet18(weights=None).state_dict().items() if "layer4" not in k}
    torch.save(state, tmp_path / "odd.pth")
    page = open_on(faces(tmp_path / "faces"), "model")
    version = page.session_state["launch_version"]
    page.segmented_control(key=f"form{version}.model.init.kind").set_value("file").run()
    page.text_input(key=f"form{version}.model.init.file").set_value(str(tmp_path / "odd.pth")).run()
    assert "does not fit this network" in text_of(page) and "layer4" in text_of(page)
    assert page.button(key="launch-button").disabled


def test_imagenet_weights_that_are_here_are_said_with_their_size(opened, tmp_path, monkeypatch):
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    file = tmp_path / "hub" / "checkpoints" / "resnet18-f37072fd.pth"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"0" * 2_000_000)
    page = open_on(faces(tmp_path / "faces"), "model", recipe="study")
    assert "resnet18-f37072fd.pth (2 MB) is on this machine" in text_of(page)


def test_the_study_file_is_what_the_form_says_and_fills_it_again(opened, tmp_path):
    grid = {"model.depth": [18, 34], "mix.alpha": [0.1, 0.4]}
    page = open_study(tmp_path, grid, "training", size=32, epochs=4)
    page.session_state["launch_draft"]["data"]["max_people"] = 30
    field(page, "training.seed").set_value("7").run()
    study_button(page).click().run()
    record = launched(opened)
    file = study.StudyConfig.model_validate(record.settings)
    assert file.set == {"training.seed": 7, "data.max_people": 30}
    assert study.from_yaml(study.to_yaml(file)) == file
    configs = study.expand(file, {"root": str(tmp_path / "faces"), "reader": "utkface"})
    names = {"name": "", "description": ""}
    frozen = [Run(run_id).config().model_copy(update=names) for run_id in record.run_ids]
    assert [c.model_copy(update=names) for c in configs] == frozen


def test_a_narrowing_that_the_form_has_cleared_narrows_no_run_of_its_study(opened, tmp_path):
    task = {"name": "age", "only": {"gender": ["female"]}}
    recipes.save_recipe("mine", from_dict(recipes.load_recipe("quick").model_dump(mode="json") | {"task": task}))
    page = open_study(tmp_path, {"model.depth": [18, 34]}, "task", recipe="mine")
    narrowed = next(each for each in page.multiselect if each.label == "Only photos with")
    assert narrowed.value == ["gender: female"]
    narrowed.set_value([]).run()
    study_button(page).click().run()
    record = launched(opened)
    runs = [Run(run_id) for run_id in record.run_ids]
    assert [(run.config().task.only, len(run.samples())) for run in runs] == [({}, 30)] * 2
    assert study.StudyConfig.model_validate(record.settings).set == {"task.only": {}}, "its file says so too"


# The page of studies


def show(**address) -> AppTest:
    page = AppTest.from_file(str(STUDIES), default_timeout=60)
    for key, value in address.items():
        page.query_params[key] = value
    page.run()
    assert not page.exception
    return page


def press(page, label):
    next(b for b in page.button if b.label == label).click().run()
    assert not page.exception
    return page


@pytest.fixture
def record(opened, tmp_path):
    """Three runs that differ in their seed, waiting."""
    config = study.StudyConfig(name="seeds", recipe="quick", grid={"training.seed": [0, 1, 2]})
    configs = study.expand(config, {"root": str(faces(tmp_path / "faces"))})
    return records.launch(config, study.make_plans(configs, scan(configs[0].data)))


def finish(run, fold, f1, state="done"):
    scores = {f"{which}_{k}": f1 for which in ("best", "final") for k in ("f1", "accuracy", "loss")}
    why = {"reason": "diverged <b>here</b>.", "remedy": "Lower the rates."}
    run.write_state(FoldState(fold, state, epoch=25, best_epoch=3, scores=scores, **why))


def test_without_a_study_the_page_says_how_to_launch_one_and_that_they_are_out_of_reach(opened, monkeypatch):
    home = record_file.folder_of(places.runs_folder())
    with monkeypatch.context() as patch:
        close(patch, home)
        page = show()
        assert f"Studies cannot be looked for in {home} (Permission denied)." in unescape(text_of(page))
        assert not page.exception and "No study yet" not in text_of(page)
    page = show()
    assert "No study yet" in text_of(page)
    press(page, "Launch a study")
    assert opened[0][0] == "launch"


def test_the_matrix_shows_folds_scores_and_a_failure_without_markup(record):
    first = Run(record.run_ids[0])
    finish(first, 0, 0.5)
    finish(first, 1, 0.7)
    finish(Run(record.run_ids[1]), 0, 0.1, "failed")
    text = text_of(show(study=record.id))
    assert "0.600 ± 0.141 (2)" in text
    assert re.search(r'title="[a-z_.0-9]+">[A-Z][^<.]*</th>', text), "settings by the names that people know"
    assert "2 of 15 fold jobs done" in text and "1 stopped" in text
    assert "diverged &lt;b&gt;here" in text and "<b>here" not in text
    assert "Lower the rates. The other runs go on" in text


def right_together(*networks):
    """Share of photos that all networks get right, over two folds, as the page writes it. networks: from `answer`."""
    shares = [
        np.mean(np.logical_and.reduce([network[fold]["label"] == network[fold]["predicted"] for network in networks]))
        for fold in (0, 1)
    ]
    return f"{np.mean(shares):.3f} ± {np.std(shares, ddof=1):.3f} (2)"


def answer(run, rng):
    """Every fold done, with random predictions. Returns them by fold."""
    names, predictions = run.info()["class_names"], {}
    for fold, held_out in run.samples().groupby("fold"):
        shares = rng.dirichlet(np.ones(len(names)), len(held_out))
        chosen = np.asarray(names, dtype=object)[shares.argmax(1)]
        table = pd.DataFrame({"sample": held_out["sample"], "label": held_out["class_name"], "predicted": chosen})
        table = table.assign(loss=0.0, **{f"p_{name}": shares[:, i] for i, name in enumerate(names)})
        for which in ("best", "final"):
            table.to_parquet(run.predictions_file(fold, which))
        finish(run, fold, 0.5)
        predictions[fold] = table
    return predictions


def test_joint_and_single_attribute_networks_are_scored_side_by_side_on_the_same_classes(opened, tmp_path):
    joint = {"name": "gender-age", "merge": {"the old": ["female >=60", "male >=60"]}}
    grid = {"task": [joint, {"name": "gender", "unmasked": True}, {"name": "age", "unmasked": True}]}
    config = study.StudyConfig(name="s", recipe="quick", set={"folds.count": 2}, grid=grid)
    configs = study.expand(config, {"root": str(faces(tmp_path / "faces"))})
    record = records.launch(config, study.make_plans(configs, scan(configs[0].data)))
    rng = np.random.default_rng(0)
    of_joint, gender, _ = (answer(Run(run_id), rng) for run_id in record.run_ids)
    text = text_of(show(study=record.id))
    assert "scored beneath, on the same joint classes" in text
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", text)]
    team = next(i for i, cells in enumerate(rows) if cells and cells[0] == "gender + age, two networks")
    scored = [re.sub(r"<[^>]+>", "", cells[1]) for cells in rows[team - 2 : team + 3]]
    assert scored == ["joint", "age", "joint", "gender", "age"], "the old are of either gender in the joint run"
    runs = [Run(run_id) for run_id in record.run_ids]
    together = score_together(runs[1:], classes=runs[0].info()["class_names"], merge=joint["merge"])
    assert [score.samples for score in together] == [len(of_joint[fold]) for fold in (0, 1)]
    assert rows[team][3] == spread(score.accuracy for score in together)
    assert rows[team + 1][3] == right_together(gender)
    said = [captions(page("live", run=runs[0].id)), captions(page("compare", runs=runs[0].id))]
    member = members.load(runs[0].id)
    of_report = numbers.classes(SimpleNamespace(members=[member], baseline=member, names={member.id: "joint"}))
    for words in (*said, of_report.blocks[-1].note):
        assert "There is no score of gender, whose values the classes do not tell apart." in words.replace("\\", "")


def test_attributes_that_are_told_one_by_one_are_no_joint_classes_of_single_networks(opened, tmp_path):
    tasks = [{"name": "attributes", "attributes": names} for names in (["Male", "Young"], ["Male"], ["Young"])]
    grid = {"task": [tasks[0] | {"together": "each"}, *tasks[1:], tasks[1] | {"together": "each"}]}
    config = study.StudyConfig(name="s", recipe="quick", set={"folds.count": 2}, grid=grid)
    root = drawn(tmp_path / "celeba", photos=24, people=12, attributes=["Male", "Young"], side=16)
    configs = study.expand(config, {"root": str(root)})
    record = records.launch(config, study.make_plans(configs, scan(configs[0].data)))
    each, *team, single = (Run(run_id) for run_id in record.run_ids)
    for run in (each, single):
        finish(run, 0, 0.5)
    rng = np.random.default_rng(0)
    male, young = (answer(run, rng) for run in team)
    text = text_of(show(study=record.id))
    rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in re.findall(r"<tr>(.*?)</tr>", text)]
    (of_team,) = (cells for cells in rows if cells and "two networks" in cells[0])
    assert of_team[0] == "Male + Young, two networks" and of_team[3] == right_together(male, young)
    assert sum(len(cells) > 1 and "joint" in cells[1] for cells in rows) == 1


def test_networks_that_are_trained_anew_under_their_ids_show_their_new_scores_together(opened, tmp_path):
    settings = {"folds.count": 2, "task.unmasked": True}
    config = study.StudyConfig(name="s", recipe="quick", set=settings, grid={"task.name": ["gender", "age"]})
    configs = study.expand(config, {"root": str(faces(tmp_path / "faces"))})
    record = records.launch(config, study.make_plans(configs, scan(configs[0].data)))
    rng = np.random.default_rng(0)
    for anew in (False, True):
        if anew:
            Run(record.run_ids[0]).delete()
            press(show(study=record.id), "Launch the missing runs")
        gender, age = (answer(Run(run_id), rng) for run_id in record.run_ids)
        table = re.findall(r"<tr>(.*?)</tr>", text_of(show(study=record.id)))
        rows = [re.findall(r"<td[^>]*>(.*?)</td>", row) for row in table]
        (joint,) = (cells for cells in rows if cells and cells[0] == "gender + age, two networks")
        assert joint[3] == right_together(gender, age)
    Run(record.run_ids[1]).predictions_file(1, "final").unlink()
    assert plain("fold 1 has no final predictions yet.") in captions(show(study=record.id))


def test_pause_empties_the_queue_and_resume_fills_it_in_the_same_order(record):
    before = jobs.waiting()
    page = press(show(study=record.id), "Pause")
    assert jobs.waiting() == []
    assert "no further fold begins" in text_of(page)
    healing.look_after()
    assert jobs.waiting() == []
    page = press(show(study=record.id), "Resume")
    assert jobs.waiting() == before
    assert not any(b.label == "Resume" for b in page.button)


def test_the_end_of_a_pause_leaves_what_was_stopped_to_a_button_that_counts_it(record):
    stopped = Run(record.run_ids[0])
    folds = len(stopped.folds())
    jobs.cancel(stopped)
    page = press(show(study=record.id), "Pause")
    assert text_of(page).count("cancelled") and "no further fold begins" in text_of(page)
    page = press(page, "Resume")
    assert {run_id for run_id, _ in jobs.waiting()} == set(record.run_ids[1:])
    page = press(page, f"Resume {folds} stopped folds of 1 run")
    assert {run_id for run_id, _ in jobs.waiting()} == set(record.run_ids)
    assert not any(b.label.startswith("Resume") for b in page.button)


@pytest.mark.parametrize("left", [b"{", None], ids=["torn", "gone"])
def test_a_run_whose_samples_cannot_be_read_keeps_the_rest_of_its_study_not_from_going_on(record, left):
    press(show(study=record.id), "Pause")
    bad = lost_samples(Run(record.run_ids[0]), left)
    text = text_of(press(show(study=record.id), "Resume"))
    assert f"1 of 3 runs could not go on: {bad.id}: samples.parquet is" in text and "The others were queued." in text
    assert {run_id for run_id, _ in jobs.waiting()} >= set(record.run_ids[1:])
    for run_id in record.run_ids[1:]:
        lost_samples(Run(run_id), left)
    press(show(study=record.id), "Pause")
    text = text_of(press(show(study=record.id), "Resume"))
    assert f"3 of 3 runs could not go on: {bad.id}" in text and "The others" not in text


def test_one_run_of_a_paused_study_can_be_resumed_on_its_own_page(record):
    press(show(study=record.id), "Pause")
    live = AppTest.from_file(str(HOME / "app.py"), default_timeout=60)
    live.switch_page("pages/live.py")
    live.query_params["run"] = record.run_ids[1]
    live.run()
    assert "paused with its study" in text_of(live)
    press(live, "Resume")
    assert {run_id for run_id, _ in jobs.waiting()} == {record.run_ids[1]}
    assert "no further fold begins" in text_of(show(study=record.id)), "the rest of the study stays paused"


def test_what_waits_in_a_paused_study_that_is_deleted_is_cancelled_and_its_page_says_why(record):
    page = press(show(study=record.id), "Pause")
    press(page, "Delete this study")
    assert "its runs are all there. What waited of them was cancelled, and stays so." in text_of(page)
    assert {s["state"] for s in summaries()} == {"cancelled"} and jobs.waiting() == []
    live = AppTest.from_file(str(HOME / "app.py"), default_timeout=60)
    live.switch_page("pages/live.py")
    live.query_params["run"] = record.run_ids[0]
    live.run()
    assert "Its study was deleted while it was paused." in text_of(live)


def test_cancel_stops_every_run(record):
    press(show(study=record.id), "Cancel")
    assert {s["state"] for s in summaries()} == {"cancelled"}


def test_a_waiting_run_can_be_trained_first(record):
    page = show(study=record.id)
    for _ in range(2):
        page.button(key=f"arrow_upward-{record.run_ids[2]}").click().run()
    assert jobs.waiting()[0][0] == record.run_ids[2]
    assert page.button(key=f"arrow_upward-{record.run_ids[2]}").disabled


def test_a_run_that_is_added_joins_on_the_same_folds(opened, record):
    press(show(study=record.id), "Add a run")
    name, address = opened[-1]
    assert name == "launch" and address["study"] == record.id
    page = open_page("training")
    field(page, "training.seed").set_value("3").run()
    page.query_params.clear()
    for name in ("from", "study"):
        page.query_params[name] = address[name]
    page.run()
    field(page, "training.seed").set_value("9").run()
    assert page.session_state["launch_draft"]["name"] == "seeds seed=9", "what differs is in its name"
    for seed, joins in ((3, False), (9, True)):
        address_before = dict(page.query_params)
        page.button(key="launch-undo").click().run()
        for quick_second_click in (False, True):
            if quick_second_click:
                page.query_params.clear()
                page.query_params.update(address_before)
                page.run()
            assert page.session_state["launch_draft"]["training"]["seed"] == seed
            assert ("study" in page.query_params) == ("joins the study" in text_of(page)) == joins, "as it did before"
    assert "then the study opens" in text_of(page)
    page.button(key="launch-button").click().run()
    assert opened[-1] == ("studies", {"study": record.id})
    after = records.load(record.id)
    assert len(after.runs) == 4
    joined, first = Run(after.run_ids[3]), Run(after.run_ids[0])
    assert joined.config().training.seed == 9
    assert joined.samples()["fold"].tolist() == first.samples()["fold"].tolist()


def exported(monkeypatch, study_id):
    """(the file that the page offers, the options of its button, all that the page says)."""
    offered = []
    with monkeypatch.context() as patch:
        patch.setattr(st, "download_button", lambda label, data, *_, **options: offered.append((data, options)))
        page = show(study=study_id)
    ((data, options),) = offered
    return data, options, text_of(page)


def test_the_file_of_a_study_makes_the_runs_that_were_frozen_whatever_became_of_its_recipe(
    opened, tmp_path, monkeypatch
):
    recipes.save_recipe("mine", recipes.load_recipe("quick"))
    page = open_study(tmp_path, {"training.seed": [0, 1]}, recipe="mine", size=32, epochs=4)
    study_button(page).click().run()
    record = launched(opened)
    frozen = [Run(run_id).config() for run_id in record.run_ids]
    recipes.save_recipe("mine", recipes.load_recipe("study-adam-sgd"), replace=True)
    text, options, said = exported(monkeypatch, record.id)
    assert study.expand(study.from_yaml(text), {"root": str(tmp_path / "faces")}) == frozen
    assert not options["disabled"] and "joined later" not in said


def from_a_file(record):
    """The record of a study whose runs start from a file of this machine."""
    init = "file:/of/this/machine/w.pth"
    runs = [replace(run, config={**run.config, "model": {**run.config["model"], "init": init}}) for run in record.runs]
    return replace(record, settings={**record.settings, "set": {"model.init": init}}, runs=runs)


def test_runs_that_joined_a_study_are_said_not_to_be_in_its_file_and_no_file_names_a_place(record, monkeypatch):
    data = Run(record.run_ids[0]).config().data
    photos = scan(data)
    more = study.StudyConfig(name="seeds", recipe="quick", grid={"training.seed": [8, 9]})
    for config in study.expand(more, data.model_dump(mode="json")):
        records.add(record, make_plan(config, photos), photos)
    record_file.change(record.id, Run(record.run_ids[0]).dir.parent, from_a_file)
    text, options, said = exported(monkeypatch, record.id)
    assert study.from_yaml(text).grid == {"training.seed": [0, 1, 2]}
    assert study.from_yaml(text).set["model.init"] == "file:w.pth" and "this/machine" not in text
    assert "First put each weights file that it names at that path below the folder where" in options["help"]
    assert "2 runs that joined later are not in the file." in said


def test_a_study_that_no_file_makes_again_says_why_it_cannot_be_exported(opened, tmp_path, monkeypatch):
    recipes.save_recipe("mine", recipes.load_recipe("quick"))
    study_button(open_study(tmp_path, {"recipe": ["quick", "mine"]}, size=32, epochs=4)).click().run()
    text, options, _ = exported(monkeypatch, launched(opened).id)
    assert text == "" and options["disabled"] and plain("is somebody's own, or was changed since") in options["help"]


@pytest.mark.parametrize(
    "values",
    [{"model.init": ["scratch", "file:w.pth"]}, {"recipe": ["quick", "mine"]}],
    ids=["files", "recipes"],
)
def test_the_file_of_a_study_that_is_not_launched_yet_opens_here_and_elsewhere_or_says_what_it_lacks(
    opened, tmp_path, monkeypatch, values
):
    monkeypatch.setattr(weights, "_misfit", lambda *seen: None)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "w.pth").touch()
    recipes.save_recipe("mine", recipes.load_recipe("study-adam-sgd"))
    offered = {}

    def keep(label, data, *_, help="", **options):
        offered[label] = data, help

    monkeypatch.setattr(st, "download_button", keep)
    page = open_study(tmp_path, values, recipe="mine", size=32, epochs=4)
    text, how = offered["Export this study (YAML)"]
    asked = study.from_yaml(text)
    assert how.startswith(plain("python -m core study FILE --data FOLDER launches it."))
    assert (plain("paths on this machine: elsewhere change model.init.") in how) == ("model.init" in values)
    page.file_uploader(key="import0").set_value(("study.yaml", text.encode(), "application/yaml")).run()
    assert page.session_state["launch_imports"] == 1
    assert "recipe" in values or not study_button(page).disabled, text_of(page)  # its weights are no file of the test's
    whole = {"model.init": ["scratch", f"file:{tmp_path / 'w.pth'}"]} if "model.init" in values else values
    assert asked.grid == page.session_state["launch_study"]["grid"] == whole
    is_said = plain("Only this lab has mine, which it names") in "".join(each.value for each in page.caption)
    assert not page.exception and is_said == ("recipe" in values)
    runs = study.expand(asked)
    (recipes.recipes_home() / "mine.yaml").unlink()
    if is_said:
        with pytest.raises(LabError, match="recipe 'mine' is not known"):
            study.expand(asked)
    else:
        assert study.expand(asked) == runs and runs[0].phases[1].optimizer == "sgd"


def test_no_study_is_exported_while_a_number_of_its_form_is_wrong_which_is_said_beside_it(
    opened, tmp_path, monkeypatch
):
    recipes.save_recipe("mine", recipes.load_recipe("quick"))
    offered = {}
    monkeypatch.setattr(st, "download_button", lambda label, *_, **options: offered.update({label: options}))
    page = open_study(tmp_path, {"training.seed": [0, 1]}, "phases", recipe="mine", epochs=4)
    assert not offered["Export this study (YAML)"]["disabled"]
    for typed, wrong in (("", "found nothing"), ("abc", "found 'abc'"), ("0", "found 0")):
        field(page, "phases.0.epochs").set_value(typed).run()
        assert not page.exception and wrong in text_of(page) and "Only this lab has" not in text_of(page)
        export = offered["Export this study (YAML)"]
        assert export["disabled"] and export["help"] == "Correct the settings first."
    field(page, "phases.0.epochs").set_value("3").run()
    assert not page.exception and not offered["Export this study (YAML)"]["disabled"]


def test_a_deleted_study_leaves_its_runs(record):
    page = press(show(study=record.id), "Delete this study")
    assert record_file.all_studies() == [] and len(summaries()) == 3 and "was cancelled" not in text_of(page)
    press(page, "Undo")
    assert record_file.all_studies() == [record] and "is deleted" not in text_of(page)


def test_a_study_that_is_gone_or_no_id_is_an_error_in_words(record):
    for study_id in ("20260101-000000-gone-0000", "../../etc"):
        page = AppTest.from_file(str(STUDIES), default_timeout=60)
        page.query_params["study"] = study_id
        page.run()
        assert not page.exception
        assert "lab-fault" in text_of(page)


def test_missing_runs_are_launched_on_the_folds_of_the_others_which_is_said_where_persons_have_names_by_now(
    opened, tmp_path
):
    def table(head, person):
        rows = [f"{n}.png,{'ab'[n % 2]}{person(n)}" for n in range(20)]
        (tmp_path / "labels.csv").write_text("\n".join([f"image,label{head}", *rows]))

    for n in range(20):
        draw(tmp_path / f"{n}.png")
    table("", lambda n: "")
    given = {"task.name": "label", "folds.count": 2}
    config = study.StudyConfig(name="seeds", recipe="quick", set=given, grid={"training.seed": [0, 1]})
    configs = study.expand(config, {"root": str(tmp_path), "reader": "csv"})
    record = records.launch(config, study.make_plans(configs, scan(configs[0].data)))
    Run(record.run_ids[1]).delete()
    table(",person", lambda n: f",p{n // 4}")
    page = show(study=record.id)
    assert not page.info
    press(page, "Launch the missing runs")
    again, first = Run(record.run_ids[1]), Run(record.run_ids[0])
    assert again.samples()["fold"].tolist() == first.samples()["fold"].tolist()
    assert plain("The dataset names persons by now. As in the runs before, each photo") in page.info[0].value


def test_missing_runs_that_another_tab_has_launched_are_not_launched_again(record):
    Run(record.run_ids[1]).delete()
    first, second = show(study=record.id), show(study=record.id)
    press(first, "Launch the missing runs")
    before = jobs.waiting()
    press(second, "Launch the missing runs")
    assert jobs.waiting() == before
    assert not any(b.label == "Launch the missing runs" for b in second.button)


def test_missing_runs_that_lie_in_the_trash_are_restored_or_launched_anew(record):
    first, second, third = record.run_ids
    jobs.cancel(Run(first))
    jobs.cancel(Run(second))
    trash.delete([first, second])
    Run(third).delete()
    page = show(study=record.id)
    assert [each.value.split(":")[0] for each in page.warning] == [
        "1 of 3 runs is not there",
        "2 of 3 runs lie in the trash",
    ]
    folds = record.runs[0].config["folds"]["count"]
    assert {"Launch the missing runs", f"Launch them anew, {2 * folds} fold jobs"} <= {b.label for b in page.button}
    press(page, "Launch the missing runs")
    assert Run(third).exists() and not Run(first).exists(), "a click on the missing ones leaves those in the trash"
    press(page, "Restore 2 runs")
    assert {state.state for run_id in (first, second) for state in Run(run_id).states()} == {"cancelled"}
    assert not page.warning


def test_a_deleted_run_is_launched_anew_and_of_two_in_the_trash_one_is_chosen_there(record):
    first = Run(record.run_ids[0])
    folds = len(first.folds())
    jobs.cancel(first)
    trash.delete([first.id])
    page = press(show(study=record.id), f"Launch them anew, {folds} fold jobs")
    assert {state.state for state in first.states()} == {"queued"} and trash.has(first.id)
    jobs.cancel(first)
    trash.delete([first.id])
    page = show(study=record.id)
    assert "several lie there: choose one on the page Runs, under Trash." in page.warning[0].value
    assert not any(b.label.startswith("Restore") for b in page.button)


def test_a_run_that_was_deleted_since_the_missing_ones_were_shown_stays_deleted(record):
    Run(record.run_ids[1]).delete()
    page = show(study=record.id)
    Run(record.run_ids[2]).delete()
    press(page, "Launch the missing runs")
    assert Run(record.run_ids[1]).exists() and not Run(record.run_ids[2]).exists()
    assert any(b.label == "Launch the missing runs" for b in page.button), "the page says that it is not there"


def test_a_study_answers_its_question_marks_the_best_and_shows_what_differs(opened, tmp_path):
    """Of three finished runs that nobody trained here; while one of them trains there is no answer yet."""
    table = compared.samples(tmp_path / "runs", people=60, photos=2)
    made = [
        compared.make_run(
            tmp_path / "runs", table, f"depths r{depth}", skill=skill, seed=depth, config={"model": {"depth": depth}}
        )
        for depth, skill in ((18, 0.4), (34, 0.95), (50, 0.4))
    ]
    members = [StudyRun(run.id, run.config().name, run.config().model_dump(mode="json")) for run in made]
    with record_file.locked(tmp_path / "runs"):
        depths = Study("20260301-000000-depths-0000", "depths", "Does depth help?", 1.0, {}, members)
        record_file.write(depths, tmp_path / "runs")
    text = text_of(show(study=depths.id))
    assert (
        re.search(r"cmp-verdict[^>]*><b>([^<]*)</b>", text)[1]
        == "depths r34 is the best of these: better than depths r18 and depths r50."
    )
    assert "Corrected for 3 comparisons, all pairs of these runs: the best was chosen for its score." in text
    assert ">Depth</th>" in text and '<td class="lab-left">34</td>' in text
    assert "Highest mean F1, and shown to be better than every other run of the study." in text
    starred = re.search(r">r34</a></td>(.*?)</tr>", text)[1]
    assert text.count(">star<") == 1 and ">star<" in starred
    made[0].write_state(FoldState(0, "queued"))
    text = text_of(show(study=depths.id))
    assert "is the best of these" not in text and "No answer yet: 1 fold job of 15 not done" in text


def test_the_star_of_a_study_is_not_that_of_a_run_of_one_lucky_fold(opened, tmp_path, monkeypatch):
    root = tmp_path / "runs"
    table = compared.samples(root, people=60, photos=2)
    rest = dict.fromkeys(range(1, 5), "cancelled")
    made = [
        compared.make_run(root, table, f"depths {name}", skill=skill, seed=seed, states=states)
        for seed, (name, skill, states) in enumerate((("low", 0.4, {}), ("high", 0.95, {}), ("lucky", 1.0, rest)))
    ]
    members = [StudyRun(run.id, run.config().name, run.config().model_dump(mode="json")) for run in made]
    with record_file.locked(root):
        record_file.write(Study("20260301-000000-depths-0000", "depths", "", 1.0, {}, members), root)
    text = text_of(show(study="20260301-000000-depths-0000"))
    said = re.search(r"cmp-verdict[^>]*><b>([^<]*)</b>([^<]*)", text)
    assert said[1] == "depths high is better than depths low."
    assert "depths lucky cannot be set against depths high." in said[2]
    starred = re.search(r">high</a></td>(.*?)</tr>", text)[1]
    assert text.count(">star<") == 1 and ">star<" in starred
    assert "Highest mean F1 of the finished runs, not shown to be better than every other run of the study." in starred
    resumed = []
    monkeypatch.setattr(jobs, "resume", lambda run: resumed.append(run.id) or [1])
    press(show(study="20260301-000000-depths-0000"), "Resume the unfinished folds")
    assert resumed == [made[2].id], "its button under the verdict does what it says"


def test_what_would_decide_a_study_is_queued_by_its_button(opened, tmp_path, monkeypatch):
    launched = []
    monkeypatch.setattr(decide, "_launch", lambda runs, folds, study_id: launched.append([run.id for run in runs]))
    root = tmp_path / "runs"
    table = compared.samples(root, people=30, photos=2, folds=2)
    made = [
        compared.make_run(
            root,
            table,
            f"seeds {seed}",
            skill=0.6 + 0.2 * seed,
            seed=seed,
            config={"training": {"seed": seed, "loss": "weighted"}},
        )
        for seed in (0, 1)
    ]
    for fold in made[1].folds():
        starts.note(made[1], fold, 0, {"weighs": "photos"})
    members = [StudyRun(run.id, run.config().name, run.config().model_dump(mode="json")) for run in made]
    with record_file.locked(root):
        record_file.write(Study("20260301-000000-seeds-0000", "seeds", "", 1.0, {}, members), root)
    at = show(study="20260301-000000-seeds-0000")
    assert captions(at).count("The weighted loss of seeds 0 weighed each class of a target") == 1
    press(at, "Queue them")
    assert [sorted(runs) for runs in launched] == [sorted(run.id for run in made)]
    assert opened[-1][0] == "studies" and opened[-1][1]["study"] != "20260301-000000-seeds-0000"


def test_more_runs_than_are_compared_say_so_whether_their_classes_are_the_same_or_not(opened, tmp_path, monkeypatch):
    monkeypatch.setattr(pick, "MOST", 2)
    root = tmp_path / "runs"
    table = compared.samples(root, people=12, photos=2)
    names = ["<30", "30-59", ">=60"]
    ages = {"table": compared.samples(root, people=12, photos=2, classes=names), "classes": names}
    ages["config"] = {"task": {"name": "age"}}
    of_each = [{"table": table}, {"table": table}, ages, {"table": table}]
    made = [compared.make_run(root, name=f"s r{n}", seed=n, skill=0.2 + 0.2 * n, **of) for n, of in enumerate(of_each)]
    members = [StudyRun(run.id, run.config().name, run.config().model_dump(mode="json")) for run in made]
    for several, words in (
        (members[:3], ">Its runs tell different classes: Compare tests up to 2 of the same classes."),
        ([*members[:2], members[3]], "has the highest mean F1 of 3 runs, which says nothing by itself: Compare tests"),
    ):
        with record_file.locked(root):
            record_file.write(Study("20260301-000000-s-0000", "s", "", 1.0, {}, several), root)
        assert words in text_of(show(study="20260301-000000-s-0000"))
    best_first = f"{made[3].id},{made[1].id},{made[0].id}"
    press(show(study="20260301-000000-s-0000"), "Compare")
    assert opened[-1] == ("compare", {"runs": best_first}), "the two that are compared are the highest"
    of_study = AppTest.from_function(_in_hand, default_timeout=60)
    of_study.query_params["study"] = "20260301-000000-s-0000"
    assert [text.value for text in of_study.run().text] == [best_first, f"{made[0].id},{made[3].id},{made[1].id}"]


def _in_hand():
    import streamlit as st

    from pages.parts.compare import pick
    from pages.parts.hand import hand

    hand.begin()
    st.text(pick.of_hand())
    st.query_params["run"] = pick.of_hand().split(",")[-1]
    hand.begin()
    st.text(pick.of_hand())


def test_a_run_whose_configuration_was_away_once_is_estimated_when_it_is_back(record):
    run = Run(record.run_ids[0])
    away = run.config_file.rename(run.dir / "away")
    assert view._by_speed(lambda config: 10.0, run, 30, 5) is None
    away.rename(run.config_file)
    assert view._by_speed(lambda config: 10.0, run, 30, 5) is not None


def test_how_far_a_study_is_stands_in_the_browsers_tab_also_after_a_tick(record, monkeypatch):
    told = []
    monkeypatch.setattr("pages.parts.shared.frame.st.set_page_config", lambda **words: told.append(words))

    def tab():
        show(study=record.id)
        return [words["page_title"] for words in told if record.name in words["page_title"]][-1]

    assert tab() == f"queued · {record.name}"
    first = Run(record.run_ids[0])
    first.write_state(FoldState(0, "running", epoch=first.config().epochs // 2))
    with first.fold_lock(0):
        jobs_of_all = sum(len(Run(run_id).folds()) for run_id in record.run_ids)
        done = first.config().epochs // 2 / first.config().epochs
        assert tab() == f"{done / jobs_of_all:.0%} · {record.name}"
        assert told[-1]["page_icon"].startswith("<svg")
    first.write_state(FoldState(0, "queued"))
    records.pause(records.load(record.id))
    assert tab() == f"paused · {record.name}"


def test_runs_stand_in_their_study_without_its_name_also_where_it_is_cut_in_theirs(opened, tmp_path):
    name = "which of these seeds brings the most luck to all of us"
    config = study.StudyConfig(name=name, recipe="quick", grid={"training.seed": [0, 1], "model.depth": [18]})
    configs = study.expand(config, {"root": str(faces(tmp_path / "faces"))})
    assert not any(each.name.startswith(name) for each in configs)
    record = records.launch(config, study.make_plans(configs, scan(configs[0].data)))
    assert [row.name for row in view.read_status(record).rows] == ["seed=0 r18", "seed=1 r18"]


def test_a_study_is_not_called_through_while_a_fold_of_it_trains(record):
    runs = [Run(run_id) for run_id in record.run_ids]
    for run in runs:
        for fold in run.folds():
            finish(run, fold, 0.5)
    last = runs[-1]
    epochs = last.config().epochs
    for epoch in (epochs - 1, epochs):  # after the last one a fold has still to write and to score
        last.write_state(FoldState(4, "running", epoch=epoch))
        with last.fold_lock(4):
            markup = view.progress_html(record, view.read_status(record))
        assert "<span>99%</span>" in markup and 'aria-valuenow="99"' in markup
    finish(last, 4, 0.5)
    markup = view.progress_html(record, view.read_status(record))
    assert "<span>100%</span>" in markup and 'aria-valuenow="100"' in markup


def test_the_time_left_of_a_study_is_that_of_the_slot_that_is_busy_longest(record, monkeypatch):
    monkeypatch.setattr(view, "_by_speed", lambda *about: 1200.0 if about[-1] == 0 else 600.0)
    runs = [Run(run_id) for run_id in record.run_ids]
    for run in runs:
        for fold in run.folds():
            finish(run, fold, 0.5)
    first, second = runs[0], runs[1]

    def left(slots):
        return view.read_status(record).seconds_left(slots)

    first.write_state(FoldState(0, "running", epoch=1))
    with first.fold_lock(0):
        assert left(4) == 600.0, "three of the slots have nothing to do, and one epoch is behind it"
        second.write_state(FoldState(0, "queued", epoch=1))
        second.write_state(FoldState(1, "queued", epoch=1))
        assert [left(slots) for slots in (4, 2, 1)] == [600.0, 1200.0, 1800.0]
        files.write_json(first.progress_file(0), {"epoch": 1, "eta_seconds": 20.0})
        assert [left(slots) for slots in (4, 2, 1)] == [600.0, 620.0, 1220.0]
        queue.hold(places.runs_folder(), "somebody", [second.id])
        assert left(1) == 20.0, "what is held back does not begin"
