"""Predict, runs that tell yes/no attributes one by one: all attributes of each photo, or one alone."""

from __future__ import annotations

from html import escape
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core.predict import resembling
from core.predict.predictions import Predictions
from core.predict.resembling import Features
from core.predict.submission import of_attributes
from core.predict.yes_no import thresholds
from core.predict.yes_no.answers import YesNoAnswers
from core.predict.yes_no.table import table
from core.predict.yes_no.thresholds import Thresholds
from core.text import count, listed, number_of, plain
from pages.parts.look_inside import address
from pages.parts.predict import album, many, one, submit, work
from pages.parts.predict.question import Question
from pages.parts.shared import theme

ATTRIBUTE = "attribute"  # in the address: the one that is looked at alone
SEEN = "predict-seen"  # in the session: (answers, attribute, the answers seen through it)
ORDERS = {"folds": "Folds disagree", "name": "Name"}
NAMED = 4  # attributes that a photo of the gallery lists
_CSS = """<style>
.predict-yes { display: grid; grid-template-columns: repeat(auto-fill, minmax(min(100%, 330px), 1fr)); gap: .1rem 2rem;
  font-size: .9rem; font-variant-numeric: tabular-nums; }
.predict-yes > div { display: grid; grid-template-columns: minmax(0, 1fr) 84px 2.9em 2em 2.6em; gap: .55rem;
  align-items: center; }
.predict-yes span:first-child { overflow-wrap: anywhere; }
.predict-yes .lab-bar { height: 9px; position: relative; }
.predict-yes .lab-bar::after { content: ""; position: absolute; top: 0; bottom: 0; left: var(--at); width: 2px;
  background: var(--st-text-color, currentColor); }
.predict-yes b { font-weight: 650; } .predict-yes i { font-style: normal; opacity: .65; font-size: .82rem;
  text-align: right; }
</style>"""


def pick(answers: YesNoAnswers) -> str | None:
    """The attribute that is looked at alone; None for all of them."""
    return address.box(
        ATTRIBUTE,
        "Attribute",
        answers.attributes,
        width=260,
        placeholder=f"All {count(len(answers.attributes))} together",
        help="One alone has its folds, sets of answers and maps; nothing is asked again.",
    )


def through(answers: YesNoAnswers, attribute: str) -> tuple[Predictions, str]:
    """(the answers of one attribute, the same object as long as they stay; what is to be said of its threshold)."""
    kept = st.session_state.get(SEEN)
    if kept is None or kept[0] is not answers or kept[1] != attribute:
        kept = st.session_state[SEEN] = (answers, attribute, answers.of(attribute))
    fitted = thresholds.fitted(answers.runs, answers.attributes)
    limit = float(fitted.values[answers.attributes.index(attribute)])
    if limit == thresholds.PLAIN:
        return kept[2], ""
    return kept[2], (
        f"Here the likelier of no and yes is the answer; with all attributes together a yes of {attribute} begins "
        f"above its own threshold of {limit:.2f}."
    )


def show(answers: YesNoAnswers, question: Question) -> None:
    """All attributes: of one photo, or of many in a table and a gallery. Raises LabError as thresholds.fitted."""
    fitted = thresholds.fitted(answers.runs, answers.attributes)
    yes = answers.yes(fitted.values, question.vote)
    features = resembling.load(answers.members[0])
    row: int | None = 0
    if len(answers.photos) > 1:
        row = _many(answers, question, fitted, yes, features)
    if row is not None:
        _one(answers, fitted, yes, features, row)


def _many(
    answers: YesNoAnswers, question: Question, fitted: Thresholds, yes: np.ndarray, features: Features | None
) -> int | None:
    theme.heading(number_of(len(answers.photos), "photo"))
    rows = table(answers, fitted.values, question.vote)
    if features is not None:
        rows.insert(1, "far", features.far(answers.features[0]))
    names = np.array(answers.attributes, dtype=object)
    rows = rows.assign(row=np.arange(len(rows)), answered=answers.is_answered)
    frequent = sorted(((int((yes[:, place] == 1).sum()), name) for place, name in enumerate(names)), reverse=True)
    st.html(many.meta(rows, [f"{count(number)} {name}" for number, name in frequent[:8]]))
    st.caption(plain(" ".join([*answers.notes, *fitted.sentences])))
    if features is None:
        work.learn(answers)
    keep, order, _ = many.filters(rows, ORDERS, [])
    columns = {"folds": ["mutual_information"], "name": ["path"]}[order]
    chosen = rows[keep].sort_values(columns, ascending=order != "folds", kind="stable", na_position="first")
    many.draw(chosen.drop(columns="row"), ("mutual_information",))
    many.files(rows.drop(columns="row"))
    shares = answers.probabilities()
    submit.section(answers, of_attributes, ("no", "yes"), lambda form: form.filled(shares, yes))

    def words(row: Any) -> dict[str, str]:
        if not row.answered:
            return {"first": "no answer", "second": "", "mark": ""}
        own = names[yes[row.row] == 1]
        second = f"{count(len(own))} of {count(len(names))} yes · {row.mutual_information:.2f} bit"
        return {
            "first": listed(list(own), NAMED) or "no to all",
            "second": second,
            "mark": "far" if getattr(row, "far", False) else "",
        }

    return album.show(chosen[["path", "row", "answered", "mutual_information", *_far(chosen)]], answers, words)


def _far(rows: pd.DataFrame) -> list[str]:
    return ["far"] if "far" in rows else []


def _one(answers: YesNoAnswers, fitted: Thresholds, yes: np.ndarray, features: Features | None, row: int) -> None:
    """A bar for each attribute, what is likeliest over its threshold first."""
    with one.begun(answers, row) as is_answered:
        if not is_answered:
            return
        shares, agree = answers.probabilities()[row], answers.agreeing(fitted.values, yes)[row]
        asked = int((~np.isnan(answers.answers[:, row, 0])).sum())
        margin = np.log(shares / np.maximum(1 - shares, 1e-12)) - np.log(fitted.values / (1 - fitted.values))
        lines = []
        for place in np.argsort(-margin, kind="stable"):
            answer = "yes" if yes[row, place] == 1 else "no"
            word = f"<b>{answer}</b>" if answer == "yes" else f"<span>{answer}</span>"
            lines.append(
                f"<div><span>{escape(answers.attributes[place])}</span>"
                f'<div class="lab-bar lab-accent" style="--at:{100 * fitted.values[place]:.1f}%">'
                f'<div style="width:{100 * shares[place]:.1f}%"></div></div>'
                f"<span>{shares[place]:.3f}</span>{word}<i>{agree[place]}/{asked}</i></div>"
            )
        st.html(f'{_CSS}<div class="predict-yes">{"".join(lines)}</div>')
        st.caption(
            plain(
                "Of each attribute the probability of yes, with its threshold as a line; then the answer, and how many "
                f"of the folds that were asked say so. {' '.join([*fitted.sentences, *answers.notes])}"
            )
        )
        if features is not None and features.far(answers.features[0][[row]])[0]:
            st.html('<div class="lab-meta lab-bad">far from anything trained on</div>')
    one.resembles(answers, features, row)
    theme.heading("What the layers attended to")
    st.caption("A map is of one answer: choose an attribute above.")
