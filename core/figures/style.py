"""The one style of all figures: ink, axes, layout, and the traces that they are drawn with. Imports no torch.

Colours are chosen to read on light and dark paper; backgrounds are transparent. Text and grid are a mid grey here and
take the theme's own colours where the browser knows them (pages/parts/run/curves.py).
"""

from __future__ import annotations

from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.runs.colours import FOLD_HUES, FOLD_SHADES, RUN_COLOURS, fold_colour, fold_hue, rgb

Trace = dict[str, Any]  # as plotly takes it; what a function below is given beyond its own parameters goes in as it is

INK, GRID = "#7d8590", "rgba(125, 133, 144, 0.22)"
HEIGHT = 270  # px, the same for every figure in a row
FEW_RUNS = 6  # with more, bands are paler, rows closer, and only runs on the Pareto front carry their name
FEW_EPOCHS = 10  # with fewer every epoch has its tick; plotly has at most ten, a whole number apart from here on
AXIS_TITLES = {"loss": "loss", "accuracy": "accuracy", "f1": "macro F1"}
# Of the folds that colours tell apart, of the next as many, and so on: long strokes held out, short ones trained on.
FOLD_DASHES = ("solid", "12px,4px", "12px,3px,2px,3px", "12px,3px,2px,3px,2px,3px")
TRAINING_DASHES = ("4px,3px", "4px,3px,1px,3px", "4px,3px,1px,3px,1px,3px", "1px,3px")
METRIC_NAMES = {**AXIS_TITLES, "f1": "F1"}  # in labels and hovers, where there is little room

_AXIS: dict[str, Any] = {
    "gridcolor": GRID,
    "linecolor": GRID,
    "zeroline": False,
    "showline": False,
    "ticks": "",
    "automargin": True,
    "title": {"standoff": 6, "font": {"size": 12}},
    "tickfont": {"size": 11},
}
TEMPLATE = go.layout.Template(
    layout={
        "paper_bgcolor": "rgba(0,0,0,0)",
        "plot_bgcolor": "rgba(0,0,0,0)",
        "font": {"color": INK, "size": 12},
        "colorway": RUN_COLOURS,
        "margin": {"l": 46, "r": 10, "t": 10, "b": 36},
        "height": HEIGHT,
        "hovermode": "closest",
        "hoverlabel": {"font": {"size": 12}, "namelength": 0},
        "modebar": {"bgcolor": "rgba(0,0,0,0)", "color": INK, "activecolor": RUN_COLOURS[0], "orientation": "h"},
        "legend": {"orientation": "h", "y": -0.25, "x": 0, "font": {"size": 11}},
        "xaxis": _AXIS,
        "yaxis": _AXIS,
    }
)
_LAYOUT = TEMPLATE.layout.to_plotly_json()


def axis(title: str, limits: tuple[float, float] | None = None) -> dict[str, Any]:
    titled = {**_AXIS, "title": {**_AXIS["title"], "text": title}}
    return {**titled, "range": list(limits)} if limits else titled  # a null range breaks Plotly.react


def epoch_axis(last: float, limits: tuple[float, float] | None = None) -> dict[str, Any]:
    """An axis that counts epochs, with ticks at whole ones: plotly's own fall at 1.5 as long as there are few.

    last: the last epoch that it shows.
    """
    return axis("epoch", limits) | ({"tick0": 1, "dtick": 1} if last < FEW_EPOCHS else {})


def layout(x: str | dict[str, Any], y: str | dict[str, Any]) -> dict[str, Any]:
    """The lab's layout with these axes, each an `axis` or its title. It needs no validation, see `figure`."""
    x_axis, y_axis = (axis(titled) if isinstance(titled, str) else titled for titled in (x, y))
    return {**_LAYOUT, "xaxis": x_axis, "yaxis": y_axis}


def figure(traces: list[Trace], layout: dict[str, Any]) -> go.Figure:
    """A figure without plotly's validation, which costs more than the drawing; the template's was validated once."""
    return go.Figure({"data": traces, "layout": layout}, skip_invalid=False, _validate=False)


def line(x: Any, y: Any, colour: str, *, width: float, dash: str = "solid", stairs: bool = False, **more: Any) -> Trace:
    stroke = {"color": colour, "width": width, "dash": dash, **({"shape": "hv"} if stairs else {})}
    return {"type": "scatter", "mode": "lines", "x": x, "y": y, "line": stroke, **more}


def fold_look(colour: str, fold: int, *, alone: bool, training: bool = False) -> tuple[str, str]:
    """(colour, dash) of a fold's line: twenty folds are told apart, and each from its run's mean.

    alone: whether no other run is in the figure; then folds have hues, else shades of the run's colour.
    """
    around = round_of(fold, alone)
    dashes = TRAINING_DASHES if training else FOLD_DASHES
    return (fold_hue if alone else fold_colour)(colour, fold), dashes[around % len(dashes)]


def round_of(fold: int, alone: bool) -> int:
    """How many folds before it have its colour."""
    return fold // (FOLD_HUES if alone else len(FOLD_SHADES))


def dots(x: Any, y: Any, colour: str | list[str], *, size: Any, marker: dict[str, Any] | None = None, **more) -> Trace:
    """colour, size: one for all dots, or one each. marker: what else plotly knows of markers."""
    look = {"color": colour, "size": size, **(marker or {})}
    return {"type": "scatter", "mode": "markers", "x": x, "y": y, "marker": look, **more}


def band(x: np.ndarray, low: np.ndarray, high: np.ndarray, fill: str, **more: Any) -> Trace:
    """The area between two lines, all of shape (n,). Nothing is said of it under the pointer or in the legend."""
    return {
        "type": "scatter",
        "mode": "lines",
        "x": np.concatenate([x, x[::-1]]),
        "y": np.concatenate([high, low[::-1]]).astype(np.float32),
        "fill": "toself",
        "fillcolor": fill,
        "line": {"width": 0},
        "hoverinfo": "skip",
        "showlegend": False,
        **more,
    }


def upright(x: float, colour: str, *, width: float = 1, dash: str = "solid") -> dict[str, Any]:
    """A shape: a line over the whole height."""
    stroke = {"color": colour, "width": width, "dash": dash}
    return {"type": "line", "x0": x, "x1": x, "y0": 0, "y1": 1, "yref": "paper", "line": stroke}


def level(y: float, colour: str, *, width: float = 1, dash: str = "solid") -> dict[str, Any]:
    """A shape: a line over the whole width."""
    stroke = {"color": colour, "width": width, "dash": dash}
    return {"type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": y, "y1": y, "line": stroke}


def level_note(y: float, text: str, **more: Any) -> dict[str, Any]:
    """An annotation above a level, at the right edge."""
    place = {"x": 1, "xref": "paper", "xanchor": "right", "y": y, "yanchor": "bottom"}
    return {**place, "text": text, "showarrow": False, **more}


def top_note(x: float, text: str, **more: Any) -> dict[str, Any]:
    """An annotation at the upper edge."""
    return {"x": x, "y": 1, "yref": "paper", "yanchor": "top", "text": text, "showarrow": False, **more}


def tinted(colour: str, share: float) -> str:
    """A colour "#rrggbb" at this opacity (0..1), as CSS."""
    red, green, blue = rgb(colour)
    return f"rgba({red}, {green}, {blue}, {share})"
