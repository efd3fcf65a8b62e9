"""The photo that Augmentation works on: from a dataset by class, by person or at random, or an upload."""

from __future__ import annotations

import hashlib
import io
from dataclasses import dataclass
from functools import partial
from textwrap import shorten
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.config import RunConfig
from core.config.parts import CHOOSE
from core.data.images import decode
from core.data.labels import corrections
from core.data.pictures.photo import bits_of, photo_of
from core.data.scan import Scan
from core.data.tasks import possible_tasks, proposed_task
from core.data.yes_no import pairs
from core.errors import LabError
from core.plan.plan import make_plan
from core.text import count, plain
from pages.parts.dataset import picker
from pages.parts.shared import badges, groups
from pages.parts.shared.fields import field

KEY, BROUGHT = "augment-data", "augment-brought"
CHOICE, FILE = "augment-choice", "augment-file"  # which photo of the dataset, and what was uploaded
ORIGINS = {"dataset": "From the dataset", "upload": "Upload"}
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
        st.session_state.pop(CHOICE, None)
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
    """The photos as a plan has them, remembered until the dataset, its corrections or a setting of the plan changes."""
    parts: dict[str, Any] = {name: draft[name] for name in ("data", "task", "folds")}
    parts["training"] = {"sampling": draft["training"]["sampling"]}
    if (first := draft["model"]["init"]).startswith("run:") and first != f"run:{CHOOSE}":  # its folds are inherited
        parts["model"] = {name: draft["model"][name] for name in ("depth", "init", "init_checkpoint")}
    key = (scan, corrections.version(scan.root), repr(parts))
    remembered = st.session_state.get("augment_plan")
    if remembered is not None and remembered[0] == key:
        return remembered[1]
    tasks = possible_tasks(scan.samples)
    try:
        fits = draft["task"]["name"] in tasks or not tasks
        task = draft["task"] if fits else proposed_task(tasks[0], scan.samples).model_dump(mode="json")
        data = draft["data"] | {"leave_out_problems": True}
        plan = make_plan(RunConfig(**parts | {"data": data, "task": task}), scan)
    except (LabError, ValueError) as error:
        why = error.message if isinstance(error, LabError) else str(error)
        table = scan.samples.reset_index(drop=True).assign(class_name=ALL, y=0, fold=-1)
        photos = Photos(table, [ALL], False, why)
        if "model" in parts:  # not remembered: the run to start from may be finished by now
            return photos
    else:
        photos = Photos(plan.samples, plan.class_names, True)
    st.session_state["augment_plan"] = (key, photos)
    return photos


def uploads(photos: Photos | None) -> bool:
    """Whether the photo is, or is to be, one that is uploaded."""
    return _origin(photos) == "upload"


def choose(photos: Photos | None) -> None:
    """Controls for the photo. What they change stays when they are not drawn: see `chosen`."""
    choice = _choice()
    with st.container(horizontal=True, vertical_alignment="bottom"):
        field(
            st.segmented_control,
            "Photo",
            list(_origins(photos)),
            key="augment-origin",
            holds=_origin(photos),
            take=lambda origin: choice.update(origin=origin),
            required=True,
            format_func=ORIGINS.get,
        )
        if not uploads(photos):
            _of_dataset(photos, choice)
            return
    _upload()


def chosen(photos: Photos | None, with_size: bool) -> Photo | None:
    """The photo that was chosen, whether or not its controls are drawn; errors are shown.

    with_size: whether the size of an upload is said.
    """
    if not uploads(photos):
        return _from_dataset(photos)
    photo = _uploaded(photos)
    if with_size and photo is not None:
        height, width = photo.image.shape[:2]
        st.caption(f"{plain(photo.name)}: {count(width)} × {count(height)} px")
    return photo


def _choice() -> dict[str, str]:
    return st.session_state.setdefault(CHOICE, {"origin": "dataset", "class": ALL, "person": ALL})


def _origins(photos: Photos | None) -> list[str]:
    return [name for name in ORIGINS if name != "dataset" or (photos is not None and len(photos.samples))]


