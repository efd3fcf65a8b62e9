"""The run in hand: the one that somebody looks at goes along through the menu to every page, and so does its study.

The menu leads to bare addresses. So the session keeps what is in hand, and each page that begins without it writes it
into its own address: a reload, the browser's Back and a copied link then have it too.
"""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from core.errors import LabError
from core.places import HOME
from core.runs import Run
from core.runs.colours import colour_of
from core.runs.lists import index
from core.runs.lists.summaries import derived, read_summary
from core.studies import record_file
from core.text import plain
from pages.parts.shared import badges, run_picker

RUN, STUDY = BOTH = "run", "study"  # in the address
STUDIES, LIVE = HOME / "pages" / "studies.py", HOME / "pages" / "live.py"
CLEAR = "Nothing in hand: pages open the newest run again."
_RUN, _STUDY = "hand-run", "hand-study"  # in the session: an id; (id, name)


def begin(*, names_study: bool = True) -> None:
    """Takes what the address names into the hand, or writes what is in it into the address.

    names_study: whether this page's address may name the study in hand for that alone: Studies opens what it names, and
    what is launched on Launch joins it.
    """
    if run_id := st.query_params.get(RUN):
        _take_run(run_id)
    elif (held := run()) is not None:
        st.query_params[RUN] = held
    if study_id := st.query_params.get(STUDY):
        if run_id is None or run_id != run() or _holds(study_id, run_id):
            take_study(study_id)
        elif names_study:  # a run was chosen from outside the study that the address had
            st.query_params.pop(STUDY)
    elif names_study and run() is None and (of := study()) is not None:
        st.query_params[STUDY] = of[0]


def run() -> str | None:
    """The id of the run in hand; None where there is none, or where it was deleted meanwhile."""
    run_id = st.session_state.get(_RUN)
    if run_id is not None and not Run(run_id).exists():
        st.session_state.pop(_RUN)
        return None
    return run_id


def study() -> tuple[str, str] | None:
    """Id and name of the study in hand: that of the run in hand, or one that was opened."""
    held = st.session_state.get(_STUDY)
    if held is not None and not record_file.exists(held[0]):
        st.session_state.pop(_STUDY)
        return None
    return held


def take(run_id: str) -> None:
    """A run that a page opens: into the hand and into the address."""
    if st.query_params.get(RUN) != run_id:
        st.query_params[RUN] = run_id
    _take_run(run_id)


def _take_run(run_id: str) -> None:
    """Nothing for what is no run; its page says so."""
    if st.session_state.get(_RUN) == run_id:
        return
    try:
        Run(run_id).require()
    except LabError:
        return
    st.session_state[_RUN] = run_id
    st.session_state[_STUDY] = _named(_summary(run_id).get("study"))


def take_study(study_id: str) -> None:
    """A study that was opened; a run of another one leaves the hand. Nothing for what is no study."""
    if (held := study()) is not None and held[0] == study_id:
        return
    try:
        opened = record_file.load(study_id)
    except LabError:
        return
    st.session_state[_STUDY] = opened.id, opened.name
    if (run_id := run()) is not None and run_id not in opened.run_ids:
        st.session_state.pop(_RUN)
        st.query_params.pop(RUN, None)


def _holds(study_id: str, run_id: str) -> bool:
    """Whether a run is of a study; also where nobody can tell."""
    if (held := study()) is not None and held[0] == study_id and run() == run_id:
        return True
    try:
        return run_id in record_file.load(study_id).run_ids
    except LabError:
        return True


def _named(study_id: str | None) -> tuple[str, str] | None:
    """None for a run of no study, and for a study that was deleted."""
    try:
        return None if study_id is None else (study_id, record_file.load(study_id).name)
    except LabError:
        return None


