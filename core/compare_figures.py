"""Figures of a comparison: curves of many runs, deltas, score against cost, runs x classes. Imports no torch.

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

from core.compare import Difference
from core.cost import pareto_front
from core.figures import HEIGHT, INK, METRICS, SHORT, TEMPLATE, fold_colour

X = {"epoch": "epoch", "time": "training time", "images": "images seen (thousands)"}
SHOW = {"validation": ("validation",), "training": ("train",), "both": ("train", "validation"), "gap": ("gap",)}
MINUTE, HOUR = 60.0, 3600.0
LONG = 3 * HOUR  # from here on, time is told in hours
FEW = 6  # runs; with more, bands are paler, rows closer, and only runs on the Pareto front carry their name
CELLS = 240  # a heat map with more has no numbers in its cells
_LAYOUT = TEMPLATE.layout.to_plotly_json()


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

    metric: 'loss', 'accuracy' or 'f1'. x: a key of X; time and images are means over the folds that have the epoch.
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
    layout = _layout(x_title, title) | {"uirevision": f"{x} {show}"}
    return _figure(traces, layout)


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
    if x == "images":
        return epochs.to_numpy(float) * float(np.mean(list(line.images.values()) or [np.nan]))
    spent = line.metrics.groupby(["epoch", "fold"])["seconds"].sum().unstack()
    return spent.cumsum().mean(axis=1).reindex(epochs).to_numpy(float)


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
        for number, (fold, values) in enumerate(smoothed(table, smooth).items()):
            traces.append(
                {
                    "type": "scatter", "mode": "lines", "meta": meta, "x": where, "y": values.to_numpy(np.float32),
                    "line": {"color": fold_colour(line.colour, number), "width": 1, "dash": "4px,3px" if training
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
                "fill": "toself", "fillcolor": _tint(line.colour, tint), "line": {"width": 0},
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
                "marker": {"size": 7, "color": [fold_colour(colour, f) for f in range(len(one.folds))],
                           "opacity": 0.9},
                "customdata": list(one.folds),
                "hovertemplate": f"{name} - fold %{{customdata}} - %{{x:+.1f}} points<extra></extra>",
            }
        )  # fmt: skip
        for interval, at, width, what in (
            (one.interval, row, 3, "mean, corrected interval over folds"),
            (one.bootstrap, row + 0.3, 1.5, "F1 of all photos, bootstrap over people"),
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
    layout = _layout(f"{SHORT[metric]} minus baseline (points)", "")
    layout["yaxis"] |= {"tickvals": list(range(len(labels))), "ticktext": labels, "showgrid": False,
                        "range": [len(labels) - 0.35, -0.6]}  # fmt: skip
    layout["height"] = max(HEIGHT, 90 + (62 if len(labels) <= FEW else 44) * len(labels))
    region = {"type": "rect", "x0": -100 * within, "x1": 100 * within, "y0": 0, "y1": 1, "yref": "paper",
              "fillcolor": _tint(INK, 0.14), "line": {"width": 0}, "layer": "below"}  # fmt: skip
    zero = {"type": "line", "x0": 0, "x1": 0, "y0": 0, "y1": 1, "yref": "paper", "line": {"color": INK, "width": 1}}
    layout["shapes"] = [region, zero]
    return _figure([{**trace, "showlegend": False} for trace in traces], layout)


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
    layout = _layout(x_title, y_title)
    if known:
        costs = [p.cost for p in known]
        pad = 0.18 * (max(costs) - min(costs)) or 0.5 * max(costs) or 1.0
        layout["xaxis"]["range"] = [max(0.0, min(costs) - pad), max(costs) + pad]
    return _figure([{**trace, "showlegend": False} for trace in traces], layout)


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
    layout = _layout("", "")
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
    return _figure([heat], layout)


def _layout(x: str, y: str) -> dict[str, Any]:
    axes = {key: {**_LAYOUT[key], "title": {**_LAYOUT[key]["title"], "text": title}} for key, title in
            (("xaxis", x), ("yaxis", y))}  # fmt: skip
    return {**_LAYOUT, **axes}


def _figure(traces: list[dict[str, Any]], layout: dict[str, Any]) -> go.Figure:
    return go.Figure({"data": traces, "layout": layout}, skip_invalid=False, _validate=False)


def _tint(colour: str, share: float) -> str:
    red, green, blue = (int(colour[i : i + 2], 16) for i in (1, 3, 5))
    return f"rgba({red}, {green}, {blue}, {share})"


def _short(name: str, limit: int = 26) -> str:
    return escape(name if len(name) <= limit else name[: limit - 1] + "…")
