"""Resume points of a fold: one after every so many seconds, at its end, and where it is asked to stop.

The files in use always belong to the point on the disk. An epoch between two points leaves its lines in metrics.csv
only; its state waits in memory, so that a stop or an error costs nothing, and a kill the epochs since the last point.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from core.runs import Run, metrics_file
from core.training import checkpoint
from core.training.course import Outcome


def seconds() -> float:
    return time.monotonic()


@dataclass(frozen=True)
class Point:
    """state: what a resume needs. outcomes: weights and outcome of 'best' and 'final' where those in use are older.

    arrival: of what the state holds, from a GPU.
    """

    state: dict[str, Any]
    outcomes: dict[str, tuple[dict[str, Any], Outcome]]
    arrival: checkpoint.Arrival


@dataclass
class ResumePoints:
    """every: seconds between two points, 0 for one after each epoch. held: of an epoch that has none on disk yet."""

    run: Run
    fold: int
    writer: checkpoint.Writer
    every: float
    held: Point | None = None
    has_failed: bool = False
    written: float = field(default_factory=lambda: seconds())

    def epoch(self, point: Point, rows: list[dict[str, Any]], *, is_last: bool, then: Callable[[], None]) -> None:
        """An epoch has ended. rows: its lines of metrics.csv. then(): is called once what is due is written.

        The writer is at rest: what was submitted before has ended well.
        """
        waiting = self.held.outcomes if self.held else {}
        point = Point(point.state, {**waiting, **point.outcomes}, point.arrival)
        is_due = is_last or seconds() - self.written >= self.every
        self.held = None if is_due else point
        if is_due:
            self.written = seconds()
        self.writer.submit(lambda: self._write(rows, point if is_due else None), then)

    def stop(self) -> None:
        """Write the point that waits in memory, if there is one: not after a failure, which may have cost lines of its
        epochs, nor for a run that was deleted."""
        point, self.held = self.held, None
        if point is not None and not self.has_failed and self.run.exists():
            self.writer.submit(lambda: self._write([], point))

    def _write(self, rows: list[dict[str, Any]], point: Point | None) -> None:
        try:
            self._write_in_order(rows, point)
        except BaseException:
            self.has_failed = True
            raise

    def _write_in_order(self, rows: list[dict[str, Any]], point: Point | None) -> None:
        """In an order that a kill between any two lines survives: the resume point decides.

        Before it, best and final wait under other names and those in use are of a point before; after it, they are put
        in place, and where that was cut off, whoever resumes does it.
        """
        run, fold = self.run, self.fold
        if point is None:
            metrics_file.append_metrics(run.metrics_file(fold), rows)
            return
        try:
            point.arrival.wait()
            for which, (weights, outcome) in point.outcomes.items():
                checkpoint.save_pending(run, fold, which, weights, outcome.predictions, outcome.origin)
            if rows:
                metrics_file.append_metrics(run.metrics_file(fold), rows)
            checkpoint.save_last(run.last_file(fold), point.state)
        except BaseException:
            checkpoint.discard(run, fold, point.outcomes)  # on a full disk they would take the room of the next try
            raise
        for which in point.outcomes:
            checkpoint.publish(run, fold, which)
