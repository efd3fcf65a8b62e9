"""Look inside, what its maps show: layers, class, method, models, colours; and which runs stand beside."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import streamlit as st

from core.answers.mistakes import Answers
from core.inside import face_maps, picture
from core.inside.face_maps import MapRequest
from core.runs import Run
from pages.parts.look_inside import address, canvas
from pages.parts.shared import run_picker
from pages.parts.shared.fields import field

MOST_RUNS = 4
CLASSES = {"predicted": "Predicted class", "true": "True class"}
MINUS = {"true": "True class", "predicted": "Predicted class", "runner-up": "Runner-up"}
MODELS = {"held": "Held-out fold", "every": "Every fold", "epochs": "Best and last epoch"}


@dataclass(frozen=True)
class Setting:
    """What the controls say. paint: how the browser paints it; a change of it computes nothing."""

    wish: MapRequest
    models: str
    trust: bool
    uploaded: bool
    paint: canvas.Style

    @property
    def every(self) -> bool:
        return self.models == "every"

    @property
    def checkpoints(self) -> tuple[str, ...]:
        return ("best", "final") if self.models == "epochs" else (self.wish.which,)


def controls(answers: Answers, run: Run, *, uploaded: bool = False) -> Setting:
    """The row of controls; all of it lives in the address."""
    blocks = face_maps.layer_names(run.config().model.depth)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        kinds, against = (CLASSES, MINUS) if not uploaded else ({"predicted": CLASSES["predicted"]}, {})
        of = address.box(
            "class", "Map of", [*kinds, *answers.class_names], lambda name: kinds.get(name, name),
            default="predicted", width=165, keep=("page",), help="Which class's score the map explains.",
        )  # fmt: skip
        others = [name for name in [*against, *answers.class_names] if name != of]
        minus = address.box(
            "minus", "Minus", others, lambda name: against.get(name, name), width=150, keep=("page",),
            placeholder="Nothing", help="A second class, whose evidence is subtracted: what speaks for the one and not "
            "for the other. Predicted minus true takes the runner-up where the answer is right.",
        )  # fmt: skip
        method = address.box(
            "method", "Method", list(face_maps.METHODS), default="GradCAM", width=150, keep=("page",),
            help="Methods of pytorch-grad-cam that need one forward and one backward pass.",
        )  # fmt: skip
        models = "every"
        if not uploaded:
            models = address.segments(
                "models", "Model", list(MODELS), MODELS.get, default="held",
                help="The fold that held the person out judges fairly; every fold shows how much chance is in a map. "
                "The other folds were trained on this person. Best and last epoch are the checkpoints a run keeps.",
            )  # fmt: skip
        trust = field(
            st.toggle, "Trust", key="look-trust", holds=st.query_params.get("trust") == "1",
            take=lambda trust: address.put(trust="1" if trust else None),
            help="Measure beneath each map how far to trust it; some seconds a face.",
        )  # fmt: skip
        with st.popover("Layers and look", icon=":material/palette:"):
            layers = _layers(blocks)
            colours = address.segments("colours", "Colours", list(picture.COLOURS), default="inferno")
            overlaid = address.segments("heat", "Heat", ["over", "raw"], {"over": "Over the photo", "raw": "Alone"}.get,
                                        default="over") == "over"  # fmt: skip
            opacity = _opacity()
    wish = MapRequest(of, minus or "", tuple(layers), method, answers.which)
    return Setting(wish, models, trust, uploaded, canvas.Style(colours, opacity, overlaid))


def _layers(blocks: list[str]) -> list[str]:
    asked = [name for name in address.listed("layers") if name in blocks]
    return field(
        st.multiselect, "Layers", blocks, key="look-layers", holds=asked or list(face_maps.LAYERS), width=420,
        take=lambda found: address.put_list("layers", [] if found == list(face_maps.LAYERS) else found),
        help="A layer is the output of its last block; layer3.1 is the second block inside layer3.",
    ) or list(face_maps.LAYERS)  # fmt: skip


def _opacity() -> float:
    try:
        now = min(1.0, max(0.0, float(st.query_params.get("opacity", "0.8"))))
    except ValueError:
        now = 0.8
    return field(
        st.slider, "Opacity of the hottest spot", 0.0, 1.0, step=0.05, key="look-opacity",
        holds=now if now == now else 0.8, width=300,
        take=lambda value: address.put(opacity=None if value == 0.8 else f"{value:g}"),
    )  # fmt: skip


def pick_runs(run: Run, listed: Sequence[dict]) -> list[Run]:
    """Further runs to show beside it, at most MOST_RUNS in all; in the address as runs=."""
    labels = {
        s["id"]: run_picker.run_label(s) for s in listed
        if "unreadable" not in s and s["id"] != run.id and any(fold["state"] == "done" for fold in s["folds"])
    }  # fmt: skip
    if not labels:
        return []
    known = [name for name in address.listed("runs") if name in labels][: MOST_RUNS - 1]
    chosen = field(
        st.multiselect, "Beside it", list(labels), format_func=labels.get, key="look-runs", holds=known,
        take=lambda found: address.put_list("runs", [run.id, *found] if found else []),
        max_selections=MOST_RUNS - 1, placeholder="Beside it: further runs, such as other depths", width=560,
        label_visibility="collapsed",
    )  # fmt: skip
    return [Run(name) for name in chosen]
