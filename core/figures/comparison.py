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
from core.figures.curves import HEIGHT, INK, SHORT, TEMPLATE, fold_colour

FEW = 6  # runs; with more, bands are paler, rows closer, and only runs on the Pareto front carry their name
CELLS = 240  # a heat map with more has no numbers in its cells
_LAYOUT = TEMPLATE.layout.to_plotly_json()


def deltas(differences: Sequence[Difference], colours: dict[str, str], *, within: float) -> go.Figure:
    """A row a run: its deltas per fold as dots, the mean with the corrected interval, thinner the bootstrap of F1.

    Points (hundredths) on the axis; the grey region counts as the same. colours: run id -> colour.
    """
    shown = [d for d in differences if d.interval is not None]
    traces: list[dict[str, Any]] = []
    for row, one in enumerate(shown):
        name, colour = escape(one.name), colours[one.run]
        jitter = np.linspace(-0.16, 0.16, len(one.deltas)) if len(one.deltas) > 1 else np.zeros(1)
        traces.append(
            {
                "type": "scatter", "mode": "markers", "x": 100 * np.array(one.deltas), "y": row - 0.02 + jitter,
                "marker": {"size": 7, "color": [fold_colour(colour, fold) for fold in one.folds],
                           "opacity": 0.9},
                "customdata": list(one.folds),
                "hovertemplate": f"{name} - fold %{{customdata}} - %{{x:+.1f}} points<extra></extra>",
            }
        )  # fmt: skip
        for interval, at, width, what in (
            (one.interval, row, 3, "mean, corrected interval over folds"),
            (one.bootstrap, row + 0.3, 1.5, f"F1 of all photos, bootstrap over {noun(one.persons)}"),
        ):
            if interval is None:
                continue
            mean = 100 * interval.mean
            ends = f"%{{x:+.1f}} [{100 * interval.low:+.1f}, {100 * interval.high:+.1f}]" if interval.known else "%{x}"
            bar = {"visible": interval.known, "type": "data", "symmetric": False, "thickness": width, "width": 5,
                   "array": [100 * interval.high - mean], "arrayminus": [mean - 100 * interval.low],
                   "color": colour}  # fmt: skip
            traces.append(
                {
                    "type": "scatter", "mode": "markers", "x": [mean], "y": [at],
                    "error_x": bar if interval.known else {"visible": False},
                    "marker": {"size": 11 if width == 3 else 6, "symbol": "diamond", "color": colour,
                               "line": {"width": 1, "color": INK}},
                    "hovertemplate": f"{name} - {what} - {ends} points<extra></extra>",
                }
            )  # fmt: skip
    labels = [_short(one.name) for one in shown]
    metric = shown[0].metric if shown else "f1"
    layout = layout_of(f"{SHORT[metric]} minus baseline (points)", "")
    layout["yaxis"] |= {"tickvals": list(range(len(labels))), "ticktext": labels, "showgrid": False,
                        "range": [len(labels) - 0.35, -0.6]}  # fmt: skip
    layout["height"] = max(HEIGHT, 90 + (62 if len(labels) <= FEW else 44) * len(labels))
    region = {"type": "rect", "x0": -100 * within, "x1": 100 * within, "y0": 0, "y1": 1, "yref": "paper",
              "fillcolor": tinted(INK, 0.14), "line": {"width": 0}, "layer": "below"}  # fmt: skip
    zero = {"type": "line", "x0": 0, "x1": 0, "y0": 0, "y1": 1, "yref": "paper", "line": {"color": INK, "width": 1}}
    layout["shapes"] = [region, zero]
    return figure_of([{**trace, "showlegend": False} for trace in traces], layout)


@dataclass(frozen=True)
class Point:
    """A run among costs. cost: in the axis' unit. score, deviation: shares of 1; deviation NaN for one fold."""

    run: str
    name: str
    colour: str
    cost: float
    score: float
    deviation: float


