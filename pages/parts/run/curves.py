"""Live curves: a row of plotly figures that are mounted once and whose data change.

`st.plotly_chart` is remounted when its data change and loses the zoom; here Plotly.react draws into the same element.
A page calls `plotly_once()` outside its fragment, for the plotly script, and `draw()` inside it at every tick. One
legend above the row switches folds and splits in all figures.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st

from core.figures import style
from core.figures.style import INK
from core.runs.colours import fold_hue
from pages.parts.door import plotly_script

_LOADER = st.components.v2.component(
    "facet_plotly",
    js="""
function ask(address) {
  if (window.Plotly || document.querySelector("script[data-lab-plotly]")) return;
  const script = document.createElement("script");
  script.src = address;
  script.dataset.labPlotly = "";
  script.onerror = () => { script.remove(); setTimeout(ask, 2000, address); };  // the lab was away just then
  document.head.append(script);
}
export default function({data}) { ask(data); }
""",
    isolate_styles=False,
)

_CSS = """
.lab-curves { display: grid; gap: .25rem 1rem; grid-template-columns: repeat(var(--panels, 1), minmax(0, 1fr)); }
@media (max-width: 700px) { .lab-curves { grid-template-columns: minmax(0, 1fr); } }
.lab-curves .lab-legend { grid-column: 1 / -1; display: flex; flex-wrap: wrap; gap: .15rem .35rem; min-height: 1.6rem; }
.lab-curves .lab-legend button { all: unset; box-sizing: border-box; cursor: pointer; display: inline-flex;
  align-items: center; gap: .4rem; font-size: .8rem; line-height: 1.5rem; padding: 0 .45rem; border-radius: 4px;
  color: var(--st-text-color); }
.lab-curves .lab-legend button:hover { background: color-mix(in srgb, var(--st-text-color) 8%, transparent); }
.lab-curves .lab-legend button:focus-visible { outline: 2px solid var(--st-primary-color); }
.lab-curves .lab-legend button[aria-pressed="false"] { opacity: .45; text-decoration: line-through; }
.lab-curves .lab-swatch { width: 1.2rem; height: 0; border-top: 2px solid currentColor; }
.lab-curves .lab-legend[hidden] { display: none; }
.lab-curves .lab-panel { min-width: 0; position: relative; }
.lab-curves .lab-spike { position: absolute; width: 0; pointer-events: none;
  border-left: 1px dashed color-mix(in srgb, var(--st-text-color) 45%, transparent); }
.lab-curves .lab-reads { position: absolute; z-index: 3; pointer-events: none; padding: .3rem .5rem .35rem;
  font-size: .74rem; line-height: 1.35; border-radius: 6px; color: var(--st-text-color);
  background: color-mix(in srgb, var(--st-background-color) 94%, transparent);
  border: 1px solid var(--st-border-color); font-variant-numeric: tabular-nums; }
.lab-curves .lab-reads table { border-collapse: collapse; }
.lab-curves .lab-reads th { font-weight: 500; opacity: .75; text-align: right; padding: 0 0 0 .7rem; }
.lab-curves .lab-reads td { text-align: right; padding: 0 0 0 .7rem; white-space: nowrap; border: 0; }
.lab-curves .lab-reads :is(th, td):first-child { text-align: left; padding-left: 0; }
.lab-curves .lab-reads tr.lab-mean { font-weight: 600; }
.lab-curves .lab-reads i { display: inline-block; width: .55rem; height: .55rem; border-radius: 50%;
  margin-right: .35rem; }
.lab-curves .lab-panel h3 { font-size: .85rem; font-weight: 600; margin: 0; padding: .1rem 0 0 .2rem; letter-spacing: 0;
  color: var(--st-text-color); }
.lab-curves .lab-plot { width: 100%; }
.lab-curves .modebar-container { top: -1.5rem !important; }
.lab-curves .modebar-btn:not(.active):not(:hover) path { opacity: .7; }
@media (hover: none) { .lab-curves .modebar-container { display: none; } }
"""

_JS = """
// Nothing leaves the machine: without these two, plotly's toolbar offers to upload a chart to its makers.
const CONFIG = {displaylogo: false, displayModeBar: "hover", doubleClick: false, showTips: false,
  showSendToCloud: false, plotlyServerURL: "",
  modeBarButtonsToRemove: ["sendChartToCloud", "select2d", "lasso2d", "zoomIn2d", "zoomOut2d", "autoScale2d",
    "resetScale2d"]};

async function plotly() {
  while (!window.Plotly) await new Promise(done => setTimeout(done, 25));
  return window.Plotly;
}

