"""The stress test: a finished fold's model on held-out faces while one transform grows stronger."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import TYPE_CHECKING, Any

import numpy as np
import streamlit as st

from core.augment import steps
from core.config.transforms import TRANSFORMS, param_title, title_of
from core.data.persons import UNKNOWN, Persons, persons_of, units
from core.data.pictures.photo import photo_of, photos_of
from core.errors import LabError
from core.figures import stress as stress_figures
from core.places import HOME
from core.runs import Run
from core.runs.everybody.unmeasured import cross_validated
from core.runs.lists import index
from core.runs.yes_no import view as one_by_one
from core.runs.yes_no.view import OneAttribute, opened
from core.text import count, plain, sure
from pages.parts.shared import badges, faces, run_picker, theme
from pages.parts.shared.fields import begin, field

if TYPE_CHECKING:
    from core.inside.stress import StressPredictions

LAUNCH = HOME / "pages" / "launch.py"
CHECKPOINTS = {"best": "best epoch", "final": "last epoch"}
_CHART = {
    "theme": None,
    "width": "stretch",
    "config": {"displaylogo": False, "displayModeBar": False, "showSendToCloud": False},
}
ALL = "All"
Stamp = tuple[int, ...] | None  # of StoredPhoto.stamp


@dataclass(frozen=True)
class StressTest:
    """What is tested. param: the strength that grows, None for the probability. class_name: None for all classes.

    draw: which of the held-out faces.
    """

    run_id: str
    fold: int
    which: str
    transform: str
    param: str | None
    faces: int
    class_name: str | None
    draw: int


def show(_: Any) -> None:
    summaries = {s["id"]: s for s in cross_validated(index.summaries()) if _done_folds(s)}
    if not summaries:
        hint = "No run has a finished fold yet. Launch one, then see here what its model bears."
        st.info(hint, icon=":material/speed:")
        st.page_link(LAUNCH, label="Open Launch", icon=":material/rocket_launch:")
        return
    test = _controls(summaries)
    latest = st.session_state.get("stress-result")
    if st.session_state.pop("stress-asked", False):
        latest = _run(test)
    if latest is None or latest[0] != test:
        st.caption("Choose a transform and its strength, then test. The photos were never trained on by this model.")
        return
    _, outcome, tested = latest
    _draw(outcome, tested, opened(test.run_id), test.fold)


def _done_folds(summary: dict) -> list[int]:
    return [fold["fold"] for fold in summary.get("folds", ()) if fold["state"] == "done"]


def _controls(summaries: dict[str, dict]) -> StressTest:
    """summaries: of the runs with a finished fold, by their ids."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        run_id = _pick_run(summaries)
        fold = st.selectbox("Fold", _done_folds(summaries[run_id]), key=f"stress-fold-{run_id}", width=90)
        which = begin(
            st.segmented_control,
            "Weights",
            list(CHECKPOINTS),
            key="stress-which",
            begins="best",
            format_func=CHECKPOINTS.get,
            required=True,
        )
    if (
        linked := st.query_params.get("run")
    ) is None or linked in summaries:  # else it names a run that cannot be tested
        st.query_params["run"] = run_id
    key = run_id
    if attribute_names := one_by_one.attributes(Run(run_id)):
        attribute = st.selectbox("Attribute", attribute_names, key=f"stress-attribute-{run_id}", width=250)
        key = OneAttribute(Run(run_id), attribute).key
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = [name for name, entry in TRANSFORMS.items() if not entry.deterministic]
        transform = st.selectbox("Transform", names, key="stress-name", format_func=title_of, width=260)
        param = _pick_param(transform)
        classes = [ALL, *opened(key).info().get("class_names", [])]
        class_name = st.selectbox("Of class", classes, key=f"stress-class-{key}", width=150)
        hint = "Held out in this fold."
        number = begin(st.slider, "Photos", 8, 256, key="stress-count", begins=64, step=8, width=150, help=hint)
        draw = st.session_state.setdefault("stress-draw", 0)
        st.button("Other photos", icon=":material/casino:", key="stress-other", on_click=_draw_others)
        st.button("Test", type="primary", icon=":material/speed:", key="stress-go", on_click=_ask)
    return StressTest(
        run_id=key,
        fold=int(fold),
        which=which,
        transform=transform,
        param=param,
        faces=int(number),
        class_name=None if class_name == ALL else class_name,
        draw=draw,
    )


def _pick_run(summaries: dict[str, dict]) -> str:
    labels = {run_id: run_picker.run_label(summary) for run_id, summary in summaries.items()}
    linked = st.query_params.get("run")
    return field(
        st.selectbox,
        "Run",
        list(labels),
        key="stress-run",
        holds=linked if linked in labels else next(iter(labels)),
        take=lambda run_id: st.query_params.update(run=run_id),
        format_func=labels.get,
        width=300,
    )


def _pick_param(transform: str) -> str | None:
    """The parameter that grows; None where the transform has none."""
    params = TRANSFORMS[transform].params
    labels = {name: param_title(name) for name, param in params.items() if param.kind != "rgb"}
    if not labels:
        return None
    return st.selectbox("Strength", list(labels), format_func=labels.get, key=f"stress-{transform}", width=200)


def _ask() -> None:
    st.session_state["stress-asked"] = True


def _draw_others() -> None:
    st.session_state["stress-draw"] += 1


