"""Curves of many runs in one figure: by epoch, time or images, smoothed or not, training, validation or their gap.

Imports no torch. Names of runs are escaped: plotly reads a little HTML in labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.figures.comparison import FEW, figure_of, layout_of, tinted
from core.figures.curves import METRICS, SHORT, fold_colour

X = {"epoch": "epoch", "time": "training time", "images": "images seen (thousands)"}
SHOW = {"validation": ("validation",), "training": ("train",), "both": ("train", "validation"), "gap": ("gap",)}
MINUTE, HOUR = 60.0, 3600.0
LONG = 3 * HOUR  # from here on, time is told in hours


@dataclass(frozen=True, eq=False)
class Line:
    """One run in a figure. metrics: every fold's lines with a `fold` column. images: fold -> photos of an epoch."""

    run: str
    name: str
    colour: str
    metrics: pd.DataFrame
    images: dict[int, int]


def run_curves(
    lines: Sequence[Line], metric: str, *, x: str = "epoch", show: str = "validation", smooth: float = 0.0, folds=False
) -> go.Figure:
    """Mean over folds of each run with its band (mean ± deviation); folds thin on demand.

    metric: 'loss' (plain cross-entropy), 'accuracy' or 'f1'. x: a key of X; time and images are means over the folds
    that have the epoch.
    show: a key of SHOW; the gap is training minus validation (for the loss, validation minus training: above 0 the
    network does better on what it trained on). smooth: 0..1, weight of the past in a debiased exponential mean; the
    band keeps the width that the folds have without it.
    Every trace says in `meta` what it is: {"part": run id, "fold": None, "split": shown split}.
    """
    longest = max((along(line, "time").max(initial=0) for line in lines), default=0) if x == "time" else 0
    unit = {"epoch": 1.0, "images": 1000.0, "time": HOUR if longest >= LONG else MINUTE}[x]
    traces: list[dict[str, Any]] = []
    tint = 0.15 if len(lines) <= FEW else 0.07
    for line in lines:
        for split in SHOW[show]:
            traces += _run_traces(line, metric, x, unit, split, smooth, folds, tint)
    title = METRICS[metric] if show != "gap" else f"gap in {SHORT[metric]}"
    x_title = X[x] + ({HOUR: " (h)", MINUTE: " (min)"}[unit] if x == "time" else "")
    layout = layout_of(x_title, title) | {"uirevision": f"{x} {show}"}
    return figure_of(traces, layout)


def loss_words(names: Sequence[str]) -> str:
    """What stands beside curves of the loss where some runs tell another one: see metrics_file.tells_objective.

    names: of those runs, as plain text; empty gives an empty sentence.
    """
    if not names:
        return ""
    return (
        f"Loss of {', '.join(names)}: an earlier version recorded the training objective, with its label smoothing, "
        "class weights or focal factor. It is no plain cross-entropy and cannot be held against one."
    )


def by_epoch(metrics: pd.DataFrame, metric: str, split: str) -> pd.DataFrame:
    """Index epoch, one column a fold. split: 'train', 'validation' or 'gap'."""
    if split != "gap":
        rows = metrics[metrics["split"] == split]
        return rows.drop_duplicates(["epoch", "fold"], keep="last").pivot(index="epoch", columns="fold", values=metric)
    train, held = by_epoch(metrics, metric, "train"), by_epoch(metrics, metric, "validation")
    return held - train if metric == "loss" else train - held


def along(line: Line, x: str, epochs: pd.Index | None = None) -> np.ndarray:
    """Where epochs (all by default) lie on the axis x: epoch, seconds or photos, means over folds. Shape (epochs,)."""
    epochs = pd.Index(sorted(line.metrics["epoch"].unique())) if epochs is None else epochs
    if x == "epoch":
        return epochs.to_numpy(float)
    table = line.metrics
    if x == "images":
        seen = table[table["split"] == "train"].groupby(["epoch", "fold"]).size().unstack()
        spent = seen.mul(pd.Series(line.images, dtype=float).reindex(seen.columns), axis=1)
    else:
        spent = table.groupby(["epoch", "fold"])["seconds"].sum().unstack()
    # A fold that ended a phase early stands still over the epochs that it left out.
    return spent.cumsum().ffill(limit_area="inside").mean(axis=1).reindex(epochs).to_numpy(float)


def smoothed(values: pd.DataFrame | pd.Series, weight: float) -> pd.DataFrame | pd.Series:
    """Exponential mean whose first values are not drawn towards zero. weight: 0 leaves values as they are."""
    return values.ewm(alpha=1 - weight, adjust=True).mean() if weight > 0 else values


def _run_traces(
    line: Line, metric: str, x: str, unit: float, split: str, smooth: float, folds: bool, tint: float
) -> list[dict[str, Any]]:
    table = by_epoch(line.metrics, metric, split)
    if not len(table):
        return []
    count, mean = table.count(axis=1), smoothed(table.mean(axis=1), smooth)
    deviation = smoothed(table.std(axis=1, ddof=1), smooth).where(count > 1)
    where = along(line, x, table.index) / unit
    meta = {"part": line.run, "fold": None, "split": split}
    training = split == "train"
    what = f"{SHORT[metric]} %{{y:.3f}}" + {"train": " (training)", "gap": " (gap)"}.get(split, "")
    traces = []
    if folds:
        for fold, values in smoothed(table, smooth).items():
            traces.append(
                {
                    "type": "scatter", "mode": "lines", "meta": meta, "x": where, "y": values.to_numpy(np.float32),
                    "line": {"color": fold_colour(line.colour, int(fold)), "width": 1, "dash": "4px,3px" if training
                             else "solid"},
                    "opacity": 0.75, "showlegend": False, "name": f"fold {fold}",
                    "customdata": table.index.to_numpy(),
                    "hovertemplate": f"{escape(line.name)} - fold {fold} - epoch %{{customdata}} - {what}"
                    "<extra></extra>",
                }
            )  # fmt: skip
    banded = deviation.notna().to_numpy()
    if banded.any() and not training:
        high, low = (mean + deviation).to_numpy()[banded], (mean - deviation).to_numpy()[banded]
        traces.append(
            {
                "type": "scatter", "mode": "lines", "meta": meta, "showlegend": False, "hoverinfo": "skip",
                "x": np.concatenate([where[banded], where[banded][::-1]]),
                "y": np.concatenate([high, low[::-1]]).astype(np.float32),
                "fill": "toself", "fillcolor": tinted(line.colour, tint), "line": {"width": 0},
            }
        )  # fmt: skip
    traces.append(
        {
            "type": "scatter", "mode": "lines+markers" if len(table) == 1 else "lines", "meta": meta,
            "name": escape(line.name), "showlegend": not training, "x": where, "y": mean.to_numpy(np.float32),
            "line": {"color": line.colour, "width": 1.8 if training else 2.6, "dash": "6px,4px" if training
                     else "solid"},
            "customdata": np.stack([table.index.to_numpy(float), count.to_numpy(float),
                                    deviation.fillna(0).to_numpy(float)], axis=1).astype(np.float32),
            "hovertemplate": f"{escape(line.name)} - epoch %{{customdata[0]:.0f}} - {what} ± %{{customdata[2]:.3f}} "
            "(%{customdata[1]:.0f} folds)<extra></extra>",
        }
    )  # fmt: skip
    return traces
