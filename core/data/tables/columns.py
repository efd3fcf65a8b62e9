"""Columns of a table as attributes: what kind each is by its values, and how its cells are read."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from core.config.parts import DataConfig
from core.data.readers.attributes import CATEGORIES, NUMBER, YES_NO
from core.data.readers.reading import Fact
from core.data.tables.cells import Cells, spelt
from core.data.tables.words import says_nothing, spelling_facts, words_for_nothing
from core.errors import LabError
from core.text import in_full, listed

YES_OR_NO = [("1", "0"), ("1", "-1"), ("yes", "no"), ("true", "false"), ("y", "n"), ("t", "f")]
YES_WORDS, NO_WORDS = ({pair[i] for pair in YES_OR_NO} for i in (0, 1))
MOST_VALUES = 50  # of an attribute that nobody asked for; more are names or free text
FEW_NUMBERS = 12  # numbers of so few values are categories
# Names of columns, as `spelt` writes them, that tell whom a photo shows or where it stands, not what it shows.
NO_ATTRIBUTES = {"id", "person", "personid", "subject", "subjectid", "identity", "patient", "patientid"}
NO_ATTRIBUTES |= {"split", "set", "subset", "partition", "usage", "fold"}
MOST_ATTRIBUTES = 200  # that are proposed
_THOUSANDS = re.compile(r"[+-]?[1-9]\d{0,2}(,\d{3})+(\.\d+)?")
PERSONAL = ("mask", "gender", "age", "label")  # attributes of their own: a column that is none of them keeps apart


@dataclass(frozen=True)
class Columns:
    """The columns of a table that are attributes.

    kinds: column -> kind. names: column -> name of the attribute. classes: the columns of a one-hot table, of which
    exactly one is 1 in each row that has a label; those are in kinds no more. thousands: the columns of numbers in
    which commas stand between thousands.
    """

    kinds: dict[str, str]
    names: dict[str, str]
    classes: tuple[str, ...] = ()
    facts: list[Fact] = field(default_factory=list)
    thousands: frozenset[str] = frozenset()


def attribute_columns(table: Cells, taken: Collection[str], data: DataConfig, *, has_label: bool) -> Columns:
    """The columns that are attributes, as data.attributes says, or proposed from what their values look like.

    taken: columns that mean something else. has_label: one of them is the label, so that no one-hot table is looked
    for. Raises LabError for a chosen column that is not there.
    """
    chosen = data.attributes
    for name in chosen or {}:
        if table.columns.count(name) != 1:
            text = f"csv: column {name!r} (attributes) stands {table.columns.count(name)} times in the header"
            raise LabError(text, f"Choose of {', '.join(table.columns)}.", "csv")
    nothing = words_for_nothing(data.no_label)
    times = Counter(table.columns)
    free = [name for name in table.columns if name and name not in taken and times[name] == 1]
    names = [name for name in free if chosen is None or name in chosen]
    cells = {name: [cell for cell in table.column(name) if not says_nothing(cell, nothing)] for name in names}
    rows = len(table.rows)
    if chosen is not None:
        kinds = {name: _kind_asked(chosen[name], name, cells[name], rows) for name in names}
        facts = _facts(kinds, cells, table.name, "chosen")
        return Columns(kinds, _names(kinds), facts=facts, thousands=_with_thousands(kinds, cells))
    names = [name for name in names if spelt(name) not in NO_ATTRIBUTES]
    kinds = {name: kind for name in names if (kind := kind_of(name, cells[name], rows))}
    classes = () if has_label else _one_hot(table, kinds, cells, nothing)
    kinds = {name: kind for name, kind in kinds.items() if name not in classes}
    facts = []
    if empty := [name for name in names if rows and not cells[name]]:
        what = "1 column" if len(empty) == 1 else f"{len(empty):,} columns"
        facts.append(Fact("table", f"{table.name}: nothing stands in {what}: {listed(empty)}."))
    if classes:
        named = ", ".join(classes[:4]) + (", ..." if len(classes) > 4 else "")
        text = f"{table.name}: exactly one of the {len(classes)} columns {named} is 1 in each row: read as the class."
        facts.append(Fact("classes", text, ("attributes",), probable=len(classes) == 2))
    for name in [name for name in names if name not in kinds and name not in classes and not _is_id(name)]:
        numbers = _numbers(dict.fromkeys(cells[name]))
        if len(numbers) == len(cells[name]) > FEW_NUMBERS and _follows_on(numbers):
            text = f"{name}: {len(numbers):,} numbers, each once and none left out, so taken to count, not to tell."
            facts.append(Fact("values", text, ("attributes",)))
    if (left := len(kinds) - MOST_ATTRIBUTES) > 0:
        kinds = dict(list(kinds.items())[:MOST_ATTRIBUTES])
        text = f"{table.name}: {left:,} more columns could be attributes; the first {MOST_ATTRIBUTES} are proposed."
        facts.append(Fact("values", text, ("attributes",)))
    facts += _facts(kinds, cells, table.name, "proposed")
    return Columns(kinds, _names(kinds), classes, facts, _with_thousands(kinds, cells))


def _facts(kinds: Mapping[str, str], cells: Mapping[str, Sequence[str]], table: str, how: str) -> list[Fact]:
    """That columns were taken for attributes, and values of theirs that are probably one."""
    if not kinds:
        return []
    names = ", ".join(list(kinds)[:8]) + (f" and {len(kinds) - 8} more" if len(kinds) > 8 else "")
    noun = "column is an attribute" if len(kinds) == 1 else "columns are attributes"
    facts = [Fact("table", f"{table}: {len(kinds)} {noun}, {how}: {names}.", ("attributes",))]
    for name, kind in kinds.items():
        if kind == CATEGORIES:
            alike = spelling_facts(Counter(cells[name]))
            facts += [replace(fact, text=f"{name}: {fact.text}", settings=("attributes",)) for fact in alike]
        elif kind == NUMBER and (are_thousands := commas_part_thousands(cells[name])) is not False:
            facts.append(_comma_fact(name, next(filter(_THOUSANDS.fullmatch, cells[name])), table, are_thousands))
    return facts


def _comma_fact(name: str, cell: str, table: str, are_thousands: bool | None) -> Fact:
    """How a comma that could be either is read. are_thousands: None where nothing decides it."""
    decimal, whole = (in_full(read_number(cell, of_thousands) or 0.0) for of_thousands in (False, True))
    if are_thousands:
        return Fact("values", f"{name}: commas part thousands, {cell!r} is read as {whole}.", ("attributes",))
    text = f"{name}: {cell!r} is read as {decimal}, with a decimal comma; if it means {whole}, write it so in {table}."
    return Fact("values", text, probable=True)


def kind_of(name: str, cells: Sequence[str], photos: int) -> str | None:
    """The kind that the values of a column look like; None for what tells photos apart: ids, names, free text.

    cells: those that say something.
    """
    values = set(cells)
    if len(values) < 2:
        return None
    is_code = name.lower() in ("gender", "sex")  # 0 and 1 say neither yes nor how much: they stay as they are
    if not is_code and any({_word(text) for text in values} == {*pair} for pair in YES_OR_NO):
        return YES_NO
    numbers = _numbers(values)
    if len(numbers) == len(values) and not is_code and (len(values) > FEW_NUMBERS or 2 * len(values) > photos):
        return None if _counts_up(name, numbers, len(cells)) else NUMBER
    return CATEGORIES if len(values) <= MOST_VALUES and 2 * len(values) < photos else None


def read_cell(text: str, kind: str, *, thousands: bool = False) -> str | float:
    """An attribute's value from a cell that says something. Raises ValueError in words where it is none of the kind.

    thousands: whether the commas of its column part thousands.
    """
    if kind == CATEGORIES:
        return text
    if kind == NUMBER:
        number = read_number(text, thousands)
        if number is None:
            raise ValueError(f"{text!r} is not a number")
        return number
    word = _word(text)
    if word not in YES_WORDS and word not in NO_WORDS:
        raise ValueError(f"{text!r} is neither yes nor no")
    return "yes" if word in YES_WORDS else "no"


def commas_part_thousands(cells: Iterable[str]) -> bool | None:
    """Whether the commas in a column of numbers stand between thousands, as in "1,250" beside "950"; None where all of
    them could and nothing beside tells it."""
    cells = set(cells)
    with_comma = [cell for cell in cells if "," in cell and re.fullmatch(r"[+-]?\d*,[\d,]*(\.\d*)?", cell)]
    if not with_comma or not all(map(_THOUSANDS.fullmatch, with_comma)):
        return False
    is_plain = any("," not in cell and read_number(cell) is not None for cell in cells)
    return True if is_plain or any(cell.count(",") > 1 or "." in cell for cell in with_comma) else None


def _with_thousands(kinds: Mapping[str, str], cells: Mapping[str, Sequence[str]]) -> frozenset[str]:
    return frozenset(name for name, kind in kinds.items() if kind == NUMBER and commas_part_thousands(cells[name]))


def _numbers(texts: Collection[str]) -> list[float]:
    """Those of a column's cells that are numbers."""
    thousands = bool(commas_part_thousands(texts))
    return [number for text in texts if (number := read_number(text, thousands)) is not None]


