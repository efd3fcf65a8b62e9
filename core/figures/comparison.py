"""Figures of a comparison: deltas, score against cost, runs x classes. Imports no torch.

Names of runs and classes are escaped: plotly reads a little HTML in labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import cycle
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.compare.cost import pareto_front
from core.compare.pairs import Difference
from core.data.persons import noun
from core.figures import style
from core.figures.style import FEW_RUNS, HEIGHT, INK, METRIC_NAMES, Trace
from core.runs.colours import luminance, rgb
from core.stats.paired import Interval
from core.text import listed

CELLS = 240  # a heat map with more has no numbers in its cells
LEAST_F1, MOST_F1 = "#e6f0f3", "#07465c"  # of a cell: shades of the accent, on light and dark paper alike
DOTS = ("circle", "square", "triangle-up", "cross")
DARK, LIGHT = "#000000", "#ffffff"  # numbers on a cell; where both are read equally well they have 4.58 : 1
_COLOUR_BAR = {"thickness": 10, "outlinewidth": 0, "title": {"text": "F1", "side": "top"}, "tickfont": {"size": 11}}


def deltas(differences: Sequence[Difference], colours: dict[str, str], *, within: float) -> go.Figure:
    """A row a run: its deltas per fold as dots, the mean with the corrected interval, thinner the bootstrap of F1.

    Points (hundredths) on the axis; the grey region counts as the same. colours: run id -> colour.
    """
    paired = [difference for difference in differences if difference.interval is not None]
    traces: list[Trace] = []
    for row, difference in enumerate(paired):
        traces += _delta_traces(difference, row, colours[difference.run])
    labels = [_short(difference.name) for difference in paired]
    metric = paired[0].metric if paired else "f1"
    layout = style.layout(f"{METRIC_NAMES[metric]} minus baseline (points)", "")
    layout["yaxis"] |= _named_ticks(labels) | {"range": [len(labels) - 0.35, -0.6]}
    layout["height"] = max(HEIGHT, 90 + (62 if len(labels) <= FEW_RUNS else 44) * len(labels))
    same = {"type": "rect", "x0": -100 * within, "x1": 100 * within, "y0": 0, "y1": 1, "yref": "paper"}
    grey = {"fillcolor": style.tinted(INK, 0.14), "line": {"width": 0}, "layer": "below"}
    layout["shapes"] = [same | grey, style.upright(0, INK)]
    return style.figure(traces, layout)


def _delta_traces(difference: Difference, row: int, colour: str) -> list[Trace]:
    """The dots of the folds, on them the mean with its interval, and the bootstrap in a row below."""
    name, folds = escape(difference.name), difference.folds
    jitter = np.linspace(-0.16, 0.16, len(folds)) if len(folds) > 1 else np.zeros(1)
    dots = style.dots(
        100 * np.array(difference.deltas),
        row - 0.02 + jitter,
        [style.fold_look(colour, fold, alone=False)[0] for fold in folds],
        size=7,
        marker={"opacity": 0.9, "symbol": [_symbol(fold) for fold in folds]},
        showlegend=False,
        customdata=list(folds),
        hovertemplate=f"{name} - fold %{{customdata}} - %{{x:+.1f}} points<extra></extra>",
    )
    over_folds = f"{name} - mean, corrected interval over folds"
    over_people = f"{name} - F1 of all photos, bootstrap over {noun(difference.persons)}"
    traces = [dots]
    if difference.interval is not None:
        traces.append(_diamond(difference.interval, row, over_folds, colour, size=11, thickness=3))
    if difference.bootstrap is not None:
        traces.append(_diamond(difference.bootstrap, row + 0.3, over_people, colour, size=6, thickness=1.5))
    return traces


def _symbol(fold: int) -> str:
    """Of a fold's dot: another one for each further five folds, whose colours are the same."""
    return DOTS[style.round_of(fold, alone=False) % len(DOTS)]


def _diamond(interval: Interval, y: float, label: str, colour: str, *, size: int, thickness: float) -> Trace:
    """A mean difference and, where it is known, its interval as a bar."""
    mean, low, high = 100 * interval.mean, 100 * interval.low, 100 * interval.high
    bar: dict[str, Any] = {"visible": False}
    if interval.known:
        bar = _bar(colour, thickness, 5) | {"symmetric": False, "array": [high - mean], "arrayminus": [mean - low]}
    reading = f"%{{x:+.1f}} [{low:+.1f}, {high:+.1f}]" if interval.known else "%{x}"
    return style.dots(
        [mean],
        [y],
        colour,
        size=size,
        marker={"symbol": "diamond", "line": {"width": 1, "color": INK}},
        error_x=bar,
        showlegend=False,
        hovertemplate=f"{label} - {reading} points<extra></extra>",
    )


def _bar(colour: str, thickness: float, width: int) -> dict[str, Any]:
    """An error bar without its lengths. width: of its ends, px."""
    return {"visible": True, "type": "data", "thickness": thickness, "width": width, "color": colour}


@dataclass(frozen=True)
class CostPoint:
    """A run among costs. cost: in the axis' unit. score, deviation: shares of 1; deviation NaN for one fold.

    apart: why its score is not ranked with the others'; empty where it is.
    """

    run: str
    name: str
    colour: str
    cost: float
    score: float
    deviation: float
    apart: str = ""


