"""Two elements of Look inside that people click and walk with the keyboard: a confusion matrix and a gallery of faces.

Text reaches the browser as data and is set as textContent, never as markup.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import streamlit as st

from pages.parts.selection.several import Several

# Arrow keys move inside an element that is one stop of the Tab key.
_WALK = """
function walk(host, selector, across) {
  const stops = () => [...host.querySelectorAll(selector)];
  const enter = item => { stops().forEach(stop => stop.tabIndex = -1); if (item) item.tabIndex = 0; };
  if (!stops().some(stop => stop.tabIndex === 0)) enter(stops()[0]);
  host.onkeydown = event => {
    const all = stops(), at = all.indexOf(event.target.closest(selector));
    const step = {ArrowLeft: -1, ArrowRight: 1, ArrowUp: -across(), ArrowDown: across()}[event.key];
    if (at < 0 || step === undefined) return;
    event.preventDefault(); event.stopPropagation();
    const next = all[Math.min(all.length - 1, Math.max(0, at + step))];
    enter(next); next.focus();
  };
}
"""

_MATRIX_CSS = """
.look-narrow { container-type: inline-size; }
.look-matrix { overflow-x: auto; font-size: .8rem; }
.look-matrix table { border-collapse: separate; border-spacing: 2px; font-variant-numeric: tabular-nums; }
.look-matrix th { font-weight: 500; padding: 0 .3rem; white-space: nowrap; color: var(--st-text-color); }
.look-matrix th button { all: unset; cursor: pointer; border-radius: 3px; padding: .1rem .2rem; }
.look-matrix th.look-column { height: 1px; vertical-align: bottom; padding: .2rem 0; text-align: left; }
.look-matrix th.look-column button { writing-mode: vertical-rl; transform: rotate(180deg); line-height: 1.1;
  max-height: 9.5rem; }
.look-matrix th.look-row { text-align: right; }
.look-matrix .look-axis { opacity: .7; font-size: .75rem; }
.look-matrix td { padding: 0; }
.look-matrix td.look-total { opacity: .7; padding: 0 .4rem; text-align: right; }
.look-matrix td button, .look-matrix td span { all: unset; box-sizing: border-box; display: grid; place-items: center;
  min-width: 3.1rem; height: 2.5rem; border-radius: 3px; line-height: 1.1; text-align: center;
  color: var(--st-text-color); }
.look-matrix td button { cursor: pointer; background: color-mix(in srgb, var(--tone) var(--share), transparent);
  box-shadow: inset 0 0 0 1px color-mix(in srgb, currentColor 14%, transparent); }
.look-matrix td span { opacity: .35; }
.look-matrix small { display: block; font-size: .68rem; }
.look-matrix.look-dense { font-size: .7rem; }
.look-matrix.look-dense table { border-spacing: 1px; }
.look-matrix.look-dense td.look-total { padding: 0 .2rem; }
.look-matrix.look-dense td button, .look-matrix.look-dense td span { min-width: 1.5rem; height: 1.5rem; }
.look-matrix.look-dense small { display: none; }
.look-matrix td button { position: relative; }
.look-matrix button i { position: absolute; top: -3px; right: -3px; min-width: 1.05rem; padding: 0 .18rem;
  border-radius: .6rem; font: 600 .64rem/1.05rem system-ui, sans-serif; background: var(--st-primary-color);
  color: var(--st-background-color); }
.look-matrix.look-dense button i { min-width: .5rem; width: .5rem; height: .5rem; padding: 0; font-size: 0; }
@container (max-width: 430px) {
  .look-matrix button i { top: -6px; right: -6px; min-width: .85rem; font-size: .56rem; line-height: .85rem; }
  .look-matrix { font-size: .72rem; }
  .look-matrix table { border-spacing: 1px; }
  .look-matrix th.look-row { white-space: normal; max-width: 4.6rem; padding: 0; }
  .look-matrix td.look-total, .look-matrix .look-axis { padding: 0 .15rem; white-space: normal; }
  .look-matrix:not(.look-dense) td button, .look-matrix:not(.look-dense) td span { min-width: 1.9rem; height: 2.2rem; }
  .look-matrix small { font-size: .6rem; }
}
.look-matrix button:hover { filter: brightness(1.12); box-shadow: inset 0 0 0 1px currentColor; }
.look-matrix button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
.look-matrix button[aria-pressed="true"] { box-shadow: inset 0 0 0 2px var(--st-text-color); }
"""

_MATRIX_JS = (
    _WALK
    + """