function visible(trace, hidden) {
  const meta = trace.meta || {};
  const member = meta.fold == null ? meta.part : "fold " + meta.fold;
  return !(hidden.has(meta.split) || hidden.has(member));
}

function restyle(layout, host) {
  const style = getComputedStyle(host);
  const colour = name => style.getPropertyValue(name).trim();
  const ink = colour("--st-text-color"), grid = colour("--st-border-color"), paper = colour("--st-background-color");
  layout.font = {...layout.font, family: style.fontFamily};
  layout.modebar = {bgcolor: "rgba(0,0,0,0)", color: ink || grid, activecolor: ink, orientation: "h"};
  if (ink) layout.font.color = ink;
  for (const axis of [layout.xaxis, layout.yaxis]) if (grid) axis.gridcolor = grid;
  if (ink && paper) layout.hoverlabel = {...layout.hoverlabel, bgcolor: paper, bordercolor: grid,
    font: {...(layout.hoverlabel || {}).font, color: ink, family: style.fontFamily}};
}

// Back to all there is now. Plotly's own reset goes to the first range that it was ever given, of an empty figure.
function showAll(Plotly, plot) {
  const axes = {};
  for (const [name, range] of Object.entries(plot.labAll)) {
    axes[name + (range ? ".range" : ".autorange")] = range ? [...range] : true;
    plot.lab[name] = range ? [...range] : undefined;
  }
  return Plotly.relayout(plot, axes);
}

// While someone has zoomed, what is sent is what stands there: uirevision knows of zooms by hand in the figure itself
// only, and not of those that it has from its neighbours.
function keepZoom(plot, layout) {
  const sent = plot.lab = plot.lab || {};
  for (const name of ["xaxis", "yaxis"]) {
    const now = plot.layout && plot.layout[name].range, old = sent[name];
    if (old && now && (now[0] !== old[0] || now[1] !== old[1])) layout[name].range = [...now];
    else if (layout[name].range) sent[name] = [...layout[name].range];
  }
}

// What the pointer reads: all folds at the epoch, training beside validation, in every panel at once.
const ROWS = 9;  // folds that are listed beneath the mean

function readings(plot, epoch) {
  const rows = new Map();
  for (const points of plot.calcdata || []) {
    const {trace} = points[0] || {}, meta = trace && trace.meta;
    if (!meta || trace.visible !== true || trace.fill === "toself" || meta.smoothed) continue;
    const point = points.findIndex(each => each.x === epoch);
    if (point < 0) continue;
    const key = meta.name || (meta.fold == null ? "mean" : "fold " + meta.fold);
    const row = rows.get(key) || {key, colour: (trace.line || trace.marker).color};
    if (meta.part === "best") row.best = true;
    else row[meta.split] = points[point].y;
    const told = meta.part === "mean" && meta.split === "validation" && trace.customdata;
    if (told) row.deviation = told[point][0];
    rows.set(key, row);
  }
  return [...rows.values()].sort((a, b) => (b.key === "mean") - (a.key === "mean"));
}

function cells(tag, texts) {
  const row = document.createElement("tr");
  row.append(...texts.map(text => { const cell = document.createElement(tag); cell.textContent = text; return cell; }));
  return row;
}

function readBox(epoch, rows) {
  const table = document.createElement("table"), score = value => value == null ? "–" : value.toFixed(3);
  const both = rows.some(row => row.validation != null);
  table.append(cells("th", ["epoch " + epoch, ...(both ? ["held out"] : []), "training"]));
  for (const row of rows.slice(0, ROWS + 1)) {
    const deviation = row.deviation == null ? "" : " ± " + row.deviation.toFixed(3);
    const held = both ? [score(row.validation) + deviation + (row.best ? " ○" : "")] : [];
    const line = cells("td", [row.key, ...held, score(row.train)]), dot = document.createElement("i");
    dot.style.background = row.colour;
    line.firstChild.prepend(dot);
    if (row.key === "mean") line.className = "lab-mean";
    table.append(line);
  }
  if (rows.length > ROWS + 1) table.append(cells("td", ["and " + (rows.length - ROWS - 1) + " more folds"]));
  return table;
}

