"""Runs as a reader meets them: a run's colour, its line in a picker, and the box to choose one."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

import streamlit as st

from core.runs import colours
from pages.parts.shared.fields import field


def colour_of(run_id: str, summaries: Sequence[dict[str, Any]]) -> str:
    """The run's colour on every page. summaries: as runs.summaries gives them."""
    return colours.colour_of(next((summary for summary in summaries if summary["id"] == run_id), {"id": run_id}))


def run_label(summary: dict[str, Any]) -> str:
    """A run in one line of plain text, for pickers: name, launch, the end of its id.

    Nothing in it changes while the run lives: the browser sends a choice back as its label, and a label with the state
    in it would no longer be found once the state had changed.
    """
    created = summary.get("created")
    if "unreadable" in summary or not isinstance(created, (int, float)):
        return summary["id"]
    return f"{summary.get('name')} · {datetime.fromtimestamp(created):%d %b %Y %H:%M} · {summary['id'][-4:]}"


def pick_run(summaries: Sequence[dict[str, Any]], current: str | None, *, limit: int = 300) -> None:
    """A box to change the run in the address (?run=<id>); shows the newest `limit` runs and the current one."""
    labels = {s["id"]: run_label(s) for s in summaries[:limit]}
    labels |= {s["id"]: run_label(s) for s in summaries if s["id"] == current}
    if not labels:
        return
    field(
        st.selectbox,
        "Run",
        list(labels),
        key="run-picker",
        holds=current if current in labels else None,
        take=_follow_picker,
        format_func=labels.get,
        placeholder="Choose a run",
        label_visibility="collapsed",
        width=330,
    )


def _follow_picker(chosen: str | None) -> None:
    if chosen:
        st.query_params["run"] = chosen
