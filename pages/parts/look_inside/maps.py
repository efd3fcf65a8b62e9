"""Look inside, maps: what every layer of every chosen model attended to in the chosen faces."""

from __future__ import annotations

import hashlib
import io
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from threading import Lock

import numpy as np
import streamlit as st
from streamlit.runtime.uploaded_file_manager import UploadedFile

from core.answers.mistakes import Answers
from core.data.images import decode
from core.data.reach import bounds
from core.errors import LabError
from core.inside import face_maps, picture
from core.inside.cells import LEAST, is_coarse
from core.inside.face_maps import FaceMaps, MapRequest, RunMaps
from core.runs import Run
from core.runs.yes_no.view import id_of
from core.text import count
from pages.parts.look_inside import address, canvas, downloads, mistakes, notes
from pages.parts.look_inside.controls import Setting, controls
from pages.parts.shared import badges, run_picker, theme

UPLOADED = "look-uploaded"  # in the session: what was seen in the uploads, until they are taken away
REMEMBERED = 64  # faces whose maps are remembered, a run and a request each; 1 MB for five layers at 224 px
SUFFIXES = ["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "gif", "avif"]


@st.cache_resource(show_spinner=False)
def _memory() -> tuple[OrderedDict, Lock]:
    """Maps that were made before, by what they were asked for; shared by all tabs."""
    return OrderedDict(), Lock()


def maps_of(run: Run, samples: Sequence[str], every: bool, request: MapRequest) -> RunMaps:
    """The maps of one run at some faces; a face that was looked at before costs nothing. Raises LabError."""
    memory, lock = _memory()
    allowed = bounds.allowed()  # a map shows its photo, which must not be seen once the lab looks elsewhere
    keys = {
        name: (run.dir, run.key, name, every, request, face_maps.version(run, [name], request.which), allowed)
        for name in samples
    }
    with lock:
        maps = {name: memory[key] for name, key in keys.items() if key in memory}
    missing = [name for name in samples if name not in maps]
    make = face_maps.every_fold if every else face_maps.held_out
    fresh = make(run, missing, request) if missing else RunMaps(())
    maps |= {name: faces for name in missing if (faces := fresh.of(name))}
    with lock:
        for name, faces in maps.items():
            memory[keys[name]] = faces
            memory.move_to_end(keys[name])
        while len(memory) > REMEMBERED:
            memory.popitem(last=False)
    return RunMaps(tuple(face for name in samples for face in maps.get(name, ())), fresh.faults)


def show(run: Run, answers: Answers, others: list[Run], summaries: Sequence[dict], neighbours: list[str]) -> None:
    """Maps of the chosen faces, or what to do to see some. neighbours: what the gallery pages through."""
    samples = address.chosen(answers)
    if not samples:  # else the photo's own name is heading enough
        theme.heading("Maps")
    with st.container(horizontal=True, vertical_alignment="center"):
        mistakes.step(answers, neighbours)
    if not samples:
        st.info("Choose up to eight photos: their maps appear here.", icon=":material/touch_app:")
        return
    place = st.container()  # above the controls: what was chosen is seen first
    setting = controls(run, answers.class_names, answers.which)
    maps: list[RunMaps] = []
    with place, st.spinner(f"Looking through {count(len(samples))} photo{'s' * (len(samples) > 1)}", show_time=True):
        for each in (run, *others):
            for which in setting.checkpoints:
                try:
                    maps.append(maps_of(each, samples, setting.every, replace(setting.request, which=which)))
                except LabError as error:
                    badges.show_error(error)
    with place:
        draw(maps, samples, setting, summaries, follow=True)


def draw(
    maps: Sequence[RunMaps],
    samples: Sequence[str],
    setting: Setting,
    summaries: Sequence[dict],
    *,
    follow: bool = False,
) -> None:
    """The grid, a line that explains it, the downloads. maps: of a run or checkpoint each. summaries: of all runs.

    follow: as of canvas.draw.
    """
    rows: list[canvas.Row] = []
    drawn: list[FaceMaps] = []
    for sample in samples:
        faces = [face for of_run in maps for face in of_run.of(sample)]
        for place, face in enumerate(faces):
            rows.append(_row(face, setting, summaries, rule=place == 0 and bool(rows)))
        drawn += faces
        for fault in {str(fault): fault for of_run in maps if (fault := of_run.faults.get(sample))}.values():
            badges.show_error(fault)
    if not rows:
        return
    cells = picture.cells_in_words(drawn)
    layers = [canvas.Column(name, words) for name, words in zip(setting.request.layers, cells, strict=True)]
    photo = canvas.Column("as the network sees it", picture.size_in_words(drawn))
    canvas.draw([photo, *layers], rows, setting.paint, key="look-maps", follow=follow)
    explain(setting, drawn)
    paint = setting.paint
    downloads.buttons(
        "maps-" + "-".join(dict.fromkeys(id_of(face.run_id)[-4:] for face in drawn)),
        lambda: picture.sheet(drawn, paint.colours, paint.opacity, paint.overlaid),
        lambda: picture.arrays(drawn),
        arrays_help="The maps as numbers, with what they are of.",
    )
    if setting.trust:
        notes.measure(drawn, setting.request)


def _row(face: FaceMaps, setting: Setting, summaries: Sequence[dict], rule: bool) -> canvas.Row:
    beneath = notes.beneath(face, setting.request, setting.trust)
    return canvas.Row(
        title=face.title,
        photo=face.photo,
        cells=[
            canvas.Cell(picture.grey(heat, face.signed), note, verdict)
            for heat, (note, verdict) in zip(face.maps, beneath, strict=True)
        ],
        lines=face.lines,
        colour=run_picker.colour_of(id_of(face.run_id), summaries),
        rule=rule,
        signed=face.signed,
    )


def _of_uploads(
    run: Run, contents: dict[str, bytes], request: MapRequest, folds: Mapping[str, tuple[int, ...]]
) -> RunMaps:
    """The maps of uploaded photos. They are nobody else's: what is remembered of them lies in this session alone.

    Raises LabError.
    """
    digests = tuple((name, hashlib.sha256(content).digest()) for name, content in contents.items())
    key = (run.key, digests, request, dict(folds), face_maps.version(run, [], request.which))
    remembered = st.session_state.get(UPLOADED)
    if remembered is None or remembered[0] != key:
        remembered = st.session_state[UPLOADED] = (key, _look_at(run, contents, request, folds))
    return remembered[1]


def _look_at(
    run: Run, contents: dict[str, bytes], request: MapRequest, folds: Mapping[str, tuple[int, ...]]
) -> RunMaps:
    photos: dict[tuple[int, ...] | None, dict[str, np.ndarray]] = {}  # by the folds that look at them
    faults, bits = {}, run.bits()
    for name, content in contents.items():
        try:
            photos.setdefault(folds.get(name), {})[name] = decode(io.BytesIO(content), bits)
        except LabError as error:
            faults[name] = LabError(f"photo {name}: {error.message}", error.remedy, error.kind)
    maps = [face_maps.of_uploads(run, pixels, request, of_photos) for of_photos, pixels in photos.items()]
    return RunMaps(tuple(face for of_folds in maps for face in of_folds.faces), faults)


def of_contents(
    run: Run,
    class_names: Sequence[str],
    which: str,
    contents: dict[str, bytes],
    summaries: Sequence[dict],
    folds: Mapping[str, tuple[int, ...]],
) -> None:
    """The controls, and maps of photos that are no samples of the run. contents: of files, by the photo's name.

    folds: which of them may look at a photo, by its name; all where nothing is said of it.
    """
    setting = controls(run, class_names, which, uploaded=True)
    try:
        with st.spinner(f"Looking through {count(len(contents))} photo{'s' * (len(contents) > 1)}", show_time=True):
            maps = _of_uploads(run, contents, setting.request, folds)
    except LabError as error:
        badges.show_error(error)
        return
    draw([maps], list(contents), setting, summaries)


def contents_of(files: Sequence[UploadedFile]) -> dict[str, bytes]:
    """By name; of two files with one name the second gets a number."""
    contents: dict[str, bytes] = {}
    for file in files:
        name = file.name if file.name not in contents else f"{file.name} ({len(contents) + 1})"
        contents[name] = file.getvalue()
    return contents


def explain(setting: Setting, drawn: Sequence[FaceMaps]) -> None:
    words = (
        "Each map is scaled to its own largest value, so colours tell where, not how much. "
        "Early layers see edges everywhere; a late layer shows what the answer was taken from."
    )
    if setting.every and setting.uploaded and any(face.fold is None for face in drawn):
        words += " Mean and disagreement are over the folds."
    elif setting.every:
        words += " Only the held-out fold had never seen the person; mean and disagreement are over all folds."
    if setting.request.minus:
        words += " Warm speaks for the first class, cold for the second."
    elif not setting.uploaded:
        words += " Beneath: the share of heat by region; the boxes are set under Groups."
    if any(is_coarse(grid) for face in drawn for grid in face.grids):
        words += (
            f" A map with fewer than {count(LEAST)} x {count(LEAST)} cells is drawn as its cells: it is too coarse to "
            "say where on the photo, so nothing is said about regions."
        )
    st.caption(words)
    if setting.trust and setting.request.minus:
        st.caption("Trust is measured for the map of one class, not for a difference.")
    elif setting.trust:
        st.caption(notes.meaning())
