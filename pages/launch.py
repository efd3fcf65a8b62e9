"""Launch: three questions, a recipe proposed, its settings behind them; beside them a ticket that stays in sight."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import streamlit as st

from core import places
from core.data.scan import Scan
from core.data.tasks import possible_tasks
from core.data.yes_no import pairs
from core.errors import LabError
from core.jobs.processes import ready
from core.plan.plan import Plan
from core.plan.ways_out import WaysOut
from core.runs.everybody.unmeasured import cross_validated
from core.runs.lists import index
from core.runs.lists.index import Listed
from core.studies.grid import StudyConfig
from core.studies.records import Study
from core.text import plain
from pages.parts.dataset import findings, labels, picker
from pages.parts.form import classes, draft, settings, summary, transforms
from pages.parts.form.draft import Errors, check
from pages.parts.launch import click, ids, naming, questions, study_draft, study_form, study_plan
from pages.parts.launch import draft as launch_draft
from pages.parts.launch.plan import (
    OF_FOLDS,
    allowed_by_photos,
    fit_form_task,
    joined_study,
    look_ahead,
    look_ahead_study,
    ways_of,
)
from pages.parts.launch.sections import faces_section, plan_section
from pages.parts.launch.source import DATA, origin_section, prefill
from pages.parts.shared import badges, frame, groups, run_picker, theme
from pages.parts.ticket import again, ticket

LIVE = Path(__file__).with_name("live.py")
STUDIES = Path(__file__).with_name("studies.py")
GROUPS = {
    "task": ("Task and folds", ("task", "folds")),
    "model": ("Model and weights", ("model",)),
    "phases": ("Phases", ("phases",)),
    "training": ("Training", ("training", "mix")),
    "transforms": ("Transforms", ("transforms",)),
}
CSS = """<style>
.st-key-launch-recipes { display: grid !important; gap: .6rem;
  grid-template-columns: repeat(auto-fill, minmax(min(100%, 172px), 1fr)); }
.st-key-launch-recipes > * { min-width: 0; height: 100%; }
[class*="st-key-recipe-"] { padding: .5rem .75rem .6rem !important; height: 100%; gap: .2rem !important; }
[class*="st-key-recipe-"] :is(p, [data-testid="stMarkdownContainer"], [data-testid="stCaptionContainer"])
  { margin: 0; line-height: 1.35; }
[class*="st-key-recipe-"] [data-testid="stBaseButton-tertiary"] { padding: 0; min-height: 1.5rem; }
.st-key-recipe-chosen { border-color: var(--st-primary-color) !important; }
.st-key-understood-launch-data { display: grid !important; grid-template-columns: 1fr 1fr;
  gap: .2rem 1.5rem !important; }
.st-key-understood-launch-data > * { grid-column: 1 / -1; min-width: 0; }
.st-key-understood-launch-data > [data-testid="stLayoutWrapper"]:has(> [class*="st-key-fact-launch"])
  { grid-column: auto; }
