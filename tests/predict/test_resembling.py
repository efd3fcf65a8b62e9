"""What a new photo resembles, by the features of a fold's network, and whether it is far from all of them."""

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from sklearn.neighbors import NearestNeighbors

from core.errors import LabError
from core.inside import fold_models
from core.predict import answering, photos, resembling
from core.predict.members import Member
from core.predict.predictor import Predictor
from core.runs import Run
from tests.fold_runs import alone, draw_faces, make_run, pictures

pytestmark = pytest.mark.usefixtures("narrow")


@pytest.fixture
def run(tmp_path):
    yield make_run(tmp_path / "runs", draw_faces(tmp_path / "utk"), kept=("best",))
    fold_models.free()


def pooled(run, fold, samples):
    """The features without hooks: the network with nothing for a head."""
    import torch

    network = alone(run, fold)
    network.fc = torch.nn.Identity()
    with torch.no_grad():
        features = network(pictures(run, samples)).numpy()
    return features / np.linalg.norm(features, axis=1, keepdims=True)


def test_the_nearest_photos_are_those_that_the_fold_was_trained_on(run, tmp_path, monkeypatch):
    member, samples = Member(run, 1), run.samples()
    steps = []
    features = resembling.made(member, lambda *step: steps.append(step))
    assert steps[-1] == (24, 24)  # read and answered
    own = pooled(run, 1, samples["sample"])
    np.testing.assert_allclose(features.rows, own, atol=1e-3)
    trained = np.flatnonzero(samples["fold"] != 1)
    np.testing.assert_array_equal(np.flatnonzero(features.trained), trained)
    by_sklearn = NearestNeighbors(n_neighbors=1).fit(own[trained])
    held_out = by_sklearn.kneighbors(own[samples["fold"] == 1])[0][:, 0]
    assert features.limit == pytest.approx(np.quantile(held_out, 0.99), abs=2e-3)

    new = tmp_path / "new.png"
    Image.fromarray(np.random.default_rng(8).integers(0, 256, (64, 64, 3), dtype=np.uint8)).save(new)
    asked = Predictor([run], folds=[1]).answer([*photos.of_path(new), photos.Photo("gone", "/gone")], features_of=[0])
    monkeypatch.setattr(resembling, "AT_A_TIME", 1)
    places, distances = features.nearest(asked.features[0], 3)
    mine = asked.features[0][:1] / np.linalg.norm(asked.features[0][0])
    expected = NearestNeighbors(n_neighbors=3).fit(own[trained]).kneighbors(mine)
    np.testing.assert_array_equal(places[0], trained[expected[1][0]])
    np.testing.assert_allclose(distances[0], expected[0][0], atol=2e-3)
    assert (places[1] == -1).all() and np.isnan(distances[1]).all()
    assert features.far(asked.features[0]).tolist() == [bool(distances[0, 0] > features.limit), False]
    opposite = -features.rows[trained].astype(np.float32).sum(axis=0, keepdims=True)
    assert features.far(opposite).all()


def test_features_are_kept_until_the_weights_change(run, monkeypatch):
    member = Member(run, 0)
    assert resembling.load(member) is None
    first = resembling.made(member)
    monkeypatch.setattr(answering, "answers", lambda *_, **__: pytest.fail("asked again"))
    np.testing.assert_array_equal(resembling.made(member).rows, first.rows)
    kept = run.features_file(0, "best")
    kept.write_bytes(kept.read_bytes()[:200])
    assert resembling.load(member) is None
    monkeypatch.undo()
    resembling.made(member)
    shutil.copyfile(run.weights_file(1, "best"), run.weights_file(0, "best"))
    assert resembling.load(member) is None


def test_a_photo_of_the_run_that_is_gone_is_told(run):
    shutil.os.remove(run.samples()["path"].iloc[3])
    with pytest.raises(LabError, match=r"changed since the launch: .*\(gone\)") as told:
        resembling.made(Member(Run(run.id, run.dir.parent), 0))
    assert told.value.kind == "data-changed"


@pytest.mark.parametrize("when", ["before", "meanwhile"])
def test_features_of_photos_that_are_not_those_of_the_launch_are_not_kept_as_the_runs(run, monkeypatch, when):
    member, path = Member(run, 0), Path(run.samples()["path"].iloc[3])
    kept, other = shutil.copy2(path, path.with_suffix(".kept")), run.samples()["path"].iloc[4]

    def replace(*_):
        shutil.copyfile(other, f"{path}.new")
        os.replace(f"{path}.new", path)  # whoever reads it just then has the one or the other

    if when == "before":
        replace()
    with pytest.raises(LabError, match=r"changed since the launch: .*\(changed\)") as told:
        resembling.made(member, replace if when == "meanwhile" else lambda *_: None)
    assert told.value.kind == "data-changed" and not run.features_file(0, "best").exists()
    shutil.copy2(kept, path)
    features = resembling.made(member)
    np.testing.assert_allclose(features.rows, pooled(run, 0, run.samples()["sample"]), atol=1e-3)
    monkeypatch.setattr(resembling, "RULES", 1)
    assert resembling.load(member) is None, "an older lab did not ask"
