"""A click that leads somewhere on the page: there it scrolls, lights up for a moment and has the keyboard."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

_LEAD = "lead_to"  # in the session: (number of the click, key of what was clicked in, names)
_JS = """
export default function({data}) {
  if (!data.click || window.facetLed === data.click) return;
  window.facetLed = data.click;
  const places = data.names.map(name => new RegExp(`^st-key-(.*-)?${name}(-\\\\d+)?$`));
  const keyed = () => [...document.querySelectorAll('[class*="st-key-"]')];
  const at = place => keyed().find(box => [...box.classList].some(name => place.test(name)));
  const until = performance.now() + 2500;
  const late = () => performance.now() > until;
  const focus = () => {  // a field's script may arrive after its place
    const box = places.map(at).find(Boolean), field = box?.querySelector("input, textarea");
    if (!field && !late()) return requestAnimationFrame(focus);
    (field ?? box?.querySelector("button"))?.focus({preventScroll: true});
  };
  const look = () => {
    const box = late() ? places.map(at).find(Boolean) : at(places[0]);  // the first may not be there for this dataset
    if (!box && !late()) return requestAnimationFrame(look);
    if (!box) return;
    box.scrollIntoView({block: "center", behavior: "smooth"});
    const ring = getComputedStyle(document.documentElement).getPropertyValue("--st-primary-color") || "#2f95b8";
    box.animate([{boxShadow: `0 0 0 4px ${ring}`}, {boxShadow: "0 0 0 4px transparent"}],
      {duration: 1800, easing: "ease-in"});
    focus();
  };
  look();
}
"""
_FOLLOW = st.components.v2.component("facet_lead", html="<i hidden></i>", js=_JS, isolate_styles=False)


def lead_to(key: str, names: Sequence[str]) -> None:
    """After a click in the part of the page with this key: go to the control or group whose key ends with the first of
    the names that is there."""
    number = st.session_state.get(_LEAD, (0,))[0] + 1
    st.session_state[_LEAD] = number, key, list(names)


def follow(key: str) -> None:
    """Draw it once in the part of the page with this key."""
    click, where, names = st.session_state.get(_LEAD, (0, "", []))
    here = where == key
    _FOLLOW(key=f"lead-{key}", data={"click": click if here else 0, "names": names if here else []})
