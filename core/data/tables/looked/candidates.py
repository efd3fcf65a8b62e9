"""The tables of a dataset, looked at: which of them name photos and a label, and why the others do not."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from itertools import chain

from core.config.parts import NO_COLUMN
from core.config.run_config import DataConfig
from core.data.readers.attributes import TEST, UNLABELLED
from core.data.readers.split_names import Part, parts_of
from core.data.readers.tree import Tree, by_folder, is_above_photos
from core.data.tables.looked.in_parts import choose_in_parts, home_of, names_of
from core.data.tables.matching import NO_MATCH, Matcher
from core.data.tables.meanings import LABELLED, MEANINGS, Meanings, usual_column
from core.data.tables.table import Table, is_list, is_table, read_table
from core.errors import LabError
from core.text import listed

MOST_DEEP = 60  # tables below the root that are looked at
_LAST_WORD = re.compile(r"[\W_][^\W_]*$")


@dataclass(frozen=True)
class Source:
    """Where a row stands. path: of its table, relative to root. part: what its photos are for, where the table's name
    tells it beside others. folder: of the photos of the part that the name tells, where others are called alike."""

    path: str
    part: Part | None = None
    folder: str = ""

    @property
    def home(self) -> str:
        """The folder in which names are looked for first."""
        return self.folder or self.path.rpartition("/")[0]


@dataclass(frozen=True)
class DatasetTable:
    """A table of a dataset, or several that are read as one.

    sources: where each row of the table stands. faults: rows that could not be read. chosen: the meanings of which a
    person chose the column. companions: tables beside it that were read for one more column, relative to root ->
    whether that stands in the table. unlabelled: those of its files that lack the column of the label, or one of those
    of the classes.
    """

    table: Table
    meanings: Meanings
    sources: list[Source]
    faults: list[tuple[Source, int, str]]
    chosen: frozenset[str] = frozenset()
    companions: Mapping[str, bool] = field(default_factory=dict)
    unlabelled: frozenset[str] = frozenset()

    @property
    def paths(self) -> list[str]:
        """Its files, relative to root; not those of its companions."""
        of_faults = (source for source, _, _ in self.faults)
        return list(dict.fromkeys(source.path for source in (*self.sources, *of_faults)))

    @property
    def is_in_root(self) -> bool:
        return any("/" not in path for path in self.paths)

    @property
    def tells_usual(self) -> bool:
        """Whether it tells a label, gender, age or mask, and not only attributes of its own."""
        return bool(self.meanings.columns.keys() & set(LABELLED))

    @property
    def is_one_hot(self) -> bool:
        """Whether it has a column for each class; of two, one may be 1 in each row by chance."""
        return len(self.meanings.classes) > 2

    @property
    def label_columns(self) -> set[str]:
        """The column of the label, or those of the classes; none where it tells none."""
        columns = self.meanings.columns
        return {columns["label"]} if "label" in columns else {*self.meanings.classes} if self.is_one_hot else set()

    @property
    def tells_label(self) -> bool:
        return bool(self.label_columns)

    @property
    def is_usual(self) -> bool:
        """Whether its path and a label are known by the usual names of their columns, or chosen, not only by what they
        hold."""
        columns = self.meanings.columns.items()
        named = self.chosen | {meaning for meaning, column in columns if usual_column([column], meaning)}
        return all(map(is_table, self.paths)) and "path" in named and bool(named & set(LABELLED))

    def names_photos(self, matcher: Matcher) -> bool:
        """Whether it names one at least, however loosely."""
        cells = self.table.column(self.meanings.columns["path"])
        if any(source.folder for source in self.sources) or any(map(matcher.is_photo, dict.fromkeys(cells))):
            return True
        places = dict.fromkeys((cell, of.home) for cell, of in zip(cells, self.sources, strict=True) if of.home)
        return any(matcher.is_photo(*place) for place in places)


@dataclass(frozen=True)
class Candidates:
    """The tables of a dataset that name photos and a label; those that name photos alone; why others are none.

    faults: path -> why, of all others but lists. unread: path -> why, of those that may name photos as well: they
    cannot be read, or have the columns of a table that names photos and no cell that does. strange: path -> a table
    that was read and is none of the others. passed_over: those that name no photos, above tables that do. forms: path
    -> the table of one that is by its name to be filled with predictions, None where nobody understands it.
    """

    tables: list[DatasetTable]
    unlabelled: list[Table]
    faults: dict[str, LabError]
    unread: dict[str, LabError]
    strange: Mapping[str, Table] = field(default_factory=dict)
    passed_over: Mapping[str, LabError] = field(default_factory=dict)
    others: Sequence[DatasetTable] = ()
    forms: Mapping[str, DatasetTable | None] = field(default_factory=dict)


def by_depth(tree: Tree) -> tuple[list[str], list[str], list[str]]:
    """(tables and lists in the root, those in folders that hold all photos, others below; the highest first, as many as
    are looked at: tables before lists, of which each photo may have one, its caption)."""

    def height(path: str) -> tuple[int, str]:
        return path.count("/"), path

    paths = [path for path in tree.others if is_table(path) or is_list(path)]
    deep = {path: is_above_photos(path, tree) for path in paths if "/" in path}
    stems = {_name(path) for path in tree.images} if any(map(is_list, deep)) else set()
    captions = {path for path in deep if is_list(path) and _name(path) in stems}
    order = sorted(deep, key=lambda path: (path in captions, not deep[path], not is_table(path), *height(path)))
    looked_at = sorted(order[:MOST_DEEP], key=height)
    above_photos, below = ([path for path in looked_at if deep[path] == is_above] for is_above in (True, False))
    return [path for path in paths if "/" not in path], above_photos, below


def look_at(paths: Iterable[str], tree: Tree, data: DataConfig, matcher: Matcher) -> Candidates:
    looked = Candidates([], [], {}, {})
    strange: dict[str, tuple[Table, LabError]] = {}
    for path in paths:
        try:
            table = read_table(tree.root / path, encoding=data.encoding, is_photo=matcher.is_photo)
            if is_list(path) and not _lists_photos(table, matcher):
                continue
        except LabError as fault:
            looked.unread[path] = fault
            looked.faults.update({path: fault} if is_table(path) else {})
            continue
        try:
            if not table.rows and not table.faults:
                text = f"{table.name} has names of columns and no row"
                empty = LabError(text, "Fill it, or choose another file.", "csv")
                is_meant = usual_column(table.columns, "path") and not may_wait(path)
                looked.unread.update({path: empty} if is_meant else {})
                raise empty
            dataset = dataset_table([(Source(path), table)], data, matcher)
            column = dataset.meanings.columns["path"]
            if not (dataset.tells_usual or dataset.names_photos(matcher)):
                no_photo = LabError(f"its column {column!r} names no photo", "Add its photos.", "csv")
                strange[path] = table, no_photo
                looked.faults.update({path: no_photo} if is_table(path) else {})
                continue
            looked.tables.append(dataset)
        except LabError as fault:
            if may_wait(path) and (waiting := _without_labels(path, table, data, matcher)):
                looked.unlabelled.append(waiting)
            else:
                strange[path] = table, fault
            looked.faults.update({path: fault} if is_table(path) else {})
    columns = {frozenset(each.table.columns) for each in looked.tables}
    looked.unread.update({path: fault for path, (table, fault) in strange.items() if {*table.columns} in columns})
    return replace(looked, strange={path: table for path, (table, _) in strange.items()})


def _lists_photos(table: Table, matcher: Matcher) -> bool:
    """Whether the first cells of a text are photos: it may as well be a letter to the reader, or about their masks."""
    first = [cells[0] for _, cells in table.rows[:20]]
    return bool(first) and 2 * sum(matcher.is_photo(cell) and not matcher.is_mask(cell) for cell in first) > len(first)


def dataset_table(
    parts: list[tuple[Source, Table]], data: DataConfig, matcher: Matcher, *, needs_label: bool = True
) -> DatasetTable:
    """One table of all rows, with the columns of the first; what those are is judged of all rows together."""
    first = parts[0][1]
    if len(parts) > 1:
        rows = [row for _, table in parts for row in _in_columns(table, first.columns)]
        facts = list(dict.fromkeys(fact for _, table in parts for fact in table.facts))
        first = replace(first, name=listed([source.path for source, _ in parts]), rows=rows, facts=facts)
    sources = [source for source, table in parts for _ in table.rows]
    faults = [(source, number, text) for source, table in parts for number, text in table.faults]
    faulty = {(source.path, number) for source, number, _ in faults}
    if faulty:
        kept = [i for i, (number, _) in enumerate(first.rows) if (sources[i].path, number) not in faulty]
        first = replace(first, rows=[first.rows[i] for i in kept])
        sources = [sources[i] for i in kept]
    paths = [source.path for source in sources]
    meanings, folder_of = choose_in_parts(first, paths, data, matcher, needs_label=needs_label)
    sources = [replace(source, folder=folder_of.get(source.path, "")) for source in sources] if folder_of else sources
    labels = {meanings.columns["label"]} if "label" in meanings.columns else {*meanings.classes}
    unlabelled = frozenset(source.path for source, table in parts if labels - {*table.columns})
    return DatasetTable(first, meanings, sources, faults, chosen_meanings(data), unlabelled=unlabelled)


def chosen_meanings(data: DataConfig) -> frozenset[str]:
    return frozenset(meaning for meaning in MEANINGS if getattr(data, f"{meaning}_column") not in (None, NO_COLUMN))


def _in_columns(table: Table, columns: list[str]) -> list[tuple[int, list[str]]]:
    """The rows of a table with its cells in the order of these columns; "" for those that it lacks."""
    if table.columns == columns:
        return table.rows
    places = [table.columns.index(column) if column in table.columns else -1 for column in columns]
    return [
        (number, [cells[at] if 0 <= at < len(cells) else "" for at in places] + cells[len(table.columns) :])
        for number, cells in table.rows
    ]


def _without_labels(path: str, table: Table, data: DataConfig, matcher: Matcher) -> Table | None:
    """A table that names photos and no label, with its column of paths; None for any other. What was chosen of the
    columns of others is not missed in it."""
    chosen = {meaning: getattr(data, f"{meaning}_column") for meaning in MEANINGS if meaning != "path"}
    lacking = [
        f"{meaning}_column" for meaning, column in chosen.items() if column not in (None, NO_COLUMN, *table.columns)
    ]
    data = data.model_copy(update=dict.fromkeys(lacking))
    try:
        meanings, _ = choose_in_parts(table, [path] * len(table.rows), data, matcher, needs_label=False)
    except LabError:
        return None
    return replace(table, name=path) if "path" in meanings.columns else None


def may_wait(path: str) -> bool:
    return _is_of(path, TEST, UNLABELLED)


def is_predicted(path: str) -> bool:
    """Whether a table by its name says what somebody predicted."""
    return _is_of(path, UNLABELLED)


def _is_of(path: str, *splits: str) -> bool:
    return any(part.split in splits for name in names_of(path) for part in parts_of([name]).values())


def photos_of(tables: Iterable[DatasetTable], tree: Tree, matcher: Matcher) -> set[str]:
    """The photos that rows of these tables name, or could by a bare name that several have."""
    places = [
        (cell, source.home)
        for each in tables
        for cell, source in zip(each.table.column(each.meanings.columns["path"]), each.sources, strict=True)
    ]
    matches = matcher.match(places)
    called = map(matcher.called, dict.fromkeys(cell for cell, home in places if (cell, home) not in matches))
    return {*chain.from_iterable(called), *(match.sample for match in matches.values())} & tree.images.keys()


def cells_of_photos(
    tables: Iterable[tuple[str, Table]], columns: Mapping[str, str], matcher: Matcher
) -> dict[str, dict[str, str]]:
    """Photo -> meaning -> cell, without regard to case, of tables that by their names are no predictions."""
    cells_of = {}
    for path, table in tables:
        if is_predicted(path) or columns["path"] not in table.columns:
            continue
        of_meaning = {meaning: table.column(column) for meaning, column in columns.items() if column in table.columns}
        home = home_of(path, of_meaning["path"], matcher)
        places = [(cell, home) for cell in of_meaning["path"]]
        matches = matcher.match(places)
        for at, place in enumerate(places):
            if sample := matches.get(place, NO_MATCH).sample:
                cells_of[sample] = {meaning: cells[at].casefold() for meaning, cells in of_meaning.items()}
    return cells_of


def are_half(photos: Set[str], tree: Tree, *, copies_count: bool = False) -> bool:
    """Whether these are half of all photos at least. Those of a test set need no label, nor do masks or smaller copies:
    what is called as one of these beside it, with words behind, and folders of which none is among these, and nearly
    all are called as one that is. copies_count: those beside a photo do, as where their folder names their class."""
    folders = by_folder(tree.images)
    trained = [paths for folder, paths in folders.items() if not is_set_aside(folder)] or list(folders.values())
    names = {_name(path) for paths in trained for path in paths if path in photos}
    own, count = 0, 0
    for paths in trained:
        here = {_name(path) for path in paths if path in photos}
        copies = sum(path not in photos and _is_called_as_one(_name(path), here or names) for path in paths)
        if here or 10 * copies < 9 * len(paths):
            own += sum(path in photos for path in paths)
            count += len(paths) - (copies if here and not copies_count else 0)
    return 2 * own >= count


def _name(path: str) -> str:
    """Without folders and suffix."""
    return posixpath.splitext(path.rpartition("/")[2])[0]


def _is_called_as_one(name: str, names: Set[str]) -> bool:
    """As one of these, or so with words behind: 0_mask, 0-aug-2."""
    while name not in names:
        shorter = _LAST_WORD.sub("", name)
        if shorter in ("", name):
            return False
        name = shorter
    return True


def is_set_aside(folder: str) -> bool:
    """Whether a folder, or one above it, is of a part of the dataset that is not trained on."""
    return any(part.split for name in folder.split("/") for part in parts_of([name]).values())
