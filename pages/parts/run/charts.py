"""The figures of one run as they are sent to the browser: drawn once a change, whoever and how many look at them.

Streamlit runs a page's own file anew for each session and each rerun, and with it any cache that is made there.
"""

from __future__ import annotations

import threading
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from core.figures import curves
from core.figures.rates import learning_rates
from core.runs import Run
from pages.parts.run import view
from pages.parts.run.curves import fold_legend, payload

LEVEL = "frozen features"  # what the line says; core/answers/frozen_features.py says what it is
_drawing = threading.Lock()  # ten sessions that see a new epoch at once: one draws, the others wait for its figure


class Look(NamedTuple):
    """How curves are drawn. smooth: 0..1; log: of the loss; behind: name and metrics_version of another run."""

    smooth: float = 0.0
    log: bool = False
    behind: tuple[str, tuple] | None = None


PLAIN = Look()


def charts(
    version: tuple,
    phases: tuple,
    epochs: int,
    folds: tuple,
    colour: str,
    levels: tuple[float, float] | None = None,
    look: Look = PLAIN,
) -> bytes:
    """Loss, accuracy and macro F1. version: view.metrics_version; phases: (optimizer, epochs) of each. levels: accuracy
    and macro F1 of the frozen features, drawn as thin lines."""
    with _drawing:
        return _charts(version, phases, epochs, folds, colour, levels, look)


def rates(run: Run, steps: int, reached: float | None, colour: str) -> bytes:
    """The learning rates of a run, whose configuration never changes. steps, reached: as rates.learning_rates."""
    with _drawing:
        return _rates(run.dir, steps, reached, colour)


@lru_cache(maxsize=16)
def _charts(
    version: tuple,
    phases: tuple,
    epochs: int,
    folds: tuple,
    colour: str,
    levels: tuple[float, float] | None,
    look: Look,
) -> bytes:
    table = view.metrics_of(version)
    behind = None if look.behind is None else (look.behind[0], view.metrics_of(look.behind[1]))
    x_range = curves.epoch_range(table, epochs)
    style = {"run_colour": colour, "phases": phases, "x_range": x_range, "smooth": look.smooth, "behind": behind}
    both = [each for each in (table, behind and behind[1]) if each is not None and len(each)]
    scores = curves.score_range(pd.concat(both) if both else table, levels or ())
    accuracy, f1 = [(LEVEL, level) for level in levels] if levels else (None, None)
    panels = [
        ("Loss", curves.curves(table, "loss", log=look.log, **style)),
        ("Accuracy", curves.curves(table, "accuracy", y_range=scores, level=accuracy, **style)),
        ("Macro F1", curves.curves(table, "f1", y_range=scores, level=f1, **style)),
    ]
    return payload(panels, fold_legend(folds, colour, behind[0] if behind else ""), together=True)


@lru_cache(maxsize=16)
def _rates(folder: Path, steps: int, reached: float | None, colour: str) -> bytes:
    return payload(learning_rates(Run(folder.name, folder.parent).config(), steps, run_colour=colour, reached=reached))
