"""What a split promises and what it cannot: the same words on Launch, in a study's plan and under Data, Folds."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.data.persons import Persons, persons_of
from core.data.pictures import alike
from core.plan.folds import MEND_ABSENT, absence, absent_classes, audit, never_seen, sole_folds
from core.text import count, number_of, plain

TELLING = ("folders", "csv")  # readers that can be told how to find a person
MOST_FOLDS = 4  # without some class; the others in a count

Split = tuple[pd.DataFrame, Sequence[str]]  # labelled samples with their fold, the task's classes


def show(splits: Sequence[Split], root: str, *, reader: str, also: str = "") -> None:
    """splits: of one dataset; several where the runs of a study differ in it. also: what else holds, after a comma."""
    tables = [samples for samples, _ in splits]
    persons = max(map(persons_of, tables), key=lambda one: (one.photos - one.known, one.photos))
    pairs = max(alike_apart(samples, root) for samples in tables)
    if leaks := list(dict.fromkeys(leak for samples in tables for leak in audit(samples))):
        whose = "1 person stands" if len(leaks) == 1 else f"{count(len(leaks))} people stand"
        st.error(plain(f"{whose} in two folds: {leaks[0]}"), icon=":material/error:")
    elif persons.are_known and not pairs:
        st.markdown(f":green[:material/verified_user:] No person is in two folds{also}.")
    else:
        _doubt(persons, pairs, root, reader, also)
    lines = [
        absence(fold, lacking, len(names))
        for samples, names in splits
        for fold, lacking in absent_classes(samples, names).items()
    ]
    lines = list(dict.fromkeys(lines))
    if len(lines) > MOST_FOLDS:
        more = len(lines) - MOST_FOLDS
        hold = "holds" if more == 1 else "hold"
        lines = [*lines[:MOST_FOLDS], f"{number_of(more, 'more fold')} {hold} no photo of some class."]
    alone = [never_seen(fold, sole) for samples, names in splits for fold, sole in sole_folds(samples, names).items()]
    for line in (*dict.fromkeys(alone), *lines):
        st.markdown(f":orange[:material/warning: {plain(line)}]")
    if lines:
        st.caption(MEND_ABSENT)


def _doubt(persons: Persons, pairs: int, root: str, reader: str, also: str) -> None:
    """What may leak, in amber; and what would settle it."""
    lines, mend = [], []
    if persons.warning:
        lines.append(persons.warning)
        if reader in TELLING:
            mend.append("Name a person column or a pattern of the file names under “How labels are found”.")
    else:
        lines.append(f"No person is in two folds by name{also}, but photos that look the same are.")
    if pairs:
        number = f"{alike.at_least(alike.kept(root))}{number_of(pairs, 'pair')}".capitalize()
        stand = "stands" if pairs == 1 else "stand"
        lines.append(f"{number} of photos that look the same {stand} in two folds.")
        mend.append("Data, Duplicates makes a pair one person, or leaves a photo out.")
    for line in lines:
        st.markdown(f":orange[:material/gpp_maybe: {plain(line)}]")
    if persons.warning and also:
        st.caption(f"{also.removeprefix(', and ').capitalize()}.")
    if mend:
        st.caption(" ".join(mend))


def alike_apart(samples: pd.DataFrame, root: str) -> int:
    """Pairs of photos that look the same and stand in two folds, if somebody has looked for duplicates."""
    pairs = alike.kept(root)
    if pairs is None or not len(pairs):
        return 0
    fold = samples.drop_duplicates("sample").set_index("sample")["fold"]
    first, second = pairs["sample_a"].map(fold), pairs["sample_b"].map(fold)
    return int((first.notna() & second.notna() & (first != second)).sum())
