"""The settings form: a RunConfig as a dict in the session, and one control for each of its fields.

The draft is the truth: a control writes its value there before the page runs, so that the page can check the whole
draft first and show each message beside the control that it belongs to. What cannot be read as a number stays in the
draft as it was typed.
"""

from __future__ import annotations

import math
import re
import typing
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import streamlit as st
from pydantic import BaseModel, ValidationError

from core.config import PhaseConfig, RunConfig, field_errors
from core.config_parts import CHOOSE
from core.errors import LabError
from core.runs import Run
from core.text import plain
from core.weights import imagenet_line

DRAFT, VERSION = "launch_draft", "launch_version"
Errors = dict[str, str]

LABELS = {
    "name": "Task", "age_limits": "Age limits", "unmasked": "Unmasked photos only", "count": "Folds",
    "depth": "Depth", "init": "First weights",
    "optimizer": "Optimizer", "epochs": "Epochs", "lr_backbone": "Backbone learning rate",
    "lr_head": "Head learning rate", "weight_decay": "Weight decay", "momentum": "Momentum", "nesterov": "Nesterov",
    "schedule": "Schedule", "warmup_epochs": "Warm-up epochs", "batch_size": "Batch size",
    "label_smoothing": "Label smoothing", "seed": "Seed", "loader_workers": "Loader workers",
    "precision": "Precision", "device": "Device", "p": "Probability", "max_people": "At most this many people",
    "head": "Head", "init_checkpoint": "Parent's weights", "step_epochs": "Epochs a step",
    "step_factor": "Factor of a step", "loss": "Loss", "focal_gamma": "Focal gamma", "sampling": "Sampling",
    "early_stopping": "Stop early after", "method": "Mix images", "alpha": "Mixing alpha",
    "probability": "Share of batches mixed", "person_pattern": "Person pattern",
    "root": "Folder", "leave_out_problems": "Leave out bad files",
}  # fmt: skip
STUDY_LABELS = {
    "name": "Name of the study", "grid": "What differs", "size": "Image size", "epochs": "Epochs in all",
}  # fmt: skip
TASKS = {
    "gender-age": "gender-age (unmasked photos)",
    "mask-gender-age": "mask-gender-age (all photos)",
    "mask": "mask",
    "gender": "gender",
    "age": "age",
    "label": "label (folder or CSV column)",
}
FIELD = 168  # width of a number's control, in pixels


# The draft


def draft() -> dict[str, Any]:
    return st.session_state[DRAFT]


def replace_draft(data: dict[str, Any]) -> None:
    """Take another configuration; every control starts anew from it."""
    st.session_state[DRAFT] = data
    st.session_state[VERSION] = st.session_state.get(VERSION, 0) + 1


def take_data(choice: dict[str, Any]) -> None:
    """Bring a dataset to the form from another page; what the form asked for otherwise stays."""
    if DRAFT in st.session_state:
        draft()["data"].update(choice)
    else:
        st.session_state["launch_data"] = dict(choice)


def assign(path: str, value: Any) -> None:
    """Set one field from code; its control, if drawn later in this run, shows the value."""
    _set(draft(), path, value)
    st.session_state.pop(_key(path), None)


def value_of(path: str) -> Any:
    """What the draft has at a dotted path. Raises KeyError or IndexError where there is no such setting."""
    return _get(draft(), path)


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
        return f"Transforms: {draft()['transforms'][int(parts[1])].get('name', parts[1])}"
    if parts[0] == "study":
        return STUDY_LABELS.get(parts[-1], "Study")
    if parts == ["name"]:
        return "Name"
    if parts in (["phases"], ["transforms"]):
        return parts[0].capitalize()
    return next((LABELS[part] for part in reversed(parts) if part in LABELS), path)


def differences(before: dict[str, Any], now: dict[str, Any]) -> list[tuple[str, str, str]]:
    """(path, before, now) of each setting that differs; the dataset and the words about the run do not count."""
    skip = ("data.", "name", "description", "schema_version")
    found = []
    lists = {"transforms": lambda entry: entry["name"], "phases": lambda entry: entry["optimizer"]}
    for group, title in lists.items():  # other entries, or in another order: no use in comparing them one by one
        old, new = ([title(entry) for entry in data[group]] for data in (before, now))
        if len(old) != len(new) or (group == "transforms" and old != new):
            found.append((group, ", ".join(old), ", ".join(new)))
            skip += (group,)
    old, new = dict(_flat(before)), dict(_flat(now))
    paths = [path for path in dict.fromkeys([*old, *new]) if not path.startswith(skip)]
    return found + [
        (path, show(old.get(path)), show(new.get(path))) for path in paths if old.get(path) != new.get(path)
    ]


