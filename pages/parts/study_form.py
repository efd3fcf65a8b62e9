"""A study on the Launch page: which settings vary, how much smaller, what it will cost, go."""

from __future__ import annotations

import json
import re
from typing import Any

import pandas as pd
import streamlit as st
import yaml

from core import config as configs
from core import study as studies
from core.config import RunConfig, load_recipe
from core.data import Scan
from core.errors import LabError
from core.plan import Plan, check_weights
from core.study import Estimate, StudyConfig
from core.text import count, duration, plain

STATE = "launch_study"
FEW = 60  # rows of the table of runs that are shown
TITLES = {
    "recipe": "Recipe", "model.depth": "Depth", "model.head": "Head", "model.init": "First weights",
    "mix.method": "Mix images", "training.seed": "Seed", "training.loss": "Loss", "training.sampling": "Sampling",
    "task.name": "Task", "phases.0.lr_backbone": "Backbone learning rate", "phases.0.lr_head": "Head learning rate",
    "phases.0.weight_decay": "Weight decay", "phases.0.epochs": "Epochs of the first phase",
}  # fmt: skip


def state() -> dict[str, Any]:
    """What the form of the study holds in this session."""
    return st.session_state.setdefault(
        STATE, {"name": "study", "description": "", "rows": [], "next": 0, "size": "", "epochs": "", "sure": 0}
    )


def begin(wanted: StudyConfig) -> None:
    """Fill the form from a study file."""
    st.session_state.pop(STATE, None)
    now = state()
    now |= {"name": wanted.name, "description": wanted.description, "version": st.session_state.get("study-version", 0)}
    now |= {name: str(getattr(wanted.shrink, name) or "") for name in ("size", "epochs")}
    for key, values in wanted.grid.items():
        _add_row(key, values)
    st.session_state["study-version"] = st.session_state.get("study-version", 0) + 1  # new controls


def _key(name: str) -> str:
    return f"study-{st.session_state.get('study-version', 0)}-{name}"


def _add_row(key: str, values: list[Any] | None = None) -> None:
    now = state()
    now["rows"].append({"id": now["next"], "key": key, "values": values or []})
    now["next"] += 1


def title(key: str) -> str:
    return TITLES.get(key, key)


# The controls


def grid() -> None:
    """One row for each setting that varies, with a control that fits it."""
    now, known = state(), studies.settings()
    if not now["rows"]:
        st.caption("Choose what the runs differ in; every combination is a run, all on the same people in same folds.")
    for row in now["rows"]:
        with st.container(horizontal=True, vertical_alignment="bottom", key=_key(f"row-{row['id']}")):
            _values(row, known.get(row["key"]))
            st.button(
                "Remove", key=_key(f"remove-{row['id']}"), icon=":material/close:", type="tertiary",
                on_click=now["rows"].remove, args=(row,), help=f"{title(row['key'])} no longer varies.",
            )  # fmt: skip
    used = {row["key"] for row in now["rows"]}
    rest = [key for key in dict.fromkeys([*TITLES, *known]) if key in known and key not in used]
    chosen = _key(f"add-{now['next']}")

    def add() -> None:
        if picked := st.session_state[chosen]:
            _add_row(picked)

    st.selectbox(
        "Vary", rest, index=None, key=chosen, format_func=title, on_change=add, width=320, accept_new_options=True,
        placeholder="a setting", help="Choose one, or type any setting by its dotted name, such as folds.seed.",
    )  # fmt: skip


def _values(row: dict[str, Any], choices: list[Any] | None) -> None:
    key = _key(f"values-{row['id']}")
    if choices is not None:

        def take() -> None:
            row["values"] = [value for value in choices if value in st.session_state[key]]

        st.multiselect(
            title(row["key"]), choices, default=[v for v in row["values"] if v in choices], key=key, on_change=take,
            format_func=lambda v: f"ResNet-{v}" if row["key"] == "model.depth" else str(v), width=560,
            placeholder="Choose the values to compare",
        )  # fmt: skip
        return

    def read() -> None:
        row["values"] = values_of(st.session_state[key])

    st.text_input(
        title(row["key"]), value=", ".join(_shown(v) for v in row["values"]), key=key, on_change=read, width=560,
        placeholder="values with commas between, such as 1e-5, 1e-4",
    )  # fmt: skip


def values_of(text: str) -> list[Any]:
    """'1e-5, 3, [a, b]' -> [1e-5, 3, ['a', 'b']]; what is not YAML stays a text, to be named when it is checked."""
    try:
        found = yaml.safe_load(f"[{text}]")
    except yaml.YAMLError:
        return [text]
    number = r"[+-]?\d+(\.\d*)?[eE][+-]?\d+"
    return [float(v) if isinstance(v, str) and re.fullmatch(number, v) else v for v in found]


def _shown(value: Any) -> str:
    return f"{value:g}" if isinstance(value, float) else value if isinstance(value, str) else json.dumps(value)


