"""Maps to take away: as one picture and as numbers."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st


def buttons(stem: str, sheet: Callable[[], bytes], arrays: Callable[[], bytes], arrays_help: str | None = None) -> None:
    """stem: of the files' names. sheet, arrays: make the PNG and the NPZ, once somebody asks for it."""
    with st.container(horizontal=True):
        st.download_button(
            "Download PNG", sheet, f"{stem}.png", "image/png", icon=":material/image:", on_click="ignore"
        )
        st.download_button(
            "Download NPZ",
            arrays,
            f"{stem}.npz",
            "application/octet-stream",
            icon=":material/data_array:",
            on_click="ignore",
            help=arrays_help,
        )
