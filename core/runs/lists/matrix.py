"""Runs in rows and columns of two columns or settings: which of them is best in each cell. Imports no torch.

A cell may hold runs that answered about other photos, other classes or other folds. Their scores say nothing of each
other: each kind has its own best in the cell, and is ranked and coloured among runs of its kind alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from core.runs.lists import best, conditions
from core.runs.lists.index import Listed

ROWS, COLUMNS = 40, 14  # that are shown at most


@dataclass(frozen=True)
class Part:
    """The finished runs of one kind in a cell. best: the one with the highest mean. lowest: mean of the worst. among:
    cells that hold runs of this kind. heat: 0..1 from the worst of their bests to the best, None for one cell alone.
    first: whether no other cell has a higher one, of two cells or more."""

    kind: int
    best: Listed
    mean: float
    lowest: float
    runs: int
    among: int = 1
    heat: float | None = None
    first: bool = False


@dataclass(frozen=True)
class Cell:
    """parts: one a kind, that of most runs in all first. unfinished: runs beside them that have no fold done or not
    all. asked: the condition that lets exactly this cell's runs through; None where none can."""

    parts: tuple[Part, ...]
    unfinished: int
    asked: str | None


@dataclass(frozen=True)
class Matrix:
    """rows, columns: the values, as text. cells: (row, column) -> what lies there. kinds: which runs answered about the
    same. more_rows, more_columns: values that are left out since there are too many."""

    rows: tuple[str, ...]
    columns: tuple[str, ...]
    cells: dict[tuple[int, int], Cell]
    kinds: best.Kinds
    more_rows: int = 0
    more_columns: int = 0


def matrix(entries: Sequence[Listed], rows: str, columns: str, score: str) -> Matrix:
    """rows, columns: a column of the search or a dotted setting. score: one of index.LISTED_SCORES.

    A run with several values, such as two tags, stands in several cells.
    """
    of_rows, of_columns = _values(entries, rows), _values(entries, columns)
    shown_rows, shown_columns = of_rows[:ROWS], of_columns[:COLUMNS]
    row_of = {value: place for place, value in enumerate(shown_rows)}
    column_of = {value: place for place, value in enumerate(shown_columns)}
    inside: dict[tuple[int, int], list[Listed]] = {}
    for entry in entries:
        for row in values_of(entry, rows):
            for column in values_of(entry, columns):
                if row in row_of and column in column_of:
                    inside.setdefault((row_of[row], column_of[column]), []).append(entry)
    kinds = best.kinds(entry for entry in entries if best.finished(entry) and best.mean_of(entry, score) is not None)
    parts = {place: _parts(runs, kinds, score) for place, runs in inside.items()}
    ranked = _ranked(parts)
    cells = {}
    for (row, column), runs in inside.items():
        asked = (
            conditions.as_typed(rows, shown_rows[row], of_rows),
            conditions.as_typed(columns, shown_columns[column], of_columns),
        )
        of_cell = ranked[row, column]
        counted = sum(part.runs for part in of_cell)
        both = None if None in asked else " and ".join(str(each) for each in dict.fromkeys(asked))
        cells[row, column] = Cell(of_cell, len(runs) - counted, both)
    return Matrix(
        tuple(text_of(value) for value in shown_rows),
        tuple(text_of(value) for value in shown_columns),
        cells,
        kinds,
        len(of_rows) - len(shown_rows),
        len(of_columns) - len(shown_columns),
    )


def values_of(entry: Listed, key: str) -> tuple[Any, ...]:
    """What a run is grouped by: its values, or the one that stands for none."""
    values, _ = conditions.values_of(entry, key)
    return tuple(dict.fromkeys(values)) or (conditions.NONE,)


def ordered(values: Iterable[Any]) -> list[Any]:
    """Numbers, then texts, then what stands for none."""
    return sorted(values, key=lambda value: (value == conditions.NONE, isinstance(value, str), _sortable(value)))


def text_of(value: Any) -> str:
    return repr(value) if isinstance(value, float) else str(value)


def _sortable(value: Any) -> Any:
    return value.lower() if isinstance(value, str) else value


def _values(entries: Sequence[Listed], key: str) -> list[Any]:
    return ordered({value: None for entry in entries for value in values_of(entry, key)})


def _parts(runs: Sequence[Listed], kinds: best.Kinds, score: str) -> list[Part]:
    of_kind: dict[int, list[tuple[float, Listed]]] = {}
    for entry in runs:
        mean = best.mean_of(entry, score)
        if mean is not None and best.finished(entry):
            of_kind.setdefault(kinds.of[entry.id], []).append((mean, entry))
    parts = []
    for kind in sorted(of_kind):
        mean, highest = max(of_kind[kind], key=lambda pair: pair[0])
        parts.append(Part(kind, highest, mean, min(of_kind[kind], key=lambda pair: pair[0])[0], len(of_kind[kind])))
    return parts


def _ranked(parts: dict[tuple[int, int], list[Part]]) -> dict[tuple[int, int], tuple[Part, ...]]:
    """The same, each among the cells that hold runs of its kind."""
    means: dict[int, list[float]] = {}
    for of_cell in parts.values():
        for part in of_cell:
            means.setdefault(part.kind, []).append(part.mean)
    return {place: tuple(_among(part, means[part.kind]) for part in of_cell) for place, of_cell in parts.items()}


def _among(part: Part, means: Sequence[float]) -> Part:
    low, high = min(means), max(means)
    several = len(means) > 1
    heat = (part.mean - low) / (high - low) if several and high > low else 0.5 if several else None
    first = several and part.mean == high
    return Part(part.kind, part.best, part.mean, part.lowest, part.runs, len(means), heat, first)
