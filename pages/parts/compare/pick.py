"""The question of the Compare page: runs, baseline, score, region; all of it in the address."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import streamlit as st

from core.compare.members import METRICS, WHICH
from core.figures.comparison_curves import SHOWN_SPLITS, X_TITLES
from core.runs.lists import best, index
from pages.parts.hand import hand
from pages.parts.shared import run_picker
from pages.parts.shared.fields import field, standing

LIMIT = 300  # runs offered in the box, newest first
MOST = 12  # runs compared at once
WITHIN = 1.0  # points
SMOOTH = (0.0, 0.5, 0.8, 0.9, 0.95)
EMPTIED = "compare-emptied"  # in the session: what was in hand when the box of runs was emptied
FIRST = "compare-first"  # in the session: key of the address -> what it need not say


@dataclass(frozen=True)
class Question:
    """What the page is asked: within in points, everything else as in the address; of an unknown word the first one."""

    runs: tuple[str, ...]
    baseline: str
    within: float
    metric: str
    which: str
    x: str
    show: str
    smooth: float
    folds: bool


def _asked_for() -> tuple[str, ...]:
    """The runs of the address, also those that are more than can be compared at once."""
    return tuple(dict.fromkeys(part for part in st.query_params.get("runs", "").split(",") if part))


def read_address() -> Question:
    address = st.query_params
    ids = _asked_for()[:MOST]
    baseline = address.get("baseline", "")
    smooth = _number(address.get("smooth"), 0.0, 0.0, 1.0)
    return Question(
        runs=ids,
        baseline=baseline if baseline in ids else (ids[0] if ids else ""),
        within=_number(address.get("within"), WITHIN, 0.0, 100.0),
        metric=_word("metric", METRICS),
        which=_word("which", WHICH),
        x=_word("x", X_TITLES),
        show=_word("show", SHOWN_SPLITS),
        smooth=min(SMOOTH, key=lambda level: abs(level - smooth)),
        folds=address.get("folds") == "1",
    )


def _word(key: str, options: dict[str, Any]) -> str:
    word = st.query_params.get(key, "")
    return word if word in options else next(iter(options))


def _number(text: str | None, default: float, low: float, high: float) -> float:
    try:
        value = float(text or "")
    except ValueError:
        return default
    return min(high, max(low, value)) if math.isfinite(value) else default


def of_hand() -> str:
    """What a bare address asks for, as its `runs`: the run in hand, which is the baseline, and those of its study.

    Empty where somebody emptied the box since, and where nothing is in hand.
    """
    if st.session_state.get(EMPTIED) == (hand.run(), hand.study()):
        return ""
    return beside()


def beside(run_id: str | None = None) -> str:
    """What hand.beside begins with, for the address. Of a study of more runs than are compared those of the highest F1
    stand behind the run that it begins with."""
    ids = hand.beside(run_id)
    if len(ids) > MOST:
        first = ids[: 1 if run_id or hand.run() else 0]  # the baseline
        others = best.highest_first(entry for entry in index.listed() if entry.id in ids[len(first) :])
        ids = [*first, *(entry.id for entry in others)]
    return handed_on(ids)


def handed_on(run_ids: Sequence[str]) -> str:
    """Runs for the address. Of too many one more than are compared, so that the page says that it leaves some out."""
    return ",".join(run_ids[: MOST + 1])


def runs_box(listed: Sequence[dict[str, Any]], question: Question) -> None:
    """The box of runs; changes the address."""
    labels = {s["id"]: run_picker.run_label(s) for s in listed[:LIMIT]}
    labels |= {run: next((run_picker.run_label(s) for s in listed if s["id"] == run), run) for run in question.runs}
    field(
        st.multiselect,
        "Runs",
        list(labels),
        format_func=labels.get,
        key="compare-runs",
        holds=list(question.runs),
        max_selections=MOST,
        take=_follow,
        placeholder="Choose two or more runs",
    )
    if len(_asked_for()) > MOST:
        st.caption(
            f"At most {MOST} runs are compared at once: of those that were asked for, these are the first {MOST}."
        )


def _follow(_: Any = None) -> None:
    """The address says what every control says, not only the one that was moved: the browser sends its address along
    with each click, and a quick second click brings the one from before the first, which would undo that.
    """
    runs = standing("compare-runs") or []
    _write("runs", ",".join(runs), "")
    st.session_state[EMPTIED] = None if runs else (hand.run(), hand.study())
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


def question_controls(names: dict[str, str], question: Question) -> None:
    """Baseline, region of equivalence, score and epoch. names: run id -> label of every run that can be read."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        select(
            "Baseline", names, question.baseline, "baseline", width=300, tip="Every other run is set against this one."
        )
        _ask(
            st.number_input,
            "The same within ± points",
            0.0,
            100.0,
            key="within",
            current=question.within,
            first=WITHIN,
            step=0.5,
            format="%.1f",
            width=190,
            help="A difference inside this region is too small to matter to you. One point is 0.01.",
        )
        segments("Score", METRICS, question.metric, "metric")
        segments("Epoch", WHICH, question.which, "which")


def select(
    label: str, options: dict[str, str], current: str, key: str, *, width: int | str = 240, tip: str = ""
) -> None:
    """A box whose choice goes into the address as `key`."""
    first = next(iter(options))
    _ask(
        st.selectbox,
        label,
        list(options),
        key=key,
        current=current if current in options else first,
        first=first,
        format_func=options.get,
        width=width,
        help=tip or None,
    )


def segments(label: str, options: dict[Any, str], current: Any, key: str) -> None:
    """A row of words, one of which is in force; goes into the address as `key`."""
    _ask(
        st.segmented_control,
        label,
        list(options),
        key=key,
        current=current,
        first=next(iter(options)),
        format_func=options.get,
        required=True,
    )


def curve_controls(question: Question) -> None:
    axes = {"epoch": "epoch", "time": "training time", "images": "images seen"}
    splits = {"validation": "validation", "training": "training", "both": "both", "gap": "gap"}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        segments("Along", axes, question.x, "x")
        segments("Show", splits, question.show, "show")
        levels = {s: "off" if not s else f"{s:g}" for s in SMOOTH}
        segments("Smoothing", levels, question.smooth, "smooth")
        _ask(st.toggle, "Every fold", key="folds", current=question.folds, first=False)
