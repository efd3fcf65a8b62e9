"""Build a ResNet: torchvision's network, first weights, a new head, two parameter groups."""

from __future__ import annotations

import numpy as np
import torch
import torchvision
from torch import nn

from core.config.run_config import ModelConfig
from core.errors import LabError
from core.network.heads import FactoredHead
from core.network.weights import imagenet_file, missing_imagenet
from core.network.weights_file import HEAD, load_backbone
from core.runs import Run, origins


def build_model(
    config: ModelConfig, classes: int, seed: int, parts: list[dict[str, str]] | None = None
) -> tuple[nn.Module, dict]:
    """A torchvision ResNet with a new head, in channels_last, and the facts about its first weights.

    seed: fixes the random weights without touching torch's global generator.
    parts: what each class says about each attribute; a factored head needs it (data.class_parts).
    Weights of a parent run are loaded by `inherit`, since they differ from fold to fold.
    Returns (model, {'init', 'file', 'sha256'}). Raises LabError(kind 'weights') when weights are missing or do not fit.
    Source: torchvision.models.resnet.
    """
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model = getattr(torchvision.models, f"resnet{config.depth}")(weights=None, num_classes=classes)
        if config.head == "factored":
            assert parts is not None, "a factored head is made of the parts of its classes"
            values = {name: list(dict.fromkeys(part[name] for part in parts)) for name in parts[0]}
            index = np.array([[values[name].index(part[name]) for name in values] for part in parts])
            model.fc = FactoredHead(model.fc.in_features, [len(v) for v in values.values()], index)
    facts: dict = {"init": config.init}
    if config.init == "imagenet":
        path = imagenet_file(config.depth)
        if not path.is_file():
            raise missing_imagenet(config.depth)
        facts |= load_backbone(model, path, expected_hash=path.stem.rsplit("-", 1)[-1])
    elif config.file is not None:
        facts |= load_backbone(model, config.file)
    return model.to(memory_format=torch.channels_last), facts


def inherit(model: nn.Module, config: ModelConfig, class_names: list[str], parent: Run, fold: int) -> dict:
    """Start fold k from the parent's fold k, which never saw the people of fold k.

    The head is kept where classes and kind of head are the parent's own; else it stays new.
    Returns {'init', 'file', 'sha256', 'head', 'epoch'}; epoch is None where the file does not say which one it is of.
    Raises LabError: kind 'weights' when the parent or its weights are gone, 'mixed' when they are not of the epoch that
    the parent's predictions and scores describe.
    """
    path = parent.require().weights_file(fold, config.init_checkpoint)
    if not path.is_file():
        raise LabError(
            f"weights: {parent.id} has no {config.init_checkpoint} weights of fold {fold}.",
            "Let the parent run finish, or choose another one.",
            kind="weights",
        )
    origins.check(parent, fold, config.init_checkpoint)
    same = parent.info()["class_names"] == class_names and parent.config().model.head == config.head
    facts = load_backbone(model, path, keep_head=same)
    origin = origins.of_weights(path)
    told = {"file": f"folds/{fold}/{path.name}", "head": "kept" if same else "new"}
    return {"init": config.init, **facts, **told, "epoch": origin.epoch if origin else None}


def parameter_groups(model: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """(backbone, head): everything before the last layer, and the last layer."""
    backbone = [p for name, p in model.named_parameters() if not name.startswith(HEAD)]
    return backbone, list(model.fc.parameters())
