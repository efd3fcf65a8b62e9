"""What a study would run, and what it costs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import pandas as pd
import streamlit as st

from core import places
from core.data.labels import corrections
from core.data.scan import Scan
from core.data.yes_no import pairs
from core.errors import LabError
from core.jobs import elsewhere, speed
from core.jobs.pace import ahead
from core.plan.folds import fold_table
from core.plan.plan import Plan, check_weights
from core.studies import grid
from core.studies.grid import StudyConfig
from core.text import count, duration, plain, rate
from pages.parts.form.draft import said
from pages.parts.launch import sections
from pages.parts.shared import fold_verdict, tables

GRID = "study.grid"  # the field beside which a fault of the grid is said
_AGREED, _KEPT = "launch_agreed", "launch_kept"
_STAYS = ("data", "folds", "given", "head", "sampling", "task")  # refusals that follow from photos and settings alone
T = TypeVar("T")


def asks(study: StudyConfig) -> bool:
    """Whether the grid is so large that somebody has to say so before it is even planned."""
    return grid.size(study) > grid.ASK_ABOVE and st.session_state.get(_AGREED) != grid.size(study)


def ask(study: StudyConfig, form: dict[str, Any]) -> None:
    size, folds = grid.size(study), form["folds"]["count"]
    jobs = f", {count(size * folds)} fold jobs" if isinstance(folds, int) else ""
    st.warning(f"The grid makes {count(size)} runs{jobs}. Is that what you want?", icon=":material/grid_on:")
    agree(study, key="plan-agree")


def agree(study: StudyConfig, key: str) -> None:
    """The button that says so; it agrees to as many runs as it names."""
    size = grid.size(study)
    st.button(f"Plan all {count(size)} runs", key=key, on_click=_agree, args=(size,), icon=":material/done_all:")


def _agree(size: int) -> None:
    st.session_state[_AGREED] = size


def once_a_change(slot: str, key: tuple, make: Callable[[], T]) -> T:
    """What make() plans, remembered in this session while its key stays, and so why it refuses. Raises LabError.

    slot: what is planned; one of each is kept.

    Runs, files of weights and the disk can change under the same key: what is refused because of those is planned anew.
    """
    kept = st.session_state.setdefault(_KEPT, {})
    remembered = kept.get(slot)
    if remembered is None or remembered[0] != key:
        refused = None
        try:
            planned = make()
        except LabError as error:
            if error.kind not in _STAYS:
                raise
            planned, refused = None, (error.message, error.remedy, error.kind)
        remembered = kept[slot] = key, planned, refused
    if remembered[2] is not None:
        raise LabError(*remembered[2])
    return remembered[1]


def plans_of(study: StudyConfig, form: dict[str, Any], scan: Scan) -> list[Plan]:
    """One plan a run, remembered while nothing changes. Raises LabError."""

    def planned() -> list[Plan]:
        with st.spinner(f"Planning {count(grid.size(study))} runs"):
            return grid.make_plans(grid.expand(study, form["data"]), scan)

    key = (scan, corrections.version(scan.root), repr(study), repr(form["data"]))
    return once_a_change("study", key, planned)


def missing_weights(plans: list[Plan]) -> str:
    """Every first weights that some run wants and that are not on disk, in sentences; empty when all are there."""
    sentences = []
    for config in {(plan.config.model.depth, plan.config.model.init): plan.config for plan in plans}.values():
        try:
            check_weights(config)
        except LabError as error:
            sentences.append(said(error))
    return " ".join(sentences)


def section(plans: list[Plan]) -> None:
    cost = grid.estimate(plans)
    with st.container(horizontal=True, gap="medium"):
        for label, value, help in (
            ("Runs", count(cost.runs), None),
            ("Fold jobs", count(cost.fold_jobs), "Each trains one fold of one run."),
            ("Steps", count(cost.steps), "Optimizer steps of all runs, folds and epochs."),
        ):
            st.metric(label, value, help=help, width="content")
    data = plans[0].config.data
    fold_verdict.show(_splits(plans), data.root, reader=data.reader, also=", and all runs have the same folds")
    sections.rare(plans)
    if plans[0].set_aside_note:
        st.caption(f"{plain(plans[0].set_aside_note)}.")
    tables.table(_table(plans), "runs.csv", row_height=32, hide_index=True, key="study-table")
    table = fold_table(plans[0].samples)
    table.index = [f"fold {k}" for k in table.index]
    st.caption("Folds of the first run")
    tables.table(table, "folds.csv", row_height=32, key="fold-table")


def _splits(plans: list[Plan]) -> list[fold_verdict.Split]:
    """Each table of samples once: most runs of a study share theirs."""
    splits: list[fold_verdict.Split] = []
    for plan in plans:
        if not any(plan.samples is samples for samples, _ in splits):
            splits.append((plan.samples, plan.class_names))
    return splits


def _table(plans: list[Plan]) -> pd.DataFrame:
    rows, at_once = [], ahead.places(root := places.runs_folder())
    speed_of, unknown = ahead.rates(), "not measured" if elsewhere.cluster(root) is None else "not known on a cluster"
    for plan in plans:
        config, images_per_second = plan.config, speed_of(plan.config)
        height, width = config.input_size
        time = unknown
        if images_per_second is not None and at_once is not None:
            time = duration(speed.estimate_seconds(plan, images_per_second, at_once))
        rows.append(
            {
                "Run": config.name,
                "Network": f"ResNet-{config.model.depth}",
                "Image": f"{width} × {height} px",
                "Epochs": ", then ".join(f"{phase.optimizer} {phase.epochs}" for phase in config.phases),
                "Photos": plan.photos,
                "Tells": pairs.in_words(plan.class_names, config.task.one_by_one),
                "Steps": plan.total_steps,
                "Speed": rate(images_per_second),
                "Time": time,
            }
        )
    return pd.DataFrame(rows)
