"""What a page says while its lab does not answer, in place of Streamlit's own dialog, which tells people to run a
script and covers what they were typing.

It stands in the browser, outside of what the lab draws: the lab that would have to say it is gone. Streamlit looks for
its server by itself, every few seconds, and the page goes on with what its fields hold.
"""

from __future__ import annotations

import streamlit as st

_JS = """
const HERE = "What you typed stays here, and a training needs neither this page nor the lab. ";
const ON = HERE + "The page goes on by itself ";
const COPY = "Copy what you typed and did not send, then reload. A training goes on without this page.";
const WORDS = {
  lost: ["Lost connection to the lab. Is it still running?", ON + "once the lab answers."],
  offline: ["You are offline, and the lab does not answer.", ON + "once you are online again."],
  back: ["The lab answers again.", "This page goes on in a moment."],
  stranger: ["The lab answers, but does not let this page in.",
    "It may have been started anew: open the link that it printed in another tab of this browser. " + ON + "then."],
  deaf: ["The lab answers, but this page gets no line to it.",
    "Something between this browser and the lab may hold up WebSockets: a web server, an extension, a filter of the "
    + "network. " + ON + "once they come through; a reload may help."],
  over: ["This page lost its line to the lab, and takes it up again only when it is reloaded.", COPY],
};
const PATIENCE = 1000, AGAIN = 3000, ANSWER = 5000;  // ms: before it is said, between two looks, for an answer
const LOOKS = 4;  // answers of a lab to which no line comes about, before that is said
const LONGEST = 160;  // characters of what Streamlit says of a page that is over
const STYLE = `
#lab-connection { position: fixed; z-index: 1000000; top: .6rem; left: 50%; transform: translateX(-50%);
  width: min(44rem, calc(100vw - 1.2rem)); box-sizing: border-box; display: flex; flex-wrap: wrap; align-items: center;
  gap: .5rem 1rem; padding: .6rem .9rem; border: 1px solid #c98a00; border-left-width: 4px; border-radius: 6px;
  font-size: .93rem; line-height: 1.4; box-shadow: 0 4px 18px rgb(0 0 0 / .25); }
#lab-connection > div { flex: 1 1 16rem; }
#lab-connection b { font-weight: 600; }
#lab-connection small { display: block; opacity: .8; font-size: .85rem; }
#lab-connection button { font: inherit; color: inherit; background: none; border: 1px solid currentColor;
  border-radius: 6px; padding: .25rem .8rem; min-width: 6rem; cursor: pointer; }
#lab-connection button:disabled { opacity: .6; cursor: default; }`;

const app = () => document.querySelector('[data-testid="stApp"]');
const notice = () => document.getElementById("lab-connection");
const line = () => app()?.dataset.testConnectionState;
const connected = () => line() === "CONNECTED";
const isOver = () => line() === "DISCONNECTED_FOREVER";  // Streamlit gave up and looks for its server no more
let looking = false, cut = false, answers = 0, reason = "", next;

async function answer() {
  const script = document.querySelector('script[src*="static/js/"]');
  const root = script ? new URL("../../", script.src) : new URL("/", location.href);
  try {  // one of the two that Streamlit asks for before it connects, and not the one that is open to health checks
    const asked = await fetch(new URL("_stcore/host-config", root),
      {cache: "no-store", signal: AbortSignal.timeout(ANSWER)});
    if (!asked.ok) return [401, 403].includes(asked.status) ? "stranger" : "lost";
    if (isOver()) return "over";
    return ++answers < LOOKS ? "back" : "deaf";
  } catch { return navigator.onLine ? "lost" : "offline"; }
}

function wordsOf(kind) {
  const [what, then] = WORDS[kind];
  if (kind === "over" && reason) return [what, `${reason} ${then}`];
  return isOver() && kind !== "over" ? [what, then.replace(ON, HERE + "Reload the page ")] : [what, then];
}

function say(kind) {
  if (!notice()) {
    const box = document.createElement("div");
    box.id = "lab-connection";
    box.setAttribute("role", "alert");
    box.innerHTML = `<style>${STYLE}</style><div><b></b><small></small></div><button type="button">Try again</button>`;
    box.querySelector("button").onclick = () => box.dataset.kind === "over" ? location.reload() : look(true);
    document.body.append(box);
  }
  const {backgroundColor, color, fontFamily} = getComputedStyle(app());
  Object.assign(notice().style, {backgroundColor, color, fontFamily});
  notice().dataset.kind = kind;
  wordsOf(kind).forEach((words, at) => {
    const part = notice().querySelector(["b", "small"][at]);
    if (part.textContent !== words) part.textContent = words;  // each change is read aloud
  });
  notice().querySelector("button").textContent = kind === "over" ? "Reload" : "Try again";
}

function hush() {
  clearTimeout(next);
  next = undefined;
  answers = 0;
  notice()?.remove();
}

async function look(asked) {
  if (looking) return;
  looking = true;
  const button = notice()?.querySelector("button");
  if (button && asked) Object.assign(button, {disabled: true, textContent: "Trying ..."});
  const kind = await answer();
  if (button) button.disabled = false;
  looking = false;
  if (connected() && kind !== "lost" && kind !== "offline") return hush();
  say(kind);
  clearTimeout(next);
  next = setTimeout(look, AGAIN);
}

function noticed() {
  if (cut && connected()) window.labConnection.drawAnew();  // a lab that was started anew has not seen this page yet
  cut = !connected();
  if (!cut && navigator.onLine) hush();
  else if (!next && !looking) next = setTimeout(look, PATIENCE);
}

function said(dialog) {
  const words = dialog.querySelector("h2 + div")?.textContent.trim() || "";
  const cut = words.length > LONGEST ? words.slice(0, LONGEST - 4) + " ..." : words;
  return cut && !/[.!?]$/.test(cut) ? cut + "." : cut;
}

function inItsPlace() {
  for (const dialog of document.querySelectorAll('[role="dialog"]'))
    if (dialog.querySelector("h2")?.textContent === "Connection error") {
      if (isOver()) reason = said(dialog);
      dialog.parentElement.parentElement.style.visibility = "hidden";  // while it fades
      dialog.querySelector('button[aria-label="Close"]')?.click();
    }
}

export default function({setTriggerValue}) {
  const isFirst = !window.labConnection;
  window.labConnection = {drawAnew: () => setTriggerValue("back", performance.now())};
  if (!isFirst) return;
  new MutationObserver(noticed).observe(app(), {attributeFilter: ["data-test-connection-state"]});
  new MutationObserver(inItsPlace).observe(document.body, {childList: true});
  window.addEventListener("offline", noticed);
  window.addEventListener("online", noticed);
}
"""

_CONNECTION = st.components.v2.component("facet_connection", js=_JS, isolate_styles=False)


def once() -> None:
    """Call it on every page; the browser heeds the first one."""
    _CONNECTION(key="facet-connection", height=1, on_back_change=lambda: None)
