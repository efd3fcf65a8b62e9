"""Where tests write: in memory, where it has room.

Tests write many thousands of small files, which cost a disk about twice the system time, and the labs and workers that
they start wait until each lies on it.
"""

import os
import shutil
import tempfile

import psutil

from core import machine

SHARED_MEMORY = "/dev/shm"  # a disk in memory, on Linux
ROOM = 8_000_000_000  # bytes of memory that have to be free, several times what all tests have written at one moment


def place() -> dict[str, str]:
    """TMPDIR for the environment of tests and of what they start; empty where whoever runs them has chosen it."""
    if "TMPDIR" in os.environ or not has_room(SHARED_MEMORY):
        return {}
    tempfile.tempdir = SHARED_MEMORY
    return {"TMPDIR": SHARED_MEMORY}


def has_room(folder: str) -> bool:
    if not os.access(folder, os.W_OK):
        return False
    return min(shutil.disk_usage(folder).free, psutil.virtual_memory().available, machine.memory()) > ROOM
