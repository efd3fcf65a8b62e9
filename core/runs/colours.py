"""The colours of runs and folds, the same on every page and in every report. Imports no torch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

# Hues that no state has (grey waits, blue-green trains, green is done, amber was stopped, red failed). In CIELAB each
# is 30 and more from every other, and 15 as the red- and green-blind see them (Machado, Oliveira & Fernandes 2009).
RUN_COLOURS = (
    "#1A55E9",  # blue
    "#F56ED5",  # pink
    "#8FB60E",  # lime
    "#8B0DB1",  # purple
    "#097777",  # teal
    "#DD0575",  # crimson
    "#1C89F7",  # and six between them
    "#475C05",
    "#D696B0",
    "#4D4E8F",
    "#ABAC6D",
    "#605246",
)
FOLD_SHADES = (0.34, -0.2, 0.52, 0.17, -0.36)  # of a run's colour: shares of white, or of black below 0
FOLD_HUES = len(RUN_COLOURS) - 1


def run_colour(place: int) -> str:
    """The colour at a place of the palette, which goes round."""
    return RUN_COLOURS[place % len(RUN_COLOURS)]


def colour_of(run: Mapping[str, Any]) -> str:
    """The colour of a run: its own, whatever becomes of other runs. run: summary.json or run.json, with its id."""
    return run_colour(place_of(run))


def place_of(run: Mapping[str, Any]) -> int:
    """The place in the palette that a run was given when it was made; one from its id for runs of older labs."""
    place = run.get("colour")
    if isinstance(place, int) and not isinstance(place, bool) and place >= 0:
        return place % len(RUN_COLOURS)
    return int(hashlib.sha256(str(run["id"]).encode()).hexdigest()[:8], 16) % len(RUN_COLOURS)


def least_used(places: Sequence[int]) -> int:
    """The place for a new run: the one that fewest runs have, of those the one not used for longest.

    places: of the runs there are, newest first.
    """
    return min(
        range(len(RUN_COLOURS)),
        key=lambda place: (places.count(place), -places.index(place) if place in places else -len(places), place),
    )


def fold_colour(colour: str, fold: int) -> str:
    """One of five shades of a run's colour, none of which is the colour itself, for a fold beside other runs.

    The sixth fold has that of the first; a dash tells them apart, see figures.style.fold_look.
    """
    share = FOLD_SHADES[fold % len(FOLD_SHADES)]
    paper = 255 if share > 0 else 0
    return "#" + "".join(f"{round(c + (paper - c) * abs(share)):02x}" for c in rgb(colour))


def fold_hue(colour: str, fold: int) -> str:
    """A colour of its own for a fold of a run that is shown alone, whose mean has the run's colour.

    Eleven folds are told apart by it; the twelfth has that of the first, and a dash.
    """
    others = [each for each in RUN_COLOURS if each != colour]
    return others[fold % FOLD_HUES]


def rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)


def luminance(shade: Sequence[float]) -> float:
    """Relative luminance of red, green and blue from 0 to 255: 0 of black, 1 of white. Source: WCAG 2.2."""
    parts = [value / 255 for value in shade]
    red, green, blue = (part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
