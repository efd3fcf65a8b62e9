"""What stands beneath each map: where its heat lies, and how far to trust it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import streamlit as st

from core.errors import LabError
from core.inside import face_maps
from core.inside.cells import is_coarse
from core.inside.face_maps import FaceMaps, MapRequest
from core.inside.layers import layer_names
from core.runs import Run
from core.runs.yes_no.view import opened
from core.text import count, number_of
from pages.parts.look_inside import regions
from pages.parts.look_inside.canvas import Verdict
from pages.parts.shared import badges

REMEMBERED = 64  # faces whose trust a session remembers
TONES = {"trust": "good", "doubt": "warn", "no trust": "bad", "no heat": "quiet"}  # of the words of core.inside.trust
NO_HEAT, NO_LAYER = "no heat", "not in this network"


def beneath(face: FaceMaps, request: MapRequest, trusted: bool) -> list[tuple[str, Verdict | None]]:
    """(a note, how far to trust the map) for each layer; "" and None where there is nothing to say."""
    # Nobody knows whether an upload is aligned as the run's photos are, so the boxes say nothing about it.
    has_regions = _single(face) and face.true
    where = _where(opened(face.run_id), face) if has_regions else [""] * len(face.layers)
    kept = _memory().get(_key(face, request)) if trusted and _single(face) else None
    trust = kept if isinstance(kept, dict) else {}
    notes = []
    for layer, heat, note in zip(face.layers, face.maps, where, strict=True):
        empty = NO_LAYER if np.isnan(heat).all() else NO_HEAT if not heat.any() else ""
        notes.append((empty or note, None if empty else trust.get(layer)))
    return notes


def measure(faces: Sequence[FaceMaps], request: MapRequest) -> None:
    """Measure what is not known yet, below maps that stand already; then the page is drawn with it."""
    memory = _memory()
    faults: dict[str, LabError] = {}
    for face in faces:
        if isinstance(fault := memory.get(_key(face, request)), LabError):
            faults[str(fault)] = memory.pop(_key(face, request))  # told now, tried again when the page is asked next
    for fault in faults.values():
        badges.show_error(fault)
    waiting = [face for face in faces if _single(face) and _key(face, request) not in memory]
    if not waiting or faults:
        return
    bar = st.progress(0.0, f"Hiding pixels and redrawing weights: 0 of {number_of(len(waiting), 'photo')}")
    for done, face in enumerate(waiting, 1):
        try:
            memory[_key(face, request)] = _trust(face, request)
        except LabError as error:
            memory[_key(face, request)] = error
        while len(memory) > REMEMBERED:
            memory.pop(next(iter(memory)))
        bar.progress(done / len(waiting), f"{count(done)} of {number_of(len(waiting), 'photo')}")
    st.rerun()


def _trust(face: FaceMaps, request: MapRequest) -> dict[str, Verdict]:
    """Layer -> how far to trust its map. Raises LabError."""
    from core.inside.trust import check

    run = opened(face.run_id)
    present = set(layer_names(run.config().model.depth))
    layers = [layer for layer in request.layers if layer in present]
    subject = face.sample if face.true else face.photo
    checks = check(run, face.fold, subject, request.classes, layers, request.method, face.which)
    return {trust.layer: Verdict(trust.verdict, TONES[trust.verdict], trust.figures) for trust in checks}


def meaning() -> str:
    from core.inside.trust import MEANING

    return MEANING


def _single(face: FaceMaps) -> bool:
    """Whether one model made this map, of one class."""
    return face.fold is not None and not face.signed


def _memory() -> dict[tuple, dict[str, Verdict] | LabError]:
    """What was measured before, of a face and a request; or why it could not be, until that is told."""
    return st.session_state.setdefault("look-trusted", {})


def _key(face: FaceMaps, request: MapRequest) -> tuple:
    subject = face.sample if face.true else hash(face.photo.tobytes())
    version = face_maps.version(opened(face.run_id), [face.sample], face.which)
    return face.run_id, face.fold, subject, replace(request, which=face.which), version


def _where(run: Run, face: FaceMaps) -> list[str]:
    from core.inside.fold_models import frozen_samples

    table = frozen_samples(run)
    if (boxes := regions.boxes_of(table)) is None:
        return [""] * len(face.layers)
    size = (int(table.at[face.sample, "width"]), int(table.at[face.sample, "height"]))
    words = regions.notes(run, face, boxes, size)
    return ["" if is_coarse(grid) else note for note, grid in zip(words, face.grids, strict=True)]
