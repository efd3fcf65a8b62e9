"""Tables that say one more thing of the photos of another table: who they show, or what they are for.

CelebA has such lists beside its attributes: identity_CelebA.txt, list_eval_partition.txt. Their column joins the rows
of the other table. One that does not is told with the reason: it may hold the test set.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Collection, Sequence
from dataclasses import replace

from core.config.parts import NO_COLUMN
from core.config.run_config import DataConfig
from core.data.readers.reading import Fact
from core.data.readers.split_names import by_words_around
from core.data.readers.tree import Tree, is_above_photos
from core.data.tables.matching import Matcher
from core.data.tables.meanings import MEANINGS, choose_columns, usual_column
from core.data.tables.splits import is_fold_column, parts_of_column, why_no_folds
from core.data.tables.table import Table, is_list, is_table, read_table
from core.errors import LabError
from core.text import listed

SAYS = {  # what a companion's name tells that it says -> the column that it becomes, unless that numbers folds
    "identity": re.compile(r"(^|[\W_])(identity|identities|persons?|subjects?)([\W_]|$)", re.IGNORECASE),
    "partition": re.compile(r"(^|[\W_])(partitions?|splits?)([\W_]|$)", re.IGNORECASE),
}
WORDS = {"identity": ("who the photos show", "person_column"), "partition": ("what they are for", "split_column")}
MOST_ELSEWHERE = 20  # tables in other folders that are opened: some datasets have one for each subject
MEANS = {"identity": "person", "partition": "split"}
POSITIONS = re.compile(r"(^|[\W_])(bbox(es)?|bounding_box(es)?|landmarks?)([\W_]|$)", re.IGNORECASE)


def says(path: str) -> str:
    """identity or partition, by the name of a table; "" for one that says something else."""
    stem = posixpath.splitext(posixpath.basename(path))[0]
    return next((column for column, name in SAYS.items() if name.search(stem)), "")


def tells_positions(path: str) -> bool:
    """Whether a table by its name says where things are in photos, which is nothing to be labelled with."""
    return POSITIONS.search(posixpath.splitext(posixpath.basename(path))[0]) is not None


def with_companions(
    paths: Sequence[str], table: Table, tree: Tree, data: DataConfig, matcher: Matcher
) -> tuple[Table, list[Fact], dict[str, bool]]:
    """(the table of the files at `paths` with a column of each companion in their folder that names half of its photos,
    facts, the companions that were opened -> whether their column stands in the table)."""
    homes = sorted({posixpath.dirname(path) for path in paths})
    facts: list[Fact] = []
    opened: dict[str, bool] = {}
    reasons: dict[str, str] = {}
    companions = _companions(tree, data, homes)
    photos = _photos_of(table, homes, matcher) if companions else []
    for other, is_beside in companions:
        what, setting = WORDS[says(other)]
        if other in paths or says(other) in map(says, paths) or (says(other) in table.columns and not is_beside):
            continue
        opened[other] = False
        column, of_photo, why = _column_by_photo(other, tree, data, matcher)
        cells = [of_photo.get(photo, "") for photo in photos]
        named = sum(map(bool, cells))
        same = [own for own in table.columns if own == column or (column == "fold" and is_fold_column(own))]
        if same:
            why = f"there is a column {same[0]} already"
        elif of_photo and not is_beside:
            why = f"it lies in another folder than {listed(paths)}"
        elif of_photo and len(homes) > 1:
            why = f"{listed(paths)} lie in several folders"
        elif of_photo and 2 * named < max(1, len(cells)):
            why = f"it says so of {named:,} of the {len(cells):,} photos of {listed(paths)}"
        joined = table if why or not of_photo else _joined(table, column, cells)
        if joined is not table:
            why = _why_not_chosen(joined, MEANS[says(other)], paths, data, matcher)
        if why or not of_photo:
            is_asked = why and getattr(data, setting) not in table.columns and not _is_of_parts(other, tree)
            reasons |= {other: why} if is_asked else {}
            continue
        table = joined
        opened[other] = True
        text = f"{other} says {what}: read together with {listed(paths)} ({named:,} of {len(cells):,} rows)."
        facts.append(Fact("table", text, (setting,)))
    return table, [*facts, *_not_read(reasons)], opened


def _joined(table: Table, column: str, cells: Sequence[str]) -> Table:
    """With one more column; what a row has beyond the header stays beyond it."""
    width = len(table.columns)
    rows = [
        (number, [*(row + [""] * width)[:width], cell, *row[width:]])
        for (number, row), cell in zip(table.rows, cells, strict=True)
    ]
    return replace(table, columns=[*table.columns, column], rows=rows)


def _why_not_chosen(joined: Table, meaning: str, paths: Sequence[str], data: DataConfig, matcher: Matcher) -> str:
    """Why the last column would not be read as the person or split; "" where it is, or is asked for as an attribute."""
    column = joined.columns[-1]
    settings = [f"{each}_column" for each in MEANINGS]
    later = [each for each in settings if getattr(data, each) not in (None, NO_COLUMN, *joined.columns)]  # to be joined
    so_far = data.model_copy(update=dict.fromkeys(later))
    columns = choose_columns(joined, so_far, matcher.is_photo, needs_label=False).columns
    read = [columns.get(meaning), columns.get("fold") if meaning == "split" else None]
    if column in read or column in (data.attributes or {}):
        return ""
    cells = [cell for cell in joined.column(column) if cell]
    if meaning == "split" and not parts_of_column(column, cells):
        words = f"too few of its cells ({listed(list(dict.fromkeys(cells)))}) are words such as train and test"
        return why_no_folds(column, cells) or words
    before = columns.get(meaning) or usual_column(joined.columns, meaning)
    return "it names nobody" if before == column else f"column {before!r} of {listed(paths)} counts before it"


def without_a_table(tree: Tree, data: DataConfig, matcher: Matcher, read: Collection[str]) -> list[Fact]:
    """The companions in the root, or above all photos, of a dataset whose photos are read by their folders or names,
    but for those that are read beside these."""
    reasons = {}
    companions = [other for other, _ in _companions(tree, data, [""]) if is_above_photos(other, tree)]
    for other in (other for other in companions if other not in read):
        _, of_photo, why = _column_by_photo(other, tree, data, matcher)
        if (of_photo or why) and not _is_of_parts(other, tree):
            reasons[other] = why or "folders or names tell the classes"
    return [replace(fact, settings=("reader", "csv_file", *fact.settings)) for fact in _not_read(reasons)]


def _not_read(reasons: dict[str, str]) -> list[Fact]:
    """One for each thing that companions may say: which are not read, and why the first is not."""
    facts = []
    for column, (what, setting) in WORDS.items():
        if paths := [path for path in reasons if says(path) == column]:
            it_is = "it is not read:" if len(paths) == 1 else "they are not read; the first:"
            text = f"{listed(paths)} may say {what}; {it_is} {reasons[paths[0]]}."
            facts.append(Fact("table", text, (setting,), probable=True))
    return facts


def _companions(tree: Tree, data: DataConfig, homes: Sequence[str]) -> list[tuple[str, bool]]:
    """(path, whether it lies in one of these folders) of those by their name, but for what somebody said that no table
    says; those in other folders come last, and not more than MOST_ELSEWHERE."""
    refused = {column for column, (_, setting) in WORDS.items() if getattr(data, setting) == NO_COLUMN}
    refused |= {"identity"} if data.persons != "auto" else set()
    paths = [path for path in sorted(tree.others) if (is_table(path) or is_list(path)) and says(path)]
    paths = [path for path in paths if says(path) not in refused]
    beside = [path for path in paths if posixpath.dirname(path) in homes]
    elsewhere = [path for path in paths if posixpath.dirname(path) not in homes][:MOST_ELSEWHERE]
    return [(path, True) for path in beside] + [(path, False) for path in elsewhere]


def _numbers_photos(table: Table) -> bool:
    """Whether the lines of a list are a number of their own, and one of few things."""
    lines = [table.columns, *(cells for _, cells in table.rows)]
    numbers = {cells[0] for cells in lines}
    are_numbered = len(numbers) == len(lines) and all(map(str.isdecimal, numbers))
    return (
        are_numbered and {len(cells) for cells in lines} == {2} and 2 * len({cells[1] for cells in lines}) < len(lines)
    )


def _is_of_parts(path: str, tree: Tree) -> bool:
    """Whether a table by its name is one of several that list parts (train_split, test_split), which are read as such
    or asked about together."""
    home, suffix = posixpath.dirname(path), posixpath.splitext(path)[1]
    beside = [posixpath.splitext(other) for other in tree.others if posixpath.dirname(other) == home]
    names = {posixpath.basename(whole) for whole, of in beside if of == suffix}
    stem = posixpath.splitext(posixpath.basename(path))[0]
    return any(stem in named and len(set(named.values())) > 1 for named in by_words_around(names).values())


def _path_place(table: Table, homes: Sequence[str], matcher: Matcher) -> int | None:
    """The first column whose cells are photos, before others the one that is called so: numbers may be photos, too."""
    first = [row for _, row in table.rows[:20]]
    usual = usual_column(table.columns, "path")
    for place in sorted(range(len(table.columns)), key=lambda place: table.columns[place] != usual):
        cells = [row[place] for row in first if place < len(row)]
        photos = [cell for cell in cells if matcher.is_photo(cell) or any(matcher.exact(cell, home) for home in homes)]
        if cells and 2 * len(photos) > len(cells):
            return place
    return None


def _photos_of(table: Table, homes: Sequence[str], matcher: Matcher) -> list[str]:
    """What each row names, in the first of the folders where it stands in one; "" where no column names photos."""
    place = _path_place(table, homes, matcher)
    cells = ["" if place is None or place >= len(row) else row[place] for _, row in table.rows]
    return [matcher.exact(cell, homes[0]) or cell for cell in cells]


def _column_by_photo(path: str, tree: Tree, data: DataConfig, matcher: Matcher) -> tuple[str, dict[str, str], str]:
    """(the column that it becomes, photo -> what a table says of it, "") or (.., {}, why it says nothing): by its other
    column, of several the one that is called so. One that numbers folds is called so there, too: numbers in any other
    may be codes. A list that names no photo may as well be a letter to the reader: (.., {}, "").
    Not so one that says one of few things of numbers, which another list may give to photos."""
    becomes = says(path)
    try:
        table = read_table(tree.root / path, encoding=data.encoding, is_photo=matcher.is_photo)
    except LabError as fault:
        return becomes, {}, fault.message
    homes = [posixpath.dirname(path)]
    place = _path_place(table, homes, matcher)
    if place is None:
        is_letter = is_list(path) and not (becomes == "partition" and _numbers_photos(table))
        return becomes, {}, "" if is_letter else "no column of it names photos"
    others = [column for at, column in enumerate(table.columns) if at != place]
    named = [column for column in others if column.lower() != "id"]  # which may number the photos
    meaning = MEANS[becomes]
    column = others[0] if len(others) == 1 else usual_column(named, meaning) or usual_column(others, meaning)
    if column is None:
        return becomes, {}, f"none of its columns is called as one that says so ({listed(table.columns)})"
    at = table.columns.index(column)
    photos = zip(_photos_of(table, homes, matcher), table.rows, strict=True)
    of_photo = {photo: row[at] for photo, (_, row) in photos if photo and len(row) == len(table.columns)}
    cells = [cell for cell in of_photo.values() if cell]
    if column not in named and 0 < len(set(cells)) == len(cells):
        return becomes, {}, f"its column {column!r} differs in each row: it numbers photos"
    return "fold" if becomes == "partition" and is_fold_column(column) else becomes, of_photo, ""
