"""From the form's draft to a plan, and what stands against launching it, each at the field that can change it."""

from __future__ import annotations

import copy
from typing import Any

import streamlit as st
from pydantic import ValidationError

from core.config import RunConfig, recipes
from core.config.parts import TaskConfig
from core.data.labels import corrections
from core.data.scan import Scan
from core.data.understood import bad_files
from core.errors import LabError
from core.network.weights import check_weights
from core.plan.fitting import fit_task, leaves_task_open
from core.plan.plan import SETTING_OF, Plan, depends_on, make_plan
from core.plan.ways_out import WaysOut, most_folds, ways_out, ways_to_fill
from core.studies import records
from core.studies.grid import StudyConfig
from core.studies.records import Study
from core.text import count
from pages.parts.dataset import picker
from pages.parts.form import attributes, draft
from pages.parts.form.draft import Errors, said
from pages.parts.launch import study_form, study_plan
from pages.parts.launch.draft import comes_by_itself
from pages.parts.shared import badges

_FITTED = "launch_fitted_task"  # in the session: the form's task before it was made to fit a dataset, that, and whose
OF_FOLDS = {"folds.count", "folds.given", "task.name"}  # settings whose errors may be about a class that is too rare


def plan_of(config: RunConfig, scan: Scan, joining: Study | None) -> Plan:
    """make_plan, remembered while what it looks at stays. Raises LabError."""

    def planned() -> Plan:
        plan = make_plan(config, scan)
        return records.joined(joining, plan, scan) if joining else plan

    key = (scan, corrections.version(scan.root), joining and joining.run_ids, depends_on(config))
    return study_plan.once_a_change("run", key, planned).carrying(config)


def look_ahead(config: RunConfig | None, scan: Scan | None, joining: Study | None) -> tuple[Plan | None, Errors]:
    """(the plan, what stands against launching it), each message at the field that can change it."""
    errors: Errors = {}
    model = draft.draft()["model"]
    if model["init"] not in ("file:", "run:"):
        try:
            check_weights(model["depth"], model["init"])
        except LabError as error:
            errors["model.init"] = said(error)
    if config is None or scan is None:
        return None, errors
    try:
        if (bad := bad_files(picker.corrected(scan)[0])) and not config.data.leave_out_problems:
            errors["data.leave_out_problems"] = _mend_or_agree(bad)
            agreed = {"data": config.data.model_copy(update={"leave_out_problems": True})}
            config = config.model_copy(update=agreed)  # so that the rest of the page shows what there would be
        return plan_of(config, scan, joining), errors
    except LabError as error:
        errors[SETTING_OF.get(error.kind, "data.root")] = said(error)
        return None, errors


def allowed_by_photos(form: dict, scan: Scan, errors: Errors) -> Errors:
    """What is wrong with a number of folds that no run can have, and how many these photos allow; found out once a
    change."""
    if "folds.count" not in errors or form["folds"]["given"]:
        return {}
    try:
        task = TaskConfig.model_validate(form["task"])
    except ValidationError:
        return {}
    key = (scan, corrections.version(scan.root), task)
    remembered = st.session_state.get("launch_allowed")
    if remembered is None or remembered[0] != key:
        remembered = st.session_state["launch_allowed"] = key, most_folds(picker.corrected(scan)[0], task)
    return {"folds.count": f"{errors['folds.count']} {remembered[1]}".strip()}


def ways_of(config: RunConfig | None, scan: Scan | None, plan: Plan | None, errors: Errors) -> WaysOut | None:
    """What can be done where the folds cannot be made, or lack a class; found out once a change."""
    if config is None or scan is None:
        return None
    if plan is None and not OF_FOLDS & errors.keys():
        return None
    split = plan.samples if plan is not None else None
    key = (scan, corrections.version(scan.root), config.task, config.folds)
    remembered = st.session_state.get("launch_ways")
    if remembered is None or remembered[0] is not split or remembered[1] != key:
        if plan is not None:
            ways = ways_to_fill(plan.samples, plan.class_names, config.folds)
        else:
            ways = ways_out(picker.corrected(scan)[0], config.task, config.folds)
        remembered = st.session_state["launch_ways"] = split, key, ways
    return remembered[2]


