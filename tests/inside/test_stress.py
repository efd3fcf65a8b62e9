import numpy as np
import pytest
import torch

from core.augment import steps
from core.config.transforms import TRANSFORMS
from core.data.pictures.photo import photos_of
from core.errors import LabError
from core.inside import stress
from core.inside.fold_models import fold_model
from core.training.batches import AugmentedBatches, Source

MEAN = torch.tensor([0.485, 0.456, 0.406])[:, None, None]
STD = torch.tensor([0.229, 0.224, 0.225])[:, None, None]


def test_held_out_faces_come_from_the_fold_alone_and_from_every_class(tiny_plan, tmp_path):
    from core.runs.create import create

    run = create(tiny_plan.config, tiny_plan.samples, class_names=tiny_plan.class_names, info={}, folder=tmp_path)
    faces = stress.held_out(run, 1, 6)
    assert set(faces["fold"]) == {1}
    assert sorted(faces["y"].value_counts()) == [2, 2, 2]
    assert not faces.equals(stress.held_out(run, 1, 6, draw=1))
    assert len(stress.held_out(run, 1, 1000)) == (tiny_plan.samples["fold"] == 1).sum()
    with pytest.raises(LabError, match="holds nobody out"):
        stress.held_out(run, 9, 6)
    assert set(stress.held_out(run, 1, 6, of="red")["class_name"]) == {"red"}
    with pytest.raises(LabError, match="holds nobody of 'grey' out"):
        stress.held_out(run, 1, 6, of="grey")


@pytest.mark.long
def test_without_strength_the_predictions_are_those_of_the_run(never_stopped):
    """Noise of nothing equals no transform, which equals what validation sees and what training wrote down."""
    run, seen = never_stopped, []
    faces = stress.held_out(run, 0, 100)
    result = stress.stress(run, 0, faces, "GaussNoise", "std_range", [0, 1], progress=lambda *at: seen.append(at))
    assert np.allclose(result.probabilities[0], result.plain, atol=1e-7)
    source = Source(photos_of(run.samples()), None, run.config().transforms)
    images = AugmentedBatches(source, 0, 0, "eval")[0, faces.index.to_numpy(), np.zeros(len(faces), int)]
    with fold_model(run, 0) as opened, torch.inference_mode():
        logits = opened.model((images.permute(0, 3, 1, 2) / 255 - MEAN) / STD)
    assert np.allclose(result.plain, logits.softmax(1).numpy(), atol=1e-5)
    written = run.predictions(0, "best").set_index("sample").loc[faces["sample"]]
    columns = [f"p_{name}" for name in result.class_names]
    assert np.allclose(result.plain, written[columns].to_numpy(), atol=0.02)  # training may validate in bfloat16
    assert result.probabilities.shape == (2, len(faces), 3)
    assert np.allclose(result.probabilities.sum(2), 1)
    assert np.abs(result.probabilities[1] - result.plain).max() > 0.01
    rows = np.arange(len(faces))
    assert result.true_p[1].tolist() == result.probabilities[1][rows, faces["y"]].tolist()
    assert result.accuracy[1] == np.mean(result.probabilities[1].argmax(1) == faces["y"])
    assert result.accuracy[0] == result.plain_accuracy
    assert seen == [(0, 2), (1, 2)]


def test_faces_that_the_fold_was_trained_on_are_refused(never_stopped):
    trained = never_stopped.samples().query("fold != 0").head(3)
    with pytest.raises(LabError, match="trained on in fold 0") as raised:
        stress.stress(never_stopped, 0, trained, "InvertImg", None, [0, 1])
    assert raised.value.kind == "leak"


def test_a_transform_without_parameters_grows_by_its_probability(never_stopped):
    faces = stress.held_out(never_stopped, 0, 8)
    inverted = stress.stress(never_stopped, 0, faces, "InvertImg", None, [0.0, 1.0])
    assert np.allclose(inverted.probabilities[0], inverted.plain, atol=1e-6)
    assert not np.allclose(inverted.probabilities[1], inverted.plain, atol=1e-3)


def test_the_pictures_of_a_face_are_what_the_network_was_shown(never_stopped):
    faces = stress.held_out(never_stopped, 0, 4)
    pictures = stress.pictures(never_stopped, 0, faces.iloc[1], "InvertImg", None, [0.0, 1.0])
    assert np.array_equal(pictures[1], 255 - pictures[0])
    inverted = stress.stress(never_stopped, 0, faces, "InvertImg", None, [0.0, 1.0])
    with fold_model(never_stopped, 0) as opened, torch.inference_mode():
        inputs = torch.from_numpy(np.stack(pictures)).permute(0, 3, 1, 2) / 255
        logits = opened.model((inputs - MEAN) / STD)
    assert np.allclose(inverted.probabilities[:, 1], logits.softmax(1).numpy(), atol=1e-5)


def test_a_strength_that_does_not_fit_is_said(never_stopped):
    faces = stress.held_out(never_stopped, 0, 2)
    with pytest.raises(LabError, match="outside"):
        stress.stress(never_stopped, 0, faces, "CLAHE", "clip_limit", [0.5])


@pytest.mark.parametrize("name", [name for name in TRANSFORMS if not TRANSFORMS[name].deterministic])
def test_strengths_are_values_that_the_table_takes(name):
    from core.config import TransformConfig

    for key, param in TRANSFORMS[name].params.items():
        values = steps.strengths(name, key)
        assert values[0] == param.low
        assert len(values) >= 2
        for value in values:
            TransformConfig(name=name, params={key: [value, value] if param.kind.endswith("range") else value})
    assert steps.strengths(name, None).tolist() == pytest.approx(np.linspace(0, 1, 9).tolist())
