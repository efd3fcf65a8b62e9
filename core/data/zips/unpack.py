"""A zip becomes a dataset under the lab's own folder: whole or not at all, and once for the same bytes. No torch."""

from __future__ import annotations

import contextlib
import errno
import hashlib
import lzma
import os
import re
import secrets
import shutil
import time
import unicodedata
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZIP_STORED, ZipFile

from core.data.zips.contents import PACK_AGAIN, Contents, contents, open_zip, same_on_some_systems
from core.data.zips.limits import Limits, read
from core.data.zips.names import Names
from core.errors import LabError
from core.places import datasets_folder
from core.storage import files, locks

RECORD = ".zip.json"  # in a dataset: which zip it came from; hidden, so that no reader sees it
CHUNK = 1 << 20  # bytes
CAREFUL = 4096  # bytes, of packings that zipfile unpacks without a limit: a megabyte of them may hold many gigabytes
BROKEN = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, NotImplementedError, RuntimeError, ValueError)
SPARE = 500_000_000  # bytes that stay free on the disk
EVERY = 0.1  # seconds between two tellings of progress
LONGEST_NAME = 80  # characters of a dataset's folder
Progress = Callable[[int, int], None]


@dataclass(frozen=True)
class Unpacked:
    """root: the dataset. is_new: whether it was unpacked now; else the same zip was before. notes: sentences on what a
    person should know of it."""

    root: Path
    files: int
    is_new: bool
    notes: tuple[str, ...] = ()


def names_of(stream: BinaryIO, zip_name: str, limits: Limits | None = None) -> Names:
    """How the names of a zip's files would be read. Raises LabError as `unpack` does before it writes."""
    with _opened(stream, zip_name, limits or read()) as (_, listing):
        return listing.names


def unpack(
    stream: BinaryIO,
    zip_name: str,
    *,
    runs: Path | None = None,
    encoding: str | None = None,
    limits: Limits | None = None,
    progress: Progress | None = None,
) -> Unpacked:
    """The dataset that a zip holds, in a folder of its own that is called as the zip is.

    stream: seekable. encoding: of names that do not say theirs; judged if None. limits: the machine's setting if None.
    progress(done, total): bytes; what it raises leaves nothing behind. What a killed unpacking left is cleared away.
    Raises LabError: 'zip' for what `contents` refuses and for a zip that turns out broken, 'disk-full', 'locked';
    'zip-folder' where the lab's folder cannot be written.
    """
    limits = limits or read(runs)
    home = datasets_folder(runs)
    with _told_in_words(home), _opened(stream, zip_name, limits, encoding) as (archive, listing):
        home.mkdir(parents=True, exist_ok=True)
        _clear(home)
        digest = _digest(stream)
        if before := _unpacked_before(runs, digest, encoding):
            return before
        _check_room(home, listing, zip_name)
        token = secrets.token_hex(6)
        hidden, mark = home / f".{token}", home / f".{token}.lock"
        try:
            with locks.held(mark, "a zip"):
                hidden.mkdir()
                _check_one_name_each(hidden, listing, zip_name)
                _write(archive, listing, hidden, zip_name, progress)
                notes = (*filter(None, [listing.names.told()]), *listing.left_out)
                record = {"sha256": digest, "names": encoding or "", "zip": zip_name, "files": len(listing.files)}
                files.write_json(hidden / RECORD, record | {"bytes": listing.bytes, "notes": notes})
                with locks.held(home / ".naming.lock", "the list of datasets"):
                    if before := _unpacked_before(runs, digest, encoding):  # by another page meanwhile
                        return before
                    root = home / _free_name(home, zip_name)
                    hidden.rename(root)
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
            mark.unlink(missing_ok=True)
        return Unpacked(root, len(listing.files), True, notes)


def datasets(runs: Path | None = None) -> list[Path]:
    """The datasets that came as zips, by name. Raises LabError(kind 'unreadable') where they are out of reach."""
    home = datasets_folder(runs)
    try:
        return [folder for folder in files.matching(home, "[!.]*") if files.may_be_there(folder / RECORD)]
    except OSError as error:
        raise LabError(f"{home} cannot be read: {error.strerror}.", files.CHECK, kind="unreadable") from error


def folder_name(zip_name: str) -> str:
    """What the dataset of a zip is called: its name without what no folder can be called."""
    stem = re.split(r"[/\\]", unicodedata.normalize("NFC", zip_name))[-1]
    stem = re.sub(r"\.zip$", "", stem, flags=re.IGNORECASE)
    letters = "".join(letter if letter.isprintable() and letter not in '<>:"|?*' else " " for letter in stem)
    name = re.sub(r"\s+", " ", letters)[:LONGEST_NAME].strip(" .")
    return name or "dataset"


@contextlib.contextmanager
def _opened(
    stream: BinaryIO, zip_name: str, limits: Limits, encoding: str | None = None
) -> Iterator[tuple[ZipFile, Contents]]:
    with open_zip(stream, zip_name, limits) as archive:
        yield archive, contents(archive, zip_name, limits, encoding)


