"""How many fold jobs train at a time: the setting of the lab, behind one click."""

from __future__ import annotations

import streamlit as st

from core import machine, places
from core.errors import LabError
from core.jobs import control, queue, slots
from core.jobs.slots import Slots
from core.text import plain
from pages.parts.shared import groups
from pages.parts.shared.fields import begin


def controls() -> None:
    root = places.runs_folder()
    now = slots.read(root)
    groups.style()
    inside = groups.group("slots", "Fold jobs at a time", _summary(now))
    if inside is None:
        return
    with inside:
        if queue.gpu_count():
            st.caption("This machine has a GPU: one fold job trains on each GPU, whatever is set for the processor.")
        if slots.forced():
            st.caption(f"FACET_SLOTS={slots.forced()} is set where the lab was started, and wins over this setting.")
        st.caption("What is quickest depends on the machine: `python -m bench.slots` measures it. Each needs memory.")
        with st.container(horizontal=True, vertical_alignment="bottom"):
            keys = f"slots-count-{now.count}", f"slots-threads-{now.threads or 0}"
            count = begin(
                st.text_input,
                "Slots",
                key=keys[0],
                begins=str(now.count),
                width=120,
                help="Fold jobs that train beside each other on the processor.",
            )
            threads = begin(
                st.text_input,
                "Threads of a slot",
                key=keys[1],
                begins=str(now.threads or ""),
                width=160,
                placeholder=f"{max(1, machine.cores() // now.count)}, shared evenly",
                help="Empty shares the cores out. A fold that is resumed with another number of threads ends a little "
                "differently in its last digits.",
            )
            st.button("Save", on_click=_save, args=keys, disabled=not (count or threads))
        if problem := st.session_state.pop("slots-error", None):
            st.markdown(f":small[:red[:material/error: {plain(problem)}]]")


def _summary(now: Slots) -> str:
    if gpus := queue.gpu_count():
        return f"{gpus}, one on each GPU"
    jobs = "1 fold job" if now.count == 1 else f"{now.count} fold jobs"
    threads = "1 thread" if now.threads_each() == 1 else f"{now.threads_each()} threads"
    return f"{jobs} at a time, {threads}{' each' if now.count > 1 else ''}, {machine.cores()} cores"


def _save(count_key: str, threads_key: str) -> None:
    count, threads = (st.session_state[key].strip() for key in (count_key, threads_key))
    try:
        setting = slots.check(_whole(count), _whole(threads) if threads else None)
        slots.write(places.runs_folder(), setting)
        control.ensure_workers()
    except LabError as error:
        st.session_state["slots-error"] = error.message
    except OSError as error:
        st.session_state["slots-error"] = f"settings.json cannot be written ({error.strerror})."


def _whole(text: str) -> int | str:
    return int(text) if text.isdecimal() else text
