"""What the network will see, before training: crops measured, and photos through the trainer's own pipeline."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.augment.pipeline import build_transform, sample_seed
from core.data.pictures.photo import StoredPhoto

if TYPE_CHECKING:
    from core.config import TransformConfig

ALLOWED_PADDED = 0.05  # share of photos that a fitted crop may be larger than
SMALLEST_CROP = 8  # pixels, the least that a CenterCrop may have


@dataclass(frozen=True)
class CropEffect:
    """What one CenterCrop does to the photos of a dataset.

    padded: share of photos (0..1) that are smaller than the crop and get black borders; black: share (0..1) of the crop
    that is border, mean over those photos.
    kept: share (0..1) of a photo's area that is left, median over the photos.
    photo: median (width, height) of what it crops, in pixels; crop: its own.
    """

    padded: float
    black: float
    kept: float
    photo: tuple[int, int]
    crop: tuple[int, int]


def crop_effects(transforms: Sequence[TransformConfig], width: np.ndarray, height: np.ndarray) -> list[CropEffect]:
    """One entry for each enabled CenterCrop, in order. width, height: shape (n,), pixels of each photo, n >= 1."""
    width, height = np.asarray(width, dtype=float), np.asarray(height, dtype=float)
    effects = []
    for transform in transforms:
        if not transform.enabled or transform.name not in ("CenterCrop", "Resize"):
            continue
        new_width, new_height = transform.params["width"], transform.params["height"]
        if transform.name == "CenterCrop":
            small = (width < new_width) | (height < new_height)
            inside = np.minimum(width, new_width) * np.minimum(height, new_height)
            effects.append(
                CropEffect(
                    padded=float(small.mean()),
                    black=float(1 - (inside[small] / (new_width * new_height)).mean()) if small.any() else 0.0,
                    kept=float(np.median(inside / (width * height))),
                    photo=(int(np.median(width)), int(np.median(height))),
                    crop=(new_width, new_height),
                )
            )
        width, height = np.full_like(width, new_width), np.full_like(height, new_height)
    return effects


def fit_crops(
    transforms: Sequence[TransformConfig], width: np.ndarray, height: np.ndarray
) -> list[TransformConfig] | None:
    """The list with each CenterCrop no larger than the photos: neither black borders nor a crop of what is small.

    A crop is as large as at least 95 % of the photos allow, each side by itself; where that would cut more than a third
    off a typical photo, since the photos are of all sizes, it is left out and the Resize behind it takes whole photos.
    None where no crop is too large, or nothing else would give the photos one size.
    width, height: shape (n,), pixels of each photo, n >= 1.
    """
    effects, listed = iter(crop_effects(transforms, width, height)), list(transforms)
    width, height = np.asarray(width, dtype=float), np.asarray(height, dtype=float)
    changed = False
    for place, transform in enumerate(transforms):
        if not transform.enabled or transform.name not in ("CenterCrop", "Resize"):
            continue
        size = {side: int(transform.params[side]) for side in ("height", "width")}
        if transform.name == "CenterCrop" and next(effects).padded > ALLOWED_PADDED:
            size = {
                "height": min(size["height"], _low(height)),
                "width": min(size["width"], _low(width)),
            }
            fitted = transform.model_copy(update={"params": {**transform.params, **size}})
            kept = crop_effects([fitted], width, height)[0].kept
            if min(size.values()) < SMALLEST_CROP or kept < 2 / 3:
                if not any(later.enabled and later.name == "Resize" for later in transforms[place + 1 :]):
                    return None
                fitted = transform.model_copy(update={"enabled": False})
            listed[place], changed = fitted, True
            if not fitted.enabled:
                continue
        width, height = np.full_like(width, size["width"]), np.full_like(height, size["height"])
    return listed if changed else None


def _low(side: np.ndarray) -> int:
    """Pixels that at least 95 % of the photos have."""
    return int(np.quantile(side, ALLOWED_PADDED, method="lower"))


def stretches(
    transforms: Sequence[TransformConfig], width: np.ndarray, height: np.ndarray
) -> list[tuple[int, float, tuple[int, int]]]:
    """(place in the list, stretch, median (width, height) of what comes in, pixels) for each enabled Resize.

    stretch: how many times as broad, against its height, a photo is afterwards, median over the photos; 1 keeps its
    proportions. width, height: shape (n,), pixels of each photo, n >= 1.
    """
    width, height = np.asarray(width, dtype=float), np.asarray(height, dtype=float)
    resizes = []
    for index, transform in enumerate(transforms):
        if not transform.enabled or transform.name not in ("CenterCrop", "Resize"):
            continue
        new_width, new_height = transform.params["width"], transform.params["height"]
        if transform.name == "Resize":
            stretch = float(np.median((new_width / width) / (new_height / height)))
            resizes.append((index, stretch, (int(np.median(width)), int(np.median(height)))))
        width, height = np.full_like(width, new_width), np.full_like(height, new_height)
    return resizes


def pick(samples: pd.DataFrame, each: int, draw: int) -> pd.DataFrame:
    """At most `each` photos of each class, of different people; another draw picks others.

    samples: labelled samples with a RangeIndex, the rows of a frozen run. The result keeps that index.
    """
    rng = np.random.default_rng(draw)
    shuffled = samples.iloc[rng.permutation(len(samples))]
    people = shuffled.drop_duplicates(["y", "person"])
    return people.groupby("y").head(each).sort_values("y", kind="stable")


def draws(
    image: np.ndarray, transforms: Sequence[TransformConfig], *, seed: int, fold: int, epochs: Sequence[int], row: int
) -> list[np.ndarray]:
    """What training makes of one photo in each of the epochs, uint8 RGB (height, width, 3) each, byte for byte.

    image: decoded, uint8 (h, w, 3). row: its row in the frozen samples table.
    """
    lead = build_transform(transforms, "lead")(image)
    train = build_transform(transforms, "train")
    return [train(lead, sample_seed(seed, fold, epoch, row)) for epoch in epochs]


def views(
    photo: StoredPhoto, transforms: Sequence[TransformConfig], *, seed: int, epoch: int, row: int
) -> tuple[np.ndarray, np.ndarray]:
    """(validation view, one training draw) of a photo, each uint8 RGB (height, width, 3).

    The draw is the one that training makes of this row in this epoch of fold 0. Raises LabError for a bad file.
    """
    pixels = photo.pixels()
    return validation_view(pixels, transforms), draws(pixels, transforms, seed=seed, fold=0, epochs=[epoch], row=row)[0]


def validation_view(image: np.ndarray, transforms: Sequence[TransformConfig]) -> np.ndarray:
    """What validation sees of a decoded photo: the deterministic transforms only."""
    return build_transform(transforms, "eval")(build_transform(transforms, "lead")(image))
