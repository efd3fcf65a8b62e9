"""Look inside, its second half: what every layer of every chosen model attended to in the chosen faces."""

from __future__ import annotations

import hashlib
import io
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from threading import Lock

import streamlit as st

from core.answers.mistakes import Answers
from core.data.images import decode
from core.errors import LabError
from core.inside import face_maps, picture
from core.inside.face_maps import FaceMaps, MapRequest
from core.runs import Run
from core.text import count
from pages.parts.look_inside import address, canvas, mistakes
from pages.parts.look_inside import notes as look_notes
from pages.parts.look_inside.controls import Setting, controls
from pages.parts.shared import badges, run_picker, theme

UPLOADED = "look-uploaded"  # in the session: what was seen in the uploads, until they are taken away
KEPT = 64  # faces whose maps are remembered, a run and a wish each; 1 MB for five layers at 224 px


@st.cache_resource(show_spinner=False)
def _memory() -> tuple[OrderedDict, Lock]:
    """Looks that were made before, by what they were asked for; shared by all tabs."""
    return OrderedDict(), Lock()


def looks_of(run: Run, samples: Sequence[str], every: bool, wish: MapRequest) -> face_maps.RunMaps:
    """The looks of one run at some faces; a face that was looked at before costs nothing. Raises LabError."""
    memory, lock = _memory()
    keys = {name: (run.dir, name, every, wish, face_maps.version(run, [name], wish.which)) for name in samples}
    with lock:
        known = {name: memory[key] for name, key in keys.items() if key in memory}
    fresh = [name for name in samples if name not in known]
    made = (face_maps.every_fold if every else face_maps.held_out)(run, fresh, wish) if fresh else face_maps.RunMaps(())
    known |= {name: found for name in fresh if (found := made.of(name))}
    with lock:
        for name, found in known.items():
            memory[keys[name]] = found
            memory.move_to_end(keys[name])
        while len(memory) > KEPT:
            memory.popitem(last=False)
    return face_maps.RunMaps(tuple(look for name in samples for look in known.get(name, ())), made.faults)


def show(run: Run, answers: Answers, others: list[Run], listed: Sequence[dict], neighbours: list[str]) -> None:
    """Maps of the chosen faces, or what to do to see some. neighbours: what the gallery pages through."""
    theme.heading("Maps")
    samples = address.chosen(answers)
    with st.container(horizontal=True, vertical_alignment="center"):
        mistakes.step(answers, neighbours)
    if not samples:
        st.info("Choose up to eight faces above: their maps appear here.", icon=":material/touch_app:")
        return
    setting = controls(answers, run)
    found: list[face_maps.RunMaps] = []
    with st.spinner(f"Looking through {count(len(samples))} face{'s' * (len(samples) > 1)}", show_time=True):
        for each in (run, *others):
            for which in setting.checkpoints:
                try:
                    found.append(looks_of(each, samples, setting.every, replace(setting.wish, which=which)))
                except LabError as error:
                    badges.show_error(error)
    draw(found, samples, setting, listed)


def draw(found: Sequence[face_maps.RunMaps], samples: Sequence[str], setting: Setting, listed: Sequence[dict]) -> None:
    """The grid, a line that explains it, and the downloads. found: a run or checkpoint each. listed: all runs."""
    rows: list = []
    shown: list = []
    for sample in samples:
        first = True
        for look in (look for answer in found for look in answer.of(sample)):
            notes = look_notes.beneath(look, setting.wish, setting.trust)
            cells = [
                canvas.Cell(picture.grey(heat, look.signed), note) for heat, note in zip(look.maps, notes, strict=True)
            ]
            colour, rule = run_picker.colour_of(look.run_id, listed), first and bool(rows)
            rows.append(canvas.Row(look.title, look.photo, cells, look.lines, colour, rule, look.signed))
            shown.append(look)
            first = False
        for fault in {str(fault): fault for answer in found if (fault := answer.faults.get(sample))}.values():
            badges.show_error(fault)
    if not rows:
        return
    canvas.draw(["as the network sees it", *setting.wish.layers], rows, setting.paint, key="look-maps")
    explain(setting)
    downloads(shown, setting)
    if setting.trust:
        look_notes.measure(shown, setting.wish)


