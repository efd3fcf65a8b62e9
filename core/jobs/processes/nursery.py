"""The process that waits with torch imported (ready.py), seen from its own end: workers and measurements are its forks.

A fork has a copy of everything but the other threads: what these held stays held, what they did is left half done. It
also has every descriptor, and with a descriptor a lock. So this process forks only while it has one thread, no open
file but its three streams and its line, and no GPU. It computes nothing and takes no lock, ever: the lock of a slot
comes as a descriptor that only the fork keeps. Where that does not hold a process is started anew, which is slow and
right. Imports no torch before it waits.
"""

from __future__ import annotations

import contextlib
import gc
import os
import signal
import socket
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.jobs.processes import detached, ready
from core.runs import starts
from core.storage import locks

STREAMS = {0, 1, 2}


@dataclass(frozen=True)
class Slot:
    """This process is a worker from now on. lock: of the slot, which it holds."""

    number: int
    lock: locks.Inherited


@dataclass(frozen=True)
class Question:
    """This process measures from now on. descriptor: its line; see speed.answer."""

    descriptor: int


def wait(descriptor: int, root: Path) -> Slot | Question | None:
    """What this process, or a fork of it, is needed for; None in the one that waited, once nobody needs it any more.

    descriptor: its end of the line.
    """
    with socket.socket(fileno=descriptor) as line:
        line.set_inheritable(False)
        load()
        if ready.FORKS:
            signal.signal(
                signal.SIGCHLD, _bury
            )  # a handler, since what is ignored stays ignored in who is started anew
            _rest()
        for what, slot, received in _words(line):
            if what == ready.TAKE and not ready.FORKS:
                return Slot(slot, locks.Inherited(received))
            if _is_the_fork(line, what, slot, received, root):
                return Slot(slot, locks.Inherited(received)) if what == ready.TAKE else Question(received)
            os.close(received)
    return None


def load() -> None:
    """Import what a fold needs, torch above all: seconds, which is what this is about. Nothing is computed with it."""
    import pyarrow.dataset  # noqa: F401  which pandas imports when it reads a table
    import torch
    import torch.utils.serialization  # noqa: F401  which torch imports when it writes a checkpoint

    from core.augment import pipeline
    from core.training import train  # noqa: F401

    pipeline.library()
    starts.versions()


def _words(line: socket.socket) -> Iterator[tuple[bytes, int, int]]:
    """What is said with a descriptor, the slot, and the descriptor, until nobody is at the other end, or nothing was
    said for long while no fork lives."""
    line.settimeout(ready.IDLE)
    with contextlib.suppress(OSError):
        while True:
            try:
                said, received, _, _ = socket.recv_fds(line, ready.WORD.size, 1)
            except TimeoutError:
                if _has_forks():
                    continue
                return
            if len(said) < ready.WORD.size:
                return
            what, slot = ready.WORD.unpack(said)
            if received:
                yield what, slot, received[0]


def _is_the_fork(line: socket.socket, what: bytes, slot: int, received: int, root: Path) -> bool:
    """Whether this process is the fork that does what was said. Where none can be made, another process does it."""
    if not ready.FORKS or not is_whole({line.fileno(), received}):
        with contextlib.suppress(OSError):  # the slot's lock is free then, and its job waits on
            _start(what, slot, received, root)
        return False
    try:
        if os.fork():
            return False
    except OSError as error:  # no memory, or too many processes: none could be started anew either
        print(f"no worker could be forked: {error}", file=sys.stderr, flush=True)
        return False
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    os.setsid()
    line.close()
    return True


def _start(what: bytes, slot: int, received: int, root: Path) -> None:
    if what == ready.TAKE:
        detached.start_worker(root, slot, received)
    else:
        detached.start("measure", "--runs", str(root), root=root, stdin=received)


def is_whole(own: set[int]) -> bool:
    """Whether a fork of this process would lack nothing and inherit nothing. own: descriptors beside its streams."""
    if len(os.listdir("/proc/self/task")) > 1 or "libcuda.so" in Path("/proc/self/maps").read_text():
        return False
    return {descriptor for descriptor in map(int, os.listdir("/proc/self/fd")) if _is_open(descriptor)} <= STREAMS | own


def _is_open(descriptor: int) -> bool:
    """Not any more that of the folder in which all are listed."""
    with contextlib.suppress(OSError):
        os.fstat(descriptor)
        return True
    return False


def _rest() -> None:
    """Let the threads of numpy's and scipy's OpenBLAS end, which does so itself whenever its process forks and begins
    them anew when it computes; and keep the garbage collection of forks from copying what they share."""
    if (child := os.fork()) == 0:
        os._exit(0)
    with contextlib.suppress(ChildProcessError):  # it is buried already
        os.waitpid(child, 0)
    gc.collect()
    gc.freeze()


def _bury(*_: Any) -> None:
    """No fork that has ended stays behind as a zombie."""
    with contextlib.suppress(ChildProcessError):
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass


def _has_forks() -> bool:
    try:
        os.waitpid(-1, os.WNOHANG)
    except ChildProcessError:
        return False
    return True
