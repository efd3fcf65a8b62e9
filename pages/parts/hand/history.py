"""The browser's Back: one press a page, though Streamlit pushes each change of the address as a step of its own.

One act of the user's, a click or a key, is one step at most: whatever the page writes into the address after it belongs
to that step, however late it comes. So st.switch_page leaves nothing behind, which writes the new page's parameters
behind the old page's path first, nor does a page that writes its own when it begins.

Two changes are no step at all: an address that only gained what is in hand, which a page from the menu writes there;
and another selection of photos, which the session keeps whatever an earlier address says.
"""

from __future__ import annotations

import streamlit as st

_JS = """
const bare = search => {
  const params = new URLSearchParams(search);
  for (const name of ["run", "study", "selection"]) params.delete(name);
  return params.toString();
};

function onlyGained(before, after) {
  if (before.pathname !== after.pathname || bare(before.search) !== bare(after.search)) return false;
  const [old, now] = [before, after].map(url => new URLSearchParams(url.search));
  if (after.pathname.endsWith("/studies") && !old.has("study") && now.has("study")) return false;  // a study was opened
  return ["run", "study"].every(name => !old.has(name) || old.get(name) === now.get(name));
}

export default function() {
  if (window.labHistory) return;
  window.labHistory = true;
  const push = window.history.pushState.bind(window.history);
  let stepped = true;  // since the user's last act; what a page that was loaded writes is of that load
  const acts = event => { if (event.detail <= 1 && !event.repeat) stepped = false; };  // a double click is one act
  for (const name of ["mousedown", "click", "keydown"]) window.addEventListener(name, acts, true);
  window.addEventListener("drop", () => { stepped = false; }, true);
  window.addEventListener("popstate", () => { stepped = true; }, true);
  window.history.pushState = (state, title, address) => {
    const before = window.location, after = new URL(address || "", before.href);
    if (stepped || onlyGained(before, after)) return window.history.replaceState(state, title, address);
    stepped = true;
    return push(state, title, address);
  };
}
"""

_HISTORY = st.components.v2.component("facet_history", js=_JS, isolate_styles=False)


def once() -> None:
    """Call it on every page; the browser heeds the first one."""
    _HISTORY(key="facet-history", height=1)
