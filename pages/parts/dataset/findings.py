"""What a scan found of a dataset: people and photos in a line, its problems, the agreement to leave bad files out."""

from __future__ import annotations

import streamlit as st

from core.data.persons import Persons
from core.data.scan import Scan
from core.errors import LabError
from core.text import count, plain
from pages.parts.dataset.picker import Choice, bad_files, corrected, forget
from pages.parts.shared import groups, tables
from pages.parts.shared.fields import field

NAMES = {"mask": "mask layout", "utkface": "UTKFace", "folders": "folders", "csv": "CSV"}


def result_line(scan: Scan) -> None:
    """Reader, people where they are known, photos, problems in one line."""
    table, bad = scan.samples, bad_files(scan)
    persons = scan.persons
    parts = [
        *([f"**{count(persons.people)}** people"] if persons.are_known else []),
        f"**{count(len(table))}** photos",
        *([] if persons.are_known or not len(table) else [_unknown(persons)]),
        f"read as {NAMES[scan.reader]}",
    ]
    if len(table):
        sides = table[["width", "height"]]
        low, high = sides.min(), sides.max()
        same = (low == high).all()
        size = f"{low['width']} × {low['height']}"
        parts.append(f"{size} px" if same else f"{size} to {high['width']} × {high['height']} px")
    colour = "red" if bad else "orange" if len(scan.problems) else "green"
    parts.append(f":{colour}[{problem_counts(scan) or 'no problems'}]")
    st.markdown(" · ".join(parts) + f"  \n:gray[{plain(scan.root)}]", width="stretch")


def _unknown(persons: Persons) -> str:
    extent = f"known for {count(persons.known)} photos" if persons.known else "unknown"
    return f":orange[:material/gpp_maybe: persons {extent}]"


def show_result(scan: Scan, key: str) -> None:
    """The result line with a button to scan again, and the problems behind one click."""
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"):
        result_line(scan)
        st.button("Scan again", icon=":material/refresh:", on_click=forget, type="tertiary", key=f"{key}.again")
    if not len(scan.problems):
        return
    if (inside := groups.group(f"problems-{key}", "Problems", problem_counts(scan))) is not None:
        with inside:
            problems_table(scan, key)


def problem_counts(scan: Scan) -> str:
    """ "5 bad entries and 1 warning"; empty when there are none."""
    bad = bad_files(scan)
    warnings = len(scan.problems) - bad
    parts = [f"{count(bad)} bad {'entry' if bad == 1 else 'entries'}"] if bad else []
    parts += [f"{count(warnings)} {'warning' if warnings == 1 else 'warnings'}"] if warnings else []
    return " and ".join(parts)


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
