"""The chosen runs of the list, and what was pressed for them: done once the page draws anew, with a way to undo it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from html import escape

import streamlit as st

from core.errors import LabError
from core.runs import Run
from core.runs.lists.index import Listed
from core.text import number_of
from pages.parts.shared import badges, frame

DONE, ERROR, CHOSEN = "runs-done", "runs-error", "runs-chosen"


def choose(ids: Sequence[str]) -> None:
    """The chosen runs stand in the address, in the order in which they were ticked."""
    st.session_state[CHOSEN] = list(ids)
    if ids:
        st.query_params["runs"] = ",".join(ids)
    else:
        st.query_params.pop("runs", None)


def chosen(entries: Sequence[Listed]) -> list[Listed]:
    """The runs in the address that this list has; others leave the address."""
    run_ids = [part for part in st.query_params.get("runs", "").split(",") if part]
    by_id = {entry.id: entry for entry in entries} if run_ids else {}
    listed = [by_id[run_id] for run_id in dict.fromkeys(run_ids) if run_id in by_id]
    if len(listed) != len(run_ids):
        choose([entry.id for entry in listed])
    st.session_state[CHOSEN] = [entry.id for entry in listed]  # also where the browser's Back brought another address
    return listed


def last_action() -> None:
    """What was done last, with Undo; or why it could not be done."""
    if problem := st.session_state.pop(ERROR, None):
        badges.show_error(problem)
    done = st.session_state.get(DONE)
    if done is None:
        return
    words, ids, undo = done
    with st.container(horizontal=True, vertical_alignment="center", key="runs-done-line"):
        st.html(
            f'<div class="lab-meta" role="status">{number_of(len(ids), "run")}{escape(words)}.</div>', width="content"
        )
        if undo is not None:
            st.button("Undo", icon=":material/undo:", key="runs-undo", on_click=_undo, args=(done,))
        st.button("Dismiss", type="tertiary", key="runs-dismiss", on_click=st.session_state.pop, args=(DONE, None))


def press(act: Callable[[list[str]], None], ids: list[str], of: list[str] | None = None) -> None:
    """The callback of what is done to the chosen runs. ids: those for which the button was drawn. of: those that were
    chosen then, where it is done to others."""
    st.session_state[frame.PRESSED] = (act, ids, ids if of is None else of)


def settle() -> bool:
    """Do what was pressed, unless other runs are ticked by now than those for which the button was drawn; whether
    something was done."""
    if (pressed := st.session_state.pop(frame.PRESSED, None)) is None:
        return False
    act, ids, of = pressed
    ticked = st.session_state.get(CHOSEN, of)
    if list(ticked) == list(of):
        act(ids)
        return True
    choose(ticked)
    st.session_state[ERROR] = LabError(
        "Nothing was done: the choice of runs changed just before the click.",
        "Look at what is ticked, then press again.",
    )
    return False


def _undo(done: tuple) -> None:
    """Undo this, and nothing that was done since."""
    if st.session_state.get(DONE) is done:
        _, ids, undo = done
        do(undo, ids, None, None)


def do(act: Callable, ids: list[str], words: str | None, undo: Callable | None) -> None:
    """Do it, and remember what was done and how to undo it; a refusal is shown instead.

    act: what gives a list gives the names that the runs have after it, by which it is undone.
    """
    st.session_state.pop(DONE, None)
    try:
        names = act(ids)
    except LabError as error:
        st.session_state[ERROR] = error
        return
    if words is not None:
        st.session_state[DONE] = (f" {words}", names if isinstance(names, list) else ids, undo)
        choose(())


def do_each(ids: list[str], states: Sequence[str], verb: Callable[[Run], object], words: str) -> None:
    """Do it to those of the runs with a fold in one of these states, and name the first that refuses; the others are
    done all the same."""
    st.session_state.pop(DONE, None)
    done, refused = [], []
    for run in map(Run, ids):
        try:
            if any(state.state in states for state in run.require().states()):
                verb(run)
                done.append(run.id)
        except LabError as error:
            which = "" if run.id in error.message else f"{run.id}: "
            refused.append(LabError(f"{which}{error.message}", error.remedy, error.kind))
    if refused:
        st.session_state[ERROR] = refused[0]
    if done:
        st.session_state[DONE] = (words, done, None)
