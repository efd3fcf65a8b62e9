"""Predict, the answers: made in a thread while the page stays alive, and kept until others are asked for."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import streamlit as st

from core.errors import LabError
from core.inside import face_maps
from core.predict import resembling
from core.predict.doubt import Doubt, doubt
from core.predict.job import Job, Progress
from core.predict.members import Member
from core.predict.predictions import SHARES_OF_VOTES, Asked, Predictions
from core.predict.predictor import WHICH, Predictor
from core.predict.resembling import Features
from core.predict.yes_no.answers import YesNoAnswers
from core.text import count, plain
from pages.parts.predict.question import Question
from pages.parts.predict.sources import Source
from pages.parts.shared import badges, frame, moved
from pages.parts.tab.closed import still_open

JOB, KEY, OUTCOME = "predict-job", "predict-key", "predict-outcome"  # in the session
TO_LEARN = "predict-to-learn"  # in the session: a click that is not answered yet
# In the session: the job that learns what the training photos look like, and the member that looks at them.
LEARNING, LEARNER = "predict-learning", "predict-learner"
EVERY = 0.4  # seconds between two looks at a job


@dataclass(frozen=True, eq=False)
class Outcome:
    """What was answered, and what follows from it under the page's question. weights: of the runs, None unless asked.

    doubt: None with why, where the run's own answers are not there to judge by. features: of the first member's
    training photos, None until somebody asks for them.
    """

    predictions: Predictions
    views: tuple[str, ...]
    weights: np.ndarray | None
    doubt: Doubt | None
    why: LabError | None
    features: Features | None
    notes: tuple[str, ...] = ()

    @property
    def far(self) -> np.ndarray:
        """(n,) bool: beyond the 99th percentile of the held-out photos; all False where that was not learned."""
        if self.features is None:
            return np.zeros(len(self.predictions.photos), dtype=bool)
        return self.features.far(self.predictions.features[0])


@dataclass(frozen=True)
class Click:
    """On the button that answers. chosen: what somebody chose to be answered, and by whom. there: what of it the lab
    met on disk, of which the button told, and which may be other by now without anybody here having chosen so."""

    chosen: tuple
    there: tuple

    def means(self, now: Click) -> bool:
        """Whether what would be answered now is what was shown, or was chosen here since."""
        return self.chosen != now.chosen or self.there == now.there


def answers(question: Question, source: Source | None) -> Predictions | YesNoAnswers | None:
    """The answers to what is asked now; None while there are none. Raises LabError for runs that cannot answer."""
    place = st.container()  # always there, so that what stands below stays what it is
    was_asked, click = frame.ANSWER in st.session_state, st.session_state.pop(frame.ANSWER, None)
    predictor = Predictor(question.runs, views=question.views)
    versions = tuple(face_maps.version(run, [], WHICH) for run in question.runs)
    key = None if source is None else (tuple(run.dir for run in question.runs), versions, question.views, source.key)
    with place:
        job: Job | None = st.session_state.get(JOB)
        if job is not None and st.session_state.get(KEY) != key:
            job.cancel()  # it answers what nobody asks any more
            job = None
            st.session_state.pop(JOB)
        if source is None or key is None:
            return None
        if job is None:
            now = Click((key[0], key[2], source.chosen), (versions, source.number))
            if not source.at_once and not (was_asked and (click is None or click.means(now))):
                _offer(source, predictor, now)
                if was_asked:
                    st.caption("Nothing was answered: the photos or the networks are others than the button told.")
                return None
            job = st.session_state[JOB] = Job(lambda progress: _work(predictor, source, progress), still_open())
            st.session_state[KEY] = key
        if job.is_running:
            _watch(job, "photos read and answers given")
            return None
        if job.was_cancelled:
            st.caption("Cancelled; nothing was kept.")
            _again("Ask again")
            return None
        try:
            predictions = job.result()
        except LabError as error:  # what it tells of may be mended by now
            badges.show_error(error)
            _again("Ask again")
            return None
        if source.may_change:
            _again("Answer anew", type="tertiary", help="With the photos that lie there by now.")
    assert predictions is not None  # it ended, and was not cancelled
    return predictions


def _again(label: str, **look: Any) -> None:
    st.button(label, icon=":material/refresh:", key="predict-again", on_click=_begin_anew, **look)


def _begin_anew() -> None:
    st.session_state.pop(JOB, None)
    _ask(None)


def _ask(click: Click | None) -> None:
    """A click is only noted: what begins the page anew before it is answered would lose it, and what was chosen just
    before is not known to it."""
    st.session_state[frame.ANSWER] = click


def _ask_to_learn(member: Member) -> None:
    st.session_state[TO_LEARN] = member


def _offer(source: Source, predictor: Predictor, now: Click) -> None:
    number = "" if source.number is None else f"{count(source.number)} "
    folds = len(predictor.members)
    label = f"Answer the {number}photos by {count(folds)} fold{'s' * (folds != 1)}"
    if source.number == 1:
        label = label.replace("the 1 photos", "the photo")
    st.button(
        plain(label),
        type="primary",
        icon=":material/online_prediction:",
        key="predict-answer",
        on_click=_ask,
        args=(now,),
    )


def _work(predictor: Predictor, source: Source, progress: Progress) -> Predictions | YesNoAnswers:
    notes: list[str] = []
    asked = source.photos(notes.append)
    answered = predictor.answer(asked, progress, features_of=[0])
    return replace(answered, notes=(*notes, *answered.notes))


@st.fragment(run_every=EVERY)
def _watch(job: Job, what: str) -> None:
    """How far a job is, with a way to cancel it; the page is drawn anew once it has ended."""
    if not job.is_running:
        st.rerun()
    with st.container(horizontal=True, vertical_alignment="center"):
        share = job.done / job.total if job.total else 0.0
        st.progress(share, f"{count(job.done)} of {count(job.total)} {what}" if job.total else "Opening the networks")
        st.button("Cancel", icon=":material/close:", on_click=job.cancel, key="predict-cancel")


def outcome_of(predictions: Predictions, question: Question, note: str = "") -> Outcome:
    """What follows from answers under the question; kept until either changes. note: a sentence to tell with them.

    Raises LabError as weights.fitted.
    """
    key = (question, predictions)
    kept = st.session_state.get(OUTCOME)
    if kept is None or kept[0][0] != question or kept[0][1] is not predictions:
        fitted, notes = None, (*predictions.notes, *([note] if note else []))
        if question.vote == "weighted":
            from core.predict import weights as of_runs

            fitted = of_runs.fitted(predictions.runs)
            notes = (*notes, *fitted.sentences)
        if question.vote == "hard":
            notes = (*notes, SHARES_OF_VOTES)
        judged, why = None, None
        try:
            judged = doubt(
                predictions,
                views=bool(question.views),
                vote=question.vote,
                weights=fitted,
                alpha=question.alpha,
                accuracy=question.accuracy,
            )
        except LabError as error:
            why = error
        features = resembling.load(predictions.members[0])
        weights = None if fitted is None else fitted.weights
        outcome = Outcome(predictions, question.views, weights, judged, why, features, notes)
        kept = st.session_state[OUTCOME] = (key, outcome)
    return kept[1]


def learn(asked: Asked) -> None:
    """The button that has the first fold look at all photos of its run, once; then the page is drawn with them."""
    member = asked.members[0]
    job: Job | None = st.session_state.get(LEARNING) if st.session_state.get(LEARNER) == member else None
    if job is not None and job.is_running:
        _watch(job, "training photos read and looked at")
        return
    if job is not None:
        st.session_state.pop(LEARNING)
        try:
            with moved.noted(member.run, whole=False):  # nothing is known of them where it was cancelled
                learned = job.result()
            if learned is not None:
                st.session_state.pop(OUTCOME, None)
                st.rerun()
        except LabError as error:
            badges.show_error(error)
    if st.session_state.pop(TO_LEARN, None) == member:
        if (other := st.session_state.get(LEARNING)) is not None:
            other.cancel()  # it learns for a run that nobody looks at any more
        st.session_state[LEARNER] = member
        st.session_state[LEARNING] = job = Job(lambda progress: resembling.made(member, progress), still_open())
        _watch(job, "training photos read and looked at")
        return
    photos = len(member.run.samples())
    st.button(
        f"Compare with the training photos (fold {count(member.fold)} looks at {count(photos)} photos, once)",
        icon=":material/image_search:",
        key="predict-learn",
        help="The nearest training photos, and whether a photo is far from all of them.",
        on_click=_ask_to_learn,
        args=(member,),
    )
