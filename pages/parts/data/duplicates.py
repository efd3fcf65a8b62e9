"""Data, duplicates: photos of different people that look the same, side by side."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import pandas as pd
import streamlit as st

from core.data import duplicates
from core.data.labels.corrections import Correction, value_text
from core.data.pictures import alike
from core.data.pictures.photo import photo_of, photos_of
from core.data.values import attribute_names, column_of
from core.text import count, duration, plain
from pages.parts.correcting import said
from pages.parts.data import photo
from pages.parts.data.gallery import Tile, gallery
from pages.parts.data.view import View, address, describe, pager, pick_photo, turner
from pages.parts.shared import badges

PAGE = 12  # pairs
SEARCH = "data_duplicates"  # in the session: the last search
SEARCHED = "data_duplicates_wanted"  # in the session: root of the dataset that is to be searched


@dataclass(frozen=True, eq=False)
class Search:
    """key: what was searched. pairs: of photos that look the same, from duplicates.pairs."""

    key: tuple
    pairs: pd.DataFrame


def draw(view: View) -> None:
    if error := st.session_state.pop(said.ERROR, None):
        badges.show_error(error)
    samples = view.corrected.samples
    key = (view.raw, tuple(effect.correction.id for effect in view.effects))
    search: Search | None = st.session_state.get(SEARCH)
    if search is None or search.key != key:
        root = st.session_state.get(SEARCHED, view.raw.root if alike.signatures_file(view.raw.root).is_file() else "")
        if root != view.raw.root:
            st.info(
                "The same picture under two names can stand in two folds, where it leaks. The search looks at every "
                "photo once and remembers it.",
                icon=":material/content_copy:",
            )
            st.button("Look for duplicates", type="primary", icon=":material/search:", on_click=_start, args=(view,))
            return
        is_first = search is None or search.key[0] is not view.raw
        search = Search(key, _search(view, as_read=is_first))
        st.session_state[SEARCH] = search
    pairs = search.pairs
    if not len(pairs):
        st.success(
            f"No photos of different people look the same among {count(len(samples))}.", icon=":material/check_circle:"
        )
        return
    number = pairs.attrs[duplicates.NUMBER]
    order = ", the most alike first" if number > 1 else ""
    if number > len(pairs):
        order = f"; here are the {count(len(pairs))} most alike"
    st.markdown(
        f"**{count(number)}** {'pair' if number == 1 else 'pairs'} of photos of different people look the same{order}."
    )
    part = pager(len(pairs), PAGE)
    for place, pair in enumerate(pairs.iloc[part].itertuples(index=False), part.start):
        _pair(view, pair, place)
    turner(part, len(pairs), PAGE, "pairs")


def _start(view: View) -> None:
    st.session_state[SEARCHED] = view.raw.root


def _search(view: View, *, as_read: bool) -> pd.DataFrame:
    """The pairs of the dataset with its corrections. as_read: look for those of the dataset as it was read, too, which
    runs that were launched before a correction have in their folds.
    """
    raw, corrected, root = view.raw.samples, view.corrected.samples, view.raw.root
    place = st.empty()
    with place.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0, text="Looking at photos")
        st.button("Cancel", icon=":material/close:", key="cancel-duplicates", on_click=_cancel)
    started = time.monotonic()

    def progress(done: int, total: int) -> None:
        seconds = (time.monotonic() - started) / done * (total - done) if done else None
        words = f"Looking at photos: {count(done)} of {count(total)}, {duration(seconds)} left"
        bar.progress(done / max(1, total), words)

    try:
        signatures = duplicates.signatures(photos_of(raw), progress=progress, memory=alike.signatures_file(root))
        if as_read:
            pairs = duplicates.pairs(raw, signatures)
            alike.keep(root, pairs, raw)
        if not as_read or corrected is not raw:
            rows = raw["sample"].isin(corrected["sample"]).to_numpy()  # corrections leave photos out and order alone
            pairs = duplicates.pairs(corrected, signatures.of(rows))
            alike.keep(root, pairs, corrected)
        return pairs
    finally:
        place.empty()


def _cancel() -> None:
    st.session_state[SEARCHED] = ""


def _pair(view: View, pair: Any, number: int) -> None:
    rows = [view.row(pair.sample_a), view.row(pair.sample_b)]
    if any(row is None for row in rows):
        return
    contrary = _contrary(*rows)
    with st.container(border=True, key=f"data-pair-{number}"):
        pictures, words = st.columns([1, 1.4], gap="medium")
        with pictures:
            tiles = [Tile(photo_of(r), describe(r), r["person"]) for r in rows]
            gallery(tiles, pick_photo, key=f"data-duplicate-{number}", chosen=[address("photo")])
        with words:
            mirrored = ", one seen in a mirror" if pair.mirrored else ""
            st.markdown(f"{pair.likeness:.1%} alike, {pair.distance} of 64 bits differ{mirrored}")
            if contrary:
                st.markdown(f":orange[:material/warning: They disagree on {plain(contrary)}.]")
            _remedies(view.raw.root, *rows)


def _remedies(root: str, first: pd.Series, second: pd.Series) -> None:
    """The corrections that keep a pair of photos from leaking, a button each."""
    same_person = Correction(
        kind="relabel",
        person=second["person"],
        attribute="person",
        before=second["person"],
        after=first["person"],
        reason=f"looks the same as {first['sample']}",
    )
    left_out = Correction(
        kind="exclude-photo",
        sample=second["sample"],
        person=second["person"],
        reason=f"duplicate of {first['sample']}",
    )
    with st.container(horizontal=True):
        for label, correction, tip in (
            ("Same person", same_person, "All photos of both stand in one fold then."),
            ("Leave the second out", left_out, "New runs do without the second photo."),
        ):
            st.button(
                label,
                key=f"data-{label}-{first['sample']}-{second['sample']}",
                help=tip,
                on_click=photo.save,
                args=(root, correction),
            )


def _contrary(a: pd.Series, b: pd.Series) -> str:
    """ "age (72 and 78) and gender (...)": what two photos of one picture say differently."""
    differences = []
    for name in attribute_names(pd.DataFrame([a, b])):
        both = [value_text(row[column_of(name, row.to_frame().T)]) for row in (a, b)]
        if all(both) and both[0] != both[1]:
            differences.append(f"{name} ({both[0]} and {both[1]})")
    return " and ".join(differences)
