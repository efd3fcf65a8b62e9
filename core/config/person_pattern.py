"""A user's regular expression on file names or paths, matched in bounded time: whom a photo shows, or its class.
Imports no torch.

Some patterns take years on a name of two hundred letters, such as ^(a|aa)+$ on many a's and another letter. The
regex package, unlike the standard library's re, can be told when to stop.
"""

from __future__ import annotations

import re
import time

import regex

from core.errors import LabError

LONGEST = 500  # characters of a pattern
MOST_STEPS = 200_000  # of a pattern whose repetitions are written out, about 300 bytes and a microsecond each
NAME_SECONDS = 1.0  # on one name; a sound pattern takes a microsecond
TOTAL_SECONDS = 20.0  # on all names of one dataset


class NamePattern:
    """Finds something in file names; one object a scan, since it counts the time that it took."""

    finds = ""  # what its first group is

    def __init__(self, pattern: str, *, whole_path: bool = False):
        """whole_path: match the path instead of the file name at its end.

        Raises ValueError for what is no regular expression, has no group or is too long.
        """
        check(pattern, self.finds)
        self.pattern = pattern
        self.whole_path = whole_path
        self._compiled = regex.compile(pattern)
        self._spent = 0.0

    def group(self, path: str) -> str | None:
        """The first group in the file name of a path, or in the path; None where the pattern finds nothing.

        Raises LabError(kind 'pattern') naming the pattern and the file when it takes too long.
        """
        name = path if self.whole_path else path.rpartition("/")[2]
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
            f"the {self.finds} pattern {self.pattern!r} takes too long on the name {name!r}.",
            "Write it without a repetition of a repetition, such as (a|aa)+, or with fewer of them.",
            kind="pattern",
        )


class PersonPattern(NamePattern):
    finds = "person"


class LabelPattern(NamePattern):
    finds = "label"


def check(pattern: str, finds: str = PersonPattern.finds) -> None:
    """Raises ValueError, with the reason, for a pattern that cannot be used. finds: what its first group is."""
    if len(pattern) > LONGEST:
        raise ValueError(f"has {len(pattern):,} characters; at most {LONGEST} are read")
    if _steps(pattern) > MOST_STEPS:
        raise ValueError("repeats too often: write smaller numbers in braces, or + and *")
    try:
        groups = regex.compile(pattern).groups
    except regex.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    except (RecursionError, MemoryError, OverflowError):
        raise ValueError("not a regular expression: it is nested too deep") from None
    if groups < 1:
        such_as = r"^(\d+)_" if finds == PersonPattern.finds else "^([a-z]+)"
        raise ValueError(f"needs one group in parentheses that matches the {finds}, such as {such_as}")


def _steps(pattern: str) -> int:
    """At least as many as there are once the least number of each repetition is written out, as compiling does.

    A number behind a single character or set adds to them; one behind a group may multiply all that it holds.
    """
    added, multiplied = len(pattern), 1
    for brace in re.finditer(r"\{((?:\d|\s|#[^\n]*\n)+)", pattern):  # a pattern with (?x) may hold space and comments
        number = int(re.sub(r"\s|#[^\n]*\n", "", brace[1]) or 1)
        if re.search(r"[)}*+?\n]\s*$", pattern[: brace.start()]):
            multiplied *= max(1, number)
        else:
            added += number
    return added * multiplied
