"""Forty yes/no attributes from the folder to a finished run: the form, and every page with such a run."""

import json
import shutil

import pytest
import streamlit as st
from sklearn.metrics import f1_score
from typer.testing import CliRunner

from core.cli.main import app
from core.compare import contrast, members, pairs
from core.config import from_dict, recipes
from core.data.yes_no import pairs as yes_no
from core.errors import LabError
from core.inside import fold_models
from core.report import gather
from core.runs import Run
from core.runs.lists.summaries import summaries
from core.runs.yes_no import answers
from core.stats import paired
from tests.celeba import NAMES as FORTY
from tests.celeba import drawn
from tests.pages.app import button as labelled
from tests.pages.app import captions, html, labels, page
from tests.pages.launch_form import button, open_on, text_of
from tests.pages.study_form import open_study, study_button
from tests.yes_no_runs import NAMES, finished, planned

pytestmark = pytest.mark.usefixtures("narrow")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """Two finished runs of one dataset: five attributes of 48 photos of 24 people."""
    place = tmp_path_factory.mktemp("one-by-one")
    root = drawn(place / "celeba", photos=48, people=24, attributes=NAMES, side=32)
    (place / "runs").mkdir()
    for seed in (0, 1):
        training = {"device": "cpu", "seed": seed, "label_smoothing": 0.0}
        finished(planned(root, name=f"seed {seed}", training=training), place / "runs")
    yield place
    fold_models.free()


@pytest.fixture
def runs(place, monkeypatch):
    monkeypatch.setenv("FACET_RUNS", str(place / "runs"))
    return [Run(summary["id"]) for summary in summaries()]


def tables(at):
    return [table.value for table in at.dataframe]


def test_forty_attributes_are_chosen_with_a_click_planned_and_launched(opened, tmp_path):
    root = drawn(tmp_path / "celeba", photos=60, people=30, side=40)
    at = open_on(root, "task")
    at.button(key="task-all-yes-no").click().run()
    assert not at.exception
    told = next(each for each in at.segmented_control if each.label == "What several attributes make")
    assert told.value == "each" and "The network answers each of 40 attributes" in text_of(at)
    metrics = {metric.label: metric.value for metric in at.metric}
    assert metrics["Attributes"] == "40" and metrics["People"] == "30"
    assert "Bald yes: 9 people" in text_of(at) and "fold" in text_of(at), "a rare yes is told"
    counts = next(table for table in tables(at) if "not told" in table)
    assert len(counts) == 40 and counts.set_index("attribute").loc["Bald", "yes"] == 9
    button(at).click().run()
    assert not at.exception
    (summary,) = summaries()
    run = Run(summary["id"])
    assert summary["task"] == "40 yes/no attributes" and run.config().task.together == "each"
    assert run.info()["class_names"] == yes_no.class_names(run.config().task.attributes)
    assert set(run.config().task.attributes) == set(FORTY)
    held = run.info()["support"]
    assert all(of["Bald yes"] >= 1 for of in held.values()), "each fold has somebody bald"


@pytest.mark.parametrize("launched_as", ["run", "study"])
def test_attributes_that_a_recipe_leaves_to_the_dataset_are_frozen_by_their_names(opened, tmp_path, launched_as):
    root = drawn(tmp_path / "celeba", photos=24, people=12, attributes=NAMES, side=20)
    settings = recipes.load_recipe("quick").model_dump(mode="json")
    own = {"task": {"name": "attributes", "together": "each"}, "folds": {"count": 2}}
    recipes.save_recipe("mine", from_dict(settings | own))
    if launched_as == "run":
        button(at := open_on(root, recipe="mine")).click().run()
    else:
        grid = {"training.seed": [0, 1]}
        study_button(at := open_study(tmp_path, grid, root=root, recipe="mine")).click().run()
    assert not at.exception
    runs = [Run(summary["id"]) for summary in summaries()]
    assert len(runs) == (1 if launched_as == "run" else 2)
    for run in runs:
        assert run.config().task.attributes == list(NAMES)
        assert run.info()["class_names"] == yes_no.class_names(list(NAMES))


def test_what_makes_no_sense_is_refused_at_its_setting(opened, tmp_path):
    root = drawn(tmp_path / "celeba", photos=24, people=12, attributes=NAMES, side=20)
    at = open_on(root, "task")
    at.button(key="task-all-yes-no").click().run()
    draft = at.session_state["launch_draft"]
    draft["training"]["sampling"], draft["model"]["head"] = "balanced", "factored"
    at.run()
    assert button(at).disabled and "told one by one, each by an output of its own already" in text_of(at)
    draft["model"]["head"] = "joint"
    at.run()
    assert "classes cannot be drawn equally often" in text_of(at) and "Sampling" in text_of(at)


