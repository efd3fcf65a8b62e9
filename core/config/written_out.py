"""A configuration with every setting written out and explained, to be read, kept and changed. Imports no torch."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel

from core.config.run_config import RunConfig
from core.storage import plain_yaml

WIDTH = 110  # columns of a comment


def to_explained_yaml(config: RunConfig) -> str:
    """The whole configuration as YAML, defaults too, above each setting what it is; from_yaml gives the same config.

    What a setting is stands at its first place alone: phases and transforms repeat it.
    """
    return "\n".join(_lines(config, config.model_dump(mode="json"), "", set())) + "\n"


def _lines(part: BaseModel, values: dict[str, Any], indent: str, explained: set[tuple[type, str]]) -> Iterator[str]:
    """values: of part, as they are written. explained: (model, setting) that were."""
    for name, value in values.items():
        place = type(part), name
        field = type(part).model_fields.get(name)
        if field is not None and field.description and place not in explained:
            yield from textwrap.wrap(
                field.description, WIDTH, initial_indent=f"{indent}# ", subsequent_indent=f"{indent}# "
            )
        explained.add(place)
        inner = getattr(part, name, None)
        if isinstance(inner, BaseModel) and isinstance(value, dict) and value:
            yield f"{indent}{name}:"
            yield from _lines(inner, value, f"{indent}  ", explained)
        elif isinstance(inner, (list, tuple)) and inner and all(isinstance(each, BaseModel) for each in inner):
            yield f"{indent}{name}:"
            for each, its_values in zip(inner, value, strict=True):
                yield f"{indent}-"
                yield from _lines(each, its_values, f"{indent}  ", explained)
        else:
            yield textwrap.indent(plain_yaml.dump({name: value}, 100).rstrip("\n"), indent)
