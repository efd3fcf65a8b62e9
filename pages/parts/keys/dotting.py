"""Dots under words that have a meaning of their own here, in the browser: where they stand first on a page, and the
sentence at the pointer, the focus and a tap. A part of element.py, which holds what both parts use.
"""

from __future__ import annotations

CSS = """
#lab-tip { position: fixed; z-index: 1000001; max-width: min(23rem, calc(100vw - 16px)); padding: .45rem .65rem;
  border-radius: 6px; font-size: .85rem; line-height: 1.4; pointer-events: none;
  border: 1px solid color-mix(in srgb, currentColor 22%, transparent); box-shadow: 0 4px 14px rgb(0 0 0 / .22); }
.lab-words { columns: 26rem; column-gap: 2.5rem; font-size: .9rem; margin: 0; }
.lab-words dt { font-weight: 600; break-after: avoid; } .lab-words dd { margin: 0 0 .6rem; break-inside: avoid; }
.lab-word:focus-visible { outline: 2px solid var(--st-primary-color); outline-offset: 2px; border-radius: 2px; }
"""

JS = """
const ALIKE = {"folds": "fold", "fold jobs": "fold job", "held-out": "held out", "epochs": "epoch", "phases": "phase",
  "seeds": "seed", "factored": "factored head", "logits": "logit", "overfits": "overfitting",
  "calibrated": "calibration", "learning rates": "learning rate", "best epochs": "best epoch"};
const SHAPES = {...Object.fromEntries(Object.keys(words).map(term => [term.toLowerCase(), term])), ...ALIKE};
const ANY = new RegExp("(?<![\\\\p{L}\\\\p{N}_.-])("
  + Object.keys(SHAPES).sort((a, b) => b.length - a.length).map(shape => shape.replace(/[/.]/g, "\\\\$&")).join("|")
  + ")(?![\\\\p{L}\\\\p{N}_-])", "giu");
const MAIN = '[data-testid="stMain"]';
const TEXTS = `${MAIN} [data-testid="stHtml"], ${MAIN} [data-testid="stCaptionContainer"] p`;
const NOT_IN = ".lab-word, .lab-words, .lab-undotted, .lab-title, .lab-fault, a, button, code, pre, style, summary, "
  + "label, figure, h1, h2, h3";

// .lab-undotted: where such a word means something else, as the temperature of a GPU does.
// What st.html wrote is nobody's but the browser's. Of React's own texts those that are all of their paragraph: React
// puts another text in the place of whatever the paragraph holds then, and asks for no node of its own.
const mine = box => box.matches('[data-testid="stHtml"]') || (box.childNodes.length === 1
  && box.firstChild.nodeType === Node.TEXT_NODE);

function dot(box, dotted) {
  const walk = document.createTreeWalker(box, NodeFilter.SHOW_TEXT), texts = [];
  while (walk.nextNode()) if (!walk.currentNode.parentElement.closest(NOT_IN)) texts.push(walk.currentNode);
  for (let text of texts) {
    const spots = [...text.data.matchAll(ANY)].filter(spot => {
      const term = SHAPES[spot[0].toLowerCase()], isFirst = !dotted.has(term);
      dotted.add(term);
      return isFirst;
    });
    for (const spot of spots.reverse()) {  // from the end, so that what stands before keeps its place
      const word = text.splitText(spot.index), span = document.createElement("span");
      word.splitText(spot[0].length);
      Object.assign(span, {className: "lab-word", tabIndex: 0});
      span.dataset.word = SHAPES[spot[0].toLowerCase()];
      word.replaceWith(span);
      span.append(word);
    }
  }
}

function dotAll() {
  state.dotting = undefined;
  let dotted;
  for (const box of document.querySelectorAll(TEXTS)) {
    if (box.labDotted === box.firstChild && box.labLast === box.lastChild) continue;
    dotted = dotted || new Set([...document.querySelectorAll(".lab-word")].map(each => each.dataset.word));
    if (mine(box)) dot(box, dotted);
    box.labDotted = box.firstChild;
    box.labLast = box.lastChild;
  }
}

function hideTip() {
  document.getElementById("lab-tip")?.remove();
  state.word?.removeAttribute("aria-describedby");
  state.word = null;
}

function tell(event) {
  const word = event.target.closest && event.target.closest(".lab-word");
  if (!word || !words[word.dataset.word]) return event.type === "click" ? hideTip() : undefined;
  if (state.word === word) return;
  hideTip();
  const tip = inColours(made("div", words[word.dataset.word], {id: "lab-tip", role: "tooltip"}));
  document.body.append(tip);
  const box = word.getBoundingClientRect(), own = tip.getBoundingClientRect();
  tip.style.left = Math.max(8, Math.min(innerWidth - own.width - 8, box.left)) + "px";
  tip.style.top = (box.bottom + own.height + 8 > innerHeight ? box.top - own.height - 5 : box.bottom + 5) + "px";
  word.setAttribute("aria-describedby", "lab-tip");
  state.word = word;
}

function watchWords() {
  for (const comes of ["pointerover", "focusin", "click"]) document.addEventListener(comes, tell);
  for (const goes of ["pointerout", "focusout"]) document.addEventListener(goes, event => {
    if (event.target === state.word && !(goes === "pointerout" && document.activeElement === state.word)) hideTip();
  });
  window.addEventListener("scroll", hideTip, true);
  const soon = () => { state.dotting = state.dotting || requestAnimationFrame(dotAll); };
  new MutationObserver(soon).observe(document.body, {childList: true, subtree: true, characterData: true});
  soon();
}
"""
