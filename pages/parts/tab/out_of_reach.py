"""What a page says while the folder of the runs cannot be read, as a disk or share that is gone for a while; it goes on
by itself once that is back."""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import streamlit as st

from core import places
from core.storage import runs_reach
from pages.parts.shared import badges, theme
from pages.parts.tab import ticking

EVERY = 2.0  # seconds


def draw(title: str, page: Callable[[], None]) -> None:
    """A whole page, or, where the folder cannot be read or goes while the page is drawn, that in a sentence."""
    fault = runs_reach.fault_of(places.runs_folder())
    if fault is None:
        try:
            page()
            return
        except OSError:
            if (fault := runs_reach.fault_of(places.runs_folder())) is None:
                raise
    st.html(theme.STYLE)
    st.html(f'<div class="lab-title">{title}</div>')
    badges.show_error(fault)
    st.caption("This page goes on by itself once it can be read.")
    st.fragment(_go_on, run_every=ticking.every(EVERY))()


def noticed(tick: Callable[..., None]) -> Callable[..., None]:
    """The same of what ticks on a page: all of the page is drawn anew, which then says it."""

    @functools.wraps(tick)
    def look(*arguments: Any, **named: Any) -> None:
        try:
            tick(*arguments, **named)
        except OSError:
            if runs_reach.fault_of(places.runs_folder()) is None:
                raise
            st.rerun()

    return look


def _go_on() -> None:
    if runs_reach.fault_of(places.runs_folder()) is None:
        st.rerun()
