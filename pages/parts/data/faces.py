"""Data, faces: galleries in several orders that page and load quickly, whose photos are corrected beside them."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.config.run_config import TaskConfig
from core.data.pictures.photo import photo_of
from core.data.tasks import grouped_as
from core.text import number_of
from pages.parts.correcting import panel, several
from pages.parts.data.gallery import Tile, gallery
from pages.parts.data.orders import Ordered, ordered, words_of
from pages.parts.data.view import (
    PAGE,
    View,
    address,
    address_choice,
    address_list,
    describe,
    entries,
    go,
    pager,
    pick_photo,
    turner,
)
from pages.parts.selection import bar, selected
from pages.parts.shared import attributes
from pages.parts.shared.fields import field

ONLY = "only"  # in the address: values of attributes that photos have, as "hair: dark|hair: fair"


def draw(view: View, task: TaskConfig | None, table: pd.DataFrame | None, names: list[str]) -> None:
    """table: the labelled samples of the task, None where there is none; then there are no classes to go by."""
    orders = words_of(view, table is not None)
    order = address_choice("order", orders, next(iter(orders)))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        field(
            st.segmented_control,
            "Order",
            list(orders),
            key="data-order",
            holds=order,
            take=lambda order: go(order=order, page=None),
            format_func=orders.get,
            required=True,
        )
        chosen = ordered(order, view, task or TaskConfig(), table, names)
        photos = _with_attributes(view, chosen.photos, task or TaskConfig())
    if (only := bar.only(view.raw.root)) is not None:
        photos = photos[photos["sample"].isin(only)]
    main, side = panel.beside()
    part = pager(len(photos), PAGE)
    with main:
        if len(photos):
            _gallery(view, chosen, photos, part)
        else:
            st.info("No photo fits. Clear the filter to see them all.", icon=":material/filter_alt_off:")
            st.button("Clear the filter", on_click=_clear)
    samples = photos["sample"].tolist()
    with side:
        panel.draw(view, samples, samples[part])


def _gallery(view: View, chosen: Ordered, photos: pd.DataFrame, part: slice) -> None:
    marks, before = view.marks(), None
    sizes = photos[chosen.group].value_counts() if chosen.group else {}
    tiles = []
    for _, row in photos.iloc[part].iterrows():
        group = row[chosen.group] if chosen.group else None
        heading = (str(group), number_of(sizes[group], "photo")) if group != before else None
        before = group
        tiles.append(
            Tile(
                photo_of(row),
                str(row[chosen.says]) if chosen.says else describe(row),
                describe(row) if chosen.says == "person" else row["sample"],
                marks.get(row["sample"], ""),
                heading,
            )
        )
    with st.spinner("Loading photos", show_time=True):
        gallery(
            tiles,
            pick_photo,
            key="data-gallery",
            chosen=[address("photo")],
            selected=selected.of(view.raw.root).samples,
            several=several.of(view.raw.root),
        )
    turner(part, len(photos), PAGE, "photos")
    if len(photos) <= PAGE:
        st.caption(number_of(len(photos), "photo"))


def _with_attributes(view: View, photos: pd.DataFrame, task: TaskConfig) -> pd.DataFrame:
    """The photos that have the chosen values of attributes; of one attribute any of them, of several each."""
    values = {
        name: each.counts or grouped_as(name, view.corrected.samples, task).cat.categories
        for name, each in view.corrected.attributes.items()
    }
    pairs = attributes.pairs({name: of_name for name, of_name in values.items() if len(of_name) > 1})
    if not pairs:
        return photos
    chosen = [pairs[words] for words in address_list(ONLY, pairs)]
    field(
        st.multiselect,
        "Only photos with",
        list(pairs),
        key="data-only",
        holds=[words for words, pair in pairs.items() if pair in chosen],
        take=lambda words: go(**{ONLY: entries(words), "page": None}),
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
    go(**{"person": None, "class": None, ONLY: None, bar.ONLY: None, "page": None})
