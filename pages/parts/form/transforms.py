"""The list of transforms: add, remove, reorder, switch off, set each parameter; for Launch and Augmentation alike."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.config.transforms import TRANSFORMS, Param, default_params, param_title
from core.text import plain
from pages.parts.form import fields
from pages.parts.form.draft import VERSION, Errors, draft, edited, read_number, replace_draft, show
from pages.parts.shared.fields import field

ENDS = {"int range": ("from", "to"), "float range": ("from", "to"), "rgb": ("red", "green", "blue")}
WIDE = 400  # steps; a parameter with more of them gets a field instead of a slider
PROBABILITY = Param("float", 0.5, 0, 1, 0.05, "Share of training images that it is applied to.")


@dataclass(frozen=True)
class TransformList:
    """A list of transforms that a page shows.

    listed: the entries as dicts, changed in place. key: prefix of the controls. restart: draws them anew. edited:
    called after each change. slides: sliders for values within their bounds, as where one looks at the effect while
    moving them. mend: what a click beside the notes on an entry calls with it; None where there are no notes.
    """

    listed: list[dict[str, Any]]
    key: str
    restart: Callable[[], None]
    edited: Callable[[], None] = lambda: None
    slides: bool = False
    mend: Callable[[dict[str, Any]], None] | None = None


def of_launch() -> TransformList:
    return TransformList(
        draft()["transforms"],
        key=f"form{st.session_state.get(VERSION, 0)}",
        restart=lambda: replace_draft(draft()),
        edited=lambda: edited("transforms"),
    )


def editor(transforms: TransformList, errors: Errors, notes: dict[int, list[str]] | None = None) -> None:
    """errors: dotted path such as transforms.2.p -> message. notes: place in the list -> what to look out for."""
    st.caption(
        "In this order. Those marked *always* belong to every photo, in validation too; the others are drawn anew for "
        "each training image, with their probability."
    )
    for index, entry in enumerate(transforms.listed):
        _transform(transforms, index, entry, errors, (notes or {}).get(index, []))
    fields.message("transforms", errors)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        key = f"{transforms.key}.transforms.new"
        st.selectbox(
            "Add a transform",
            list(TRANSFORMS),
            key=key,
            format_func=search_line,
            filter_mode="contains",
            help="Type what it should do, such as rotate, zoom, hole or grey.",
        )
        add = f"{transforms.key}.transforms.add"
        st.button("Add", icon=":material/add:", key=add, on_click=_add, args=(transforms, key))


def search_line(name: str) -> str:
    """A transform in the list to add from, under all words that somebody may type to find it."""
    table = TRANSFORMS[name]
    return f"{table.title} · {name} · {table.also}"


def places_of(path: str, listed: list[dict[str, Any]], message: str) -> list[str]:
    """Ends of the keys of the controls that a message about the list is about, for lead.lead_to, the nearest first.

    path: such as transforms.2.p, or transforms.2, where the message names the parameter.
    """
    keyed = path.replace(".", "-")
    ends = [f"{keyed}(-.*)?"]
    _, _, index = path.partition(".")
    if index.isdigit() and int(index) < len(listed):
        name, _ = _of_parameter(listed[int(index)], message)
        ends[:0] = [f"{keyed}-params-{name}(-.*)?"] if name else []
    return ends


def _of_parameter(entry: dict[str, Any], message: str) -> tuple[str, str]:
    """(the parameter that a message about an entry names, what is wrong with it); empty where it names none."""
    prefix = f"{entry['name']}."
    name, _, reason = message.removeprefix(prefix).partition(": ") if message.startswith(prefix) else ("", "", "")
    return name, reason


def _transform(transforms: TransformList, index: int, entry: dict[str, Any], errors: Errors, notes: list[str]) -> None:
    here, table = f"transforms.{index}", TRANSFORMS[entry["name"]]
    message = errors.get(here, "")
    wrong, reason = _of_parameter(entry, message)
    with st.container(border=True, gap="xsmall"):
        with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
            _switch(transforms, here, entry)
            with st.container(horizontal=True, width="content", gap="xsmall"):
                _order_buttons(transforms, index, entry)
        if entry.get("enabled", True) and (table.params or not table.deterministic):
            with st.container(horizontal=True):
                if not table.deterministic:
                    beside = {f"{here}.p": errors[f"{here}.p"]} if f"{here}.p" in errors else {}
                    _param(transforms, f"{here}.p", entry, "p", "Probability", PROBABILITY, beside)
                for name, param in table.params.items():
                    where = f"{here}.params.{name}"
                    beside = {where: reason} if name == wrong else {}
                    _param(transforms, where, entry["params"], name, param_title(name), param, beside)
        if message and not wrong:
            fields.message(here, errors)
        for note in notes:
            st.markdown(f":small[:orange[:material/warning: {plain(note)}]]")
        if notes and transforms.mend is not None:
            st.button(
                "Mend it",
                icon=":material/healing:",
                key=f"{transforms.key}.{here}.mend",
                on_click=transforms.mend,
                args=(entry,),
                help="Changes as little as makes this go away, which is measured on these photos. It can be undone.",
            )


def _switch(transforms: TransformList, here: str, entry: dict[str, Any]) -> None:
    """Turns a transform on or off; says what it does, albumentations' name, and whether it belongs to every photo."""
    table = TRANSFORMS[entry["name"]]
    field(
        st.toggle,
        f"**{plain(table.title)}**  :gray[{plain(entry['name'])}{' · always' * table.deterministic}]",
        key=f"{transforms.key}.{here}.enabled",
        holds=bool(entry.get("enabled", True)),
        take=_writer(transforms, entry, "enabled"),
        help=table.help,
    )


