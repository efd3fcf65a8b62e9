"""Readers: what a dataset says about each photo (csv_table.py reads a CSV, folders.py one folder a class).

A reader takes (tree, data: DataConfig) and returns a Reading. It opens no image: whether the photos can be
decoded is for core.data.scan.scan to find out.
"""

import posixpath
from pathlib import PurePosixPath

from core.config.parts import NO_COLUMN
from core.config.run_config import DataConfig
from core.data.pictures.beside import beside_photos
from core.data.readers.attributes import PARSERS, photo, problem
from core.data.readers.csv_table import MEND_ROW, read_csv, read_csv_dataset
from core.data.readers.find_tables import (
    candidates,
    check_passed_over,
    chosen_csv,
    people_as_classes,
    tell_apart_nothing,
    unread_tables,
)
from core.data.readers.folders import NO_CLASSES, read_folders
from core.data.readers.named import names
from core.data.readers.named.people import is_person
from core.data.readers.named.pieces import pieces_in
from core.data.readers.named.utkface import is_piece_of_utkface, is_utkface, read_utkface
from core.data.readers.reading import Fact, Reading, folder_list
from core.data.readers.tree import Tree, by_folder, is_above_photos, left_over
from core.data.tables.beside_folders import may_be_classes, name_classes
from core.data.tables.joined import with_tables
from core.data.tables.looked.before_folders import count_before_folders, count_before_pieces, count_in_root
from core.data.tables.looked.candidates import chosen_meanings
from core.data.tables.looked.forms import is_answered
from core.data.tables.looked.part_lists import with_part_lists
from core.data.tables.matching import Matcher
from core.data.tables.meanings import choose_columns
from core.data.tables.table import read_table
from core.data.tables.words import names_nobody, words_for_nothing
from core.errors import LabError
from core.text import listed

MASK_STEMS = {**{f"mask{i}": "mask" for i in range(1, 6)}, "incorrect_mask": "incorrect", "normal": "normal"}
MASK_COLUMNS = {"id", "gender", "age", "path"}


def read_mask(tree: Tree, data: DataConfig) -> Reading:
    """train.csv (id, gender, race, age, path) and images/<path>/{mask1..5, incorrect_mask, normal}.<extension>."""
    table = read_csv(tree.root / chosen_csv(tree.root, "train.csv"))
    lower = [column.lower() for column in table.columns]
    missing = [name for name in sorted(MASK_COLUMNS) if name not in lower]
    if missing:
        raise LabError(
            f"train.csv: no column {', '.join(missing)} among {', '.join(lower)}",
            "Choose another reader if this is not the mask layout.",
            "csv",
        )
    places = {name: lower.index(name) for name in lower}  # of two of one name the first, as in other tables
    facts = [
        Fact(
            "table",
            f"train.csv: column {name!r} stands {lower.count(name):,} times in the header; the first is read. "
            "To read another, give it a name of its own in the file.",
            probable=True,
        )
        for name in places
        if name in {*MASK_COLUMNS, "race"} and lower.count(name) > 1
    ]
    folders = by_folder(tree.images)
    nothing = words_for_nothing(data.no_label)
    photos, problems, used = [], [], {"train.csv"}
    for row, cells in table.rows:
        cell = {name: cells[at] if at < len(cells) else "" for name, at in places.items()}
        where = f"train.csv row {row}"
        folder = posixpath.normpath(posixpath.join("images", cell["path"].replace("\\", "/")))
        if not folder.startswith("images/"):
            text = f"path {cell['path']!r} does not name a folder in images"
            problems.append(problem("outside", "", where, text, MEND_ROW))
            continue
        files = folders.get(folder, [])
        used.update(files)
        person, faults = _mask_person(cell, nothing)
        if not files:
            faults.append(("missing-file", "the folder holds no photos"))
        for kind, text in faults:
            problems.append(problem(kind, folder, where, f"{text} ({folder}, {len(files)} photos)", MEND_ROW))
        stems = {path: PurePosixPath(path).stem.lower() for path in files}
        for path, stem in stems.items():
            if stem not in MASK_STEMS:
                text = "its name is none of mask1 to mask5, incorrect_mask, normal"
                problems.append(problem("bad-name", path, path, text, "Rename it, or leave it out."))
            elif not faults:
                photos.append(photo(path, tree.images[path], mask=MASK_STEMS[stem], where=where, row=row, **person))
        lacking = [stem for stem in MASK_STEMS if stem not in stems.values()]
        if files and lacking:
            text = f"{folder} has no {', '.join(lacking)}"
            problems.append(problem("incomplete", folder, where, text, "Add it, or train without it.", "warning"))
    return Reading(photos, problems + left_over(tree, used, "in no row of train.csv"), facts, ["train.csv"])


