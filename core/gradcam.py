"""Class-activation maps of many layers from one forward and one backward pass, by pytorch-grad-cam's own methods.

BaseCAM averages over its target layers; here the layers are kept apart, so one pass gives the map of each of them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from pytorch_grad_cam import EigenCAM, EigenGradCAM, GradCAM, GradCAMPlusPlus, HiResCAM, LayerCAM, XGradCAM
from pytorch_grad_cam.utils.image import scale_cam_image
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget
from torch import nn

from core.errors import LabError
from core.fold_models import FoldModel

LAYERS = ("stem", "layer1", "layer2", "layer3", "layer4")
# Those that need one pass. ScoreCAM and AblationCAM ask the network once per channel: minutes a face on a CPU.
METHODS = {
    "GradCAM": GradCAM, "GradCAM++": GradCAMPlusPlus, "XGradCAM": XGradCAM, "HiResCAM": HiResCAM,
    "LayerCAM": LayerCAM, "EigenCAM": EigenCAM, "EigenGradCAM": EigenGradCAM,
}  # fmt: skip


@dataclass(frozen=True)
class LayerMaps:
    """maps: float32 (n, layers, h, w), of the inputs' height and width. signed False: 0..1, each map scaled to its
    largest value. signed True (a difference of two classes): -1..1, positive speaks for the first class.

    probabilities: float64 (n, classes). targets: what each map is of, (class,) or (class, minus class), as indices.
    """

    maps: np.ndarray
    layers: tuple[str, ...]
    method: str
    probabilities: np.ndarray
    targets: tuple[tuple[int, ...], ...]
    signed: bool


@lru_cache(maxsize=len(METHODS))
def _keeping_layers(method: type) -> type:
    """A method of pytorch-grad-cam that returns each layer's raw map instead of their mean."""

    class Kept(method):
        def compute_cam_per_layer(self, input_tensor, targets, eigen_smooth):
            found = self.activations_and_grads
            raw = []
            for index, layer in enumerate(self.target_layers):
                activations = found.activations[index].numpy()
                gradients = found.gradients[index].numpy() if index < len(found.gradients) else None
                raw.append(self.get_cam_image(input_tensor, layer, targets, activations, gradients, eigen_smooth))
            return raw

        def aggregate_multi_layers(self, cam_per_target_layer):
            return cam_per_target_layer

    return Kept


def find_layer(model: nn.Module, name: str) -> nn.Module:
    """'stem' (after the pooling), 'layer1'..'layer4' (the stage's output, after the addition), or 'layer3.2' (a block).

    Raises LabError(kind 'layer') naming the layers that the network has.
    """
    if name == "stem":
        return model.maxpool
    stage, _, block = name.partition(".")
    blocks = getattr(model, stage, None) if stage in LAYERS else None
    if blocks is None or (block and not (block.isdecimal() and int(block) < len(blocks))):
        raise LabError(
            f"layer '{name}' is not in this network.",
            f"Use {', '.join(LAYERS)}, or a block such as layer3.0 (it has {len(model.layer3)} there).",
            kind="layer",
        )
    return blocks[int(block)] if block else blocks


def layer_maps(
    fm: FoldModel,
    photos: np.ndarray,
    targets: Sequence[int | tuple[int, int]] | None = None,
    *,
    layers: Sequence[str] = LAYERS,
    method: str = "GradCAM",
) -> LayerMaps:
    """Every layer's map of every photo from one pass; the caller holds the network (`with fold_model(...) as fm`).

    photos: uint8 (n, h, w, 3) as `photos_of` gives them, all of one size. targets: a class index a photo, or
    (class, other) for their difference, the same kind for all; None takes each photo's predicted class.
    Raises LabError(kind 'layer' or 'method').
    Source: pytorch_grad_cam.base_cam.BaseCAM; the maps are its own, scaled by its own scale_cam_image.
    """
    if method not in METHODS:
        raise LabError(f"method '{method}' is not known.", f"Use one of {', '.join(METHODS)}.", kind="method")
    wanted = [None if targets is None else t if isinstance(t, tuple) else (t,) for t in (targets or [0] * len(photos))]
    signed = targets is not None and any(len(t) > 1 for t in wanted)
    inputs = fm.inputs(photos).requires_grad_(True)  # the weights need no gradient, so theirs are never computed
    cam = _keeping_layers(METHODS[method])(fm.model, [find_layer(fm.model, name) for name in layers])
    try:
        with torch.enable_grad():
            raw = cam(inputs, None if targets is None else [_target(t) for t in wanted])
        logits = cam.outputs.detach()
    finally:
        cam.activations_and_grads.release()
        cam.outputs = None
    probabilities = logits.double().softmax(1).cpu().numpy()
    chosen = probabilities.argmax(1) if targets is None else None
    size = (photos.shape[2], photos.shape[1])
    scale = _scale_signed if signed else _scale
    maps = np.stack([scale(np.asarray(layer, np.float32), size) for layer in raw], axis=1)
    told = tuple(tuple(t) for t in wanted) if chosen is None else tuple((int(c),) for c in chosen)
    return LayerMaps(maps, tuple(layers), method, probabilities, told, signed)


def _target(classes: tuple[int, ...]) -> Callable[[torch.Tensor], torch.Tensor]:
    if len(classes) == 1:
        return ClassifierOutputTarget(classes[0])
    return lambda output: output[classes[0]] - output[classes[1]]


def _scale(raw: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(n, h, w) -> (n, H, W), 0..1, as BaseCAM does for one layer: rectified, stretched, resized, stretched again."""
    return np.asarray(scale_cam_image(np.maximum(scale_cam_image(np.maximum(raw, 0), size), 0)), np.float32)


def _scale_signed(raw: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(n, h, w) -> (n, H, W), -1..1: resized and divided by the largest absolute value; zero stays zero."""
    import cv2

    found = []
    for one in raw:
        large = cv2.resize(one, size)
        top = np.abs(large).max()
        found.append(large / top if top > 0 else large)
    return np.asarray(found, np.float32)


def strongest_share(maps: np.ndarray, part: float = 0.1) -> np.ndarray:
    """Concentration: share of all heat that lies in the hottest `part` of pixels, shape (...,); NaN for an empty map.

    maps: (..., h, w), not negative. An even map gives `part` itself, a single hot pixel 1.
    """
    flat = np.sort(np.abs(maps).reshape(*maps.shape[:-2], -1), axis=-1)
    count = max(1, round(part * flat.shape[-1]))
    total = flat.sum(-1)
    return np.divide(flat[..., -count:].sum(-1), total, out=np.full(total.shape, np.nan), where=total > 0)
