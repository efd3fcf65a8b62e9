"""A process that has imported torch waits while somebody may launch: a first fold begins seconds sooner. No torch here.

It waits (nursery.py) for the process that started it, mostly a lab's, at the other end of a pair of sockets. Over these
comes a slot with its lock, as a descriptor that is open, just as a worker that is started anew inherits one: on Linux a
fork of it is the worker, and it waits on for the next slot; elsewhere it becomes the worker itself. Over these comes
also what is to be measured, so that no second process imports torch for that; a measurement ends as soon as its line
is closed, which a launch does. It holds nothing itself, and leaves when the other end is closed, be it by a kill, or
after IDLE seconds without a word, unless workers live that are forks of it: beside those it costs little.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import sys
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import psutil

from core import machine, places
from core.errors import LabError
from core.jobs import elsewhere, halt, queue
from core.jobs.processes import detached

OFF = "FACET_READY"  # set to 0, no process waits
IDLE = 300.0  # seconds without a word after which it leaves
ROOM = 2_000_000_000  # bytes of memory that have to be free, since it holds about 400 MB for nothing but its haste
FORKS = sys.platform == "linux"
# A thread of pyarrow's allocator would be lost in a fork; without it the process has one thread when it forks.
ONE_THREAD = {"JE_ARROW_MALLOC_CONF": "background_thread:false"}
WORD = struct.Struct(">ci")  # what is said, and the slot that comes with it
STAY, TAKE, MEASURE = b".", b"s", b"m"
DIED = 1  # the code of a measurement that says nothing any more


class Measurement(Protocol):
    """poll(): the code that it ended with, None while it is under way. stop(): the machine is needed."""

    def poll(self) -> int | None: ...

    def stop(self) -> None: ...


@dataclass
class Alone:
    """A measurement in a process that was started for it; its line is what it reads."""

    process: subprocess.Popen

    def poll(self) -> int | None:
        return self.process.poll()

    def stop(self) -> None:
        assert self.process.stdin is not None
        with contextlib.suppress(OSError):
            self.process.stdin.close()


@dataclass
class Forked:
    """A measurement in a fork of the process that waits. line: our end; over it comes the code, for all who ask."""

    line: socket.socket
    code: int | None = None
    one_at_a_time: threading.Lock = field(default_factory=threading.Lock)

    def poll(self) -> int | None:
        with self.one_at_a_time:
            if self.code is None:
                try:
                    said = self.line.recv(1)
                except BlockingIOError:
                    return None
                except OSError:
                    said = b""
                self.code = said[0] if said else DIED
                self.line.close()
            return self.code

    def stop(self) -> None:
        with contextlib.suppress(OSError):
            self.line.shutdown(socket.SHUT_WR)


@dataclass
class Waiting:
    """process: which waits. line: our end."""

    process: subprocess.Popen
    line: socket.socket

    def say(self, what: bytes, slot: int = 0, descriptors: tuple[int, ...] = ()) -> bool:
        """Whether it was there to hear it."""
        if self.process.poll() is not None:
            return False
        try:
            socket.send_fds(self.line, [WORD.pack(what, slot)], descriptors)
        except OSError:  # it left just now; or it hears nothing any more, and its line is full
            return False
        return True

    def has_forks(self) -> bool:
        with contextlib.suppress(psutil.Error):
            return bool(psutil.Process(self.process.pid).children())
        return False


_waiting: dict[Path, Waiting] = {}  # by runs folder
_measurements: dict[Path, list[Measurement]] = {}  # that were begun here, by runs folder
_one_at_a_time = threading.Lock()


def keep(root: Path) -> None:
    """Somebody may launch soon: see that a process waits for it, and goes on waiting.

    None where it would not be used at once (no slot is free, something waits already, the queue has stopped, a cluster
    trains), beside a measurement that imports torch itself, where memory is short, and where FACET_READY is 0. One that
    has forks stays all the same.
    """
    of_use = _is_of_use(root)
    with _one_at_a_time:
        waiting = _waiting.get(root)
        if not of_use:
            if waiting is not None and not waiting.has_forks():
                _forget(root)
            return
        if waiting is not None and waiting.say(STAY):
            return
        _forget(root)
        if any(isinstance(each, Alone) for each in _under_way(root)):
            return
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = detached.start(
                    *("worker", "--by-itself", "--runs", str(root), "--ready", str(theirs.fileno())),
                    root=root,
                    more={**ONE_THREAD, **places.environment()} if FORKS else None,
                    pass_fds=(theirs.fileno(),),
                )
            except OSError:  # a courtesy: a launch starts a worker as ever, and says what is wrong
                ours.close()
                return
        ours.setblocking(False)
        _waiting[root] = Waiting(process, ours)


def _is_of_use(root: Path) -> bool:
    if os.environ.get(OFF) == "0" or not hasattr(socket, "send_fds"):
        return False
    if min(psutil.virtual_memory().available, machine.memory()) < ROOM:
        return False
    try:
        if halt.stopped(root) is not None or elsewhere.address(root) is not None:
            return False
    except LabError:  # an engine that is none: the launch says so
        return False
    return bool(queue.free_slots(root)) and next(queue.entries(root), None) is None


def hand_over(root: Path, slot: int, descriptor: int) -> bool:
    """Let the process that waits make a worker with this slot. Whether there was one.

    descriptor: holds the slot's lock; the caller closes it. While it is under way the lock stays held, and if the
    process dies before it hears of it, the lock is free as when any worker dies.
    """
    with _one_at_a_time:
        waiting = _waiting.get(root)
        heard = waiting is not None and waiting.say(TAKE, slot, (descriptor,))
        if not heard or not FORKS:
            _forget(root)
    return heard


def _forget(root: Path) -> None:
    """It is a worker now, or leaves, since nobody is at the other end any more."""
    waiting = _waiting.pop(root, None)
    if waiting is not None:
        waiting.line.close()
        threading.Thread(target=waiting.process.wait, daemon=True).start()  # or it would stay behind as a zombie


def measure(root: Path, question: str) -> Measurement:
    """Have something measured, in one line: by a fork of the process that waits, else in a process of its own.

    Raises OSError where no process could be started.
    """
    line = f"{question}\n".encode()
    if FORKS:
        keep(root)
    with _one_at_a_time:
        begun = _forked(root, line) or _alone(root, line)
        _measurements[root] = [*_under_way(root), begun]
    return begun


def _forked(root: Path, line: bytes) -> Forked | None:
    waiting = _waiting.get(root)
    if waiting is None or not FORKS:
        return None
    ours, theirs = socket.socketpair()
    ours.setblocking(False)
    with theirs, contextlib.suppress(BlockingIOError):  # longer than a line holds that nobody reads yet
        if ours.send(line) == len(line) and waiting.say(MEASURE, descriptors=(theirs.fileno(),)):
            return Forked(ours)
    ours.close()
    return None


def _alone(root: Path, line: bytes) -> Alone:
    process = detached.start("measure", "--runs", str(root), root=root, stdin=subprocess.PIPE)
    assert process.stdin is not None
    with contextlib.suppress(OSError):  # it died: its code says so
        process.stdin.write(line)
        process.stdin.flush()
    return Alone(process)


def stop_measuring(root: Path) -> None:
    """Somebody has launched: what is measured would spoil its own figure, and take cores from the first fold."""
    with _one_at_a_time:
        for measurement in _under_way(root):
            measurement.stop()
        _measurements.pop(root, None)


def _under_way(root: Path) -> list[Measurement]:
    return [each for each in _measurements.get(root, ()) if each.poll() is None]
