"""Figures of how sure a run may be believed to be: reliability, risk against coverage, ROC and precision-recall curves.

Imports no torch. Names of classes are escaped: plotly reads a little HTML in labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import plotly.graph_objects as go

from core.figures import style
from core.figures.style import INK, Trace
from core.runs.colours import run_colour
from core.stats.calibration import Reliability
from core.stats.selective import Promise, RiskCoverage

BEFORE, AFTER = run_colour(1), run_colour(0)
POINTS = 250  # of a curve at most; the eye sees no more
HEIGHT = 330  # px


def reliability(before: Reliability, after: Reliability | None) -> go.Figure:
    """What was promised and what came, with the photos of each bin below; the diagonal keeps every promise."""
    lowest = min(float(bins.promised.min()) for bins in (before, after) if bins is not None)
    lowest = max(0.0, min(lowest, float(before.came.min())) - 0.04)
    traces: list[Trace] = [
        style.line([lowest, 1], [lowest, 1], INK, width=1, dash="dot", hoverinfo="skip", showlegend=False)
    ]
    for bins, name, colour in ((before, "as the networks say it", BEFORE), (after, "with temperature", AFTER)):
        if bins is None:
            continue
        hover = f"{name} - says %{{x:.3f}}, right %{{y:.3f}}, %{{customdata:,}} photos<extra></extra>"
        dotted = {"mode": "lines+markers", "marker": {"size": 6}, "customdata": bins.count}
        traces.append(
            {**style.line(bins.promised, bins.came, colour, width=2, name=name, hovertemplate=hover), **dotted}
        )
        counts = {"width": 3 * (1 - lowest) / 300, "marker": {"color": style.tinted(colour, 0.75)}, "yaxis": "y2"}
        counted = f"{name} - %{{y:,}} photos at %{{x:.3f}}<extra></extra>"
        traces.append(
            {
                "type": "bar",
                "x": bins.promised,
                "y": bins.count,
                "showlegend": False,
                "hovertemplate": counted,
                **counts,
            }
        )
    layout = style.layout(
        style.axis("how sure it says it is", (lowest, 1.01)), style.axis("share right", (lowest, 1.02))
    )
    layout["yaxis"]["domain"] = [0.26, 1]
    layout["xaxis"]["anchor"] = "y2"
    layout["yaxis2"] = {**style.axis("photos"), "domain": [0, 0.18], "nticks": 3, "rangemode": "tozero"}
    layout |= {"height": HEIGHT, "barmode": "overlay"}
    layout["legend"] = {**layout["legend"], "y": -0.2}
    return style.figure(traces, layout)


def risk_coverage(curve: RiskCoverage, accuracy: float, promise: Promise | None) -> go.Figure:
    """How right the surest answers are against how many are answered, with the wanted accuracy and the promise."""
    rows = _thinned(len(curve.coverage))
    right = 1 - curve.risk[rows]
    hover = "%{x:.1%} answered, from %{customdata:.3f} on - %{y:.3f} right<extra></extra>"
    traces = [
        style.line(
            curve.coverage[rows],
            right,
            AFTER,
            width=2,
            customdata=curve.threshold[rows],
            hovertemplate=hover,
            showlegend=False,
        )
    ]
    if promise is not None:
        words = f"from {promise.threshold:.3f} on: {promise.coverage:.1%} answered, {promise.observed:.3f} right"
        mark = {"symbol": "diamond", "line": {"width": 1, "color": INK}}
        hovering = {"hovertemplate": f"{words}<extra></extra>", "showlegend": False}
        traces.append(style.dots([promise.coverage], [promise.observed], BEFORE, size=12, marker=mark, **hovering))
    low = min(float(right.min()), accuracy)
    layout = style.layout(
        style.axis("share of photos answered", (-0.01, 1.01)),
        style.axis("share right of those", (max(0.0, low - 0.04), 1.01)),
    )
    level = {"type": "line", "x0": 0, "x1": 1, "xref": "paper", "y0": accuracy, "y1": accuracy}
    layout["shapes"] = [level | {"line": {"color": INK, "width": 1, "dash": "dash"}}]
    layout["annotations"] = [
        {"x": 0.01, "xref": "paper", "y": accuracy, "yanchor": "top", "xanchor": "left", "text": f"{accuracy:.1%}"}
        | {"showarrow": False, "font": {"size": 11, "color": INK}}
    ]
    layout["xaxis"]["tickformat"] = layout["yaxis"]["tickformat"] = ".0%"
    layout["height"] = HEIGHT
    return style.figure(traces, layout)


def class_curves(
    curves: Sequence[tuple[str, np.ndarray, np.ndarray]], x: str, y: str, *, diagonal: bool = False
) -> go.Figure:
    """A line a class. curves: (class, x values, y values), in the order of the classes. diagonal: of a ROC curve."""
    traces: list[Trace] = []
    if diagonal:
        traces.append(style.line([0, 1], [0, 1], INK, width=1, dash="dot", hoverinfo="skip", showlegend=False))
    for place, (name, across, up) in enumerate(curves):
        rows = _turning(across, up)
        more: dict[str, Any] = {"name": escape(name), "showlegend": len(curves) <= 6}
        more["hovertemplate"] = f"{escape(name)} - {escape(x)} %{{x:.3f}}, {escape(y)} %{{y:.3f}}<extra></extra>"
        dash = ("solid", "dash", "dot")[place // 12 % 3]
        traces.append(style.line(across[rows], up[rows], run_colour(place), width=1.6, dash=dash, **more))
    layout = style.layout(style.axis(x, (-0.01, 1.01)), style.axis(y, (-0.01, 1.02)))
    layout["height"] = HEIGHT
    return style.figure(traces, layout)


def _turning(across: np.ndarray, up: np.ndarray) -> np.ndarray:
    """Rows of a curve of steps that are drawn: at most POINTS, evenly along the way, so that each large step stays."""
    way = np.concatenate([[0.0], np.cumsum(np.abs(np.diff(across)) + np.abs(np.diff(up)))])
    near = np.searchsorted(way, np.linspace(0, way[-1], POINTS // 2))
    return np.unique(np.clip(np.concatenate([near, near - 1, [len(way) - 1]]), 0, len(way) - 1))


def _thinned(length: int) -> np.ndarray:
    """Rows of a curve that are drawn: all, or POINTS of them with both ends."""
    return np.unique(np.linspace(0, length - 1, min(length, POINTS)).round().astype(int))
