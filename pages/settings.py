"""Settings: disk, where fold jobs train, who is told of ends, this machine's health, words and keys, what it is."""

from __future__ import annotations

from html import escape

import streamlit as st

from core import machine, places
from core.runs.lists import index
from pages.parts.hand import hand
from pages.parts.keys import glossary
from pages.parts.people import people
from pages.parts.settings import about, alerts, change, disk, engine, health, now, pixels, slots
from pages.parts.shared import frame, theme

entries = frame.begin_page(shows=hand.BOTH)
root = places.runs_folder()
st.html(
    '<div class="lab-title">Settings</div>'
    f'<div class="lab-meta">Of this machine ({escape(machine.name())}) and the runs in {escape(str(root))}</div>'
)
with st.container():
    change.told()
    if people.lab_locked():
        st.caption("Everybody sees this page; an admin of the lab changes the settings.")
with theme.section("Disk"):
    disk.section(root, entries)
with theme.section("Decoded photos"):
    pixels.section(root)
with theme.section("Where fold jobs train"):
    summaries = index.as_summaries(entries)
    engine.section(root, summaries)
    slots.controls(summaries)
with theme.section("This machine now"):
    now.section(root)
with theme.section("Who is told when a run ends"):
    alerts.section(root)
with theme.section("Is this machine well?"):
    health.section(root)
with theme.section("Words and keys"):
    st.caption(
        "Ctrl K, or ⌘ K on a Mac, finds runs, studies, datasets, pages and buttons; ? says what stands on a page, and "
        "its keys."
    )
    with st.expander("What the words mean", icon=":material/menu_book:"):
        st.html(glossary.listed())
with theme.section("Appearance and about"):
    about.section()
