"""Figures of a stress test: accuracy and probabilities against the strength of a transform. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import numpy as np
import plotly.graph_objects as go

from core.figures.curves import INK, TEMPLATE
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
    figure.add_annotation(
        x=1, xref="paper", xanchor="right", y=plain, yanchor="bottom", showarrow=False,
        text=f"accuracy without it {plain:.3f}", font={"size": 11, "color": INK},
    )  # fmt: skip
    return figure


def face_curve(values: np.ndarray, probabilities: np.ndarray, names: Sequence[str], strength: str) -> go.Figure:
    """One face's probabilities (v, classes shown) against the strength; the first class is the true one."""
    lines = []
    for i, name in enumerate(names):
        told = f"{escape(name)} (true)" if i == 0 else escape(name)
        lines.append(_line(values, probabilities[:, i], told, RUN_COLOURS[i % len(RUN_COLOURS)], "probability"))
        lines[-1].line.width = 2.5 if i == 0 else 1.5
    return _figure(lines, strength, "probability, 0 to 1")


def _line(x: np.ndarray, y: np.ndarray, name: str, colour: str, told: str) -> go.Scatter:
    return go.Scatter(
        x=x, y=y, name=name, mode="lines+markers", line={"color": colour, "width": 2}, marker={"size": 5},
        hovertemplate=f"{name} - at %{{x:.3g}} - {told} %{{y:.3f}}<extra></extra>",
    )  # fmt: skip


def _figure(lines: list[go.Scatter], strength: str, unit: str) -> go.Figure:
    return go.Figure(
        lines,
        layout={
            "template": TEMPLATE,
            "height": 300,
            "xaxis": {"title": {"text": escape(strength)}},
            "yaxis": {"title": {"text": unit}, "range": [-0.02, 1.02]},
        },
    )
