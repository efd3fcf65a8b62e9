"""The queue when it is opened: each run with its bar or its turn, and Cancel, which asks once."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from html import escape
from typing import Any

import pandas as pd
import streamlit as st

from core import places
from core.errors import LabError
from core.jobs import control, queue
from core.jobs.pace import ahead
from core.places import HOME
from core.runs import Run
from core.runs.colours import colour_of
from core.runs.lists import index
from core.runs.lists.index import Listed
from core.runs.owners import owner
from core.text import number_of, plain
from pages.parts.bell import bell
from pages.parts.dock import waits
from pages.parts.people import people
from pages.parts.run import view
from pages.parts.shared import badges

LIVE = HOME / "pages" / "live.py"
MOST = 8  # runs of a kind that are shown
# In the session: marks of what stopped and was seen; the run whose Cancel was pressed; what went wrong with one.
SEEN, ASKS, PROBLEM = "dock-seen", "dock-asks", "dock-problem"


def mark(entry: Listed) -> tuple[str, float]:
    """A run and when the last of its folds ended: another one once it was resumed and failed again."""
    return entry.id, max((_ended(entry, fold) for fold in entry.summary["folds"]), default=0.0)


def _ended(entry: Listed, fold: dict[str, Any]) -> float:
    """Of a fold whose worker died, which could not write it: when it was last heard of."""
    if fold.get("ended") or fold["state"] != "interrupted":
        return float(fold.get("ended") or 0.0)
    heard = 0.0
    with contextlib.suppress(OSError):
        heard = Run(entry.id).progress_file(int(fold["fold"])).stat().st_mtime
    return max(float(fold.get("started") or 0.0), heard)


def metrics_of(status: view.RunStatus) -> pd.DataFrame:
    return view.metrics_of(view.metrics_version(Run(status.run_id), [fold.fold for fold in status.folds]))


def draw(
    trains: Sequence[Listed],
    waiting: Sequence[Listed],
    stopped: Sequence[Listed],
    status: dict[str, view.RunStatus],
    entries: Sequence[Listed],
) -> None:
    """status: of each run that trains. entries: all runs."""
    if problem := st.session_state.pop(PROBLEM, None):
        badges.show_error(problem)
    for entry in trains[:MOST]:
        _head(entry)
        st.html(view.progress_html(status[entry.id], metrics_of(status[entry.id])))
    _more(trains)
    if waiting:
        _waiting(waiting, index.as_summaries(entries))
    if stopped:
        for entry in stopped[:MOST]:
            _link(entry)
            st.html(badges.fault(bell.why(entry) or "It stopped without a reason.", state=entry.state))
        _more(stopped)
        seen = {mark(entry) for entry in stopped}
        words = "Not shown in this tab again until it is reloaded; Home and Runs still list what stopped."
        st.button("Seen", icon=":material/done:", key="dock-seen-all", on_click=_see, args=(seen,), help=words)


def _waiting(waiting: Sequence[Listed], summaries: list[dict]) -> None:
    """In the order of the queue."""
    by_id = {entry.id: entry.summary for entry in waiting}
    folds_of = waits.folds_that_wait(control.waiting(), by_id)
    held, spans = queue.held_runs(places.runs_folder()), ahead.waiting(summaries=summaries)
    entries = {entry.id: entry for entry in waiting}
    in_order = [entries[run_id] for run_id in folds_of]
    for entry in in_order[:MOST]:
        _head(entry)
        words = waits.in_words([entry.summary], folds_of, held, spans)
        st.html(f'<div class="lab-meta">{badges.icon("queued")} {escape(words)}</div>')
    _more(in_order)


def _more(entries: Sequence[Listed]) -> None:
    if len(entries) > MOST:
        st.caption(f"and {number_of(len(entries) - MOST, 'more run', 'more runs')}, on Home")


def _link(entry: Listed) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="xsmall"):
        st.html(badges.dot(colour_of(entry.summary)), width="content")
        if st.button(plain(entry.name), type="tertiary", key=f"dock-open-{entry.id}"):  # a link would not leave Live
            st.switch_page(LIVE, query_params={"run": entry.id})


def _head(entry: Listed) -> None:
    """Its name, and Cancel. Where Cancel was, a second click of a double one keeps the run."""
    run = Run(entry.id)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        _link(entry)
        if st.session_state.get(ASKS) != entry.id:
            people.button(
                "Cancel",
                owner.of(run),
                icon=":material/stop_circle:",
                key=f"dock-cancel-{entry.id}",
                on_click=_ask,
                args=(entry.id,),
            )
            return
        with st.container(horizontal=True, width="content"):
            people.button("Stop it", owner.of(run), key=f"dock-stop-{entry.id}", on_click=_stop, args=(run,))
            st.button("Keep on", key=f"dock-keep-{entry.id}", on_click=_ask, args=(None,))
    st.html('<div class="lab-meta">Its checkpoints are kept, and Resume on its page goes on from them.</div>')


def _ask(run_id: str | None) -> None:
    st.session_state[ASKS] = run_id


def _stop(run: Run) -> None:
    _ask(None)
    try:
        with st.spinner("Stopping the run"):
            control.cancel(run)
    except LabError as error:
        st.session_state[PROBLEM] = error


def _see(seen: set[tuple[str, float]]) -> None:
    st.session_state[SEEN] = st.session_state.get(SEEN, set()) | seen
