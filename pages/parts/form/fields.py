"""Controls for one field of the draft each: a number, a choice, words, a switch; the message beneath them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import streamlit as st

from core.text import plain
from pages.parts.form.draft import Errors, draft, get, help_of, key_of, label_of_field, read_number, show, writer
from pages.parts.shared.fields import field

FIELD = 168  # width of a number's control, in pixels
# Only where something is wrong: such a rule makes the browser look at the page anew at each change of it.
_BORDER = """<style>
:is([data-testid="stElementContainer"], [data-testid="stLayoutWrapper"]):has(+ [data-testid="stLayoutWrapper"] >
  [class*="st-key-wrong-"]) :is([data-testid="stTextInputRootElement"], .react-aria-ComboBox > [role="group"],
  [data-testid="stButtonGroup"] button) { border-color: var(--lab-bad) !important; }
</style>"""


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
        of_draft(
            st.text_input,
            path,
            label=label or label_of_field(path),
            show=show,
            read=lambda text: None if optional and not text.strip() else read_number(text),
            help=help or help_of(path),
            placeholder=empty if optional else None,
        )
        message(path, errors, of_field=True)


def choice(path: str, options: Iterable[Any], errors: Errors, *, show: Callable[[Any], str] = str) -> None:
    with st.container(width=FIELD + 40, gap="xsmall"):
        of_draft(st.selectbox, path, list(options), format_func=show)
        message(path, errors, of_field=True)


def segments(path: str, options: Iterable[Any], errors: Errors, *, show: Callable[[Any], str] = str) -> None:
    with st.container(width="content", gap="xsmall"):
        of_draft(st.segmented_control, path, list(options), format_func=show, required=True)
        message(path, errors, of_field=True)


def words(path: str, errors: Errors, *, label: str, width: int | str = "stretch", placeholder: str = "") -> None:
    with st.container(width=width, gap="xsmall"):
        of_draft(st.text_input, path, label=label, show=lambda value: value or "", placeholder=placeholder)
        message(path, errors, of_field=True)


def checkbox(path: str) -> None:
    of_draft(st.checkbox, path)


def of_draft(widget: Callable[..., Any], path: str, *args: Any, label: str = "", **options: Any) -> Any:
    """The control of the draft's field at a dotted path."""
    label = label or label_of_field(path)
    options.setdefault("help", help_of(path))
    return field(widget, label, *args, key=key_of(path), holds=get(draft(), path), take=writer(path), **options)


def message(path: str, errors: Errors, *, of_field: bool = False) -> None:
    """What is wrong with a field or a part of the form, beneath it.

    of_field: what stands right above it is that one field, whose border is red then.
    """
    for place in (path, *(f"{path}.{i}" for i in range(3))):
        if place in errors:
            words = f":small[:red[:material/error: {plain(errors[place])}]]"
            if of_field:
                with st.container(key=f"wrong-{path}-{place}"):
                    st.html(_BORDER)
                    st.markdown(words)
            else:
                st.markdown(words)
