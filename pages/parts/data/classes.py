"""The classes of the Data page's task, left out or merged as the address says, and the way back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import streamlit as st

from core.config import classes
from core.config.parts import TaskConfig
from core.plan.ways_out import WaysOut
from core.text import count, listed, plain
from pages.parts.data.view import address, go
from pages.parts.shared import ways_out

MOST_IN_ADDRESS = 100  # classes; a longer address is one that no server takes
NAMES = ("leave_out", "merge")  # in the address, as JSON


def with_changes(task: TaskConfig) -> TaskConfig:
    """The task with the classes of the address left out and merged; as it is where the address makes no sense."""
    changes = {name: value for name in NAMES if (value := _read(name))}
    try:
        return TaskConfig.model_validate(task.model_dump() | changes)
    except ValueError:
        return task


def as_they_are() -> dict[str, None]:
    """What takes all changes out of the address, for another task: `go(task=..., **as_they_are())`."""
    return dict.fromkeys(NAMES)


def tell(task: TaskConfig) -> None:
    """What was changed of the classes, each with its way back; nothing where nothing was."""
    with st.container(key="data-classes"):  # always there, so that fields below stay what they are
        if task.leave_out:
            with st.container(horizontal=True, vertical_alignment="center"):
                st.markdown(f":material/hide_source: Left out: {plain(listed(task.leave_out))}.", width="content")
                st.button("Take in again", key="data-take-in", type="tertiary", on_click=go, kwargs={"leave_out": None})
        for number, (name, members) in enumerate(task.merge.items()):
            with st.container(horizontal=True, vertical_alignment="center"):
                text = f":material/merge: {plain(name)} is {plain(listed(members))} merged."
                st.markdown(text, width="content")
                key = f"data-apart-{number}"
                st.button("Set apart", key=key, type="tertiary", on_click=_take, args=(classes.apart(task, name),))


def offer(ways: WaysOut | None, task: TaskConfig) -> None:
    """The ways out of a split that cannot be, written into the address by a click each."""

    if ways is not None and len(ways.rare) > MOST_IN_ADDRESS:
        st.caption(f"Launch leaves the {count(len(ways.rare))} rare classes out, or makes one of them, with a click.")
        ways = replace(ways, rare=())

    def leave_out(names: Sequence[str]) -> None:
        _take(classes.without(task, names))

    def merge(names: Sequence[str], name: str) -> None:
        _take(classes.merged(task, names, name))

    ways_out.offer(
        ways,
        "data",
        leave_out=leave_out,
        merge=merge,
        use_folds=lambda number: go(folds=number),
        make_folds=lambda: None,  # never asked here: the view makes its folds itself
    )


def _take(task: TaskConfig) -> None:
    values = {name: getattr(task, name) for name in NAMES}
    go(**{name: json.dumps(value, ensure_ascii=False) if value else None for name, value in values.items()})


def _read(name: str) -> Any:
    try:
        return json.loads(address(name))
    except (ValueError, RecursionError):
        return None
