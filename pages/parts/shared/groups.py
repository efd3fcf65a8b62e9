"""Groups of controls that open and close, with a summary that may change.

Not st.expander: a label that changes with the settings makes it another element, which closes it and forgets what
stands inside.
"""

from __future__ import annotations

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from core.text import plain

_OPEN, _URGENT = "groups_open", "groups_urgent"
_BY_ITSELF = "groups_by_itself"  # key of a group -> how often it opened without a click
_CSS = """<style>
[class*="st-key-group-"] { padding-top: .2rem !important; padding-bottom: .2rem !important; }
[class*="st-key-fields-"] { padding-bottom: .6rem; }
</style>"""


def style() -> None:
    """Call it once a page, before the first group."""
    st.html(_CSS)


def group(key: str, title: str, summary: str = "", *, mark: str = "", urgent: bool = False) -> DeltaGenerator | None:
    """A bordered group; its container while it is open, else None.

    summary: plain text beside the title. mark: Streamlit Markdown after it. urgent: opens it once when it becomes true.
    """
    opened: set[str] = st.session_state.setdefault(_OPEN, set())
    pressing: set[str] = st.session_state.setdefault(_URGENT, set())
    if urgent and key not in pressing:
        open_group(key)
    pressing.add(key) if urgent else pressing.discard(key)
    with st.container(border=True, key=f"group-{key}"):
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            icon = ":material/expand_more:" if key in opened else ":material/chevron_right:"
            times = st.session_state.get(_BY_ITSELF, {}).get(key, 0)
            name = f"open-{key}-{times}" if times else f"open-{key}"
            st.button(f"**{title}**", key=name, type="tertiary", icon=icon, on_click=_turn, args=(key, times))
            if summary:
                st.markdown(f":small[:gray[{plain(summary)}]]", width="content")
            if mark:
                st.markdown(f":small[{mark}]", width="content")
        return st.container(key=f"fields-{key}") if key in opened else None


def open_group(key: str) -> None:
    """Have a group stand open when the page is drawn."""
    opened: set[str] = st.session_state.setdefault(_OPEN, set())
    if key not in opened:
        opened.add(key)
        times: dict[str, int] = st.session_state.setdefault(_BY_ITSELF, {})
        times[key] = times.get(key, 0) + 1


def _turn(key: str, times: int) -> None:
    """times: how often the group had opened by itself when its button was drawn: who clicked a closed one while it
    opened wanted it open, and it stays so."""
    if times == st.session_state.get(_BY_ITSELF, {}).get(key, 0):
        st.session_state[_OPEN] ^= {key}
