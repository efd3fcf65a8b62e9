"""What a run answered as dots, one a photo, and which of them lie in an area that somebody drew. Imports no torch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.figures import style
from core.figures.style import INK, TEMPLATE

MOST = 4000  # dots drawn
RIGHT, WRONG = "#2a9d68", "#D55E00"


def scatter(photos: pd.DataFrame, x: str, y: str) -> go.Figure:
    """A dot a photo, right answers round and mistakes crossed, with a ring around those that are selected.

    photos: sample, true, predicted, right, selected (bool), x and y (numbers). x, y: what those are, for the axes.
    """
    traces = []
    for name, colour, symbol, of_kind in (
        ("correct", RIGHT, "circle", photos["right"]),
        ("misclassified", WRONG, "x", ~photos["right"]),
    ):
        part = photos[of_kind]
        traces.append(
            style.dots(
                part["x"],
                part["y"],
                colour,
                size=7,
                marker={"symbol": symbol, "opacity": 0.75},
                name=name,
                customdata=part["sample"],
                text=[
                    f"{escape(sample)}<br>{escape(true)} → {escape(guess)}"
                    for sample, true, guess in zip(part["sample"], part["true"], part["predicted"], strict=True)
                ],
                hovertemplate="%{text}<br>%{x:.3g}, %{y:.3g}<extra></extra>",
                selected={"marker": {"opacity": 0.75}},
                unselected={"marker": {"opacity": 0.75}},
            )
        )
    part = photos[photos["selected"]]
    ring = {"symbol": "circle-open", "line": {"width": 2}}
    traces.append(style.dots(part["x"], part["y"], INK, size=14, marker=ring, name="selected", hoverinfo="skip"))
    layout = {
        "template": TEMPLATE,
        "height": 430,
        "dragmode": "select",
        "showlegend": True,
        "xaxis": {"title": {"text": escape(x)}},
        "yaxis": {"title": {"text": escape(y)}},
    }
    return go.Figure(traces, layout=layout)


def drawn(photos: int, marked: np.ndarray, most: int = MOST) -> np.ndarray:
    """Positions of at most so many of the photos, the marked ones first, the rest at random but always the same.

    marked: bool, (photos,). Returns positions in ascending order.
    """
    shuffled = np.random.default_rng(0).permutation(photos)
    return np.sort(shuffled[np.argsort(~marked[shuffled], kind="stable")][:most])


def inside(x: np.ndarray, y: np.ndarray, areas: Sequence[Mapping[str, Any]]) -> np.ndarray:
    """Whether points, x and y of shape (n,), lie in one of the areas, as plotly tells them: bool, (n,).

    areas: x and y of each; two of each are opposite corners of a box, more the corners of a lasso in their order. A
    point on a box's edge is inside. Source: Shimrat 1962, crossings of a ray.
    """
    any_of_them = np.zeros(len(x), dtype=bool)
    for area in areas:
        corners_x, corners_y = (np.asarray(area[axis], dtype=float) for axis in ("x", "y"))
        if len(corners_x) == 2:
            (left, right), (low, high) = np.sort(corners_x), np.sort(corners_y)
            any_of_them |= (x >= left) & (x <= right) & (y >= low) & (y <= high)
            continue
        odd = np.zeros(len(x), dtype=bool)
        for (x0, y0), (x1, y1) in zip(
            zip(corners_x, corners_y, strict=True),
            zip(np.roll(corners_x, -1), np.roll(corners_y, -1), strict=True),
            strict=True,
        ):
            if y0 != y1:
                crosses = (y0 > y) != (y1 > y)
                odd ^= crosses & (x < x0 + (y - y0) * (x1 - x0) / (y1 - y0))
        any_of_them |= odd
    return any_of_them
