"""A folder of which every opening and every listing is seen: by the kernel (inotify), whoever opens, native code too.

Where there is no inotify, Python's own audit events stand in, which see what Python opens.
"""

import contextlib
import ctypes
import os
import struct
import sys
from pathlib import Path

_OPENED, _ONLY_NEW = 0x20, os.O_NONBLOCK | os.O_CLOEXEC  # IN_OPEN; of inotify_init1
_HEAD = struct.Struct("iIII")  # of an inotify_event: watch, mask, cookie, length of the name behind it
IS_LINUX = sys.platform == "linux"
_heard: list[str] | None = None  # what Python opened, while somebody listens


def _hear(event, arguments):
    if _heard is not None and event in ("open", "os.listdir", "os.scandir") and arguments:
        place = arguments[0]
        with contextlib.suppress(OSError, ValueError, TypeError):
            _heard.append(os.path.realpath(f"/proc/self/fd/{place}" if isinstance(place, int) else os.fsdecode(place)))


sys.addaudithook(_hear)  # it stays as long as the process


class Watched:
    """with Watched(folder) as watched: ...; watched.opened() is what was opened in it since the last call."""

    def __init__(self, folder: Path):
        self.folder = Path(os.path.realpath(folder))

    def __enter__(self):
        global _heard
        _heard = []
        if IS_LINUX:
            libc = ctypes.CDLL(None, use_errno=True)
            self._descriptor = libc.inotify_init1(_ONLY_NEW)
            assert self._descriptor >= 0, os.strerror(ctypes.get_errno())
            self._places = {}
            for folder, _, _ in os.walk(self.folder):
                watch = libc.inotify_add_watch(self._descriptor, os.fsencode(folder), _OPENED)
                assert watch >= 0, os.strerror(ctypes.get_errno())
                self._places[watch] = folder
            self.opened()  # the walk itself
        return self

    def __exit__(self, *_):
        global _heard
        _heard = None
        if IS_LINUX:
            os.close(self._descriptor)

    def opened(self) -> set[str]:
        """Files and folders, relative to the watched one, "." for itself."""
        places = [place for place in _heard if Path(place).is_relative_to(self.folder)]
        _heard.clear()
        if IS_LINUX:
            with contextlib.suppress(BlockingIOError):
                while data := os.read(self._descriptor, 1 << 16):
                    at = 0
                    while at < len(data):
                        watch, _, _, length = _HEAD.unpack_from(data, at)
                        name = data[at + _HEAD.size : at + _HEAD.size + length].rstrip(b"\0")
                        places.append(os.path.join(self._places[watch], os.fsdecode(name)))
                        at += _HEAD.size + length
        return {os.path.relpath(place, self.folder) for place in places}
