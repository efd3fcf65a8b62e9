"""Buttons for what can be done where a class is too rare for the folds, a click each: never a dead end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from core.config.classes import proposed_name
from core.data.persons import units
from core.plan.ways_out import WaysOut
from core.text import count, plain
from pages.parts.shared.fields import begin

MOST_CHOSEN = 12  # classes that a control shows as chosen
MOST_BUTTONS = 3  # classes with a button of their own


def offer(
    ways: WaysOut | None,
    key: str,
    *,
    leave_out: Callable[[Sequence[str]], None],
    merge: Callable[[Sequence[str], str], None],
    use_folds: Callable[[int], None],
    make_folds: Callable[[], None],
) -> None:
    """What can be done, each with its button. leave_out(classes), merge(classes, name), use_folds(number) and
    make_folds() write it where the task and the folds are set, before the page is drawn anew."""
    with st.container(key=f"ways-{key}"):  # always there, so that fields below stay what they are
        if ways is None:
            return
        with st.container(horizontal=True):
            if ways.folds:
                label = f"Use {count(ways.folds)} folds"
                icon = ":material/filter_none:"
                st.button(label, key=f"{key}.folds", icon=icon, on_click=use_folds, args=(ways.folds,))
            if ways.given:
                label = "Let the lab make the folds"
                st.button(label, key=f"{key}.given", icon=":material/call_split:", on_click=make_folds)
            if ways.rare and ways.can_leave_out:
                _leave_out(ways, key, leave_out)
        if ways.rare and ways.to_merge:
            _merge(ways, key, merge)


def _leave_out(ways: WaysOut, key: str, leave_out: Callable[[Sequence[str]], None]) -> None:
    icon = ":material/hide_source:"
    for number, name in enumerate(ways.rare[:MOST_BUTTONS]):
        label = f"Leave out {plain(name)} ({units(ways.people[name], ways.state)})"
        st.button(label, key=f"{key}.out-{number}", icon=icon, on_click=leave_out, args=([name],))
    if len(ways.rare) > 1:
        label = f"Leave out all {count(len(ways.rare))}"
        st.button(label, key=f"{key}.out-all", icon=icon, on_click=leave_out, args=(list(ways.rare),))


def _merge(ways: WaysOut, key: str, merge: Callable[[Sequence[str], str], None]) -> None:
    """Which classes become one, and its name; as proposed it is one click."""
    chosen_key = f"{key}.merge-{hash(ways.to_merge)}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        classes = list(ways.to_merge)
        if len(classes) <= MOST_CHOSEN:
            classes = begin(
                st.multiselect,
                "Merge classes",
                list(ways.people),
                key=chosen_key,
                begins=classes,
                format_func=lambda name: f"{name} ({ways.people.get(name, 0):,})",
                width=420,
            )
        else:
            st.markdown(f"Make one class of the {count(len(classes))} rare ones:", width="content")
        merging = set(classes)
        others = [name for name in ways.people if name not in merging]
        called_key = f"{key}.called-{hash(tuple(classes))}"
        name = begin(
            st.text_input,
            "Called",
            key=called_key,
            begins=proposed_name(classes, others) if classes else "",
            width=260,
        ).strip()
        taken = name in others
        st.button(
            "Merge",
            key=f"{key}.merge",
            icon=":material/merge:",
            disabled=len(classes) < 2 or not name or taken,
            on_click=merge_as_shown,
            args=(merge, list(ways.people), classes, chosen_key, called_key),
            help="There is another class of that name." if taken else None,
        )


def merge_as_shown(
    merge: Callable[[Sequence[str], str], None],
    names: Sequence[str],
    classes: Sequence[str],
    chosen_key: str,
    called_key: str,
) -> None:
    """The callback of Merge: classes and name are what the fields of these keys show at the click, which may be newer
    than the button; a name that was only proposed follows the classes. Nothing that the page would refuse.

    names: of all classes. classes: those for which the button was drawn.
    """
    chosen, name = list(st.session_state.get(chosen_key, classes)), st.session_state[called_key].strip()
    others, before = ([each for each in names if each not in of] for of in (chosen, classes))
    if chosen != list(classes) and name == proposed_name(classes, before):
        name = proposed_name(chosen, others)
    if len(chosen) > 1 and name and name not in others:
        merge(chosen, name)