def _mask_person(cell: dict[str, str], nothing: frozenset[str]) -> tuple[dict, list[tuple[str, str]]]:
    """What a row says about its person, and what is wrong with it: [(kind, text)]."""
    person: dict[str, object] = {"person": cell["id"], "race": cell.get("race") or None}
    faults = names_nobody("the id", cell["id"], nothing)
    for meaning in ("gender", "age"):
        try:
            person[meaning] = PARSERS[meaning](cell[meaning])
        except ValueError as error:
            faults.append((f"bad-{meaning}", str(error)))
    return person, faults


def _class_folders(tree: Tree, level: int | None) -> list[dict]:
    """The photos with the classes that folders name by themselves, those of a level where it is chosen; fewer than two
    classes are none."""
    try:
        photos = [photo for photo in read_folders(tree, DataConfig(class_level=level)).photos if not photo["split"]]
    except LabError:
        return []
    return photos if len({photo["label"] for photo in photos}) > 1 else []


def read_folders_and_tables(tree: Tree, data: DataConfig) -> Reading:
    """Folders name the classes; what else tables tell of their photos joins them."""
    return with_part_lists(with_tables(read_folders(tree, data), tree, data), tree, data)


def read_utkface_and_lists(tree: Tree, data: DataConfig) -> Reading:
    """Names of UTKFace, and lists that tell what photos are for."""
    return with_part_lists(read_utkface(tree, data), tree, data)


def read_names_and_tables(tree: Tree, data: DataConfig) -> Reading:
    """Names tell the classes; what else tables and lists tell of their photos joins them."""
    return with_part_lists(with_tables(names.read_names(tree, data), tree, data, "names"), tree, data)


def read_tables_and_lists(tree: Tree, data: DataConfig) -> Reading:
    """Tables name the classes; lists may tell what photos are for."""
    return with_part_lists(read_csv_dataset(tree, data), tree, data)


READERS = {
    "mask": read_mask,
    "utkface": read_utkface_and_lists,
    "names": read_names_and_tables,
    "folders": read_folders_and_tables,
    "csv": read_tables_and_lists,
}


def reader_of(tree: Tree, data: DataConfig) -> str:
    """The reader that was chosen; else that of a label pattern, or of a table of which somebody chose something, unless
    it is one without labels beside folders or names that tell classes; else the one whose layout the folder has.
    Raises LabError as detect."""
    if data.reader != "auto":
        return data.reader
    if data.label_pattern:
        return "names"
    if data.csv_file and not (data.path_column or data.attributes) and not _labels(tree, data):
        of_names = "names" if _names_tell_classes(tree, data) else "csv"
        return "folders" if _class_folders(tree, data.class_level) else of_names
    return "csv" if data.csv_file or data.path_column or data.attributes else detect(tree, data)


def _labels(tree: Tree, data: DataConfig) -> bool:
    """Whether the table that was chosen may label photos; so may one that cannot be read, which its reader tells."""
    path = chosen_csv(tree.root, data.csv_file or "")
    is_photo = Matcher(tree).is_photo
    try:
        table = read_table(tree.root / path, encoding=data.encoding, is_photo=is_photo)
        choose_columns(table, data, is_photo, needs_label=False)
    except LabError:
        return True
    try:
        return bool(choose_columns(table, data, is_photo).columns)
    except LabError:
        return False


def detect(tree: Tree, data: DataConfig | None = None) -> str:
    """The reader whose layout the folder has. data: what is chosen of columns and encoding.

    A table in the root counts before folders where its columns are chosen, or called what they hold and it names half
    of the photos. Before any other, and before one a folder down, folders that name classes count, unless by it they
    are none. Raises LabError naming the layouts if it has none.
    """
    if "train.csv" in tree.others and any(path.startswith("images/") for path in tree.images):
        columns = {column.lower() for column in read_csv(tree.root / "train.csv").columns}
        if columns >= MASK_COLUMNS:
            return "mask"
    data = data or DataConfig()
    matcher = Matcher(tree)
    looked = candidates(tree, data, matcher)
    usual = [each for each in looked.tables if each.is_usual and is_above_photos(each.paths[0], tree)]
    if any(each.chosen - {"person", "split"} for each in usual) or count_in_root(looked, tree, matcher):
        return "csv"
    of_classes = _class_folders(tree, data.class_level) if looked.tables or looked.faults else []
    are_unread = all(is_answered(each.paths[0]) for each in looked.tables) or tell_apart_nothing(looked)
    if are_unread and _names_tell_classes(tree, data):
        return "names"
    if looked.tables and (
        not of_classes
        or count_before_folders(looked, of_classes, tree, data, matcher)
        or count_before_pieces(looked, tree, data, matcher)
    ):
        return "csv"
    if is_utkface(tree):
        return "utkface"
    if not of_classes and people_as_classes(looked, tree, data, matcher):
        return "csv"
    if any("/" in path for path in tree.images):
        if not of_classes:
            check_passed_over(looked)
        return "folders"
    if looked.faults:
        raise next(iter(looked.faults.values()))
    raise LabError(
        f"dataset {tree.root}: {len(tree.images)} images but nothing that names their classes",
        NO_CLASSES,
        "data",
    )


