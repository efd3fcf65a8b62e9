"""Compare, of a run and the one retrained on its corrected labels: whether it helped, and what each is scored on."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

import streamlit as st

from core.compare import pairs, relabelled
from core.compare.members import ComparedRun
from core.compare.relabelled import Corrected
from core.errors import LabError
from core.text import count, score
from pages.parts.compare import load
from pages.parts.compare.decide import STYLE, TONES
from pages.parts.compare.pick import Question
from pages.parts.shared import badges

SAYS = {"better": "best", "worse": "unpaired", "same": "same"}  # verdict -> whose tone of decide


def draw(members: Sequence[ComparedRun], question: Question) -> bool:
    """Whether there are such two among the members."""
    two = relabelled.pair_of(members)
    if two is None:
        return False
    before, after = two
    (difference,) = pairs.differences(
        load.pairs(before, [after], question),
        within=question.within / 100,
        metric=question.metric,
        which=question.which,
    )
    try:
        change = relabelled.corrected(before, after, question.which)
    except LabError as error:
        badges.show_error(error)
        return True
    tone = TONES[SAYS.get(difference.verdict, "undecided")]
    st.html(
        f'{STYLE}<div class="cmp-verdict lab-{tone}" role="status"><b>{escape(relabelled.headline(difference))}</b>'
        f"{escape(relabelled.what_it_is_scored_on(change, before, after))}</div>{_table(change, before, after)}"
    )
    return True


def _table(change: Corrected, before: ComparedRun, after: ComparedRun) -> str:
    if not change.rows:
        return ""
    rows = "".join(
        f'<tr><td class="cmp-wrap">{escape(row.labels)}</td><td>{count(row.photos)}</td><td>{score(row.before)}</td>'
        f"<td>{score(row.after)}</td></tr>"
        for row in change.rows
    )
    what = "answers" if before.one_by_one else "photos"
    names = f"<th>{escape(before.name)}</th><th>{escape(after.name)}</th>"
    return (
        '<div class="lab-scroll" style="margin-top:.6rem"><table class="lab-table cmp-table cmp-few"><thead><tr>'
        f"<th>macro F1, all folds pooled, on</th><th>{what}</th>{names}</tr></thead><tbody>{rows}</tbody></table></div>"
    )
