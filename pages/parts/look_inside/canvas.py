"""Maps on screen: a grid of faces x layers that the browser paints, so that opacity, colours and the value under the
pointer cost no computation. Heat travels as 8-bit grey PNG, photos as JPEG."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import streamlit as st

from core.inside import picture
from pages.parts.look_inside.mistakes import data_uri

_CSS = """
.look-room { container-type: inline-size; scroll-margin-top: 4.5rem; }
.look-maps { overflow-x: auto; color: var(--st-text-color); }
.look-maps .look-head { position: sticky; left: 0; display: flex; flex-wrap: wrap; gap: .2rem 1.4rem; font-size: .82rem;
  min-height: 1.6rem; opacity: .85; font-variant-numeric: tabular-nums; }
.look-maps .look-value { flex: 1 1 24rem; }
.look-maps .look-legend { display: flex; align-items: center; gap: .4rem; font-size: .74rem; }
.look-maps .look-legend i { width: 6.5rem; height: .6rem; border-radius: 3px; }
.look-maps .look-grid { display: grid; gap: .35rem; align-items: start; max-width: var(--widest);
  grid-template-columns: minmax(7.5rem, 11rem) repeat(var(--columns), minmax(64px, 1fr)); }
.look-maps figure .look-title { display: none; }
.look-maps .look-title { font-size: .8rem; font-weight: 600; text-align: center; overflow-wrap: anywhere; }
.look-maps .look-title small { display: block; font-weight: 400; font-size: .7rem; opacity: .8; }
.look-maps .look-face { font-size: .78rem; line-height: 1.35; overflow-wrap: anywhere; padding-right: .3rem; }
.look-maps .look-face b { display: flex; gap: .35rem; align-items: baseline; font-weight: 600; }
.look-maps .look-face i { flex: none; width: .6rem; height: .6rem; border-radius: 50%; display: inline-block; }
.look-maps .look-face small { display: block; opacity: .78; font-variant-numeric: tabular-nums; }
.look-maps figure { margin: 0; min-width: 0; }
.look-maps .look-place { position: relative; }
.look-maps canvas, .look-maps img { width: 100%; display: block; border-radius: 4px; }
.look-maps canvas { cursor: crosshair; }
.look-maps canvas:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
.look-maps figcaption { font-size: .7rem; line-height: 1.35; opacity: .82; text-align: center; white-space: pre-line;
  font-variant-numeric: tabular-nums; }
.look-maps .look-trust { all: unset; cursor: help; display: block; width: fit-content; margin: .15rem auto 0;
  padding: 0 .5rem; border-radius: 999px; font-size: .74rem; font-weight: 600; line-height: 1.5;
  color: color-mix(in srgb, var(--c) 45%, currentColor); background: color-mix(in srgb, var(--c) 18%, transparent); }
.look-maps .look-trust::before { content: ""; display: inline-block; width: .5rem; height: .5rem; border-radius: 50%;
  margin-right: .35rem; background: var(--c); }
.look-maps .look-trust:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
.look-maps .look-tip { position: fixed; z-index: 1000; max-width: 20rem; padding: .4rem .6rem; border-radius: 6px;
  font-size: .76rem; line-height: 1.45; white-space: pre-line; pointer-events: none; display: none;
  background: var(--st-text-color); color: var(--st-background-color); font-variant-numeric: tabular-nums; }