// epoch: null for none.
function read(host, epoch) {
  host.lab.epoch = epoch;
  for (const panel of host.querySelectorAll(".lab-panel")) {
    const plot = panel.querySelector(".lab-plot"), size = plot._fullLayout && plot._fullLayout._size;
    let [spike, box] = [".lab-spike", ".lab-reads"].map(name => panel.querySelector(name));
    const at = size && epoch != null ? plot._fullLayout.xaxis.c2p(epoch) : -1;
    const rows = at >= 0 && at <= size.w ? readings(plot, epoch) : [];
    if (!rows.length) { spike?.remove(); box?.remove(); continue; }
    if (!spike) {
      [spike, box] = ["lab-spike", "lab-reads"].map(name => {
        const element = document.createElement("div");
        element.className = name;
        return element;
      });
      panel.append(spike, box);
    }
    const left = plot.offsetLeft + size.l + at, top = plot.offsetTop + size.t;
    Object.assign(spike.style, {left: left + "px", top: top + "px", height: size.h + "px"});
    box.replaceChildren(readBox(epoch, rows));
    const before = at > size.w / 2, heights = rows.flatMap(row => [row.validation, row.train]).filter(y => y != null)
      .map(y => plot._fullLayout.yaxis.c2p(y));
    const high = heights.reduce((a, b) => a + b, 0) / heights.length < size.h / 2;  // the lines: then it stands beneath
    Object.assign(box.style, {top: (high ? top + size.h - box.offsetHeight - 4 : top + 4) + "px",
      left: before ? "auto" : left + 10 + "px",
      right: before ? panel.offsetWidth - left + 10 + "px" : "auto"});
  }
}

function follow(Plotly, host, plot) {
  const pointed = event => {
    const {_size: size, xaxis} = plot._fullLayout, place = plot.getBoundingClientRect();
    const x = event.clientX - place.left - size.l, y = event.clientY - place.top - size.t;
    const inside = x >= 0 && x <= size.w && y >= 0 && y <= size.h && event.buttons === 0;
    read(host, inside ? Math.round(xaxis.p2c(x)) : null);
  };
  plot.addEventListener("pointermove", pointed);
  plot.addEventListener("pointerdown", event => event.pointerType === "touch" ? null : read(host, null));
  plot.addEventListener("pointerleave", () => read(host, null));
  plot.on("plotly_relayout", async change => {
    const range = change["xaxis.range"] || [change["xaxis.range[0]"], change["xaxis.range[1]"]];
    if (host.lab.leading || range[0] == null) return;
    await together(host, other => other !== plot && Plotly.relayout(other, {"xaxis.range": [...range]}));
  });
}

// Does something to every figure of the row; what that brings about leads to nothing more.
async function together(host, change) {
  host.lab.leading = true;
  host.lab.zooming = Promise.allSettled([...host.querySelectorAll(".lab-plot")].map(change));
  try { await host.lab.zooming; }
  finally { host.lab.leading = false; }
}

function legend(bar, items, hidden, changed) {
  const signature = JSON.stringify(items);
  if (bar.dataset.signature === signature) return;
  bar.dataset.signature = signature;
  bar.replaceChildren(...items.map(item => {
    const button = document.createElement("button");
    button.type = "button";
    button.setAttribute("aria-pressed", String(!hidden.has(item.key)));
    button.title = "Show or hide " + item.label;
    const swatch = document.createElement("span");
    swatch.className = "lab-swatch";
    swatch.style.borderTopStyle = item.dash ? "dashed" : "solid";
    swatch.style.borderTopWidth = item.width + "px";
    if (item.colour) swatch.style.borderTopColor = item.colour;
    button.append(swatch, item.label);
    button.onclick = () => {
      hidden.has(item.key) ? hidden.delete(item.key) : hidden.add(item.key);
      button.setAttribute("aria-pressed", String(!hidden.has(item.key)));
      changed();
    };
    return button;
  }));
}

// One drawing after the other: plotly works on a figure in several steps, and another call between two of them would
// find it half done.
function inTurn(host) {
  host.lab.drawing = host.lab.drawing.then(() => draw(host)).catch(error =>
    console.error("curves:", error && error.stack || error));
}

