"""Predict, many photos: a table and a gallery sorted by doubt, filters, files to take away."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.predict.submission import of_classes
from core.predict.table import SHARE, as_file, table
from core.text import count, number_of, plain, sure
from pages.parts.look_inside import address
from pages.parts.predict import album, submit, work
from pages.parts.predict.question import Question
from pages.parts.predict.work import Outcome
from pages.parts.shared import badges, tables, theme

ORDERS = {"doubt": "Least probable", "folds": "Folds disagree", "name": "Name"}
ONLY = {"all": "All", "unsure": "Not sure", "far": "Far from training", "known": "Known to a run", "none": "No answer"}


def show(outcome: Outcome, question: Question) -> int | None:
    """The table, the gallery and the files; the row of the photo that somebody looks at."""
    theme.heading(number_of(len(outcome.predictions.photos), "photo"))
    rows = rows_of(outcome, question)
    st.html(_summary(rows))
    st.caption(plain(" ".join([*outcome.notes, *(outcome.doubt.sentences if outcome.doubt else ())])))
    if outcome.why is not None:
        if outcome.why.kind == "everybody":  # no fault: nobody was held out
            st.caption(plain(f"Nothing is said about how sure that is: {outcome.why.message}"))
        else:
            badges.show_error(outcome.why)
    if outcome.features is None:
        work.learn(outcome.predictions)
    present = [name for name in outcome.predictions.class_names if (rows["answer"] == name).any()]
    keep, order, answer = filters(rows, ORDERS, present)
    chosen = rows[keep if answer is None else keep & (rows["answer"] == answer).to_numpy()]
    columns = {"doubt": ["probability"], "folds": ["mutual_information"], "name": ["path"]}[order]
    chosen = chosen.sort_values(columns, ascending=order != "folds", kind="stable", na_position="first")
    draw(chosen.drop(columns="row"), ("probability", "mutual_information"))
    files(rows.drop(columns="row"))
    predictions = outcome.predictions
    submit.section(
        predictions,
        of_classes,
        predictions.class_names,
        lambda form: form.filled(
            predictions.means(outcome.weights), predictions.classes(question.vote, outcome.weights)
        ),
    )
    return album.show(chosen, predictions, _words)


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
    return rows.assign(row=np.arange(len(rows)), answered=rows["answer"].notna())


def filters(rows: pd.DataFrame, orders: dict[str, str], present: list[str]) -> tuple[np.ndarray, str, str | None]:
    """(bool (n,), which rows are kept; of `orders`; the answer that is looked for). Without present no box for it."""
    answered = rows["answered"].to_numpy()
    able = {
        "all": np.ones(len(rows), dtype=bool),
        "unsure": rows["not_sure"].to_numpy() & answered if "not_sure" in rows else None,
        "far": rows["far"].to_numpy() if "far" in rows else None,
        "known": (rows["known"] != "").to_numpy(),
        "none": ~answered,
    }
    words = {name: ONLY[name] for name, keep in able.items() if name == "all" or (keep is not None and keep.any())}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        only = address.segments("only", "Show", words, default="all")
        order = address.segments("order", "Sorted by", orders, default=next(iter(orders)))
        answer = address.box("answer", "Answer", present, width=200) if present else None
    keep = able[only]
    assert keep is not None  # offered only where it is
    return keep, order, answer


def draw(rows: pd.DataFrame, numbers: tuple[str, ...]) -> None:
    """The table on screen. numbers: columns of three decimals, beside those of probabilities."""
    on_screen = rows.drop(columns="answered")
    tables.table(
        on_screen,
        "predictions_shown.csv",
        key="predict-table",
        hide_index=True,
        height=min(420, 38 + 35 * max(1, len(on_screen))),
        column_config={
            "path": st.column_config.TextColumn("path", pinned=True),
            **{
                column: st.column_config.NumberColumn(format="%.3f")
                for column in on_screen
                if column.startswith(SHARE) or column in numbers
            },
        },
    )


def files(rows: pd.DataFrame) -> None:
    """Every row, whatever the filters keep, in the order of the photos."""
    whole = rows.drop(columns="answered")
    with st.container(horizontal=True):
        for suffix, name, mime in (
            (".csv", "CSV", "text/csv"),
            (".parquet", "Parquet", "application/vnd.apache.parquet"),
        ):
            st.download_button(
                f"All {count(len(whole))} as {name}",
                lambda suffix=suffix: as_file(whole, suffix),
                f"predictions{suffix}",
                mime,
                icon=":material/download:",
                on_click="ignore",
                type="tertiary",
                key=f"predict-all{suffix}",
            )


def _summary(rows: pd.DataFrame) -> str:
    """How the answers fall, and how many are doubtful."""
    of_classes_counted = rows["answer"].value_counts()
    parts = [f"{count(number)} {name}" for name, number in of_classes_counted.head(8).items()]
    parts += (
        [number_of(len(of_classes_counted) - 8, "more class", "more classes")] if len(of_classes_counted) > 8 else []
    )
    return meta(rows, parts)


def meta(rows: pd.DataFrame, parts: list[str]) -> str:
    """A line of the parts and of what is doubtful."""
    for column, word in (("not_sure", "not sure"), ("far", "far from training")):
        if column in rows and (number := int((rows[column] & rows["answered"]).sum())) > 0:
            parts.append(f"{count(number)} {word}")
    if (without := int((~rows["answered"]).sum())) > 0:
        parts.append(f"{count(without)} without an answer")
    if (known_photos := int((rows["known"] != "").sum())) > 0:
        parts.append(f"{count(known_photos)} known to a run")
    return f'<div class="lab-meta">{escape(" · ".join(parts))}</div>'


def _words(row: Any) -> dict[str, str]:
    """What is said of one photo in the gallery. row: of rows_of, by itertuples; a missing answer may be NaN."""
    if not row.answered:
        return {"first": "no answer", "second": "", "mark": ""}
    mark = "far" if getattr(row, "far", False) else "not sure" if getattr(row, "not_sure", False) else ""
    second = f"{sure(row.probability)} · {row.folds_agree} of {number_of(row.folds_asked, 'fold')}"
    return {"first": row.answer, "second": second, "mark": mark}
