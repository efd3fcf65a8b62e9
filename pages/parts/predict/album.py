"""Predict, the photos of many answers: a gallery by pages, of which one photo is looked at."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pandas as pd
import streamlit as st

from core.data.thumbnails import small_jpeg
from core.errors import LabError
from core.predict.predictions import Asked
from pages.parts.data import gallery
from pages.parts.look_inside import address
from pages.parts.shared.fields import turning

CHOSEN = "predict-chosen"  # in the session: the name of the photo that is looked at
THUMBNAILS = "predict-thumbnails"  # in the session: (photos, row -> picture in base64)
PAGE = 24  # photos of a gallery
SIDE = 160  # px of one


def show(chosen: pd.DataFrame, asked: Asked, words: Callable[[Any], dict[str, str]]) -> int | None:
    """The row of the photo that somebody looks at.

    chosen: the rows that are shown, with path and row (its place among the photos). words(row): of a row by
    itertuples, what is said of it: first, second and mark.
    """
    if chosen.empty:
        st.info("No photo fits these filters.", icon=":material/filter_list_off:")
        return None
    pages = -(-len(chosen) // PAGE)
    number = address.page_number(pages - 1)
    names = {asked.photos[row].name: int(row) for row in chosen["row"]}
    looked_at = st.session_state.get(CHOSEN)
    part = chosen.iloc[number * PAGE : (number + 1) * PAGE]
    pictures = _pictures(asked, [int(row) for row in part["row"]])
    cells = []
    for row in part.itertuples():
        image, fault = pictures[row.row]
        about = {"sample": row.path, "image": image, "fault": fault, "chosen": bool(row.path == looked_at)}
        cells.append({**about, **words(row)})
    gallery.draw(cells, _look_at, key="predict-gallery")
    if pages > 1:
        with st.container(horizontal=True, vertical_alignment="center"):
            turning(number, pages, _turn_to, key="predict-page", back="Before")
    return names.get(looked_at) if looked_at is not None else None


def _turn_to(page: int) -> None:
    """page: from 0, while the address counts from 1."""
    address.put(page=str(page + 1) if page else None)


def _look_at(name: str) -> None:
    st.session_state[CHOSEN] = None if st.session_state.get(CHOSEN) == name else name


def _pictures(asked: Asked, rows: list[int]) -> dict[int, tuple[str, str]]:
    """(small picture in base64, "") or ("", what is wrong), by row; those of the last page are remembered."""
    kept = st.session_state.get(THUMBNAILS)
    made = kept[1] if kept is not None and kept[0] is asked.photos else {}
    bits = asked.members[0].run.bits()
    pictures: dict[int, tuple[str, str]] = {}
    for row in rows:
        if row in made:
            pictures[row] = made[row]
            continue
        try:
            data = small_jpeg(asked.photos[row].pixels(bits), SIDE)
            pictures[row] = base64.b64encode(data).decode(), ""
        except LabError as error:
            pictures[row] = "", error.message
    st.session_state[THUMBNAILS] = (asked.photos, pictures)
    return pictures
