"""The process beside a worker that has people told: it hears what the worker trains, and when it is no more.

It reads lines from its worker, waits without having imported anything, and starts `python -m core tell` where there is
something to tell, so that a training never waits for the network. A worker that is killed says nothing: the line is
closed by the operating system, and the fold that it trained is told of. Imports the standard library alone: it lives
as long as a worker, in a few megabytes.
"""

from __future__ import annotations

import subprocess
import sys

BEGINS, ENDS, TELL = "begins", "ends", "tell"  # words of a line: `begins RUN FOLD`, `ends`, `tell RUN`, `tell`


def serve(root: str) -> None:
    """Until the line is closed and all that was started has ended. root: the runs folder."""
    training: list[str] = []
    started: list[subprocess.Popen] = []
    for line in sys.stdin:
        word, *about = line.split()
        if word == BEGINS:
            training = about
        elif word == ENDS:
            training = []
        elif word == TELL:
            started = [process for process in started if process.poll() is None]  # else each stays behind as a zombie
            started.append(_tell(root, *about))
    if training:
        run, fold = training
        started.append(_tell(root, run, "--died", fold))
    for process in started:
        process.wait()


def _tell(root: str, *words: str) -> subprocess.Popen:
    command = [sys.executable, "-m", "core", "tell", "--runs", root, *words]
    return subprocess.Popen(command, stdin=subprocess.DEVNULL)


if __name__ == "__main__":
    serve(sys.argv[1])
