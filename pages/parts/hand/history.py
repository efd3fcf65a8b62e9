"""The browser's Back: one press a page, though Streamlit pushes each change of the address as a step of its own.

Three such changes are no step: an address that only gained what is in hand, which a page from the menu writes there;
another selection of photos, which the session keeps whatever an earlier address says; and what st.switch_page writes
first, the new page's parameters behind the old page's path.
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

const SOON = 2000;  // ms between the two halves of a switch, on a busy machine

export default function() {
  if (window.labHistory) return;
  window.labHistory = true;
  const push = window.history.pushState.bind(window.history);
  let half = {search: "", at: -Infinity};  // the last push that left the path as it was
  window.history.pushState = (state, title, address) => {
    const before = window.location, after = new URL(address || "", before.href), now = performance.now();
    const moved = after.pathname !== before.pathname;
    const second = moved && after.search && after.search === half.search && now - half.at < SOON;
    const gained = onlyGained(before, after);
    half = {search: moved || gained ? "" : after.search, at: now};
    return gained || second ? window.history.replaceState(state, title, address) : push(state, title, address);
  };
}
"""

_HISTORY = st.components.v2.component("facet_history", js=_JS, isolate_styles=False)


def once() -> None:
    """Call it on every page; the browser heeds the first one."""
    _HISTORY(key="facet-history", height=1)
