"""What has ended: the last result as its card, what finished before it, what stopped before its end."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import streamlit as st

from core.errors import LabError
from core.jobs import control
from core.places import HOME
from core.runs import Run
from core.runs.colours import colour_of
from core.runs.lists.best import highest
from core.runs.lists.index import Listed
from core.runs.owners import owner
from core.runs.states import again_first, overall
from core.text import count, number_of
from pages.parts.hand import results
from pages.parts.home import lines
from pages.parts.people import people
from pages.parts.run import result, view
from pages.parts.shared import badges, moved, theme

LAUNCH, RUNS = (HOME / "pages" / f"{name}.py" for name in ("launch", "runs"))
FINISHED_SHOWN = 6
STOPPED_SHOWN = 5
PROBLEM = "home-error"  # in the session: what a click on Resume ran into


def last_result(done: Sequence[dict[str, Any]]) -> str | None:
    """The card of what finished last and was measured; the id of its run."""
    measured = [summary for summary in done if not summary.get("everybody")]
    if not measured:
        return None
    summary = max(measured, key=lines.ended_at)
    run = Run(summary["id"])
    try:
        config = run.config()
        status = view.read_status(run, config, [])
    except (LabError, OSError, ValueError):  # deleted meanwhile, or damaged, which its own page says
        return None
    with st.container():
        theme.heading("Last result")
        with st.container(horizontal=True, vertical_alignment="center", gap="small"):
            st.html(f'<span class="home-dot">{badges.dot(colour_of(summary))}</span>', width="content")
            lines.link(summary)
            if (of := lines.by_study([summary])[0])[0] is not None:
                st.html('<span class="lab-meta">of the study</span>', width="content")
                lines.study_link(of[0], of[1])
            facts = f"{lines.facts(summary)} · {lines.when(lines.ended_at(summary))}"
            st.html(f'<span class="lab-meta">{facts}</span>', width="content")
        result.section(run, config, status)
    return run.id


def finished(done: Sequence[dict[str, Any]], on_card: str | None) -> None:
    """What finished, newest first, the runs of a study together. on_card: the run whose card is there already."""
    listed = sorted(done, key=lines.ended_at, reverse=True)
    groups = [group for group in lines.by_study(listed) if [run["id"] for run in group[2]] != [on_card]]
    if not groups:
        return
    theme.heading("Finished lately")
    for study_id, name, runs in groups[:FINISHED_SHOWN]:
        if study_id is None:
            _run(runs[0])
        else:
            _study(study_id, name, runs)
    _more(len(groups) - FINISHED_SHOWN, "older")


def _run(summary: dict[str, Any]) -> None:
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        with st.container(gap=None):
            lines.link(summary)
            facts = f"{lines.facts(summary)} · {lines.when(lines.ended_at(summary))}"
            st.html(f'<div class="lab-meta">{badges.dot(colour_of(summary))}{facts}</div>')
        st.html(lines.small_curve(summary), width=130)
        st.html(lines.reached(summary), width=230)


def _study(study_id: str, name: str, runs: Sequence[dict[str, Any]]) -> None:
    """Its finished runs in one line. runs: newest first."""
    measured = [run for run in runs if Listed(run).scores["best_f1"][2]]
    with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
        with st.container(gap=None):
            lines.study_link(study_id, name)
            dots = "".join(badges.dot(colour_of(run)) for run in runs[:8])
            facts = f"study · {number_of(len(runs), 'finished run')} · {escape(str(runs[0]['dataset']))}"
            st.html(
                f'<div class="lab-meta"><span class="home-dots">{dots}</span>{facts} · '
                f"{lines.when(lines.ended_at(runs[0]))}</div>"
            )
        if not measured:
            return
        top = highest(map(Listed, measured))
        if top is None:
            st.html('<div class="lab-meta">its runs tell different classes: none has the highest F1</div>', width=230)
            return
        st.html(lines.small_curve(top.summary), width=130)
        short = escape(top.name.removeprefix(f"{name} "))
        st.html(
            f'<div class="lab-num">F1 {results.f1(top)}</div><div class="lab-meta">highest mean: {short}</div>',
            width=230,
        )


def stopped(halted: Sequence[dict[str, Any]]) -> None:
    theme.heading("Stopped before the end")
    for summary in halted[:STOPPED_SHOWN]:
        folds = [fold for fold in summary["folds"] if fold["state"] in badges.STOPPED]
        names = f"fold {folds[0]['fold']}" if len(folds) == 1 else f"{len(folds)} of {len(summary['folds'])} folds"
        reasons = sorted({str(fold["reason"]) for fold in folds if fold.get("reason")})
        with st.container(horizontal=True, vertical_alignment="center", gap="medium"):
            with st.container(gap=None):
                lines.link(summary)
                dot, launched = badges.dot(colour_of(summary)), lines.when(summary["created"])
                st.html(
                    f'<div class="lab-meta">{dot}{lines.facts(summary)} · launched {launched}</div>'
                    f"<div>{badges.badge(overall(fold['state'] for fold in folds))} "
                    f'<span class="lab-meta">{escape(" · ".join([names, *reasons[:1]]))}</span></div>'
                )
            anew = again_first(fold.get("kind") or "" for fold in folds) and not summary.get("everybody")
            if anew and st.button(
                "Run again",
                key=f"again-{summary['id']}",
                icon=":material/replay:",
                help="Open Launch with these settings.",
            ):
                st.switch_page(LAUNCH, query_params={"from": summary["id"]})
            people.button(
                "Resume",
                owner.told(summary),
                key=f"resume-{summary['id']}",
                icon=":material/play_arrow:",
                type="tertiary" if anew else "secondary",
                on_click=_resume,
                args=(summary["id"],),
            )
    _more(len(halted) - STOPPED_SHOWN, "more stopped")


def _more(number: int, words: str) -> None:
    if number > 0 and st.button(f"{count(number)} {words}", type="tertiary", icon=":material/table_rows:"):
        st.switch_page(RUNS)


def _resume(run_id: str) -> None:
    try:
        with moved.noted(Run(run_id)):
            control.resume(Run(run_id))
    except LabError as error:
        st.session_state[PROBLEM] = error
