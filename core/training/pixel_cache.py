"""Decoded pixels on disk behind a memory map: an epoch never decodes a photo again.

One .npy file per (samples, leading deterministic transforms), shared by every run that asks for the same.
"""

from __future__ import annotations

import contextlib
import hashlib
import importlib.metadata
import json
import math
import os
import re
import secrets
import shutil
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
from filelock import Timeout

from core import machine
from core.augment.pipeline import build_transform, split_pipeline
from core.config import TransformConfig
from core.data.content.unchanged import changes, named
from core.data.pictures import kept
from core.data.pictures.photo import BITS, photos_of
from core.errors import LabError
from core.storage import files, locks
from core.text import size

KEEP_BYTES = kept.USUAL
LEFT_OVER = re.compile(rf"\.{kept.PIXELS.pattern}(\.[0-9a-f]+)?\.tmp")  # of who decoded, of a node that fetched


class Stopped(Exception):
    """The work was asked to stop before the pixels were complete."""


class DiskFull(LabError):
    """bytes: what has to become free."""

    def __init__(self, folder: Path, bytes: int, message: str = ""):
        super().__init__(
            message or f"disk full: the decoded photos need {bytes / 1e6:,.0f} MB in {folder}.",
            "Free that much space there, then resume.",
            kind="disk-full",
        )
        self.bytes = bytes


class TooLarge(LabError):
    """The pixels alone are more than decoded photos may take by the settings."""


def cacheable(transforms: Sequence[TransformConfig]) -> bool:
    """Whether the leading transforms give every photo one size, so that the photos fit one array."""
    lead, _ = split_pipeline(transforms)
    return any(t.name in ("Resize", "CenterCrop") for t in lead)


def pixels_file(folder: Path, samples: pd.DataFrame, transforms: Sequence[TransformConfig]) -> Path:
    """Where these pixels live. The name changes with a photo's content or bits, a parameter, a library version.

    The same photos in another folder have the same pixels; those of older labs, without hashes, go by path and time.
    """
    lead, _ = split_pipeline(transforms)
    digest = hashlib.sha256()
    digest.update(json.dumps([t.model_dump(mode="json", exclude={"p"}) for t in lead], sort_keys=True).encode())
    for library in ("albumentations", "opencv-python-headless", "pillow"):
        digest.update(importlib.metadata.version(library).encode())
    is_hashed = "hash" in samples and bool((samples["hash"] != "").all())
    names = ["bytes", "hash"] if is_hashed else ["path", "bytes", "mtime_ns"]
    names += [BITS] if samples[BITS].any() else []  # without any, the name is what it was before there were bits
    for row in samples[names].itertuples(index=False):
        digest.update(repr(tuple(row)).encode())
    return folder / f"{digest.hexdigest()[:32]}.npy"


def build(
    folder: Path,
    samples: pd.DataFrame,
    transforms: Sequence[TransformConfig],
    *,
    progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    users: contextlib.ExitStack | None = None,
    limit: int | None = None,
    spare: int = 0,
    dataset: str = "",
    memory: Path | None = None,
) -> Path:
    """Decode every sample once, apply the leading transforms, keep uint8 (n, height, width, 3) in sample order.

    Returns the .npy file, at once if it is there. Two processes that want the same file build it once.
    users: until it is closed, no process of the lab deletes the file to make room, also before it is opened.
    limit: bytes that all files of the folder may take, as far as nobody uses them; None for KEEP_BYTES and, whatever it
    is, this one. spare: bytes of the disk that are left to others. dataset: its folder, for people who look. memory: as
    unchanged.changes takes it.
    On a full disk, files that nobody uses make room, the oldest first.
    Raises Stopped when should_stop() says so, LabError for an unreadable photo, (kind 'data-changed') where some are
    not those of the table, DiskFull where there was no room, TooLarge for more than the limit alone.
    """
    path = pixels_file(folder, samples, transforms)
    folder.mkdir(parents=True, exist_ok=True)
    lock = locks.lock(path.with_suffix(".lock"))
    while True:
        try:
            with lock.acquire(timeout=0.5):
                if path.exists():
                    os.utime(path)
                else:
                    try:
                        _fill(path, samples, transforms, progress, should_stop, limit, spare, memory)
                    except DiskFull as error:
                        if not _make_room(folder, error.bytes, keep=path):
                            raise
                        _fill(path, samples, transforms, progress, should_stop, limit, spare, memory)
                    forget_oldest(folder, keep=path, limit=limit)
                kept.note(path, dataset, len(samples))
                if users is not None:
                    users.enter_context(_in_use(path))
                return path
        except Timeout:
            if should_stop():
                raise Stopped from None


@contextlib.contextmanager
def _in_use(path: Path) -> Iterator[None]:
    """A lock of this user's own beside the pixels, taken by a holder of the pixels' lock; freed by any death."""
    use_file = path.with_name(f"{path.stem}.{secrets.token_hex(4)}.use")
    try:
        with locks.held(use_file, "decoded photos"):
            yield
    finally:
        use_file.unlink(missing_ok=True)


