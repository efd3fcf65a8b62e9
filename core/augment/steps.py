"""What a pipeline did to an image: step by step with the drawn parameters, one parameter walked, the cost."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from pydantic import ValidationError

from core.augment.pipeline import Pipeline, arguments, build_transform, split_pipeline
from core.config.transforms import SIZED, TRANSFORMS

if TYPE_CHECKING:
    from core.config import TransformConfig

# What albumentations reports of a draw and a person cannot read: sizes, maps, matrices, settings that are fixed.
_UNSAID = {
    *("shape", "output_shape", "max_height", "max_width", "image_type"),
    *("matrix", "bbox_matrix", "matrix_bbox", "map_x", "map_y", "noise_map"),
    *("interpolation", "mask_interpolation", "fill", "fill_mask", "border_mode", "pad_params", "seed"),
}


@dataclass(frozen=True)
class Step:
    """One transform of a pipeline on one image. image: uint8 RGB after it. drawn: its draws, in words."""

    name: str
    image: np.ndarray
    applied: bool
    drawn: str


@dataclass(frozen=True)
class TransformCost:
    """name: of a transform, or 'whole'. milliseconds: of one image, mean. once: paid once a photo, not each epoch."""

    name: str
    milliseconds: float
    once: bool = False


def steps(image: np.ndarray, transforms: Sequence[TransformConfig], seed: int) -> list[Step]:
    """The image after each enabled transform but Normalize; the last one is what training gets for this seed.

    image: uint8 (h, w, 3), decoded. seed: of core.augment.pipeline.sample_seed.
    """
    lead, rest = split_pipeline(transforms)
    taken, size = [], None
    for place, transform in enumerate([*lead, *rest]):
        image, draws = Pipeline([transform], place, size).with_draws(image, seed)
        taken.append(Step(transform.name, image, draws is not None, _words(draws or {})))
        if transform.name in SIZED:
            size = (transform.params["height"], transform.params["width"])
    return taken


def walk(
    image: np.ndarray, transforms: Sequence[TransformConfig], index: int, name: str, values: Sequence[float], seed: int
) -> list[np.ndarray]:
    """The image with one parameter at each of the values, its transform always applied and the other random ones off.

    index: of the transform in the list. A parameter with a low and a high end gets the value for both.
    """
    return [build_whole(at_value(transforms, index, name, value))(image, seed) for value in values]


def alone(transforms: Sequence[TransformConfig], index: int):
    """image, seed -> the image with that random transform always applied and the other random ones off."""
    always = transforms[index].model_copy(update={"p": 1.0})
    return build_whole([always if i == index else t for i, t in enumerate(transforms) if t.deterministic or i == index])


def at_value(
    transforms: Sequence[TransformConfig], index: int, name: str | None, value: float
) -> list[TransformConfig]:
    """The list with only that random transform left, always applied, its parameter at the value.

    name: None leaves its parameters; then the value is its probability.
    """
    changed = []
    for i, transform in enumerate(transforms):
        if i == index:
            changed.append(_always(transform, name, value))
        elif transform.deterministic:
            changed.append(transform)
        else:
            changed.append(transform.model_copy(update={"enabled": False}))
    return changed


def _always(transform: TransformConfig, name: str | None, value: float) -> TransformConfig:
    """The transform, always applied, with a parameter at the value; without a parameter, with that probability."""
    params = dict(transform.params)
    param = TRANSFORMS[transform.name].params.get(name) if name else None
    if name and param:
        params[name] = [value, value] if param.kind.endswith("range") else value
    probability = 1.0 if param or transform.deterministic else value
    return type(transform)(name=transform.name, params=params, p=probability)


def strengths(name: str, param: str | None, steps: int = 9) -> np.ndarray:
    """Values from one end of a parameter's bounds to the other, on its control's steps; odd where it is."""
    if param is None:
        return np.linspace(0, 1, steps)
    entry = TRANSFORMS[name].params[param]
    values = np.linspace(entry.low, entry.high, steps)
    if entry.odd:
        return np.unique(2 * np.round((values - 1) / 2) + 1)
    inner = entry.low + np.round((values - entry.low) / entry.step) * entry.step
    return np.unique(np.clip(np.round(inner, 10), entry.low, entry.high))


def build_whole(transforms: Sequence[TransformConfig]):
    """image, seed -> what training gets: the cached part, then the rest."""
    lead, train = build_transform(transforms, "lead"), build_transform(transforms, "train")
    return lambda image, seed: train(lead(image), seed)


def costs(image: np.ndarray, transforms: Sequence[TransformConfig], seed: int, repeats: int = 5) -> list[TransformCost]:
    """Mean milliseconds of each enabled transform (random ones at p = 1), then of what an epoch pays ("whole").

    The leading deterministic ones are no part of the whole: training computes them once. image: decoded, uint8
    (h, w, 3).
    """
    lead, rest = split_pipeline(transforms)
    measured = []
    for transform in lead:
        pipeline = Pipeline([transform])
        measured.append(TransformCost(transform.name, _milliseconds(pipeline, image, seed, repeats), once=True))
        image = pipeline(image)
    size = image.shape[:2]
    for place, transform in enumerate(rest, len(lead)):
        pipeline = Pipeline([transform.model_copy(update={"p": 1.0})], place, size)
        measured.append(TransformCost(transform.name, _milliseconds(pipeline, image, seed, repeats)))
    whole = Pipeline(rest, len(lead), size)
    return [*measured, TransformCost("whole", _milliseconds(whole, image, seed, 4 * repeats))]


def _milliseconds(pipeline: Pipeline, image: np.ndarray, seed: int, repeats: int) -> float:
    """Mean time for one image, after a first one that does not count; of each draw the shorter of two tries, since
    what else the machine did meanwhile is no cost of the transform."""
    pipeline(image, seed)

    def spent(repeat: int) -> float:
        started = time.perf_counter()
        pipeline(image, seed + 100 * repeat)
        return 1000 * (time.perf_counter() - started)

    return float(np.mean([min(spent(repeat), spent(repeat)) for repeat in range(repeats)]))


def own_complaint(transform: TransformConfig, size: tuple[int, int] = (224, 224)) -> str:
    """What albumentations itself says against these settings, or what it makes of them; empty if it takes them.

    It says some things by a warning alone, which is no way to hear of them: warnings are those of all threads.
    """
    import albumentations as A

    try:
        given = arguments(transform, size)
        made = getattr(A, transform.name)(**given, strict=True)  # else unknown settings are left out with a warning
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        return f"{where}: {first['msg'].removeprefix('Value error, ')}"
    except (ValueError, TypeError) as error:
        return str(error)
    took = {name: getattr(made, name) for name in transform.params}
    changed = [name for name, value in took.items() if value not in (given[name], {"x": given[name], "y": given[name]})]
    return " ".join(f"{name}: {_short(given[name])} is taken as {_short(took[name])}." for name in changed)


def _words(draws: dict[str, Any]) -> str:
    words = []
    for key, value in draws.items():
        if key in _UNSAID:
            continue
        if key == "holes":
            words += [f"{y2 - y1} × {x2 - x1} px at {x1}, {y1}" for x1, y1, x2, y2 in np.asarray(value).tolist()]
        elif key == "vertices_list":
            words.append(f"{len(value)} shadow{'s' * (len(value) != 1)}")
        elif key == "crop_coords":
            x1, y1, x2, y2 = value
            words.append(f"{y2 - y1} × {x2 - x1} px from {x1}, {y1}")
        elif key in ("kernel", "sharpening_matrix"):
            words.append(f"{key.replace('_', ' ')} of {len(value)} px")
        elif isinstance(value, dict):
            words += [f"{key} {axis} {_short(part)}" for axis, part in value.items()]
        else:
            words.append(f"{key.replace('_', ' ')} {_short(value)}")
    return ", ".join(words)


def _short(value: Any) -> str:
    if isinstance(value, (list, tuple, np.ndarray)):
        return " ".join(_short(part) for part in np.asarray(value).ravel()[:8].tolist())
    return f"{value:.3g}" if isinstance(value, (int, float, np.number)) else str(value)