# One control


def number(
    path: str,
    errors: Errors,
    *,
    label: str = "",
    help: str | None = None,
    optional: bool = False,
    empty: str = "auto",
) -> None:
    """A number as text, so that 1e-5 can be typed, and -1 too, with the reason why not beneath.

    optional: may be left empty. empty: what that means, shown in the field.
    """
    with st.container(width=FIELD, gap="xsmall"):
        st.text_input(
            label or _label(path),
            value=show(_get(draft(), path)),
            key=_key(path),
            help=help or help_of(path),
            on_change=_take,
            args=(path, lambda text: None if optional and not text.strip() else read_number(text)),
            placeholder=empty if optional else None,
        )
        message(path, errors)


def choice(path: str, options: Iterable[Any], errors: Errors, *, show: Callable[[Any], str] = str) -> None:
    with st.container(width=FIELD + 40, gap="xsmall"):
        st.selectbox(
            _label(path),
            list(options),
            key=_seed(path),
            format_func=show,
            help=help_of(path),
            on_change=_take,
            args=(path,),
        )
        message(path, errors)


def segments(path: str, options: Iterable[Any], errors: Errors, *, show: Callable[[Any], str] = str) -> None:
    with st.container(width="content", gap="xsmall"):
        st.segmented_control(
            _label(path),
            list(options),
            key=_seed(path),
            format_func=show,
            help=help_of(path),
            required=True,
            on_change=_take,
            args=(path,),
        )
        message(path, errors)


def words(path: str, errors: Errors, *, label: str, width: int | str = "stretch", placeholder: str = "") -> None:
    with st.container(width=width, gap="xsmall"):
        st.text_input(
            label,
            value=_get(draft(), path) or "",
            key=_key(path),
            help=help_of(path),
            on_change=_take,
            args=(path,),
            placeholder=placeholder,
        )
        message(path, errors)


def message(path: str, errors: Errors) -> None:
    """What is wrong with a field, beneath its control."""
    found = [errors[p] for p in (path, *(f"{path}.{i}" for i in range(3))) if p in errors]
    for text in found:
        st.markdown(f":small[:red[:material/error: {plain(text)}]]")


def said(error: LabError) -> str:
    """What happened and what to do, as two sentences for a place that says by itself what it is about."""
    text = re.sub(r"^(weights|folds|transfer|head|task [\w-]+): ", "", error.message).rstrip(".")
    return f"{text[:1].upper()}{text[1:]}. {error.remedy}".strip()


# Groups of controls


def summaries(data: dict[str, Any], classes: int | None) -> dict[str, str]:
    """Each group in a few words, from the draft as it stands. classes: their number, where it is known."""
    first, steps = data["phases"][0] if data["phases"] else {}, data["phases"]
    optimizers = ", then ".join(f"{p['optimizer']} {show(p['epochs'])} epochs" for p in steps)
    rates = f"{show(first.get('lr_backbone'))} backbone, {show(first.get('lr_head'))} head"
    active = [t["name"] for t in data["transforms"] if t.get("enabled", True) and t["name"] != "Normalize"]
    t, (init, _, origin) = data["training"], data["model"]["init"].partition(":")
    weights = {"imagenet": "ImageNet weights", "scratch": "from scratch", "file": f"weights of {Path(origin).name}"}
    weights["run"] = f"weights of run {origin}" if origin not in ("", CHOOSE) else "weights of a run to be chosen"
    return {
        "task": " · ".join(
            [
                data["task"]["name"],
                *([f"{classes} classes"] if classes else []),
                f"{show(data['folds']['count'])} folds",
            ]
        ),
        "model": f"ResNet-{data['model']['depth']} · {weights.get(init, init)}"
        + (" · factored head" if data["model"]["head"] == "factored" else ""),
        "phases": f"{optimizers} · {rates}",
        "training": f"batch {show(t['batch_size'])} · label smoothing {show(t['label_smoothing'])} · "
        f"seed {show(t['seed'])} · {t['precision']} precision · {t['device']} device"
        + (f" · {t['loss']} loss" if t["loss"] != "cross-entropy" else "")
        + (" · balanced sampling" if t["sampling"] == "balanced" else "")
        + (f" · {data['mix']['method']}" if data["mix"]["method"] != "none" else ""),
        "transforms": ", ".join(active) or "none",
    }


