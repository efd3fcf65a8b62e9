"""Look inside, its second half: what every layer of every chosen model attended to in the chosen faces."""

from __future__ import annotations

import io
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from threading import Lock

import streamlit as st

from core import look_picture, looks
from core.errors import LabError
from core.images import decode
from core.looks import Look, Wish
from core.mistakes import Answers
from core.runs import Run
from core.text import count
from pages.parts import look_address as address
from pages.parts import look_canvas, look_mistakes, look_notes, states

MOST_RUNS = 4
KEPT = 64  # faces whose maps are remembered, a run and a wish each; 1 MB for five layers at 224 px
CLASSES = {"predicted": "Predicted class", "true": "True class", "diff": "Predicted minus true"}
MODELS = {"held": "Held-out fold", "every": "Every fold"}


@dataclass(frozen=True)
class Setting:
    """What the controls say. paint: how the browser paints it; a change of it computes nothing."""

    wish: Wish
    every: bool
    trust: bool
    uploaded: bool
    paint: look_canvas.Style
    colours: str


def controls(answers: Answers, run: Run, *, uploaded: bool = False) -> Setting:
    """The row of controls; all of it lives in the address."""
    blocks = looks.layer_names(run.config().model.depth)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        kinds = {"predicted": CLASSES["predicted"]} if uploaded else CLASSES
        of = address.box(
            "class", "Map of", [*kinds, *answers.class_names], lambda name: kinds.get(name, name),
            default="predicted", width=190, keep=("page",),
            help="Which class's score the map explains; minus shows where one speaks for the one and not the other.",
        )  # fmt: skip
        method = address.box(
            "method", "Method", list(looks.METHODS), default="GradCAM", width=150, keep=("page",),
            help="Methods of pytorch-grad-cam that need one forward and one backward pass.",
        )  # fmt: skip
        every = True
        if not uploaded:
            every = address.segments(
                "models", "Model", list(MODELS), MODELS.get, default="held",
                help="The fold that held the person out judges fairly; every fold shows how much chance is in a map. "
                "The other folds were trained on this person.",
            ) == "every"  # fmt: skip
        trust = False
        if not uploaded:
            st.session_state["look-trust"] = st.query_params.get("trust") == "1"
            trust = st.toggle(
                "Trust", key="look-trust", on_change=_take_trust,
                help="Measure beside each map how far to trust it; some seconds a face.",
            )  # fmt: skip
        with st.popover("Layers and look", icon=":material/palette:"):
            layers = _layers(blocks)
            colours = address.segments("colours", "Colours", list(look_picture.COLOURS), default="inferno")
            overlaid = address.segments("heat", "Heat", ["over", "raw"], {"over": "Over the photo", "raw": "Alone"}.get,
                                        default="over") == "over"  # fmt: skip
            opacity = _opacity()
    wish = Wish(classes=of, layers=tuple(layers), method=method, which=answers.which)
    lut = look_picture.lut(colours, signed=of == "diff")
    paint = look_canvas.Style(lut=lut, opacity=opacity, overlaid=overlaid, signed=of == "diff")
    return Setting(wish, every, trust, uploaded, paint, colours)


def _take_trust() -> None:
    address.put(trust="1" if st.session_state["look-trust"] else None)


def _layers(blocks: list[str]) -> list[str]:
    asked = [name for name in address.listed("layers") if name in blocks]
    st.session_state["look-layers"] = asked or list(looks.LAYERS)

    def take() -> None:
        found = sorted(st.session_state["look-layers"], key=blocks.index)
        address.put_list("layers", [] if found == list(looks.LAYERS) else found)

    return st.multiselect(
        "Layers", blocks, key="look-layers", on_change=take, width=420,
        help="A layer is the output of its last block; layer3.1 is the second block inside layer3.",
    ) or list(looks.LAYERS)  # fmt: skip


