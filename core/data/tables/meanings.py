"""Which column of a table holds what: as chosen, by its usual name, or by what stands in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from core.config.parts import NO_COLUMN
from core.config.run_config import DataConfig
from core.data.readers.reading import Fact
from core.data.tables.cells import Cells, spelt
from core.data.tables.columns import attribute_columns
from core.data.tables.splits import may_be_parts, parts_of_column, why_no_folds
from core.data.tables.words import says_nothing, words_for_nothing
from core.errors import LabError
from core.text import listed

MEANINGS = ("path", "label", "person", "gender", "age", "mask", "split")
LABELLED = ("label", "gender", "age", "mask")
USUAL_NAMES = {
    "path": ("path", "image_path", "filepath", "file_path", "file", "filename", "file_name", "image", "img", "photo"),
    "label": ("label", "class", "target", "category"),
    "person": ("person", "person_id", "id", "subject", "subject_id", "identity", "patient", "patient_id"),
    "gender": ("gender", "sex"),
    "age": ("age",),
    "mask": ("mask", "mask_state"),
    "split": ("split", "subset", "partition", "set", "usage", "phase", "dataset", "data_split", "split_name", "fold"),
    "fold": ("fold", "folds", "kfold", "fold_id", "cv_fold"),
}
JUDGED_ROWS = 200  # that tell whether a column names photos
DOUBTED = ("id", "patient")  # where their values are few: they may tell the ill from the well


@dataclass(frozen=True)
class Meanings:
    """columns: meaning -> column. numbers_photos: the person column is only a guess, and another one in each row.
    parts: columns that may name parts of the dataset and are not read so: they are asked about, and no attributes.
    classes: the columns of a one-hot table, looked for where none tells a label that is needed.
    """

    columns: dict[str, str]
    numbers_photos: bool = False
    facts: list[Fact] = field(default_factory=list)
    parts: list[str] = field(default_factory=list)
    classes: tuple[str, ...] = ()


def is_usual_name(cell: str) -> bool:
    """Whether a cell is what a column is usually called."""
    return any(spelt(cell) in map(spelt, names) for names in USUAL_NAMES.values())


def usual_column(columns: Sequence[str], meaning: str) -> str | None:
    """The column that by its name holds the path, label, person, gender, age, mask or split; None if none does."""
    return next(iter(_usual_columns(columns, meaning)), None)


def _usual_columns(columns: Sequence[str], meaning: str) -> list[str]:
    by_name = {spelt(column): column for column in reversed(columns)}
    return [by_name[name] for name in dict.fromkeys(map(spelt, USUAL_NAMES[meaning])) if name in by_name]


def choose_columns(
    table: Cells,
    data: DataConfig,
    is_photo: Callable[[str], bool] = lambda cell: False,
    *,
    needs_label: bool = True,
) -> Meanings:
    """What each column means. is_photo(cell): whether a photo of the dataset is called so.

    Never one column for two meanings. Raises LabError where no column holds the path, or none a label that is needed.
    """
    if data.persons != "auto":  # told otherwise, or by nothing
        data = data.model_copy(update={"person_column": NO_COLUMN})
    chosen = _as_chosen(table, data)
    refused = {meaning for meaning in MEANINGS if getattr(data, f"{meaning}_column") == NO_COLUMN}
    facts: list[Fact] = []
    if "path" not in chosen:
        column, path_facts = _path_column(table, set(chosen.values()), is_photo)
        chosen |= {"path": column} if column else {}
        facts += path_facts
    for meaning in (*MEANINGS[1:], "fold"):
        free = [column for column in table.columns if column not in {*chosen.values(), *(data.attributes or {})}]
        column = usual_column(free, meaning)
        if meaning in chosen or meaning in refused or column is None:
            continue
        if meaning == "split":  # a subset of frontal photos does not hide who is in the test set
            named = _usual_columns(free, meaning)
            column = next((each for each in named if parts_of_column(each, table.column(each))), column)
        if meaning in ("split", "fold") and not parts_of_column(column, table.column(column)):
            if meaning == "fold" and (why := why_no_folds(column, table.column(column))):
                text = f"{table.name}: column {column!r} is not read as the dataset's folds: {why}."
                facts.append(Fact("split", text, probable=True))
            continue
        chosen[meaning] = column
    parts = (
        [] if {"split"} & {*chosen, *refused} else _parts(table, {*chosen.values(), *(data.attributes or {})}, facts)
    )
    facts += _only_label(table, chosen, refused, parts) if data.attributes is None else []
    doubted = chosen.get("person")
    numbers_photos = "person" not in refused and _judge_person(table, chosen, data, facts)
    if doubted and "person" not in chosen and data.attributes is None and _persons_in(table, doubted, data):
        facts += _only_label(table, chosen, refused, parts)  # few values that tell no persons may be the class
    tells = not needs_label or bool(chosen.keys() & set(LABELLED))
    is_labelled = not needs_label or "label" in chosen or (tells and data.attributes is not None)
    own = None if is_labelled else attribute_columns(table, [*chosen.values(), *parts], data, has_label=False)
    tells = tells or bool(own and (own.kinds or own.classes))
    if "path" not in chosen or not tells:
        lacks = "a path" if "path" not in chosen else "a label, gender, age, mask or another attribute"
        text = f"csv: no column is known to hold {lacks}; {table.name} has {listed(table.columns, 20)}"
        raise LabError(text, "Choose the columns.", "csv")
    return Meanings(chosen, numbers_photos, [*facts, *_repeated(table, chosen)], parts, own.classes if own else ())


def _parts(table: Cells, taken: set[str], facts: list[Fact]) -> list[str]:
    """The columns without a usual name for it that may name parts, asked about: a test set is not to be trained on."""
    free = [column for column in dict.fromkeys(table.columns) if column and column not in taken]
    parts = [column for column in free if may_be_parts(column, table.column(column))]
    for column in parts:
        words = listed(sorted({cell for cell in table.column(column) if cell}))
        text = (
            f"{table.name}: column {column!r} ({words}) may say what is trained on and what is a test; it is not read "
        )
        facts.append(Fact("split", f"{text}until it is chosen as split column.", ("split_column",), probable=True))
    return parts


def _as_chosen(table: Cells, data: DataConfig) -> dict[str, str]:
    chosen = {}
    for meaning in MEANINGS:
        column = getattr(data, f"{meaning}_column")
        if not column or column == NO_COLUMN:
            continue
        if table.columns.count(column) != 1:
            raise LabError(
                f"csv: column {column!r} ({meaning}) stands {table.columns.count(column)} times in the header",
                f"Choose one of {', '.join(table.columns)}.",
                "csv",
            )
        chosen[meaning] = column
    return chosen


def _path_column(table: Cells, taken: set[str], is_photo: Callable[[str], bool]) -> tuple[str | None, list[Fact]]:
    """The column with a usual name, unless not one of its cells names a photo and those of another column do: of
    several the one that names most photos, of these one that differs in each row, or most do."""
    free = [column for column in dict.fromkeys(table.columns) if column and column not in taken]
    usual = usual_column(free, "path")
    for column in _usual_columns(free, "path"):
        if any(map(is_photo, table.column(column)[:JUDGED_ROWS])):
            return column, []
    judged = {column: table.column(column)[:JUDGED_ROWS] for column in free}
    shares = {column: (_share(cells, is_photo), len(set(cells))) for column, cells in judged.items()}
    best = max(free, key=shares.__getitem__, default=None)
    if best is None or best == usual or 2 * shares[best][0] < 1:
        return usual, []
    if not table.has_header:  # told with the names that its columns have
        return best, []
    text = f"{table.name}: column {best!r} names the photos: {shares[best][0]:.0%} of its cells match one."
    return best, [Fact("table", text, ("path_column",))]


def _share(cells: Sequence[str], is_photo: Callable[[str], bool]) -> float:
    return sum(map(is_photo, cells)) / len(cells) if cells else 0.0


def _only_label(table: Cells, chosen: dict[str, str], refused: set[str], parts: list[str]) -> list[Fact]:
    """Take the only column that is left as the label, if no other is known and its values repeat."""
    free = [column for column in table.columns if column and column not in {*chosen.values(), *parts}]
    if "path" not in chosen or chosen.keys() & set(LABELLED) or "label" in refused or len(free) != 1:
        return []
    values = Counter(table.column(free[0]))
    if 2 * len(values) > max(4, values.total()):
        return []
    chosen["label"] = free[0]
    text = f"{table.name}: column {free[0]!r} is taken for the class: it is the only one that is left."
    return [Fact("classes", text, ("label_column",), probable=True)]


def _judge_person(table: Cells, chosen: dict[str, str], data: DataConfig, facts: list[Fact]) -> bool:
    """Whether the person column only numbers the photos; a column that can hardly tell persons is forgotten.

    Only `id` is doubted, which may stand for anything, and `patient` of few values. What is called person or subject is
    taken, and told if it differs in each row. Where one is doubted or names nobody, the next that is called so and can
    tell persons is taken.
    """
    column = chosen.get("person")
    if column is None or column == data.person_column:
        return False
    if (other := _next_person(table, chosen, data)) is not None:
        chosen["person"] = other
        return False
    values = _persons_in(table, column, data)
    rows, asked = values.total(), ("person_column",)
    if not values:
        how = "names nobody" if any(table.column(column)) else "is empty"
        facts.append(Fact("persons", f"{table.name}: column {column!r} {how}: persons are unknown.", asked))
        del chosen["person"]
        return False
    is_id = spelt(column) == "id"
    if len(values) == rows and (is_id or rows > 1):
        if is_id:
            text = f"{table.name}: column {column!r} differs in each row: it numbers photos, persons are unknown."
        else:
            text = f"{table.name}: column {column!r} names another person in each of {rows:,} rows."
        facts.append(Fact("persons", text, asked, probable=True))
        return is_id
    if spelt(column) in DOUBTED and _are_few(values, table, chosen):
        few = f"{len(values)} value{'s' if len(values) > 1 else ''} in {rows:,} rows"
        text = f"{table.name}: column {column!r} has only {few}: not taken for the person."
        facts.append(Fact("persons", text, asked, probable=True))
        del chosen["person"]
    return False


def _next_person(table: Cells, chosen: dict[str, str], data: DataConfig) -> str | None:
    """The next column with a usual name that can tell persons, where the person column is doubted or names nobody."""
    first = chosen["person"]
    if _can_tell_persons(table, first, chosen, data) or (spelt(first) != "id" and _persons_in(table, first, data)):
        return None
    free = [column for column in table.columns if column not in {*chosen.values(), *(data.attributes or {})}]
    while (column := usual_column(free, "person")) and not _can_tell_persons(table, column, chosen, data):
        free = [other for other in free if other != column]
    return column


def _can_tell_persons(table: Cells, column: str, chosen: dict[str, str], data: DataConfig) -> bool:
    values = _persons_in(table, column, data)
    return len(values) < values.total() and not _are_few(values, table, chosen)


def _persons_in(table: Cells, column: str, data: DataConfig) -> Counter[str]:
    nothing = words_for_nothing(data.no_label)
    return Counter(cell for cell in table.column(column) if not says_nothing(cell, nothing))


def _are_few(values: Counter[str], table: Cells, chosen: dict[str, str]) -> bool:
    """Too few for persons: rather classes, or parts."""
    classes = len(set(table.column(chosen["label"]))) if "label" in chosen else 0
    return len(values) <= max(2, classes) or (len(values) < 5 and values.total() >= 10 * len(values))


def _repeated(table: Cells, chosen: dict[str, str]) -> list[Fact]:
    """Names that several columns have, by which nobody can choose one of them: which is read, and which are not."""
    times = Counter(column for column in table.columns if column)
    facts = [
        Fact(
            "table",
            f"{table.name}: column {column!r} stands {times[column]:,} times in the header; the first is read. "
            "To read another, give it a name of its own in the file.",
            (f"{meaning}_column",) if meaning in MEANINGS else (),
            probable=True,
        )
        for meaning, column in chosen.items()
        if times[column] > 1
    ]
    unread = [column for column, number in times.items() if number > 1 and column not in chosen.values()]
    if unread:
        verb = "stands" if len(unread) == 1 else "stand"
        facts.append(Fact("table", f"{table.name}: {listed(unread)} {verb} more than once in the header: not read."))
    return facts
