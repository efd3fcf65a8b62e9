"""Data, overview: classes, attributes against each other, ages, people, sizes, mean photos."""

from __future__ import annotations

from html import escape

import numpy as np
import pandas as pd
import streamlit as st

from core.config.run_config import TaskConfig
from core.data import counts
from core.data.counts import MEAN_PHOTOS
from core.data.persons import UNKNOWN
from core.data.pictures.photo import StoredPhoto, photos_of
from core.data.tasks import grouped_as, limits_of
from core.data.values import column_of, group_names, grouped, proposed_limits
from core.data.yes_no import pairs
from core.figures import dataset
from core.plan.ways_out import folds_allowed
from core.text import count, plain
from pages.parts.data.view import View, address_choice, go
from pages.parts.shared import faces, groups, tables, theme
from pages.parts.shared.fields import field

CLASSES_SHOWN = 24
_CHART = {
    "theme": None,
    "width": "stretch",
    "config": {"displaylogo": False, "displayModeBar": False, "showSendToCloud": False},
}


def balance(table: pd.DataFrame, names: list[str]) -> None:
    """The class distribution, its table one click away, and what it means for folds."""
    classes = counts.class_counts(table, names)
    st.plotly_chart(dataset.class_bars(classes), key="data-class-bars", **_CHART)
    small, large = classes["photos"].idxmin(), classes["photos"].idxmax()
    ratio = classes["photos"].max() / classes["photos"].min()
    sentence = (
        f"The largest, {large}, has {ratio:.1f} times the photos of the smallest, {small}."
        if ratio > 1
        else f"Each has {count(classes['photos'].max())} photos."
    )
    how_many = pairs.in_words(names, bool(pairs.attributes_of(table)))
    st.caption(plain(f"{how_many}. {sentence} {folds_allowed(table, names)}".rstrip()))
    inside = groups.group("data-counts", "Counts of each class")
    if inside is not None:
        with inside:
            _class_table(classes)


def _class_table(classes: pd.DataFrame) -> None:
    tables.table(
        classes.rename_axis("class").reset_index(),
        "classes.csv",
        hide_index=True,
        height="content" if len(classes) <= CLASSES_SHOWN else 720,
        column_config={
            "class": st.column_config.TextColumn("Class"),
            "people": st.column_config.NumberColumn("People", format="localized", width="small"),
            "photos": st.column_config.NumberColumn("Photos", format="localized", width="small"),
            "share": st.column_config.ProgressColumn(
                "Share of photos", format="percent", min_value=0, max_value=float(classes["share"].max())
            ),
        },
        key="data-balance",
    )


def attributes(view: View, task: TaskConfig) -> None:
    """Two attributes against each other, and the numbers: ages, and those of the dataset's own."""
    samples = view.corrected.samples
    names = counts.told_attributes(samples)
    left, right = st.columns(2, gap="medium")
    with left:
        if len(names) >= 2:
            _cross(view, names, task)
        else:
            st.caption("The photos tell fewer than two attributes, so there is nothing to set against each other.")
    with right:
        _numbers(view, task)


def _numbers(view: View, task: TaskConfig) -> None:
    """How often each value of a number occurs, where it is cut, and how many photos each group has."""
    samples = view.corrected.samples
    names = counts.numbers(samples)
    if not names:
        st.caption("No attribute of the photos is a number.")
        return
    name = address_choice("number", names, names[0])
    if len(names) > 1:
        _choice("Number", names, name, "number")
    if name == "age":
        _ages(counts.ages_of_people(samples), view.corrected.persons.noun, task)
        return
    limits = limits_of(name, task) or proposed_limits(name, samples)
    values = samples[str(column_of(name, samples))].dropna().to_numpy(float)
    st.plotly_chart(dataset.number_histogram(values, limits, name), key="data-values", **_CHART)
    shares = grouped_as(name, samples, task).value_counts(sort=False)
    st.caption(
        f"Photos in the groups of {plain(name)}: {plain(', '.join(f'{group} {n:,}' for group, n in shares.items()))}. "
        + ("The limits are those of the task." if limits_of(name, task) else "The limits are a proposal.")
    )


