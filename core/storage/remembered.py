"""What was read or made of runs, in memory: at most so much of it, and nothing once nobody has used any for a while.

A table of 40 yes/no attributes of 180,000 photos takes hundreds of megabytes, and the lab goes on for weeks.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Iterator
from contextvars import ContextVar
from typing import Any, Generic, TypeVar

import pandas as pd

T = TypeVar("T")
_SHARED: ContextVar[Remembered[tuple[Any, int]] | None] = ContextVar("shared", default=None)
MOST_BYTES = 1_000_000_000  # of tables of one kind
IDLE = 600.0  # seconds without use after which all of a kind is given back


def now() -> float:
    return time.monotonic()


def bytes_of(table: pd.DataFrame) -> int:
    return int(table.memory_usage(deep=True).sum())


@contextlib.contextmanager
def shared(most: float = MOST_BYTES / 2) -> Iterator[None]:
    """What this block asks for by `once` is made once, as far as so many bytes reach; nothing of it is held after."""
    things: Remembered[tuple[Any, int]] = Remembered(most, lambda thing: thing[1])
    token = _SHARED.set(things)
    try:
        yield
    finally:
        _SHARED.reset(token)
        things.forget()


def once(key: Hashable, make: Callable[[], T], size: Callable[[T], int]) -> T:
    """What make() gives, the same object for the same key in a block of `shared`; made each time where there is none.

    size: of it in bytes.
    """
    if (things := _SHARED.get()) is None:
        return make()

    def sized() -> tuple[T, int]:
        thing = make()
        return thing, size(thing)

    return things.of(key, sized)[0]


class Remembered(Generic[T]):
    """Things by their keys; the least recently used are given back first, and the newest stays, however large.

    most: how much is held. size: how much one of them is; how many are held unless it is told.
    """

    def __init__(self, most: float, size: Callable[[T], float] = lambda thing: 1):
        self.most, self._size = most, size
        self._things: OrderedDict[Hashable, tuple[T, float]] = OrderedDict()  # least recently used first
        self._guard = threading.Lock()
        self._used, self._clock = now(), False  # when one was used last; whether somebody looks after IDLE

    def of(self, key: Hashable, make: Callable[[], T]) -> T:
        """What is held under a key, made where nothing is. What make() raises is not remembered."""
        with self._guard:
            self._look_later()
            if key in self._things:
                self._things.move_to_end(key)
                return self._things[key][0]
        thing = make()
        size = self._size(thing)
        with self._guard:
            self._look_later()
            self._things[key] = thing, size
            self._things.move_to_end(key)
            while len(self._things) > 1 and sum(size for _, size in self._things.values()) > self.most:
                self._things.popitem(last=False)
        return thing

    @property
    def held(self) -> float:
        """How much."""
        with self._guard:
            return sum(size for _, size in self._things.values())

    def forget(self) -> None:
        with self._guard:
            self._things.clear()

    def _look_later(self) -> None:
        self._used = now()
        if not self._clock:
            self._start(IDLE)

    def _start(self, seconds: float) -> None:
        """One clock at a time: a page asks for dozens of tables each time that it is drawn."""
        self._clock = True
        clock = threading.Timer(seconds, self._look)
        clock.daemon = True
        clock.start()

    def _look(self) -> None:
        with self._guard:
            self._clock = False
            left = self._used + IDLE - now()
            if left > 0:
                self._start(left)
            else:
                self._things.clear()
