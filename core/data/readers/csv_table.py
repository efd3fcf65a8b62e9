"""The reader of tables: a CSV, workbook, list or JSON lines with a photo in each row."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from core.config.parts import NO_COLUMN
from core.config.person_pattern import PersonPattern
from core.config.run_config import DataConfig
from core.data.paths import inside
from core.data.readers.attributes import PARSERS, photo, problem
from core.data.readers.reading import Fact, Reading
from core.data.readers.tree import Tree, left_over, list_tree
from core.data.tables.columns import Columns, attribute_columns, class_of, kind_of, read_cell
from core.data.tables.matching import Matcher, facts_of
from core.data.tables.meanings import LABELLED, MEANINGS, Meanings, choose_columns, usual_column
from core.data.tables.table import Table, is_list, is_table, read_table
from core.data.tables.words import says_nothing, spelling_facts, unlabelled_fact, words_for_nothing
from core.errors import LabError

MEND_ROW = "Correct the row, or leave it out."
MOST_ROWS_TOLD = 1000  # of each kind of problem, one by one


def read_csv(file: str | Path) -> Table:
    """A table that stands by itself. Raises LabError (kind "csv") as read_table does."""
    return read_table(file)


def csv_columns(root: str | Path, name: str, encoding: str | None = None) -> list[str]:
    """The column names of a table of a dataset, in order. Raises LabError as read_table and chosen_csv do."""
    home = Path(root).expanduser().resolve()
    file = home / chosen_csv(home, name)
    status = file.stat()
    return list(_columns(home, file, encoding, status.st_size, status.st_mtime_ns))


@lru_cache(64)
def _columns(home: Path, file: Path, encoding: str | None, size: int, mtime_ns: int) -> tuple[str, ...]:
    """Read once for each state of a file: forms ask at every drawing."""
    matchers: list[Matcher] = []

    def is_photo(cell: str) -> bool:
        if not matchers:
            matchers.append(Matcher(list_tree(home)))
        return matchers[0].is_photo(cell)

    return tuple(read_table(file, encoding=encoding, is_photo=is_photo).columns)


def chosen_csv(root: Path, name: str) -> str:
    """A table that was chosen by name, relative to root (resolved). Raises LabError unless it is a file inside."""
    real = inside(root, name.replace("\\", "/"))
    if real is None and "\0" not in name:
        remedy = "Copy the file that it leads to into the dataset."
        raise LabError(f"csv: {name} leads out of the dataset {root}; it is not opened", remedy, "csv")
    if real is None or not (root / real).is_file():
        raise LabError(f"csv: there is no file {name} in {root}", "Choose a CSV file in it.", "csv")
    return real


@dataclass(frozen=True)
class DatasetTable:
    """A table of a dataset. path: relative to root. chosen: the meanings of which a person chose the column."""

    path: str
    table: Table
    meanings: Meanings
    chosen: frozenset[str] = frozenset()

    @property
    def home(self) -> str:
        return self.path.rpartition("/")[0]

    @property
    def tells_usual(self) -> bool:
        """Whether it tells a label, gender, age or mask, and not only attributes of its own."""
        return bool(self.meanings.columns.keys() & set(LABELLED))

    @property
    def is_usual(self) -> bool:
        """Whether its path and a label are known by the usual names of their columns, or chosen, not only by what they
        hold."""
        columns = self.meanings.columns.items()
        named = self.chosen | {meaning for meaning, column in columns if usual_column([column], meaning)}
        return is_table(self.path) and "path" in named and bool(named & set(LABELLED))


def tables_of(tree: Tree, data: DataConfig, matcher: Matcher) -> tuple[list[DatasetTable], list[LabError]]:
    """(the tables in the root whose columns name photos and what they show, why others are none)."""
    tables, faults = [], []
    for path in tree.others:
        if "/" in path or not (is_table(path) or is_list(path)):
            continue
        try:
            table = read_table(tree.root / path, encoding=data.encoding, is_photo=matcher.is_photo)
            if is_list(path) and not _lists_photos(table, matcher):
                continue
            dataset = _dataset_table(path, table, data, matcher)
            names_photos = map(matcher.is_photo, table.column(dataset.meanings.columns["path"]))
            if dataset.tells_usual or any(names_photos):
                tables.append(dataset)
        except LabError as fault:
            if is_table(path):
                faults.append(fault)
    return tables, faults


def _dataset_table(path: str, table: Table, data: DataConfig, matcher: Matcher) -> DatasetTable:
    chosen = frozenset(meaning for meaning in MEANINGS if getattr(data, f"{meaning}_column") not in (None, NO_COLUMN))
    return DatasetTable(path, table, choose_columns(table, data, matcher.is_photo), chosen)


def _lists_photos(table: Table, matcher: Matcher) -> bool:
    """Whether the first cells of a text are photos: it may as well be a letter to the reader."""
    first = [cells[0] for _, cells in table.rows[:20]]
    return bool(first) and 2 * sum(map(matcher.is_photo, first)) > len(first)


def find_csv(tree: Tree, data: DataConfig, matcher: Matcher) -> DatasetTable:
    """The chosen table, else the only one in the root that names photos and a label."""
    if data.csv_file:
        path = chosen_csv(tree.root, data.csv_file)
        table = read_table(tree.root / path, encoding=data.encoding, is_photo=matcher.is_photo)
        return _dataset_table(path, table, data, matcher)
    tables, faults = tables_of(tree, data, matcher)
    tables = [each for each in tables if each.tells_usual] or tables
    if len(tables) == 1:
        return tables[0]
    if len(faults) == 1 and not tables:
        raise faults[0]
    names = [each.path for each in tables] or [path for path in tree.others if "/" not in path and is_table(path)]
    files = f"{len(names)} CSV files ({', '.join(names[:5])})" if names else "no CSV file"
    raise LabError(f"csv: {files} in {tree.root}", "Choose one CSV file by name.", "csv")


@dataclass
class _Problems:
    """Problems of rows; of each kind no more than MOST_ROWS_TOLD one by one."""

    table: str
    rows: list[dict] = field(default_factory=list)
    counts: Counter[str] = field(default_factory=Counter)

    def is_full(self, kind: str) -> bool:
        """Count one more; whether it is too many to be told by itself."""
        self.counts[kind] += 1
        return self.counts[kind] > MOST_ROWS_TOLD

    def add(self, kind: str, sample: str, where: str, text: str) -> None:
        if not self.is_full(kind):
            self.rows.append(problem(kind, sample, where, text, MEND_ROW))

    def all(self) -> list[dict]:
        more = {kind: count - MOST_ROWS_TOLD for kind, count in self.counts.items() if count > MOST_ROWS_TOLD}
        texts = {kind: f"{count:,} more rows have the same kind of problem ({kind})" for kind, count in more.items()}
        return self.rows + [problem(kind, "", self.table, text, MEND_ROW) for kind, text in texts.items()]


def read_csv_dataset(tree: Tree, data: DataConfig) -> Reading:
    """A table with a column of paths and at least one of label, gender, age, mask; a person column is optional."""
    matcher = Matcher(tree)
    dataset = find_csv(tree, data, matcher)
    name, table = dataset.path, dataset.table
    index = {meaning: table.columns.index(column) for meaning, column in dataset.meanings.columns.items()}
    notes = _set_aside(index, table, name, data)
    taken = [table.columns[at] for at in index.values()]
    own = attribute_columns(table, taken, data, has_label="label" in index)
    problems = _Problems(name)
    for number, text in table.faults:
        problems.add("bad-row", "", f"{name} row {number}", text)
    faulty = {number for number, _ in table.faults}
    rows = [
        _Row(number, {meaning: cells[at] if at < len(cells) else "" for meaning, at in index.items()}, cells)
        for number, cells in table.rows
        if number not in faulty
    ]
    matches = matcher.match((row.cell["path"], dataset.home) for row in rows)
    told_person = _person_teller(dataset.meanings, data)
    nothing = words_for_nothing(data.no_label)
    photos, used = [], {name}
    for row in rows:
        match = matches[row.cell["path"], dataset.home]
        where = f"{name} row {row.number}"
        sample = match.sample
        if not sample and not problems.is_full("missing-file"):
            kind, text, sample = matcher.why_none(row.cell["path"], dataset.home, match)
            problems.rows.append(problem(kind, sample, where, text, MEND_ROW))
        used.add(sample)
        facts, faults = _read_row(row, table.columns, own, nothing)
        person, person_faults = told_person(row.cell, match.sample) if "split" not in facts else ({}, [])
        for kind, text in faults + person_faults:
            problems.add(kind, sample, where, text)
        if match.sample and not faults + person_faults:
            real = cast(str, tree.images.get(sample) or inside(tree.root, sample))
            photos.append(photo(sample, real, row=row.number, where=where, **facts, **person))
    labels = Counter(each["label"] for each in photos if each["label"] is not None)
    facts_told = [
        *table.facts,
        *dataset.meanings.facts,
        *facts_of(((row.cell["path"], matches[row.cell["path"], dataset.home]) for row in rows), name),
        *_unlabelled(photos, rows, labels, "label" in index),
        *spelling_facts(labels),
        *own.facts,
    ]
    return Reading(photos, notes + problems.all() + left_over(tree, used, f"in no row of {name}"), facts_told)


@dataclass(frozen=True)
class _Row:
    """number: as the table's program shows it. cell: meaning -> text. cells: all of them."""

    number: int
    cell: dict[str, str]
    cells: list[str]


