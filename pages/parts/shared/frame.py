"""What every page begins with: the lab's look, the run in hand, a queue that stopped, clicks that came too late."""

from __future__ import annotations

import time
from collections.abc import Sequence
from html import escape

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from core import places
from core.data.reach import bounds
from core.errors import LabError
from core.jobs import halt
from core.runs.lists.index import Listed
from core.studies import healing
from core.text import so_far
from pages.parts.bell.favicon import favicon
from pages.parts.dock import dock
from pages.parts.door.person import guard
from pages.parts.hand import hand, history
from pages.parts.keys import palette
from pages.parts.shared import badges, theme
from pages.parts.tab import access, connection

# In the session: a click that the page it was made on has not answered yet; its callback may run before that of what
# was typed or ticked just before, so it only notes the click, and the page acts on what it shows by then.
CLICK, PRESSED, DECIDED = "launch_click", "runs-pressed", "compare-pressed"
BASELINE = "baseline-clicked"  # key of the element whose button was pressed
ANSWER = "predict-asked"  # as a Click of Predict's, or None for what is asked by then
ICON = "🔬"
LAUNCHED = "launch_launched"  # token of a launch form -> (page, id) of what was launched with it


def begin_page(
    *, answers: Sequence[str] = (), lists: bool = True, names_study: bool = True, shows: Sequence[str] = hand.BOTH
) -> list[Listed]:
    """First line of every page: the lab's few rules of CSS, the run in hand, the queue, and the way back into app.py.

    Gives all runs, newest first, as they are now for a page that lists them.

    answers: those of CLICK to ANSWER that this page answers; on any other page that click came too late.
    lists: see dock.once. names_study: see hand.begin. shows: see hand.line.

    Because a folder is called pages/, Streamlit takes a fresh server for an app of the old kind until st.navigation has
    run once: whoever opens /live first (or reconnects after a restart) would get this file without app.py around it.
    """
    guard()
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()
    closed = _hold()
    unseen = st.container(gap=None)
    with unseen:
        st.html(theme.STYLE)
        history.once()
        entries = dock.once(lists=lists)
        connection.once()
        access.once()
    hand.begin(names_study=names_study)
    with unseen:
        palette.once()
    with st.container():
        hand.line(shows)
    top = st.container()  # always there, so that fields below stay what they are when it fills
    with top:
        _queue_stopped()
        if closed is not None:
            badges.show_error(closed)
    for name in {CLICK, PRESSED, DECIDED, BASELINE, ANSWER} - set(answers):
        if name not in st.session_state:
            continue
        click = st.session_state.pop(name)
        if not (name == CLICK and click.leave()):
            st.toast("You left the page before what you clicked began: nothing was done.", icon=":material/block:")
    if "workers-looked-after" not in st.session_state:
        _look_after()
    if problem := st.session_state.get("workers-problem"):
        top.html(badges.fault(problem, state="interrupted"))
    return entries


def _hold() -> LabError | None:
    """From here on the pages look where lab.toml says; what is wrong with that file."""
    try:
        if bounds.hold_page():
            st.cache_data.clear()
    except LabError as error:
        st.cache_data.clear()
        return error
    return None


def tab(title: str, state: str = "", share: float = 0.0) -> None:
    """What the browser's tab says of something that is watched: "87 % · utk-full", with a ring that fills.

    share: of its work, 0..1, while it trains. No state: nothing is watched.
    """
    st.set_page_config(page_title=title, page_icon=favicon(state, int(so_far(share)[:-1])) if state else ICON)


def _look_after() -> None:
    st.session_state["workers-looked-after"] = time.monotonic()
    st.session_state["workers-problem"] = healing.look_after()


def _queue_stopped() -> None:
    """Why the queue stopped, and the way on; nothing while it goes on."""
    stop = halt.stopped(places.runs_folder())
    st.session_state["queue-stopped"] = stop
    if stop is None:
        return
    st.html(badges.fault(stop.message, stop.remedy))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Go on", key="queue-go-on", icon=":material/play_arrow:", on_click=_go_on)
        st.html(f'<div class="lab-meta">{escape("; ".join(stop.jobs))}</div>', width="content")


def _go_on() -> None:
    halt.go_on(places.runs_folder())
    _look_after()
    stop = halt.stopped(places.runs_folder())
    if stop is not None and stop.kind != halt.UNREADABLE:  # the head says of that one why
        st.session_state["workers-problem"] = "The queue could not go on: this runs folder may only be read from here."


def look_after_workers(every: float = 5.0) -> None:
    """Start a worker for what waits, if the last one died; looks at most once in `every` seconds."""
    if time.monotonic() - st.session_state.get("workers-looked-after", 0.0) > every:
        problem = st.session_state.get("workers-problem")
        _look_after()
        stopped = halt.stopped(places.runs_folder()) != st.session_state.get("queue-stopped")
        if stopped or problem != st.session_state["workers-problem"]:
            st.rerun()
