"""The matrix of runs, drawn by one small element: a cell's best run, how many it is the best of, and its colour."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from core.runs.lists.matrix import Cell, Matrix, Part
from core.text import number_of, score, spread_of
from pages.parts.runs.element import ELEMENT

_CSS = """
.cells-wrap { overflow-x: auto; font-variant-numeric: tabular-nums; color: var(--st-text-color); }
.cells-wrap table { border-collapse: separate; border-spacing: 3px; font-size: .88rem; }
.cells-wrap :is(th, td) { text-align: left; vertical-align: top; padding: .3rem .5rem; border-radius: 4px; }
.cells-wrap th { font-weight: 600; overflow-wrap: anywhere; min-width: 3.2rem; }
.cells-wrap th.cells-axis { white-space: nowrap; }
.cells-wrap .cells-axis { font-weight: 400; color: color-mix(in srgb, currentColor 74%, transparent); }
.cells-wrap :is(tbody th, thead tr:last-child th:first-child) { position: sticky; left: 0; z-index: 1;
  background: var(--st-background-color); max-width: 11rem; }
.cells-wrap td { padding: 0; min-width: 7.6rem; background: color-mix(in srgb, currentColor 4%, transparent); }
.cells-wrap .cells-part { padding: .35rem .5rem .4rem; border-radius: 4px; background:
  color-mix(in srgb, var(--st-primary-color) calc(var(--heat) * 1%), transparent); }
.cells-wrap .cells-part + .cells-part { margin-top: 2px; }
.cells-wrap .cells-mean { font-weight: 650; font-size: 1rem; white-space: nowrap; }
.cells-wrap .cells-small { display: block; font-size: .78rem; line-height: 1.3; overflow-wrap: anywhere; }
.cells-wrap .cells-dot { display: inline-block; width: .55rem; height: .55rem; border-radius: 50%;
  margin-right: .3rem; }
.cells-wrap .cells-star { color: var(--lab-warn); margin-right: .2rem; cursor: help; }
.cells-wrap a { color: inherit; text-decoration: none; }
.cells-wrap a:hover { text-decoration: underline; }
.cells-wrap button { all: unset; cursor: pointer; font-size: .78rem; padding: .15rem .5rem .35rem; display: block;
  text-decoration: underline; text-decoration-color: color-mix(in srgb, currentColor 40%, transparent);
  text-underline-offset: .18em; }
.cells-wrap :is(button, a):focus-visible { outline: 2px solid var(--st-primary-color); border-radius: 3px; }
.cells-wrap .cells-count { font-size: .78rem; padding: .15rem .5rem .35rem; display: block; }
@media (max-width: 640px) {
  .cells-wrap td { min-width: 6.6rem; }
  .cells-wrap :is(tbody th, thead tr:last-child th:first-child) { max-width: 5.6rem; font-size: .8rem; }
}
"""

_JS = (
    ELEMENT
    + """
