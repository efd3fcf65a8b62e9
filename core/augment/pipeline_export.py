"""A list of transforms written out: YAML, albumentations' own JSON, and Python that runs as pasted."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from core.augment.pipeline import arguments
from core.config import TransformConfig
from core.config.transforms import SIZED
from core.storage import plain_yaml

# albumentations 2.0.8 forgets its seed where no rectangle fits into the image, and then fails.
_ERASING = [
    "class Erasing(A.Erasing):",
    "    def get_params_dependent_on_data(self, params, data):",
    '        return {"seed": 0} | super().get_params_dependent_on_data(params, data)',
]


def to_yaml(transforms: Sequence[TransformConfig]) -> str:
    return plain_yaml.dump({"transforms": [t.model_dump(mode="json") for t in transforms]})


def to_json(transforms: Sequence[TransformConfig]) -> str:
    """albumentations' own description; `A.from_dict(json.loads(text))` makes the pipeline. Leaves out what is off."""
    import albumentations as A

    pipeline = A.Compose([getattr(A, name)(**keywords) for name, keywords in _calls(transforms)])
    return json.dumps(A.to_dict(pipeline), indent=2)


def to_python(transforms: Sequence[TransformConfig]) -> str:
    """A program that runs as pasted, with albumentations installed. Leaves out what is off.

    Its `augment(image, seed)` gives the pixels that training gets for that seed (core.augment.pipeline.sample_seed).
    """
    calls = _calls(transforms)
    erasing = ["", "", *_ERASING, "", ""] if any(name == "Erasing" for name, _ in calls) else [""]
    lines = [
        f"        {'' if name == 'Erasing' else 'A.'}{name}({_written(keywords)}),"
        for name, keywords in calls
        if name != "Normalize"
    ]
    normal = [f"A.{name}({_written(keywords)})" for name, keywords in calls if name == "Normalize"]
    text = [
        "import albumentations as A  # 2.0.8",
        *erasing,
        "pipeline = A.Compose(",
        "    [",
        *lines,
        "    ]",
        ")",
        "",
        "",
        "def augment(image, seed):",
        '    """image: uint8 RGB (height, width, 3). Each transform draws from a stream of its own."""',
        "    for place, transform in enumerate(pipeline.transforms):",
        "        transform.set_random_seed((seed + place) % 2**32)",
        '    return pipeline(image=image)["image"]',
    ]
    if normal:
        text += ["", "", f"normalize = {normal[-1]}  # the lab does it on the device, after augment"]
    return "\n".join(text) + "\n"


def export(transforms: Sequence[TransformConfig], kind: str) -> str:
    return {"yaml": to_yaml, "json": to_json, "python": to_python}[kind](transforms)


def _calls(transforms: Sequence[TransformConfig]) -> list[tuple[str, dict[str, Any]]]:
    calls, size = [], None
    for transform in transforms:
        if transform.enabled:
            calls.append((transform.name, arguments(transform, size)))
            if transform.name in SIZED:
                size = (transform.params["height"], transform.params["width"])
    return calls


def _written(keywords: dict[str, Any]) -> str:
    return ", ".join(f"{key}={value!r}" for key, value in keywords.items())
