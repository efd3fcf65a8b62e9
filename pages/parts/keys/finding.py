"""The palette and the lists of keys and words, in the browser: what can be found, how it is matched, the dialog and its
keys. A part of element.py, which holds what both parts use.
"""

from __future__ import annotations

CSS = """
#lab-find { all: unset; box-sizing: border-box; position: fixed; z-index: 999991; top: .95rem; right: 3.4rem;
  display: inline-flex; align-items: center; gap: .3rem; height: 1.9rem; padding: 0 .55rem; cursor: pointer;
  border: 1px solid color-mix(in srgb, currentColor 20%, transparent); border-radius: 6px; font-size: .8rem; }
#lab-find:hover { border-color: var(--st-primary-color); }
#lab-find:focus-visible { outline: 2px solid var(--st-primary-color); }
#lab-find i, #lab-keys i { font-family: "Material Symbols Rounded"; font-style: normal; font-weight: 400;
  font-size: 1.2rem; line-height: 1; }
@media (max-width: 640px) { #lab-find kbd { display: none; } }
#lab-find kbd, #lab-keys kbd { font: inherit; font-variant-numeric: tabular-nums; white-space: nowrap; }
#lab-keys { box-sizing: border-box; width: min(40rem, calc(100vw - 1.2rem)); max-height: min(34rem, 84vh);
  margin: 9vh auto auto; padding: 0; overflow: hidden; border-radius: 8px; line-height: 1.4; font-size: .95rem;
  border: 1px solid color-mix(in srgb, currentColor 22%, transparent); box-shadow: 0 12px 40px rgb(0 0 0 / .35); }
#lab-keys[open] { display: flex; flex-direction: column; }
#lab-keys::backdrop { background: rgb(0 0 0 / .35); }
#lab-keys input { all: unset; box-sizing: border-box; width: 100%; padding: .8rem 1rem; font-size: 1.05rem;
  border-bottom: 1px solid color-mix(in srgb, currentColor 16%, transparent); }
#lab-keys input::placeholder { color: inherit; opacity: .7; }
#lab-keys [role="listbox"] { overflow-y: auto; padding: .3rem; }
#lab-keys [role="option"] { display: flex; align-items: center; gap: .6rem; padding: .36rem .7rem; border-radius: 5px;
  cursor: pointer; scroll-margin: .3rem; }
#lab-keys [role="option"] > span { flex: 1 1 auto; min-width: 0; overflow-wrap: anywhere; }
#lab-keys [role="option"] > small { flex: none; font-size: .8rem; opacity: .76; }
#lab-keys [role="option"] > b { flex: none; width: .7rem; height: .7rem; border-radius: 50%; margin: 0 .25rem; }
#lab-keys [aria-selected="true"] { background: color-mix(in srgb, var(--st-primary-color) 17%, transparent); }
#lab-keys footer { padding: .45rem 1rem; font-size: .8rem; display: flex; flex-wrap: wrap; gap: .2rem 1.1rem;
  color: color-mix(in srgb, currentColor 78%, transparent);
  border-top: 1px solid color-mix(in srgb, currentColor 16%, transparent); }
#lab-keys .lab-sheet { overflow-y: auto; padding: .2rem 1.2rem 1rem; }
#lab-keys h2 { font-size: 1rem; font-weight: 650; margin: 0; padding: .9rem 0 .35rem; letter-spacing: 0; }
#lab-keys dl { display: grid; grid-template-columns: minmax(6.5rem, max-content) 1fr; gap: .4rem 1.1rem; margin: 0; }
#lab-keys dt { font-weight: 600; } #lab-keys dd { margin: 0; }
#lab-keys header { display: flex; gap: .4rem; justify-content: flex-end; padding: .5rem .6rem 0; }
#lab-keys header button { all: unset; cursor: pointer; padding: .2rem .6rem; border-radius: 5px; font-size: .87rem;
  border: 1px solid color-mix(in srgb, currentColor 22%, transparent); }
#lab-keys header button:focus-visible { outline: 2px solid var(--st-primary-color); }
@media (max-width: 640px) { #lab-keys dl { grid-template-columns: 1fr; gap: .1rem; }
  #lab-keys dd { margin-bottom: .5rem; } #lab-keys footer span:not([role]) { display: none; } }
"""

