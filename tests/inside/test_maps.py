import copy
from concurrent.futures import ThreadPoolExecutor
from functools import partial

import numpy as np
import pytest
import pytorch_grad_cam
import torch
import torchvision
from captum.attr import LayerGradCam
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from core.errors import LabError
from core.inside import cam as cam_pass
from core.inside import fold_models
from core.inside import maps as gradcam
from core.inside.cam import block_names, rescale
from core.inside.fold_models import faces, fold_model
from core.inside.layers import LAYERS, METHODS
from core.inside.maps import held_out_maps, layer_maps
from core.network.model import FactoredHead
from tests.fold_runs import SIZE, alone, draw_faces, make_run, pictures
from tests.narrow import Narrow

SIGNLESS = ("EigenCAM", "EigenGradCAM")
WHOLE = torchvision.models.resnet18

pytestmark = pytest.mark.usefixtures("narrow")


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return draw_faces(tmp_path_factory.mktemp("faces") / "utk")


@pytest.fixture(scope="module")
def run(narrow, dataset, tmp_path_factory):
    yield make_run(tmp_path_factory.mktemp("runs"), dataset, folds=2)
    fold_models.free()


@pytest.fixture(scope="module")
def factored(narrow, dataset, tmp_path_factory):
    yield make_run(tmp_path_factory.mktemp("factored"), dataset, head="factored", kept=("best",))
    fold_models.free()


@pytest.fixture(scope="module")
def names(run):
    return run.samples()["sample"].tolist()


def place(model, layer):
    """The module that a layer's name means, told apart from the code under test."""
    stage, _, block = layer.partition(".")
    return model.relu if layer == "stem" else getattr(model, stage)[int(block or -1)]


def by_library(model, inputs, targets, layer, method="GradCAM"):
    cam = {"GradCAM++": pytorch_grad_cam.GradCAMPlusPlus}.get(method) or getattr(pytorch_grad_cam, method)
    return cam(model, [place(model, layer)])(inputs, [ClassifierOutputTarget(int(t)) for t in targets])


def explained(model):
    """The network whose logits the maps are for: of a factored head the joint head that has its logits' sums as rows.

    A plain linear layer, so that the library and captum are asked about it in their own way.
    """
    if not isinstance(model.fc, FactoredHead):
        return model
    joint = copy.deepcopy(model)
    rows = model.fc.index.T.tolist()
    weight = sum(head.weight[row] for head, row in zip(model.fc.heads, rows, strict=True))
    bias = sum(head.bias[row] for head, row in zip(model.fc.heads, rows, strict=True))
    joint.fc = torch.nn.Linear(weight.shape[1], len(weight), dtype=weight.dtype)
    joint.fc.load_state_dict({"weight": weight.detach(), "bias": bias.detach()})
    return joint.requires_grad_(False).eval()


def hooks(model):
    return sum(len(m._forward_hooks) + len(m._forward_pre_hooks) + len(m._backward_hooks) for m in model.modules())


@pytest.mark.long
@pytest.mark.parametrize(
    ("depth", "head", "seed"),
    [
        *((18, "joint", None), (50, "joint", 4), (18, "factored", 4), (34, "joint", 4)),
        *((50, "factored", 2), (101, "joint", 4), (152, "joint", 4)),
    ],
)  # each depth, and the other head once on each kind of block: a head knows nothing of the depth behind it
def test_every_layers_map_is_the_librarys_own_and_captums(dataset, tmp_path, monkeypatch, depth, head, seed):
    """In float64: in float32 a random network of 50 layers and more carries rounding of up to 4e-4 to the stem.

    seed: of a narrow network, one that has heat in each layer; None at full width, as one is.
    """
    network = WHOLE if seed is None else partial(Narrow, depth=depth)
    monkeypatch.setattr(torchvision.models, f"resnet{depth}", network)
    run = make_run(tmp_path, dataset, depth=depth, head=head, kept=("best",), seed=seed or 0)
    names = run.samples()["sample"].tolist()[:2]
    # Without gradients of the weights, which in float64 would take most of the time.
    model = alone(run, 1).double().requires_grad_(False)
    inputs = pictures(run, names).double().requires_grad_()
    with fold_models.fold_model(run, 1) as opened:
        exact = copy.deepcopy(opened.model).double()
        layers = gradcam.maps_of(opened, inputs.detach(), model=exact)
    answer = layer_maps(run, 1, names)
    fold_models.free()
    with torch.no_grad():
        logits = model(inputs)
    np.testing.assert_allclose(layers.logits, logits.numpy(), atol=1e-5)
    assert layers.targets.tolist() == logits.argmax(1).tolist() == answer.targets.tolist()
    assert answer.maps.shape == layers.maps.shape == (2, 5, SIZE, SIZE) and answer.maps.dtype == np.float32
    model = explained(model)
    for i, layer in enumerate(LAYERS):
        theirs = by_library(model, inputs, layers.targets, layer)
        np.testing.assert_allclose(layers.maps[:, i], theirs, atol=1e-5, rtol=0, err_msg=layer)
        np.testing.assert_allclose(answer.maps[:, i], theirs, atol=5e-3, rtol=0, err_msg=f"{layer}, float32")
        raw = LayerGradCam(model, place(model, layer)).attribute(inputs, target=torch.from_numpy(layers.targets))
        raw = raw[:, 0].detach().numpy()  # captum leaves the map at the layer's size, not cut off and not scaled
        np.testing.assert_allclose(layers.raw[i], raw, atol=1e-5 * np.abs(raw).max(), rtol=0, err_msg=layer)
        assert layers.maps[:, i].max() > 0.99


