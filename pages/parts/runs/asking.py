"""What can be asked of runs, put together by choosing instead of typing; and what was understood of what was typed."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import streamlit as st

from core.runs.lists import conditions, expression
from core.runs.lists.completing import completions
from core.runs.lists.conditions import CONTAINS, KINDS
from core.runs.lists.index import Listed
from core.text import count, duration, listed, one_line, plain, size
from pages.parts.shared.fields import begin

SEARCH = "q"  # key of the search field
ORDERED, TEXTS = (">", ">=", "<", "<=", "=", "!="), ("=", "!=", CONTAINS)
WORDS = {
    ">": "above",
    ">=": "at least",
    "<": "below",
    "<=": "at most",
    "=": "is",
    "!=": "is not",
    CONTAINS: "contains",
}
JOINTS = {"and": "and", "or": "or", "and not": "and not"}
MOST = 200  # values to choose from
_ADDED = "runs-asked-added"  # in the session: how many conditions were added here, so that the next begins empty


def builder(entries: Sequence[Listed], text: str) -> None:
    """The box in which a condition is chosen and added to the search. entries: of which it is asked."""
    popover = st.popover("Conditions", icon=":material/rule:", key="runs-asked", on_change="rerun", width="content")
    if not popover.open:
        return
    with popover:
        number = st.session_state.get(_ADDED, 0)
        names = conditions.askable(entries)
        key = begin(
            st.selectbox,
            "Ask about",
            names,
            key=f"runs-asked-key-{number}",
            begins=names[0],
            help="Columns, then all settings by their dotted name; type to find one.",
        )
        kind, values = conditions.kind_of(entries, key)
        st.caption(plain(f"{KINDS[kind][0].upper()}{KINDS[kind][1:]}. {_occurring(kind, values)}"))
        with st.container(horizontal=True, vertical_alignment="bottom"):
            of = f"{number}-{key}"
            signs = TEXTS if kind == "text" else ORDERED
            sign = begin(
                st.selectbox, "Sign", list(signs), key=f"runs-asked-sign-{of}", begins=signs[0], format_func=_in_words
            )
            typed = _value(values if kind in ("text", "number") else [], of)
            if text.strip():
                begin(
                    st.selectbox, "Joined by", list(JOINTS), key=f"runs-asked-joint-{number}", begins="and", width=120
                )
        asked, problem = _asked(entries, key, sign, typed)
        if problem:
            st.caption(f":material/error: {plain(problem)}")
        st.button(
            "Add to the search",
            icon=":material/add:",
            type="primary",
            key="runs-asked-add",
            disabled=not asked or bool(problem),
            on_click=_add,
            args=(entries,),
        )
        st.caption("In the field: and, or, not, parentheses; none as a value is met by runs that have none.")


def goes_on(entries: Sequence[Listed], text: str) -> None:
    """How the search may go on, a click each, where its end is half a name, or a name without a value that runs have.

    A field of Streamlit tells what is typed once Enter is pressed or it is left: so they come then, not letter by
    letter.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="runs-goes-on"):
        searches = completions(entries, text)
        if not searches:
            return
        st.caption("Go on with", width="content")
        for number, (end, whole) in enumerate(searches):
            label = plain(one_line(end, conditions.LONGEST))
            st.button(label, key=f"runs-goes-on-{number}", type="tertiary", on_click=ask, args=(whole,))


def ask(text: str) -> None:
    """Callback: what the field asks for from now on."""
    st.session_state[SEARCH] = text
    st.query_params.pop("page", None)


def understood(text: str) -> None:
    """What was understood, where more was typed than parts that all have to hold."""
    search = expression.read(text)
    if search.joined:
        st.caption(f"Asked for: {plain(search)}")


def _in_words(sign: str) -> str:
    return WORDS[sign] if sign == CONTAINS else f"{sign}  {WORDS[sign]}"


def _value(values: Sequence[Any], of: str) -> str:
    if not values or len(values) > MOST:
        return st.text_input("Value", key=f"runs-asked-value-{of}") or ""
    chosen = begin(
        st.selectbox,
        "Value",
        [_short(value) for value in values],
        key=f"runs-asked-choice-{of}",
        begins=None,
        accept_new_options=True,
        placeholder="Choose or type",
    )
    return chosen or ""


def _short(value: Any) -> str:
    return repr(value) if isinstance(value, float) else str(value)


def _asked(entries: Sequence[Listed], key: str, sign: str, typed: str) -> tuple[str, str]:
    """The condition as it is searched for, and what is wrong with it; each empty where there is none."""
    if not typed:
        return "", ""
    condition = conditions.condition(key, sign, typed.replace('"', ""))
    asked = str(expression.Search(condition))
    return asked, conditions.problem(entries, condition) or expression.read(asked).fault


def _add(entries: Sequence[Listed]) -> None:
    """The callback. What is added is what the fields show at the click, which may be newer than the button; nothing
    where that cannot be asked, which the page then says."""
    fields, number = st.session_state, st.session_state.get(_ADDED, 0)
    key = fields[f"runs-asked-key-{number}"]
    of = f"{number}-{key}"
    typed = fields.get(f"runs-asked-value-{of}") or fields.get(f"runs-asked-choice-{of}") or ""
    condition, problem = _asked(entries, key, fields.get(f"runs-asked-sign-{of}") or "", typed)
    if not condition or problem:
        return
    text, joint = fields.get(SEARCH) or "", fields.get(f"runs-asked-joint-{number}", "and")
    st.session_state[_ADDED] = number + 1
    if joint == "or" and text.strip():
        fresh = f"{text.strip()} or {condition}"
    else:
        fresh = expression.narrowed(text, f"not {condition}" if joint == "and not" else condition)
    ask(fresh)


def _occurring(kind: str, values: Sequence[Any]) -> str:
    """What the runs have, in words."""
    if not values:
        return "No run has one."
    if kind == "text" or (len(values) <= 4 and kind == "number"):
        return f"Here: {listed([one_line(_short(value), 40) for value in values], 6)}."
    low, high = (_as_words(kind, value) for value in (values[0], values[-1]))
    return f"Here from {low} to {high}."


def _as_words(kind: str, value: float) -> str:
    if kind == "size":
        return size(value)
    if kind == "time":
        return duration(value)
    if kind == "date":
        return datetime.fromtimestamp(value).strftime("%Y-%m-%d")
    return count(value) if isinstance(value, int) else f"{value:.4g}"
