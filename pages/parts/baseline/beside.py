"""Compare: what training earned in each run, over the frozen features of its own first weights."""

from __future__ import annotations

import math
from collections.abc import Sequence
from html import escape

import streamlit as st

from core.answers.frozen_features import load as kept_of
from core.compare.earned import Earned
from core.compare.members import WHICH, ComparedRun
from core.config.names import last_epoch
from core.data import persons
from core.stats import paired
from core.text import plain, spread
from pages.parts.baseline import asking
from pages.parts.compare import load
from pages.parts.compare.pick import Question
from pages.parts.compare.tables import WORDS
from pages.parts.shared import badges, theme

ABOUT = (
    "Frozen features of each run's own first weights + logistic regression, on the same folds and photos. Interval: "
    "people drawn anew, for these trained networks; the verdict is by the corrected interval over folds, as above."
)


def draw(members: Sequence[ComparedRun], names: dict[str, str], colours: dict[str, str], question: Question) -> None:
    theme.heading("What training earned")
    earned, problems = load.earned(members, question.metric, "final", question.within / 100)
    if earned:
        st.html(table_html(earned, names, colours))
        last = last_epoch(each.member.config.training.early_stopping for each in earned)
        st.caption(plain(f"{ABOUT} At the last epoch, whatever is chosen above, since the best one flatters: {last}."))
    for problem in problems:
        st.html(badges.fault(problem, state="interrupted"))
    lacking = [member for member in members if kept_of(member.run) is None]
    if not lacking:
        asking.forget()
        return
    if not earned:
        st.caption("What would the first weights tell without any training? The same folds, in seconds.")
    named = names[lacking[0].id] if len(lacking) == 1 else f"{len(lacking)} runs"
    asking.ask([member.run for member in lacking], plain(f"Compute the baseline of {named}"), "compare-baseline")


def table_html(earned: Sequence[Earned], names: dict[str, str], colours: dict[str, str]) -> str:
    """A row a run. Everything foreign is escaped."""
    rows = []
    first = earned[0].difference
    for each in earned:
        difference = each.difference
        of_frozen = each.baseline.scores(difference.metric)
        reached = each.member.scores(difference.metric, difference.which)
        frozen, trained = (spread([scores[fold] for fold in difference.folds]) for scores in (of_frozen, reached))
        tone = {paired.BETTER: "lab-good", paired.WORSE: "lab-bad"}.get(difference.verdict, "lab-quiet")
        rows.append(
            f'<tr><td class="cmp-wrap">{badges.dot(colours[each.member.id])}{escape(names[each.member.id])}</td>'
            f'<td class="cmp-wrap lab-left">{escape(each.baseline.features)}</td><td class="lab-edge">{frozen}</td>'
            f'<td>{trained}</td><td class="lab-edge"><b class="{tone}" style="color: var(--c)">'
            f"{paired.signed(difference.deltas_mean)}</b></td><td>{_people(each)}</td>"
            f'<td class="lab-left">{WORDS[difference.verdict]}</td></tr>'
        )
    who = persons.noun(persons.together(each.difference.persons for each in earned))
    metric = "F1" if first.metric == "f1" else "accuracy"
    return (
        '<div class="lab-scroll"><table class="lab-table cmp-table"><thead><tr><th>run</th>'
        f'<th class="lab-left">frozen</th><th class="lab-edge">their {metric}</th>'
        f"<th>trained, {WHICH[first.which]}</th>"
        f'<th class="lab-edge">earned (points), mean of folds</th><th>F1 of all folds together, 95% over {who}</th>'
        '<th class="lab-left">verdict</th></tr>'
        f"</thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _people(each: Earned) -> str:
    interval = each.difference.bootstrap
    if interval is None or not (math.isfinite(interval.low) and math.isfinite(interval.high)):
        return "–"
    return f"{paired.signed(interval.mean)} [{paired.signed(interval.low)} to {paired.signed(interval.high)}]"
