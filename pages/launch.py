"""Launch: a dataset, a recipe, its settings, one run or a study, what the network sees, what will run, go."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.data.scan import Scan
from core.data.tasks import possible_tasks
from core.errors import LabError
from core.plan.plan import Plan
from core.runs.lists import index
from core.studies.grid import StudyConfig
from core.studies.records import Study
from core.text import count, plain
from pages.parts.dataset import labels, picker
from pages.parts.form import draft as form_draft
from pages.parts.form import fields as form_fields
from pages.parts.form import settings, transforms
from pages.parts.form.draft import Errors, check
from pages.parts.launch import click as launch_click
from pages.parts.launch import draft as launch_draft
from pages.parts.launch import ids, study_form, study_plan
from pages.parts.launch.plan import fit_task, joined_study, look_ahead, look_ahead_study
from pages.parts.launch.sections import faces_section, plan_section
from pages.parts.launch.source import DATA, prefill, recipes_section
from pages.parts.shared import badges, frame, groups, run_picker, theme

LIVE = Path(__file__).with_name("live.py")
STUDIES = Path(__file__).with_name("studies.py")
GROUPS = {
    "task": ("Task and folds", ("task", "folds")),
    "model": ("Model and weights", ("model",)),
    "phases": ("Phases", ("phases",)),
    "training": ("Training", ("training", "mix")),
    "transforms": ("Transforms", ("transforms",)),
}
CSS = "<style>.st-key-recipe-chosen { border-color: #2f95b8 !important; }</style>"


# The sections


def settings_section(errors: Errors, found: Scan | None, plan: Plan | None) -> None:
    draft = form_draft.draft()
    tasks = possible_tasks(found.samples) if found else list(settings.TASKS)
    fields = {
        "task": lambda: settings.task_and_folds(errors, tasks),
        "model": lambda: settings.model_and_weights(errors, parents()),
        "phases": lambda: settings.phases(errors),
        "training": lambda: settings.training(errors),
        "transforms": lambda: transforms.editor(transforms.of_launch(), errors),
    }
    summaries = form_draft.summaries(draft, len(plan.class_names) if plan else None)
    for name, (title, prefixes) in GROUPS.items():
        wrong = sum(path.split(".")[0] in prefixes for path in errors)
        mark = f":red[:material/error: {wrong} to correct]" if wrong else ""
        if (inside := groups.group(name, title, summaries[name], mark=mark, urgent=wrong > 0)) is not None:
            with inside:
                fields[name]()


def parents() -> dict[str, str]:
    """The runs that another one can start from, newest first: those with a finished fold."""
    done = [s for s in index.summaries() if any(fold["state"] == "done" for fold in s.get("folds", ()))]
    return {s["id"]: run_picker.run_label(s) for s in done}


def launch_section(plan: Plan | None, errors: Errors, found: Scan | None, joining: Study | None) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        form_fields.words("name", errors, label="Name of the run", width=320)
        form_fields.words("description", errors, label="Description", placeholder="What it is for, one sentence")
    ready = plan is not None and not errors
    run_id = ids.next_run_id(plan.config) if ready else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        launch_button("Launch", [plan] if ready else None, joining)
        if ready:
            st.caption(f"{plain(run_id)}: {count(plan.config.folds.count)} fold jobs are queued; then Live opens.")
        else:
            say_what_lacks(errors, found)


def launch_study_section(
    wanted: StudyConfig | None, plans: list[Plan] | None, errors: Errors, found: Scan | None
) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        study_form.words(errors)
    ready = bool(plans) and not errors
    study_id = ids.next_study_id(wanted, plans[0].config.data.root) if ready else ""
    with st.container(horizontal=True, vertical_alignment="center"):
        launch_button("Launch the study", plans if ready else None, None)
        if ready:
            jobs_ = sum(plan.config.folds.count for plan in plans)
            runs_ = "1 run" if len(plans) == 1 else f"{count(len(plans))} runs"
            st.caption(f"{plain(study_id)}: {runs_}, {count(jobs_)} fold jobs are queued; then Studies opens.")
        elif found is not None and wanted is not None and not wanted.grid and not errors:
            st.caption("Choose what differs between the runs, under 4.")
        else:
            say_what_lacks(errors, found)


def launch_button(label: str, plans: list[Plan] | None, joining: Study | None) -> None:
    """The button with its ticket. plans: what it would launch; None while it cannot."""
    ticket = launch_click.ticket(plans, joining) if plans else None
    st.button(
        label, type="primary", icon=":material/rocket_launch:", disabled=ticket is None,
        on_click=launch_click.press, args=(ticket,),
        key="launch-button" if label == "Launch" else "launch-study-button",
    )  # fmt: skip


def say_what_lacks(errors: Errors, found: Scan | None) -> None:
    """Why the button cannot be pressed yet."""
    if not errors:
        st.caption("Choose a dataset first." if found is None else "Answer what is asked above.")
        return
    told = "\n".join(f"- **{plain(form_draft.label_of(path))}**: {plain(text)}" for path, text in errors.items())
    st.error(f"To correct before launching:\n{told}", icon=":material/error:")


# The page


def open_launched() -> None:
    """Leave for what was launched with the click that waits, if it was."""
    if (opens := launch_click.done()) is not None:
        page, run_or_study = opens
        if page == "live":
            st.switch_page(LIVE, query_params={"run": run_or_study})
        st.switch_page(STUDIES, query_params={"study": run_or_study})


frame.begin_page(answers=frame.CLICK)
st.html(CSS)
groups.style()
open_launched()
click = launch_click.pending()
prefill()
ids.form_token()
with st.container():
    st.html('<div class="lab-title">Launch</div>')
    if problem := st.session_state.pop("launch_error", None):
        badges.show_error(problem)
    launch_draft.notice(DATA)
    joining = joined_study()
    if joining is not None:
        st.info(f"This run joins the study **{plain(joining.name)}**, on its folds.", icon=":material/add_circle:")
launch_draft.keep()

draft = form_draft.draft()
choice = draft["data"]
config, errors = check(draft)

with theme.section("1 · Dataset"):
    picker.choose(choice, DATA)
    found: Scan | None = None
    fault: LabError | None = None
    if choice["root"]:
        try:
            found = picker.find(choice)
        except LabError as error:
            fault = error
            badges.show_error(error)
            if error.kind == "stopped":
                st.button("Scan again", icon=":material/refresh:", on_click=picker.forget)
    if found is not None:
        note = fit_task(found)
        config, errors = check(draft)
    as_study = study_form.is_on() and joining is None
    wanted: StudyConfig | None = None
    plans: list[Plan] | None = None
    if as_study:
        wanted, wrong = study_form.build(draft)
        errors |= wrong
        plans, more = look_ahead_study(wanted if config else None, draft, found)
        plan = plans[0] if plans else None
    else:
        plan, more = look_ahead(config, found, joining)
    errors |= more
    refusal: LabError | None = None
    if click is not None:
        if as_study:
            refusal = launch_click.settle_study(click, None if errors else wanted, plans)
        else:
            refusal = launch_click.settle_run(click, None if errors else config, plan, joining, found)
        if refusal is None:
            open_launched()
    if found is not None:
        picker.show_result(found, DATA)
        picker.leave_out(found, choice, DATA, errors)
    if choice["root"]:
        place = f"{DATA}.{choice['root']}"
        labels.labels_form(choice, place, reader=found.reader if found else None, fault=fault)

with theme.section("2 · Recipe"):
    recipes_section(config)

with theme.section("3 · Settings"):
    with st.container():
        if found is not None and note:
            st.caption(f":material/info: {plain(note)}")
    settings_section(errors, found, plan)

with theme.section("4 · One run or a study"):
    if joining is None:
        study_form.mode()
    if as_study:
        study_form.controls(errors, parents())

with theme.section("5 · What the network sees"):
    if plan is not None:
        faces_section(plan)
    else:
        st.caption("Faces of each class, once dataset and settings are right.")

with theme.section("6 · What will run"):
    if as_study and wanted is not None and study_plan.asks(wanted):
        study_plan.ask(wanted, draft)
    elif plans:
        study_plan.section(plans)
    elif plan is not None:
        plan_section(plan)
    else:
        st.caption("People, classes, folds and time, once dataset and settings are right.")

with theme.section("7 · Launch"):
    with st.container():
        if refusal is not None:
            badges.show_error(refusal)
    if as_study:
        launch_study_section(wanted, plans, errors, found)
    else:
        launch_section(plan, errors, found, joining)
