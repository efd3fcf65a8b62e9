"""Home: what trains, what waits, what finished, and the next thing to do."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from core import places
from core.data.persons import state_of_summary, units
from core.errors import LabError
from core.figures import curves
from core.jobs import control, queue
from core.runs import Run
from core.runs.colours import colour_of
from core.runs.everybody.unmeasured import NOT_MEASURED
from core.runs.lists import index
from core.runs.lists.index import Listed
from core.runs.states import overall
from core.text import ago, count, number_of, plain
from pages.parts.hand import results
from pages.parts.run import view
from pages.parts.shared import badges, frame, theme

TICK = 2.0  # seconds
FINISHED_SHOWN = 8
STOPPED_SHOWN = 5
HERE = Path(__file__).parent
LAUNCH = HERE / "launch.py"
LIVE = HERE / "live.py"


def link(summary: dict[str, Any]) -> None:
    st.page_link(LIVE, label=plain(summary["name"]), query_params={"run": summary["id"]})


def facts(summary: dict[str, Any]) -> str:
    parts = [
        str(summary["task"]),
        str(summary["dataset"]),
        f"ResNet-{summary['depth']}",
        "on everybody" if summary.get("everybody") else number_of(len(summary["folds"]), "fold"),
        units(summary["people"], state_of_summary(summary)),
    ]
    return escape(" · ".join(parts))


def _time(moment: float | None) -> str:
    """How long ago, never broken into two lines."""
    return ago(moment).replace(" ", "\u00a0")


def small_curve(summary: dict[str, Any], colour: str, width: int = 120) -> str:
    """HTML of the validation F1 by epoch, mean over the folds that have it."""
    run = Run(summary["id"])
    table = view.metrics_of(view.metrics_version(run, [int(fold["fold"]) for fold in summary["folds"]]))
    rows = table[table["split"] == "validation"]
    values = rows.groupby("epoch")["f1"].mean().tolist() if len(rows) else []
    return theme.picture(curves.sparkline(values, run_colour=colour, width=width, total=int(summary["epochs"])))


def score_so_far(summary: dict[str, Any]) -> str:
    if summary.get("everybody"):
        return f"F1 {NOT_MEASURED}"
    entry = Listed(summary)
    return f"F1 {results.f1(entry)}, finished folds" if entry.done[0] else "no fold is finished yet"


def reached(summary: dict[str, Any]) -> str:
    """HTML of what a finished run reached."""
    if summary.get("everybody"):
        return f'<div class="lab-num">F1 {NOT_MEASURED} <span class="lab-meta">on everybody</span></div>'
    return (
        f'<div class="lab-num">F1 {results.f1(Listed(summary))} <span class="lab-meta">best epoch</span></div>'
        f'<div class="lab-num lab-meta">F1 {results.f1(Listed(summary), "final")} last epoch</div>'
    )


def training_now(running: Sequence[dict[str, Any]], colours: dict[str, str]) -> None:
    theme.heading("Training now")
    for summary in running:
        run = Run(summary["id"])
        try:
            status = view.read_status(run, run.config(), [])
            table = view.metrics_of(view.metrics_version(run, [fold.fold for fold in status.folds]))
        except (LabError, OSError, ValueError):
            continue  # deleted between the list and this line; the next tick leaves it out
        with st.container(border=True), st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            with st.container(gap="xsmall"):
                link(summary)
                st.html(f'<div class="lab-meta">{badges.dot(colours[run.id])}{facts(summary)}</div>')
                st.html(view.progress_html(status, table))
            st.html(
                f'{small_curve(summary, colours[run.id], 150)}<div class="lab-meta lab-num">'
                f"{score_so_far(summary)}</div>",
                width=220,
            )


def waiting(places_in_queue: Sequence[tuple[str, int]], by_id: dict[str, dict[str, Any]]) -> None:
    """Runs with folds that wait, in the order of the queue; what is held back comes last."""
    folds_of: dict[str, list[int]] = {run_id: [] for run_id, _ in places_in_queue if run_id in by_id}
    for run_id, summary in by_id.items():
        if folds := [int(fold["fold"]) for fold in summary["folds"] if fold["state"] == "queued"]:
            folds_of[run_id] = folds
    folds_of = {run_id: folds for run_id, folds in folds_of.items() if folds}
    if not folds_of:
        return
    theme.heading("Waiting")
    held = queue.held_runs(places.runs_folder())
    for place, (run_id, folds) in enumerate(folds_of.items(), 1):
        names = f"fold {folds[0]}" if len(folds) == 1 else f"folds {', '.join(map(str, folds))}"
        names += " · paused with its study" if run_id in held else ""
        with st.container(horizontal=True, vertical_alignment="center"):
            st.html(f'<span class="lab-num lab-meta">{place}</span> {badges.icon("queued")}', width=44)
            link(by_id[run_id])
            st.html(f'<div class="lab-meta">{names}</div>', width="content")


def tick(drawn: tuple) -> None:
    """What trains and what waits; reruns the page when a run changes its state."""
    listed = readable(index.summaries())
    if signature(listed) != drawn:
        st.rerun()
    running = [summary for summary in listed if summary["state"] == "running"]
    colours = {summary["id"]: colour_of(summary) for summary in running}
    if running:
        training_now(running, colours)
    else:
        frame.look_after_workers()
    several = number_of(len(running), "run") if len(running) > 1 else running[0]["name"] if running else ""
    frame.tab(f"{several} training · Facet Lab" if running else "Home · Facet Lab", "running" if running else "")
    waiting(control.waiting(), {summary["id"]: summary for summary in listed})


def ended_at(summary: dict[str, Any]) -> float:
    return max((fold.get("ended") or 0.0 for fold in summary["folds"]), default=0.0)


def finished(done: Sequence[dict[str, Any]]) -> None:
    theme.heading("Finished lately")
    for summary in sorted(done, key=ended_at, reverse=True)[:FINISHED_SHOWN]:
        colour = colour_of(summary)
        ended = ended_at(summary)
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            with st.container(gap=None):
                link(summary)
                st.html(f'<div class="lab-meta">{badges.dot(colour)}{facts(summary)} · {_time(ended or None)}</div>')
            st.html(small_curve(summary, colour), width=130)
            st.html(reached(summary), width=230)
    if len(done) > FINISHED_SHOWN:
        st.caption(f"{count(len(done) - FINISHED_SHOWN)} older ones: find them on the Runs page.")


def stopped(halted: Sequence[dict[str, Any]]) -> None:
    theme.heading("Stopped before the end")
    for summary in halted[:STOPPED_SHOWN]:
        folds = [fold for fold in summary["folds"] if fold["state"] in badges.STOPPED]
        names = f"fold {folds[0]['fold']}" if len(folds) == 1 else f"{len(folds)} of {len(summary['folds'])} folds"
        reasons = sorted({str(fold["reason"]) for fold in folds if fold.get("reason")})
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            with st.container(gap=None):
                link(summary)
                dot, launched = badges.dot(colour_of(summary)), _time(summary["created"])
                st.html(
                    f'<div class="lab-meta">{dot}{facts(summary)} · launched {launched}</div>'
                    f"<div>{badges.badge(overall(fold['state'] for fold in folds))} "
                    f'<span class="lab-meta">{escape(" · ".join([names, *reasons[:1]]))}</span></div>'
                )
            st.button(
                "Resume",
                key=f"resume-{summary['id']}",
                icon=":material/play_arrow:",
                on_click=resume,
                args=(summary["id"],),
            )


def resume(run_id: str) -> None:
    try:
        control.resume(Run(run_id))
    except LabError as error:
        st.session_state["home-error"] = error


def readable(summaries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [summary for summary in summaries if "unreadable" not in summary and not summary["archived"]]


def signature(summaries: Sequence[dict[str, Any]]) -> tuple:
    return tuple((summary["id"], *(fold["state"] for fold in summary["folds"])) for summary in summaries)


def empty() -> None:
    st.html('<div class="lab-title">No run yet</div>')
    st.markdown(
        "Launch a first one on the demo dataset and watch every fold learn; your own photos come in by their folder."
    )
    if LAUNCH.is_file():
        if st.button("Launch", type="primary", icon=":material/rocket_launch:"):
            st.switch_page(LAUNCH)
    else:
        st.code("python -m core train quick --data demo", "bash")


frame.begin_page()
if problem := st.session_state.pop("home-error", None):
    badges.show_error(problem)
every = index.summaries()
listed = readable(every)
if not listed:
    empty()
active = [summary for summary in listed if summary["state"] in badges.ACTIVE]
if active:
    st.fragment(tick, run_every=TICK)(signature(listed))
halted = [summary for summary in listed if any(fold["state"] in badges.STOPPED for fold in summary["folds"])]
done = [summary for summary in listed if summary["state"] == "done"]
if halted:
    stopped(halted)
if done:
    finished(done)
for bad in [summary for summary in every if "unreadable" in summary][:STOPPED_SHOWN]:
    st.html(badges.fault(f"{bad['unreadable']}.", "Its folder can be deleted or mended.", bad["id"], "unreadable"))
