"""Photos that nobody trained on yet, from wherever they come: files, a folder, a table, a dataset, an upload."""

from __future__ import annotations

import io
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from core.config.run_config import DataConfig
from core.data.images import decode, load_image
from core.data.paths import photo_file
from core.data.readers.tree import list_tree
from core.data.tables.matching import NO_MATCH, Matcher
from core.data.tables.meanings import choose_columns
from core.data.tables.table import is_table, read_table
from core.errors import LabError


@dataclass(frozen=True)
class Photo:
    """One photo to be answered. name: what it is called in a table, unique among those asked about.

    path: its file; content: its bytes where it has none. sample: its name in the dataset at root, and person: who it
    shows there, where that is known. fault: why there is nothing to read.
    """

    name: str
    path: str = ""
    content: bytes | None = None
    root: str = ""
    sample: str = ""
    person: str = ""
    fault: LabError | None = None

    def pixels(self, bits: int) -> np.ndarray:
        """As training reads it, uint8 (h, w, 3). bits: of the run's dataset, for load_image. Raises LabError."""
        if self.fault is not None:
            raise self.fault
        if self.content is None:
            return load_image(photo_file(self.path, self.sample) if self.sample else self.path, bits)
        try:
            return decode(io.BytesIO(self.content), bits)
        except LabError as error:
            raise LabError(f"photo {self.name}: {error.message}", error.remedy, error.kind) from error


def of_path(place: str | Path) -> list[Photo]:
    """The photos of a folder (and of the folders below), of a table's rows, or one photo.

    Raises LabError: 'missing' where nothing is there, 'empty' where no photo is, 'csv' for a table that names none.
    """
    path = Path(place).expanduser()
    if path.is_dir():
        return of_folder(path)
    if not path.is_file():
        raise LabError(f"photos {place}: there is no such file or folder.", "Check the spelling.", "missing")
    return of_table(path) if is_table(path.name) else [Photo(path.name, str(path.resolve()))]


def of_folder(folder: str | Path) -> list[Photo]:
    """Every photo below a folder, by its path in it; what could not be listed there is among them, with its fault.

    Links that lead out of the folder are not followed. Raises LabError(kind 'empty').
    """
    root = Path(folder).expanduser().resolve()
    tree = list_tree(root)
    photos = [_in(root, sample) for sample in tree.images]
    named = {photo.name for photo in photos}
    for row in tree.problems:
        if row["severity"] == "error" and row["sample"] not in named:
            photos.append(Photo(row["sample"], fault=LabError(row["problem"], row["remedy"], row["kind"])))
    if not photos:
        raise LabError(f"folder {root}: there are no photos in it.", "Choose the folder that holds them.", "empty")
    return photos


def of_table(file: str | Path) -> list[Photo]:
    """The photos that a table's rows name, in their order, found beside the table; one that is not there has a fault.

    Raises LabError(kind 'csv') where no column names photos, (kind 'empty') where there are no rows.
    """
    path = Path(file).expanduser().resolve()
    root = path.parent
    matcher = Matcher(list_tree(root))
    table = read_table(path, is_photo=matcher.is_photo)
    if not table.rows:
        raise LabError(f"{path.name} has no rows.", "Choose a table that names photos.", "empty")
    column = choose_columns(table, DataConfig(root=str(root)), matcher.is_photo, needs_label=False).columns["path"]
    cells = list(dict.fromkeys(cell for cell in table.column(column) if cell))
    matches = matcher.match((cell, "") for cell in cells)
    photos = []
    for cell in cells:
        match = matches.get((cell, ""), NO_MATCH)
        if match.sample:
            photos.append(_in(root, match.sample, cell))
        else:
            kind, text, _ = matcher.why_none(cell, "", match)
            photos.append(Photo(cell, fault=LabError(f"{path.name}: {text}", "Put the file there.", kind)))
    return photos


def of_samples(root: str, samples: pd.DataFrame) -> list[Photo]:
    """Photos of a dataset, from rows of a samples table (a run's test photos, what a scan set aside)."""
    people = samples["person"].where(samples["person_known"], "") if "person_known" in samples else [""] * len(samples)
    rows = zip(samples["sample"], samples["path"], people, strict=True)
    return [Photo(sample, path, root=str(root), sample=sample, person=person) for sample, path, person in rows]


def of_uploads(contents: Mapping[str, bytes]) -> list[Photo]:
    """Photos that lie nowhere, by their names."""
    return [Photo(name, content=content) for name, content in contents.items()]


def _in(root: Path, sample: str, name: str = "") -> Photo:
    return Photo(name or sample, str(root / sample), root=str(root), sample=sample)