def look_ahead_study(study: StudyConfig | None, form: dict, scan: Scan | None) -> tuple[list[Plan] | None, Errors]:
    """(a plan for each run of the study, what stands against launching it); no plans while the grid asks first."""
    if study is None or scan is None or not study.grid or study_plan.asks(study):
        return None, {}  # an empty grid is where everybody begins, and no mistake yet
    if lacking := [study_form.name_of(path) for path, values in study.grid.items() if not values]:
        return None, {study_plan.GRID: f"Choose values for {lacking[0]}."}
    errors: Errors = {}
    if (bad := bad_files(picker.corrected(scan)[0])) and not form["data"]["leave_out_problems"]:
        errors["data.leave_out_problems"] = _mend_or_agree(bad)
        form = {**form, "data": {**form["data"], "leave_out_problems": True}}
    try:
        plans = study_plan.plans_of(study, form, scan)
    except LabError as error:
        return None, {**errors, SETTING_OF.get(error.kind, study_plan.GRID): said(error)}
    if missing := study_plan.missing_weights(plans):
        errors["model.init"] = missing
    return plans, errors


def _mend_or_agree(bad: int) -> str:
    entries = f"{count(bad)} bad {'entry' if bad == 1 else 'entries'}"
    return f"{entries} in the dataset. Mend them, or agree to leave them out."


def joined_study() -> Study | None:
    """The study that the run will join, from the address (?study=<id>)."""
    if "study" not in st.query_params:
        return None
    try:
        return records.load(st.query_params["study"])
    except LabError as error:
        badges.show_error(error)
        del st.query_params["study"]
        return None


def fit_form_task(scan: Scan) -> str:
    """Move to a task that the dataset has labels for, or is for where nobody chose one, once a dataset or recipe;
    returns what was done."""
    now = (scan, st.session_state[draft.VERSION])
    if st.session_state.get("launch_fitted") != now:
        was, came, root = st.session_state.get(_FITTED, (None, None, scan.root))
        if root != scan.root and came == draft.draft()["task"] == st.session_state["launch_base"]["task"]:
            _put_task(was)  # what came was the other dataset's, and nobody's choice
        before = copy.deepcopy(draft.draft()["task"])
        fit = fit_task(before["name"], scan, is_open=_is_open())
        st.session_state["launch_fitted"], st.session_state["launch_fitted_note"] = now, fit.note
        if fit.is_another:
            attributes.take_task(fit.task, scan)
            chosen = {"attributes": list(fit.attributes)} if fit.attributes else {}
            _put_task(draft.draft()["task"] | chosen)
            st.session_state[_FITTED] = before, copy.deepcopy(draft.draft()["task"]), scan.root
    return st.session_state["launch_fitted_note"]


def _put_task(task: dict[str, Any]) -> None:
    """The task that the form begins with, which nobody changed yet."""
    draft.draft()["task"] = copy.deepcopy(task)
    st.session_state["launch_base"]["task"] = copy.deepcopy(task)
    comes_by_itself("task")


def _is_open() -> bool:
    """Whether the form's task is that of a recipe which says none, as it came, and of no study whose runs have one."""
    kind, name = st.session_state["launch_source"]
    recipe = recipes.all_recipes().get(name) if kind == "recipe" else None
    if recipe is None or "study" in st.query_params:
        return False
    form, task = draft.draft(), recipe.task.model_dump(mode="json")
    model = recipe.model.model_copy(update={each: form["model"][each] for each in ("head", "init")})
    is_untouched = form["task"] == st.session_state["launch_base"]["task"] == task
    return is_untouched and leaves_task_open(recipe, recipe.model_copy(update={"model": model}))