def _fill(
    path: Path,
    samples: pd.DataFrame,
    transforms,
    progress,
    should_stop,
    limit: int | None,
    spare: int,
    memory: Path | None,
) -> None:
    lead = build_transform(transforms, "lead")
    photos = photos_of(samples)
    first = lead(photos[0].pixels())
    shape = (len(photos), *first.shape)
    _check_room(path.parent, math.prod(shape), limit, spare)
    for leftover in path.parent.glob(f".{path.name}.*.tmp"):
        leftover.unlink(missing_ok=True)  # of a killed process: whoever fills holds the lock
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "wb") as stream:
            # Plain writes report a full disk as an error; writing through a map would be a bus error.
            np.lib.format.write_array_header_1_0(stream, {"descr": "|u1", "fortran_order": False, "shape": shape})
            workers = machine.cores()
            with ThreadPoolExecutor(workers) as pool:
                for start in range(0, len(photos), 64):
                    if should_stop():
                        raise Stopped
                    for image in pool.map(lambda photo: lead(photo.pixels()), photos[start : start + 64]):
                        stream.write(image.data)
                    if progress:
                        progress(min(start + 64, len(photos)), len(photos))
            stream.flush()
            os.fsync(stream.fileno())
        _check_still(samples, memory)
        os.replace(temporary, path)
    except OSError as error:
        if files.disk_full(error):
            raise DiskFull(path.parent, math.prod(shape)) from error
        raise
    finally:
        temporary.unlink(missing_ok=True)


def _check_still(samples: pd.DataFrame, memory: Path | None) -> None:
    """That the photos, which were decoded for minutes, are still those of the launch, whenever they were replaced.

    Pixels are known by what the photos were at the launch: of those that were replaced meanwhile they would be taken
    for the old ones once these are put back. Raises LabError(kind 'data-changed') naming them.
    """
    changed = changes(samples, memory=memory)
    if changed:
        raise LabError(
            f"the dataset changed while its photos were decoded: {named(changed)}.",
            "Put the files back, then resume; or use 'Run again' to start a new run on the data as they are now.",
            kind="data-changed",
        )


def _check_room(folder: Path, needed: int, limit: int | None, spare: int) -> None:
    """Before photos are decoded for minutes: whether they can be kept, and leave room for those who write beside."""
    if limit is not None and needed > limit:
        raise TooLarge(
            f"the decoded photos take {size(needed)}, and Settings allow {size(limit)} for all.",
            "Raise the limit on the page Settings.",
            kind="limit",
        )
    free = shutil.disk_usage(folder).free
    if spare and needed + spare > free:
        raise DiskFull(
            folder,
            needed + spare - free,
            f"disk full: the decoded photos take {size(needed)} in {folder}, {size(free)} are free there, and the "
            f"training itself wants {size(spare)}.",
        )


def forget(folder: Path) -> int:
    """Delete all pixels that no training uses; the bytes that became free. They are made anew where they are needed."""
    return _sweep(folder) + sum(_forget(path) for path in sorted(kept.pixels_in(folder)))


def forget_oldest(folder: Path, keep: Path, limit: int | None = None) -> None:
    """Hold the folder under the limit, KEEP_BYTES where there is none, as far as files are not in use."""
    most = KEEP_BYTES if limit is None else limit
    _sweep(folder)
    total = 0
    for _, taken, path in reversed(_oldest_first(folder)):
        total += taken
        if total > most and path != keep:
            _forget(path)


def _make_room(folder: Path, bytes_needed: int, keep: Path) -> int:
    """Delete what nobody uses, the oldest first, until so many bytes are free more than before; how many it got."""
    gained = _sweep(folder)
    for _, _, path in _oldest_first(folder):
        if gained < bytes_needed and path != keep:
            gained += _forget(path)
    return gained


def _sweep(folder: Path) -> int:
    """Delete what a killed process began to decode, or to fetch as a node: who is still at it holds the pixels' lock.

    Returns the bytes that became free.
    """
    freed = 0
    for path in folder.glob(".*.npy*.tmp"):
        if not LEFT_OVER.fullmatch(path.name):
            continue
        lock = locks.lock(folder / f"{path.name[1:].partition('.')[0]}.lock")
        with contextlib.suppress(Timeout), lock.acquire(timeout=0):
            if path.exists():
                freed += path.stat().st_size
                path.unlink()
    return freed


def _oldest_first(folder: Path) -> list[tuple[float, int, Path]]:
    """(time of last use, bytes, file) of all pixels; without those that another process deletes meanwhile."""
    aged = []
    for path in kept.pixels_in(folder):
        with contextlib.suppress(FileNotFoundError):
            status = path.stat()
            aged.append((status.st_mtime, status.st_size, path))
    return sorted(aged)


def _forget(path: Path) -> int:
    """Delete pixels that nobody uses. Under their lock: whoever is about to use them has said so, or waits.

    Returns the bytes that became free.
    """
    with contextlib.suppress(Timeout), locks.lock(path.with_suffix(".lock")).acquire(timeout=0):
        users = kept.users_of(path)
        if path.exists() and not any(locks.is_held(user) for user in users):
            freed = path.stat().st_size
            for file in (path, kept.label_of(path), *users):
                file.unlink(missing_ok=True)
            return freed
    return 0
