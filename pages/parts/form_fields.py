"""Controls for one field of the draft each: a number, a choice, words, a switch; the message beneath them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import streamlit as st

from core.text import plain
from pages.parts.form_draft import Errors, draft, get, help_of, key_of, label_of_field, put, read_number, show

FIELD = 168  # width of a number's control, in pixels
# A text's value goes into its control as `value`, not through the session: a control whose script the browser has not
# loaded yet would come up empty at the next rerun and send that as if it had been typed.


def number(
    path: str,
    errors: Errors,
    *,
    label: str = "",
    help: str | None = None,
    optional: bool = False,
    empty: str = "auto",
) -> None:
    """A number as text, so that 1e-5 can be typed, and -1 too, with the reason why not beneath.

    optional: may be left empty. empty: what that means, shown in the field.
    """
    with st.container(width=FIELD, gap="xsmall"):
        st.text_input(
            label or label_of_field(path),
            value=show(get(draft(), path)),
            key=key_of(path),
            help=help or help_of(path),
            on_change=take,
            args=(path, lambda text: None if optional and not text.strip() else read_number(text)),
            placeholder=empty if optional else None,
        )
        message(path, errors)


def choice(path: str, options: Iterable[Any], errors: Errors, *, show: Callable[[Any], str] = str) -> None:
    with st.container(width=FIELD + 40, gap="xsmall"):
        st.selectbox(
            label_of_field(path),
            list(options),
            key=seeded(path),
            format_func=show,
            help=help_of(path),
            on_change=take,
            args=(path,),
        )
        message(path, errors)


def segments(path: str, options: Iterable[Any], errors: Errors, *, show: Callable[[Any], str] = str) -> None:
    with st.container(width="content", gap="xsmall"):
        st.segmented_control(
            label_of_field(path),
            list(options),
            key=seeded(path),
            format_func=show,
            help=help_of(path),
            required=True,
            on_change=take,
            args=(path,),
        )
        message(path, errors)


def words(path: str, errors: Errors, *, label: str, width: int | str = "stretch", placeholder: str = "") -> None:
    with st.container(width=width, gap="xsmall"):
        st.text_input(
            label,
            value=get(draft(), path) or "",
            key=key_of(path),
            help=help_of(path),
            on_change=take,
            args=(path,),
            placeholder=placeholder,
        )
        message(path, errors)


def checkbox(path: str) -> None:
    st.checkbox(label_of_field(path), key=seeded(path), help=help_of(path), on_change=take, args=(path,))


def message(path: str, errors: Errors) -> None:
    """What is wrong with a field, beneath its control."""
    found = [errors[p] for p in (path, *(f"{path}.{i}" for i in range(3))) if p in errors]
    for text in found:
        st.markdown(f":small[:red[:material/error: {plain(text)}]]")


def seeded(path: str, show: Callable[[Any], Any] = lambda value: value) -> str:
    """The key of a field's control, holding the draft's value when the control is new on this page."""
    key = key_of(path)
    if key not in st.session_state:
        st.session_state[key] = show(get(draft(), path))
    return key


def take(path: str, read: Callable[[Any], Any] = lambda value: value) -> None:
    put(draft(), path, read(st.session_state[key_of(path)]))
