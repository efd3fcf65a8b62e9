"""What a study would run, what it costs, and the click that launches it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from core import places
from core.config import RunConfig
from core.data.labels import corrections
from core.data.scan import Scan
from core.errors import LabError
from core.jobs import queue, speed
from core.plan.folds import fold_table
from core.plan.plan import Plan, check_weights
from core.studies import grid
from core.studies.grid import StudyConfig
from core.text import count, duration, rate
from pages.parts.form import draft as form_draft
from pages.parts.launch import measuring
from pages.parts.shared import fold_verdict, tables

GRID = "study.grid"  # the field beside which a fault of the grid is said
MEASURE_ALL = "launch_measure_all"


def asks(wanted: StudyConfig) -> bool:
    """Whether the grid is so large that somebody has to say so before it is even planned."""
    return grid.size(wanted) > grid.ASK_ABOVE and st.session_state.get("launch_agreed") != grid.size(wanted)


def ask(wanted: StudyConfig, draft: dict[str, Any]) -> None:
    runs_, folds = grid.size(wanted), draft["folds"]["count"]
    jobs = f", {count(runs_ * folds)} fold jobs" if isinstance(folds, int) else ""
    st.warning(f"The grid makes {count(runs_)} runs{jobs}. Is that what you want?", icon=":material/grid_on:")
    st.button(f"Plan all {count(runs_)} runs", on_click=_agree, args=(runs_,), icon=":material/done_all:")


def _agree(runs_: int) -> None:
    st.session_state["launch_agreed"] = runs_


def plans_of(wanted: StudyConfig, draft: dict[str, Any], found: Scan) -> list[Plan]:
    """One plan a run, remembered while nothing changes. Raises LabError."""
    key = (found, corrections.version(found.root), repr(wanted), repr(draft["data"]))
    kept = st.session_state.get("launch_study_plans")
    if kept is None or kept[0] != key:
        with st.spinner(f"Planning {count(grid.size(wanted))} runs"):
            kept = (key, grid.make_plans(grid.expand(wanted, draft["data"]), found))
        st.session_state["launch_study_plans"] = kept
    return kept[1]


def missing_weights(plans: list[Plan]) -> str:
    """Every first weights that some run wants and that are not on disk, in sentences; empty when all are there."""
    told = []
    for config in {(plan.config.model.depth, plan.config.model.init): plan.config for plan in plans}.values():
        try:
            check_weights(config)
        except LabError as error:
            told.append(form_draft.said(error))
    return " ".join(told)


def section(plans: list[Plan]) -> None:
    cost = grid.estimate(plans)
    free = shutil.disk_usage(_existing(places.runs_folder())).free
    with st.container(horizontal=True, gap="medium"):
        for label, value, help in (
            ("Runs", count(cost.runs), None),
            ("Fold jobs", count(cost.fold_jobs), "Each trains one fold of one run."),
            ("Steps", count(cost.steps), "Optimizer steps of all runs, folds and epochs."),
            ("Disk", f"{cost.bytes / 1e9:,.1f} GB", f"Weights and resume points; {free / 1e9:,.0f} GB are free."),
        ):
            st.metric(label, value, help=help, width="content")
        _time(plans)
    if cost.bytes > free:
        st.warning(
            f"{cost.bytes / 1e9:,.1f} GB do not fit on the disk ({free / 1e9:,.1f} GB are free).",
            icon=":material/hard_drive:",
        )
    data = plans[0].config.data
    fold_verdict.show(_splits(plans), data.root, reader=data.reader, also=", and all runs have the same folds")
    tables.table(_table(plans), "runs.csv", row_height=32, hide_index=True, key="study-table")
    table = fold_table(plans[0].samples)
    table.index = [f"fold {k}" for k in table.index]
    st.caption("Folds of the first run")
    tables.table(table, "folds.csv", row_height=32, key="fold-table")


def _splits(plans: list[Plan]) -> list[fold_verdict.Split]:
    """Each table of samples once: most runs of a study share theirs."""
    found: list[fold_verdict.Split] = []
    for plan in plans:
        if not any(plan.samples is samples for samples, _ in found):
            found.append((plan.samples, plan.class_names))
    return found


def _table(plans: list[Plan]) -> pd.DataFrame:
    rows, slots = [], queue.slot_count(places.runs_folder())
    known = speed.known_once()
    for plan in plans:
        config, measured = plan.config, known(plan.config)
        height, width = config.input_size
        time = "not measured" if measured is None else duration(speed.estimate_seconds(plan, measured, slots))
        rows.append(
            {
                "Run": config.name,
                "Network": f"ResNet-{config.model.depth}",
                "Image": f"{width} × {height} px",
                "Epochs": ", then ".join(f"{phase.optimizer} {phase.epochs}" for phase in config.phases),
                "Photos": plan.photos,
                "Classes": len(plan.class_names),
                "Steps": plan.total_steps,
                "Speed": rate(measured),
                "Time": time,
            }
        )
    return pd.DataFrame(rows)


def _time(plans: list[Plan]) -> None:
    """Time of all runs; measures one network after another, the light ones by themselves."""
    asked = st.session_state.setdefault("launch_measuring", {})
    busy = any(measuring.being_measured(other) for other in asked.values())
    following = _next_to_measure(plans)
    if following is not None and not busy:
        measuring.measure(following)
        busy = True
    if following is None and not busy:
        st.session_state.pop(MEASURE_ALL, None)
    st.session_state["launch_first_look"] = True
    show = st.fragment(_shown_time, run_every=1.0) if busy else _shown_time
    show(plans, ticking=busy)


def _next_to_measure(plans: list[Plan]) -> RunConfig | None:
    asked, known = st.session_state["launch_measuring"], speed.known_once()
    for plan in plans:
        config = plan.config
        wanted = st.session_state.get(MEASURE_ALL) or not measuring.is_heavy(config)
        if wanted and known(config) is None and measuring.step_of(config) not in asked:
            return config
    return None


def _shown_time(plans: list[Plan], ticking: bool) -> None:
    busy = any(measuring.being_measured(other) for other in st.session_state["launch_measuring"].values())
    first_look = st.session_state.pop("launch_first_look", False)
    if ticking and not busy and not first_look:
        st.rerun()
    rate_of = speed.known_once()
    rates = [rate_of(plan.config) for plan in plans]
    known = sum(speed.estimate_seconds(plan, r) for plan, r in zip(plans, rates, strict=True) if r)
    slots = queue.slot_count(places.runs_folder())
    unknown = sum(r is None for r in rates)
    how = f"At the speed measured on this machine, {slots} fold job{'' if slots == 1 else 's'} at a time."
    with st.container(width="content", gap=None):
        if busy:
            st.metric("Time", "measuring", width="content", help="A few training steps of each network run.")
        elif unknown == len(plans):
            st.metric("Time", "not known", width="content", help="None of these networks was measured here yet.")
        elif unknown:
            told = f"{unknown} of {len(plans)} runs were not measured yet."
            st.metric("Time", f"over {duration(known / slots)}", width="content", help=f"{how} {told}")
        else:
            st.metric("Time", f"about {duration(known / slots)}", width="content", help=how)
        st.button(
            "Measure", type="tertiary", icon=":material/speed:", on_click=_measure_all, args=(plans,),
            disabled=busy or not unknown,
            help="Trains a few steps of each network, some seconds long; other work slows it down.",
        )  # fmt: skip


def _measure_all(plans: list[Plan]) -> None:
    st.session_state[MEASURE_ALL] = True
    known = speed.known_once()
    for plan in plans:
        if known(plan.config) is None:
            st.session_state["launch_measuring"].pop(measuring.step_of(plan.config), None)


def _existing(path: Path) -> Path:
    return path if path.exists() else _existing(path.parent)
