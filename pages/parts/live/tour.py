"""Three sentences for whoever sees a first run: what folds are, how curves are read, and the three worst mistakes."""

from __future__ import annotations

import contextlib
from pathlib import Path
from typing import Any

import streamlit as st

from core.answers import mistakes
from core.answers.mistakes import Answers
from core.errors import LabError
from core.places import lab_folder
from core.runs import Run
from core.storage import files
from core.text import plain
from pages.parts.look_inside import elements
from pages.parts.run import result, view

WORST = 3
PARTS = 3
SEEN = "tour-seen"  # in the session: whoever put it away sees it no more


def section(run: Run, status: view.RunStatus, listed: list[dict[str, Any]]) -> None:
    """Nothing where the lab has other runs, once it was put away, and for a run that stopped before its end."""
    if len(listed) != 1 or status.everybody or len(status.folds) < 2 or _was_seen():
        return
    if status.state == "done":
        worst = _worst(run)
        if worst is None:
            return
        part, title = 3, "The three worst mistakes"
        seen = "person" if run.persons().are_known else "photo"
        words = f"These photos it got most wrong, each judged by a network that had never seen the {seen}."
    elif not status.active:
        return
    elif not any(fold.epoch for fold in status.folds):
        worst, part, title = None, 1, f"{len(status.folds)} folds, {len(status.folds)} networks"
        units = run.persons().noun
        words = (
            f"{units.capitalize()} are split into {len(status.folds)} groups. Each network learns from all groups but "
            f"one and is asked about the {units} of that one, which it never saw: that is what makes its score honest."
        )
    else:
        worst, part, title = None, 2, "How to read the curves"
        words = (
            f"A colour is a fold. Solid: {run.persons().noun} that it never saw; dashed: photos that it learns from. "
            "Where dashed goes on and solid does not, it learns by heart. The thick line is the mean."
        )
    with st.container(border=True, key="live-tour"):
        with st.container(horizontal=True, vertical_alignment="top", horizontal_alignment="distribute"):
            st.markdown(f":blue[:material/explore: {part} of {PARTS}] **{title}**  \n{plain(words)}", width="stretch")
            st.button("Got it" if part == PARTS else "No tour", type="tertiary", key="tour-away", on_click=_put_away)
        if worst is not None:
            _faces(run, worst)


def _worst(run: Run) -> Answers | None:
    try:
        folds = tuple(run.done_folds())
        answers, _ = result.answered(run.key, folds, mistakes.version(run, folds=folds))
    except LabError:  # the card beneath says what is wrong
        return None
    return answers if (~answers.table["right"]).any() else None


def _faces(run: Run, answers: Answers) -> None:
    table = answers.table
    worst = table[~table["right"]].sort_values("loss", ascending=False, kind="stable").head(WORST)
    with st.container(width=370):  # three in a row
        elements.gallery(result.tiles(worst), result.ask, key="tour-faces", version=answers.run_id)
    if st.button("See where it looked", icon=":material/visibility:", key="tour-maps"):
        result.open_maps(run, list(worst["sample"]))


def _file() -> Path:
    return lab_folder() / "tour.json"


def _was_seen() -> bool:
    return bool(st.session_state.get(SEEN)) or _file().is_file()


def _put_away() -> None:
    st.session_state[SEEN] = True
    with contextlib.suppress(OSError, LabError):  # a lab that may only be read forgets it with the session
        files.write_json(_file(), {"seen": True})
