"""Which runs a list shows, and in which order: search, filters, groups, sorting. Imports no torch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from core.config.settings import Value
from core.runs.lists import expression
from core.runs.lists.index import LISTED_SCORES, Listed, settings_of
from core.runs.lists.same import kept

NO_VALUE = "none"
FIELDS: dict[str, Callable[[Listed], Any]] = {
    "state": lambda entry: entry.state,
    "dataset": lambda entry: entry.summary.get("dataset"),
    "task": lambda entry: entry.summary.get("task"),
    "depth": lambda entry: entry.summary.get("depth"),
    "recipe": lambda entry: entry.recipe or None,
    "study": lambda entry: entry.summary.get("study"),
    "by": lambda entry: entry.by or None,
}


def _mean(entry: Listed, score: str) -> float | None:
    mean, _, count = entry.scores[score]
    return mean if count else None


def _told(entry: Listed, name: str) -> Any:
    return entry.summary.get(name)


SORTS: dict[str, Callable[[Listed], Any]] = {
    "name": lambda entry: entry.name.lower(),
    **{name: FIELDS[name] for name in ("state", "dataset", "task", "depth", "recipe", "by")},
    **{score: partial(_mean, score=score) for score in LISTED_SCORES},
    "seconds": lambda entry: entry.seconds,
    "bytes": lambda entry: entry.bytes,
    "wall": lambda entry: entry.wall_seconds,
    **{name: partial(_told, name=name) for name in ("created", "study", "init", "epochs", "classes", "samples")},
    "people": partial(_told, name="people"),
    "folds": lambda entry: entry.done[1],
    "id": lambda entry: entry.id,
}


def _setting(entry: Listed, name: str) -> tuple[bool, Any] | None:
    """To sort by: numbers before words."""
    value = settings_of(entry).get(name)
    return None if value is None else (isinstance(value, str), value)


@dataclass(frozen=True)
class Query:
    """What the address of the Runs page asks for; an empty filter lets everything through.

    text: words that must all occur in name, id, dataset, study, recipe, tags or note, and conditions such as
    `epochs>3` or `training.batch_size=64`: see expression.read. by: who launched it. archived: the archived runs
    instead of the others; None for both.
    """

    text: str = ""
    state: tuple[str, ...] = ()
    dataset: tuple[str, ...] = ()
    task: tuple[str, ...] = ()
    depth: tuple[int, ...] = ()
    study: tuple[str, ...] = ()
    tag: tuple[str, ...] = ()
    by: tuple[str, ...] = ()
    archived: bool | None = False
    sort: str = "created"
    descending: bool = True


def choose(entries: Iterable[Listed], query: Query) -> list[Listed]:
    """The runs that a query asks for, sorted; a run without the value sorted by comes last either way."""
    chosen = [entry for entry in entries if query.archived in (None, entry.notes.archived is not None)]
    for name in ("state", "dataset", "task", "depth", "study", "by"):
        if allowed := set(getattr(query, name)):
            chosen = [entry for entry in chosen if FIELDS[name](entry) in allowed]
    if query.tag:
        chosen = [entry for entry in chosen if not set(query.tag).isdisjoint(entry.notes.tags)]
    search = expression.read(query.text)
    if expression.problems(chosen, search):
        return []
    if search.tree is not None:
        chosen = [entry for entry in chosen if expression.meets(entry, search.tree)]
    return ordered(chosen, query.sort, query.descending)


def ordered(entries: Iterable[Listed], sort: str, descending: bool) -> list[Listed]:
    """Sorted by one of SORTS or a dotted setting (anything else: by launch); ties stay newest first."""
    key = SORTS.get(sort) or (partial(_setting, name=sort) if "." in sort else SORTS["created"])
    valued: list[tuple[Any, Listed]] = []
    unvalued: list[tuple[Any, Listed]] = []
    for entry in entries:
        value = key(entry)
        (unvalued if value is None else valued).append((value, entry))
    valued.sort(key=lambda pair: pair[0], reverse=descending)
    return [entry for _, entry in (*valued, *unvalued)]


def grouped(entries: Sequence[Listed], by: str) -> list[tuple[str, list[Listed]]]:
    """(value as text, its runs in their order) of a field, 'tag', or any dotted setting; values in their own order.

    A run with two tags stands in both groups; runs without the value come last under 'none'.
    """
    groups: dict[Any, list[Listed]] = {}
    for entry in entries:
        for value in _values(entry, by):
            groups.setdefault(value, []).append(entry)
    order = sorted(groups, key=lambda v: (v is None, isinstance(v, str), v if v is not None else 0))
    return [(NO_VALUE if value is None else str(value), groups[value]) for value in order]


@kept
def choices(entries: Iterable[Listed], name: str) -> list[Any]:
    """The values of a filter that occur, sorted. name: one of FIELDS, or 'tag'."""
    if name == "tag":
        return sorted({tag for entry in entries for tag in entry.notes.tags}, key=str.lower)
    return sorted({value for entry in entries if (value := FIELDS[name](entry)) is not None})


@kept
def varying(entries: Iterable[Listed]) -> list[str]:
    """Dotted settings in which the runs are not all the same: what is worth grouping by."""
    first: dict[str, Value] | None = None
    varied: dict[str, None] = {}
    seen: dict[int, dict[str, Value]] = {}  # by id, with the tables, so that no other table gets a freed id
    for entry in entries:
        table = settings_of(entry)
        if not table or id(table) in seen:
            continue
        seen[id(table)] = table
        if first is None:
            first = table
        elif table != first:
            items = table.items()
            varied |= {key: None for key, value in items if key not in varied and first.get(key, _ABSENT) != value}
            varied |= {key: None for key in first if key not in table}
    return [key for key in varied if key not in ("name", "description")]


_ABSENT = object()


def _values(entry: Listed, by: str) -> tuple[Any, ...]:
    if by == "tag":
        return entry.notes.tags or (None,)
    return (FIELDS[by](entry),) if by in FIELDS else (settings_of(entry).get(by),)
