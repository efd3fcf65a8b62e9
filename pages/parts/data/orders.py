"""Data, faces: the orders in which photos stand, and what those beside each other have in common."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.answers import mistakes
from core.config.run_config import TaskConfig
from core.data.readers.attributes import NUMBER
from core.data.readers.spelling import nfc
from core.data.values import column_of
from core.data.yes_no import pairs
from core.errors import LabError
from core.runs import Run
from core.runs.everybody.unmeasured import cross_validated
from core.runs.lists import index
from core.text import in_full, plain
from pages.parts.data import folds
from pages.parts.data.view import View, address, address_choice, address_number, go
from pages.parts.shared import badges, run_picker
from pages.parts.shared.fields import field

ORDERS = {
    "class": "By class",
    "name": "By name",
    "person": "By person",
    "number": "By a number",
    "fold": "By fold",
    "loss": "By loss of a run",
    "random": "At random",
}
WITH_CLASSES = ("class", "fold")  # orders that need the task's classes
ALL = "All classes"


@dataclass(frozen=True)
class Ordered:
    """Photos in their order, of the samples table. group: the column of what headings say; says: of what stands first
    beneath a photo. Empty for neither."""

    photos: pd.DataFrame
    group: str = ""
    says: str = ""


def words_of(view: View, has_classes: bool) -> dict[str, str]:
    """The orders that there are for this dataset, and what they are called: "By age" where age is its only number."""
    numbers = numbers_of(view)
    lacking = set() if has_classes else set(WITH_CLASSES)
    lacking |= set() if runs_on(view.corrected.root) else {"loss"}
    lacking |= set() if numbers else {"number"}
    words = ORDERS | ({"number": f"By {plain(numbers[0])}"} if len(numbers) == 1 else {})
    return {name: of_name for name, of_name in words.items() if name not in lacking}


def numbers_of(view: View) -> list[str]:
    """The attributes of the dataset that are numbers."""
    return [name for name, each in view.corrected.attributes.items() if each.kind == NUMBER]


def ordered(order: str, view: View, task: TaskConfig, table: pd.DataFrame | None, names: list[str]) -> Ordered:
    """The photos, after drawing what else the order asks for. table: of the task's classes, None where it has none."""
    samples = view.corrected.samples
    if order == "class" and table is not None:
        return _by_class(table, names)
    if order == "person":
        return Ordered(_of_person(samples).sort_values(["person", "sample"], kind="stable"), says="person")
    if order == "number":
        return _by_number(view)
    if order == "fold" and table is not None:
        return _by_fold(view, task, table)
    if order == "loss":
        return _by_loss(view)
    if order == "random":
        shuffle = address_number("draw", 0, 0, 1_000_000)
        st.button("Shuffle again", icon=":material/casino:", on_click=go, kwargs={"draw": shuffle + 1, "page": None})
        return Ordered(samples.iloc[np.random.default_rng(shuffle).permutation(len(samples))])
    return Ordered(samples.sort_values("sample", kind="stable"))


def _by_class(table: pd.DataFrame, names: list[str]) -> Ordered:
    kinds = [ALL, *names]
    chosen = address_choice("class", kinds, ALL)
    field(
        st.selectbox,
        "Class",
        kinds,
        key="data-class",
        holds=chosen,
        take=lambda name: go(**{"class": name, "page": None}),
        width=280,
    )
    photos = table if chosen == ALL else table[pairs.of_class(table, chosen)]
    return Ordered(photos.sort_values(["y", "class_name", "sample"], kind="stable"), "class_name", "class_name")


def _of_person(samples: pd.DataFrame) -> pd.DataFrame:
    part = address("person")
    field(
        st.text_input,
        "Person",
        key="data-person",
        holds=part,
        read=str.strip,
        take=lambda person: go(person=person or None, page=None),
        width=280,
        placeholder="part of a name",
    )
    if not part:
        return samples
    return samples[samples["person"].map(nfc).str.contains(nfc(part), case=False, regex=False)]


def _by_number(view: View) -> Ordered:
    """By one of the numbers, lowest first; photos that do not tell it stand last."""
    numbers, samples = numbers_of(view), view.corrected.samples
    name = address_choice("number", numbers, numbers[0])
    if len(numbers) > 1:
        field(
            st.selectbox,
            "Number",
            numbers,
            key="data-number",
            holds=name,
            take=lambda chosen: go(number=chosen, page=None),
            width=280,
        )
    column = str(column_of(name, samples))
    photos = samples.sort_values([column, "sample"], kind="stable", na_position="last")
    return Ordered(photos.assign(line=[_number_in_words(name, number) for number in photos[column]]), says="line")


def _number_in_words(name: str, number: float) -> str:
    """ "31 years" of an age, else "height_cm 170"; "no age" where it is not told."""
    if math.isnan(number):
        return f"no {name}"
    return f"{in_full(number)} years" if name == "age" else f"{name} {in_full(number)}"


def _by_fold(view: View, task: TaskConfig, table: pd.DataFrame) -> Ordered:
    """As the view Folds has them."""
    try:
        split = folds.split_of(view, task, table)
    except LabError as error:
        badges.show_error(error)
        return Ordered(table)
    split = split.sort_values(["fold", "y", "sample"], kind="stable")
    return Ordered(split.assign(group=[f"fold {fold}" for fold in split["fold"]]), "group", "class_name")


def runs_on(root: str) -> list[dict[str, Any]]:
    """Summaries of the runs on a dataset in which a fold is done, newest first."""
    place = str(Path(root).resolve())
    return [
        summary
        for summary in cross_validated(index.summaries())
        if (settings := summary.get("settings") or {}).get("data.root") == place
        and settings.get("task.together") != "each"
        and any(fold["state"] == "done" for fold in summary.get("folds", ()))
    ]


@st.cache_data(max_entries=4, show_spinner="Reading the answers of every fold")
def _losses(run_id: str, version: tuple) -> pd.DataFrame:
    """sample, loss, and what the network took it for."""
    return mistakes.load_answers(Run(run_id)).table[["sample", "loss", "predicted"]]


def _by_loss(view: View) -> Ordered:
    """What a run was most wrong about first; photos that it has not answered are left out."""
    labels = {summary["id"]: run_picker.run_label(summary) for summary in runs_on(view.corrected.root)}
    run_id = address_choice("run", labels, next(iter(labels)))
    field(
        st.selectbox,
        "Run",
        list(labels),
        key="data-run",
        holds=run_id,
        take=lambda chosen: go(run=chosen, page=None),
        format_func=labels.get,
        width=330,
    )
    samples = view.corrected.samples
    try:
        answers = _losses(run_id, mistakes.version(Run(run_id)))
    except LabError as error:
        badges.show_error(error)
        return Ordered(samples)
    photos = samples.merge(answers, on="sample").sort_values("loss", ascending=False, kind="stable")
    lines = [f"loss {loss:.2f} → {guess}" for loss, guess in zip(photos["loss"], photos["predicted"], strict=True)]
    return Ordered(photos.assign(line=lines), says="line")
