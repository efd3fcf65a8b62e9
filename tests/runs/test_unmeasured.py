"""A network that was trained on everybody: what can use it uses it, and what cannot says so in words, everywhere."""

import contextlib
import os
import re
import sys
import zipfile
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import safetensors.torch
import streamlit as st
import torch
from PIL import Image

from core.answers import mistakes
from core.cli import main as cli
from core.data.labels import corrections
from core.data.labels.correction_rows import Correction, to_csv
from core.data.tasks import label_as
from core.errors import LabError
from core.export import card
from core.export.card import Made
from core.export.runtime.package_folder import PackageFolder
from core.inside import fold_models
from core.jobs import control, fold_job, halt, trash
from core.network.model import build_model
from core.plan import corrected as since_launch
from core.plan import everybody
from core.plan.corrected import corrected_since
from core.predict.photos import Photo
from core.predict.predictor import Predictor
from core.runs import starts
from core.runs.everybody import unmeasured
from core.runs.lists import index
from core.storage import files
from tests.everybody_runs import ended, trained_on_everybody
from tests.fold_runs import answer_held_out, draw_faces, make_run
from tests.pages.app import button, captions, html, labels, listed, page

pytestmark = pytest.mark.usefixtures("narrow")

OTHER_LOSS = "this training weighs each photo by its label: what the folds reached is of another loss."
REFUSED = "was trained on everybody: no photo was held out"


@pytest.fixture(scope="module")
def both(tmp_path_factory):
    """A finished cross-validated run of two folds, and the one network on everybody of it."""
    folder = tmp_path_factory.mktemp("everybody")
    parent = answer_held_out(ended(make_run(folder / "runs", draw_faces(folder / "faces"), kept=("best",)), (30, 40)))
    yield parent, trained_on_everybody(parent)
    fold_models.free()


@pytest.fixture
def run(both, monkeypatch):
    monkeypatch.setenv("FACET_RUNS", str(both[1].dir.parent))
    monkeypatch.setattr(control, "ensure_workers", lambda folder=None: None)
    return both[1]


@pytest.fixture
def lab(run, monkeypatch, capsys):
    def call(*words):
        monkeypatch.setattr(sys, "argv", ["core", *map(str, words)])
        capsys.readouterr()
        try:
            cli.main()
            code = 0
        except SystemExit as end:
            code = end.code or 0
        out, err = capsys.readouterr()
        return code, out, err

    return call


@pytest.fixture
def corrected(both, run):
    """Since the folds were trained a label of their dataset was corrected, and a photo left out."""
    root, photos = both[0].config().data.root, both[0].samples()
    first, second = photos.iloc[0], photos.iloc[1]
    other = {"female": "male", "male": "female"}[first["gender"]]
    relabel = {"sample": first["sample"], "attribute": "gender", "before": first["gender"], "after": other}
    made = corrections.add_all(
        root, [Correction(kind="relabel", **relabel), Correction(kind="exclude-photo", sample=second["sample"])]
    )
    yield f"Since {both[0].id} was launched, 1 label was corrected and 1 photo was left out:"
    corrections.undo_all(root, [each.id for each in made])


@contextlib.contextmanager
def frozen_by_an_older_lab(parent):
    """As version 0.1.0 wrote its configuration, and trained by a weighted loss that weighed each class of a target."""
    frozen = parent.config_file.read_text("utf-8")
    without = re.sub(r"\n +test_set: .*", "", frozen)
    parent.config_file.write_text(without.replace("loss: cross-entropy", "loss: weighted"), "utf-8")
    starts.note(parent, 0, 0, {})
    try:
        yield
    finally:
        parent.config_file.write_text(frozen, "utf-8")
        parent.starts_file(0).unlink()


