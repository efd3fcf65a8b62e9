"""Live curves: a row of plotly figures that are mounted once and whose data change.

`st.plotly_chart` is remounted when its data change and loses the zoom; here Plotly.react draws into the same element.
A page calls `plotly_once()` outside its fragment, which sends the plotly script to the browser one time, and
`draw()` inside it at every tick. One legend above the row switches folds and splits in all figures.
"""

from __future__ import annotations

import json
from collections.abc import Sequence

import plotly.graph_objects as go
import streamlit as st
from plotly.offline import get_plotlyjs

from core.runs.colours import fold_hue

_LOADER = st.components.v2.component(
    "facet_plotly", js=get_plotlyjs() + "\nexport default function() {}", isolate_styles=False
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
.lab-curves .lab-panel { min-width: 0; }
.lab-curves .lab-panel h4 { font-size: .85rem; font-weight: 600; margin: 0; padding: .1rem 0 0 .2rem; letter-spacing: 0;
  color: var(--st-text-color); }
.lab-curves .lab-plot { width: 100%; }
.lab-curves .modebar-container { top: -1.5rem !important; }
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
  layout.modebar = {bgcolor: "rgba(0,0,0,0)", color: grid, activecolor: ink, orientation: "h"};
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

// uirevision keeps a zoom only while the range that is sent stays the same: while someone has zoomed, send the old one.
function keepZoom(plot, layout) {
  const sent = plot.lab = plot.lab || {};
  for (const name of ["xaxis", "yaxis"]) {
    const now = plot.layout && plot.layout[name].range, old = sent[name];
    if (old && now && (now[0] !== old[0] || now[1] !== old[1])) layout[name].range = [...old];
    else if (layout[name].range) sent[name] = [...layout[name].range];
  }
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

async function draw(host) {
  const Plotly = await plotly();
  const {panels, legend: items} = JSON.parse(host.lab.text);
  let bar = host.querySelector(".lab-legend");
  if (!bar) { bar = document.createElement("div"); bar.className = "lab-legend"; host.append(bar); }
  bar.hidden = !items.length;
  host.style.setProperty("--panels", panels.length);
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", "Lines shown");
  legend(bar, items, host.lab.hidden, () => draw(host));
  for (const panel of panels) {
    let box = [...host.querySelectorAll(".lab-panel")].find(b => b.dataset.name === panel.title);
    if (!box) {
      box = document.createElement("section");
      box.className = "lab-panel";
      box.dataset.name = panel.title;
      box.setAttribute("aria-label", panel.title);
      const heading = document.createElement("h4"), plot = document.createElement("div");
      heading.textContent = panel.title;
      plot.className = "lab-plot";
      box.append(heading, plot);
      host.append(box);
      host.lab.watch.observe(plot);
    }
    const plot = box.querySelector(".lab-plot"), {data, layout} = panel.figure;
    restyle(layout, host);
    layout.showlegend = !items.length;
    if (items.length) for (const trace of data) trace.visible = visible(trace, host.lab.hidden);
    plot.style.height = layout.height + "px";
    const {xaxis, yaxis} = layout, isNew = !plot.on;
    plot.labAll = {xaxis: xaxis.range && [...xaxis.range], yaxis: yaxis.range && [...yaxis.range]};
    keepZoom(plot, layout);
    // One object for the figure's life: another one would make plotly draw it from the start.
    plot.labConfig = plot.labConfig || {...CONFIG, modeBarButtonsToAdd: [{name: "Show all", icon: Plotly.Icons.home,
      click: () => { showAll(Plotly, plot); }}]};
    await Plotly.react(plot, data, layout, plot.labConfig);
    if (isNew) plot.on("plotly_doubleclick", () => { showAll(Plotly, plot); });
  }
}

export default function({parentElement, data}) {
  const host = parentElement.querySelector(".lab-curves");
  if (!host.lab) {
    const watch = new ResizeObserver(entries => entries.forEach(({target}) => {
      const drawn = target._fullLayout && target._fullLayout.width;  // the first call comes after the first drawing
      if (drawn && target.offsetWidth && target.offsetWidth !== Math.round(drawn)) window.Plotly.Plots.resize(target);
    }));
    host.lab = {hidden: new Set(), watch, drawing: Promise.resolve()};
  }
  host.lab.text = typeof data === "string" ? data : new TextDecoder().decode(data);
  host.lab.drawing = host.lab.drawing.then(() => draw(host)).catch(error =>
    console.error("curves:", error && error.stack || error));
  return () => {
    host.lab.watch.disconnect();
    if (window.Plotly) host.querySelectorAll(".lab-plot").forEach(plot => window.Plotly.purge(plot));
  };
}
"""

_CURVES = st.components.v2.component(
    "facet_curves", html='<div class="lab-curves"></div>', css=_CSS, js=_JS, isolate_styles=False
)


def plotly_once() -> None:
    """Send the plotly script to the browser. Call it once a page, outside any fragment: it weighs 5 MB."""
    _LOADER(key="facet-plotly", height=1)


def payload(panels: Sequence[tuple[str, go.Figure]], legend: Sequence[dict] = ()) -> bytes:
    """What `draw` sends: (title, figure) of each panel, and the legend that all of them share."""
    parts = ",".join(f'{{"title":{json.dumps(title)},"figure":{figure.to_json()}}}' for title, figure in panels)
    return f'{{"panels":[{parts}],"legend":{json.dumps(list(legend))}}}'.encode()


def fold_legend(folds: Sequence[int], run_colour: str) -> list[dict]:
    """Switches for training, validation, the mean and every fold. No folds: of one network that nobody validates."""
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
                "dash": False,
                "width": 2,
                "colour": fold_hue(run_colour, fold),
            }
            for fold in folds
        ),
    ]


def draw(data: bytes, *, key: str) -> None:
    """Draw or update the row of figures `key`. Zoom and hidden lines stay as they are in the browser."""
    _CURVES(key=key, data=data)