def _order_buttons(transforms: TransformList, index: int, entry: dict[str, Any]) -> None:
    """Up, down, away."""
    here = f"{transforms.key}.transforms.{index}"
    for help, icon, step in (("Move up", "arrow_upward", -1), ("Move down", "arrow_downward", 1)):
        outside = not 0 <= index + step < len(transforms.listed)
        _icon_button(f"{here}.{icon}", icon, help, _move, (transforms, entry, step), disabled=outside)
    _icon_button(f"{here}.remove", "delete", "Remove", _drop, (transforms, entry))


def _icon_button(
    key: str, icon: str, help: str, on_click: Callable[..., None], args: tuple, *, disabled: bool = False
) -> None:
    st.button(
        "",
        icon=f":material/{icon}:",
        help=help,
        key=key,
        type="tertiary",
        disabled=disabled,
        on_click=on_click,
        args=args,
    )


def _param(
    transforms: TransformList, where: str, holder: dict, name: str, title: str, param: Param, errors: Errors
) -> None:
    """One parameter: a slider where it fits, else a field for each of its numbers. holder[name] is its value."""
    ends = ENDS.get(param.kind, ("",))
    low, high = show(param.low), show(param.high)
    help = f"{param.help} {low} to {high}{' ' + param.unit if param.unit else ''}."
    if transforms.slides and _slides(param, holder[name]) and not errors:
        _slider(transforms, f"{transforms.key}.{where}.slider", holder, name, title, param, help)
        return
    with st.container(width=(fields.FIELD - 60) * len(ends) if len(ends) > 1 else fields.FIELD, gap="xsmall"):
        with st.container(horizontal=True, gap="xsmall"):
            for i, end in enumerate(ends):
                many = len(ends) > 1
                key = f"{transforms.key}.{where}.{i}" if many else f"{transforms.key}.{where}"
                with st.container(width=fields.FIELD - 66 if many else fields.FIELD):
                    part, at = (holder[name], i) if many else (holder, name)
                    field(
                        st.text_input,
                        f"{title} {end}".strip() if i == 0 else end,
                        key=key,
                        holds=part[at],
                        show=show,
                        read=read_number,
                        take=_writer(transforms, part, at),
                        help=help if i == len(ends) - 1 else None,
                    )
        fields.message(where, errors, of_field=True)


def _slides(param: Param, value: Any) -> bool:
    """Whether a slider can show the value: numbers within the bounds, low end first, and not too many steps."""
    if param.kind == "rgb" or (param.high - param.low) / param.step > WIDE:
        return False
    values = value if isinstance(value, list) else [value]
    if len(values) != (2 if param.kind.endswith("range") else 1):
        return False
    numbers = all(isinstance(v, (int, float)) and not isinstance(v, bool) for v in values)
    return numbers and all(param.low <= v <= param.high for v in values) and values[0] <= values[-1]


def _slider(transforms: TransformList, key: str, holder: dict, name: str, title: str, param: Param, help: str) -> None:
    kind = int if param.kind.startswith("int") else float
    value = holder[name]
    field(
        st.slider,
        f"{title}, {param.unit}" if param.unit else title,
        kind(param.low),
        kind(param.high),
        key=key,
        holds=[kind(v) for v in value] if isinstance(value, list) else kind(value),
        take=_writer(transforms, holder, name),
        show=lambda value: tuple(value) if isinstance(value, list) else value,
        read=lambda value: list(value) if isinstance(value, tuple) else value,
        step=kind(param.step),
        help=help,
        width=230,
    )


def _writer(transforms: TransformList, part: dict | list, at: str | int) -> Callable[[Any], None]:
    """What takes in a value: it stays with its entry, wherever that stands by then."""

    def write(value: Any) -> None:
        part[at] = value
        transforms.edited()

    return write


def _add(transforms: TransformList, key: str) -> None:
    """Before Normalize, which has to stay last."""
    name, listed = st.session_state[key], transforms.listed
    entry = {"name": name, "p": 1.0 if TRANSFORMS[name].deterministic else 0.5, "params": default_params(name)}
    last = len(listed) - 1 if listed and listed[-1]["name"] == "Normalize" else len(listed)
    listed.insert(last, {**entry, "enabled": True})
    transforms.edited()
    transforms.restart()


def _drop(transforms: TransformList, entry: dict[str, Any]) -> None:
    """Remove this entry, and no other one: the second half of a double click finds it gone."""
    transforms.listed[:] = [each for each in transforms.listed if each is not entry]
    transforms.edited()
    transforms.restart()


def _move(transforms: TransformList, entry: dict[str, Any], step: int) -> None:
    listed = transforms.listed
    index = next((i for i, each in enumerate(listed) if each is entry), None)
    if index is not None and 0 <= index + step < len(listed):
        listed[index], listed[index + step] = listed[index + step], listed[index]
        transforms.edited()
        transforms.restart()