def _read_row(
    row: _Row, columns: list[str], own: Columns, nothing: frozenset[str]
) -> tuple[dict[str, Any], list[tuple[str, str]]]:
    """What a row says of its photo but for the person, and what is wrong with it: [(kind, text)]."""
    facts: dict[str, Any] = {}
    faults = []
    if any(row.cells[len(columns) :]):
        faults.append(("bad-row", f"the row has more cells than the header ({len(columns)})"))
    for meaning, parse in PARSERS.items():
        if row.cell.get(meaning):  # an empty cell: not known
            try:
                facts[meaning] = parse(row.cell[meaning])
            except ValueError as error:
                faults.append((f"bad-{meaning}", str(error)))
    if "label" in row.cell:
        label = row.cell["label"]
        facts["label"] = None if says_nothing(label, nothing) else label
        if facts["label"] is None and not facts.keys() - {"label"} and not faults:
            facts["split"] = "unlabelled"
    if own.classes and not faults:
        facts["label"] = class_of(row.cells, columns, own.classes)
    facts["attributes"] = {}
    for column, kind in own.kinds.items():
        at = columns.index(column)
        cell = row.cells[at] if at < len(row.cells) else ""
        if not says_nothing(cell, nothing):
            try:
                facts["attributes"][own.names[column]] = read_cell(cell, kind)
            except ValueError as error:
                faults.append(("bad-value", f"{column}: {error}"))
    if own.kinds and not facts["attributes"] and facts.keys() == {"attributes"} and not faults:
        facts["split"] = "unlabelled"
    return facts, faults


