"""The Predict page: from photos to answers with their doubt, one by one or many, and files to take away."""

import io
import json
import re
import threading
from html import unescape
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.config import to_yaml
from core.inside import fold_models
from core.predict import job as predict_job
from core.predict import photos, resembling
from core.predict.predictor import Predictor
from core.predict.submission import of_classes
from core.runs import FoldState
from pages.parts.data import gallery
from pages.parts.predict import sources, work
from pages.parts.shared import frame
from tests.answered import copied, judged, made, photo, table_of
from tests.pages.app import button, captions, html, labels, page

pytestmark = pytest.mark.usefixtures("folder", "narrow")


@pytest.fixture(scope="module")
def winner(tmp_path_factory):
    """A finished run of two folds that can answer."""
    root = tmp_path_factory.mktemp("winner")
    samples = drawn(table_of(root / "photos", people=12), root / "photos")
    return judged(made(root, samples, root=root / "photos", run_id="winner"))


@pytest.fixture
def run(winner, folder):
    """Its copy, which a test may damage."""
    yield copied(winner, folder)
    fold_models.free()


@pytest.fixture
def new(folder):
    """Three new photos and one that is none."""
    for seed in range(3):
        photo(folder / "new" / f"n{seed}.jpg", seed=900 + seed)
    (folder / "new" / "broken.jpg").write_text("no photo")
    return folder / "new"


@pytest.fixture
def drawn_cells(monkeypatch):
    """What each gallery was drawn of."""
    cells = []
    draw = gallery.draw
    monkeypatch.setattr(gallery, "draw", lambda each, *args, **named: (cells.append(each), draw(each, *args, **named)))
    return cells