function part(of, data, send) {
  const made = element("div", "cells-part"), mean = element("span", "cells-mean");
  made.style.setProperty("--heat", of.heat);
  if (of.kind) made.append(element("span", "cells-small", of.kind));
  if (of.star) {
    const star = element("span", "lab-icon cells-star", "star");
    star.title = of.star;
    star.setAttribute("role", "img");
    star.setAttribute("aria-label", of.star);
    mean.append(star);
  }
  mean.append(of.mean);
  made.append(mean);
  const name = element("span", "cells-small"), dot = element("span", "cells-dot");
  dot.style.background = of.colour;
  name.append(dot);
  if (data.opens) {
    const link = element("a", "", of.name);
    link.href = "live?run=" + of.id;
    link.onclick = event => {
      if (event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
      event.preventDefault();
      send({open: of.id});
    };
    name.append(link);
  } else name.append(of.name);
  made.append(name, element("span", "cells-small", of.words));
  return made;
}

export default function({parentElement, data, setTriggerValue}) {
  const host = parentElement.querySelector(".cells-wrap"), table = element("table");
  const send = done => setTriggerValue("act", {...done, at: Date.now()});
  const head = element("thead"), body = element("tbody"), above = element("tr"), titles = element("tr");
  const axis = element("th", "cells-axis", data.across + " →");
  axis.colSpan = data.columns.length;
  axis.scope = "colgroup";
  above.append(element("td"), axis);
  above.firstChild.style.background = "none";
  above.firstChild.style.minWidth = "0";
  titles.append(element("th", "cells-axis", data.down + " ↓"));
  for (const column of data.columns) {
    const cell = element("th", "", column);
    cell.scope = "col";
    titles.append(cell);
  }
  head.append(above, titles);
  data.rows.forEach((row, y) => {
    const line = element("tr"), name = element("th", "", row);
    name.scope = "row";
    line.append(name);
    data.columns.forEach((column, x) => {
      const cell = element("td"), of = data.cells[y + "," + x];
      if (of) {
        for (const each of of.parts) cell.append(part(each, data, send));
        if (of.asks) {
          const button = element("button", "", of.count);
          button.type = "button";
          button.setAttribute("aria-label", `${of.count}: ${data.down} ${row}, ${data.across} ${column}`);
          button.onclick = () => send({cell: [y, x]});
          cell.append(button);
        } else cell.append(element("span", "cells-count", of.count));
      }
      line.append(cell);
    });
    body.append(line);
  });
  table.append(head, body);
  host.replaceChildren(table);
}
"""
)

_MATRIX = st.components.v2.component(
    "facet_cells", html='<div class="cells-wrap lab-scroll"></div>', css=_CSS, js=_JS, isolate_styles=False
)
_FAINTEST, _STRONGEST = 6, 40  # percent of the accent behind the worst and the best of a kind


def draw(
    matrix: Matrix,
    colours: dict[str, str],
    *,
    score: str,
    rows: str,
    columns: str,
    opens: bool,
    key: str,
    on_act: Callable[[], None],
) -> None:
    """score: the one of index.LISTED_SCORES that the matrix is of. rows, columns: what they are called.

    on_act: called after a click; st.session_state[key]["act"] says {open: run id} or {cell: [row, column]}.
    """
    data = {
        "down": rows,
        "across": columns,
        "rows": matrix.rows,
        "columns": matrix.columns,
        "opens": opens,
        "cells": {
            f"{row},{column}": _cell(cell, matrix, colours, score, opens)
            for (row, column), cell in matrix.cells.items()
        },
    }
    _MATRIX(key=key, data=data, on_act_change=on_act)


def _cell(cell: Cell, matrix: Matrix, colours: dict[str, str], score: str, opens: bool) -> dict[str, Any]:
    runs = sum(part.runs for part in cell.parts) + cell.unfinished
    unfinished = f", {cell.unfinished:,} not finished" if cell.unfinished else ""
    return {
        "parts": [_part(part, matrix, colours, score) for part in cell.parts],
        "count": f"{number_of(runs, 'run')}{unfinished}",
        "asks": cell.asked is not None,
    }


def _part(part: Part, matrix: Matrix, colours: dict[str, str], of: str) -> dict[str, Any]:
    mean, deviation, folds = part.best.scores[of]
    star = (
        f"Highest of {part.among} cells on the same photos, classes and folds. That alone does not show it to be "
        "better: Compare tests it."
    )
    return {
        "kind": matrix.kinds.words[part.kind],
        "mean": spread_of(mean, deviation, folds),
        "id": part.best.id,
        "name": part.best.name,
        "colour": colours.get(part.best.id, ""),
        "words": f"best of {part.runs:,} runs, lowest {score(part.lowest)}"
        if part.runs > 1
        else "the only finished run",
        "heat": 0 if part.heat is None else round(_FAINTEST + (_STRONGEST - _FAINTEST) * part.heat),
        "star": star if part.first else "",
    }