export default function({parentElement, data, setTriggerValue}) {
  const host = parentElement.querySelector(".look-matrix"), {names, counts, chosen, dense, selected} = data;
  const text = (tag, content, name) => {
    const element = document.createElement(tag);
    if (name) element.className = name;
    element.textContent = content;
    return element;
  };
  const row = (...cells) => { const line = document.createElement("tr"); line.append(...cells); return line; };
  const press = (element, truth, guess) => {
    element.type = "button";
    const pressed = chosen[0] === truth && chosen[1] === guess;
    element.setAttribute("aria-pressed", String(pressed));
    element.onclick = event => {
      if (data.several && (data.always || event.ctrlKey || event.metaKey || event.shiftKey)) {
        setTriggerValue("more", [truth, guess]);
      } else setTriggerValue("cell", pressed ? [null, null] : [truth, guess]);
    };
    return element;
  };
  const head = (name, truth, guess) => {
    const cell = text("th", "", guess === null ? "look-row" : "look-column");
    const button = press(text("button", name), truth, guess);
    button.title = (guess === null ? "Every photo that is " : "Every photo that was taken for ") + name;
    cell.append(button);
    return cell;
  };
  const table = document.createElement("table");
  const corner = text("th", "true ↓   predicted →", "look-axis");
  table.append(row(corner, ...names.map((name, j) => head(name, null, j)), text("th", "photos", "look-axis")));
  counts.forEach((line, i) => {
    const total = line.reduce((a, b) => a + b, 0);
    table.append(row(head(names[i], i, null), ...line.map((n, j) => {
      const cell = document.createElement("td");
      if (!n) { cell.append(text("span", "·")); return cell; }
      const share = n / total, percent = (100 * share).toFixed(share < .1 ? 1 : 0) + " %";
      const button = press(text("button", ""), i, j), inner = text("div", n.toLocaleString("en"));
      inner.append(text("small", percent));
      button.append(inner);
      button.className = "look-cell";
      button.style.setProperty("--share", Math.round(12 + 48 * share) + "%");
      button.style.setProperty("--tone", i === j ? "#2a9d68" : "#D55E00");
      const what = i === j ? "right" : "taken for " + names[j];
      button.title = `${names[i]}, ${what}: ${n.toLocaleString("en")} of ${total.toLocaleString("en")} (${percent})`;
      if (selected && selected[i][j]) {
        button.append(text("i", selected[i][j].toLocaleString("en")));
        button.title += `, ${selected[i][j].toLocaleString("en")} selected`;
      }
      button.setAttribute("aria-label", button.title);
      cell.append(button);
      return cell;
    }), text("td", total.toLocaleString("en"), "look-total")));
  });
  const at = [...host.querySelectorAll("button")].indexOf(document.activeElement);
  host.classList.toggle("look-dense", dense);
  host.replaceChildren(table);
  walk(host, "button", () => names.length);
  if (at >= 0) host.querySelectorAll("button")[at]?.focus();
}
"""
)

_GALLERY_CSS = """
.look-wide { container-type: inline-size; }
.look-gallery { display: grid; grid-template-columns: repeat(6, minmax(0, 1fr)); gap: .6rem .5rem; align-items: start; }
@container (max-width: 540px) { .look-gallery { grid-template-columns: repeat(4, minmax(0, 1fr)); } }
@container (max-width: 380px) { .look-gallery { grid-template-columns: repeat(3, minmax(0, 1fr)); } }
.look-gallery button { all: unset; box-sizing: border-box; cursor: pointer; min-width: 0; font-size: .77rem;
  line-height: 1.3; border-radius: 6px; padding: 3px; color: var(--st-text-color); overflow-wrap: anywhere;
  position: relative; }
.look-gallery button:focus-visible { outline: 2px solid var(--st-primary-color); }
.look-gallery button:hover, .look-gallery button[aria-pressed="true"] {
  background: var(--st-secondary-background-color); }
.look-gallery button[aria-pressed="true"] { box-shadow: 0 0 0 2px var(--st-primary-color); }
.look-gallery .look-picked { position: absolute; top: 0; right: 0; width: 1.25rem; height: 1.25rem; display: grid;
  place-items: center; border-radius: 0 6px 0 6px; background: var(--st-primary-color); font-weight: 700;
  color: var(--st-background-color); }
.look-gallery .look-picked:empty { display: none; }
.look-gallery img, .look-gallery .look-gone { width: 100%; aspect-ratio: 1; object-fit: cover; border-radius: 4px;
  display: grid; place-items: center; margin-bottom: .25rem; box-sizing: border-box; }
.look-gallery .look-gone { background: color-mix(in srgb, currentColor 8%, transparent); padding: .3rem;
  font-size: .7rem; text-align: center; overflow: hidden; }
