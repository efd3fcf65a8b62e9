"""How the labels of a dataset are found: its reader, a CSV's columns, the pattern that tells the person."""

from __future__ import annotations

import os
from collections.abc import Sequence

import streamlit as st

from core.config.parts import NO_COLUMN
from core.config.run_config import DataConfig
from core.data.pictures import limit
from core.data.readers.csv_table import columns_of_tables
from core.data.readers.find_tables import table_files
from core.data.scan import Scan
from core.data.tables.encodings import LANGUAGES
from core.data.tables.meanings import MEANINGS
from core.data.tables.table import is_table
from core.data.understood import READER_NAMES
from core.errors import LabError
from core.text import plain
from pages.parts.dataset.picker import Choice, check, forget
from pages.parts.people import people
from pages.parts.shared import badges, groups
from pages.parts.shared.fields import field

READERS = {
    "auto": "Detect",
    "mask": "Mask layout (train.csv and images/)",
    "utkface": "UTKFace (labels in the file name)",
    "names": "File names (the class and a number)",
    "folders": "Folders (one a class)",
    "csv": "CSV (columns chosen by name)",
}
ENCODINGS = {None: "Judged by its letters", "utf-8": "UTF-8"} | {
    name: f"{name} ({language})" for name, language in LANGUAGES.items()
}
PERSONS = {
    "auto": "Column, pattern, patient folders",
    "named": "Folders called as persons",
    "folder": "Folder below or above the class",
    "path": "Pattern on the whole path",
    "patient": "Patient in a DICOM file",
    "none": "Nobody is known",
}
ASKED_HERE = ("persons", "classes")  # kinds of faults that a setting here made
TEST_SETS = {"set aside": "Set aside, never trained on", "pool": "Trained on with the rest"}
KINDS = {"auto": "As its values look", "categories": "Categories", "yes/no": "Yes or no", "number": "A number"}
UNWRITTEN = "largest-photo-error"
TABLES = "tables-of-dataset"  # of the scan that is looked at: it, its folder, the tables
BESIDE_FOLDERS = ("path", "person", "split")  # what a table tells where folders or names tell the classes
MOST_OFFERED = 60  # tables of which the columns can be chosen while none is read; they are read for it
DECODE = {"before": "Before a launch, to find bad ones", "first epoch": "In the first epoch"}
TRUNCATED = {"refuse": "Refuse", "keep": "Use them as they are"}


def labels_form(choice: Choice, key: str, *, scan: Scan | None, fault: LabError | None) -> None:
    """How labels are found: reader, CSV columns, person pattern. scan: of this choice; fault: why there is none."""
    _, errors = check(choice)
    reader = scan.reader if scan else None
    wants_columns = choice["reader"] == "csv" or (choice["reader"] == "auto" and reader == "csv")
    wants_columns |= fault is not None and fault.kind == "csv"
    by_folders = bool({"folders", "names"} & {choice["reader"], reader}) and not wants_columns
    waits_for_links = fault is not None and fault.kind == "links"
    name = READER_NAMES.get(reader or choice["reader"], "not known yet")
    people = f" · at most {choice['max_people']} people" if choice["max_people"] else ""
    summary = f"{name}, {'detected' if choice['reader'] == 'auto' else 'chosen'}{people}"
    inside = groups.group(
        f"labels-{key.partition('.')[0]}",
        "How labels are found",
        summary,
        urgent=bool(errors) or waits_for_links or (fault is not None and (wants_columns or fault.kind in ASKED_HERE)),
    )
    if inside is None:
        return
    with inside:
        with st.container(horizontal=True):
            _pick(choice, f"{key}.reader", "reader", "Reader", READERS, 320)
            _pick(choice, f"{key}.test_set", "test_set", "Test set", TEST_SETS, 260)
            _pick(choice, f"{key}.persons", "persons", "Persons", PERSONS, 260)
            if "folders" in (choice["reader"], reader) or choice["class_level"]:
                _type(choice, f"{key}.class_level", "class_level", "Class folder", errors, "found", 160)
            if "names" in (choice["reader"], reader) or choice["label_pattern"]:
                _type(choice, f"{key}.label_pattern", "label_pattern", "Label pattern", errors, r"^([a-z]+)", 240)
            if {"folders", "names", "csv"} & {choice["reader"], reader} or choice["persons"] == "path":
                _type(choice, f"{key}.person_pattern", "person_pattern", "Person pattern", errors, r"^(\d+)_", 240)
            _type(choice, f"{key}.max_people", "max_people", "At most this many people", errors, "all", 220)
        with st.container(horizontal=True, vertical_alignment="bottom"):
            _pick(choice, f"{key}.truncated", "truncated", "JPEGs without their end", TRUNCATED, 240)
            _type(choice, f"{key}.bits", "bits", "Bits of deep photos", errors, "found", 170)
            _largest(key)
            _pick(choice, f"{key}.decode", "decode", "Decode photos", DECODE, 260)
            field(
                st.checkbox,
                "Follow links",
                key=f"{key}.follow_links",
                holds=bool(choice.get("follow_links")),
                take=lambda agreed: choice.update(follow_links=agreed),
                help=DataConfig.model_fields["follow_links"].description,
            )
        if wants_columns or (by_folders and any(map(is_table, _tables(choice, scan)))):
            _columns(choice, key, errors, scan, BESIDE_FOLDERS if by_folders else MEANINGS)
        elif choice["split_column"] or (scan and any("split_column" in fact.settings for fact in scan.facts)):
            _columns(choice, key, errors, scan, ("split",))  # lists tell the parts


