"""Predict: new photos answered by the networks of finished runs, with how far to believe each answer."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.errors import LabError
from core.runs.lists import index
from pages.parts.hand import hand
from pages.parts.predict import many, one, question, sources, work
from pages.parts.shared import badges, frame

LAUNCH = Path(__file__).with_name("launch.py")

frame.begin_page(shows=(hand.STUDY,))
summaries = index.summaries()
st.html('<div class="lab-title">Predict</div>')
runs = question.pick_runs(summaries)
if not runs:
    st.info("No finished run yet. Launch one, then let it answer new photos here.", icon=":material/online_prediction:")
    if st.button("Launch", type="primary", icon=":material/rocket_launch:"):
        st.switch_page(LAUNCH)
    st.stop()
asked = question.ask(runs)
source = sources.choose(runs[0])
try:
    outcome = work.answers(asked, source)
except LabError as error:
    badges.show_error(error)
    st.stop()
if outcome is None:
    st.stop()
row = 0
if len(outcome.predictions.photos) > 1:
    row = many.show(outcome, asked)
if row is not None:
    one.show(outcome, asked, row, summaries)
