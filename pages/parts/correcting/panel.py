"""Data, beside the photos: the one that is looked at, or several; always in sight, and no photo moves for it."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from pages.parts.correcting import several, slim
from pages.parts.data import photo
from pages.parts.data.view import View, address, pick_several
from pages.parts.selection import selected
from pages.parts.selection.several import is_on, switch

WIDTH = 320  # px
_CSS = f"""<style>
.st-key-data-photo {{ position: fixed; bottom: 1rem; width: {WIDTH}px; max-height: calc(100vh - 13.4rem);
  overflow-y: auto; overscroll-behavior: contain; z-index: 90; padding: .7rem .9rem; border-radius: 8px;
  border: 1px solid color-mix(in srgb, currentColor 18%, transparent); background: light-dark(#ffffff, #191f23);
  gap: .5rem;
  box-shadow: 0 4px 18px rgb(0 0 0 / .14); }}
.st-key-data-photo .data-one {{ width: 100%; max-height: min(26vh, 300px); object-fit: contain; display: block;
  border-radius: 6px; background: color-mix(in srgb, currentColor 6%, transparent); }}
.data-chosen {{ display: grid; grid-template-columns: repeat(6, 1fr); gap: 4px; }}
.data-chosen img {{ width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: 4px; display: block; }}
.st-key-data-beside {{ flex-wrap: nowrap; }}
@media {slim.NARROW} {{
  .st-key-data-beside {{ flex-direction: column-reverse; }}
  .st-key-data-beside > *, .st-key-data-panel {{ flex: 0 0 auto !important; width: 100% !important; }}
  .st-key-data-photo {{ left: .5rem; right: .5rem; bottom: .5rem; width: auto; max-height: 70vh; }}
}}
{slim.STYLE}</style>"""


def beside() -> tuple[DeltaGenerator, DeltaGenerator]:
    """(where the photos go, where the panel goes)."""
    st.html(_CSS)
    with st.container(horizontal=True, gap="medium", key="data-beside"):
        return st.container(width="stretch"), st.container(width=WIDTH, key="data-panel")


def draw(view: View, order: Sequence[str], on_page: Sequence[str]) -> None:
    """order: the photos of the gallery, over all its pages; on_page: those of this page."""
    samples, sample = selected.of(view.raw.root).samples, address("photo")
    if on_page:
        with st.container(horizontal=True, vertical_alignment="center"):
            switch()
            if is_on():
                args = view.raw.root, list(on_page)
                st.button("This page", icon=":material/select_all:", on_click=pick_several, args=args)
    if sample:  # what was clicked last, whatever is selected; closed, the selection is there again
        with st.container(key="data-photo"):
            photo.draw(view, sample, order)
    elif samples:
        with st.container(key="data-photo"):
            several.draw(view, samples)
    elif on_page:
        st.caption("Click a photo to see what is known about it and to correct it.")
