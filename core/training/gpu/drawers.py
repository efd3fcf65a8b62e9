"""Processes that draw what the photos of a batch go through, for a GPU that outruns a thread.

Drawing is albumentations' own Python: in the process that launches the steps it takes the interpreter from them. Each
drawer answers requests on its standard input until that ends, as it does when its parent dies, however that happens.
Imports no torch: this file is what they run.
"""

from __future__ import annotations

import contextlib
import pickle
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from typing import Any

import numpy as np

from core import places
from core.augment import draws
from core.augment.pipeline import sample_seeds, split_exact
from core.config import TransformConfig

READY = "ready"
_held: Drawers | None = None  # of the fold job before: they are as good for the next one


class Drawers:
    """count: processes, which the first request starts: who never trains asks for none. They take seconds to come up;
    until one has, whoever asks draws by itself.
    """

    def __init__(self, count: int):
        self.count = count
        self.processes: list[subprocess.Popen] = []
        self._idle: queue.SimpleQueue[subprocess.Popen | None] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._ready, self._lost = 0, 0

    def start(self) -> None:
        """Once, whoever asks how often."""
        with self._lock:
            if self.processes:
                return
            command = [sys.executable, "-m", "core.training.gpu.drawers"]
            pipes: dict[str, Any] = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "cwd": places.HOME}
            self.processes = [subprocess.Popen(command, **pipes) for _ in range(self.count)]
        for process in self.processes:
            threading.Thread(target=self._await, args=(process,), name="drawer", daemon=True).start()

    def draw(
        self, listed: bytes, seed: int, fold: int, epoch: int, indices: np.ndarray, repeats: np.ndarray
    ) -> list[dict[str, np.ndarray]] | None:
        """As `draw_batch`; None where no process is there to draw it. listed: of `listed`."""
        if self._ready <= self._lost:
            self.start()
            return None
        process = self._idle.get()
        if process is None:
            self._idle.put(None)  # for the next one that waits
            return None
        try:
            pickle.dump((listed, seed, fold, epoch, indices, repeats), process.stdin)  # type: ignore[arg-type]
            process.stdin.flush()  # type: ignore[union-attr]
            drawn = pickle.load(process.stdout)  # type: ignore[arg-type]
        except (OSError, EOFError, pickle.UnpicklingError):
            self._lose(process)
            return None
        self._idle.put(process)
        return drawn

    def close(self) -> None:
        for process in self.processes:
            for pipe in (process.stdin, process.stdout):
                with contextlib.suppress(OSError):
                    pipe.close()  # type: ignore[union-attr]
        for process in self.processes:
            process.wait()

    def is_up(self) -> bool:
        """Whether each has come up, or died."""
        return self._ready == self.count

    def is_whole(self) -> bool:
        return all(process.poll() is None for process in self.processes)

    def _await(self, process: subprocess.Popen) -> None:
        try:
            came_up = pickle.load(process.stdout) == READY  # type: ignore[arg-type]
        except (OSError, EOFError, ValueError, pickle.UnpicklingError):
            came_up = False
        with self._lock:
            self._ready += 1
        if came_up:
            self._idle.put(process)
        else:
            self._lose(process)

    def _lose(self, process: subprocess.Popen) -> None:
        """A process that died is done without: what it was to draw is drawn here. Where the last one went, nobody who
        waits for one waits on."""
        is_closed = process.stdin is None or process.stdin.closed
        if not is_closed:
            process.kill()
            print(f"a process that draws augmentations ended (code {process.wait()})", file=sys.stderr, flush=True)
        with self._lock:
            self._lost += 1
            is_last = self._lost == self._ready
        if is_last:
            self._idle.put(None)


def held(count: int) -> Drawers:
    """So many drawers, those of the fold job before where they are all there still."""
    global _held
    if _held is None or _held.count != count or not _held.is_whole():
        forget()
        _held = Drawers(count)
    return _held


def forget() -> None:
    global _held
    if _held is not None:
        _held.close()
        _held = None


def listed(transforms: Sequence[TransformConfig], stage: str) -> bytes:
    """What a drawer has to know of a pipeline."""
    return pickle.dumps(split_exact(transforms, stage)[1:])


def draw_batch(
    made: Sequence[draws.Stage], seed: int, fold: int, epoch: int, indices: np.ndarray, repeats: np.ndarray
) -> list[dict[str, np.ndarray]]:
    """What each photo of a batch drew, as `draws.draw` gives it. indices, repeats: (b,)."""
    return draws.draw(made, sample_seeds(seed, fold, epoch, indices, repeats).tolist())


def main() -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # of a terminal, for the parent: it ends this process by itself
    requests, answers = sys.stdin.buffer, sys.stdout.buffer
    sys.stdout = sys.stderr
    sys.modules["torch"] = None  # type: ignore[assignment]  # albumentations would load it, and goes without
    import albumentations  # noqa: F401  # before it says that it is ready: this is what takes seconds

    _answer(READY, answers)
    pipelines: dict[bytes, list[draws.Stage]] = {}
    while True:
        try:
            pipeline, *rest = pickle.load(requests)
        except EOFError:
            return
        if pipeline not in pipelines:
            pipelines[pipeline] = draws.stages(*pickle.loads(pipeline))
        _answer(draw_batch(pipelines[pipeline], *rest), answers)


def _answer(value: Any, answers: Any) -> None:
    try:
        pickle.dump(value, answers)
        answers.flush()
    except BrokenPipeError:  # nobody is there to take it
        sys.exit()


if __name__ == "__main__":
    main()
