"""Learning rates of a run, step by step, from its configuration: there before the first epoch, too."""

from __future__ import annotations

from functools import lru_cache

import streamlit as st

from core.config import RunConfig
from core.errors import LabError
from core.runs import Run
from core.text import number_of
from pages.parts.run import charts, curves, view


@lru_cache(maxsize=32)
def _steps(run_id: str, photos: tuple[int, ...], batch_size: int) -> int:
    """Optimizer steps of an epoch of the run's first fold. photos: the version of the run's."""
    folds = Run(run_id).samples()["fold"]
    trained = int((folds != 0).sum())
    return max(1, -(-trained // batch_size) - (trained % batch_size == 1))  # a last batch of one joins its neighbour


def tab(run: Run, config: RunConfig, colour: str) -> None:
    try:
        steps = _steps(run.id, run.photos_version(), config.training.batch_size)
    except (LabError, OSError, ValueError, KeyError):
        st.caption("The run's samples cannot be read, so the number of steps is not known.")
        return
    status = view.read_status(run, config, [])
    reached = max((fold.epoch for fold in status.running), default=None)
    curves.draw(charts.rates(run, steps, reached, colour), key=f"live-rates-{run.id}")
    folds = "" if status.everybody else " of fold 0; another fold may have a step more or less"
    ends = (
        " A phase that early stopping ends leaves the rest of its epochs out." if config.training.early_stopping else ""
    )
    st.caption(f"As the configuration says it, {number_of(steps, 'step')} an epoch{folds}.{ends}")