def smaller() -> None:
    """Name and question of the study, and how much smaller than their recipes its runs are."""
    with st.container(horizontal=True):
        _word("name", "Name of the study", 260, "")
        _word("description", "Question", 560, "What it shall answer, one sentence")
        _word("size", "Image size", 150, "recipe's", "Pixels; what counts pixels is scaled with it.")
        _word("epochs", "Epochs in all", 150, "recipe's", "Phases keep their shares.")


def _word(name: str, label: str, width: int, placeholder: str, help: str | None = None) -> None:
    key = _key(name)

    def take() -> None:
        state()[name] = st.session_state[key].strip()

    st.text_input(
        label, value=state()[name], key=key, on_change=take, width=width, placeholder=placeholder, help=help
    )  # fmt: skip


# From the form to plans


def wanted(config: RunConfig, source: tuple[str, str]) -> StudyConfig:
    """The study that the form describes. Raises LabError naming what is wrong."""
    now = state()
    recipe = source[1] if source[0] == "recipe" and source[1] in configs.recipes() else "study"
    data = {
        "name": now["name"] or "study",
        "description": now["description"],
        "recipe": recipe,
        "set": studies.changes(load_recipe(recipe), config.model_dump(mode="json")),
        "shrink": {name: values_of(now[name])[0] for name in ("size", "epochs") if now[name]},
        "grid": {row["key"]: row["values"] for row in now["rows"] if row["values"]},
    }
    for key in ("folds.count", "folds.seed"):
        if key in data["grid"]:
            raise LabError(
                "study: its runs ask for different folds.",
                "Take folds out of the grid: runs are compared on the same folds.",
                kind="folds",
            )
    return studies.from_dict(data, "study")


def plans_of(study: StudyConfig, data: dict[str, Any], found: Scan) -> list[Plan]:
    """The plans, remembered while nothing changes. Raises LabError."""
    key = (studies.to_yaml(study), json.dumps(data, sort_keys=True), id(found))
    kept = st.session_state.get("study-plans")
    if kept is None or kept[0] != key:
        with st.spinner(f"Planning {count(studies.size(study))} runs", show_time=True):
            made = studies.expand(study, data)
            for config in made:
                check_weights(config)
            kept = (key, studies.make_plans(made, found), found)
        st.session_state["study-plans"] = kept
    return kept[1]


def ask(study: StudyConfig) -> bool:
    """Whether a large grid may be planned: above ASK_ABOVE runs somebody has to say so, for this number of runs."""
    runs = studies.size(study)
    if runs <= studies.ASK_ABOVE:
        return True
    st.warning(f"This grid makes {count(runs)} runs.", icon=":material/grid_on:")
    return st.checkbox(f"Plan all {count(runs)} runs", key=_key(f"sure-{runs}"))


# What it will cost


def cost_section(study: StudyConfig, plans: list[Plan], cost: Estimate) -> None:
    with st.container(horizontal=True, gap="medium"):
        for label, value, help in (
            ("Runs", count(cost.runs), None),
            ("Fold jobs", count(cost.fold_jobs), None),
            ("Steps", count(cost.steps), "Optimizer steps of all runs, folds and epochs."),
            ("Disk", f"{cost.bytes / 1e9:.1f} GB", "Best and final weights and a resume point for each fold."),
        ):
            st.metric(label, value, help=help, width="content")
        if cost.seconds is None:
            help = "A network of this study was not measured on this machine yet; Measure takes some seconds for each."
            st.metric("Time", "not known", help=help, width="content")
        else:
            st.metric("Time", f"about {duration(cost.seconds)}", width="content")
    st.dataframe(table_of(study, plans[:FEW]), hide_index=True, row_height=32, key=_key("table"))
    if len(plans) > FEW:
        st.caption(f"The first {FEW} of {count(len(plans))} runs.")


def table_of(study: StudyConfig, plans: list[Plan]) -> pd.DataFrame:
    rows = []
    for plan in plans:
        config = plan.config
        phases = " + ".join(f"{p.optimizer} {p.epochs}" for p in config.phases)
        rows.append(
            {
                "run": config.name,
                "network": f"ResNet-{config.model.depth}",
                "phases (epochs)": phases,
                "images": f"{config.input_size[1]} px",
                "classes": len(plan.class_names),
                "photos": plan.photos,
                "steps": plan.total_steps,
            }
        )
    return pd.DataFrame(rows)


def exported(study: StudyConfig) -> tuple[str, str]:
    """(YAML, file name) of the study, as the command line takes it."""
    return studies.to_yaml(study), f"{re.sub(r'[^A-Za-z0-9_-]+', '-', study.name)}.yaml"


def shared(study: StudyConfig) -> str:
    """The settings that all runs share beyond their recipe, as one line of Markdown."""
    if not study.set:
        return f"All other settings are those of the recipe **{plain(study.recipe)}**."
    told = ", ".join(f"{key} {_shown(value)}" if key not in ("transforms", "phases") else key
                     for key, value in list(study.set.items())[:6])  # fmt: skip
    more = f" and {len(study.set) - 6} more" if len(study.set) > 6 else ""
    return f"From the settings above, all runs share: :gray[{plain(told)}{more}]."