def _uploaded(run: Run, contents: dict[str, bytes], wish: MapRequest) -> face_maps.RunMaps:
    """The looks at uploaded photos. They are nobody else's: what is remembered of them lies in this session alone.

    Raises LabError.
    """
    digests = tuple((name, hashlib.sha256(content).digest()) for name, content in contents.items())
    key = (run.id, digests, wish, face_maps.version(run, [], wish.which))
    kept = st.session_state.get(UPLOADED)
    if kept is None or kept[0] != key:
        kept = st.session_state[UPLOADED] = (key, _look_at(run, contents, wish))
    return kept[1]


def _look_at(run: Run, contents: dict[str, bytes], wish: MapRequest) -> face_maps.RunMaps:
    photos, faults = {}, {}
    for name, content in contents.items():
        try:
            photos[name] = decode(io.BytesIO(content))
        except LabError as error:
            faults[name] = LabError(f"photo {name}: {error.message}", error.remedy, error.kind)
    shown = face_maps.of_uploads(run, photos, wish)
    return face_maps.RunMaps(shown.faces, faults)


def uploads(run: Run, answers: Answers, listed: Sequence[dict]) -> None:
    """Faces that no run knows: every fold may judge them, for none has seen them."""
    given = st.file_uploader(
        "Photos of faces", accept_multiple_files=True, max_upload_size=20, key="look-uploads",
        type=["jpg", "jpeg", "png", "webp", "bmp", "tif", "tiff", "gif", "avif"],
        help="At most eight, cropped as the run crops its photos. Nothing of them is kept when the tab is closed.",
    )  # fmt: skip
    st.caption(
        "No fold has seen an uploaded face, so every fold's model judges it. If the person is in the dataset, choose "
        "the face under Mistakes and maps instead: there only the fold that held the person out is asked."
    )
    if not given:
        st.session_state.pop(UPLOADED, None)
        return
    if len(given) > address.MOST_FACES:
        st.html(badges.fault(f"{len(given)} photos are too many.", f"The first {address.MOST_FACES} are shown."))
    contents: dict[str, bytes] = {}
    for each in given[: address.MOST_FACES]:
        name = each.name if each.name not in contents else f"{each.name} ({len(contents) + 1})"
        contents[name] = each.getvalue()
    setting = controls(answers, run, uploaded=True)
    try:
        with st.spinner(f"Looking through {count(len(contents))} face{'s' * (len(contents) > 1)}", show_time=True):
            found = _uploaded(run, contents, setting.wish)
    except LabError as error:
        badges.show_error(error)
        return
    draw([found], list(contents), setting, listed)


def explain(setting: Setting) -> None:
    words = (
        "Each map is scaled to its own largest value, so colours tell where, not how much. "
        "Early layers see edges everywhere; a late layer shows what the answer was taken from."
    )
    if setting.every:
        words += " Only the held-out fold had never seen the person; mean and disagreement are over all folds."
    if setting.wish.minus:
        words += " Warm speaks for the first class, cold for the second."
    elif not setting.uploaded:
        words += " Beneath: the share of heat by region; the boxes are set under Groups."
    st.caption(words)
    if setting.trust and setting.wish.minus:
        st.caption("Trust is measured for the map of one class, not for a difference.")
    elif setting.trust:
        st.caption(look_notes.meaning())


def downloads(shown: list[FaceMaps], setting: Setting) -> None:
    paint = setting.paint
    name = "maps-" + "-".join(dict.fromkeys(look.run_id[-4:] for look in shown))
    with st.container(horizontal=True):
        st.download_button(
            "Download PNG", lambda: picture.sheet(shown, paint.colours, paint.opacity, paint.overlaid),
            f"{name}.png", "image/png", icon=":material/image:", on_click="ignore",
        )  # fmt: skip
        st.download_button(
            "Download NPZ", lambda: picture.arrays(shown), f"{name}.npz", "application/octet-stream",
            icon=":material/data_array:", on_click="ignore", help="The maps as numbers, with what they are of.",
        )  # fmt: skip
