"""Choosing a dataset and scanning it with progress; for Launch, Data and Augmentation alike.

A choice is a DataConfig as a dict that lives in the session; the controls write into it.
"""

from __future__ import annotations

import hashlib
import json
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import streamlit as st
from pydantic import ValidationError
from streamlit.delta_generator import DeltaGenerator

from core.config.run_config import DataConfig, field_errors
from core.data import recent
from core.data.labels import corrections
from core.data.labels.corrections import CorrectionEffect
from core.data.reach import bounds
from core.data.reach.opening import is_folder
from core.data.scan import Scan, labels_changed, scan
from core.data.understood import facts_of
from core.data.zips import unpack
from core.errors import LabError
from core.places import demo_folder, lab_folder
from core.text import count, duration, number_of, plain
from pages.parts.dataset import browse, demo, dropped
from pages.parts.shared.fields import field

Choice = dict[str, Any]
SCANS, STOPPED, CORRECTED = "scans", "scan_stopped", "scan_corrected"
MOST_SCANS = 4  # of one session


def start_choice() -> Choice:
    """What a newcomer begins with: the newest dataset, else the demo if it is there."""
    latest = recent.recent()
    if latest:
        return dict(latest[0].data)
    return DataConfig(root=str(demo_folder()) if demo.demo_is_there() else "").model_dump(mode="json")


def known_choice(root: str) -> Choice:
    """How a root was read the last time, else as a dataset never seen."""
    choices = {entry.root: entry.data for entry in recent.recent()}
    return dict(choices.get(root) or DataConfig(root=root).model_dump(mode="json"))


def choose(choice: Choice, key: str) -> None:
    """Controls for the root. key: prefix of the controls' keys; another one starts them anew."""
    entries = recent.recent()
    unpacked, fault = _unpacked()
    sources = ["demo", "zip", "folder", *(["recent"] if entries or unpacked else [])]
    source_key = f"{key}.source"
    if st.session_state.get(source_key) not in sources:
        st.session_state[source_key] = _source(choice, entries)

    def take_source() -> None:
        if st.session_state[source_key] == "demo" and demo.demo_is_there():
            take_root(choice, str(demo_folder()))

    st.segmented_control(
        "Dataset",
        sources,
        key=source_key,
        format_func={"demo": "Demo", "zip": "A zip", "folder": "A folder", "recent": "Recent"}.get,
        required=True,
        on_change=take_source,
        label_visibility="collapsed",
    )
    {"demo": _demo, "zip": _zip, "folder": _folder, "recent": _recent}[st.session_state[source_key]](choice, key)
    if fault is not None:
        st.caption(f":material/folder_off: Datasets that came as zips are not listed: {plain(fault)}")


def _unpacked() -> tuple[list[str], LabError | None]:
    """The folders of datasets that came as zips, and why they cannot be listed."""
    try:
        return [str(folder) for folder in unpack.datasets()], None
    except LabError as error:
        return [], error


def show_choice(choice: Choice, key: str) -> None:
    """Put the controls of `choose` to a choice that was made elsewhere."""
    st.session_state[f"{key}.source"] = _source(choice, recent.recent())


def take_root(choice: Choice, root: str) -> None:
    """Another root: all that was said about the old one is forgotten."""
    choice.update(DataConfig(root=root).model_dump(mode="json"))


def _source(choice: Choice, entries: list[recent.Recent]) -> str:
    if not choice["root"] or choice["root"] == str(demo_folder()):
        return "demo"
    return "recent" if choice["root"] in [entry.root for entry in entries] else "folder"


def _demo(choice: Choice, key: str) -> None:
    root = str(demo_folder())
    if demo.STATE in st.session_state or not demo.demo_is_there():
        if failure := demo.failure():
            st.error(failure, icon=":material/error:")
        demo.show(lambda: take_root(choice, root))
    elif choice["root"] != root:
        st.button("Use the demo dataset", on_click=take_root, args=(choice, root))


def _zip(choice: Choice, key: str) -> None:
    dropped.drop(choice["root"], key, lambda root: choice.update(known_choice(root)))


def _folder(choice: Choice, key: str) -> None:
    """The field is empty while the demo is chosen, which has a button of its own."""
    root = "" if choice["root"] == str(demo_folder()) else choice["root"]

    def typed(root: str) -> None:
        take_root(choice, root)
        if root and is_folder(os.path.expanduser(root)):
            browse.close(key)  # what was to be found by clicks is found

    field(
        st.text_input,
        "Folder of the dataset",
        key=f"{key}.path",
        holds=root,
        read=str.strip,
        take=typed,
        placeholder=browse.example(),
        help="An absolute path on the machine where the lab runs, or its beginning: Enter lists the folders that go on "
        "from it. It is read, never written to.",
    )
    with st.container(key=f"{key}-alike"):  # always there, so that fields below stay what they are
        browse.alike(root, key, lambda root: choice.update(known_choice(root)))
    browse.browse(root, key, lambda root: choice.update(known_choice(root)))


