"""The chart of runs, drawn by one small element: a point a run in its own colour, its name when pointed at."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from core.runs.lists.scatter import Scatter
from core.text import number_of, over_folds

_CSS = """
.points-wrap { position: relative; color: var(--st-text-color); font-variant-numeric: tabular-nums; }
.points-wrap svg { display: block; width: 100%; touch-action: pan-y; }
.points-wrap text { fill: currentColor; font-size: 12px; font-family: inherit; }
.points-wrap .points-grid { stroke: color-mix(in srgb, currentColor 13%, transparent); stroke-width: 1; }
.points-wrap .points-level { stroke: currentColor; stroke-width: 2; opacity: .75; }
.points-wrap .points-on { stroke: var(--st-text-color); stroke-width: 2.5; }
.points-wrap svg.points-opens.points-near { cursor: pointer; }
.points-tip { position: absolute; z-index: 2; pointer-events: none; padding: .35rem .55rem; border-radius: 6px;
  font-size: .82rem; line-height: 1.35; max-width: 16rem; overflow-wrap: anywhere; color: var(--st-text-color);
  background: var(--st-background-color); border: 1px solid color-mix(in srgb, currentColor 30%, transparent);
  box-shadow: 0 2px 8px #0003; }
.points-tip b { font-weight: 650; display: block; }
.points-kinds { display: flex; flex-wrap: wrap; gap: .1rem 1rem; font-size: .82rem; padding: .3rem 0 0; margin: 0; }
.points-kinds span { display: inline-flex; align-items: center; gap: .35rem; }
.points-kinds svg { width: 14px; flex: none; }
"""

_JS = """
const made = (name, attributes, text) => {
  const node = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes || {})) node.setAttribute(key, value);
  if (text !== undefined) node.textContent = text;
  return node;
};
const html = (name, className, text) => {
  const node = document.createElement(name);
  if (className) node.className = className;
  if (text !== undefined) node.textContent = text;
  return node;
};

// A shape a kind of runs; from the seventh kind on they repeat, and the words beside a point tell.
const SHAPES = [
  r => `M${-r},0a${r},${r} 0 1,0 ${2 * r},0a${r},${r} 0 1,0 ${-2 * r},0z`,
  r => `M${-r * .9},${-r * .9}h${r * 1.8}v${r * 1.8}h${-r * 1.8}z`,
  r => `M0,${-r * 1.2}L${r * 1.15},${r * .85}H${-r * 1.15}z`,
  r => `M0,${-r * 1.3}L${r * 1.3},0L0,${r * 1.3}L${-r * 1.3},0z`,
  r => `M0,${r * 1.2}L${r * 1.15},${-r * .85}H${-r * 1.15}z`,
  r => `M${-r * .4},${-r * 1.2}h${r * .8}v${r * .8}h${r * .8}v${r * .8}h${-r * .8}v${r * .8}h${-r * .8}v${-r * .8}` +
    `h${-r * .8}v${-r * .8}h${r * .8}z`,
];
const shape = (kind, radius) => SHAPES[kind % SHAPES.length](radius);