def _run(test: StressTest) -> tuple[StressTest, StressPredictions, list[Stamp]] | None:
    """With the stamps of the photos that were tested, in their order; None after a failure."""
    from core.inside import stress  # torch, which the other views do without

    run = opened(test.run_id)
    place = st.empty()
    bar = place.progress(0.0, "Loading the model")
    try:
        samples = stress.held_out(run, test.fold, test.faces, test.draw, test.class_name)
        stamps: list[Stamp] = [photo.stamp() for photo in photos_of(samples)]
        outcome = stress.stress(
            run,
            test.fold,
            samples,
            test.transform,
            test.param,
            steps.strengths(test.transform, test.param),
            which=test.which,
            progress=lambda done, total: bar.progress(done / total, f"Strength {done + 1:d} of {total:d}"),
        )
    except LabError as error:
        badges.show_error(error)
        return None
    finally:
        place.empty()
    st.session_state["stress-result"] = (test, outcome, stamps)
    return test, outcome, stamps


def _photos(persons: Persons) -> str:
    """ "60 held-out photos of 12 people"; without the people where they are unknown."""
    photos = f"{count(persons.photos)} held-out photos"
    return photos if persons.state == UNKNOWN else f"{photos} of {units(persons.people, persons.state)}"


def _draw(outcome: StressPredictions, tested: list[Stamp], run: Run, fold: int) -> None:
    """tested: stamps of the photos as they were then."""
    param = TRANSFORMS[outcome.name].params.get(outcome.param)
    strength = "probability" if param is None else param_title(outcome.param).lower()
    strength += f", {param.unit}" if param is not None and param.unit else ""
    persons = persons_of(outcome.samples)
    worst = int(outcome.accuracy.argmin())
    st.caption(
        f"{plain(title_of(outcome.name))}, always applied, its other parameters as in the run (else the defaults), on "
        f"{_photos(persons)}. Without it: accuracy {outcome.plain_accuracy:.3f}; at "
        f"worst {outcome.accuracy[worst]:.3f}, at {outcome.values[worst]:.3g}."
    )
    figure = stress_figures.accuracy_curve(
        outcome.values, outcome.accuracy, outcome.true_p.mean(1), outcome.plain_accuracy, strength
    )
    st.plotly_chart(figure, key="stress-accuracy", **_CHART)
    theme.heading("One photo")
    face = _pick_face(outcome)
    _face(outcome, face, tested[face], run, fold, strength)


def _pick_face(outcome: StressPredictions) -> int:
    """Place of a face among the samples; those whose answer changes with the strength come first."""
    samples = outcome.samples
    changes = (outcome.right != outcome.right[:1]).any(0)
    labels = {}
    for face in np.argsort(~changes, kind="stable").tolist():
        label = f"{samples['class_name'].iloc[face]} · {samples['sample'].iloc[face]}"
        labels[face] = f"{label} · changes its answer" if changes[face] else label
    hint = "Those whose answer changes with the strength come first."
    return st.selectbox("Photo", list(labels), key="stress-face", width=480, format_func=labels.get, help=hint)


def _face(outcome: StressPredictions, face: int, tested: Stamp, run: Run, fold: int, strength: str) -> None:
    """What the network saw of one held-out face at each strength, and what it said. tested: the stamp it had then."""
    samples, names = outcome.samples, outcome.class_names
    label = int(samples["y"].iloc[face])
    probabilities = outcome.probabilities[:, face]
    param = None if outcome.param == "p" else outcome.param
    values = tuple(outcome.values.tolist())
    now = photo_of(samples.iloc[face]).stamp()
    if now not in (tested, None):  # of one that is gone the pictures say so
        words = "This photo was changed or replaced since it was tested, so the answers are not to it. Test again."
        st.warning(words, icon=":material/sync_problem:")
        return
    try:
        pictures = _pictures(run.key, fold, int(samples.index[face]), now, outcome.name, param, values)
    except LabError as error:
        badges.show_error(error)
        return
    figures = "".join(
        _figure(picture, value, names[row.argmax()], row.max(), right=row.argmax() == label)
        for picture, value, row in zip(pictures, values, probabilities, strict=True)
    )
    st.html(f'<div class="lab-faces">{figures}</div>')
    likely = np.argsort(-probabilities.max(0), kind="stable")[:4].tolist()
    classes = list(dict.fromkeys([label, *likely]))
    curve = stress_figures.face_curve(outcome.values, probabilities[:, classes], [names[c] for c in classes], strength)
    st.plotly_chart(curve, key="stress-one", **_CHART)


def _figure(picture: str, value: float, answer: str, probability: float, *, right: bool) -> str:
    """HTML of the face at one strength, with the answer to it."""
    tone, verdict = ("good", "right") if right else ("bad", "wrong")
    return (
        f"<figure>{picture}<div>{value:.3g}</div>{escape(answer)}, {sure(probability)}<br>"
        f'<span class="lab-{tone}" style="color:var(--c)">{verdict}</span></figure>'
    )


@st.cache_data(max_entries=32, show_spinner=False)
def _pictures(
    run_id: str,
    fold: int,
    row: int,
    now: Stamp,
    name: str,
    param: str | None,
    values: tuple[float, ...],
) -> list[str]:
    """HTML of one face at each strength. now: of the file that lies there."""
    from core.inside import stress

    run = opened(run_id)
    pictures = stress.pictures(run, fold, run.samples().loc[row], name, param, values)
    return [faces.image(picture, "the photo at this strength") for picture in pictures]
