"""A process that has imported torch and waits to become a worker: the first fold of a launch begins seconds sooner.

It waits for the process that started it, mostly a lab's, at the other end of a pair of sockets. Over these comes a slot
with its lock, as a descriptor that is open, just as a worker that is started anew inherits one: from then on it is a
worker like any other and outlives the lab. Until then it holds nothing. It leaves when the other end is closed, be it
by a kill, and after IDLE seconds without a word. Only where descriptors can be sent, which is on POSIX. Imports no
torch.
"""

from __future__ import annotations

import contextlib
import os
import socket
import struct
import subprocess
import threading
from dataclasses import dataclass
from pathlib import Path

import psutil

from core import machine
from core.errors import LabError
from core.jobs import elsewhere, halt, queue
from core.jobs.processes import detached
from core.storage import locks

OFF = "FACET_READY"  # set to 0, no process waits
IDLE = 300.0  # seconds without a word after which it leaves
ROOM = 2_000_000_000  # bytes of memory that have to be free, since it holds about 400 MB for nothing but its haste
_WORD = struct.Struct(">ci")  # what is said, and the slot that comes with it
_STAY, _TAKE = b".", b"s"


@dataclass
class Waiting:
    """process: which waits. line: our end, closed once it has a slot."""

    process: subprocess.Popen
    line: socket.socket

    def say(self, what: bytes, slot: int = 0, descriptors: tuple[int, ...] = ()) -> bool:
        """Whether it was there to hear it."""
        if self.process.poll() is not None:
            return False
        try:
            socket.send_fds(self.line, [_WORD.pack(what, slot)], descriptors)
        except OSError:  # it left just now; or it hears nothing any more, and its line is full
            return False
        return True


_waiting: dict[Path, Waiting] = {}  # by runs folder
_one_at_a_time = threading.Lock()


def keep(root: Path) -> None:
    """Somebody may launch soon: see that a process waits for it, and goes on waiting.

    None where it would not be used at once (no slot is free, something waits already, the queue has stopped, a cluster
    trains), where memory is short, and where FACET_READY is 0.
    """
    of_use = _is_of_use(root)
    with _one_at_a_time:
        if not of_use:
            _forget(root)
            return
        waiting = _waiting.get(root)
        if waiting is not None and waiting.say(_STAY):
            return
        _forget(root)
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                process = detached.start(
                    *("worker", "--by-itself", "--runs", str(root), "--ready", str(theirs.fileno())),
                    root=root,
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
    """Let the process that waits have this slot, and become a worker. Whether there was one.

    descriptor: holds the slot's lock; the caller closes it. While it is under way the lock stays held, and if the
    process dies before it hears of it, the lock is free as when any worker dies.
    """
    with _one_at_a_time:
        waiting = _waiting.get(root)
        heard = waiting is not None and waiting.say(_TAKE, slot, (descriptor,))
        _forget(root)
    return heard


def _forget(root: Path) -> None:
    """It is a worker now, or leaves, since nobody is at the other end any more."""
    waiting = _waiting.pop(root, None)
    if waiting is not None:
        waiting.line.close()
        threading.Thread(target=waiting.process.wait, daemon=True).start()  # or it would stay behind as a zombie


def wait(descriptor: int) -> tuple[int, locks.Inherited] | None:
    """In the process that waits: (slot, the lock that it holds) once it is needed; None when it is not.

    descriptor: its end of the line.
    """
    with socket.socket(fileno=descriptor) as line:
        line.set_inheritable(False)
        from core.training import train  # noqa: F401  seconds of importing torch, which is what this is about

        line.settimeout(IDLE)
        with contextlib.suppress(OSError):
            while True:
                said, descriptors, _, _ = socket.recv_fds(line, _WORD.size, 1)
                if len(said) < _WORD.size:
                    return None
                what, slot = _WORD.unpack(said)
                if what == _TAKE and descriptors:
                    return slot, locks.Inherited(descriptors[0])
    return None
