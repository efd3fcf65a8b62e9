"""Predict, a submission: the answers in the columns and order of an uploaded sample file."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType
from typing import Any

import streamlit as st

from core.errors import LabError
from core.predict.photos import sheet_names
from core.predict.predictions import Asked
from core.predict.submission import of_classes
from core.text import plain
from pages.parts.shared import badges
from pages.parts.shared.fields import begin

AS_TOLD = "as the sample tells"
LARGEST = 50  # megabytes of a sample file


def section(asked: Asked, forms: ModuleType, coded: Sequence[str], filled: Callable[[Any], bytes]) -> None:
    """forms: of_classes or of_attributes, which reads the sample. coded: of what codes are asked for, where they are.

    filled(form): the file. What is wrong with the sample is shown.
    """
    with st.expander("Submission: in the columns and order of a sample file", icon=":material/upload_file:"):
        sample = st.file_uploader(
            "Sample file", type=["csv", "tsv", "txt"], max_upload_size=LARGEST, key="predict-sample"
        )
        if sample is None:
            return
        labels = begin(
            st.selectbox,
            "Labels are written",
            [AS_TOLD, *forms.LABELS],
            key="predict-labels",
            begins=AS_TOLD,
        )
        codes = _codes(coded) if labels == of_classes.CODE else {}
        try:
            form = forms.read_form(
                sample.getvalue(),
                sample.name,
                sheet_names(asked.photos),
                asked.names,
                labels=None if labels not in forms.LABELS else labels,
                codes=codes,
            )
            content = filled(form)
        except LabError as error:
            badges.show_error(error)
            return
        st.caption(plain(" ".join(form.sentences)))
        st.download_button(
            "Download the submission",
            content,
            "submission.csv",
            "text/csv",
            icon=":material/download:",
            on_click="ignore",
            type="primary",
            key="predict-submission",
        )


def _codes(names: Sequence[str]) -> dict[str, str]:
    """What is written for each name; their places at first."""
    codes = {}
    with st.container(horizontal=True):
        for place, name in enumerate(names):
            codes[name] = begin(
                st.text_input, plain(name), key=f"predict-code-{place}-{name}", begins=str(place), width=130
            )
    return codes
