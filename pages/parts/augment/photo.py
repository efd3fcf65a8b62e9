"""The photo that Augmentation works on: from a dataset by class, by person or at random, or an upload."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from textwrap import shorten
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.config import RunConfig
from core.data.images import decode
from core.data.pictures.photo import bits_of, photo_of
from core.data.scan import Scan
from core.data.tasks import possible_tasks, proposed_task
from core.data.yes_no import pairs
from core.errors import LabError
from core.plan.plan import make_plan
from core.text import count, plain
from pages.parts.dataset import picker
from pages.parts.shared import badges, groups

KEY, BROUGHT = "augment-data", "augment-brought"
ALL, UPLOADED = "All", "uploaded"
LONGEST_NAME = 60  # letters of a class
PEOPLE = 3000  # that a list shows
LARGEST = 50  # MB of an upload


@dataclass(frozen=True)
class Photos:
    """The photos that there are. samples: of the plan, rows and folds as training has them; else of the scan.

    planned: whether they come from a plan. why: the reason if not.
    """

    samples: pd.DataFrame
    class_names: list[str]
    planned: bool
    why: str = ""


@dataclass(frozen=True)
class Photo:
    """image: uint8 (h, w, 3), decoded. row: in the samples table, 0 for an upload. fold: that holds it out, or -1.

    description: its class and person in words, or UPLOADED. stamp: changes when the photo does.
    """

    image: np.ndarray
    row: int
    name: str
    description: str
    fold: int
    stamp: str

    @property
    def uploaded(self) -> bool:
        return self.description == UPLOADED


def bring(choice: dict[str, Any], sample: str) -> None:
    """Have Augmentation open with this photo of this dataset; then switch to it."""
    st.session_state[BROUGHT] = (dict(choice), sample)


def dataset() -> dict[str, Any] | None:
    """The choice of a dataset here, if there is one yet."""
    return st.session_state.get(KEY)


def take_dataset(choice: dict[str, Any]) -> None:
    """Another page's dataset in place of the one here; before one was chosen here, the draft's is taken anyway."""
    if KEY in st.session_state:
        st.session_state[KEY].update(choice)
        picker.show_choice(st.session_state[KEY], KEY)
        _forget()


def photos_of(draft: dict[str, Any]) -> Photos | None:
    """The photos of the chosen dataset, or None when there is none; its controls fold away once it is known."""
    groups.style()
    if KEY not in st.session_state:
        st.session_state[KEY] = dict(draft["data"]) if draft["data"].get("root") else picker.start_choice()
        if root := st.query_params.get("root"):
            st.session_state[KEY] = picker.known_choice(root)
    choice = st.session_state[KEY]
    if (brought := st.session_state.pop(BROUGHT, None)) is not None:
        choice.update(brought[0])
        picker.show_choice(choice, KEY)
        st.query_params["photo"] = brought[1]
        for name in ("augment-class", "augment-person", "augment-origin"):
            st.session_state.pop(name, None)
    if f"{KEY}.source" not in st.session_state:
        picker.show_choice(choice, KEY)
    if (inside := groups.group("augment-dataset", "Dataset", choice["root"], urgent=not choice["root"])) is not None:
        with inside:
            picker.choose(choice, KEY)
    if not choice["root"]:
        return None
    st.query_params["root"] = choice["root"]
    draft["data"] = dict(choice)
    try:
        scan = picker.find(choice)
    except LabError as error:
        badges.show_error(error)
        return None
    return _planned(draft, scan)


def _planned(draft: dict[str, Any], scan: Scan) -> Photos:
    """The photos as a plan has them, remembered until the dataset or a setting of the plan changes."""
    settings = {name: draft[name] for name in ("data", "task", "folds")}
    remembered = st.session_state.get("augment_plan")
    if remembered is not None and remembered[0] == (scan, settings):
        return remembered[1]
    tasks = possible_tasks(scan.samples)
    try:
        fits = draft["task"]["name"] in tasks or not tasks
        task = draft["task"] if fits else proposed_task(tasks[0], scan.samples).model_dump(mode="json")
        data = draft["data"] | {"leave_out_problems": True}
        plan = make_plan(RunConfig(data=data, task=task, folds=draft["folds"]), scan)
        photos = Photos(plan.samples, plan.class_names, True)
    except (LabError, ValueError) as error:
        why = error.message if isinstance(error, LabError) else str(error)
        table = scan.samples.reset_index(drop=True).assign(class_name=ALL, y=0, fold=-1)
        photos = Photos(table, [ALL], False, why)
    st.session_state["augment_plan"] = ((scan, settings), photos)
    return photos


def choose(photos: Photos | None) -> Photo | None:
    """Controls for the photo, and the photo."""
    origins = {"dataset": "From the dataset", "upload": "Upload"}
    if photos is None or not len(photos.samples):
        del origins["dataset"]
    if st.session_state.get("augment-origin") not in origins:
        st.session_state["augment-origin"] = next(iter(origins))
    with st.container(horizontal=True, vertical_alignment="bottom"):
        origin = st.segmented_control(
            "Photo", list(origins), key="augment-origin", required=True, format_func=origins.get
        )
        if origin == "dataset":
            return _from_dataset(photos)
    return _upload(bits_of(photos.samples) if photos is not None else 0)


def _from_dataset(photos: Photos) -> Photo | None:
    table = photos.samples
    if len(photos.class_names) > 1:
        kinds = [ALL, *photos.class_names]
        if st.session_state.get("augment-class") not in kinds:
            st.session_state["augment-class"] = ALL
        kind = st.selectbox("Class", kinds, key="augment-class", width=170, on_change=_forget)
        table = table if kind == ALL else table[pairs.of_class(table, kind)]
    person = _person(table)
    table = table if person == ALL else table[table["person"] == person]
    st.button("Random photo", icon=":material/casino:", on_click=_random, args=(table["sample"].tolist(),))
    linked = st.query_params.get("photo")
    rows = table[table["sample"] == linked]
    if linked and not len(rows):
        st.toast(f"{plain(linked)} is not among these photos; another one is shown.", icon=":material/image_search:")
    row = (rows if len(rows) else table).iloc[0]
    st.query_params["photo"] = row["sample"]
    try:
        stored = photo_of(row)
        image = stored.pixels()
    except LabError as error:
        badges.show_error(error)
        return None
    fold = int(row["fold"])
    name = shorten(str(row["class_name"]), LONGEST_NAME, placeholder="...")
    whose = "" if row["person"] == row["sample"] else f" · person {row['person']}"  # else nobody knows whose it is
    description = f"{name}{whose}" + (f" · held out in fold {fold}" if fold >= 0 else "")
    return Photo(image, int(row.name), row["sample"], description, fold, repr(stored))


def _person(table: pd.DataFrame) -> str:
    """A person of the table, or ALL. Of more people than a list can show, any can be typed."""
    people = sorted(table["person"].unique().tolist())
    typed = st.session_state.get("augment-person", ALL)
    if typed != ALL and typed not in set(people):
        st.session_state["augment-person"] = ALL
        st.toast(f"There is no person {plain(typed)} here.", icon=":material/person_off:")
    present = st.session_state.setdefault("augment-person", ALL)
    options = list(dict.fromkeys([ALL, present, *people[:PEOPLE]]))
    crowded = len(people) > PEOPLE
    hint = f"The first {count(PEOPLE)} are listed; type any other's name." if crowded else None
    return st.selectbox(
        "Person", options, key="augment-person", width=140, on_change=_forget, accept_new_options=crowded, help=hint
    )


def _forget() -> None:
    st.query_params.pop("photo", None)


def _random(samples: list[str]) -> None:
    rng = np.random.default_rng()
    st.query_params["photo"] = samples[int(rng.integers(len(samples)))]


def _upload(bits: int) -> Photo | None:
    """bits: of the dataset, by which a photo of more than 8 bits is scaled."""
    upload = st.file_uploader(
        "Upload a photo",
        key="augment-upload",
        max_upload_size=LARGEST,
        help="It stays on this machine and is not kept.",
    )
    if upload is None:
        return None
    if upload.size > LARGEST * 2**20:  # Streamlit's server takes more, for a dataset's zip
        badges.show_error(LabError(f"{upload.name}: is larger than {LARGEST} MB.", "Make it smaller."))
        return None
    data = upload.getvalue()
    try:
        image = decode(io.BytesIO(data), bits)
    except LabError as error:
        badges.show_error(LabError(f"{upload.name}: {error.message}", error.remedy, error.kind))
        return None
    except MemoryError:
        badges.show_error(LabError(f"{upload.name}: is too large for this machine's memory.", "Make it smaller."))
        return None
    st.caption(f"{plain(upload.name)}: {count(image.shape[1])} × {count(image.shape[0])} px")
    return Photo(image, 0, upload.name, UPLOADED, -1, f"{bits} {hashlib.sha256(data).hexdigest()}")
