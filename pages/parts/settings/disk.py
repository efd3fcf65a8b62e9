"""What takes how much of the disk, what may be dropped, and what is kept of runs that end."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape
from pathlib import Path

import streamlit as st

from core.errors import in_sentences
from core.jobs.room import keep, use
from core.jobs.room.use import RunUse, Use
from core.places import HOME
from core.runs import Run
from core.runs.kept import dropped
from core.runs.lists import index
from core.runs.lists.index import Listed
from core.storage import files
from core.text import number_of, plain, size
from pages.parts.people import people
from pages.parts.room import offers
from pages.parts.settings import change
from pages.parts.shared import badges
from pages.parts.shared.fields import field

RUNS = HOME / "pages" / "runs.py"
LARGEST = 8  # runs
# what, colour: none is that of a state
PARTS = (
    ("best weights", "#3f7fbf"),
    ("last-epoch weights", "#86b3df"),
    ("resume points", "#a07cc5"),
    ("predictions", "#5f6ea8"),
    ("packages", "#c77c9a"),
    ("other files of runs", "#9aa7ad"),
    ("decoded photos", "#4aa59b"),
    ("deleted runs", "#b08968"),
    ("unpacked datasets", "#7f8f4f"),
    ("what else the lab keeps", "#c3c9cc"),
)
_STYLE = """<style>
.lab-disk { display: flex; height: 14px; border-radius: 4px; overflow: hidden; gap: 1px; margin: .2rem 0 .5rem;
  background: color-mix(in srgb, currentColor 12%, transparent); }
.lab-disk > div { height: 100%; min-width: 2px; }
.lab-legend { display: flex; flex-wrap: wrap; gap: .15rem 1.1rem; font-size: .87rem;
  font-variant-numeric: tabular-nums; }
.lab-legend .lab-dot { width: .6rem; height: .6rem; border-radius: 2px; margin-right: .4rem; }
</style>"""


def section(root: Path, entries: Sequence[Listed]) -> None:
    """entries: of all runs, as the page has just listed them."""
    with st.spinner("Looking through the runs folder", show_time=True):
        now = use.look(root, entries)
    st.html(_STYLE + use_html(now))
    if now.not_counted:
        st.warning(plain(in_sentences(now.not_counted, files.CHECK)), icon=":material/folder_off:")
    readable = [run for run in now.runs if run.state != "unreadable"]
    if not readable:
        st.caption("No run yet: what each takes is listed here.")
        return
    st.html(runs_html(now.runs[:LARGEST]))
    if len(now.runs) > LARGEST and st.button(
        "All runs, the largest first", icon=":material/table_rows:", type="tertiary", key="settings-runs"
    ):
        st.switch_page(RUNS, query_params={"sort": "bytes", "order": "down"})
    st.markdown("**Make room.** Scores, curves, predictions and settings of every run stay, whatever is chosen.")
    offers.offers([run.id for run in readable], "settings-room", change.drop, index.as_summaries(entries))
    _rule(root)


def _rule(root: Path) -> None:
    rule = keep.rule(root)
    field(
        st.segmented_control,
        "Of each run, once it has ended",
        list(keep.RULES),
        key="settings-rule",
        holds=rule.name,
        take=lambda name: change.set_rule(name or keep.ALL.name),
        format_func=lambda name: keep.RULES[name].title,
        required=True,
        disabled=bool(people.lab_locked()),
        help=people.lab_locked() or None,
    )
    if rule.weights:
        st.caption(f"{plain(rule.loses)} A run from whose weights an unfinished one starts keeps them.")


def use_html(now: Use) -> str:
    """Free and used, as a bar over the whole disk and its legend."""
    runs = now.of_runs
    amounts = (runs.best, runs.final, runs.resume, runs.predictions, runs.package, runs.other)
    amounts += (now.of_pixels, now.trash, now.datasets, now.lab)
    others = max(0, now.disk - now.free - now.total)
    parts, legend = [], []
    for (what, colour), amount in zip(PARTS, amounts, strict=True):
        if not amount:
            continue
        parts.append(f'<div style="width:{100 * amount / now.disk:.3f}%;background:{colour}" title="{what}"></div>')
        legend.append(f'<span><span class="lab-dot" style="background:{colour}"></span>{what} {size(amount)}</span>')
    grey = "color-mix(in srgb, currentColor 38%, transparent)"
    parts.append(f'<div style="width:{100 * others / now.disk:.3f}%;background:{grey}" title="others"></div>')
    legend.append(f'<span><span class="lab-dot" style="background:{grey}"></span>not of this lab {size(others)}</span>')
    return (
        f'<div class="lab-line"><span><b>{size(now.free)} free</b> of {size(now.disk)}</span>'
        f"<span>this lab takes {size(now.total)}, {number_of(len(now.runs), 'run')} of it {size(runs.total)}</span>"
        "</div>"
        f'<div class="lab-disk">{"".join(parts)}</div><div class="lab-legend">{"".join(legend)}</div>'
    )


def runs_html(runs: Sequence[RunUse]) -> str:
    heads = ("total", "best weights", "last-epoch weights", "resume points", "predictions", "package", "other", "")
    rows = []
    for run in runs:
        sizes = run.bytes
        amounts = (sizes.total, sizes.best, sizes.final, sizes.resume, sizes.predictions, sizes.package, sizes.other)
        cells = "".join(f"<td>{size(amount) if amount else '–'}</td>" for amount in amounts)
        weights = dropped.read(Run(run.id)).weights
        note = "results only" if len(weights) > 1 else f"no {weights[0]} weights" if weights else ""
        name = escape(run.name)
        linked = name if run.state == "unreadable" else f'<a href="live?run={escape(run.id)}" target="_self">{name}</a>'
        rows.append(f"<tr><td>{linked} {badges.badge(run.state)}</td>{cells}<td>{note}</td></tr>")
    head = "".join(f"<th>{head}</th>" for head in ("largest runs", *heads))
    return (
        '<div class="lab-scroll" style="padding-top:.6rem"><table class="lab-table">'
        f"<thead><tr>{head}</tr></thead><tbody>{''.join(rows)}</tbody></table></div>"
    )
