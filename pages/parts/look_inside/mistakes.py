"""Look inside, its first half: the confusion matrix, the filters and the gallery of faces, worst first."""

from __future__ import annotations

import base64
import io
from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st
from PIL import Image

from core.answers import mistakes
from core.answers.mistakes import Answers, Filter
from core.data import thumbnails
from core.data.tasks import GENDERS, MASKS
from core.errors import LabError
from core.inside import face_maps, fold_answers
from core.runs import Run
from core.text import count, plain
from pages.parts.look_inside import address, elements
from pages.parts.shared import badges
from pages.parts.shared.fields import field

PAGE = 12  # faces
SIDE = 200  # px
ORDERS = {
    "loss": "Loss", "confidence": "Confidence", "runs": "Disagreement between runs",
    "folds": "Disagreement between folds",
}  # fmt: skip
MOST_ASKED = 240  # faces that every fold is asked about, those with the highest loss
KINDS = {"wrong": "Mistakes", "right": "Right answers", "all": "All faces"}


def show(run: Run, answers: Answers, others: list[Answers]) -> list[str]:
    """The samples that the filters keep, worst first. others: the answers of further runs that are shown beside it."""
    wanted = address.read_filter(answers)
    left, right = st.columns([1, 1.05 if len(answers.class_names) > elements.DENSE else 1.35], gap="medium")
    with left:
        matrix(answers, wanted)
    with right:
        order = filters(answers, wanted, bool(others))
        worth = None
        if order == "runs":
            try:
                worth = mistakes.between_runs([answers, *others])
            except LabError as error:
                badges.show_error(error)
                order = "loss"
        rows = mistakes.select(answers, wanted)
        if order == "folds":
            rows = mistakes.order(answers, rows, "loss")[:MOST_ASKED]
            worth = _between_folds(run, answers, rows)
            order = "loss" if worth is None else order
        rows = mistakes.order(answers, rows, order, worth)
        gallery(answers, rows, worth)
    return answers.table["sample"].iloc[rows].tolist()


def _between_folds(run: Run, answers: Answers, rows: np.ndarray) -> pd.Series | None:
    """Asks every fold once about these faces; None after a failure."""
    samples = tuple(answers.table["sample"].iloc[rows])
    key = (run.id, answers.which, samples, face_maps.version(run, [], answers.which))
    kept = st.session_state.get("look-between-folds")
    if kept is not None and kept[0] == key:
        return kept[1]
    bar = st.progress(0.0, f"Asking every fold about {count(len(samples))} faces")
    try:
        found = fold_answers.between_folds(
            run, samples, answers.which,
            lambda done, total: bar.progress(done / total, f"{count(done)} of {count(total)} answers"),
        )  # fmt: skip
    except LabError as error:
        badges.show_error(error)
        return None
    finally:
        bar.empty()
    st.session_state["look-between-folds"] = (key, found)
    return found


def step(answers: Answers, listed: list[str]) -> None:
    """Buttons, and the keys P and N, that go from the face that was chosen last to its neighbours in the list."""
    chosen = address.chosen(answers)
    at = listed.index(chosen[-1]) if chosen and chosen[-1] in listed else None
    for label, key, icon, to in (
        ("Previous face", "P", ":material/chevron_left:", None if at is None else at - 1),
        ("Next face", "N", ":material/chevron_right:", 0 if at is None else at + 1),
    ):
        inside = to is not None and 0 <= to < len(listed)
        st.button(
            label, icon=icon, shortcut=key, disabled=not inside, on_click=_go_to, key=f"look-{key}",
            args=(listed[to], to) if inside else None,
        )  # fmt: skip
    if at is not None:
        st.caption(f"{count(at + 1)} of {count(len(listed))}", width="content")


