"""Photos that nobody trained on yet, from wherever they come: files, a folder, a table, a dataset, an upload."""

from __future__ import annotations

import io
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from core.config.run_config import DataConfig
from core.data.images import decode, load_image
from core.data.paths import followed, photo_file
from core.data.reach import bounds
from core.data.reach.opening import open_file
from core.data.readers.attributes import TEST, UNLABELLED
from core.data.readers.layouts import READERS, reader_of
from core.data.readers.set_aside import divided
from core.data.readers.spelling import one_spelling
from core.data.readers.tree import list_tree
from core.data.readers.whom import with_persons
from core.data.tables.looked.how_matched import facts_of
from core.data.tables.matching import NO_MATCH, Matcher
from core.data.tables.meanings import choose_columns
from core.data.tables.table import is_table, read_table
from core.errors import LabError
from core.text import number_of

Note = Callable[[str], None]  # told a sentence
UNANSWERED = ("pictures", "left-out")  # facts of a folder that tell what of it is not answered


@dataclass(frozen=True)
class Photo:
    """One photo to be answered. name: what it is called in a table, unique among those asked about.

    path: its file; content: its bytes where it has none. sample: its name in its dataset, and person: who it shows
    there, where that is known, by the reading of `reading_of`. fault: why there is nothing to read. is_row: whether it
    stands for a row of a table that names no photo.
    """

    name: str
    path: str = ""
    content: bytes | None = None
    sample: str = ""
    person: str = ""
    reading: str = ""
    fault: LabError | None = None
    is_row: bool = False

    def file(self) -> Path:
        """Where it lies. Raises LabError(kind 'outside') for a link that leads out of its folder."""
        return photo_file(self.path, self.sample) if self.sample else Path(self.path)

    def whole(self) -> bytes:
        """Its file, whole. Raises LabError as `file`, OSError."""
        if self.content is not None:
            return self.content
        with open_file(self.file()) as stream:
            return stream.read()

    def pixels(self, bits: int) -> np.ndarray:
        """As training reads it, uint8 (h, w, 3). bits: of the run's dataset, for load_image. Raises LabError."""
        if self.fault is not None:
            raise self.fault
        if self.content is None:
            return load_image(self.file(), bits)
        try:
            return decode(io.BytesIO(self.content), bits)
        except LabError as error:
            raise LabError(f"photo {self.name}: {error.message}", error.remedy, error.kind) from error


def of_path(place: str | Path, note: Note = lambda text: None) -> list[Photo]:
    """The photos of a folder (and of the folders below), of a table's rows, or one photo.

    note: told how a folder or a table was understood. Raises LabError: 'missing' where nothing is there, 'empty'
    where no photo is, 'csv' for a table that names none, 'not-allowed' where the lab does not look.
    """
    path = bounds.typed(place)
    if path.is_dir():
        return of_folder(path, note)
    if not path.is_file():
        raise LabError(f"photos {place}: there is no such file or folder.", "Check the spelling.", "missing")
    return of_table(path, note) if is_table(path.name) else [Photo(_written(path.name), str(path))]


def of_folder(folder: str | Path, note: Note = lambda text: None) -> list[Photo]:
    """Every photo below a folder, by its path in it; what could not be listed there is among them, with its fault.

    Links that lead out of the folder are not followed. note: told what else lies there. Raises LabError(kind 'empty').
    """
    root = bounds.typed(folder)
    tree = list_tree(root)
    photos = [_in(root, sample) for sample in tree.images]
    named = {photo.name for photo in photos}
    for row in tree.problems:
        if row["severity"] == "error" and row["sample"] not in named:
            photos.append(Photo(row["sample"], fault=LabError(row["problem"], row["remedy"], row["kind"])))
    if not photos:
        raise LabError(f"folder {root}: there are no photos in it.", "Choose the folder that holds them.", "empty")
    for fact in tree.facts:
        if fact.kind in UNANSWERED:
            note(fact.text)
    return photos


