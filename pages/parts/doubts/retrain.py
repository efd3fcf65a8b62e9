"""Look inside, the end of the queue of likely wrong labels: train again on the corrected ones, and did it help."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.answers.label_decisions import Tally
from core.data.labels import corrections
from core.errors import LabError
from core.places import HOME
from core.plan.again import since
from core.plan.plan import Plan
from core.runs import Run
from core.runs.create import new_id
from core.studies import retrain
from core.text import count, number_of, plain
from pages.parts.shared import badges

LIVE, COMPARE = HOME / "pages" / "live.py", HOME / "pages" / "compare.py"
IDS = "look-retrain-ids"  # in the session: (run, version of the corrections) -> the id that a click launches
ASKED = "look-retrain-asked"  # in the session: (run, samples that were shown to differ) of a click not answered yet
MOST = 3  # earlier ones that are offered to be compared


def offer(run: Run, tally: Tally, summaries: Sequence[dict[str, Any]]) -> None:
    """The way on once a label is corrected; runs that were retrained before, each with its comparison."""
    later = retrain.retrained_from(run.id, list(summaries))[:MOST]
    if not (tally.wrong or tally.left_out or later):
        return
    with st.container(key="look-retrain", horizontal=True, vertical_alignment="center"):
        if tally.wrong or tally.left_out:
            kind = "secondary" if tally.waiting or later else "primary"
            label = "Retrain on the corrected labels, same folds"
            if st.button(label, icon=":material/model_training:", type=kind, key="look-retrain-open"):
                st.session_state.pop(ASKED, None)
                dialog(Run(run.id))
        for summary in later:
            _earlier(run, summary)


def _earlier(run: Run, summary: dict[str, Any]) -> None:
    st.html(badges.badge(summary["state"]), width="content")
    st.markdown(plain(summary.get("name", summary["id"])), width="content")
    if summary["state"] != "done":
        if st.button("Watch", icon=":material/show_chart:", key=f"look-watch-{summary['id']}"):
            st.switch_page(LIVE, query_params={"run": summary["id"]})
    elif st.button("Did it help?", icon=":material/compare_arrows:", key=f"look-helped-{summary['id']}"):
        query = {"run": summary["id"], "runs": f"{run.id},{summary['id']}", "baseline": run.id}
        st.switch_page(COMPARE, query_params=query)


@st.dialog("Retrain on the corrected labels", icon=":material/model_training:")
def dialog(run: Run) -> None:
    """What differs by now, and the button that queues a run on it."""
    run_id, samples = st.session_state.pop(ASKED, (None, None))
    try:
        with st.spinner("Reading the dataset with its corrections"):
            plan = retrain.plan_of(run)
            lines = retrain.differs(run, plan)
    except LabError as error:
        badges.show_error(error)
        return
    asked = run_id == run.id
    if newer := asked and bool(since(samples, plan.samples)):
        st.warning(
            "The dataset or its corrections changed while this was open: nothing was queued. See what differs now.",
            icon=":material/edit_note:",
        )
    st.markdown(
        "\n".join(["Same settings, seeds and folds; what differs:", "", *(f"- {plain(each)}" for each in lines)])
    )
    folds = number_of(plan.config.folds.count, "fold job")
    st.caption(
        f"{folds} of {number_of(plan.config.epochs, 'epoch')} with {count(plan.photos)} photos. When it is done, "
        "Compare says whether it helped, on the photos whose label stayed."
    )
    st.button(
        "Queue it",
        type="primary",
        icon=":material/playlist_add:",
        key="look-retrain-go",
        on_click=_note,
        args=(run.id, plan.samples),
    )
    if asked and not newer:
        _launch(plan, run)


def _note(*asked: Any) -> None:
    """The callback. What is trained on is what was shown, and the dialog looks anew before it launches."""
    st.session_state[ASKED] = asked


def _launch(plan: Plan, run: Run) -> None:
    key = run.id, corrections.version(plan.config.data.root)
    run_id = st.session_state.setdefault(IDS, {}).setdefault(key, new_id(plan.config.name))
    try:
        retrain.launch(plan, run, run_id)
    except LabError as error:
        if error.kind != "exists":  # a double click: it was launched by the first
            badges.show_error(error)
            return
    st.switch_page(LIVE, query_params={"run": run_id})
