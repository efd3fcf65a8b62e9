import shutil
import sys
import threading
from functools import partial

import numpy as np
import pytest
import torch
import torchvision

from core.config import from_dict
from core.config.run_config import MixConfig, ModelConfig, TaskConfig
from core.data.tasks import class_parts
from core.errors import LabError
from core.inside.trust import redraw
from core.network.model import FactoredHead, build_model, inherit, parameter_groups, unfilled
from core.training.losses import Mixer
from tests.answered import made, table_of
from tests.narrow import narrow_resnet18
from tests.network.backbones import assert_backbone_is, from_file, save, scratch

NAMES = ["female <30", "female 30-59", "female >=60", "male <30", "male 30-59", "male >=60"]
PARTS = class_parts(TaskConfig(), NAMES)


@pytest.mark.parametrize("depth", [18, 34, 50, 101, 152])
def test_each_depth_is_torchvisions_own_architecture(depth):
    network = unfilled(ModelConfig(depth=depth, init="scratch"), 6)
    with torch.device("meta"):
        theirs = getattr(torchvision.models, f"resnet{depth}")(num_classes=6).state_dict()
    ours = network.state_dict()
    assert list(ours) == list(theirs)
    assert [value.shape for value in ours.values()] == [value.shape for value in theirs.values()]
    assert network.conv1.weight.is_contiguous(memory_format=torch.channels_last)
    with torch.inference_mode():
        assert network.eval()(torch.rand(2, 3, 32, 40)).shape == (2, 6)


def test_random_weights_are_a_function_of_the_seed_and_leave_the_global_generator_alone(eighth):
    torch.manual_seed(1)
    before = torch.get_rng_state()
    one = scratch(seed=5).state_dict()
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(2)
    again, other = scratch(seed=5).state_dict(), scratch(seed=6).state_dict()
    assert all(torch.equal(one[key], again[key]) for key in one)
    assert not torch.equal(one["conv1.weight"], other["conv1.weight"])
    assert not torch.equal(one["fc.weight"], other["fc.weight"])


@pytest.fixture
def at_once():
    """Threads take turns as often as they can."""
    usual = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(usual)


def mix():
    mixer = Mixer(MixConfig(method="both"), 4)
    mixer(torch.zeros(4, 3, 8, 8), torch.arange(4), seed=7)


@pytest.mark.parametrize(
    "draw",
    [lambda: scratch(seed=7), partial(redraw, unfilled(ModelConfig(init="scratch"), 6).fc, 7), mix],
    ids=["another network", "redrawn weights", "mixed photos"],
)
def test_what_another_session_draws_meanwhile_changes_no_first_weights(draw, eighth, at_once):
    """Sessions are threads: each would draw on from what the other one seeded."""
    alone = scratch(seed=1).state_dict()
    before = torch.get_rng_state()
    ended, failed = threading.Event(), []

    def session():
        try:
            while not ended.is_set():
                draw()
        except BaseException as error:
            failed.append(error)

    other = threading.Thread(target=session)
    other.start()
    try:
        beside = [scratch(seed=1).state_dict() for _ in range(5)]
    finally:
        ended.set()
        other.join()
    assert not failed
    for state in beside:
        assert [key for key in alone if not torch.equal(alone[key], state[key])] == []
    assert torch.equal(before, torch.get_rng_state())


@pytest.mark.parametrize("head", ["joint", "factored"])
def test_a_network_for_weights_from_a_file_draws_none_and_is_the_same_once_it_has_them(eighth, head):
    config = ModelConfig(init="scratch", head=head)
    whole, _ = build_model(config, 6, 5, PARTS)
    assert whole.conv1.weight.is_contiguous(memory_format=torch.channels_last)
    before = torch.get_rng_state()
    network = unfilled(config, 6, PARTS)
    assert torch.equal(before, torch.get_rng_state())
    counters = {key for key in whole.state_dict() if key.endswith("num_batches_tracked")}
    drawn = {key: value for key, value in whole.state_dict().items() if key not in counters}
    network.load_state_dict(drawn)
    assert all(network.state_dict()[key] == 0 for key in counters)
    assert network.conv1.weight.is_contiguous(memory_format=torch.channels_last)
    photos = torch.rand(2, 3, 32, 40)
    with torch.inference_mode():
        assert torch.equal(network.eval()(photos), whole.eval()(photos))


@pytest.mark.parametrize("depth", [18, 50])
def test_the_parameter_groups_hold_every_parameter_once_and_the_head_alone_in_the_second(depth):
    network = unfilled(ModelConfig(depth=depth, init="scratch"), 6)
    backbone, head = parameter_groups(network)
    assert sorted(map(id, backbone + head)) == sorted(map(id, network.parameters()))
    assert len(set(map(id, backbone + head))) == len(backbone + head)
    assert [tuple(p.shape) for p in head] == [(6, network.fc.in_features), (6,)]


# First weights from a file


@pytest.fixture
def eighth(monkeypatch):
    """A ResNet-18 has an eighth of its width: what is looked at is the same."""
    monkeypatch.setattr(torchvision.models, "resnet18", narrow_resnet18)


@pytest.fixture
def imagenet(eighth, donor_of, tmp_path, monkeypatch):
    """TORCH_HOME with an 'ImageNet' file that the table of names knows by its hash."""
    from core.network import weights

    donor = donor_of()

    folder = tmp_path / "hub" / "checkpoints"
    folder.mkdir(parents=True)
    made = save({k: v for k, v in donor.items() if "num_batches_tracked" not in k}, folder / "made.pth")
    digest = from_file(made)[1]["sha256"]
    path = folder / f"resnet18-{digest[:8]}.pth"
    made.rename(path)
    monkeypatch.setenv("TORCH_HOME", str(tmp_path))
    monkeypatch.setitem(weights.IMAGENET, 18, (path.name, 45))
    return path


