"""Home: what this is and how to begin; what trains and waits, the last result, what else is here."""

from __future__ import annotations

import streamlit as st

from core.jobs.pace import ahead
from core.runs import Run
from core.runs.lists import index
from core.runs.lists.summaries import what_to_do
from pages.parts.home import around, ended, now, welcome
from pages.parts.shared import badges, frame
from pages.parts.tab import out_of_reach

entries = frame.begin_page()
welcome.open_chosen()
if problem := st.session_state.pop(ended.PROBLEM, None):
    badges.show_error(problem)
every = index.as_summaries(entries)
listed = now.readable(every)
active = any(summary["state"] in badges.ACTIVE for summary in listed)
before, spans = ahead.both(summaries=listed) if active else (None, {})
with st.container():
    if listed:
        welcome.at_home(Run(listed[0]["id"]), before)
    else:
        welcome.newcomer()
if active:
    interval = now.interval()
    st.fragment(out_of_reach.noticed(now.tick), run_every=interval)(now.signature(listed, interval), [spans])
if halted := [summary for summary in listed if any(fold["state"] in badges.STOPPED for fold in summary["folds"])]:
    ended.stopped(halted)
if done := [summary for summary in listed if summary["state"] == "done"]:
    ended.finished(done, ended.last_result(done))
for bad in [summary for summary in every if "unreadable" in summary][: ended.STOPPED_SHOWN]:
    st.html(badges.fault(f"{bad['unreadable']}.", what_to_do(Run(bad["id"])), bad["id"], "unreadable"))
around.section(every)
around.machine_line()
