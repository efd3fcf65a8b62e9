"""How much room a run takes on the disk, by what it is. Imports no torch."""

from __future__ import annotations

import contextlib
import os
from collections import OrderedDict
from dataclasses import dataclass, fields
from pathlib import Path

from core.runs.run import Run
from core.storage import files

REMEMBERED = 20_000  # runs


@dataclass(frozen=True)
class RunBytes:
    """best, final: weights. resume: resume points. predictions: what the folds answered. package: the zip to take
    home. other: all else, such as frozen samples, metrics, logs, and answers in several ways."""

    best: int = 0
    final: int = 0
    resume: int = 0
    predictions: int = 0
    package: int = 0
    other: int = 0

    @property
    def total(self) -> int:
        return sum(getattr(self, field.name) for field in fields(self))

    def __add__(self, more: RunBytes) -> RunBytes:
        return RunBytes(*(getattr(self, field.name) + getattr(more, field.name) for field in fields(self)))


def bytes_of(run: Run, unread: dict[Path, str] | None = None) -> RunBytes:
    """What lies in a run's folder now; nothing of one that is gone. unread: as files.sizes_below fills it."""
    kinds: dict[Path, str] = {run.test_predictions_file: "predictions", run.package_file: "package"}
    with contextlib.suppress(OSError):  # where this account may not look nothing is counted either
        for fold in run.folds():
            kinds[run.last_file(fold)] = "resume"
            for which in ("best", "final"):
                kinds[run.weights_file(fold, which)] = which
                kinds[run.predictions_file(fold, which)] = "predictions"
    sums: dict[str, int] = {}
    for path, size in files.sizes_below(run.dir, unread):
        kind = kinds.get(path, "other")
        sums[kind] = sums.get(kind, 0) + size
    return RunBytes(**sums)


def total_of(run: Run) -> int:
    """All bytes of a run, remembered while no file of it comes or goes: for lists, which ask about many."""
    stamp = _stamp(run.dir)
    before = _TOTALS.get(run.dir)
    if before is not None and before[0] == stamp:
        return before[1]
    total = bytes_of(run).total
    _TOTALS[run.dir] = stamp, total
    while len(_TOTALS) > REMEMBERED:
        _TOTALS.popitem(last=False)
    return total


def _stamp(folder: Path) -> tuple[int, ...]:
    """Changes when a file below comes, goes or is replaced, as all large ones are written."""
    stamp = []
    for place, below, _ in os.walk(folder):
        below.sort()
        try:
            stamp.append(os.stat(place).st_mtime_ns)
        except OSError:
            stamp.append(0)
    return tuple(stamp)


_TOTALS: OrderedDict[Path, tuple[tuple[int, ...], int]] = OrderedDict()
