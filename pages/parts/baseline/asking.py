"""The frozen features of runs' first weights, computed on a click, with a bar and Cancel. It begins without torch."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from core.answers import frozen_features
from core.runs import Run
from core.text import count
from pages.parts.doing import doing
from pages.parts.shared import frame, moved

ASKED = "baseline-asked"  # in the session: ids of the runs whose baseline was asked for and is not there yet
STAGES = {"decoding photos": (0.0, 0.1), "photos seen": (0.1, 0.7), "fits made": (0.7, 1.0)}  # of a run's work


def ask(runs: Sequence[Run], label: str, key: str) -> None:
    """The button, or how far the work is, which ends with a rerun of the page. key: of the page's element."""
    ids = tuple(run.id for run in runs)
    if st.session_state.pop(frame.BASELINE, None) == key:  # of the runs that were chosen just before the click, too
        st.session_state[ASKED] = ids
    if st.session_state.get(ASKED) == ids:
        _compute(runs, key)
    st.button(
        label,
        icon=":material/vertical_align_bottom:",
        key=f"{key}-compute",
        on_click=st.session_state.update,
        args=({frame.BASELINE: key},),
        help="Every photo is looked at once by the network as it was before training; then a logistic regression is "
        "fitted in each fold. Seconds to minutes, beside whatever trains now.",
    )


def forget() -> None:
    """A click that the page has nothing to answer with: later it would be taken for one on what is chosen by then."""
    st.session_state.pop(frame.BASELINE, None)


def _compute(runs: Sequence[Run], key: str) -> None:
    def work(tell: doing.Told) -> None:
        from core.inside import first_weights  # heavy: on the click only

        for number, run in enumerate(runs):
            if frozen_features.load(run) is not None:
                continue
            share = 0.0
            which = f" of {run.config().name}" if len(runs) > 1 else ""

            def progress(what: str, done: int, total: int, number: int = number, which: str = which) -> None:
                nonlocal share
                begins, ends = STAGES.get(what, (0.0, 0.0))
                share = max(share, begins + (ends - begins) * done / max(1, total))
                words = f"{what.capitalize()}{which}: {count(done)} of {count(total)}"
                tell((number + share) / len(runs), words)

            with moved.noted(run):
                first_weights.measure(run, progress=progress)

    if doing.do(ASKED, key, work):
        st.rerun()
