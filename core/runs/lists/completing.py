"""How a search that was typed in part may go on: names of columns and settings, then the values that runs have. Imports
no torch.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from core.runs.lists import conditions
from core.runs.lists.conditions import CONTAINS, KEY, quoted
from core.runs.lists.index import Listed

MOST = 8
SHORTEST = 2  # letters of a name
_SIGN = r"==|>=|<=|!=|=|>|<|≥|≤|≠"
_END = re.compile(
    rf'(?:^|[\s(])(?P<condition>(?P<key>{KEY}|"[^"]+"(?=\s*(?:{_SIGN})))'
    rf'(?:\s*(?P<sign>{_SIGN})\s*(?P<value>"[^"]*|[^\s"()]*))?)$'
)


def completions(entries: Sequence[Listed], text: str) -> list[tuple[str, str]]:
    """(its end, the whole search) of searches that go on from `text`, the likeliest first: the end of `text` is the
    beginning of a name, or a name with a sign and the beginning of a value that some run has. Empty where its end is
    whole, or a word that runs are found by.
    """
    end = _END.search(text)
    if end is None or text[: end.start()].lower().endswith(CONTAINS):
        return []
    key, sign = end["key"].lower(), end["sign"]
    if sign is None:
        ends = _names(entries, key)
    else:
        ends = [f"{key}{sign}{value}" for value in _values(entries, key.strip('"'), end["value"].strip('"').lower())]
    return [(each, text[: end.start("condition")] + each) for each in ends]


def _names(entries: Sequence[Listed], typed: str) -> list[str]:
    """With the sign that is usual for each."""
    if len(typed) < SHORTEST or typed in ("and", "or", "not", CONTAINS) or any(typed in each.text for each in entries):
        return []
    names = conditions.askable(entries)
    fitting = [name for name in names if name.lower().startswith(typed)]
    fitting += [name for name in names if name.rpartition(".")[2].lower().startswith(typed)]
    return [f"{quoted(name)}{_usual(entries, name)}" for name in list(dict.fromkeys(fitting))[:MOST]]


def _usual(entries: Sequence[Listed], name: str) -> str:
    kind, values = conditions.kind_of(entries, name)
    return "=" if kind == "text" or (kind == "number" and len(values) <= MOST) else ">"


def _values(entries: Sequence[Listed], key: str, typed: str) -> list[str]:
    """As a condition writes them. Of a size, a time and a day there are as many as runs: nobody chooses among them."""
    kind, values = conditions.kind_of(entries, key)
    if kind not in ("text", "number") or any(str(value).lower() == typed for value in values):
        return []
    written = [conditions.as_typed(key, value) for value in values if str(value).lower().startswith(typed)]
    return [each[len(quoted(key)) + 1 :] for each in written if each is not None][:MOST]
