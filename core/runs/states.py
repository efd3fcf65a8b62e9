"""How a fold and its run stand: the state that is written, its short form in a list, and what makes either unreadable.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

STATES = ("queued", "running", "done", "failed", "cancelled")
ALIVE = ("queued", "running")
FINISHED = ("done", "failed", "cancelled", "interrupted")
AGAIN = ("diverged", "memory", "data-changed")  # kinds in which going on ends as before
SLIM = ("fold", "state", "reason", "kind", "epoch", "best_epoch", "scores", "started", "ended", "seconds", "resumed")
SUMMARY: dict[str, Any] = {
    "name": str,
    "created": (int, float),
    "task": str,
    "classes": int,
    "samples": int,
    "people": int,
}
SUMMARY |= {"dataset": str, "depth": int, "init": str, "epochs": int, "folds": list}


@dataclass(frozen=True)
class FoldState:
    """state: queued | running | done | failed | cancelled | interrupted (running, but no process holds its lock)."""

    fold: int
    state: str = "queued"
    reason: str = ""
    remedy: str = ""
    kind: str = ""
    epoch: int = 0  # completed epochs
    device: str = ""
    worker: dict[str, Any] | None = None  # deaths.identity of the process that trains or trained it
    started: float | None = None  # of the last start alone
    ended: float | None = None
    seconds: float | None = None  # spent in its epochs, over all starts; known once it has ended
    best_epoch: int | None = None
    memory_kills: int = 0  # how often its worker was killed for want of memory
    scores: dict[str, float] | None = None  # best_ and final_ of each of metrics_file.SCORES
    resumed: bool = False  # there was a start before; not told by states of version 0.1

    @property
    def was_begun(self) -> bool:
        """Whether it was started at all, however that ended."""
        return self.resumed or self.started is not None


def overall(states: Iterable[str]) -> str:
    """One word for a run from its folds' states: what a person has to know first."""
    present = set(states)
    for state in ("running", "queued", "failed", "interrupted", "cancelled"):
        if state in present:
            return state
    return "done" if present else "failed"


def again_first(stopped: Iterable[str]) -> bool:
    """Whether a run is rather begun anew with other settings or data than resumed. stopped: the kind of each fold that
    stopped before its end, empty where nothing failed."""
    kinds = list(stopped)
    return bool(kinds) and all(kind in AGAIN for kind in kinds)


def slim(state: FoldState) -> dict[str, Any]:
    return {key: getattr(state, key) for key in SLIM}


def check_summary(summary: dict[str, Any]) -> None:
    """Raises what `summaries` takes for garbage unless everything that a list shows is there and of its type."""
    for key, kind in SUMMARY.items():
        if not isinstance(summary[key], kind) or isinstance(summary[key], bool):
            raise TypeError(f"{key} is {summary[key]!r}")
    for fold in summary["folds"]:
        check_fold(fold)


def check_fold(data: dict[str, Any]) -> None:
    """Raises KeyError, TypeError or ValueError unless a fold's state can be shown."""
    if data["state"] not in STATES:
        raise ValueError(f"state {data['state']!r}")
    for key in ("fold", "epoch"):
        if not isinstance(data[key], int):
            raise TypeError(f"{key} is {data[key]!r}")
    for key in ("started", "ended"):
        if not isinstance(data[key], (int, float, type(None))):
            raise TypeError(f"{key} is {data[key]!r}")
    for score in (data["scores"] or {}).values():
        if not isinstance(score, (int, float)):
            raise TypeError("scores")
