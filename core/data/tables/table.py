"""A table of a dataset, whatever file it is: columns, and rows numbered as a spreadsheet or an editor shows them.

Text of any separator and encoding, with or without a line of column names; a workbook (.xlsx); JSON lines (.jsonl).
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

from core.data.images import SUFFIXES
from core.data.reach.opening import open_file
from core.data.readers.reading import Fact
from core.data.tables.encodings import decode
from core.data.tables.json_lines import read_json_lines
from core.data.tables.meanings import is_usual_name
from core.data.tables.workbook import read_workbook
from core.errors import LabError

DELIMITERS = ",;\t|"
BLANKS = " "
TABLES = (".csv", ".tsv", ".xlsx", ".xlsm", ".jsonl", ".ndjson", ".xls")  # tables by their name; .xls is refused aloud
LISTS = (".txt", ".lst", ".list")  # read as tables if their cells are photos
_PICTURE = re.compile(rf"^(.*(?:{'|'.join(map(re.escape, SUFFIXES))}))\s+(.*)$", re.IGNORECASE)
_HEADERLESS_LINES = 5  # in which a column must name photos before the first line is taken for one of them
MOST_IN_CELL = 1 << 24  # characters; a text of one line is one cell, for which the 131,072 of Python are few
csv.field_size_limit(MOST_IN_CELL)  # not without an end: a cell takes four bytes a character while it is read
Record = tuple[int, list[str]]


@dataclass(frozen=True)
class Table:
    """columns: the column names, stripped. rows: (number, cells), cells stripped; blank rows are left out.

    name: of its file. faults: (number, what is wrong) of rows that could not be read or only in part.
    has_header: whether its first line names the columns; else they are called column 1, column 2.
    """

    name: str
    columns: list[str]
    rows: list[Record]
    faults: list[tuple[int, str]] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)
    has_header: bool = True

    def column(self, name: str) -> list[str]:
        """The cells of a column, "" where a row is too short."""
        at = self.columns.index(name)
        return [cells[at] if at < len(cells) else "" for _, cells in self.rows]


def read_table(
    file: str | Path, *, encoding: str | None = None, is_photo: Callable[[str], bool] = lambda cell: False
) -> Table:
    """Every cell as text.

    is_photo(cell): whether a photo of the dataset is called so; asked only where the table does not say it by itself.
    Raises LabError (kind "csv") naming the file, and the encodings tried or the line; (kind 'not-allowed') where the
    lab does not look.
    """
    file = Path(file)
    suffix = file.suffix.lower()
    if suffix in (".jsonl", ".ndjson"):
        columns, rows, faults = read_json_lines(file.name, _text_of(_bytes(file), file.name, encoding or "utf-8"))
        return Table(file.name, columns, rows, faults)
    if suffix in (".xlsx", ".xlsm"):
        records, faults, facts = read_workbook(file)
        return _with_columns(file.name, records, is_photo, faults, facts)
    if is_old(file.name):
        raise LabError(f"{file.name}: is a workbook of Excel 97", "Save it as .xlsx or as CSV UTF-8.", "csv")
    decoded = decode(_bytes(file), file.name, encoding, is_photo)
    facts = [decoded.fact] if decoded.fact else []
    return _with_columns(file.name, text_records(decoded.text, file.name), is_photo, [], facts)


def _bytes(file: Path) -> bytes:
    try:
        with open_file(file) as stream:
            content = stream.read()
    except OSError as error:
        raise LabError(f"{file}: cannot be read ({error.strerror})", "Check its name and rights.", "csv") from error
    if not content.strip():
        raise LabError(f"{file.name} is empty", "Fill it, or choose another file.", "csv")
    return content


def _text_of(content: bytes, name: str, encoding: str) -> str:
    return decode(content, name, encoding, lambda cell: False).text


def text_records(text: str, name: str) -> list[Record]:
    """The records of a text, numbered from 1; blank ones among them."""
    separator_line = re.match(r"sep=(.)\r?\n", text)  # a line for Excel, which does not show it
    text = text[separator_line.end() :] if separator_line else text
    header = (text.lstrip().splitlines() or [""])[0]
    reader = None
    try:
        delimiter = separator_line[1] if separator_line else _delimiter(header)
        if delimiter == BLANKS:
            return _blank_separated(text)
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
        return [(number, [cell.strip() for cell in record]) for number, record in enumerate(reader, start=1)]
    except csv.Error as error:
        raise LabError(
            f"{name}, near line {reader.line_num if reader else 1}: {error}",
            'Look for a quotation mark that is not closed; write "" for one inside a quoted cell.',
            "csv",
        ) from error


def _delimiter(header: str) -> str:
    """The one that splits the first line into most cells; blanks where none splits it and they do."""
    cells = {mark: len(next(csv.reader([header], delimiter=mark))) for mark in DELIMITERS}
    best = max(DELIMITERS, key=cells.__getitem__)
    return BLANKS if cells[best] == 1 and (len(header.split()) > 1 or header.strip().isdecimal()) else best


def _blank_separated(text: str) -> list[Record]:
    """Lines of cells between blanks. A path may hold blanks where a picture's suffix ends it.

    Lists that begin with their number of lines, and name all columns but the first, are read as they are meant.
    """
    records = [(number, line.split()) for number, line in enumerate(text.splitlines(), start=1)]
    filled = [cells for _, cells in records if cells]
    if len(filled) > 2 and len(filled[0]) == 1 and filled[0][0].isdecimal() and len(filled[1]) > 1:
        records[next(i for i, (_, cells) in enumerate(records) if cells)] = (1, [])
        filled = filled[1:]
        if all(len(cells) == len(filled[0]) + 1 for cells in filled[1:]):
            first = next(i for i, (_, cells) in enumerate(records) if cells)
            records[first] = (records[first][0], ["file", *filled[0]])
            return records[first:]
        records = [record for record in records if record[1]]
    if len({len(cells) for cells in filled}) > 1:
        lines = [(number, _PICTURE.match(line.strip())) for number, line in enumerate(text.splitlines(), start=1)]
        matched = {number: [match[1], *match[2].split()] for number, match in lines if match}
        records = [(number, matched.get(number, cells)) for number, cells in records]
    return records


def _with_columns(
    name: str,
    records: list[Record],
    is_photo: Callable[[str], bool],
    faults: list[tuple[int, str]],
    facts: list[Fact],
) -> Table:
    if not records or not any(records[0][1]):
        raise LabError(f"{name}: the first line is empty", "Put the column names on the first line.", "csv")
    filled = [(number, cells) for number, cells in records if any(cells)]
    if not _is_row(filled, is_photo):
        return Table(name, records[0][1], filled[1:], faults, facts)
    columns = [f"column {number}" for number in range(1, len(records[0][1]) + 1)]
    text = f"{name} has no line of column names: its first line is a photo; columns are called {', '.join(columns[:3])}"
    text += ", ..." if len(columns) > 3 else ""
    headerless = Fact("table", f"{text}.", ("path_column", "label_column"))
    return Table(name, columns, filled, faults, [*facts, headerless], has_header=False)


def _is_row(records: list[Record], is_photo: Callable[[str], bool]) -> bool:
    """Whether the first line is a photo's, not the names of columns."""
    first = records[0][1]
    if any(is_picture_name(cell) for cell in first):
        return True
    if any(is_usual_name(cell) for cell in first):
        return False
    below = [cells for _, cells in records[1 : 1 + _HEADERLESS_LINES]]
    return any(
        bool(cell) and is_photo(cell) and all(at < len(cells) and is_photo(cells[at]) for cells in below)
        for at, cell in enumerate(first)
    )


def is_picture_name(cell: str) -> bool:
    """Whether a cell ends as the file name of a picture does."""
    return PurePosixPath(cell.replace("\\", "/")).suffix.lower() in SUFFIXES


def is_table(path: str) -> bool:
    return path.lower().endswith(TABLES)


def is_old(path: str) -> bool:
    """Whether it is a workbook of Excel 97, of which nothing is read."""
    return path.lower().endswith(".xls")


def is_list(path: str) -> bool:
    return path.lower().endswith(LISTS)


def share_of(cells: Iterable[str], is_photo: Callable[[str], bool]) -> float:
    """The share of the cells that name photos; 0 for none at all."""
    judged = list(cells)
    return sum(map(is_photo, judged)) / len(judged) if judged else 0.0
