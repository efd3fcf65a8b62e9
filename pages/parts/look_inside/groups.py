"""Look inside, groups: where the heat of many faces lies, layer by layer, and whether two groups differ."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from core.answers import mistakes
from core.answers.mistakes import Answers, Filter
from core.data.persons import held_out
from core.data.pictures.photo import photo_of
from core.errors import LabError
from core.inside import face_maps
from core.inside.face_maps import MapRequest
from core.inside.regions import Boxes
from core.runs import Run
from core.text import count, number_of, plain
from pages.parts.look_inside import address, controls, heat, regions
from pages.parts.look_inside.heat import Group
from pages.parts.selection import bar, selected
from pages.parts.shared import badges, theme

if TYPE_CHECKING:
    from core.inside.attend import Attention

AMOUNTS = {"64": "64 photos", "256": "256 photos", "1000": "1,000 photos", "all": "All photos"}
AMOUNT_HELP = (
    "At most so many of each group, drawn at random but always the same ones. A ResNet-18 at 224 px looks at about ten "
    "photos a second on two cores."
)
# In the session: the run on whose page the button was pressed, until that is answered; what it was pressed for; and
# (what it was computed for, the attention).
CLICKED, ASKED, COMPUTED = "look-groups-clicked", "look-groups-at", "look-attention"


def kinds(answers: Answers, root: str) -> dict[str, tuple[str, np.ndarray]]:
    """Groups that can be chosen: key -> (name, which rows of the table). root: of the dataset."""
    table = answers.table
    groups = {"right": ("right answers", table["right"]), "wrong": ("mistakes", ~table["right"])}
    groups["all"] = ("all photos", pd.Series(True, index=table.index))
    for name in answers.class_names:
        groups[f"true-{name}"] = (f"true class {name}", table["true"] == name)
    for name, group in answers.groups.items():
        for value in group.cat.categories:
            groups[f"{address.attribute_key(name)}-{value}"] = (f"{name} {value}", group == value)
    groups["selected"] = ("the selected photos", table["sample"].isin(selected.of(root).samples))
    criteria = address.read_filter(answers, bar.only(root))
    if criteria != Filter():
        filtered = pd.Series(False, index=table.index)
        filtered.iloc[mistakes.select(answers, criteria)] = True
        groups["filter"] = ("as filtered under Mistakes", filtered)
    return {key: (name, mask.to_numpy(bool)) for key, (name, mask) in groups.items() if mask.any()}


def show(run: Run, answers: Answers) -> None:
    groups = kinds(answers, run.config().data.root)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="small"):
        chosen = _pick_groups({key: name for key, (name, _) in groups.items()})
        request = _pick_maps(answers)
        amount = address.box("amount", "Look at", AMOUNTS, default="64", width=130, help=AMOUNT_HELP)
        place = st.container()
    a, b = (
        Group(letter, groups[key][0], _drawn(groups[key][1], amount)) for letter, key in zip("AB", chosen, strict=True)
    )
    boxes = regions.boxes_of(run.samples())
    rows = np.flatnonzero(a.mask | b.mask)
    samples = tuple(answers.table["sample"].iloc[rows])
    key = (run.key, samples, request, boxes, face_maps.version(run, samples, answers.which))
    if st.session_state.pop(CLICKED, None) == run.key:  # with what was chosen just before the click
        st.session_state[ASKED] = key
    update, icon = {CLICKED: run.key}, ":material/visibility:"
    place.button("Look at them", type="primary", icon=icon, on_click=st.session_state.update, args=(update,))
    left, right = st.columns([1, 2.6], gap="large")
    with left:
        theme.heading("Regions")
        if boxes is None:
            regions.unplaced(run.samples())
        else:
            regions.editor(boxes, photo_of(answers.table.iloc[rows[0]]))
    with right:
        if st.session_state.get(ASKED) != key:
            held = plain(held_out(answers.table))
            waiting = f"{number_of(len(samples), 'photo')} {'waits' if len(samples) == 1 else 'wait'}"
            words = f"{waiting}, each for the fold that held the {held} out."
            st.info(words, icon=":material/visibility:")
            return
        attention = _attention(run, samples, boxes, request, key)
        if attention is not None:
            _compare(run, answers, attention, a, b, request)


def _pick_groups(names: dict[str, str]) -> tuple[str, str]:
    """Keys of the two groups."""
    first = next(iter(names))
    second = "wrong" if "wrong" in names and first != "wrong" else "all"
    a = address.box("a", "Group A", names, default=first, width=230)
    b = address.box("b", "Group B", names, default=second, width=230)
    return a, b


def _pick_maps(answers: Answers) -> MapRequest:
    options = address.with_classes(controls.CLASSES, answers.class_names)
    target = address.box("class", "Maps of", options, default="predicted", width=190, keep_page=True)
    return MapRequest(classes=target, method=controls.pick_method(140), which=answers.which)


def _drawn(mask: np.ndarray, amount: str) -> np.ndarray:
    """At most `amount` of the rows, the same ones every time."""
    rows = np.flatnonzero(mask)
    if amount != "all" and len(rows) > int(amount):
        rows = np.random.default_rng(0).permutation(rows)[: int(amount)]
    drawn = np.zeros(len(mask), dtype=bool)
    drawn[rows] = True
    return drawn


def _attention(
    run: Run, samples: tuple[str, ...], boxes: Boxes | None, request: MapRequest, key: tuple
) -> Attention | None:
    """To the faces, from this session's memory or computed with a progress bar; None after a failure."""
    computed = st.session_state.get(COMPUTED)
    if computed is not None and computed[0] == key:
        return computed[1]
    bar, stop = st.progress(0.0, f"Looking at {number_of(len(samples), 'photo')}"), st.empty()
    stop.button("Cancel", icon=":material/close:", on_click=st.session_state.pop, args=(ASKED, None))

    def progress(done: int, total: int) -> None:
        bar.progress(done / total, f"{count(done)} of {number_of(total, 'photo')}")

    try:
        from core.inside.attend import attend

        attention = attend(
            run,
            list(samples),
            boxes,
            classes=request.classes,
            method=request.method,
            which=request.which,
            progress=progress,
        )
    except LabError as error:
        badges.show_error(error)
        return None
    finally:
        bar.empty()
        stop.empty()
    st.session_state[COMPUTED] = (key, attention)
    return attention


def _compare(run: Run, answers: Answers, attention: Attention, a: Group, b: Group, request: MapRequest) -> None:
    """a, b: over all rows of the answers; here over those faces that could be looked at."""
    if attention.faults:
        fault = next(iter(attention.faults.values()))
        st.html(badges.fault(f"{count(len(attention.faults))} photos cannot be read and are left out.", str(fault)))
    rows = pd.Index(answers.table["sample"]).get_indexer(attention.samples)
    a, b = (replace(group, mask=group.mask[rows]) for group in (a, b))
    if a.mask.any() and b.mask.any():
        heat.show(run, answers, attention, a, b, request)
    else:
        words = "No photo of one of the groups can be read, so there is nothing to compare."
        st.info(words, icon=":material/broken_image:")
