"""The settings form's draft: a RunConfig as a dict in the session, how it is checked, and how its fields are named.

The draft is the truth: a control writes its value there before the page runs, so that the page can check the whole
draft first and show each message beside the control that it belongs to. What cannot be read as a number stays in the
draft as it was typed. Each setting that somebody changes is noted, so that a launch can tell it from one that changed
otherwise.
"""

from __future__ import annotations

import copy
import math
import re
import typing
from collections.abc import Callable
from typing import Any

import streamlit as st
from pydantic import BaseModel, ValidationError

from core.config import RunConfig
from core.config.names import LABELS
from core.config.run_config import field_errors
from core.config.settings import name_beneath
from core.errors import LabError, ended, in_sentences

DRAFT, VERSION, EDITS = "launch_draft", "launch_version", "launch_edits"
BROUGHT = "launch_brought_classes"  # in the session: what Data left out and merged of the form last
ALL_CLASSES: dict[str, Any] = {"leave_out": [], "merge": {}}
Errors = dict[str, str]

STUDY_LABELS = {
    "name": "Name of the study",
    "grid": "What differs",
    "size": "Image size",
    "epochs": "Epochs in all",
}


def draft() -> dict[str, Any]:
    return st.session_state[DRAFT]


def replace_draft(data: dict[str, Any]) -> None:
    """Take another configuration; every control starts anew from it."""
    st.session_state[DRAFT] = data
    st.session_state[VERSION] = st.session_state.get(VERSION, 0) + 1


def take_data(choice: dict[str, Any]) -> None:
    """Bring a dataset to the form from another page; what the form asked for otherwise stays, but for the classes that
    it left out or merged of another dataset."""
    if DRAFT in st.session_state:
        if draft()["data"]["root"] != choice["root"]:
            put_classes(draft(), ALL_CLASSES, None)
            st.session_state.pop(BROUGHT, None)
        draft()["data"].update(choice)
    else:
        st.session_state["launch_data"] = dict(choice)


def take_classes(task: dict[str, Any], folds: int | None) -> None:
    """Bring a task with its classes, and the folds that it was looked at with, from another page.

    task: empty where no class is left out or merged there; then those that were before are taken in again, while the
    form says the same still: what was left out or merged on it since, or came with another run, stays so.
    """
    before = st.session_state.pop(BROUGHT, None)
    if task:
        st.session_state[BROUGHT] = copy.deepcopy(_classes(task))
    elif before is not None and (DRAFT not in st.session_state or _classes(draft()["task"]) == before):
        task = ALL_CLASSES
    if not task and folds is None:
        return
    if DRAFT in st.session_state:
        put_classes(draft(), task, folds)
        for path in ("task", "folds.count"):
            edited(path)
    else:
        st.session_state["launch_classes"] = task, folds


def _classes(task: dict[str, Any]) -> dict[str, Any]:
    return {name: task[name] for name in ALL_CLASSES}


def put_classes(form: dict[str, Any], task: dict[str, Any], folds: int | None) -> None:
    form["task"] = {**form["task"], **copy.deepcopy(task)}
    if folds is not None:
        form["folds"]["count"] = folds


def assign(path: str, value: Any) -> None:
    """Set one field from code; its control, if drawn later in this run, shows the value."""
    put(draft(), path, value)


def writer(path: str) -> Callable[[Any], None]:
    """What takes in a field's value. It holds on to the part of the draft in which the field stands now: once that is
    no longer in the draft (another recipe, a phase removed), what was typed there goes nowhere instead of elsewhere.
    """
    *parents, last = path.split(".")
    part = get(draft(), ".".join(parents)) if parents else draft()

    def write(value: Any) -> None:
        part[_step(last)] = value
        edited(path)

    return write


def edited(path: str) -> None:
    """Note that somebody changed the setting at `path`, or all beneath it; "" is everything."""
    edits = st.session_state.setdefault(EDITS, {})
    edits[path] = edit_number() + 1


def edit_number() -> int:
    """How often something was changed so far."""
    return max(st.session_state.get(EDITS, {}).values(), default=0)


def edited_since(number: int) -> list[str]:
    """What was changed after the edit of this number."""
    return [path for path, last in st.session_state.get(EDITS, {}).items() if last > number]


def value_of(path: str) -> Any:
    """What the draft has at a dotted path. Raises KeyError or IndexError where there is no such setting."""
    return get(draft(), path)


