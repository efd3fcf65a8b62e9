"""Predict, one photo: its classes, each fold beside the mean, how sure that is, what it resembles, its maps."""

from __future__ import annotations

import base64
import contextlib
from collections.abc import Iterator, Sequence
from html import escape

import numpy as np
import streamlit as st

from core.data.pictures.photo import photos_of
from core.data.thumbnails import small_jpeg, thumbnails
from core.errors import LabError
from core.predict.members import names_of
from core.predict.photos import Photo
from core.predict.predictions import Asked
from core.predict.predictor import WHICH
from core.predict.resembling import Features
from core.text import count, plain
from pages.parts.answer import answer
from pages.parts.answer.answer import Judged
from pages.parts.look_inside import maps as look_maps
from pages.parts.predict import work
from pages.parts.predict.question import Question
from pages.parts.predict.work import Outcome
from pages.parts.shared import badges, theme

SIDE = 420  # px of the photo on screen
MOST_CLASSES = 6  # in the table of folds
CSS = """<style>
.predict-photo img { width: 100%; max-width: min(340px, 45vw); border-radius: 6px; display: block; }
</style>"""


def show(outcome: Outcome, question: Question, row: int, summaries: Sequence[dict]) -> None:
    """row: the photo's place among the predictions."""
    predictions = outcome.predictions
    with begun(predictions, row) as is_answered:
        if is_answered:
            _answer(outcome, question, row)
            _folds(outcome, row)
    if is_answered:
        resembles(predictions, outcome.features, row)
        _maps(outcome, row, predictions.photos[row], summaries)


@contextlib.contextmanager
def begun(asked: Asked, row: int) -> Iterator[bool]:
    """The photo with what the runs know of it; what is drawn in the block stands beside it. False where nobody answers,
    which is told then."""
    photo = asked.photos[row]
    theme.heading(photo.name)
    for each in asked.acquaintances.get(row, ()):
        whose = f"{each.run.id}: " if len({member.run.id for member in asked.members}) > 1 else "This photo: "
        st.caption(plain(f"{whose}{each.words}."))
    left, right = st.columns([1, 2], gap="large")
    with left, contextlib.suppress(LabError):  # it is told beside
        data = base64.b64encode(small_jpeg(photo.pixels(asked.members[0].run.bits()), SIDE)).decode()
        st.html(f'{CSS}<div class="predict-photo"><img alt="" src="data:image/jpeg;base64,{data}"></div>')
    with right:
        problem = asked.problems.get(row)
        if problem is not None:
            badges.show_error(problem)
        yield problem is None


def _answer(outcome: Outcome, question: Question, row: int) -> None:
    """The answer, and how far to believe it."""
    why = "" if outcome.why is None else outcome.why.message
    judged = Judged(outcome.doubt, why, question.accuracy, bool(outcome.far[row]), outcome.notes)
    answer.show(outcome.predictions, row, judged, vote=question.vote, weights=outcome.weights)


def _folds(outcome: Outcome, row: int) -> None:
    """Each fold's answer beside the mean."""
    predictions = outcome.predictions
    mean = predictions.probabilities()[row]
    order = sorted(range(len(mean)), key=lambda place: -mean[place])[:MOST_CLASSES]
    several = len(predictions.runs) > 1
    head = '<th class="lab-left">fold</th><th class="lab-left">answers</th>'
    head += "".join(f"<th>{escape(predictions.class_names[place])}</th>" for place in order)
    rows = []
    for member, shares in zip(predictions.members, predictions.answers[:, row], strict=True):
        name = f"{member.run.id}, fold {member.fold}" if several else f"fold {member.fold}"
        if np.isnan(shares[0]):
            cells = '<td class="lab-left">was trained on it</td>' + "<td>–</td>" * len(order)
        else:
            cells = f'<td class="lab-left">{escape(predictions.class_names[int(shares.argmax())])}</td>'
            cells += "".join(f"<td>{shares[place]:.3f}</td>" for place in order)
        rows.append(f'<tr><td class="lab-left">{escape(name)}</td>{cells}</tr>')
    total = f'<td class="lab-left">{escape(predictions.class_names[order[0]])}</td>'
    total += "".join(f"<td>{mean[place]:.3f}</td>" for place in order)
    rows.append(f'<tr class="lab-total"><td class="lab-left">mean</td>{total}</tr>')
    st.html(
        f'<div class="lab-scroll"><table class="lab-table"><thead><tr>{head}</tr></thead>'
        f"<tbody>{''.join(rows)}</tbody></table></div>"
    )


def resembles(asked: Asked, features: Features | None, row: int) -> None:
    """The training photos that the first fold sees most alike. features: None until somebody asks for them."""
    theme.heading("What it resembles")
    if features is None:
        if len(asked.photos) == 1:
            work.learn(asked)
        else:  # the button stands above the table, once for all photos
            st.caption("Not compared with the training photos yet: the button above the table does it.")
        return
    member, own = features.member, asked.features[0][[row]]
    places, distances = (each[0] for each in features.nearest(own))
    if places[0] < 0:
        st.caption(f"Fold {count(member.fold)} was trained on it, so it is nearest to itself there.")
        return
    samples = member.run.samples()
    photos = photos_of(samples.iloc[places])
    figures = []
    for photo, place, distance, data in zip(photos, places, distances, thumbnails(photos), strict=True):
        image = "" if isinstance(data, LabError) else base64.b64encode(data).decode()
        picture = f'<img alt="" src="data:image/jpeg;base64,{image}">' if image else escape(str(data))
        words = f"{samples['class_name'].iloc[place]} · {distance:.2f}"
        figures.append(f"<figure title='{escape(photo.sample, quote=True)}'>{picture}{escape(words)}</figure>")
    st.html(f'<div class="lab-faces">{"".join(figures)}</div>')
    if not np.isfinite(features.limit):
        st.caption(
            "The photos that the network was trained on and sees most alike, by the distance of features (0 to 2). No "
            "photo was held out, so how far is far is not known."
        )
        return
    verdict = "further away than" if features.far(own)[0] else "within"
    st.caption(
        f"The photos that fold {count(member.fold)} was trained on and sees most alike, by the distance of features (0 "
        f"to 2). The nearest is {verdict} {features.limit:.2f}; 99 % of the photos it held out are within."
    )


def _maps(outcome: Outcome, row: int, photo: Photo, summaries: Sequence[dict]) -> None:
    """The five layers' maps, by the folds that answered of the first run."""
    theme.heading("What the layers attended to")
    predictions = outcome.predictions
    run = predictions.runs[0]
    asked = ~np.isnan(predictions.answers[:, row, 0])
    folds = [member.fold for member, own in zip(predictions.members, asked, strict=True) if own and member.run == run]
    if not folds:
        st.caption("No fold of the first run answered it.")
        return
    try:
        content = photo.whole()
    except OSError as error:
        st.html(badges.fault(f"{photo.name} cannot be read any more ({error.strerror}).", "Put it back."))
        return
    except LabError as error:
        badges.show_error(error)
        return
    look_maps.of_contents(run, names_of(run), WHICH, {photo.name: content}, summaries, {photo.name: tuple(folds)})
