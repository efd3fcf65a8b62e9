"""Data, corrections: the labels that looked wrong and that somebody found right, each with the way back."""

from __future__ import annotations

from datetime import datetime
from html import escape

import streamlit as st

from core.data.labels import reviews
from core.data.labels.reviews import Confirmation, Review
from core.errors import LabError
from core.text import ago, count, number_of
from pages.parts.data.view import View
from pages.parts.people import people
from pages.parts.shared import badges, faces

PART = 30
SHOWN, ERROR = "data-found-right-most", "data-found-right-error"  # in the session: how many are listed, what failed


def draw(view: View) -> None:
    """The newest first; nothing where no label was found right."""
    root = view.raw.root
    if error := st.session_state.pop(ERROR, None):
        badges.show_error(error)
    try:
        listed = list(reviews.listed(root).items())[::-1]
    except LabError as error:
        badges.show_error(error)
        return
    if not listed:
        return
    st.markdown(
        f"**{number_of(len(listed), 'label')} found right** under Look inside, Likely wrong labels; nobody is asked "
        "about them again until that is taken back."
    )
    most = st.session_state.get(SHOWN, PART)
    for subject, review in listed[:most]:
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            st.html(_html(view, subject, review))
            people.button(
                "Undo",
                review.by,
                icon=":material/undo:",
                type="tertiary",
                key=f"found-right-undo-{subject}",
                width="content",
                on_click=_undo,
                args=(root, subject, review),
            )
    if len(listed) > most:
        st.button(f"Show more of {count(len(listed))}", key="found-right-more", on_click=_show_more)


def _html(view: View, subject: str, review: Review) -> str:
    """Picture, label, of which attributes, when and by whom."""
    sample, attributes = reviews.of_subject(subject)
    facts = (sample, ", ".join(attributes), _when(review), people.by(review.by))
    words = " · ".join(escape(fact) for fact in facts if fact)
    picture = faces.small(view.raw.samples[view.raw.samples["sample"] == sample])
    return (
        f'<div class="data-diff">{picture}<div><ins>{escape(review.label)}</ins> is right<small>{words}</small></div>'
        "</div>"
    )


def _when(review: Review) -> str:
    try:
        return ago(datetime.fromisoformat(review.when).timestamp())
    except ValueError:  # of a list that somebody edited
        return review.when


def _show_more() -> None:
    st.session_state[SHOWN] = st.session_state.get(SHOWN, PART) + PART


def _undo(root: str, subject: str, review: Review) -> None:
    """What stands on the row; what somebody found of the photo since stays."""
    try:
        reviews.forget(root, subject, made=Confirmation(review, None))
    except LabError as error:
        st.session_state[ERROR] = error