def _largest(key: str) -> None:
    """The largest photo that is read: a setting of this machine, for all its datasets."""
    forced = limit.forced()

    def take(megapixels: int) -> None:
        try:
            limit.write(megapixels)
        except (LabError, OSError) as error:
            st.session_state[UNWRITTEN] = f"It cannot be kept ({error})."
        forget()

    field(
        st.number_input,
        "Largest photo, megapixels",
        key=f"{key}.megapixels",
        holds=limit.megapixels(),
        take=take,
        min_value=limit.LEAST,
        max_value=limit.MOST,
        disabled=forced is not None or bool(people.lab_locked()),
        width=200,
        help="Of a JPEG, which is decoded at reduced size; of others a quarter. It holds for all datasets on this "
        "machine." + (f" {limit.GIVEN}={forced} is set where the lab was started, and wins." if forced else ""),
    )
    if problem := st.session_state.pop(UNWRITTEN, None):
        st.markdown(f":small[:red[:material/error: {plain(problem)}]]")


def _tables(choice: Choice, scan: Scan | None) -> list[str]:
    """The tables that can be chosen, looked for once a scan."""
    place = choice["root"], bool(choice.get("follow_links"))
    looked_at = st.session_state.get(TABLES)
    if scan is None or looked_at is None or looked_at[:2] != (scan, place):
        try:
            files = table_files(os.path.expanduser(choice["root"]), follow_links=place[1])
        except (OSError, ValueError, LabError):  # that it is missing, or is not looked into, is said where it was named
            files = []
        looked_at = scan, place, files
        st.session_state[TABLES] = looked_at
    return [*looked_at[2]]


def _columns(
    choice: Choice, key: str, errors: dict[str, str], scan: Scan | None, meanings: Sequence[str] = MEANINGS
) -> None:
    """Which table is read, and what its columns mean; attributes where it names the classes, too."""
    root = os.path.expanduser(choice["root"])
    files = _tables(choice, scan)
    if choice["csv_file"] and choice["csv_file"] not in files:
        files.append(choice["csv_file"])
    if not files:
        st.caption("There is no table in this folder nor below it: no CSV file, .xlsx or .jsonl.")
        return
    names = {None: "The one that names photos"} | {file: file for file in files}
    encoding = choice.get("encoding")
    encodings = ENCODINGS | ({encoding: encoding} if encoding not in ENCODINGS else {})
    with st.container(horizontal=True):
        _pick(choice, f"{key}.csv_file", "csv_file", "CSV file", names, 320)
        _pick(choice, f"{key}.encoding", "encoding", "Encoding", encodings, 240)
        _type(choice, f"{key}.no_label", "no_label", "Words for no label", errors, "none", 320)
    read = [file for file in files if scan and file in {path for path, *_ in scan.tables}]
    offered = [choice["csv_file"]] if choice["csv_file"] else read or list(filter(is_table, files)) or files
    try:
        columns = columns_of_tables(root, offered[:MOST_OFFERED], encoding) if "path" in meanings else []
    except LabError as error:
        badges.show_error(error)
        return
    with st.container(horizontal=True):
        for meaning in meanings:
            name = f"{meaning}_column"
            options: dict[str | None, str] = {None: "By its usual name"}
            options |= {column: column for column in [*columns, choice[name]] if column}
            options |= {NO_COLUMN: "None"} if meaning != "path" else {}
            _pick(choice, f"{key}.{name}", name, f"{meaning.capitalize()} column", options, 190)
    if "label" in meanings:
        _attributes(choice, key, [column for column in dict.fromkeys(columns) if column])


def _attributes(choice: Choice, key: str, columns: list[str]) -> None:
    """Which columns are attributes, and of what kind each is."""
    kinds = choice["attributes"] or {}

    def take(names: list[str]) -> None:
        choice["attributes"] = {name: kinds.get(name, "auto") for name in names} or None

    field(
        st.multiselect,
        "Attribute columns",
        columns,
        key=f"{key}.attributes",
        holds=list(kinds),
        take=take,
        placeholder="Proposed from their values",
        help=DataConfig.model_fields["attributes"].description,
    )
    with st.container(horizontal=True):
        for name in kinds:
            field(
                st.selectbox,
                f"Kind of {plain(name)}",
                list(KINDS),
                key=f"{key}.attributes.{name}",
                holds=kinds[name],
                take=lambda kind, name=name: choice.update(attributes={**choice["attributes"], name: kind}),
                format_func=KINDS.get,
                width=220,
            )


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
