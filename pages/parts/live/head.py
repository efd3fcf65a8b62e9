"""The head of Live: what the run is, the way to another one, and what can be done to it."""

from __future__ import annotations

from html import escape
from pathlib import Path

import streamlit as st

from core.config import RunConfig, to_yaml
from core.data.labels import correction_rows, corrections
from core.data.yes_no import pairs
from core.errors import LabError
from core.jobs import control
from core.places import HOME
from core.runs import Run, notes
from core.runs.owners import owner
from core.runs.states import again_first
from core.text import ago, count, number_of
from pages.parts.bell import bell
from pages.parts.keys import glossary
from pages.parts.people import people
from pages.parts.run import everybody, view
from pages.parts.shared import badges, moved, run_picker, tables

LAUNCH = HOME / "pages" / "launch.py"
PROBLEM = "live-error"  # in the session: what a click on Cancel or Resume ran into
_CANCELLED = "live-cancelled"  # in the session: the run that was cancelled here last


def header(run: Run, config: RunConfig, info: dict, status: view.RunStatus, colour: str, listed: list[dict]) -> None:
    dataset = Path(config.data.root).name or "dataset"
    facts = [
        config.task.title,
        dataset,
        pairs.in_words(info["class_names"], config.task.one_by_one),
    ]
    head = f", {glossary.word('factored head')}" if config.model.head == "factored" else ""
    launched = f"{people.launched(owner.told(info))} {ago(info.get('created'))}"
    folds = everybody.fact(config) if status.everybody else escape(number_of(len(status.folds), "fold"))
    network = f"ResNet-{config.model.depth}{head}"
    facts_html = " · ".join([*map(escape, facts), folds, network, origin(config, info), escape(launched)])
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.html(
            f'<div class="lab-title">{badges.dot(colour)}{escape(config.name)}</div>'
            f'<div class="lab-meta">{facts_html}</div>',
            width="content",
        )
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            _actions(run, config, status, listed)


def origin(config: RunConfig, info: dict) -> str:
    """HTML: where the first weights came from; a parent run is a link, a file has the start of its hash."""
    used = info.get("weights") or {}  # of a file since the launch, of others once a worker begins
    hashed = f", SHA-256 {str(used['sha256'])[:8]}…" if used.get("sha256") else ""
    if parent := config.model.parent:
        words = f"from the {config.model.init_checkpoint} weights of "
        return f'{words}<a href="live?run={escape(parent)}" target="_self">{escape(parent)}</a>, fold by fold'
    if config.model.init == "scratch":
        return "from scratch"
    name = "ImageNet weights" if config.model.init == "imagenet" else Path(config.model.init.removeprefix("file:")).name
    return escape(f"from {name}{hashed}")


def _actions(run: Run, config: RunConfig, status: view.RunStatus, listed: list[dict]) -> None:
    """What comes and goes stands on the left, so that nothing else moves; what was Cancel is never anything else, or
    the second half of a double click would press that.
    """
    if status.active:
        bell.ask()
    run_picker.pick_run(listed, run.id)
    if status.active or st.session_state.get(_CANCELLED) == run.id:
        people.button(
            "Cancel",
            owner.of(run),
            icon=":material/stop_circle:",
            help="Stop it; checkpoints are kept, and Resume goes on from them.",
            on_click=_cancel,
            args=(run,),
            disabled=not status.active,
        )
    with st.popover("Config", icon=":material/tune:"):
        text = to_yaml(config)
        st.download_button(
            "Download config.yaml", text, f"{run.id}.yaml", "application/yaml", on_click="ignore", width="stretch"
        )
        if (
            status.active
            and not status.everybody
            and st.button(
                "Run again", icon=":material/replay:", help="Open Launch with these settings.", width="stretch"
            )
        ):
            st.switch_page(LAUNCH, query_params={"from": run.id})
        st.code(text, "yaml", height=420)
        _corrected(run)


def ways_on(run: Run, status: view.RunStatus) -> None:
    """How a run that stopped before its end, or is held back, goes on; nothing for any other."""
    stopped = [fold for fold in status.folds if fold.state in badges.STOPPED]
    if not stopped and not status.paused:
        return
    rest = "; the rest of its study stays paused" if status.paused else ""
    anew = again_first(fold.kind for fold in stopped)
    scored = any(fold.state == "done" for fold in status.folds)
    with st.container(horizontal=True, vertical_alignment="center", key="live-ways-on"):
        people.button(
            "Resume",
            owner.of(run),
            icon=":material/play_arrow:",
            type="secondary" if anew else "primary",
            help=f"Go on with every fold of this run that is not done, from its last checkpoint{rest}.",
            on_click=_resume,
            args=(run,),
        )
        # one on everybody is trained again from the page of the run whose people they are; a result has it of its own
        if not (status.everybody or status.active or scored) and st.button(
            "Run again",
            icon=":material/replay:",
            type="primary" if anew else "secondary",
            help="Open Launch with these settings.",
        ):
            st.switch_page(LAUNCH, query_params={"from": run.id})
        st.html(f'<span class="lab-meta">{escape(_where(stopped, status))}</span>', width="content")


def _where(stopped: list, status: view.RunStatus) -> str:
    if not stopped:
        return "It waits, held back with its study."
    epochs = sorted({fold.epoch for fold in stopped})
    folds = number_of(len(stopped), "fold")
    if epochs == [0]:
        return f"{folds} stopped before the first epoch was through: Resume begins there."
    reached = f"epoch {epochs[0]}" if len(epochs) == 1 else f"epochs {epochs[0]} to {epochs[-1]}"
    return f"{folds} stopped after {reached} of {count(status.epochs)}: Resume goes on from the last checkpoint."


def _corrected(run: Run) -> None:
    """Which label corrections the run was frozen with."""
    try:
        used = corrections.read(run.corrections_file)
    except LabError as error:
        badges.show_error(error)
        return
    if not used:
        st.caption("No label corrections.")
        return
    st.caption(f"Label corrections in this run: {count(len(used))}")
    tables.table(
        correction_rows.table(used)[["kind", "sample", "person", "attribute", "before", "after", "reason"]],
        "corrections.csv",
        hide_index=True,
        key="live-corrections",
    )


def _cancel(run: Run) -> None:
    try:
        with st.spinner("Stopping the run"):
            control.cancel(run)
        st.session_state[_CANCELLED] = run.id
    except LabError as error:
        st.session_state[PROBLEM] = error


def _resume(run: Run) -> None:
    st.session_state.pop(_CANCELLED, None)
    try:
        with moved.noted(run):
            archived = notes.read_notes(run).archived is not None
            if not control.resume(run):
                st.toast("Nothing to resume: every fold is done or under way.")
            elif archived:
                st.toast("The run is out of the archive again: lists show what trains.", icon=":material/unarchive:")
    except LabError as error:
        if not moved.asks_after(run, error):
            st.session_state[PROBLEM] = error
