"""Tables of photos and persons and nothing else, as of whales that are to be told apart: these are the classes."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from core.config.parts import NO_COLUMN
from core.config.run_config import DataConfig
from core.data.readers.reading import Fact
from core.data.readers.tree import Tree
from core.data.tables.cells import spelt
from core.data.tables.looked.candidates import chosen_meanings
from core.data.tables.matching import Matcher
from core.data.tables.meanings import choose_columns
from core.data.tables.table import Table, read_table
from core.errors import LabError

TOLD_APART = {"id", "identity", "person", "personid"}  # columns of persons who may be classes; patients are none


def with_people_as_classes(
    paths: Iterable[str], tree: Tree, data: DataConfig, matcher: Matcher
) -> tuple[DataConfig, list[Fact]] | None:
    """(the settings by which the persons of a table are the classes, a question about that) for the first of tables
    that names photos and has one other column, of persons who repeat. None where there is none, or somebody chose what
    a column means, or how persons are told."""
    if chosen_meanings(data) - {"path"} or data.attributes is not None or data.persons != "auto":
        return None
    if NO_COLUMN in (data.label_column, data.person_column) or data.person_pattern:
        return None
    for path in paths:
        try:
            table = read_table(tree.root / path, encoding=data.encoding, is_photo=matcher.is_photo)
            column = _people_of(table, data, matcher)
        except LabError:  # its reader tells why
            continue
        if column:
            text = f"{path}: column {column!r} is taken for the class: it is the only one that is left, though it may"
            fact = Fact("classes", f"{text} tell persons.", ("label_column", "person_column"), probable=True)
            return data.model_copy(update={"label_column": column, "person_column": NO_COLUMN}), [fact]
    return None


def _people_of(table: Table, data: DataConfig, matcher: Matcher) -> str | None:
    """The column of persons, where it is the only one besides the photos and its values repeat, as a label's do."""
    meanings = choose_columns(table, data, matcher.is_photo, needs_label=False)
    of_photos, column = (meanings.columns.get(meaning) for meaning in ("path", "person"))
    if of_photos is None or column is None or {*filter(None, table.columns)} != {of_photos, column}:
        return None
    values = Counter(cell for cell in table.column(column) if cell)
    repeat = len(values) > 1 and 2 * len(values) <= max(4, values.total())
    names_photos = any(map(matcher.is_photo, table.column(of_photos)))
    return column if repeat and names_photos and spelt(column) in TOLD_APART else None
