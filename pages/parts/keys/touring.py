"""A walk over a page, begun from "?" or the palette: what stands on it, one part after the other, each where it is. A
part of element.py, which holds what its parts use.

A part is found by what it is called on the page (places.PARTS); one that is not there just now is passed over.
"""

from __future__ import annotations

CSS = """
#lab-ring { position: fixed; z-index: 999992; box-sizing: border-box; pointer-events: none; border-radius: 8px;
  border: 2px solid var(--st-primary-color); box-shadow: 0 0 0 200vmax rgb(0 0 0 / .4); }
#lab-tour { position: fixed; z-index: 999993; box-sizing: border-box; width: min(23rem, calc(100vw - 1.6rem));
  padding: .75rem 1rem .8rem; border-radius: 8px; line-height: 1.4; font-size: .95rem;
  border: 1px solid color-mix(in srgb, currentColor 22%, transparent); box-shadow: 0 12px 40px rgb(0 0 0 / .35); }
#lab-tour small { font-size: .8rem; color: color-mix(in srgb, currentColor 78%, transparent); }
#lab-tour strong { display: block; font-weight: 650; }
#lab-tour p { margin: .15rem 0 .7rem; }
#lab-tour div { display: flex; gap: .4rem; justify-content: flex-end; }
#lab-tour button { all: unset; cursor: pointer; padding: .2rem .7rem; border-radius: 5px; font-size: .87rem;
  border: 1px solid color-mix(in srgb, currentColor 22%, transparent); }
#lab-tour button:first-child { margin-right: auto; }
#lab-tour button:disabled { opacity: .45; cursor: default; }
#lab-tour button:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 1px; }
"""

