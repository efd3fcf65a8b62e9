"""Whether tables count, or the folders that name classes beside them."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from core.config.run_config import DataConfig
from core.data.readers.attributes import NUMBER
from core.data.readers.find_tables import parts_of_one, to_read, without_companions
from core.data.readers.named.pieces import CONTAINERS, pieces_in
from core.data.readers.tree import Tree, by_folder, is_above_photos
from core.data.tables.beside_folders import are_other_classes, name_classes
from core.data.tables.columns import attribute_columns
from core.data.tables.looked.candidates import (
    Candidates,
    DatasetTable,
    are_half,
    cells_of_photos,
    is_set_aside,
    photos_of,
)
from core.data.tables.looked.forms import is_answered
from core.data.tables.matching import Matcher
from core.data.tables.words import words_for_nothing


def count_in_root(looked: Candidates, tree: Tree, matcher: Matcher) -> bool:
    """Whether tables in the root are read, also where folders name classes: their columns are called what they hold, by
    their names they are no forms nor predictions, they are one, and name half of the photos. Numbers hardly name
    classes."""
    in_root = [each for each in looked.tables if each.is_usual and each.is_in_root]
    tables = [each for each in in_root if not is_answered(each.paths[0])]
    if not tables or not name_classes(tree.images):
        return bool(tables)
    every, waiting = to_read(without_companions(looked))
    are_one = len(every) == 1 or bool(parts_of_one(every, waiting))
    if not are_one:  # somebody has to choose where one labels half, by other words than the folders
        labelled = [each for each in tables if "label" in each.meanings.columns and not _repeats_folders(each, matcher)]
        return any(are_half(photos_of([each], tree, matcher), tree) for each in labelled)
    photos = photos_of(tables, tree, matcher)
    labels = _labels_of(tables)
    repeat = bool(labels) and all(_repeats_folders(each, matcher) for each in tables)
    return (
        are_half(photos, tree, copies_count=repeat)
        or _name_all_images(labels, photos, tree)
        or _tell_folders_apart(labels, photos, tree)
    )


def _repeats_folders(dataset: DatasetTable, matcher: Matcher) -> bool:
    """Whether each label is called as a folder above its photo."""
    cells_of = cells_of_photos([(dataset.paths[0], dataset.table)], dataset.meanings.columns, matcher)
    return all(cells["label"] in photo.casefold().split("/")[:-1] for photo, cells in cells_of.items())


def _labels_of(tables: Sequence[DatasetTable]) -> set[str]:
    """The different labels of tables that all have a column for them."""
    if not all("label" in each.meanings.columns for each in tables):
        return set()
    columns = [each.table.column(each.meanings.columns["label"]) for each in tables]
    return {cell for column in columns for cell in column if cell}


def _name_all_images(labels: Collection[str], photos: Collection[str], tree: Tree) -> bool:
    """Whether tables name nearly all photos of the folders of which they name one, which are called as what only holds
    photos (images/), and by more labels than these are: what lies in others (new/, augmented/) is something else. Not
    by labels that are called as folders."""
    folders = {folder: [path in photos for path in paths] for folder, paths in by_folder(tree.images).items()}
    named = {folder: each for folder, each in folders.items() if any(each)}
    hold_all = all(folder.rpartition("/")[2].lower() in CONTAINERS and not is_set_aside(folder) for folder in named)
    names = {name.casefold() for folder in folders for name in folder.split("/")}
    if not named or not hold_all or len(labels) <= len(named) or {label.casefold() for label in labels} <= names:
        return False
    return all(10 * sum(each) >= 9 * len(each) for each in named.values())


def _tell_folders_apart(labels: Collection[str], photos: Collection[str], tree: Tree) -> bool:
    """Whether tables label a photo of nearly every folder, with a third as many labels at most as there are folders:
    one slice of each patient."""
    named, folders = ({path.rpartition("/")[0] for path in paths} for paths in (photos, tree.images))
    folders = {folder for folder in folders if not is_set_aside(folder)} or folders
    return len(labels) > 1 and 3 * len(labels) <= len(folders) and 10 * len(named & folders) >= 9 * len(folders)


def count_before_folders(
    looked: Candidates, photos: Sequence[dict], tree: Tree, data: DataConfig, matcher: Matcher
) -> bool:
    """Whether tables one folder down are read, and not the folders that name classes. photos: as folders label them.

    Only tables of usual columns are that can be read as one, name nearly all photos and tell other classes.
    """
    tables, waiting = to_read(without_companions(looked))
    if len(tables) > 1 and not parts_of_one(tables, waiting):
        return False
    if not all(each.is_usual and is_above_photos(each.paths[0], tree) for each in tables):
        return False
    columns = tables[0].meanings.columns
    cells_of = cells_of_photos([(each.paths[0], each.table) for each in tables], columns, matcher)
    others = [(path, form.table) for path, form in looked.forms.items() if form]
    others += [(table.name, table) for table in waiting]
    named = cells_of.keys() | cells_of_photos(others, columns, matcher).keys()
    if 10 * len(named & tree.images.keys()) < 9 * len(tree.images):
        return False
    folder_of = {each["sample"]: each["label"].casefold() for each in photos}
    return are_other_classes(cells_of, folder_of, words_for_nothing(data.no_label))


def count_before_pieces(looked: Candidates, tree: Tree, data: DataConfig, matcher: Matcher) -> bool:
    """Whether tables are read, and not folders that by their names are pieces of the dataset: where nobody chose these
    as classes, tables that can be read as one and are no predictions name nine of ten photos in them, and tell more of
    these than numbers."""
    pieces = pieces_in(tree.images) if data.class_level is None else set()
    tables, waiting = to_read(without_companions(looked))
    if not pieces or not tables or (len(tables) > 1 and not parts_of_one(tables, waiting)):
        return False
    if any(is_answered(each.paths[0]) or not _tells_classes(each, data) for each in tables):
        return False
    columns = {"path": tables[0].meanings.columns["path"]}
    every = [(each.paths[0], each.table) for each in tables] + [(table.name, table) for table in waiting]
    inside = {path for path in tree.images if pieces & {*path.split("/")[:-1]}}
    named = cells_of_photos(every, columns, matcher).keys() & inside
    return 10 * len(named) >= 9 * len(inside)


def _tells_classes(dataset: DatasetTable, data: DataConfig) -> bool:
    """Whether it tells a label, gender, age or mask, or an attribute that is no number."""
    meanings = dataset.meanings
    taken = [*meanings.columns.values(), *meanings.parts]
    own = attribute_columns(dataset.table, taken, data, has_label=False)
    return dataset.tells_usual or bool(own.classes) or any(kind != NUMBER for kind in own.kinds.values())
