"""Controls that show what the page holds, and that tell of a change only what somebody typed or chose.

Streamlit gives a control its value when the browser mounts it. A `value=` that changes later is not looked at; a value
put into the session is lost when the next rerun cuts off its way to the browser, and a control whose script is still
loading begins with `value=` alone and then sends that as if it had been typed. So here a control always carries the
page's value as the one to begin with, and where that value was changed by anything but the control itself, another
control takes its place.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterable
from typing import Any

import streamlit as st

from core.text import count

_MEMORY = "fields"  # key -> (how many controls it has had, the value that the present one shows)
_BEGINS = {  # widget -> its argument for what it begins with, where that is not `value`
    "selectbox": "index",
    "radio": "index",
    "multiselect": "default",
    "pills": "default",
    "segmented_control": "default",
}


def _same(value: Any) -> Any:
    return value


def field(
    widget: Callable[..., Any],
    label: str,
    *args: Any,
    key: str,
    holds: Any,
    take: Callable[[Any], Any],
    show: Callable[[Any], Any] = _same,
    read: Callable[[Any], Any] = _same,
    **options: Any,
) -> Any:
    """A control of the page's value `holds`; returns what it has, as `read` reads it.

    widget: st.text_input and the like. show: holds -> what stands in the control; read: the way back. take(value): puts
    what was typed or chosen where `holds` comes from, before the page runs; it is never called with what the control
    has shown already, nor for a control in whose place there is another one by now.
    """
    memory = st.session_state.setdefault(_MEMORY, {})
    number, value = memory.get(key, (0, holds))
    number += value != holds
    memory[key] = number, copy.copy(holds)
    chosen_by_name = widget.__name__ == "selectbox" and not options.get("accept_new_options")
    options |= {"on_change": _changed, "args": (key, number, read, take, args[0] if chosen_by_name else None)}
    return read(begin(widget, label, *args, key=_name(key, number), begins=show(holds), **options))


def begin(widget: Callable[..., Any], label: str, *args: Any, key: str, begins: Any, **options: Any) -> Any:
    """A control that is itself the place of its value; begins: what stands in it at first.

    Whatever `begins` depends on has to stand in the key: what is there already does not change.
    """
    how = _BEGINS.get(widget.__name__, "value")
    if how != "value":  # what is chosen is offered too, should it not be any more
        chosen = begins if isinstance(begins, list) else [] if begins is None else [begins]
        offered = list(dict.fromkeys([*args[0], *chosen]))
        args = (offered, *args[1:])
        if how == "index":
            begins = None if begins is None else offered.index(begins)
    return widget(label, *args, key=key, **{how: begins}, **options)


def turning(
    page: int, pages: int, turn: Callable[[int], None], *, key: str, back: str = "Back", forward: str = "Next"
) -> None:
    """Back, a field for any page, next, in a horizontal container; turn(page) gets the page to go to, counted from 0.

    page: the one that is shown, from 0. back, forward: what the buttons are called. key: of the field.
    """
    icon = ":material/chevron_left:"
    st.button(back, icon=icon, disabled=page == 0, on_click=turn, args=(page - 1,))
    if pages > 1:
        with st.container(horizontal=True, vertical_alignment="center", gap="xsmall", width="content"):
            st.caption("page", width="content")
            field(
                st.number_input,
                f"Page, of {count(pages)}",
                1,
                pages,
                key=key,
                holds=page + 1,
                take=lambda number: turn(number - 1),
                label_visibility="collapsed",
                width=110,
            )
            st.caption(f"of {count(pages)}", width="content")
    icon = ":material/chevron_right:"
    st.button(forward, icon=icon, disabled=page >= pages - 1, on_click=turn, args=(page + 1,))


def value_of(key: str, default: Any = None) -> Any:
    """What the control of `field` with this key shows; `default` where there was none."""
    return st.session_state.get(_MEMORY, {}).get(key, (0, default))[1]


def standing(key: str) -> Any:
    """As `value_of`, but None where the page has no such control any more."""
    number, value = st.session_state.get(_MEMORY, {}).get(key, (0, None))
    return value if _name(key, number) in st.session_state else None


def _name(key: str, number: int) -> str:
    return f"{key}~{number}" if number else key


def _changed(
    key: str, number: int, read: Callable[[Any], Any], take: Callable[[Any], Any], offered: Iterable[Any] | None
) -> None:
    """offered: what a select box lets choose; None for other controls.

    The browser sends a choice by its name. An option that is called otherwise by now comes in as its old name, which
    nobody typed: it is no choice.
    """
    memory = st.session_state[_MEMORY]
    sent = st.session_state[_name(key, number)]
    if offered is not None and sent is not None and sent not in offered:
        return
    value = read(sent)
    if memory[key][0] == number and memory[key][1] != value:
        memory[key] = number, copy.copy(value)
        take(value)
