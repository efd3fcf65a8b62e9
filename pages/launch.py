"""Launch: a dataset, a recipe, its settings, one run or a study, what the network sees, what will run, go."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import streamlit as st

from core import corrections, jobs, runs, study_records
from core.config import RunConfig
from core.data import Scan
from core.errors import LabError
from core.folds import audit, fold_table
from core.plan import Plan, make_plan
from core.preview import crop_effects, pick
from core.study import StudyConfig
from core.study_records import Study
from core.text import count, plain
from core.weights import check_weights
from pages.parts import dataset, faces, form, groups, launch_token, measuring, pipeline, states, study_form, study_plan
from pages.parts.launch_source import DATA, prefill, recipes_section

LIVE = Path(__file__).with_name("live.py")
STUDIES = Path(__file__).with_name("studies.py")
FACES = 2  # of each class
CLASSES_SHOWN = 18
# kind of a LabError -> the field that can change it
BESIDE = {"folds": "folds.count", "task": "task.name", "transfer": "model.init", "head": "model.head"}
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
            f"{runs.runs_folder()}: cannot be written ({error.strerror}).", "Check the folder, then launch again."
        )
        return
    st.session_state["launch_open"] = run_id


# The sections


def settings_section(errors: form.Errors, found: Scan | None, plan: Plan | None) -> None:
    draft = form.draft()
    tasks = dataset.tasks_of(found) if found else list(form.TASKS)
    fields = {
        "task": lambda: form.task_and_folds(errors, tasks),
        "model": lambda: form.model_and_weights(errors, parents()),
        "phases": lambda: form.phases(errors),
        "training": lambda: form.training(errors),
        "transforms": lambda: pipeline.editor(pipeline.of_launch(), errors),
    }
    summaries = form.summaries(draft, len(plan.class_names) if plan else None)
    for name, (title, prefixes) in GROUPS.items():
        wrong = sum(path.split(".")[0] in prefixes for path in errors)
        mark = f":red[:material/error: {wrong} to correct]" if wrong else ""
        if (inside := groups.group(name, title, summaries[name], mark=mark, urgent=wrong > 0)) is not None:
            with inside:
                fields[name]()


def parents() -> dict[str, str]:
    """The runs that another one can start from, newest first: those with a finished fold."""
    done = [s for s in runs.summaries() if any(fold["state"] == "done" for fold in s.get("folds", ()))]
    return {s["id"]: states.run_label(s) for s in done}


def faces_section(plan: Plan) -> None:
    config = plan.config
    for effect in crop_effects(config.transforms, plan.samples["width"], plan.samples["height"]):
        crop, photo = (f"{w} × {h} px" for w, h in (effect.crop, effect.photo))
        if effect.padded > 0:
            st.warning(
                f"CenterCrop ({crop}, width × height) is larger than {effect.padded:.0%} of the photos (typically "
                f"{photo}): they get black borders. Make the crop smaller, turn it off under Transforms, or choose the "
                "recipe quick, which resizes whole photos.",
                icon=":material/crop_free:",
            )
        elif effect.kept < 2 / 3:
            st.info(
                f"CenterCrop ({crop}, width × height) cuts {1 - effect.kept:.0%} off the area of a typical photo "
                f"({photo}). See below that faces stay whole.",
                icon=":material/crop:",
            )
    draw = st.session_state.setdefault("launch_draw", 0)
    counts = plan.samples["class_name"].value_counts()
    shown = plan.class_names[:CLASSES_SHOWN]
    chosen = pick(plan.samples, FACES, draw // 4)
    photos = tuple(
        (path, int(mtime), int(row), name)
        for row, path, mtime, name in zip(
            chosen.index, chosen["path"], chosen["mtime_ns"], chosen["class_name"], strict=True
        )
        if name in shown
    )
    transforms = json.dumps([t.model_dump(mode="json") for t in config.transforms])
    with st.spinner("Preparing faces", show_time=True):
        html = faces.class_grid(
            transforms, photos, {name: int(counts[name]) for name in shown}, config.training.seed, 1 + draw
        )
    st.html(html)
    height, width = config.input_size
    more = (
        f" The first {CLASSES_SHOWN} of {len(plan.class_names)} classes."
        if len(plan.class_names) > CLASSES_SHOWN
        else ""
    )
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        st.caption(
            f"Above: as in validation. Beneath: one draw of training. {width} × {height} px, before colours are "
            f"normalised; the number is photos of the class.{more}",
            width="stretch",
        )
        st.button("Draw again", icon=":material/casino:", on_click=_draw_again)


def _draw_again() -> None:
    st.session_state["launch_draw"] += 1


def plan_section(plan: Plan) -> None:
    config = plan.config
    with st.container(horizontal=True, gap="medium"):
        for label, value, help in (
            ("People", count(plan.people), None),
            ("Photos", count(plan.photos), None),
            ("Classes", count(len(plan.class_names)), None),
            (
                "Folds",
                count(config.folds.count),
                "Each is trained once, one after another unless there are more slots.",
            ),
            ("Steps", count(plan.total_steps), f"{plan.steps_per_epoch:,} an epoch, {config.epochs:,} epochs a fold."),
        ):
            st.metric(label, value, help=help, width="content")
        measuring.time_estimate(plan)
    leaks = audit(plan.samples)
    if leaks:
        st.error(plain(f"{len(leaks)} people stand in two folds: {leaks[0]}"), icon=":material/error:")
    else:
        st.markdown(":green[:material/verified_user:] No person is in two folds.")
    notes = []
    if plan.dropped:
        notes.append(f"{count(plan.dropped)} photos are not in the task {config.task.name}")
    if plan.left_out:
        notes.append(f"{count(plan.left_out)} bad {'entry is' if plan.left_out == 1 else 'entries are'} left out")
    if n := len(plan.corrections):
        notes.append(f"{count(n)} label {'correction is' if n == 1 else 'corrections are'} applied")
    if notes:
        st.caption(f"{'; '.join(notes)}.")
    table = fold_table(plan.samples)
    table.index = [f"fold {k}" for k in table.index]
    st.dataframe(table, row_height=32, key="fold-table")


def launch_section(plan: Plan | None, errors: form.Errors, found: Scan | None, joining: Study | None) -> None:
    with st.container(horizontal=True, vertical_alignment="bottom"):
        form.words("name", errors, label="Name of the run", width=320)
        form.words("description", errors, label="Description", placeholder="What it is for, one sentence")
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
    wanted: StudyConfig | None, plans: list[Plan] | None, errors: form.Errors, found: Scan | None
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
        else:
            say_what_lacks(errors, found)


def say_what_lacks(errors: form.Errors, found: Scan | None) -> None:
    """Why the button cannot be pressed yet."""
    if not errors:
        st.caption("Choose a dataset first." if found is None else "Answer what is asked above.")
        return
    told = "\n".join(f"- **{plain(form.label_of(path))}**: {plain(text)}" for path, text in errors.items())
    st.error(f"To correct before launching:\n{told}", icon=":material/error:")


# From the draft to a plan


def plan_of(config: RunConfig, found: Scan, joining: Study | None) -> Plan:
    """make_plan, remembered while dataset, task and folds stay. Raises LabError."""
    members = joining and joining.run_ids
    corrected = corrections.version(found.root)
    key = (id(found), corrected, members, config.data, config.task, config.folds, config.model)
    kept = st.session_state.get("launch_plan")
    if kept is None or kept[0] != key:
        made = make_plan(config, found)
        kept = (key, study_records.joined(joining, made, found) if joining else made, found)
        st.session_state["launch_plan"] = kept
    plan = kept[1]
    return dataclasses.replace(plan, config=config.model_copy(update={"data": plan.config.data}))


def look_ahead(config: RunConfig | None, found: Scan | None, joining: Study | None) -> tuple[Plan | None, form.Errors]:
    """(the plan, what stands against launching it), each message at the field that can change it."""
    errors: form.Errors = {}
    model = form.draft()["model"]
    if model["init"] not in ("file:", "run:"):
        try:
            check_weights(model["depth"], model["init"])
        except LabError as error:
            errors["model.init"] = form.said(error)
    if config is None or found is None:
        return None, errors
    try:
        return plan_of(config, found, joining), errors
    except LabError as error:
        if error.kind == "problems" and not config.data.leave_out_problems:
            bad = dataset.bad_files(dataset.corrected(found)[0])
            told = f"{count(bad)} bad {'entry' if bad == 1 else 'entries'} in the dataset."
            agreed = config.model_copy(update={"data": config.data.model_copy(update={"leave_out_problems": True})})
            plan, more = look_ahead(agreed, found, joining)  # so that the rest of the page shows what there would be
            return plan, {**more, "data.leave_out_problems": f"{told} Mend them, or agree to leave them out."}
        errors[BESIDE.get(error.kind, "data.root")] = form.said(error)
        return None, errors


def look_ahead_study(
    wanted: StudyConfig | None, draft: dict, found: Scan | None
) -> tuple[list[Plan] | None, form.Errors]:
    """(a plan for each run of the study, what stands against launching it); no plans while the grid asks first."""
    if wanted is None or found is None or study_plan.asks(wanted):
        return None, {}
    lacking = [study_form.name_of(path) for path, values in wanted.grid.items() if not values]
    if lacking or not wanted.grid:
        told = f"Choose values for {lacking[0]}." if lacking else "Choose what differs between the runs."
        return None, {study_plan.GRID: told}
    errors: form.Errors = {}
    if (bad := dataset.bad_files(dataset.corrected(found)[0])) and not draft["data"]["leave_out_problems"]:
        told = f"{count(bad)} bad {'entry' if bad == 1 else 'entries'} in the dataset."
        errors["data.leave_out_problems"] = f"{told} Mend them, or agree to leave them out."
        draft = {**draft, "data": {**draft["data"], "leave_out_problems": True}}
    try:
        plans = study_plan.plans_of(wanted, draft, found)
    except LabError as error:
        return None, {**errors, BESIDE.get(error.kind, study_plan.GRID): form.said(error)}
    if missing := study_plan.missing_weights(plans):
        errors["model.init"] = missing
    return plans, errors


def joined_study() -> Study | None:
    """The study that the run will join, from the address (?study=<id>)."""
    if "study" not in st.query_params:
        return None
    try:
        return study_records.load(st.query_params["study"])
    except LabError as error:
        states.show_error(error)
        del st.query_params["study"]
        return None


def fit_task(found: Scan) -> str:
    """Move to a task that the dataset has labels for, once a dataset or recipe; returns what was done."""
    now = (id(found), st.session_state[form.VERSION])
    possible = dataset.tasks_of(found)
    task = form.draft()["task"]["name"]
    if st.session_state.get("launch_fitted") != now:
        st.session_state["launch_fitted"] = now
        st.session_state["launch_fitted_note"] = ""
        if possible and task not in possible:
            form.assign("task.name", possible[0])
            st.session_state["launch_base"]["task"]["name"] = possible[0]
            st.session_state["launch_fitted_note"] = (
                f"Task set to {possible[0]}: this dataset has no labels for the task {task}."
            )
    return st.session_state["launch_fitted_note"]


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
st.html('<div class="lab-title">Launch</div>')
if problem := st.session_state.pop("launch_error", None):
    states.show_error(problem)
joining = joined_study()
if joining is not None:
    st.info(f"This run joins the study **{plain(joining.name)}**, on its folds.", icon=":material/add_circle:")

draft = form.draft()
choice = draft["data"]
config, errors = form.check(draft)

states.heading("1 · Dataset")
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
    config, errors = form.check(draft)
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
    dataset.labels_form(choice, place, reader=found.reader if found else None, fault=fault)

states.heading("2 · Recipe")
recipes_section(config)

states.heading("3 · Settings")
if found is not None and note:
    st.caption(f":material/info: {note}")
settings_section(errors, found, plan)

states.heading("4 · One run or a study")
if joining is None:
    study_form.mode()
if as_study:
    study_form.controls(errors, parents())

states.heading("5 · What the network sees")
if plan is not None:
    faces_section(plan)
else:
    st.caption("Faces of each class, once dataset and settings are right.")
states.heading("6 · What will run")
if as_study and wanted is not None and study_plan.asks(wanted):
    study_plan.ask(wanted, draft)
elif plans:
    study_plan.section(plans)
elif plan is not None:
    plan_section(plan)
else:
    st.caption("People, classes, folds and time, once dataset and settings are right.")

states.heading("7 · Launch")
if as_study:
    launch_study_section(wanted, plans, errors, found)
else:
    launch_section(plan, errors, found, joining)
