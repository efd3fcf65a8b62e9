"""A grid of photos that are chosen by a click, Enter or Space. Everything written on it is text, never markup."""

from __future__ import annotations

import base64
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.data.pictures.photo import StoredPhoto
from core.data.thumbnails import thumbnails
from core.errors import LabError
from pages.parts.selection.several import Several

_CSS = """
.data-gallery { display: grid; grid-template-columns: repeat(auto-fill, minmax(118px, 1fr)); gap: .7rem .6rem;
  align-items: start; }
.data-gallery button { all: unset; box-sizing: border-box; cursor: pointer; min-width: 0; font-size: .78rem;
  line-height: 1.35; border-radius: 6px; padding: 3px; overflow-wrap: anywhere; color: var(--st-text-color); }
.data-gallery button:hover { background: color-mix(in srgb, currentColor 8%, transparent); }
.data-gallery button:focus-visible { outline: 2px solid var(--st-primary-color); }
.data-gallery button[aria-pressed="true"] { box-shadow: 0 0 0 2px var(--st-primary-color); }
.data-gallery button { position: relative; }
.data-gallery .data-picked { position: absolute; top: 0; right: 0; width: 1.3rem; height: 1.3rem; display: grid;
  place-items: center; border-radius: 0 6px 0 6px; background: var(--st-primary-color); font-weight: 700;
  color: var(--st-background-color); }
.data-gallery img, .data-gallery .data-gone { width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: 4px;
  display: grid; place-items: center; margin-bottom: .2rem; box-sizing: border-box; }
.data-gallery .data-gone { background: color-mix(in srgb, currentColor 8%, transparent); padding: .3rem;
  font-size: .7rem; text-align: center; overflow: hidden; }
.data-gallery h4 { grid-column: 1 / -1; margin: .5rem 0 0; padding: 0 3px; font-size: .95rem; font-weight: 600; }
.data-gallery h4 span { opacity: .72; font-weight: 400; font-size: .82rem; margin-left: .5rem; }
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
  const order = data.cells.map(cell => cell.sample);
  const more = (sample, range) => {  // with Ctrl one, with Shift all from the one that was clicked before
    const [from, to] = [order.indexOf(host.dataset.last ?? ""), order.indexOf(sample)].sort((a, b) => a - b);
    setTriggerValue("more", {samples: range && from >= 0 ? order.slice(from, to + 1) : [sample], range});
  };
  host.replaceChildren(...data.cells.flatMap(cell => {
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
    if (cell.selected) {
      const picked = text("span", "✓", "data-picked");
      picked.setAttribute("role", "img");
      picked.setAttribute("aria-label", "selected");
      tile.append(picked);
    }
    tile.onclick = event => {
      if (data.several && (data.always || event.ctrlKey || event.metaKey || event.shiftKey)) {
        more(cell.sample, event.shiftKey);
      } else setTriggerValue("photo", cell.sample);
      host.dataset.last = cell.sample;
    };
    if (!cell.heading) return [tile];
    const heading = text("h4", cell.heading[0]);
    heading.append(text("span", cell.heading[1]));
    return [heading, tile];
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
    """One photo of a gallery. first and second: what stands below it; mark: a word in colour, "" for none.

    heading: what the photos from here on have in common, and how many they are; None where that goes on.
    """

    photo: StoredPhoto
    first: str
    second: str = ""
    mark: str = ""
    heading: tuple[str, str] | None = None


def gallery(
    tiles: Sequence[Tile],
    picked: Callable[[str], None],
    *,
    key: str,
    chosen: Collection[str] = (),
    selected: Collection[str] = (),
    several: Several | None = None,
) -> None:
    """Draw a gallery. picked(sample) is called after a click. chosen, selected: samples that are marked so."""
    draw(cells_of(tiles, chosen, selected), picked, key=key, several=several)


def draw(
    cells: list[dict[str, Any]], picked: Callable[[str], None], *, key: str, several: Several | None = None
) -> None:
    """A gallery of what `cells_of` gives, or of photos that lie nowhere."""

    def clicked() -> None:
        if (sample := st.session_state[key].get("photo")) is not None:
            picked(sample)

    def added() -> None:
        if several is not None and (more := st.session_state[key].get("more")) is not None:
            several.take([str(sample) for sample in more["samples"]], bool(more["range"]))

    data = {"cells": cells, "several": several is not None, "always": several is not None and several.always}
    _GALLERY(key=key, data=data, on_photo_change=clicked, on_more_change=added)


def cells_of(
    tiles: Sequence[Tile], chosen: Collection[str] = (), selected: Collection[str] = ()
) -> list[dict[str, Any]]:
    """What is sent to the browser for each tile: its picture as base64, or what is wrong with it."""
    cells, marked = [], set(selected)
    for tile, data in zip(tiles, thumbnails([tile.photo for tile in tiles]), strict=True):
        fault = data.message if isinstance(data, LabError) else ""
        cells.append(
            {
                "sample": tile.photo.sample,
                "image": "" if fault else base64.b64encode(data).decode(),
                "fault": fault,
                "first": tile.first,
                "second": tile.second,
                "selected": tile.photo.sample in marked,
                "mark": tile.mark,
                "heading": tile.heading,
                "chosen": tile.photo.sample in chosen,
            }
        )
    return cells