def test_corrections_that_change_no_class_and_those_of_another_lab_are_no_reason_to_retrain(both, monkeypatch):
    parent, photo = both[0], both[0].samples().iloc[0]
    place, anew = corrections.file(parent.config().data.root, parent.dir.parent), []
    place.parent.mkdir(parents=True, exist_ok=True)
    place.unlink(missing_ok=True)
    age = f"{photo['age']:g}"
    other = {"female": "male", "male": "female"}[photo["gender"]]
    changes = {"gender": (photo["gender"], other), "race": ("0", "1"), "age": (age, f"{photo['age'] + 1:g}")}
    listed = [
        Correction(kind="relabel", sample=photo["sample"], attribute=attribute, before=before, after=after)
        for attribute, (before, after) in changes.items()
    ]
    files.write_text(parent.corrections_file, to_csv(listed))  # as another lab launched it
    try:
        assert corrected_since(parent) == "", "this lab has no corrections of its dataset"
        files.write_text(place, to_csv([replace(listed[0], id="0" * 8, sample=parent.samples()["sample"].iloc[1])]))
        said = "launched, 1 label was corrected; 2 of its corrections are not among this lab's (taken back, or made in"
        assert said in corrected_since(parent), "of another lab, beside one of this lab"
        years, other_years = (
            replace(listed[2], before=before, after=after)  # which the folds were trained with
            for before, after in ((listed[2].after, age), (f"{photo['age'] + 50:g}", age))
        )
        again = replace(listed[2], id="0" * 8)
        whole = {"kind": "relabel", "person": photo["person"]}  # all photos of a person, of several values before
        everyone = Correction(**whole, attribute="age", before=f"{years.before} | {other_years.before}", after=age)
        renamed = Correction(**whole | {"person": "a"}, attribute="person", before="a", after=photo["person"])
        gender = Correction(**whole, attribute="gender", before=other, after=photo["gender"])
        later = replace(other_years, person=photo["person"])
        gone = replace(other_years, id="2" * 8, sample="masked.jpg", person="masked")
        aside = replace(everyone, id="3" * 8, person="aside")
        for trained, now, told in [
            ([years], listed[1:2], ""),  # taken back within the group
            ([years], [replace(again, before=years.before, after=other_years.before)], "1 label was corrected:"),
            ([other_years], [replace(other_years, id="0" * 8)], ""),  # taken back, and made again
            ([other_years], [], f"1 of the corrections of {parent.id} is not among"),
            ([out := Correction(kind="exclude-photo", sample="out.jpg")], [replace(out, id="0" * 8)], ""),
            ([everyone], [replace(everyone, id="0" * 8)], ""),
            ([gender, everyone], [replace(everyone, id="0" * 8), replace(gender, id="1" * 8)], ""),
            ([renamed], [replace(renamed, id="0" * 8)], ""),
            (
                [everyone, later],
                [replace(later, id="0" * 8), replace(everyone, id="1" * 8)],
                f"2 of the corrections of {parent.id} are not",
            ),
            ([years, gone, aside], [], ""),  # of photos that the run does not have
            ([years, replace(gone, attribute="mask", before="none", after="mask")], [], "2 of the corrections of"),
        ]:
            files.write_text(parent.corrections_file, to_csv(trained))
            files.write_text(place, to_csv(now))
            said = corrected_since(parent)
            assert told in said and bool(told) == bool(said), (trained, now, said)
        files.write_text(parent.corrections_file, to_csv([]))
        files.write_text(place, to_csv(listed[1:]))
        assert corrected_since(parent) == "", "in the group of before, and of what it does not tell"
        files.write_text(place, to_csv(listed))
        monkeypatch.setattr(since_launch, "label_as", lambda few, *of: anew.append(len(few)) or label_as(few, *of))
        assert "launched, 1 label was corrected:" in corrected_since(parent)
        assert anew == [1], "only what was corrected is labelled anew"
        monkeypatch.setattr(corrections, "effects", None)
        assert corrected_since(parent), "remembered: all photos are not corrected at each look"
    finally:
        for path in (parent.corrections_file, place):
            path.unlink(missing_ok=True)


def strangers(folder):
    rng = np.random.default_rng(11)
    folder.mkdir()
    for place in range(3):
        pixels = rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)
        Image.fromarray(pixels).save(folder / f"new{place}.png")
    return folder


