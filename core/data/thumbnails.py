"""The one way to make a small picture of a photo, for screens and reports. Imports no torch.

Thumbnails are kept on disk, so that a gallery of a large dataset turns its pages quickly.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import os
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
from PIL import Image

from core import machine
from core.data.pictures.photo import StoredPhoto
from core.errors import LabError
from core.places import lab_folder
from core.storage.files import write_whole

SIDE = 240  # px of the longer side
QUALITY = 86
JPEG_BEGINS, JPEG_ENDS = b"\xff\xd8", b"\xff\xd9"
SQUARES = 8  # along the longer side of a photo that is blurred
SHARD_LIMIT = 1000  # files in one of 256 folders: about 3 GB in all, at 12 kB each


def small_jpeg(pixels: np.ndarray, side: int) -> bytes:
    """A picture, uint8 (height, width, 3), as JPEG, its longer side at most `side` px."""
    picture = Image.fromarray(pixels)
    picture.thumbnail((side, side), Image.Resampling.LANCZOS, reducing_gap=2.0)
    buffer = io.BytesIO()
    picture.save(buffer, "JPEG", quality=QUALITY)
    return buffer.getvalue()


def blurred(pixels: np.ndarray, side: int) -> np.ndarray:
    """A picture as at most SQUARES x SQUARES squares of one colour each, the mean of what was there, uint8, its longer
    side `side` px. All else is gone, so that nobody makes the picture of it again."""
    picture = Image.fromarray(pixels)
    longest = max(picture.size)
    squares, size = ([max(1, round(n * sides / longest)) for sides in picture.size] for n in (SQUARES, side))
    return np.asarray(picture.resize(squares, Image.Resampling.BOX).resize(size, Image.Resampling.NEAREST))


def small_photo(photo: StoredPhoto, side: int) -> bytes:
    """A photo as JPEG, upright, its longer side at most `side` px.

    Raises LabError for a bad photo, and for one that lies outside its dataset.
    """
    return small_jpeg(photo.pixels(), side)


def thumbnail(photo: StoredPhoto, side: int = SIDE, folder: Path | None = None) -> bytes:
    """The same of the file as it is now; from disk when it was made of it before.

    What the table says of the time of its file is not asked: another file may have it, and this one's place by now.
    folder: of the runs, FACET_RUNS if None; the cache lies in its .lab/thumbnails.
    """
    photo.file()  # refused where it may not be opened, whatever is kept of it
    if (stamp := photo.stamp()) is None:
        return small_photo(photo, side)  # decoding says what is wrong
    what = f"{photo.path}\0{stamp}\0{side}\0{photo.bits}"
    key = hashlib.sha256(what.encode("utf-8", "surrogateescape")).hexdigest()
    shard = lab_folder(folder) / "thumbnails" / key[:2]
    place = shard / f"{key[2:34]}.jpg"
    with contextlib.suppress(OSError):
        kept = place.read_bytes()
        if kept.startswith(JPEG_BEGINS) and kept.endswith(JPEG_ENDS):  # a power cut may leave a name and no picture
            return kept
    data = small_jpeg(photo.pixels(), side)
    if photo.stamp() != stamp:  # replaced while it was decoded: nobody knows of which one this is
        return data
    with contextlib.suppress(OSError, LabError):  # a full disk makes galleries slower, not impossible
        shard.mkdir(parents=True, exist_ok=True)
        _make_room(shard)
        write_whole(place, lambda stream: stream.write(data), durable=False)
    return data


def thumbnails(photos: Sequence[StoredPhoto], side: int = SIDE, folder: Path | None = None) -> list[bytes | LabError]:
    """Thumbnails in order, made on all cores; the LabError instead of one that is bad."""

    def one(photo: StoredPhoto) -> bytes | LabError:
        try:
            return thumbnail(photo, side, folder)
        except LabError as error:
            return error

    with ThreadPoolExecutor(machine.cores()) as pool:
        return list(pool.map(one, photos))


def _make_room(shard: Path) -> None:
    """Drop the older half of a full folder; another process may be doing the same."""
    names = os.listdir(shard)
    if len(names) < SHARD_LIMIT:
        return
    dated = []
    for name in names:
        with contextlib.suppress(OSError):
            dated.append(((shard / name).stat().st_mtime_ns, name))
    for _, name in sorted(dated)[: len(dated) // 2]:
        (shard / name).unlink(missing_ok=True)
