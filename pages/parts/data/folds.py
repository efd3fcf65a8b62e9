"""Data, folds: who would stand where, before anything is launched."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.data.counts import thin_classes
from core.data.persons import persons_of, units
from core.errors import LabError
from core.plan.folds import assign_folds, fold_table
from core.text import plain
from pages.parts.data.view import View, asked_number, go
from pages.parts.shared import badges, fold_verdict, tables
from pages.parts.shared.fields import field

SPLIT = "data_split"


def draw(view: View, task: str, table: pd.DataFrame, names: list[str]) -> None:
    folds, seed = asked_number("folds", 5, 2, 20), asked_number("seed", 0, 0, 2**31 - 1)
    with st.container(horizontal=True):
        for label, name, low, high, now in (
            ("Folds", "folds", 2, 20, folds),
            ("Seed of the split", "seed", 0, 2**31 - 1, seed),
        ):
            field(
                st.number_input, label, low, high, key=f"data-{name}", holds=now,
                take=lambda number, name=name: go(**{name: number}), width=180,
            )  # fmt: skip
    state = persons_of(table).state
    for name, people, why in thin_classes(table, folds):
        icon = ":red[:material/error:]" if people < folds else ":orange[:material/warning:]"
        st.markdown(f"{icon} **{plain(name)}** has {units(people, state)}: {why}.")
    try:
        split = _split(view, task, table, folds, seed)
    except LabError as error:
        badges.show_error(error)
        return
    fold_verdict.show([(split, names)], view.shown.root, reader=view.shown.reader)
    shown = fold_table(split)
    shown.index = [f"fold {fold}" for fold in shown.index]
    tables.table(shown, "folds.csv", row_height=32, key="data-fold-table")
    st.caption(
        f"Photos of each class in each fold, as a run with {folds} folds and seed {seed} of the split would have them. "
        "Photos that look the same under two names are not seen here: look under Duplicates."
    )


def _split(view: View, task: str, table: pd.DataFrame, folds: int, seed: int) -> pd.DataFrame:
    """The labelled samples with their fold; worked out once. Raises LabError where it cannot be."""
    key = (view.shown, task, folds, seed)
    kept = st.session_state.get(SPLIT)
    if kept is None or kept[0] != key:
        with st.spinner("Splitting", show_time=True):
            kept = (key, table.assign(fold=assign_folds(table, folds, seed)))
        st.session_state[SPLIT] = kept
    return kept[1]