def _opacity() -> float:
    try:
        now = min(1.0, max(0.0, float(st.query_params.get("opacity", "0.8"))))
    except ValueError:
        now = 0.8
    st.session_state["look-opacity"] = now if now == now else 0.8

    def take() -> None:
        value = st.session_state["look-opacity"]
        address.put(opacity=None if value == 0.8 else f"{value:g}")

    return st.slider("Opacity of the hottest spot", 0.0, 1.0, step=0.05, key="look-opacity", on_change=take, width=300)


def pick_runs(run: Run, listed: Sequence[dict]) -> list[Run]:
    """Further runs to show beside it, at most MOST_RUNS in all; in the address as runs=."""
    labels = {
        s["id"]: states.run_label(s) for s in listed
        if "unreadable" not in s and s["id"] != run.id and any(fold["state"] == "done" for fold in s["folds"])
    }  # fmt: skip
    if not labels:
        return []
    known = [name for name in address.listed("runs") if name in labels][: MOST_RUNS - 1]
    st.session_state["look-runs"] = known

    def take() -> None:
        found = st.session_state["look-runs"]
        address.put_list("runs", [run.id, *found] if found else [])

    chosen = st.multiselect(
        "Beside it", list(labels), format_func=labels.get, key="look-runs", on_change=take,
        max_selections=MOST_RUNS - 1, placeholder="Beside it: further runs, such as other depths", width=560,
        label_visibility="collapsed",
    )  # fmt: skip
    return [Run(name) for name in chosen]


@st.cache_resource(show_spinner=False)
def _memory() -> tuple[OrderedDict, Lock]:
    """Looks that were made before, by what they were asked for; shared by all tabs."""
    return OrderedDict(), Lock()


def looks_of(run: Run, samples: Sequence[str], every: bool, wish: Wish) -> looks.Shown:
    """The looks of one run at some faces; a face that was looked at before costs nothing. Raises LabError."""
    memory, lock = _memory()
    keys = {name: (run.dir, name, every, wish, looks.version(run, [name], wish.which)) for name in samples}
    with lock:
        known = {name: memory[key] for name, key in keys.items() if key in memory}
    fresh = [name for name in samples if name not in known]
    made = (looks.every_fold if every else looks.held_out)(run, fresh, wish) if fresh else looks.Shown(())
    known |= {name: found for name in fresh if (found := made.of(name))}
    with lock:
        for name, found in known.items():
            memory[keys[name]] = found
            memory.move_to_end(keys[name])
        while len(memory) > KEPT:
            memory.popitem(last=False)
    return looks.Shown(tuple(look for name in samples for look in known.get(name, ())), made.faults)


def show(run: Run, answers: Answers, others: list[Run], listed: Sequence[dict], neighbours: list[str]) -> None:
    """Maps of the chosen faces, or what to do to see some. neighbours: what the gallery pages through."""
    states.heading("Maps")
    samples = address.chosen(answers)
    with st.container(horizontal=True, vertical_alignment="center"):
        look_mistakes.step(answers, neighbours)
    if not samples:
        st.info("Choose up to eight faces above: their maps appear here.", icon=":material/touch_app:")
        return
    setting = controls(answers, run)
    ids = [s["id"] for s in listed]
    found: dict[str, looks.Shown] = {}
    with st.spinner(f"Looking through {count(len(samples))} faces", show_time=True):
        for each in (run, *others):
            try:
                found[each.id] = looks_of(each, samples, setting.every, setting.wish)
            except LabError as error:
                states.show_error(error)
    draw(found, samples, setting, ids)


def draw(found: dict[str, looks.Shown], samples: Sequence[str], setting: Setting, ids: list[str]) -> None:
    """The grid, a line that explains it, and the downloads. found: by run. ids: all runs, newest first."""
    rows, shown = [], []
    for sample in samples:
        first = True
        for name, answer in found.items():
            for look in answer.of(sample):
                notes = look_notes.beneath(look, setting.wish, setting.trust)
                cells = [
                    look_canvas.Cell(look_picture.grey(heat, setting.paint.signed), note)
                    for heat, note in zip(look.maps, notes, strict=True)
                ]
                colour, rule = states.colour_of(name, ids), first and bool(rows)
                rows.append(look_canvas.Row(look.title, look.photo, cells, look.lines, colour, rule))
                shown.append(look)
                first = False
            if sample in answer.faults:
                states.show_error(answer.faults[sample])
    if not rows:
        return
    look_canvas.draw(["as the network sees it", *setting.wish.layers], rows, setting.paint, key="look-maps")
    explain(setting)
    downloads(shown, setting)
    if setting.trust:
        look_notes.measure(shown, setting.wish)


