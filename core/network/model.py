"""A ResNet: torchvision's network, first weights, a new head (one layer, or one an attribute), two parameter groups."""

from __future__ import annotations

import numpy as np
import torch
import torchvision
from torch import nn
from torch.overrides import TorchFunctionMode

from core.config.run_config import ModelConfig, RunConfig
from core.data.of_what import are_of_the_same, told_apart_by
from core.errors import LabError
from core.network.drawing import seeded
from core.network.weights import check_place, imagenet_file, missing_imagenet
from core.network.weights_file import HEAD, load_backbone
from core.runs import Run, origins
from core.runs.kept import dropped


class FactoredHead(nn.Module):
    """One linear layer per attribute; a class's log-probability is the sum of its attributes' log-probabilities.

    sizes: values of each attribute. index: (classes, attributes) int, which value of each attribute a class has.
    Cross-entropy on its output is the sum of the attributes' cross-entropies, label smoothing included where the
    classes are the full product.
    """

    def __init__(self, features: int, sizes: list[int], index: np.ndarray):
        super().__init__()
        self.heads = nn.ModuleList(nn.Linear(features, size) for size in sizes)
        self.register_buffer("index", torch.as_tensor(index, dtype=torch.int64), persistent=False)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(b, features) -> (b, classes) log-probabilities, which softmax leaves as they are."""
        return self._summed([head(features).log_softmax(1) for head in self.heads])

    def evidence(self, features: torch.Tensor) -> torch.Tensor:
        """(b, features) -> (b, classes) what speaks for each class: the sum of its attributes' logits.

        It is what a joint head's logit is, and what maps explain. Its softmax over classes is that of `forward`, but
        its gradient does not fade where the head is sure: a log-probability's does, by one minus the probability.
        """
        return self._summed([head(features) for head in self.heads])

    def _summed(self, values: list[torch.Tensor]) -> torch.Tensor:
        """values: (b, size) of each attribute -> (b, classes)."""
        return torch.stack([value[:, self.index[:, i]] for i, value in enumerate(values)]).sum(0)


class PairHead(nn.Module):
    """The no and the yes of one output of a head that tells yes/no attributes one by one: a network of two classes.

    logits: the head of all attributes, (b, features) -> (b, attributes). place: of the attribute among them.
    """

    def __init__(self, logits: nn.Module, place: int):
        super().__init__()
        self.logits, self.place = logits, place

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(b, features) -> (b, 2) log-probabilities of no and yes, which softmax leaves as they are."""
        return nn.functional.logsigmoid(self.evidence(features))

    def evidence(self, features: torch.Tensor) -> torch.Tensor:
        """(b, features) -> (b, 2): the attribute's logit speaks for yes, and with its sign turned for no."""
        logit = self.logits(features)[:, self.place]
        return torch.stack([-logit, logit], 1)


def build_model(
    config: ModelConfig,
    classes: int,
    seed: int,
    parts: list[dict[str, str]] | None = None,
    *,
    launched: str = "",
) -> tuple[nn.Module, dict]:
    """A torchvision ResNet with a new head, in channels_last, and the facts about its first weights.

    classes: outputs; of yes/no attributes that are told one by one, one an attribute.
    seed: fixes the random weights without touching torch's global generator.
    parts: what each class says about each attribute; a factored head needs it (data.class_parts).
    launched: SHA-256 that the file of first weights had when the run was launched, where that is known.
    Weights of a parent run are loaded by `inherit`, since they differ from fold to fold.
    Returns (model, {'init', 'file', 'sha256'}). Raises LabError(kind 'weights') when weights are missing or do not fit.
    Source: torchvision.models.resnet.
    """
    with seeded(seed):
        model = _network(config, classes, parts)
    facts: dict = {"init": config.init}
    if config.init == "imagenet":
        path = imagenet_file(config.depth)
        if not path.is_file():
            raise missing_imagenet(config.depth)
        facts |= load_backbone(model, path, expected_hash=path.stem.rsplit("-", 1)[-1])
    elif config.file is not None:
        check_place(config.file)
        facts |= load_backbone(model, config.file, launched=launched)
    return model.to(memory_format=torch.channels_last), facts


def unfilled(config: ModelConfig, classes: int, parts: list[dict[str, str]] | None = None) -> nn.Module:
    """The network of build_model with weights that are whatever lay in memory: for who loads them all from a file."""
    with _Undrawn():
        return _network(config, classes, parts).to(memory_format=torch.channels_last)


class _Undrawn(TorchFunctionMode):
    """In this thread no first weights are drawn: they take most of the time that a network is made in."""

    def __torch_function__(self, function, types, args=(), kwargs=None):
        given = kwargs or {}
        drawing = function in (torch.Tensor.normal_, torch.Tensor.uniform_)
        if drawing or getattr(function, "__module__", "") == nn.init.__name__:
            return args[0] if args else given["tensor"]
        return function(*args, **given)


def _network(config: ModelConfig, classes: int, parts: list[dict[str, str]] | None) -> nn.Module:
    model = getattr(torchvision.models, f"resnet{config.depth}")(weights=None, num_classes=classes)
    if config.head == "factored":
        assert parts is not None, "a factored head is made of the parts of its classes"
        values = {name: list(dict.fromkeys(part[name] for part in parts)) for name in parts[0]}
        index = np.array([[values[name].index(part[name]) for name in values] for part in parts])
        model.fc = FactoredHead(model.fc.in_features, [len(v) for v in values.values()], index)
    return model


def inherit(model: nn.Module, config: RunConfig, class_names: list[str], parent: Run, fold: int) -> dict:
    """Start fold k from the parent's fold k, which never saw the people of fold k.

    The head is kept where classes and kind of head are the parent's own; else it stays new, as it does where classes of
    the same names are those of another attribute.
    Returns {'init', 'file', 'sha256', 'head', 'epoch'}; epoch is None where the file does not say which one it is of.
    Raises LabError: kind 'weights' when the parent or its weights are gone, 'mixed' when they are not of the epoch that
    the parent's predictions and scores describe.
    """
    which = config.model.init_checkpoint
    path = parent.require().weights_file(fold, which)
    if (on_purpose := dropped.missing(parent, fold, which)) is not None:
        raise LabError(
            f"weights: {on_purpose.message}", "Choose another run to start from, or run it again.", kind="weights"
        )
    if not path.is_file():
        raise LabError(
            f"weights: {parent.id} has no {which} weights of fold {fold}.",
            "Let the parent run finish, or choose another one.",
            kind="weights",
        )
    origins.check(parent, fold, which)
    before = parent.config()
    same = parent.info()["class_names"] == class_names and before.model.head == config.model.head
    same = same and before.task.one_by_one == config.task.one_by_one
    same = same and are_of_the_same(
        *(told_apart_by(each.task, class_names, each.data.label_column) for each in (before, config))
    )
    facts = load_backbone(model, path, keep_head=same)
    origin = origins.of_weights(path)
    copied = {"file": f"folds/{fold}/{path.name}", "head": "kept" if same else "new"}
    return {"init": config.model.init, **facts, **copied, "epoch": origin.epoch if origin else None}


def parameter_groups(model: nn.Module) -> tuple[list[nn.Parameter], list[nn.Parameter]]:
    """(backbone, head): everything before the last layer, and the last layer."""
    backbone = [p for name, p in model.named_parameters() if not name.startswith(HEAD)]
    return backbone, list(model.fc.parameters())