def _person_teller(
    meanings: Meanings, data: DataConfig
) -> Callable[[dict[str, str], str], tuple[dict[str, Any], list[tuple[str, str]]]]:
    """tell(cells by meaning, sample) -> (what is known of the person, what is wrong): by column, else by pattern."""
    pattern = PersonPattern(data.person_pattern) if data.person_pattern and data.persons == "auto" else None
    by_column = "person" in meanings.columns and not (meanings.numbers_photos and pattern)

    def tell(cell: dict[str, str], sample: str) -> tuple[dict[str, Any], list[tuple[str, str]]]:
        if by_column:
            facts = {"person": cell["person"]} | ({"person_known": False} if meanings.numbers_photos else {})
            return facts, [] if cell["person"] else [("bad-person", "the person is empty")]
        if not sample or pattern is None:
            return {}, []
        person = pattern.person(sample)
        text = f"the person pattern {data.person_pattern!r} finds nothing in {sample}"
        return {"person": person}, [("bad-name", text)] if person is None else []

    return tell


def _unlabelled(photos: list[dict], rows: list[_Row], labels: Counter[str], has_column: bool) -> list[Fact]:
    """What is to be said of photos without a label, in a table with a column for it."""
    if not has_column:
        return []
    cells = {row.number: row.cell["label"] for row in rows}
    lacking = [each for each in photos if each["label"] is None]
    kept = sum(not each["split"] for each in lacking)
    fact = unlabelled_fact(Counter(cells[each["row"]] for each in lacking), labels, kept=kept)
    return [fact] if fact else []


def _set_aside(index: dict[str, int], table: Table, name: str, data: DataConfig) -> list[dict]:
    """Forget a guessed column in which not one cell can be read (ages such as 20-29), if something else is left.

    Something is left too where its values are those of an attribute; then nothing is wrong with it.
    """
    problems = []
    for meaning, parse in PARSERS.items():
        if meaning not in index or getattr(data, f"{meaning}_column"):
            continue
        column = table.columns[index[meaning]]
        cells = [cell for cell in table.column(column) if cell]
        texts = list(dict.fromkeys(cells))
        is_attribute = data.attributes is None and kind_of(column, cells, len(table.rows)) is not None
        others = index.keys() & {"label", *PARSERS} - {meaning}
        if (others or is_attribute) and texts and not any(_parses(parse, text) for text in texts):
            del index[meaning]
            if not is_attribute:
                text = f"column {column!r} is not used: it holds no {meaning} ({', '.join(texts[:3])}, ...)"
                remedy = f"Nothing, or choose it as {meaning} column to see each row, or as label column."
                problems.append(problem(f"bad-{meaning}", "", name, text, remedy, "warning"))
    return problems


def _parses(parse: Callable[[str], object], text: str) -> bool:
    try:
        parse(text)
    except ValueError:
        return False
    return True
