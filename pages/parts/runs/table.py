"""The table of runs: rows with a box to tick, a link, state, scores and cost, drawn by one small element.

Not st.dataframe: a tick there is lost whenever the rows change, and a selection cannot come from the address.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import streamlit as st

from core.runs.everybody.unmeasured import NOT_MEASURED
from core.runs.lists.index import LISTED_SCORES, Listed
from core.text import ago, size, spread_of
from pages.parts.hand import results
from pages.parts.people import people
from pages.parts.shared import badges

# key of the sort, heading, help
COLUMNS = (
    ("name", "Run", ""),
    ("state", "State", "The folds that are finished, of all folds."),
    ("dataset", "Dataset", ""),
    ("task", "Task", ""),
    ("depth", "Network", ""),
    ("recipe", "Recipe", "The nearest recipe, and how many settings differ from it."),
    ("best_f1", "F1 best", "Macro F1 at the best epoch of each fold: chosen on the validation fold, which flatters."),
    ("final_f1", "F1 last", "Macro F1 at the last epoch, which is not chosen."),
    ("best_accuracy", "Acc. best", "Accuracy at the best epoch of each fold."),
    ("final_accuracy", "Acc. last", "Accuracy at the last epoch."),
    ("seconds", "Training", "Time in the epochs of all folds that have ended, added up; then the time by the clock."),
    ("bytes", "Size", "All that the run takes on the disk. Make room says what may be dropped."),
    ("created", "Launched", ""),
)
WHO = ("by", "Who", "Who launched it, and may change it.")

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
.runs-wrap .runs-tag { display: inline-block; font-size: .76rem; padding: 0 .4rem; border-radius: 9px; text-indent: 0;
  margin-right: .35rem; background: color-mix(in srgb, var(--st-primary-color) 16%, transparent); }
.runs-wrap .runs-soft { color: color-mix(in srgb, currentColor 68%, transparent); }
.runs-wrap .runs-note { display: block; font-size: .8rem; opacity: .72; font-weight: 400; text-indent: 0; }
.runs-wrap .runs-group td { padding-top: .9rem; font-weight: 600; background: none !important; }
.runs-wrap .runs-group span { font-weight: 400; opacity: .72; margin-left: .6rem; }
"""

_JS = """
function element(name, className, text) {
  const made = document.createElement(name);
  if (className) made.className = className;
  if (text !== undefined) made.textContent = text;
  return made;
}

function box(label, checked, changed) {
  const made = element("input");
  made.type = "checkbox";
  made.checked = checked;
  made.setAttribute("aria-label", label);
  made.onclick = changed;
  return made;
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
    button.type = "button";
    button.title = (column.help ? column.help + " " : "") + "Click to sort.";
    button.textContent = column.title + (sorted ? (data.descending ? " ↓" : " ↑") : "");
    if (sorted) cell.setAttribute("aria-sort", data.descending ? "descending" : "ascending");
    button.onclick = () => send({sort: column.key});
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
      data.columns.forEach((column, place) => {
        const value = run.cells[place], cell = element("td", column.number ? "runs-number" : "");
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
          for (const tag of run.tags) cell.append(element("span", "runs-tag", tag));
          if (run.note) cell.append(element("span", "runs-note", run.note));
        } else if (column.key === "state") {
          const icon = element("span", "lab-icon lab-" + run.tone, run.icon);
          icon.setAttribute("aria-hidden", "true");
          cell.append(icon, " " + value);
        } else {
          cell.textContent = value;
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

_TABLE = st.components.v2.component(
    "facet_runs", html='<div class="runs-wrap"></div>', css=_CSS, js=_JS, isolate_styles=False
)


def draw(
    groups: Sequence[tuple[str, str, Sequence[Listed]]],
    *,
    colours: dict[str, str],
    chosen: Sequence[str],
    at: int,
    sort: str,
    descending: bool,
    link: str,
    on_act: Callable[[], None],
    key: str,
) -> None:
    """The table. groups: (title, about, rows); one group without a title is a plain table.

    link: what stands before an id in a run's address, "" for rows that cannot be opened.
    on_act: called after a click; what was done stands in st.session_state[key]["act"]: {runs, at} with the ids of all
    that is ticked and the time of the click (ms), and beside them {sort: column} or {open: run id}, if that was it.
    at: the time of the last click that `chosen` knows of.
    """
    columns = [
        {"key": name, "title": title, "help": tip, "number": name in (*LISTED_SCORES, "seconds", "bytes", "created")}
        for name, title, tip in (*COLUMNS, *([WHO] if people.shared() else []))
    ]
    data = {
        "columns": columns,
        "groups": [
            {"title": title, "about": about, "rows": [_row(entry, colours.get(entry.id, ""), link) for entry in rows]}
            for title, about, rows in groups
        ],
        "chosen": list(chosen),
        "at": at,
        "sort": sort,
        "descending": descending,
    }
    _TABLE(key=key, data=data, on_act_change=on_act)


def _row(entry: Listed, colour: str, link: str) -> dict[str, Any]:
    icon, word, tone = badges.state_badge(entry.state)
    done, total = entry.done
    summary = entry.summary
    cells = [
        "",
        word if entry.state in ("done", "unreadable") else f"{word}, {done} of {total} folds",
        summary.get("dataset", "–"),
        summary.get("task", "–"),
        f"ResNet-{summary['depth']}" if "depth" in summary else "–",
        entry.recipe or "–",
        *(NOT_MEASURED if summary.get("everybody") else spread_of(*entry.scores[name]) for name in LISTED_SCORES),
        results.trained(entry),
        size_of(entry),
        ago(summary.get("created")),
        *([entry.by or "–"] if people.shared() else []),
    ]
    return {
        "id": entry.id,
        "name": entry.name,
        "cells": cells,
        "icon": icon,
        "tone": tone,
        "colour": colour,
        "tags": entry.notes.tags,
        "note": _first_line(entry),
        "link": f"{link}{entry.id}" if link else "",
    }


def size_of(entry: Listed) -> str:
    """What the run takes on the disk, and what of it was dropped on purpose."""
    weights = entry.dropped
    left = "results only" if len(weights) > 1 else f"no {weights[0]} weights" if weights else ""
    return f"{size(entry.bytes)}, {left}" if left else size(entry.bytes)


def _first_line(entry: Listed) -> str:
    if entry.unreadable:
        return entry.unreadable
    line = entry.notes.text.split("\n", 1)[0]
    return line if len(line) <= 90 else f"{line[:89]}…"
