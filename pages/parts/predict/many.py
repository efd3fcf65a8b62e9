"""Predict, many photos: a table and a gallery sorted by doubt, filters, files to take away."""

from __future__ import annotations

import base64
from html import escape
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.data.thumbnails import small_jpeg
from core.errors import LabError
from core.predict import submission
from core.predict.table import SHARE, as_file, table
from core.text import count, plain
from pages.parts.data import gallery
from pages.parts.look_inside import address
from pages.parts.predict import work
from pages.parts.predict.question import Question
from pages.parts.predict.work import Outcome
from pages.parts.shared import badges, tables, theme
from pages.parts.shared.fields import begin

CHOSEN = "predict-chosen"  # in the session: the name of the photo that is looked at
THUMBNAILS = "predict-thumbnails"  # in the session: (predictions, name -> picture in base64)
PAGE = 24  # photos of a gallery
SIDE = 160  # px of one
ORDERS = {"doubt": "Least probable", "folds": "Folds disagree", "name": "Name"}
ONLY = {"all": "All", "unsure": "Not sure", "far": "Far from training", "known": "Known to a run", "none": "No answer"}


def show(outcome: Outcome, question: Question) -> int | None:
    """The table, the gallery and the files; the row of the photo that somebody looks at."""
    theme.heading(f"{count(len(outcome.predictions.photos))} photos")
    rows = rows_of(outcome, question)
    st.html(_summary(rows))
    st.caption(plain(" ".join([*outcome.notes, *(outcome.doubt.sentences if outcome.doubt else ())])))
    if outcome.why is not None:
        badges.show_error(outcome.why)
    if outcome.features is None:
        work.learn(outcome)
    chosen = _filtered(rows, outcome)
    columns_shown = chosen.drop(columns="row")
    tables.table(
        columns_shown,
        "predictions.csv",
        key="predict-table",
        hide_index=True,
        height=min(420, 38 + 35 * max(1, len(columns_shown))),
        column_config={
            column: st.column_config.NumberColumn(format="%.3f")
            for column in columns_shown
            if column.startswith(SHARE) or column in ("probability", "mutual_information")
        },
    )
    st.download_button(
        "All of them as Parquet",
        lambda: as_file(rows.drop(columns="row"), ".parquet"),
        "predictions.parquet",
        "application/vnd.apache.parquet",
        icon=":material/download:",
        on_click="ignore",
        type="tertiary",
    )
    _submit(outcome, question)
    return _gallery(chosen, outcome)


def rows_of(outcome: Outcome, question: Question) -> pd.DataFrame:
    """core.predict.table with what the page adds: row, not_sure, set, far."""
    rows = table(outcome.predictions, question.vote, outcome.weights)
    extras: dict[str, object] = {}
    if outcome.doubt is not None:
        extras["not_sure"] = outcome.doubt.unsure
        if outcome.doubt.sets is not None:
            names = np.array(outcome.predictions.class_names, dtype=object)
            extras["set"] = [" | ".join(names[members]) for members in outcome.doubt.sets]
    if outcome.features is not None:
        extras["far"] = outcome.far
    for place, (name, values) in enumerate(extras.items()):
        rows.insert(3 + place, name, values)
    return rows.assign(row=np.arange(len(rows)))


def _summary(rows: pd.DataFrame) -> str:
    """How the answers fall, and how many are doubtful."""
    of_classes = rows["answer"].value_counts()
    parts = [f"{count(number)} {name}" for name, number in of_classes.head(8).items()]
    parts += [f"{count(len(of_classes) - 8)} more classes"] if len(of_classes) > 8 else []
    for column, word in (("not_sure", "not sure"), ("far", "far from training")):
        if column in rows and (number := int((rows[column] & rows["answer"].notna()).sum())) > 0:
            parts.append(f"{count(number)} {word}")
    if (without := int(rows["answer"].isna().sum())) > 0:
        parts.append(f"{count(without)} without an answer")
    if (known_photos := int((rows["known"] != "").sum())) > 0:
        parts.append(f"{count(known_photos)} known to a run")
    return f'<div class="lab-meta">{escape(" · ".join(parts))}</div>'


def _filtered(rows: pd.DataFrame, outcome: Outcome) -> pd.DataFrame:
    """The rows that the filters keep, in the chosen order."""
    able = {
        "all": np.ones(len(rows), dtype=bool),
        "unsure": (rows["not_sure"] & rows["answer"].notna()).to_numpy() if "not_sure" in rows else None,
        "far": rows["far"].to_numpy() if "far" in rows else None,
        "known": (rows["known"] != "").to_numpy(),
        "none": rows["answer"].isna().to_numpy(),
    }
    words = {name: ONLY[name] for name, keep in able.items() if name == "all" or (keep is not None and keep.any())}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        only = address.segments("only", "Show", words, default="all")
        order = address.segments("order", "Sorted by", ORDERS, default="doubt")
        present = [name for name in outcome.predictions.class_names if (rows["answer"] == name).any()]
        answer = address.box("answer", "Answer", present, width=200)
    keep = able[only]
    assert keep is not None  # offered only where it is
    chosen = rows[keep if answer is None else keep & (rows["answer"] == answer).to_numpy()]
    columns = {"doubt": ["probability"], "folds": ["mutual_information"], "name": ["path"]}[order]
    return chosen.sort_values(columns, ascending=order != "folds", kind="stable", na_position="first")


