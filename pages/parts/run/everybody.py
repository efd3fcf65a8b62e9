"""Train once on everybody: from a cross-validated run to the one network to take home, and that network's own page."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from typing import Any

import streamlit as st

from core import places
from core.config import RunConfig
from core.errors import LabError
from core.jobs import control
from core.places import HOME
from core.plan import everybody as planned
from core.plan.corrected import corrected_since
from core.plan.plan import check_weights
from core.runs import Run, starts
from core.runs.create import new_id
from core.runs.everybody import unmeasured
from core.text import count, plain
from pages.parts.doubts import retrain
from pages.parts.run import view
from pages.parts.shared import badges, moved, theme
from pages.parts.shared.fields import begin

LIVE = HOME / "pages" / "live.py"
ASKED = "live-everybody-asked"  # in the session: (run, id of the new one, epochs, batch size) of a click not answered
BATCHES = 2, 4096  # smallest and largest, as a configuration may have
TICKET = "live-everybody-ticket"  # in the session: run -> id that its next click launches under, once


def section(run: Run, status: view.RunStatus, listed: Sequence[dict[str, Any]]) -> None:
    """The offer of a finished cross-validated run, and the networks that were made of it."""
    if status.state != "done":
        return
    theme.heading("Train once on everybody")
    st.caption(
        "The folds measured what these settings reach, each with some people held out. One more training on all of "
        "them, nobody held out, gives the one network to take home; "
        + ("only its test set can measure it." if run.test_file.is_file() else "its own score cannot be measured.")
    )
    before = [summary for summary in listed if summary.get("everybody") == run.id]
    for summary in before:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.page_link(LIVE, label=plain(summary["name"]), query_params={"run": summary["id"]})
            epochs = f"{count(summary['epochs'])} epoch{'s' * (summary['epochs'] != 1)}"
            st.html(f'{badges.badge(summary["state"])} <span class="lab-meta">{epochs}</span>', width="content")
    try:
        length = planned.length_of(run)
    except LabError as error:
        badges.show_error(error)
        if error.kind != "everybody":
            return
        length = planned.whole_length(run)
    _offer(run, length, again=bool(before))


def _offer(run: Run, length: planned.Length, *, again: bool) -> None:
    """The field and the button. The id that a click launches under is made before it: a double click launches once."""
    if (asked := st.session_state.get(ASKED)) is not None and asked[0] == run.id:
        st.session_state.pop(ASKED)
        _launch(run, *asked[1:])
    start, of = planned.start_of(run), run.config().model.parent
    if of is not None and start is None:
        _needs_start(Run(of, run.dir.parent))
        return
    tickets = st.session_state.setdefault(TICKET, {})
    ticket = tickets.setdefault(run.id, new_id(f"{run.config().name} everybody"))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        begin(
            st.number_input,
            "Epochs",
            1,
            length.most,
            key=_epochs_key(run.id),
            begins=length.epochs,
            step=1,
            width=150,
            help="Phases, warm-up and learning rates are those of the folds up to there.",
        )
        begin(
            st.number_input,
            "Batch size",
            *BATCHES,
            key=_batch_key(run.id),
            begins=run.config().training.batch_size,
            step=1,
            width=150,
            help="That of the folds; a smaller one where the memory of the device is too small for it.",
        )
        st.button(
            "Train again on everybody" if again else "Train on everybody",
            icon=":material/groups:",
            key=f"live-everybody-{run.id}",
            on_click=_note,
            args=(run.id, ticket),
        )
    said = f"Proposed: {length.words}." if length.best else ""
    if start is not None:
        said += f" {planned.start_in_words(run, start)}"
    if run.config().training.early_stopping is not None:
        said += " Early stopping is off then: it watches people who are held out."
    if run.test_file.is_file():
        said += " The test set stays set aside: it is there to measure."
    st.caption(plain(f"{said} {planned.loss_in_words(run, run.config())}".strip()))
    _say_corrected(run)


def _say_corrected(run: Run) -> None:
    try:
        with st.spinner("Looking which labels were corrected since"):
            corrected = corrected_since(run)
    except LabError as error:
        badges.show_error(error)
        return
    if corrected:
        way = "To train on the labels as they are by now, retrain it first, then train that run on everybody."
        st.html(badges.fault(f"{corrected} {way}", state="interrupted"))
        label = "Retrain on the corrected labels, same folds"
        if st.button(label, icon=":material/model_training:", key="live-everybody-retrain"):
            retrain.dialog(run)


def _needs_start(parent: Run) -> None:
    """In the place of the button of a run whose folds started from those of another. parent: that one."""
    words = (
        f"Its folds started from those of {parent.id}. One network starts from one, which is trained on everybody of "
        "that run, and none is done yet"
    )
    if parent.exists():
        st.caption(plain(f"{words}: train it there first."))
        label = "Open the run that it started from"
        st.page_link(LIVE, label=label, query_params={"run": parent.id}, icon=":material/show_chart:")
    else:
        how = f"python -m core everybody RUN --set model.init=imagenet{places.runs_option(parent.dir.parent)}"
        st.caption(plain(f"{words}; that run was deleted. From other weights it is trained by {how}."))


def _epochs_key(run_id: str) -> str:
    return f"live-everybody-epochs-{run_id}"


def _batch_key(run_id: str) -> str:
    return f"live-everybody-batch-{run_id}"


def _note(run_id: str, ticket: str) -> None:
    """The callback. How it trains is what the fields show at the click, which may be newer than the button."""
    typed = (int(st.session_state[key]) for key in (_epochs_key(run_id), _batch_key(run_id)))
    st.session_state[ASKED] = run_id, ticket, *typed


def _launch(run: Run, ticket: str, epochs: int, batch_size: int) -> None:
    """Ends on the new run's page, or with what went wrong."""
    try:
        with st.spinner("Launching"), moved.noted(run):
            config = planned.proposed(run, epochs)
            training = config.training.model_copy(update={"batch_size": batch_size})
            config = config.model_copy(update={"training": training})
            check_weights(config)
            control.launch(planned.make_plan(config, run.dir.parent), ticket, run.dir.parent)
    except LabError as error:
        if error.kind != "exists":  # else the first half of a double click launched it
            badges.show_error(error)
            return
    st.session_state.get(TICKET, {}).pop(run.id, None)
    st.switch_page(LIVE, query_params={"run": ticket})


