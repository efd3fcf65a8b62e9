"""Figures of one run: curves of every fold with their mean, small curves. Imports no torch."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.figures import style
from core.figures.comparison_curves import smoothed
from core.figures.style import AXIS_TITLES, INK, METRIC_NAMES, Trace
from core.runs.colours import fold_hue

SHORT = 30  # epochs that the axis shows from the beginning
PALE = 0.25  # opacity of what was measured, behind what is smoothed


def score_range(metrics: pd.DataFrame, levels: Sequence[float] = ()) -> tuple[float, float]:
    """One y-range for accuracy and F1, training and validation: whole tenths around all of them, within 0..1.

    levels: scores that are to stay in sight beside them.
    """
    values = metrics[["accuracy", "f1"]].to_numpy(float) if len(metrics) else np.empty(0)
    values = np.append(values, levels)
    values = values[np.isfinite(values)]
    if not len(values):
        return 0.0, 1.0
    low, high = np.floor(values.min() * 10) / 10, np.ceil(values.max() * 10) / 10
    return max(0.0, low) - 0.01, min(1.0, max(high, low + 0.1)) + 0.01


def epoch_range(metrics: pd.DataFrame, epochs: int) -> tuple[float, float]:
    """The x-range: all epochs of a short run; of a longer one at least ten, and room for a quarter more than there is,
    never past the last epoch."""
    seen = int(metrics["epoch"].max()) if len(metrics) else 0
    last = max(1, epochs if epochs <= SHORT else min(epochs, max(10, -(-5 * seen // 4))))
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
    level: tuple[str, float] | None = None,
    smooth: float = 0.0,
    log: bool = False,
    behind: tuple[str, pd.DataFrame] | None = None,
) -> go.Figure:
    """Training (dashed) and validation (solid, from the twelfth fold on in long strokes) of every fold, their mean, and
    mean ± deviation as a 15 % tint.

    metrics: a `fold` column and metrics_file.METRIC_COLUMNS. metric: 'loss', 'accuracy' or 'f1'.
    phases: (name, epochs) of each phase, for the borders between them. level: what a thin line says, and its score.
    smooth: 0..1, see comparison_curves.smoothed; what was measured then stands pale behind each smoothed line, and is
    what the pointer reads; a ring stays where the epoch was measured. The band is smoothed as its mean is.
    log: a logarithmic axis of the metric, on which 0 has no place.
    behind: name and metrics of another run, whose validation mean is a grey line behind all others.
    Mean and deviation are over the folds that have the epoch; the hover says how many. Every trace tells in `meta`
    what it is: {"part": "fold" | "mean" | "best" | "behind", "fold": int | None, "split": "train" | "validation"}, and
    a line that was smoothed also "smoothed": True, that of another run its "name".
    """
    traces: list[Trace] = []
    tables = {(int(f), s): t for (f, s), t in metrics.groupby(["fold", "split"], sort=True)} if len(metrics) else {}
    folds = sorted({fold for fold, _ in tables})
    for split in ("train", "validation"):
        for fold in folds:
            if (fold, split) in tables:
                alone = (fold, "validation") not in tables
                traces.append(_fold_line(tables[fold, split], metric, fold, split, run_colour, alone))
    for split in ("train", "validation"):
        traces.extend(_mean_lines(metrics, metric, split, run_colour))
    for fold in folds:
        if (fold, "validation") in tables:
            traces.append(_best_mark(tables[fold, "validation"], metric, fold, run_colour))
    if behind is not None:
        traces[:0] = _behind(*behind, metric)
    if smooth:
        traces = [line for trace in traces for line in _with_smoothed(trace, smooth)]
    upwards = style.axis(AXIS_TITLES[metric], y_range) | ({"type": "log"} if log else {})
    seen = int(metrics["epoch"].max()) if len(metrics) else 0
    layout = style.layout(style.epoch_axis(x_range[1] if x_range else seen, x_range), upwards)
    kept = "log" if log else "keep"  # a zoom of one axis means nothing on the other
    return style.figure(traces, {**layout, "uirevision": kept, **_lines(phases, level)})


def sparkline(
    curve: Mapping[int, float], *, run_colour: str, width: int = 120, height: int = 28, total: int = 0
) -> str:
    """A small curve as an SVG picture, without axes; an empty one gives an empty picture.

    curve: epoch, from 1 -> score. total: epochs in all, so that an unfinished curve ends where it is.
    """
    points = [(epoch - 1, v) for epoch, v in curve.items() if np.isfinite(v)]
    head = f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
    if not points:
        return head + "</svg>"
    low, high = min(v for _, v in points), max(v for _, v in points)
    across = max(total - 1, points[-1][0], 1)
    scaled = [
        (3 + i / across * (width - 6), height - 4 - (v - low) / ((high - low) or 1) * (height - 8)) for i, v in points
    ]
    line = " ".join(f"{x:.1f},{y:.1f}" for x, y in scaled)
    x, y = scaled[-1]
    return (
        f'{head}<polyline points="{line}" fill="none" stroke="{run_colour}" stroke-width="1.8" stroke-linejoin="round" '
        f'stroke-linecap="round"/><circle cx="{x:.1f}" cy="{y:.1f}" r="2.4" fill="{run_colour}"/></svg>'
    )


def _fold_line(table: pd.DataFrame, metric: str, fold: int, split: str, colour: str, alone: bool) -> Trace:
    """alone: the training of a fold that nobody is validated on."""
    training = split == "train"
    hue, dash = style.fold_look(colour, fold, alone=True, training=training)
    return style.line(
        table["epoch"].to_numpy(np.int32),
        table[metric].to_numpy(np.float32),
        hue,
        width=2 if alone else 1 if training else 1.3,
        dash=dash,
        opacity=1 if alone else 0.7 if training else 0.9,
        mode="lines+markers" if len(table) == 1 else "lines",
        marker={"size": 5},
        name=f"fold {fold}",
        legendgroup=f"fold {fold}",
        showlegend=not training,
        meta={"part": "fold", "fold": fold, "split": split},
        hovertemplate=f"fold {fold} - epoch %{{x}} - {_reading(metric, split)}<extra></extra>",
    )


def _mean_lines(metrics: pd.DataFrame, metric: str, split: str, colour: str) -> list[Trace]:
    """The mean over at least two folds and, for validation, its band."""
    groups = metrics[metrics["split"] == split].groupby("epoch")[metric] if len(metrics) else None
    table = groups.agg(["mean", "std", "count"]) if groups is not None else pd.DataFrame(columns=["count"])
    table = table[table["count"] >= 2]
    if not len(table):
        return []
    x, mean, deviation = table.index.to_numpy(np.int32), table["mean"].to_numpy(), table["std"].to_numpy()
    training = split == "train"
    group: dict[str, Any] = {"meta": {"part": "mean", "fold": None, "split": split}, "legendgroup": "mean"}
    reading = _reading(metric, split, " ± %{customdata[0]:.3f}")
    line = style.line(
        x,
        mean.astype(np.float32),
        colour,
        width=1.8 if training else 3,
        dash="6px,4px" if training else "solid",
        opacity=0.8 if training else 1,
        mode="lines+markers" if len(table) == 1 else "lines",
        marker={"size": 8},
        name="mean ± deviation",
        showlegend=not training,
        customdata=np.stack([deviation, table["count"].to_numpy(float)], axis=1).astype(np.float32),
        hovertemplate=f"mean of %{{customdata[1]:.0f}} folds - epoch %{{x}} - {reading}<extra></extra>",
        **group,
    )
    if training:
        return [line]
    return [style.band(x, mean - deviation, mean + deviation, style.tinted(colour, 0.15), **group), line]


def _behind(name: str, metrics: pd.DataFrame, metric: str) -> list[Trace]:
    """The mean over the folds of another run, grey; nothing where it has measured nothing."""
    rows = metrics[metrics["split"] == "validation"] if len(metrics) else metrics
    if not len(rows):
        return []
    mean = rows.groupby("epoch")[metric].mean()
    return [
        style.line(
            mean.index.to_numpy(np.int32),
            mean.to_numpy(np.float32),
            INK,
            width=2,
            mode="lines+markers" if len(mean) == 1 else "lines",
            name=escape(name),
            showlegend=False,
            meta={"part": "behind", "fold": None, "split": "validation", "name": name},
            hovertemplate=f"{escape(name)} - epoch %{{x}} - {_reading(metric, 'validation')}<extra></extra>",
        )
    ]


def _with_smoothed(trace: Trace, weight: float) -> list[Trace]:
    """A line as it was measured, pale, and smoothed in front of it; a band smoothed; a mark as it is."""
    if trace.get("fill") == "toself":
        upper, lower = np.split(np.asarray(trace["y"], float), 2)  # the lower edge runs backwards
        edges = _smoothed(upper, weight), _smoothed(lower[::-1], weight)[::-1]
        return [{**trace, "y": np.concatenate(edges).astype(np.float32)}]
    if "lines" not in trace["mode"]:
        return [trace]
    in_front = {
        **trace,
        "y": _smoothed(trace["y"], weight).astype(np.float32),
        "meta": {**trace["meta"], "smoothed": True},
        "hoverinfo": "skip",
        "hovertemplate": None,
        "showlegend": False,
    }
    return [{**trace, "opacity": PALE}, in_front]


def _smoothed(values: np.ndarray, weight: float) -> np.ndarray:
    return smoothed(pd.Series(np.asarray(values, float)), weight).to_numpy()


def _reading(metric: str, split: str, deviation: str = "") -> str:
    """What the pointer reads from a line, for plotly to fill in: "F1 0.713 ± 0.012 (training)"."""
    return f"{METRIC_NAMES[metric]} %{{y:.3f}}{deviation}{' (training)' if split == 'train' else ''}"


def _best_mark(table: pd.DataFrame, metric: str, fold: int, colour: str) -> Trace:
    """A ring at the fold's best epoch, which is the first one with the highest validation F1 whatever is drawn."""
    best = table.loc[table["f1"].idxmax()] if table["f1"].notna().any() else table.iloc[-1]
    return style.dots(
        [int(best["epoch"])],
        [float(best[metric])],
        fold_hue(colour, fold),
        size=8,
        marker={"symbol": "circle-open", "line": {"width": 2}},
        name=f"fold {fold} best",
        legendgroup=f"fold {fold}",
        showlegend=False,
        meta={"part": "best", "fold": fold, "split": "validation"},
        hovertemplate=f"fold {fold} - best epoch %{{x}} - {METRIC_NAMES[metric]} %{{y:.3f}}<extra></extra>",
    )


def _lines(phases: Sequence[tuple[str, int]], level: tuple[str, float] | None) -> dict[str, list[dict[str, Any]]]:
    """Lines between phases with the names of both, and the level with what it is, as layout."""
    look = {"font": {"size": 10}, "bgcolor": style.tinted(INK, 0.15)}
    shapes, annotations = [], []
    before = 0
    for (name, epochs), (following, _) in itertools.pairwise(phases):
        before += epochs
        shapes.append(style.upright(before + 0.5, INK, dash="dot"))
        annotations.append(style.top_note(before + 0.5, f"{name} | {following}", **look))
    if level is not None:
        name, y = level
        shapes.append(style.level(y, INK, dash="dot"))
        annotations.append(style.level_note(y, f"{name} {y:.3f}", **look))
    return {"shapes": shapes, "annotations": annotations}