def read_number(text: str, thousands: bool = False) -> float | None:
    """A finite number, with a point or a comma; None for anything else. thousands: whether commas stand between those,
    instead of a point."""
    if thousands and _THOUSANDS.fullmatch(text):
        text = text.replace(",", "")
    elif re.fullmatch(r"[+-]?\d+,\d+", text):
        text = text.replace(",", ".")
    try:
        number = float(text) if "_" not in text else math.nan
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def class_of(row: Sequence[str], columns: Sequence[str], classes: Sequence[str]) -> str | None:
    """The class of a row of a one-hot table; None where the row names none."""
    places = {name: columns.index(name) for name in classes}
    return next((name for name, at in places.items() if at < len(row) and _word(row[at]) == "1"), None)


def _word(text: str) -> str:
    """ "1.0" -> "1", "Yes" -> "yes"."""
    return re.sub(r"^([+-]?\d+)\.0+$", r"\1", text.lower()).removeprefix("+")


def _counts_up(name: str, numbers: Sequence[float], cells: int) -> bool:
    """Whether numbers, each once, only number the rows: an id, or one after the other without a gap."""
    return len(numbers) == cells and (_is_id(name) or _follows_on(numbers))


def _is_id(name: str) -> bool:
    return re.search(r"(^|[_\s])(id|idx|index|no|nr|number|key)$", name.lower()) is not None


