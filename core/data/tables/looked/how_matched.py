"""How cells of a table were matched that do not say what their photos are called, as sentences for people."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from core.data.readers.reading import Fact
from core.data.tables.matching import Match

WAYS = {  # how a cell was matched that is not what the file is called, and how that is said
    "case": "match only without regard to case",
    "suffix": "are written with another suffix or none: matched by name",
    "end": "are paths of another place: matched by the end of the path",
    "far": "are matched by the file name alone, in a folder of another name",
    "upload": "are matched without the prefix of an upload",
    "number": "are numbers that lost their zeros: matched by number",
}
PROBABLE = ("far", "upload", "number")


def facts_of(matches: Iterable[tuple[str, Match]], table: str) -> list[Fact]:
    """One fact for each way in which cells were matched that do not say what their photos are called.

    matches: (cell, match) of each row.
    """
    rows: Counter[str] = Counter()
    examples: dict[str, str] = {}
    for cell, match in matches:
        for way in match.ways:
            rows[way] += 1
            examples.setdefault(way, f"{cell} is {match.sample}")
    facts = []
    for way, said in WAYS.items():
        if count := rows[way]:
            names = f"{count:,} file name{'s' if count > 1 else ''} in {table}"
            one = said if count > 1 else said.replace("are numbers", "is a number").replace("are paths", "is a path")
            one = one if count > 1 else one.replace("are ", "is ").replace("match only", "matches only")
            facts.append(Fact("match", f"{names} {one} ({examples[way]}).", ("path_column",), way in PROBABLE))
    return facts
