"""What was found out about a list of runs, kept for as long as the runs stay as they are. Imports no torch."""

from __future__ import annotations

import copy
import functools
import threading
from collections.abc import Callable, Iterable
from typing import Any, TypeVar

from core.runs.lists.index import Listed

Found = TypeVar("Found")
KEPT = 32  # answers of a function: to each filter of a few lists


def kept(find: Callable[..., Found]) -> Callable[..., Found]:
    """find(entries, *more): what it returns depends on the runs as they are listed and on what else it is given, alone.

    Asked again about equal runs it answers from memory: a page that is drawn again does not look at 10,000 runs once
    more. Each caller has a copy of its own of the list or dict that it gets.
    """
    answers: list[tuple[list[Listed], tuple, Found]] = []  # the one asked for last first
    lock = threading.Lock()

    @functools.wraps(find)
    def ask(entries: Iterable[Listed], *more: Any) -> Found:
        entries = list(entries)
        with lock:
            place = next((n for n, each in enumerate(answers) if each[1] == more and each[0] == entries), None)
            if place is not None:
                answers.insert(0, answers.pop(place))
                return copy.copy(answers[0][2])
        answer = find(entries, *more)
        with lock:
            answers.insert(0, (entries, more, answer))
            del answers[KEPT:]
        return copy.copy(answer)

    return ask
