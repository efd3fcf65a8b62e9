"""Data, faces: galleries by class, by person, at random, that page and load quickly."""

from __future__ import annotations

import numpy as np
import pandas as pd
import streamlit as st

from core.config.run_config import TaskConfig
from core.data.pictures.photo import photo_of
from core.data.tasks import grouped_as
from core.data.yes_no import pairs
from core.text import count
from pages.parts.data.gallery import Tile, gallery
from pages.parts.data.view import View, address, address_choice, address_number, describe, go, pager, pick_photo, turner
from pages.parts.shared import attributes
from pages.parts.shared.fields import field

PAGE = 60  # photos
ORDERS = {"class": "By class", "person": "By person", "random": "At random"}
ALL = "All classes"
ONLY, SEPARATOR = "only", "|"  # in the address: values of attributes that photos have, as "hair: dark|hair: fair"


def draw(view: View, task: TaskConfig | None, table: pd.DataFrame | None, names: list[str]) -> None:
    """table: the labelled samples of the task, None where there is none; then there are no classes to go by."""
    orders = list(ORDERS) if table is not None else ["person", "random"]
    order = address_choice("order", orders, orders[0])
    with st.container(horizontal=True, vertical_alignment="bottom"):
        field(
            st.segmented_control,
            "Order",
            orders,
            key="data-order",
            holds=order,
            take=lambda order: go(order=order, page=None),
            format_func=ORDERS.get,
            required=True,
        )
        photos = {"class": _by_class, "person": _by_person, "random": _at_random}[order](view, table, names)
        photos = _with_attributes(view, photos, task or TaskConfig())
    if not len(photos):
        st.info("No photo fits. Clear the filter to see them all.", icon=":material/filter_alt_off:")
        st.button("Clear the filter", on_click=_clear)
        return
    part = pager(len(photos), PAGE)
    marks = view.marks()
    tiles = [
        Tile(
            photo_of(row),
            row["class_name"] if order == "class" else row["person"] if order == "person" else describe(row),
            describe(row) if order == "person" else row["sample"],
            marks.get(row["sample"], ""),
        )
        for _, row in photos.iloc[part].iterrows()
    ]
    with st.spinner("Loading photos", show_time=True):
        gallery(tiles, pick_photo, key="data-gallery", chosen=address("photo"))
    turner(part, len(photos), PAGE, "photos")
    if len(photos) <= PAGE:
        st.caption(f"{count(len(photos))} photos")


def _by_class(view: View, table: pd.DataFrame, names: list[str]) -> pd.DataFrame:
    kinds = [ALL, *names]
    chosen = address_choice("class", kinds, ALL)
    field(
        st.selectbox,
        "Class",
        kinds,
        key="data-class",
        holds=chosen,
        take=lambda name: go(**{"class": name, "page": None}),
        width=280,
    )
    return table if chosen == ALL else table[pairs.of_class(table, chosen)]


def _by_person(view: View, table: pd.DataFrame | None, names: list[str]) -> pd.DataFrame:
    samples, part = view.corrected.samples, address("person")
    field(
        st.text_input,
        "Person",
        key="data-person",
        holds=part,
        read=str.strip,
        take=lambda person: go(person=person or None, page=None),
        width=280,
        placeholder="part of a name",
    )
    if part:
        samples = samples[samples["person"].str.contains(part, case=False, regex=False)]
    return samples.sort_values(["person", "sample"], kind="stable")


def _at_random(view: View, table: pd.DataFrame | None, names: list[str]) -> pd.DataFrame:
    shuffle = address_number("draw", 0, 0, 1_000_000)
    st.button("Shuffle again", icon=":material/casino:", on_click=go, kwargs={"draw": shuffle + 1, "page": None})
    samples = view.corrected.samples
    return samples.iloc[np.random.default_rng(shuffle).permutation(len(samples))]


def _with_attributes(view: View, photos: pd.DataFrame, task: TaskConfig) -> pd.DataFrame:
    """The photos that have the chosen values of attributes; of one attribute any of them, of several each."""
    values = {
        name: each.counts or grouped_as(name, view.corrected.samples, task).cat.categories
        for name, each in view.corrected.attributes.items()
    }
    pairs = attributes.pairs({name: of_name for name, of_name in values.items() if len(of_name) > 1})
    if not pairs:
        return photos
    chosen = [pairs[words] for words in address(ONLY).split(SEPARATOR) if words in pairs]
    field(
        st.multiselect,
        "Only photos with",
        list(pairs),
        key="data-only",
        holds=[words for words, pair in pairs.items() if pair in chosen],
        take=lambda words: go(**{ONLY: SEPARATOR.join(words) or None, "page": None}),
        width=420,
        placeholder="All photos",
        help="Of one attribute each of the values; of several all of them. Numbers are cut into groups.",
    )
    samples = view.corrected.samples
    keep = pd.Series(True, index=samples.index)
    for name in dict(chosen):
        keep &= grouped_as(name, samples, task).isin([value for attribute, value in chosen if attribute == name])
    return photos if keep.all() else photos[photos["sample"].isin(samples["sample"][keep])]


def _clear() -> None:
    go(**{"person": None, "class": None, ONLY: None, "page": None})