def beside(run_id: str | None = None) -> list[str]:
    """What a comparison begins with: the run in hand, which is its baseline, and the runs of the study in hand.

    In place of a run that trained on everybody stands the one that measured what to expect of it.

    run_id: a run that need not be in hand, with the runs of its own study then.
    """
    held, of = run(), study()
    if run_id is not None and run_id != held:
        held, of = run_id, _named(_summary(run_id).get("study"))
    if held is not None and (measured_by := _summary(held).get("everybody")) is not None:
        held = str(measured_by) if Run(measured_by).exists() else None
    of_study = [] if of is None else _runs_of(of[0])
    return list(dict.fromkeys([*([held] if held else []), *of_study]))


def _runs_of(study_id: str) -> list[str]:
    """Of a study, those that are there; none where its record cannot be read, as Studies says."""
    try:
        return [each for each in record_file.load(study_id).run_ids if Run(each).exists()]
    except LabError:
        return []


def first(listed: Sequence[dict[str, Any]]) -> str | None:
    """The run that a page opens where its address names none: the newest of the study in hand, else the newest;
    of either one that lies in the archive where there is no other.

    listed: as index.summaries gives them, newest first.
    """
    of = study()
    readable = [summary for summary in index.archived_last(listed) if "unreadable" not in summary]
    of_study = [summary for summary in readable if of is not None and summary.get("study") == of[0]]
    return next((summary["id"] for summary in (*of_study, *readable)), None)


def put_down() -> None:
    """Empties the hand."""
    for key, name in ((_RUN, RUN), (_STUDY, STUDY)):
        st.session_state.pop(key, None)
        st.query_params.pop(name, None)


def _summary(run_id: str) -> dict[str, Any]:
    folder = Run(run_id).dir
    summary = read_summary(folder)
    return {"id": run_id} if summary is None else derived(folder, summary)


def name_of(run_id: str) -> str:
    """What a run is called now, its id where nobody can tell."""
    return str(_summary(run_id).get("name") or run_id)


def line(shows: Sequence[str] = BOTH) -> None:
    """What is in hand: the study and the run, with a way to another run. Nothing where the hand is empty.

    shows: STUDY, RUN or both; a page that tells one of them in its title and lets it be changed there shows the other.
    """
    run_id, of = run() if RUN in shows else None, study() if STUDY in shows else None
    if run_id is None and of is None:
        return
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="hand-line"):
        if of is not None:
            _go(of[1], "grid_on", STUDIES, STUDY, of[0], "The study that is looked at: its runs and folds.")
        if run_id is not None:
            if of is not None:
                st.html('<span class="lab-meta">/</span>', width="content")
            _chip(run_id, of)
        elif RUN in shows:
            _put_down_button()


def _go(label: str, icon: str, page: Path, name: str, value: str, tip: str | None = None) -> None:
    """A quiet button that leads to a page. name, value: of its address."""
    if st.button(plain(label), icon=f":material/{icon}:", type="tertiary", key=f"hand-go-{name}", help=tip):
        st.switch_page(page, query_params={name: value})


def _chip(run_id: str, of: tuple[str, str] | None) -> None:
    summary = _summary(run_id)
    name = str(summary.get("name") or run_id)
    short = name.removeprefix(f"{of[1]} ") or name if of is not None else name
    tip = escape(run_id, quote=True)
    st.html(f'<span title="{tip}">{badges.dot(colour_of(summary))}</span>', width="content")
    popover = st.popover(
        plain(short),
        type="tertiary",
        key="hand-chip",
        on_change="rerun",
        help="The run in hand: Live, Look inside, Compare and Predict open it. A click changes it.",
    )
    if popover.open:
        with popover:
            run_picker.pick_run(index.summaries(), run_id)
            with st.container(horizontal=True, vertical_alignment="center"):
                _go("Open it", "show_chart", LIVE, RUN, run_id)
                _put_down_button()


def _put_down_button() -> None:
    st.button("Clear", icon=":material/close:", type="tertiary", key="hand-down", help=CLEAR, on_click=put_down)
