"""Look inside: from a mistake to what every layer attended to, by the fold that had never seen the person."""

from __future__ import annotations

from functools import partial
from html import escape
from pathlib import Path

import streamlit as st

from core.answers import label_errors, mistakes
from core.answers.mistakes import Answers
from core.config.names import last_epoch
from core.errors import LabError
from core.runs import Run
from core.runs.everybody.unmeasured import cross_validated, measured_by
from core.runs.lists import index
from core.runs.yes_no import view as one_by_one
from core.runs.yes_no.view import OneAttribute, opened
from core.text import ago, count, number_of
from pages.parts.doubts import full, queue
from pages.parts.hand import hand
from pages.parts.look_inside import address, controls, maps, uploads
from pages.parts.look_inside import groups as look_groups
from pages.parts.look_inside import mistakes as look_mistakes
from pages.parts.selection import bar, judged, selected
from pages.parts.shared import badges, frame, groups, moved, run_picker

LAUNCH = Path(__file__).with_name("launch.py")
LIVE = Path(__file__).with_name("live.py")
VIEWS = {
    "mistakes": "Mistakes and maps",
    "groups": "Groups",
    "labels": "Likely wrong labels",
    "upload": "Another photo",
}
ATTRIBUTE = "attribute"  # in the address: the one through which a run is seen that tells several one by one
WHICH = {"best": "Best epoch", "final": "Last epoch"}
TITLE = '<div class="lab-title">Look inside</div>'


@st.cache_data(max_entries=8, show_spinner="Reading the answers of every fold")
def load(key: str, which: str, version: tuple) -> Answers:
    return mistakes.load_answers(opened(key), which)


def answers_of(run: Run, which: str) -> Answers:
    """Raises LabError in plain words for a run that is gone, unreadable or has no predictions."""
    run.require()
    return load(run.key, which, mistakes.version(run, which))


def seen(run_id: str) -> Run:
    """The run; where it tells attributes one by one, through the one in the address, else through its first.

    Raises LabError for a run that is gone or unreadable.
    """
    run = Run(run_id).require()
    names = one_by_one.attributes(run)
    return OneAttribute(run, str(address.get(ATTRIBUTE, names, names[0]))) if names else run


def answers_beside(others: list[Run], which: str) -> list[Answers]:
    """The answers of the runs shown beside; what is wrong with one is said and it is left out."""
    answers = []
    for run in others:
        try:
            answers.append(answers_of(run, which))
        except LabError as error:
            badges.show_error(error)
    return answers


def first_answered(summaries: list[dict]) -> str | None:
    """The newest run in which a fold is done, else the newest run."""
    readable = [s for s in summaries if "unreadable" not in s]
    done = [s for s in readable if any(fold["state"] == "done" for fold in s["folds"])]
    return hand.first(done or readable)


def header(run: Run, summaries: list[dict], answers: Answers | None) -> None:
    summary = next((s for s in summaries if s["id"] == run.id), {})
    name = str(summary.get("name") or run.id)
    facts = [] if answers is None else facts_of(summary, answers)
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        colour = run_picker.colour_of(run.id, summaries)
        st.html(
            f'<div class="lab-title">{badges.dot(colour)}{escape(name)}</div>'
            f'<div class="lab-meta">{escape(" · ".join(fact for fact in facts if fact))}</div>',
            width="content",
        )
        with st.container(horizontal=True, width="content", vertical_alignment="center"):
            run_picker.pick_run(summaries, run.id)
            if isinstance(run, OneAttribute):
                attribute_names = one_by_one.attributes(run.whole)
                address.box(ATTRIBUTE, "Attribute", attribute_names, default=attribute_names[0], width=210)
            settings = index.settings_of(index.Listed(summary)) if summary else {}
            last = last_epoch([settings.get("training.early_stopping")])
            about = f"The best epoch is chosen on the validation fold itself, which flatters; {last}."
            address.segments("which", "Checkpoint", WHICH, default="best", hide_label=True, help=about)