def _ages(ages: np.ndarray, who: str, task: TaskConfig) -> None:
    limits = list(limits_of("age", task))
    st.markdown(f"**Ages of {who}**")
    st.plotly_chart(dataset.age_histogram(ages, limits, who), key="data-ages", **_CHART)
    shares = grouped("age", pd.DataFrame({"age": ages}), limits)[0].value_counts()
    words = ", ".join(f"{name} {shares.get(name, 0):,}" for name in group_names("age", pd.Series(ages), limits))
    st.caption(f"{who.capitalize()} in the age groups: {plain(words)}. The limits are those of the task.")


def _cross(view: View, names: list[str], task: TaskConfig) -> None:
    samples, counted = view.corrected.samples, ["people", "photos"]
    if view.corrected.persons.state == UNKNOWN:
        counted.remove("people")
    start = [name for name in ("gender", "age", "mask", "label") if name in names] + names
    rows = address_choice("rows", names, start[0])
    others = [name for name in names if name != rows]
    columns = address_choice("columns", others, next(name for name in start if name in others))
    of = address_choice("of", counted, counted[0])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        _choice("Rows", names, rows, "rows")
        _choice("Columns", others, columns, "columns")
        _choice("Count", counted, of, "of")
    table = counts.cross_table(samples, rows, columns, task, of)
    ink = "#e4e7e8" if st.context.theme.type == "dark" else "#1f2428"
    st.plotly_chart(dataset.cross_heat(table, of, ink), key="data-cross", **_CHART)
    empty = int((table.to_numpy() == 0).sum())
    if empty:
        st.caption(f"{empty} of {table.size} combinations have no {plain(of)}.")


def _choice(label: str, options: list[str], now: str, name: str) -> None:
    field(
        st.selectbox,
        label,
        options,
        key=f"data-{name}",
        holds=now,
        width=150,
        take=lambda value: go(**{name: value}),
    )


def people_and_sizes(view: View) -> None:
    samples = view.corrected.samples
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Photos per person**")
        people = counts.photos_per_person(samples)
        if warning := view.corrected.persons.warning:
            st.markdown(f":orange[:material/gpp_maybe: {warning}]")
        if len(people) == 1 and view.corrected.persons.are_known:
            photos = int(people.index[0])
            noun = "photo" if photos == 1 else "photos"
            st.caption(f"All {count(people.iloc[0])} people have {count(photos)} {noun}.")
        elif view.corrected.persons.state != UNKNOWN:
            st.plotly_chart(dataset.people_bars(people), key="data-people", **_CHART)
    with right:
        sizes = counts.sizes(samples)
        st.markdown("**Sizes of photos**")
        if len(sizes) == 1:
            width, height = sizes.iloc[0][["width", "height"]]
            st.caption(f"All {count(len(samples))} photos are {width} × {height} px.")
        else:
            st.plotly_chart(dataset.size_scatter(sizes), key="data-sizes", **_CHART)
            most = sizes.iloc[0]
            st.caption(
                f"{count(len(sizes))} sizes; the most frequent, {most['width']} × {most['height']} px, "
                f"has {count(most['photos'])} photos."
            )


@st.cache_data(max_entries=64, show_spinner=False)
def _mean(photos: tuple[StoredPhoto, ...], now: tuple[tuple[int, ...] | None, ...]) -> str:
    """now: of the files that lie there."""
    pixels = counts.mean_photo(photos)
    return "" if pixels is None else faces.image(pixels, "mean photo")


def means(table: pd.DataFrame, names: list[str]) -> None:
    """The mean photo of each class: what a network could tell classes apart by without looking at a face."""
    drawn = names[:CLASSES_SHOWN]
    cells = []
    with st.spinner("Averaging photos", show_time=True):
        for name in drawn:
            photos = tuple(photos_of(counts.spread_out(table[pairs.of_class(table, name)], MEAN_PHOTOS)))
            picture = _mean(photos, tuple(photo.stamp() for photo in photos))
            cells.append(f"<figure>{picture}{escape(name)}</figure>")
    st.html(f'<div class="lab-faces">{"".join(cells)}</div>')
    more = f" The first {len(drawn)} of {len(names)} classes." if len(drawn) < len(names) else ""
    st.caption(
        f"Mean of up to {MEAN_PHOTOS} photos of each class, of different people where there are.{more} A class that "
        "differs in background or light can be told apart by those alone."
    )


def draw(view: View, task: TaskConfig, table: pd.DataFrame, names: list[str]) -> None:
    balance(table, names)
    theme.heading("Attributes")
    attributes(view, task)
    theme.heading("People and sizes")
    people_and_sizes(view)
    theme.heading("Mean photo of each class")
    means(table, names)
