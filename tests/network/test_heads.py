import numpy as np
import torch

from core.config.run_config import ModelConfig, TaskConfig
from core.data.tasks import class_parts
from core.network.heads import FactoredHead
from core.network.model import build_model, parameter_groups

NAMES = ["female <30", "female 30-59", "female >=60", "male <30", "male 30-59", "male >=60"]
PARTS = class_parts(TaskConfig(), NAMES)


def test_class_parts_read_the_attributes_back_from_the_names():
    assert PARTS[0] == {"gender": "female", "age": "<30"}
    assert PARTS[5] == {"gender": "male", "age": ">=60"}
    masked = class_parts(TaskConfig(name="mask-gender-age"), ["incorrect male >=60"])
    assert masked == [{"mask": "incorrect", "gender": "male", "age": ">=60"}]
    assert class_parts(TaskConfig(name="label"), ["a b c"]) == [{"label": "a b c"}]


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
    model, _ = build_model(ModelConfig(depth=18, init="scratch", head="factored"), 6, 0, PARTS)
    backbone, heads = parameter_groups(model)
    assert sum(p.numel() for p in heads) == 512 * 5 + 5
    assert len(backbone) + len(heads) == len(list(model.parameters()))
    assert model(torch.randn(2, 3, 64, 64)).shape == (2, 6)
