"""The stress test: a finished fold's model on held-out faces while one transform grows stronger."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Any

import numpy as np
import streamlit as st

from core.augment import steps
from core.augment.pipeline import TRANSFORMS
from core.data.persons import UNKNOWN, Persons, persons_of, units
from core.errors import LabError
from core.figures import stress as stress_figures
from core.places import HOME
from core.runs import index
from core.runs import run as runs
from core.text import count, plain
from pages.parts.shared import badges, faces, run_picker, theme
from pages.parts.shared.fields import begin, field

LAUNCH = HOME / "pages" / "launch.py"
_CHART = {"theme": None, "width": "stretch", "config": {"displaylogo": False, "displayModeBar": False}}
ALL = "All"


@dataclass(frozen=True)
class Wanted:
    """What is asked of a stress test. of: a class, None for all. draw: which faces."""

    run: str
    fold: int
    which: str
    name: str
    param: str | None
    faces: int
    of: str | None
    draw: int


def show(_: Any) -> None:
    done = {
        s["id"]: [f["fold"] for f in s["folds"] if f["state"] == "done"]
        for s in index.summaries()
        if any(fold["state"] == "done" for fold in s.get("folds", ()))
    }
    if not done:
        st.info(
            "No run has a finished fold yet. Launch one, then see here what its model bears.", icon=":material/speed:"
        )
        st.page_link(LAUNCH, label="Open Launch", icon=":material/rocket_launch:")
        return
    labels = {s["id"]: run_picker.run_label(s) for s in index.summaries() if s["id"] in done}
    wanted = _controls(done, labels)
    kept = st.session_state.get("stress-result")
    if st.session_state.pop("stress-asked", False):
        kept = _test(wanted)
    if kept is None or kept[0] != wanted:
        st.caption("Choose a transform and its strength, then test. The faces were never trained on by this model.")
        return
    _draw(kept[1], runs.Run(wanted.run), wanted.fold)


def _controls(done: dict[str, list[int]], labels: dict[str, str]) -> Wanted:
    """done: run -> its finished folds. labels: run -> how it is shown."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        linked, ids = st.query_params.get("run"), list(done)
        run_id = field(
            st.selectbox, "Run", ids, key="stress-run", holds=linked if linked in ids else ids[0],
            take=lambda run_id: st.query_params.update(run=run_id), format_func=labels.get, width=300,
        )  # fmt: skip
        fold = st.selectbox("Fold", done[run_id], key=f"stress-fold-{run_id}", width=90)
        which = begin(
            st.segmented_control, "Weights", ["best", "final"], key="stress-which", begins="best", required=True
        )
    st.query_params["run"] = run_id
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = [n for n, entry in TRANSFORMS.items() if not entry.deterministic]
        name = st.selectbox("Transform", names, key="stress-name", width=230)
        known = [key for key, param in TRANSFORMS[name].params.items() if param.kind != "rgb"]
        shown = {key: key.replace("_", " ") for key in known}
        param = None
        if known:
            param = st.selectbox("Strength", known, format_func=shown.get, key=f"stress-{name}", width=200)
        kinds = [ALL, *runs.Run(run_id).info().get("class_names", [])]
        kind = st.selectbox("Of class", kinds, key=f"stress-class-{run_id}", width=150)
        most = begin(
            st.slider, "Faces", 8, 256, key="stress-count", begins=64, step=8, width=150, help="Held out in this fold."
        )
        draw = st.session_state.setdefault("stress-draw", 0)
        st.button("Other faces", icon=":material/casino:", key="stress-other", on_click=_other)
        st.button("Test", type="primary", icon=":material/speed:", key="stress-go", on_click=_ask)
    return Wanted(run_id, int(fold), which, name, param, int(most), None if kind == ALL else kind, draw)


def _ask() -> None:
    st.session_state["stress-asked"] = True


def _other() -> None:
    st.session_state["stress-draw"] += 1


