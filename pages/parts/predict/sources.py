"""Predict, where photos come from: dropped, taken, in a folder, in a zip, or set aside by the run's dataset."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import streamlit as st

from core.data.reach.opening import is_folder
from core.data.readers.attributes import TEST, UNLABELLED
from core.errors import LabError
from core.predict import photos
from core.predict.photos import Note, Photo
from core.runs import Run
from core.text import count, plain
from pages.parts.dataset import browse, dropped
from pages.parts.look_inside import address
from pages.parts.look_inside.maps import SUFFIXES, contents_of
from pages.parts.shared import badges
from pages.parts.shared.fields import field

BROWSE = "predict-browse"
FOLDER = "predict-place"  # in the session: the folder, table or photo that was named last
PATH, DATASET = "path", "dataset"  # begin the key of what was named, and of what a dataset sets aside
AT_ONCE = 8  # dropped photos that are answered without a further click
LARGEST, TOGETHER = 50, 500  # megabytes of one dropped photo, and of all of them or of a zip
PLACES = {
    "drop": "Photos",
    "camera": "Camera",
    "folder": "Folder or table",
    "zip": "Zip",
    "dataset": "Set aside",
}
PARTS = {TEST: "Test photos", UNLABELLED: "Without a label"}


@dataclass(frozen=True)
class Source:
    """key: changes with the photos, as far as they are known before they are listed. name: in words. number: how many,
    None where nobody has counted. at_once: whether they are few and were given one by one. photos(note): lists them;
    note is told how they were understood."""

    key: tuple
    name: str
    number: int | None
    at_once: bool
    photos: Callable[[Note], list[Photo]]

    @property
    def chosen(self) -> tuple:
        """What of the key somebody chose; the rest is what was found there."""
        return self.key[:3] if self.may_change else self.key

    @property
    def may_change(self) -> bool:
        """Whether other photos may lie there by now, of which the key tells nothing."""
        return self.key[0] in (PATH, DATASET)


def choose(run: Run) -> Source | None:
    """The controls; None while there is nothing to answer."""
    where = address.segments("from", "Photos from", PLACES, default="drop", hide_label=True)
    place = st.container()  # always there, so that what stands below stays what it is
    with place:
        return {"drop": _drop, "camera": _camera, "folder": _folder, "zip": _zip, "dataset": _dataset}[where](run)


def _drop(run: Run) -> Source | None:
    files = st.file_uploader(
        "Photos",
        accept_multiple_files=True,
        type=SUFFIXES,
        max_upload_size=min(LARGEST, dropped.largest_upload()),
        key="predict-files",
        help=f"At most {count(LARGEST)} MB each, {count(_together())} MB together; kept until the tab is closed.",
    )
    if not files:
        return None
    if (size := sum(file.size for file in files)) > _together() * 2**20:
        raise LabError(
            f"The photos have {size / 2**20:,.0f} MB together; at most {_together()} MB are answered at once.",
            "Choose fewer, or put them into a folder on the machine where the lab runs and name that.",
            kind="too-large",
        )
    return _of_contents(contents_of(files))


def _together() -> int:
    """Megabytes: what is dropped lies in the lab's memory."""
    return min(TOGETHER, dropped.largest_upload())


def _camera(run: Run) -> Source | None:
    picture = st.camera_input("A photo by this machine's camera", key="predict-camera")
    return _of_contents({"camera.jpg": picture.getvalue()}) if picture is not None else None


def _of_contents(contents: dict[str, bytes]) -> Source:
    digests = tuple((name, hashlib.sha256(content).hexdigest()) for name, content in contents.items())
    words = next(iter(contents)) if len(contents) == 1 else f"{count(len(contents))} photos"
    return Source(digests, words, len(contents), len(contents) <= AT_ONCE, lambda note: photos.of_uploads(contents))


def _take(path: str) -> None:
    st.session_state[FOLDER] = path
    browse.close(BROWSE)


def _folder(run: Run) -> Source | None:
    path = str(st.session_state.get(FOLDER, ""))
    field(
        st.text_input,
        "A folder of photos, a table that names some, or one photo",
        key="predict-path",
        holds=path,
        read=str.strip,
        take=_take,
        placeholder=browse.example(),
        help="On the machine where the lab runs. It is read, never written to.",
    )
    browse.browse(path, BROWSE, _take)
    return _of_path(path) if path else None


def _zip(run: Run) -> Source | None:
    path = str(st.session_state.get(FOLDER, ""))
    dropped.drop(path, "predict-zip", _take, _together())
    return _of_path(path) if path and is_folder(path) else None


def _of_path(path: str) -> Source:
    return Source((PATH, path), Path(path).name, None, False, lambda note: photos.of_path(path, note))


def _dataset(run: Run) -> Source | None:
    """What the run's dataset sets aside by now: a test set, photos without a label."""
    data = run.config().data
    try:
        aside = photos.set_aside(data)
    except LabError as error:
        badges.show_error(error)
        return None
    words = {
        part: f"{PARTS[part]} ({count(len(found_photos))})" for part, found_photos in aside.items() if found_photos
    }
    if not words:
        st.caption(plain(f"{Path(data.root).name} sets no photos aside: all of them are trained and validated on."))
        return None
    part = address.segments("part", "Which", words, default=next(iter(words)), hide_label=True)
    chosen = aside[part]
    key = (DATASET, data.root, part, len(chosen))
    return Source(key, f"{Path(data.root).name}, {PARTS[part].lower()}", len(chosen), False, lambda note: chosen)
