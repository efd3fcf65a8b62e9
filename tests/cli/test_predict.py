"""The verb `predict`: new photos answered by a run's folds, as a table and in the form of a sample file."""

import shutil

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from core.config import to_yaml
from core.inside import fold_models
from core.predict import photos
from core.predict.predictor import Predictor
from core.runs import Run
from tests.fold_runs import draw_faces, make_run

pytestmark = pytest.mark.usefixtures("narrow")


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    root = tmp_path_factory.mktemp("template")
    run = make_run(root / "runs", draw_faces(root / "utk"), kept=("best",))
    yield run
    fold_models.free()


@pytest.fixture
def run(template, runs_folder):
    shutil.copytree(template.dir, runs_folder / template.id)
    return Run(template.id, runs_folder)


@pytest.fixture
def folder(template, tmp_path):
    """Two new photos, one that is none, and a copy of one that the run was trained on."""
    new = tmp_path / "new"
    new.mkdir()
    rng = np.random.default_rng(4)
    for name in ("b.png", "a.png"):
        Image.fromarray(rng.integers(0, 256, (40, 50, 3), dtype=np.uint8)).save(new / name)
    (new / "c.jpg").write_text("no photo")
    shutil.copy(template.samples()["path"].iloc[0], new / "known.jpg")
    return new


def test_a_folder_becomes_a_table_with_a_row_a_photo(run, folder, lab, tmp_path):
    done = lab("predict", run.id, "--photos", folder, "--out", tmp_path / "out" / "table.csv", "--device", "cpu")
    assert done.code == 0, done.err
    assert "3 of 4 photos answered by 2 folds" in done.out and str(tmp_path / "out" / "table.csv") in done.out
    assert "1 is known to the runs" in done.out and "no answer for c.jpg" in done.err
    table = pd.read_csv(tmp_path / "out" / "table.csv").set_index("path")
    assert table.index.tolist() == ["a.png", "b.png", "c.jpg", "known.jpg"]
    predictor = Predictor([run])
    expected = predictor.answer(photos.of_folder(folder)).probabilities()
    shares = table[[f"p_{name}" for name in predictor.names]].to_numpy()
    np.testing.assert_allclose(shares, expected, atol=1e-9)
    row = table.loc["a.png"]
    assert row["answer"] == predictor.names[shares[0].argmax()] and row["probability"] == shares[0].max()
    assert row["folds_asked"] == 2 and 0 <= row["folds_agree"] <= 2 and 0 <= row["mutual_information"] <= 1
    held = run.samples()["fold"].iloc[0]
    assert f"fold {held}, which held it out" in table.loc["known.jpg", "known"]
    assert table.loc["known.jpg", "folds_asked"] == 1
    assert table.loc["c.jpg"].isna()["answer"] and "is not an image" in table.loc["c.jpg", "problem"]
    one = lab("predict", run.id, "--photos", folder / "a.png", "--out", tmp_path / "one.parquet", "--folds", "1")
    assert one.code == 0 and pd.read_parquet(tmp_path / "one.parquet")["folds_asked"].tolist() == [1]


def test_what_the_runs_may_know_is_noted(run, folder, lab, tmp_path):
    config = run.config()
    model = config.model.model_copy(update={"init": "run:deleted"})
    run.config_file.write_text(to_yaml(config.model_copy(update={"model": model})))
    done = lab("predict", run.id, "--photos", folder, "--out", tmp_path / "table.csv")
    assert done.code == 0 and f"note: {run.id} started from deleted, which is not here any more" in done.err