.look-maps .look-cross { position: absolute; width: 9px; height: 9px; margin: -5px 0 0 -5px; border-radius: 50%;
  border: 1.5px solid #fff; box-shadow: 0 0 0 1px #000; pointer-events: none; display: none; }
@container (max-width: 760px) {
  .look-maps .look-grid { grid-template-columns: repeat(var(--columns), minmax(64px, 1fr)); }
  .look-maps .look-corner { display: none; }
  .look-maps .look-face { grid-column: 1 / -1; }
  .look-maps .look-face small { display: inline-block; margin-right: .9rem; }
  .look-maps .look-alone { grid-template-columns: repeat(3, minmax(0, 1fr)); max-width: 34rem; }
  .look-maps .look-alone > .look-title { display: none; }
  .look-maps .look-alone figure .look-title { display: block; min-height: 2.4em; }
}
.look-maps .look-rule { grid-column: 1 / -1; border-top: 1px solid color-mix(in srgb, currentColor 14%, transparent); }
"""

_JS = """
const HINT = "Point at a map to read its value; by keys: arrows, Page Down.";

function text(tag, content, name) {
  const element = document.createElement(tag);
  if (name) element.className = name;
  element.textContent = content;
  return element;
}

async function pixels(source) {
  const image = new Image();
  await new Promise((loaded, failed) => {  // decode() may wait for ever in a page that is not drawn just now
    image.onload = loaded; image.onerror = () => failed(new Error("a map that is no picture")); image.src = source;
  });
  const board = document.createElement("canvas");
  board.width = image.naturalWidth; board.height = image.naturalHeight;
  const pen = board.getContext("2d", {willReadFrequently: true});
  pen.drawImage(image, 0, 0);
  return pen.getImageData(0, 0, board.width, board.height);
}

function paint(canvas, heat, photo, style, signed) {
  canvas.width = heat.width; canvas.height = heat.height;
  const pen = canvas.getContext("2d"), out = pen.createImageData(heat.width, heat.height);
  const lut = signed ? style.signed : style.plain, zero = signed ? 128 : 0, span = signed ? 127 : 255;
  for (let i = 0; i < out.data.length; i += 4) {
    const value = heat.data[i], warm = Math.min(1, Math.abs(value - zero) / span);
    const alpha = style.overlaid ? style.opacity * warm : 1;
    for (let c = 0; c < 3; c++)
      out.data[i + c] = (photo && style.overlaid ? photo.data[i + c] * (1 - alpha) : 0)
        + lut[3 * value + c] * (photo && style.overlaid ? alpha : 1);
    out.data[i + 3] = 255;
  }
  pen.putImageData(out, 0, 0);
}

function legend(style, signed) {
  const lut = signed ? style.signed : style.plain, stops = [];
  for (let i = 0; i <= 16; i++) {
    const at = Math.min(255, Math.max(signed ? 1 : 0, 16 * i));
    stops.push(`rgb(${lut[3 * at]},${lut[3 * at + 1]},${lut[3 * at + 2]})`);
  }
  const scale = text("div", "", "look-legend"), bar = text("i", "");
  bar.style.background = `linear-gradient(90deg, ${stops.join(",")})`;
  scale.append(text("span", signed ? style.poles[0] : "0"), bar, text("span", signed ? style.poles[1] : style.top));
  return scale;
}

function watch(canvas, heat, row, place, signed, top, readout) {
  const crosses = () => row.querySelectorAll(".look-cross");
  const inside = value => Math.min(1, Math.max(0, value));
  const point = at => {
    const px = Math.min(heat.width - 1, Math.floor(at.x * heat.width));
    const py = Math.min(heat.height - 1, Math.floor(at.y * heat.height));
    const grey = heat.data[4 * (py * heat.width + px)];
    const value = signed ? (grey - 128) / 127 : grey / 255;
    readout.textContent = `${place} - x ${Math.round(100 * at.x)} %, y ${Math.round(100 * at.y)} % - `
      + `${value.toFixed(2)} of the ${top}`;
    crosses().forEach(cross => { cross.style.display = "block"; cross.style.left = 100 * at.x + "%";
      cross.style.top = 100 * at.y + "%"; });
  };
  const leave = () => {
    readout.textContent = HINT;
    crosses().forEach(cross => cross.style.display = "none");
  };
  let at = {x: .5, y: .5};
  canvas.onpointermove = event => {
    const box = canvas.getBoundingClientRect();
    point({x: inside((event.clientX - box.left) / box.width), y: inside((event.clientY - box.top) / box.height)});
  };
  canvas.onpointerleave = canvas.onblur = leave;
  canvas.onfocus = () => point(at);
  canvas.onkeydown = event => {
    const all = [...canvas.closest(".look-grid").querySelectorAll("canvas")];
    const step = {ArrowLeft: [-.02, 0], ArrowRight: [.02, 0], ArrowUp: [0, -.02], ArrowDown: [0, .02]}[event.key];
    const turn = {PageUp: -1, PageDown: 1}[event.key];
    if (!step && !turn) return;
    event.preventDefault(); event.stopPropagation();
    if (step) return point(at = {x: inside(at.x + step[0]), y: inside(at.y + step[1])});
    const next = all[all.indexOf(canvas) + turn];
    if (next) { all.forEach(one => one.tabIndex = one === next ? 0 : -1); next.focus(); }
  };
}

function figures(button, words, tip) {
  const show = () => {
    tip.textContent = words;
    tip.style.display = "block";
    const box = button.getBoundingClientRect(), own = tip.getBoundingClientRect();
    tip.style.left = Math.max(4, Math.min(innerWidth - own.width - 4, box.left + box.width / 2 - own.width / 2)) + "px";
    tip.style.top = (box.top > own.height + 8 ? box.top - own.height - 4 : box.bottom + 4) + "px";
  };
  const hide = () => tip.style.display = "none";
  button.onpointerenter = button.onfocus = button.onclick = show;
  button.onpointerleave = button.onblur = hide;
  button.onkeydown = event => {
    const all = [...button.closest(".look-grid").querySelectorAll(".look-trust")];
    const step = {ArrowLeft: -1, ArrowUp: -1, ArrowRight: 1, ArrowDown: 1}[event.key];
    if (event.key === "Escape") hide();
    if (!step) return;
    event.preventDefault(); event.stopPropagation();
    const next = all[all.indexOf(button) + step];
    if (next) { all.forEach(one => one.tabIndex = one === next ? 0 : -1); next.focus(); }
  };
}

async function draw(host, data, asked) {
  const table = text => Uint8Array.from(atob(text), c => c.charCodeAt(0));
  const style = {...data.style, plain: table(data.style.plain), signed: table(data.style.signed)};
  const readout = text("div", HINT, "look-value"), grid = document.createElement("div");
  readout.setAttribute("aria-live", "polite");
  const tip = text("div", "", "look-tip");
  tip.setAttribute("aria-hidden", "true");  // a verdict's own label says the same
  grid.className = "look-grid";
  grid.classList.toggle("look-alone", data.rows.length === 1);
  grid.style.setProperty("--columns", data.columns.length);
  grid.style.setProperty("--widest", 180 + 250 * data.columns.length + "px");
  const heading = column => {
    const title = text("div", column.name, "look-title");
    if (column.note) title.append(text("small", column.note));
    return title;
  };
  grid.append(text("div", "", "look-corner"), ...data.columns.map(heading));
  const before = data.columns.length - data.layers;  // 1 where a photo stands before the maps
  const waiting = [], earlier = host.pictures || new Map(), pictures = host.pictures = new Map();
  const read = source => {  // once: words that come to a map that stands wait for no picture
    if (!pictures.has(source)) pictures.set(source, earlier.get(source) || pixels(source));
    return pictures.get(source);
  };
  for (const row of data.rows) {
    const line = document.createElement("div");
    line.style.display = "contents";
    if (row.rule) line.append(text("div", "", "look-rule"));
    const label = text("div", "", "look-face"), name = text("b", "");
    if (row.colour) { const dot = text("i", ""); dot.style.background = row.colour; name.append(dot); }
    name.append(row.title);
    label.append(name, ...row.lines.map(words => text("small", words)));
    line.append(label);
    const photo = row.image ? read(row.image) : Promise.resolve(null);
    if (before) {
      const frame = document.createElement("figure"), image = document.createElement("img");
      image.src = row.image; image.alt = row.title;
      frame.append(heading(data.columns[0]), image);
      line.append(frame);
    }
    row.cells.forEach((cell, i) => {
      const figure = document.createElement("figure"), canvas = document.createElement("canvas");
      canvas.setAttribute("role", "img");
      canvas.tabIndex = grid.querySelector("canvas") || line.querySelector("canvas") ? -1 : 0;
      const layer = data.columns[i + before].name;
      canvas.setAttribute("aria-label", `${row.title}, ${layer}`);
      const place = text("div", "", "look-place");
      place.append(canvas, text("div", "", "look-cross"));
      figure.append(heading(data.columns[i + before]), place);
      if (cell.note) figure.append(text("figcaption", cell.note));
      if (cell.trust) {
        const word = text("button", cell.trust.word, `look-trust lab-${cell.trust.tone}`);
        word.type = "button";
        word.tabIndex = grid.querySelector(".look-trust") || line.querySelector(".look-trust") ? -1 : 0;
        word.setAttribute("aria-label", `${layer}, ${cell.trust.word}: ${cell.trust.figures.join("; ")}`);
        figures(word, cell.trust.figures.join("\\n"), tip);
        figure.append(word);
      }
      line.append(figure);
      waiting.push((async () => {
        const heat = await read(cell.heat);
        paint(canvas, heat, await photo, style, row.signed);
        watch(canvas, heat, line, `${row.title} - ${layer}`, row.signed, style.top, readout);
      })());
    });
    grid.append(line);
  }
  await Promise.all(waiting);
  if (host.shown > asked) return;  // something newer was faster
  host.shown = asked;
  const head = text("div", "", "look-head");
  head.append(readout);
  for (const signed of [false, true])
    if (data.rows.some(row => row.signed === signed)) head.append(legend(style, signed));
  host.replaceChildren(head, grid, tip);
  const of = data.rows.map(row => row.title).join("\\n"), room = host.parentElement, box = room.getBoundingClientRect();
  const hidden = box.bottom < 120 || box.top > innerHeight - 120;
  if (data.follow && host.dataset.of !== of && hidden) room.scrollIntoView();
  host.dataset.of = of;
  host.dataset.painted = String(waiting.length);
  host.dataset.times = String(1 + Number(host.dataset.times || 0));
}

export default function({parentElement, data}) {
  const host = parentElement.querySelector(".look-maps");
  host.asked = 1 + (host.asked || 0);
  draw(host, data, host.asked).catch(error => console.error("maps:", error && error.stack || error));
}
"""

_MAPS = st.components.v2.component(
    "facet_maps",
    html='<div class="look-room"><div class="look-maps"></div></div>',
    css=_CSS,
    js=_JS,
    isolate_styles=False,
)


@dataclass(frozen=True)
class Verdict:
    """A word in a colour, lab-<tone> of theme.STYLE, with its figures on hover and focus."""

    word: str
    tone: str
    figures: tuple[str, ...]


@dataclass(frozen=True)
class Column:
    """note: small, beneath the name."""

    name: str
    note: str = ""


@dataclass(frozen=True)
class Cell:
    """One map. heat: (h, w) uint8 as picture.grey makes it. note: a few words beneath, and how far to trust it."""

    heat: np.ndarray
    note: str = ""
    trust: Verdict | None = None


@dataclass(frozen=True)
class Row:
    """One face as one model sees it. photo: (h, w, 3) uint8, the size of the maps. rule: a line above it.

    signed: its heat is for (above 128) and against (below) a class.
    """

    title: str
    photo: np.ndarray | None
    cells: Sequence[Cell]
    lines: Sequence[str] = ()
    colour: str = ""
    rule: bool = False
    signed: bool = False


@dataclass(frozen=True)
class Style:
    """How maps are painted. colours: a name in picture.COLOURS. opacity: of the hottest spot, 0..1.

    top: in words, what a value of 1 is. poles: in words, what negative and positive heat means.
    """

    colours: str = "inferno"
    opacity: float = 0.8
    overlaid: bool = True
    top: str = "largest in this map"
    poles: tuple[str, str] = ("against", "for")


def draw(columns: Sequence[Column], rows: Sequence[Row], style: Style, *, key: str, follow: bool = False) -> None:
    """Paint the grid. columns: one a layer; the photo's before them where the rows have photos.

    follow: where other photos are painted than before, out of sight, the page goes there.
    """
    data = {
        "columns": [asdict(column) for column in columns],
        "layers": len(rows[0].cells),
        "rows": [_row_data(row) for row in rows],
        "style": _style_data(style),
        "follow": follow,
    }
    _MAPS(key=key, data=data)


def _row_data(row: Row) -> dict[str, Any]:
    return {
        "title": row.title,
        "lines": list(row.lines),
        "colour": row.colour,
        "rule": row.rule,
        "signed": row.signed,
        "image": "" if row.photo is None else data_uri(row.photo),
        "cells": [
            {
                "heat": data_uri(cell.heat, "PNG"),
                "note": cell.note,
                "trust": None if cell.trust is None else asdict(cell.trust),
            }
            for cell in row.cells
        ],
    }


def _style_data(style: Style) -> dict[str, Any]:
    return {
        "plain": _table(style.colours, False),
        "signed": _table(style.colours, True),
        "opacity": style.opacity,
        "overlaid": style.overlaid,
        "top": style.top,
        "poles": list(style.poles),
    }


def _table(colours: str, signed: bool) -> str:
    return base64.b64encode(picture.lut(colours, signed).tobytes()).decode()
