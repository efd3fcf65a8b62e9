"""What a search of runs says: words, and conditions on columns and settings such as `epochs>3`. Imports no torch.

A condition that nothing fits because nobody understands it looks like one that no run meets. So `problems` says of each
what is wrong with it.
"""

from __future__ import annotations

import difflib
import operator
import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache, partial
from typing import Any

from core.runs.lists.index import Listed, settings_of
from core.text import one_line

_SIGN = r"==|>=|<=|!=|=|>|<|≥|≤|≠"
_UNIT = r"kB|MB|GB|TB|s|min|h|d"
_PARTS = re.compile(
    rf'(?P<key>[^\W\d][\w.-]*)\s*(?P<sign>{_SIGN})\s*(?P<value>"[^"]*"|\d[\d.,]*\s?(?:{_UNIT})(?!\S)|[^\s"]+)'
    r'|"(?P<phrase>[^"]*)"|(?P<word>\S+)',
    re.IGNORECASE,
)
_SAME = {"==": "=", "≥": ">=", "≤": "<=", "≠": "!="}
_ORDER = {">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le}
_FACTORS = {
    "size": {"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12},
    "time": {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0},
}
_UNITS = {"size": "a size such as 500 MB", "time": "a time such as 90 min or 2 h"}
_AND, _OR = ("and", "&", "&&"), ("or", "|", "||")
LONGEST = 40  # characters of a condition in a sentence


@dataclass(frozen=True)
class Condition:
    """key: as it was typed, in lower case. sign: one of = != > < >= <=. value: in lower case, without its quotes."""

    key: str
    sign: str
    value: str

    def __str__(self) -> str:
        return one_line(f"{self.key}{self.sign}{self.value}", LONGEST)


@dataclass(frozen=True)
class Search:
    """words: that all have to occur, in lower case; what was quoted is one word. either: whether conditions were joined
    by "or", which nobody understands here."""

    words: tuple[str, ...]
    conditions: tuple[Condition, ...]
    either: bool = False


@dataclass(frozen=True)
class Column:
    """What a condition may ask of a run. kind: number | size | time | text. value: None where the run has none."""

    kind: str
    value: Callable[[Listed], Any]


def _score(entry: Listed, name: str) -> float | None:
    mean, _, folds = entry.scores[name]
    return mean if folds else None


def _told(entry: Listed, name: str) -> Any:
    return entry.summary.get(name)


_SCORES = {"f1": "best_f1", "accuracy": "best_accuracy", "last_f1": "final_f1", "last_accuracy": "final_accuracy"}
COLUMNS: dict[str, Column] = {
    **{name: Column("number", partial(_score, name=score)) for name, score in _SCORES.items()},
    **{name: Column("number", partial(_told, name=name)) for name in ("epochs", "depth", "classes", "people")},
    "photos": Column("number", partial(_told, name="samples")),
    "folds": Column("number", lambda entry: entry.done[1] or None),
    "size": Column("size", lambda entry: entry.bytes),
    "time": Column("time", lambda entry: entry.seconds),
    "wall": Column("time", lambda entry: entry.wall_seconds),
    "name": Column("text", lambda entry: entry.name),
    "state": Column("text", lambda entry: entry.state),
    **{name: Column("text", partial(_told, name=name)) for name in ("dataset", "task", "study")},
    "recipe": Column("text", lambda entry: entry.recipe or None),
    "tag": Column("text", lambda entry: entry.notes.tags or None),
    "who": Column("text", lambda entry: entry.by or None),
}
_ALSO = {"best_f1": "f1", "final_f1": "last_f1", "acc": "accuracy", "best_accuracy": "accuracy"}
_ALSO |= {"final_accuracy": "last_accuracy", "samples": "photos", "bytes": "size", "seconds": "time", "by": "who"}


@lru_cache(maxsize=64)
def read(text: str) -> Search:
    """A search as it was typed. A value with spaces stands in quotes, and so does a word that has a sign in it.

    All of it has to hold, so beside a condition a comma, "and" or "&" between two parts says nothing more.
    """
    words, conditions, joints = [], [], set()
    for part in _PARTS.finditer(text.lower()):
        word = (part["word"] or "").rstrip(",")
        if part["key"]:
            sign = _SAME.get(part["sign"], part["sign"])
            conditions.append(Condition(part["key"], sign, part["value"].rstrip(",").strip('"')))
        elif part["phrase"]:
            words.append(part["phrase"])
        elif word in (*_AND, *_OR):
            joints.add(word)
        elif word:
            words.append(word)
    if not conditions:  # then they are words like others
        return Search((*words, *sorted(joints)), ())
    return Search(tuple(words), tuple(conditions), either=not joints.isdisjoint(_OR))


def fits(entry: Listed, condition: Condition) -> bool:
    """Whether a run meets it. A run without the value meets no order; it differs from whatever it is asked for."""
    values, kind = _values(entry, condition.key)
    if condition.sign in _ORDER:
        bound = _number(condition.value, kind)
        compare = _ORDER[condition.sign]
        return bound is not None and any(_is_number(value) and compare(value, bound) for value in values)
    return any(_equal(value, condition.value, kind) for value in values) == (condition.sign == "=")


def problems(entries: Iterable[Listed], search: Search) -> list[str]:
    """A sentence for each condition that cannot be asked of these runs, with what may have been meant."""
    runs = list(entries)
    faults = [why for condition in search.conditions if (why := _problem(runs, condition))]
    if search.either:
        faults.append("or is not understood: all conditions have to hold together. Search for one of them at a time.")
    return faults


def _problem(entries: Sequence[Listed], condition: Condition) -> str:
    column = _column(condition.key)
    if column is None and not any(_settings(entry, condition.key) for entry in entries):
        near = difflib.get_close_matches(condition.key, _names(entries), 1, 0.6)
        meant = f"Did you mean {near[0]}?" if near else 'To look for it as a word, put it in quotes: "…".'
        return f"{condition}: no column or setting is called {one_line(condition.key, LONGEST)}. {meant}"
    kind = column.kind if column else "number"
    if kind == "text":
        no_order = f"{condition}: {condition.key} has no order, so only = and != can be asked of it."
        return no_order if condition.sign in _ORDER else ""
    if _number(condition.value, kind) is not None:
        return ""
    value = one_line(condition.value, LONGEST)
    if kind in _UNITS:
        return f"{condition}: {value} is not {_UNITS[kind]}."
    return f"{condition}: {value} is not a number." if column or condition.sign in _ORDER else ""


def _column(key: str) -> Column | None:
    return COLUMNS.get(_ALSO.get(key, key))


def _names(entries: Sequence[Listed]) -> list[str]:
    """What a condition may begin with: columns, and settings by the last part of their name."""
    dotted = {name: None for entry in entries[:1] for name in settings_of(entry)}
    return [*COLUMNS, *dict.fromkeys(name.rpartition(".")[2] for name in dotted)]


def _values(entry: Listed, key: str) -> tuple[Sequence[Any], str]:
    """(what the run has under this key, its kind); settings of several parts of a configuration are several."""
    column = _column(key)
    if column is None:
        return _settings(entry, key), "number"
    value = column.value(entry)
    return value if isinstance(value, tuple) else () if value is None else (value,), column.kind


def _settings(entry: Listed, key: str) -> list[Any]:
    """The values of the setting of this name, dotted or its last part."""
    table, ending = settings_of(entry), f".{key}"
    return [value for name, value in table.items() if (lower := name.lower()) == key or lower.endswith(ending)]


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number(text: str, kind: str) -> float | None:
    """What was typed as a number, in bytes or seconds where those are asked; None where it is none."""
    factor, digits = 1.0, text.replace(",", "")
    if kind in _FACTORS:
        parts = re.fullmatch(r"([\d.]+)\s?([a-z]+)", digits)
        if parts is None or parts[2] not in _FACTORS[kind]:
            return None
        digits, factor = parts[1], _FACTORS[kind][parts[2]]
    elif digits.endswith("%"):
        digits, factor = digits[:-1], 0.01
    try:
        number = float(digits) * factor
    except ValueError:
        return None
    return number if number == number and abs(number) != float("inf") else None


def _equal(value: Any, typed: str, kind: str) -> bool:
    """Numbers agree to the decimals that were typed, all else letter by letter whatever its case."""
    number = _number(typed, kind) if kind != "text" and _is_number(value) else None
    if number is None:
        return str(value).lower() == typed
    decimals = len(typed.partition(".")[2]) if re.fullmatch(r"\d+\.\d+", typed) else None
    return bool(abs(value - number) <= (0.5000001 * 10**-decimals if decimals is not None else 1e-12 * abs(number)))
