"""States of runs and folds in words, icons and colours, and the run picker: the same on every page."""

from __future__ import annotations

import base64
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from html import escape
from typing import Any

import streamlit as st
from streamlit.runtime.pages_manager import PagesManager

from core import places
from core.errors import LabError
from core.jobs import halt
from core.runs import colours
from core.studies import healing
from pages.parts.shared.fields import field

# state: (icon of Material Symbols, word, colour class)
STATES = {
    "queued": ("schedule", "queued", "quiet"),
    "running": ("play_circle", "running", "accent"),
    "done": ("check_circle", "done", "good"),
    "interrupted": ("pause_circle", "interrupted", "warn"),
    "cancelled": ("cancel", "cancelled", "warn"),
    "failed": ("error", "failed", "bad"),
    "unreadable": ("help", "unreadable", "bad"),
}
# In the session: a click that the page it was made on has not answered yet; its callback may run before that of what
# was typed or ticked just before, so it only notes the click, and the page acts on what it shows by then.
CLICK, PRESSED = "launch_click", "runs-pressed"
LAUNCHED = "launch_launched"  # token of a launch form -> (page, id) of what was launched with it
ACTIVE = ("queued", "running")
STOPPED = ("failed", "interrupted", "cancelled")

_CSS = """<style>
.block-container, [data-testid="stMainBlockContainer"] { padding-top: 4.2rem; padding-bottom: 3rem; max-width: 1680px; }
[data-testid="stPageLink"] a { padding: 0; min-height: 0; background: none; }
[data-testid="stPageLink"] a:hover { text-decoration: underline; }
[data-testid="stPageLink"] p { font-weight: 600; }
[data-testid="stBaseButton-primary"] { color: light-dark(#ffffff, #14181b); }
.lab-heading { font-size: 1.05rem; font-weight: 650; padding-top: .6rem;
  border-bottom: 1px solid color-mix(in srgb, currentColor 16%, transparent); padding-bottom: .25rem; }
.lab-quiet { --c: #7d8590 } .lab-accent { --c: var(--st-primary-color, #2f95b8) } .lab-good { --c: #2a9d68 }
.lab-warn { --c: #c98a00 } .lab-bad { --c: #d9483b }
.lab-icon { font-family: "Material Symbols Rounded"; font-size: 1.15em; line-height: 1; vertical-align: -.18em;
  color: var(--c); font-weight: 400; font-style: normal; letter-spacing: normal; text-transform: none;
  font-variation-settings: "FILL" 0; user-select: none; }
.lab-state { white-space: nowrap; font-size: .9rem; }
.lab-title { font-size: 1.45rem; font-weight: 650; line-height: 1.25; overflow-wrap: anywhere; }
.lab-title .lab-state { font-size: .9rem; font-weight: 500; margin-left: .6rem; }
.lab-dot { display: inline-block; width: .7rem; height: .7rem; border-radius: 50%; margin-right: .5rem; }
.lab-meta { color: color-mix(in srgb, currentColor 74%, transparent); font-size: .87rem; overflow-wrap: anywhere; }
.lab-num { font-variant-numeric: tabular-nums; }
.lab-absent { color: var(--c); font-size: .8rem; }
.lab-bar { height: 6px; border-radius: 3px; background: color-mix(in srgb, currentColor 13%, transparent);
  overflow: hidden; }
.lab-bar > div { height: 100%; border-radius: 3px; background: var(--c, currentColor); transition: width .6s linear; }
.lab-line { display: flex; flex-wrap: wrap; justify-content: space-between; gap: .1rem 1.2rem; font-size: .93rem;
  margin-bottom: .35rem; font-variant-numeric: tabular-nums; }
.lab-folds { display: grid; grid-template-columns: repeat(auto-fit, minmax(148px, 1fr)); gap: .5rem; }
.lab-fold { border: 1px solid color-mix(in srgb, currentColor 16%, transparent); border-radius: 6px;
  padding: .4rem .6rem .5rem; font-size: .85rem; font-variant-numeric: tabular-nums; min-width: 0; }
.lab-fold > div:first-child { display: flex; justify-content: space-between; gap: .4rem; }
.lab-fold b { font-weight: 600; } .lab-fold .lab-meta { font-size: .8rem; min-height: 1.3em; }
.lab-fold .lab-bar { height: 4px; margin-top: .3rem; }
.lab-scroll { overflow-x: auto; } .lab-scroll + .lab-meta { padding-top: .5rem; }
.lab-table .lab-state { font-size: inherit; }
table.lab-table { border-collapse: collapse; width: 100%; font-size: .88rem; font-variant-numeric: tabular-nums; }
.lab-table th { font-weight: 500; opacity: .7; text-align: right; padding: .25rem .7rem; white-space: nowrap; }
.lab-table td { text-align: right; padding: .28rem .7rem; white-space: nowrap;
  border-top: 1px solid color-mix(in srgb, currentColor 13%, transparent); }
.lab-table th:first-child, .lab-table td:first-child, .lab-table .lab-left { text-align: left; }
.lab-table tr.lab-total td { font-weight: 600;
  border-top: 2px solid color-mix(in srgb, currentColor 35%, transparent); }
.lab-table .lab-group th { text-align: center; padding-bottom: 0; }
.lab-table a { color: inherit; text-decoration-color: color-mix(in srgb, currentColor 35%, transparent); }
.lab-table .lab-edge { border-left: 1px solid color-mix(in srgb, currentColor 13%, transparent); }
@media (max-width: 900px) { .lab-table th, .lab-table td { padding-left: .35rem; padding-right: .35rem; }
  table.lab-table { font-size: .8rem; } }
.lab-fault { border-left: 3px solid var(--c); padding: .35rem .8rem; font-size: .93rem; overflow-wrap: anywhere;
  background: color-mix(in srgb, var(--c) 9%, transparent); border-radius: 0 6px 6px 0; margin-bottom: .4rem; }
.lab-faces { display: grid; grid-template-columns: repeat(auto-fill, minmax(112px, 1fr)); gap: .6rem; }
.lab-faces figure { margin: 0; font-size: .78rem; overflow-wrap: anywhere; }
.lab-faces img { width: 100%; border-radius: 4px; display: block; margin-bottom: .2rem; }
</style>"""


