"""Regions of the face on the Look inside page: boxes that are drawn on a photo and live in the address."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import astuple

import numpy as np
import pandas as pd
import streamlit as st

from core.data.pictures.photo import StoredPhoto
from core.errors import LabError
from core.inside import regions
from core.inside.face_maps import FaceMaps
from core.inside.regions import Boxes
from core.runs import Run
from pages.parts.look_inside import address, mistakes

NAMES = ("face", "eyes and brows", "nose and mouth")  # in the order of Boxes
SHORT = {
    "eyes and brows": "eyes",
    "nose and mouth": "mouth",
    "cheeks and forehead": "cheeks",
    "hair and background": "background",
}

_CSS = """
.look-boxes { position: relative; max-width: 320px; touch-action: none; user-select: none; }
.look-boxes img { width: 100%; display: block; border-radius: 4px; }
.look-boxes button { all: unset; position: absolute; box-sizing: border-box; border: 2px solid var(--tone);
  cursor: move; border-radius: 3px; }
.look-boxes button:focus-visible { box-shadow: 0 0 0 2px var(--st-primary-color); }
.look-boxes button span { position: absolute; left: 0; top: 0; font-size: .68rem; line-height: 1.2; padding: 0 .25rem;
  background: var(--tone); color: #fff; pointer-events: none; }
.look-boxes button i { position: absolute; right: -6px; bottom: -6px; width: 11px; height: 11px; border-radius: 50%;
  background: var(--tone); border: 1.5px solid #fff; cursor: nwse-resize; }
"""

_JS = """
const TONES = ["#7d8590", "#0072B2", "#D55E00"];

export default function({parentElement, data, setTriggerValue}) {
  const host = parentElement.querySelector(".look-boxes");
  const boxes = data.boxes.map(box => [...box]);
  const image = document.createElement("img");
  image.src = data.image; image.alt = "A photo with the boxes of the regions"; image.draggable = false;
  const round = value => Math.round(value * 1000) / 1000;
  const send = () => setTriggerValue("boxes", boxes.map(box => box.map(round)));
  const items = boxes.map((box, i) => {
    const item = document.createElement("button"), name = document.createElement("span");
    item.type = "button";
    name.textContent = data.names[i];
    item.append(name, document.createElement("i"));
    item.setAttribute("aria-label", data.names[i] + ": arrow keys move it, with Shift they resize it");
    item.style.setProperty("--tone", TONES[i]);
    const place = () => Object.assign(item.style, {left: 100 * box[0] + "%", top: 100 * box[1] + "%",
      width: 100 * (box[2] - box[0]) + "%", height: 100 * (box[3] - box[1]) + "%"});
    const shift = (start, dx, dy, resize) => {
      const w = start[2] - start[0], h = start[3] - start[1];
      if (resize) {
        box[2] = Math.min(1, Math.max(box[0] + .02, start[2] + dx));
        box[3] = Math.min(1, Math.max(box[1] + .02, start[3] + dy));
      } else {
        box[0] = Math.min(1 - w, Math.max(0, start[0] + dx)); box[2] = box[0] + w;
        box[1] = Math.min(1 - h, Math.max(0, start[1] + dy)); box[3] = box[1] + h;
      }
      place();
    };
    item.onpointerdown = event => {
      event.preventDefault();
      item.setPointerCapture(event.pointerId);
      const start = [...box], x = event.clientX, y = event.clientY, resize = event.target.tagName === "I";
      const frame = host.getBoundingClientRect();
      item.onpointermove = move =>
        shift(start, (move.clientX - x) / frame.width, (move.clientY - y) / frame.height, resize);
      item.onpointerup = () => { item.onpointermove = item.onpointerup = null; send(); };
    };
    item.onkeydown = event => {
      const step = {ArrowLeft: [-.01, 0], ArrowRight: [.01, 0], ArrowUp: [0, -.01], ArrowDown: [0, .01]}[event.key];
      if (!step) return;
      event.preventDefault(); event.stopPropagation();
      shift([...box], step[0], step[1], event.shiftKey);
      clearTimeout(host.later);
      host.later = setTimeout(send, 600);
    };
    place();
    return item;
  });
  host.replaceChildren(image, ...items);
}
"""

_BOXES = st.components.v2.component(
    "facet_boxes", html='<div class="look-boxes"></div>', css=_CSS, js=_JS, isolate_styles=False
)


def boxes_of(samples: pd.DataFrame) -> Boxes | None:
    """The boxes in the address, else a guess where the photos are known to show faces. samples: the run's table."""
    try:
        numbers = [float(value) for value in st.query_params.get("boxes", "").split("_")]
        if len(numbers) == 12:
            return Boxes(*(tuple(numbers[i : i + 4]) for i in (0, 4, 8)))
    except (ValueError, LabError):
        pass
    return regions.guessed(samples)


def unplaced(samples: pd.DataFrame) -> None:
    """In the place of the editor where there are no boxes yet."""
    st.caption(
        "Nothing in the dataset tells that its photos show faces, so it is not guessed where eyes, nose and mouth are. "
        "Place the boxes to have shares by region."
    )
    boxes = _in_address(astuple(regions.PRESETS[regions.preset_for(samples)]))
    st.button("Place the boxes", icon=":material/add_box:", on_click=address.put, kwargs={"boxes": boxes})


def _in_address(boxes: Iterable[Iterable[float]]) -> str:
    return "_".join(f"{side:g}" for box in boxes for side in box)


def editor(boxes: Boxes, photo: StoredPhoto) -> None:
    """The boxes on a photo, to be moved and resized."""
    image, fault = mistakes.thumbnail(photo, 480)
    if fault:
        st.caption(f"No photo to draw the boxes on: {fault}.")
        return

    def moved() -> None:
        if (boxes := st.session_state["look-boxes"].get("boxes")) is not None:
            address.put(boxes=_in_address(boxes))

    data = {"image": image, "names": list(NAMES), "boxes": [list(box) for box in astuple(boxes)]}
    _BOXES(key="look-boxes", data=data, on_boxes_change=moved)
    st.caption(
        "Drag a box, or its corner. Cheeks and forehead are what is left of the face; hair and background what is left "
        "of the photo."
    )
    st.button("Reset the boxes", icon=":material/restart_alt:", on_click=address.put, kwargs={"boxes": None})


def notes(run: Run, face: FaceMaps, boxes: Boxes, size: tuple[int, int]) -> list[str]:
    """What share of each layer's heat lies where, in a few words. size: (width, height) of the photo, in pixels."""
    masks = regions.masks(boxes, *size, run.config().transforms)
    (layers,) = regions.shares(np.nan_to_num(face.maps)[None], masks)
    return [_note(shares) for shares in layers]


def _note(shares: np.ndarray) -> str:
    """shares: (regions,) of one layer's heat; NaN where it has none."""
    if np.isnan(shares).any():
        return ""
    parts = (
        f"{SHORT[name]} {100 * share:.0f}\N{NO-BREAK SPACE}%"
        for name, share in zip(regions.REGIONS, shares, strict=True)
    )
    return " · ".join(parts)