def of_table(file: str | Path, note: Note = lambda text: None) -> list[Photo]:
    """The photos that a table's rows name, in their order, found beside the table. One that is not there has a fault,
    and so has a row that names none.

    note: told how the table was understood. Raises LabError(kind 'csv') where no column names photos, (kind 'empty')
    where no row does.
    """
    path = bounds.typed(file)
    root = path.parent
    matcher = Matcher(list_tree(root))
    table = read_table(path, is_photo=matcher.is_photo)
    if not table.rows:
        raise LabError(f"{path.name} has no rows.", "Choose a table that names photos.", "empty")
    meanings = choose_columns(table, DataConfig(root=str(root)), matcher.is_photo, needs_label=False)
    column = meanings.columns["path"]
    rows = {number: cell for (number, _), cell in zip(table.rows, table.column(column), strict=True)}
    cells = list(dict.fromkeys(cell for cell in rows.values() if cell))
    if not cells:
        text = f"{path.name}: no row names a photo, its column {column!r} is empty."
        raise LabError(text, "Choose a table that names photos.", "empty")
    matches = matcher.match((cell, "") for cell in cells)
    faults = dict(table.faults)
    photos: dict[str, Photo] = {}
    for number in sorted({*rows, *faults}):
        cell = rows.get(number, "")
        match = matches.get((cell, ""), NO_MATCH)
        if not cell:
            name, text = f"{path.name} row {number}", faults.get(number, "the path is empty")
            fault = LabError(text, "Correct the row, or leave it out.", "bad-row")
            photos[name] = Photo(name, fault=fault, is_row=True)
        elif match.sample:
            photos[cell] = _in(root, match.sample, cell)
        else:
            kind, text, _, remedy = matcher.why_none(cell, "", match)
            photos[cell] = Photo(cell, fault=LabError(f"{path.name}: {text}", remedy or "Put the file there.", kind))
    if again := sum(map(bool, rows.values())) - len(cells):
        verb = "names a photo that another row names" if again == 1 else "name photos that other rows name"
        note(f"{path.name}: {number_of(again, 'row')} {verb} too: each photo is answered once.")
    about_path = [fact for fact in meanings.facts if "path_column" in fact.settings]
    matched = facts_of(((cell, matches.get((cell, ""), NO_MATCH)) for cell in cells), path.name)
    for fact in (*table.facts, *about_path, *matched):
        note(fact.text)
    return list(photos.values())


def rows_of(data: DataConfig) -> tuple[Path, list[dict]]:
    """(its folder, a row for each photo) of a run's dataset, read by now as the run read it, none of them decoded.

    Raises LabError where the dataset is gone, cannot be read so any more or lies where the lab does not look.
    """
    root = Path(data.root)
    bounds.check(root)
    if not root.is_dir():
        raise LabError(
            f"dataset {root}: there is no such folder.", "Put it back, or choose photos elsewhere.", "missing"
        )
    tree = list_tree(root, data.follow_links)
    rows, _ = divided(READERS[reader_of(tree, data)](tree, data).photos, data)
    return root, one_spelling(with_persons(rows, data, tree.root)[0])[0]


def reading_of(data: DataConfig) -> str:
    """Where a dataset lies and how it is read, which says what its persons are called: not the same by every run."""
    return data.model_dump_json()


def set_aside(data: DataConfig) -> dict[str, list[Photo]]:
    """The photos that a run's dataset sets aside by now, TEST and UNLABELLED, read as the run read it, none decoded.

    Raises LabError where the dataset is gone or cannot be read so any more.
    """
    root, rows = rows_of(data)
    reading = reading_of(data)
    aside: dict[str, list[Photo]] = {TEST: [], UNLABELLED: []}
    for row in rows:
        if row["split"] in aside:
            person = str(row["person"]) if row["person_known"] else ""
            sample = row["sample"]
            path = followed(root, sample) if os.path.isabs(row["real"]) else str(root / sample)
            aside[row["split"]].append(Photo(sample, path, sample=sample, person=person, reading=reading))
    return aside


def of_uploads(contents: Mapping[str, bytes]) -> list[Photo]:
    """Photos that lie nowhere, by their names."""
    return [Photo(name, content=content) for name, content in contents.items()]


def sheet_names(photos: Iterable[Photo]) -> list[str]:
    """What a sample file may call photos: their names; "" of a row that names none, of which it knows nothing."""
    return ["" if photo.is_row else photo.name for photo in photos]


def _written(name: str) -> str:
    """A file's name as it can be written: bytes in it that are no UTF-8 as \\udce9, as in a scan's problems."""
    return name.encode("utf-8", "backslashreplace").decode()


def _in(root: Path, sample: str, name: str = "") -> Photo:
    return Photo(name or sample, str(root / sample), sample=sample)