def begin_page(*, answers: str = "") -> None:
    """First line of every page: the lab's few rules of CSS, and the way back into app.py.

    answers: CLICK or PRESSED, which this page answers; on any other page that click came too late.

    Because a folder is called pages/, Streamlit takes a fresh server for an app of the old kind until st.navigation has
    run once: whoever opens /live first (or reconnects after a restart) would get this file without app.py around it.
    """
    if PagesManager.uses_pages_directory:
        PagesManager.uses_pages_directory = False
        st.rerun()
    st.html(_CSS)
    top = st.container()  # always there, so that fields below stay what they are when it fills
    with top:
        _queue_stopped()
    for name in {CLICK, PRESSED} - {answers}:
        left = st.session_state.pop(name, None)
        if left is not None and not (name == CLICK and left.leave()):
            st.toast("You left the page before what you clicked began: nothing was done.", icon=":material/block:")
    if "workers-looked-after" not in st.session_state:
        _look_after()
    if problem := st.session_state.get("workers-problem"):
        top.html(fault(problem, state="interrupted"))


def _look_after() -> None:
    st.session_state["workers-looked-after"] = time.monotonic()
    st.session_state["workers-problem"] = healing.look_after()


def _queue_stopped() -> None:
    """Why the queue stopped, and the way on; nothing while it goes on."""
    stop = halt.stopped(places.runs_folder())
    st.session_state["queue-stopped"] = stop
    if stop is None:
        return
    st.html(fault(stop.message, stop.remedy))
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button("Go on", key="queue-go-on", icon=":material/play_arrow:", on_click=_go_on)
        st.html(f'<div class="lab-meta">{escape("; ".join(stop.jobs))}</div>', width="content")


def _go_on() -> None:
    halt.go_on(places.runs_folder())
    _look_after()
    if halt.stopped(places.runs_folder()) is not None:
        st.session_state["workers-problem"] = "The queue could not go on: this runs folder may only be read from here."


