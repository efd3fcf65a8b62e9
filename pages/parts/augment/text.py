"""Augmentation, import and export: the list as YAML, as albumentations' JSON, as Python, there and back."""

from __future__ import annotations

import streamlit as st

from core.augment import exchange
from core.config import RunConfig
from core.errors import LabError
from core.text import plain
from pages.parts.augment import change
from pages.parts.augment.views import ViewInputs
from pages.parts.shared import badges, theme
from pages.parts.shared.fields import begin

NAMES = {"yaml": "YAML", "json": "albumentations JSON", "python": "Python"}
ENDINGS = {"yaml": "yaml", "json": "json", "python": "py"}
IMPORT = "Paste YAML, albumentations JSON or Python"
IMPORT_HELP = "It is read, never run; only transforms of the lab's table are taken."


def show(inputs: ViewInputs) -> None:
    theme.heading("Export")
    form = begin(
        st.segmented_control,
        "Form",
        list(exchange.FORMATS),
        key="augment-export",
        begins="yaml",
        required=True,
        format_func=NAMES.get,
    )
    if inputs.config is None:
        st.caption("Correct the settings first.")
    else:
        _export(inputs.config, form)
    theme.heading("Import")
    st.text_area(IMPORT, key="augment-import", height=160, help=IMPORT_HELP)
    st.button("Import", icon=":material/upload:", key="augment-do-import", on_click=_import, args=(inputs,))
    if (error := st.session_state.pop("augment-import-error", None)) is not None:
        badges.show_error(error)
    for note in st.session_state.pop("augment-import-notes", []):
        st.warning(plain(note), icon=":material/info:")


def _export(config: RunConfig, form: str) -> None:
    text = exchange.export(config.transforms, form)
    st.code(text, language=form, height=320)
    if form == "json" and any(t.name == "Erasing" and t.enabled for t in config.transforms):
        st.caption(
            "albumentations' own Erasing fails where no rectangle of the wanted size and shape fits into an image; "
            "the lab leaves the image as it is there, and so does the Python."
        )
    name = f"augmentation.{ENDINGS[form]}"
    st.download_button("Download", text, name, icon=":material/download:", on_click="ignore")


def _import(inputs: ViewInputs) -> None:
    try:
        pasted = exchange.read(st.session_state["augment-import"], "pasted text")
    except LabError as error:
        st.session_state["augment-import-error"] = error
        return
    st.session_state["augment-import-notes"] = pasted.notes
    change.replace(inputs.draft, pasted.transforms, "The list that was pasted.", inputs.restart)
