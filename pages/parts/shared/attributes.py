"""How attributes and their values are called at controls."""

from __future__ import annotations

from collections.abc import Iterable

from core.data.readers.attributes import ATTRIBUTES
from core.text import plain

IS = ": "  # between an attribute and its value in a list of both


def title(name: str) -> str:
    """ "Gender" for an attribute that any dataset calls so; one of the dataset's own stays as it is spelt."""
    return name.capitalize() if name in ATTRIBUTES else plain(name)


def pairs(values: dict[str, Iterable[str]]) -> dict[str, tuple[str, str]]:
    """ "hair: dark" -> (hair, dark), for each value of each attribute in their order."""
    return {f"{name}{IS}{value}": (name, value) for name, of_name in values.items() for value in of_name}