def _names_tell_classes(tree: Tree, data: DataConfig) -> bool:
    """Whether the names of photos probably tell the classes, and no folders do, nor a column that somebody chose."""
    is_chosen = data.class_level is not None or bool(chosen_meanings(data) - {"person", "split"})
    return not (is_chosen or is_utkface(tree)) and names.tell_classes(tree) and not _class_folders(tree, None)


def not_read(tree: Tree, data: DataConfig, reader: str, reading: Reading) -> list[Fact]:
    """What else may name the classes, to be asked about, of a dataset whose reader nobody chose; said, where it names
    the same. Folders beside a table in the root are asked about where that gives no photo a label.

    reading: with the persons that are known.
    """
    if data.reader != "auto":
        return []
    if reader in ("folders", "names", "utkface"):
        beside = _beside_names(tree, data, reading) if reader == "utkface" else beside_photos(reading.photos)
        return [] if data.csv_file else unread_tables(tree, data, reading, reader) + beside
    is_chosen = data.csv_file or data.attributes or chosen_meanings(data)
    if reader != "csv" or is_chosen:
        return []
    tables = [path for path in reading.tables if path not in reading.joined]
    are_read = f"{listed(tables)} {'is' if len(tables) == 1 else 'are'} read:"
    if pieces := _pieces(tree, data):
        text = f"{are_read} the folders {folder_list(pieces)} are pieces of the dataset, no classes."
        return [Fact("table", text, ("reader",))]
    in_root = not all("/" in path for path in tables)
    is_answered = data.label_column == NO_COLUMN or any(photo["label"] is not None for photo in reading.photos)
    if in_root and (is_answered or not name_classes(tree.images)):
        return []
    of_classes = _class_folders(tree, data.class_level)
    if not of_classes or (in_root and not may_be_classes(reading.photos, of_classes)):
        return []
    folders = folder_list({photo["label"] for photo in of_classes})
    if _are_persons(of_classes, reading):
        return []
    folder_of = {photo["sample"]: photo["label"].casefold() for photo in of_classes}
    same = [folder_of.get(photo["sample"]) == (photo["label"] or "").casefold() for photo in reading.photos]
    if same and all(same):
        return [Fact("table", f"{are_read} the classes are those of the folders {folders}.", ("reader",))]
    return [Fact("table", f"{are_read} the folders {folders} are taken for no classes.", ("reader",), probable=True)]


def _are_persons(of_classes: list[dict], reading: Reading) -> bool:
    """Whether folders that would be classes are called as persons, and each holds one whom the reading knows."""
    person_of = {photo["sample"]: photo["person"] for photo in reading.photos if photo["person_known"]}
    pairs = {(each["label"], person_of.get(each["sample"], "")) for each in of_classes}
    are_called = all(is_person(folder) and person for folder, person in pairs)
    return are_called and len(pairs) == len({folder for folder, _ in pairs})


def _pieces(tree: Tree, data: DataConfig) -> set[str]:
    """The folders that are pieces of the dataset, where none below them name classes."""
    pieces = pieces_in(tree.images)
    return pieces if pieces <= {photo["label"] for photo in _class_folders(tree, data.class_level)} else set()


def _beside_names(tree: Tree, data: DataConfig, reading: Reading) -> list[Fact]:
    """A question about folders that name classes, where the names of the photos are read; not about those in which
    UTKFace comes."""
    of_classes = [each for each in _class_folders(tree, data.class_level) if not is_piece_of_utkface(each["label"])]
    photos = [photo | {"attributes": {"race": photo["race"]}} for photo in reading.photos]
    if not may_be_classes(photos, of_classes):
        return []
    folders = folder_list({photo["label"] for photo in of_classes})
    text = f"Ages and genders are read from the names of the photos: the folders {folders} are taken for no classes."
    return [Fact("classes", text, ("reader",), probable=True)]
