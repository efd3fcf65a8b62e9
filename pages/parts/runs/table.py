"""The table of runs: rows with a box to tick, a link, and the columns that were chosen, drawn by one small element.

Not st.dataframe: a tick there is lost whenever the rows change, and a selection cannot come from the address.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import streamlit as st

from core.runs.lists import curves
from core.runs.lists.best import Best
from core.runs.lists.index import Listed
from core.text import score
from pages.parts.runs.columns import CURVE, NAME, STARRED, Column
from pages.parts.runs.element import ELEMENT
from pages.parts.shared import badges

_CSS = """
.runs-wrap { overflow-x: auto; font-variant-numeric: tabular-nums; color: var(--st-text-color); }
.runs-wrap table { border-collapse: collapse; width: 100%; font-size: .88rem; }
.runs-wrap th { font-weight: 500; text-align: left; padding: 0; white-space: nowrap; vertical-align: bottom;
  border-bottom: 1px solid color-mix(in srgb, currentColor 28%, transparent); }
.runs-wrap th button { all: unset; cursor: pointer; padding: .35rem .42rem; opacity: .75; display: inline-block; }
.runs-wrap th button:hover, .runs-wrap th button:focus-visible { opacity: 1; text-decoration: underline; }
.runs-wrap th button:focus-visible, .runs-wrap a:focus-visible { outline: 2px solid var(--st-primary-color); }
.runs-wrap th[aria-sort="ascending"] button, .runs-wrap th[aria-sort="descending"] button { opacity: 1;
  font-weight: 650; }
.runs-wrap td { padding: .34rem .42rem; white-space: nowrap; vertical-align: middle;
  border-top: 1px solid color-mix(in srgb, currentColor 10%, transparent); }
.runs-wrap .runs-number { text-align: right; }
.runs-wrap tbody tr:hover td { background: color-mix(in srgb, var(--st-primary-color) 6%, var(--st-background-color)); }
.runs-wrap tbody tr.runs-chosen td { background:
  color-mix(in srgb, var(--st-primary-color) 13%, var(--st-background-color)); }
.runs-wrap .runs-stick { position: sticky; left: 0; z-index: 1; background: var(--st-background-color);
  box-sizing: border-box; width: 1.95rem; min-width: 1.95rem; }
.runs-wrap td.runs-name { position: sticky; left: 1.9rem; z-index: 1; background: var(--st-background-color);
  min-width: 140px; max-width: 330px; white-space: normal; overflow-wrap: anywhere; padding-left: 1.47rem;
  text-indent: -1.05rem; }
.runs-wrap td.runs-wide { max-width: 190px; overflow: hidden; text-overflow: ellipsis; }
.runs-wrap a, .runs-wrap b { color: inherit; font-weight: 600; text-decoration: none; margin-right: .4rem; }
.runs-wrap a:hover { text-decoration: underline; }
.runs-wrap input { width: 1.02rem; height: 1.02rem; accent-color: var(--st-primary-color); cursor: pointer; margin: 0;
  vertical-align: middle; }
.runs-wrap .runs-dot { display: inline-block; width: .6rem; height: .6rem; border-radius: 50%; margin-right: .45rem; }
.runs-wrap .runs-tag { display: inline-block; font: inherit; font-size: .76rem; color: inherit; border: 0;
  cursor: pointer; padding: 0 .4rem; border-radius: 9px; text-indent: 0;
  margin-right: .35rem; background: color-mix(in srgb, var(--st-primary-color) 16%, transparent); }