def score_against_cost(points: Sequence[Point], *, x_title: str, y_title: str) -> go.Figure:
    """Mean score with its deviation over folds against cost; the Pareto front is a dotted stair."""
    known = [p for p in points if np.isfinite(p.cost) and np.isfinite(p.score)]
    front = pareto_front([p.cost for p in known], [p.score for p in known])
    best = sorted(((p.cost, p.score) for p, on in zip(known, front, strict=True) if on))
    traces: list[dict[str, Any]] = []
    if best:
        traces.append(
            {
                "type": "scatter", "mode": "lines", "x": [c for c, _ in best], "y": [s for _, s in best],
                "line": {"color": INK, "width": 1.3, "dash": "dot", "shape": "hv"}, "hoverinfo": "skip",
            }
        )  # fmt: skip
    middle = (min((p.cost for p in known), default=0) + max((p.cost for p in known), default=0)) / 2
    heights = dict(zip(sorted(range(len(known)), key=lambda i: known[i].cost), cycle(("top", "bottom")), strict=False))
    for place, (point, on) in enumerate(zip(known, front, strict=True)):
        spread = np.isfinite(point.deviation)
        told = f" ± {point.deviation:.3f}" if spread else ""
        named = on or len(known) <= FEW
        traces.append(
            {
                "type": "scatter", "mode": "markers+text" if named else "markers", "x": [point.cost],
                "y": [point.score], "text": [f" {_short(point.name)} "], "textfont": {"size": 11},
                "textposition": f"{heights[place]} {'right' if point.cost <= middle else 'left'}",  # neighbours apart
                "cliponaxis": False,
                "error_y": {"visible": bool(spread), "type": "data", "array": [point.deviation if spread else 0],
                            "thickness": 1.2, "width": 4, "color": point.colour},
                "marker": {"size": 11, "color": point.colour, "symbol": "circle" if on else "circle-open",
                           "line": {"width": 2, "color": point.colour}},
                "hovertemplate": f"{escape(point.name)} - %{{x:,.4g}} - %{{y:.3f}}{told}"
                f"{' - on the front' if on else ''}<extra></extra>",
            }
        )  # fmt: skip
    layout = layout_of(x_title, y_title)
    if known:
        costs = [p.cost for p in known]
        pad = 0.18 * (max(costs) - min(costs)) or 0.5 * max(costs) or 1.0
        layout["xaxis"]["range"] = [max(0.0, min(costs) - pad), max(costs) + pad]
    return figure_of([{**trace, "showlegend": False} for trace in traces], layout)


def class_heat(scores: pd.DataFrame, names: dict[str, str]) -> go.Figure:
    """Runs x classes, F1 in each cell. scores: index run id, one column a class. names: run id -> name."""
    values = scores.to_numpy(float)
    heat = {
        "type": "heatmap", "z": values, "x": list(range(values.shape[1])), "y": list(range(values.shape[0])),
        "colorscale": "Viridis", "zmin": 0, "zmax": 1, "xgap": 2, "ygap": 2, "hoverongaps": False,
        "customdata": [[f"{escape(names[run])} - {escape(str(c))}" for c in scores.columns] for run in scores.index],
        "hovertemplate": "%{customdata} - F1 %{z:.3f}<extra></extra>",
        "colorbar": {"thickness": 10, "outlinewidth": 0, "title": {"text": "F1", "side": "top"}, "tickfont":
                     {"size": 11}},
        "showscale": True,
    }  # fmt: skip
    layout = layout_of("", "")
    layout["xaxis"] |= {"tickvals": heat["x"], "ticktext": [_short(str(c)) for c in scores.columns], "showgrid": False}
    layout["yaxis"] |= {"tickvals": heat["y"], "ticktext": [_short(names[run]) for run in scores.index],
                        "showgrid": False, "autorange": "reversed"}  # fmt: skip
    layout["height"] = max(170, 100 + 34 * len(scores))
    if values.size <= CELLS:  # Viridis is dark below 0.6 and light above, on light and dark paper alike
        layout["annotations"] = [
            {"x": column, "y": row, "text": f"{value:.2f}", "showarrow": False,
             "font": {"size": 11, "color": "#101418" if value > 0.6 else "#f4f6f6"}}
            for (row, column), value in np.ndenumerate(values) if np.isfinite(value)
        ]  # fmt: skip
    return figure_of([heat], layout)


def layout_of(x: str, y: str) -> dict[str, Any]:
    """The lab's layout with these titles of the axes; validated once, with the template, and not at each drawing."""
    axes = {key: {**_LAYOUT[key], "title": {**_LAYOUT[key]["title"], "text": title}} for key, title in
            (("xaxis", x), ("yaxis", y))}  # fmt: skip
    return {**_LAYOUT, **axes}


def figure_of(traces: list[dict[str, Any]], layout: dict[str, Any]) -> go.Figure:
    """A figure without plotly's validation, which costs more than the drawing."""
    return go.Figure({"data": traces, "layout": layout}, skip_invalid=False, _validate=False)


def tinted(colour: str, share: float) -> str:
    """A colour "#rrggbb" at this opacity (0..1), as CSS."""
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {share})"


def _short(name: str, limit: int = 26) -> str:
    return escape(name if len(name) <= limit else name[: limit - 1] + "…")
