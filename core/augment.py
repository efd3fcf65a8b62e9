"""The one table of transforms, and the pipelines that training, preview and prediction share.

The table is data: adding a transform is one entry. albumentations is imported when a pipeline is built, so that
reading a configuration stays quick.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from core.config import TransformConfig

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")


@dataclass(frozen=True)
class Param:
    """One parameter of a transform, as a form needs it.

    kind: 'int', 'float', 'int range', 'float range' (a low and a high end) or 'rgb' (three floats).
    low, high: the bounds that the lab accepts, both included.
    """

    kind: str
    default: Any
    low: float
    high: float
    step: float
    help: str


@dataclass(frozen=True)
class Transform:
    """deterministic: the same for every image and applied in validation too. fixed: arguments that are not settings."""

    help: str
    params: dict[str, Param] = field(default_factory=dict)
    deterministic: bool = False
    fixed: dict[str, Any] = field(default_factory=dict)


_SIDE = {"low": 8, "high": 2048, "step": 1}
TRANSFORMS: dict[str, Transform] = {
    "CenterCrop": Transform(
        "Cuts the middle out of the photo; a photo smaller than the crop is padded with black.",
        {
            "height": Param("int", 400, help="Height of the crop, in pixels.", **_SIDE),
            "width": Param("int", 256, help="Width of the crop, in pixels.", **_SIDE),
        },
        deterministic=True,
        fixed={"pad_if_needed": True},
    ),
    "Resize": Transform(
        "Scales to the size that the network sees, without keeping the proportions.",
        {
            "height": Param("int", 224, help="Height, in pixels.", **_SIDE),
            "width": Param("int", 224, help="Width, in pixels.", **_SIDE),
        },
        deterministic=True,
        fixed={"interpolation": 3},  # cv2.INTER_AREA: photos shrink, and area averaging does not alias
    ),
    "RandomBrightnessContrast": Transform(
        "Makes the photo lighter or darker and changes its contrast.",
        {
            "brightness_limit": Param(
                "float range", [-0.2, 0.2], -1, 1, 0.05, "Change of brightness, as a share of full scale."
            ),
            "contrast_limit": Param("float range", [-0.2, 0.2], -1, 1, 0.05, "Change of contrast, as a share."),
        },
    ),
    "HorizontalFlip": Transform("Mirrors left and right."),
    "Affine": Transform(
        "Turns, scales and shifts the photo a little; what falls in from outside repeats the border.",
        {
            "rotate": Param("float range", [-10.0, 10.0], -180, 180, 1, "Turn, in degrees."),
            "scale": Param("float range", [0.9, 1.1], 0.1, 4, 0.05, "Scale; 1 leaves the size as it is."),
            "translate_percent": Param("float range", [-0.06, 0.06], -1, 1, 0.01, "Shift, as a share of the side."),
        },
        fixed={"border_mode": 1},  # cv2.BORDER_REPLICATE: black corners would tell how far a face was turned
    ),
    "InvertImg": Transform("Turns the photo into its negative."),
    "CoarseDropout": Transform(
        "Covers rectangles with black, so that no single part of the face suffices.",
        {
            "num_holes_range": Param("int range", [4, 4], 1, 64, 1, "Fewest and most rectangles."),
            "hole_height_range": Param("int range", [50, 50], 1, 1024, 1, "Their height, in pixels."),
            "hole_width_range": Param("int range", [50, 50], 1, 1024, 1, "Their width, in pixels."),
        },
        fixed={"fill": 0},
    ),
    "Normalize": Transform(
        "Subtracts the mean colour and divides by its deviation; done on the device, a batch at a time.",
        {
            "mean": Param("rgb", [0.485, 0.456, 0.406], 0, 1, 0.001, "Mean of red, green, blue (ImageNet's)."),
            "std": Param("rgb", [0.229, 0.224, 0.225], 0.01, 1, 0.001, "Deviation of red, green, blue (ImageNet's)."),
        },
        deterministic=True,
    ),
}


def default_params(name: str) -> dict[str, Any]:
    return {key: param.default for key, param in TRANSFORMS[name].params.items()}


def check_params(name: str, params: dict[str, Any]) -> dict[str, Any]:
    """The parameters in their own types. Raises ValueError that names the parameter and its bounds."""
    known = TRANSFORMS[name].params
    checked = {}
    for key, value in params.items():
        if key not in known:
            allowed = ", ".join(known) or "none"
            raise ValueError(f"{name}: unknown parameter '{key}' (its parameters: {allowed})")
        param = known[key]
        many = {"int range": 2, "float range": 2, "rgb": 3}.get(param.kind)
        values = list(value) if isinstance(value, (list, tuple)) else [value]
        if len(values) != (many or 1) or (many is None) != (not isinstance(value, (list, tuple))):
            raise ValueError(f"{name}.{key}: expected {f'{many} numbers' if many else 'one number'}, found {value!r}")
        whole = param.kind.startswith("int")
        for number in values:
            if isinstance(number, bool) or not isinstance(number, (int, float)):
                raise ValueError(f"{name}.{key}: expected a {'whole ' if whole else ''}number, found {number!r}")
            if not param.low <= number <= param.high:
                raise ValueError(f"{name}.{key}: {number:g} is outside {param.low:g} to {param.high:g}")
            if whole and number != int(number):
                raise ValueError(f"{name}.{key}: expected a whole number, found {number!r}")
        if param.kind.endswith("range") and values[0] > values[1]:
            raise ValueError(f"{name}.{key}: the low end {values[0]:g} is above the high end {values[1]:g}")
        values = [int(v) if whole else float(v) for v in values]
        checked[key] = values if many else values[0]
    return checked


def split_pipeline(transforms: Sequence[TransformConfig]) -> tuple[list[TransformConfig], list[TransformConfig]]:
    """(leading deterministic transforms, the rest), enabled ones only and without Normalize.

    The first part is what the pixel cache holds; the second is drawn anew for every sample and epoch.
    """
    active = [t for t in transforms if t.enabled and t.name != "Normalize"]
    lead = 0
    while lead < len(active) and active[lead].deterministic:
        lead += 1
    return active[:lead], active[lead:]


def normalization(transforms: Sequence[TransformConfig]) -> tuple[list[float], list[float]]:
    """(mean, std) of the enabled Normalize, each three floats on a 0..1 scale."""
    last = next(t for t in reversed(transforms) if t.enabled and t.name == "Normalize")
    return last.params["mean"], last.params["std"]


def _compose(transforms: Sequence[TransformConfig]):
    import albumentations as A
    import cv2

    cv2.setNumThreads(0)  # loaders are the parallel part; OpenCV's own threads only fight with torch's
    made = []
    for t in transforms:
        entry = TRANSFORMS[t.name]
        arguments = {k: tuple(v) if isinstance(v, list) else v for k, v in t.params.items()}
        made.append(getattr(A, t.name)(**arguments, **entry.fixed, p=1.0 if entry.deterministic else t.p))
    return A.Compose(made)


class Pipeline:
    """Transforms on one uint8 RGB image; every draw comes from the seed that is passed in.

    __call__(image, seed): image uint8 (h, w, 3) -> uint8 (H, W, 3), C-contiguous.
    Source: albumentations 2.0 (`Compose.set_random_seed`).
    """

    def __init__(self, transforms: Sequence[TransformConfig]):
        self._compose = _compose(transforms) if transforms else None
        self._random = any(not t.deterministic for t in transforms)

    def __call__(self, image: np.ndarray, seed: int = 0) -> np.ndarray:
        if self._compose is None:
            return image
        if self._random:
            self._compose.set_random_seed(seed)
        return np.ascontiguousarray(self._compose(image=image)["image"])


def build_transform(transforms: Sequence[TransformConfig], stage: str) -> Pipeline:
    """The pipeline of a stage, without Normalize (which the device does, see `normalization`).

    stage: 'lead' (the cached part), 'train' (what follows it in training), 'eval' (what follows it in validation,
    Grad-CAM and prediction: the deterministic ones only).
    """
    lead, rest = split_pipeline(transforms)
    if stage == "lead":
        return Pipeline(lead)
    if stage == "train":
        return Pipeline(rest)
    if stage == "eval":
        return Pipeline([t for t in rest if t.deterministic])
    raise ValueError(f"stage must be 'lead', 'train' or 'eval', found {stage!r}")


def sample_seed(seed: int, fold: int, epoch: int, sample: int, repeat: int = 0) -> int:
    """The seed of one sample's draws in one epoch, 0 <= value < 2**32.

    A pure function, so that neither the number of loader workers nor a resume changes an image.
    sample: the sample's row in the frozen samples table. repeat: times it was drawn before in this epoch.
    Source: numpy.random.SeedSequence.
    """
    return int(np.random.SeedSequence([seed, fold, epoch, 1, sample, repeat]).generate_state(1)[0])
