"""JSON lines: one object a line, its keys are the columns (metadata.jsonl with file_name)."""

from __future__ import annotations

import json
import re
from typing import Any

from core.errors import LabError

_HALF = re.compile(r"\\ud[89a-f]", re.IGNORECASE)  # two of them are one letter; one alone is none, and no file takes it


def read_json_lines(name: str, text: str) -> tuple[list[str], list[tuple[int, list[str]]], list[tuple[int, str]]]:
    """(columns in the order in which they come first, rows by line number, what is wrong with other lines).

    Raises LabError (kind "csv") where not one line is an object.
    """
    objects: list[tuple[int, dict[str, Any]]] = []
    faults: list[tuple[int, str]] = []
    for number, line in enumerate(text.split("\n"), start=1):
        if not line.strip():
            continue
        try:
            value = json.loads(line, object_pairs_hook=_each_once)
        except _Twice as error:
            faults.append((number, str(error)))
            continue
        except (ValueError, RecursionError) as error:
            reason = error.msg if isinstance(error, json.JSONDecodeError) else "too deep or a number too long"
            faults.append((number, f"the line is not JSON ({reason})"))
            continue
        if _HALF.search(line) and not _can_be_written(value):
            faults.append((number, "a text in it has half a letter, such as \\ud83d without its other half"))
        elif isinstance(value, dict):
            objects.append((number, value))
        else:
            faults.append((number, f"the line is not a JSON object but {type(value).__name__}"))
    if not objects:
        first = f" (line {faults[0][0]}: {faults[0][1]})" if faults else ""
        remedy = 'Write lines such as {"file_name": "a.jpg", "label": "cat"}.'
        raise LabError(f"{name}: not one line is a JSON object{first}", remedy, "csv")
    columns = list(dict.fromkeys(key for _, value in objects for key in value))
    rows = [(number, [_cell(value.get(key)) for key in columns]) for number, value in objects]
    return [column.strip() for column in columns], [row for row in rows if any(row[1])], faults


class _Twice(ValueError):
    """An object has a key twice, and nobody can say which of them is meant."""


def _each_once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    content = dict(pairs)
    if len(content) < len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        raise _Twice(f"the key {twice!r} stands in it more than once")
    return content


def _can_be_written(value: Any) -> bool:
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True


def _cell(value: Any) -> str:
    if value is None:
        return ""
    return value.strip() if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
