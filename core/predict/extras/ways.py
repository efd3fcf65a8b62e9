"""The ways in which a network can be asked about a photo, and the views that each takes the mean of."""

from __future__ import annotations

from collections.abc import Sequence

PLAIN = "photo"  # as it is
PARTS = {PLAIN: 1, "flip": 1, "crops": 5, "mirrored crops": 5}  # views that are asked about together: passes of each
WAYS: dict[str, tuple[str, ...]] = {
    PLAIN: (PLAIN,),
    "flip": (PLAIN, "flip"),
    "crops": (PLAIN, "crops"),
    "flip+crops": (PLAIN, "flip", "crops", "mirrored crops"),
}
EXTRAS = tuple(way for way in WAYS if way != PLAIN)
BEGIN_WITH = ("flip", "crops")
NAMES = {"flip": "mirrored views", "crops": "five crops", "flip+crops": "ten crops"}


def passes_of(ways: Sequence[str]) -> dict[str, int]:
    """The parts that ways need together, and how often a network has to look at a photo for each."""
    return {part: PARTS[part] for part in PARTS if any(part in WAYS[way] for way in ways)}
