"""Selecting among what a run answered: its right and its wrong answers, cells of the matrix, and what the line says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
import streamlit as st

from core.answers import mistakes
from core.answers.mistakes import Answers, Filter
from core.places import HOME
from core.text import count
from pages.parts.look_inside import address
from pages.parts.selection import bar, selected

DATA = HOME / "pages" / "data.py"
VERDICTS = {"right": "correct", "wrong": "misclassified"}


def positions(answers: Answers, samples: Sequence[str]) -> np.ndarray:
    """Those of the photos that the run answered about, as positions in the table, in its order."""
    return np.flatnonzero(answers.table["sample"].isin(samples))


def counts(answers: Answers, root: str, scope: np.ndarray) -> np.ndarray:
    """How many selected photos stand in each cell of the matrix. scope: positions of the photos that it counts."""
    return mistakes.confusion(answers, np.intersect1d(scope, positions(answers, selected.of(root).samples)))


def cell(answers: Answers, scope: np.ndarray, truth: int | None, guess: int | None) -> list[str]:
    """The photos of a cell of the matrix; of a row or a column where the other is None."""
    table = answers.table.iloc[scope]
    keep = np.ones(len(table), dtype=bool)
    for column, index in (("y", truth), ("guess", guess)):
        if index is not None:
            keep &= (table[column] == index).to_numpy()
    return table["sample"][keep].tolist()


def buttons(answers: Answers, root: str, criteria: Filter) -> None:
    """Select correct, Select misclassified: of the photos that the filters keep, whatever they show of right and
    wrong."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        for verdict, word in VERDICTS.items():
            rows = mistakes.select(answers, replace(criteria, answer=verdict))
            st.button(
                f"Select {word} ({count(len(rows))})",
                icon=f":material/{'check' if verdict == 'right' else 'close'}:",
                key=f"selection-{verdict}",
                disabled=not len(rows),
                on_click=selected.take,
                args=(root, answers.table["sample"].iloc[rows].tolist()),
            )


def page(answers: Answers, root: str) -> bar.Page:
    table = answers.table

    def words(samples: list[str]) -> str:
        right = int(table["right"].iloc[positions(answers, samples)].sum())
        wrong = len(samples) - right
        return " · ".join(f"{count(n)} {word}" for n, word in ((wrong, "misclassified"), (right, "correct")) if n)

    def rows(samples: list[str]) -> pd.DataFrame:
        return facts(answers, positions(answers, samples))

    def actions(samples: list[str]) -> None:
        _see_maps(answers, samples)
        if st.button("Open them in Data", icon=":material/photo_library:", key="selection-to-data"):
            name = selected.of(root).name
            address_of = {"root": root, "view": "faces", bar.ONLY: "1", selected.NAME: name}
            st.switch_page(DATA, query_params=address_of)

    return bar.Page(root, table["sample"].tolist(), "this run", words, rows, actions)


def facts(answers: Answers, rows: np.ndarray) -> pd.DataFrame:
    """What the run answered about some photos, worst first. rows: positions in the table."""
    rows = mistakes.order(answers, rows, "loss")
    table = answers.table.iloc[rows]
    answered = pd.DataFrame(
        {
            "sample": table["sample"],
            "true": table["true"],
            "predicted": table["predicted"],
            "correct": table["right"],
            "confidence": table["confidence"],
            "p_true": answers.probabilities[rows, table["y"]],
            "loss": table["loss"],
            "fold": table["fold"],
            "person": table["person"],
        }
    )
    for name, group in answers.groups.items():
        if name not in answered:
            answered[name] = group.iloc[rows].astype(str)
    return answered.reset_index(drop=True)


def _see_maps(answers: Answers, samples: list[str]) -> None:
    rows = mistakes.order(answers, positions(answers, samples), "loss")[: address.MOST_FACES]
    worst = answers.table["sample"].iloc[rows].tolist()
    st.button(
        "See their maps" if len(samples) <= address.MOST_FACES else f"See the maps of the {len(worst)} worst",
        icon=":material/layers:",
        key="selection-maps",
        disabled=not worst,
        on_click=_show_maps,
        args=(worst,),
    )


def _show_maps(samples: list[str]) -> None:
    address.put_list("samples", samples)
    address.put(view=None, first=str(len(samples)))
