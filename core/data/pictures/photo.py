"""One photo of a dataset with all that its pixels depend on: the one way from a samples table to pixels."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from core.data.images import load_image
from core.data.paths import photo_file

BITS = "bits"  # column of a samples table: what photos of more than 8 bits are scaled by, 0 for all others


class StoredPhoto(NamedTuple):
    """path, sample: of a samples table. bits: as load_image takes them. mtime_ns: of the file, None for what it is now.

    A tuple, so that it is a key of what was computed from it.
    """

    path: str
    sample: str
    bits: int
    mtime_ns: int | None = None

    def file(self) -> Path:
        """Raises LabError(kind 'outside') as photo_file does."""
        return photo_file(self.path, self.sample)

    def pixels(self) -> np.ndarray:
        """uint8 RGB (height, width, 3), as training, maps and thumbnails see them. Raises LabError as load_image."""
        return load_image(self.file(), self.bits)

    def stamp(self) -> tuple[int, int, int] | None:
        """Time, size and inode of the file that lies there now: a key for what is made of it, since another file may
        have its place, or the time that a table has. None for one that cannot be looked at."""
        try:
            now = os.stat(self.path)
        except (OSError, ValueError):  # decoding says so
            return None
        return now.st_mtime_ns, now.st_size, now.st_ino


def photo_of(row: Any) -> StoredPhoto:
    """row: of a samples table, or of one joined with it: a Series, a mapping or a named tuple with path, sample, bits.

    A table that lost its column bits is refused (KeyError): its photos would come out dark.
    """
    cells = row._asdict() if hasattr(row, "_asdict") else row
    mtime = cells.get("mtime_ns")
    return StoredPhoto(
        str(cells["path"]), str(cells["sample"]), int(cells[BITS]), None if pd.isna(mtime) else int(mtime)
    )


def photos_of(table: pd.DataFrame) -> list[StoredPhoto]:
    """The photos of a samples table, in its order."""
    times = table["mtime_ns"].astype("int64").tolist() if "mtime_ns" in table else [None] * len(table)
    columns = [table[name].tolist() for name in ("path", "sample", BITS)]
    return [StoredPhoto(*cells) for cells in zip(*columns, times, strict=True)]


def bits_of(table: pd.DataFrame) -> int:
    """What further photos of the same dataset are scaled by, for load_image and decode. table: a samples table."""
    return int(table[BITS].max()) if len(table) else 0


def with_bits(table: pd.DataFrame) -> pd.DataFrame:
    """A samples table as it was frozen, with the column bits, which older ones lack: all their photos are as before."""
    return table if BITS in table else table.assign(**{BITS: 0})
