"""Locks between processes that the operating system frees on any death, and looking at one without taking it. No torch.

A lock is flock's, taken through filelock, and on Linux a byte-range lock on the same open file beside it: that one can
be asked about from a descriptor that may only read, so that whoever looks never stands in the way of whoever takes.
Source: "Open file description locks" in Linux' fcntl(2).
"""

from __future__ import annotations

import contextlib
import errno
import os
import struct
import sys
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout, lock_descriptor

from core.errors import LabError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

CANNOT_LOCK = {errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOLCK}
_RANGE = struct.Struct("hhqqi4x")  # struct flock of 64-bit Linux: type, whence, start, length, pid
_CAN_ASK = sys.platform == "linux" and sys.maxsize > 2**32 and hasattr(fcntl, "F_OFD_GETLK")


def lock(path: Path, timeout: float = -1) -> FileLock:
    """The lock at a path, not yet taken; the one way to make one.

    timeout: seconds that acquiring waits before it raises filelock's Timeout, an OSError; -1 waits for ever.
    Where the file system cannot lock, acquiring raises OSError: a file that merely exists would outlive its holder.
    """
    return FileLock(path, timeout=timeout, fallback_to_soft=False, on_acquired=_mark)


@contextlib.contextmanager
def held(path: Path, what: str, timeout: float = 10) -> Iterator[None]:
    """Hold the lock at a path while something is read, changed and written; nobody else does so meanwhile.

    what: it is a lock of, as a person calls it. Raises LabError(kind 'locked') when it could not be had in time, not
    filelock's Timeout: that is an OSError and would be told as a file that cannot be written. Other OSErrors pass.
    """
    file_lock = lock(path, timeout)
    try:
        file_lock.acquire()
    except Timeout:
        remedy = "Try again in a moment."
        raise LabError(f"{what} is being written by another process.", remedy, kind="locked") from None
    try:
        yield
    finally:
        file_lock.release()


class Inherited:
    """A lock that this process was born with: `descriptor` came from whoever started it, and holds the lock."""

    def __init__(self, descriptor: int):
        self.descriptor = descriptor
        os.set_inheritable(descriptor, False)  # not of the processes that this one starts

    def release(self) -> None:
        os.close(self.descriptor)


def take_to_hand_over(path: Path) -> int | None:
    """A descriptor that holds the lock at a path, None if another holds it. For POSIX, where children inherit them.

    None too where this account may not open it: it is another's, whose own processes take it. Whoever inherits the
    descriptor holds the lock as well; it is free when all of them have closed it or died.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)  # less the umask, as each file of the lab
    except PermissionError:
        return None
    with contextlib.ExitStack() as stack:
        stack.callback(os.close, descriptor)
        if not lock_descriptor(descriptor, blocking=False):
            return None
        _mark(descriptor)
        stack.pop_all()
    return descriptor


def may_be_taken(path: Path) -> bool:
    """Whether this user may open the lock at a path for taking it, as far as rights tell."""
    return os.access(path if os.path.exists(path) else path.parent, os.W_OK)


def is_held(path: Path) -> bool:
    """Whether some process holds the lock at this path. Takes nothing, waits for nothing, needs no right to write."""
    if fcntl is None:
        return _cannot_be_taken(path)
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
    except PermissionError:
        return _is_listed(path)
    except OSError:
        return False  # nobody ever took it, or its folder is gone
    try:
        if _CAN_ASK:
            return _is_marked(descriptor) or _is_listed(path)
        return _refuses_to_share(descriptor)
    finally:
        os.close(descriptor)


def check_folder(folder: Path) -> None:
    """Raises LabError(kind 'locks') where the file system of a folder cannot lock files.

    A folder that cannot be written passes: whoever writes there says so.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with lock(folder / ".can-lock", timeout=5):
            pass
    except Timeout:
        return
    except OSError as error:
        if error.errno not in CANNOT_LOCK:
            return
        raise LabError(
            f"the file system of {folder} cannot lock files ({error.strerror}): two workers could train one fold.",
            "Set FACET_RUNS to a folder on a local disk, or mount this one with locking.",
            kind="locks",
        ) from error


def _mark(descriptor: int) -> None:
    """Put the byte-range lock beside flock's. Whoever gave the lock up just now may have to close its file first."""
    if not _CAN_ASK:
        return
    deadline = time.monotonic() + 1.0
    while True:
        try:
            fcntl.fcntl(descriptor, fcntl.F_OFD_SETLK, _RANGE.pack(fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0))
            return
        except OSError as error:
            if error.errno not in (errno.EAGAIN, errno.EACCES) or time.monotonic() > deadline:
                return  # flock holds all the same; who looks finds it in the kernel's list
        time.sleep(0.001)


def _is_marked(descriptor: int) -> bool:
    with contextlib.suppress(OSError):
        wish = _RANGE.pack(fcntl.F_RDLCK, os.SEEK_SET, 0, 0, 0)
        return _RANGE.unpack(fcntl.fcntl(descriptor, fcntl.F_OFD_GETLK, wish))[0] != fcntl.F_UNLCK
    return False


def _is_listed(path: Path) -> bool:
    """Whether the kernel lists a flock on the file: of a program that takes flock's lock alone, such as version 0.1."""
    try:
        stat, lines = os.stat(path), Path("/proc/locks").read_text().splitlines()
    except OSError:
        return False
    place = f"{os.major(stat.st_dev):02x}:{os.minor(stat.st_dev):02x}:{stat.st_ino}"
    return any("->" not in line and " FLOCK " in line and place in line.split() for line in lines)


def _refuses_to_share(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.EAGAIN, errno.EACCES)
    return False  # closing the descriptor gives it back


def _cannot_be_taken(path: Path) -> bool:
    if not path.exists():
        return False
    try:
        with lock(path).acquire(timeout=0):
            return False
    except Timeout:
        return True
    except OSError:
        return False
