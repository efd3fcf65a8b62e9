"""How long a training will take: measured steps, and what to show until they are."""

from __future__ import annotations

import time

import streamlit as st

from core import places
from core.config import RunConfig
from core.jobs import queue, speed
from core.plan.plan import Plan
from core.text import duration, rate

MEASURE_AT_ONCE = 1.5 * 18 * 224 * 224 * 128  # layers x pixels x images of a step that a processor does in seconds
MEASURE_PATIENCE = 120  # seconds after which a measurement is taken to have failed


def step_of(config: RunConfig) -> tuple:
    """What the speed of a step depends on."""
    t = config.training
    return config.model.depth, config.input_size, t.batch_size, t.precision, t.device


def is_heavy(config: RunConfig) -> bool:
    """Whether a step takes so long that it is measured only when somebody asks."""
    height, width = config.input_size
    return config.model.depth * height * width * config.training.batch_size > MEASURE_AT_ONCE


def time_estimate(plan: Plan) -> None:
    """How long it will take, from a measured step; measures by itself where that takes seconds."""
    config = plan.config
    asked = st.session_state.setdefault("launch_measuring", {})
    heavy = is_heavy(config)
    busy = any(being_measured(other) for other in asked.values())
    if speed.known(config) is None and step_of(config) not in asked and not heavy and not busy:
        measure(config)
        busy = True
    st.session_state["launch_first_look"] = True
    show = st.fragment(_estimate, run_every=1.0) if busy else _estimate
    show(plan, ticking=busy)


def measure(config: RunConfig) -> None:
    st.session_state["launch_measuring"][step_of(config)] = (config, time.monotonic(), speed.known(config))
    try:
        speed.start_measuring(config)
    except OSError:
        st.session_state["launch_measuring"][step_of(config)] = (config, -1e9, None)


def being_measured(asked: tuple[RunConfig, float, float | None]) -> bool:
    config, at, before = asked
    return time.monotonic() - at < MEASURE_PATIENCE and speed.known(config) == before


def _estimate(plan: Plan, ticking: bool) -> None:
    config = plan.config
    busy = any(being_measured(other) for other in st.session_state["launch_measuring"].values())
    first_look = st.session_state.pop("launch_first_look", False)
    if ticking and not busy and not first_look:  # in the page's own run it would cut off, and forget, what follows
        st.rerun()
    measured = speed.known(config)
    with st.container(width="content", gap=None):  # as high at all times: what moves under a click takes it away
        if busy:
            help = "A few training steps run to tell how long it will take."
            st.metric("Time", "measuring", width="content", help=help)
        elif measured is None:
            help = "No step of this network, image size and batch was measured on this machine yet."
            st.metric("Time", "not known", width="content", help=help)
        else:
            slots = queue.slot_count(places.runs_folder())
            at_a_time = "one after another" if slots == 1 else f"{min(slots, plan.config.folds.count)} at a time"
            help = f"All folds, {at_a_time}, each at {rate(measured)} measured on this machine."
            total = duration(speed.estimate_seconds(plan, measured, slots))
            st.metric("Time", f"about {total}", width="content", help=help)
        st.button(
            "Measure" if measured is None else "Measure again", type="tertiary", icon=":material/speed:", disabled=busy,
            on_click=measure, args=(config,), help="Trains a few steps, some seconds long; other work slows it down.",
        )  # fmt: skip