function draw(host) {
  const {data, lab} = host, width = host.clientWidth || 600;
  if (lab.drawn === data && lab.width === width) return;
  [lab.drawn, lab.width] = [data, width];
  const slot = (width - 70) / Math.max(1, data.x.length), slanted = data.groups && slot < 80;
  const left = 52, right = width - 14, top = 12, bottom = Math.max(280, Math.min(430, width * .46));
  const height = bottom + (slanted ? 96 : 44);
  const x = place => left + place * (right - left), y = place => bottom - place * (bottom - top);
  const svg = made("svg", {viewBox: `0 0 ${width} ${height}`, height, role: "img", "aria-label": data.words});
  if (data.opens) svg.classList.add("points-opens");
  for (const [place, label] of data.y) {
    svg.append(made("line", {x1: left, x2: right, y1: y(place), y2: y(place), class: "points-grid"}));
    svg.append(made("text", {x: left - 7, y: y(place) + 4, "text-anchor": "end"}, label));
  }
  const longest = slanted ? 15 : data.groups ? Math.max(4, Math.floor(slot / 7)) : 30;
  let free = -Infinity;
  for (const [place, label] of data.x) {
    const short = label.length > longest ? label.slice(0, longest - 1) + "…" : label, at = x(place);
    if (!data.groups) svg.append(made("line", {x1: at, x2: at, y1: top, y2: bottom, class: "points-grid"}));
    const half = short.length * 3.4, anchor = slanted ? "end" : at + half > width ? "end" : "middle";
    if (!slanted && at - half < free) continue;
    free = at + half + 4;
    const text = made("text", {x: at, y: bottom + 18, "text-anchor": anchor}, short);
    if (slanted) text.setAttribute("transform", `rotate(-38 ${at} ${bottom + 18})`);
    text.append(made("title", {}, label));
    svg.append(text);
  }
  svg.append(made("text", {x: right, y: height - 6, "text-anchor": "end"}, data.across));
  svg.append(made("text", {x: 4, y: top - 1}, data.title));
  for (const level of data.levels) {
    const line = made("line", {x1: x(level.x[0]), x2: x(level.x[1]), y1: y(level.y), y2: y(level.y),
      class: "points-level"});
    line.append(made("title", {}, level.words));
    svg.append(line);
    if (data.kinds.length > 1) svg.append(made("path", {d: shape(level.kind, 4), class: "points-level", fill: "none",
      transform: `translate(${x(level.x[1]) + 7} ${y(level.y)})`}));
  }
  const radius = data.points.length > 300 ? 4 : 6;
  const drawn = data.points.map(point => {
    const path = made("path", {d: shape(point.kind, radius), transform: `translate(${x(point.x)} ${y(point.y)})`,
      fill: point.whole ? point.colour : "none", stroke: point.colour, "stroke-width": 1.8, "data-run": point.id,
      "fill-opacity": .85});
    svg.append(path);
    return {point, path, x: x(point.x), y: y(point.y)};
  });
  const tip = html("div", "points-tip");
  tip.hidden = true;
  let on = null;
  const nearest = event => {
    const box = svg.getBoundingClientRect(), factor = width / box.width;
    const at = [(event.clientX - box.left) * factor, (event.clientY - box.top) * factor];
    let best = null, least = 18;
    for (const each of drawn) {
      const away = Math.hypot(each.x - at[0], each.y - at[1]);
      if (away < least) [best, least] = [each, away];
    }
    return best;
  };
  const point_at = each => {
    if (each === on) return;
    if (on) on.path.classList.remove("points-on");
    on = each;
    tip.hidden = !each;
    svg.classList.toggle("points-near", Boolean(each));
    if (!each) return;
    each.path.classList.add("points-on");
    tip.replaceChildren(html("b", "", each.point.name), ...each.point.lines.map(line => html("div", "", line)));
    const flip = each.x > width / 2;
    tip.style.left = flip ? "auto" : `${each.x + 12}px`;
    tip.style.right = flip ? `${width - each.x + 12}px` : "auto";
    tip.style.top = `${Math.max(0, each.y - 20)}px`;
  };
  svg.onpointermove = event => { if (event.pointerType !== "touch") point_at(nearest(event)); };
  svg.onpointerleave = event => { if (event.pointerType !== "touch") point_at(null); };
  svg.onclick = event => {  // a finger's first tap says what it is, the second opens it
    const each = nearest(event), again = each && each === on;
    if (event.pointerType === "touch" && !again) { point_at(each); return; }
    if (!each || !data.opens) return;
    if (event.ctrlKey || event.metaKey) window.open("live?run=" + each.point.id, "_blank");
    else lab.act("act", {open: each.point.id, at: Date.now()});
  };
  const kinds = html("div", "points-kinds");
  if (data.kinds.length > 1) data.kinds.forEach((words, kind) => {
    const item = html("span"), mark = made("svg", {viewBox: "-7 -7 14 14", height: 14, "aria-hidden": "true"});
    mark.append(made("path", {d: shape(kind, 5), fill: "none", stroke: "currentColor", "stroke-width": 1.6}));
    item.append(mark, words);
    kinds.append(item);
  });
  host.replaceChildren(svg, tip, kinds);
}

export default function({parentElement, data, setTriggerValue}) {
  const host = parentElement.querySelector(".points-wrap"), lab = host.lab = host.lab || {};
  lab.act = setTriggerValue;
  host.data = data;
  draw(host);
  lab.watch = lab.watch || new ResizeObserver(() => draw(host));
  lab.watch.observe(host);
  return () => lab.watch.disconnect();
}
"""

_CHART = st.components.v2.component(
    "facet_points", html='<div class="points-wrap"></div>', css=_CSS, js=_JS, isolate_styles=False
)
_KINDS = 12  # that are named beside the chart


def draw(
    chart: Scatter,
    colours: dict[str, str],
    *,
    score: str,
    title: str,
    across: str,
    opens: bool,
    key: str,
    on_act: Callable[[], None],
) -> None:
    """score: the one of index.LISTED_SCORES that the chart is of. title, across: what is drawn up and to the right.

    on_act: called after a click; st.session_state[key]["act"] says {open: run id}.
    """
    several = len(chart.kinds.words) > 1

    def lines(point) -> list[str]:
        done, folds = point.entry.done
        return [
            f"{title} {over_folds(*point.entry.scores[score])}",
            f"{across}: {point.across}",
            *([chart.kinds.words[point.kind]] if several else []),
            *([] if point.whole else [f"{done} of {number_of(folds, 'fold')} finished"]),
        ]

    scale = ", logarithmic" if chart.x.log else ""
    data = {
        "title": title,
        "across": f"{across}{scale}",
        "words": f"{title} of {number_of(len(chart.points), 'run')} against {across}; the list shows the same runs.",
        "x": chart.x.ticks,
        "y": chart.y.ticks,
        "groups": chart.x.groups,
        "kinds": chart.kinds.words[:_KINDS] if several else [],
        "opens": opens,
        "levels": [
            {
                "x": level.x,
                "y": level.y,
                "kind": level.kind,
                "words": f"Mean of {number_of(level.runs, 'run')}: {level.mean:.3f}",
            }
            for level in chart.levels
        ],
        "points": [
            {
                "id": point.entry.id,
                "name": point.entry.name,
                "x": round(point.x, 4),
                "y": round(point.y, 4),
                "kind": point.kind,
                "whole": point.whole,
                "colour": colours.get(point.entry.id, ""),
                "lines": lines(point),
            }
            for point in chart.points
        ],
    }
    _CHART(key=key, data=data, on_act_change=on_act)