def test_a_runs_page_has_a_table_of_attributes_with_the_way_to_their_mistakes(runs):
    run = runs[0]
    at = page("live", run=run.id)
    assert "5 attributes" in html(at) and "Each of 5 attributes" in html(at)
    table = next(table for table in tables(at) if "mistakes" in table)
    assert set(table["attribute"]) == set(NAMES) and table["F1"].is_monotonic_increasing
    assert f"look_inside?run={run.id}&attribute=Smiling" in set(table["mistakes"])
    assert "F1 of the run is the mean over the attributes" in captions(at)
    mean = sum(run.fold_state(fold).scores["best_f1"] for fold in (0, 1)) / 2
    assert table["F1"].mean() == pytest.approx(mean)


@pytest.mark.parametrize("name", ["live", "home"])
def test_the_card_names_the_weakest_attribute_and_opens_its_mistakes(runs, tmp_path, monkeypatch, name):
    """A network that answers all attributes right, but no photo as bald."""
    run = Run(runs[0].id, tmp_path)
    shutil.copytree(runs[0].dir, run.dir)
    monkeypatch.setenv("FACET_RUNS", str(tmp_path))
    f1 = []
    for fold in run.folds():
        predictions = run.predictions(fold)
        predictions[[f"p_{each}" for each in NAMES]] = predictions[[f"yes_{each}" for each in NAMES]].clip(0.1, 0.9)
        predictions["p_Bald"] = 0.1
        predictions.to_parquet(run.predictions_file(fold, "best"))
        f1.append(f1_score(predictions["yes_Bald"], [0] * len(predictions), average="macro"))
    at = page(name, **({"run": run.id} if name == "live" else {}))
    weakest = f"Bald, F1 {sum(f1) / len(f1):.3f}, F1 of yes 0.000 on 8 photos with yes"
    assert weakest in html(at) and "Bald: no photo of it was answered yes" in html(at)
    addresses = []
    monkeypatch.setattr(st, "switch_page", lambda page, *, query_params: addresses.append((page.stem, query_params)))
    labelled(at, "See the mistakes about Bald").click().run()
    assert addresses == [("look_inside", {"run": run.id, "attribute": "Bald"})]


@pytest.mark.parametrize("name", ["live", "home"])
def test_a_card_whose_predictions_are_damaged_says_so(runs, tmp_path, monkeypatch, name):
    run = Run(runs[0].id, tmp_path)
    shutil.copytree(runs[0].dir, run.dir)
    monkeypatch.setenv("FACET_RUNS", str(tmp_path))
    run.predictions_file(1, "best").write_bytes(b"torn")
    at = page(name, **({"run": run.id} if name == "live" else {}))
    assert "is damaged (" in html(at)
    assert "See the mistakes" in labels(at)


def test_a_runs_page_offers_a_package_of_all_attributes(runs):
    at = page("live", run=runs[0].id)
    assert "Take it home" in html(at) and "Package" in labels(at)
    assert any(f"core serve {runs[0].id}" in code.value for code in at.code)


@pytest.mark.parametrize("view", ["mistakes", "groups", "labels", "upload"])
def test_look_inside_sees_the_run_through_the_attribute_of_the_address(runs, view):
    at = page("look_inside", run=runs[0].id, attribute="Male", view=view)
    box = next(each for each in at.selectbox if each.label == "Attribute")
    assert box.value == "Male" and set(box.options) == set(NAMES)
    assert "tells 5 attributes one by one" not in html(at)


def test_maps_of_an_attribute_are_drawn_and_a_run_beside_is_seen_through_it_too(runs):
    sample = runs[0].samples()["sample"].iloc[0]
    ids = ",".join(run.id for run in runs)
    at = page("look_inside", run=runs[0].id, runs=ids, attribute="Bald", samples=sample, **{"class": "yes"})
    assert not [error.value for error in at.error] and "Each map is scaled" in captions(at)


@pytest.mark.parametrize("name", ["home", "runs", "studies", "augment", "launch", "data"])
def test_other_pages_stand_with_such_runs(runs, place, name):
    address = {"launch": {"from": runs[0].id}, "augment": {"run": runs[0].id, "view": "stress"}}.get(name, {})
    if name == "data":
        address = {"root": str(place / "celeba"), "attributes": "|".join(NAMES), "view": "folds"}
    page(name, **address)


