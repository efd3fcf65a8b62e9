"""The answer to a study's question, once nothing of it trains: the verdict over its runs, and what would decide it."""

from __future__ import annotations

from html import escape

import streamlit as st

from core.compare import pairs, verdict
from core.compare.members import load_all, same_classes, told_apart
from core.compare.verdict import Verdict
from core.errors import in_sentences
from core.runs.lists.best import highest_first
from core.text import count, number_of, plain
from pages.parts.compare import decide, load, pick
from pages.parts.studies.view import StudyStatus, best_row, of_which

WITHIN = pick.WITHIN / 100  # what counts as the same, as Compare begins with


def section(status: StudyStatus) -> Verdict | None:
    """Says the verdict and returns it; where there is none yet, what it waits for."""
    scored = [row for row in status.rows if row.number("done")]
    if status.active or len(scored) < 2:
        if len(status.rows) > 1:
            st.html(f'<div class="lab-meta">{escape(_waits(status, len(scored)))}</div>')
        return None
    if len(scored) > pick.MOST:
        words = f"Its runs tell different classes: Compare tests up to {pick.MOST} of the same classes."
        if (highest := best_row(status)) is not None:
            of = of_which(status) or f" of {count(len(scored))} runs"
            words = (
                f"{highest.name} has the highest mean F1{of}, which says nothing by itself: "
                f"Compare tests up to {pick.MOST} of them against each other."
            )
        st.html(f'<div class="lab-meta">{escape(words)}</div>')
        return None
    members, _ = load_all([row.run.id for row in scored])
    top = verdict.best_of(members)
    if top is None:
        return None
    comparable, refused = same_classes(top, told_apart(members))
    if refused:
        words = in_sentences(refused[0].message, "Their F1 are not of the same classes.")
        st.html(f'<div class="lab-meta">{escape(words)}</div>')
    top = next(member for member in comparable if member.id == top.id)
    against = load.pairs_of(top, [member for member in comparable if member is not top], "f1", "best")
    differences = pairs.differences(against, within=WITHIN, highest=True)
    said = verdict.verdict(comparable, top, differences, {}, within=WITHIN)
    decide.draw(said, comparable, {})
    if words := load.other_losses(comparable):
        st.caption(plain(words))
    return said if said.kind != "nothing" and not refused else None


def compared(status: StudyStatus) -> str:
    """The study's runs for the address of Compare; of more than it takes those of the highest F1."""
    entries = [row.entry for row in status.rows]
    return pick.handed_on([each.id for each in (highest_first(entries) if len(entries) > pick.MOST else entries)])


def _waits(status: StudyStatus, scored: int) -> str:
    if status.active:
        left = number_of(status.jobs - status.done, "fold job")
        return f"No answer yet: {left} of {count(status.jobs)} not done. What is highest so far may change."
    return f"No answer yet: it takes two runs with a finished fold, and {'one has' if scored else 'none has'}."
