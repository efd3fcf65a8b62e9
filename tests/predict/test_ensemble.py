"""All folds asked about test photos: each as its own network answers, once, and never while a fold is unfinished."""

import os
import shutil

import numpy as np
import pandas as pd
import pytest
import torch

from core.answers import ensemble_scores
from core.errors import LabError
from core.inside import fold_models
from core.predict import answering, ensemble
from core.runs import FoldState, Run
from tests.fold_runs import alone, draw_faces, make_run

pytestmark = pytest.mark.usefixtures("narrow")


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """Finished runs of two folds with random weights, one a head."""
    root = tmp_path_factory.mktemp("template")
    faces = draw_faces(root / "utk")
    return {head: make_run(root / head, faces, head=head, kept=("best",)) for head in ("joint", "factored")}


@pytest.fixture
def run(template, tmp_path, request):
    """A copy of one, with five test photos, which are other files than its samples."""
    made = template[getattr(request, "param", "joint")]
    shutil.copytree(made.dir, tmp_path / "runs" / made.id, copy_function=os.link)
    made = Run(made.id, tmp_path / "runs")
    frozen = made.samples().iloc[[0, 3, 5, 7, 8]].drop(columns="fold").reset_index(drop=True)
    folder = tmp_path / "faces" / "test"
    folder.mkdir(parents=True)
    for place, path in enumerate(frozen["path"]):
        shutil.copy(path, folder / f"{place}.jpg")
    paths = [folder / f"{place}.jpg" for place in range(5)]
    frozen["sample"] = [f"test/{path.name}" for path in paths]
    frozen["path"] = [str(path) for path in paths]
    frozen["mtime_ns"] = [path.stat().st_mtime_ns for path in paths]
    frozen.to_parquet(made.test_file, index=False)
    yield made
    fold_models.free()


def as_network_sees(run):
    from PIL import Image

    mean, std = np.array([0.485, 0.456, 0.406]), np.array([0.229, 0.224, 0.225])
    pixels = [(np.asarray(Image.open(path)) / 255 - mean) / std for path in run.test_photos()["path"]]
    return torch.from_numpy(np.stack(pixels).transpose(0, 3, 1, 2).astype(np.float32))


@pytest.mark.parametrize("run", ["joint", "factored"], indirect=True)
def test_the_ensemble_is_the_mean_of_what_each_folds_own_network_answers(run):
    names, steps = run.info()["class_names"], []
    scores = ensemble.scored(run, lambda done, total: steps.append((done, total)))
    assert steps[-1] == (15, 15) and [done for done, _ in steps] == sorted(done for done, _ in steps)
    with torch.no_grad():
        apart = [alone(run, fold)(as_network_sees(run)).double().softmax(1).numpy() for fold in run.folds()]
    table = pd.read_parquet(run.test_predictions_file)
    for fold, shares in enumerate(apart):
        columns = [ensemble_scores.column(fold, name) for name in names]
        np.testing.assert_allclose(table[columns].to_numpy(), shares, atol=2e-6)
    np.testing.assert_allclose(table[[f"p_{name}" for name in names]].to_numpy(), np.mean(apart, axis=0), atol=2e-6)
    true = run.test_photos()["y"].to_numpy()
    assert scores.accuracy.mean == pytest.approx((np.mean(apart, axis=0).argmax(1) == true).mean())
    assert scores.photos == 5 and len(scores.folds) == 2


def test_the_folds_are_asked_once(run, monkeypatch):
    first = ensemble.scored(run)
    written = run.test_predictions_file.read_bytes()
    monkeypatch.setattr(ensemble, "answers", lambda *_: pytest.fail("asked again"))
    again = ensemble.scored(run)
    assert (again.f1, again.folds) == (first.f1, first.folds)
    assert run.test_predictions_file.read_bytes() == written


def test_many_photos_are_answered_in_pieces_as_in_one(run, monkeypatch):
    photos = run.test_photos()
    whole = ensemble.answers(run, photos)
    monkeypatch.setattr(answering, "HELD", 1)
    monkeypatch.setattr(answering, "BATCH", 2)
    np.testing.assert_allclose(ensemble.answers(run, photos), whole, atol=2e-6)


def test_while_a_fold_is_not_done_nothing_is_scored(run):
    run.write_state(FoldState(1, "failed", reason="diverged"))
    with pytest.raises(LabError, match="fold 1 of 2 is not done") as told:
        ensemble.scored(run)
    assert told.value.kind == "unfinished" and not run.test_predictions_file.exists()


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_a_test_photo_that_changed_or_went_is_no_part_of_a_score(run, when):
    photos = run.test_photos()["path"].tolist()

    def change(*_):
        with open(photos[1], "ab") as stream:
            stream.write(b"more")

    if when == "before":
        change()
    with pytest.raises(LabError, match=r"test/1\.jpg \(changed\)") as told:
        ensemble.scored(run, change)
    assert told.value.kind == "data-changed" and not run.test_predictions_file.exists()


def test_a_run_without_test_photos_says_so(run):
    run.test_file.unlink()
    with pytest.raises(LabError, match="has no test photos") as told:
        ensemble.scored(run)
    assert told.value.kind == "no-test"


def test_weights_that_are_gone_are_told_and_no_other_fold_answers_for_them(run):
    run.weights_file(1, "best").unlink()
    with pytest.raises(LabError, match="best weights of fold 1 are gone"):
        ensemble.scored(run)
    assert not run.test_predictions_file.exists()
    assert run.fold_state(1) == FoldState(1, "done", epoch=1)
