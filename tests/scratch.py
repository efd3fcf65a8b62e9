"""Where tests write: in memory, where it has room.

What the lab writes it forces to the disk, file by file: tests would spend a fifth of their time waiting for that.
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
