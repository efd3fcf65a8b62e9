"""What Streamlit leaves out for who has no mouse, or the dark theme: whatever scrolls can be reached by Tab and
scrolled by the arrows, the menu's arrow is called what stands beside it, and what is drawn outside of the page
(popovers, dialogs, toasts) knows which theme there is, so that light-dark() means the same in it.
"""

from __future__ import annotations

import streamlit as st

_JS = """
const SCROLLS = '.lab-scroll, .effect, .ends, .look-maps, .look-matrix, .runs-wrap, [data-testid="stCode"] pre';
const INSIDE = 'a[href], button, input, canvas[tabindex="0"]';
let next;

function look() {
  next = undefined;
  const app = document.querySelector('[data-testid="stApp"]'), scheme = app && getComputedStyle(app).colorScheme;
  if (scheme && document.documentElement.style.colorScheme !== scheme)
    document.documentElement.style.colorScheme = scheme;
  document.querySelector('[data-testid="stExpandSidebarButton"]')?.setAttribute("aria-label", "Menu");
  for (const box of document.querySelectorAll(SCROLLS)) {
    const scrolls = box.scrollWidth > box.clientWidth + 1 || box.scrollHeight > box.clientHeight + 1;
    if (scrolls && !box.querySelector(INSIDE)) box.tabIndex = 0;
    else if (box.hasAttribute("tabindex")) box.removeAttribute("tabindex");
  }
}

export default function() {
  if (window.labAccess) return;
  window.labAccess = true;
  const soon = () => { next = next || requestAnimationFrame(look); };
  const watch = new MutationObserver(soon);
  watch.observe(document.body, {childList: true, subtree: true});
  watch.observe(document.querySelector('[data-testid="stApp"]'), {attributeFilter: ["class", "style"]});  // its theme
  window.addEventListener("resize", soon);
  soon();
}
"""

_ACCESS = st.components.v2.component("facet_access", js=_JS, isolate_styles=False)


def once() -> None:
    """Call it on every page; the browser heeds the first one."""
    _ACCESS(key="facet-access", height=1)