def _follows_on(numbers: Sequence[float]) -> bool:
    """Whether these are all the whole numbers from the lowest to the highest, each once."""
    whole = all(number.is_integer() for number in numbers)
    return whole and len(set(numbers)) == len(numbers) and max(numbers) - min(numbers) == len(numbers) - 1


def _kind_asked(kind: str, name: str, cells: Sequence[str], photos: int) -> str:
    return kind if kind != "auto" else kind_of(name, cells, photos) or CATEGORIES


def _one_hot(
    table: Cells, kinds: Mapping[str, str], cells: Mapping[str, Sequence[str]], nothing: frozenset[str]
) -> tuple[str, ...]:
    """The columns of 0 and 1 of which exactly one is 1 in each row, but in those where nothing stands in any of them,
    as in a test set's; () where it is not so."""
    columns = [name for name, kind in kinds.items() if kind == YES_NO and {*map(_word, cells[name])} == {"0", "1"}]
    if len(columns) < 2 or len({len(cells[name]) for name in columns}) > 1:
        return ()
    places, filled = [table.columns.index(name) for name in columns], 0
    for _, row in table.rows:
        hot = [row[at] if at < len(row) else "" for at in places]
        if not all(says_nothing(cell, nothing) for cell in hot):
            filled += 1
            if [*map(_word, hot)].count("1") != 1:
                return ()
    return tuple(columns) if filled == len(cells[columns[0]]) else ()  # more rows where some of them is not told


def _names(kinds: dict[str, str]) -> dict[str, str]:
    """Column -> attribute: its name, but for a word that means something else here already (ages such as 20-29)."""
    names: dict[str, str] = {}
    for column, kind in kinds.items():
        name = " ".join(column.replace(" + ", "+").split())
        if name.lower() in PERSONAL:
            name = f"{name}_{'group' if kind == CATEGORIES else 'value'}"
        while name in names.values() or (name != column and name in kinds):
            name += "_"
        names[column] = name
    return names
