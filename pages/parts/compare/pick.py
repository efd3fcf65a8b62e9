"""What the Compare page is asked: runs, baseline, score, region; all of it in the address."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.compare.members import METRICS, WHICH
from core.figures.comparison_curves import SHOW, X
from pages.parts.shared import run_picker
from pages.parts.shared.fields import field, standing

LIMIT = 300  # runs offered in the box, newest first
MOST = 12  # runs compared at once
WITHIN = 1.0  # points
SMOOTH = (0.0, 0.5, 0.8, 0.9, 0.95)
FIRST = "compare-first"  # in the session: key of the address -> what it need not say


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
    labels = {s["id"]: run_picker.run_label(s) for s in listed[:LIMIT]}
    labels |= {run: next((run_picker.run_label(s) for s in listed if s["id"] == run), run) for run in wanted.runs}
    field(
        st.multiselect, "Runs", list(labels), format_func=labels.get, key="compare-runs", holds=list(wanted.runs),
        max_selections=MOST, take=_follow, placeholder="Choose two or more runs",
    )  # fmt: skip


def _follow(_: Any = None) -> None:
    """The address says what every control says, not only the one that was moved: the browser sends its address along
    with each click, and a quick second click brings the one from before the first, which would undo that.
    """
    runs = standing("compare-runs") or []
    _write("runs", ",".join(runs), "")
    for key, first in st.session_state.get(FIRST, {}).items():
        if (value := standing(f"compare-ask-{key}")) is not None:
            _write(key, _text(value), _text(first))
    if st.query_params.get("baseline") not in runs:
        st.query_params.pop("baseline", None)


def _write(key: str, value: str, first: str) -> None:
    if value != first:
        if st.query_params.get(key) != value:
            st.query_params[key] = value
    else:
        st.query_params.pop(key, None)


def _text(value: Any) -> str:
    return str(int(value)) if isinstance(value, bool) else f"{value:g}" if isinstance(value, float) else str(value)


def _ask(
    widget: Callable[..., Any], label: str, *args: Any, key: str, current: Any, first: Any, **options: Any
) -> None:
    """A control of what stands in the address as `key`. first: what the address need not say."""
    st.session_state.setdefault(FIRST, {})[key] = first
    field(widget, label, *args, key=f"compare-ask-{key}", holds=current, take=_follow, **options)


def question(names: dict[str, str], wanted: Wanted) -> None:
    """Baseline, region of equivalence, score and epoch. names: run id -> label of every run that can be read."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        select(
            "Baseline", names, wanted.baseline, "baseline", width=300, tip="Every other run is set against this one."
        )
        _ask(
            st.number_input, "The same within ± points", 0.0, 100.0, key="within", current=wanted.within, first=WITHIN,
            step=0.5, format="%.1f", width=190,
            help="A difference inside this region is too small to matter to you. One point is 0.01.",
        )  # fmt: skip
        segments("Score", METRICS, wanted.metric, "metric")
        segments("Epoch", WHICH, wanted.which, "which")


def select(
    label: str, options: dict[str, str], current: str, key: str, *, width: int | str = 240, tip: str = ""
) -> None:
    """A box whose choice goes into the address as `key`."""
    first = next(iter(options))
    _ask(
        st.selectbox, label, list(options), key=key, current=current if current in options else first, first=first,
        format_func=options.get, width=width, help=tip or None,
    )  # fmt: skip


def segments(label: str, options: dict[Any, str], current: Any, key: str) -> None:
    """A row of words, one of which is in force; goes into the address as `key`."""
    _ask(
        st.segmented_control, label, list(options), key=key, current=current, first=next(iter(options)),
        format_func=options.get, required=True,
    )  # fmt: skip


def curve_controls(wanted: Wanted) -> None:
    words = {"epoch": "epoch", "time": "training time", "images": "images seen"}
    shown = {"validation": "validation", "training": "training", "both": "both", "gap": "gap"}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        segments("Along", words, wanted.x, "x")
        segments("Show", shown, wanted.show, "show")
        levels = {s: "off" if not s else f"{s:g}" for s in SMOOTH}
        segments("Smoothing", levels, wanted.smooth, "smooth")
        _ask(st.toggle, "Every fold", key="folds", current=wanted.folds, first=False)