.look-gallery .look-right { color: var(--lab-good); }
.look-gallery .look-wrong { color: light-dark(#a84a00, #ec8a45); }
.look-gallery small { display: block; opacity: .75; font-variant-numeric: tabular-nums; }
.look-gallery mark { background: color-mix(in srgb, #c98a00 24%, transparent); color: inherit; border-radius: 3px;
  padding: 0 .25rem; font-size: .7rem; }
"""

_GALLERY_JS = (
    _WALK
    + """
export default function({parentElement, data, setTriggerValue}) {
  const host = parentElement.querySelector(".look-gallery");
  const before = [...host.children].map(tile => tile.dataset.sample);
  const focused = host.contains(document.activeElement) && document.activeElement.dataset.sample;
  const text = (tag, content, name) => {
    const element = document.createElement(tag);
    if (name) element.className = name;
    element.textContent = content;
    return element;
  };
  const make = face => {
    const tile = document.createElement("button");
    tile.type = "button";
    tile.dataset.sample = face.sample;
    let picture = text("div", face.fault, "look-gone");
    if (face.image) {
      picture = document.createElement("img");
      picture.src = face.image;
      picture.alt = "";
      picture.draggable = false;
    }
    const answer = text("div", "→ " + face.predicted, face.right ? "look-right" : "look-wrong");
    tile.append(picture, text("div", face.true), answer);
    for (const line of face.lines) tile.append(text("small", line));
    if (face.mark) tile.append(text("mark", face.mark));
    const picked = text("span", "", "look-picked");
    picked.setAttribute("role", "img");
    picked.setAttribute("aria-label", "selected");
    tile.append(picked);
    tile.title = face.sample;
    return tile;
  };
  const order = data.faces.map(face => face.sample);
  const click = (sample, event) => {  // with Ctrl one, with Shift all from the one that was clicked before
    if (data.several && (data.always || event.ctrlKey || event.metaKey || event.shiftKey)) {
      const [from, to] = [order.indexOf(host.dataset.last ?? ""), order.indexOf(sample)].sort((a, b) => a - b);
      const range = event.shiftKey && from >= 0;
      setTriggerValue("more", {samples: range ? order.slice(from, to + 1) : [sample], range});
    } else setTriggerValue("face", sample);
    host.dataset.last = sample;
  };
  const same = before.length === data.faces.length && data.faces.every((face, i) => face.sample === before[i]);
  if (!same || host.dataset.version !== data.version) host.replaceChildren(...data.faces.map(make));
  host.dataset.version = data.version;
  [...host.children].forEach((tile, i) => {
    tile.setAttribute("aria-pressed", String(data.faces[i].chosen));
    const picked = tile.querySelector(".look-picked");
    picked.textContent = data.faces[i].selected ? "✓" : "";
    picked.hidden = !data.faces[i].selected;
    tile.onclick = event => click(data.faces[i].sample, event);
  });
  walk(host, "button", () => getComputedStyle(host).gridTemplateColumns.split(" ").length);
  if (focused) [...host.children].find(tile => tile.dataset.sample === focused)?.focus();
}
"""
)

_MATRIX = st.components.v2.component(
    "facet_confusion",
    html='<div class="look-narrow"><div class="look-matrix"></div></div>',
    css=_MATRIX_CSS,
    js=_MATRIX_JS,
    isolate_styles=False,
)
_GALLERY = st.components.v2.component(
    "facet_gallery",
    html='<div class="look-wide"><div class="look-gallery" role="group" aria-label="Photos"></div></div>',
    css=_GALLERY_CSS,
    js=_GALLERY_JS,
    isolate_styles=False,
)
DENSE = 9  # classes; above it a cell shows its count only, its share in the tooltip


@dataclass(frozen=True)
class Marks:
    """The selected photos of a matrix. counts: of each cell, (classes, classes). turn(true, predicted): of a click on a
    cell, or on a row's or column's name, with Ctrl. always: whether a plain click does so too."""

    counts: np.ndarray
    turn: Callable[[int | None, int | None], None]
    always: bool = False


def matrix(
    names: Sequence[str],
    counts: np.ndarray,
    chosen: tuple[int | None, int | None],
    picked: Callable[[int | None, int | None], None],
    *,
    key: str,
    marks: Marks | None = None,
) -> None:
    """A confusion matrix of buttons. counts: (classes, classes), rows true. chosen: (true, predicted) indices.

    picked(true, predicted) is called after a click on a cell, or on a row's or column's name (the other is None);
    a second click on the same gives (None, None).
    """

    def clicked() -> None:
        if (cell := st.session_state[key].get("cell")) is not None:
            picked(*cell)

    def added() -> None:
        if marks is not None and (cell := st.session_state[key].get("more")) is not None:
            marks.turn(*cell)

    data = {"names": list(names), "counts": counts.tolist(), "chosen": list(chosen), "dense": len(names) > DENSE}
    if marks is not None:
        data |= {"selected": marks.counts.tolist(), "several": True, "always": marks.always}
    _MATRIX(key=key, data=data, on_cell_change=clicked, on_more_change=added)


def gallery(
    faces: Sequence[dict[str, Any]],
    picked: Callable[[str], None],
    *,
    key: str,
    version: str = "",
    several: Several | None = None,
) -> None:
    """A grid of faces that are chosen and let go by a click, Enter or Space.

    faces: sample, image (data URI, "" if there is none), fault, true, predicted, right, lines, mark, chosen, and
    selected where photos can be selected. picked(sample) is called after a click. version: changes when something but
    the choice changed.
    """

    def clicked() -> None:
        if (sample := st.session_state[key].get("face")) is not None:
            picked(sample)

    def added() -> None:
        if several is not None and (more := st.session_state[key].get("more")) is not None:
            several.take([str(sample) for sample in more["samples"]], bool(more["range"]))

    data: dict[str, Any] = {"faces": list(faces), "version": version}
    if several is not None:
        data |= {"several": True, "always": several.always}
    _GALLERY(key=key, data=data, on_face_change=clicked, on_more_change=added)
