"""Groups of the dataset: whether a run, or several, fail on some of them; by every attribute, asked for or not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from html import escape

import streamlit as st

from core.answers import group_scores, mistakes
from core.answers.group_scores import GroupScore
from core.data import persons
from core.errors import LabError
from core.runs import Run
from core.stats import paired
from core.text import NOTHING, count, plain, score
from pages.parts.run import yes_no
from pages.parts.shared import badges

TONES = {"worse": " class='lab-worse'", "better": " class='lab-better'", "": ""}
STYLE = """<style>.lab-table td.lab-worse { color: var(--lab-bad); font-weight: 600; }
.lab-table td.lab-better { color: var(--lab-good); }
.lab-table td.lab-group-name { overflow-wrap: anywhere; }</style>"""


def scores_of(run: Run, which: str = "best") -> list[GroupScore]:
    """Of the finished folds, kept until a file that they come from changes. Raises LabError as load_answers does."""
    folds = tuple(run.require().done_folds())
    return _scores(run, which, folds, mistakes.version(run, which, folds))


@lru_cache(maxsize=64)
def _scores(run: Run, which: str, folds: tuple[int, ...], version: tuple) -> list[GroupScore]:
    return group_scores.of_answers(mistakes.load_answers(run, which, folds))


def tab(run: Run) -> None:
    """What a run answered, cut by each attribute."""
    try:
        run = yes_no.through(run, "live-groups-of")
        scores, state = scores_of(run), persons.persons_of(run.samples()).state
    except LabError as error:
        if error.kind == "missing":
            st.caption("Groups appear once a fold is finished.")
        else:
            badges.show_error(error)
        return
    if not scores:
        st.caption("The dataset tells nothing about its photos but their class, so there are no groups to cut by.")
        return
    st.markdown(plain(group_scores.sentence(scores, persons.noun(state))))
    st.html(STYLE + table_html(scores, state))
    st.caption(about(state))


def about(state: str) -> str:
    """What the numbers are."""
    return plain(
        "Every attribute of the dataset, whether the task asks for it or not; numbers are cut into groups. Best epoch "
        "of each fold, on the photos that it held out. Points: accuracy against the photos that tell another value, "
        f"with a 95% interval over {persons.noun(state)}. p is corrected for all groups (Holm). F1 is over the classes "
        "of which the group holds photos."
    )


def table_html(scores: Sequence[GroupScore], state: str) -> str:
    """A row a group. state: how far it is known whom photos show."""
    by_person = state != persons.UNKNOWN
    rows = []
    for place, each in enumerate(scores):
        people = f"<td>{count(each.people)}</td>" if by_person else ""
        rows.append(
            f"<tr><td>{_attribute(scores, place)}</td>"
            f'<td class="lab-left lab-group-name">{escape(each.value)}</td><td>{count(each.photos)}</td>{people}'
            f"<td class='lab-edge'>{score(each.accuracy)}</td><td>{score(each.f1)}</td>"
            f"<td{TONES[each.differs]}>{paired.signed(each.gap.mean)}</td><td>{_ends(each)}</td><td>{_p(each.p)}</td>"
            "</tr>"
        )
    head = "<th>photos</th>" + ("<th>people</th>" if by_person else "")
    return (
        '<div class="lab-scroll"><table class="lab-table"><thead><tr><th>attribute</th><th class="lab-left">group</th>'
        f"{head}<th class='lab-edge'>accuracy</th><th>F1</th><th>points</th><th>95% interval</th><th>p</th></tr>"
        f"</thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def side_by_side_html(scores: Mapping[str, Sequence[GroupScore]], heads: Mapping[str, str]) -> str:
    """A row a group, a column a run: its accuracy, and of how many photos where runs differ in that. scores: run id ->
    groups. heads: run id -> HTML."""
    alike = group_scores.same_photos(scores.values())
    groups = list({(each.attribute, each.value): each for of_run in scores.values() for each in of_run}.values())
    cells = {run: {(each.attribute, each.value): each for each in of_run} for run, of_run in scores.items()}
    rows = []
    for place, each in enumerate(groups):
        of_runs = [of_run.get((each.attribute, each.value)) for of_run in cells.values()]
        right = "".join(
            f"<td{TONES[one.differs]}>{score(one.accuracy)}{'' if alike else f' of {count(one.photos)}'}</td>"
            if one
            else f"<td>{NOTHING}</td>"
            for one in of_runs
        )
        photos = f"<td>{count(each.photos)}</td>" if alike else ""
        rows.append(
            f"<tr><td>{_attribute(groups, place)}</td>"
            f'<td class="lab-left lab-group-name">{escape(each.value)}</td>{photos}{right}</tr>'
        )
    head = ("<th>photos</th>" if alike else "") + "".join(f"<th>{heads[run]}</th>" for run in scores)
    return (
        '<div class="lab-scroll"><table class="lab-table"><thead><tr><th>attribute</th><th class="lab-left">group</th>'
        f"{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )


def _attribute(scores: Sequence[GroupScore], place: int) -> str:
    """The name of the attribute, once for its groups."""
    first = not place or scores[place - 1].attribute != scores[place].attribute
    return escape(scores[place].attribute) if first else ""


def _ends(each: GroupScore) -> str:
    return f"{paired.signed(each.gap.low)} to {paired.signed(each.gap.high)}" if each.gap.known else NOTHING


def _p(p: float) -> str:
    return NOTHING if p != p else "&lt; 0.001" if p < 0.001 else f"{p:.3f}"
