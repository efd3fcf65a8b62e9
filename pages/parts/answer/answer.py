"""What the folds of a run say of one photo, as the largest thing on its page: the class in words, how sure that is,
each attribute and the joint classes as bars, and each fold as a dot on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

import numpy as np
import streamlit as st

from core.data.tasks import differing_parts, scored_parts
from core.predict.doubt import Doubt
from core.predict.predictions import Predictions
from core.stats import voting
from core.text import count, listed, plain

MOST_CLASSES = 10
CSS = """<style>
.answer-head { display: flex; flex-wrap: wrap; align-items: baseline; gap: .1rem 1.1rem; }
.predict-answer { font-size: clamp(1.8rem, 3.4vw, 2.7rem); font-weight: 680; line-height: 1.15;
  overflow-wrap: anywhere; }
.answer-share { font-size: 1.5rem; font-weight: 600; font-variant-numeric: tabular-nums; white-space: nowrap; }
.answer-sure { font-size: 1.15rem; font-weight: 600; white-space: nowrap;
  color: color-mix(in srgb, var(--c) 50%, currentColor); }
.answer-sure::before { content: ""; display: inline-block; width: .75rem; height: .75rem; border-radius: 50%;
  background: var(--c); margin-right: .45rem; }
.predict-words { display: flex; flex-wrap: wrap; gap: .3rem .5rem; padding: .45rem 0 .3rem; font-size: .84rem; }
.predict-words span { border-radius: 999px; padding: .08rem .6rem;
  background: color-mix(in srgb, var(--c, currentColor) 14%, transparent); }
.answer-groups { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 15rem), 1fr));
  gap: .5rem 1.8rem; align-items: start; }
.answer-groups b { font-size: .82rem; font-weight: 600; opacity: .8; }
.answer-bars { display: grid; grid-template-columns: max-content minmax(4rem, 1fr) max-content; gap: .3rem .7rem;
  align-items: center; font-size: .92rem; font-variant-numeric: tabular-nums; }
.answer-bars > span:first-child { overflow-wrap: anywhere; }
.answer-bar { position: relative; height: 12px; border-radius: 4px;
  background: color-mix(in srgb, currentColor 11%, transparent); }