def own_answers(run, paths):
    """What the network answers, by Pillow, plain arithmetic and torch alone."""
    model, _ = build_model(run.config().model, len(run.info()["class_names"]), 1)
    model.load_state_dict(safetensors.torch.load_file(run.weights_file(0, "best")))
    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    pixels = np.stack([(np.asarray(Image.open(path).convert("RGB")) / 255 - mean) / std for path in paths])
    with torch.no_grad():
        return model.eval()(torch.from_numpy(pixels.transpose(0, 3, 1, 2).astype(np.float32))).softmax(1).numpy()


@pytest.mark.long  # beside the others that package, as torch's exporter takes seconds until it is there
def test_predict_and_package_answer_by_the_one_network(run, lab, tmp_path):
    folder = strangers(tmp_path / "photos")
    paths = sorted(folder.iterdir())
    truth = own_answers(run, paths)
    predictions = Predictor([run], device="cpu").answer([Photo(path.name, str(path)) for path in paths])
    assert [member.fold for member in predictions.members] == [0]
    np.testing.assert_allclose(predictions.probabilities(), truth, atol=1e-5)
    code, out, err = lab("package", run.id, "--out", tmp_path / "taken.zip")
    assert code == 0 and "its own score is not measured" in err
    assert "12 of 12 photos of the training answered by the packaged network, and by the lab's own: 0 changed" in out
    with zipfile.ZipFile(tmp_path / "taken.zip") as archive:
        archive.extractall(tmp_path)
    package = PackageFolder(tmp_path / run.id)
    shares = package.answers(np.stack([package.prepared(path) for path in paths]))
    np.testing.assert_allclose(shares, truth, atol=1e-4)
    card = (tmp_path / run.id / "README.md").read_text("utf-8")
    assert "its own score is not measured" in card and "Not calibrated: the temperature is 1" in card
    assert "F1 0.800 ± 0.000 (2)" in card and "f1_mean: null" in card
    assert "--fold" not in card and "| fold |" not in card and "whom the answering network never saw" not in card
    parity = pd.read_csv(tmp_path / run.id / "parity.csv")
    assert parity["checked"].tolist() == [12] and parity["changed_answers"].tolist() == [0]


def test_no_answer_about_whom_it_was_trained_on(both, lab, run, tmp_path):
    parent, _ = both
    path = run.samples()["path"].iloc[0]
    code, out, err = lab("predict", run.id, "--photos", path, "--out", tmp_path / "one.csv")
    assert code == 0 and "held them out" not in out
    assert "was trained on everybody, so its answer proves nothing. Ask the cross-validated run" in err
    both_asked = Predictor([run, parent], device="cpu").answer([Photo(os.path.basename(path), path)])
    answered = ~np.isnan(both_asked.answers[:, 0, 0])
    assert [member.run for member, own in zip(both_asked.members, answered, strict=True) if own] == [parent]


@pytest.mark.parametrize("words", ["certainty", "attend", "report"])
def test_a_verb_that_needs_held_out_answers_refuses_in_words(lab, both, run, tmp_path, monkeypatch, words):
    monkeypatch.chdir(tmp_path)
    code, _, err = lab(words, run.id)
    assert code == 1 and REFUSED in err and f"Ask the cross-validated run '{both[0].id}'" in err


def test_a_report_names_it_and_leaves_it_out(lab, both, run, tmp_path):
    code, _, _ = lab("report", both[0].id, run.id, "--no-maps", "--out", tmp_path / "r.md")
    assert code == 0 and REFUSED in (tmp_path / "r.md").read_text("utf-8")


def test_lists_and_states_say_that_nothing_was_measured(lab, both, run):
    parent = both[0].id
    _, out, _ = lab("status")
    assert f"F1 not measured, trained on everybody of {parent}" in out and "best F1 0.800" in out
    _, out, _ = lab("status", run.id)
    assert f"one network, on everybody of {parent}: done" in out
    assert f"what the folds of {parent} reached with fewer people each: F1 0.800 ± 0.000 (2)" in out
    parents = {run.id: parent, parent: None}  # both may be of one second, in which no order is promised
    assert {summary["id"]: summary["everybody"] for summary in index.summaries(run.dir.parent)} == parents
    run.summary_file.unlink()
    assert {summary["id"]: summary["everybody"] for summary in index.summaries(run.dir.parent)} == parents, "made anew"