def about(run: Run, config: RunConfig, info: dict[str, Any]) -> None:
    """What stands in the place of scores on the page of a network that was trained on everybody."""
    parent = Run(str(config.folds.everybody), run.dir.parent)
    st.info(plain(unmeasured.sentence(info, parent.id)), icon=":material/groups:")
    with st.container(horizontal=True, vertical_alignment="center"):
        if parent.exists():
            label = "Open the cross-validated run"
            st.page_link(LIVE, label=label, query_params={"run": parent.id}, icon=":material/show_chart:")
        else:
            st.caption(plain(f"The run {parent.id} was deleted since."))
    for words in otherwise(run, config, parent):
        st.html(badges.fault(words, state="interrupted"))


def otherwise(run: Run, config: RunConfig, parent: Run) -> list[str]:
    """In which the folds, whose score is told, were trained otherwise: a sentence for each."""
    try:
        changes = planned.changes(config, parent)
    except LabError:
        return []  # gone
    words = []
    if changes:
        words.append(f"Set otherwise than in the folds, whose score is thus of other settings: {', '.join(changes)}.")
    if starts.weighed_classes(parent) and not starts.weighed_classes(run):
        words.append(
            "Its weighted loss weighs each photo by its label, that of the folds still weighed each class of a target: "
            "their score is thus of another loss."
        )
    return words


def fact(config: RunConfig) -> str:
    """HTML, where other runs say how many folds they have."""
    parent = escape(str(config.folds.everybody))
    return f'one network on everybody of <a href="live?run={parent}" target="_self">{parent}</a>'