.answer-bar > div { height: 100%; border-radius: 4px; opacity: .55; background: var(--st-primary-color, #2f95b8); }
.answer-bar > i { position: absolute; top: 50%; width: 9px; height: 9px; border-radius: 50%; box-sizing: border-box;
  transform: translate(-50%, -50%); background: var(--st-text-color, currentColor);
  border: 1.5px solid var(--st-background-color, #fff); }
</style>"""


@dataclass(frozen=True)
class Judged:
    """How far to believe the answers, and who says so. doubt: None with `why` in words, where nothing is known of it.

    accuracy: that of an answer which is called sure. far: whether the photo is far from anything trained on. sentences:
    what else is to be said.
    """

    doubt: Doubt | None
    why: str = ""
    accuracy: float = float("nan")
    far: bool = False
    sentences: Sequence[str] = ()


def show(
    predictions: Predictions, row: int, judged: Judged, *, vote: str = "soft", weights: np.ndarray | None = None
) -> None:
    """row: the photo's place. vote, weights: how the folds' answers are made one, see Predictions.probabilities."""
    shares = predictions.probabilities(vote, weights)[row]
    of_folds = predictions.answers[:, row]
    answer = int(predictions.classes(vote, weights)[row])
    names = predictions.class_names
    task = predictions.runs[0].config().task
    parts = differing_parts(task, names)  # a merged class may leave one open, which then is no score
    groups = [_attribute(name, parts, shares, of_folds) for name in parts[0]]
    order = np.argsort(-shares, kind="stable")
    joint = [(names[place], shares[place], of_folds[:, place]) for place in order[:MOST_CLASSES]]
    more = len(order) - MOST_CLASSES
    rest = f'<div class="lab-meta">and {count(more)} less probable classes</div>' if more > 0 else ""
    several = int((~np.isnan(of_folds[:, 0])).sum()) > 1
    title = "joint" if groups else "class"
    sections = [*groups, _bars(title, joint) + rest]
    st.html(
        f'{CSS}<div class="answer-head"><div class="predict-answer">{escape(names[answer])}</div>'
        f'<span class="answer-share">{shares[answer]:.0%}</span>{_sure(judged, row)}</div>'
        f'<div class="predict-words">{_chips(predictions, row, answer, judged)}</div>'
        f'<div class="answer-groups">{"".join(f"<div>{each}</div>" for each in sections)}</div>'
    )
    sentences = [*_apart(scored_parts(task, list(names)), answer, shares), *judged.sentences]
    sentences += judged.doubt.sentences if judged.doubt is not None else []
    if judged.doubt is None and judged.why:
        sentences.append(f"Nothing is said about how sure that is: {judged.why}")
    if several:
        sentences.append("Each dot is what one fold says, a bar what they say together.")
    st.caption(plain(" ".join(sentences)))


def _sure(judged: Judged, row: int) -> str:
    if judged.doubt is None:
        return ""
    if judged.far or judged.doubt.unsure[row]:
        return '<span class="answer-sure lab-warn">not sure</span>'
    return f'<span class="answer-sure lab-good">sure, by {judged.accuracy:.0%}</span>'


def _chips(predictions: Predictions, row: int, answer: int, judged: Judged) -> str:
    of_photo = predictions.answers[:, [row]]
    agree, asked = (int(each[0]) for each in voting.agreeing(of_photo, np.array([answer])))
    words = [("good" if agree == asked else "warn", f"{agree} of {asked} fold{' says' if asked == 1 else 's say'} so")]
    if asked > 1:
        words.append(("quiet", f"disagreement {float(voting.mutual_information(of_photo)[0]):.2f} bit"))
    if judged.doubt is not None and judged.doubt.sets is not None:
        names = [predictions.class_names[place] for place in np.flatnonzero(judged.doubt.sets[row])]
        words.append(("quiet", f"set: {listed(names, 6)}" if names else "set: empty, no class is usual enough"))
    if judged.far:
        words.append(("bad", "far from anything trained on"))
    return "".join(f'<span class="lab-{tone}">{escape(text)}</span>' for tone, text in words)


def _summed(parts: Sequence[dict[str, str]], attribute: str, shares: np.ndarray) -> dict[str, np.ndarray]:
    """Value of the attribute -> its probability: the sum over the classes that have it. shares: (..., classes)."""
    values = [part[attribute] for part in parts]
    return {value: shares[..., np.array(values) == value].sum(axis=-1) for value in dict.fromkeys(values)}


def _attribute(name: str, parts: Sequence[dict[str, str]], shares: np.ndarray, of_folds: np.ndarray) -> str:
    together, by_fold = _summed(parts, name, shares), _summed(parts, name, of_folds)
    return _bars(name, [(value, float(together[value]), by_fold[value]) for value in together])


def _apart(parts: Sequence[dict[str, str]], answer: int, shares: np.ndarray) -> list[str]:
    """Attributes of which the likeliest value is not that of the joint answer: a sign of doubt."""
    sentences = []
    for name in parts[0]:
        together = _summed(parts, name, shares)
        likeliest = max(together, key=lambda value: float(together[value]))
        if likeliest != parts[answer][name]:
            sentences.append(f"By itself {name} would be {likeliest} ({float(together[likeliest]):.0%}).")
    return sentences


def _bars(title: str, lines: Sequence[tuple[str, float, np.ndarray]]) -> str:
    """lines: (a name, its probability, what each fold says; NaN of one that was not asked)."""
    rows = []
    for name, share, of_folds in lines:
        asked = of_folds[~np.isnan(of_folds)]
        dots = "".join(f'<i style="left:{100 * own:.1f}%"></i>' for own in asked) if len(asked) > 1 else ""
        said = f"{name}: {share:.3f}; the folds say {', '.join(f'{own:.2f}' for own in asked)}"
        rows.append(
            f'<span>{escape(name)}</span><div class="answer-bar" role="img" aria-label="{escape(said, quote=True)}" '
            f'title="{escape(said, quote=True)}"><div style="width:{100 * share:.1f}%"></div>{dots}</div>'
            f"<span>{share:.3f}</span>"
        )
    return f'<b>{escape(title)}</b><div class="answer-bars">{"".join(rows)}</div>'
