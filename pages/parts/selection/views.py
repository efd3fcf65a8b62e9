"""The photos of a run as a table and as dots, both of which select: rows that are ticked, and areas that are drawn."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
import streamlit as st

from core.answers.mistakes import Answers
from core.data.values import attribute_names, column_of, is_number
from core.figures import answers as figures
from core.text import count
from pages.parts.look_inside import address
from pages.parts.selection import judged, selected
from pages.parts.shared import tables

AS = {"gallery": "Gallery", "table": "Table", "dots": "Scatter"}
AXES = {"confidence": "Confidence", "loss": "Loss", "p_true": "Probability of the true class"}
_NUMBER = "selection-dots"  # in the session: how many areas were drawn; each leaves a fresh figure
_CHART = {
    "theme": None,
    "width": "stretch",
    "selection_mode": ("points", "box", "lasso"),
    "config": {
        "displaylogo": False,
        "displayModeBar": True,
        "showSendToCloud": False,
        "modeBarButtons": [["select2d", "lasso2d", "zoom2d", "pan2d", "resetScale2d"]],
    },
}


def table(answers: Answers, rows: np.ndarray, root: str) -> None:
    """A row a photo, in the order of `rows`, positions in the table; those that are selected are ticked."""
    samples = answers.table["sample"].iloc[rows].tolist()
    facts = judged.facts(answers, rows).set_index("sample").loc[samples].reset_index()

    def take(ticked: list[int]) -> None:
        on_page = set(samples)
        elsewhere = [sample for sample in selected.of(root).samples if sample not in on_page]
        selected.put(root, [*elsewhere, *(samples[row] for row in ticked)])

    chosen = np.flatnonzero(facts["sample"].isin(selected.of(root).samples)).tolist()
    tables.ticked(
        facts,
        "photos.csv",
        chosen,
        take,
        key="selection-table",
        hide_index=True,
        height=520,
        column_config={name: st.column_config.NumberColumn(format="%.3f") for name in ("confidence", "p_true", "loss")},
    )


def dots(answers: Answers, rows: np.ndarray, root: str) -> None:
    """A dot a photo; an area that is drawn selects all photos in it, drawn or not. rows: positions in the table."""
    axes = AXES | {
        address.attribute_key(name): name
        for name in attribute_names(answers.table)
        if is_number(name, answers.table) and name not in AXES
    }
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        x_name = address.box("x", "Across", axes, default="confidence", width=230, keep_page=True)
        y_name = address.box("y", "Up", axes, default="loss", width=230, keep_page=True)
    part = answers.table.iloc[rows]
    photos = part[["sample", "true", "predicted", "right"]].assign(
        x=_numbers(answers, rows, x_name, axes),
        y=_numbers(answers, rows, y_name, axes),
        selected=part["sample"].isin(selected.of(root).samples),
    )
    photos = photos[np.isfinite(photos["x"]) & np.isfinite(photos["y"])].reset_index(drop=True)
    of_drawn = figures.drawn(len(photos), photos["selected"].to_numpy())
    key = f"selection-dots-{st.session_state.get(_NUMBER, 0)}-{x_name}-{y_name}"
    st.plotly_chart(
        figures.scatter(photos.iloc[of_drawn], axes[x_name], axes[y_name]),
        key=key,
        on_select=_taker(photos, root, key),
        **_CHART,
    )
    words = "Draw a box or a lasso: all photos in it are selected. A click on a dot selects it, or lets it go."
    if len(of_drawn) < len(photos):
        words += f" {count(len(of_drawn))} of {count(len(photos))} dots are drawn, at random; an area takes all in it."
    if len(photos) < len(part):
        words += f" {count(len(part) - len(photos))} photos have no such number."
    st.caption(words)


def _taker(photos: pd.DataFrame, root: str, key: str) -> Callable[[], None]:
    def take() -> None:
        chosen = st.session_state[key].selection
        areas = [*chosen.get("box", ()), *chosen.get("lasso", ())]
        points = [str(_name_of(point)) for point in chosen.get("points", ())]
        if areas:
            held = figures.inside(photos["x"].to_numpy(float), photos["y"].to_numpy(float), areas)
            selected.take(root, photos["sample"][held].tolist())
        elif points:
            selected.turn(root, points)
        else:
            return
        st.session_state[_NUMBER] = st.session_state.get(_NUMBER, 0) + 1

    return take


def _name_of(point: dict) -> object:
    """Of a dot that was clicked: plotly gives its name alone or in a list."""
    name = point.get("customdata")
    return name[0] if isinstance(name, list) else name


def _numbers(answers: Answers, rows: np.ndarray, axis: str | None, axes: dict[str, str]) -> np.ndarray:
    """What an axis shows of each photo, (rows,); nan where a photo has no such number."""
    table = answers.table.iloc[rows]
    if axis == "p_true":
        return answers.probabilities[rows, table["y"]]
    column = axis if axis in AXES else column_of(axes[str(axis)], answers.table)
    return pd.to_numeric(table[str(column)], errors="coerce").to_numpy(float)
