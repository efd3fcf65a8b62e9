"""A grid of photos that are chosen by a click, Enter or Space. Everything written on it is text, never markup."""

from __future__ import annotations

import base64
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.data.pictures.photo import StoredPhoto
from core.data.thumbnails import thumbnails
from core.errors import LabError

_CSS = """
.data-gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(118px, 1fr)); gap: .7rem .6rem; }
.data-gallery button { all: unset; box-sizing: border-box; cursor: pointer; min-width: 0; font-size: .78rem;
  line-height: 1.35; border-radius: 6px; padding: 3px; overflow-wrap: anywhere; color: var(--st-text-color); }
.data-gallery button:hover { background: color-mix(in srgb, currentColor 8%, transparent); }
.data-gallery button:focus-visible { outline: 2px solid var(--st-primary-color); }
.data-gallery button[aria-pressed="true"] { box-shadow: 0 0 0 2px var(--st-primary-color); }
.data-gallery img, .data-gallery .data-gone { width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: 4px;
  display: grid; place-items: center; margin-bottom: .2rem; box-sizing: border-box; }
.data-gallery .data-gone { background: color-mix(in srgb, currentColor 8%, transparent); padding: .3rem;
  font-size: .7rem; text-align: center; overflow: hidden; }
.data-gallery small { display: block; opacity: .72; }
.data-gallery mark { background: color-mix(in srgb, #c98a00 24%, transparent); color: inherit; border-radius: 3px;
  padding: 0 .25rem; font-size: .7rem; }
"""
_JS = """
export default function({parentElement, data, setTriggerValue}) {
  const host = parentElement.querySelector(".data-gallery");
  const focused = host.contains(document.activeElement) && document.activeElement.dataset.sample;
  const text = (tag, content, name) => {
    const made = document.createElement(tag);
    made.className = name || "";
    made.textContent = content;
    return made;
  };
  host.replaceChildren(...data.cells.map(cell => {
    const tile = document.createElement("button");
    tile.type = "button";
    tile.dataset.sample = cell.sample;
    tile.title = cell.sample;
    tile.setAttribute("aria-pressed", String(cell.chosen));
    let picture = text("div", cell.fault, "data-gone");
    if (cell.image) {
      picture = document.createElement("img");
      picture.src = "data:image/jpeg;base64," + cell.image;
      picture.alt = "";
      picture.draggable = false;
    }
    tile.append(picture, text("div", cell.first), text("small", cell.second));
    if (cell.mark) tile.append(text("mark", cell.mark));
    tile.onclick = () => setTriggerValue("photo", cell.sample);
    return tile;
  }));
  if (focused) [...host.children].find(tile => tile.dataset.sample === focused)?.focus();
}
"""
_GALLERY = st.components.v2.component(
    "facet_data_gallery",
    html='<div class="data-gallery" role="group" aria-label="Photos"></div>',
    css=_CSS,
    js=_JS,
    isolate_styles=False,
)


@dataclass(frozen=True)
class Tile:
    """One photo of a gallery. first and second: what stands below it; mark: a word in colour, "" for none."""

    photo: StoredPhoto
    first: str
    second: str = ""
    mark: str = ""


def gallery(tiles: Sequence[Tile], picked: Callable[[str], None], *, key: str, chosen: str | None = None) -> None:
    """Draw a gallery. picked(sample) is called after a click."""
    draw(cells_of(tiles, chosen), picked, key=key)


def draw(cells: list[dict[str, Any]], picked: Callable[[str], None], *, key: str) -> None:
    """A gallery of what `cells_of` gives, or of photos that lie nowhere."""

    def clicked() -> None:
        if (sample := st.session_state[key].get("photo")) is not None:
            picked(sample)

    _GALLERY(key=key, data={"cells": cells}, on_photo_change=clicked)


def cells_of(tiles: Sequence[Tile], chosen: str | None = None) -> list[dict[str, Any]]:
    """What is sent to the browser for each tile: its picture as base64, or what is wrong with it."""
    cells = []
    for tile, data in zip(tiles, thumbnails([tile.photo for tile in tiles]), strict=True):
        fault = data.message if isinstance(data, LabError) else ""
        cells.append(
            {
                "sample": tile.photo.sample,
                "image": "" if fault else base64.b64encode(data).decode(),
                "fault": fault,
                "first": tile.first,
                "second": tile.second,
                "mark": tile.mark,
                "chosen": tile.photo.sample == chosen,
            }
        )
    return cells
