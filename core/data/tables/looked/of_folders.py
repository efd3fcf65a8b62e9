"""Tables that tell something of folders of photos, as one of patients does, and not of photos: nobody reads them."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from core.data.readers.reading import Fact
from core.data.readers.tree import Tree
from core.data.tables.table import Table
from core.text import listed, number_of

FEWEST = 4  # folders of which a table tells something: of fewer nothing can be said to repeat
MOST_TOLD = 3  # tables that are asked about one by one
REMEDY = "To train on it, add a table of the path and class of each photo, or put the folders into one for each class."
_COUNTS = re.compile(
    r"(^|[\W_])(counts?|totals?|(images?|imgs?|photos?|pictures?|files?|samples?)[\W_]*(num(ber)?s?|no)?\d*)([\W_]|$)",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class _Folders:
    """paths: of the folders that hold photos, as names from the dataset down. sizes: name of a folder -> how many
    photos are in and below one of that name, or all of them, in digits. Names as `_folded` has them."""

    paths: Sequence[tuple[str, ...]]
    sizes: Mapping[str, set[str]]

    @cached_property
    def levels(self) -> list[set[str]]:
        return [{path[i] for path in self.paths if len(path) > i} for i in range(max(map(len, self.paths)))]

    def are_half(self, named: set[str]) -> bool:
        """Whether these are half of the folders of a level at least."""
        return any(len(level) >= FEWEST and 2 * len(named & level) >= len(level) for level in self.levels)

    def say(self, value_of: Mapping[str, str]) -> bool:
        """Whether the folders of a level say the same: each stands for one value, and no two for the same."""
        levels: dict[int, set[tuple[str, str]]] = defaultdict(set)
        for path in self.paths:
            values = [value_of[name] for name in path if name in value_of]
            for i, name in enumerate(path if values else ()):
                levels[i] |= {(name, value) for value in values}
        return any(
            len(pairs) == len({name for name, _ in pairs}) == len({value for _, value in pairs})
            for pairs in levels.values()
        )


def folder_questions(tables: Mapping[str, Table], tree: Tree, is_photo: Callable[[str], bool]) -> list[Fact]:
    """What is asked of tables that were read for nothing, path -> table: those of which a column names folders of
    photos, and another says something that several folders have in common, and no folder above or below them says. A
    list of classes says another thing of each, or how many photos it has."""
    folders = _folders(tree)
    texts, paths = [], []
    for path, table in tables.items() if folders.paths else ():
        column = None if _names_photos(table, is_photo) else _column_of_folders(table, folders)
        if column and (tells := _told(table, column, folders)):
            of = f"({listed(tells)}) of folders ({column})"
            texts.append(f"{path} tells something {of}, not of photos: it is not read. {REMEDY}")
            paths.append(path)
    if more := paths[MOST_TOLD:]:
        tell = number_of(len(more), "more table tells", "more tables tell")
        texts[MOST_TOLD:] = [f"{tell} something of folders, not of photos: not read ({listed(more)})."]
    return [Fact("table", text, ("reader", "class_level"), probable=True) for text in texts]


def _folders(tree: Tree) -> _Folders:
    held: Counter[str] = Counter(path.rpartition("/")[0] for path in tree.images)
    paths = [tuple(map(_folded, folder.split("/"))) for folder in held if folder]
    below: Counter[tuple[str, ...]] = Counter()
    for path, photos in zip(paths, (held[folder] for folder in held if folder), strict=True):
        below.update({path[: i + 1]: photos for i in range(len(path))})
    sizes: dict[str, list[int]] = defaultdict(list)
    for path, photos in below.items():
        sizes[path[-1]].append(photos)
    return _Folders(paths, {name: {*map(str, numbers), str(sum(numbers))} for name, numbers in sizes.items()})


def _folded(name: str) -> str:
    """The last name of a path, without regard to case; a number without the zeros that a spreadsheet takes from it."""
    name = name.replace("\\", "/").rstrip("/").rpartition("/")[2].casefold()
    return name.lstrip("0") or "0" if name.isascii() and name.isdecimal() else name


def _names_photos(table: Table, is_photo: Callable[[str], bool]) -> bool:
    """Whether first cells of a column are photos; numbers may be anything."""
    first = [cells for _, cells in table.rows[:20]]
    columns = ([cells[at] for cells in first if at < len(cells)] for at in range(len(table.columns)))
    return any(2 * sum(not cell.isdecimal() and is_photo(cell) for cell in cells) > len(cells) for cells in columns)


def _column_of_folders(table: Table, folders: _Folders) -> str | None:
    """The column of whose cells half name folders, or that names half of the folders of a level: of several the one of
    which most cells do, of these the one that names most folders."""
    shares: dict[str, tuple[float, int]] = {}
    for column in dict.fromkeys(table.columns):
        cells = set(table.column(column)) - {""}
        named = {name for cell in cells if (name := _folded(cell)) in folders.sizes}
        if len(named) >= FEWEST and (2 * len(named) >= len(cells) or folders.are_half(named)):
            shares[column] = len(named) / len(cells), len(named)
    return max(shares, key=lambda column: shares[column]) if shares else None


def _told(table: Table, column: str, folders: _Folders) -> list[str]:
    """The other columns that tell something of the folders that this one names."""
    names = [name if (name := _folded(cell)) in folders.sizes else "" for cell in table.column(column)]
    named = len(set(names) - {""})
    tells = []
    for other in dict.fromkeys(table.columns):
        at = table.columns.index(other)
        cells = (row[at] if at < len(row) else "" for _, row in table.rows)  # as far as they are looked at
        value_of = {} if other == column else _values(names, cells, named // 10)
        several_each = 2 * len(set(value_of.values())) <= len(value_of)
        if len(value_of) >= FEWEST and several_each and len(set(value_of.values())) > 1:
            tells += [] if _are_counts(other, value_of, folders) or folders.say(value_of) else [other]
    return tells


def _values(names: Sequence[str], cells: Iterable[str], most: int) -> dict[str, str]:
    """Folder -> what rows say of it first; {} where they say two things of more than so many. names: of the folder of
    each row, or nothing."""
    value_of: dict[str, str] = {}
    doubted: set[str] = set()
    for name, cell in zip(names, cells, strict=True):
        if cell and name and value_of.setdefault(name, cell.casefold()) != cell.casefold():
            doubted.add(name)
            if len(doubted) > most:
                return {}
    return value_of


def _are_counts(column: str, value_of: Mapping[str, str], folders: _Folders) -> bool:
    """Whether numbers are those of the photos in each folder, or by the name of their column were."""
    if not all(map(str.isdecimal, value_of.values())):
        return False
    return bool(_COUNTS.search(column)) or all(value in folders.sizes[name] for name, value in value_of.items())
