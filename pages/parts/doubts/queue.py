"""Look inside, likely wrong labels: one at a time, the most suspicious first."""

from __future__ import annotations

from datetime import datetime

import numpy as np
import pandas as pd
import streamlit as st

from core.answers import label_errors
from core.answers.mistakes import Answers
from core.data.labels import corrections, reviews
from core.data.pictures.photo import photo_of
from core.errors import LabError
from core.runs import Run
from core.runs.yes_no.view import OneAttribute
from core.text import count
from pages.parts.doubts import decisions
from pages.parts.doubts.doubt import Doubt
from pages.parts.look_inside import address, elements, mistakes
from pages.parts.shared import badges

PAGE = 12


@st.cache_data(max_entries=8, show_spinner="Looking for likely wrong labels")
def likely(run_id: str, which: str, version: tuple, _answers: Answers) -> tuple[pd.DataFrame, float]:
    """(the queue, the estimated number of wrong labels)."""
    joint = label_errors.confident_joint(_answers.table["y"].to_numpy(), _answers.probabilities)
    return label_errors.likely_errors(_answers), float(joint.estimate.sum() - np.trace(joint.estimate))


def show(run: Run, answers: Answers, version: tuple) -> None:
    contradicted, estimate = likely(run.key, answers.which, version, answers)
    root = run.config().data.root
    try:
        attribute = run.attribute if isinstance(run, OneAttribute) else ""
        waiting = undecided(contradicted, root, float(run.info().get("created", 0)), attribute)
    except LabError as error:
        badges.show_error(error)
        return
    decided = len(contradicted) - len(waiting)
    st.html(
        f'<div class="lab-meta">{count(len(contradicted))} of {count(len(answers.table))} labels are contradicted; '
        f"{count(decided)} of them are decided. By the same count about {count(estimate)} labels are wrong, if the "
        "network is right where it is sure; a network that has learned little contradicts hard photos too.</div>"
    )
    decisions.show_last(root)
    if waiting.empty:
        _nothing_waits(decided)
        return
    samples = waiting["sample"].tolist()
    linked = st.query_params.get("label")
    at = samples.index(linked) if linked in samples else 0
    left, right = st.columns([1, 1.25], gap="large")
    with left:
        _gallery(run, answers, waiting, at)
    with right:
        with st.container(horizontal=True, vertical_alignment="center"):
            _step("Previous", "P", ":material/chevron_left:", samples, at - 1)
            _step("Next", "N", ":material/chevron_right:", samples, at + 1)
            st.caption(f"{count(at + 1)} of {count(len(samples))}", width="content")
        neighbours = [*samples[at + 1 : at + 2], *samples[max(0, at - 1) : at]]
        row = waiting.iloc[at]
        decisions.show(
            Doubt(
                run=run,
                answers=answers,
                root=root,
                row=row["row"],
                label=row["label"],
                likely=row["likely"],
                following=next(iter(neighbours), None),
            )
        )


def undecided(contradicted: pd.DataFrame, root: str, since: float, attribute: str = "") -> pd.DataFrame:
    """The queue without faces that a person has decided since the run was launched. since: Unix time.

    attribute: the one that is asked about, where a photo has a label of each; a label of another decides nothing here.
    """
    confirmed = reviews.load(root)
    later = [each for each in corrections.load(root) if datetime.fromisoformat(each.when).timestamp() >= int(since)]
    later = [each for each in later if not (attribute and each.attribute) or each.attribute == attribute]
    samples = {each.sample for each in later if each.sample}
    persons = {each.person for each in later if not each.sample}
    asked = contradicted["sample"].map(lambda sample: reviews.subject(sample, attribute))
    right = asked.map(confirmed).astype(object) == contradicted["label"].astype(object)
    return contradicted[~(right | contradicted["sample"].isin(samples) | contradicted["person"].isin(persons))]


def _nothing_waits(decided: int) -> None:
    words = "Every likely wrong label is decided." if decided else "No label is confidently contradicted by this run."
    st.info(words, icon="🎯")
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
    st.caption(f"{count(first + 1)} to {count(first + len(rows))} of {count(len(waiting))}, worst first.")


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
        "lines": [f"p {row.self_confidence:.2f} → {row.likely_confidence:.2f}"],
        "mark": "",
        "chosen": is_chosen,
    }
