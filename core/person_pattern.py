"""A user's regular expression on file names, matched in bounded time. Imports no torch.

Some patterns take years on a name of two hundred letters, such as ^(a|aa)+$ on many a's and another letter. The
regex package, unlike the standard library's re, can be told when to stop.
"""

from __future__ import annotations

import time

import regex

from core.errors import LabError

LONGEST = 500  # characters of a pattern
NAME_SECONDS = 1.0  # on one name; a sound pattern takes a microsecond
TOTAL_SECONDS = 20.0  # on all names of one dataset


class PersonPattern:
    """Finds the person in file names; one object a scan, since it counts the time that it took."""

    def __init__(self, pattern: str):
        """Raises ValueError for what is no regular expression, has no group or is too long."""
        check(pattern)
        self.pattern = pattern
        self._compiled = regex.compile(pattern)
        self._spent = 0.0

    def person(self, path: str) -> str | None:
        """The first group in the file name of a path, None where the pattern finds nothing.

        Raises LabError(kind 'pattern') naming the pattern and the file when it takes too long.
        """
        name = path.rpartition("/")[2]
        started = time.thread_time()
        try:
            match = self._compiled.search(name, timeout=min(NAME_SECONDS, TOTAL_SECONDS - self._spent))
        except (TimeoutError, MemoryError):
            raise self._too_slow(name) from None
        self._spent += time.thread_time() - started
        if self._spent >= TOTAL_SECONDS:
            raise self._too_slow(name)
        return (match[1] or None) if match else None

    def _too_slow(self, name: str) -> LabError:
        return LabError(
            f"the person pattern {self.pattern!r} takes too long on the name {name!r}.",
            "Write it without a repetition of a repetition, such as (a|aa)+, or with fewer of them.",
            kind="pattern",
        )


def check(pattern: str) -> None:
    """Raises ValueError, with the reason, for a pattern that cannot be used."""
    if len(pattern) > LONGEST:
        raise ValueError(f"has {len(pattern):,} characters; at most {LONGEST} are read")
    try:
        groups = regex.compile(pattern).groups
    except regex.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    except (RecursionError, MemoryError, OverflowError):
        raise ValueError("not a regular expression: it is nested too deep") from None
    if groups < 1:
        raise ValueError("needs one group in parentheses that matches the person, such as ^(\\d+)_")
