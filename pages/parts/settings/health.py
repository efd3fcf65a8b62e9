"""The doctor's looks: what of this machine or the runs folder could spoil a training, each with what to do."""

from __future__ import annotations

import time
from html import escape
from pathlib import Path

import streamlit as st

from core.jobs import doctor
from core.jobs.doctor import Finding
from core.text import ago, number_of

LOOKED, ASKED = "settings-doctor", "settings-doctor-asked"  # in the session: (when, findings); a click that waits
SIGNS = {
    "good": ("check_circle", "fine", "good"),
    "note": ("info", "worth knowing", "warn"),
    "fault": ("error", "to mend", "bad"),
}
_STYLE = """<style>
.lab-looks { display: grid; grid-template-columns: max-content minmax(0, 1fr); gap: .3rem 1rem; font-size: .93rem;
  overflow-wrap: anywhere; padding-top: .3rem; }
.lab-looks i { display: block; }
@media (max-width: 500px) { .lab-looks { grid-template-columns: 1fr; gap: 0; }
  .lab-looks > :nth-child(2n) { padding-bottom: .45rem; } }
</style>"""


def section(root: Path) -> None:
    looked = st.session_state.get(LOOKED)
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Look at this machine" if looked is None else "Look again",
            icon=":material/stethoscope:",
            key="settings-doctor-look",
            help="Versions, devices, shared memory, rights, locks, disk, weights, runs and left-overs: some seconds, "
            "in which two processes try whether locks hold.",
            on_click=_ask,
        )
        if st.session_state.pop(ASKED, False):
            with st.spinner("Looking", show_time=True):
                looked = st.session_state[LOOKED] = (time.time(), doctor.examine(root))
        if looked:
            st.html(
                f'<div class="lab-meta" role="status">{verdict(looked[1])}, {ago(looked[0])}</div>', width="content"
            )
    if looked:
        st.html(_STYLE + looks_html(looked[1]))


def _ask() -> None:
    st.session_state[ASKED] = True


def verdict(findings: list[Finding]) -> str:
    """What all looks come to, in a few words."""
    faults, notes = (sum(finding.verdict == kind for finding in findings) for kind in ("fault", "note"))
    if faults:
        return f"{number_of(faults, 'thing')} to mend" + (f", {notes:,} worth knowing" if notes else "")
    return f"Nothing to mend, {number_of(notes, 'thing')} worth knowing" if notes else "All is well"


def looks_html(findings: list[Finding]) -> str:
    """Faults first, then what is worth knowing."""
    rows = []
    for finding in sorted(findings, key=lambda finding: list(SIGNS).index(finding.verdict), reverse=True):
        icon, word, tone = SIGNS[finding.verdict]
        sign = f'<span class="lab-icon lab-{tone}" aria-hidden="true">{icon}</span>'
        remedy = f"<i>{escape(finding.remedy)}</i>" if finding.remedy else ""
        rows.append(
            f'<div><span class="lab-state">{sign} {escape(finding.subject)}</span> '
            f'<span class="lab-meta">{word}</span></div><div>{escape(finding.what)} {remedy}</div>'
        )
    return f'<div class="lab-looks">{"".join(rows)}</div>'
