"""Near-duplicate photos of different people: the same picture under two names is a leak between folds.

A photo's signature is its perceptual hash (the signs of the lowest 8 x 8 cosine frequencies of the 32 x 32 grey photo
against their median; Zauner 2010, "Implementation and benchmarking of perceptual image hash functions") and the photo
itself at 16 x 16 grey. The hash finds candidates fast, the small photo says how alike they are. Imports no torch.
"""

from __future__ import annotations

import contextlib
import io
import time
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from PIL import Image, ImageOps
from scipy.fft import dctn

from core import machine
from core.data.images import FORMATS
from core.data.pictures.alike import MOST
from core.data.pictures.photo import StoredPhoto
from core.data.reach.opening import open_file
from core.errors import LabError
from core.storage.files import write_whole

RULES = 2  # raised when signatures are computed or told apart differently: those of older rules are forgotten
SMALL = 16  # px, side of the small photo
DISTANCE = 10  # bits of 64 in which the hashes of a pair may differ
ALIKE = 0.97  # correlation of the small photos of a pair, at least
NUMBER = "number"  # in the attrs of a table of pairs: how many there are, also those that are not in it
_BLOCK = 1 << 22  # comparisons at once: 32 MB
_Key = tuple[str, int, int, int, int]  # path, bits; time, size and inode of the file as it is now
_PRODUCTS = 1 << 16  # correlations at once: 64 MB


@dataclass(frozen=True)
class Signatures:
    """One row a photo. hashes: (n,) uint64; mirrored: (n,) uint64, of the photo in a mirror; small: (n, 256) uint8.

    decoded: (n,) bool, False for a photo that could not be decoded.
    """

    hashes: np.ndarray
    mirrored: np.ndarray
    small: np.ndarray
    decoded: np.ndarray

    def of(self, rows: np.ndarray) -> Signatures:
        """Those of some of the photos. rows: bool (n,)."""
        return Signatures(self.hashes[rows], self.mirrored[rows], self.small[rows], self.decoded[rows])


def signatures(
    photos: Sequence[StoredPhoto],
    *,
    progress: Callable[[int, int], None] | None = None,
    memory: Path | None = None,
) -> Signatures:
    """The signatures of photos, in order, on all cores. What progress raises ends it.

    memory: an .npz in which signatures of unchanged photos are kept; also what was done when it was interrupted.
    """
    remembered = _recall(memory)
    keys = [_key(photo) for photo in photos]
    photo_at = dict(zip(keys, photos, strict=True))
    todo = [key for key in photo_at if key not in remembered]
    fresh: dict[_Key, np.ndarray | None] = {}
    reported = 0.0
    pool = ThreadPoolExecutor(machine.cores())
    try:
        signed = pool.map(_signature, (photo_at[key] for key in todo))
        for key, row in zip(todo, signed, strict=True):
            fresh[key] = row
            if progress and time.monotonic() - reported >= 0.1:
                reported = time.monotonic()
                progress(len(photos) - len(todo) + len(fresh), len(photos))
        if progress:
            progress(len(photos), len(photos))
    finally:
        pool.shutdown(cancel_futures=True)
        good = {key: row for key, row in fresh.items() if row is not None}
        if memory and good:
            _remember(memory, remembered, good)
    rows = [remembered[key] if key in remembered else fresh[key] for key in keys]
    blank = np.zeros(16 + SMALL * SMALL, np.uint8)
    table = np.stack([blank if row is None else row for row in rows]) if rows else np.empty((0, len(blank)), np.uint8)
    words = np.ascontiguousarray(table[:, :16]).view(np.uint64)
    return Signatures(words[:, 0], words[:, 1], table[:, 16:], np.array([row is not None for row in rows], bool))


class _Pair(NamedTuple):
    """Two rows of a samples table, a < b. distance: bits in which their hashes differ. likeness: correlation, 0..1."""

    a: int
    b: int
    distance: int
    likeness: float
    mirrored: bool


def pairs(
    samples: pd.DataFrame, photos: Signatures, *, distance: int = DISTANCE, alike: float = ALIKE, most: int = MOST
) -> pd.DataFrame:
    """Photos of different people that look the same, the most alike first.

    samples: the table that the signatures are of, same rows. distance: bits in which hashes may differ, 0..64.
    alike: least correlation of the two small photos, 0..1.
    Returns columns sample_a, person_a, sample_b, person_b, distance, likeness (0..1), mirrored (bool), of no more than
    `most` pairs; attrs[NUMBER] says how many there are.
    """
    person = pd.factorize(samples["person"])[0]
    small, plain = _standardised(photos.small)
    flipped = small.reshape(-1, SMALL, SMALL)[:, :, ::-1].reshape(small.shape)
    usable = photos.decoded & ~plain
    candidates: list[_Pair] = []
    number = 0
    for mirrored, hashes, partners in ((False, photos.hashes, small), (True, photos.mirrored, flipped)):
        for a, b, bits in _close(photos.hashes, hashes, distance):
            eligible = (person[a] != person[b]) & usable[a] & usable[b]
            a, b, bits = a[eligible], b[eligible], bits[eligible]
            likeness = _correlations(small, partners, a, b)
            good = likeness >= alike
            a, b, bits, likeness = (column[good] for column in (a, b, bits, likeness))
            number += len(a)
            if mirrored:  # those that look the same without a mirror, too, are counted already
                apart = np.bitwise_count(photos.hashes[a] ^ photos.hashes[b])
                number -= int(((apart <= distance) & (_correlations(small, small, a, b) >= alike)).sum())
            alike_rows = zip(*(column.tolist() for column in (a, b, bits, likeness)), strict=True)
            candidates += [_Pair(i, j, differing, score, mirrored) for i, j, differing, score in alike_rows]
            if len(candidates) > 50 * most:
                candidates = _most_alike(candidates, most)
    sample, who = samples["sample"].tolist(), samples["person"].tolist()
    columns = ["sample_a", "person_a", "sample_b", "person_b", "distance", "likeness", "mirrored"]
    best = _most_alike(candidates, most)
    rows = [(sample[pair.a], who[pair.a], sample[pair.b], who[pair.b], *pair[2:]) for pair in best]
    table = pd.DataFrame(rows, columns=columns)
    table.attrs[NUMBER] = number
    return table