def test_vote_weights_maps_and_answers_need_somebody_held_out(both, run, lab, tmp_path):
    code, _, err = lab(
        "predict", run.id, both[0].id, "--vote", "weighted", "--photos", strangers(tmp_path / "p"), "--out", "x.csv"
    )
    assert code == 1 and REFUSED in err
    for asked in (
        lambda: mistakes.load_answers(run),
        lambda: run.predictions(0),
        lambda: fold_models.held_out_fold(run, run.samples()["sample"].iloc[0]),
    ):
        with pytest.raises(LabError, match=REFUSED):
            asked()


def test_maps_of_a_new_photo_are_drawn_on_its_page_of_answers(run, tmp_path):
    at = page("predict", run=run.id)
    photo = sorted(strangers(tmp_path / "new").iterdir())[0]
    at.file_uploader(key="predict-files").set_value((photo.name, photo.read_bytes(), "image/png")).run()
    assert at.session_state["predict-job"].wait(100)
    at.run()
    assert not at.exception and REFUSED not in html(at)
    text = captions(at)
    assert "Each map is scaled to its own largest value" in text and "over the folds" not in text
    assert "Nothing is said about how sure that is" in text


def test_the_verb_trains_what_is_proposed_and_says_so(lab, both, run, corrected):
    halt.stop(run.dir.parent, "it fails.", "Mend it.")  # until the resume below
    folder = run.dir.parent
    words = ["--set", "training.batch_size=4", "--set", "name=ours", "--runs", folder]
    with frozen_by_an_older_lab(both[0]):
        code, out, err = lab("everybody", both[0].id, *words)
    assert code == 0 and OTHER_LOSS in err
    ours = type(run)(out.strip(), run.dir.parent)
    try:
        assert ours.config().name == "ours" and ours.config().training.batch_size == 4
        assert [fold.state for fold in ours.states()] == ["queued"]
        assert "35 epochs, the median of the folds' best epochs (30 and 40)." in err
        assert "its own score is not measured" in err and "training.batch_size differ" in err
        assert "The queue has stopped: it fails. Mend it.\nLet it go on with: python -m core worker" in err
        again = f"--data {ours.config().data.root} --set data.test_set=pool --runs {folder}"
        assert corrected in err and f"--folds-of {both[0].id} {again}), then train that run on everybody" in err
        control.cancel(ours)
        assert lab("status", ours.id)[1].startswith(f"one network, on everybody of {both[0].id}: cancelled")
        assert control.resume(ours) == [0]
    finally:
        thrown_away(ours)


def test_its_page_tells_what_to_expect_and_offers_no_score(both, run):
    parent, _ = both
    at = page("live", run=run.id)
    text = html(at) + captions(at)
    assert "on everybody of <a" in text and parent.id in text
    assert "its own score is not measured" in "".join(info.value for info in at.info).replace("\\", "")
    assert "How sure is it?" not in [box.label for box in at.expander]
    assert "Take it home" in text and "mean ± deviation (finished folds)" not in text
    assert [each.label for each in at.selectbox if "check" in each.label] == ["Photos of the training to check"]


def test_the_page_of_its_run_offers_the_training_once(both, run, corrected, monkeypatch):
    opened = []
    monkeypatch.setattr(st, "switch_page", lambda page, *, query_params=None: (opened.append(query_params), st.stop()))
    with frozen_by_an_older_lab(both[0]):
        at = page("live", run=both[0].id)
    text = captions(at).replace("\\", "")
    assert "Proposed: 35 epochs, the median" in text and OTHER_LOSS in text
    assert corrected in html(at) and "Retrain on the corrected labels, same folds" in labels(at)
    at.number_input(key=f"live-everybody-epochs-{both[0].id}").set_value(2)  # the button is of the drawing before
    at.number_input(key=f"live-everybody-batch-{both[0].id}").set_value(8)
    button(at, "Train again on everybody").click().run()
    assert not at.exception
    ours = type(run)(opened[0]["run"], run.dir.parent)
    try:
        assert ours.config().epochs == 2 and ours.config().folds.everybody == both[0].id
        assert ours.config().training.batch_size == 8
        remedy = fold_job.explain(MemoryError(), ours)["remedy"]
        assert remedy == f"Train again on everybody with batch size 4, on the page of the run {both[0].id}."
        assert [fold.state for fold in ours.states()] == ["queued"]
    finally:
        thrown_away(ours)


