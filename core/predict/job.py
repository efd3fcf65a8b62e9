"""Something long that is done in a thread, while a page looks how far it is and may cancel it. Imports no torch."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")
Progress = Callable[[int, int], None]
PATIENCE = 150.0  # seconds; a page that lost its line comes back within two minutes, or asks anew


class Cancelled(Exception):
    """What a progress callback raises once somebody cancelled."""


def now() -> float:
    return time.monotonic()


class Job(Generic[T]):
    """work(progress) in a thread of its own. done, total: how far it is. outcome: what it returned, None until then.

    error: what it raised, a LabError for a person to read; `result` raises it. is_wanted(): whether whoever asked is
    still there. Nobody else can see it or stop it: once they have been away for PATIENCE it is cancelled.
    """

    def __init__(self, work: Callable[[Progress], T], is_wanted: Callable[[], bool] = lambda: True):
        self.done, self.total = 0, 0
        self.outcome: T | None = None
        self.error: BaseException | None = None
        self._cancelled = threading.Event()
        self._work = work
        self._is_wanted, self._wanted_at = is_wanted, now()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive()

    @property
    def was_cancelled(self) -> bool:
        return self._cancelled.is_set()

    def cancel(self) -> None:
        """It ends at its next step."""
        self._cancelled.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Whether it has ended by then."""
        self._thread.join(seconds)
        return not self.is_running

    def result(self) -> T | None:
        """What it returned; None while it runs and where it was cancelled. Raises what it raised."""
        if self.error is not None:
            raise self.error
        return self.outcome

    def _run(self) -> None:
        try:
            self.outcome = self._work(self._progress)
        except Cancelled:
            return
        except Exception as error:  # handed on by `result` to who asks
            self.error = error

    def _progress(self, done: int, total: int) -> None:
        if self._is_wanted():
            self._wanted_at = now()
        elif now() - self._wanted_at > PATIENCE:
            self.cancel()
        if self._cancelled.is_set():
            raise Cancelled
        self.done, self.total = done, total