.runs-wrap .runs-soft { color: color-mix(in srgb, currentColor 68%, transparent); }
.runs-wrap .runs-note { display: block; font-size: .8rem; opacity: .72; font-weight: 400; text-indent: 0; }
.runs-wrap tr.runs-opens { cursor: pointer; }
.runs-wrap svg { display: block; overflow: visible; }
.runs-wrap .runs-star { color: #b07d00; margin-right: .25rem; cursor: help; }
.runs-wrap th span { padding: .35rem .42rem; opacity: .75; display: inline-block; }
.runs-wrap .runs-group td { padding-top: .9rem; font-weight: 600; background: none !important; }
.runs-wrap .runs-group span { font-weight: 400; opacity: .72; margin-left: .6rem; }
@media (max-width: 900px) {
  .runs-wrap :is(th, td):is([data-key="task"], [data-key="recipe"]) { display: none; }
}
@media (max-width: 640px) {
  .runs-wrap :is(table, tbody), .runs-wrap .runs-group td { display: block; }
  .runs-wrap thead tr { display: flex; flex-wrap: wrap; align-items: center;
    border-bottom: 1px solid color-mix(in srgb, currentColor 28%, transparent); }
  .runs-wrap :is(th, td) { border: 0; }
  .runs-wrap th:not(.runs-stick, [data-key="name"], [data-key="state"], [data-key="best_f1"], [data-key="created"])
    { display: none; }
  .runs-wrap tbody tr { display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: .1rem .5rem;
    position: relative; padding: .5rem 0 .55rem 1.95rem;
    border-top: 1px solid color-mix(in srgb, currentColor 14%, transparent); }
  .runs-wrap tbody tr.runs-chosen { background: color-mix(in srgb, var(--st-primary-color) 13%, transparent); }
  .runs-wrap tbody tr td { background: none !important; }
  .runs-wrap tbody td { padding: 0; white-space: normal; overflow-wrap: anywhere; text-align: left !important; }
  .runs-wrap tbody td.runs-stick { position: absolute; left: 0; top: .5rem; padding: 0 0 0 .1rem; }
  .runs-wrap tbody td.runs-name { grid-column: 1 / -1; position: static; max-width: none; padding-left: 1.05rem; }
  .runs-wrap tbody td.runs-wide { max-width: none; white-space: nowrap; }
  .runs-wrap tbody td[data-key]:not([data-key="name"], [data-key="state"])::before { content: attr(data-title);
    display: block; font-size: .72rem; line-height: 1.2; color: color-mix(in srgb, currentColor 74%, transparent); }
  .runs-wrap tbody td[data-key="state"] { grid-column: 1 / -1; padding-bottom: .2rem; }
  .runs-wrap tbody td[data-key]:not([data-key="name"], [data-key="state"]) { order: 2; }
  .runs-wrap tbody td[data-key$="_f1"] { order: 1; }
  .runs-wrap tbody td[data-key$="_accuracy"] { display: none; }
}
"""

_JS = (
    ELEMENT
    + """
function box(label, checked, changed) {
  const made = element("input");
  made.type = "checkbox";
  made.checked = checked;
  made.setAttribute("aria-label", label);
  made.onclick = changed;
  return made;
}

// How far apart the lowest and the highest of all lines shown are is what one line is drawn against.
function line(curve, scale, colour) {
  const made = name => document.createElementNS("http://www.w3.org/2000/svg", name), [low, high] = scale;
  const width = 76, height = 20, place = ([x, y]) => [x * width, height - (y - low) / ((high - low) || 1) * height];
  const points = curve.points.map(place), svg = made("svg");
  svg.setAttribute("width", width); svg.setAttribute("height", height);
  svg.setAttribute("role", "img"); svg.setAttribute("aria-label", curve.words);
  const title = made("title"), path = made("polyline"), end = made("circle"), last = points[points.length - 1];
  title.textContent = curve.words;
  path.setAttribute("points", points.map(point => point.map(each => each.toFixed(1)).join(",")).join(" "));
  path.setAttribute("fill", "none"); path.setAttribute("stroke", colour); path.setAttribute("stroke-width", "1.5");
  end.setAttribute("cx", last[0]); end.setAttribute("cy", last[1]); end.setAttribute("r", "2");
  end.setAttribute("fill", colour);
  svg.append(title, path, end);
  return svg;
}

function draw(host) {
  const {data, lab} = host, chosen = lab.chosen;
  const table = element("table"), head = element("thead"), body = element("tbody");
  const ids = [...new Set(data.groups.flatMap(group => group.rows.map(row => row.id)))];
  // All that is ticked goes along with each click: the address that the browser sends may be from before the last one.
  const send = done => { lab.at = Math.max(Date.now(), lab.at + 1);
    lab.act("act", {...done, runs: [...chosen], at: lab.at}); draw(host); };
  const every = (rows, on) => { rows.forEach(id => on ? chosen.add(id) : chosen.delete(id)); send({}); };
  const top = element("tr"), corner = element("th", "runs-stick");
  const all = box("Choose all runs shown", ids.length > 0 && ids.every(id => chosen.has(id)),
    event => every(ids, event.target.checked));
  all.indeterminate = !all.checked && ids.some(id => chosen.has(id));
  all.style.margin = "0 .42rem .5rem";
  corner.append(all);
  top.append(corner);
  for (const column of data.columns) {
    const cell = element("th", column.number ? "runs-number" : ""), button = element("button");
    const sorted = data.sort === column.key;
    if (!column.sorts) {
      const words = element("span", "", column.title);
      words.title = column.help;
      cell.append(words);
      top.append(cell);
      continue;
    }
    button.type = "button";
    button.title = (column.help ? column.help + " " : "") + "Click to sort.";
    button.textContent = column.title + (sorted ? (data.descending ? " ↓" : " ↑") : "");
    if (sorted) cell.setAttribute("aria-sort", data.descending ? "descending" : "ascending");
    button.onclick = () => send({sort: column.key});
    cell.dataset.key = column.key;
    cell.append(button);
    top.append(cell);
  }
  head.append(top);
  for (const group of data.groups) {
    const mine = group.rows.map(row => row.id);
    if (group.title) {
      const row = element("tr", "runs-group"), first = element("td", "runs-stick");
      const cell = element("td", "", group.title);
      first.append(box("Choose the runs of " + group.title, mine.every(id => chosen.has(id)),
        event => every(mine, event.target.checked)));
      cell.colSpan = data.columns.length;
      cell.append(element("span", "", group.about));
      row.append(first, cell);
      body.append(row);
    }
    for (const run of group.rows) {
      const row = element("tr", chosen.has(run.id) ? "runs-chosen" : ""), first = element("td", "runs-stick");
      first.append(box("Choose " + run.name, chosen.has(run.id), event => {
        const from = mine.indexOf(lab.last), to = mine.indexOf(run.id), on = event.target.checked;
        const rows = event.shiftKey && from >= 0 ? mine.slice(Math.min(from, to), Math.max(from, to) + 1) : [run.id];
        lab.last = run.id;
        every(rows, on);
      }));
      row.append(first);
      if (run.link) {
        row.classList.add("runs-opens");
        row.onclick = event => {  // a click anywhere opens it, but for boxes, links, and text that was just marked
          if (event.target.closest("input, a, button, .runs-stick") || String(getSelection())) return;
          if (event.ctrlKey || event.metaKey) window.open(run.link, "_blank"); else send({open: run.id});
        };
      }
      data.columns.forEach((column, place) => {
        const value = run.cells[place], cell = element("td", column.number ? "runs-number" : "");
        [cell.dataset.key, cell.dataset.title] = [column.key, column.title];
        if (column.key === "name") {
          cell.className = "runs-name";
          const dot = element("span", "runs-dot");
          dot.style.background = run.colour;
          cell.append(dot);
          if (run.link) {
            const link = element("a", "", run.name);
            link.href = run.link;
            link.onclick = event => {
              if (event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
              event.preventDefault();
              send({open: run.id});
            };
            cell.append(link);
          } else cell.append(element("b", "", run.name));
          for (const tag of run.tags) {
            const chip = element("button", "runs-tag", tag);
            chip.type = "button";
            chip.title = "Only runs with this tag";
            chip.onclick = event => { event.stopPropagation(); send({tag}); };
            cell.append(chip);
          }
          if (run.note) cell.append(element("span", "runs-note", run.note));
        } else if (column.key === "state") {
          const icon = element("span", "lab-icon lab-" + run.tone, run.icon);
          icon.setAttribute("aria-hidden", "true");
          cell.append(icon, " " + value);
        } else if (column.key === "curve") {
          if (value) cell.append(line(value, data.scale, run.colour)); else cell.append("–");
        } else {
          if (run.best && column.key === data.starred) {
            const star = element("span", "lab-icon runs-star", "star");
            star.title = run.best;
            star.setAttribute("role", "img");
            star.setAttribute("aria-label", run.best);
            cell.append(star);
          }
          cell.append(value);
          if (!column.number) { cell.classList.add("runs-wide"); cell.title = value; }
          if (value === "–" || value === "not measured") cell.classList.add("runs-soft");
        }
        row.append(cell);
      });
      body.append(row);
    }
  }
  table.append(head, body);
  const focused = document.activeElement && host.contains(document.activeElement) &&
    document.activeElement.getAttribute("aria-label");
  host.replaceChildren(table);
  if (focused) [...host.querySelectorAll("input")].find(i => i.getAttribute("aria-label") === focused)?.focus();
}

export default function({parentElement, data, setTriggerValue}) {
  const host = parentElement.querySelector(".runs-wrap");
  const lab = host.lab = host.lab || {chosen: new Set(), at: 0};
  lab.act = setTriggerValue;
  host.data = data;
  // A tick stays while answers to earlier ones arrive; a server that forgot is believed after half a minute.
  if (data.at >= lab.at || Date.now() - lab.at > 30000) lab.chosen = new Set(data.chosen);
  draw(host);
}
"""
)

_TABLE = st.components.v2.component(
    "facet_runs", html='<div class="runs-wrap"></div>', css=_CSS, js=_JS, isolate_styles=False
)


def draw(
    groups: Sequence[tuple[str, str, Sequence[Listed]]],
    columns: Sequence[Column],
    *,
    colours: dict[str, str],
    best: Mapping[str, Best],
    chosen: Sequence[str],
    at: int,
    sort: str,
    descending: bool,
    link: str,
    on_act: Callable[[], None],
    key: str,
) -> None:
    """The table. groups: (title, about, rows); one group without a title is a plain table. columns: beside the name.

    best: of the runs that are the best of their kind. link: what stands before an id in a run's address, "" for rows
    that cannot be opened.
    on_act: called after a click; what was done stands in st.session_state[key]["act"]: {runs, at} with the ids of all
    that is ticked and the time of the click (ms), and beside them {sort: column}, {open: run id} or {tag}, if that was
    it.
    at: the time of the last click that `chosen` knows of.
    """
    lines = _lines(groups) if any(column.key == CURVE for column in columns) else {}
    values = [value for line in lines.values() for _, value in line["points"]]

    def row(entry: Listed) -> dict[str, Any]:
        icon, _, tone = badges.state_badge(entry.state)
        cells = [lines.get(entry.id) if column.key == CURVE else column.cell(entry) for column in columns]
        return {
            "id": entry.id,
            "name": entry.name,
            "cells": ["", *cells],
            "icon": icon,
            "tone": tone,
            "colour": colours.get(entry.id, ""),
            "tags": entry.notes.tags,
            "note": _first_line(entry),
            "best": best[entry.id].in_words() if entry.id in best else "",
            "link": f"{link}{entry.id}" if link else "",
        }

    data = {
        "columns": [
            {"key": each.key, "title": each.title, "help": each.help, "number": each.number, "sorts": each.key != CURVE}
            for each in (NAME, *columns)
        ],
        "groups": [
            {"title": title, "about": about, "rows": [row(entry) for entry in rows]} for title, about, rows in groups
        ],
        "scale": [min(values, default=0.0), max(values, default=1.0)],
        "starred": STARRED,
        "chosen": list(chosen),
        "at": at,
        "sort": sort,
        "descending": descending,
    }
    _TABLE(key=key, data=data, on_act_change=on_act)


def _lines(groups: Sequence[tuple[str, str, Sequence[Listed]]]) -> dict[str, dict[str, Any]]:
    """Run id -> the points of its line, and the same in words; nothing for runs without an epoch."""
    lines = {}
    for entry in {entry.id: entry for _, _, rows in groups for entry in rows}.values():
        if curve := curves.f1_curve(entry):
            epochs, highest = list(curve), max(curve, key=curve.__getitem__)
            words = f"Validation F1 {score(curve[epochs[0]])} after the first epoch, {score(curve[epochs[-1]])} after "
            words += f"epoch {epochs[-1]}, {score(curve[highest])} at most, after epoch {highest}"
            points = [[round(place, 3), round(value, 4)] for place, value in curves.thinned(curve)]
            lines[entry.id] = {"points": points, "words": words}
    return lines


def _first_line(entry: Listed) -> str:
    if entry.unreadable:
        return entry.unreadable
    line = entry.notes.text.split("\n", 1)[0]
    return line if len(line) <= 90 else f"{line[:89]}…"
