"""How the labels of a dataset are found: its reader, a CSV's columns, the pattern that tells the person."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.config.run_config import DataConfig
from core.data.readers.csv_table import csv_columns
from core.data.understood import READER_NAMES
from core.errors import LabError
from core.text import plain
from pages.parts.dataset.picker import Choice, check
from pages.parts.shared import badges, groups
from pages.parts.shared.fields import field

READERS = {
    "auto": "Detect",
    "mask": "Mask layout (train.csv and images/)",
    "utkface": "UTKFace (labels in the file name)",
    "folders": "Folders (one a class)",
    "csv": "CSV (columns chosen by name)",
}
COLUMNS = ("path", "label", "person", "gender", "age", "mask")


def labels_form(choice: Choice, key: str, *, reader: str | None, fault: LabError | None) -> None:
    """How labels are found: reader, CSV columns, person pattern. reader: what the scan took it for."""
    _, errors = check(choice)
    wants_columns = choice["reader"] == "csv" or (choice["reader"] == "auto" and reader == "csv")
    wants_columns |= fault is not None and fault.kind == "csv"
    name = READER_NAMES.get(reader or choice["reader"], "not known yet")
    people = f" · at most {choice['max_people']} people" if choice["max_people"] else ""
    summary = f"{name}, {'detected' if choice['reader'] == 'auto' else 'chosen'}{people}"
    inside = groups.group(
        f"labels-{key.partition('.')[0]}",
        "How labels are found",
        summary,
        urgent=bool(errors) or (fault is not None and wants_columns),
    )
    if inside is None:
        return
    with inside:
        with st.container(horizontal=True):
            _pick(choice, f"{key}.reader", "reader", "Reader", READERS, 320)
            if choice["reader"] in ("folders", "csv") or reader in ("folders", "csv"):
                _type(choice, f"{key}.person_pattern", "person_pattern", "Person pattern", errors, r"^(\d+)_", 240)
            _type(choice, f"{key}.max_people", "max_people", "At most this many people", errors, "all", 220)
        if wants_columns:
            _columns(choice, key)


def _columns(choice: Choice, key: str) -> None:
    root = Path(choice["root"]).expanduser()
    try:
        files = sorted(path.name for path in root.iterdir() if path.suffix.lower() in (".csv", ".tsv"))
    except OSError:
        files = []
    if not files:
        st.caption("There is no CSV file in this folder.")
        return
    if choice["csv_file"] and choice["csv_file"] not in files:
        files.append(choice["csv_file"])
    names = {None: "The only one"} | {file: file for file in files}
    _pick(choice, f"{key}.csv_file", "csv_file", "CSV file", names, 320)
    try:
        columns = csv_columns(root, choice["csv_file"] or files[0])
    except LabError as error:
        badges.show_error(error)
        return
    with st.container(horizontal=True):
        for meaning in COLUMNS:
            name = f"{meaning}_column"
            options = {None: "By its usual name"} | {column: column for column in [*columns, choice[name]] if column}
            _pick(choice, f"{key}.{name}", name, f"{meaning.capitalize()} column", options, 190)


def _pick(choice: Choice, key: str, name: str, label: str, options: dict[str | None, str], width: int) -> None:
    """options: value -> how it is shown. Streamlit takes None for nothing chosen, so it travels as an empty text."""
    texts = {value or "": text for value, text in options.items()}
    field(
        st.selectbox,
        label,
        list(texts),
        key=key,
        holds=choice[name] or "",
        take=lambda value: choice.update({name: value or None}),
        format_func=lambda value: texts.get(value, value),
        help=DataConfig.model_fields[name].description,
        width=width,
    )


def _type(choice: Choice, key: str, name: str, label: str, errors: dict[str, str], hint: str, width: int) -> None:
    def read(text: str) -> int | str | None:
        text = text.strip()
        return (int(text) if text.lstrip("-").isdecimal() else text) if text else None

    with st.container(width=width, gap="xsmall"):
        field(
            st.text_input,
            label,
            key=key,
            holds=choice[name],
            show=lambda value: "" if value is None else str(value),
            read=read,
            take=lambda value: choice.update({name: value}),
            placeholder=hint,
            help=DataConfig.model_fields[name].description,
        )
        if name in errors:
            st.markdown(f":small[:red[:material/error: {plain(errors[name])}]]")
