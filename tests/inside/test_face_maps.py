"""Looking into faces: always the fold that held the person out."""

import dataclasses
import json
import os
import shutil
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
import torchvision

from core.errors import LabError
from core.inside import cam, face_maps, fold_models, layers, maps
from core.inside.face_maps import MapRequest
from core.runs import Run
from tests.answered import CLASSES, judged, made, photo, table_of
from tests.photos import draw

pytestmark = pytest.mark.usefixtures("narrow")

FOLDS = 3


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A run of three folds with random networks, and its samples."""
    root = tmp_path_factory.mktemp("maps")
    samples = table_of(root / "photos", people=18, folds=FOLDS)
    for row in range(len(samples)):
        photo(Path(samples.loc[row, "path"]), row)
    run = judged(made(root / "runs", samples, root=root / "photos", training={"device": "cpu", "precision": "float32"}))
    yield run, samples
    fold_models.free()


@pytest.fixture
def asked(monkeypatch):
    """(run id, fold, which) of every network that is asked for."""
    calls, real = [], fold_models.fold_model  # every model is opened through it

    @contextmanager
    def spy(run, fold, which="best", device=None):
        calls.append((run.id, fold, which))
        with real(run, fold, which, device) as fm:
            yield fm

    monkeypatch.setattr(fold_models, "fold_model", spy)
    monkeypatch.setattr(maps, "fold_model", spy)
    return calls


@pytest.fixture
def copied(trained, tmp_path):
    """A copy of the run that a test may damage."""
    run, samples = trained
    shutil.copytree(run.dir, tmp_path / run.id)
    return Run(run.id, tmp_path), samples


def test_every_face_is_asked_of_the_fold_that_held_its_person_out(trained, asked):
    run, samples = trained
    names = samples["sample"].tolist()[:8]
    run_maps = face_maps.held_out(run, names, MapRequest())
    at = samples.set_index("sample")["fold"]
    assert {face.sample: face.fold for face in run_maps.faces} == {name: at[name] for name in names}
    assert all(face.held_out and "held out" in face.model for face in run_maps.faces)
    assert sorted(fold for _, fold, _ in asked) == sorted(set(at[names]))  # one pass a fold


def test_a_class_may_be_called_as_what_stands_for_a_class_of_each_photo(copied):
    run, samples = copied
    called = ["true", "predicted", "runner-up", "class:true", "male 30-59", "female"]
    names = dict(zip(CLASSES, called, strict=True))
    run.info_file.write_text(json.dumps({**run.info(), "class_names": called}))
    table = run.samples()
    table.assign(class_name=table["class_name"].map(names)).to_parquet(run.samples_file, index=False)
    run, photos = Run(run.id, run.dir.parent), samples["sample"].tolist()[:4]
    pixels = np.random.default_rng(3).integers(0, 256, (80, 70, 3), dtype=np.uint8)
    for place, name in enumerate(called):
        request = MapRequest(layers.class_key(name))
        of_run = face_maps.held_out(run, photos, request).faces
        of_upload = face_maps.of_uploads(run, {"new.jpg": pixels}, request, folds=[0]).faces
        assert {face.target for face in (*of_run, *of_upload)} == {name}
        targets = maps.layer_maps(run, 0, photos, layers.class_key(name)).targets
        assert set(targets.tolist()) == {place}
    for word in ("true", "predicted"):
        faces = face_maps.held_out(run, photos, MapRequest(word)).faces
        assert [face.target for face in faces] == [getattr(face, word) for face in faces]
    assert maps.layer_maps(run, 0, photos, "true").targets.tolist() == samples["y"].tolist()[:4]


def test_every_fold_says_which_held_the_person_out(trained):
    run, samples = trained
    name = samples.loc[4, "sample"]
    run_maps = face_maps.every_fold(run, [name], MapRequest())
    single = [face for face in run_maps.faces if face.fold is not None]
    assert [face.fold for face in single] == [0, 1, 2]
    assert [face.held_out for face in single] == [fold == samples.loc[4, "fold"] for fold in range(3)]
    assert ["trained on this person" in face.model for face in single] == [not face.held_out for face in single]
    mean, spread = run_maps.faces[-2:]
    stack = np.stack([face.maps for face in single])
    np.testing.assert_allclose(mean.maps, stack.mean(0), atol=1e-6)
    deviation = stack.std(0, ddof=1)
    np.testing.assert_allclose(spread.maps, deviation / deviation.max((1, 2), keepdims=True), atol=1e-5)
    assert not mean.held_out and not spread.held_out


def test_maps_are_those_of_the_fold_that_held_the_person_out(trained):
    run, samples = trained
    rows = samples[samples["fold"] == 1].head(2)
    request = MapRequest(classes="true", layers=("layer2.0", "layer4"))
    faces = {face.sample: face for face in face_maps.held_out(run, samples["sample"].tolist()[4:8], request).faces}
    assert set(rows["sample"]) <= set(faces)
    names = [name for name in samples["sample"].tolist()[4:8] if faces[name].fold == 1]
    seen = fold_models.faces(run, names)
    y = samples.set_index("sample").loc[names, "y"].tolist()
    own = maps.layer_maps(run, 1, names, "true", request.layers)
    assert own.held_out.all()
    for i, name in enumerate(names):
        np.testing.assert_array_equal(faces[name].maps[0], own.maps[i, 0])
        cells = np.maximum(own.raw[1][i], 0)  # of layer4 at 64 px: 2 x 2, drawn as they are
        cells = (cells - cells.min()) / (np.ptp(cells) or 1)
        np.testing.assert_allclose(faces[name].maps[1], np.kron(cells, np.ones((32, 32))), atol=1e-6)
        np.testing.assert_array_equal(faces[name].photo, seen[i])
        assert faces[name].target == CLASSES[y[i]]


def test_the_epoch_beside_a_map_is_that_of_the_weights(copied):
    """A state may name an epoch whose weights are not in place yet, or no more."""
    run, samples = copied
    fold = int(samples.loc[0, "fold"])
    weights, name = run.weights_file(fold, "best"), samples.loc[0, "sample"]
    run.write_state(dataclasses.replace(run.written_state(fold), state="cancelled", best_epoch=5))
    assert [face.epoch for face in face_maps.held_out(run, [name], MapRequest()).faces] == [5]  # 0.1.0 says nothing
    own = {"epoch": "3", "token": "x"}
    safetensors.torch.save_file(safetensors.torch.load_file(weights), weights, own)
    run.predictions_file(fold, "best").unlink()
    assert [face.epoch for face in face_maps.held_out(run, [name], MapRequest()).faces] == [3]


def test_the_answer_beside_a_map_is_the_out_of_fold_prediction(trained):
    run, samples = trained
    names = samples["sample"].tolist()[:8]
    for face in face_maps.held_out(run, names, MapRequest()).faces:
        row = run.predictions(face.fold).set_index("sample").loc[face.sample]
        assert face.predicted == row["predicted"] and face.true == row["label"]
        assert face.confidence == pytest.approx(row[f"p_{row['predicted']}"], abs=1e-3)


def test_a_photo_that_is_another_than_at_the_launch_says_so_beneath_its_map(copied):
    """The map is of what lies there now, the recorded answer of what lay there then."""
    run, _ = copied
    frozen = run.samples()
    files = [Path(path).stat() for path in frozen["path"]]
    frozen = frozen.assign(bytes=[file.st_size for file in files], mtime_ns=[file.st_mtime_ns for file in files])
    frozen.loc[0, "bytes"] += 1
    frozen.to_parquet(run.samples_file, index=False)
    first, second = frozen["sample"].iloc[:2]
    faces = face_maps.held_out(run, [first, second], MapRequest(layers=("layer4",))).faces
    said = {face.sample: [line for line in face.lines if "launch" in line] for face in faces}
    assert said == {first: ["photo: changed since the launch"], second: []}


def test_classes_true_any_and_difference(trained):
    run, samples = trained
    names = samples["sample"].tolist()[:4]
    of_a_class = face_maps.held_out(run, names, MapRequest(classes=CLASSES[2]))
    assert {face.target for face in of_a_class.faces} == {CLASSES[2]}
    for face in face_maps.held_out(run, names, MapRequest(minus="true")).faces:
        largest = np.abs(face.maps).max((1, 2))
        assert face.signed and (largest <= 1).all() and (largest > 0.9).all()
        first, _, second = face.target.partition(" minus ")
        assert first == face.predicted and (second == face.true or face.true == face.predicted)
    with pytest.raises(LabError, match="no class"):
        face_maps.held_out(run, names, MapRequest(classes="nobody"))


def test_a_block_that_a_depth_does_not_have_stays_empty(trained):
    run, samples = trained
    (face,) = face_maps.held_out(run, [samples.loc[0, "sample"]], MapRequest(layers=("layer3.4", "layer4"))).faces
    assert np.isnan(face.maps[0]).all() and np.isfinite(face.maps[1]).all()
    assert "layer3.4" in layers.layer_names(50) and "layer3.4" not in layers.layer_names(18)


@pytest.mark.parametrize("depth", [18, 34, 50, 101, 152])
def test_every_layer_name_is_in_its_network(depth):
    with torch.device("meta"):
        model = getattr(torchvision.models, f"resnet{depth}")(weights=None)
    names = layers.layer_names(depth)
    modules = cam.modules_of(model, names).values()
    assert len(names) == 1 + sum(len(getattr(model, f"layer{i}")) for i in range(1, 5))
    assert len({id(module) for module in modules}) == len(names)
    assert set(layers.LAYERS) <= set(names)
    assert set(layers.METHODS) == set(cam.METHOD_CLASSES) and layers.LAYERS == cam.LAYERS


def test_a_fold_that_is_not_trained_yet_is_not_asked_but_a_deleted_one_is_told(copied):
    run, samples = copied
    name = samples.loc[4, "sample"]
    run.weights_file(2, "best").unlink()
    with pytest.raises(LabError, match="are gone from the run folder"):
        face_maps.every_fold(run, [name], MapRequest(layers=("layer4",)))
    run.write_state(dataclasses.replace(run.written_state(2), state="queued"))
    run_maps = face_maps.every_fold(run, [name], MapRequest(layers=("layer4",)))
    models = [face.model.partition(",")[0] for face in run_maps.faces]
    assert models == ["fold 0", "fold 1", "mean of 2 folds", "disagreement of 2 folds"]


def test_uploads_are_judged_by_every_fold(trained, asked):
    run, _ = trained
    pixels = np.random.default_rng(0).integers(0, 256, (90, 70, 3), dtype=np.uint8)
    run_maps = face_maps.of_uploads(run, {"new.jpg": pixels}, MapRequest())
    assert [fold for _, fold, _ in asked] == [0, 1, 2]
    models = [face.model for face in run_maps.faces]
    assert models == ["fold 0", "fold 1", "fold 2", "mean of 3 folds", "disagreement of 3 folds"]
    assert not any(face.held_out or face.true for face in run_maps.faces)
    with pytest.raises(LabError, match="no true class"):
        face_maps.of_uploads(run, {"new.jpg": pixels}, MapRequest(classes="true"))


def test_a_photo_that_is_gone_and_a_stranger_spoil_no_other(copied, tmp_path):
    run, _ = copied
    table = run.samples()
    table.loc[1, "path"] = str(tmp_path / "gone" / table.loc[1, "sample"])
    table.to_parquet(run.dir / "samples.parquet", index=False)
    names = table["sample"].tolist()[:3]
    for path in (face_maps.held_out, face_maps.every_fold):
        run_maps = path(run, [*names, "nobody.jpg"], MapRequest())
        assert {face.sample for face in run_maps.faces} == {names[0], names[2]}
        assert (
            run_maps.faults[names[1]].kind == "missing-file" and run_maps.faults["nobody.jpg"].kind == "unknown-sample"
        )


def test_a_deleted_checkpoint_and_weights_that_are_no_numbers_say_so(copied):
    run, samples = copied
    name, fold = samples.loc[0, "sample"], int(samples.loc[0, "fold"])
    path = run.weights_file(fold, "best")
    state = safetensors.torch.load_file(path)
    state["layer3.0.conv1.weight"][0] = float("nan")
    safetensors.torch.save_file(state, path)
    with pytest.raises(LabError, match="no numbers"):
        face_maps.held_out(run, [name], MapRequest())
    before = face_maps.version(run, [name], "best")
    path.unlink()
    assert face_maps.version(run, [name], "best") != before
    with pytest.raises(LabError, match="best"):
        face_maps.held_out(run, [name], MapRequest())
    run.delete()
    with pytest.raises(LabError, match="is gone"):
        face_maps.held_out(run, [name], MapRequest())


def test_two_photos_of_one_time_that_changed_places_are_looked_at_anew(copied, tmp_path):
    run, _ = copied
    table = run.samples()
    paths = [tmp_path / "swapped" / table.loc[row, "sample"] for row in range(2)]
    for path, colour in zip(paths, ((200, 0, 0), (0, 0, 200)), strict=True):
        draw(path, colour)
        os.utime(path, ns=(7, 7))
    table.loc[:1, "path"] = [str(path) for path in paths]
    table.to_parquet(run.dir / "samples.parquet", index=False)
    versions = [face_maps.version(run, [table.loc[row, "sample"]], "best") for row in range(2)]
    aside = paths[0].rename(tmp_path / "aside")
    paths[1].rename(paths[0])
    aside.rename(paths[1])
    for row, before in enumerate(versions):
        assert face_maps.version(run, [table.loc[row, "sample"]], "best") != before
