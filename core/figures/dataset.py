"""Figures of a dataset: classes, ages, people, sizes, attributes against each other. Imports no torch."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from core.data.values import group_names
from core.figures import style
from core.figures.style import GRID, HEIGHT, INK, TEMPLATE, Trace
from core.text import in_full

BAR, LIMIT = "#0072B2", "#D55E00"  # blue and vermilion of Okabe & Ito: what is drawn here are photos, no runs


def _figure(trace: Trace, **layout: Any) -> go.Figure:
    return go.Figure([trace], layout={"template": TEMPLATE, "height": HEIGHT, "showlegend": False, **layout})


def _bars(x: Any, y: Any, hover: str, **more: Any) -> Trace:
    return {"type": "bar", "x": x, "y": y, "marker": {"color": BAR}, "hovertemplate": f"{hover}<extra></extra>", **more}


def class_bars(counts: pd.DataFrame) -> go.Figure:
    """A bar a class: photos, with its people in the hover where they are known.

    counts: index class name, columns photos, share and, where persons are known, people.
    """
    people = "people" in counts
    names = [escape(str(name)) for name in counts.index]
    long = max((len(name) for name in names), default=0) > 14 or len(names) > 12
    of_people = " - %{customdata[0]:,} people" if people else ""
    bars = _bars(
        names,
        counts["photos"],
        "%{x} - %{y:,} photos (%{customdata[1]:.1f} %)" + of_people,
        text=[f"{photos:,}" for photos in counts["photos"]],
        textposition="outside",
        cliponaxis=False,
        customdata=np.stack([counts["people" if people else "photos"], counts["share"] * 100], axis=1),
    )
    top = float(counts["photos"].max()) * 1.12 if len(counts) else 1
    return _figure(
        bars,
        height=330 if long else 280,
        xaxis={"tickangle": -45 if long else None, "type": "category", "showgrid": False},
        yaxis={"title": {"text": "photos"}, "range": [0, top]},
        bargap=0.25,
    )


def age_histogram(ages: np.ndarray, limits: Sequence[float], of: str = "people") -> go.Figure:
    """How many by age in years, the limits of the age groups drawn. of: what they are called."""
    counts = pd.Series(ages).astype(int).value_counts().sort_index()
    look = {"xanchor": "left", "font": {"color": LIMIT, "size": 11}}
    names = np.array(group_names("age", pd.Series(ages), limits))
    group = names[np.searchsorted(np.asarray(limits, dtype=float), counts.index, side="right")]
    hover = f"%{{x}} years - %{{y:,}} {of} - group %{{customdata}}"
    return _figure(
        _bars(counts.index, counts.to_numpy(), hover, customdata=group, width=0.9),
        shapes=[style.upright(limit - 0.5, LIMIT, width=1.5, dash="dash") for limit in limits],
        annotations=[style.top_note(limit - 0.5, f"{limit}", **look) for limit in limits],
        xaxis={"title": {"text": "age (years)"}},
        yaxis={"title": {"text": of}},
    )


def number_histogram(numbers: np.ndarray, limits: Sequence[float], name: str) -> go.Figure:
    """How many photos by a number of theirs, the limits of its groups drawn. name: of the number, foreign text."""
    bars, edges = np.histogram(numbers, bins="auto" if len(np.unique(numbers)) > 30 else 30)
    middles, width = (edges[:-1] + edges[1:]) / 2, edges[1] - edges[0]
    spans = [f"{low:.4g} to {high:.4g}" for low, high in itertools.pairwise(edges)]
    look = {"xanchor": "left", "font": {"color": LIMIT, "size": 11}}
    return _figure(
        _bars(middles, bars, "%{customdata} - %{y:,} photos", customdata=np.array(spans), width=width * 0.94),
        shapes=[style.upright(limit, LIMIT, width=1.5, dash="dash") for limit in limits],
        annotations=[style.top_note(limit, in_full(limit), **look) for limit in limits],
        xaxis={"title": {"text": escape(name)}},
        yaxis={"title": {"text": "photos"}},
    )


def people_bars(counts: pd.Series) -> go.Figure:
    """How many people have how many photos. counts: index photos of a person, value people."""
    every_bar_named = {"type": "category"} if len(counts) <= 12 else {}
    return _figure(
        _bars(counts.index, counts.to_numpy(), "%{y:,} people have %{x} photos"),
        xaxis={"title": {"text": "photos of a person"}, **every_bar_named},
        yaxis={"title": {"text": "people"}},
    )


def size_scatter(sizes: pd.DataFrame, most: int = 2000) -> go.Figure:
    """Width against height (px), a dot a size, its area the photos. sizes: columns width, height, photos."""
    sizes = sizes.head(most)
    dots = style.dots(
        sizes["width"],
        sizes["height"],
        BAR,
        size=6 + 20 * np.sqrt(sizes["photos"] / sizes["photos"].max()),
        marker={"opacity": 0.65},
        type="scattergl",
        customdata=sizes["photos"],
        hovertemplate="%{x} × %{y} px - %{customdata:,} photos<extra></extra>",
    )
    return _figure(
        dots,
        xaxis={"title": {"text": "width (px)"}, "rangemode": "tozero"},
        yaxis={"title": {"text": "height (px)"}, "rangemode": "tozero"},
    )


def cross_heat(table: pd.DataFrame, of: str, ink: str = INK) -> go.Figure:
    """Counts of two attributes as a heat table with its numbers. of: 'photos' or 'people'. ink: of the numbers."""
    rows = [escape(str(name)) for name in table.index]
    columns = [escape(str(name)) for name in table.columns]
    values = table.to_numpy(float)
    heat = {
        "type": "heatmap",
        "z": values,
        "x": columns,
        "y": rows,
        "xgap": 2,
        "ygap": 2,
        "showscale": False,
        "zmin": 0,
        "zmax": max(1.0, values.max(initial=0)),
        "colorscale": [[0, style.tinted(BAR, 0.06)], [1, style.tinted(BAR, 0.5)]],
        "text": [[f"{n:,.0f}" for n in row] for row in values],
        "texttemplate": "%{text}",
        "textfont": {"size": 14, "color": ink},
        "hovertemplate": f"%{{y}}, %{{x}} - %{{text}} {of}<extra></extra>",
    }
    return _figure(
        heat,
        height=90 + 38 * max(2, len(rows)),
        xaxis={"type": "category", "side": "top", "showgrid": False, "tickangle": None if len(columns) < 8 else -45},
        yaxis={"type": "category", "autorange": "reversed", "showgrid": False},
        font={"color": INK},
        margin={"l": 60, "r": 10, "t": 36, "b": 10},
        plot_bgcolor=GRID.replace("0.22", "0.04"),
    )
