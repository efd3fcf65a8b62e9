"""The colours of runs and folds, the same on every page and in every report. Imports no torch."""

from __future__ import annotations

# Okabe & Ito's colours for colour-blind readers, in a fixed order; their black becomes grey, which also shows on dark.
# Eight of our own follow, 20 units of CIELAB and more from each other and from the first: a study may have twelve runs.
RUN_COLOURS = (
    "#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#8C8C8C", "#B5A900",
    "#7B7FE0", "#9A6A1F", "#5CB85C", "#A8407F", "#1F8A94", "#A23B2A", "#8A5A52", "#6F7A1F",
)  # fmt: skip
FOLD_STEPS = 5


def run_colour(index: int) -> str:
    """The colour of a run: index is its place among all runs in the order of their creation, 0 first."""
    return RUN_COLOURS[index % len(RUN_COLOURS)]


def fold_colour(colour: str, fold: int) -> str:
    """One of five steps of lightness of a run's colour; the sixth fold looks like the first."""
    step = (0.0, 0.3, -0.14, 0.46, 0.15)[fold % FOLD_STEPS]  # share of white, or of black below 0
    paper = 255 if step > 0 else 0
    return "#" + "".join(f"{round(c + (paper - c) * abs(step)):02x}" for c in rgb(colour))


def rgb(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
