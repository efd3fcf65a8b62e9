"""The settings form: the controls of task and folds, model and weights, phases and training."""

from __future__ import annotations

import streamlit as st

from core.config.parts import CHOOSE
from core.config.run_config import PhaseConfig
from core.data.scan import Scan
from core.errors import LabError
from core.network.weights import imagenet_file, imagenet_line
from core.plan.ways_out import WaysOut
from core.runs import Run
from core.text import plain
from pages.parts.form import attributes, classes
from pages.parts.form.draft import Errors, assign, draft, edited, help_of, key_of, replace_draft
from pages.parts.form.fields import checkbox, choice, message, number, segments
from pages.parts.shared.fields import field

TASKS = {
    "gender-age": "gender-age (unmasked photos)",
    "mask-gender-age": "mask-gender-age (all photos)",
    "mask": "mask",
    "gender": "gender",
    "age": "age",
    "label": "label (folder or CSV column)",
    "attributes": "attributes, chosen below",
}
EPOCHS = {"best": "best epoch", "final": "last epoch"}
HEADS = {"joint": "joint: one head for all classes", "factored": "factored: a head for each attribute"}


def task_and_folds(errors: Errors, tasks: list[str], scan: Scan | None, ways: WaysOut | None) -> None:
    """tasks: those that the dataset has labels for. scan: the dataset, if one is chosen. ways: what can be done where
    it cannot be split."""
    chosen = draft()["task"]["name"]
    with st.container(horizontal=True):
        with st.container(width=300, gap="xsmall"):
            field(
                st.selectbox,
                "Task",
                tasks,
                key=key_of("task.name"),
                holds=chosen,
                take=lambda name: attributes.take_task(name, scan),
                format_func=lambda name: TASKS.get(name, name),
                help=help_of("task.name"),
            )
            message("task.name", errors, of_field=True)
        if "age" in chosen:
            number("task.age_limits.0", errors, label="Middle group from", help="Its first age, in years.")
            number("task.age_limits.1", errors, label="Oldest group from", help="Its first age, in years.")
        number("folds.count", errors)
        number("folds.seed", errors, label="Seed of the split")
    if chosen in ("gender", "age") or draft()["task"]["unmasked"]:
        checkbox("task.unmasked")
    if (scan is not None and "given_fold" in scan.samples) or draft()["folds"]["given"]:
        checkbox("folds.given")
        message("folds.given", errors)
    classes.offer(ways, "task.ways")
    attributes.choose(errors, scan)
    attributes.narrow(errors, scan, merging=ways is None or not ways.to_merge)
    message("task", errors)


def model_and_weights(errors: Errors, parents: dict[str, str]) -> None:
    """parents: id -> how it is shown, of the runs whose weights can be taken over."""
    segments("model.depth", (18, 34, 50, 101, 152), errors, show=lambda depth: f"ResNet-{depth}")
    init = draft()["model"]["init"]
    kind, _, rest = init.partition(":")
    rest = "" if rest == CHOOSE else rest
    model = draft()["model"]

    def take_init(kind: str, rest: str = "") -> None:
        model["init"] = f"{kind}:{rest}" if kind in ("file", "run") else kind
        edited("model.init")
        if kind == "run" and rest:
            follow(rest)

    field(
        st.segmented_control,
        "First weights",
        ["imagenet", "scratch", "file", "run"],
        key=key_of("model.init.kind"),
        holds=kind,
        take=take_init,
        format_func={"imagenet": "ImageNet", "scratch": "From scratch", "file": "A file", "run": "Another run"}.get,
        help=help_of("model.init"),
        required=True,
    )
    if kind == "file":
        field(
            st.text_input,
            "Weights file",
            key=key_of("model.init.file"),
            holds=rest,
            read=str.strip,
            take=lambda path: take_init("file", path),
            placeholder="/path/to/weights.safetensors",
            help="A state dict of the same depth, .pth or .safetensors. Code inside a .pth is never run.",
        )
    if kind == "run":
        with st.container(horizontal=True):
            field(
                st.selectbox,
                "Run",
                list(parents),
                key=key_of("model.init.run"),
                holds=rest or None,
                take=lambda run_id: take_init("run", run_id or ""),
                format_func=lambda run_id: parents.get(run_id, run_id),
                placeholder="Choose a run",
                help="Fold k starts from its fold k, so that nobody is validated on who was trained on before. "
                "Depth and number of folds become those of the run.",
                width=460,
            )
            choice("model.init_checkpoint", tuple(EPOCHS), errors, show=lambda which: EPOCHS.get(which, which))
    if init in ("file:", "run:", f"run:{CHOOSE}"):
        errors = {**errors, "model.init": "Type the path of a weights file." if kind == "file" else "Choose a run."}
    message("model.init", errors, of_field=True)
    if kind == "imagenet" and "model.init" not in errors:
        depth = draft()["model"]["depth"]
        icon = "check" if imagenet_file(depth).is_file() else "download"
        st.caption(f":material/{icon}: {plain(imagenet_line(depth))}")
    segments("model.head", tuple(HEADS), errors, show=lambda head: HEADS.get(head, head))


def follow(run_id: str) -> None:
    """A run to start from is chosen: take over its depth and number of folds, without which fold k cannot."""
    try:
        parent = Run(run_id).config()
    except LabError:
        return  # gone meanwhile, which the plan says at the field
    for path, value in (("model.depth", parent.model.depth), ("folds.count", parent.folds.count)):
        assign(path, value)
        edited(path)


def phases(errors: Errors) -> None:
    listed = draft()["phases"]
    for index, phase in enumerate(listed):
        here = f"phases.{index}"
        with st.container(border=True):
            with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
                st.markdown(f"**Phase {index + 1:d}**")
                if len(listed) > 1:
                    _remove_button(f"{here}.remove", listed, phase)
            with st.container(horizontal=True):
                choice(f"{here}.optimizer", ("adam", "adamw", "sgd"), errors)
                number(f"{here}.epochs", errors)
                choice(f"{here}.schedule", ("constant", "cosine", "one-cycle", "step"), errors)
                if phase.get("schedule_epochs") is not None or f"{here}.schedule_epochs" in errors:
                    number(f"{here}.schedule_epochs", errors, optional=True, empty="its own epochs")
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
                    checkbox(f"{here}.nesterov")
                if not phase["lr_backbone"] or phase.get("frozen_norm"):
                    checkbox(f"{here}.frozen_norm")
            message(here, errors)
    message("phases", errors)
    st.button("Add a phase", icon=":material/add:", key=key_of("phases.add"), on_click=_add_phase)


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
        choice("training.precision", ("auto", "bfloat16", "float16", "float32"), errors)
        choice("training.device", ("auto", "cpu", "cuda", "mps"), errors)
        choice("training.speed", ("exact", "fast"), errors)
        number("training.photos_on_device", errors)
        number("training.resume_seconds", errors)
    for path in ("training", "mix"):
        message(path, errors)


# Changes by buttons


def _remove_button(path: str, listed: list[dict], phase: dict) -> None:
    st.button(
        "Remove",
        key=key_of(path),
        type="tertiary",
        icon=":material/delete:",
        on_click=_drop,
        args=(listed, phase),
    )


def _add_phase() -> None:
    draft()["phases"].append(dict(draft()["phases"][-1]) if draft()["phases"] else PhaseConfig().model_dump())
    edited("phases")


def _drop(listed: list[dict], phase: dict) -> None:
    """Remove this phase, and no other one: the second half of a double click finds it gone."""
    listed[:] = [each for each in listed if each is not phase]
    edited("phases")
    replace_draft(draft())