def _test(wanted: Wanted) -> tuple[Wanted, Any] | None:
    from core.inside import stress  # torch, which the other views do without

    run = runs.Run(wanted.run)
    place = st.empty()
    bar = place.progress(0.0, "Loading the model")
    try:
        values = steps.strengths(wanted.name, wanted.param)
        chosen = stress.held_out(run, wanted.fold, wanted.faces, wanted.draw, wanted.of)
        found = stress.stress(
            run, wanted.fold, chosen, wanted.name, wanted.param, values, which=wanted.which,
            progress=lambda done, total: bar.progress(done / total, f"Strength {done + 1:d} of {total:d}"),
        )  # fmt: skip
    except LabError as error:
        badges.show_error(error)
        return None
    finally:
        place.empty()
    st.session_state["stress-result"] = (wanted, found)
    return wanted, found


def _photos(persons: Persons) -> str:
    """ "60 held-out photos of 12 people"; without the people where they are unknown."""
    photos = f"{count(persons.photos)} held-out photos"
    return photos if persons.state == UNKNOWN else f"{photos} of {units(persons.people, persons.state)}"


def _draw(found: Any, run: runs.Run, fold: int) -> None:
    param = TRANSFORMS[found.name].params.get(found.param)
    strength = "probability" if param is None else found.param.replace("_", " ")
    strength += f", {param.unit}" if param is not None and param.unit else ""
    persons = persons_of(found.samples)
    worst = int(found.accuracy.argmin())
    st.caption(
        f"{plain(found.name)}, always applied, its other parameters as in the run (else the defaults), on "
        f"{_photos(persons)}. Without it: accuracy {found.plain_accuracy:.3f}; at "
        f"worst {found.accuracy[worst]:.3f}, at {_told(found.values[worst])}."
    )
    figure = stress_figures.accuracy_curve(
        found.values, found.accuracy, found.true_p.mean(1), found.plain_accuracy, strength
    )
    st.plotly_chart(figure, key="stress-accuracy", **_CHART)
    _face(found, run, fold, strength)


def _face(found: Any, run: runs.Run, fold: int, strength: str) -> None:
    """One held-out face: what the network saw at each strength, what it said."""
    theme.heading("One face")
    samples = found.samples
    turned = ((found.right != found.right[:1]).any(0)).nonzero()[0].tolist()
    order = turned + [i for i in range(len(samples)) if i not in set(turned)]
    mark = {i: " · changes its answer" for i in turned}
    chosen = st.selectbox(
        "Face", order, key="stress-face", width=480,
        format_func=lambda i: f"{samples['class_name'].iloc[i]} · {samples['sample'].iloc[i]}{mark.get(i, '')}",
        help="Those whose answer changes with the strength come first.",
    )  # fmt: skip
    label = int(samples["y"].iloc[chosen])
    names, probabilities = found.class_names, found.probabilities[:, chosen]
    param = None if found.param == "p" else found.param
    try:
        pictures = _pictures(run.id, fold, int(samples.index[chosen]), found.name, param, tuple(found.values.tolist()))
    except LabError as error:
        badges.show_error(error)
        return
    cells = []
    for value, picture, row in zip(found.values, pictures, probabilities, strict=True):
        said = int(row.argmax())
        tone = "good" if said == label else "bad"
        told = f'<span class="lab-{tone}" style="color:var(--c)">{"right" if said == label else "wrong"}</span>'
        cells.append(
            f"<figure>{picture}<div>{_told(value)}</div>{escape(names[said])} {row[said]:.2f}<br>{told}</figure>"
        )
    st.html(f'<div class="lab-faces">{"".join(cells)}</div>')
    likely = np.argsort(-probabilities.max(0), kind="stable")[:4].tolist()
    shown = list(dict.fromkeys([label, *likely]))
    figure = stress_figures.face_curve(found.values, probabilities[:, shown], [names[i] for i in shown], strength)
    st.plotly_chart(figure, key="stress-one", **_CHART)


@st.cache_data(max_entries=32, show_spinner=False)
def _pictures(run_id: str, fold: int, row: int, name: str, param: str | None, values: tuple[float, ...]) -> list[str]:
    """HTML of one face at each strength."""
    from core.inside import stress

    run = runs.Run(run_id)
    made = stress.pictures(run, fold, run.samples().loc[row], name, param, values)
    return [faces.image(picture, "the face at this strength") for picture in made]


def _told(value: float) -> str:
    return f"{value:.3g}"
