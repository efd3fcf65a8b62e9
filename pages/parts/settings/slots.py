"""How many fold jobs train at a time on this machine."""

from __future__ import annotations

import streamlit as st

from core import machine, places
from core.jobs import queue, slots
from core.jobs.slots import Slots
from core.places import HOME
from core.text import plain
from pages.parts.people import people
from pages.parts.settings import change
from pages.parts.shared.fields import begin

SETTINGS = HOME / "pages" / "settings.py"


def controls() -> None:
    now = slots.read(places.runs_folder())
    with st.container(horizontal=True, vertical_alignment="bottom"):
        keys = f"slots-count-{now.count}", f"slots-threads-{now.threads or 0}"
        count = begin(
            st.text_input,
            "Fold jobs at a time",
            key=keys[0],
            begins=str(now.count),
            width=160,
            help="That train beside each other on the processor. Several keep cores busy where "
            "one waits: on two cores two of one thread each trained 1.04 to 1.23 times as fast as one of two threads. "
            "Each needs memory for itself.",
        )
        threads = begin(
            st.text_input,
            "Threads of each",
            key=keys[1],
            begins=str(now.threads or ""),
            width=190,
            placeholder=f"{max(1, machine.cores() // now.count)}, shared evenly",
            help="Empty shares the cores out. A fold that is resumed with another number of threads ends a little "
            "differently in its last digits.",
        )
        people.lab_button(
            "Save", key="slots-save", on_click=change.set_slots, args=keys, disabled=not (count or threads)
        )
    words = [f"Now: {summary(now)}."]
    if queue.gpu_count():
        words.append("This machine has a GPU: one fold job trains on each GPU, whatever is set for the processor.")
    if slots.forced():
        words.append(f"FACET_SLOTS={slots.forced()} is set where the lab was started, and wins over this setting.")
    st.caption(plain(" ".join(words)))


def summary(now: Slots) -> str:
    if gpus := queue.gpu_count():
        return f"{gpus} fold job{'' if gpus == 1 else 's'} at a time, one on each GPU"
    jobs = "1 fold job" if now.count == 1 else f"{now.count} fold jobs"
    threads = "1 thread" if now.threads_each() == 1 else f"{now.threads_each()} threads"
    return f"{jobs} at a time, {threads}{' each' if now.count > 1 else ''}, {machine.cores()} cores"


def line() -> None:
    """The setting in a line, with the way to where it is changed."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(plain(summary(slots.read(places.runs_folder()))), width="content")
        if st.button("Change", key="slots-change", icon=":material/settings:", type="tertiary"):
            st.switch_page(SETTINGS)
