"""Whether files and folders changed since somebody looked, by what the file system says of them; reads none of them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

SETTLED = 2.5  # seconds: more than the coarsest step in which a file system tells time, FAT's 2
ANYWAY = 30.0  # seconds after which it is looked at all the same, for file systems that tell late, as over a network


class Unchanged:
    """For who looks often at what changes seldom.

    A file system's clock goes in steps, so that of two changes within a step the second leaves no trace. A look is
    relied on only if it began SETTLED seconds after these times were first seen: whatever changes from then on is of
    another step. Until then, and every ANYWAY seconds, it has to be looked at again. Whose clock is right does not
    matter: the file system's is compared with itself, `clock` with itself.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic):
        self._clock = clock
        self._stamps: Any = None
        self._first = self._looked = 0.0  # when these stamps were first seen; when they were last looked at

    def since(self, paths: Iterable[Path]) -> bool:
        """Whether nothing of these paths changed since this was last False, upon which the caller looks at them."""
        stamps, now = [(path, stamp(path)) for path in paths], self._clock()
        if stamps != self._stamps:
            self._stamps, self._first = stamps, now
        elif self._looked - self._first >= SETTLED and now - self._looked < ANYWAY:
            return True
        self._looked = now
        return False

    def forget(self) -> None:
        """The look failed: the next `since` is False."""
        self._stamps = None


def stamp(path: Path) -> tuple[int, ...] | None:
    """What is another after a change of a file, or of the names in a folder; None where there is nothing."""
    try:
        status = os.stat(path)
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ctime_ns, status.st_ino, status.st_size
