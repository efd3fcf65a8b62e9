"""Data: several photos chosen together, corrected in one step that one click takes back."""

from __future__ import annotations

import base64
from collections.abc import Sequence

import pandas as pd
import streamlit as st

from core.data.labels.correction_rows import in_words
from core.data.labels.corrections import Correction, value_text
from core.data.pictures.photo import photo_of
from core.data.thumbnails import thumbnails
from core.data.values import attribute_names
from core.errors import LabError
from core.text import count, number_of
from pages.parts.correcting import said, slim
from pages.parts.data import photo
from pages.parts.data.view import View, looked_at, pick_several
from pages.parts.selection import selected
from pages.parts.selection.several import Several, is_on
from pages.parts.shared import badges

PICTURES = 12  # of the chosen ones
LEAVE_OUT = "Leave these photos out"


def draw(view: View, samples: Sequence[str]) -> None:
    """The chosen photos, and the form that corrects them all."""
    rows = [row for sample in samples if (row := view.row(sample)) is not None and not view.left_out(sample)]
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.markdown(f"**{number_of(len(samples), 'photo')}**", width="stretch")
        slim.button("Correct")
        st.button(
            "Clear",
            icon=":material/close:",
            type="tertiary",
            shortcut="Esc",
            on_click=pick_several,
            args=(view.raw.root, []),
        )
    pictures = thumbnails([photo_of(row) for row in rows[:PICTURES]])
    images = "".join(
        f'<img alt="" src="data:image/jpeg;base64,{base64.b64encode(data).decode()}">'
        for data in pictures
        if not isinstance(data, LabError)
    )
    st.html(f'<div class="data-chosen">{images}</div>')
    if error := st.session_state.pop(said.ERROR, None):
        badges.show_error(error)
    if not rows:
        st.caption("Corrections leave all of them out of new runs.")
        return
    _form(view, pd.DataFrame(rows))


def _form(view: View, rows: pd.DataFrame) -> None:
    samples = view.corrected.samples
    what = st.selectbox(
        "Correct",
        [*attribute_names(samples), "person", photo.PHOTO],
        key="data-several-what",
        format_func=lambda name: LEAVE_OUT if name == photo.PHOTO else photo.title_of(name),
        help="The dataset's own files stay as they are; new runs use the corrected labels.",
    )
    now = [] if what == photo.PHOTO else [value_text(each) for each in rows[photo.column_for(what, samples)]]
    version = photo.version_of(view.raw.root, rows["sample"], now)
    value, why = f"data-several-value-{what}-{version}", f"data-several-why-{what}-{version}"
    with st.form(f"data-several-{what}", border=False):
        if what == photo.PHOTO:
            label = LEAVE_OUT
        else:
            label = f"Correct {number_of(len(rows), 'photo')}"
            said_now = sorted(set(now))
            photo.value_field(samples, what, said_now[0] if len(said_now) == 1 else None, value)
            if len(said_now) > 1:
                st.caption(f"They say {count(len(said_now))} different things now.")
        st.text_input("Reason", key=why, placeholder="why, in your words")
        args = (view.raw.root, what, samples, rows, value, why)
        st.form_submit_button(label, type="primary", on_click=_save, args=args)


def _save(root: str, what: str, samples: pd.DataFrame, rows: pd.DataFrame, value_key: str, reason_key: str) -> None:
    """Callback of the form: a correction for each photo that says otherwise."""
    reason = st.session_state.get(reason_key, "")
    if what == photo.PHOTO:
        made = [
            Correction(kind=photo.PHOTO, sample=row["sample"], person=row["person"], reason=reason)
            for _, row in rows.iterrows()
        ]
        words = f"{number_of(len(made), 'photo')} left out."
    else:
        value = st.session_state.get(value_key)
        if value is None:
            st.session_state[said.ERROR] = LabError(f"{what}: nothing is chosen.", "Say what is right.")
            return
        after, column = photo.written(value, what, samples), photo.column_for(what, rows)
        made = [
            Correction(
                kind="relabel",
                sample=row["sample"],
                person=row["person"],
                attribute=what,
                before=value_text(row[column]),
                after=after,
                reason=reason,
            )
            for _, row in rows.iterrows()
            if value_text(row[column]) != after
        ]
        words = f"{what} of {number_of(len(made), 'photo')} → {in_words(after)}."
    if not made:
        st.session_state[said.ERROR] = LabError(f"{what}: all of them say so already.", "Choose another value.")
    elif said.write(root, made, words):
        pick_several(root, [])


def of(root: str) -> Several:
    """For a gallery of the dataset at root: a click with Ctrl selects a photo too, or lets it go, one with Shift all on
    the way; where none is selected yet, the one that is looked at counts as the first."""

    def take(samples: list[str], is_range: bool) -> None:
        now = selected.of(root).samples or [each for each in (looked_at(),) if each]
        if is_range or not set(samples) <= set(now):
            pick_several(root, [*now, *samples])
        else:
            pick_several(root, [sample for sample in now if sample not in samples])

    return Several(take, is_on())
