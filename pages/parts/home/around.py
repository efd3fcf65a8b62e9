"""What the lab has beside its runs: datasets that were looked at, studies, and the machine in a line."""

from __future__ import annotations

import shutil
from html import escape
from pathlib import Path
from typing import Any

import streamlit as st

from core import machine, places
from core.data import recent
from core.jobs import elsewhere, gpus
from core.jobs.pace import ahead
from core.places import HOME
from core.studies import record_file
from core.text import ago, count, number_of, plain
from pages.parts.home import lines
from pages.parts.shared import theme

DATA, SETTINGS = (HOME / "pages" / f"{name}.py" for name in ("data", "settings"))
SHOWN = 4


def section(every: list[dict[str, Any]]) -> None:
    """every: summaries of all runs, those that are archived or cannot be read too: a study counts them."""
    datasets, studies = recent.recent()[:SHOWN], record_file.all_studies()[:SHOWN]
    columns = st.columns(2, gap="medium") if datasets and studies else [st.container()] * 2
    if datasets:
        with columns[0]:
            theme.heading("Datasets")
            for entry in datasets:
                _dataset(entry)
    if studies:
        with columns[1]:
            theme.heading("Studies")
            for study in studies:
                _study(study, every)


def _dataset(entry: recent.Recent) -> None:
    facts = number_of(entry.photos, "photo")
    if entry.people != entry.photos:  # else each photo is a person of its own, as far as is known
        facts += f" of {number_of(entry.people, 'person', 'people')}"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.page_link(DATA, label=plain(Path(entry.root).name), query_params={"root": entry.root})
        words = escape(f"{facts} · {ago(entry.seen)}")
        st.html(f'<span class="lab-meta" title="{escape(entry.root, quote=True)}">{words}</span>', width="content")


def _study(study: record_file.Study, every: list[dict[str, Any]]) -> None:
    done = sum(summary.get("state") == "done" for summary in every if summary["id"] in study.run_ids)
    facts = f"{count(done)} of {number_of(len(study.run_ids), 'run')} done"
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        lines.study_link(study.id, study.name)
        words = f"{facts} · {study.description}" if study.description else facts
        st.html(f'<span class="lab-meta">{escape(words)}</span>', width="content")


def machine_line() -> None:
    """Cores, memory, what trains at a time, and the room where runs lie."""
    root = places.runs_folder()
    at_once, there = ahead.places(root), "" if elsewhere.cluster(root) is None else " on a cluster"
    words = [number_of(machine.cores(), "core"), f"{machine.memory() / 1e9:,.0f} GB of memory"]
    words += [str(name) for name in gpus.names(root)]
    folds = "folds train" if at_once is None else f"{number_of(at_once, 'fold')} at a time"
    words.append(f"{folds}{there}")
    try:
        words.append(f"{shutil.disk_usage(root if root.is_dir() else root.parent).free / 1e9:,.0f} GB free for runs")
    except OSError:  # not there yet, or on a drive that is gone
        words.append("the runs folder cannot be reached")
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key="home-machine"):
        st.html(
            f'<span class="lab-meta lab-num"><span class="lab-icon" aria-hidden="true">memory</span> '
            f"{escape(' · '.join(words))}</span>",
            width="content",
        )
        if SETTINGS.is_file():
            st.page_link(SETTINGS, label="Settings")
