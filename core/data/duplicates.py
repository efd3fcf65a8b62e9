"""Near-duplicate photos of different people: the same picture under two names is a leak between folds.

A photo's signature is its perceptual hash (the signs of the lowest 8 x 8 cosine frequencies of the 32 x 32 grey photo
against their median; Zauner 2010, "Implementation and benchmarking of perceptual image hash functions") and the photo
itself at 16 x 16 grey. The hash finds candidates fast, the small photo says how alike they are. Imports no torch.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image, ImageOps
from scipy.fft import dctn

from core import machine
from core.data.images import FORMATS, load_image
from core.data.paths import photo_file
from core.errors import LabError
from core.storage.files import write_whole

RULES = 1  # raised when signatures are computed differently: remembered ones of older rules are forgotten
SMALL = 16  # px, side of the small photo
DISTANCE = 10  # bits of 64 in which the hashes of a pair may differ
ALIKE = 0.97  # correlation of the small photos of a pair, at least
MOST = 500  # pairs that are returned, the most alike
_BLOCK = 1 << 22  # comparisons at once: 32 MB


@dataclass(frozen=True)
class Signatures:
    """One row a photo. hashes: (n,) uint64; mirrored: (n,) uint64, of the photo in a mirror; small: (n, 256) uint8.

    known: (n,) bool, False for a photo that could not be decoded.
    """

    hashes: np.ndarray
    mirrored: np.ndarray
    small: np.ndarray
    known: np.ndarray


def signatures(
    photos: list[tuple[str, str, int]],
    *,
    progress: Callable[[int, int], None] | None = None,
    memory: Path | None = None,
) -> Signatures:
    """The signatures of (path, sample, mtime_ns), in order, on all cores. What progress raises ends it.

    memory: an .npz in which signatures of unchanged photos are kept; also what was done when it was interrupted.
    """
    known = _recall(memory)
    samples = {(path, mtime): sample for path, sample, mtime in photos}
    keys = [(path, mtime) for path, _, mtime in photos]
    todo = [key for key in keys if key not in known]
    fresh: dict[tuple[str, int], np.ndarray | None] = {}
    told = 0.0
    pool = ThreadPoolExecutor(machine.cores())
    try:
        made = pool.map(_signature, (key[0] for key in todo), (samples[key] for key in todo))
        for photo, found in zip(todo, made, strict=True):
            fresh[photo] = found
            if progress and time.monotonic() - told >= 0.1:
                told = time.monotonic()
                progress(len(photos) - len(todo) + len(fresh), len(photos))
        if progress:
            progress(len(photos), len(photos))
    finally:
        pool.shutdown(cancel_futures=True)
        good = {photo: row for photo, row in fresh.items() if row is not None}
        if memory and good:
            _remember(memory, {**known, **good})
    rows = [known[key] if key in known else fresh[key] for key in keys]
    blank = np.zeros(16 + SMALL * SMALL, np.uint8)
    table = np.stack([blank if row is None else row for row in rows]) if rows else np.empty((0, len(blank)), np.uint8)
    words = np.ascontiguousarray(table[:, :16]).view(np.uint64)
    return Signatures(words[:, 0], words[:, 1], table[:, 16:], np.array([row is not None for row in rows], bool))


def pairs(
    samples: pd.DataFrame, found: Signatures, *, distance: int = DISTANCE, alike: float = ALIKE, most: int = MOST
) -> pd.DataFrame:
    """Photos of different people that look the same, the most alike first.

    samples: the table that the signatures are of, same rows. distance: bits in which hashes may differ, 0..64.
    alike: least correlation of the two small photos, 0..1.
    Returns columns sample_a, person_a, sample_b, person_b, distance, likeness (0..1), mirrored (bool).
    """
    person = pd.factorize(samples["person"])[0]
    n = len(person)
    small = found.small.astype(np.float32)
    small -= small.mean(axis=1, keepdims=True)
    length = np.linalg.norm(small, axis=1)
    flat = length < SMALL  # a plain surface, which is like any other
    small /= np.maximum(length, 1e-9)[:, None]
    flipped = small.reshape(n, SMALL, SMALL)[:, :, ::-1].reshape(n, SMALL * SMALL)
    usable = found.known & ~flat
    rows: list[tuple[int, int, int, float, bool]] = []
    step = max(1, _BLOCK // max(1, n))
    for mirrored, other, picture in ((False, found.hashes, small), (True, found.mirrored, flipped)):
        for start in range(0, n, step):
            block = slice(start, min(n, start + step))
            bits = np.bitwise_count(found.hashes[block, None] ^ other[None, start:])
            a, b = np.nonzero(bits <= distance)
            bits = bits[a, b]
            a, b = a + start, b + start
            keep = (a < b) & (person[a] != person[b]) & usable[a] & usable[b]
            a, b, bits = a[keep], b[keep], bits[keep]
            for at in range(0, len(a), 1 << 16):
                i, j, d = a[at : at + (1 << 16)], b[at : at + (1 << 16)], bits[at : at + (1 << 16)]
                likeness = (small[i] * picture[j]).sum(axis=1)
                good = likeness >= alike
                few = zip(i[good], j[good], d[good], likeness[good], strict=True)
                rows += [(int(p), int(q), int(r), float(s), mirrored) for p, q, r, s in few]
            if len(rows) > 50 * most:
                rows = sorted(rows, key=lambda row: (-row[3], row[2]))[:most]
    best: dict[tuple[int, int], tuple[int, int, int, float, bool]] = {}
    for row in sorted(rows, key=lambda row: (-row[3], row[2], row[0], row[1])):
        best.setdefault(row[:2], row)
    sample, who = samples["sample"].tolist(), samples["person"].tolist()
    columns = ["sample_a", "person_a", "sample_b", "person_b", "distance", "likeness", "mirrored"]
    told = [(sample[i], who[i], sample[j], who[j], d, s, m) for i, j, d, s, m in list(best.values())[:most]]
    return pd.DataFrame(told, columns=columns)


def _signature(path: str, sample: str) -> np.ndarray | None:
    """16 bytes of hashes, then SMALL x SMALL of grey; None if the photo cannot be decoded or lies outside by now."""
    try:
        grey = _grey(photo_file(path, sample))
    except LabError:
        return None
    pixels = np.asarray(grey.resize((32, 32), Image.Resampling.LANCZOS), np.float32)
    small = np.asarray(grey.resize((SMALL, SMALL), Image.Resampling.BOX), np.uint8)
    words = np.array([_hash(pixels), _hash(pixels[:, ::-1])], np.uint64)
    return np.concatenate([words.view(np.uint8), small.ravel()])


def _hash(pixels: np.ndarray) -> int:
    low = dctn(pixels, type=2, norm="ortho")[:8, :8].ravel()
    return int.from_bytes(np.packbits(low > np.median(low[1:])).tobytes(), "big")


def _grey(path: Path) -> Image.Image:
    """The photo in grey. A JPEG is decoded at an eighth of its size or more, which is all that a signature needs."""
    try:
        with Image.open(path, formats=FORMATS) as image:
            if image.format in ("JPEG", "MPO"):
                image.draft("L", (64, 64))
                return ImageOps.exif_transpose(image).convert("L")
    except Exception:  # whatever is unusual about it, the one decoder knows or says what it is
        pass
    return Image.fromarray(load_image(path)).convert("L")


def _recall(memory: Path | None) -> dict[tuple[str, int], np.ndarray]:
    try:
        with np.load(memory, allow_pickle=False) as file:
            if int(file["rules"]) != RULES:
                return {}
            paths, times, rows = file["paths"].tobytes().decode().split("\0"), file["times"], file["rows"]
            return dict(zip(zip(paths, times.tolist(), strict=True), rows, strict=True))
    except (OSError, ValueError, KeyError, TypeError, EOFError):
        return {}  # only a memory: a damaged one is written anew


def _remember(memory: Path, known: dict[tuple[str, int], np.ndarray]) -> None:
    keys = list(known)
    content = {
        "rules": np.int64(RULES),
        "paths": np.frombuffer("\0".join(path for path, _ in keys).encode(), np.uint8),
        "times": np.array([time_ for _, time_ in keys], np.int64),
        "rows": np.stack(list(known.values())),
    }
    with contextlib.suppress(OSError, LabError):
        memory.parent.mkdir(parents=True, exist_ok=True)
        write_whole(memory, lambda stream: np.savez(stream, **content), durable=False)
