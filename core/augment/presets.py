"""Ready lists of what is drawn for each training photo: none, gentle, strong. They stand in presets.yaml."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from core.config import TransformConfig
from core.storage import plain_yaml

PRESETS = Path(__file__).with_name("presets.yaml")


@dataclass(frozen=True)
class Preset:
    """transforms: random ones only. description: when to take it, a sentence or two."""

    title: str
    description: str
    transforms: tuple[TransformConfig, ...]


@functools.cache
def presets() -> dict[str, Preset]:
    """Name -> preset, the gentlest first."""
    listed = plain_yaml.load(PRESETS.read_text("utf-8"), PRESETS.name, "pipeline")
    return {
        name: Preset(
            entry["title"],
            entry["description"],
            tuple(TransformConfig.model_validate(transform) for transform in entry["transforms"]),
        )
        for name, entry in listed.items()
    }


def with_preset(transforms: Sequence[TransformConfig], name: str) -> list[TransformConfig]:
    """The list's crop, size and normalisation with what the preset draws; what was drawn before is left out."""
    always = [t for t in transforms if t.deterministic]
    last = next((i for i, t in enumerate(always) if t.name == "Normalize"), len(always))
    return [*always[:last], *presets()[name].transforms, *always[last:]]


def preset_of(transforms: Sequence[TransformConfig]) -> str | None:
    """The preset whose draws the list has, if it has one's."""
    drawn = tuple(t for t in transforms if not t.deterministic)
    return next((name for name, preset in presets().items() if preset.transforms == drawn), None)