def jpeg(seed=1):
    pixels = np.random.default_rng(seed).integers(0, 256, (40, 30, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def ended(at, key="predict-job"):
    """The page after its job."""
    assert at.session_state[key].wait(100)
    at.run()
    assert not at.exception, at.exception
    return at


def words(at):
    return captions(at).replace("\\", "")


def test_no_other_run_answers_for_one_that_is_gone(run, folder):
    at = page("predict", run="deleted")
    assert "Choose the run that is to answer." in words(at) and "not finished" not in words(at)
    assert "deleted" in html(at) and "Open the run" not in labels(at)
    at.selectbox(key="run-picker").set_value(run.id).run()
    assert at.query_params["run"] == run.id and "Choose the run" not in words(at)


def test_no_other_run_answers_for_one_that_is_damaged(run, folder):
    damaged = made(folder, table_of(folder / "photos"), run_id="damaged")
    damaged.summary_file.unlink()
    damaged.samples_file.write_bytes(b"no table")
    at = page("predict", run="damaged")
    assert "Choose the run that is to answer." in words(at) and "can be mended, or deleted" in html(at)


def test_another_run_answers_for_one_that_is_not_finished_and_both_are_named(run, folder):
    made(folder, table_of(folder / "photos"), run_id="waiting").write_state(FoldState(1, "failed", reason="x"))
    assert re.search(
        r"made .* ting is not finished, so made .* nner answers here", words(page("predict", run="waiting"))
    )


def test_without_a_finished_run_the_way_to_one_is_shown(folder):
    made(folder, table_of(folder / "photos"), run_id="waiting").write_state(FoldState(1, "failed", reason="x"))
    assert labels(page("predict"))[-1] == "Launch"


def test_a_dropped_photo_is_answered_with_folds_doubt_and_maps(run):
    at = page("predict", run=run.id)
    at.file_uploader(key="predict-files").set_value(("me.png", jpeg(), "image/png")).run()
    shown = html(ended(at))
    predictions = Predictor([run]).answer(photos.of_uploads({"me.png": jpeg()}))
    answer = predictions.class_names[predictions.classes()[0]].replace("<", "&lt;").replace(">", "&gt;")
    assert f'<div class="predict-answer">{answer}</div>' in shown
    assert f"{predictions.probabilities()[0].max():.3f}" in shown
    for fold in (0, 1):
        assert f"fold {fold}</td>" in shown and f"{predictions.answers[fold, 0].max():.3f}" in shown
    assert "of 2 folds say so" in shown and "disagreement" in shown and "set:" in shown
    assert "No threshold of this run shows 95% right answers" in words(at)
    assert "Each map is scaled to its own largest value" in words(at)
    assert not [label for label in labels(at) if label.startswith("Answer the")]

    button(at, "Compare with the training photos (fold 0 looks at 12 photos, once)").click().run()
    shown = html(ended(at, "predict-learning"))
    assert shown.count("<figure") == 6 and "99 % of the photos it held out are within" in words(at)


def test_what_the_run_may_know_of_a_photo_is_said_beside_its_answer(run):
    config = run.config()
    model = config.model.model_copy(update={"init": "run:deleted"})
    run.config_file.write_text(to_yaml(config.model_copy(update={"model": model})))
    at = page("predict", run=run.id)
    at.file_uploader(key="predict-files").set_value(("me.png", jpeg(), "image/png")).run()
    assert f"{run.id} started from deleted, which is not here any more" in words(ended(at))


def test_the_page_of_a_run_asks_whether_its_photos_are_the_same_after_predict_could_not_tell(run):
    samples = run.samples()
    samples.assign(mtime_ns=samples["mtime_ns"] - 1).to_parquet(run.samples_file, index=False)  # it kept no hashes
    at = page("predict", run=run.id)
    at.file_uploader(key="predict-files").set_value(("me.png", jpeg(), "image/png")).run()
    button(ended(at), "Compare with the training photos (fold 0 looks at 12 photos, once)").click().run()
    assert "which asks for its dataset once this was tried there" in html(ended(at, "predict-learning"))
    at.switch_page("pages/live.py")
    at.query_params["run"] = run.id
    at.run()
    assert not at.exception and "nobody can tell" in html(at) and "Look there" in labels(at)


def test_what_learns_for_one_run_is_neither_shown_nor_cancelled_on_the_page_of_another(run, folder, monkeypatch):
    samples = run.samples()
    judged(made(folder, samples, root=run.config().data.root, run_id="other"))
    enough = threading.Event()
    monkeypatch.setattr(resembling, "made", lambda member, progress: enough.wait(100))
    at = page("predict", run=run.id)
    at.file_uploader(key="predict-files").set_value(("me.png", jpeg(), "image/png")).run()
    asks = "Compare with the training photos (fold 0 looks at 12 photos, once)"
    button(ended(at), asks).click().run()
    assert "Cancel" in labels(at) and asks not in labels(at)
    job = at.session_state["predict-learning"]
    at.query_params["run"] = "other"
    at.run()
    assert "Cancel" not in labels(ended(at)) and asks in labels(at)
    at.query_params["run"] = run.id
    at.run()
    assert "Cancel" in labels(ended(at)) and asks not in labels(at) and not job.was_cancelled
    enough.set()
    assert job.wait(100)


def test_a_photo_of_the_run_is_answered_by_the_fold_that_held_it_out(run):
    sample = run.samples().iloc[3]
    at = page("predict", run=run.id)
    content = Path(sample["path"]).read_bytes()
    at.file_uploader(key="predict-files").set_value(("copy.jpg", content, "image/jpeg")).run()
    ended(at)
    assert f"This photo: trained on as {sample['sample']}; fold {sample['fold']}, which held it out, answers." in words(
        at
    )
    assert "was trained on it" in html(at) and "1 of 1 fold says so" in html(at)


def test_a_folder_becomes_a_table_filters_and_a_submission(run, new, drawn_cells, monkeypatch):
    (new / "raw.nef").write_bytes(b"a raw photo of a camera")
    at = page("predict", run=run.id, **{"from": "folder"})
    at.text_input(key="predict-path").set_value(str(new)).run()
    button(at, "Answer the photos by 2 folds").click().run()
    ended(at)
    table = at.dataframe[0].value
    predictions = Predictor([run]).answer(photos.of_folder(new))
    assert sorted(table["path"]) == ["broken.jpg", "n0.jpg", "n1.jpg", "n2.jpg"]
    assert table["path"].iloc[0] == "broken.jpg", "what has no answer comes first, then what is least probable"
    assert table["probability"].iloc[1:].is_monotonic_increasing
    expected = dict(zip([p.name for p in predictions.photos], predictions.classes(), strict=True))
    for row in table.iloc[1:].itertuples():
        assert row.answer == predictions.class_names[expected[row.path]]
    assert "1 without an answer" in html(at) and "3 not sure" in html(at)
    assert "Not read: 1 of" in words(at), "what else lies in the folder"
    cells = json.loads(json.dumps(drawn_cells[-1], allow_nan=False))  # a browser reads no NaN
    assert [cell["sample"] for cell in cells] == table["path"].tolist()
    broken, *answered = cells
    assert broken["first"] == "no answer" and not broken["second"] and not broken["mark"] and broken["fault"]
    assert [cell["first"] for cell in answered] == table["answer"].iloc[1:].tolist()

    at.session_state["predict-chosen"] = "n0.jpg"
    at.run()
    assert not at.exception, at.exception
    assert '<div class="predict-answer">' in html(at) and "the button above the table does it" in words(at)
    assert sum(label.startswith("Compare with the training photos") for label in labels(at)) == 1

    at.query_params["only"] = "none"
    at.run()
    assert at.dataframe[0].value["path"].tolist() == ["broken.jpg"]
    at.query_params.pop("only")
    sample = f"id,label\nn1,{predictions.class_names[0]}\nn0,{predictions.class_names[0]}\n"
    at.file_uploader(key="predict-sample").set_value(("sample.csv", sample.encode(), "text/csv")).run()
    assert "2 photos 'broken.jpg' and 'n2.jpg' have no id" in unescape(html(at))
    (new / "broken.jpg").unlink()
    (new / "n2.jpg").unlink()
    again = page("predict", run=run.id, **{"from": "folder"})
    again.text_input(key="predict-path").set_value(str(new)).run()
    button(again, "Answer the photos by 2 folds").click().run()
    ended(again)
    again.file_uploader(key="predict-sample").set_value(("sample.csv", sample.encode(), "text/csv")).run()
    assert "Labels are in column 'label', by name." in words(again)
    assert "Download the submission" in [element.label for element in again.get("download_button")]
    assert "share of the votes" not in words(again)

    given, filled = [], of_classes.Form.filled
    monkeypatch.setattr(of_classes.Form, "filled", lambda form, *of: given.append(of) or filled(form, *of))
    again.query_params["vote"] = "hard"
    again.run()
    assert not again.exception, again.exception
    assert "what is told as a probability is the share of the votes" in words(again)
    asked = Predictor([run]).answer(photos.of_folder(new))
    np.testing.assert_allclose(given[-1][0], asked.probabilities("soft"), atol=1e-6)
    assert given[-1][1].tolist() == asked.classes("hard").tolist()


def test_what_is_typed_and_chosen_with_the_click_is_answered(run, new, folder):
    photo(folder / "other" / "other.jpg", seed=950)
    at = page("predict", run=run.id, **{"from": "folder"})
    at.text_input(key="predict-path").set_value(str(new)).run()
    at.text_input(key="predict-path").set_value(str(folder / "other"))
    at.toggle(key="predict-flip").set_value(True)
    button(at, "Answer the photos by 2 folds").click().run()
    assert "other.jpg" in html(ended(at)) and at.session_state["predict-key"][2] == ("flip",)
    at.text_input(key="predict-path").set_value(str(new))
    button(at, "Answer anew").click().run()
    assert len(ended(at).dataframe[0].value) == 4


@pytest.mark.parametrize("others", [1, 0], ids=["another run is there", "none is"])
def test_a_click_as_its_run_is_taken_away_is_not_answered_by_another_run_later(run, new, folder, others):
    def add_other():
        samples = drawn(table_of(folder / "photos"), folder / "photos")
        judged(made(folder, samples, root=folder / "photos", run_id="other"))

    if others:
        add_other()
    at = page("predict", run=run.id, **{"from": "folder"})
    at.text_input(key="predict-path").set_value(str(new)).run()
    run.delete()
    button(at, "Answer the photos by 2 folds").click().run()
    if not others:
        assert labels(at)[-1] == "Launch"
        add_other()
        at.query_params["run"] = "other"
        at.run()
    else:
        assert "Choose the run that is to answer." in words(at)
        at.selectbox[0].set_value("other").run()
    assert not at.exception and "Answer the photos by 2 folds" in labels(at) and work.JOB not in at.session_state


def test_a_click_whose_page_was_left_before_it_began_is_not_answered_later(run, new):
    at = page("predict", run=run.id, **{"from": "folder"})
    at.text_input(key="predict-path").set_value(str(new)).run()
    at.session_state[frame.ANSWER] = None
    at.switch_page("pages/runs.py").run()
    assert ["You left the page before" in toast.value for toast in at.toast] == [True]
    at.switch_page("pages/predict.py").run()
    assert not at.exception and "Answer the photos by 2 folds" in labels(at) and work.JOB not in at.session_state


def test_what_cannot_be_answered_is_said(run, folder):
    at = page("predict", run=run.id, **{"from": "folder"})
    at.text_input(key="predict-path").set_value(str(folder / "nowhere")).run()
    button(at, "Answer the photos by 2 folds").click().run()
    assert "there is no such file or folder" in html(ended(at))
    photo(folder / "nowhere" / "late.jpg", seed=900)
    button(at, "Ask again").click().run()
    assert "late.jpg" in html(ended(at)) and "there is no such file or folder" not in html(at)
    photo(folder / "nowhere" / "later.jpg", seed=901)
    button(at, "Answer anew").click().run()
    assert sorted(ended(at).dataframe[0].value["path"]) == ["late.jpg", "later.jpg"]
    run.weights_file(1, "best").unlink()
    assert "the best weights of fold 1 are gone" in html(page("predict", run=run.id))


def test_the_photos_that_the_dataset_sets_aside_are_offered(folder):
    for place, name in enumerate(("cat", "dog")):
        for number in range(3):
            photo(folder / "pets" / "train" / name / f"{number}.jpg", seed=10 * place + number)
        photo(folder / "pets" / "test" / name / "9.jpg", seed=90 + place)
    samples = table_of(folder / "pets", people=12).assign(label="cat")
    settings = {"task": {"name": "label"}, "data": {"root": str(folder / "pets"), "reader": "folders"}}
    run = judged(made(folder, drawn(samples, folder / "pets"), run_id="with-pets", **settings))
    at = page("predict", run=run.id, **{"from": "dataset"})
    assert "Answer the 2 photos by 2 folds" in labels(at), labels(at)
    photo(folder / "pets" / "test" / "dog" / "late.jpg", seed=95)
    button(at, "Answer the 2 photos by 2 folds").click().run()
    assert "the photos or the networks are others than the button told" in words(at) and not at.dataframe
    (folder / "pets" / "test" / "dog" / "late.jpg").unlink()
    at.run()
    button(at, "Answer the 2 photos by 2 folds").click().run()
    assert len(set(ended(at).dataframe[0].value["path"])) == 2
    (folder / "pets" / "test" / "dog" / "9.jpg").rename(
        folder / "pets" / "test" / "dog" / "10.jpg"
    )  # as many as before
    button(at, "Answer anew").click().run()
    assert any(path.endswith("10.jpg") for path in ended(at).dataframe[0].value["path"])
    fold_models.free()


def drawn(samples, root):
    """The samples, with their photos on disk."""
    for row in samples.itertuples():
        photo(root / row.sample, seed=100 + row.Index)
    files = [(root / sample).stat() for sample in samples["sample"]]
    return samples.assign(bytes=[file.st_size for file in files], mtime_ns=[file.st_mtime_ns for file in files])


def test_a_camera_photo_is_answered_by_weighted_runs_and_the_weights_are_told(folder):
    samples = drawn(table_of(folder / "photos", people=24), folder / "photos")
    judged(made(folder, samples, root=folder / "photos", run_id="winner"))
    judged(made(folder, samples, root=folder / "photos", run_id="second", name="second"), depth_seed=7)
    at = page("predict", run="winner", **{"with": "second", "vote": "weighted", "from": "camera"})
    at.get("camera_input")[0].set_value(("camera.jpg", jpeg(3), "image/jpeg")).run()
    shown = html(ended(at))
    assert '<div class="predict-answer">' in shown and "winner, fold 1" in shown and "second, fold 1" in shown
    assert "Weights of the runs, fitted on 24 out-of-fold answers" in words(at)
    fold_models.free()


def test_a_job_is_cancelled_and_asked_again(run, new, monkeypatch):
    begun, go_on = threading.Event(), threading.Event()
    answer = Predictor.answer

    def waiting(self, asked, progress, **more):
        progress(1, 12)
        begun.set()
        assert go_on.wait(60)
        return answer(self, asked, progress, **more)

    monkeypatch.setattr(Predictor, "answer", waiting)
    at = page("predict", run=run.id, **{"from": "folder"})
    at.text_input(key="predict-path").set_value(str(new)).run()
    button(at, "Answer the photos by 2 folds").click().run()
    assert begun.wait(60) and "Cancel" in labels(at.run())
    button(at, "Cancel").click()
    at.session_state["predict-job"].cancel()
    go_on.set()
    ended(at)
    assert "Cancelled; nothing was kept." in words(at) and not at.dataframe
    button(at, "Ask again").click().run()
    assert len(ended(at).dataframe[0].value) == 4


@pytest.mark.parametrize("asked", ["answers", "training photos"])
def test_what_a_closed_page_asked_for_is_not_gone_on_with(run, monkeypatch, asked):
    begun, closed = threading.Event(), threading.Event()
    monkeypatch.setattr(work, "still_open", lambda: lambda: not closed.is_set())
    monkeypatch.setattr(predict_job, "now", lambda: 2 * predict_job.PATIENCE if closed.is_set() else 0.0)

    def waiting(*about, **more):
        begun.set()
        assert closed.wait(60)
        about[-1](1, 12)
        raise AssertionError("it goes on")

    if asked == "answers":
        monkeypatch.setattr(Predictor, "answer", waiting)
    at = page("predict", run=run.id)
    at.file_uploader(key="predict-files").set_value(("me.png", jpeg(), "image/png")).run()
    if asked == "training photos":
        monkeypatch.setattr(resembling, "made", waiting)
        button(ended(at), "Compare with the training photos (fold 0 looks at 12 photos, once)").click().run()
    job = at.session_state[work.JOB if asked == "answers" else work.LEARNING]
    assert begun.wait(60) and "Cancel" in labels(at)
    closed.set()
    assert job.wait(60) and job.was_cancelled and job.result() is None


def test_too_much_at_once_is_refused_in_words(run, monkeypatch):
    monkeypatch.setattr(sources, "TOGETHER", 0)
    at = page("predict", run=run.id)
    at.file_uploader(key="predict-files").set_value(("me.png", jpeg(), "image/png")).run()
    assert "at most 0 MB are answered at once" in html(at) and "put them into a folder" in html(at)
