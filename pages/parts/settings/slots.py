"""How many fold jobs train at a time on this machine."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import streamlit as st

from core import machine, places
from core.engines import engine as engines
from core.jobs import queue, slots
from core.jobs.pace import sharing
from core.places import HOME
from core.text import number_of, plain
from pages.parts.people import people
from pages.parts.settings import change
from pages.parts.shared.fields import begin

SETTINGS = HOME / "pages" / "settings.py"


def controls(summaries: Sequence[dict[str, Any]]) -> None:
    """summaries: of all runs, newest first."""
    root = places.runs_folder()
    now = slots.read(root)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        keys = f"slots-count-{now.count}", f"slots-threads-{now.threads or 0}"
        drawn = str(now.count), str(now.threads or "")
        count = begin(
            st.text_input,
            "Fold jobs at a time",
            key=keys[0],
            begins=drawn[0],
            width=160,
            help="That train beside each other on the processor. Several keep cores busy where "
            "one waits: on two cores two of one thread each trained 1.04 to 1.23 times as fast as one of two threads. "
            "Each needs memory for itself.",
        )
        threads = begin(
            st.text_input,
            "Threads of each",
            key=keys[1],
            begins=drawn[1],
            width=190,
            placeholder=f"{max(1, machine.cores() // queue.slot_count(root))}, shared evenly",
            help="Empty shares the cores out. A fold that is resumed with another number of threads ends a little "
            "differently in its last digits.",
        )
        people.lab_button(
            "Save", key="slots-save", on_click=change.set_slots, args=(*keys, drawn), disabled=not (count or threads)
        )
    words = [f"Now: {summary(root)}."]
    if forced := slots.forced():
        words.append(f"FACET_SLOTS={forced} is set where the lab was started, and wins over this setting.")
    elif queue.gpu_count(root):
        words.append("This machine has a GPU: one fold job trains on each GPU, whatever is set for the processor.")
        if (fit := sharing.fit((summary["id"] for summary in summaries), root)) is not None:
            words.append(fit.sentence(engines.ThisMachine(root).to_share(fit.jobs)))
    st.caption(plain(" ".join(words)))


def summary(root: Path) -> str:
    """What trains at a time, whoever says so: this setting, FACET_SLOTS or the GPUs that there are."""
    at_once, gpus = queue.slot_count(root), queue.gpu_count(root)
    jobs = f"{number_of(at_once, 'fold job')} at a time"
    if gpus > at_once:
        return f"{jobs}, on {at_once} of {gpus} GPUs"
    if gpus:
        of_one = queue.slots_of_a_gpu(root)
        return f"{jobs}, {'one on each GPU' if of_one == 1 else f'up to {of_one} on a GPU'}"
    each = number_of(queue.threads_of_a_slot(root), "thread")
    return f"{jobs}, {each}{' each' if at_once > 1 else ''}, {number_of(machine.cores(), 'core')}"


def line() -> None:
    """The setting in a line, with the way to where it is changed."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(plain(summary(places.runs_folder())), width="content")
        if st.button("Change", key="slots-change", icon=":material/settings:", type="tertiary"):
            st.switch_page(SETTINGS)
