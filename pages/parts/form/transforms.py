"""The list of transforms: add, remove, reorder, switch off, set each parameter; for Launch and Augmentation alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.augment.pipeline import TRANSFORMS, Param, default_params
from core.text import plain
from pages.parts.form import draft as form_draft
from pages.parts.form import fields
from pages.parts.shared.fields import field

ENDS = {"int range": ("from", "to"), "float range": ("from", "to"), "rgb": ("red", "green", "blue")}
WIDE = 400  # steps; a parameter with more of them gets a field instead of a slider
P = Param("float", 0.5, 0, 1, 0.05, "Share of training images that it is applied to.")


@dataclass(frozen=True)
class Draft:
    """listed: the entries as dicts, changed in place. key: prefix of the controls. restart: draws them anew.

    edited: called after each change. slides: sliders for values within their bounds, as where one looks at the effect
    while moving them.
    """

    listed: list[dict[str, Any]]
    key: str
    restart: Callable[[], None]
    edited: Callable[[], None] = lambda: None
    slides: bool = False


def of_launch() -> Draft:
    key = f"form{st.session_state.get(form_draft.VERSION, 0)}"
    draft = form_draft.draft()
    return Draft(
        draft["transforms"], key, lambda: form_draft.replace_draft(form_draft.draft()),
        lambda: form_draft.edited("transforms"),
    )  # fmt: skip


def editor(draft: Draft, errors: form_draft.Errors, notes: dict[int, list[str]] | None = None) -> None:
    """errors: dotted path such as transforms.2.p -> message. notes: place in the list -> what to look out for."""
    st.caption(
        "In this order. Those marked *always* belong to every photo, in validation too; the others are drawn anew for "
        "each training image, with their probability."
    )
    for index, entry in enumerate(draft.listed):
        _transform(draft, index, entry, errors, (notes or {}).get(index, []))
    fields.message("transforms", errors)
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
            field(
                st.toggle, f"**{plain(entry['name'])}**" + ("  :gray[always]" if table.deterministic else ""),
                key=f"{draft.key}.{here}.enabled", holds=bool(entry.get("enabled", True)),
                take=_writer(draft, entry, "enabled"), help=table.help,
            )  # fmt: skip
            with st.container(horizontal=True, width="content", gap="xsmall"):
                for name, icon, step in (("Move up", "arrow_upward", -1), ("Move down", "arrow_downward", 1)):
                    st.button(
                        "", icon=f":material/{icon}:", help=name, key=f"{draft.key}.{here}.{icon}", type="tertiary",
                        disabled=not 0 <= index + step < len(draft.listed), on_click=_move, args=(draft, entry, step),
                    )  # fmt: skip
                st.button(
                    "", icon=":material/delete:", help="Remove", key=f"{draft.key}.{here}.remove", type="tertiary",
                    on_click=_drop, args=(draft, entry),
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
            fields.message(here, errors)
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
        _slider(draft, f"{draft.key}.{where}.slider", holder, name, title, param, help)
        return
    with st.container(width=(fields.FIELD - 60) * len(ends) if len(ends) > 1 else fields.FIELD, gap="xsmall"):
        with st.container(horizontal=True, gap="xsmall"):
            for i, end in enumerate(ends):
                many = len(ends) > 1
                key = f"{draft.key}.{where}.{i}" if many else f"{draft.key}.{where}"
                with st.container(width=fields.FIELD - 66 if many else fields.FIELD):
                    part, at = (holder[name], i) if many else (holder, name)
                    field(
                        st.text_input,
                        f"{title} {end}".strip() if i == 0 else end,
                        key=key,
                        holds=part[at],
                        show=form_draft.show,
                        read=form_draft.read_number,
                        take=_writer(draft, part, at),
                        help=help if i == len(ends) - 1 else None,
                    )
        fields.message(where, errors)


def _slides(param: Param, value: Any) -> bool:
    """Whether a slider can show the value: numbers within the bounds, low end first, and not too many steps."""
    if param.kind == "rgb" or (param.high - param.low) / param.step > WIDE:
        return False
    values = value if isinstance(value, list) else [value]
    if len(values) != (2 if param.kind.endswith("range") else 1):
        return False
    numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
    return numbers and all(param.low <= v <= param.high for v in values) and values[0] <= values[-1]


def _slider(draft: Draft, key: str, holder: dict, name: str, title: str, param: Param, help: str) -> None:
    kind = int if param.kind.startswith("int") else float
    value = holder[name]
    field(
        st.slider, f"{title}, {param.unit}" if param.unit else title, kind(param.low), kind(param.high),
        key=key, holds=[kind(v) for v in value] if isinstance(value, list) else kind(value),
        take=_writer(draft, holder, name),
        show=lambda value: tuple(value) if isinstance(value, list) else value,
        read=lambda value: list(value) if isinstance(value, tuple) else value,
        step=kind(param.step), help=help, width=230,
    )  # fmt: skip


def _writer(draft: Draft, part: dict | list, at: str | int) -> Callable[[Any], None]:
    """What takes in a value: it stays with its entry, wherever that stands by then."""

    def write(value: Any) -> None:
        part[at] = value
        draft.edited()

    return write


def _add(draft: Draft, key: str) -> None:
    """Before Normalize, which has to stay last."""
    name, listed = st.session_state[key], draft.listed
    entry = {"name": name, "p": 1.0 if TRANSFORMS[name].deterministic else 0.5, "params": default_params(name)}
    last = len(listed) - 1 if listed and listed[-1]["name"] == "Normalize" else len(listed)
    listed.insert(last, {**entry, "enabled": True})
    draft.edited()
    draft.restart()


def _drop(draft: Draft, entry: dict[str, Any]) -> None:
    """Remove this entry, and no other one: the second half of a double click finds it gone."""
    draft.listed[:] = [each for each in draft.listed if each is not entry]
    draft.edited()
    draft.restart()


def _move(draft: Draft, entry: dict[str, Any], step: int) -> None:
    listed = draft.listed
    index = next((i for i, each in enumerate(listed) if each is entry), None)
    if index is not None and 0 <= index + step < len(listed):
        listed[index], listed[index + step] = listed[index + step], listed[index]
        draft.edited()
        draft.restart()
