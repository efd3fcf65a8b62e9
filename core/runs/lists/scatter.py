"""Runs as points: a score against any column or setting, or run by run in groups. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from core.runs.lists import best, conditions, matrix
from core.runs.lists.index import Listed
from core.text import duration, score, size

GROUPS = 24  # that are shown at most
LOG_FROM = 100  # times the smallest value, from which on a log axis tells more
_STEPS = {
    "time": (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400),
}
_GOLDEN = 0.618034  # successive multiples of it, without their whole part, lie far from each other


@dataclass(frozen=True)
class Axis:
    """ticks: (place 0..1, its label). log: whether equal distances are equal factors. groups: whether there are groups
    instead of numbers."""

    ticks: tuple[tuple[float, str], ...]
    log: bool = False
    groups: bool = False


@dataclass(frozen=True)
class Point:
    """x, y: 0..1 from the left and from below. across: its value on the x axis as text. whole: whether every fold of it
    is done."""

    entry: Listed
    x: float
    y: float
    mean: float
    across: str
    kind: int
    whole: bool


@dataclass(frozen=True)
class Level:
    """The mean over the finished runs of one kind in a group. x: where its line begins and ends."""

    x: tuple[float, float]
    y: float
    mean: float
    runs: int
    kind: int


@dataclass(frozen=True)
class Scatter:
    """kinds: which runs answered about the same. unscored, valueless: runs that are left out since they
    have no score, or no value for the x axis. more_groups: groups that are left out since there are too many."""

    points: tuple[Point, ...]
    levels: tuple[Level, ...]
    x: Axis
    y: Axis
    kinds: best.Kinds
    unscored: int = 0
    valueless: int = 0
    more_groups: int = 0


def scatter(entries: Sequence[Listed], across: str, by: str) -> Scatter:
    """across: a column of the search or a dotted setting; texts make groups. by: the score, of index.LISTED_SCORES.

    A run with several values, such as two tags, is several points.
    """
    scored = [(entry, mean) for entry in entries if (mean := best.mean_of(entry, by)) is not None]
    kinds = best.kinds(entry for entry, _ in scored)
    y, place_y = _numbers([mean for _, mean in scored], "score", padded=0.06)
    kind, _ = conditions.kind_of([entry for entry, _ in scored], across)
    valued = [(entry, mean, values) for entry, mean in scored if (values := _values(entry, across, kind))]
    more = 0
    if kind == "text":
        names = matrix.ordered({value: None for _, _, values in valued for value in values})
        names, more = names[:GROUPS], len(names[GROUPS:])
        x, place_x = _groups(names), {name: place for place, name in enumerate(names)}
        points = _in_groups(valued, place_x, place_y, kinds)
        levels = _levels(points, len(names), place_y)
    else:
        x, number_x = _numbers([value for _, _, values in valued for value in values], kind, padded=0.03)
        points = [
            Point(entry, number_x(value), place_y(mean), mean, as_text(value, kind), kinds.of[entry.id], _whole(entry))
            for entry, mean, values in valued
            for value in values
        ]
        levels = []
    without = len(scored) - len(valued)
    return Scatter(tuple(points), tuple(levels), x, y, kinds, len(entries) - len(scored), without, more)


def as_text(value: Any, kind: str) -> str:
    """A value with its unit."""
    if kind == "score":
        return score(value)
    if kind == "size":
        return size(value)
    if kind == "time":
        return duration(value)
    if kind == "date":
        return datetime.fromtimestamp(value).strftime("%Y-%m-%d %H:%M")
    return f"{value:,}" if isinstance(value, int) else f"{value:g}"


def _whole(entry: Listed) -> bool:
    return best.finished(entry)


def _values(entry: Listed, key: str, kind: str) -> tuple[Any, ...]:
    if kind == "text":
        return matrix.values_of(entry, key)
    values, _ = conditions.values_of(entry, key)
    return tuple(value for value in values if conditions.is_number(value) and math.isfinite(value))


def _groups(names: Sequence[Any]) -> Axis:
    return Axis(
        tuple(((place + 0.5) / len(names), matrix.text_of(name)) for place, name in enumerate(names)), groups=True
    )


def _in_groups(
    valued: Sequence[tuple[Listed, float, tuple[Any, ...]]],
    place_x: dict[Any, int],
    place_y: Callable[[float], float],
    kinds: best.Kinds,
) -> list[Point]:
    """The runs of a group side by side, so that equal scores do not hide each other."""
    points, inside = [], dict.fromkeys(place_x, 0)
    for entry, mean, values in valued:
        for value in values:
            if value in place_x:
                inside[value] += 1
                aside = (inside[value] * _GOLDEN % 1 - 0.5) * 0.5
                x = (place_x[value] + 0.5 + aside) / len(place_x)
                text = matrix.text_of(value)
                points.append(Point(entry, x, place_y(mean), mean, text, kinds.of[entry.id], _whole(entry)))
    return points


def _levels(points: Sequence[Point], groups: int, place_y: Callable[[float], float]) -> list[Level]:
    alike: dict[tuple[int, int], list[float]] = {}
    for point in points:
        if point.whole:
            alike.setdefault((int(point.x * groups), point.kind), []).append(point.mean)
    levels = []
    for (group, kind), means in alike.items():
        if len(means) > 1:
            mean = sum(means) / len(means)
            x = (group + 0.18) / groups, (group + 0.82) / groups
            levels.append(Level(x, place_y(mean), mean, len(means), kind))
    return levels


def _numbers(values: Sequence[float], kind: str, *, padded: float) -> tuple[Axis, Callable[[float], float]]:
    """The axis of numbers, and what places one on it. padded: share of the axis left free at either end."""
    low, high = (min(values), max(values)) if values else (0.0, 1.0)
    log = kind in ("number", "size", "time") and low > 0 and high >= LOG_FROM * low
    scale: Callable[[float], float] = math.log10 if log else float
    start, end = scale(low), scale(high)
    free = padded * (end - start) or 0.02 * abs(end) or 0.5
    start, end = start - free, end + free

    def place(value: float) -> float:
        return (scale(value) - start) / (end - start)

    ticks = _log_ticks(start, end) if log else _linear_ticks(start, end, kind)
    whole = all(float(value).is_integer() for value in values)
    ticks = [tick for tick in ticks if not (whole and kind == "number" and not float(tick).is_integer())]
    return Axis(tuple((place(tick), _label(tick, kind, end - start)) for tick in ticks), log=log), place


def _label(tick: float, kind: str, span: float) -> str:
    if kind == "date":
        return datetime.fromtimestamp(tick).strftime("%d %b %H:%M" if span < 4 * 86_400 else "%Y-%m-%d")
    if kind == "score":
        return f"{tick:.4g}"
    if kind == "number":
        return f"{tick:,.0f}" if abs(tick) >= 1000 else f"{tick:g}"
    return as_text(tick, kind)


def _linear_ticks(start: float, end: float, kind: str, most: int = 6) -> list[float]:
    """Multiples of 1, 2 or 5 times a power of ten, or of what divides an hour, between start and end."""
    if kind == "date":
        return [start + (end - start) * share for share in (0.08, 0.36, 0.64, 0.92)]
    least = (end - start) / most
    power = 10.0 ** math.floor(math.log10(least))
    step = next(power * factor for factor in (1, 2, 5, 10) if power * factor >= least)
    if kind == "time":
        step = next((float(each) for each in _STEPS["time"] if each >= least), step)
    first = math.ceil(start / step)
    digits = max(0, 1 - math.floor(math.log10(step)))
    return [round(number * step, digits) for number in range(first, math.floor(end / step) + 1)]


def _log_ticks(start: float, end: float) -> list[float]:
    """Powers of ten between start and end (logs themselves), every second or third where there are many."""
    powers = range(math.ceil(start), math.floor(end) + 1)
    return [10.0**power for power in powers[:: max(1, math.ceil(len(powers) / 6))]]
