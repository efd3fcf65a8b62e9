"""What trains and what waits, as Home draws it anew while either is there."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import streamlit as st

from core import places
from core.errors import LabError
from core.jobs import control, queue, turns
from core.jobs.pace import ahead
from core.jobs.pace.ahead import Times
from core.runs import Run
from core.runs.colours import colour_of
from core.runs.lists import index
from core.text import number_of, so_far
from pages.parts.bell import bell
from pages.parts.dock import waits
from pages.parts.home import lines
from pages.parts.people import people
from pages.parts.run import view
from pages.parts.shared import badges, frame, theme
from pages.parts.tab import ticking

TICK = 2.0  # seconds, of a page that is open alone


def interval() -> float:
    """Seconds between two looks."""
    return ticking.every(TICK)


def signature(summaries: Sequence[dict[str, Any]], every: float) -> tuple:
    """Changes when the page has to: a run, a state, or how often it looks. every: seconds between two looks."""
    return every, *((summary["id"], *(fold["state"] for fold in summary["folds"])) for summary in summaries)


def readable(summaries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [summary for summary in summaries if "unreadable" not in summary and not summary["archived"]]


def tick(drawn: tuple, first: list[dict[str, Times | None]]) -> None:
    """Reruns the page when a run changes its state, or how often it looks. drawn: signature of what the page shows.

    first: when what waits begins and ends, as the page has just found out, for the first time that this is drawn.
    """
    listed = readable(index.summaries())
    if signature(listed, interval()) != drawn:
        st.rerun()
    running = [summary for summary in listed if summary["state"] == "running"]
    share = 0.0
    if running:
        share = _training(running)
    else:
        frame.look_after_workers()
    several = number_of(len(running), "run") if len(running) > 1 else running[0]["name"] if running else ""
    title = f"{so_far(share)} · {several} · Facet Lab" if running else "Home · Facet Lab"
    frame.tab(title, "running" if running else "", share)
    spans = first.pop() if first else ahead.waiting(summaries=listed)
    _waiting(control.waiting(), {summary["id"]: summary for summary in listed}, spans)


def _training(running: Sequence[dict[str, Any]]) -> float:
    """Draws what trains; how far it is, 0..1."""
    with st.container(horizontal=True, vertical_alignment="bottom", key="home-training"):
        with st.container(width="stretch"):
            theme.heading("Training now")
        bell.ask()
    shares = []
    for summary in running:
        run = Run(summary["id"])
        try:
            status = view.read_status(run, run.config(), [])
            table = view.metrics_of(view.metrics_version(run, [fold.fold for fold in status.folds]))
        except (LabError, OSError, ValueError):
            continue  # deleted between the list and this line; the next tick leaves it out
        shares.append(status.share)
        with st.container(border=True), st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            with st.container(gap="xsmall"):
                lines.link(summary)
                st.html(f'<div class="lab-meta">{badges.dot(colour_of(summary))}{lines.facts(summary)}</div>')
                st.html(view.progress_html(status, table))
            st.html(
                f'{lines.small_curve(summary, 150)}<div class="lab-meta lab-num">{lines.score_so_far(summary)}</div>',
                width=220,
            )
    return sum(shares) / len(shares) if shares else 0.0


def _waiting(
    places_in_queue: Sequence[tuple[str, int]], by_id: dict[str, dict[str, Any]], spans: dict[str, Times | None]
) -> None:
    """Runs with folds that wait, in the order of the queue, those of a study together; what is held back comes last.

    spans: when the folds of each run that wait begin and end.
    """
    folds_of = waits.folds_that_wait(places_in_queue, by_id)
    if not folds_of:
        return
    theme.heading("Waiting")
    held = queue.held_runs(places.runs_folder())
    groups = lines.by_study([by_id[run_id] for run_id in folds_of])
    for place, (study_id, name, runs) in enumerate(groups, 1):
        words = waits.in_words(runs, folds_of, held, spans)
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(f'<span class="lab-num lab-meta">{place}</span> {badges.icon("queued")}', width=44)
            if study_id is not None:
                lines.study_link(study_id, name)
            else:
                lines.link(runs[0])
            st.html(f'<div class="lab-meta">{escape(words)}</div>', width="content")
    if (most := turns.cap(places.runs_folder())) is not None:
        st.caption(f"{number_of(most, 'fold')} of one person at most train at a time; whoever waits takes turns.")
    elif people.shared():
        st.caption("People take turns: the next fold is of whoever waits and had a turn longest ago.")