async function draw(host) {
  const Plotly = await plotly();
  if (host.lab.gone) return;
  const {panels, legend: items, together: asOne} = JSON.parse(host.lab.text);
  let bar = host.querySelector(".lab-legend");
  if (!bar) { bar = document.createElement("div"); bar.className = "lab-legend"; host.append(bar); }
  bar.hidden = !items.length;
  host.style.setProperty("--panels", panels.length);
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", "Lines shown");
  legend(bar, items, host.lab.hidden, () => inTurn(host));
  for (const panel of panels) {
    let box = [...host.querySelectorAll(".lab-panel")].find(b => b.dataset.name === panel.title);
    if (!box) {
      box = document.createElement("section");
      box.className = "lab-panel";
      box.dataset.name = panel.title;
      box.setAttribute("aria-label", panel.title);
      const heading = document.createElement("h3"), plot = document.createElement("div");
      heading.textContent = panel.title;
      plot.className = "lab-plot";
      box.append(heading, plot);
      host.append(box);
      host.lab.watch.observe(plot);
    }
    const plot = box.querySelector(".lab-plot"), {data, layout} = panel.figure;
    restyle(layout, host);
    layout.showlegend = !items.length;
    if (asOne) layout.hovermode = false;
    if (items.length) for (const trace of data) trace.visible = visible(trace, host.lab.hidden);
    plot.style.height = layout.height + "px";
    const {xaxis, yaxis} = layout, isNew = !plot.on;
    plot.labAll = {xaxis: xaxis.range && [...xaxis.range], yaxis: yaxis.range && [...yaxis.range]};
    keepZoom(plot, layout);
    const all = () => asOne ? together(host, each => showAll(Plotly, each)) : showAll(Plotly, plot);
    // One object for the figure's life: another one would make plotly draw it from the start.
    plot.labConfig = plot.labConfig || {...CONFIG, modeBarButtonsToAdd: [{name: "Show all", icon: Plotly.Icons.home,
      click: () => { all(); }}]};
    await Plotly.react(plot, data, layout, plot.labConfig);
    if (host.lab.gone) return;
    if (isNew) plot.on("plotly_doubleclick", () => { all(); });
    if (isNew && asOne) follow(Plotly, host, plot);
  }
  if (asOne && host.lab.epoch != null) read(host, host.lab.epoch);
}

export default function({parentElement, data}) {
  const host = parentElement.querySelector(".lab-curves");
  if (!host.lab) {
    const watch = new ResizeObserver(entries => entries.forEach(({target}) => {
      const drawn = target._fullLayout && target._fullLayout.width;  // the first call comes after the first drawing
      if (drawn && target.offsetWidth && target.offsetWidth !== Math.round(drawn)) window.Plotly.Plots.resize(target);
    }));
    host.lab = {hidden: new Set(), watch, drawing: Promise.resolve(), zooming: Promise.resolve()};
  }
  host.lab.gone = false;
  host.lab.text = typeof data === "string" ? data : new TextDecoder().decode(data);
  inTurn(host);
  return () => {
    host.lab.gone = true;
    host.lab.watch.disconnect();
    const clear = () => {
      if (window.Plotly && host.lab.gone) host.querySelectorAll(".lab-plot").forEach(plot => window.Plotly.purge(plot));
    };
    Promise.allSettled([host.lab.drawing, host.lab.zooming]).then(clear);
  };
}
"""

_CURVES = st.components.v2.component(
    "facet_curves", html='<div class="lab-curves"></div>', css=_CSS, js=_JS, isolate_styles=False
)


def plotly_once() -> None:
    """Let the browser load the plotly script, or take the one that it keeps. Call it once a page."""
    _LOADER(key="facet-plotly", height=1, data=plotly_script.address())


def payload(panels: Sequence[tuple[str, go.Figure]], legend: Sequence[dict] = (), *, together: bool = False) -> bytes:
    """What `draw` sends: (title, figure) of each panel, and the legend that all of them share.

    together: they have one x-axis: a zoom is theirs, and the pointer reads every line at an epoch, in all of them.
    """
    parts = ",".join(f'{{"title":{json.dumps(title)},"figure":{figure.to_json()}}}' for title, figure in panels)
    return f'{{"panels":[{parts}],"legend":{json.dumps(list(legend))},"together":{json.dumps(together)}}}'.encode()


def fold_legend(folds: Sequence[int], run_colour: str, behind: str = "") -> list[dict]:
    """Switches for training, validation, the mean, every fold and the run behind them.

    No folds: of one network that nobody validates. behind: the name of another run.
    """
    other = [{"key": "behind", "label": behind, "dash": False, "width": 2, "colour": INK}] if behind else []
    if not folds:
        return [{"key": "train", "label": "training", "dash": True, "width": 2}]
    return [
        {"key": "train", "label": "training", "dash": True, "width": 2},
        {"key": "validation", "label": "validation", "dash": False, "width": 2},
        {"key": "mean", "label": "mean ± deviation", "dash": False, "width": 4, "colour": run_colour},
        *(
            {
                "key": f"fold {fold}",
                "label": f"fold {fold}",
                "dash": style.fold_look(run_colour, fold, alone=True)[1] != "solid",
                "width": 2,
                "colour": fold_hue(run_colour, fold),
            }
            for fold in folds
        ),
        *other,
    ]


def draw(data: bytes, *, key: str) -> None:
    """Draw or update the row of figures `key`. Zoom and hidden lines stay as they are in the browser."""
    _CURVES(key=key, data=data)
