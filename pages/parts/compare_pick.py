"""What the Compare page is asked: runs, baseline, score, region; all of it in the address."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.compare_figures import SHOW, X
from core.members import METRICS, WHICH
from pages.parts import states

LIMIT = 300  # runs offered in the box, newest first
MOST = 12  # runs compared at once
WITHIN = 1.0  # points
SMOOTH = (0.0, 0.5, 0.8, 0.9, 0.95)


@dataclass(frozen=True)
class Wanted:
    """within: points. Everything else as in the address; unknown words fall back to what stands first."""

    runs: tuple[str, ...]
    baseline: str
    within: float
    metric: str
    which: str
    x: str
    show: str
    smooth: float
    folds: bool


def read_address() -> Wanted:
    asked = st.query_params
    ids = tuple(dict.fromkeys(part for part in asked.get("runs", "").split(",") if part))[:MOST]
    baseline = asked.get("baseline", "")
    return Wanted(
        ids,
        baseline if baseline in ids else (ids[0] if ids else ""),
        _number(asked.get("within"), WITHIN, 0.0, 100.0),
        _word("metric", METRICS),
        _word("which", WHICH),
        _word("x", X),
        _word("show", SHOW),
        min(SMOOTH, key=lambda s: abs(s - _number(asked.get("smooth"), 0.0, 0.0, 1.0))),
        asked.get("folds") == "1",
    )


def _word(key: str, known: dict[str, Any]) -> str:
    asked = st.query_params.get(key, "")
    return asked if asked in known else next(iter(known))


def _number(text: str | None, other: float, low: float, high: float) -> float:
    try:
        value = float(text or "")
    except ValueError:
        return other
    return min(high, max(low, value)) if math.isfinite(value) else other


def runs_box(listed: Sequence[dict[str, Any]], wanted: Wanted) -> None:
    """The box of runs; changes the address."""
    labels = {s["id"]: states.run_label(s) for s in listed[:LIMIT]}
    labels |= {run: next((states.run_label(s) for s in listed if s["id"] == run), run) for run in wanted.runs}
    _seed("compare-runs", list(wanted.runs))
    st.multiselect(
        "Runs",
        list(labels),
        format_func=labels.get,
        key="compare-runs",
        max_selections=MOST,
        on_change=_follow_runs,
        placeholder="Choose two or more runs",
    )


def _seed(widget: str, value: Any) -> None:
    """What the address says, unless the widget says it already: a value that is sent anew undoes a quicker click."""
    if st.session_state.get(widget) != value:
        st.session_state[widget] = value


def _follow_runs() -> None:
    chosen = st.session_state["compare-runs"]
    if chosen:
        st.query_params["runs"] = ",".join(chosen)
    else:
        st.query_params.pop("runs", None)
    if st.query_params.get("baseline") not in chosen:
        st.query_params.pop("baseline", None)


def question(names: dict[str, str], wanted: Wanted) -> None:
    """Baseline, region of equivalence, score and epoch. names: run id -> label of every run that can be read."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        select(
            "Baseline", names, wanted.baseline, "baseline", width=300, tip="Every other run is set against this one."
        )
        st.number_input(
            "The same within ± points",
            0.0,
            100.0,
            wanted.within,
            0.5,
            format="%.1f",
            key=f"compare-within-{wanted.within}",
            on_change=_follow_within,
            args=(f"compare-within-{wanted.within}",),
            width=190,
            help="A difference inside this region is too small to matter to you. One point is 0.01.",
        )
        segments("Score", METRICS, wanted.metric, "metric")
        segments("Epoch", WHICH, wanted.which, "which")


def _follow_within(key: str) -> None:
    st.query_params["within"] = f"{st.session_state[key]:g}"


def select(
    label: str, options: dict[str, str], current: str, key: str, *, width: int | str = 240, tip: str = ""
) -> None:
    """A box whose choice goes into the address as `key`."""
    widget = f"compare-ask-{key}"
    _seed(widget, current if current in options else next(iter(options)))
    st.selectbox(
        label,
        list(options),
        format_func=options.get,
        key=widget,
        on_change=_follow,
        args=(key,),
        width=width,
        help=tip or None,
    )


def segments(label: str, options: dict[str, str], current: str, key: str) -> None:
    """A row of words, one of which is in force; goes into the address as `key`."""
    widget = f"compare-ask-{key}"
    _seed(widget, current)
    st.segmented_control(
        label, list(options), format_func=options.get, key=widget, on_change=_follow, args=(key,), required=True
    )


def _follow(key: str) -> None:
    if (chosen := st.session_state[f"compare-ask-{key}"]) is not None:
        st.query_params[key] = str(chosen)


def curve_controls(wanted: Wanted) -> None:
    words = {"epoch": "epoch", "time": "training time", "images": "images seen"}
    shown = {"validation": "validation", "training": "training", "both": "both", "gap": "gap"}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        segments("Along", words, wanted.x, "x")
        segments("Show", shown, wanted.show, "show")
        levels = {s: "off" if not s else f"{s:g}" for s in SMOOTH}
        segments("Smoothing", levels, wanted.smooth, "smooth")
        _seed("compare-folds", wanted.folds)
        st.toggle("Every fold", key="compare-folds", on_change=_follow_folds)


def _follow_folds() -> None:
    if st.session_state["compare-folds"]:
        st.query_params["folds"] = "1"
    else:
        st.query_params.pop("folds", None)
