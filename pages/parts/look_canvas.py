"""Maps on screen: a grid of faces x layers that the browser paints, so that opacity, colours and the value under the
pointer cost no computation. Heat travels as 8-bit grey PNG, photos as JPEG."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import streamlit as st

from pages.parts.look_mistakes import data_uri

_CSS = """
.look-maps { overflow-x: auto; color: var(--st-text-color); }
.look-maps .look-value { position: sticky; left: 0; font-size: .82rem; min-height: 1.5rem; opacity: .85;
  font-variant-numeric: tabular-nums; }
.look-maps .look-grid { display: grid; gap: .35rem; align-items: start; max-width: var(--widest); }
.look-maps .look-title { font-size: .8rem; font-weight: 600; text-align: center; overflow-wrap: anywhere; }
.look-maps .look-face { font-size: .78rem; line-height: 1.35; overflow-wrap: anywhere; padding-right: .3rem; }
.look-maps .look-face b { display: flex; gap: .35rem; align-items: baseline; font-weight: 600; }
.look-maps .look-face i { flex: none; width: .6rem; height: .6rem; border-radius: 50%; display: inline-block; }
.look-maps .look-face small { display: block; opacity: .78; font-variant-numeric: tabular-nums; }
.look-maps figure { margin: 0; min-width: 0; position: relative; }
.look-maps canvas, .look-maps img { width: 100%; display: block; border-radius: 4px; }
.look-maps canvas { cursor: crosshair; }
.look-maps figcaption { font-size: .7rem; line-height: 1.35; opacity: .82; text-align: center; white-space: pre-line;
  font-variant-numeric: tabular-nums; }
