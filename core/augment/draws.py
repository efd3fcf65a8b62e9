"""What the last transforms of a pipeline draw, apart from what they then do to pixels, with the same bytes.

Drawing is albumentations' own code, seeded as `Pipeline` seeds it; a transform that gives each value another value is
asked for a table of 256. What was drawn for a photo is little: whether it is mirrored, one table, rectangles with a
fill. `apply` paints it on a processor, core/augment/on_device.py on a GPU. TRANSFORMS tells which have this (`exact`).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from core.augment.pipeline import Pipeline
from core.config.transforms import TRANSFORMS

if TYPE_CHECKING:
    from core.config import TransformConfig

JOINED = ("table", "mirror", "cover")  # those that follow each other are one change
EVERY_VALUE = np.repeat(np.arange(256, dtype=np.uint8).reshape(16, 16, 1), 3, axis=2)  # an image of all of them


@dataclass
class Change:
    """What one photo goes through: mirrored, then its values looked up, then each cover painted, in order.

    table: (256,) uint8, None for none. covers: boxes (k, 4) int of x1, y1, x2, y2 in pixels, and the value inside.
    """

    mirrored: bool = False
    table: np.ndarray | None = None
    covers: list[tuple[np.ndarray, int]] = field(default_factory=list)

    def mirror(self, width: int) -> None:
        self.mirrored = not self.mirrored
        for boxes, _ in self.covers:
            boxes[:, [0, 2]] = width - boxes[:, [2, 0]]

    def look_up(self, table: np.ndarray) -> None:
        self.table = table if self.table is None else table[self.table]
        self.covers = [(boxes, int(table[fill])) for boxes, fill in self.covers]


class Draw:
    """One transform's draws. place: how many transforms stand before it. size: (height, width) of what comes in."""

    def __init__(self, transform: TransformConfig, place: int, size: tuple[int, int]):
        self.kind, self._place = TRANSFORMS[transform.name].exact, place
        (self._own,) = Pipeline([transform], place, size).steps
        self._data = {"image": np.broadcast_to(np.uint8(0), (*size, 3))}  # of which it reads the shape alone

    def __call__(self, seed: int) -> dict[str, Any] | None:
        """What it draws from a sample's seed; None where it is not applied."""
        own, seed = self._own, (seed + self._place) % 2**32
        own.py_random.seed(seed)
        if not own.should_apply():
            return None
        if self.kind == "cover":
            own.random_generator = np.random.default_rng(seed)
        drawn = own.update_transform_params(own.get_params(), self._data)
        return drawn | own.get_params_dependent_on_data(drawn, self._data)

    def table(self, drawn: dict[str, Any]) -> np.ndarray:
        """(256,) uint8: what each value becomes."""
        return np.ascontiguousarray(self._own.apply(EVERY_VALUE, **drawn)[:, :, 0]).reshape(256)

    def fill(self) -> int:
        return int(self._own.fill)


class Points:
    """Mirrors, tables and covers that follow each other, as one change of a photo."""

    def __init__(self, transforms: Sequence[TransformConfig], place: int, size: tuple[int, int]):
        self.size = size
        self._draws = [Draw(transform, place + i, size) for i, transform in enumerate(transforms)]

    def draw(self, seed: int) -> Change:
        change = Change()
        for draw in self._draws:
            drawn = draw(seed)
            if drawn is None:
                continue
            if draw.kind == "mirror":
                change.mirror(self.size[1])
            elif draw.kind == "table":
                change.look_up(draw.table(drawn))
            elif len(drawn["holes"]):
                change.covers.append((np.array(drawn["holes"], np.int64), draw.fill()))
        return change

    def apply(self, image: np.ndarray, change: Change) -> np.ndarray:
        import cv2

        if change.table is not None:
            image = cv2.LUT(image, change.table)
        if change.mirrored:
            image = cv2.flip(image, 1)
        if change.covers and change.table is None and not change.mirrored:
            image = image.copy()
        for boxes, fill in change.covers:
            for x1, y1, x2, y2 in boxes.tolist():
                image[y1:y2, x1:x2] = fill
        return image


class Grey:
    """Takes the colour away: OpenCV's weights in 15 bits, which give its bytes for each of the 2^24 colours.

    Source: OpenCV's RGB2GRAY of uint8.
    """

    WEIGHTS, BITS = (9798, 19235, 3735), 15

    def __init__(self, transform: TransformConfig, place: int, size: tuple[int, int]):
        self.size, self._draw = size, Draw(transform, place, size)

    def draw(self, seed: int) -> bool:
        return self._draw(seed) is not None

    def apply(self, image: np.ndarray, is_grey: bool) -> np.ndarray:
        import cv2

        return np.repeat(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY)[:, :, None], 3, axis=2) if is_grey else image


