"""Tables of numbers -> plotly Figures, all in one style. Imports no torch.

Colours are chosen to read on light and dark paper; backgrounds are transparent. Text and grid are a mid grey here and
take the theme's own colours where the browser knows them (pages/parts/run/curves.py).
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.runs.colours import RUN_COLOURS, fold_colour, rgb

INK, GRID = "#7d8590", "rgba(125, 133, 144, 0.22)"
HEIGHT = 270  # px, the same for every figure in a row
METRICS = {"loss": "loss", "accuracy": "accuracy", "f1": "macro F1"}
SHORT = {"loss": "loss", "accuracy": "accuracy", "f1": "F1"}
SPLITS = {"train": "training", "validation": "validation"}

_AXIS: dict[str, Any] = {
    "gridcolor": GRID, "linecolor": GRID, "zeroline": False, "showline": False, "ticks": "", "automargin": True,
    "title": {"standoff": 6, "font": {"size": 12}}, "tickfont": {"size": 11},
}  # fmt: skip
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
        "legend": {"orientation": "h", "y": -0.25, "x": 0, "font": {"size": 11}},
        "xaxis": _AXIS,
        "yaxis": _AXIS,
    }
)
_LAYOUT = TEMPLATE.layout.to_plotly_json()


def score_range(metrics: pd.DataFrame) -> tuple[float, float]:
    """One y-range for accuracy and F1, training and validation: whole tenths around all of them, within 0..1."""
    values = metrics[["accuracy", "f1"]].to_numpy(float) if len(metrics) else np.empty(0)
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = np.floor(values.min() * 10) / 10, np.ceil(values.max() * 10) / 10
    return max(0.0, low) - 0.01, min(1.0, max(high, low + 0.1)) + 0.01


def epoch_range(metrics: pd.DataFrame, epochs: int) -> tuple[float, float]:
    """The x-range: at least ten epochs, room for a quarter more than there is, never past the last epoch."""
    seen = int(metrics["epoch"].max()) if len(metrics) else 0
    last = max(1, min(epochs, max(10, -(-5 * seen // 4))))
    pad = max(0.5, 0.02 * last)
    return 1 - pad, last + pad


def curves(
    metrics: pd.DataFrame,
    metric: str,
    *,
    run_colour: str,
    phases: Sequence[tuple[str, int]] = (),
    x_range: tuple[float, float] | None = None,
    y_range: tuple[float, float] | None = None,
) -> go.Figure:
    """Training (dashed) and validation (solid) of every fold, their mean, and mean ± deviation as a 15 % tint.

    metrics: a `fold` column and metrics_file.METRIC_COLUMNS. metric: 'loss', 'accuracy' or 'f1'.
    phases: (name, epochs) of each phase, for the borders between them.
    Mean and deviation are over the folds that have the epoch; the hover says how many. Every trace tells in `meta`
    what it is: {"part": "fold" | "mean" | "best", "fold": int | None, "split": "train" | "validation"}.
    """
    traces: list[dict[str, Any]] = []
    tables = {(int(f), s): t for (f, s), t in metrics.groupby(["fold", "split"], sort=True)} if len(metrics) else {}
    folds = sorted({fold for fold, _ in tables})
    for split in ("train", "validation"):
        for fold in folds:
            if (fold, split) in tables:
                traces.append(_fold_line(tables[fold, split], metric, fold, split, run_colour))
    for split in ("train", "validation"):
        traces.extend(_mean_lines(metrics, metric, split, run_colour))
    for fold in folds:
        if (fold, "validation") in tables:
            traces.append(_best_mark(tables[fold, "validation"], metric, fold, run_colour))
    shapes, annotations = _phase_borders(phases)
    layout = {
        **_LAYOUT,
        "uirevision": "keep",
        "xaxis": _axis("epoch", x_range),
        "yaxis": _axis(METRICS[metric], y_range),
        "shapes": shapes,
        "annotations": annotations,
    }
    return go.Figure({"data": traces, "layout": layout}, skip_invalid=False, _validate=False)


def learning_rates(metrics: pd.DataFrame, *, run_colour: str, phases: Sequence[tuple[str, int]] = ()) -> go.Figure:
    """Learning rate of backbone and head at the end of every epoch, from the fold that is furthest; log scale."""
    rows = metrics[metrics["split"] == "train"]
    if len(rows):
        rows = rows[rows["fold"] == rows.groupby("fold")["epoch"].max().idxmax()]
    traces = []
    for column, name, dash in (("lr_head", "head", "solid"), ("lr_backbone", "backbone", "dot")):
        rates = rows[column].where(rows[column] > 0)
        traces.append(
            {
                "type": "scatter",
                "mode": "lines",
                "name": name,
                "x": rows["epoch"].to_numpy(),
                "y": rates.to_numpy(float),
                "line": {"color": run_colour, "width": 2, "dash": dash, "shape": "hv"},
                "hovertemplate": f"{name} - epoch %{{x}} - %{{y:.3g}}<extra></extra>",
                "showlegend": True,
            }
        )
    shapes, annotations = _phase_borders(phases)
    layout = {
        **_LAYOUT,
        "uirevision": "keep",
        "xaxis": _axis("epoch"),
        "yaxis": {**_axis("learning rate"), "type": "log", "exponentformat": "power", "dtick": 1},
        "shapes": shapes,
        "annotations": annotations,
    }
    return go.Figure({"data": traces, "layout": layout}, skip_invalid=False, _validate=False)


def sparkline(values: Sequence[float], *, run_colour: str, width: int = 120, height: int = 28, total: int = 0) -> str:
    """A small curve as an SVG picture, without axes; empty values give an empty picture.

    values: one score an epoch. total: epochs in all, so that an unfinished curve ends where it is.
    """
    points = [(i, v) for i, v in enumerate(values) if np.isfinite(v)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    if not points:
        return head + "</svg>"
    low, high = min(v for _, v in points), max(v for _, v in points)
    across = max(total - 1, len(values) - 1, 1)
    scaled = [
        (3 + i / across * (width - 6), height - 4 - (v - low) / ((high - low) or 1) * (height - 8)) for i, v in points
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in scaled)
    x, y = scaled[-1]
    return (
        f'{head}<polyline points="{line}" fill="none" stroke="{run_colour}" stroke-width="1.8" stroke-linejoin="round" '
        f'stroke-linecap="round"/><circle cx="{x:.1f}" cy="{y:.1f}" r="2.4" fill="{run_colour}"/></svg>'
    )


def _axis(title: str, limits: tuple[float, float] | None = None) -> dict[str, Any]:
    axis = {**_AXIS, "title": {**_AXIS["title"], "text": title}}
    return {**axis, "range": list(limits)} if limits else axis  # a null range breaks Plotly.react


def _fold_line(table: pd.DataFrame, metric: str, fold: int, split: str, colour: str) -> dict[str, Any]:
    training = split == "train"
    what = f"{SHORT[metric]} %{{y:.3f}}" + (" (training)" if training else "")
    return {
        "type": "scatter",
        "mode": "lines+markers" if len(table) == 1 else "lines",
        "marker": {"size": 5},
        "name": f"fold {fold}",
        "meta": {"part": "fold", "fold": fold, "split": split},
        "legendgroup": f"fold {fold}",
        "showlegend": not training,
        "x": table["epoch"].to_numpy(np.int32),
        "y": table[metric].to_numpy(np.float32),
        "line": {
            "color": fold_colour(colour, fold),
            "width": 1 if training else 1.3,
            "dash": "4px,3px" if training else "solid",
        },
        "opacity": 0.7 if training else 0.9,
        "hovertemplate": f"fold {fold} - epoch %{{x}} - {what}<extra></extra>",
    }


def _mean_lines(metrics: pd.DataFrame, metric: str, split: str, colour: str) -> list[dict[str, Any]]:
    """The mean over at least two folds and, for validation, its band."""
    groups = metrics[metrics["split"] == split].groupby("epoch")[metric] if len(metrics) else None
    table = groups.agg(["mean", "std", "count"]) if groups is not None else pd.DataFrame(columns=["count"])
    table = table[table["count"] >= 2]
    if not len(table):
        return []
    x, mean, deviation = table.index.to_numpy(np.int32), table["mean"].to_numpy(), table["std"].to_numpy()
    meta = {"part": "mean", "fold": None, "split": split}
    training = split == "train"
    what = f"{SHORT[metric]} %{{y:.3f}} ± %{{customdata[0]:.3f}}" + (" (training)" if training else "")
    line = {
        "type": "scatter",
        "mode": "lines",
        "name": "mean ± deviation",
        "meta": meta,
        "legendgroup": "mean",
        "showlegend": not training,
        "x": x,
        "y": mean.astype(np.float32),
        "customdata": np.stack([deviation, table["count"].to_numpy(float)], axis=1).astype(np.float32),
        "line": {"color": colour, "width": 1.8 if training else 3, "dash": "6px,4px" if training else "solid"},
        "opacity": 0.8 if training else 1,
        "hovertemplate": f"mean of %{{customdata[1]:.0f}} folds - epoch %{{x}} - {what}<extra></extra>",
    }
    if training:
        return [line]
    red, green, blue = rgb(colour)
    band = {
        "type": "scatter",
        "mode": "lines",
        "meta": meta,
        "legendgroup": "mean",
        "showlegend": False,
        "x": np.concatenate([x, x[::-1]]),
        "y": np.concatenate([mean + deviation, (mean - deviation)[::-1]]).astype(np.float32),
        "fill": "toself",
        "fillcolor": f"rgba({red}, {green}, {blue}, 0.15)",
        "line": {"width": 0},
        "hoverinfo": "skip",
    }
    return [band, line]


def _best_mark(table: pd.DataFrame, metric: str, fold: int, colour: str) -> dict[str, Any]:
    """A ring at the fold's best epoch, which is the first one with the highest validation F1 whatever is drawn."""
    best = table.loc[table["f1"].idxmax()] if table["f1"].notna().any() else table.iloc[-1]
    return {
        "type": "scatter",
        "mode": "markers",
        "name": f"fold {fold} best",
        "meta": {"part": "best", "fold": fold, "split": "validation"},
        "legendgroup": f"fold {fold}",
        "showlegend": False,
        "x": [int(best["epoch"])],
        "y": [float(best[metric])],
        "marker": {
            "size": 8,
            "symbol": "circle-open",
            "color": fold_colour(colour, fold),
            "line": {"width": 2},
        },
        "hovertemplate": f"fold {fold} - best epoch %{{x}} - {SHORT[metric]} %{{y:.3f}}<extra></extra>",
    }


def _phase_borders(phases: Sequence[tuple[str, int]]) -> tuple[list[dict], list[dict]]:
    shapes, annotations = [], []
    before = 0
    for (name, epochs), (following, _) in itertools.pairwise(phases):
        before += epochs
        shapes.append(
            {
                "type": "line",
                "x0": before + 0.5,
                "x1": before + 0.5,
                "y0": 0,
                "y1": 1,
                "yref": "paper",
                "line": {"color": INK, "width": 1, "dash": "dot"},
            }
        )
        annotations.append(
            {
                "x": before + 0.5,
                "y": 1,
                "yref": "paper",
                "text": f"{name} | {following}",
                "showarrow": False,
                "font": {"size": 10},
                "yanchor": "top",
                "bgcolor": "rgba(125, 133, 144, 0.15)",
            }
        )
    return shapes, annotations
