"""A label that the network contradicts, and its portrait: the face, what is known about it, the other photos."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from html import escape

import numpy as np
import pandas as pd

from core.answers.mistakes import Answers
from core.data.labels import reviews
from core.data.labels.corrections import value_text
from core.data.pictures.photo import photo_of
from core.data.values import attribute_names, column_of
from core.runs import Run
from core.runs.yes_no.view import OneAttribute
from pages.parts.look_inside import mistakes

SIDE = 420  # px
MOST_OTHERS = 8  # other photos of the person that are shown
MOST_CHANCES = 4  # classes whose probabilities are shown
MOST_ATTRIBUTES = 8  # that are told of a face
RED, GREEN, GREY = "#D55E00", "#2a9d68", "#7d8590"  # the likely class, the label, any further one
_CSS = """<style>
.look-one { display: grid; grid-template-columns: fit-content(260px) 1fr; gap: 1rem; align-items: start; }
.look-one img { max-width: 100%; max-height: max(200px, 32vh); border-radius: 6px; display: block; }
.look-evidence dl { display: grid; grid-template-columns: auto 1fr; gap: .15rem .8rem; margin: 0 !important;
  padding: 0; font-size: .92rem; }
.look-evidence dt { opacity: .7; } .look-evidence dd { margin: 0; overflow-wrap: anywhere; }
.look-chance { display: grid; grid-template-columns: minmax(4rem, auto) minmax(3rem, 1fr) 3.4rem; gap: .1rem .6rem;
  font-size: .84rem;
  align-items: center; margin-top: .7rem; font-variant-numeric: tabular-nums; }
.look-chance i { height: .55rem; border-radius: 2px; background: var(--c); display: block; }
.look-others { display: flex; flex-wrap: wrap; gap: .35rem; margin-top: .7rem; }
.look-others img { width: 64px; height: 64px; object-fit: cover; border-radius: 4px; }
@media (max-width: 1000px) { .look-one { grid-template-columns: fit-content(150px) 1fr; } }
@media (max-width: 640px) {
  .look-one { grid-template-columns: 1fr; }
  .look-one img { max-height: 26vh; }
  .st-key-look-queue-beside [data-testid="stColumn"]:last-child { order: -1; }
}
</style>"""


@dataclass(frozen=True)
class Doubt:
    """A face whose label the network contradicts. row: its place in the table of answers.

    label, likely: class names, of the dataset and of the network. root: the dataset's folder. following: the sample
    that comes up once this one is decided.
    """

    run: Run
    answers: Answers
    root: str
    row: int
    label: str
    likely: str
    following: str | None

    @cached_property
    def face(self) -> pd.Series:
        return self.answers.table.iloc[self.row]

    @cached_property
    def others(self) -> pd.DataFrame:
        """The other photos of this person."""
        table = self.answers.table
        return table[(table["person"] == self.face["person"]) & (table["sample"] != self.sample)]

    @property
    def sample(self) -> str:
        return self.face["sample"]

    @property
    def attribute(self) -> str:
        """The one that is asked about, where a photo has a label of each; "" where it has one class."""
        return self.run.attribute if isinstance(self.run, OneAttribute) else ""

    @property
    def subject(self) -> str:
        """What a confirmation is of."""
        return reviews.subject(self.sample, self.answers.attributes)

    @property
    def person(self) -> str:
        return self.face["person"]

    @property
    def reason(self) -> str:
        """Of a correction."""
        return f"likely {f'{self.attribute} {self.likely}'.strip()}, says {self.run.id}"


def portrait(doubt: Doubt) -> str:
    """HTML of the face in question and of what is known about it."""
    return f'<div class="look-one"><div>{picture(doubt, SIDE)}</div><div>{evidence(doubt)}</div></div>'


def picture(doubt: Doubt, side: int) -> str:
    """HTML of the face in question, or of why it cannot be shown. side: px."""
    image, fault = mistakes.thumbnail(photo_of(doubt.face), side)
    words = escape(f"The photo in question, {doubt.sample}", quote=True)
    return f'<img alt="{words}" src="{image}">' if image else f'<div class="faces-missing">{escape(fault)}</div>'


def evidence(doubt: Doubt) -> str:
    """HTML of what is known about the face in question: facts, how sure the network is of what, the person's others."""
    return (
        f'{_CSS}<div class="look-evidence"><dl>{_facts(doubt)}</dl><div class="look-chance">{_chances(doubt)}</div>'
        f"{_other_photos(doubt.others)}</div>"
    )


def _facts(doubt: Doubt) -> str:
    facts = {"label": doubt.label, "likely": doubt.likely, "photo": doubt.sample}
    unknown = doubt.person == doubt.sample  # then the photo stands for a person of its own
    if not unknown:
        facts["person"] = doubt.person
    table = doubt.answers.table
    for name in attribute_names(table.iloc[[doubt.row]])[:MOST_ATTRIBUTES]:
        value = value_text(doubt.face[column_of(name, table)])
        if value != doubt.label:
            facts.setdefault(name, f"{value} years" if name == "age" else value)
    facts["judged by"] = f"fold {doubt.face['fold']}, which held this {'photo' if unknown else 'person'} out"
    return "".join(f"<dt>{escape(name)}</dt><dd>{escape(str(fact))}</dd>" for name, fact in facts.items())


def _chances(doubt: Doubt) -> str:
    """A bar for each of the likeliest classes."""
    tones = {doubt.label: GREEN, doubt.likely: RED}
    probabilities = doubt.answers.probabilities[doubt.row]
    bars = ""
    for place in np.argsort(-probabilities)[:MOST_CHANCES]:
        name, probability = doubt.answers.class_names[place], probabilities[place]
        bars += (
            f'<span>{escape(name)}</span><i style="--c:{tones.get(name, GREY)};width:{100 * probability:.1f}%"></i>'
            f"<span>{probability:.3f}</span>"
        )
    return bars


def _other_photos(others: pd.DataFrame) -> str:
    """Small ones; those that cannot be read are left out."""
    images = ""
    for photo in others.head(MOST_OTHERS).itertuples(index=False):
        image, _ = mistakes.thumbnail(photo_of(photo), mistakes.SIDE)
        if image:
            images += f'<img alt="" title="{escape(photo.sample)}: {escape(photo.true)}" src="{image}">'
    return f'<div class="look-others" aria-label="Other photos of this person">{images}</div>' if images else ""
