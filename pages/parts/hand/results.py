"""A run's result in words, the same on every page: its scores over the finished folds, and how long they trained."""

from __future__ import annotations

from collections.abc import Sequence

from core.runs import FoldState
from core.runs.lists.index import Listed
from core.runs.states import slim
from core.text import duration, over_folds, spread_of

NEAR = 0.9  # of the folds' time added up: less of it by the clock, and folds trained side by side


def of_states(run_id: str, states: Sequence[FoldState]) -> Listed:
    """The same of fold states as they are read of one run."""
    return Listed({"id": run_id, "folds": [slim(state) for state in states]})


def f1(entry: Listed, which: str = "best") -> str:
    """ "0.713 ± 0.012 (5)": macro F1 over the finished folds. which: epoch, best | final."""
    return spread_of(*entry.scores[f"{which}_f1"])


def f1_in_words(entry: Listed, which: str = "best") -> str:
    """ "0.713 ± 0.012 over 5 folds"."""
    return over_folds(*entry.scores[f"{which}_f1"])


def trained(entry: Listed) -> str:
    """How long the folds trained, added up, and by the clock where folds trained side by side."""
    if entry.seconds is None or entry.wall_seconds is None or entry.wall_seconds >= NEAR * entry.seconds:
        return duration(entry.seconds)
    return f"{duration(entry.seconds)}, {duration(entry.wall_seconds)} by the clock"
