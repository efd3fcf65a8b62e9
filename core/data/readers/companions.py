"""Tables that say one more thing of the photos of another table: who they show, or what they are for.

CelebA has such lists beside its attributes: identity_CelebA.txt, list_eval_partition.txt. Their column joins the rows
of the other table.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Sequence
from dataclasses import replace

from core.config.parts import NO_COLUMN
from core.config.run_config import DataConfig
from core.data.readers.reading import Fact
from core.data.readers.tree import Tree
from core.data.tables.matching import Matcher
from core.data.tables.table import Table, is_list, is_table, read_table
from core.errors import LabError

SAYS = {  # what a companion's name tells that it says -> the column that it becomes
    "identity": re.compile(r"(^|[\W_])(identity|identities|persons?|subjects?)([\W_]|$)", re.IGNORECASE),
    "partition": re.compile(r"(^|[\W_])(partitions?|splits?)([\W_]|$)", re.IGNORECASE),
}
WORDS = {"identity": ("who the photos show", "person_column"), "partition": ("what they are for", "split_column")}
POSITIONS = re.compile(r"(^|[\W_])(bbox(es)?|bounding_box(es)?|landmarks?)([\W_]|$)", re.IGNORECASE)


def says(path: str) -> str:
    """identity or partition, by the name of a table; "" for one that says something else."""
    stem = posixpath.splitext(posixpath.basename(path))[0]
    return next((column for column, name in SAYS.items() if name.search(stem)), "")


def tells_positions(path: str) -> bool:
    """Whether a table by its name says where things are in photos, which is nothing to be labelled with."""
    return POSITIONS.search(posixpath.splitext(posixpath.basename(path))[0]) is not None


def with_companions(
    path: str, table: Table, tree: Tree, data: DataConfig, matcher: Matcher
) -> tuple[Table, list[Fact], list[str]]:
    """(the table at `path` with a column of each companion in its folder that names half of its photos, facts, the
    companions that were read, also those that name fewer by now)."""
    home, facts, read = posixpath.dirname(path), [], []
    place = _path_place(table, matcher)
    for other in sorted(tree.others):
        column = says(other)
        beside = posixpath.dirname(other) == home and other != path and (is_table(other) or is_list(other))
        if not column or not beside or place is None or column in table.columns or says(path):
            continue
        if getattr(data, WORDS[column][1]) == NO_COLUMN or (column == "identity" and data.persons != "auto"):
            continue
        read.append(other)
        of_photo = _column_by_photo(other, tree, data, matcher)
        cells = [of_photo.get(_photo(row, place, home, matcher), "") for _, row in table.rows]
        named = sum(map(bool, cells))
        if not named or 2 * named < len(cells):
            continue
        width = len(table.columns)
        rows = [
            (number, [*(row + [""] * width)[:width], cell, *row[width:]])
            for (number, row), cell in zip(table.rows, cells, strict=True)
        ]
        table = replace(table, columns=[*table.columns, column], rows=rows)
        what, setting = WORDS[column]
        text = f"{other} says {what}: read together with {path} ({named:,} of {len(cells):,} rows)."
        facts.append(Fact("table", text, (setting,)))
    return table, facts, read


def _path_place(table: Table, matcher: Matcher) -> int | None:
    """The first column whose cells are photos."""
    first = [row for _, row in table.rows[:20]]
    for place in range(len(table.columns)):
        cells = [row[place] for row in first if place < len(row)]
        if cells and 2 * sum(map(matcher.is_photo, cells)) > len(cells):
            return place
    return None


def _photo(row: Sequence[str], place: int, home: str, matcher: Matcher) -> str:
    cell = row[place] if place < len(row) else ""
    return matcher.exact(cell, home) or cell


def _column_by_photo(path: str, tree: Tree, data: DataConfig, matcher: Matcher) -> dict[str, str]:
    """Photo -> what a table of two columns says of it; {} for any other table."""
    try:
        table = read_table(tree.root / path, encoding=data.encoding, is_photo=matcher.is_photo)
    except LabError:
        return {}  # it is told where it is looked at by itself
    place, home = _path_place(table, matcher), posixpath.dirname(path)
    if len(table.columns) != 2 or place is None:
        return {}
    rows = (row for _, row in table.rows if len(row) == 2)
    return {_photo(row, place, home, matcher): row[1 - place] for row in rows}
