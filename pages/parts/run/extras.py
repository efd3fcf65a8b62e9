"""What each extra costs and brings: a section of a run's page, measured in a thread once somebody asks, then kept.

It begins without scipy and torch, like the page around it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import streamlit as st

from core.answers.ensemble_scores import NO_CHOICE
from core.data.content.unchanged import check_unchanged
from core.errors import LabError
from core.predict.extras.measured import HELD_OUT, TEST, check_cross_validated, kept, of_runs
from core.predict.extras.ways import BEGIN_WITH, EXTRAS, NAMES
from core.predict.job import Job
from core.runs import Run, looks
from core.runs.colours import colour_of
from core.runs.everybody.unmeasured import cross_validated
from core.runs.looks import next_one
from core.runs.yes_no.view import OF, OneAttribute, opened
from core.text import count, plain
from pages.parts.run import curves, view, yes_no
from pages.parts.shared import badges, moved, run_picker
from pages.parts.shared.fields import begin
from pages.parts.tab.closed import still_open

if TYPE_CHECKING:
    from core.predict.extras.ladder import Ladder, Rung
    from core.predict.extras.measured import Measured

TITLE = "What does each extra cost and bring?"
PLACES = {TEST: "the test set", HELD_OUT: "held-out photos"}
MOST = {500: "500 or so", 2_000: "2,000 or so", None: "all"}  # held-out photos, of people drawn
MOST_RUNS, OFFERED = 5, 300
LABELLED = 5  # dots that have room for their names; more have numbers
EVERY = 0.5  # seconds between two looks at a job
JOB, KEY = "live-extras-job", "live-extras-key"  # in the session: what is measured, and for which question
SEEN = "live-extras-seen"  # in the session: the runs whose test set it has been shown, together
ASKED = "live-extras-asked"  # in the session: a Click that is not answered yet
NOTED = "live-extras-noted"  # in the session: a job after which the page of a run asks about its photos, and that run


@dataclass(frozen=True)
class Question:
    runs: tuple[Run, ...]
    place: str
    extras: tuple[str, ...]
    most: int | None


@dataclass(frozen=True)
class Click:
    """On a button that measures. run: on whose page. look: which look at a test set it was drawn as, in words; empty on
    held-out photos."""

    run: str
    look: str
    again: bool


def section(run: Run, status: view.RunStatus, listed: Sequence[dict[str, Any]]) -> None:
    """Nothing until all folds are done. listed: summaries of all runs, of which others can be asked together."""
    if status.state != "done":
        return
    box = st.expander(TITLE, icon=":material/balance:", key=f"live-extras-{run.id}", on_change="rerun")
    if box.open:
        with box:
            st.fragment(_draw)(run, listed)


def _draw(run: Run, listed: Sequence[dict[str, Any]]) -> None:
    st.caption(
        "One fold, all folds, other views of each photo, several runs: the F1 that each step brings, and the time that "
        "it takes. Each network is asked once, and what it answered is kept with the run."
    )
    try:
        check_cross_validated(run)
        seen_through = yes_no.through(run, "live-extras-attribute")
        question = _ask(seen_through, listed)
        with st.container():  # always there, so that what follows keeps its place
            if (measured := _measured(question)) is not None:
                _tell(measured)
                _again(question)
    except LabError as error:
        st.session_state.pop(ASKED, None)
        badges.show_error(error)


def _ask(run: Run, listed: Sequence[dict[str, Any]]) -> Question:
    key = f"live-extras-{{}}-{run.key}"
    others = _others(run, listed)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        place = HELD_OUT
        if run.test_file.is_file():
            place = begin(
                st.segmented_control,
                "Told of",
                list(PLACES),
                key=key.format("place"),
                begins=TEST,
                format_func=PLACES.get,
                required=True,
                help="The test set can tell what all folds bring over one. Held-out photos tell what other views and "
                "runs bring, and using them is no look at the test set.",
            )
        extras = begin(
            st.pills,
            "Other views",
            list(EXTRAS),
            key=key.format("views"),
            begins=list(BEGIN_WITH),
            format_func=NAMES.get,
            selection_mode="multi",
            help="Networks answer about each view, and the mean counts. Five crops: corners and middle, enlarged; "
            "ten crops: those, the whole photo, and all of them mirrored.",
        )
        most = None
        if place == HELD_OUT:
            most = begin(
                st.selectbox,
                "Photos",
                list(MOST),
                key=key.format("most"),
                begins=2_000,
                format_func=MOST.get,
                width=150,
                help="People are drawn until there are so many photos.",
            )
    beside: list[str] = []
    if others:
        beside = begin(
            st.multiselect,
            "Together with",
            list(others),
            key=key.format("with"),
            begins=[],
            format_func=others.get,
            max_selections=MOST_RUNS - 1,
            placeholder="Further runs of the same task",
            help="Their answers are made one with this run's: the mean, weights fitted on held-out answers, and votes.",
        )
    runs = (run, *(_beside(run, other) for other in beside))
    return Question(runs, place, tuple(way for way in EXTRAS if way in extras), most)


def _beside(run: Run, run_id: str) -> Run:
    """Another run, seen through the same attribute. Raises LabError where it does not tell it."""
    return opened(f"{run_id}{OF}{run.attribute}") if isinstance(run, OneAttribute) else Run(run_id)


def _others(run: Run, listed: Sequence[dict[str, Any]]) -> dict[str, str]:
    """id -> label of finished runs that may be asked together with this one; what does not fit says so when asked."""
    own = next((summary for summary in listed if summary["id"] == run.id), None)
    if own is None or "unreadable" in own:
        return {}
    alike = [
        summary
        for summary in cross_validated(listed)
        if summary["id"] != run.id
        and summary.get("state") == "done"
        and all(summary.get(name) == own.get(name) for name in ("task", "classes", "dataset"))
    ]
    return {summary["id"]: run_picker.run_label(summary) for summary in alike[:OFFERED]}


def _measured(question: Question) -> list[Measured] | None:
    """What was measured for the question; None while it is not there, or may not be shown before somebody asks."""
    job: Job[list[Measured]] | None = st.session_state.get(JOB)
    if job is not None and st.session_state.get(KEY) != question:
        if job.is_running:
            job.cancel()  # it measures what nobody asks any more
        st.session_state.pop(JOB)
        job = None
    if _is_asked(question, job):
        job = st.session_state[JOB]
    if job is not None and job.is_running:
        _watch(job)
        return None
    seen = st.session_state.setdefault(SEEN, set())
    if job is not None:
        try:
            if (measured := job.result()) is not None:
                st.session_state.pop(JOB)
                for run in question.runs:
                    moved.settle(run)
                _look(question, seen)  # the page is not begun anew between the count and its end: it asks no session
                return measured
            st.caption("Cancelled; nothing was kept.")
        except LabError as error:  # it stays until somebody asks again
            if (refusal := _noted(job, question, error)) is not None:
                badges.show_error(refusal)
    there = _kept(question)
    on_test = question.place == TEST
    if there is not None and (not on_test or question.runs in seen):
        return there
    _offer(question, there is not None)
    return None


def _noted(job: Job, question: Question, error: LabError) -> LabError | None:
    """What is to be told of a job that ended so, if anything. Where nobody can tell whether the photos of a run are the
    same, its page asks, once for a job; once somebody said so nothing is told any more."""
    if error.kind != moved.UNDECIDED:
        return error
    noted: tuple[Job, Run] | None = st.session_state.get(NOTED)
    if noted is None or noted[0] is not job:
        noted = st.session_state[NOTED] = (job, _whose(question))
        moved.note(noted[1], error)
        st.rerun()  # the page asks further up
    run = noted[1]
    if not moved.is_noted(run):
        return None
    return error if run.id == question.runs[0].id else LabError(f"{run.id}: {error.message}", error.remedy, error.kind)


def _whose(question: Question) -> Run:
    """The run whose photos are not told to be those of the launch; they are asked in this order."""
    for run in question.runs:
        try:
            check_unchanged(run.test_photos() if question.place == TEST else run.samples())
        except LabError:
            return run
    return question.runs[0]


def _kept(question: Question) -> list[Measured] | None:
    """What is kept of all runs of the question, of the extras that it asks for; None unless all of it is."""
    of_each = [kept(run, question.place, question.extras, question.most) for run in question.runs]
    whole = [each.with_extras(question.extras) for each in of_each if each is not None]
    return whole if len(whole) == len(question.runs) else None


def _offer(question: Question, is_kept: bool) -> None:
    """The button that measures, or that shows what is kept of a test set; which look it is stands on it."""
    label, look = f"{'Show' if is_kept else 'Measure'} what they bring", _next_look(question)
    if look:
        label += f" (test set, {look})"
    st.button(
        label,
        icon=":material/timer:",
        type="secondary",
        key="live-extras-measure",
        on_click=_note,
        args=(Click(question.runs[0].id, look, again=False),),
    )
    if look:
        st.caption(plain(NO_CHOICE))


def _again(question: Question) -> None:
    st.button(
        "Measure again",
        icon=":material/refresh:",
        key="live-extras-again",
        help="As on another device, or once nothing else computes here.",
        type="tertiary",
        on_click=_note,
        args=(Click(question.runs[0].id, _next_look(question), again=True),),
    )


def _note(click: Click) -> None:
    """The callback: what was chosen just before the click is asked, so the click is answered where that is known."""
    st.session_state[ASKED] = click


def _is_asked(question: Question, job: Job | None) -> bool:
    """Answers a click; whether it began a job. job: what is measured for the question already.

    A look at a test set cannot be taken back: one that the button did not name is not begun.
    """
    click: Click | None = st.session_state.pop(ASKED, None)
    if click is None or click.run != question.runs[0].id or (job is not None and job.is_running):
        return False  # none, one on another page, a second one
    look = _next_look(question)
    if look and look != click.look:
        st.caption(f"Nothing was measured: of the test set it is {look}, which the button did not say.")
        return False
    _begin(question, click.again)
    return True


def _next_look(question: Question) -> str:
    """Which look at a test set the answer would be, in words; empty on held-out photos."""
    if question.place != TEST:
        return ""
    seen, whose = max(len(looks.times(run)) for run in question.runs), "this run"
    return next_one(seen, looks.others(question.runs), whose if len(question.runs) == 1 else "these runs")


def _begin(question: Question, again: bool) -> None:
    st.session_state[KEY] = question
    st.session_state[JOB] = Job(
        lambda progress: of_runs(
            question.runs, question.place, question.extras, most=question.most, again=again, progress=progress
        ),
        still_open(),
    )


def _look(question: Question, seen: set[tuple[Run, ...]]) -> None:
    """Count a look at each test set, before anything of it is shown. Raises LabError where one cannot be counted."""
    if question.place == TEST:
        looks.add_together(question.runs, "page")
        seen.add(question.runs)


@st.fragment(run_every=EVERY)
def _watch(job: Job) -> None:
    """How far it is, with a way to cancel it; the page is drawn anew once it has ended."""
    if not job.is_running:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        share = min(1.0, job.done / job.total) if job.total else 0.0
        words = f"{count(job.done)} of {count(job.total)} photos read and looks at them"
        st.progress(share, words if job.total else "Opening the networks")
        st.button("Cancel", icon=":material/close:", on_click=job.cancel, key="live-extras-cancel")


def _tell(measured: Sequence[Measured]) -> None:
    with st.spinner("Drawing people anew"):
        from core.predict.extras import words
        from core.predict.extras.ladder import ladder

        judged = ladder(measured)
    st.markdown("\n".join(f"- {plain(sentence)}" for sentence in words.verdicts(judged)))
    left, right = st.columns([6, 5])
    with left:
        st.html(table_html(judged))
    with right:
        curves.draw(curves.payload([("F1 against time", _figure(judged))]), key="live-extras-figure")
    for note in words.notes(judged):
        st.caption(plain(note))
    st.caption(plain(f"{words.about(judged)} {words.cost(judged)}"))


def table_html(ladder: Ladder) -> str:
    """A row a way of answering: F1, what it brings over the step before, what 100 photos take."""
    from core.predict.extras import words

    rows = []
    numbered = len(ladder.rungs) > LABELLED  # as their dots are
    for place, rung in enumerate(ladder.rungs, 1):
        number = f'<span class="lab-meta">{place} ·</span> ' if numbered else ""
        over = times = ""
        if rung.over is not None:
            tone = {"better": "lab-good", "worse": "lab-warn"}.get(rung.verdict, "")
            over = words.difference(rung.over)
            over = f'<b class="{tone}" style="color: var(--c)">{over}</b>' if tone else over
            times = words.times(ladder.times(rung))
        behind = f'<br><span class="lab-meta">{words.spread(rung)}</span>' if words.spread(rung) else ""
        rows.append(
            f"<tr><td>{number}{escape(words.name(rung, ladder))}</td>"
            f'<td class="lab-edge">{words.f1(rung)}{behind}</td><td class="lab-edge">{over}</td>'
            f'<td class="lab-edge">{words.seconds(rung.seconds)}</td><td>{times}</td></tr>'
        )
    names = ("F1 [95%]", "over the step before", "100 photos")
    head = "<th></th>" + "".join(f'<th class="lab-edge">{name}</th>' for name in names) + "<th>times</th>"
    return (
        f'<div class="lab-scroll"><table class="lab-table"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def _figure(ladder: Ladder) -> Any:
    from core.figures import extras as figures

    numbered = len(ladder.rungs) > LABELLED
    return figures.f1_against_seconds(
        [
            figures.Point(
                rung.name.removeprefix("+ "),
                str(place) if numbered else rung.name.removeprefix("+ "),
                "runs together" if rung.run is None else ladder.names[rung.run],
                figures.TOGETHER if rung.run is None else _colour(rung),
                rung.seconds,
                rung.way.f1.mean,
                rung.way.f1.low,
                rung.way.f1.high,
            )
            for place, rung in enumerate(ladder.rungs, 1)
            if rung.seconds is not None
        ]
    )


def _colour(rung: Rung) -> str:
    assert rung.run is not None
    return colour_of({**rung.run.info(), "id": rung.run.id})