.look-maps .look-cross { position: absolute; width: 9px; height: 9px; margin: -5px 0 0 -5px; border-radius: 50%;
  border: 1.5px solid #fff; box-shadow: 0 0 0 1px #000; pointer-events: none; display: none; }
.look-maps .look-rule { grid-column: 1 / -1; border-top: 1px solid color-mix(in srgb, currentColor 14%, transparent); }
"""

_JS = """
const HINT = "Point at a map to read its value.";

function text(tag, content, name) {
  const found = document.createElement(tag);
  if (name) found.className = name;
  found.textContent = content;
  return found;
}

async function pixels(source) {
  const image = new Image();
  image.src = source;
  await image.decode();
  const board = document.createElement("canvas");
  board.width = image.naturalWidth; board.height = image.naturalHeight;
  const pen = board.getContext("2d", {willReadFrequently: true});
  pen.drawImage(image, 0, 0);
  return pen.getImageData(0, 0, board.width, board.height);
}

function paint(canvas, heat, photo, style) {
  canvas.width = heat.width; canvas.height = heat.height;
  const pen = canvas.getContext("2d"), out = pen.createImageData(heat.width, heat.height);
  const lut = style.lut, zero = style.signed ? 128 : 0, span = style.signed ? 127 : 255;
  for (let i = 0; i < out.data.length; i += 4) {
    const value = heat.data[i], warm = Math.min(1, Math.abs(value - zero) / span);
    const alpha = style.overlaid ? style.opacity * (style.follow ? warm : 1) : 1;
    for (let c = 0; c < 3; c++)
      out.data[i + c] = (photo && style.overlaid ? photo.data[i + c] * (1 - alpha) : 0)
        + lut[3 * value + c] * (photo && style.overlaid ? alpha : 1);
    out.data[i + 3] = 255;
  }
  pen.putImageData(out, 0, 0);
}

function watch(host, canvas, heat, row, place, style, told) {
  const crosses = () => row.querySelectorAll(".look-cross");
  canvas.onpointermove = event => {
    const box = canvas.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width, y = (event.clientY - box.top) / box.height;
    const px = Math.min(heat.width - 1, Math.max(0, Math.floor(x * heat.width)));
    const py = Math.min(heat.height - 1, Math.max(0, Math.floor(y * heat.height)));
    const grey = heat.data[4 * (py * heat.width + px)];
    const value = style.signed ? (grey - 128) / 127 : grey / 255;
    told.textContent = `${place} - x ${Math.round(100 * x)} %, y ${Math.round(100 * y)} % - `
      + `${value.toFixed(2)} of the largest in this map`;
    crosses().forEach(cross => { cross.style.display = "block"; cross.style.left = 100 * x + "%";
      cross.style.top = 100 * y + "%"; });
  };
  canvas.onpointerleave = () => {
    told.textContent = HINT;
    crosses().forEach(cross => cross.style.display = "none");
  };
}

async function draw(host, data) {
  const style = {...data.style, lut: Uint8Array.from(atob(data.style.lut), c => c.charCodeAt(0))};
  const told = text("div", HINT, "look-value"), grid = document.createElement("div");
  told.setAttribute("aria-live", "polite");
  grid.className = "look-grid";
  grid.style.gridTemplateColumns = `minmax(7.5rem, 11rem) repeat(${data.columns.length}, minmax(64px, 1fr))`;
  grid.style.setProperty("--widest", 180 + 250 * data.columns.length + "px");
  grid.append(text("div", ""), ...data.columns.map(name => text("div", name, "look-title")));
  const before = data.columns.length - data.layers;  // 1 where a photo stands before the maps
  const waiting = [];
  for (const row of data.rows) {
    const line = document.createElement("div");
    line.style.display = "contents";
    if (row.rule) line.append(text("div", "", "look-rule"));
    const label = text("div", "", "look-face"), name = text("b", "");
    if (row.colour) { const dot = text("i", ""); dot.style.background = row.colour; name.append(dot); }
    name.append(row.title);
    label.append(name, ...row.lines.map(words => text("small", words)));
    line.append(label);
    const photo = row.image ? pixels(row.image) : Promise.resolve(null);
    if (before) {
      const shown = document.createElement("figure"), image = document.createElement("img");
      image.src = row.image; image.alt = row.title;
      shown.append(image);
      line.append(shown);
    }
    row.cells.forEach((cell, i) => {
      const figure = document.createElement("figure"), canvas = document.createElement("canvas");
      canvas.setAttribute("role", "img");
      canvas.setAttribute("aria-label", `${row.title}, ${data.columns[i + before]}`);
      figure.append(canvas, text("div", "", "look-cross"));
      if (cell.note) figure.append(text("figcaption", cell.note));
      line.append(figure);
      waiting.push((async () => {
        const heat = await pixels(cell.heat);
        paint(canvas, heat, await photo, style);
        watch(host, canvas, heat, line, `${row.title} - ${data.columns[i + before]}`, style, told);
      })());
    });
    grid.append(line);
  }
  await Promise.all(waiting);
  host.replaceChildren(told, grid);
  host.dataset.painted = String(waiting.length);
  host.dataset.times = String(1 + Number(host.dataset.times || 0));
}

export default function({parentElement, data}) {
  const host = parentElement.querySelector(".look-maps");
  host.painting = (host.painting || Promise.resolve()).then(() => draw(host, data))
    .catch(error => console.error("maps:", error && error.stack || error));
}
"""

_MAPS = st.components.v2.component(
    "facet_maps", html='<div class="look-maps"></div>', css=_CSS, js=_JS, isolate_styles=False
)


@dataclass(frozen=True)
class Cell:
    """One map. heat: (h, w) uint8 as look_picture.grey makes it. note: a few words beneath."""

    heat: np.ndarray
    note: str = ""


@dataclass(frozen=True)
class Row:
    """One face as one model sees it. photo: (h, w, 3) uint8, the size of the maps. rule: a line above it."""

    title: str
    photo: np.ndarray | None
    cells: Sequence[Cell]
    lines: Sequence[str] = ()
    colour: str = ""
    rule: bool = False


@dataclass(frozen=True)
class Style:
    """How maps are painted. lut: (256, 3) uint8. opacity: 0..1. follow: opacity follows heat."""

    lut: np.ndarray
    opacity: float = 0.8
    overlaid: bool = True
    follow: bool = True
    signed: bool = False


def draw(columns: Sequence[str], rows: Sequence[Row], style: Style, *, key: str) -> None:
    """Paint the grid. columns: one a layer; the photo's before them where the rows have photos."""
    data = {
        "columns": list(columns),
        "layers": len(rows[0].cells),
        "rows": [
            {
                "title": row.title, "lines": list(row.lines), "colour": row.colour, "rule": row.rule,
                "image": "" if row.photo is None else data_uri(row.photo),
                "cells": [{"heat": data_uri(cell.heat, "PNG"), "note": cell.note} for cell in row.cells],
            }
            for row in rows
        ],
        "style": {
            "lut": base64.b64encode(np.ascontiguousarray(style.lut, dtype=np.uint8).tobytes()).decode(),
            "opacity": style.opacity, "overlaid": style.overlaid, "follow": style.follow, "signed": style.signed,
        },
    }  # fmt: skip
    _MAPS(key=key, data=data)