def _go_to(sample: str, at: int) -> None:
    address.put_list("samples", [sample])
    address.put(page=str(at // PAGE + 1) if at >= PAGE else None)


def matrix(answers: Answers, wanted: Filter) -> None:
    """The confusion matrix over the faces of the subgroup, whatever cell is chosen."""
    scope = replace(wanted, answer="all", true=None, predicted=None, fault=None, low=0.0, high=1.0, far=False)
    rows = mistakes.select(answers, scope)
    counts = mistakes.confusion(answers, rows)
    names = answers.class_names
    at = tuple(names.index(name) if name is not None else None for name in (wanted.true, wanted.predicted))

    def picked(truth: int | None, guess: int | None) -> None:
        right = truth is not None and truth == guess
        answer = "right" if right else "wrong" if truth is not None and guess is not None else None
        true, predicted = (None if i is None else names[i] for i in (truth, guess))
        address.put(true=true, predicted=predicted, answer=answer if answer != "wrong" else None, page=None)

    elements.matrix(names, counts, at, picked, key="look-matrix")
    total, wrong = int(counts.sum()), int(counts.sum() - np.trace(counts))
    share = f" ({100 * wrong / total:.1f} %)" if total else ""
    scope_words = "of the filtered " if total < len(answers.table) else "of all "
    st.caption(
        f"{count(wrong)} mistakes{share} {scope_words}{count(total)} faces, each judged by the fold that held the "
        "person out. Shares are of a row. A click on a cell or a name shows its faces."
    )


def filters(answers: Answers, wanted: Filter, several: bool) -> str:
    """The filters and the order; returns the order. several: whether more than one run is chosen."""
    table = answers.table
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        address.box("answer", "Show", list(KINDS), KINDS.get, default="wrong", width=135)
        address.box("true", "True class", answers.class_names, width=150)
        address.box("predicted", "Predicted class", answers.class_names, width=150)
        if len(answers.attributes) > 1:
            address.box("fault", "Wrong about", answers.attributes, width=120)
        address.box("fold", "Fold", [str(fold) for fold in answers.folds], "fold {}".format, width=100)
        orders = [name for name in ORDERS if name != "runs" or several]
        order = address.box("sort", "Worst by", orders, ORDERS.get, default="loss", width=140)
        more = st.popover("More filters", icon=":material/filter_list:")
    with more:
        with st.container(horizontal=True):
            for name, label, options in (
                ("mask", "Mask of the face", [m for m in MASKS if (table["mask"] == m).any()]),
                ("gender", "Gender of the face", [g for g in GENDERS if (table["gender"] == g).any()]),
                ("age", "Age of the face", address.age_groups(answers)),
            ):
                if options:
                    address.box(name, label, options, width=150)
        person = field(
            st.text_input, "Person", key="look-person", holds=st.query_params.get("person", ""), read=str.strip,
            take=lambda person: address.put(person=person or None, page=None), width=220, placeholder="Anyone",
            help="A person as the dataset names them.",
        )  # fmt: skip
        if person and not wanted.person:
            st.caption("No such person in this run.")
        field(
            st.slider, "Probability of the predicted class", 0.0, 1.0, step=0.01, key="look-confidence",
            holds=(wanted.low, wanted.high), take=_take_confidence,
        )  # fmt: skip
        if table["near"].any():
            field(
                st.checkbox, "Leave out age mistakes within 2 years of a limit", key="look-far", holds=wanted.far,
                take=lambda far: address.put(far="1" if far else None, page=None),
                help="Someone of 29 who is taken for 30 is hardly a mistake.",
            )  # fmt: skip
        st.button("Clear all filters", icon=":material/filter_list_off:", on_click=address.forget_filter)
    return order


def _take_confidence(region: tuple[float, float]) -> None:
    low, high = region
    address.put(low=f"{low:g}" if low > 0 else None, high=f"{high:g}" if high < 1 else None, page=None)


def gallery(answers: Answers, rows: np.ndarray, worth: pd.Series | None = None) -> None:
    """Twelve faces a page. rows: positions in the table, in order. worth: by sample, shown where an order has one."""
    if not len(rows):
        empty(answers)
        return
    last = (len(rows) - 1) // PAGE
    page = address.page_number(last)
    part = answers.table.iloc[rows[page * PAGE : (page + 1) * PAGE]]
    chosen = set(address.chosen(answers))
    faces = [face(row, row.sample in chosen, worth) for row in part.itertuples(index=False)]
    elements.gallery(
        faces, lambda sample: address.turn_choice(answers, sample), key="look-gallery",
        version=f"{answers.run_id} {answers.which} {address.read_order()}",
    )  # fmt: skip
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Previous page", icon=":material/chevron_left:", disabled=page == 0, on_click=address.put,
            kwargs={"page": str(page)},
        )  # fmt: skip
        st.button(
            "Next page", icon=":material/chevron_right:", disabled=page == last, on_click=address.put,
            kwargs={"page": str(page + 2)},
        )  # fmt: skip
        first = page * PAGE
        st.caption(f"{count(first + 1)} to {count(first + len(part))} of {count(len(rows))} faces", width="content")
        if chosen:
            st.button("Let all go", icon=":material/deselect:", on_click=address.put, kwargs={"samples": None})


def empty(answers: Answers) -> None:
    wanted = address.read_filter(answers)
    if wanted.answer == "wrong" and wanted.true and wanted == Filter(true=wanted.true):
        st.info(f"No mistake about this class: every face that is {plain(wanted.true)} was taken for it.", icon="🎯")
    elif answers.table["right"].all() and wanted.answer == "wrong":
        st.info("No mistake at all: every answer of this run is right.", icon="🎯")
    else:
        st.info("No face fits these filters.", icon=":material/filter_list_off:")
    st.button("Show all mistakes", on_click=address.forget_filter)


def face(row, is_chosen: bool, worth: pd.Series | None = None) -> dict:
    """What the gallery shows of one row of the table."""
    image, fault = thumbnail(row.path, row.sample, SIDE)
    lines = [f"p {row.confidence:.2f} · fold {row.fold}", f"loss {row.loss:.2f}"]
    if worth is not None:
        lines[1] = f"disagreement {worth.get(row.sample, float('nan')):.2f} bit"
    return {
        "sample": row.sample, "image": image, "fault": fault, "true": row.true, "predicted": row.predicted,
        "right": bool(row.right), "lines": lines, "chosen": is_chosen,
        "mark": f"age {row.age:g}, near a limit" if row.near else "",
    }  # fmt: skip


def thumbnail(path: str, sample: str, side: int) -> tuple[str, str]:
    """(data URI of a small JPEG, "") or ("", what is wrong with the photo). path, sample: of the table."""
    try:
        return _uri(thumbnails.thumbnail(path, sample, None, side), "JPEG"), ""
    except LabError as error:
        said = {"missing-file": "the photo is gone from disk", "outside": "the photo lies outside its dataset"}
        return "", said.get(error.kind, "the photo cannot be read")


def data_uri(pixels: np.ndarray, form: str = "JPEG") -> str:
    """pixels: uint8, (h, w, 3) or (h, w). JPEG for photos; PNG is exact."""
    buffer = io.BytesIO()
    options = {"quality": 88} if form == "JPEG" else {"compress_level": 1}
    Image.fromarray(pixels).save(buffer, form, **options)
    return _uri(buffer.getvalue(), form)


def _uri(data: bytes, form: str) -> str:
    return f"data:image/{form.lower()};base64,{base64.b64encode(data).decode()}"
