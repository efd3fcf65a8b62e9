"""Where fold jobs train: this machine, or a Ray cluster with its nodes."""

from __future__ import annotations

import os
import time
from collections.abc import Sequence
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from core.engines import engine as engines
from core.engines.engine import Capacity, Placed
from core.errors import LabError
from core.jobs import elsewhere
from core.jobs.pace import sharing
from core.text import ago, number_of, plain, rate
from pages.parts.people import people
from pages.parts.settings import change
from pages.parts.shared import badges
from pages.parts.shared.fields import begin

RAY = "ray"
KINDS = {elsewhere.HERE: "This machine", RAY: "A Ray cluster"}
# In the session: whose answer, when (Unix time) and what it was; a click that waits.
ASKED, ASKING = "settings-engine-asked", "settings-engine-asking"


def section(root: Path, summaries: Sequence[dict[str, Any]]) -> None:
    """summaries: of all runs, as the page has just read them."""
    try:
        address = elsewhere.address(root)
    except LabError as error:
        badges.show_error(error)
        address = None
    forced = os.environ.get(elsewhere.CHOICE)
    if forced:
        st.caption(plain(f"{elsewhere.CHOICE}={forced} is set where the lab was started, and wins over this setting."))
    _choice(address, disabled=bool(forced))
    if address is None:
        _machine(root, summaries)
    else:
        _cluster(root, address, summaries)


def _choice(address: str | None, *, disabled: bool) -> None:
    now = elsewhere.HERE if address is None else RAY
    kind_key, address_key = f"settings-engine-{now}", f"settings-engine-address-{address}"
    with st.container(horizontal=True, vertical_alignment="bottom"):
        kind = begin(
            st.segmented_control,
            "Fold jobs train on",
            list(KINDS),
            key=kind_key,
            begins=now,
            format_func=KINDS.__getitem__,
            required=True,
            disabled=disabled,
        )
        if kind == RAY:
            begin(
                st.text_input,
                "Its address",
                key=address_key,
                begins="" if address in (None, RAY) else address,
                placeholder="empty: a cluster on this machine",
                width=280,
                disabled=disabled,
                help="ray://HOST:10001, where ray start --head runs; the README has the five lines.",
            )
        people.lab_button(
            "Save",
            key="settings-engine-save",
            on_click=change.choose_engine,
            args=(kind_key, address_key),
            disabled=disabled,
        )
    if kind == RAY:
        try:
            elsewhere.check_installed()
        except LabError as error:
            st.info(plain(str(error)), icon=":material/download:")


def _machine(root: Path, summaries: Sequence[dict[str, Any]]) -> None:
    engine = engines.ThisMachine(root)
    st.html(capacity_html(engine.capacity(), engine.placed(summaries)))


def _cluster(root: Path, address: str, summaries: Sequence[dict[str, Any]]) -> None:
    """What it said last; asked anew on a click, since that opens a connection."""
    st.button("Ask the cluster now", key="settings-engine-ask", icon=":material/refresh:", on_click=_ask)
    fault = None
    if st.session_state.pop(ASKING, False):
        st.session_state.pop(ASKED, None)
        try:
            with st.spinner("Asking the cluster", show_time=True):
                answer = engines.RayEngine(root, address).capacity()
            st.session_state[ASKED] = address, time.time(), answer
        except LabError as error:
            fault = error
            badges.show_error(error)
    report = elsewhere.report(root)
    if elsewhere.writer_lives(root) and report.get("address") == address:
        st.session_state.pop(ASKED, None)
        when, capacity = report.get("when"), engines.RayEngine(root, address).told()
    elif (asked := st.session_state.get(ASKED)) is not None and asked[0] == address:
        _, when, capacity = asked
    else:
        if fault is None:
            why = elsewhere.waits_for(root) or "Nothing trains there now, so nobody has asked the cluster lately."
            st.caption(plain(why))
        return
    st.caption(f"As the cluster said {ago(when)}.")
    ray_engine = engines.RayEngine(root, address)
    st.html(capacity_html(capacity, ray_engine.placed(summaries)))
    has_gpu = any(node.gpus for node in capacity.nodes)
    if has_gpu and (fit := sharing.fit((summary["id"] for summary in summaries), root)) is not None:
        st.caption(plain(fit.sentence(ray_engine.to_share(fit.jobs))))
    wishes = elsewhere.wishes(root)
    with st.container(horizontal=True):
        for node in capacity.nodes:
            out = bool(node.why) or wishes.get(node.name) == "out"
            people.lab_button(
                f"{'Use' if out else 'Take out'} {plain(node.name)}",
                key=f"settings-node-{node.id}",
                icon=":material/play_arrow:" if out else ":material/block:",
                on_click=change.use_node,
                args=(node.name, out),
                help="It begins fold jobs again." if out else "It begins nothing more; what trains goes on to its end.",
            )


def _ask() -> None:
    st.session_state[ASKING] = True


def capacity_html(capacity: Capacity, placed: list[Placed]) -> str:
    """Nodes and what they do."""
    rows = []
    for node in capacity.nodes:
        jobs = [
            f"{job.run} fold {job.fold}" + (f", {rate(job.speed)}" if job.speed else "")
            for job in placed
            if job.node == node.name
        ]
        doing = node.why or "; ".join(jobs) or "nothing at the moment"
        gpus = f"{node.gpus:g}" if node.gpus else "–"
        rows.append(
            f"<tr><td>{escape(node.name)}</td><td>{node.cores:g}</td><td>{gpus}</td>"
            f"<td>{node.memory / 1e9:,.0f} GB</td>"
            f'<td class="lab-left">{escape(doing)}</td></tr>'
        )
    words = [f"{capacity.busy} of {number_of(capacity.places, 'fold job')} at a time", f"{capacity.waiting:,} wait"]
    words += [text for text in (capacity.doing, capacity.trouble) if text]
    return (
        '<div class="lab-scroll"><table class="lab-table"><thead><tr><th>node</th><th>cores</th><th>GPUs</th>'
        f'<th>memory</th><th class="lab-left">does</th></tr></thead><tbody>{"".join(rows)}</tbody></table></div>'
        f'<div class="lab-meta">{escape("; ".join(words))}.</div>'
    )
