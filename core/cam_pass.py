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

LAYERS = ("stem", "layer1", "layer2", "layer3", "layer4")
METHODS = {
    "GradCAM": library.GradCAM,
    "GradCAM++": library.GradCAMPlusPlus,
    "XGradCAM": library.XGradCAM,
    "HiResCAM": library.HiResCAM,
    "LayerCAM": library.LayerCAM,
    "EigenCAM": library.EigenCAM,
    "EigenGradCAM": library.EigenGradCAM,
}
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
    large = np.stack([cv2.resize(np.float32(one), size[::-1]) for one in raw])
    top = np.abs(large).max((1, 2), keepdims=True)
    return np.divide(large, top, out=np.zeros_like(large), where=top > 0)


def layer_names(model: nn.Module) -> list[str]:
    """Every place that has a map, front to back: stem, layer1.0, layer1.1, ... layer4.2."""
    stages = [(name, getattr(model, name)) for name in LAYERS[1:]]
    return ["stem"] + [f"{name}.{i}" for name, stage in stages for i in range(len(stage))]


def block_of(model: nn.Module, layer: str) -> str:
    """The block whose output a layer's name means: layer2 is layer2.3 in a ResNet-50. Raises LabError(kind 'layer')."""
    known = layer_names(model)
    name = f"{layer}.{len(getattr(model, layer)) - 1}" if layer in LAYERS[1:] else layer
    if name not in known:
        raise LabError(
            f"maps: this network has no layer '{layer}'.",
            f"Choose one of {', '.join(LAYERS)}, or a block from {known[1]} to {known[-1]}.",
            kind="layer",
        )
    return name


def modules_of(model: nn.Module, layers: Sequence[str]) -> dict[str, nn.Module]:
    """Each block once, front to back: the library pairs activations and gradients by that order."""
    known = layer_names(model)
    blocks = sorted({block_of(model, name) for name in layers}, key=known.index)
    return {name: model.relu if name == "stem" else model.get_submodule(name) for name in blocks}


def index_of(pick: int | str, logits) -> int:
    """The class index that a pick means for one face's logits (classes,)."""
    if pick == "predicted":
        return int(logits.argmax())
    if pick == "runner-up":
        return int(logits.argsort()[-2])
    return int(pick)


def one_pass(
    model: nn.Module, modules: dict[str, nn.Module], inputs: torch.Tensor, wanted: list[list], method: str
) -> tuple[list[np.ndarray], np.ndarray]:
    """(raw maps of each module, (n, h, w); logits (n, classes)) of one batch.

    The map of a difference needs a second pass only where the method is not linear in the gradient.
    """
    if len(wanted) == 2 and method not in LINEAR:
        first, logits = one_pass(model, modules, inputs, wanted[:1], method)
        second, _ = one_pass(model, modules, inputs, wanted[1:], method)
        return [a - b for a, b in zip(first, second, strict=True)], logits

    class Layers(METHODS[method]):
        """The library's method, without its mean over layers and without its rescaling."""

        def compute_cam_per_layer(self, *arguments):
            self.raw = []
            return super().compute_cam_per_layer(*arguments)

        def get_cam_image(self, *arguments, **options):
            image = super().get_cam_image(*arguments, **options)
            self.raw.append(np.float32(image))
            return image

        def aggregate_multi_layers(self, cam_per_target_layer):
            return cam_per_target_layer

    def target(picks):
        def score(logits):
            found = logits[index_of(picks[0], logits)]
            return found - logits[index_of(picks[1], logits)] if len(picks) == 2 else found

        return score

    with torch.inference_mode(False), torch.enable_grad():
        cam = Layers(model, list(modules.values()))
        try:
            # The parameters want no gradients, so the graph has to start at the picture.
            cam(
                inputs.detach().clone().requires_grad_(cam.uses_gradients),
                [target(p) for p in zip(*wanted, strict=True)],
            )
            return cam.raw, cam.outputs.detach().float().cpu().numpy()
        finally:
            cam.activations_and_grads.release()