JS = """
const IS_MAC = /Mac|iPhone|iPad/.test(navigator.platform), FIND = IS_MAC ? "⌘ K" : "Ctrl K";
const TYPED = 'textarea, select, [contenteditable=""], [contenteditable="true"], '
  + 'input:not([type="checkbox"], [type="radio"], [type="button"], [type="submit"], [type="range"], [type="file"])';
const EVERYWHERE = [[FIND, "find a run, study, dataset, page or button, and open it"],
  ["?", "what stands on this page, and these keys"],
  ["Esc", "close what lies over the page"], ["Tab", "the next control; Shift Tab the one before"]];
const MOST = 50, AGAIN = 2500;  // rows that are shown; ms after which the list of runs is asked for again
const NEWEST = 8;  // runs that are offered before anything is typed

function close() {
  state.dialog.close();
  if (state.dialog.contains(document.activeElement)) document.activeElement.blur();  // the browser does so later
}

// What there is to find

function wordsOf(button) {  // without the names of its icons and keys
  const copy = button.cloneNode(true);
  copy.querySelectorAll('[data-testid="stIconMaterial"], [data-testid="stTooltipIcon"], .lab-icon, i, kbd, small, svg, '
    + '[translate="no"]').forEach(each => each.remove());
  return copy.textContent.replace(/\\u200b/g, "").replace(/\\s+/g, " ").trim();
}

function buttonsInSight() {
  const inSight = new Map();
  for (const button of document.querySelectorAll('[data-testid="stMain"] button, [data-testid="stSidebar"] button')) {
    if (button.disabled || button.getAttribute("aria-disabled") === "true" || !button.checkVisibility()) continue;
    const label = wordsOf(button);
    if (/\\p{L}{2}/u.test(label) && label.length <= 60 && !inSight.has(label)) inSight.set(label, button);
  }
  return inSight;
}

const OPENS = [["look_inside", "Look inside"], ["compare", "Compare"], ["predict", "Predict"], ["live", "Live"]];

function offers() {
  const {list, hand} = state, rows = pages.map(([page, label, icon]) => ({label, kind: "page", icon, go: {page}}));
  if (hand) for (const [page, verb] of OPENS)
    rows.push({label: verb + ": " + hand.name, kind: "run in hand", icon: "arrow_forward",
      go: {page, params: {run: hand.id}}});
  if (hand) rows.push(
    {label: "Launch as: " + hand.name, kind: "run in hand", icon: "replay",
      go: {page: "launch", params: {from: hand.id}}},
    {label: "Clear the run in hand", kind: "run in hand", icon: "close", go: {clears: true}});
  const newest = (list && list.runs || []).slice(0, NEWEST).map(runRow);
  rows.push(...newest);
  rows.push({label: "Launch a study", kind: "page", icon: "grid_on", go: {page: "launch", params: {as: "study"}}},
    {label: "Copy the link to this page", kind: "help", icon: "link", does: copyLink},
    ...partsHere().length ? [{label: "Show me around", kind: "help", icon: "explore", does: showAround}] : [],
    {label: "What stands here, and keys", kind: "help", icon: "keyboard", does: () => show("keys")},
    {label: "Words and what they mean", kind: "help", icon: "menu_book", does: () => show("words")});
  for (const label of buttonsInSight().keys())
    rows.push({label, kind: "button of this page", icon: "left_click", does: () => press(label)});
  return rows;
}

const runRow = run => ({label: run[1], kind: run[2], colour: run[3], go: {page: "live", params: {run: run[0]}}});

function press(label) {
  close();
  const button = buttonsInSight().get(label);  // the page may have been drawn anew meanwhile
  if (button) { button.focus(); button.click(); }
}

// As the page is now: what is chosen on it stands in its address.
async function copyLink() {
  const input = state.dialog.querySelector("input");
  try {
    await navigator.clipboard.writeText(location.href);
    state.said = "The link is copied.";
  } catch {  // without https a browser lets nobody but the person copy
    input.value = location.href;
    input.select();
    state.said = (IS_MAC ? "⌘" : "Ctrl") + " C copies the link.";
  }
  inFoot(state.said);
}

function inFoot(words) {
  state.dialog.querySelector("[role=status]").textContent = words;
}

function rank(label, tokens) {  // lower is better; null: one of the tokens is not in it
  const lower = label.toLowerCase();
  let sum = 0;
  for (const token of tokens) {
    const at = lower.indexOf(token);
    if (at < 0) return null;
    sum += at === 0 ? 0 : /[\\p{L}\\p{N}]/u.test(lower[at - 1]) ? 2 : 1;
  }
  return sum / tokens.length;
}

function matching(query) {
  const tokens = query.toLowerCase().split(/\\s+/).filter(Boolean);
  if (!tokens.length) return offers();
  const rows = [], take = (row, more) => {
    const score = rank(row.label, tokens);
    if (score !== null) rows.push({score: score + more, row});
  };
  const {list} = state, newest = list && list.runs ? list.runs.slice(0, NEWEST).map(run => run[1]) : [];
  for (const row of offers()) if (!newest.includes(row.label)) take(row, 0);
  for (const run of list && list.runs || []) take(runRow(run), .1);
  for (const [id, label] of list && list.studies || [])
    take({label, kind: "study", icon: "grid_on", go: {page: "studies", params: {study: id}}}, .1);
  for (const [root, label] of list && list.datasets || [])
    take({label, kind: "dataset", icon: "photo_library", go: {page: "data", params: {root}}}, .1);
  // "compare utk": a page and a run of it
  const [verb, ...rest] = tokens;
  const opens = verb.length > 1 && rest.length ? OPENS.filter(([, name]) => name.toLowerCase().startsWith(verb)) : [];
  for (const [page, name] of opens) for (const run of list && list.runs || []) {
    const score = rank(run[1], rest);
    if (score !== null) rows.push({score: score + .2, row: {label: name + ": " + run[1], kind: run[2], colour: run[3],
      go: {page, params: {run: run[0]}}}});
  }
  return rows.sort((a, b) => a.score - b.score).map(each => each.row);
}

// The palette

function option(row, number) {
  const item = made("div", "", {role: "option", id: "lab-keys-" + number, "aria-selected": "false"});
  const sign = row.colour ? made("b") : made("i", row.icon, {"aria-hidden": "true"});
  if (row.colour) sign.style.background = row.colour;
  item.append(sign, made("span", row.label), made("small", row.kind));
  item.onclick = () => choose(row);
  item.onpointermove = () => { state.moved = true; select(number); };
  return item;
}

function select(number) {
  const items = [...state.dialog.querySelectorAll('[role="option"]')];
  state.at = Math.max(0, Math.min(items.length - 1, number));
  items.forEach((item, at) => item.setAttribute("aria-selected", String(at === state.at)));
  const input = state.dialog.querySelector("input");
  if (items.length) input.setAttribute("aria-activedescendant", items[state.at].id);
  else input.removeAttribute("aria-activedescendant");
  items[state.at]?.scrollIntoView({block: "nearest"});
}

function fill() {
  const query = state.dialog.querySelector("input").value, rows = matching(query);
  state.shown = rows.slice(0, MOST);
  const list = state.dialog.querySelector('[role="listbox"]');
  list.replaceChildren(...state.shown.map(option));
  const more = rows.length - state.shown.length;
  inFoot(state.waiting ? "Reading the runs ..."
    : !rows.length ? "Nothing is called so." : more ? "and " + more.toLocaleString("en") + " more: type on" : "");
}

function refill() {
  state.moved = false;
  state.said = "";
  fill();
  select(0);
}

function choose(row) {
  if (!row) return;
  if (row.does) return row.does();
  close();
  state.send("go", {...row.go, at: performance.now()});
}

// A question is lost where another rerun of the page cuts off its own: it is asked again, later each time, so that a
// lab that takes long to answer is not held up.
function ask(wait = AGAIN) {
  state.asked = performance.now();
  state.waiting = true;
  state.send("open", state.asked);
  clearTimeout(state.again);
  state.again = setTimeout(() => {
    if (state.waiting && state.dialog?.open && state.dialog.querySelector("input")) ask(2 * wait);
  }, wait);
}

function findMode(dialog) {
  dialog.setAttribute("aria-label", "Find or do");
  const input = made("input", "", {type: "text", role: "combobox", "aria-expanded": "true", autocomplete: "off",
    "aria-controls": "lab-keys-list", "aria-autocomplete": "list", "aria-label": "Find or do", spellcheck: "false",
    placeholder: "A run, study, dataset, page or button"});
  const list = made("div", "", {role: "listbox", id: "lab-keys-list", "aria-label": "What there is", tabindex: "-1"});
  const foot = made("footer");
  foot.append(made("span", "", {role: "status"}), made("span", "↑ ↓ and Enter"), made("span", "Esc closes"));
  input.oninput = refill;
  input.onkeydown = event => {
    const step = {ArrowDown: 1, ArrowUp: -1, PageDown: 8, PageUp: -8}[event.key];
    if (step) { event.preventDefault(); state.moved = true; select(state.at + step); }
    if (event.key === "Enter" && !event.isComposing) { event.preventDefault(); choose(state.shown[state.at]); }
  };
  dialog.replaceChildren(input, list, foot);
}

const pageHere = () => {
  const name = location.pathname.split("/").filter(Boolean).pop() || pages[0][0];
  return pages.find(each => each[0] === name) || pages[0];
};

function sheet(dialog, title, sections, others) {
  dialog.setAttribute("aria-label", title);
  const bar = made("header"), body = made("div", "", {class: "lab-sheet", tabindex: "0"});
  for (const [label, does] of [...others, ["Close", () => close()]]) {
    const button = made("button", label, {type: "button"});
    button.onclick = does;
    bar.append(button);
  }
  for (const [heading, rows, tag] of sections) {
    const list = made("dl");
    for (const [term, sentence] of rows) {
      const dt = made("dt");
      dt.append(made(tag || "span", term));
      list.append(dt, made("dd", sentence));
    }
    body.append(made("h2", heading), list);
  }
  dialog.replaceChildren(bar, body);
}

function show(mode) {
  hideTip();
  let dialog = state.dialog;
  if (!dialog || !dialog.isConnected) {
    dialog = state.dialog = made("dialog", "", {id: "lab-keys"});
    dialog.onclick = event => { if (event.target === dialog) close(); };  // beside it
    dialog.onkeydown = event => event.stopPropagation();  // no key of the page under it
    document.body.append(dialog);
  }
  inColours(dialog);
  if (mode === "find") findMode(dialog);
  else if (mode === "words") sheet(dialog, "Words", [["Words", Object.entries(words)]], [["Keys", () => show("keys")]]);
  else {
    const page = pageHere(), around = partsHere().length ? [["Show me around", showAround]] : [];
    const own = keys[page[0]] ? [["Keys of " + page[1], keys[page[0]], "kbd"]] : [];
    const tour = parts[page[0]] ? [["On " + page[1], parts[page[0]]]] : [];
    sheet(dialog, "Keys", [...tour, ...own, ["Keys everywhere", EVERYWHERE, "kbd"]],
      [...around, ["Words", () => show("words")]]);
  }
  if (!dialog.open) dialog.showModal();
  if (mode !== "find") return dialog.querySelector(".lab-sheet").focus();
  dialog.querySelector("input").focus();
  ask();
  refill();
}

function pressed(event) {
  const from = event.composedPath()[0];
  if (event.key === "Escape") {
    hideTip();
    if (state.dialog?.open && !event.isComposing) {  // at once: the browser closes after the next key
      event.preventDefault();
      event.stopPropagation();
      return close();
    }
  }
  if (from.closest && from.closest(TYPED)) {
    // In the palette's own field its key closes it; in any other one, keys are what is typed.
    if (!(state.dialog && state.dialog.contains(from))) return;
  }
  const finds = (event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey && event.key.toLowerCase() === "k";
  if (finds) {
    event.preventDefault();
    event.stopPropagation();
    if (state.dialog?.open && state.dialog.querySelector("input")) close();
    else show("find");
  } else if (event.key === "?" && !event.ctrlKey && !event.metaKey && !event.altKey
      && !(from.closest && from.closest(TYPED))) {
    event.preventDefault();
    show("keys");
  }
}

function placeFind() {
  const find = made("button", "", {type: "button", id: "lab-find", "aria-label": "Find or do", title: "Find a run, "
    + "study, dataset, page or button (" + FIND + "). ? shows what stands here, and keys.",
    "aria-keyshortcuts": "Control+K Meta+K"});
  find.append(made("i", "search", {"aria-hidden": "true"}), made("kbd", FIND));
  find.onclick = () => show("find");
  document.body.append(find);
  window.addEventListener("keydown", pressed, true);
  new MutationObserver(() => inColours(find)).observe(app(), {attributeFilter: ["class", "style"]});
  inColours(find).style.background = "none";
}

function refind() {  // with what the lab has sent
  if (!state.dialog?.open || !state.dialog.querySelector("input")) return;
  if (state.said) return;  // what was just done is still being read
  const chosen = state.moved && state.shown[state.at];  // else the best of all, which may just have come
  fill();
  select(Math.max(0, state.shown.findIndex(row => chosen && row.label === chosen.label)));
}
"""