def check(data: dict[str, Any]) -> tuple[RunConfig | None, Errors]:
    """(the configuration, {}) or (None, dotted path -> message)."""
    try:
        return RunConfig.model_validate(data), {}
    except ValidationError as error:
        return None, {path: plainly(message) for path, message in field_errors(error).items()}


def label_of(path: str) -> str:
    """A path as the screen names it: "phases.0.lr_head" -> "Phase 1: Head learning rate"."""
    parts = path.split(".")
    if parts[0] == "phases" and len(parts) > 1:
        return f"Phase {int(parts[1]) + 1}" + (f": {LABELS.get(parts[2], parts[2])}" if len(parts) > 2 else "")
    if parts[0] == "transforms" and len(parts) > 1:
        listed, index = draft()["transforms"], int(parts[1])  # of a list that another recipe may have replaced
        return f"Transforms: {listed[index].get('name', parts[1])}" if index < len(listed) else "Transforms"
    if parts[0] == "study":
        return STUDY_LABELS.get(parts[-1], "Study")
    whole, name = name_beneath(path)
    if name:
        return f"{label_of(whole)}: {name}"
    if parts == ["name"]:
        return "Name"
    if parts in (["phases"], ["transforms"]):
        return parts[0].capitalize()
    return next((LABELS[part] for part in reversed(parts) if part in LABELS), path)


def key_of(path: str) -> str:
    return f"form{st.session_state.get(VERSION, 0)}.{path}"


def said(error: LabError) -> str:
    """What happened and what to do, as two sentences for a place that says by itself what it is about."""
    text = ended(re.sub(r"^(weights|folds|transfer|head|task [\w-]+): ", "", error.message))
    return in_sentences(f"{text[:1].upper()}{text[1:]}", error.remedy)


def _step(part: str) -> int | str:
    return int(part) if part.isdigit() else part


def get(data: Any, path: str) -> Any:
    for part in path.split("."):
        data = data[_step(part)]
    return data


def put(data: Any, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for part in parents:
        data = data[_step(part)]
    data[_step(last)] = value


def read_number(text: str) -> int | float | str:
    """A whole number, a finite number, or the text itself for the check to complain about."""
    for kind in (int, float):
        try:
            value = kind(text)
        except ValueError:
            continue
        if math.isfinite(value):
            return value
    return text


def show(value: Any) -> str:
    """1e-05 -> "1e-5", 25.0 -> "25", None -> ""."""
    if value is None:
        return ""
    if isinstance(value, list):
        return ", ".join(map(show, value))
    text = re.sub(r"e([+-])0+(?=\d)", r"e\1", repr(value)) if isinstance(value, float) else str(value)
    if isinstance(value, float) and 0 < abs(value) < 0.001 and "e" not in text:
        text = re.sub(r"\.?0*e([+-])0*", r"e\1", f"{value:.6e}")
    return text.removesuffix(".0")


def label_of_field(path: str) -> str:
    return LABELS.get(path.split(".")[-1], path.split(".")[-1])


def help_of(path: str) -> str | None:
    """The description of a field in core.config.run_config."""
    model: Any = RunConfig
    info = None
    for part in path.split("."):
        if part.isdigit() or not (isinstance(model, type) and issubclass(model, BaseModel)):
            continue
        info = model.model_fields.get(part)
        if info is None:
            return None
        model = info.annotation
        if typing.get_origin(model) is list:
            model = typing.get_args(model)[0]
    return info.description if info else None


def plainly(text: str) -> str:
    """pydantic's sentence as a person would say it."""
    text = text.removeprefix("input should be ").removeprefix("Input should be ")
    for before, after in (
        ("greater than or equal to ", "must be at least "),
        ("less than or equal to ", "must be at most "),
        ("greater than ", "must be above "),
        ("less than ", "must be below "),
    ):
        text = text.replace(before, after)
    text = re.sub(r"a valid integer, .*?, found", "must be a whole number, found", text)
    text = re.sub(r"a valid number, .*?, found", "must be a number, found", text)
    text = re.sub(r"^a finite number", "must be a finite number", text)
    text = text.replace("found ''", "found nothing")
    text = text.replace("string should have at least 1 character", "must not be empty")
    return text[:1].upper() + text[1:] + ("" if text.endswith((".", ")")) else ".")
