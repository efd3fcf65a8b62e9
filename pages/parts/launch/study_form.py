"""The controls of a study on the Launch page: what differs between its runs, what they share, and its file."""

from __future__ import annotations

import re
from typing import Any

import streamlit as st

from core.config import RunConfig, recipes
from core.studies import as_file, grid
from core.studies.grid import ShrinkConfig, StudyConfig
from core.text import listed, plain
from pages.parts.form import draft, fields
from pages.parts.form.draft import Errors, show
from pages.parts.launch.study_draft import build, state
from pages.parts.shared.fields import field

PILLS = 8  # more values than this are picked from a list


def controls(errors: Errors, parents: dict[str, str]) -> None:
    """What differs, with its values; then what is made smaller. parents: runs that another can start from."""
    now, choices = state(), settings()

    def choose(paths: list[str]) -> None:
        now["grid"] = {path: now["grid"].get(path, _first(path)) for path in paths}
        _edited()

    field(
        st.multiselect,
        "What differs between the runs",
        list(choices),
        key=_key("fields"),
        holds=list(now["grid"]),
        take=choose,
        format_func=name_of,
        placeholder="Choose settings: depth, recipe, mix-up, seed …",
        select_all=False,
        help="Every combination of the values is a run. All other settings are those under 3 · Recipe and settings, "
        "shared by all runs.",
    )
    for path in list(now["grid"]):
        _values(path, choices.get(path), parents)
    with st.container():
        fields.message("study.grid", errors)
    st.caption(
        "Too long for this machine? Make every run smaller, whatever its recipe says; for fewer people, set “At most "
        "this many people” under How labels are found."
    )
    with st.container(horizontal=True):
        _number("size", "Image size in pixels", "as in the recipe", errors)
        _number("epochs", "Epochs in all", "as in the recipe", errors)


def words(errors: Errors) -> None:
    """Name and question of the study."""
    for name, label, hint in (
        ("name", "Name of the study", ""),
        ("description", "Question", "What it answers, one sentence"),
    ):
        with st.container(gap="xsmall"):
            help = StudyConfig.model_fields[name].description
            _text(name, label, read=str.strip, placeholder=hint, help=help)
            fields.message(f"study.{name}", errors, of_field=True)


def export(form: dict[str, Any], config: RunConfig | None) -> None:
    """The form's own save file, which opens here as it was: it says where files of first weights lie.

    config: what the form says, None while some setting of it is wrong: such a study makes no runs.
    """
    study = build(form)[0] if config else None
    written = as_file.for_any_lab(study) if study else None
    file = written or study
    st.download_button(
        "Export this study (YAML)",
        grid.to_yaml(grid.with_whole_paths(file)) if file else "",
        f"{re.sub(r'[^A-Za-z0-9_-]+', '-', study.name) if study else 'study'}.yaml",
        "application/yaml",
        icon=":material/download:",
        on_click="ignore",
        disabled=file is None,
        help=plain(as_file.in_words(file, places=True)) if file else "Correct the settings first.",
    )
    if study is not None and written is None:
        named = listed(as_file.own_recipes(study))
        st.caption(plain(f"Only this lab has {named}, which it names: another lab opens it once it has the same."))


def settings() -> dict[str, list[Any] | None]:
    """Every setting that can differ -> its values where they are a fixed list; phases as many as the form has."""
    choices = grid.settings()
    first = {path: values for path, values in choices.items() if path.startswith("phases.0.")}
    for index in range(1, len(draft.draft()["phases"])):
        choices |= {path.replace("phases.0.", f"phases.{index}."): values for path, values in first.items()}
    return choices


def name_of(path: str) -> str:
    return "Recipe" if path == "recipe" else draft.label_of(path)


def _values(path: str, options: list[Any] | None, parents: dict[str, str]) -> None:
    """The values of one setting: buttons where they are a fixed list, else typed ones."""
    now, key = state(), _key(f"values.{path}")
    label = plain(name_of(path))

    def take(values: list[Any]) -> None:
        if path in now["grid"]:
            now["grid"][path] = values
            _edited()

    if options is not None and len(options) <= PILLS and all(value in options for value in now["grid"][path]):
        field(
            st.pills,
            label,
            options,
            key=key,
            holds=list(now["grid"][path]),
            take=take,
            read=lambda values: [value for value in options if value in values],
            format_func=lambda value: _shown(path, value),
            selection_mode="multi",
        )
        return

    def read(words: list[str]) -> list[Any]:
        typed = [part.strip() for text in words for part in text.split(",") if part.strip()]
        return [_value(path, text) for text in dict.fromkeys(typed)]

    offered = [_word(value) for value in options or _first(path)]
    if path == "model.init":
        offered = ["imagenet", "scratch", *(f"run:{run_id}" for run_id in parents)]
    field(
        st.multiselect,
        label,
        offered,
        key=key,
        holds=list(now["grid"][path]),
        take=take,
        read=read,
        show=lambda values: [_word(value) for value in values],
        format_func=lambda text: parents.get(text.removeprefix("run:"), text),
        accept_new_options=True,
        placeholder="Type a value, Enter; or several with commas",
        help=draft.help_of(path),
    )


def _first(path: str) -> list[Any]:
    """The value that the form has now."""
    if path == "recipe":
        kind, name = st.session_state["launch_source"]
        return [name] if kind == "recipe" else []
    try:
        return [draft.value_of(path)]
    except (KeyError, IndexError, TypeError):
        return []


def _shown(path: str, value: Any) -> str:
    if path == "model.depth":
        return f"ResNet-{value}"
    return recipes.title(value) if path == "recipe" else show(value)


def _word(value: Any) -> str:
    return "none" if value is None else show(value)


def _value(path: str, text: str) -> Any:
    if text == "none" and path in ("training.early_stopping", "training.loader_workers"):
        return None
    return text if path in ("recipe", "model.init") else draft.read_number(text)


def _number(name: str, label: str, empty: str, errors: Errors) -> None:
    def read(text: str) -> int | float | str | None:
        return draft.read_number(text.strip()) if text.strip() else None

    with st.container(width=fields.FIELD + 20, gap="xsmall"):
        help = ShrinkConfig.model_fields[name].description
        _text(name, label, read=read, show=show, placeholder=empty, help=help)
        fields.message(f"study.shrink.{name}", errors, of_field=True)


def _text(name: str, label: str, **options: Any) -> None:
    """A text field of `state()[name]`."""
    now = state()

    def write(value: Any) -> None:
        now[name] = value
        _edited()

    field(st.text_input, label, key=_key(name), holds=now[name], take=write, **options)


def _edited() -> None:
    draft.edited("study")


def _key(name: str) -> str:
    return f"study{state()['version']}.{name}"
