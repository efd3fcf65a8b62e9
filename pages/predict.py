"""Predict: new photos answered by the networks of finished runs, with how far to believe each answer."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from core.errors import LabError
from core.predict.yes_no.answers import YesNoAnswers
from core.runs.lists import index
from pages.parts.hand import hand
from pages.parts.predict import many, one, question, sources, work, yes_no
from pages.parts.shared import badges, frame

LAUNCH = Path(__file__).with_name("launch.py")

summaries = index.as_summaries(frame.begin_page(answers=[frame.ANSWER], shows=(hand.STUDY,)))
st.html('<div class="lab-title">Predict</div>')
runs = question.pick_runs(summaries)
if not runs:
    question.forget()
    st.info("No finished run yet. Launch one, then let it answer new photos here.", icon=":material/online_prediction:")
    if st.button("Launch", type="primary", icon=":material/rocket_launch:"):
        st.switch_page(LAUNCH)
    st.stop()
try:
    asked = question.ask(runs)
    source = sources.choose(runs[0])
    answers = work.answers(asked, source)
    if answers is None:
        st.stop()
    attribute, note = None, ""
    if isinstance(answers, YesNoAnswers):
        attribute = yes_no.pick(answers)
        if attribute is None:
            yes_no.show(answers, asked)
            st.stop()
        answers, note = yes_no.through(answers, attribute)
    outcome = work.outcome_of(answers, asked, note)
except LabError as error:
    question.forget()
    badges.show_error(error)
    st.stop()
row = 0
if len(outcome.predictions.photos) > 1:
    row = many.show(outcome, asked)
if row is not None:
    one.show(outcome, asked, row, summaries)
