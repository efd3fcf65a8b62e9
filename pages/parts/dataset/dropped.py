"""A zip that is dropped into the browser: unpacked into a folder of the lab's own with progress, then a dataset."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager
from streamlit.runtime.scriptrunner import get_script_run_ctx
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core import machine, places
from core.data.zips import limits, unpack
from core.data.zips.limits import Limits
from core.data.zips.names import Names
from core.errors import LabError
from core.text import count, plain
from pages.parts.people import people
from pages.parts.shared import badges
from pages.parts.shared.fields import field

NUMBER, OUTCOME, LOOKED = "zip-number", "zip-outcome", "zip-looked"  # in the session


def drop(root: str, key: str, take: Callable[[str], None], most: int | None = None, *, brief: bool = False) -> None:
    """The place to drop a zip, and what became of the last one. root: the dataset that is chosen now.

    take(root): chooses the dataset that came of it. most: megabytes of a zip; largest_upload() without. brief: without
    the limits, which another page lets be changed.
    """
    number = st.session_state.setdefault(NUMBER, 0)
    most = largest_upload() if most is None else most
    upload = st.file_uploader(
        "A zip of photos",
        "zip",
        key=f"{key}.zip{number}",
        max_upload_size=most,
        help="It is unpacked on the machine where the lab runs, into a folder of the lab's own.",
    )
    place = st.container()  # always there, so that fields below stay what they are
    with place:
        _tell(None if upload is not None else st.session_state.get(OUTCOME), root)
        if not brief:
            _allowed(most)
        if upload is not None:
            _take_in(upload, key, take)


def largest_upload() -> int:
    """Megabytes: what Streamlit's server takes (server.maxUploadSize), and no more than a quarter of the memory."""
    return max(1, min(int(st.get_option("server.maxUploadSize")), machine.memory() // 4 // 2**20))


def _tell(outcome: unpack.Unpacked | LabError | None, root: str) -> None:
    if isinstance(outcome, LabError):
        badges.show_error(outcome)
    elif outcome is not None and str(outcome.root) == root:
        files = "1 file" if outcome.files == 1 else f"{count(outcome.files)} files"
        text = f"{files}, unpacked" if outcome.is_new else f"The same zip was unpacked before ({files}): it is opened."
        st.markdown(f":green[:material/folder_zip:] {text} {'into' if outcome.is_new else ''} :small[{plain(root)}]")
        for note in outcome.notes:
            st.caption(plain(note))


def _allowed(most: int) -> None:
    allowed = limits.read()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.caption(
            f"Up to {count(most)} MB, which lie in this machine's memory until they are unpacked; unpacked up to "
            f"{count(allowed.gigabytes)} GB in {count(allowed.files)} files. A larger one: unpack it and choose the "
            f"folder, or {plain(f'python -m core unpack ZIP{places.runs_option(places.runs_folder())}')}.",
            width="stretch",
        )
        with st.popover("Limits", icon=":material/tune:"):
            _limits(allowed)


def _limits(allowed: Limits) -> None:
    def taker(name: str) -> Callable[[Any], None]:
        def take(value: Any) -> None:
            try:
                limits.write(limits.check(**{**vars(allowed), name: value}))
                st.session_state.pop(OUTCOME, None)
            except LabError as error:
                st.session_state[OUTCOME] = error
            except OSError as error:
                text = f"the limits of zips cannot be kept ({error.strerror})."
                st.session_state[OUTCOME] = LabError(text, "Check the rights of the runs folder.", "zip-folder")

        return take

    for name, label in (("gigabytes", "Gigabytes, unpacked"), ("files", "Files")):
        field(
            st.text_input,
            label,
            key=f"zip-limit-{name}",
            holds=vars(allowed)[name],
            show=str,
            read=lambda text: int(text) if text.strip().isdecimal() else text,
            take=taker(name),
            disabled=bool(people.lab_locked()),
            help=people.lab_locked() or None,
        )
    st.caption("What a zip may hold. The size of an upload is Streamlit's own: server.maxUploadSize, in megabytes.")


def _take_in(upload: UploadedFile, key: str, take: Callable[[str], None]) -> None:
    """Unpack it, or ask how its names are read; the page is drawn anew with what came of it."""
    try:
        before, names = _looked_at(upload)
        encoding = None
        if before is None and names is not None and not names.are_sure:
            encoding = _ask(names, upload.name, key)
            if encoding is None:
                return
        outcome = before or _unpack(upload, encoding)
        take(str(outcome.root))
        st.session_state[OUTCOME] = outcome
    except LabError as error:
        st.session_state[OUTCOME] = error
    _let_go(upload)
    st.rerun()


def _looked_at(upload: UploadedFile) -> tuple[unpack.Unpacked | None, Names | None]:
    """(the dataset that came of the same bytes before, else how its names are read), found out once an upload."""
    remembered = st.session_state.get(LOOKED)
    if remembered is None or remembered[0] != upload.file_id:
        before = unpack.unpacked_before(upload)
        names = unpack.names_of(upload, upload.name) if before is None else None
        remembered = st.session_state[LOOKED] = upload.file_id, before, names
    return remembered[1:]


def _ask(names: Names, zip_name: str, key: str) -> str | None:
    """The encoding that a person chooses by how the names look in it; None until then."""
    st.markdown(f":violet[:material/help:] How are the file names in {plain(zip_name)} to be read?")
    chosen = None
    with st.container(horizontal=True):
        for encoding, preview in names.readings.items():
            label = f"{plain(preview)} :small[:gray[{plain(names.title(encoding))}]]"
            if st.button(label, key=f"{key}.names-{encoding}"):
                chosen = encoding
        if not names.readings:
            st.caption("They look like words in no encoding that the lab knows.")
            if st.button("Read them as they come", key=f"{key}.names-any"):
                chosen = names.encoding
    return chosen


def _unpack(upload: UploadedFile, encoding: str | None) -> unpack.Unpacked:
    """With progress; a click on Cancel, or on anything else of the page, ends it and leaves nothing behind."""
    place = st.empty()
    with place.container(horizontal=True, vertical_alignment="center"):
        bar = st.progress(0.0, text="Unpacking")
        st.button("Cancel", icon=":material/close:", on_click=_let_go, args=(upload,), key="cancel-zip")

    def progress(done: int, total: int) -> None:
        bar.progress(done / max(1, total), f"Unpacking: {count(done / 1e6)} of {count(total / 1e6)} MB")

    try:
        return unpack.unpack(upload, upload.name, encoding=encoding, progress=progress)
    finally:
        place.empty()


def _let_go(upload: UploadedFile) -> None:
    """An empty place for the next one; the upload leaves the memory, which Streamlit would keep while the page is
    open."""
    st.session_state[NUMBER] += 1
    st.session_state.pop(LOOKED, None)
    context = get_script_run_ctx()
    if context is not None and isinstance(context.uploaded_file_mgr, MemoryUploadedFileManager):
        context.uploaded_file_mgr.remove_file(session_id=context.session_id, file_id=upload.file_id)