def candidates_of(run: Run, answers: Answers, which: str) -> int:
    """Labels that are likely wrong and not decided about; 0 where the network is too weak to say, and where the list of
    decisions is broken, both of which is said where they are made."""
    if label_errors.too_weak(int((~answers.table["right"]).sum()), len(answers.table)):
        return 0
    try:
        return queue.waiting_of(run, answers, mistakes.version(run, which))[1].waiting
    except LabError:
        return 0


def facts_of(summary: dict, answers: Answers) -> list[str]:
    return [
        answers.attributes[0] if one_by_one.OF in answers.run_id else str(summary.get("task", "")),
        str(summary.get("dataset", "")),
        f"ResNet-{summary.get('depth', '?')}",
        number_of(len(answers.table), "photo"),
        number_of(len(answers.folds), "fold"),
        f"launched {ago(summary.get('created'))}",
    ]


def explain(error: LabError, run_id: str, summaries: list[dict]) -> None:
    """Why nothing of the run can be seen; one that has no answers yet can be watched."""
    unanswered = error.kind == "missing" and Run(run_id).exists()
    if unanswered:
        header(seen(run_id), summaries, None)
    else:
        st.html(TITLE)
    badges.show_error(error)
    if error.kind == "everybody" and (parent := measured_by(Run(run_id))) is not None and Run(parent).exists():
        if st.button("Look inside the cross-validated run", icon=":material/visibility:"):
            st.query_params["run"] = parent
            st.rerun()
    elif unanswered:
        hand.take(run_id)
        if st.button("Open in Live", icon=":material/show_chart:"):
            st.switch_page(LIVE, query_params={"run": run_id})
    else:
        run_picker.pick_run(summaries, None)


entries = frame.begin_page(shows=(hand.STUDY,))
groups.style()
summaries = cross_validated(index.as_summaries(entries))
run_id = st.query_params.get("run") or next(iter(address.listed("runs")), None) or first_answered(summaries)
if run_id is None:
    st.html(TITLE)
    st.info("No run yet. Launch one, then look at its mistakes here.", icon=":material/visibility:")
    if st.button("Launch", type="primary", icon=":material/rocket_launch:"):
        st.switch_page(LAUNCH)
    st.stop()
which = address.get("which", list(WHICH), "best")
try:
    run = seen(run_id)
    answers = answers_of(run, which)
except LabError as error:
    explain(error, run_id, summaries)
    st.stop()
hand.take(run.id)
if full.asked() and address.get("view", list(VIEWS)) == "labels":
    full.show(run, answers, mistakes.version(run, which), summaries)
    st.stop()
header(run, summaries, answers)
with st.container():
    moved.ask(run)
if answers.missing:
    folds = ", ".join(str(fold) for fold in answers.missing)
    st.html(badges.fault(f"Not answered yet: fold {folds}.", "Their people are not shown.", state="interrupted"))
if unfinished := [state for state in run.states() if state.fold in answers.folds and state.state != "done"]:
    folds = ", ".join(f"fold {state.fold} {state.state} after epoch {state.epoch}" for state in unfinished)
    remedy = "What they answered so far is shown; the scores of the run leave it out."
    st.html(badges.fault(f"Not finished: {folds}.", remedy, state="interrupted"))
root = run.config().data.root
selected.begin(root)
bar.show(judged.page(answers, root), bar.place())
doubted = candidates_of(run, answers, which)
with st.container(horizontal=True, vertical_alignment="center"):
    views = VIEWS | ({"labels": f"{VIEWS['labels']} ({count(doubted)})"} if doubted else {})
    view = address.segments("view", "View", views, default="mistakes", hide_label=True)
    others = controls.pick_runs(run, summaries) if view == "mistakes" else []
if view == "mistakes":
    if doubted:
        words = f"{number_of(doubted, 'label')} may be wrong: check before believing the mistakes"
        st.button(
            words,
            icon=":material/fact_check:",
            type="tertiary",
            key="look-to-labels",
            on_click=address.put,
            kwargs={"view": "labels"},
        )
    draw_maps = partial(maps.show, run, answers, others, summaries)
    look_mistakes.show(run, answers, answers_beside(others, which), draw_maps)
elif view == "groups":
    look_groups.show(run, answers)
elif view == "upload":
    uploads.show(run, answers, summaries)
else:
    queue.show(run, answers, mistakes.version(run, which), summaries)
