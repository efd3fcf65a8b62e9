"""What may be asked of a run in a search, on columns and settings, such as `epochs>3`. Imports no torch.

expression.py reads conditions from what was typed, and joins them.
"""

from __future__ import annotations

import difflib
import operator
import re
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache, partial
from typing import Any

from core.runs.lists.index import Listed, settings_of
from core.runs.states import ALIVE, FINISHED
from core.text import listed, one_line

_SAME = {"==": "=", "≥": ">=", "≤": "<=", "≠": "!="}
_ORDER = {">": operator.gt, "<": operator.lt, ">=": operator.ge, "<=": operator.le}
CONTAINS = "contains"
NONE = "none"  # as a value: what a run has that has none
FACTORS = {
    "size": {"kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12},
    "time": {"s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0},
}
KINDS = {
    "number": "a number",
    "size": "a size such as 500 MB",
    "time": "a time such as 90 min or 2 h",
    "date": "a day such as 2026-11-20, a month, a year, today or yesterday",
    "text": "a text",
}
_DATE = re.compile(r"(\d{4})(?:-(\d{1,2}))?(?:-(\d{1,2}))?(?:[ t](\d{1,2}):(\d{2}))?")
LONGEST = 40  # characters of a condition in a sentence
KEY = r"[^\W\d][\w.-]*"  # a column or setting that needs no quotes in a search
STATES = tuple(dict.fromkeys((*ALIVE, *FINISHED, "unreadable")))


@dataclass(frozen=True)
class Condition:
    """key: in lower case. sign: one of = != > < >= <= contains. value: in lower case, without its quotes."""

    key: str
    sign: str
    value: str

    def __str__(self) -> str:
        sign = f" {self.sign} " if self.sign == CONTAINS else self.sign
        return one_line(f"{self.key}{sign}{self.value}", LONGEST)


@dataclass(frozen=True)
class Column:
    """What a condition may ask of a run. kind: one of KINDS. value: None where the run has none. also: by what else it
    is found."""

    kind: str
    value: Callable[[Listed], Any]
    also: Callable[[Listed], str] | None = None


def condition(key: str, sign: str, value: str) -> Condition:
    """Of what was typed; a value in quotes is what stands between them."""
    sign = sign.lower()
    return Condition(key.lower(), _SAME.get(sign, sign), value.lower().strip('"'))


def _score(entry: Listed, name: str) -> float | None:
    mean, _, folds = entry.scores[name]
    return mean if folds else None


def _told(entry: Listed, name: str) -> Any:
    return entry.summary.get(name)


def _age(entry: Listed) -> float | None:
    created = entry.summary.get("created")
    return None if created is None else max(0.0, time.time() - created)


SCORES = {"f1": "best_f1", "accuracy": "best_accuracy", "last_f1": "final_f1", "last_accuracy": "final_accuracy"}
COLUMNS: dict[str, Column] = {
    **{name: Column("number", partial(_score, name=score)) for name, score in SCORES.items()},
    **{name: Column("number", partial(_told, name=name)) for name in ("epochs", "depth", "classes", "people")},
    "photos": Column("number", partial(_told, name="samples")),
    "folds": Column("number", lambda entry: entry.done[1] or None),
    "finished": Column("number", lambda entry: entry.done[0]),
    "size": Column("size", lambda entry: entry.bytes),
    "time": Column("time", lambda entry: entry.seconds),
    "wall": Column("time", lambda entry: entry.wall_seconds),
    "launched": Column("date", partial(_told, name="created")),
    "age": Column("time", lambda entry: _age(entry)),
    "name": Column("text", lambda entry: entry.name),
    "state": Column("text", lambda entry: entry.state),
    **{name: Column("text", partial(_told, name=name)) for name in ("dataset", "task", "study")},
    "recipe": Column("text", lambda entry: entry.recipe or None, lambda entry: entry.recipe_file),
    "tag": Column("text", lambda entry: entry.notes.tags or None),
    "note": Column("text", lambda entry: entry.notes.text or None),
    "init": Column("text", partial(_told, name="init")),
    "id": Column("text", lambda entry: entry.id),
    "who": Column("text", lambda entry: entry.by or None),
}
_ALSO = {"best_f1": "f1", "final_f1": "last_f1", "acc": "accuracy", "best_accuracy": "accuracy"}
_ALSO |= {"final_accuracy": "last_accuracy", "samples": "photos", "bytes": "size", "seconds": "time", "by": "who"}
_ALSO |= {"created": "launched", "tags": "tag"}


def fits(entry: Listed, condition: Condition) -> bool:
    """Whether a run meets it. A run without the value meets no order; it differs from whatever it is asked for but
    `none`."""
    values, kind = values_of(entry, condition.key)
    column = column_of(condition.key)
    if values and column is not None and column.also is not None:
        values = (*values, column.also(entry))
    if condition.sign == CONTAINS:
        return any(condition.value in str(value).lower() for value in values)
    if condition.sign in ("=", "!="):
        return _is(values, condition.value, kind) == (condition.sign == "=")
    compare = _ORDER[condition.sign]
    if kind == "date":
        span = _span(condition.value)
        if span is None:
            return False
        start, end = span
        bound = start if condition.sign in ("<", ">=") else end  # after a day means after all of it
        compare = operator.lt if condition.sign in ("<", "<=") else operator.ge
    else:
        number = _number(condition.value, kind)
        if number is None:
            return False
        bound = number
    return any(is_number(value) and compare(value, bound) for value in values)


def _is(values: Sequence[Any], typed: str, kind: str) -> bool:
    if not values:
        return typed == NONE
    span = _span(typed) if kind == "date" else None
    if span is not None:
        return any(span[0] <= value < span[1] for value in values)
    return any(_equal(value, typed, kind) for value in values)


def problem(entries: Sequence[Listed], condition: Condition) -> str:
    """Why a condition cannot be asked of these runs, with what may have been meant; empty where it can."""
    column = column_of(condition.key)
    value = one_line(condition.value, LONGEST)
    if column is None and not any(_called(tuple(settings_of(entry)), condition.key) for entry in entries):
        unheard = f"{condition}: no column or setting is called {one_line(condition.key, LONGEST)}."
        return f"{unheard} {_meant(entries, condition.key)}"
    kind = column.kind if column else "number"
    if condition.sign == CONTAINS:
        texts = "" if kind == "text" or column is None else f"{condition}: {condition.key} is {KINDS[kind]}, "
        return texts and f"{texts}so it is compared with =, !=, >, <, >= or <=."
    if kind == "text":
        if condition.sign in _ORDER:
            return f"{condition}: {condition.key} has no order, so only =, != and contains can be asked of it."
        if column is COLUMNS["state"] and condition.value not in STATES:
            return f"{condition}: no state is called {value}. States are {listed(STATES, len(STATES))}."
        return ""
    if (condition.value == NONE and condition.sign not in _ORDER) or _understood(condition.value, kind):
        return ""
    return f"{condition}: {value} is not {KINDS[kind]}." if column or condition.sign in _ORDER else ""


def _understood(typed: str, kind: str) -> bool:
    return (_span(typed) if kind == "date" else _number(typed, kind)) is not None


def askable(entries: Sequence[Listed]) -> list[str]:
    """All that a condition may ask of these runs: columns, and settings by their dotted name, if it can be typed."""
    seen: dict[tuple[str, ...], None] = {tuple(settings_of(entry)): None for entry in entries}
    names = dict.fromkeys(name for table in seen for name in table if name not in ("name", "description"))
    return [*COLUMNS, *sorted(name for name in names if as_typed(name, None) is not None)]


def kind_of(entries: Iterable[Listed], key: str) -> tuple[str, list[Any]]:
    """(kind, the values that occur, sorted) of a column or setting; a setting is a number where all its values are."""
    values = list(dict.fromkeys(value for entry in entries for value in values_of(entry, key)[0]))
    numbers = all(is_number(value) for value in values)
    column = column_of(key.lower())
    kind = column.kind if column else "number" if numbers and values else "text"
    return kind, sorted(values) if numbers else sorted(values, key=lambda value: str(value).lower())


def _meant(entries: Sequence[Listed], key: str) -> str:
    near = difflib.get_close_matches(key, _names(entries), 1, 0.6)
    if near:
        return f"Did you mean {near[0]}?"
    columns = ", ".join(COLUMNS)
    return (
        f"Columns are {columns}; settings have their dotted name, such as model.depth. To look for it as a word, put "
        'it in quotes: "…".'
    )


def as_typed(key: str, value: object, others: Iterable[object] = ()) -> str | None:
    """The condition that asks for exactly this value of a column or setting; None where no condition can.

    value: as values_of gives it, None for a run that has none. others: values that it has to leave out, since a number
    with decimals stands for all that round to it.
    """
    if '"' in key or key != one_line(key):
        return None
    key = quoted(key)
    if value is None:
        return f"{key}={NONE}"
    if is_number(value):
        number = repr(value)
        alike = [each for each in others if is_number(each) and each != value and _equal(each, number, "number")]
        return f"{key}={number}e0" if alike else f"{key}={number}"
    text = str(value)
    if '"' in text or text != one_line(text):
        return None
    return f"{key}={text}" if re.fullmatch(r"[\w./+:-]*[\w/+:-]", text) else f'{key}="{text}"'


def quoted(key: str) -> str:
    """A column or setting as a search reads it, in quotes where its name needs them: "task.only.hair color"."""
    return key if re.fullmatch(KEY, key) else f'"{key}"'


def column_of(key: str) -> Column | None:
    return COLUMNS.get(_ALSO.get(key, key))


def _names(entries: Sequence[Listed]) -> list[str]:
    """What a condition may begin with: columns, and settings by the last part of their name."""
    dotted = {name: None for entry in entries[:1] for name in settings_of(entry)}
    return [*COLUMNS, *dict.fromkeys(name.rpartition(".")[2] for name in dotted)]


def values_of(entry: Listed, key: str) -> tuple[Sequence[Any], str]:
    """(what the run has under this key, its kind); settings of several parts of a configuration are several."""
    column = column_of(key)
    if column is None:
        return _settings(entry, key.lower()), "number"
    value = column.value(entry)
    return value if isinstance(value, tuple) else () if value is None else (value,), column.kind


def _settings(entry: Listed, key: str) -> list[Any]:
    """The values of the setting of this name, dotted or its last part."""
    table = settings_of(entry)
    return [value for name in _called(tuple(table), key) if (value := table[name]) is not None]


@lru_cache(maxsize=256)
def _called(names: tuple[str, ...], key: str) -> tuple[str, ...]:
    """Most runs have settings of the same names."""
    ending = f".{key}"
    return tuple(name for name in names if (lower := name.lower()) == key or lower.endswith(ending))


def is_number(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _number(text: str, kind: str) -> float | None:
    """What was typed as a number, in bytes or seconds where those are asked; None where it is none."""
    factor, digits = 1.0, text.replace(",", "")
    if kind in FACTORS:
        parts = re.fullmatch(r"([\d.]+)\s?([a-z]+)", digits)
        if parts is None or parts[2] not in FACTORS[kind]:
            return None
        digits, factor = parts[1], FACTORS[kind][parts[2]]
    elif digits.endswith("%"):
        digits, factor = digits[:-1], 0.01
    try:
        number = float(digits) * factor
    except ValueError:
        return None
    return number if number == number and abs(number) != float("inf") else None


def _equal(value: Any, typed: str, kind: str) -> bool:
    """Numbers agree to the decimals that were typed, all else letter by letter whatever its case."""
    number = _number(typed, kind) if kind != "text" and is_number(value) else None
    if number is None:
        return str(value).lower() == typed
    decimals = len(typed.partition(".")[2]) if re.fullmatch(r"\d+\.\d+", typed) else None
    return bool(abs(value - number) <= (0.5000001 * 10**-decimals if decimals is not None else 1e-12 * abs(number)))


def _span(typed: str) -> tuple[float, float] | None:
    """From when until when (Unix times; the end does not belong to it) a day, month, year or minute lasts, in the time
    zone of this machine; None for what is none of these."""
    today = datetime.now().replace(hour=0, minute=0, second=0, microsecond=0)
    try:
        if typed in ("today", "yesterday"):
            start = today - timedelta(days=typed == "yesterday")
            end = start + timedelta(days=1)
        elif (parts := _DATE.fullmatch(typed)) is None or (parts[4] and not parts[3]):
            return None
        else:
            year, month, day, hour, minute = (None if part is None else int(part) for part in parts.groups())
            start = datetime(year or 0, month or 1, day or 1, hour or 0, minute or 0)
            if hour is not None:
                end = start + timedelta(minutes=1)
            elif day is not None:
                end = start + timedelta(days=1)
            else:
                end = datetime(start.year + (month in (None, 12)), 1 if month is None else month % 12 + 1, 1)
        return start.timestamp(), end.timestamp()
    except (ValueError, OverflowError, OSError):
        return None