def test_imagenet_weights_come_from_torchs_folder(imagenet, donor_of):
    network, facts = build_model(ModelConfig(depth=18, init="imagenet"), 6, 3)
    assert_backbone_is(network, donor_of(), but="num_batches_tracked")
    assert network.fc.out_features == 6
    assert (facts["init"], facts["file"]) == ("imagenet", imagenet.name)
    assert imagenet.stem.endswith(facts["sha256"][:8])


@pytest.mark.parametrize("damage", ["bit", "cut", "empty"])
def test_a_damaged_imagenet_file_is_refused(imagenet, damage):
    data = bytearray(imagenet.read_bytes())
    if damage == "bit":
        data[len(data) // 2] ^= 1
    imagenet.write_bytes({"bit": data, "cut": data[: len(data) // 2], "empty": b""}[damage])
    with pytest.raises(LabError, match="is damaged") as caught:
        build_model(ModelConfig(depth=18, init="imagenet"), 6, 0)
    assert imagenet.name in caught.value.message
    assert "fresh copy" in caught.value.remedy


def test_absent_imagenet_weights_are_named_with_where_to_put_them(imagenet, tmp_path):
    shutil.rmtree(tmp_path / "hub")
    with pytest.raises(LabError, match="are not on this machine") as caught:
        build_model(ModelConfig(depth=18, init="imagenet"), 6, 0)
    assert imagenet.name in caught.value.message
    assert str(imagenet.parent) in caught.value.remedy
    assert "train from scratch" in caught.value.remedy


def test_the_head_of_a_parent_that_tells_whether_another_thing_is_present_is_not_kept(eighth, tmp_path):
    answers, task = ["absent", "present"], {"name": "attributes", "attributes": ["pneumonia"]}
    table = table_of(tmp_path, people=12).assign(class_name=lambda photos: [answers[y % 2] for y in photos["y"]])
    first = {"depth": 18, "init": "scratch"}
    parent = made(tmp_path, table.assign(y=table["y"] % 2), task=task, names=answers, model=first)
    network, _ = build_model(parent.config().model, 2, 0)
    save(network.state_dict(), parent.weights_file(0, "best"))
    model = {"depth": 18, "init": f"run:{parent.id}"}
    columns = [("pneumonia", "kept"), ("effusion", "new")]  # that the child calls its label
    settings = [({"task": {"name": "label"}, "data": {"label_column": name}}, head) for name, head in columns]
    for chosen, head in (*settings, ({"task": task}, "kept"), ({"task": task | {"attributes": ["effusion"]}}, "new")):
        config = from_dict({**chosen, "model": model})
        child, _ = build_model(config.model, 2, 1)
        assert inherit(child, config, answers, parent, 0)["head"] == head
        assert torch.equal(child.fc.weight, network.fc.weight) == (head == "kept")
        assert torch.equal(child.conv1.weight, network.conv1.weight)


def test_the_same_network_computes_the_same_as_torchvisions(donor_of, tmp_path):
    donor = donor_of()
    network, _ = from_file(save(donor, tmp_path / "w.safetensors"), classes=1000)
    theirs = torchvision.models.resnet18(num_classes=1000)
    theirs.load_state_dict({**donor, "fc.weight": network.fc.weight.data, "fc.bias": network.fc.bias.data})
    images = torch.from_numpy(np.random.default_rng(0).random((2, 3, 64, 64), dtype=np.float32))
    with torch.inference_mode():
        assert torch.allclose(network.eval()(images), theirs.eval()(images), rtol=1e-4, atol=1e-5)


def head():
    index = np.array([[i // 3, i % 3] for i in range(6)])
    return FactoredHead(16, [2, 3], index)


def test_factored_classes_are_a_distribution_and_their_marginals_are_the_attributes():
    torch.manual_seed(0)
    model, features = head(), torch.randn(10, 16)
    joint = model(features).exp()
    torch.testing.assert_close(joint.sum(1), torch.ones(10))
    gender = model.heads[0](features).softmax(1)
    torch.testing.assert_close(joint.reshape(10, 2, 3).sum(2), gender)
    torch.testing.assert_close(model(features).softmax(1), joint)


def test_joint_cross_entropy_is_the_sum_of_the_attributes_even_when_smoothed():
    torch.manual_seed(0)
    model, features, labels = head(), torch.randn(10, 16), torch.arange(10) % 6
    for smoothing in (0.0, 0.1):
        joint = torch.nn.functional.cross_entropy(model(features), labels, label_smoothing=smoothing)
        parts = sum(
            torch.nn.functional.cross_entropy(model.heads[i](features), part, label_smoothing=smoothing)
            for i, part in enumerate((labels // 3, labels % 3))
        )
        torch.testing.assert_close(joint, parts)


def test_a_factored_network_trains_its_heads_at_the_heads_rate():
    model = unfilled(ModelConfig(depth=18, init="scratch", head="factored"), 6, PARTS)
    backbone, heads = parameter_groups(model)
    assert sum(p.numel() for p in heads) == 512 * 5 + 5
    assert len(backbone) + len(heads) == len(list(model.parameters()))
    assert model(torch.randn(2, 3, 64, 64)).shape == (2, 6)