@pytest.mark.parametrize("method", METHODS)
def test_every_method_explains_a_factored_head_as_the_equal_joint_one(factored, method):
    names = factored.samples()["sample"].tolist()[:3]
    answer = layer_maps(factored, 0, names, [0, 2, 5], method=method)
    model, inputs = explained(alone(factored, 0)), pictures(factored, names).requires_grad_()
    with torch.no_grad():
        np.testing.assert_allclose(answer.probabilities, model(inputs).double().softmax(1).numpy(), atol=1e-5)
    for i, layer in enumerate(LAYERS):
        theirs = by_library(model, inputs, [0, 2, 5], layer, method)
        np.testing.assert_allclose(answer.maps[:, i], theirs, atol=1e-5, rtol=0, err_msg=layer)


@pytest.mark.parametrize("head", [pytest.param("run", id="joint"), "factored"])
def test_a_map_does_not_fade_where_the_head_is_sure(request, head):
    """Logits that are scaled make any confidence of the same evidence; the heat is then scaled likewise, no less."""
    run = request.getfixturevalue(head)
    names = run.samples()["sample"].tolist()[:2]
    inputs = pictures(run, names)
    heat, sure = [], []
    with fold_models.fold_model(run, 0) as opened:
        for scale in (1, 30, 1000):
            surer = copy.deepcopy(opened.model)
            with torch.no_grad():
                for parameter in surer.fc.parameters():
                    parameter *= scale
            layers = gradcam.maps_of(opened, inputs, model=surer)
            heat.append(np.stack([np.abs(raw).max((1, 2)) for raw in layers.raw]) / scale)
            sure.append(layers.probabilities.max(1))
    assert (sure[0] < 0.9).all() and (sure[2] > 0.999).all(), sure
    assert (heat[0] > 0).all()
    np.testing.assert_allclose(heat[1], heat[0], rtol=1e-3)
    np.testing.assert_allclose(heat[2], heat[0], rtol=1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_every_method_is_the_librarys_own_in_layers_and_blocks_in_any_order(run, names, method):
    layers = ("layer4", "layer2.0", "stem", "layer4.1", "layer3")
    found = layer_maps(run, 0, names[:2], 3, layers, method)
    model, inputs = alone(run, 0), pictures(run, names[:2])
    for i, layer in enumerate(layers):
        theirs = by_library(model, inputs, [3, 3], layer, method)
        np.testing.assert_allclose(found.maps[:, i], theirs, atol=1e-5, rtol=0, err_msg=layer)
        assert np.array_equal(rescale(found.raw[i], (SIZE, SIZE)), found.maps[:, i])


def test_a_batch_gives_what_single_faces_give(run, names, monkeypatch):
    whole = layer_maps(run, 0, names)
    monkeypatch.setattr(gradcam, "BATCH", 5)
    parts = layer_maps(run, 0, names)
    single = np.concatenate([layer_maps(run, 0, [name]).maps for name in names])
    np.testing.assert_allclose(whole.maps, parts.maps, atol=1e-5)
    np.testing.assert_allclose(whole.maps, single, atol=1e-5)


def test_one_forward_and_one_backward_make_all_layers(run, names):
    counts = {"forward": 0, "backward": 0}

    def count(module, inputs, output):
        counts["forward"] += 1
        output.register_hook(lambda _: counts.update(backward=counts["backward"] + 1))

    with fold_model(run, 0) as opened:
        handle = opened.model.fc.register_forward_hook(count)
        gradcam.maps_of(opened, fold_models.prepare(run, names[:3]), versus="runner-up")
        handle.remove()
    assert counts == {"forward": 1, "backward": 1}


def test_classes_are_given_by_word_name_index_or_face(run, names):
    order, true = run.info()["class_names"], run.samples()["y"].to_numpy()
    scores = layer_maps(run, 0, names).logits
    assert layer_maps(run, 0, names, None).targets.tolist() == scores.argmax(1).tolist()
    assert layer_maps(run, 0, names, "runner-up").targets.tolist() == scores.argsort(1)[:, -2].tolist()
    assert layer_maps(run, 0, names, "true").targets.tolist() == true.tolist()
    one = layer_maps(run, 0, names, order[2])
    assert set(one.targets) == {2}
    assert np.array_equal(one.maps, layer_maps(run, 0, names, [2] * len(names)).maps)
    np.testing.assert_allclose(one.probabilities.sum(1), 1)


@pytest.mark.parametrize("method", [m for m in METHODS if m not in SIGNLESS])
def test_a_difference_of_classes_is_the_difference_of_their_raw_maps(run, names, method):
    a, b = (layer_maps(run, 0, names[:3], pick, method=method) for pick in (1, "true"))
    difference = layer_maps(run, 0, names[:3], 1, method=method, versus="true")
    assert difference.signed and difference.maps.min() < 0
    for i in range(len(LAYERS)):
        raw = a.raw[i] - b.raw[i]
        np.testing.assert_allclose(
            difference.raw[i], raw, atol=1e-5 * max(np.abs(a.raw[i]).max(), np.abs(b.raw[i]).max())
        )
        assert np.abs(difference.maps[:, i]).max() <= 1
    same = layer_maps(run, 0, names[:3], "true", method=method, versus="true")
    assert not same.maps.any()


def test_a_face_gets_the_model_that_never_saw_its_person(run, names):
    table = run.samples().set_index("sample")
    seen = []
    for places, found in held_out_maps(run, names, "true"):
        own = [names[i] for i in places]
        fold = table.loc[own[0], "fold"]
        assert (table.loc[own, "fold"] == fold).all() and (found.folds == fold).all() and found.held_out.all()
        with torch.no_grad():
            np.testing.assert_allclose(found.logits, alone(run, fold)(pictures(run, own)).numpy(), atol=1e-4)
        assert found.targets.tolist() == table.loc[own, "y"].tolist()
        seen += own
    assert sorted(seen) == sorted(names)


def test_ten_threads_at_once_give_the_maps_of_one(run, names):
    jobs = [(fold, method) for fold in (0, 1) for method in ("GradCAM", "LayerCAM", "XGradCAM")] * 4
    expected = {job: layer_maps(run, job[0], names[:2], method=job[1]).maps for job in set(jobs)}
    fold_models.free()
    with ThreadPoolExecutor(10) as pool:
        got = list(pool.map(lambda job: layer_maps(run, job[0], names[:2], method=job[1]).maps, jobs))
    for job, maps in zip(jobs, got, strict=True):
        np.testing.assert_array_equal(maps, expected[job])


@pytest.mark.parametrize("error", [IndexError, RuntimeError])
def test_hooks_are_gone_after_an_error_that_is_not_swallowed(run, names, monkeypatch, error):
    before = layer_maps(run, 0, names[:2]).maps

    def fail(*_):
        raise error("in the middle of the library")

    with fold_model(run, 0) as opened, monkeypatch.context() as patch:
        patch.setattr(pytorch_grad_cam.GradCAM, "get_cam_weights", fail)
        with pytest.raises(error):
            layer_maps(run, 0, names[:2])
        assert hooks(opened.model) == 0  # already inside the block: the pass itself cleans up
        model = opened.model
    assert hooks(model) == 0
    assert not any(module.training for module in model.modules())
    assert all(p.grad is None and not p.requires_grad for p in model.parameters())
    np.testing.assert_array_equal(layer_maps(run, 0, names[:2]).maps, before)


def test_maps_do_not_depend_on_the_callers_gradient_mode(run, names):
    expected = layer_maps(run, 0, names[:1]).maps
    for mode in (torch.no_grad, torch.inference_mode):
        with mode():
            np.testing.assert_array_equal(layer_maps(run, 0, names[:1]).maps, expected)


@pytest.mark.parametrize(
    "wrong, kind, words",
    [
        ({"layers": ("layer5",)}, "layer", "layer5"),
        ({"layers": ("layer4.2",)}, "layer", "layer4.2"),
        ({"layers": ("fc",)}, "layer", "'fc'"),
        ({"method": "ScoreCAM"}, "method", "ScoreCAM"),
        ({"method": "EigenCAM", "versus": "true"}, "method", "sign"),
        ({"classes": "unicorn"}, "classes", "unicorn"),
        ({"classes": 6}, "classes", "6"),
        ({"classes": [0]}, "classes", "1 classes"),
    ],
)
def test_what_cannot_be_asked_is_told(run, names, wrong, kind, words):
    with pytest.raises(LabError) as caught:
        layer_maps(run, 0, names[:2], **wrong)
    assert caught.value.kind == kind
    assert words in caught.value.message and caught.value.remedy


def test_an_upload_has_no_true_class_and_no_face_is_no_map(run, names):
    for what, classes in ((faces(run, names[:1]), "true"), ([], "predicted")):
        with pytest.raises(LabError) as caught:
            layer_maps(run, 0, what, classes)
        assert caught.value.kind == "classes"


def test_layer_names_go_from_front_to_back(run):
    with fold_model(run, 0) as opened:
        blocks = block_names(opened.model)
    assert blocks == ["stem"] + [f"layer{i}.{j}" for i in (1, 2, 3, 4) for j in (0, 1)]


def test_a_map_without_heat_is_zero_not_nan():
    raw = np.stack([-np.ones((2, 2), np.float32), np.eye(2, dtype=np.float32)])
    assert not cam_pass.rescale(raw, (8, 8))[0].any()
    assert not cam_pass.rescale(raw * [[[0]], [[1]]], (8, 8), signed=True)[0].any()
