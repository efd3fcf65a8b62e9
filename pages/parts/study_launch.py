"""The study's part of the Launch page: one run or many, what they cost, the click, and joining a study."""

from __future__ import annotations

import json
from typing import Any

import streamlit as st

from core import study as studies
from core import study_records
from core.config import RunConfig, load_recipe
from core.data import Scan
from core.errors import LabError
from core.plan import Plan
from core.study import StudyConfig
from core.study_records import Study
from core.text import count, plain
from pages.parts import form, launch_ids, measuring, states, study_form

WHAT = "launch-what"
MEASURING = "study-measuring"
Ready = tuple[StudyConfig, list[Plan], dict[str, Any]]  # the study, its runs, the dataset


def joining() -> Study | None:
    """The study that the address asks the next run to join; forgets one that is gone."""
    if "join" not in st.query_params:
        return None
    try:
        return study_records.load(st.query_params["join"])
    except LabError as error:
        st.session_state["launch_error"] = error
        del st.query_params["join"]
        return None


def _leave() -> None:
    st.query_params.pop("join", None)


def choose() -> bool:
    """One run or a study; True for a study. A run that joins a study is one run."""
    if (study := joining()) is not None:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.info(f"This run joins the study **{plain(study.name)}**, on its folds.", icon=":material/grid_on:")
            st.button("Launch it alone", on_click=_leave, icon=":material/close:")
        return False
    kinds = {"run": "One run", "study": "A study"}
    if WHAT not in st.session_state:
        st.session_state[WHAT] = "study" if st.session_state.get("launch-what-kept") == "study" else "run"
    kind = st.segmented_control(
        "One run or a study", list(kinds), key=WHAT, format_func=kinds.get, required=True,
        label_visibility="collapsed",
    )  # fmt: skip
    st.session_state["launch-what-kept"] = kind
    if kind == "run":
        st.caption("A study launches several runs on the same people in the same folds, to be compared.")
    return kind == "study"


def grid_section() -> None:
    study_form.smaller()
    study_form.grid()


def plan_section(plan: Plan, found: Scan, source: tuple[str, str]) -> Ready | None:
    """What the study's runs are and cost, before the click. Returns what can be launched, None after saying why not."""
    try:
        study = study_form.wanted(plan.config, source)
        if not study.grid:
            st.caption("Choose above what the runs differ in.")
            return None
        st.caption(study_form.shared(study))
        if not study_form.ask(study):
            return None
        data = plan.config.model_dump(mode="json")["data"]
        plans = study_form.plans_of(study, data, found)
    except LabError as error:
        states.show_error(error)
        return None
    configurations = [p.config for p in plans]
    _next_measurement(configurations)
    busy = measuring.busy()
    st.session_state["study-first-look"] = True
    show = st.fragment(_cost, run_every=1.0) if busy else _cost
    show(study, plans, busy)
    return study, plans, data


def _next_measurement(configurations: list[RunConfig]) -> None:
    """Measurements follow each other: two at once would slow each other down."""
    wanted = [c for c in measuring.unknown(configurations) if measuring.step_of(c) in _asked()]
    if wanted and not measuring.busy():
        _asked().discard(measuring.step_of(wanted[0]))
        measuring.measure(wanted[0])


def _asked() -> set[tuple]:
    return st.session_state.setdefault(MEASURING, set())


def _ask(configurations: list[RunConfig]) -> None:
    _asked().update(measuring.step_of(c) for c in configurations)


def _cost(study: StudyConfig, plans: list[Plan], ticking: bool) -> None:
    first_look = st.session_state.pop("study-first-look", False)
    if ticking and not measuring.busy() and not first_look:  # in the page's own run it would forget what follows
        st.rerun()
    study_form.cost_section(study, plans, studies.estimate(plans))
    missing = measuring.unknown([p.config for p in plans])
    if measuring.busy():
        st.caption(f"Measuring; {count(len(missing))} kinds of step to go.")
    elif missing:
        st.button(
            f"Measure {count(len(missing))} kinds of step", icon=":material/speed:", on_click=_ask, args=(missing,),
            help="Some seconds for each network, image size and batch; then the time is known.",
        )  # fmt: skip


def launch_section(ready: Ready | None, errors: form.Errors) -> None:
    study, plans, data = ready or (None, [], {})
    wrong = {path: text for path, text in errors.items() if path != "model.init"}  # each run's own weights are checked
    able = study is not None and not wrong
    token = launch_ids.form_token()
    study_id = ""
    if able:
        settings = studies.to_yaml(study) + json.dumps(data, sort_keys=True)
        study_id = launch_ids.study_id_of(token, study.name, settings)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Launch study", type="primary", icon=":material/rocket_launch:", disabled=not able, key="launch-study",
            on_click=_launch, args=(study, plans, study_id),
        )  # fmt: skip
        text, name = study_form.exported(study) if study is not None else ("", "study.yaml")
        st.download_button(
            "Export study (YAML)", text, name, "application/yaml", icon=":material/download:", on_click="ignore",
            disabled=study is None, help="What `python -m core study` runs.",
        )  # fmt: skip
        with st.popover("Import", icon=":material/upload:"):
            key = f"study-import-{st.session_state.get('study-imports', 0)}"
            st.file_uploader("A study (YAML)", type=["yaml", "yml"], key=key, on_change=_import, args=(key,))
        if able:
            jobs = sum(p.config.folds.count for p in plans)
            st.caption(f"{count(len(plans))} runs, {count(jobs)} fold jobs are queued; then the study opens.")
    if wrong:
        told = "\n".join(f"- **{plain(form.label_of(path))}**: {plain(text)}" for path, text in wrong.items())
        st.error(f"To correct before launching:\n{told}", icon=":material/error:")


def _launch(study: StudyConfig, plans: list[Plan], study_id: str) -> None:
    """The callback of the button: a double click finds the study launched, and opens it."""
    try:
        study_records.launch(study, plans, study_id=study_id)
    except LabError as error:
        if error.kind != "exists":
            st.session_state["launch_error"] = error
            return
    except OSError as error:
        st.session_state["launch_error"] = LabError(
            f"study: its record cannot be written ({error.strerror}).", "Check the runs folder, then launch again."
        )
        return
    st.session_state["launch_open_study"] = study_id


def _import(key: str) -> None:
    upload = st.session_state[key]
    if upload is None:
        return
    st.session_state["study-imports"] = st.session_state.get("study-imports", 0) + 1
    try:
        wanted = studies.from_yaml(upload.getvalue().decode("utf-8"), upload.name)
        study_form.begin(wanted)
        base = studies.expand(
            wanted.model_copy(update={"grid": {"training.seed": [0]}, "shrink": studies.ShrinkConfig()})
        )[0]
        data = base.model_dump(mode="json")
        data["data"] = form.draft()["data"]
        data["training"]["seed"] = wanted.set.get("training.seed", 0)
        form.replace_draft(data)
        st.session_state["launch_source"] = ("recipe", wanted.recipe)
        recipe = load_recipe(wanted.recipe).model_dump(mode="json")
        st.session_state["launch_base"] = {**recipe, "data": data["data"]}
    except UnicodeDecodeError:
        st.session_state["launch_error"] = LabError(
            f"{upload.name}: is not text in UTF-8.", "Export it again.", "config"
        )
    except LabError as error:
        st.session_state["launch_error"] = error
