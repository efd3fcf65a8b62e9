"""The pipelines that training, preview and prediction share, built from the table in core/config/transforms.py.

albumentations is imported when a pipeline is built, so that reading a configuration stays quick.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from core.config.transforms import SIZED, TRANSFORMS

if TYPE_CHECKING:
    from core.config import TransformConfig

os.environ.setdefault("NO_ALBUMENTATIONS_UPDATE", "1")


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


def size_of(transforms: Sequence[TransformConfig]) -> tuple[int, int] | None:
    """(height, width) in pixels after the transforms; None where nothing sets it."""
    sized = [t.params for t in transforms if t.enabled and t.name in SIZED]
    return (sized[-1]["height"], sized[-1]["width"]) if sized else None


def arguments(transform: TransformConfig, size: tuple[int, int] | None) -> dict[str, Any]:
    """What albumentations' constructor gets. size: (height, width) of the image that comes in, where it is known.

    Raises ValueError for a transform that needs the size where there is none.
    """
    entry = TRANSFORMS[transform.name]
    keywords = {k: tuple(v) if isinstance(v, list) else v for k, v in transform.params.items()} | entry.fixed
    if entry.keeps_size:
        if size is None:
            raise ValueError(f"{transform.name} must stand after a Resize or CenterCrop: it scales back to that size")
        keywords["size"] = size
    return keywords | {"p": 1.0 if entry.deterministic else transform.p}


def library() -> Any:
    """albumentations, imported now: most of a second."""
    import albumentations
    import cv2

    cv2.setNumThreads(0)  # loaders are the parallel part; OpenCV's own threads only fight with torch's
    return albumentations


def _compose(transforms: Sequence[TransformConfig], size: tuple[int, int] | None, changes: dict[str, Any]):
    A = library()
    steps = []
    for transform in transforms:
        steps.append(_class(A, transform.name)(**(arguments(transform, size) | changes)))
        size = size_of([transform]) or size
    return A.Compose(steps)


def _class(library: Any, name: str) -> type:
    """albumentations' class; Erasing without its fault of forgetting its seed where no rectangle fits."""
    if name != "Erasing":
        return getattr(library, name)

    class Erasing(library.Erasing):
        def get_params_dependent_on_data(self, params: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
            return {"seed": 0} | super().get_params_dependent_on_data(params, data)

    return Erasing


class Pipeline:
    """Transforms on one uint8 RGB image; every draw comes from the seed that is passed in.

    __call__(image, seed): image uint8 (h, w, 3) -> uint8 (H, W, 3), C-contiguous.
    place: how many transforms stand before the first one here; the transform at place i draws from seed + i.
    size: (height, width) of what comes in, for the transforms that keep it. changes: arguments for measuring.
    Source: albumentations 2.0 (`BasicTransform.set_random_seed`).
    """

    def __init__(
        self, transforms: Sequence[TransformConfig], place: int = 0, size: tuple[int, int] | None = None, **changes: Any
    ):
        self._compose: Any = _compose(transforms, size, changes) if transforms else None
        self._place = place
        self._random = any(not t.deterministic for t in transforms)

    @property
    def steps(self) -> list[Any]:
        """albumentations' own transforms, in order."""
        return [] if self._compose is None else list(self._compose.transforms)

    def __call__(self, image: np.ndarray, seed: int = 0) -> np.ndarray:
        if self._compose is None:
            return image
        self._reseed(seed)
        return np.ascontiguousarray(self._compose(image=image)["image"])

    def with_draws(self, image: np.ndarray, seed: int = 0) -> tuple[np.ndarray, dict[str, Any] | None]:
        """The image and what the last applied transform drew, None where none was applied."""
        if self._compose is None:
            return image, None
        self._reseed(seed)
        self._compose.save_applied_params = True
        try:
            output = self._compose(image=image)
        finally:
            self._compose.save_applied_params = False
        applied = output["applied_transforms"]
        return np.ascontiguousarray(output["image"]), applied[-1][1] if applied else None

    def with_mask(self, image: np.ndarray, mask: np.ndarray, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
        """Image and a uint8 (h, w) mask that goes where the pixels go, for measuring what is left of them."""
        self._reseed(seed)
        output = self._compose(image=image, mask=mask)
        return np.ascontiguousarray(output["image"]), output["mask"]

    def _reseed(self, seed: int) -> None:
        if self._random:
            # Compose.set_random_seed would give one seed to all, and transforms of equal probability would be applied
            # together or not at all. A stream for each also keeps its draws when another transform is switched off.
            for place, transform in enumerate(self._compose.transforms, self._place):
                transform.set_random_seed((seed + place) % 2**32)


def measuring(transform: TransformConfig, place: int, size: tuple[int, int]) -> Pipeline:
    """One transform, always applied, whose masks are 0 where it takes pixels away; its draws are those of training."""
    changes: dict[str, Any] = {"p": 1.0}
    entry = TRANSFORMS[transform.name]
    if entry.removes:
        changes |= {"fill_mask": 0.0} | ({"border_mode": 0} if "border_mode" in entry.fixed else {})
    if transform.name == "RandomResizedCrop":
        del changes["fill_mask"]
    return Pipeline([transform], place, size, **changes)


def build_transform(transforms: Sequence[TransformConfig], stage: str) -> Pipeline:
    """The pipeline of a stage, without Normalize (which the device does, see `normalization`).

    stage: 'lead' (the cached part), 'train' (what follows it in training), 'eval' (what follows it in validation,
    Grad-CAM and prediction: the deterministic ones only).
    """
    lead, rest = split_pipeline(transforms)
    if stage == "lead":
        return Pipeline(lead)
    if stage == "train":
        return Pipeline(rest, len(lead), size_of(lead))
    if stage == "eval":
        return Pipeline([t for t in rest if t.deterministic])
    raise ValueError(f"stage must be 'lead', 'train' or 'eval', found {stage!r}")


def split_exact(
    transforms: Sequence[TransformConfig], stage: str
) -> tuple[list[TransformConfig], list[TransformConfig], int, tuple[int, int] | None]:
    """What follows the cached part in a stage 'train' or 'eval', cut in two: (albumentations' part, what stands behind
    the last transform that only albumentations does, place of that, (height, width) of what comes into it).

    core/augment/draws.py draws and applies the second part, with the same bytes.
    """
    lead, rest = split_pipeline(transforms)
    after = rest if stage == "train" else [t for t in rest if t.deterministic]
    cut = len(after)
    while cut and TRANSFORMS[after[cut - 1].name].exact and size_of([*lead, *after[: cut - 1]]) is not None:
        cut -= 1
    before = [*lead, *after[:cut]]
    return after[:cut], after[cut:], len(before), size_of(before)


def sample_seed(seed: int, fold: int, epoch: int, sample: int, repeat: int = 0) -> int:
    """The seed of one sample's draws in one epoch, 0 <= value < 2**32.

    A pure function, so that neither the number of loader workers nor a resume changes an image.
    sample: the sample's row in the frozen samples table. repeat: times it was drawn before in this epoch.
    Source: numpy.random.SeedSequence.
    """
    return int(np.random.SeedSequence([seed, fold, epoch, 1, sample, repeat]).generate_state(1)[0])


def sample_seeds(seed: int, fold: int, epoch: int, samples: np.ndarray, repeats: np.ndarray) -> np.ndarray:
    """`sample_seed` of many samples at once, (n,) int64. samples, repeats: (n,).

    Source: numpy.random.SeedSequence, whose mixing of 32-bit words (O'Neill's seed_seq_fe) is done here on arrays.
    """
    words = [np.full(len(samples), word, np.uint32) for word in (seed, fold, epoch, 1)]
    words += [np.asarray(samples).astype(np.uint32), np.asarray(repeats).astype(np.uint32)]
    constant = 0x43B0D7E5

    def hashed(word: np.ndarray, factor: int = 0x931E8875) -> np.ndarray:
        nonlocal constant
        word = word ^ np.uint32(constant)
        constant = constant * factor % 2**32
        word = word * np.uint32(constant)
        return word ^ (word >> np.uint32(16))

    def mixed(x: np.ndarray, y: np.ndarray) -> np.ndarray:
        both = x * np.uint32(0xCA01F9DD) - y * np.uint32(0x4973F715)
        return both ^ (both >> np.uint32(16))

    pool = [hashed(word) for word in words[:4]]
    for source in range(4):
        for target in range(4):
            if source != target:
                pool[target] = mixed(pool[target], hashed(pool[source]))
    for word in words[4:]:
        pool = [mixed(held, hashed(word)) for held in pool]
    constant = 0x8B51F9DD
    return hashed(pool[0], 0x58F38DED).astype(np.int64)


def step_seed(seed: int, fold: int, epoch: int, step: int) -> int:
    """The seed of what is drawn once a batch (mix-up), 0 <= value < 2**32. step: 0-based within the epoch."""
    return int(np.random.SeedSequence([seed, fold, epoch, 3, step]).generate_state(1)[0])
