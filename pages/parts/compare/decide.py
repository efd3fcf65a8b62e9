"""Compare's first word: a verdict over all runs, and the button that queues what would decide what is open."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from core.compare import anew
from core.compare.contrast import configurations
from core.compare.cost import RunCost
from core.compare.members import ComparedRun, load
from core.compare.verdict import Verdict
from core.data.scan import scan
from core.errors import LabError, ended
from core.jobs import control
from core.places import HOME
from core.runs import Run
from core.runs.create import new_id
from core.runs.owners import owner
from core.runs.states import ALIVE
from core.studies import records
from core.studies.grid import make_plans
from core.text import count, duration, listed, one_line, plain
from pages.parts.people import people
from pages.parts.shared import badges, frame, moved

STUDIES = HOME / "pages" / "studies.py"
TONES = {"best": "good", "same": "accent", "undecided": "quiet", "unpaired": "warn"}
IDS = "compare-decide-ids"  # in the session: what a click would launch -> the id of its study
LONGEST, LONGEST_RUN = 36, 60  # letters of the name of the study, and of its runs, which begin with it

STYLE = """<style>
.cmp-verdict { border-left: 4px solid var(--c); padding: .55rem 1rem .6rem; border-radius: 0 6px 6px 0;
  background: color-mix(in srgb, var(--c) 11%, transparent); overflow-wrap: anywhere; }
.cmp-verdict b { font-size: 1.3rem; font-weight: 650; display: block; line-height: 1.3; }
</style>"""


def draw(said: Verdict, members: Sequence[ComparedRun], costs: Mapping[str, RunCost]) -> None:
    """Nothing for a run alone."""
    if said.kind == "nothing":
        return
    st.html(
        f'{STYLE}<div class="cmp-verdict lab-{TONES[said.kind]}" role="status"><b>{escape(said.headline)}</b>'
        f"{escape(' '.join(said.more))}</div>"
    )
    by_id = {member.id: member for member in members}
    if stopped := [by_id[run_id] for run_id, _ in said.waits if _has_stopped(by_id[run_id])]:
        _resume(stopped)
    elif said.folds is not None and said.contest is not None:
        _queue([by_id[run_id] for run_id in said.contest], said.folds, costs)
    elif said.kind == "unpaired":
        _queue(list(members), len(members[0].states), costs)
    elif said.apart and said.top is not None:
        top = by_id[said.top]
        _queue([top, *(by_id[run_id] for run_id in said.apart)], len(top.states), costs)


def _has_stopped(member: ComparedRun) -> bool:
    return any(state.state not in (*ALIVE, "done") for state in member.states)


def settle() -> None:
    """What was clicked on the drawing before, just as it was shown there: a run that ended since makes the verdict
    another one, not what was agreed to."""
    if (clicked := st.session_state.pop(frame.DECIDED, None)) is not None:
        act, *drawn = clicked
        act(*drawn)


def note(*clicked: Any) -> None:
    """The callback. clicked: what does it, and with what it was drawn."""
    st.session_state[frame.DECIDED] = clicked


def _resume(stopped: Sequence[ComparedRun]) -> None:
    ids = [member.id for member in stopped]
    people.button(
        "Resume the unfinished folds",
        *(owner.of(Run(run_id)) for run_id in ids),
        icon=":material/play_arrow:",
        key="compare-resume",
        on_click=note,
        args=(_go_on, ids),
    )


def _go_on(ids: Sequence[str]) -> None:
    queued = 0
    for run_id in ids:
        try:
            with moved.noted(Run(run_id)):
                queued += len(control.resume(Run(run_id)))
        except LabError as error:
            badges.show_error(error)
            return
    words = "Queued, each fold from its last checkpoint." if queued else "Nothing was left to queue by then."
    st.toast(words, icon=":material/play_arrow:")


def _queue(members: Sequence[ComparedRun], folds: int, costs: Mapping[str, RunCost]) -> None:
    """What is launched, what it takes, and the click that does it; why not, where the runs are not of the same data, or
    where one of them trains still: launched anew it would train twice."""
    if unfinished := [member.name for member in members if any(state.state in ALIVE for state in member.states)]:
        waits = "Still in training or in the queue, so nothing is launched anew yet"
        st.caption(plain(f"{waits}: {listed(unfinished)}."))
        return
    if (refusal := _refusal(members, folds)) is not None:
        st.caption(plain(str(refusal)))
        return
    key = "+".join([*(member.id for member in members), str(folds)])
    study_id = st.session_state.setdefault(IDS, {}).setdefault(key, new_id("decide"))
    jobs = len(members) * folds
    splits = {member.config.folds.model_copy(update={"count": folds}) for member in members}
    split = f", all on the split of {plain(members[0].name)}" if len(splits) > 1 else ""
    with st.popover(f"Launch them in {count(folds)} folds", icon=":material/rocket_launch:", key="compare-decide"):
        st.caption(
            f"{count(len(members))} new runs as a study, with the same settings and seeds{split}: "
            f"{count(jobs)} fold jobs{_takes(members, folds, costs)}. The runs that are here stay as they are."
        )
        st.button(
            "Queue them",
            type="primary",
            icon=":material/playlist_add:",
            key="compare-decide-go",
            on_click=note,
            args=(_queue_them, members, folds, study_id),
        )


def _queue_them(members: Sequence[ComparedRun], folds: int, study_id: str) -> None:
    """Ends on the page of the study, or with why there is none."""
    try:
        with st.spinner("Splitting the people and queueing the runs"):
            _launch(members, folds, study_id)
    except LabError as error:
        if error.kind != "exists":  # a double click: it was launched by the first
            badges.show_error(error)
            return
    st.switch_page(STUDIES, query_params={"study": study_id})


def _refusal(members: Sequence[ComparedRun], folds: int) -> LabError | None:
    """Why the runs cannot be launched anew together, in sentences."""
    if (refusal := anew.refusal(members, folds)) is None:
        return None
    message = f"These runs cannot be launched anew in {count(folds)} folds: {refusal.message}"
    return LabError(ended(message), refusal.remedy, kind=refusal.kind)


def _takes(members: Sequence[ComparedRun], folds: int, costs: Mapping[str, RunCost]) -> str:
    """From what the folds of these runs took; nothing where that is not recorded."""
    each = [
        costs[member.id].seconds / len(member.done) if member.id in costs and member.done else math.nan
        for member in members
    ]
    if not all(math.isfinite(seconds) for seconds in each):
        return ""
    return f", {duration(sum(each) * folds)} of training if a fold takes what it took here"


def _launch(members: Sequence[ComparedRun], folds: int, study_id: str) -> None:
    """Raises LabError as a launch from the form does."""
    label = one_line(f"{' or '.join(member.name for member in members)}, {folds} folds", LONGEST)
    now = [load(member.id) for member in members]  # under their own names, and where their dataset is now
    were = configurations(now)
    if (refusal := _refusal(now, folds)) is not None:
        raise refusal
    shared = were[0].folds.model_copy(update={"count": folds})  # one split for all, else they share no folds
    configs = [
        config.model_copy(update={"name": one_line(f"{label} {member.name}", LONGEST_RUN), "folds": shared})
        for member, config in zip(members, were, strict=True)
    ]
    plans = make_plans(configs, scan(configs[0].data))
    where = Path(configs[0].data.root).name
    records.launch_plans(label, f"Which of them is better on {where}?", plans, study_id)
