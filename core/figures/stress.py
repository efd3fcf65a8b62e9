"""Figures of a stress test: accuracy and probabilities against the strength of a transform. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go

from core.figures import style
from core.figures.style import INK, TEMPLATE, Trace
from core.runs.colours import RUN_COLOURS


def accuracy_curve(
    values: np.ndarray, accuracy: np.ndarray, true_p: np.ndarray, plain: float, strength: str
) -> go.Figure:
    """Accuracy and mean probability of the true class, (v,) each, against the strength; plain: without the transform.

    strength: its name with the unit, for the axis.
    """
    lines = [
        _line(values, accuracy, "accuracy", RUN_COLOURS[0], "share predicted right"),
        _line(values, true_p, "mean probability of the true class", RUN_COLOURS[1], "mean probability"),
    ]
    figure = _figure(lines, strength, "share, 0 to 1")
    figure.add_hline(plain, line={"color": INK, "width": 1, "dash": "dot"})
    place = {"x": 1, "xref": "paper", "xanchor": "right", "y": plain, "yanchor": "bottom", "showarrow": False}
    figure.add_annotation(place, text=f"accuracy without it {plain:.3f}", font={"size": 11, "color": INK})
    return figure


def face_curve(values: np.ndarray, probabilities: np.ndarray, names: Sequence[str], strength: str) -> go.Figure:
    """One face's probabilities (v, classes shown) against the strength; the first class is the true one."""
    lines = []
    for i, name in enumerate(names):
        label = f"{escape(name)} (true)" if i == 0 else escape(name)
        colour = RUN_COLOURS[i % len(RUN_COLOURS)]
        lines.append(_line(values, probabilities[:, i], label, colour, "probability", width=2.5 if i == 0 else 1.5))
    return _figure(lines, strength, "probability, 0 to 1")


def _line(x: np.ndarray, y: np.ndarray, name: str, colour: str, quantity: str, width: float = 2) -> Trace:
    hover = f"{name} - at %{{x:.3g}} - {quantity} %{{y:.3f}}<extra></extra>"
    line = style.line(x, y, colour, width=width, name=name, hovertemplate=hover)
    return {**line, "mode": "lines+markers", "marker": {"size": 5}}


def _figure(lines: list[Trace], strength: str, unit: str) -> go.Figure:
    return go.Figure(
        lines,
        layout={
            "template": TEMPLATE,
            "height": 300,
            "xaxis": {"title": {"text": escape(strength)}},
            "yaxis": {"title": {"text": unit}, "range": [-0.02, 1.02]},
        },
    )
