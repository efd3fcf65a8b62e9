"""What each transform takes away from a face, measured on photos: nothing, too much, or too much of the frame."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from PIL import Image

from core.augment.pipeline import Pipeline, measuring, split_pipeline
from core.config.transforms import SIZED, TRANSFORMS
from core.errors import memory_in_words

if TYPE_CHECKING:
    from core.config import TransformConfig

# The face of an aligned photo: an ellipse in the middle, 60 % of the width and 80 % of the height, in three bands.
BANDS = ("forehead", "eyes and nose", "mouth and chin")
THIRDS = ("upper third", "middle third", "lower third")
WHERE = {"face": "the face", "photo": "the photo's middle"}
FACE_WIDTH, FACE_HEIGHT = 0.6, 0.8
CELLS = 60  # a side; what falls out of the frame is counted in cells, so that turning and scaling do not count
DESTROYS, CUTS = 0.25, 1 / 3
DARK, LIGHT = 80, 175  # mean grey of a face, of 255
APART = 20  # of 255, between dark and light faces that a person sees as such
MEAN_SIDE = 96  # px, the longer side of the mean photo
PIXELS = 1_000_000  # a crop of a larger photo is measured on a coarser copy


class Bounds(NamedTuple):
    """Where in a padded frame the photo lies, or what is left of it, in pixels."""

    top: int
    left: int
    bottom: int
    right: int


@dataclass(frozen=True)
class Effect:
    """One transform, always applied, over photos and draws.

    index: its place in the list. changed: share of draws (0..1) that differ from their input.
    removed: mean share of the face's pixels that is covered, out of the frame, or newly pure black or white; bands:
    the same for each of BANDS. cut: mean share of the whole frame that is gone.
    before, after: (photos,) mean grey of each face (0..255). where: (CELLS, CELLS) share of draws in which a place is
    gone. mean: uint8 RGB, the mean of the photos as they come in, its longer side MEAN_SIDE px; bounds: where in it a
    photo lies, mean.
    """

    index: int
    name: str
    changed: float
    removed: float
    bands: dict[str, float]
    cut: float
    before: np.ndarray
    after: np.ndarray
    where: np.ndarray
    mean: np.ndarray
    bounds: Bounds

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


@dataclass(frozen=True)
class _Placed:
    """A transform where it stands. key: of what is measured there.

    size: (height, width) of what comes in, in pixels, where a transform before it says so.
    """

    place: int
    transform: TransformConfig
    key: str
    size: tuple[int, int] | None


@dataclass(frozen=True)
class _Frame:
    """An image, uint8 (h, w, 3), and where in it the photo lies."""

    image: np.ndarray
    bounds: Bounds


@dataclass(frozen=True)
class _Draw:
    """What one draw did to one photo. face, bands, frame: share that is gone of the face, of each of BANDS, of all.

    where: (CELLS, CELLS) share of each place that is gone. grey: mean of the face afterwards.
    """

    changed: bool
    face: float
    bands: np.ndarray
    frame: float
    where: np.ndarray
    grey: float


def face_bands(height: int, width: int, bounds: Bounds | None = None) -> np.ndarray:
    """uint8 (height, width): 0 around the face, 1.. the place in BANDS. bounds: where the photo lies in the frame."""
    top, left, bottom, right = bounds or (0, 0, height, width)
    high, wide = bottom - top, right - left
    y = ((np.arange(high, dtype=np.float32) + 0.5) / high - 0.5)[:, None]
    x = ((np.arange(wide, dtype=np.float32) + 0.5) / wide - 0.5)[None, :]
    inside = (2 * x / FACE_WIDTH) ** 2 + (2 * y / FACE_HEIGHT) ** 2 <= 1
    band = 1 + np.clip(((y / FACE_HEIGHT + 0.5) * len(BANDS)).astype(int), 0, len(BANDS) - 1)
    bands = np.zeros((height, width), np.uint8)
    bands[top:bottom, left:right] = inside * band.astype(np.uint8)
    return bands


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
    memo = {} if memo is None else memo
    listed = _placed(transforms)
    measured = [entry for entry in listed if entry.transform.name != "Resize"]
    if any(entry.key not in memo for entry in measured):
        _measure(load(), listed, seeds, memo)
    index = {id(transform): i for i, transform in enumerate(transforms)}
    return [replace(memo[entry.key], index=index[id(entry.transform)]) for entry in measured]


def _placed(transforms: Sequence[TransformConfig]) -> list[_Placed]:
    """The enabled transforms but Normalize. A key tells all that stands before and does something in validation."""
    lead, rest = split_pipeline(transforms)
    listed: list[_Placed] = []
    before, size = "", None
    for place, transform in enumerate([*lead, *rest]):
        key = f"{place} {before}{transform.model_dump_json(exclude={'p', 'enabled'})}"
        listed.append(_Placed(place, transform, key, size))
        if transform.deterministic:
            before = key
        if transform.name in SIZED:
            size = (transform.params["height"], transform.params["width"])
    return listed


def bands_of(noun: str) -> tuple[str, str, str]:
    """What the bands of an effect are called. noun: what the photos show, face or photo."""
    return BANDS if noun == "face" else THIRDS


def warnings_of(effect: Effect, noun: str = "face") -> list[str]:
    """Sentences about an effect that a person should not overlook; none for a harmless one.

    noun: what the photos show, face or photo; of the latter the middle is spoken of, where a face would be.
    """
    sentences = []
    if effect.changed == 0:
        sentences.append(f"{effect.name} does nothing with these settings.")
    if effect.removed > DESTROYS:
        worst = max(effect.bands, key=effect.bands.__getitem__)
        sentences.append(
            f"{effect.name} takes {effect.removed:.0%} of {WHERE[noun]} away when it is applied, most of it from "
            f"{bands_of(noun)[BANDS.index(worst)]} ({effect.bands[worst]:.0%})."
        )
    if effect.cut > CUTS:
        sentences.append(f"{effect.name} cuts off {effect.cut:.0%} of the frame, more than a third.")
    before, after = effect.grey
    (dark, dark_after), (light, light_after) = effect.dark, effect.light
    if dark + APART < light and light_after + APART < dark_after:
        sentences.append(
            f"{effect.name} turns dark {noun}s light and light {noun}s dark: mean grey {dark:.0f} becomes "
            f"{dark_after:.0f}, {light:.0f} becomes {light_after:.0f} of 255."
        )
    elif (before < DARK and after > LIGHT) or (before > LIGHT and after < DARK):
        sentences.append(
            f"{effect.name} turns {noun}s of mean grey {before:.0f} into {after:.0f} of 255: dark becomes light, or "
            "light dark."
        )
    return sentences


def _measure(
    images: Sequence[np.ndarray], listed: Sequence[_Placed], seeds: Sequence[int], memo: dict[str, Effect]
) -> None:
    """Fill the memo for each transform of the list but a Resize."""
    frames = [_Frame(image, _whole(image)) for image in images]
    for entry in listed:
        transform = entry.transform
        pipeline = measuring(transform, entry.place, entry.size or images[0].shape[:2])
        if transform.name != "Resize" and entry.key not in memo:
            memo[entry.key] = _effect(transform, pipeline, frames, seeds[:1] if transform.deterministic else seeds)
        if transform.deterministic:
            frames = [_passed(pipeline, frame) for frame in frames]


def _whole(image: np.ndarray) -> Bounds:
    return Bounds(0, 0, *image.shape[:2])


def _passed(pipeline: Pipeline, frame: _Frame) -> _Frame:
    """An image after a deterministic transform, and where its photo lies then."""
    top, left, bottom, right = frame.bounds
    photo = np.zeros(frame.image.shape[:2], np.uint8)
    photo[top:bottom, left:right] = 1
    after, mask = pipeline.with_mask(frame.image, photo)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    if not len(rows):
        return _Frame(after, _whole(after))
    return _Frame(after, Bounds(int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1))


def _effect(transform: TransformConfig, pipeline: Pipeline, frames: Sequence[_Frame], seeds: Sequence[int]) -> Effect:
    draws: list[_Draw] = []
    before, after = [], []
    for frame in frames:
        coarser, frame = _coarse(transform, pipeline, frame)
        of_photo = _draws(transform, coarser, frame, seeds)
        before.append(_grey(frame))
        after.append(np.mean([draw.grey for draw in of_photo]))
        draws += of_photo
    mean = _mean([frame.image for frame in frames])
    bands = np.mean([draw.bands for draw in draws], axis=0).tolist()
    moves = TRANSFORMS[transform.name].removes == "moves"
    return Effect(
        index=0,
        name=transform.name,
        changed=float(np.mean([draw.changed for draw in draws])),
        removed=float(np.mean([draw.face for draw in draws])),
        bands=dict(zip(BANDS, bands, strict=True)),
        cut=float(np.mean([draw.frame for draw in draws])) if moves else 0.0,
        before=np.array(before),
        after=np.array(after),
        where=np.mean([draw.where for draw in draws], axis=0),
        mean=mean,
        bounds=_mean_bounds(frames, *mean.shape[:2]),
    )


def _draws(transform: TransformConfig, pipeline: Pipeline, frame: _Frame, seeds: Sequence[int]) -> list[_Draw]:
    """What each draw does to one photo."""
    image, kind = frame.image, TRANSFORMS[transform.name].removes
    height, width = image.shape[:2]
    bands = face_bands(height, width, frame.bounds)
    pixels = np.maximum(np.bincount(bands.ravel(), minlength=len(BANDS) + 1), 1)
    marks = _cells(height, width) if kind == "moves" else np.ones((height, width), np.uint8)
    draws = []
    for seed in seeds:
        after, mask = pipeline.with_mask(image, marks, seed)
        gone = _gone(kind, image, after, marks, mask)
        lost = np.bincount(bands[gone], minlength=len(BANDS) + 1)
        small = Image.fromarray(gone.astype(np.uint8) * 255).resize((CELLS, CELLS), Image.Resampling.BOX)
        bounds = _passed(pipeline, frame).bounds if transform.deterministic else frame.bounds
        draws.append(
            _Draw(
                changed=after.shape != image.shape or not np.array_equal(after, image),
                face=lost[1:].sum() / pixels[1:].sum(),
                bands=(lost / pixels)[1:],
                frame=lost.sum() / bands.size,
                where=np.asarray(small) / 255,
                grey=_grey(_Frame(after, bounds)),
            )
        )
    return draws


def _coarse(transform: TransformConfig, pipeline: Pipeline, frame: _Frame) -> tuple[Pipeline, _Frame]:
    """A CenterCrop of a very large photo as one that is smaller by a whole factor, with the photo."""
    height, width = frame.image.shape[:2]
    step = int((height * width / PIXELS) ** 0.5)
    if transform.name != "CenterCrop" or step < 2:
        return pipeline, frame
    params = {side: max(8, round(pixels / step)) for side, pixels in transform.params.items()}
    smaller = measuring(transform.model_copy(update={"params": params}), 0, (params["height"], params["width"]))
    top, left, bottom, right = frame.bounds
    bounds = Bounds(top // step, left // step, -(-bottom // step), -(-right // step))
    return smaller, _Frame(frame.image[::step, ::step].copy(), bounds)


def _gone(kind: str, image: np.ndarray, after: np.ndarray, marks: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """bool (h, w) over the pixels of the input: whether each is taken away."""
    if kind == "covers":
        return mask == 0
    if kind == "moves":
        in_frame = np.zeros((CELLS + 1, CELLS + 1), bool)
        in_frame[mask[:, :, 0], mask[:, :, 1]] = True
        return ~in_frame[marks[:, :, 0], marks[:, :, 1]]
    flat = (after == 0).all(axis=2) | (after == 255).all(axis=2)
    return flat & ~((image == 0).all(axis=2) | (image == 255).all(axis=2))


def _cells(height: int, width: int) -> np.ndarray:
    """uint8 (height, width, 2): row and column, from 1, of the cell that each pixel is in."""
    cells = np.empty((height, width, 2), np.uint8)
    cells[:, :, 0] = (1 + np.arange(height) * CELLS // height)[:, None]
    cells[:, :, 1] = (1 + np.arange(width) * CELLS // width)[None, :]
    return cells


def _grey(frame: _Frame) -> float:
    """Mean grey of the face; of the whole image where nothing is left of the face."""
    image = frame.image
    face = face_bands(image.shape[0], image.shape[1], frame.bounds) > 0
    return float(image[face].mean()) if face.any() else float(image.mean())


def _mean(images: Sequence[np.ndarray]) -> np.ndarray:
    """The mean of images of any size, in the proportions of the first."""
    height, width = images[0].shape[:2]
    scale = MEAN_SIDE / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    small = [np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BOX), np.float32) for image in images]
    return np.rint(np.mean(small, axis=0)).astype(np.uint8)


def _mean_bounds(frames: Sequence[_Frame], height: int, width: int) -> Bounds:
    """Where the photos lie on average, in a picture of this size."""
    sides = [np.divide(frame.bounds, (*frame.image.shape[:2], *frame.image.shape[:2])) for frame in frames]
    return Bounds(*np.rint(np.mean(sides, axis=0) * [height, width, height, width]).astype(int).tolist())