def task_and_folds(errors: Errors, tasks: list[str]) -> None:
    """tasks: those that the dataset has labels for."""
    chosen = draft()["task"]["name"]
    with st.container(horizontal=True):
        with st.container(width=300, gap="xsmall"):
            st.selectbox(
                "Task",
                list(dict.fromkeys([*tasks, chosen])),
                key=_seed("task.name"),
                format_func=lambda name: TASKS.get(name, name),
                help=help_of("task.name"),
                on_change=_take,
                args=("task.name",),
            )
            message("task.name", errors)
        if "age" in chosen:
            number("task.age_limits.0", errors, label="Middle group from", help="Its first age, in years.")
            number("task.age_limits.1", errors, label="Oldest group from", help="Its first age, in years.")
        number("folds.count", errors)
        number("folds.seed", errors, label="Seed of the split")
    if chosen in ("gender", "age") or draft()["task"]["unmasked"]:
        _checkbox("task.unmasked")
    message("task", errors)


def model_and_weights(errors: Errors, parents: dict[str, str]) -> None:
    """parents: id -> how it is shown, of the runs whose weights can be taken over."""
    segments("model.depth", (18, 34, 50, 101, 152), errors, show=lambda depth: f"ResNet-{depth}")
    init = draft()["model"]["init"]
    kind, _, rest = init.partition(":")
    rest = "" if rest == CHOOSE else rest
    keys = {name: _key(f"model.init.{name}") for name in ("kind", "file", "run")}
    st.session_state.setdefault(keys["kind"], kind)
    if kind in ("file", "run"):
        st.session_state.setdefault(keys[kind], rest or None if kind == "run" else rest)

    def take() -> None:
        kind = st.session_state[keys["kind"]]
        rest = st.session_state.get(keys[kind]) if kind in ("file", "run") else None
        draft()["model"]["init"] = f"{kind}:{(rest or '').strip()}" if kind in ("file", "run") else kind
        if kind == "run" and rest:
            follow(rest)

    st.segmented_control(
        "First weights",
        ["imagenet", "scratch", "file", "run"],
        key=keys["kind"],
        format_func={"imagenet": "ImageNet", "scratch": "From scratch", "file": "A file", "run": "Another run"}.get,
        help=help_of("model.init"),
        required=True,
        on_change=take,
    )
    if kind == "file":
        st.text_input(
            "Weights file",
            key=keys["file"],
            on_change=take,
            placeholder="/path/to/weights.safetensors",
            help="A state dict of the same depth, .pth or .safetensors. Code inside a .pth is never run.",
        )
    if kind == "run":
        with st.container(horizontal=True):
            st.selectbox(
                "Run",
                list(dict.fromkeys([*parents, *([rest] if rest else [])])),
                key=keys["run"],
                format_func=lambda run_id: parents.get(run_id, run_id),
                on_change=take,
                placeholder="Choose a run",
                help="Fold k starts from its fold k, so that nobody is validated on who was trained on before. "
                "Depth and number of folds become those of the run.",
                width=460,
            )
            choice("model.init_checkpoint", ("best", "final"), errors)
    if init in ("file:", "run:", f"run:{CHOOSE}"):
        errors = {**errors, "model.init": "Type the path of a weights file." if kind == "file" else "Choose a run."}
    message("model.init", errors)
    if kind == "imagenet" and "model.init" not in errors:
        st.caption(f":material/check: {plain(imagenet_line(draft()['model']['depth']))}")
    segments("model.head", ("joint", "factored"), errors)


def follow(run_id: str) -> None:
    """A run to start from is chosen: take over its depth and number of folds, without which fold k cannot."""
    try:
        parent = Run(run_id).config()
    except LabError:
        return  # gone meanwhile, which the plan says at the field
    assign("model.depth", parent.model.depth)
    assign("folds.count", parent.folds.count)


