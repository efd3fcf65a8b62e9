"""What each transform takes away from a face, measured on photos: nothing, too much, or too much of the frame."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.augment import SIZED, TRANSFORMS, Pipeline, measuring, split_pipeline

if TYPE_CHECKING:
    from core.config import TransformConfig

# The face of an aligned photo: an ellipse in the middle, 60 % of the width and 80 % of the height, in three bands.
REGIONS = ("forehead", "eyes and nose", "mouth and chin")
FACE_WIDTH, FACE_HEIGHT = 0.6, 0.8
CELLS = 60  # a side; what falls out of the frame is counted in cells, so that turning and scaling do not count
DESTROYS, CUTS = 0.25, 1 / 3
DARK, LIGHT = 80, 175  # mean grey of a face, of 255


@dataclass(frozen=True)
class Effect:
    """One transform, always applied, over photos and draws.

    index: its place in the list. changed: share of draws (0..1) that differ from their input.
    removed: mean share of the face's pixels that is covered, out of the frame, or newly pure black or white; regions:
    the same for each of REGIONS. cut: mean share of the whole frame that is gone. grey: mean grey of the face (0..255)
    before and after.
    """

    index: int
    name: str
    changed: float
    removed: float
    regions: dict[str, float]
    cut: float
    grey: tuple[float, float]


def face_regions(height: int, width: int) -> np.ndarray:
    """uint8 (height, width): 0 around the face, 1.. the region of REGIONS."""
    y = ((np.arange(height, dtype=np.float32) + 0.5) / height - 0.5)[:, None]
    x = ((np.arange(width, dtype=np.float32) + 0.5) / width - 0.5)[None, :]
    inside = (2 * x / FACE_WIDTH) ** 2 + (2 * y / FACE_HEIGHT) ** 2 <= 1
    band = 1 + np.clip(((y / FACE_HEIGHT + 0.5) * len(REGIONS)).astype(int), 0, len(REGIONS) - 1)
    return inside * band.astype(np.uint8)


def effects(images: Sequence[np.ndarray], transforms: Sequence[TransformConfig], seeds: Sequence[int]) -> list[Effect]:
    """One entry for each enabled transform that is not a Resize or Normalize, each measured where it stands.

    images: decoded photos, uint8 (h, w, 3), at least one. What stands before a transform is applied as in validation.
    """
    lead, rest = split_pipeline(transforms)
    inputs, found, size = list(images), [], None
    for place, t in enumerate([*lead, *rest]):
        index = next(i for i, other in enumerate(transforms) if other is t)
        if t.name != "Resize":
            found.append(_effect(index, t, place, inputs, seeds[:1] if t.deterministic else seeds, size))
        if t.deterministic:
            inputs = [Pipeline([t])(image) for image in inputs]
        if t.name in SIZED:
            size = (t.params["height"], t.params["width"])
    return found


def warnings_of(effect: Effect) -> list[str]:
    """Sentences about an effect that a person should not overlook; none for a harmless one."""
    told = []
    if effect.changed == 0:
        told.append(f"{effect.name} does nothing with these settings.")
    if effect.removed > DESTROYS:
        worst = max(effect.regions, key=effect.regions.get)
        told.append(
            f"{effect.name} takes {effect.removed:.0%} of the face away when it is applied, most of it from "
            f"{worst} ({effect.regions[worst]:.0%})."
        )
    if effect.cut > CUTS:
        told.append(f"{effect.name} cuts off {effect.cut:.0%} of the frame, more than a third.")
    before, after = effect.grey
    if (before < DARK and after > LIGHT) or (before > LIGHT and after < DARK):
        told.append(
            f"{effect.name} turns faces of mean grey {before:.0f} into {after:.0f} of 255: dark becomes light, or "
            "light dark."
        )
    return told


def _effect(
    index: int,
    t: TransformConfig,
    place: int,
    images: Sequence[np.ndarray],
    seeds: Sequence[int],
    size: tuple[int, int] | None,
) -> Effect:
    kind = TRANSFORMS[t.name].removes
    pipeline = measuring(t, place, size or images[0].shape[:2])
    rows, changed = [], []
    for image in images:
        regions = face_regions(*image.shape[:2])
        marks = _cells(*image.shape[:2]) if kind == "moves" else np.ones(image.shape[:2], np.uint8)
        for seed in seeds:
            after, mask = pipeline.with_mask(image, marks, seed)
            changed.append(after.shape != image.shape or not np.array_equal(after, image))
            gone = _gone(kind, image, after, marks, mask)
            shares = [float(gone[regions == r].mean()) if (regions == r).any() else 0.0 for r in (1, 2, 3)]
            face = float(gone[regions > 0].mean()) if regions.any() else 0.0
            cut = float(gone.mean()) if kind == "moves" else 0.0
            rows.append([face, *shares, cut, _grey(image), _grey(after)])
    face, first, second, third, cut, before, now = np.mean(rows, axis=0).tolist()
    regions = dict(zip(REGIONS, (first, second, third), strict=True))
    return Effect(index, t.name, float(np.mean(changed)), face, regions, cut, (before, now))


def _gone(kind: str, image: np.ndarray, after: np.ndarray, marks: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """bool (h, w) over the pixels of the input: whether each is taken away."""
    if kind == "covers":
        return mask == 0
    if kind == "moves":
        left = np.zeros((CELLS + 1, CELLS + 1), bool)
        left[mask[:, :, 0], mask[:, :, 1]] = True
        return ~left[marks[:, :, 0], marks[:, :, 1]]
    flat = (after == 0).all(axis=2) | (after == 255).all(axis=2)
    return flat & ~((image == 0).all(axis=2) | (image == 255).all(axis=2))


def _cells(height: int, width: int) -> np.ndarray:
    """uint8 (height, width, 2): row and column, from 1, of the cell that each pixel is in."""
    cells = np.empty((height, width, 2), np.uint8)
    cells[:, :, 0] = (1 + np.arange(height) * CELLS // height)[:, None]
    cells[:, :, 1] = (1 + np.arange(width) * CELLS // width)[None, :]
    return cells


def _grey(image: np.ndarray) -> float:
    inside = face_regions(*image.shape[:2]) > 0
    return float(image[inside].mean()) if inside.any() else float(image.mean())
