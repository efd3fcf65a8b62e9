"""A run's learning in one small line, for lists: macro F1 of validation, epoch by epoch. Imports no torch."""

from __future__ import annotations

import math
import os
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path

from core.runs.lists.index import Listed
from core.runs.run import Run

POINTS = 32  # of a line; what lies between is left out
REMEMBERED = 20_000  # folds
_FOLDS: OrderedDict[Path, tuple[tuple[int, int, int], dict[int, float]]] = OrderedDict()


def f1_curve(entry: Listed) -> dict[int, float]:
    """Epoch, from 1 -> F1, 0..1: the mean over the finished folds, or while there is none over those that have begun,
    of each epoch that all of them have: one that a phase was spared in some fold, since it stopped early there, is not
    among them. Empty before the first epoch, and for what cannot be read."""
    if entry.unreadable or entry.summary.get("everybody"):
        return {}
    run = Run(entry.id, entry.root)
    folds = entry.summary.get("folds", ())
    finished = [fold["fold"] for fold in folds if fold["state"] == "done"]
    lines = [of_fold(run.metrics_file(k)) for k in finished or [fold["fold"] for fold in folds if fold["epoch"]]]
    if not lines:
        return {}
    shared = sorted(set(lines[0]).intersection(*lines[1:]))
    return {epoch: sum(line[epoch] for line in lines) / len(lines) for epoch in shared}


def of_fold(path: Path) -> Mapping[int, float]:
    """F1 of validation by epoch of a metrics.csv, read again only when the file changed; empty without any."""
    try:
        status = os.stat(path)
        stamp = status.st_mtime_ns, status.st_size, status.st_ino
        before = _FOLDS.get(path)
        if before is not None and before[0] == stamp:
            return before[1]
        line = _read(path.read_bytes())
    except OSError:
        return {}
    _FOLDS[path] = stamp, line
    while len(_FOLDS) > REMEMBERED:
        _FOLDS.popitem(last=False)
    return line


def _read(raw: bytes) -> dict[int, float]:
    """As metrics_file.read_metrics, of one number and without a table: a list reads hundreds of files."""
    rows = [line.split(",") for line in raw[: raw.rfind(b"\n") + 1].decode("utf-8", "replace").splitlines()]
    if not rows or not {"epoch", "split", "f1"} <= set(rows[0]):
        return {}
    epoch, split, f1 = (rows[0].index(name) for name in ("epoch", "split", "f1"))
    of_epoch: dict[int, float] = {}
    for cells in rows[1:]:
        if len(cells) == len(rows[0]) and cells[split] == "validation":
            try:
                number, value = int(cells[epoch]), float(cells[f1])
            except ValueError:
                continue
            if math.isfinite(value):
                of_epoch[number] = value
    return of_epoch


def thinned(curve: Mapping[int, float], most: int = POINTS) -> list[tuple[float, float]]:
    """(share of the way from the first epoch to the last, value) of at most `most` epochs; the first and the last are
    among them. curve: as f1_curve gives it."""
    epochs = list(curve)
    if len(epochs) < 2:
        return [(0.0, value) for value in curve.values()]
    last, span = len(epochs) - 1, epochs[-1] - epochs[0]
    places = range(last + 1) if last < most else [round(i * last / (most - 1)) for i in range(most)]
    return [((epochs[place] - epochs[0]) / span, curve[epochs[place]]) for place in places]
