"""Launch: a dataset, a recipe, its settings, one run or a study, what the network sees, what will run, go."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core import jobs, places, run_index, runs, study_records
from core.data import Scan, possible_tasks
from core.errors import LabError
from core.plan import Plan
from core.study import StudyConfig
from core.study_records import Study
from core.text import count, plain
from pages.parts import (
    dataset,
    dataset_labels,
    form,
    form_draft,
    form_fields,
    groups,
    launch_token,
    pipeline,
    states,
    study_form,
    study_plan,
)
from pages.parts.form_draft import Errors, check
from pages.parts.launch_plan import fit_task, joined_study, look_ahead, look_ahead_study
from pages.parts.launch_sections import faces_section, plan_section
from pages.parts.launch_source import DATA, prefill, recipes_section

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


# The click


def launch(plan: Plan, run_id: str, joining: Study | None, found: Scan | None) -> None:
    """The callback of the button. Leaves the run to open, or the error to show."""
    try:
        if joining is None:
            jobs.launch(plan, run_id)
        else:
            study_records.add(joining, plan, found, run_id=run_id)
    except LabError as error:
        if error.kind != "exists" or not runs.Run(run_id).exists():
            st.session_state["launch_error"] = error
            return
    except OSError as error:
        st.session_state["launch_error"] = LabError(
            f"{places.runs_folder()}: cannot be written ({error.strerror}).", "Check the folder, then launch again."
        )
        return
    st.session_state["launch_open"] = run_id


# The sections


def settings_section(errors: Errors, found: Scan | None, plan: Plan | None) -> None:
    draft = form_draft.draft()
    tasks = possible_tasks(found.samples) if found else list(form.TASKS)
    fields = {
        "task": lambda: form.task_and_folds(errors, tasks),
        "model": lambda: form.model_and_weights(errors, parents()),
        "phases": lambda: form.phases(errors),
        "training": lambda: form.training(errors),
        "transforms": lambda: pipeline.editor(pipeline.of_launch(), errors),
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
    done = [s for s in run_index.summaries() if any(fold["state"] == "done" for fold in s.get("folds", ()))]
    return {s["id"]: states.run_label(s) for s in done}


def launch_section(plan: Plan | None, errors: Errors, found: Scan | None, joining: Study | None) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        form_fields.words("name", errors, label="Name of the run", width=320)
        form_fields.words("description", errors, label="Description", placeholder="What it is for, one sentence")
    ready = plan is not None and not errors
    run_id = launch_token.next_run_id(plan.config) if ready else ""
    launch_token.form_token()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Launch", type="primary", icon=":material/rocket_launch:", disabled=not ready,
            on_click=launch, args=(plan, run_id, joining, found), key="launch-button",
        )  # fmt: skip
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
    study_id = launch_token.next_study_id(wanted, plans[0].config.data.root) if ready else ""
    launch_token.form_token()
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Launch the study", type="primary", icon=":material/rocket_launch:", disabled=not ready,
            on_click=study_plan.launch, args=(wanted, plans, study_id), key="launch-study-button",
        )  # fmt: skip
        if ready:
            jobs_ = sum(plan.config.folds.count for plan in plans)
            runs_ = "1 run" if len(plans) == 1 else f"{count(len(plans))} runs"
            st.caption(f"{plain(study_id)}: {runs_}, {count(jobs_)} fold jobs are queued; then Studies opens.")
        elif found is not None and wanted is not None and not wanted.grid and not errors:
            st.caption("Choose what differs between the runs, under 4.")
        else:
            say_what_lacks(errors, found)


def say_what_lacks(errors: Errors, found: Scan | None) -> None:
    """Why the button cannot be pressed yet."""
    if not errors:
        st.caption("Choose a dataset first." if found is None else "Answer what is asked above.")
        return
    told = "\n".join(f"- **{plain(form_draft.label_of(path))}**: {plain(text)}" for path, text in errors.items())
    st.error(f"To correct before launching:\n{told}", icon=":material/error:")


# The page

states.begin_page()
st.html(CSS)
groups.style()
if run_id := st.session_state.pop("launch_open", None):
    st.session_state.pop("launch_token", None)
    st.switch_page(LIVE, query_params={"run": run_id})
if study_id := st.session_state.pop("launch_open_study", None):
    st.session_state.pop("launch_token", None)
    st.switch_page(STUDIES, query_params={"study": study_id})
prefill()
with st.container():
    st.html('<div class="lab-title">Launch</div>')
    if problem := st.session_state.pop("launch_error", None):
        states.show_error(problem)
    joining = joined_study()
    if joining is not None:
        st.info(f"This run joins the study **{plain(joining.name)}**, on its folds.", icon=":material/add_circle:")

draft = form_draft.draft()
choice = draft["data"]
config, errors = check(draft)

with states.section("1 · Dataset"):
    dataset.choose(choice, DATA)
    found: Scan | None = None
    fault: LabError | None = None
    if choice["root"]:
        try:
            found = dataset.find(choice)
        except LabError as error:
            fault = error
            states.show_error(error)
            if error.kind == "stopped":
                st.button("Scan again", icon=":material/refresh:", on_click=dataset.forget)
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
    if found is not None:
        dataset.show_result(found, DATA)
        dataset.leave_out(found, choice, DATA, errors)
    if choice["root"]:
        place = f"{DATA}.{choice['root']}"
        dataset_labels.labels_form(choice, place, reader=found.reader if found else None, fault=fault)

with states.section("2 · Recipe"):
    recipes_section(config)

with states.section("3 · Settings"):
    with st.container():
        if found is not None and note:
            st.caption(f":material/info: {plain(note)}")
    settings_section(errors, found, plan)

with states.section("4 · One run or a study"):
    if joining is None:
        study_form.mode()
    if as_study:
        study_form.controls(errors, parents())

with states.section("5 · What the network sees"):
    if plan is not None:
        faces_section(plan)
    else:
        st.caption("Faces of each class, once dataset and settings are right.")

with states.section("6 · What will run"):
    if as_study and wanted is not None and study_plan.asks(wanted):
        study_plan.ask(wanted, draft)
    elif plans:
        study_plan.section(plans)
    elif plan is not None:
        plan_section(plan)
    else:
        st.caption("People, classes, folds and time, once dataset and settings are right.")

with states.section("7 · Launch"):
    if as_study:
        launch_study_section(wanted, plans, errors, found)
    else:
        launch_section(plan, errors, found, joining)