def test_a_table_of_photos_becomes_a_submission_in_the_form_of_a_sample(run, folder, lab, tmp_path):
    names = run.info()["class_names"]
    (folder / "test.csv").write_text("file,width\nb.png,1\na.png,2\ngone.png,3\n")
    sample = tmp_path / "sample.csv"
    sample.write_text(f"id,class\na,{names[0]}\nb,{names[0]}\n")
    words = ["predict", run.id, "--photos", folder / "test.csv", "--out", tmp_path / "mine.csv"]
    refused = lab(*words, "--sample-submission", sample)
    assert refused.code == 1 and "photo 'gone.png' has no id" in refused.err and not (tmp_path / "mine.csv").exists()
    (folder / "test.csv").write_text("file,width\nb.png,1\na.png,2\n")
    done = lab(*words, "--sample-submission", sample, "--tta", "flip", "--vote", "hard")
    assert done.code == 0, done.err
    assert "Labels are in column 'class', by name." in done.err
    predictions = Predictor([run], views=["flip"]).answer(photos.of_path(folder / "test.csv"))
    of_b, of_a = (names[place] for place in predictions.classes("hard"))
    assert (tmp_path / "mine.csv").read_text() == f"id,class\na,{of_a}\nb,{of_b}\n"
    sample.write_text(f"id,{','.join(names)}\n" + "".join(f"{each}{',0.5' * len(names)}\n" for each in "ab"))
    done = lab(*words, "--sample-submission", sample, "--tta", "flip", "--vote", "hard")
    assert done.code == 0, done.err
    written = pd.read_csv(tmp_path / "mine.csv").set_index("id").loc[["b", "a"]]
    np.testing.assert_allclose(written[list(names)], predictions.probabilities("soft"), atol=1e-6)
    voted = lab("predict", run.id, "--photos", folder / "test.csv", "--out", tmp_path / "voted.csv", "--vote", "hard")
    assert voted.code == 0 and "is the share of the votes" in voted.err and "share of the votes" not in done.err
    (folder / "test.csv").write_text("file,width\nb.png,1\n,2\nb.png,3\na.png,4\n")
    whole = (tmp_path / "mine.csv").read_text()
    gaps = lab(*words, "--sample-submission", sample, "--tta", "flip", "--vote", "hard")
    assert gaps.code == 0 and (tmp_path / "mine.csv").read_text() == whole, gaps.err
    assert "note: test.csv: 1 row names a photo that another row names too" in gaps.err
    assert "no answer for test.csv row 3: the path is empty" in gaps.err
    sample.write_text(f"id,class\na,{names[0]}\nb,{names[0]}\nc,{names[0]}\n")
    (folder / "test.csv").write_text("file,width\nb.png,1\na.png,2\nc.jpg,3\n")
    one = lab(*words, "--sample-submission", sample, "--tta", "flip", "--vote", "hard")
    assert one.code == 1 and (tmp_path / "mine.csv").read_text() == whole, "the one before is not replaced"
    assert "no answer for c.jpg: " in one.err and "is not an image" in one.err and "id 'c' has no answer" in one.err
    assert f"All other answers, and why there is none, are in {tmp_path / 'mine.table.csv'}" in one.err
    assert pd.read_csv(tmp_path / "mine.table.csv")["answer"].tolist()[:2] == [of_b, of_a]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--out", "a.xlsx"], "'.xlsx' files cannot be written"),
        (["--out", "a.csv", "--vote", "loud"], "there is no such vote"),
        (["--out", "a.csv", "--tta", "spin"], "there is no such view"),
        (["--out", "a.csv", "--device", "cuda:1"], "--device cuda:1: there is no such device"),
        (["--out", "a.csv", "--labels", "names"], "--labels says how labels are written in the form of a sample"),
        (["--out", "a.csv", "--code", "x=1", "--labels", "names"], "or leave --labels and --code out"),
        (["--out", "a.csv", "--folds", "x"], "expected numbers"),
        (["--out", "a.csv", "--folds", "7"], "has no fold 7"),
        (["--out", "a.csv", "--vote", "weighted"], "weights are of runs, and there is one only"),
        (["--out", "a.csv", "--photos", "nowhere"], "there is no such file or folder"),
    ],
)
def test_what_cannot_be_done_is_said_in_two_lines(run, folder, lab, tmp_path, monkeypatch, words, message):
    monkeypatch.chdir(tmp_path)
    done = lab("predict", run.id, "--photos", folder, *words)
    assert done.code == 1 and message in done.err and len(done.err.splitlines()) == 2
    (tmp_path / "empty").mkdir()
    empty = lab("predict", run.id, "--photos", tmp_path / "empty", "--out", "a.csv")
    assert empty.code == 1 and "there are no photos in it" in empty.err
    assert not list(tmp_path.glob("a.*"))