def _gallery(chosen: pd.DataFrame, outcome: Outcome) -> int | None:
    if chosen.empty:
        st.info("No photo fits these filters.", icon=":material/filter_list_off:")
        return None
    pages = -(-len(chosen) // PAGE)
    number = address.page_number(pages - 1)
    names = {outcome.predictions.photos[row].name: int(row) for row in chosen["row"]}
    looked_at = st.session_state.get(CHOSEN)
    part = chosen.iloc[number * PAGE : (number + 1) * PAGE]
    pictures = _pictures(outcome, [int(row) for row in part["row"]])
    cells = [_cell(row, *pictures[row.row], row.path == looked_at) for row in part.itertuples()]
    gallery.draw(cells, _look_at, key="predict-gallery")
    if pages > 1:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.button("Before", disabled=number == 0, on_click=_turn_to, args=(number,), icon=":material/chevron_left:")
            st.html(f'<div class="lab-meta">page {number + 1} of {pages}</div>', width="content")
            st.button(
                "Next",
                disabled=number == pages - 1,
                on_click=_turn_to,
                args=(number + 2,),
                icon=":material/chevron_right:",
            )
    return names.get(looked_at) if looked_at is not None else None


def _cell(row: Any, image: str, fault: str, chosen: bool) -> dict[str, Any]:
    """One photo of the gallery. row: of rows_of, by itertuples; pandas may tell a missing answer as NaN."""
    first, second, mark = "no answer", "", ""
    if isinstance(row.answer, str):
        first = row.answer
        second = f"p {row.probability:.2f} · {row.folds_agree} of {row.folds_asked} folds"
        mark = "far" if getattr(row, "far", False) else "not sure" if getattr(row, "not_sure", False) else ""
    return {
        "sample": row.path,
        "image": image,
        "fault": fault,
        "first": first,
        "second": second,
        "mark": mark,
        "chosen": bool(chosen),
    }


def _turn_to(page: int) -> None:
    address.put(page=str(page) if page > 1 else None)


def _look_at(name: str) -> None:
    st.session_state[CHOSEN] = None if st.session_state.get(CHOSEN) == name else name


def _pictures(outcome: Outcome, rows: list[int]) -> dict[int, tuple[str, str]]:
    """(small picture in base64, "") or ("", what is wrong), by row; those of the last page are remembered."""
    predictions = outcome.predictions
    kept = st.session_state.get(THUMBNAILS)
    made = kept[1] if kept is not None and kept[0] is predictions else {}
    bits = predictions.members[0].run.bits()
    pictures: dict[int, tuple[str, str]] = {}
    for row in rows:
        if row in made:
            pictures[row] = made[row]
            continue
        try:
            data = small_jpeg(predictions.photos[row].pixels(bits), SIDE)
            pictures[row] = base64.b64encode(data).decode(), ""
        except LabError as error:
            pictures[row] = "", error.message
    st.session_state[THUMBNAILS] = (predictions, pictures)
    return pictures


def _submit(outcome: Outcome, question: Question) -> None:
    """A file in the form of an uploaded sample."""
    with st.expander("Submission: in the columns and order of a sample file", icon=":material/upload_file:"):
        sample = st.file_uploader("Sample file", type=["csv", "tsv", "txt"], max_upload_size=50, key="predict-sample")
        if sample is None:
            return
        labels = begin(
            st.selectbox,
            "Labels are written",
            ["as the sample tells", *submission.LABELS],
            key="predict-labels",
            begins="as the sample tells",
        )
        predictions = outcome.predictions
        codes = _codes(predictions.class_names) if labels == submission.CODE else {}
        try:
            form = submission.read_form(
                sample.getvalue(),
                sample.name,
                [photo.name for photo in predictions.photos],
                predictions.class_names,
                labels=None if labels not in submission.LABELS else labels,
                codes=codes,
            )
            content = form.filled(
                predictions.probabilities(question.vote, outcome.weights),
                predictions.classes(question.vote, outcome.weights),
            )
        except LabError as error:
            badges.show_error(error)
            return
        st.caption(plain(" ".join(form.sentences)))
        st.download_button(
            "Download the submission",
            content,
            "submission.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            type="primary",
            key="predict-submission",
        )


def _codes(class_names: tuple[str, ...]) -> dict[str, str]:
    """What is written for each class; their places at first."""
    codes = {}
    with st.container(horizontal=True):
        for place, name in enumerate(class_names):
            codes[name] = begin(
                st.text_input, plain(name), key=f"predict-code-{place}-{name}", begins=str(place), width=130
            )
    return codes
