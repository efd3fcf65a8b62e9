"""What each transform takes away from a face, measured on photos: nothing, too much, or too much of the frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image

from core.augment.pipeline import SIZED, TRANSFORMS, Pipeline, measuring, split_pipeline
from core.errors import memory_in_words

if TYPE_CHECKING:
    from core.config import TransformConfig

# The face of an aligned photo: an ellipse in the middle, 60 % of the width and 80 % of the height, in three bands.
REGIONS = ("forehead", "eyes and nose", "mouth and chin")
FACE_WIDTH, FACE_HEIGHT = 0.6, 0.8
CELLS = 60  # a side; what falls out of the frame is counted in cells, so that turning and scaling do not count
DESTROYS, CUTS = 0.25, 1 / 3
DARK, LIGHT = 80, 175  # mean grey of a face, of 255
APART = 20  # of 255, between dark and light faces that a person sees as such
SHOWN = 96  # px, the longer side of the mean photo
PIXELS = 1_000_000  # a crop of a larger photo is measured on a coarser copy
Box = tuple[int, int, int, int]  # top, left, bottom, right of what is left of the photo in a padded frame, pixels


@dataclass(frozen=True)
class Effect:
    """One transform, always applied, over photos and draws.

    index: its place in the list. changed: share of draws (0..1) that differ from their input.
    removed: mean share of the face's pixels that is covered, out of the frame, or newly pure black or white; regions:
    the same for each of REGIONS. cut: mean share of the whole frame that is gone.
    before, after: (photos,) mean grey of each face (0..255). where: (CELLS, CELLS) share of draws in which a place is
    gone. mean: uint8 RGB, the mean of the photos as they come in, its longer side SHOWN px; box: where in it a photo
    lies, (top, left, bottom, right) in pixels, mean.
    """

    index: int
    name: str
    changed: float
    removed: float
    regions: dict[str, float]
    cut: float
    before: np.ndarray
    after: np.ndarray
    where: np.ndarray
    mean: np.ndarray
    box: Box

    @property
    def grey(self) -> tuple[float, float]:
        """Mean grey of the faces before and after."""
        return float(self.before.mean()), float(self.after.mean())

    @property
    def dark(self) -> tuple[float, float]:
        """The same of the darkest third of the photos."""
        return self._third(np.argsort(self.before, kind="stable"))

    @property
    def light(self) -> tuple[float, float]:
        """The same of the lightest third of the photos."""
        return self._third(np.argsort(-self.before, kind="stable"))

    def _third(self, order: np.ndarray) -> tuple[float, float]:
        chosen = order[: max(1, len(order) // 3)]
        return float(self.before[chosen].mean()), float(self.after[chosen].mean())


def face_regions(height: int, width: int, box: Box | None = None) -> np.ndarray:
    """uint8 (height, width): 0 around the face, 1.. the region of REGIONS. box: where the photo lies in the frame."""
    top, left, bottom, right = box or (0, 0, height, width)
    high, wide = bottom - top, right - left
    y = ((np.arange(high, dtype=np.float32) + 0.5) / high - 0.5)[:, None]
    x = ((np.arange(wide, dtype=np.float32) + 0.5) / wide - 0.5)[None, :]
    inside = (2 * x / FACE_WIDTH) ** 2 + (2 * y / FACE_HEIGHT) ** 2 <= 1
    band = 1 + np.clip(((y / FACE_HEIGHT + 0.5) * len(REGIONS)).astype(int), 0, len(REGIONS) - 1)
    regions = np.zeros((height, width), np.uint8)
    regions[top:bottom, left:right] = inside * band.astype(np.uint8)
    return regions


@memory_in_words("effects of transforms", "Choose fewer photos or smaller ones, or wait until nothing trains here.")
def effects(
    load: Callable[[], Sequence[np.ndarray]],
    transforms: Sequence[TransformConfig],
    seeds: Sequence[int],
    memo: dict[str, Effect] | None = None,
) -> list[Effect]:
    """One entry for each enabled transform that is not a Resize or Normalize, each measured where it stands.

    load: gives decoded photos, uint8 (h, w, 3), at least one; called when something is to be measured. What stands
    before a transform is applied as in validation. memo: what was measured on the same photos and seeds before, kept up
    to date here; a transform that did not change is not measured again.
    """
    lead, rest = split_pipeline(transforms)
    memo = {} if memo is None else memo
    places: list[tuple[int, TransformConfig, str, tuple[int, int] | None]] = []
    before, size = "", None
    for place, t in enumerate([*lead, *rest]):
        key = f"{place} {before}{t.model_dump_json(exclude={'p', 'enabled'})}"
        places.append((place, t, key, size))
        if t.deterministic:
            before = key
        if t.name in SIZED:
            size = (t.params["height"], t.params["width"])
    if any(key not in memo for _, t, key, _ in places if t.name != "Resize"):
        _measure(load(), places, seeds, memo)
    index = {id(t): i for i, t in enumerate(transforms)}
    return [replace(memo[key], index=index[id(t)]) for _, t, key, _ in places if t.name != "Resize"]


def warnings_of(effect: Effect) -> list[str]:
    """Sentences about an effect that a person should not overlook; none for a harmless one."""
    told = []
    if effect.changed == 0:
        told.append(f"{effect.name} does nothing with these settings.")
    if effect.removed > DESTROYS:
        worst = max(effect.regions, key=effect.regions.__getitem__)
        told.append(
            f"{effect.name} takes {effect.removed:.0%} of the face away when it is applied, most of it from "
            f"{worst} ({effect.regions[worst]:.0%})."
        )
    if effect.cut > CUTS:
        told.append(f"{effect.name} cuts off {effect.cut:.0%} of the frame, more than a third.")
    before, after = effect.grey
    (dark, dark_after), (light, light_after) = effect.dark, effect.light
    if dark + APART < light and light_after + APART < dark_after:
        told.append(
            f"{effect.name} turns dark faces light and light faces dark: mean grey {dark:.0f} becomes "
            f"{dark_after:.0f}, {light:.0f} becomes {light_after:.0f} of 255."
        )
    elif (before < DARK and after > LIGHT) or (before > LIGHT and after < DARK):
        told.append(
            f"{effect.name} turns faces of mean grey {before:.0f} into {after:.0f} of 255: dark becomes light, or "
            "light dark."
        )
    return told


def _measure(
    images: Sequence[np.ndarray],
    places: Sequence[tuple[int, TransformConfig, str, tuple[int, int] | None]],
    seeds: Sequence[int],
    memo: dict[str, Effect],
) -> None:
    """Fill the memo for each of (place, transform, key, size of what comes in)."""
    inputs = [(image, (0, 0, *image.shape[:2])) for image in images]
    for place, t, key, size in places:
        pipeline = measuring(t, place, size or images[0].shape[:2])
        if t.name != "Resize" and key not in memo:
            memo[key] = _effect(t, pipeline, inputs, seeds[:1] if t.deterministic else seeds)
        if t.deterministic:
            inputs = [_passed(pipeline, *given) for given in inputs]


def _passed(pipeline: Pipeline, image: np.ndarray, box: Box) -> tuple[np.ndarray, Box]:
    """An image after a deterministic transform, and where its photo lies then."""
    photo = np.zeros(image.shape[:2], np.uint8)
    photo[box[0] : box[2], box[1] : box[3]] = 1
    after, mask = pipeline.with_mask(image, photo)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return after, (0, 0, *after.shape[:2])
    return after, (int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1)


def _effect(
    t: TransformConfig, whole: Pipeline, inputs: Sequence[tuple[np.ndarray, Box]], seeds: Sequence[int]
) -> Effect:
    kind = TRANSFORMS[t.name].removes
    rows, changed, before, after_grey = [], [], [], []
    where = np.zeros((CELLS, CELLS))
    for given, around in inputs:
        pipeline, image, box = _coarse(t, whole, given, around)
        regions = face_regions(image.shape[0], image.shape[1], box)
        pixels = np.maximum(np.bincount(regions.ravel(), minlength=4), 1)
        marks = _cells(*image.shape[:2]) if kind == "moves" else np.ones(image.shape[:2], np.uint8)
        greys = []
        for seed in seeds:
            after, mask = pipeline.with_mask(image, marks, seed)
            changed.append(after.shape != image.shape or not np.array_equal(after, image))
            gone = _gone(kind, image, after, marks, mask)
            lost = np.bincount(regions[gone], minlength=4)
            rows.append([lost[1:].sum() / pixels[1:].sum(), *(lost / pixels)[1:], lost.sum() / regions.size])
            small = Image.fromarray(gone.astype(np.uint8) * 255).resize((CELLS, CELLS), Image.Resampling.BOX)
            where += np.asarray(small) / 255
            now = _passed(pipeline, image, box)[1] if t.deterministic else box
            greys.append(_grey(after, now))
        before.append(_grey(image, box))
        after_grey.append(np.mean(greys))
    mean = _mean([image for image, _ in inputs])
    frames = [np.divide(box, (*image.shape[:2], *image.shape[:2])) for image, box in inputs]
    box = tuple(np.rint(np.mean(frames, axis=0) * [*mean.shape[:2], *mean.shape[:2]]).astype(int).tolist())
    face, *shares, cut = np.mean(rows, axis=0).tolist()
    regions = dict(zip(REGIONS, shares, strict=True))
    return Effect(
        0, t.name, float(np.mean(changed)), face, regions, cut if kind == "moves" else 0.0,
        np.array(before), np.array(after_grey), where / len(rows), mean, box,
    )  # fmt: skip


def _coarse(t: TransformConfig, pipeline: Pipeline, image: np.ndarray, box: Box) -> tuple[Pipeline, np.ndarray, Box]:
    """A CenterCrop of a very large photo as one that is smaller by a whole factor, with the photo and its box."""
    step = int((image.shape[0] * image.shape[1] / PIXELS) ** 0.5)
    if t.name != "CenterCrop" or step < 2:
        return pipeline, image, box
    params = {side: max(8, round(pixels / step)) for side, pixels in t.params.items()}
    smaller = measuring(t.model_copy(update={"params": params}), 0, (params["height"], params["width"]))
    top, left, bottom, right = box
    return smaller, image[::step, ::step].copy(), (top // step, left // step, -(-bottom // step), -(-right // step))


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


def _grey(image: np.ndarray, box: Box) -> float:
    inside = face_regions(image.shape[0], image.shape[1], box) > 0
    return float(image[inside].mean()) if inside.any() else float(image.mean())


def _mean(images: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of images of any size, in the proportions of the first."""
    height, width = images[0].shape[:2]
    scale = SHOWN / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = [np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX), np.float32) for image in images]
    return np.rint(np.mean(small, axis=0)).astype(np.uint8)