class Crop:
    """The middle, on black where the photo is smaller. rows, columns: what is taken; top, left: where it lies."""

    def __init__(self, transform: TransformConfig, size: tuple[int, int]):
        self.size = (transform.params["height"], transform.params["width"])
        self.rows, self.top = self._side(size[0], self.size[0])
        self.columns, self.left = self._side(size[1], self.size[1])

    @staticmethod
    def _side(given: int, kept: int) -> tuple[slice, int]:
        start = max(0, (given - kept) // 2)
        return slice(start, start + min(given, kept)), max(0, (kept - given) // 2)

    def draw(self, seed: int) -> None:
        """Nothing: it is the same for every photo."""

    def apply(self, image: np.ndarray, drawn: None) -> np.ndarray:
        part = image[self.rows, self.columns]
        if part.shape[:2] == self.size:
            return np.ascontiguousarray(part)
        canvas = np.zeros((*self.size, 3), np.uint8)
        canvas[self.top : self.top + part.shape[0], self.left : self.left + part.shape[1]] = part
        return canvas


Stage = Points | Grey | Crop


def stages(transforms: Sequence[TransformConfig], place: int, size: tuple[int, int] | None) -> list[Stage]:
    """What `split_exact` cut off as its second part, in as few steps as there can be."""
    made: list[Stage] = []
    for joins, group in itertools.groupby(transforms, lambda t: TRANSFORMS[t.name].exact in JOINED):
        listed = list(group)
        assert size is not None  # split_exact cuts behind what sets it
        for part in [listed] if joins else [[transform] for transform in listed]:
            made.append(_stage(part, place, size))
            size, place = made[-1].size, place + len(part)
    return made


def _stage(transforms: Sequence[TransformConfig], place: int, size: tuple[int, int]) -> Stage:
    kind = TRANSFORMS[transforms[0].name].exact
    if kind == "grey":
        return Grey(transforms[0], place, size)
    return Crop(transforms[0], size) if kind == "crop" else Points(transforms, place, size)


def apply(made: Sequence[Stage], image: np.ndarray, seed: int) -> np.ndarray:
    """A photo through all stages, uint8 (h, w, 3) -> uint8 (H, W, 3); what came in is never written to, and may come
    back."""
    for stage in made:
        drawn: Any = stage.draw(seed)
        image = stage.apply(image, drawn)
    return image


def draw(made: Sequence[Stage], seeds: Sequence[int]) -> list[dict[str, np.ndarray]]:
    """What the photos of a batch drew in each stage. seeds: (b,), of `pipeline.sample_seeds`."""
    drawn: list[dict[str, np.ndarray]] = []
    for stage in made:
        if isinstance(stage, Points):
            drawn.append(_packed([stage.draw(seed) for seed in seeds]))
        elif isinstance(stage, Grey):
            drawn.append({"is_grey": np.array([stage.draw(seed) for seed in seeds])})
        else:
            drawn.append({})
    return drawn


def _packed(changes: Sequence[Change]) -> dict[str, np.ndarray]:
    """What no photo of the batch goes through is left out.

    mirrored: (b,) bool. tables: (b, 256) uint8. boxes: (b, covers, k, 4) int16, those that are none of width 0; fills:
    (b, covers) uint8.
    """
    packed: dict[str, np.ndarray] = {}
    if any(change.mirrored for change in changes):
        packed["mirrored"] = np.array([change.mirrored for change in changes])
    if any(change.table is not None for change in changes):
        tables = np.tile(np.arange(256, dtype=np.uint8), (len(changes), 1))
        for row, change in enumerate(changes):
            if change.table is not None:
                tables[row] = change.table
        packed["tables"] = tables
    if most := max(len(change.covers) for change in changes):
        longest = max(len(boxes) for change in changes for boxes, _ in change.covers)
        boxes = np.zeros((len(changes), most, longest, 4), np.int16)
        fills = np.zeros((len(changes), most), np.uint8)
        for row, change in enumerate(changes):
            for at, (own, fill) in enumerate(change.covers):
                boxes[row, at, : len(own)], fills[row, at] = own, fill
        packed |= {"boxes": boxes, "fills": fills}
    return packed
