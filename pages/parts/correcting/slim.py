"""On a phone the panel beside the photos is a bar at the lower edge, which a click opens and shuts; elsewhere it stands
open, and this has nothing to do."""

from __future__ import annotations

import streamlit as st

_OPEN = "data-panel-is-open"  # in the session
NARROW = "(max-width: 760px)"
STYLE = f"""
.st-key-data-panel-open, .st-key-data-panel-shut {{ display: none; }}
@media {NARROW} {{
  .st-key-data-panel-open, .st-key-data-panel-shut {{ display: block; }}
  .st-key-data-photo:has(.st-key-data-panel-open) {{ padding: .25rem .7rem; }}
  .st-key-data-photo:has(.st-key-data-panel-open) > :not(:first-child) {{ display: none; }}
  .st-key-data-photo > :first-child {{ flex-wrap: nowrap; }}
}}
"""


def button(opens: str) -> None:
    """In the first line of the panel, which is all of it until it is opened. opens: what it is opened for."""
    is_open = bool(st.session_state.get(_OPEN))
    st.button(
        "Less" if is_open else opens,
        icon=f":material/{'expand_more' if is_open else 'expand_less'}:",
        type="tertiary",
        key=f"data-panel-{'shut' if is_open else 'open'}",
        on_click=_turn,
        args=(not is_open,),
    )


def _turn(opened: bool) -> None:
    st.session_state[_OPEN] = opened
