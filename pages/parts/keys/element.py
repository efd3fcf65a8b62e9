"""What the browser does by itself for keys and words, as one element: the palette with its lists (finding.py), the
dots under words (dotting.py) and a walk over the page (touring.py). It stands outside of what the lab draws, so that it
is there while a page is drawn, and one for all pages.

Texts reach it as data and are set as text, never as markup. A dialog of the browser keeps the focus and closes with
Escape by itself.
"""

from __future__ import annotations

import json

import streamlit as st

from pages.parts.keys import dotting, finding, touring
from pages.parts.keys.glossary import GLOSSARY
from pages.parts.keys.places import KEYS, PAGES, PARTS

_BOTH = """
const {pages, keys, parts, words, css} = STATIC;

const app = () => document.querySelector('[data-testid="stApp"]');
const state = window.labKeys = window.labKeys || {list: null, hand: null, asked: 0, waiting: false, at: 0, shown: []};

function made(tag, content, attributes) {
  const element = document.createElement(tag);
  element.textContent = content || "";
  for (const [name, value] of Object.entries(attributes || {})) element.setAttribute(name, value);
  return element;
}

function inColours(element) {
  const {backgroundColor, color, fontFamily} = getComputedStyle(app());
  Object.assign(element.style, {backgroundColor, color, fontFamily});
  return element;
}
"""

_ELEMENT = """
export default function({data, setTriggerValue}) {
  state.send = setTriggerValue;
  state.hand = data.hand;
  if (data.list) {
    state.list = data.list;
    if (data.list.asked === state.asked) state.waiting = false;
  }
  if (!state.stands) {
    state.stands = true;
    document.head.append(made("style", css));
    placeFind();
    watchWords();
  }
  refind();
}
"""

_STATIC = {
    "pages": [(name, title, icon.split("/")[1].rstrip(":")) for name, title, icon in PAGES],
    "keys": KEYS,
    "parts": PARTS,
    "words": GLOSSARY,
    "css": finding.CSS + dotting.CSS + touring.CSS,
}
KEYS_ELEMENT = st.components.v2.component(
    "facet_keys",
    js=_BOTH.replace("STATIC", json.dumps(_STATIC), 1) + finding.JS + dotting.JS + touring.JS + _ELEMENT,
    isolate_styles=False,
)
