"""One pass through a ResNet that leaves every layer's class-activation map: the library's maps, not averaged.

ScoreCAM and AblationCAM are not offered: they need a forward pass for every channel, hundreds to thousands a face.
"""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np
import pytorch_grad_cam as library
import torch
from torch import nn

from core.errors import LabError
from core.inside.layers import LAYERS
from core.network.model import FactoredHead, PairHead

METHOD_CLASSES = {
    "GradCAM": library.GradCAM,
    "GradCAM++": library.GradCAMPlusPlus,
    "XGradCAM": library.XGradCAM,
    "HiResCAM": library.HiResCAM,
    "LayerCAM": library.LayerCAM,
    "EigenCAM": library.EigenCAM,
    "EigenGradCAM": library.EigenGradCAM,
}
WEIGHTED = ("GradCAM", "GradCAM++", "XGradCAM")  # one weight a channel
PROJECTED = ("EigenCAM", "EigenGradCAM")  # no sign
LINEAR = ("GradCAM", "XGradCAM", "HiResCAM")  # in the gradient: their map of a difference is the difference of maps


def rescale(raw: np.ndarray, size: tuple[int, int], signed: bool = False) -> np.ndarray:
    """A layer's raw maps (n, h, w) as they are shown, float32 (n, H, W).

    Unsigned as pytorch-grad-cam does it for a single layer: negative values cut off, each map from 0 to 1, enlarged
    bilinearly, and again from 0 to 1. Signed: enlarged and divided by the largest absolute value. A map without heat
    is zero.
    """
    if not signed:
        scale = library.utils.image.scale_cam_image
        return scale(scale(np.maximum(raw, 0), size[::-1]))
    large = np.stack([cv2.resize(np.float32(heat), size[::-1]) for heat in raw])
    top = np.abs(large).max((1, 2), keepdims=True)
    return np.divide(large, top, out=np.zeros_like(large), where=top > 0)


def block_names(model: nn.Module) -> list[str]:
    """Every place that has a map, each by its block, front to back: stem, layer1.0, layer1.1, ... layer4.2."""
    stages = [(name, getattr(model, name)) for name in LAYERS[1:]]
    return ["stem"] + [f"{name}.{i}" for name, stage in stages for i in range(len(stage))]


def block_of(model: nn.Module, layer: str) -> str:
    """The block whose output a layer's name means: layer2 is layer2.3 in a ResNet-50. Raises LabError(kind 'layer')."""
    names = block_names(model)
    name = f"{layer}.{len(getattr(model, layer)) - 1}" if layer in LAYERS[1:] else layer
    if name not in names:
        raise LabError(
            f"maps: this network has no layer '{layer}'.",
            f"Choose one of {', '.join(LAYERS)}, or a block from {names[1]} to {names[-1]}.",
            kind="layer",
        )
    return name


def modules_of(model: nn.Module, layers: Sequence[str]) -> dict[str, nn.Module]:
    """Each block once, front to back: the library pairs activations and gradients by that order."""
    blocks = sorted({block_of(model, name) for name in layers}, key=block_names(model).index)
    return {name: model.relu if name == "stem" else model.get_submodule(name) for name in blocks}


def index_of(pick: int | str, logits) -> int:
    """The class index that a pick means for one face's logits (classes,)."""
    if pick == "predicted":
        return int(logits.argmax())
    if pick == "runner-up":
        return int(logits.argsort()[-2])
    return int(pick)


def one_pass(
    model: nn.Module, modules: dict[str, nn.Module], inputs: torch.Tensor, picks: list[list], method: str
) -> tuple[list[np.ndarray], np.ndarray]:
    """(raw maps of each module, (n, h, w); the network's answers (n, classes)) of one batch.

    picks: for each face, see index_of, what its map is for; where there is a second list, what that one is against.
    A map is for a class's logit, which of a factored head is the sum of its attributes' logits,
    and of an attribute that is told by itself its one logit, with its sign turned for no. The map of a difference
    needs a second pass only where the method is not linear in the gradient.
    """
    if len(picks) == 2 and method not in LINEAR:
        first, logits = one_pass(model, modules, inputs, picks[:1], method)
        second, _ = one_pass(model, modules, inputs, picks[1:], method)
        return [a - b for a, b in zip(first, second, strict=True)], logits

    class Layers(METHOD_CLASSES[method]):  # type: ignore[misc, valid-type]
        """The library's method, without its mean over layers and without its rescaling."""

        def compute_cam_per_layer(self, inputs, targets, eigen_smooth):
            passed = self.activations_and_grads
            gradients = passed.gradients or passed.activations  # EigenCAM has none and asks for none
            self.raw = [
                np.float32(self.get_cam_image(inputs, None, targets, a.cpu().numpy(), g.cpu().numpy(), eigen_smooth))
                for a, g in zip(passed.activations, gradients, strict=True)
            ]
            return self.raw

        def get_cam_image(self, inputs, layer, targets, activations, gradients, eigen_smooth):
            arguments = (inputs, layer, targets, activations, gradients)
            if method in PROJECTED:
                return _first_direction(activations if method == "EigenCAM" else gradients * activations)
            if method in WEIGHTED:
                return _weighted_sum(self.get_cam_weights(*arguments), activations)
            return super().get_cam_image(*arguments, eigen_smooth)

        def aggregate_multi_layers(self, cam_per_target_layer):
            return cam_per_target_layer

    def target(pick, versus=None):
        def score(logits):
            evidence = logits[index_of(pick, logits)]
            return evidence if versus is None else evidence - logits[index_of(versus, logits)]

        return score

    # The parameters want no gradients, so the graph has to start somewhere: as late as the first layer allows.
    lowest: nn.Module = next(iter(modules.values()))
    start = lowest.register_forward_hook(lambda _, __, output: output.detach().requires_grad_())
    answers: list[torch.Tensor] = []

    def before_softmax(head, inputs, output):
        answers.append(output)
        return head.evidence(inputs[0]) if isinstance(head, FactoredHead | PairHead) else output

    end = model.fc.register_forward_hook(before_softmax)
    try:
        with torch.inference_mode(False), torch.set_grad_enabled(method != "EigenCAM"):
            cam = Layers(model, list(modules.values()))
            try:
                cam(inputs.detach().clone(), [target(*face) for face in zip(*picks, strict=True)])
                return cam.raw, answers[-1].detach().float().cpu().numpy()
            finally:
                cam.activations_and_grads.release()
    finally:
        start.remove()
        end.remove()


def _weighted_sum(weights: np.ndarray, activations: np.ndarray) -> np.ndarray:
    """Sum over channels of weights (n, c) times activations (n, c, h, w): (n, h, w), without the product in memory."""
    return torch.einsum("nc,nchw->nhw", torch.from_numpy(weights), torch.from_numpy(activations)).numpy()


def _first_direction(values: np.ndarray) -> np.ndarray:
    """Each face's values (c, h, w) along their first principal direction: (n, h, w).

    The library's own projection, without the square matrix over all pixels that it has made beside: at a stem of
    112 x 112 that would be 0.6 GB a face.
    """
    maps = []
    for channels in np.nan_to_num(values):
        pixels = channels.reshape(len(channels), -1).T
        pixels = pixels - pixels.mean(axis=0)
        _, _, directions = np.linalg.svd(pixels, full_matrices=False)
        maps.append((pixels @ directions[0]).reshape(channels.shape[1:]))
    return np.float32(maps)
