"""Telling somebody who does something else that a run has ended: a notification of the browser, asked for by a click.

The wish is kept in the browser, for all its tabs; the session only knows of it. While it is wished, each page looks at
what trains, since a run may end while another page, or another program, is looked at. Nothing is sent anywhere.
"""

from __future__ import annotations

from typing import Any

import streamlit as st

from core.runs.everybody.unmeasured import NOT_MEASURED
from core.runs.lists import index
from core.runs.lists.index import Listed
from core.text import one_line
from pages.parts.hand import results
from pages.parts.shared import badges
from pages.parts.tab import ticking

LOOKS = 3  # of a page that watches a run, to one for all runs
WISHED, WATCHED = "bell-wished", "bell-watched"  # in the session: whether; ids of runs that were active when looked at
_ASK_KEY, _LISTEN_KEY = "facet-bell-ask", "facet-bell-listen"
TELLS = ("done", "failed", "interrupted")  # who cancels a run knows that it ended

_CSS = """
.lab-bell { all: unset; box-sizing: border-box; cursor: pointer; display: inline-flex; align-items: center; gap: .4rem;
  min-height: 2.5rem; padding: .25rem .75rem; border-radius: 6px; white-space: nowrap; font-size: .93rem;
  color: var(--st-text-color); border: 1px solid var(--st-border-color); }
.lab-bell:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
.lab-bell:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
.lab-bell[aria-pressed="true"] { border-color: var(--st-primary-color);
  background: color-mix(in srgb, var(--st-primary-color) 12%, transparent); }
.st-key-home-training .lab-bell { min-height: 0; padding: 0 .3rem; border-color: transparent; background: none; }
.lab-bell i { font-family: "Material Symbols Rounded"; font-style: normal; font-size: 1.25rem; line-height: 1;
  font-weight: 400; }
"""

_WISH = """
const KEY = "facet-bell", able = "Notification" in window && window.isSecureContext;
const PATIENCE = 5000;  // ms that an answer may take before it is asked again
const wished = () => able && Notification.permission === "granted" && localStorage.getItem(KEY) === "on";
"""

_ASK_JS = (
    _WISH
    + """
export default function({parentElement, setTriggerValue}) {
  const button = parentElement.querySelector("button"), [sign, words] = button.children;
  const show = () => {
    const on = wished(), refused = !able || Notification.permission === "denied";
    button.setAttribute("aria-pressed", String(on));
    sign.textContent = on ? "notifications_active" : refused ? "notifications_off" : "notifications";
    words.textContent = on ? "You will be told" : "Tell me";
    button.title = on ? "When a run is done or fails, while a page of the lab is open. A click takes it back."
      : !able ? "This browser shows no notifications of a page at this address."
      : refused ? "The browser refuses notifications of this page: allow them beside its address."
      : "A notification of your browser when a run is done or fails, while a page of the lab is open.";
  };
  button.onclick = async () => {
    if (wished()) localStorage.removeItem(KEY);
    else if (able && await Notification.requestPermission() === "granted") localStorage.setItem(KEY, "on");
    show();
    setTriggerValue("wish", wished());
  };
  show();
}
"""
)

_LISTEN_JS = (
    _WISH
    + """
export default function({data, setTriggerValue}) {
  const now = performance.now();
  if (wished() !== data.wished && now - (window.labBellSaid ?? -Infinity) > PATIENCE) {
    window.labBellSaid = now;
    setTriggerValue("wish", wished());
  }
  const seen = window.labBellSeen = window.labBellSeen || {};
  for (const run of data.runs) {
    const before = seen[run.id];
    seen[run.id] = run.active;
    if (!before || run.active || !run.title || !wished()) continue;
    const note = new Notification(run.title, {body: run.body, tag: "facet-" + run.id});
    note.onclick = () => { window.focus(); window.location.assign(run.address); note.close(); };
  }
}
"""
)

_ASK = st.components.v2.component(
    "facet_bell_ask",
    html='<button type="button" class="lab-bell"><i aria-hidden="true"></i><span></span></button>',
    css=_CSS,
    js=_ASK_JS,
    isolate_styles=False,
)
_LISTEN = st.components.v2.component("facet_bell", html="<i hidden></i>", js=_LISTEN_JS, isolate_styles=False)


def ask() -> None:
    """The button with which somebody asks to be told, and takes that back."""
    _ASK(key=_ASK_KEY, on_wish_change=lambda: _wish(_ASK_KEY), width="content")


def listen() -> None:
    """Call it on every page: looks at what trains where somebody wished to be told, and only then."""
    if not st.session_state.get(WISHED):
        _listen([])
        return
    listed = _look()
    is_active = any(summary["state"] in badges.ACTIVE for summary in listed)
    st.fragment(_tick, run_every=LOOKS * ticking.every(1.0) if is_active else None)()


def _wish(key: str) -> None:
    wish = st.session_state[key].get("wish")
    if wish is not None:
        st.session_state[WISHED] = bool(wish)


def _look() -> list[dict[str, Any]]:
    """Summaries of what is active, and of what was when this session looked before."""
    watched: set[str] = st.session_state.setdefault(WATCHED, set())
    listed = [each for each in index.summaries() if "unreadable" not in each]
    watched |= {each["id"] for each in listed if each["state"] in badges.ACTIVE}
    return [each for each in listed if each["id"] in watched]


def _tick() -> None:
    _listen(_look())


def _listen(listed: list[dict[str, Any]]) -> None:
    runs = [_told(summary) for summary in listed]
    data = {"wished": bool(st.session_state.get(WISHED)), "runs": runs}
    _LISTEN(key=_LISTEN_KEY, data=data, on_wish_change=lambda: _wish(_LISTEN_KEY), height=1)


def _told(summary: dict[str, Any]) -> dict[str, Any]:
    """What the browser needs of a run; title and body are set as text there."""
    state = summary["state"]
    title, body = "", ""
    if state in TELLS:
        title = f"{one_line(summary['name'], 60)}: {badges.state_badge(state).word}"
        body = _words(summary)
    active = state in badges.ACTIVE
    return {"id": summary["id"], "active": active, "title": title, "body": body, "address": f"live?run={summary['id']}"}


def _words(summary: dict[str, Any]) -> str:
    if summary["state"] == "done":
        score = NOT_MEASURED if summary.get("everybody") else results.f1_in_words(Listed(summary))
        return f"macro F1 {score}"
    reasons = [str(fold["reason"]) for fold in summary["folds"] if fold.get("reason")]
    return one_line(reasons[0], 200) if reasons else "Open it to see what happened."