@media (max-width: 700px) { .st-key-understood-launch-data { grid-template-columns: 1fr; } }
.st-key-launch-proposal { padding: .6rem .9rem .7rem !important; }
.st-key-launch-changes [data-testid="stBaseButton-tertiary"] { padding: 0; min-height: 1.4rem; }
.st-key-launch-changes :is(p, [data-testid="stMarkdownContainer"]) { margin: 0; }
.st-key-launch-form .faces-classes { grid-template-columns: repeat(auto-fill, minmax(134px, 1fr)); }
.st-key-launch-form .faces-class { max-width: 200px; }
</style>"""


# The sections


def settings_section(errors: Errors, scan: Scan | None, plan: Plan | None, ways: WaysOut | None) -> None:
    tasks = possible_tasks(scan.samples) if scan else list(settings.TASKS)
    controls = {
        "task": lambda: settings.task_and_folds(errors, tasks, scan, ways),
        "model": lambda: settings.model_and_weights(errors, parents(entries)),
        "phases": lambda: settings.phases(errors),
        "training": lambda: settings.training(errors),
        "transforms": lambda: transforms.editor(transforms.of_launch(), errors),
    }
    summaries = summary.summaries(draft.draft(), classes_of(plan) if plan else "")
    for name, (title, prefixes) in GROUPS.items():
        wrong = sum(path.split(".")[0] in prefixes for path in errors)
        mark = f":red[:material/error: {wrong} to correct]" if wrong else ""
        if (inside := groups.group(name, title, summaries[name], mark=mark, urgent=wrong > 0)) is not None:
            with inside:
                controls[name]()


def classes_of(plan: Plan) -> str:
    """ "6 classes", "40 attributes"."""
    return pairs.in_words(plan.class_names, plan.config.task.one_by_one)


def parents(listed: Iterable[Listed]) -> dict[str, str]:
    """The runs that another one can start from, newest first: those with a finished fold that held somebody out."""
    summaries = cross_validated(index.as_summaries(listed))
    done = [s for s in summaries if any(fold["state"] == "done" for fold in s.get("folds", ()))]
    return {s["id"]: run_picker.run_label(s) for s in done}


def ways_section(ways: WaysOut | None, errors: Errors) -> None:
    """What stands in the way of a split, and what can be done, in the place of what will run."""
    if ways is None:
        st.caption("People, classes, folds and time, once dataset and settings are right.")
    for path in sorted(OF_FOLDS & errors.keys()) if ways is not None else ():
        st.markdown(f":red[:material/error: {plain(errors[path])}]")
    classes.offer(ways, "no-plan.ways")


# The page


def open_launched() -> None:
    """Leave for what was launched with the click that waits, if it was."""
    if (opens := click.done()) is not None:
        page, run_or_study = opens
        if page == "live":
            st.switch_page(LIVE, query_params={"run": run_or_study})
        st.switch_page(STUDIES, query_params={"study": run_or_study})


def join_line(joining: Study) -> None:
    with st.container(horizontal=True, vertical_alignment="center"):
        st.info(f"This run joins the study **{plain(joining.name)}**, on its folds.", icon=":material/add_circle:")
        if st.button("Back to the study", icon=":material/arrow_back:", type="tertiary"):
            st.switch_page(STUDIES, query_params={"study": joining.id})


entries = frame.begin_page(answers=[frame.CLICK], names_study=False)
st.html(CSS)
groups.style()
open_launched()
pending = click.pending()
prefill()
ids.form_token()
with st.container():
    st.html('<div class="lab-title">Launch</div>')
    if problem := st.session_state.pop("launch_error", None):
        badges.show_error(problem)
    launch_draft.notice(DATA)
    launch_draft.way_back(DATA)
    joining = joined_study()
    if joining is not None:
        join_line(joining)
        if pending is None:  # what was clicked on is launched under the name that stood there
            naming.follow(joining)
launch_draft.keep()

form = draft.draft()
choice = form["data"]
config, errors = check(form)
left, right = ticket.columns()

with left, theme.section("1 · Data"):
    picker.choose(choice, DATA)
    scan: Scan | None = None
    fault: LabError | None = None
    if choice["root"]:
        try:
            scan = picker.find(choice)
        except LabError as error:
            fault = error
            badges.show_error(error)
            if error.kind == "stopped":
                st.button("Scan again", icon=":material/refresh:", on_click=picker.forget)
    if scan is not None:
        note = fit_form_task(scan)
        config, errors = check(form)
        errors |= allowed_by_photos(form, scan, errors)
    as_study = study_draft.is_on() and joining is None
    study: StudyConfig | None = None
    plans: list[Plan] | None = None
    if as_study:
        study, wrong = study_draft.build(form)
        errors |= wrong
        plans, more = look_ahead_study(study if config else None, form, scan)
        plan = plans[0] if plans else None
    else:
        plan, more = look_ahead(config, scan, joining)
    errors |= more
    ways = ways_of(config, scan, plan, errors)
    photos = plan.photos if plan is not None else classes.photos_of_task(scan) if scan is not None else None
    refusal: LabError | None = None
    if pending is not None:
        if as_study:
            refusal = click.settle_study(pending, None if errors else study, plans)
        else:
            refusal = click.settle_run(pending, None if errors else config, plan, joining, scan)
        if refusal is None:
            open_launched()
    if scan is not None:
        findings.show_result(scan, DATA)
        findings.leave_out(scan, choice, DATA, errors)
    if choice["root"]:
        place = f"{DATA}.{choice['root']}"
        labels.labels_form(choice, place, scan=scan, fault=fault)

with left, theme.section("2 · What you want, and the time for it"):
    if joining is None:
        questions.goal_and_time()
        questions.proposed(scan, plan, photos, as_study)
    if as_study:
        study_form.controls(errors, parents(entries))

with left, theme.section("3 · Recipe and settings"):
    questions.cards(photos)
    with st.container():
        if scan is not None and note:
            st.caption(f":material/info: {plain(note)}")
    origin_section(config)
    with st.container(key="launch-settings", gap="xsmall"):
        settings_section(errors, scan, plan, ways)

with right:
    with st.container():
        if refusal is not None:
            badges.show_error(refusal)
    launchable = plans if as_study else [plan] if plan else None
    ticket.draw(
        ticket.Contents(launchable, errors, scan, photos, joining, as_study, study), index.as_summaries(entries)
    )

with left, theme.section("What the network sees"):
    if plan is not None:
        faces_section(plan)
    else:
        st.caption("Photos of each class, once dataset and settings are right.")

with left, theme.section("What will run"):
    if as_study and study is not None and study_plan.asks(study):
        study_plan.ask(study, form)
    elif plans:
        study_plan.section(plans)
    elif plan is not None:
        plan_section(plan)
    else:
        ways_section(ways, errors)
    if plan is not None:
        classes.offer(ways, "plan.ways")

if joining is None and not as_study:
    again.ask(plan, errors)
if launchable and all(launchable) and not errors:
    ready.keep(places.runs_folder())
