"""How Live draws its curves: smoothed, the loss on a logarithmic axis, another run behind them. All in the address."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

import streamlit as st

from core.config import RunConfig
from core.runs import Run
from core.runs.lists import index
from core.runs.lists.index import Listed
from pages.parts.run import view
from pages.parts.run.charts import Look
from pages.parts.shared import run_picker
from pages.parts.shared.fields import field, standing

SMOOTH = {0.0: "off", 0.6: "some", 0.9: "much"}
KEYS = {"smooth": "live-smooth", "log": "live-log", "behind": "live-behind"}  # in the address -> of the control
MOST = 300  # runs that are offered


def look(others: Sequence[Listed]) -> Look:
    """As the address has it; what no control could have chosen is left out. others: see `others_of`."""
    address = st.query_params
    smooth = next((level for level in SMOOTH if address.get("smooth") == f"{level:g}"), 0.0)
    other = next((each for each in others if each.id == address.get("behind")), None)
    behind = None if other is None else (other.name, _version(other))
    return Look(smooth, address.get("log") == "1", behind)


def others_of(run: Run, config: RunConfig, entries: Iterable[Listed]) -> list[Listed]:
    """Other runs of its dataset that measure something of people who were held out, newest first; of thousands the
    newest, and the one in the address. entries: all runs."""
    name, root = Path(config.data.root).name, str(config.data.root)
    same = [
        each for each in entries if not each.unreadable and each.id != run.id and each.summary.get("dataset") == name
    ]
    of_root = (each for each in same if str(index.settings_of(each).get("data.root", root)) == root)
    offered = [each for each in of_root if not each.summary.get("everybody")]
    asked = st.query_params.get("behind")
    return [each for place, each in enumerate(offered) if place < MOST or each.id == asked]


def controls(drawn: Look, others: Sequence[Listed]) -> None:
    """others: runs that may stand behind the curves; none for a run that holds nobody out."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        field(
            st.segmented_control,
            "Smoothing",
            list(SMOOTH),
            key=KEYS["smooth"],
            holds=drawn.smooth,
            required=True,
            take=_write,
            format_func=SMOOTH.get,
            help="An exponential mean over epochs: each point keeps 60 % (some) or 90 % (much) of the past. What was "
            "measured stays pale behind it, and is what the pointer reads.",
        )
        if others:
            labels = {"": "none"} | {each.id: run_picker.run_label(each.summary) for each in others}
            field(
                st.selectbox,
                "Another run behind the curves",
                list(labels),
                key=KEYS["behind"],
                holds=_behind_id(others),
                take=_write,
                format_func=labels.get,
                width=330,
                help="Of the same dataset: the mean over its folds is a grey line.",
            )
        field(st.toggle, "Loss on a logarithmic axis", key=KEYS["log"], holds=drawn.log, take=_write)


def _behind_id(others: Sequence[Listed]) -> str:
    asked = st.query_params.get("behind", "")
    return asked if any(each.id == asked for each in others) else ""


def _write(_: object) -> None:
    """All that the controls say: a quick second click brings the address from before the first one."""
    smooth, log, behind = (standing(KEYS[name]) for name in ("smooth", "log", "behind"))
    address = {"smooth": f"{smooth:g}" if smooth else "", "log": "1" if log else "", "behind": behind or ""}
    for name, value in address.items():
        if value:
            st.query_params[name] = value
        else:
            st.query_params.pop(name, None)


def _version(entry: Listed) -> tuple:
    run = Run(entry.id, entry.root)
    return view.metrics_version(run, run.folds())
