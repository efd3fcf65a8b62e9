"""Two pipelines on one photo: the second with the draws of the first wherever a transform stands in both."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.augment.mends import in_words
from core.augment.pipeline import Pipeline, sample_seed, split_pipeline
from core.config.transforms import SIZED

if TYPE_CHECKING:
    from core.config import TransformConfig


def drawn_beside(
    image: np.ndarray,
    transforms: Sequence[TransformConfig],
    other: Sequence[TransformConfig],
    *,
    seed: int,
    fold: int,
    epochs: Sequence[int],
    row: int,
) -> list[np.ndarray]:
    """What `other` makes of a photo in each of the epochs, uint8 RGB (height, width, 3) each.

    A transform that stands in `transforms` too, the first of a name with the first, the second with the second, draws
    as it does there, wherever it stands here: what differs in two pictures then comes from the settings, not from luck.
    So these are not the very pictures that training on `other` would see, unless both lists have the same places.
    image: decoded, uint8 (h, w, 3). row: its row in the frozen samples table.
    """
    pipelines, size = [], None
    for transform, place in zip(_active(other), _places(transforms, other), strict=True):
        pipelines.append(Pipeline([transform], place, size))
        if transform.name in SIZED:
            size = (transform.params["height"], transform.params["width"])
    pictures = []
    for epoch in epochs:
        picture, drawn = image, sample_seed(seed, fold, epoch, row)
        for pipeline in pipelines:
            picture = pipeline(picture, drawn)
        pictures.append(picture)
    return pictures


def differences(transforms: Sequence[TransformConfig], other: Sequence[TransformConfig]) -> list[tuple[str, str]]:
    """(transform, how the other list has it), for each that the two do not have alike; Normalize among them.

    Order is not looked at. Empty where both do the same.
    """
    own, others = (_numbered([t for t in listed if t.enabled]) for listed in (transforms, other))
    lines = [(name, "only here") for (name, n), _ in own.items() if (name, n) not in others]
    for (name, n), theirs in others.items():
        mine = own.get((name, n))
        change = "only there" if mine is None else in_words(mine, theirs)
        if change:
            lines.append((name, change))
    return lines


def _active(transforms: Sequence[TransformConfig]) -> list[TransformConfig]:
    lead, rest = split_pipeline(transforms)
    return [*lead, *rest]


def _numbered(transforms: Sequence[TransformConfig]) -> dict[tuple[str, int], TransformConfig]:
    """(name, how often it stood before) -> transform, in the list's order."""
    seen: Counter[str] = Counter()
    numbered = {}
    for transform in transforms:
        numbered[transform.name, seen[transform.name]] = transform
        seen[transform.name] += 1
    return numbered


def _places(transforms: Sequence[TransformConfig], other: Sequence[TransformConfig]) -> list[int]:
    """Of each transform of `other`, the place whose draws it takes; behind all of the first list without a match."""
    own = {key: place for place, key in enumerate(_numbered(_active(transforms)))}
    places, free = [], len(own)
    for key in _numbered(_active(other)):
        places.append(own.get(key, free))
        free += key not in own
    return places
