"""The lab's look: its few rules of CSS, the headings of a page's sections, drawings."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from contextlib import contextmanager
from html import escape

import streamlit as st

# Colours that are read or tell a state have 4.5 : 1 on the page and on its grey boxes, in both themes. The accent is
# that of .streamlit/config.toml, which Streamlit itself hands to its own elements and to components alone.
STYLE = """<style>
:root { --st-primary-color: light-dark(#0b6e8f, #4fb3d3); --st-link-color: light-dark(#0b6e8f, #4fb3d3);
  --lab-good: light-dark(#1a7a4c, #40b987); --lab-warn: light-dark(#875a00, #d6a02b);
  --lab-bad: light-dark(#b9352a, #f0766b); --lab-quiet: light-dark(#636b75, #979fa9); }
.block-container, [data-testid="stMainBlockContainer"] { padding-top: 4.2rem; padding-bottom: 3rem; max-width: 1680px; }
[data-testid="stPageLink"] a { padding: 0; min-height: 0; background: none; }
[data-testid="stPageLink"] a:hover { text-decoration: underline; }
[data-testid="stPageLink"] p { font-weight: 600; color: var(--st-link-color); }
[data-testid^="stBaseButton-primary"]:not(:disabled), [data-tag-index] :is(span, div, svg, button)
  { color: light-dark(#ffffff, #14181b) !important; }
[data-testid="stCaptionContainer"] { opacity: .76 !important; }
[data-testid="stCode"] .token:is(.key, .atrule, .tag, .keyword) { color: var(--st-primary-color) !important; }
[data-testid="stCode"] .token:is(.number, .boolean, .important, .null) { color: var(--lab-warn) !important; }
[data-testid="stCode"] .token:is(.string, .comment, .punctuation) { color: inherit !important; }
[data-testid="stButtonGroup"] button[data-variant="segmented_control"] { min-height: 2.5rem; }
[data-testid="stTabs"] [role="tablist"] { gap: 0 !important; border: 0 !important; flex-wrap: wrap;
  row-gap: .3rem; }
[data-testid="stTab"] { min-height: 2.5rem; padding: 0 .9rem !important; margin: 0 0 0 -1px !important;
  display: inline-flex; align-items: center; border: 1px solid light-dark(#d9dcd6, #343c42) !important; }
[data-testid="stTab"]:first-child { margin-left: 0 !important; border-radius: 6px 0 0 6px; }
[data-testid="stTab"]:last-child { border-radius: 0 6px 6px 0; }
[data-testid="stTab"][data-selected] { position: relative; z-index: 1; color: var(--st-primary-color);
  border-color: var(--st-primary-color) !important;
  background: color-mix(in srgb, var(--st-primary-color) 10%, transparent); }
[data-testid="stTab"] .react-aria-SelectionIndicator { display: none; }
[data-testid="stExpandSidebarButton"]::after { content: "Menu"; font-size: .93rem; font-weight: 500;
  padding-right: .3rem; }
.st-key-hand-line { margin: -1.4rem 0 -.7rem; gap: .3rem; }
.st-key-hand-line .lab-dot { margin: 0 -.35rem 0 0; vertical-align: -.05rem; }
.st-key-hand-line button { padding-left: .35rem; padding-right: .35rem; }
.lab-heading { font-size: 1.05rem; font-weight: 650; padding-top: .6rem;
  border-bottom: 1px solid color-mix(in srgb, currentColor 16%, transparent); padding-bottom: .25rem; }
.lab-quiet { --c: var(--lab-quiet) } .lab-accent { --c: var(--st-primary-color) } .lab-good { --c: var(--lab-good) }
.lab-warn { --c: var(--lab-warn) } .lab-bad { --c: var(--lab-bad) }
.lab-icon { font-family: "Material Symbols Rounded"; font-size: 1.15em; line-height: 1; vertical-align: -.18em;
  color: var(--c); font-weight: 400; font-style: normal; letter-spacing: normal; text-transform: none;
  font-variation-settings: "FILL" 0; user-select: none; }
.lab-state { white-space: nowrap; font-size: .9rem; }
.lab-title { font-size: 1.45rem; font-weight: 650; line-height: 1.25; overflow-wrap: anywhere; }
.lab-title .lab-state { font-size: .9rem; font-weight: 500; margin-left: .6rem; }
.lab-dot { display: inline-block; width: .7rem; height: .7rem; border-radius: 50%; margin-right: .5rem; }
.lab-meta { color: color-mix(in srgb, currentColor 74%, transparent); font-size: .87rem; overflow-wrap: anywhere; }
.lab-word { text-decoration: underline dotted color-mix(in srgb, currentColor 60%, transparent);
  text-underline-offset: .18em; cursor: help; }
.lab-num { font-variant-numeric: tabular-nums; }
.lab-absent { color: var(--c); font-size: .8rem; }
.lab-bar { height: 6px; border-radius: 3px; background: color-mix(in srgb, currentColor 13%, transparent);
  overflow: hidden; }
.lab-bar > div { height: 100%; border-radius: 3px; background: var(--c, currentColor); transition: width .6s linear; }
.lab-line { display: flex; flex-wrap: wrap; justify-content: space-between; gap: .1rem 1.2rem; font-size: .93rem;
  margin-bottom: .35rem; font-variant-numeric: tabular-nums; }
.lab-folds { display: grid; grid-template-columns: repeat(auto-fit, minmax(148px, 1fr)); gap: .5rem; }
.lab-fold { border: 1px solid color-mix(in srgb, currentColor 16%, transparent); border-radius: 6px;
  padding: .4rem .6rem .5rem; font-size: .85rem; font-variant-numeric: tabular-nums; min-width: 0; }
.lab-fold > div:first-child { display: flex; justify-content: space-between; gap: .4rem; }
.lab-fold b { font-weight: 600; } .lab-fold .lab-meta { font-size: .8rem; min-height: 1.3em; }
.lab-fold b .lab-dot { margin-right: .35rem; }
.lab-fold .lab-bar { height: 4px; margin-top: .3rem; }
.lab-scroll { overflow-x: auto; } .lab-scroll + .lab-meta { padding-top: .5rem; }
.lab-table .lab-state { font-size: inherit; }
.lab-pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 330px), 1fr)); gap: 1rem 2rem; }
table.lab-table { border-collapse: collapse; width: 100%; font-size: .88rem; font-variant-numeric: tabular-nums; }
.lab-table th { font-weight: 500; color: color-mix(in srgb, currentColor 74%, transparent); text-align: right;
  padding: .25rem .7rem; white-space: nowrap; }
.lab-table td { text-align: right; padding: .28rem .7rem; white-space: nowrap;
  border-top: 1px solid color-mix(in srgb, currentColor 13%, transparent); }
.lab-table th:first-child, .lab-table td:first-child, .lab-table .lab-left { text-align: left; }
.lab-table tr.lab-total td { font-weight: 600;
  border-top: 2px solid color-mix(in srgb, currentColor 35%, transparent); }
.lab-table .lab-group :is(th, td) { text-align: center; padding-bottom: 0; border-top: 0; }
.lab-table a { color: inherit; text-decoration-color: color-mix(in srgb, currentColor 35%, transparent); }
.lab-table .lab-edge { border-left: 1px solid color-mix(in srgb, currentColor 13%, transparent); }
.lab-scroll, .runs-wrap, .look-matrix { --paper: light-dark(#fcfcfa, #14181b);
  --shade: light-dark(#0000002e, #000000b0);
  background: linear-gradient(90deg, var(--paper) 40%, transparent) 0 0 / 2.4rem 100% no-repeat local,
    linear-gradient(270deg, var(--paper) 40%, transparent) 100% 0 / 2.4rem 100% no-repeat local,
    linear-gradient(90deg, var(--shade), transparent) 0 0 / .6rem 100% no-repeat scroll,
    linear-gradient(270deg, var(--shade), transparent) 100% 0 / .6rem 100% no-repeat scroll; }
button:not(:disabled) kbd { color: inherit !important; opacity: .9 !important; }
@media (hover: none) { button kbd { display: none !important; } }
@media (max-width: 640px) {
  .lab-table .lab-spare { display: none; }
  [data-testid="stButtonGroup"] > [role] { flex-wrap: wrap; row-gap: .3rem; overflow: visible; }
  [data-testid="stButtonGroup"] button:not([data-selected])
    { border-color: light-dark(#d9dcd6, #343c42) !important; }
  [data-testid="stButtonGroup"] button[data-selected] { position: relative; z-index: 1; }
}
@media (max-width: 900px) { .lab-table th, .lab-table td { padding-left: .35rem; padding-right: .35rem; }
  table.lab-table { font-size: .8rem; } }
.lab-fault { border-left: 3px solid var(--c); padding: .35rem .8rem; font-size: .93rem; overflow-wrap: anywhere;
  background: color-mix(in srgb, var(--c) 9%, transparent); border-radius: 0 6px 6px 0; margin-bottom: .4rem; }
.lab-faces { display: grid; grid-template-columns: repeat(auto-fill, minmax(112px, 1fr)); gap: .6rem; }
.lab-faces figure { margin: 0; font-size: .78rem; overflow-wrap: anywhere; }
.lab-faces img { width: 100%; border-radius: 4px; display: block; margin-bottom: .2rem; }
</style>"""


def heading(text: str) -> None:
    """A section of a page."""
    st.html(f'<div class="lab-heading" role="heading" aria-level="2">{escape(text)}</div>')


@contextmanager
def section(text: str) -> Iterator[None]:
    """A section of a page, in one place: the fields after it keep what is being typed when something appears in it."""
    with st.container():
        heading(text)
        yield


def picture(svg: str) -> str:
    """HTML of an SVG drawing; st.html lets SVG through only as an image."""
    return f'<img alt="" src="data:image/svg+xml;base64,{base64.b64encode(svg.encode()).decode()}">'
