"""What the form has otherwise than where it began, each with the way back."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

import streamlit as st

from core.config.settings import name_beneath
from core.text import number_of, one_line, plain
from pages.parts.form.draft import draft, edited, get, key_of, label_of, put, replace_draft
from pages.parts.form.summary import differences

LONGEST_VALUE = 80  # characters of a changed setting
MOST = 8  # that are listed one by one
LISTS = ("transforms", "phases")  # one setting, where their entries are others


def changes(base: dict[str, Any], now: dict[str, Any], reset_all: Callable[[list[str], dict[str, Any]], None]) -> None:
    """base: what the form began with; now: what it has, as a checked configuration says it or as it was typed.
    reset_all: resets these paths to what `base` has, and can be undone.
    """
    with st.container(key="launch-changes", gap="xsmall"):  # always there, so that fields below stay what they are
        changed = differences(base, now)
        if not changed:
            return
        for path, old, new in changed[:MOST]:
            with st.container(horizontal=True, vertical_alignment="center", gap="small"):
                inside = whole(path)
                lines = sum(other == inside or other.startswith(f"{inside}.") for other, _, _ in changed)
                takes_more = path in LISTS or lines > 1  # than stands in its line, which can be typed again
                was, is_now = (plain(one_line(value, LONGEST_VALUE)) or "nothing" for value in (old, new))
                st.markdown(f":small[{plain(label_of(path))}: :gray[{was}] → **{is_now}**]", width="content")
                st.button(
                    "Reset",
                    key=key_of(f"reset.{path}"),
                    type="tertiary",
                    icon=":material/undo:",
                    help=f"Back to {plain(one_line(old, LONGEST_VALUE)) or 'nothing'}.",
                    on_click=reset_all if takes_more else reset,
                    args=([path] if takes_more else path, base),
                )
        if len(changed) > 1:
            label = f"Reset all {number_of(len(changed), 'setting')}"
            arguments = ([path for path, _, _ in changed], base)
            st.button(
                label, key=key_of("reset"), type="tertiary", icon=":material/undo:", on_click=reset_all, args=arguments
            )


def whole(path: str) -> str:
    """What is reset with a setting: of what belongs together, such as a task with its attributes, all of it."""
    return "task" if path == "task.name" else name_beneath(path)[0] or path


def reset(path: str, base: dict[str, Any]) -> None:
    """A setting, with what belongs to it, as the form began with it."""
    path = whole(path)
    try:
        put(draft(), path, copy.deepcopy(get(base, path)))
    except (KeyError, IndexError):  # a setting that the form did not begin with
        get(draft(), path.rpartition(".")[0]).pop(path.rpartition(".")[2], None)
    edited(path)
    if path in (*LISTS, "task"):
        replace_draft(draft())
