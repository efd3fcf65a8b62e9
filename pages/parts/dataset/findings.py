"""What a scan found of a dataset: what was understood, its problems, the agreement to leave bad files out."""

from __future__ import annotations

import streamlit as st

from core.data.readers.reading import Fact
from core.data.scan import Scan
from core.data.understood import bad_files, problem_counts
from core.errors import LabError
from core.text import count
from pages.parts.dataset.card import card
from pages.parts.dataset.picker import Choice, corrected
from pages.parts.shared import groups, tables
from pages.parts.shared.fields import field


def show_result(scan: Scan, key: str) -> None:
    """The card of what was understood, and the problems behind one click."""
    problems = f"problems-{key}"

    def open_problems(fact: Fact) -> str:
        groups.open_group(problems)
        return f"group-{problems}"

    card(scan, key, show_problems=open_problems)
    if not len(scan.problems):
        return
    if (inside := groups.group(problems, "Problems", problem_counts(scan))) is not None:
        with inside:
            problems_table(scan, key)


def leave_out(scan: Scan, choice: Choice, key: str, errors: dict[str, str]) -> None:
    """The agreement to train without bad files; nothing where there are none."""
    try:
        bad = bad_files(corrected(scan)[0])
    except LabError:  # a broken file of corrections is told where the plan is made
        bad = bad_files(scan)
    if not bad:
        return
    field(
        st.checkbox,
        f"Leave out {count(bad)} bad {'entry' if bad == 1 else 'entries'}",
        key=f"{key}.leave-out",
        holds=bool(choice["leave_out_problems"]),
        take=lambda agreed: choice.update(leave_out_problems=agreed),
        help="They stay in the dataset; this run trains and validates without them.",
    )
    if "data.leave_out_problems" in errors:
        st.markdown(":small[:red[:material/error: Mend them, or agree to leave them out.]]")


def problems_table(scan: Scan, key: str) -> None:
    """Every problem with what to do, and the table as a file. Draws nothing when there is none."""
    table = scan.problems
    if not len(table):
        return
    tables.table(
        table[["severity", "where", "problem", "remedy", "kind"]],
        "problems.csv",
        hide_index=True,
        height="auto",
        column_config={
            "severity": st.column_config.TextColumn("Severity", width="small"),
            "where": st.column_config.TextColumn("Where", width="medium"),
            "problem": st.column_config.TextColumn("What is wrong", width="large"),
            "remedy": st.column_config.TextColumn("What to do", width="large"),
            "kind": st.column_config.TextColumn("Kind", width="small"),
        },
        key=f"{key}.problems",
    )
