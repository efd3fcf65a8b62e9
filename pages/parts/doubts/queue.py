"""Look inside, likely wrong labels: one at a time, the most suspicious first."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import streamlit as st

from core.answers import label_decisions, label_errors
from core.answers.label_decisions import Tally
from core.answers.mistakes import Answers
from core.data.pictures.photo import photo_of
from core.errors import LabError
from core.runs import Run
from core.runs.yes_no.view import OneAttribute
from core.text import chance, count, listed, number_of, plain, sure
from pages.parts.doubts import decisions, retrain
from pages.parts.doubts.doubt import Doubt
from pages.parts.look_inside import address, elements, mistakes
from pages.parts.shared import badges

PAGE = 12


@st.cache_data(max_entries=8, show_spinner="Looking for likely wrong labels")
def likely(run_id: str, which: str, version: tuple, _answers: Answers) -> pd.DataFrame:
    """The candidates, most suspicious first."""
    return label_errors.likely_errors(_answers)


def waiting_of(run: Run, answers: Answers, version: tuple) -> tuple[pd.DataFrame, Tally]:
    """(the candidates that nobody has decided about, how many were decided how). Raises LabError as of_run does."""
    attribute = run.attribute if isinstance(run, OneAttribute) else ""
    candidates = likely(run.key, answers.which, version, answers)
    since = float(run.info().get("created", 0))
    return label_decisions.of_run(candidates, answers, run.config().data.root, since, attribute)


def show(run: Run, answers: Answers, version: tuple, summaries: Sequence[dict[str, Any]]) -> None:
    root = run.config().data.root
    try:
        waiting, tally = waiting_of(run, answers, version)
    except LabError as error:
        badges.show_error(error)
        return
    wrong = int((~answers.table["right"]).sum())
    if label_errors.too_weak(wrong, len(answers.table)):
        st.warning(
            f"This network is wrong about {wrong / len(answers.table):.0%} of the photos, so where it contradicts a "
            "label, the label is the likelier of the two. Train longer before its candidates are worth your time.",
            icon=":material/info:",
        )
    st.html(f'<div class="lab-meta" role="status">{in_words(tally, len(answers.table))}</div>')
    samples, at = place(waiting)
    with st.container(horizontal=True, vertical_alignment="center"):
        steps(samples, at)
        decisions.undo_button(root)
        if samples:
            st.button(
                "Full screen",
                icon=":material/fullscreen:",
                shortcut="F",
                key="look-queue-full",
                on_click=address.put,
                kwargs={"full": "1"},
                help="One photo at a time, large.",
            )
        words = f"{count(at + 1)} of {count(len(samples))}" if samples else ""
        if (made := decisions.last(root)) is not None:
            words = f"{words} · {made.words}" if words else made.words
        st.caption(plain(words), width="content")
    if waiting.empty:
        _nothing_waits(tally)
    else:
        with st.container(key="look-queue-beside"):  # on a phone the face in question comes first
            left, right = st.columns([1, 1.25], gap="large")
        with left:
            _gallery(run, answers, waiting, at)
        with right:
            decisions.show(doubt_at(run, answers, waiting, at))
    retrain.offer(run, tally, summaries)


def place(waiting: pd.DataFrame) -> tuple[list[str], int]:
    """(samples that wait, the place of the one in question): the one in the address, else the most suspicious."""
    samples, linked = waiting["sample"].tolist(), st.query_params.get("label")
    return samples, samples.index(linked) if linked in samples else 0


def doubt_at(run: Run, answers: Answers, waiting: pd.DataFrame, at: int) -> Doubt:
    """What is asked about the photo at a place of the queue; once it is decided its neighbour is asked about."""
    samples, row = waiting["sample"].tolist(), waiting.iloc[at]
    neighbours = [*samples[at + 1 : at + 2], *samples[max(0, at - 1) : at]]
    return Doubt(
        run=run,
        answers=answers,
        root=run.config().data.root,
        row=row["row"],
        label=row["label"],
        likely=row["likely"],
        following=next(iter(neighbours), None),
    )


def steps(samples: list[str], at: int) -> None:
    """To the photo before and after the one in question."""
    _step("Previous", "P", ":material/chevron_left:", samples, at - 1)
    _step("Next", "N", ":material/chevron_right:", samples, at + 1)


def in_words(tally: Tally, photos: int) -> str:
    """How many candidates there are, and how often the network was right about those that somebody looked at."""
    candidates = tally.waiting + tally.decided
    words = (
        f"{count(candidates)} of {number_of(photos, 'label')} {'is' if candidates == 1 else 'are'} confidently "
        "contradicted out of fold. "
    )
    if not tally.decided:
        return (
            words + "How many are wrong is for you to decide: a network that has learned little doubts hard photos too."
        )
    parts = {"wrong": tally.wrong, "right": tally.right, "left out": tally.left_out}
    words += f"{count(tally.decided)} decided: {listed([f'{count(n)} {name}' for name, n in parts.items() if n])}. "
    if not tally.judged:
        return words
    low, high = tally.interval()
    rest = " The most suspicious come first: expect fewer among the rest." if tally.waiting else ""
    return (
        f"{words}So far {tally.precision:.0%} of the labels judged were wrong ({label_decisions.LEVEL:.0%} interval "
        f"{low:.0%} to {high:.0%}).{rest}"
    )


def nothing_waits(tally: Tally) -> str:
    decided = tally.decided
    return "Every likely wrong label is decided." if decided else "No label is confidently contradicted by this run."


def _nothing_waits(tally: Tally) -> None:
    decisions.say_fault()
    st.info(nothing_waits(tally), icon=":material/done_all:")
    if st.button("Show all mistakes", icon=":material/grid_view:"):
        address.put(view=None)
        st.rerun()


def _gallery(run: Run, answers: Answers, waiting: pd.DataFrame, at: int) -> None:
    """The page of the queue on which the face in question stands."""
    first = at // PAGE * PAGE
    rows = waiting.iloc[first : first + PAGE]
    sample = waiting["sample"].iloc[at]
    faces = [_tile(answers, row, row.sample == sample) for row in rows.itertuples(index=False)]
    elements.gallery(faces, lambda sample: address.put(label=sample), key="look-queue", version=run.key)
    st.caption(f"{count(first + 1)} to {count(first + len(rows))} of {count(len(waiting))}, the most suspicious first.")


def _step(label: str, shortcut: str, icon: str, samples: list[str], to: int) -> None:
    exists = 0 <= to < len(samples)
    st.button(
        label,
        icon=icon,
        shortcut=shortcut,
        disabled=not exists,
        on_click=address.put,
        key=f"look-queue-{label}",
        kwargs={"label": samples[to]} if exists else None,
    )


def _tile(answers: Answers, row, is_chosen: bool) -> dict:
    """What the gallery shows of one row of the queue."""
    face = answers.table.iloc[row.row]
    image, fault = mistakes.thumbnail(photo_of(face), mistakes.SIDE)
    return {
        "sample": row.sample,
        "image": image,
        "fault": fault,
        "true": row.label,
        "predicted": row.likely,
        "right": False,
        "lines": [f"{chance(row.self_confidence)} → {sure(row.likely_confidence)}"],
        "mark": "",
        "chosen": is_chosen,
    }
