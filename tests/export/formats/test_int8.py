"""Networks in whole numbers: calibrated on training photos alone, and what they cost told as it is."""

import csv
import json

import numpy as np
import onnx
import pandas as pd
import pytest
from sklearn.metrics import f1_score

from core.errors import LabError
from core.export import serving
from core.export.formats import int8
from core.export.runtime import command
from core.export.runtime.package_folder import PackageFolder

pytestmark = [pytest.mark.long, pytest.mark.usefixtures("half")]  # long: beside the others that have its fixtures


def test_it_is_calibrated_on_photos_that_the_fold_was_trained_on(joint):
    samples = joint.run.samples().set_index("sample")
    package = PackageFolder(joint.folder, [])
    for fold in joint.run.folds():
        photos = int8.calibration_photos(package, joint.run, fold, 4)
        assert len(photos) == 4 and (samples.loc[list(photos), "fold"] != fold).all()
        every = int8.calibration_photos(package, joint.run, fold, 1000)
        assert set(every) == set(samples.index[samples["fold"] != fold])
        for name, photo in photos.items():
            assert np.array_equal(photo, package.prepared(samples.at[name, "path"]))


def test_without_training_photos_there_is_nothing_to_calibrate_on(joint, monkeypatch):
    monkeypatch.setattr(int8, "as_launched", lambda package, samples: {})
    with pytest.raises(LabError, match="no photo that fold 1") as caught:
        int8.calibration_photos(PackageFolder(joint.folder, []), joint.run, 1, 4)
    assert caught.value.kind == "calibration"


def test_a_lack_of_memory_is_told_as_such_and_not_as_a_network_that_cannot_be_written(joint, tmp_path, monkeypatch):
    def without_room(*_args, **_options):
        raise RuntimeError("onnxruntime: std::bad_alloc")

    monkeypatch.setattr("onnxruntime.quantization.quantize_static", without_room)
    with pytest.raises(LabError, match="not enough memory") as caught:
        int8.write_int8(joint.folder / "folds/0/model.onnx", tmp_path / "int8.onnx", np.zeros((1, 1), np.uint8), {})
    assert caught.value.kind == "memory" and caught.value.remedy


def test_the_backbone_is_in_int8_channel_by_channel_and_the_head_is_not(joint):
    graph = onnx.load(joint.folder / "folds/0/model.int8.onnx").graph
    made_by = {output: node for node in graph.node for output in node.output}
    values = {tensor.name: onnx.numpy_helper.to_array(tensor) for tensor in graph.initializer}
    convolutions = [node for node in graph.node if node.op_type == "Conv"]
    assert len(convolutions) == 12
    for node in convolutions:
        photo, weight = (made_by[name] for name in node.input[:2])
        assert photo.op_type == weight.op_type == "DequantizeLinear"
        weights, scales = values[weight.input[0]], values[weight.input[1]]
        assert weights.dtype == np.int8 and scales.shape == weights.shape[:1]
        assert np.abs(weights.astype(int)).max() <= 64, "8 bits overflow on processors without VNNI"
    (softmax,) = (node for node in graph.node if node.op_type == "Softmax")
    before = made_by[softmax.input[0]]
    assert before.op_type != "DequantizeLinear"
    (head,) = (node for node in graph.node if node.op_type in ("Gemm", "MatMul"))
    assert made_by[head.input[0]].op_type != "DequantizeLinear"
    assert not any(node.op_type == "BatchNormalization" for node in graph.node)


def test_what_it_costs_is_told_as_it_is_in_all_places(joint):
    samples = joint.run.samples()
    right, answers = [], {False: [], True: []}
    for fold in joint.run.folds():
        held_out = samples[samples["fold"] == fold]
        right += held_out["y"].tolist()
        for in_int8 in answers:
            package = PackageFolder(joint.folder, [fold], int8=in_int8)
            photos = np.stack([package.prepared(path) for path in held_out["path"]])
            answers[in_int8] += package.answers(photos).argmax(1).tolist()
    labels = range(len(joint.run.info()["class_names"]))
    f1 = {name: f1_score(right, of, average="macro", labels=labels, zero_division=0) for name, of in answers.items()}
    cost = joint.packaged.int8
    assert cost.f1 == pytest.approx({"onnx": f1[False], "int8": f1[True]})
    assert cost.difference.mean == pytest.approx(f1[True] - f1[False]) and cost.difference.n == len(samples)
    assert cost.changed == int(np.sum(np.array(answers[True]) != np.array(answers[False])))
    facts = json.loads((joint.folder / "preprocess.json").read_text())
    assert facts["int8"]["told"] == cost.sentence and facts["int8"]["calibration_photos"] == 4
    assert cost.sentence in (joint.folder / "README.md").read_text("utf-8")
    table = pd.read_csv(joint.folder / "parity.csv").set_index(["network", "fold"])
    for fold in joint.run.folds():
        for name, file in (("int8", "model.int8.onnx"), ("onnx", "model.onnx")):
            assert table.at[(name, fold), "bytes"] == (joint.folder / f"folds/{fold}/{file}").stat().st_size
    assert (table["seconds_per_100_photos"] > 0).all()


def test_predict_py_answers_with_it_where_the_package_has_it(joint, factored, tmp_path, capsys):
    paths = joint.run.samples()["path"].head(3).tolist()
    assert command.main(joint.folder, [*paths, "--int8", "--out", str(tmp_path / "answers.csv")]) == 0
    rows = list(csv.DictReader((tmp_path / "answers.csv").read_text("utf-8").splitlines()))
    package = PackageFolder(joint.folder, int8=True)
    shares = package.answers(np.stack([package.prepared(path) for path in paths]))
    written = np.array([[float(row[f"p_{name}"]) for name in package.classes] for row in rows])
    assert np.abs(written - shares).max() < 1e-6
    plain = PackageFolder(joint.folder).answers(np.stack([package.prepared(path) for path in paths]))
    assert np.abs(written - plain).max() > 1e-6, "the networks as they are did not answer"
    assert command.main(factored.folder, [*paths, "--int8"]) == 1
    assert "no networks in int8" in capsys.readouterr().err


def test_a_package_is_served_with_it_where_it_has_it(joint, factored):
    with serving.opened(str(joint.folder), int8=True) as (package, _):
        assert package.int8
    with pytest.raises(LabError, match="no networks in int8"), serving.opened(str(factored.folder), int8=True):
        pass
