"""What a person should not overlook of a list of transforms on their photos: measured, a sentence each, by place."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from core.augment.effects import Effect, effects, warnings_of
from core.augment.preview import crop_effects, stretches

if TYPE_CHECKING:
    from core.config import TransformConfig

Notes = dict[int, list[str]]
STRETCHED = 1.15  # times as broad or as tall, from where it is said


def notes_of(
    transforms: Sequence[TransformConfig],
    load: Callable[[], Sequence[np.ndarray]],
    sizes: np.ndarray,
    seeds: Sequence[int],
    *,
    noun: str = "face",
    memo: dict[str, Effect] | None = None,
) -> Notes:
    """Place in the list -> warnings, none for a harmless transform.

    load, seeds, memo: as `effects` takes them. sizes, noun: see `notes_from`.
    """
    return notes_from(effects(load, transforms, seeds, memo), transforms, sizes, noun)


def notes_from(
    measured: Sequence[Effect], transforms: Sequence[TransformConfig], sizes: np.ndarray, noun: str = "face"
) -> Notes:
    """The same of what was measured already, and of what the sizes alone say.

    sizes: (n, 2), width and height in pixels of all photos, n >= 1. noun: what they show, face or photo.
    """
    notes: Notes = {effect.index: warnings_of(effect, noun) for effect in measured}
    for index, sentence in (*_crop_notes(transforms, sizes), *_stretch_notes(transforms, sizes)):
        notes.setdefault(index, []).append(sentence)
    return {index: sentences for index, sentences in notes.items() if sentences}


def _crop_notes(transforms: Sequence[TransformConfig], sizes: np.ndarray) -> Iterator[tuple[int, str]]:
    """Of crops that are larger than photos."""
    crops = [i for i, t in enumerate(transforms) if t.enabled and t.name == "CenterCrop"]
    for index, crop in zip(crops, crop_effects(transforms, sizes[:, 0], sizes[:, 1]), strict=True):
        if crop.padded:
            photo_size, size = (f"{width} × {height} px" for width, height in (crop.photo, crop.crop))
            yield (
                index,
                f"CenterCrop ({size}) is larger than {crop.padded:.0%} of the photos (typically {photo_size}): they "
                f"get black borders, {crop.black:.0%} of what is left of them.",
            )


def _stretch_notes(transforms: Sequence[TransformConfig], sizes: np.ndarray) -> Iterator[tuple[int, str]]:
    """Of photos that become broad or tall."""
    for index, stretch, (width, height) in stretches(transforms, sizes[:, 0], sizes[:, 1]):
        if max(stretch, 1 / stretch) > STRETCHED:
            how = f"{stretch:.2f} times as broad" if stretch > 1 else f"{1 / stretch:.2f} times as tall"
            yield index, f"Resize changes the proportions of {width} × {height} px: photos become {how}."
