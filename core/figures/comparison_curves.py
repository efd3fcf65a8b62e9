"""Curves of many runs in one figure: by epoch, time or images, smoothed or not, training, validation or their gap.

Imports no torch. Names of runs are escaped: plotly reads a little HTML in labels.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.figures import style
from core.figures.style import AXIS_TITLES, FEW_RUNS, METRIC_NAMES, Trace

X_TITLES = {"epoch": "epoch", "time": "training time", "images": "images seen (thousands)"}
SHOWN_SPLITS = {"validation": ("validation",), "training": ("train",), "both": ("train", "validation"), "gap": ("gap",)}
OF_SPLIT = {"train": " (training)", "validation": "", "gap": " (gap)"}
MINUTE, HOUR = 60.0, 3600.0
LONG = 3 * HOUR  # from here on, time is told in hours


@dataclass(frozen=True, eq=False)
class RunHistory:
    """One run in a figure. metrics: every fold's lines with a `fold` column. images: fold -> photos of an epoch."""

    run: str
    name: str
    colour: str
    metrics: pd.DataFrame
    images: dict[int, int]


def run_curves(
    histories: Sequence[RunHistory],
    metric: str,
    *,
    x: str = "epoch",
    show: str = "validation",
    smooth: float = 0.0,
    folds: bool = False,
) -> go.Figure:
    """Mean over folds of each run with its band (mean ± deviation); folds thin on demand, see style.fold_look.

    metric: 'loss' (plain cross-entropy), 'accuracy' or 'f1'.
    x: a key of X_TITLES; time and images are means over the folds that have the epoch.
    show: a key of SHOWN_SPLITS; the gap is training minus validation (for the loss, validation minus training: above 0
    the network does better on what it trained on).
    smooth: 0..1, weight of the past in a debiased exponential mean; the band keeps the width that the folds have
    without it.
    Every trace says in `meta` what it is: {"part": run id, "fold": None, "split": shown split}.
    """
    longest = max((along(history, "time").max(initial=0) for history in histories), default=0) if x == "time" else 0
    unit = {"epoch": 1.0, "images": 1000.0, "time": HOUR if longest >= LONG else MINUTE}[x]
    traces: list[Trace] = []
    tint = 0.15 if len(histories) <= FEW_RUNS else 0.07
    for history in histories:
        for split in SHOWN_SPLITS[show]:
            if folds:
                traces += _fold_traces(history, split, metric, x=x, unit=unit, smooth=smooth, alone=len(histories) == 1)
            traces += _mean_traces(history, split, metric, x=x, unit=unit, smooth=smooth, tint=tint)
    title = AXIS_TITLES[metric] if show != "gap" else f"gap in {METRIC_NAMES[metric]}"
    x_title = X_TITLES[x] + ({HOUR: " (h)", MINUTE: " (min)"}[unit] if x == "time" else "")
    if x == "epoch":
        last = max((int(history.metrics["epoch"].max()) for history in histories if len(history.metrics)), default=0)
        layout = style.layout(style.epoch_axis(last), title)
    else:
        layout = style.layout(x_title, title)
    return style.figure(traces, layout | {"uirevision": f"{x} {show}"})


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


def along(history: RunHistory, x: str, epochs: pd.Index | None = None) -> np.ndarray:
    """Where epochs (all by default) lie on the axis x: epoch, seconds or photos, means over folds. Shape (epochs,)."""
    epochs = pd.Index(sorted(history.metrics["epoch"].unique())) if epochs is None else epochs
    if x == "epoch":
        return epochs.to_numpy(float)
    table = history.metrics
    if x == "images":
        seen = table[table["split"] == "train"].groupby(["epoch", "fold"]).size().unstack()
        spent = seen.mul(pd.Series(history.images, dtype=float).reindex(seen.columns), axis=1)
    else:
        spent = table.groupby(["epoch", "fold"])["seconds"].sum().unstack()
    # A fold that ended a phase early stands still over the epochs that it left out.
    return spent.cumsum().ffill(limit_area="inside").mean(axis=1).reindex(epochs).to_numpy(float)


def smoothed(values: pd.DataFrame | pd.Series, weight: float) -> pd.DataFrame | pd.Series:
    """Exponential mean whose first values are not drawn towards zero. weight: 0 leaves values as they are.

    Of values x_1 .. x_n, one an epoch: s_t = sum over i <= t of weight^(t - i) x_i, over the sum of these weights.
    Source: the moving average with its bias correction of Kingma & Ba 2015 (Adam, section 3), as TensorBoard draws it.
    """
    return values.ewm(alpha=1 - weight, adjust=True).mean() if weight > 0 else values


def _fold_traces(
    history: RunHistory, split: str, metric: str, *, x: str, unit: float, smooth: float, alone: bool
) -> list[Trace]:
    """A thin line for each fold of one run. alone: whether no other run is shown."""
    table = by_epoch(history.metrics, metric, split)
    if not len(table):
        return []
    where = along(history, x, table.index) / unit
    name, reading = escape(history.name), _reading(metric, split)
    traces = []
    for fold, values in smoothed(table, smooth).items():
        colour, dash = style.fold_look(history.colour, int(fold), alone=alone, training=split == "train")
        traces.append(
            style.line(
                where,
                values.to_numpy(np.float32),
                colour,
                width=1,
                dash=dash,
                opacity=0.75,
                name=f"fold {fold}",
                showlegend=False,
                meta={"part": history.run, "fold": None, "split": split},
                customdata=table.index.to_numpy(),
                hovertemplate=f"{name} - fold {fold} - epoch %{{customdata}} - {reading}<extra></extra>",
            )
        )
    return traces


def _reading(metric: str, split: str) -> str:
    """What the pointer reads from a line, for plotly to fill in."""
    return f"{METRIC_NAMES[metric]} %{{y:.3f}}{OF_SPLIT[split]}"


def _mean_traces(
    history: RunHistory, split: str, metric: str, *, x: str, unit: float, smooth: float, tint: float
) -> list[Trace]:
    """The mean over the folds of one run, behind it its band."""
    table = by_epoch(history.metrics, metric, split)
    if not len(table):
        return []
    where = along(history, x, table.index) / unit
    meta = {"part": history.run, "fold": None, "split": split}
    count, mean = table.count(axis=1), smoothed(table.mean(axis=1), smooth)
    deviation = smoothed(table.std(axis=1, ddof=1), smooth).where(count > 1)
    training = split == "train"
    name = escape(history.name)
    traces = []
    banded = deviation.notna().to_numpy()
    if banded.any() and not training:
        low, high = (mean - deviation).to_numpy()[banded], (mean + deviation).to_numpy()[banded]
        traces.append(style.band(where[banded], low, high, style.tinted(history.colour, tint), meta=meta))
    traces.append(
        style.line(
            where,
            mean.to_numpy(np.float32),
            history.colour,
            width=1.8 if training else 2.6,
            dash="6px,4px" if training else "solid",
            mode="lines+markers" if len(table) == 1 else "lines",
            name=name,
            showlegend=not training,
            meta=meta,
            customdata=np.column_stack([table.index, count, deviation.fillna(0)]).astype(np.float32),
            hovertemplate=f"{name} - epoch %{{customdata[0]:.0f}} - {_reading(metric, split)} ± %{{customdata[2]:.3f}} "
            "(%{customdata[1]:.0f} folds)<extra></extra>",
        )
    )
    return traces