JS = """
const NAMED = 'h1, h2, h3, [role="tab"], [role="radio"], button, summary, label, .lab-title, .lab-heading, '
  + '[data-testid="stMarkdownContainer"] p, [data-testid="stCaptionContainer"], [data-testid="stHtml"] > div';
const EDGE = 12, AROUND = 6, LONGEST_NAME = 90, FOLLOWS = 150;  // px; characters; ms between two looks where it stands

// The element that is called so, or the first that has these words in its name.
function standsAt(name) {
  const lower = name.toLowerCase();
  let within = null;
  for (const element of document.querySelector('[data-testid="stMain"]')?.querySelectorAll(NAMED) || []) {
    if (element.textContent.length > 2 * LONGEST_NAME || !element.checkVisibility()) continue;
    const words = wordsOf(element).toLowerCase();
    if (words === lower) return element;
    if (!within && words.length <= LONGEST_NAME && words.includes(lower)) within = element;
  }
  return within;
}

const CONTROL = '[role="tab"], [role="radio"], button', LARGE = .6;  // of the window: more would not be a part of it

// What is shown of a part: a control itself; else what its name stands on top of.
function boxOf(named) {
  const control = named.closest(CONTROL), panel = named.closest('.lab-panel, [data-testid="stExpander"]');
  if (control || panel) return (control || panel).getBoundingClientRect();
  const main = named.closest('[data-testid="stMain"]'), most = LARGE * innerHeight;
  let block = named, box = named.getBoundingClientRect();
  const first = box.top - 3 * EDGE;
  for (let each = named; each && each !== main; each = each.parentElement) {
    const around = each.getBoundingClientRect();
    if (around.height > most || around.top < first) break;
    [block, box] = [each, around];
  }
  const next = block.nextElementSibling?.getBoundingClientRect();
  const bottom = next && next.height && next.bottom - box.top <= most && next.top >= box.top ? next.bottom : box.bottom;
  return {left: box.left, top: box.top, right: Math.max(box.right, bottom > box.bottom ? next.right : 0), bottom};
}

const partsHere = (before = []) =>
  (parts[pageHere()[0]] || []).filter(part => before.includes(part) || standsAt(part[0]));

function showAround() {
  close();
  endTour();
  const there = partsHere();
  if (!there.length) return;
  const ring = made("div", "", {id: "lab-ring"});
  const card = made("section", "", {id: "lab-tour", role: "dialog", "aria-label": "Around this page"});
  document.body.append(ring, inColours(card));
  state.tour = {there, at: 0, ring, card, path: location.pathname, follows: setInterval(goOn, FOLLOWS)};
  window.addEventListener("keydown", stepByKey, true);
  for (const event of ["scroll", "resize"]) window.addEventListener(event, follow, true);
  step(0);
}

function endTour() {
  const tour = state.tour;
  if (!tour) return;
  state.tour = null;
  clearInterval(tour.follows);
  window.removeEventListener("keydown", stepByKey, true);
  for (const event of ["scroll", "resize"]) window.removeEventListener(event, follow, true);
  tour.ring.remove();
  tour.card.remove();
}

function stepByKey(event) {
  const by = {ArrowRight: 1, ArrowLeft: -1}[event.key], inside = state.tour.card.contains(event.target);
  if (event.key !== "Escape" && !(by && inside)) return;
  event.preventDefault();
  event.stopPropagation();
  if (by) step(by);
  else endTour();
}

// by: 1 to the next part, -1 to the one before; behind the last one the walk ends.
function step(by) {
  const tour = state.tour, at = tour.at + by;
  if (at < 0) return;
  if (at >= tour.there.length) return endTour();
  tour.at = at;
  const [name, sentence] = tour.there[at], row = made("div");
  for (const [label, does] of [["End", endTour], ["Back", () => step(-1)], ["Next", () => step(1)]]) {
    const button = made("button", label, {type: "button"});
    button.onclick = does;
    row.append(button);
  }
  tour.card.replaceChildren(made("small", "", {"aria-live": "polite"}), made("strong", name),
    made("p", sentence[0].toUpperCase() + sentence.slice(1) + "."), row);
  countParts();
  standsAt(name)?.scrollIntoView({block: "center"});
  follow();
  row.lastChild.focus();
}

function countParts() {
  const {there, at, card} = state.tour, [, back, next] = card.querySelectorAll("button");
  card.querySelector("small").textContent = (at + 1) + " of " + there.length;
  back.disabled = at === 0;
  next.textContent = at === there.length - 1 ? "Done" : "Next";
}

// A page that is still being drawn when the walk begins has more parts a moment later.
function goOn() {
  const tour = state.tour, there = location.pathname === tour.path ? partsHere(tour.there) : tour.there;
  if (there.length > tour.there.length) {
    tour.at = there.indexOf(tour.there[tour.at]);
    tour.there = there;
    countParts();
  }
  follow();
}

// The page may scroll, or be drawn anew, while somebody reads.
function follow() {
  const tour = state.tour;
  if (!tour) return;
  if (location.pathname !== tour.path) return endTour();
  const named = standsAt(tour.there[tour.at][0]), {ring, card} = tour;
  const most = {top: innerHeight - card.offsetHeight - EDGE, left: innerWidth - card.offsetWidth - EDGE};
  let top = most.top / 2, left = most.left / 2;
  ring.style.display = named ? "" : "none";
  if (named) {
    const box = boxOf(named);
    const above = Math.max(2, box.top - AROUND), below = Math.min(innerHeight - 2, box.bottom + AROUND);
    const from = Math.max(2, box.left - AROUND), to = Math.min(innerWidth - 2, box.right + AROUND);
    Object.assign(ring.style, {top: above + "px", left: from + "px", width: to - from + "px",
      height: Math.max(0, below - above) + "px"});
    top = below + EDGE <= most.top ? below + EDGE : above - EDGE - card.offsetHeight;
    left = box.left;
  }
  Object.assign(card.style, {top: Math.max(EDGE, Math.min(most.top, top)) + "px",
    left: Math.max(EDGE, Math.min(most.left, left)) + "px"});
}
"""