def test_two_runs_are_compared_on_the_same_answers(runs):
    ids = ",".join(run.id for run in runs)
    at = page("compare", runs=ids)
    assert "tells 5 attributes one by one" not in html(at) and not [error.value for error in at.error]
    a, b = (members.load(run.id) for run in runs)
    pair = pairs.pair(a, b)
    assert not pair.notes and len(pair.table) == 48 * 5 and len(pair.scores) == 2
    (difference,) = pairs.differences([pair])
    both = [[run.fold_state(fold).scores["best_f1"] for fold in (0, 1)] for run in runs]
    assert difference.deltas == pytest.approx([x - y for x, y in zip(*both, strict=True)])
    pooled = [
        answers.confusion(members.pd.concat([run.predictions(fold) for fold in (0, 1)]), a.config.task.attributes)
        for run in runs
    ]
    f1 = [pairs.macro_f1(table) for table in pooled]
    assert difference.bootstrap.mean == pytest.approx(f1[0] - f1[1]) and difference.bootstrap.n == 24
    right = pair.table.assign(
        a=pair.table["predicted_a"].astype(str) == pair.table["label"].astype(str),
        b=pair.table["predicted_b"].astype(str) == pair.table["label"].astype(str),
    )
    of_photos = right.groupby("sample")[["a", "b"]].sum()
    assert difference.photos == paired._binomial(
        int((of_photos["a"] > of_photos["b"]).sum()), int((of_photos["b"] > of_photos["a"]).sum())
    ), "photos are the units: their five answers are not independent"
    flips = contrast.flips(pair)
    assert len(flips) == int((right["a"] != right["b"]).sum()) and set(flips["attribute"]) <= set(NAMES)
    scores = contrast.class_scores([a, b])
    assert list(scores) == list(a.config.task.attributes) and scores.loc[a.id].mean() == pytest.approx(f1[0])


def test_the_words_of_many_answers_about_a_photo_are_held_once(runs):
    table = members.out_of_fold(members.load(runs[0].id), "best")
    of_photos = runs[0].samples().set_index("sample")
    for column in ("person", "path"):
        assert len(table[column].cat.categories) < len(table)
        assert table[column].astype(str).tolist() == of_photos.loc[table["sample"], column].tolist()


def test_a_report_tells_each_attribute(runs):
    ids = [run.id for run in runs]
    text = json.dumps([str(section) for section in gather.of_names(ids).sections])
    assert "in 5 attributes and" in text and "F1 of yes" in text and "Smiling yes" in text
    alone = gather.of_names(ids[:1], maps=True)
    photos = next(section for section in alone.sections if section.title == "Photos")
    assert any(face.maps for block in photos.blocks for face in getattr(block, "faces", ()))


def test_all_attributes_of_new_photos_are_answered_and_one_is_looked_at_alone(runs, place):
    at = page("predict", run=runs[0].id, **{"from": "folder"})
    assert not [each for each in at.segmented_control if each.label == "Wanted accuracy"]
    at.text_input(key="predict-path").set_value(str(place / "celeba" / "img_align_celeba")).run()
    next(each for each in at.button if each.label == "Answer the photos by 2 folds").click().run()
    assert at.session_state["predict-job"].wait(100)
    at.run()
    assert not at.exception, at.exception
    table = tables(at)[0]
    assert len(table) == 48 and {f"answer_{name}" for name in NAMES} <= set(table) and "48 known to a run" in html(at)
    assert "All 48 as Parquet" in [each.label for each in at.get("download_button")]
    sample = "id,Bald,Young\n" + "".join(f"{path},0,0\n" for path in table["path"])
    at.file_uploader(key="predict-sample").set_value(("sample.csv", sample.encode(), "text/csv")).run()
    assert "2 of 5 attributes: 1 for yes and 0 for no" in captions(at).replace("\\", "")
    at.session_state["predict-chosen"] = table["path"].iloc[0]
    at.run()
    assert not at.exception and html(at).count("--at:") == 5 and "choose an attribute above" in captions(at)

    box = next(each for each in at.selectbox if each.label == "Attribute")
    job = at.session_state["predict-job"]
    box.set_value("Male").run()
    assert not at.exception and at.session_state["predict-job"] is job, "nothing is asked again"
    assert {"p_no", "p_yes"} <= set(tables(at)[0]) and '<div class="predict-answer">' in html(at)
    assert not [error.value for error in at.error] and "fold 0</td>" in html(at)


def test_how_sure_it_is_of_one_attribute_is_told_on_the_page_and_by_the_command(runs):
    run = runs[0]
    at = page("live", session={f"live-sure-{run.id}": True}, run=run.id)
    assert "Can its probabilities be believed?" in html(at)
    assert "<td>no</td>" in html(at) and "<td>yes</td>" in html(at)
    folder = ["--runs", str(run.dir.parent)]
    of_one = CliRunner().invoke(app, ["certainty", f"{run.id}:Young", "--json", *folder])
    assert of_one.exit_code == 0, of_one.stderr
    question = json.loads(of_one.stdout)["questions"][0]
    assert [line["name"] for line in question["lines"]] == ["no", "yes"]
    assert isinstance(CliRunner().invoke(app, ["certainty", run.id, *folder]).exception, LabError)
