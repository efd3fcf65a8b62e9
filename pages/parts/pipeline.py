"""The list of transforms: add, remove, reorder, switch off, set each parameter; for Launch and Augmentation alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.augment import TRANSFORMS, Param, default_params
from core.text import plain
from pages.parts import form_draft, form_fields

ENDS = {"int range": ("from", "to"), "float range": ("from", "to"), "rgb": ("red", "green", "blue")}
WIDE = 400  # steps; a parameter with more of them gets a field instead of a slider
P = Param("float", 0.5, 0, 1, 0.05, "Share of training images that it is applied to.")


@dataclass(frozen=True)
class Draft:
    """listed: the entries as dicts, changed in place. key: prefix of the controls. restart: draws them anew.

    slides: sliders for values within their bounds, as where one looks at the effect while moving them.
    """

    listed: list[dict[str, Any]]
    key: str
    restart: Callable[[], None]
    slides: bool = False


def of_launch() -> Draft:
    key = f"form{st.session_state.get(form_draft.VERSION, 0)}"
    return Draft(form_draft.draft()["transforms"], key, lambda: form_draft.replace_draft(form_draft.draft()))


def editor(draft: Draft, errors: form_draft.Errors, notes: dict[int, list[str]] | None = None) -> None:
    """errors: dotted path such as transforms.2.p -> message. notes: place in the list -> what to look out for."""
    st.caption(
        "In this order. Those marked *always* belong to every photo, in validation too; the others are drawn anew for "
        "each training image, with their probability."
    )
    for index, entry in enumerate(draft.listed):
        _transform(draft, index, entry, errors, (notes or {}).get(index, []))
    form_fields.message("transforms", errors)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = f"{draft.key}.transforms.new"
        st.selectbox("Add a transform", list(TRANSFORMS), key=key, width=260)
        st.button(
            "Add", icon=":material/add:", key=f"{draft.key}.transforms.add", on_click=_add, args=(draft, key)
        )  # fmt: skip


def _transform(draft: Draft, index: int, entry: dict[str, Any], errors: form_draft.Errors, notes: list[str]) -> None:
    here, table = f"transforms.{index}", TRANSFORMS[entry["name"]]
    prefix = f"{entry['name']}."
    own = errors.get(here, "")
    named = own.removeprefix(prefix).partition(":")[0] if own.startswith(prefix) else ""
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            enabled = f"{draft.key}.{here}.enabled"
            st.session_state.setdefault(enabled, bool(entry.get("enabled", True)))
            st.toggle(
                f"**{plain(entry['name'])}**" + ("  :gray[always]" if table.deterministic else ""),
                key=enabled, help=table.help, on_change=_take, args=(entry, "enabled", enabled),
            )  # fmt: skip
            with st.container(horizontal=True, width="content", gap="xsmall"):
                for name, icon, step in (("Move up", "arrow_upward", -1), ("Move down", "arrow_downward", 1)):
                    st.button(
                        "", icon=f":material/{icon}:", help=name, key=f"{draft.key}.{here}.{icon}", type="tertiary",
                        disabled=not 0 <= index + step < len(draft.listed), on_click=_move, args=(draft, index, step),
                    )  # fmt: skip
                st.button(
                    "", icon=":material/delete:", help="Remove", key=f"{draft.key}.{here}.remove", type="tertiary",
                    on_click=_drop, args=(draft, index),
                )  # fmt: skip
        if entry.get("enabled", True) and (table.params or not table.deterministic):
            with st.container(horizontal=True):
                if not table.deterministic:
                    beside = {f"{here}.p": errors[f"{here}.p"]} if f"{here}.p" in errors else {}
                    _param(draft, f"{here}.p", entry, "p", "Probability", P, beside)
                for name, param in table.params.items():
                    title = name.replace("_", " ").removesuffix(" range").removesuffix(" limit").capitalize()
                    where = f"{here}.params.{name}"
                    beside = {where: own.partition(": ")[2]} if name == named else {}
                    _param(draft, where, entry["params"], name, title, param, beside)
        if own and not named:
            form_fields.message(here, errors)
        for note in notes:
            st.markdown(f":small[:orange[:material/warning: {plain(note)}]]")


def _param(
    draft: Draft, where: str, holder: dict, name: str, title: str, param: Param, errors: form_draft.Errors
) -> None:  # fmt: skip
    """One parameter: a slider where it fits, else a field for each of its numbers. holder[name] is its value."""
    ends = ENDS.get(param.kind, ("",))
    low, high = form_draft.show(param.low), form_draft.show(param.high)
    help = f"{param.help} {low} to {high}{' ' + param.unit if param.unit else ''}."
    if draft.slides and _slides(param, holder[name]) and not errors:
        _slider(f"{draft.key}.{where}.slider", holder, name, title, param, help)
        return
    with st.container(width=(form_fields.FIELD - 60) * len(ends) if len(ends) > 1 else form_fields.FIELD, gap="xsmall"):
        with st.container(horizontal=True, gap="xsmall"):
            for i, end in enumerate(ends):
                many = len(ends) > 1
                key = f"{draft.key}.{where}.{i}" if many else f"{draft.key}.{where}"
                with st.container(width=form_fields.FIELD - 66 if many else form_fields.FIELD):
                    st.text_input(
                        f"{title} {end}".strip() if i == 0 else end,
                        value=form_draft.show(holder[name][i] if many else holder[name]),
                        key=key,
                        help=help if i == len(ends) - 1 else None,
                        on_change=_take_text,
                        args=(holder, name, i if many else None, key),
                    )
        form_fields.message(where, errors)


def _slides(param: Param, value: Any) -> bool:
    """Whether a slider can show the value: numbers within the bounds, low end first, and not too many steps."""
    if param.kind == "rgb" or (param.high - param.low) / param.step > WIDE:
        return False
    values = value if isinstance(value, list) else [value]
    if len(values) != (2 if param.kind.endswith("range") else 1):
        return False
    numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
    return numbers and all(param.low <= v <= param.high for v in values) and values[0] <= values[-1]


def _slider(key: str, holder: dict, name: str, title: str, param: Param, help: str) -> None:
    kind = int if param.kind.startswith("int") else float
    value = holder[name]
    st.slider(
        f"{title}, {param.unit}" if param.unit else title,
        kind(param.low), kind(param.high),
        tuple(kind(v) for v in value) if isinstance(value, list) else kind(value),
        kind(param.step), key=key, help=help, width=230, on_change=_take, args=(holder, name, key),
    )  # fmt: skip


def _take(holder: dict, name: str, key: str) -> None:
    value = st.session_state[key]
    holder[name] = list(value) if isinstance(value, tuple) else value


def _take_text(holder: dict, name: str, i: int | None, key: str) -> None:
    value = form_draft.read_number(st.session_state[key])
    if i is None:
        holder[name] = value
    else:
        holder[name][i] = value


def _add(draft: Draft, key: str) -> None:
    """Before Normalize, which has to stay last."""
    name, listed = st.session_state[key], draft.listed
    entry = {"name": name, "p": 1.0 if TRANSFORMS[name].deterministic else 0.5, "params": default_params(name)}
    last = len(listed) - 1 if listed and listed[-1]["name"] == "Normalize" else len(listed)
    listed.insert(last, {**entry, "enabled": True})
    draft.restart()


def _drop(draft: Draft, index: int) -> None:
    del draft.listed[index]
    draft.restart()


def _move(draft: Draft, index: int, step: int) -> None:
    listed = draft.listed
    listed[index], listed[index + step] = listed[index + step], listed[index]
    draft.restart()
