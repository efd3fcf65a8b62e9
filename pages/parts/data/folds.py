"""Data, folds: who would stand where, before anything is launched."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from core.config.parts import FoldsConfig, TaskConfig
from core.data.counts import thin_classes
from core.data.persons import persons_of, units
from core.data.readers.attributes import TEST
from core.errors import LabError
from core.plan.folds import assign_folds, fold_table
from core.plan.ways_out import ways_out, ways_to_fill
from core.text import count, plain
from pages.parts.data import classes, split_bars
from pages.parts.data.view import View, address_number, go
from pages.parts.shared import badges, fold_verdict, tables
from pages.parts.shared.fields import field

SPLIT = "data_split"  # in the session: (what it is of, labelled samples with their fold)
MOST_THIN = 12  # classes with few people that are told one by one
LARGEST_SEED = 2**31 - 1


def draw(view: View, task: TaskConfig, table: pd.DataFrame, names: list[str]) -> None:
    folds, seed = address_number("folds", 5, 2, 20), address_number("seed", 0, 0, LARGEST_SEED)
    with st.container(horizontal=True):
        _number("Folds", "folds", folds, low=2, high=20)
        _number("Seed of the split", "seed", seed, low=0, high=LARGEST_SEED)
    state = persons_of(table).state
    thin = thin_classes(table, folds)
    for name, people, why in thin[:MOST_THIN]:
        icon = ":red[:material/error:]" if people < folds else ":orange[:material/warning:]"
        st.markdown(f"{icon} **{plain(name)}** has {units(people, state)}: {why}.")
    if len(thin) > MOST_THIN:
        st.caption(f"{count(len(thin) - MOST_THIN)} more classes have few.")
    try:
        split = split_of(view, task, table)
    except LabError as error:
        badges.show_error(error)
        classes.offer(ways_out(view.corrected, task, FoldsConfig(count=folds, seed=seed)), task)
        return
    fold_verdict.show([(split, names)], view.corrected.root, reader=view.corrected.reader)
    classes.offer(ways_to_fill(split, names, FoldsConfig(count=folds, seed=seed)), task)
    counts = fold_table(split)
    counts.index = [f"fold {fold}" for fold in counts.index]
    split_bars.show(counts, tested=int((view.corrected.set_aside["split"] == TEST).sum()))
    tables.table(counts, "folds.csv", row_height=32, key="data-fold-table")
    st.caption(
        f"Photos of each class in each fold, as a run with {folds} folds and seed {seed} of the split would have them. "
        "Photos that look the same under two names are not seen here: look under Duplicates."
    )


def _number(label: str, name: str, now: int, *, low: int, high: int) -> None:
    """A number that stands in the address as `name`."""
    field(
        st.number_input,
        label,
        low,
        high,
        key=f"data-{name}",
        holds=now,
        take=lambda number: go(**{name: number}),
        width=180,
    )


def split_of(view: View, task: TaskConfig, table: pd.DataFrame) -> pd.DataFrame:
    """The labelled samples with their fold, by the number of folds and the seed in the address; worked out once.

    Raises LabError where they cannot be split so.
    """
    folds, seed = address_number("folds", 5, 2, 20), address_number("seed", 0, 0, LARGEST_SEED)
    key = (view.corrected, task, folds, seed)
    last_key, split = st.session_state.get(SPLIT, (None, None))
    if last_key != key or len(split) != len(table):
        with st.spinner("Splitting", show_time=True):
            split = table.assign(fold=assign_folds(table, folds, seed))
        st.session_state[SPLIT] = key, split
    return split