def look_after_workers(every: float = 5.0) -> None:
    """Start a worker for what waits, if the last one died; looks at most once in `every` seconds."""
    if time.monotonic() - st.session_state.get("workers-looked-after", 0.0) > every:
        problem = st.session_state.get("workers-problem")
        _look_after()
        stopped = halt.stopped(places.runs_folder()) != st.session_state.get("queue-stopped")
        if stopped or problem != st.session_state["workers-problem"]:
            st.rerun()


def icon(state: str) -> str:
    """HTML of the icon alone."""
    name, _, tone = STATES.get(state, STATES["unreadable"])
    return f'<span class="lab-icon lab-{tone}" aria-hidden="true">{name}</span>'


def heading(text: str) -> None:
    """A section of a page."""
    st.html(f'<div class="lab-heading" role="heading" aria-level="2">{escape(text)}</div>')


@contextmanager
def section(text: str) -> Iterator[None]:
    """A section of a page, in one place: the fields after it keep what is being typed when something appears in it."""
    with st.container():
        heading(text)
        yield


def dot(colour: str) -> str:
    """HTML of a run's colour. colour: from colours.colour_of."""
    return f'<span class="lab-dot" style="background:{colour}"></span>'


def badge(state: str) -> str:
    """HTML of icon and word."""
    return f'<span class="lab-state">{icon(state)} {STATES.get(state, STATES["unreadable"])[1]}</span>'


def bar(share: float, state: str = "running") -> str:
    """HTML of a thin progress bar. share: 0..1."""
    percent = 100 * min(1.0, max(0.0, share))
    tone = STATES.get(state, STATES["unreadable"])[2]
    return (
        f'<div class="lab-bar lab-{tone}" role="progressbar" aria-valuenow="{percent:.0f}" aria-valuemin="0" '
        f'aria-valuemax="100"><div style="width:{percent:.1f}%"></div></div>'
    )


def fault(message: str, remedy: str = "", where: str = "", state: str = "failed") -> str:
    """HTML of a failure: where, what happened, what to do. All three are shown as text."""
    place = f"<b>{escape(where)}</b> " if where else ""
    tone = STATES.get(state, STATES["unreadable"])[2]
    return f'<div class="lab-fault lab-{tone}" role="alert">{place}{escape(message)} <i>{escape(remedy)}</i></div>'


def show_error(error: LabError) -> None:
    """An expected failure, without a traceback."""
    st.html(fault(error.message, error.remedy))


def picture(svg: str) -> str:
    """HTML of an SVG drawing; st.html lets SVG through only as an image."""
    return f'<img alt="" src="data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}">'


def colour_of(run_id: str, listed: Sequence[dict[str, Any]]) -> str:
    """The run's colour on every page. listed: summaries of runs, as runs.summaries gives them."""
    return colours.colour_of(next((summary for summary in listed if summary["id"] == run_id), {"id": run_id}))


def run_label(summary: dict[str, Any]) -> str:
    """A run in one line of plain text, for pickers: name, launch, the end of its id.

    Nothing in it changes while the run lives: the browser sends a choice back as its label, and a label with the state
    in it would no longer be found once the state had changed.
    """
    created = summary.get("created")
    if "unreadable" in summary or not isinstance(created, (int, float)):
        return summary["id"]
    return f"{summary.get('name')} · {datetime.fromtimestamp(created):%d %b %Y %H:%M} · {summary['id'][-4:]}"


def pick_run(summaries: Sequence[dict[str, Any]], current: str | None, *, limit: int = 300) -> None:
    """A box to change the run in the address (?run=<id>); shows the newest `limit` runs and the current one."""
    labels = {s["id"]: run_label(s) for s in summaries[:limit]}
    labels |= {s["id"]: run_label(s) for s in summaries if s["id"] == current}
    if not labels:
        return
    field(
        st.selectbox,
        "Run",
        list(labels),
        key="run-picker",
        holds=current if current in labels else None,
        take=_follow_picker,
        format_func=labels.get,
        placeholder="Choose a run",
        label_visibility="collapsed",
        width=330,
    )


def _follow_picker(chosen: str | None) -> None:
    if chosen:
        st.query_params["run"] = chosen