def test_a_run_that_started_from_another_starts_from_the_network_on_everybody_of_that_one(both, run, lab):
    parent, _ = both
    root, init = parent.config().data.root, f"run:{parent.id}"
    child, made = ended(make_run(run.dir.parent, root, kept=("best",), init=init), (30, 40)), []
    state = run.fold_state(0)
    try:
        code, out, err = lab("everybody", child.id)
        assert code == 0 and "differ" not in err, err
        assert f"it starts from {run.id}, trained on everybody of that run." in err
        made.append(type(run)(out.strip(), run.dir.parent))
        config = made[0].config()
        assert config.model.init == f"run:{run.id}"
        gone = config.model.model_copy(update={"init": "run:gone"})
        assert everybody.changes(config.model_copy(update={"model": gone}), child) == [], "deleted since"
        last, text = run.weights_file(0, "final"), child.config_file.read_text("utf-8")
        child.config_file.write_text(text.replace("init_checkpoint: best", "init_checkpoint: final"), "utf-8")
        aside = last.rename(last.with_suffix(".aside"))  # as dropped: best and last are one network
        try:
            assert child.config().model.init_checkpoint == "final"
            text = captions(page("live", run=child.id)).replace("\\", "")
            assert f"it starts from {run.id}, trained on everybody" in text
            assert everybody.changes(everybody.proposed(child), child) == []
            assert everybody.proposed(child).model.init_checkpoint == "best"
        finally:
            aside.rename(last)
        run.write_state(replace(state, state="cancelled"))
        at = page("live", run=child.id)
        assert "Train again on everybody" not in labels(at)
        assert f"Its folds started from those of {parent.id}." in captions(at).replace("\\", "")
    finally:
        run.write_state(state)
        for each in (child, *made):
            thrown_away(each)


def thrown_away(run):
    control.cancel(run)
    trash.delete([run.id], run.dir.parent)
    trash.delete_for_good([run.id], run.dir.parent)


@pytest.mark.parametrize(
    ("name", "where"), [("look_inside", "run"), ("compare", "runs"), ("home", "x"), ("runs", "x"), ("predict", "run")]
)
def test_other_pages_show_it_without_a_score(both, run, name, where):
    at = page(name, **{where: run.id})
    text = (html(at) + captions(at)).replace("\\", "")
    if name in ("look_inside", "compare"):
        assert REFUSED in text
    if name == "home":
        assert "not measured" in text
    if name == "runs":
        cells = {row["id"]: row["cells"] for row in listed(at)}
        assert [cells[each.id].count("not measured") for each in both] == [0, 2], "its F1, best and last"
        text += str(cells)
    assert not re.search(r"\bnan\b", re.sub(r"base64,[^\"')]+", "", text))


def test_photos_that_were_set_aside_measure_it_and_nothing_denies_that(run):
    info = run.info()
    run.update_info(test={"photos": 12})
    try:
        text = card.text(run, [0], Made([], []), "", [])
        assert "12 test photos were set aside, on which it can be scored. What to expect of it" in text
        assert "all were trained on but 12 test photos, on which the lab can score it" in text
        assert "not measured" not in text and "Nothing measures" not in text
    finally:
        files.write_json(run.info_file, info)


def test_an_incomplete_run_is_no_ground_for_one_and_its_folds_are_those_of_none(both, run, lab):
    words = ["train", "quick", "--data", run.config().data.root, "--set", "model.init=scratch"]
    code, _, err = lab(*words, "--folds-of", run.id)
    assert code == 1 and REFUSED in err and f"Ask the cross-validated run '{both[0].id}'" in err
    code, _, err = lab("everybody", run.id)
    assert code == 1 and f"Choose the cross-validated run {both[0].id}" in err
    assert unmeasured.expected({}) == "" and "was measured by" in unmeasured.sentence({}, "x")