def phases(errors: Errors) -> None:
    listed = draft()["phases"]
    for index, phase in enumerate(listed):
        here = f"phases.{index}"
        with st.container(border=True):
            with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
                st.markdown(f"**Phase {index + 1}**")
                if len(listed) > 1:
                    st.button(
                        "Remove", key=_key(f"{here}.remove"), type="tertiary", icon=":material/delete:",
                        on_click=_drop, args=("phases", index),
                    )  # fmt: skip
            with st.container(horizontal=True):
                choice(f"{here}.optimizer", ("adam", "adamw", "sgd"), errors)
                number(f"{here}.epochs", errors)
                choice(f"{here}.schedule", ("constant", "cosine", "one-cycle", "step"), errors)
                number(f"{here}.warmup_epochs", errors)
                if phase["schedule"] == "step":
                    number(f"{here}.step_epochs", errors)
                    number(f"{here}.step_factor", errors)
            with st.container(horizontal=True, vertical_alignment="top"):
                number(f"{here}.lr_backbone", errors, label="Learning rate, backbone")
                number(f"{here}.lr_head", errors, label="Learning rate, head")
                number(f"{here}.weight_decay", errors)
                if phase["optimizer"] == "sgd" or f"{here}.momentum" in errors:
                    number(f"{here}.momentum", errors)
                if phase["optimizer"] == "sgd" or phase.get("nesterov"):
                    _checkbox(f"{here}.nesterov")
            message(here, errors)
    message("phases", errors)
    st.button("Add a phase", icon=":material/add:", key=_key("phases.add"), on_click=_add_phase)


def training(errors: Errors) -> None:
    settings = draft()["training"]
    with st.container(horizontal=True):
        number("training.batch_size", errors)
        number("training.label_smoothing", errors)
        number("training.early_stopping", errors, optional=True, empty="never")
        number("training.seed", errors)
        number("training.loader_workers", errors, optional=True)
    with st.container(horizontal=True):
        choice("training.loss", ("cross-entropy", "weighted", "focal"), errors)
        if settings["loss"] == "focal":
            number("training.focal_gamma", errors)
        choice("training.sampling", ("natural", "balanced"), errors)
        choice("mix.method", ("none", "mixup", "cutmix", "both"), errors)
        if draft()["mix"]["method"] != "none":
            number("mix.alpha", errors)
            number("mix.probability", errors)
    with st.container(horizontal=True):
        choice("training.precision", ("auto", "bfloat16", "float32"), errors)
        choice("training.device", ("auto", "cpu", "cuda"), errors)
    for path in ("training", "mix"):
        message(path, errors)


# Changes by buttons


def _add_phase() -> None:
    draft()["phases"].append(dict(draft()["phases"][-1]) if draft()["phases"] else PhaseConfig().model_dump())


def _drop(group: str, index: int) -> None:
    del draft()[group][index]
    replace_draft(draft())


# Paths, values, words


def _checkbox(path: str) -> None:
    st.checkbox(_label(path), key=_seed(path), help=help_of(path), on_change=_take, args=(path,))


def _key(path: str) -> str:
    return f"form{st.session_state.get(VERSION, 0)}.{path}"


# A text's value goes into its control as `value`, not through the session: a control whose script the browser has not
# loaded yet would come up empty at the next rerun and send that as if it had been typed.


def _seed(path: str, show: Callable[[Any], Any] = lambda value: value) -> str:
    """The key of a field's control, holding the draft's value when the control is new on this page."""
    key = _key(path)
    if key not in st.session_state:
        st.session_state[key] = show(_get(draft(), path))
    return key


def _take(path: str, read: Callable[[Any], Any] = lambda value: value) -> None:
    _set(draft(), path, read(st.session_state[_key(path)]))


def _step(part: str) -> int | str:
    return int(part) if part.isdigit() else part


def _get(data: Any, path: str) -> Any:
    for part in path.split("."):
        data = data[_step(part)]
    return data


def _set(data: Any, path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for part in parents:
        data = data[_step(part)]
    data[_step(last)] = value


def _flat(data: Any, path: str = "") -> Iterable[tuple[str, Any]]:
    if isinstance(data, dict):
        items = data.items()
    elif isinstance(data, list) and any(isinstance(item, dict) for item in data):
        items = enumerate(data)
    else:
        yield path, data
        return
    for key, value in items:
        yield from _flat(value, f"{path}.{key}" if path else str(key))


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


def _label(path: str) -> str:
    return LABELS.get(path.split(".")[-1], path.split(".")[-1])


def help_of(path: str) -> str | None:
    """The description of a field in core.config."""
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
