"""What Home says of a run in one line: its name, which leads to it, its facts, a small curve, what it reached."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import streamlit as st

from core.data.persons import state_of_summary, units
from core.errors import LabError
from core.figures import curves
from core.places import HOME
from core.runs.colours import colour_of
from core.runs.everybody.unmeasured import NOT_MEASURED
from core.runs.lists.curves import f1_curve
from core.runs.lists.index import Listed
from core.runs.owners import owner
from core.studies import record_file
from core.text import ago, number_of, plain
from pages.parts.hand import results
from pages.parts.people import people
from pages.parts.shared import theme

LIVE, STUDIES = (HOME / "pages" / f"{name}.py" for name in ("live", "studies"))


def link(summary: dict[str, Any]) -> None:
    st.page_link(LIVE, label=plain(summary["name"]), query_params={"run": summary["id"]})


def study_link(study_id: str, name: str) -> None:
    st.page_link(STUDIES, label=plain(name), query_params={"study": study_id})


def facts(summary: dict[str, Any]) -> str:
    """HTML."""
    parts = [
        str(summary["task"]),
        str(summary["dataset"]),
        f"ResNet-{summary['depth']}",
        "on everybody" if summary.get("everybody") else number_of(len(summary["folds"]), "fold"),
        units(summary["people"], state_of_summary(summary)),
        people.by(owner.told(summary)),
    ]
    return escape(" · ".join(part for part in parts if part))


def when(moment: float | None) -> str:
    """How long ago, never broken into two lines."""
    return ago(moment or None).replace(" ", "\u00a0")


def ended_at(summary: dict[str, Any]) -> float:
    return max((fold.get("ended") or 0.0 for fold in summary["folds"]), default=0.0)


def small_curve(summary: dict[str, Any], width: int = 120) -> str:
    """HTML of the validation F1 by epoch, as the list of runs draws it; an empty box before the first."""
    curve = f1_curve(Listed(summary))
    if not curve:
        return "<div></div>"
    colour, epochs = colour_of(summary), int(summary["epochs"])
    return theme.picture(curves.sparkline(curve, run_colour=colour, width=width, total=epochs))


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
        f'<div class="lab-num">F1 {results.f1_in_words(Listed(summary))} <span class="lab-meta">best epoch</span></div>'
        f'<div class="lab-num lab-meta">F1 {results.f1_in_words(Listed(summary), "final")} last epoch</div>'
    )


def by_study(summaries: Sequence[dict[str, Any]]) -> list[tuple[str | None, str, list[dict[str, Any]]]]:
    """(id and name of the study, its runs) in the order of each one's first run; a run of no study, or of one that was
    deleted, stands alone, without an id."""
    groups: dict[str, list[dict[str, Any]]] = {}
    names: dict[str, str] = {}
    for summary in summaries:
        study_id = summary.get("study")
        if study_id is not None and study_id not in names:
            try:
                names[study_id] = record_file.load(study_id).name
            except LabError:
                names[study_id] = ""
        named = study_id is not None and names[study_id]
        groups.setdefault(study_id if named else summary["id"], []).append(summary)
    return [(key if names.get(key) else None, names.get(key, ""), runs) for key, runs in groups.items()]
