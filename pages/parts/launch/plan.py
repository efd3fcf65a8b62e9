"""From the form's draft to a plan, and what stands against launching it, each at the field that can change it."""

from __future__ import annotations

import dataclasses

import streamlit as st

from core.config import RunConfig
from core.data.labels import corrections
from core.data.scan import Scan
from core.errors import LabError
from core.network.weights import check_weights
from core.plan import plan as planning
from core.plan.plan import SETTING_OF, Plan, make_plan
from core.studies import records
from core.studies.grid import StudyConfig
from core.studies.records import Study
from core.text import count
from pages.parts.dataset import picker
from pages.parts.form import draft as form_draft
from pages.parts.form.draft import Errors, said
from pages.parts.launch import study_form, study_plan
from pages.parts.shared import badges


def plan_of(config: RunConfig, found: Scan, joining: Study | None) -> Plan:
    """make_plan, remembered while dataset, task and folds stay. Raises LabError."""
    members = joining and joining.run_ids
    corrected = corrections.version(found.root)
    key = (found, corrected, members, config.data, config.task, config.folds, config.model)
    kept = st.session_state.get("launch_plan")
    if kept is None or kept[0] != key:
        made = make_plan(config, found)
        kept = (key, records.joined(joining, made, found) if joining else made)
        st.session_state["launch_plan"] = kept
    plan = kept[1]
    return dataclasses.replace(plan, config=config.model_copy(update={"data": plan.config.data}))


def look_ahead(config: RunConfig | None, found: Scan | None, joining: Study | None) -> tuple[Plan | None, Errors]:
    """(the plan, what stands against launching it), each message at the field that can change it."""
    errors: Errors = {}
    model = form_draft.draft()["model"]
    if model["init"] not in ("file:", "run:"):
        try:
            check_weights(model["depth"], model["init"])
        except LabError as error:
            errors["model.init"] = said(error)
    if config is None or found is None:
        return None, errors
    try:
        return plan_of(config, found, joining), errors
    except LabError as error:
        if error.kind == "problems" and not config.data.leave_out_problems:
            bad = picker.bad_files(picker.corrected(found)[0])
            told = f"{count(bad)} bad {'entry' if bad == 1 else 'entries'} in the dataset."
            agreed = config.model_copy(update={"data": config.data.model_copy(update={"leave_out_problems": True})})
            plan, more = look_ahead(agreed, found, joining)  # so that the rest of the page shows what there would be
            return plan, {**more, "data.leave_out_problems": f"{told} Mend them, or agree to leave them out."}
        errors[SETTING_OF.get(error.kind, "data.root")] = said(error)
        return None, errors


def look_ahead_study(wanted: StudyConfig | None, draft: dict, found: Scan | None) -> tuple[list[Plan] | None, Errors]:
    """(a plan for each run of the study, what stands against launching it); no plans while the grid asks first."""
    if wanted is None or found is None or not wanted.grid or study_plan.asks(wanted):
        return None, {}  # an empty grid is where everybody begins, and no mistake yet
    if lacking := [study_form.name_of(path) for path, values in wanted.grid.items() if not values]:
        return None, {study_plan.GRID: f"Choose values for {lacking[0]}."}
    errors: Errors = {}
    if (bad := picker.bad_files(picker.corrected(found)[0])) and not draft["data"]["leave_out_problems"]:
        told = f"{count(bad)} bad {'entry' if bad == 1 else 'entries'} in the dataset."
        errors["data.leave_out_problems"] = f"{told} Mend them, or agree to leave them out."
        draft = {**draft, "data": {**draft["data"], "leave_out_problems": True}}
    try:
        plans = study_plan.plans_of(wanted, draft, found)
    except LabError as error:
        return None, {**errors, SETTING_OF.get(error.kind, study_plan.GRID): said(error)}
    if missing := study_plan.missing_weights(plans):
        errors["model.init"] = missing
    return plans, errors


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


def fit_task(found: Scan) -> str:
    """Move to a task that the dataset has labels for, once a dataset or recipe; returns what was done."""
    now = (found, st.session_state[form_draft.VERSION])
    if st.session_state.get("launch_fitted") != now:
        asked = form_draft.draft()["task"]["name"]
        task, note = planning.fit_task(asked, found)
        st.session_state["launch_fitted"], st.session_state["launch_fitted_note"] = now, note
        if task != asked:
            form_draft.assign("task.name", task)
            st.session_state["launch_base"]["task"]["name"] = task
    return st.session_state["launch_fitted_note"]
