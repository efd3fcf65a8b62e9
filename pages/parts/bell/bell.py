"""Telling somebody who does something else that a run has ended: a notification of the browser, asked for by a click.

The wish is kept in the browser, for all its tabs; the session only knows of it. Each page is told of what trains, by
the queue in its header, since a run may end while another page, or another program, is looked at. Nothing is sent
anywhere.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

from core.runs.everybody.unmeasured import NOT_MEASURED
from core.runs.lists.index import Listed
from core.text import one_line
from pages.parts.hand import results
from pages.parts.shared import badges

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


def listen(entries: Sequence[Listed]) -> None:
    """Hands the browser what it tells of, where somebody wished that. entries: of all runs, as they are now."""
    runs = [_told(entry) for entry in _watched(entries)] if st.session_state.get(WISHED) else []
    data = {"wished": bool(st.session_state.get(WISHED)), "runs": runs}
    _LISTEN(key=_LISTEN_KEY, data=data, on_wish_change=lambda: _wish(_LISTEN_KEY), height=1)


def _wish(key: str) -> None:
    wish = st.session_state[key].get("wish")
    if wish is not None:
        st.session_state[WISHED] = bool(wish)


def _watched(entries: Sequence[Listed]) -> list[Listed]:
    """What is active, and what was when this session looked before."""
    watched: set[str] = st.session_state.setdefault(WATCHED, set())
    readable = [entry for entry in entries if not entry.unreadable]
    watched |= {entry.id for entry in readable if entry.state in badges.ACTIVE}
    return [entry for entry in readable if entry.id in watched]


def _told(entry: Listed) -> dict[str, Any]:
    """What the browser needs of a run; title and body are set as text there."""
    title, body = "", ""
    if entry.state in TELLS:
        title = f"{one_line(entry.name, 60)}: {badges.state_badge(entry.state).word}"
        body = _words(entry)
    active = entry.state in badges.ACTIVE
    return {"id": entry.id, "active": active, "title": title, "body": body, "address": f"live?run={entry.id}"}


def _words(entry: Listed) -> str:
    if entry.state == "done":
        score = NOT_MEASURED if entry.summary.get("everybody") else results.f1_in_words(entry)
        return f"macro F1 {score}"
    return why(entry) or "Open it to see what happened."


def why(entry: Listed) -> str:
    """The first reason that a fold of it gives for its end; empty where none does."""
    reasons = [str(fold["reason"]) for fold in entry.summary["folds"] if fold.get("reason")]
    return one_line(reasons[0], 200) if reasons else ""
