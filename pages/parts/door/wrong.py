"""How often somebody was wrong: a person mistypes, a program tries."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

FREE = 10  # wrong tries in a minute that are answered as a mistake
MINUTE = 60.0  # seconds
LOG = logging.getLogger("facet.door")


class Wrong:
    """Wrong tries of the whole world together, so that nobody gets more of them by calling from elsewhere.

    Who is right is never slowed: the owner cannot be locked out by others' tries. What this spares is the log and the
    processor; that nobody guesses 256 bits needs no counter.
    """

    def __init__(self, what: str, clock: Callable[[], float] = time.monotonic):
        self.what, self.clock = what, clock
        self.count, self.began = 0, clock()

    def once_more(self, source: str) -> int:
        """Count one. Seconds until the next one is answered as a mistake, 0 for now. source: where it came from."""
        now = self.clock()
        if now - self.began >= MINUTE:
            if self.count > FREE:
                LOG.warning("door: %s wrong tries of %s within a minute", f"{self.count:,}", self.what)
            self.count, self.began = 0, now
        self.count += 1
        if self.count == FREE + 1:
            LOG.warning("door: more than %d wrong tries of %s, the last from %s: slowed", FREE, self.what, source)
        return 0 if self.count <= FREE else max(1, round(self.began + MINUTE - now))
