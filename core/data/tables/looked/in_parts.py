"""Names that photos of several folders have, in a table whose own name says a part: trainLabels.csv with the rows 1, 2,
3 beside train/1.png and test/1.png speaks of the photos in train/. So does labels.csv where it names each of them, and
those of no other folder so."""

from __future__ import annotations

import posixpath
from collections.abc import Iterable, Sequence

from core.config.run_config import DataConfig
from core.data.readers.split_names import Part, by_words_around
from core.data.tables.cells import Cells
from core.data.tables.matching import NO_MATCH, Matcher
from core.data.tables.meanings import JUDGED_ROWS, MEANINGS, Meanings, choose_columns
from core.errors import LabError


def names_of(path: str) -> list[str]:
    """What may say which part of a dataset a table is: its own name, and its folder's."""
    return [posixpath.splitext(posixpath.basename(path))[0], posixpath.basename(posixpath.dirname(path))]


def choose_in_parts(
    table: Cells, paths: Sequence[str], data: DataConfig, matcher: Matcher, *, needs_label: bool = True
) -> tuple[Meanings, dict[str, str]]:
    """(what each column means, file of the table -> the folder in which its names are looked for first, of those that
    name photos only so). paths: the file of each row. Raises LabError as choose_columns."""
    folder_of = {path: folder for path in dict.fromkeys(paths) if (folder := folder_by_name(path, matcher))}
    if len(set(paths)) == 1 and not folder_of and (folder := _folder_by_rows(table, matcher)):
        folder_of = {paths[0]: folder}
    if folder_of and not data.path_column and not _names_photos(table, data, matcher):
        column = _column_in(table, [folder_of.get(path, "") for path in paths], data, matcher)
        data = data.model_copy(update={"path_column": column})
    meanings = choose_columns(table, data, matcher.is_photo, needs_label=needs_label)
    tops = {path: top for path in dict.fromkeys(paths) if path not in folder_of and (top := top_by_name(path, matcher))}
    if not folder_of and not tops:
        return meanings, {}
    cells = list(zip(paths, table.column(meanings.columns["path"]), strict=True))
    below = {
        path for path, top in tops.items() if _are_below(top, path, [cell for of, cell in cells if of == path], matcher)
    }
    several = [(path, cell) for path, cell in cells if path in folder_of and len(matcher.called(cell)) > 1]
    several = [(path, cell) for path, cell in several if matcher.is_in(cell, folder_of[path])]
    matches = matcher.match((cell, posixpath.dirname(path)) for path, cell in several)
    unclear = {path for path, cell in several if not matches.get((cell, posixpath.dirname(path)), NO_MATCH).sample}
    return meanings, {path: folder for path, folder in (folder_of | tops).items() if path in unclear | below}


def home_of(path: str, cells: Sequence[str], matcher: Matcher) -> str:
    """The folder in which what names photos in a table is looked for first: its own, or that of the part that its name
    says, where some are there only."""
    top = top_by_name(path, matcher)
    return top if top and _are_below(top, path, cells, matcher) else posixpath.dirname(path)


def _are_below(top: str, path: str, cells: Sequence[str], matcher: Matcher) -> bool:
    """Whether some of the first cells mean a photo in or below this folder, and none where the table lies."""
    home = posixpath.dirname(path)
    return any(matcher.is_photo(cell, top) and not matcher.is_photo(cell, home) for cell in cells[:JUDGED_ROWS])


def folder_by_name(path: str, matcher: Matcher) -> str:
    """The only folder of photos of the part that a table's name says, or else its folder's; "" if there is none."""
    return next((folder for part in _parts_by_name(path) if (folder := matcher.folder_of_part.get(part, ""))), "")


def top_by_name(path: str, matcher: Matcher) -> str:
    """The only folder that is called as the part that a table's name says, or else its folder's, and has all photos of
    that part in and below it; "" if there is none."""
    return next((top for part in _parts_by_name(path) if (top := matcher.top_of_part.get(part, ""))), "")


def _parts_by_name(path: str) -> Iterable[Part]:
    of_names = (by_words_around([name]).values() for name in names_of(path))
    return (part for of_name in of_names for parts in of_name for part in parts.values())


def _folder_by_rows(table: Cells, matcher: Matcher) -> str:
    """The folder of a part that is trained on of which a column names each photo once, and nothing else; "" if there is
    none, or another folder's photos are named so, too."""
    folders = [folder for folder, size in matcher.sizes.items() if size == len(table.rows)]
    parts = {folder for part, folder in matcher.folder_of_part.items() if not part.split}
    if not parts.intersection(folders):
        return ""
    columns = [cells for name in dict.fromkeys(table.columns) if len(set(cells := table.column(name))) == len(cells)]
    named = [folder for folder in folders if any(all(matcher.is_in(cell, folder) for cell in of) for of in columns)]
    return named[0] if len(named) == 1 and named[0] in parts else ""


def _names_photos(table: Cells, data: DataConfig, matcher: Matcher) -> bool:
    """Whether the column of paths, as it is chosen without regard to parts, names a photo."""
    try:
        column = choose_columns(table, data, matcher.is_photo, needs_label=False).columns["path"]
    except LabError:
        return False
    return any(map(matcher.is_photo, table.column(column)[:JUDGED_ROWS]))


def _column_in(table: Cells, folders: Sequence[str], data: DataConfig, matcher: Matcher) -> str | None:
    """The column that names most photos of these folders, which half of its cells do, few of them twice: digits that
    are classes name photos, too. folders: of each row."""
    taken = {*(data.attributes or {}), *(getattr(data, f"{meaning}_column") for meaning in MEANINGS)}
    best, most = None, 0
    for column in dict.fromkeys(table.columns):
        cells = list(zip(table.column(column), folders, strict=True))[:JUDGED_ROWS] if column not in taken else []
        named = [(cell, folder) for cell, folder in cells if folder and matcher.is_in(cell, folder)]
        if column and 2 * len(named) >= len(cells) and len(cells) < 2 * len({*named}) and len({*named}) > most:
            best, most = column, len({*named})
    return best
