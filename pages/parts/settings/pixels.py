"""Decoded photos: of which datasets, how much they may take, where they lie."""

from __future__ import annotations

from html import escape
from pathlib import Path

import streamlit as st

from core.data.pictures import kept
from core.data.pictures.kept import KeptPixels
from core.text import ago, count, plain, size
from pages.parts.people import people
from pages.parts.settings import change
from pages.parts.shared.fields import begin


def section(root: Path) -> None:
    chosen = kept.room_of(root)
    files = sorted(kept.kept(chosen.folder), key=lambda pixels: pixels.bytes, reverse=True)
    st.caption(
        "Photos of a dataset are decoded once and kept as pixels, so that no epoch decodes them again. They can be "
        "made anew at any time. Where there is no room, a training decodes its photos in each epoch, and says so."
    )
    if files:
        st.html(files_html(files))
        free = sum(pixels.bytes for pixels in files if not pixels.in_use)
        st.button(
            f"Delete those that no training uses ({size(free)})" if free else "All of them are in use",
            icon=":material/mop:",
            key="settings-pixels-forget",
            disabled=not free,
            on_click=change.forget_pixels,
        )
    else:
        st.caption(plain(f"None are kept in {chosen.folder} at the moment."))
    folder, limit = drawn = change.shown_pixels(chosen, root)
    keys = f"settings-pixels-folder-{folder}", f"settings-pixels-limit-{limit}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        begin(
            st.text_input,
            "They may take, in GB",
            key=keys[1],
            begins=limit,
            width=170,
            placeholder=f"{kept.USUAL / change.GIGA:g}, and more if needed",
            help="Above it the oldest go that no training uses. Photos of one dataset that take more alone are not "
            "kept; 0 keeps none from now on. Empty: the oldest go above 20 GB, but those of one dataset may be more.",
        )
        begin(
            st.text_input,
            "Folder",
            key=keys[0],
            begins=folder,
            width=420,
            placeholder=str(kept.usual_folder(root)),
            help="On a fast disk of this machine with room. What was decoded into the folder used until now stays "
            "there and can be deleted by hand. Empty: beside the runs.",
        )
        people.lab_button("Save", key="settings-pixels-save", on_click=change.set_pixels, args=(*keys, drawn))


def files_html(files: list[KeptPixels]) -> str:
    rows = [
        f'<tr><td title="{escape(pixels.dataset)}">{escape(_name(pixels))}</td>'
        f"<td>{count(pixels.photos) if pixels.photos else '–'}</td><td>{size(pixels.bytes)}</td>"
        f"<td>{'a training uses them' if pixels.in_use else ago(pixels.used)}</td></tr>"
        for pixels in files
    ]
    return (
        '<div class="lab-scroll"><table class="lab-table"><thead><tr><th>dataset</th><th>photos</th><th>size</th>'
        f"<th>last used</th></tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _name(pixels: KeptPixels) -> str:
    return Path(pixels.dataset).name or pixels.dataset or "a dataset that an older lab read"