@st.cache_data(max_entries=4, show_spinner=False)
def _uploaded(run_id: str, uploads: tuple[tuple[str, bytes], ...], wish: Wish, version: tuple) -> looks.Shown:
    photos, faults = {}, {}
    for name, content in uploads:
        try:
            photos[name] = decode(io.BytesIO(content))
        except LabError as error:
            faults[name] = LabError(f"photo {name}: {error.message}", error.remedy, error.kind)
    shown = looks.of_uploads(Run(run_id), photos, wish)
    return looks.Shown(shown.looks, faults)


def uploads(run: Run, answers: Answers, listed: Sequence[dict]) -> None:
    """Faces that no run knows: every fold may judge them, for none has seen them."""
    given = st.file_uploader(
        "Photos of faces", accept_multiple_files=True, max_upload_size=20, key="look-uploads",
        type=["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "gif", "avif"],
        help="At most eight; they are cropped as the run crops its photos and are not kept.",
    )  # fmt: skip
    st.caption(
        "No fold has seen an uploaded face, so every fold's model judges it. If the person is in the dataset, choose "
        "the face under Mistakes and maps instead: there only the fold that held the person out is asked."
    )
    if not given:
        return
    if len(given) > address.MOST_FACES:
        st.html(states.fault(f"{len(given)} photos are too many.", f"The first {address.MOST_FACES} are shown."))
    contents: dict[str, bytes] = {}
    for each in given[: address.MOST_FACES]:
        name = each.name if each.name not in contents else f"{each.name} ({len(contents) + 1})"
        contents[name] = each.getvalue()
    setting = controls(answers, run, uploaded=True)
    try:
        with st.spinner(f"Looking through {count(len(contents))} faces", show_time=True):
            found = _uploaded(run.id, tuple(contents.items()), setting.wish, looks.version(run, [], setting.wish.which))
    except LabError as error:
        states.show_error(error)
        return
    draw({run.id: found}, list(contents), setting, [s["id"] for s in listed])


def explain(setting: Setting) -> None:
    words = (
        "Each map is scaled to its own largest value, so colours tell where, not how much. "
        "Early layers see edges everywhere; a late layer shows what the answer was taken from."
    )
    if setting.every:
        words += " Only the held-out fold had never seen the person; mean and disagreement are over all folds."
    if setting.wish.classes == "diff":
        words += (
            " Warm speaks for the predicted class, cold for the true one (for the runner-up where the answer is right)."
        )
    if not setting.paint.signed and not setting.uploaded:
        words += " Beneath: the share of heat by region; the boxes are set under Groups."
    st.caption(words)
    if setting.trust and setting.paint.signed:
        st.caption("Trust is measured for the map of one class, not for a difference.")
    elif setting.trust:
        st.caption(look_notes.meaning())


def downloads(shown: list[Look], setting: Setting) -> None:
    paint = setting.paint
    name = "maps-" + "-".join(dict.fromkeys(look.run_id[-4:] for look in shown))
    with st.container(horizontal=True):
        st.download_button(
            "Download PNG", lambda: look_picture.sheet(shown, paint.lut, paint.opacity, paint.overlaid),
            f"{name}.png", "image/png", icon=":material/image:", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Download NPZ", lambda: look_picture.arrays(shown), f"{name}.npz", "application/octet-stream",
            icon=":material/data_array:", on_click="ignore", help="The maps as numbers, with what they are of.",
        )  # fmt: skip
