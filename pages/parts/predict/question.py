"""Predict, what is asked: the runs, how their answers are made one, and how sure an answer has to be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.errors import LabError
from core.places import HOME
from core.predict.doubt import ACCURACY, ALPHA
from core.predict.predictions import VOTES
from core.runs import Run
from core.runs.lists import best, index
from core.runs.lists.summaries import what_to_do
from core.runs.yes_no.view import attributes
from core.text import plain
from pages.parts.hand import hand
from pages.parts.look_inside import address
from pages.parts.shared import badges, frame, run_picker
from pages.parts.shared.fields import field

LIVE = HOME / "pages" / "live.py"
MOST_RUNS = 5
VOTE = {"soft": "Mean", "hard": "Votes", "weighted": "Weighted runs"}
ACCURACIES = {"0.8": "80 %", "0.9": "90 %", "0.95": "95 %", "0.99": "99 %"}
ALPHAS = {"0.2": "80 %", "0.1": "90 %", "0.05": "95 %"}
HELP = {
    "vote": "The mean of all folds' probabilities; the share of the folds that say so; or runs weighted by what they "
    "answered out of fold.",
    "flip": "Each photo is answered upright and mirrored, and the mean counts: twice the time.",
    "accuracy": "An answer counts as sure from that probability of its class on from which so many out-of-fold answers "
    "were right. That is careful: those are of one fold each, and the mean of several folds is less confident, so "
    "fewer answers pass than could.",
    "alpha": "How often the set of classes is to hold the true one.",
    "with": "Further finished runs of the same classes; their answers are made one with the first run's.",
}


@dataclass(frozen=True)
class Question:
    """views: of test-time augmentation. accuracy, alpha: see core.predict.doubt."""

    runs: tuple[Run, ...]
    vote: str
    views: tuple[str, ...]
    accuracy: float
    alpha: float


def pick_runs(summaries: Sequence[dict[str, Any]]) -> list[Run]:
    """The chosen run and those that answer beside it. Where the address says none: of the study in hand the one of the
    highest F1, else the newest that is finished."""
    finished = [summary for summary in summaries if summary.get("state") == "done"]
    labels = {summary["id"]: run_picker.run_label(summary) for summary in finished}
    if not labels:
        return []
    current = st.query_params.get("run")
    if current in labels:
        hand.take(current)
    else:  # the run in hand stays there
        asked = _unfinished(current, summaries) if current is not None else ""
        current = _best_of_study() or hand.first(finished)
        if asked and current is not None:
            st.caption(plain(f"{asked} is not finished, so {labels[current]} answers here."))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        run_picker.pick_run(finished, current)
        others = [run_id for run_id in labels if run_id != current]
        beside = _beside(others, labels) if others else []
        if st.button("Open the run", icon=":material/show_chart:", type="tertiary", key="predict-open-run"):
            st.switch_page(LIVE, query_params={"run": current})
    return [Run(run_id) for run_id in (current, *beside)]


def _unfinished(run_id: str, summaries: Sequence[dict[str, Any]]) -> str:
    """What a run that cannot answer yet is called. One that is gone or cannot be read answers never, and no other one
    answers in its name: what is wrong with it is said, and one is to be chosen."""
    listed = [summary for summary in summaries if summary["id"] == run_id]
    try:
        run = Run(run_id).require()
        if listed and (damage := listed[0].get("unreadable")):
            raise LabError(f"run '{run_id}': {damage}", what_to_do(run), kind="unreadable")
    except LabError as error:
        forget()
        badges.show_error(error)
        st.caption("Choose the run that is to answer.")
        run_picker.pick_run([summary for summary in summaries if summary.get("state") == "done"], None)
        st.stop()
    return run_picker.run_label(listed[0]) if listed else run_id


def forget() -> None:
    """A click that cannot be answered, since the page says what is wrong instead."""
    st.session_state.pop(frame.ANSWER, None)


def _best_of_study() -> str | None:
    """Of the study in hand: what one takes home of it; None without one, without a finished run of it, and where they
    tell different classes."""
    if (of := hand.study()) is None:
        return None
    entries = [each for each in index.listed() if each.summary.get("study") == of[0] and each.state == "done"]
    scored = [each for each in entries if best.mean_of(each, best.CRITERION) is not None]
    top = best.highest(scored)
    if len(scored) > 1:
        words = f"The runs of {of[1]} tell different classes, so none of them has the highest F1; the newest answers."
        st.caption(plain(words if top is None else f"Of {of[1]}, the run with the highest F1 answers."))
    return None if top is None else top.id


def _beside(others: list[str], labels: dict[str, str]) -> list[str]:
    return field(
        st.multiselect,
        "Together with",
        others[:300],
        format_func=labels.get,
        key="predict-with",
        holds=[run_id for run_id in address.listed("with") if run_id in others][: MOST_RUNS - 1],
        take=lambda run_ids: address.put_list("with", run_ids),
        max_selections=MOST_RUNS - 1,
        placeholder="Together with further runs of the same classes",
        width=560,
        label_visibility="collapsed",
        help=HELP["with"],
    )


def ask(runs: Sequence[Run]) -> Question:
    """The row of controls; all of it lives in the address. Raises LabError for a run that is gone."""
    one_by_one = bool(attributes(runs[0]))
    alone = not one_by_one or st.query_params.get("attribute", "") != ""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        votes = [vote for vote in VOTES if vote != "weighted" or (len(runs) > 1 and not one_by_one)]
        words = {vote: VOTE[vote] for vote in votes}
        vote = address.segments("vote", "Combine answers by", words, default="soft", help=HELP["vote"])
        flip = field(
            st.toggle,
            "Mirrored too",
            key="predict-flip",
            holds=st.query_params.get("flip") == "1",
            take=lambda flip: address.put(flip="1" if flip else None),
            help=HELP["flip"],
        )
        accuracy, alpha = str(ACCURACY), str(ALPHA)
        if alone:  # of all attributes together nothing is called sure
            accuracy = address.segments("sure", "Wanted accuracy", ACCURACIES, default=accuracy, help=HELP["accuracy"])
            alpha = address.segments("hold", "A set holds the class in", ALPHAS, default=alpha, help=HELP["alpha"])
    return Question(tuple(runs), vote, ("flip",) if flip else (), float(accuracy), float(alpha))
