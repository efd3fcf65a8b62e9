"""What a worker, or the writer of a cluster, says to the process that has people told. Imports no torch.

Nothing of it can fail or hold up a training: what goes wrong is said in the run's log. Where no address is named
nothing is started, and nothing of the network is imported.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from core import places
from core.errors import LabError
from core.jobs import halt
from core.jobs.alerts import addresses, ends, messenger
from core.jobs.processes import detached
from core.runs import Run
from core.storage.files import GARBAGE


class Line:
    """To one messenger, which is started when there is something to say."""

    def __init__(self, root: Path):
        self.root = root
        self._messenger: subprocess.Popen | None = None

    @contextlib.contextmanager
    def training(self, run: Run, fold: int) -> Iterator[None]:
        """This process trains a fold. Where it dies in this block, the messenger tells of it."""
        self.watch(run)
        self._say(messenger.BEGINS, run.id, str(fold))
        try:
            yield
        finally:
            self._say(messenger.ENDS)

    def watch(self, run: Run) -> None:
        """A fold of the run begins: its end is to be told, if anybody is to be told of anything."""
        try:
            if not addresses.of_lab(self.root):
                return
            ends.watch(run)
            self._start()
        except (OSError, LabError, *GARBAGE) as error:
            ends.nobody(run, error)

    def ended(self, run: Run) -> None:
        """A fold of the run has ended, and its state says so: where the run is over or the queue has stopped, that is
        told. For who holds no lock of the run."""
        if self._messenger is None:
            return
        try:
            is_over = ends.watches(self.root, ends.RUNS, run.id) and ends.over(run.states())
            if is_over or halt.stopped(self.root) is not None:
                self._say(messenger.TELL, run.id)
        except (OSError, LabError, *GARBAGE) as error:
            ends.nobody(run, error)

    def stopped(self) -> None:
        """The queue has stopped with nothing that ended."""
        try:
            if addresses.of_lab(self.root):
                self._start()
                self._say(messenger.TELL)
        except (OSError, LabError) as error:
            print(f"nobody is told that the queue has stopped: {error}", file=sys.stderr, flush=True)

    def close(self) -> None:
        """It goes on by itself until everybody is told."""
        if self._messenger is not None and self._messenger.stdin is not None:
            with contextlib.suppress(OSError):
                self._messenger.stdin.close()

    def _start(self) -> None:
        if self._messenger is not None and self._messenger.poll() is None:
            return
        with detached.log(self.root) as log:
            self._messenger = subprocess.Popen(
                [sys.executable, "-m", "core.jobs.alerts.messenger", str(self.root)],
                cwd=places.HOME,
                env=places.environment(),
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _say(self, *words: str) -> None:
        if self._messenger is None or self._messenger.stdin is None:
            return
        with contextlib.suppress(OSError):  # it was killed: who looks after the lab tells later
            self._messenger.stdin.write(f"{' '.join(words)}\n".encode())
            self._messenger.stdin.flush()