def _most_alike(candidates: list[_Pair], most: int) -> list[_Pair]:
    """The first of them, each pair of photos once: as it is, or in a mirror."""
    best: dict[tuple[int, int], _Pair] = {}
    for pair in sorted(candidates, key=_rank):
        best.setdefault((pair.a, pair.b), pair)
    return [*best.values()][:most]


def _rank(pair: _Pair) -> tuple[float, int, int, int]:
    """The most alike first."""
    return -pair.likeness, pair.distance, pair.a, pair.b


def _standardised(small: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Small photos (n, SMALL * SMALL) with mean 0 and length 1, so that products are correlations; which are plain.

    A plain surface is like any other, so it says nothing.
    """
    centred = small.astype(np.float32)
    centred -= centred.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1)
    centred /= np.maximum(length, 1e-9)[:, None]
    return centred, length < SMALL


def _close(
    hashes: np.ndarray, partners: np.ndarray, distance: int
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Rows a < b, and the bits in which hashes[a] and partners[b] differ, where they are few: some at a time."""
    step = max(1, _BLOCK // max(1, len(hashes)))
    for start in range(0, len(hashes), step):
        bits = np.bitwise_count(hashes[start : start + step, None] ^ partners[None, start:])
        a, b = np.nonzero(bits <= distance)
        ordered = a < b
        a, b = a[ordered], b[ordered]
        yield a + start, b + start, bits[a, b]


def _correlations(small: np.ndarray, partners: np.ndarray, a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """float32 (m,): of small[a] with partners[b], standardised both."""
    likeness = np.empty(len(a), np.float32)
    for start in range(0, len(a), _PRODUCTS):
        part = slice(start, start + _PRODUCTS)
        likeness[part] = (small[a[part]] * partners[b[part]]).sum(axis=1)
    return likeness


def _signature(photo: StoredPhoto) -> np.ndarray | None:
    """16 bytes of hashes, then SMALL x SMALL of grey; None if the photo cannot be decoded or lies outside by now."""
    try:
        grey = _grey(photo)
    except LabError:
        return None
    pixels = np.asarray(grey.resize((32, 32), Image.Resampling.LANCZOS), np.float32)
    small = np.asarray(grey.resize((SMALL, SMALL), Image.Resampling.BOX), np.uint8)
    words = np.array([_hash(pixels), _hash(pixels[:, ::-1])], np.uint64)
    return np.concatenate([words.view(np.uint8), small.ravel()])


def _hash(pixels: np.ndarray) -> int:
    low = dctn(pixels, type=2, norm="ortho")[:8, :8].ravel()
    return int.from_bytes(np.packbits(low > np.median(low[1:])).tobytes(), "big")


def _grey(photo: StoredPhoto) -> Image.Image:
    """The photo in grey. A JPEG is decoded at an eighth of its size or more, which is all that a signature needs."""
    path = photo.file()
    try:
        with open_file(path) as file, Image.open(file, formats=FORMATS) as image:
            if image.format in ("JPEG", "MPO"):
                image.draft("L", (64, 64))
                return ImageOps.exif_transpose(image).convert("L")
    except Exception:  # whatever is unusual about it, the one decoder knows or says what it is
        pass
    return Image.fromarray(photo.pixels()).convert("L")


def _key(photo: StoredPhoto) -> _Key:
    """What a signature is known by. The time that the table has is another file's, too: of one that has its place now.

    Of the inode what fits a signed number, as some systems have longer ones.
    """
    time_ns, size, inode = photo.stamp() or (0, 0, 0)
    return photo.path, photo.bits, time_ns, size, inode & (1 << 63) - 1


def _recall(memory: Path | None) -> dict[_Key, np.ndarray]:
    if memory is None:
        return {}
    try:
        with np.load(io.BytesIO(memory.read_bytes()), allow_pickle=False) as file:
            if int(file["rules"]) != RULES:
                return {}
            paths, numbers, rows = file["paths"].tobytes().decode().split("\0"), file["numbers"].tolist(), file["rows"]
            return {(path, *each): row for path, each, row in zip(paths, numbers, rows, strict=True)}
    except (OSError, ValueError, KeyError, TypeError, EOFError, zipfile.BadZipFile):
        return {}  # only a memory: a damaged one is written anew


def _remember(memory: Path, remembered: dict[_Key, np.ndarray], fresh: dict[_Key, np.ndarray]) -> None:
    replaced = {key[:2] for key in fresh}
    rows = {key: row for key, row in remembered.items() if key[:2] not in replaced} | fresh
    keys = list(rows)
    content = {
        "rules": np.int64(RULES),
        "paths": np.frombuffer("\0".join(path for path, *_ in keys).encode(), np.uint8),
        "numbers": np.array([numbers for _, *numbers in keys], np.int64),
        "rows": np.stack(list(rows.values())),
    }
    with contextlib.suppress(OSError, LabError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        write_whole(memory, lambda stream: np.savez(stream, **content), durable=False)