def _origin(photos: Photos | None) -> str:
    origins = _origins(photos)
    return _choice()["origin"] if _choice()["origin"] in origins else origins[0]


def _of_class(photos: Photos) -> pd.DataFrame:
    """The photos of the chosen class; of all where there is none of that name any more."""
    if (kind := _choice()["class"]) == ALL or kind not in photos.class_names:
        _choice()["class"] = ALL
        return photos.samples
    return photos.samples[pairs.of_class(photos.samples, kind)]


def _of_person(table: pd.DataFrame) -> pd.DataFrame:
    """The photos of the chosen person; all where they are not in the table."""
    if (person := _choice()["person"]) == ALL:
        return table
    if not len(photos := table[table["person"] == person]):
        _choice()["person"] = ALL
        st.toast(f"There is no person {plain(person)} here.", icon=":material/person_off:")
        return table
    return photos


def _of_dataset(photos: Photos, choice: dict[str, str]) -> None:
    table = _of_class(photos)
    if len(photos.class_names) > 1:
        field(
            st.selectbox,
            "Class",
            [ALL, *photos.class_names],
            key="augment-class",
            holds=choice["class"],
            take=partial(_take, "class"),
            width=170,
        )
    of_person = _of_person(table)
    people = sorted(table["person"].unique().tolist())
    crowded = len(people) > PEOPLE  # of more people than a list can show, any can be typed
    field(
        st.selectbox,
        "Person",
        list(dict.fromkeys([ALL, choice["person"], *people[:PEOPLE]])),
        key="augment-person",
        holds=choice["person"],
        take=partial(_take, "person"),
        width=140,
        accept_new_options=crowded,
        help=f"The first {count(PEOPLE)} are listed; type any other's name." if crowded else None,
    )
    st.button("Random photo", icon=":material/casino:", on_click=_random, args=(of_person["sample"].tolist(),))


def _take(name: str, value: str) -> None:
    _choice()[name] = value
    _forget()


def _from_dataset(photos: Photos) -> Photo | None:
    table = _of_person(_of_class(photos))
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


def _forget() -> None:
    st.query_params.pop("photo", None)


def _random(samples: list[str]) -> None:
    rng = np.random.default_rng()
    st.query_params["photo"] = samples[int(rng.integers(len(samples)))]


def _upload() -> None:
    """The file that was uploaded stays the photo when its control is not drawn, and until it is removed."""
    in_control = st.file_uploader(
        "Upload a photo",
        key="augment-upload",
        max_upload_size=LARGEST,
        help="It stays on this machine and is not kept.",
        on_change=_take_upload,
    )
    if in_control is None and (kept := st.session_state.get(FILE)) is not None:
        label = f"Remove {plain(kept.name)}"
        st.button(label, icon=":material/close:", key="augment-upload-remove", on_click=_remove_upload)


def _take_upload() -> None:
    st.session_state[FILE] = st.session_state["augment-upload"]


def _remove_upload() -> None:
    st.session_state[FILE] = None


def _uploaded(photos: Photos | None) -> Photo | None:
    if (upload := st.session_state.get(FILE)) is None:
        return None
    if upload.size > LARGEST * 2**20:  # Streamlit's server takes more, for a dataset's zip
        badges.show_error(LabError(f"{upload.name}: is larger than {LARGEST} MB.", "Make it smaller."))
        return None
    data = upload.getvalue()
    bits = bits_of(photos.samples) if photos is not None else 0  # by which a photo of more than 8 bits is scaled
    try:
        image = decode(io.BytesIO(data), bits)
    except LabError as error:
        badges.show_error(LabError(f"{upload.name}: {error.message}", error.remedy, error.kind))
        return None
    except MemoryError:
        badges.show_error(LabError(f"{upload.name}: is too large for this machine's memory.", "Make it smaller."))
        return None
    return Photo(image, 0, upload.name, UPLOADED, -1, f"{bits} {hashlib.sha256(data).hexdigest()}")
