"""Augmentation, import and export: the list as YAML, as albumentations' JSON, as Python, there and back."""

from __future__ import annotations

import streamlit as st

from core.augment import exchange
from core.errors import LabError
from core.text import plain
from pages.parts.augment.views import Desk
from pages.parts.shared import badges, theme
from pages.parts.shared.fields import begin


def show(desk: Desk) -> None:
    theme.heading("Export")
    kind = begin(
        st.segmented_control, "Form", list(exchange.FORMATS), key="augment-export", begins="yaml", required=True,
        format_func={"yaml": "YAML", "json": "albumentations JSON", "python": "Python"}.get,
    )  # fmt: skip
    if desk.config is None:
        st.caption("Correct the settings first.")
    else:
        written = exchange.export(desk.config.transforms, kind)
        st.code(written, language=kind, height=320)
        if kind == "json" and any(t.name == "Erasing" and t.enabled for t in desk.config.transforms):
            st.caption(
                "albumentations' own Erasing fails where no rectangle of the wanted size and shape fits into an image; "
                "the lab leaves the image as it is there, and so does the Python."
            )
        ending = {"yaml": "yaml", "json": "json", "python": "py"}[kind]
        st.download_button(
            "Download", written, f"augmentation.{ending}", icon=":material/download:", on_click="ignore"
        )  # fmt: skip
    theme.heading("Import")
    st.text_area(
        "Paste YAML, albumentations JSON or Python",
        key="augment-import", height=160,
        help="It is read, never run; only transforms of the lab's table are taken.",
    )  # fmt: skip
    st.button("Import", icon=":material/upload:", key="augment-do-import", on_click=_import, args=(desk,))
    if (error := st.session_state.pop("augment-import-error", None)) is not None:
        badges.show_error(error)
    for note in st.session_state.pop("augment-import-notes", []):
        st.warning(plain(note), icon=":material/info:")


def _import(desk: Desk) -> None:
    try:
        found = exchange.read(st.session_state["augment-import"], "pasted text")
    except LabError as error:
        st.session_state["augment-import-error"] = error
        return
    desk.draft["transforms"] = [t.model_dump(mode="json") for t in found.transforms]
    st.session_state["augment-import-notes"] = found.notes
    desk.restart()
