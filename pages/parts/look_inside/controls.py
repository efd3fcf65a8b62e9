"""Look inside, what its maps show: layers, class, method, models, colours; and which runs stand beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.errors import LabError
from core.inside import picture
from core.inside.face_maps import MapRequest
from core.inside.layers import LAYERS, METHODS, layer_names
from core.runs import Run
from core.runs.yes_no import view as one_by_one
from pages.parts.look_inside import address, canvas
from pages.parts.shared import run_picker
from pages.parts.shared.fields import field

MOST_RUNS = 4
OPACITY = 0.8  # where the address says nothing
CLASSES = {"predicted": "Predicted class", "true": "True class"}
MINUS = {"true": "True class", "predicted": "Predicted class", "runner-up": "Runner-up"}
MODELS = {"held": "Held-out fold", "every": "Every fold", "epochs": "Best and last epoch"}
HEAT = {"over": "Over the photo", "raw": "Alone"}
HELP = {
    "class": "Which class's score the map explains.",
    "minus": "A second class, whose evidence is subtracted: what speaks for the one and not for the other. Predicted "
    "minus true takes the runner-up where the answer is right.",
    "method": "Methods of pytorch-grad-cam that need one forward and one backward pass.",
    "models": "The fold that held the person out judges fairly; every fold shows how much chance is in a map. The "
    "other folds were trained on this person. Best and last epoch are the checkpoints a run keeps.",
    "trust": "Measure beneath each map how far to trust it; some seconds a photo.",
    "layers": "A layer is the output of its last block; layer3.1 is the second block inside layer3.",
}


@dataclass(frozen=True)
class Setting:
    """What the controls say. paint: how the browser paints it; a change of it computes nothing."""

    request: MapRequest
    models: str
    trust: bool
    uploaded: bool
    paint: canvas.Style

    @property
    def every(self) -> bool:
        return self.models == "every"

    @property
    def checkpoints(self) -> tuple[str, ...]:
        return ("best", "final") if self.models == "epochs" else (self.request.which,)


def controls(run: Run, class_names: Sequence[str], which: str, *, uploaded: bool = False) -> Setting:
    """The row of controls; all of it lives in the address. which: 'best' or 'final', whose maps they are."""
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        target, minus = _pick_classes(class_names, uploaded)
        method = pick_method(150, HELP["method"])
        models = "every" if uploaded else _pick_models()
        trust = field(
            st.toggle,
            "Trust",
            key="look-trust",
            holds=st.query_params.get("trust") == "1",
            take=lambda trust: address.put(trust="1" if trust else None),
            help=HELP["trust"],
        )
        with st.popover("Layers and look", icon=":material/palette:"):
            layers = _pick_layers(layer_names(run.config().model.depth))
            colours = address.segments("colours", "Colours", list(picture.COLOURS), default="inferno")
            heat = address.segments("heat", "Heat", HEAT, default="over")
            paint = canvas.Style(colours, _pick_opacity(), overlaid=heat == "over")
    request = MapRequest(target, minus or "", tuple(layers), method, which)
    return Setting(request, models, trust, uploaded, paint)


def pick_method(width: int, help: str | None = None) -> str:
    methods = list(METHODS)
    return address.box("method", "Method", methods, default="GradCAM", width=width, keep_page=True, help=help)


def _pick_classes(class_names: Sequence[str], uploaded: bool) -> tuple[str, str | None]:
    """The class that maps explain, and the one whose evidence is subtracted. Of an upload nobody knows the true one."""
    targets = {"predicted": CLASSES["predicted"]} if uploaded else CLASSES
    options = address.with_classes(targets, class_names)
    target = address.box("class", "Map of", options, default="predicted", width=165, keep_page=True, help=HELP["class"])
    options = address.with_classes({} if uploaded else MINUS, class_names)
    options.pop(target, None)
    minus = address.box(
        "minus", "Against", options, width=150, keep_page=True, placeholder="Nothing", help=HELP["minus"]
    )
    return target, minus


def _pick_models() -> str:
    return address.segments("models", "Model", MODELS, default="held", help=HELP["models"])


def _pick_layers(layers: list[str]) -> list[str]:
    """layers: that the network has. Without a choice, the usual ones."""
    usual = list(LAYERS)
    linked = [name for name in address.listed("layers") if name in layers]
    chosen = field(
        st.multiselect,
        "Layers",
        layers,
        key="look-layers",
        holds=linked or usual,
        width=420,
        take=lambda names: address.put_list("layers", [] if names == usual else names),
        help=HELP["layers"],
    )
    return chosen or usual


def _pick_opacity() -> float:
    try:
        opacity = min(1.0, max(0.0, float(st.query_params.get("opacity", OPACITY))))
    except ValueError:
        opacity = OPACITY
    return field(
        st.slider,
        "Opacity of the hottest spot",
        0.0,
        1.0,
        step=0.05,
        key="look-opacity",
        holds=opacity,
        width=300,
        take=lambda opacity: address.put(opacity=None if opacity == OPACITY else f"{opacity:g}"),
    )


def pick_runs(run: Run, summaries: Sequence[dict]) -> list[Run]:
    """Further runs to show beside it, at most MOST_RUNS in all; in the address as runs=."""
    labels = {s["id"]: run_picker.run_label(s) for s in summaries if s["id"] != run.id and _has_answers(s)}
    if not labels:
        return []
    chosen = field(
        st.multiselect,
        "Beside it",
        list(labels),
        format_func=labels.get,
        key="look-runs",
        holds=[run_id for run_id in address.listed("runs") if run_id in labels][: MOST_RUNS - 1],
        take=lambda run_ids: address.put_list("runs", [run.id, *run_ids] if run_ids else []),
        max_selections=MOST_RUNS - 1,
        placeholder="Beside it: further runs, such as other depths",
        width=560,
        label_visibility="collapsed",
    )
    return [beside(run, Run(run_id)) for run_id in chosen]


def beside(run: Run, other: Run) -> Run:
    """Another run as it is set beside: seen through the attribute that this one tells, where it tells several."""
    try:
        task, attribute_names = run.config().task, one_by_one.attributes(other.require())
    except LabError:
        return other  # whoever reads it says so
    return (
        one_by_one.OneAttribute(other, task.attributes[0]) if set(task.attributes[:1]) & set(attribute_names) else other
    )


def _has_answers(summary: dict) -> bool:
    return "unreadable" not in summary and any(fold["state"] == "done" for fold in summary["folds"])
