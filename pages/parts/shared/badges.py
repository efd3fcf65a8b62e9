"""States of runs and folds in words, icons and colours, and the boxes of what failed: the same on every page."""

from __future__ import annotations

from html import escape
from typing import NamedTuple

import streamlit as st

from core.data.reach.opening import NOT_ALLOWED
from core.errors import LabError, ended
from core.runs.kept import dropped
from core.text import plain, so_far


class StateBadge(NamedTuple):
    icon: str  # of Material Symbols
    word: str
    tone: str  # the colour: lab-<tone> of theme.STYLE


STATES = {
    "queued": StateBadge("schedule", "queued", "quiet"),
    "running": StateBadge("play_circle", "running", "accent"),
    "done": StateBadge("check_circle", "done", "good"),
    "interrupted": StateBadge("pause_circle", "interrupted", "warn"),
    "cancelled": StateBadge("cancel", "cancelled", "warn"),
    "failed": StateBadge("error", "failed", "bad"),
    "unreadable": StateBadge("help", "unreadable", "bad"),
}
ACTIVE = ("queued", "running")
STOPPED = ("failed", "interrupted", "cancelled")


def state_badge(state: str) -> StateBadge:
    """A state that this version of the lab does not know is shown as unreadable."""
    return STATES.get(state, STATES["unreadable"])


def icon(state: str) -> str:
    """HTML of the icon alone."""
    name, _, tone = state_badge(state)
    return f'<span class="lab-icon lab-{tone}" aria-hidden="true">{name}</span>'


def badge(state: str) -> str:
    """HTML of icon and word."""
    return f'<span class="lab-state">{icon(state)} {state_badge(state).word}</span>'


def dot(colour: str, *, hollow: bool = False) -> str:
    """HTML of a run's colour. colour: from colours.colour_of. hollow: a ring of it."""
    look = f"box-shadow:inset 0 0 0 .18rem {colour}" if hollow else f"background:{colour}"
    return f'<span class="lab-dot" style="{look}"></span>'


def bar(share: float, state: str = "running", name: str = "done") -> str:
    """HTML of a thin progress bar. share: 0..1. name: of what it is a share, for who does not see it."""
    share = min(1.0, max(0.0, share))
    tone = state_badge(state).tone
    return (
        f'<div class="lab-bar lab-{tone}" role="progressbar" aria-label="{escape(name, quote=True)}" '
        f'aria-valuenow="{so_far(share)[:-1]}" aria-valuemin="0" aria-valuemax="100">'
        f'<div style="width:{100 * share:.1f}%"></div></div>'
    )


def fault(message: str, remedy: str = "", where: str = "", state: str = "failed") -> str:
    """HTML of a failure: where, what happened, what to do. All three are shown as text."""
    place = f"<b>{escape(where)}</b> " if where else ""
    what = ended(message) if remedy else message
    tone = state_badge(state).tone
    return f'<div class="lab-fault lab-{tone}" role="alert">{place}{escape(what)} <i>{escape(remedy)}</i></div>'


def photo_fault(error: LabError) -> str:
    """Why a photo is not shown, as few words as fit in its place."""
    faults = {
        "missing-file": "the photo is gone from disk",
        "outside": "the photo lies outside its dataset",
        NOT_ALLOWED: "the photo lies where this lab does not look",
    }
    return faults.get(error.kind, "the photo cannot be read")


def show_error(error: LabError) -> None:
    """An expected failure, without a traceback; what somebody dropped on purpose is said, and is no failure."""
    if error.kind == dropped.KIND:
        st.info(plain(str(error)), icon=":material/inventory_2:")
        return
    st.html(fault(error.message, error.remedy))
