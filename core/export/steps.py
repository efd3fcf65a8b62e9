"""The deterministic steps of a run, as a package carries them out without albumentations and OpenCV."""

from __future__ import annotations

from typing import Any

from core.augment.pipeline import arguments, normalization, split_pipeline
from core.config import RunConfig
from core.data.pictures.depth import FULL
from core.errors import LabError

AREA = 3  # cv2.INTER_AREA
# What core/export/runtime/pixels.py does, as albumentations is told to do it.
CARRIED: dict[str, dict[str, Any]] = {
    "Resize": {"interpolation": AREA},
    "CenterCrop": {"pad_if_needed": True},
}
WORDS = {
    "Resize": "scaled to {width} x {height} px by area averaging (between pixels where it grows), proportions not kept",
    "CenterCrop": "the middle of {width} x {height} px is cut out; what lacks becomes black",
}


def steps_of(config: RunConfig) -> list[dict[str, Any]]:
    """[{name, height, width, ...}] in their order. Raises LabError(kind 'step') that names a step which a package
    cannot do to the bit."""
    lead, rest = split_pipeline(config.transforms)
    steps = []
    for transform in (*lead, *(t for t in rest if t.deterministic)):
        given = arguments(transform, None)
        fixed = {key: value for key, value in given.items() if key not in ("height", "width", "p")}
        if CARRIED.get(transform.name) != fixed:
            raise LabError(
                f"package: the step {transform.name} is applied to every photo, and a package cannot repeat it exactly "
                "without the lab.",
                "Predict with the lab itself, or train a run whose fixed steps are Resize and CenterCrop.",
                kind="step",
            )
        about = {"interpolation": "area"} if transform.name == "Resize" else {"padding": "black, on both sides"}
        steps.append({"name": transform.name, "height": given["height"], "width": given["width"], **about})
    return steps


def decoded_in_words(bits: int) -> list[str]:
    """How a file becomes pixels, a sentence each. bits: what photos of more than 8 bits are scaled by, 0 for all 16."""
    return [
        "turned upright by its EXIF orientation",
        "transparency laid over white; CMYK and other colours converted to RGB; colour profiles ignored",
        f"values of more than 8 bits divided so that {2 ** (bits or FULL) - 1:,} is white",
        "of an animation the first frame is taken",
    ]


def in_words(config: RunConfig, bits: int) -> list[str]:
    """What happens to a photo before the network, a sentence each."""
    mean, std = (", ".join(f"{value:g}" for value in values) for values in normalization(config.transforms))
    done = [WORDS[step["name"]].format(**step) for step in steps_of(config)]
    after = f"in the network: divided by 255, less the mean ({mean}), over the deviation ({std})"
    return [*decoded_in_words(bits), *done, after]
