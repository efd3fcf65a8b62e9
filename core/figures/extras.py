"""The figure of what extras bring and cost: F1 with its interval against seconds. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import plotly.graph_objects as go

from core.figures import style
from core.figures.style import Trace

HEIGHT = 340  # px
TOGETHER = style.INK


@dataclass(frozen=True)
class Point:
    """One way of answering. name: what it is. label: short, beside its dot. group: whose it is, one colour and one
    line of the legend each."""

    name: str
    label: str
    group: str
    colour: str
    seconds: float
    f1: float
    low: float
    high: float


def f1_against_seconds(points: Sequence[Point]) -> go.Figure:
    """A dot a way, its interval upright where there is one; a way that costs twice as much stands equally far right."""
    traces: list[Trace] = []
    groups = list(dict.fromkeys(point.group for point in points))
    for group in groups:
        own = [point for point in points if point.group == group]
        hover = [f"{escape(point.name)} - {point.seconds:.2f} s, F1 {point.f1:.3f}{_ends(point)}" for point in own]
        bars = {
            "type": "data",
            "symmetric": False,
            "array": [max(0.0, point.high - point.f1) if _has_ends(point) else 0.0 for point in own],
            "arrayminus": [max(0.0, point.f1 - point.low) if _has_ends(point) else 0.0 for point in own],
            "thickness": 1.2,
            "width": 4,
            "color": style.tinted(own[0].colour, 0.8),
        }
        traces.append(
            style.dots(
                [point.seconds for point in own],
                [point.f1 for point in own],
                own[0].colour,
                size=9,
                mode="markers+text",
                text=[escape(point.label) for point in own],
                textposition=["top right" if place % 2 == 0 else "bottom right" for place in range(len(own))],
                textfont={"size": 11},
                cliponaxis=False,
                error_y=bars,
                hovertext=hover,
                hovertemplate="%{hovertext}<extra></extra>",
                name=escape(group),
                showlegend=len(groups) > 1,
            )
        )
    ticks = _ticks([point.seconds for point in points])
    across = style.axis("seconds for 100 photos")
    across |= {"type": "log", "tickvals": ticks, "ticktext": [f"{tick:,g}" for tick in ticks]}
    layout = style.layout(across, style.axis("F1"))
    layout |= {"height": HEIGHT, "margin": {**layout["margin"], "r": 110}}
    return style.figure(traces, layout)


def _ticks(seconds: Sequence[float]) -> list[float]:
    """1, 2, 5, 10, ... about the values, a step beyond both ends."""
    exponents = range(math.floor(math.log10(min(seconds))) - 1, math.ceil(math.log10(max(seconds))) + 2)
    steps = [float(f"{digit}e{exponent}") for exponent in exponents for digit in (1, 2, 5)]
    return [step for step in steps if min(seconds) / 3 <= step <= max(seconds) * 3]


def _has_ends(point: Point) -> bool:
    return point.low == point.low and point.high == point.high


def _ends(point: Point) -> str:
    return f" [{point.low:.3f}, {point.high:.3f}]" if _has_ends(point) else ""
