"""The stress test: a finished fold's model on held-out faces while one transform grows stronger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import streamlit as st

from core import drawn, runs
from core.augment import TRANSFORMS
from core.errors import LabError
from core.text import plain
from pages.parts import states

LAUNCH = Path(__file__).parents[1] / "launch.py"


def show(_: Any) -> None:
    done = {
        s["id"]: [f["fold"] for f in s["folds"] if f["state"] == "done"]
        for s in runs.summaries()
        if any(fold["state"] == "done" for fold in s.get("folds", ()))
    }
    if not done:
        st.info(
            "No run has a finished fold yet. Launch one, then see here what its model bears.", icon=":material/speed:"
        )
        st.page_link(LAUNCH, label="Open Launch", icon=":material/rocket_launch:")
        return
    labels = {s["id"]: states.run_label(s) for s in runs.summaries() if s["id"] in done}
    with st.container(horizontal=True, vertical_alignment="bottom"):
        wanted = st.query_params.get("run")
        ids = list(done)
        start = ids.index(wanted) if wanted in ids else 0
        run_id = st.selectbox("Run", ids, index=start, format_func=labels.get, key="stress-run", width=300)
        fold = st.selectbox("Fold", done[run_id], key=f"stress-fold-{run_id}", width=90)
        which = st.segmented_control("Weights", ["best", "final"], default="best", key="stress-which", required=True)
    with st.container(horizontal=True, vertical_alignment="bottom"):
        names = [n for n, entry in TRANSFORMS.items() if not entry.deterministic]
        name = st.selectbox("Transform", names, key="stress-name", width=230)
        known = [key for key, param in TRANSFORMS[name].params.items() if param.kind != "rgb"]
        shown = {key: key.replace("_", " ") for key in known}
        param = None
        if known:
            param = st.selectbox("Strength", known, format_func=shown.get, key=f"stress-{name}", width=200)
        faces = st.slider("Faces", 8, 256, 64, 8, key="stress-count", width=160, help="Held out in this fold.")
        st.button("Test", type="primary", icon=":material/speed:", key="stress-go", on_click=_ask)
    st.query_params["run"] = run_id
    asked = json.dumps([run_id, fold, which, name, param, faces])
    kept = st.session_state.get("stress-result")
    if st.session_state.pop("stress-asked", False):
        kept = _test(runs.Run(run_id), int(fold), which, name, param, int(faces), asked)
    if kept is None or kept[0] != asked:
        st.caption("Choose a transform and its strength, then test. The faces were never trained on by this model.")
        return
    _draw(kept[1])


def _ask() -> None:
    st.session_state["stress-asked"] = True


def _test(run: runs.Run, fold: int, which: str, name: str, param: str | None, faces: int, asked: str) -> tuple | None:
    from core import stress  # torch, which the other views do without

    place = st.empty()
    bar = place.progress(0.0, "Loading the model")
    try:
        values = drawn.strengths(name, param)
        chosen = stress.held_out(run, fold, faces)
        found = stress.stress(
            run, fold, chosen, name, param, values, which=which,
            progress=lambda done, total: bar.progress(done / total, f"Strength {done + 1} of {total}"),
        )  # fmt: skip
    except LabError as error:
        states.show_error(error)
        return None
    finally:
        place.empty()
    st.session_state["stress-result"] = (asked, found)
    return asked, found


def _draw(found: Any) -> None:
    unit = TRANSFORMS[found.name].params[found.param].unit if found.param in TRANSFORMS[found.name].params else ""
    strength = f"{found.param.replace('_', ' ')}{', ' + unit if unit else ''}"
    table = pd.DataFrame(
        {strength: found.values, "accuracy": found.accuracy, "probability of the true class": found.true_p.mean(1)}
    )
    people = found.samples["person"].nunique()
    st.caption(
        f"{plain(found.name)}, always applied, its other parameters as in the run (else the defaults), on "
        f"{len(found.samples)} held-out photos of {people} people. Without it: accuracy {found.plain_accuracy:.3f}."
    )
    st.line_chart(
        table, x=strength, y=["accuracy", "probability of the true class"], height=300, y_label="share, 0 to 1"
    )
    names = found.samples["sample"].tolist()
    chosen = st.selectbox("One face", range(len(names)), format_func=lambda i: names[i], key="stress-face")
    label = int(found.samples["y"].iloc[chosen])
    likely = np.argsort(-found.probabilities[:, chosen].max(0), kind="stable")[:4]
    order = list(dict.fromkeys([label, *likely.tolist()]))
    one = pd.DataFrame({found.class_names[i]: found.probabilities[:, chosen, i] for i in order})
    one.insert(0, strength, found.values)
    st.caption(f"True class: {plain(found.class_names[label])}.")
    st.line_chart(one, x=strength, y=[found.class_names[i] for i in order], height=260, y_label="probability, 0 to 1")
