"""What a pipeline did to an image: step by step with the drawn parameters, one parameter walked, the cost."""

from __future__ import annotations

import time
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from core.augment.pipeline import SIZED, TRANSFORMS, Pipeline, arguments, build_transform, split_pipeline

if TYPE_CHECKING:
    from core.config import TransformConfig

# What albumentations reports of a draw and a person cannot read: sizes, maps, matrices, settings that are fixed.
_UNSAID = {
    "shape", "interpolation", "fill", "fill_mask", "seed", "matrix", "bbox_matrix", "matrix_bbox", "output_shape",
    "map_x", "map_y", "noise_map", "image_type", "max_height", "max_width", "pad_params", "mask_interpolation",
    "border_mode",
}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One transform of a pipeline on one image. image: uint8 RGB after it. drawn: its draws, in words."""

    name: str
    image: np.ndarray
    applied: bool
    drawn: str


@dataclass(frozen=True)
class Cost:
    """name: of a transform, or 'whole'. milliseconds: of one image, mean. once: paid once a photo, not each epoch."""

    name: str
    milliseconds: float
    once: bool = False


def steps(image: np.ndarray, transforms: Sequence[TransformConfig], seed: int) -> list[Step]:
    """The image after each enabled transform but Normalize; the last one is what training gets for this seed.

    image: uint8 (h, w, 3), decoded. seed: of core.augment.pipeline.sample_seed.
    """
    lead, rest = split_pipeline(transforms)
    found, size = [], None
    for place, t in enumerate([*lead, *rest]):
        one = Pipeline([t], place, size)
        image, drawn = one.told(image, seed)
        found.append(Step(t.name, image, drawn is not None, _words(drawn or {})))
        if t.name in SIZED:
            size = (t.params["height"], t.params["width"])
    return found


def walk(
    image: np.ndarray, transforms: Sequence[TransformConfig], index: int, name: str, values: Sequence[float], seed: int
) -> list[np.ndarray]:
    """The image with one parameter at each of the values, its transform always applied and the other random ones off.

    index: of the transform in the list. A parameter with a low and a high end gets the value for both.
    """
    return [build_whole(at_value(transforms, index, name, value))(image, seed) for value in values]


def alone(transforms: Sequence[TransformConfig], index: int):
    """image, seed -> the image with that random transform always applied and the other random ones off."""
    kept = [t for i, t in enumerate(transforms) if t.deterministic or i == index]
    place = next(i for i, t in enumerate(kept) if t is transforms[index])
    kept[place] = kept[place].model_copy(update={"p": 1.0})
    return build_whole(kept)


def at_value(
    transforms: Sequence[TransformConfig], index: int, name: str | None, value: float
) -> list[TransformConfig]:
    """The list with only that random transform left, always applied, its parameter at the value.

    name: None leaves its parameters; then the value is its probability.
    """
    made = []
    for i, t in enumerate(transforms):
        if i == index:
            param = TRANSFORMS[t.name].params.get(name) if name else None
            wanted = t.params | ({name: [value] * 2 if param.kind.endswith("range") else value} if param else {})
            made.append(type(t)(name=t.name, params=wanted, p=1.0 if param or t.deterministic else value))
        elif t.deterministic:
            made.append(t)
        else:
            made.append(t.model_copy(update={"enabled": False}))
    return made


def strengths(name: str, param: str | None, steps: int = 9) -> np.ndarray:
    """Values from the one end of a parameter's bounds to the other; whole and odd where the parameter is."""
    if param is None:
        return np.linspace(0, 1, steps)
    entry = TRANSFORMS[name].params[param]
    values = np.linspace(entry.low, entry.high, steps)
    if entry.kind.startswith("int"):
        values = np.unique(2 * np.round((values - 1) / 2) + 1 if entry.odd else np.round(values))
    return values


def build_whole(transforms: Sequence[TransformConfig]):
    """image, seed -> what training gets: the cached part, then the rest."""
    lead, train = build_transform(transforms, "lead"), build_transform(transforms, "train")
    return lambda image, seed: train(lead(image), seed)


def costs(image: np.ndarray, transforms: Sequence[TransformConfig], seed: int, repeats: int = 5) -> list[Cost]:
    """Mean milliseconds of each enabled transform (random ones at p = 1), then of what an epoch pays ("whole").

    The leading deterministic ones are no part of the whole: training computes them once. image: decoded, uint8
    (h, w, 3).
    """
    lead, rest = split_pipeline(transforms)
    found = []
    for t in lead:
        one = Pipeline([t])
        found.append(Cost(t.name, _mean(one, image, seed, repeats), once=True))
        image = one(image)
    size = image.shape[:2]
    for place, t in enumerate(rest, len(lead)):
        always = t.model_copy(update={"p": 1.0})
        found.append(Cost(t.name, _mean(Pipeline([always], place, size), image, seed, repeats)))
    whole = Pipeline(rest, len(lead), size)
    return [*found, Cost("whole", _mean(whole, image, seed, 4 * repeats))]


def _mean(pipeline: Pipeline, image: np.ndarray, seed: int, repeats: int) -> float:
    pipeline(image, seed)
    spent = []
    for repeat in range(repeats):
        started = time.perf_counter()
        pipeline(image, seed + 100 * repeat)
        spent.append(1000 * (time.perf_counter() - started))
    return float(np.mean(spent))


def own_complaint(t: TransformConfig, size: tuple[int, int] = (224, 224)) -> str:
    """What albumentations itself says against these settings, an error or a warning; empty if it takes them."""
    import albumentations as A

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        try:
            getattr(A, t.name)(**arguments(t, size))
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            return f"{where}: {first['msg'].removeprefix('Value error, ')}"
        except (ValueError, TypeError) as error:
            return str(error)
    return " ".join(str(entry.message) for entry in caught)


def _words(drawn: dict[str, Any]) -> str:
    told = []
    for key, value in drawn.items():
        if key in _UNSAID:
            continue
        if key == "holes":
            told += [f"{y2 - y1} × {x2 - x1} px at {x1}, {y1}" for x1, y1, x2, y2 in np.asarray(value).tolist()]
        elif key == "vertices_list":
            told.append(f"{len(value)} shadow{'s' * (len(value) != 1)}")
        elif key == "crop_coords":
            x1, y1, x2, y2 = value
            told.append(f"{y2 - y1} × {x2 - x1} px from {x1}, {y1}")
        elif key in ("kernel", "sharpening_matrix"):
            told.append(f"{key.replace('_', ' ')} of {len(value)} px")
        elif isinstance(value, dict):
            told += [f"{key} {axis} {_short(part)}" for axis, part in value.items()]
        else:
            told.append(f"{key.replace('_', ' ')} {_short(value)}")
    return ", ".join(told)


def _short(value: Any) -> str:
    if isinstance(value, (list, tuple, np.ndarray)):
        return " ".join(_short(part) for part in np.asarray(value).ravel()[:8].tolist())
    return f"{value:.3g}" if isinstance(value, (int, float, np.number)) else str(value)