def front_words(points: Sequence[CostPoint]) -> str:
    """What the dotted line is, and which runs could not be on it."""
    apart = listed([f"{point.name} ({point.apart})" for point in points if point.apart])
    words = "Dotted: the Pareto front, runs that no other beats in both."
    return f"{words} Crosses: not ranked with the others, {apart}." if apart else words


def score_against_cost(points: Sequence[CostPoint], *, x_title: str, y_title: str) -> go.Figure:
    """Mean score with its deviation over folds against cost; the Pareto front is a dotted stair, of the runs that are
    ranked."""
    points = [point for point in points if np.isfinite(point.cost) and np.isfinite(point.score)]
    costs = [point.cost for point in points]
    on_front = pareto_front(costs, [np.nan if point.apart else point.score for point in points])
    stair = sorted((point.cost, point.score) for point, best in zip(points, on_front, strict=True) if best)
    traces: list[Trace] = []
    if stair:
        x, y = (list(values) for values in zip(*stair, strict=True))
        traces.append(style.line(x, y, INK, width=1.3, dash="dot", stairs=True, hoverinfo="skip", showlegend=False))
    for point, best, where in zip(points, on_front, _text_positions(costs), strict=True):
        named = {"mode": "markers+text" if best or len(points) <= FEW_RUNS else "markers", "textposition": where}
        traces.append({**_cost_dot(point, on_front=bool(best)), **named})
    layout = style.layout(x_title, y_title)
    if points:
        pad = 0.18 * (max(costs) - min(costs)) or 0.5 * max(costs) or 1.0
        layout["xaxis"]["range"] = [max(0.0, min(costs) - pad), max(costs) + pad]
    return style.figure(traces, layout)


def _text_positions(costs: Sequence[float]) -> list[str]:
    """Where the name of each run stands: neighbours apart, and none beyond the edges."""
    middle = (min(costs, default=0) + max(costs, default=0)) / 2
    heights = dict(zip(sorted(range(len(costs)), key=costs.__getitem__), cycle(("top", "bottom")), strict=False))
    return [f"{heights[place]} {'right' if cost <= middle else 'left'}" for place, cost in enumerate(costs)]


def _cost_dot(point: CostPoint, *, on_front: bool) -> Trace:
    has_deviation = bool(np.isfinite(point.deviation))
    bar = _bar(point.colour, 1.2, 4) | {"array": [point.deviation if has_deviation else 0], "visible": has_deviation}
    deviation = f" ± {point.deviation:.3f}" if has_deviation else ""
    front = " - on the front" if on_front else f" - {point.apart}, not ranked" if point.apart else ""
    symbol = "circle" if on_front else "x-open" if point.apart else "circle-open"
    return style.dots(
        [point.cost],
        [point.score],
        point.colour,
        size=11,
        marker={"symbol": symbol, "line": {"width": 2, "color": point.colour}},
        error_y=bar,
        text=[f" {_short(point.name)} "],
        textfont={"size": 11},
        cliponaxis=False,
        showlegend=False,
        hovertemplate=f"{escape(point.name)} - %{{x:,.4g}} - %{{y:.3f}}{deviation}{front}<extra></extra>",
    )


def class_heat(scores: pd.DataFrame, names: dict[str, str]) -> go.Figure:
    """Runs x classes, F1 in each cell. scores: index run id, one column a class. names: run id -> name."""
    f1 = scores.to_numpy(float)
    rows, columns = f1.shape
    heat = {
        "type": "heatmap",
        "z": f1,
        "x": list(range(columns)),
        "y": list(range(rows)),
        "colorscale": [[0, LEAST_F1], [1, MOST_F1]],
        "zmin": 0,
        "zmax": 1,
        "xgap": 2,
        "ygap": 2,
        "hoverongaps": False,
        "customdata": [[f"{escape(names[run])} - {escape(str(c))}" for c in scores.columns] for run in scores.index],
        "hovertemplate": "%{customdata} - F1 %{z:.3f}<extra></extra>",
        "colorbar": _COLOUR_BAR,
        "showscale": True,
    }
    layout = style.layout("", "")
    layout["xaxis"] |= _named_ticks([_short(str(name)) for name in scores.columns])
    layout["yaxis"] |= _named_ticks([_short(names[run]) for run in scores.index]) | {"autorange": "reversed"}
    layout["height"] = max(170, 100 + 34 * rows)
    if f1.size <= CELLS:
        layout["annotations"] = [
            _cell(column, row, share) for (row, column), share in np.ndenumerate(f1) if np.isfinite(share)
        ]
    return style.figure([heat], layout)


def _cell(column: int, row: int, share: float) -> dict[str, Any]:
    """The number in a cell, in black or white, whichever is read better on its shade."""
    shade = [low + share * (high - low) for low, high in zip(rgb(LEAST_F1), rgb(MOST_F1), strict=True)]
    font = {"size": 11, "color": DARK if luminance(shade) > 0.179 else LIGHT}
    return {"x": column, "y": row, "text": f"{share:.2f}", "showarrow": False, "font": font}


def _named_ticks(labels: Sequence[str]) -> dict[str, Any]:
    """Of an axis: a name at 0, 1, 2, ... instead of numbers."""
    return {"tickvals": list(range(len(labels))), "ticktext": list(labels), "showgrid": False}


def _short(name: str, limit: int = 26) -> str:
    return escape(name if len(name) <= limit else name[: limit - 1] + "…")