def _recent(choice: Choice, key: str) -> None:
    """Datasets that were looked at lately, the newest first, then those that came as zips. A name says no time: the
    browser sends a choice back by it, and "just now" would be another one a minute later.
    """
    entries = {entry.root: entry for entry in recent.recent()}
    unpacked = [root for root in _unpacked()[0] if root not in entries]

    def take(root: str | None) -> None:
        if root is not None:
            choice.update(known_choice(root))

    def show(root: str) -> str:
        if (entry := entries.get(root)) is None:
            return f"{Path(root).name} · from a zip · {root}"
        facts = number_of(entry.photos, "photo")
        if entry.people != entry.photos:  # else each photo is a person of its own, as far as is known
            facts += f", {number_of(entry.people, 'person', 'people')}"
        return f"{Path(root).name} · {facts} · {root}"

    offered = [*entries, *unpacked]
    field(
        st.selectbox,
        "Recent dataset",
        offered,
        key=f"{key}.recent",
        holds=choice["root"] if choice["root"] in offered else None,
        take=take,
        format_func=show,
        placeholder="Choose a dataset",
    )


def check(choice: Choice) -> tuple[DataConfig | None, dict[str, str]]:
    try:
        return DataConfig.model_validate(choice), {}
    except ValidationError as error:
        return None, field_errors(error)


def find(choice: Choice) -> Scan:
    """The scan of a choice: this session's while its tables of labels are those that were read, or a new one with
    progress that can be cancelled, or left to the first epoch. What is understood stands there as soon as labels are
    read, while photos are being decoded.

    Verdicts on unchanged photos are kept on disk, so that a scan that was interrupted goes on where it stopped.
    Raises LabError.
    """
    place = st.empty()  # there at every rerun: what comes and goes moves, and so mounts anew, all that stands after it
    data, errors = check(choice)
    if data is None:
        raise LabError(f"dataset: {'; '.join(errors.values())}.", "Correct it under 'How labels are found'.", "config")
    key = json.dumps({k: v for k, v in choice.items() if k != "leave_out_problems"}, sort_keys=True)
    scans: dict[str, Scan] = st.session_state.setdefault(SCANS, {})
    bounds.check(os.path.expanduser(data.root))  # what may be looked at can change while a page is open
    if key in scans and not labels_changed(scans[key]):
        return scans[key]
    if st.session_state.get(STOPPED) == key:
        raise LabError(
            "dataset: the scan was stopped.", "What was checked is remembered; scan again to go on.", "stopped"
        )
    with place.container():
        with st.container(horizontal=True, vertical_alignment="center"):
            bar = st.progress(0.0, text="Reading labels")
            later = st.empty()
            st.button("Cancel", icon=":material/close:", on_click=_stop, args=(key,), key="cancel-scan")
        first = st.empty()

    try:
        scan = _scan_with(bar, data, lambda scan: first_look(choice, scan, later, first))
    finally:
        place.empty()
    for old in list(scans)[: max(0, len(scans) - MOST_SCANS + 1)]:
        del scans[old]
    scans[key] = scan
    people = scan.samples["person"].nunique()
    recent.remember(data, reader=scan.reader, people=people, photos=len(scan.samples))
    return scan


def first_look(choice: Choice, scan: Scan, later: DeltaGenerator, place: DeltaGenerator) -> None:
    """What is understood before any photo is opened, and the button that leaves decoding to the first epoch.

    later, place: empty elements, for the button and for the facts.
    """
    if choice.get("decode") != "first epoch":
        later.button(
            "Leave it to the first epoch",
            icon=":material/schedule:",
            on_click=choice.update,
            kwargs={"decode": "first epoch"},
            key="decode-later",
            help="Headers alone are read now. A bad photo stops its fold in the first epoch and is named.",
        )
    with place.container(border=True, gap="xsmall"):
        st.markdown(f"**What was understood** :small[:gray[{plain(scan.root)}]]")
        for fact in facts_of(scan, checked=False):
            st.markdown(plain(fact.text))


def _scan_with(bar: DeltaGenerator, data: DataConfig, labels_read: Callable[[Scan], None]) -> Scan:
    """A new scan, which tells a progress bar how far it is."""
    started = time.monotonic()

    def progress(done: int, total: int) -> None:
        seconds = (time.monotonic() - started) / done * (total - done) if done else None
        text = f"Checking photos: {count(done)} of {count(total)}, {duration(seconds)} left"
        bar.progress(done / max(1, total), text)

    digest = hashlib.sha256(os.path.realpath(os.path.expanduser(data.root)).encode()).hexdigest()[:16]
    memory = lab_folder() / "scans" / f"{digest}.parquet"
    return scan(data, progress=progress, memory=memory, labels_read=labels_read)


def _stop(key: str) -> None:
    st.session_state[STOPPED] = key


def forget() -> None:
    """Scan again at the next look."""
    st.session_state.pop(SCANS, None)
    st.session_state.pop(STOPPED, None)


def corrected(scan: Scan) -> tuple[Scan, list[CorrectionEffect]]:
    """(the scan under its label corrections, what each did), worked out once a change. Raises LabError."""
    key = (scan, *corrections.version(scan.root))
    remembered = st.session_state.get(CORRECTED)
    if remembered is None or remembered[0] != key:
        remembered = (key, corrections.lay_over(scan, corrections.load(scan.root)))
        st.session_state[CORRECTED] = remembered
    return remembered[1]
