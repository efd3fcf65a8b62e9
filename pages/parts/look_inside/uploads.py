"""Look inside, another photo: what the run's folds answer about photos that it does not know, and their maps below."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Sequence

import numpy as np
import streamlit as st

from core.answers.mistakes import Answers
from core.data.thumbnails import small_jpeg
from core.errors import LabError
from core.inside import face_maps
from core.predict import photos
from core.predict.doubt import ACCURACY, doubt
from core.predict.predictions import Predictions
from core.predict.predictor import WHICH, Predictor
from core.runs import Run
from core.text import count, plain
from pages.parts.answer import answer
from pages.parts.answer.answer import Judged
from pages.parts.look_inside import address, maps
from pages.parts.shared import badges, theme

ANSWERED = "look-answered"  # in the session: what was answered about the uploads, until they are taken away
SIDE = 320  # px of a photo on screen
HELP = "At most eight, cropped as the run crops its photos. Nothing of them is kept when the tab is closed."
_CSS = (
    "<style>.look-upload img { width: 100%; max-width: min(240px, 45vw); border-radius: 6px; display: block; }</style>"
)


def show(run: Run, answers: Answers, summaries: Sequence[dict]) -> None:
    """The folds that did not see a photo answer it; what is wrong with one photo is said in its place."""
    files = st.file_uploader(
        "Photos",
        accept_multiple_files=True,
        max_upload_size=20,
        key="look-uploads",
        type=maps.SUFFIXES,
        help=HELP,
    )
    st.caption(
        "No fold has seen an uploaded photo, so all folds judge it; one that is in the dataset is judged by the fold "
        "that held it out alone. Another photo of somebody in the dataset is not recognised as theirs: choose one of "
        "theirs under Mistakes and maps."
    )
    if not files:
        for kept in (maps.UPLOADED, ANSWERED):
            st.session_state.pop(kept, None)
        return
    if len(files) > address.MOST_FACES:
        st.html(badges.fault(f"{len(files)} photos are too many.", f"The first {address.MOST_FACES} are shown."))
    contents = maps.contents_of(files[: address.MOST_FACES])
    folds: dict[str, tuple[int, ...]] = {}
    try:
        predictions, judged = _answered(run, answers.which, contents)
        for row in range(len(contents)):
            _one(run, predictions, judged, row)
            if row in predictions.acquaintances:
                asked = ~np.isnan(predictions.answers[:, row, 0])
                folds[predictions.photos[row].name] = tuple(predictions.members[k].fold for k in np.flatnonzero(asked))
    except LabError as error:
        badges.show_error(error)
    theme.heading("What the layers attended to")
    maps.of_contents(run, answers.class_names, answers.which, contents, summaries, folds)


def _answered(run: Run, which: str, contents: dict[str, bytes]) -> tuple[Predictions, Judged]:
    """What the folds say that are done; they are asked once. Raises LabError where none can answer."""
    digests = tuple((name, hashlib.sha256(content).digest()) for name, content in contents.items())
    key = (run.key, which, digests, face_maps.version(run, [], which))
    kept = st.session_state.get(ANSWERED)
    if kept is None or kept[0] != key:
        done = [state.fold for state in run.states() if state.state == "done"]
        predictor = Predictor([run], folds=done, which=which)
        with st.spinner(f"Asking {count(len(done))} fold{'s' * (len(done) != 1)}", show_time=True):
            predictions = predictor.answer(photos.of_uploads(contents))
        assert isinstance(predictions, Predictions)  # a run of many attributes is seen through one here
        kept = st.session_state[ANSWERED] = (key, predictions, _judged(predictions, which))
    return kept[1], kept[2]


def _judged(predictions: Predictions, which: str) -> Judged:
    if which != WHICH:
        return Judged(None, "it is known of the best epoch alone.", sentences=predictions.notes)
    try:
        return Judged(doubt(predictions, views=False), accuracy=ACCURACY, sentences=predictions.notes)
    except LabError as error:
        return Judged(None, error.message, sentences=predictions.notes)


def _one(run: Run, predictions: Predictions, judged: Judged, row: int) -> None:
    """The photo, and its answer beside it."""
    photo = predictions.photos[row]
    theme.heading(photo.name)
    for each in predictions.acquaintances.get(row, ()):
        st.caption(plain(f"{each.run.id}: {each.words}."))
    problem = predictions.problems.get(row)
    if problem is not None:
        badges.show_error(problem)
        return
    left, right = st.columns([1, 3.4], gap="large")
    with left:
        data = base64.b64encode(small_jpeg(photo.pixels(run.bits()), SIDE)).decode()
        st.html(f'{_CSS}<div class="look-upload"><img alt="" src="data:image/jpeg;base64,{data}"></div>')
    with right:
        answer.show(predictions, row, judged)