@contextlib.contextmanager
def _told_in_words(home: Path) -> Iterator[None]:
    """What the disk says, as LabError."""
    try:
        yield
    except OSError as error:
        if files.disk_full(error):
            remedy = "Free some room, or name another folder of runs (FACET_RUNS)."
            raise LabError(f"disk full: no room for the zip's files in {home}.", remedy, "disk-full") from error
        if error.errno == errno.ENAMETOOLONG:
            text = f"a path of the zip is too long for the file system of {home}."
            raise LabError(text, "Shorten the names in it, and pack it anew.", "zip") from error
        text = f"the zip cannot be unpacked into {home} ({error.strerror or error})."
        raise LabError(text, "Check the rights of that folder.", "zip-folder") from error


def _digest(stream: BinaryIO) -> str:
    digest = hashlib.sha256()
    stream.seek(0)
    while chunk := stream.read(CHUNK):
        digest.update(chunk)
    return digest.hexdigest()


def _clear(home: Path) -> None:
    """Take away what unpackings left that were killed: their locks are free."""
    for mark in home.glob(".*.lock"):
        hidden = mark.with_suffix("")
        if len(hidden.name) == 13 and not locks.is_held(mark):
            shutil.rmtree(hidden, ignore_errors=True)
            mark.unlink(missing_ok=True)


def unpacked_before(stream: BinaryIO, runs: Path | None = None) -> Unpacked | None:
    """The dataset that came from a zip of the same bytes, if it is there."""
    return _unpacked_before(runs, _digest(stream), None)


def _unpacked_before(runs: Path | None, digest: str, encoding: str | None) -> Unpacked | None:
    """encoding: in which its names were read then; None for any."""
    for root in datasets(runs):
        with contextlib.suppress(OSError, *files.GARBAGE):
            record = files.read_json(root / RECORD)
            if record["sha256"] == digest and encoding in (None, record["names"]) and not _was_cut_off(root, record):
                return Unpacked(root, int(record["files"]), False, tuple(map(str, record["notes"])))
    return None


def _was_cut_off(root: Path, record: dict[str, Any]) -> bool:
    """Whether its photos are all there and too short: a power cut took what the disk had not written yet.

    Where somebody took some out it is what they made of it; records of older labs do not tell how long they were.
    """
    sizes = [size for path, size in files.sizes_below(root) if path != root / RECORD]
    return len(sizes) >= record["files"] and sum(sizes) < record.get("bytes", 0)


def _check_room(home: Path, listing: Contents, zip_name: str) -> None:
    free = shutil.disk_usage(home).free
    if listing.bytes + SPARE > free:
        text = f"{zip_name}: it unpacks to {listing.bytes / 1e9:,.2f} GB, and {home} has {free / 1e9:,.2f} GB left."
        raise LabError(text, "Free some room, or name another folder of runs (FACET_RUNS).", "disk-full")


def _check_one_name_each(hidden: Path, listing: Contents, zip_name: str) -> None:
    """Raises LabError for names that are one on this file system, where the second would be written over the first."""
    if takes_capitals_for_small(hidden) and (pair := same_on_some_systems(listing.files)):
        text = f"{zip_name}: {pair[0]!r} and {pair[1]!r} are one name on this file system. Nothing was unpacked."
        raise LabError(text, "Rename one of them, and pack it anew.", "zip")


def takes_capitals_for_small(folder: Path) -> bool:
    """Whether "a" and "A" are one file there, as on Windows and, as a rule, macOS."""
    probe = folder / "A"
    probe.touch()
    try:
        return (folder / "a").exists()
    finally:
        probe.unlink()


def _write(archive: ZipFile, listing: Contents, folder: Path, zip_name: str, progress: Progress | None) -> None:
    """All files, each as long as the zip says and no byte longer. Names were judged: none leads out of the folder."""
    written, made, last_told = 0, set(), 0.0
    for path, entry in listing.files.items():
        target = folder / path
        if target.parent not in made:
            target.parent.mkdir(parents=True, exist_ok=True)
            made.add(target.parent)
        size, chunk_size = 0, CHUNK if entry.compress_type in (ZIP_STORED, ZIP_DEFLATED) else CAREFUL
        try:
            with archive.open(entry) as source, open(target, "xb") as out:
                while chunk := source.read(chunk_size):
                    size += len(chunk)
                    if size > entry.file_size:
                        raise zipfile.BadZipFile("it is longer than it says")
                    out.write(chunk)
                    if progress and time.monotonic() - last_told > EVERY:
                        last_told = time.monotonic()
                        progress(written + size, listing.bytes)
        except BROKEN as error:
            raise _broken(zip_name, path, str(error)) from error
        except OSError as error:
            if error.errno is None:  # of bz2: invalid data
                raise _broken(zip_name, path, str(error)) from error
            raise
        if size != entry.file_size:
            raise _broken(zip_name, path, f"{size:,} bytes instead of {entry.file_size:,}")
        written += size


def _broken(zip_name: str, path: str, why: str) -> LabError:
    text = f"{zip_name}: {path!r} is broken in it ({why or 'it ends too early'}). Nothing was unpacked."
    return LabError(text, PACK_AGAIN, "zip")


def _free_name(home: Path, zip_name: str) -> str:
    """The dataset's name, with a number after it where there is one of that name, in whatever capitals."""
    taken = {name.casefold() for name in os.listdir(home)}
    name, number = folder_name(zip_name), 1
    while (free := name if number == 1 else f"{name}-{number}").casefold() in taken:
        number += 1
    return free
