"""What a zip would unpack to, judged before a byte of it is written: sizes, names, kinds of its entries. No torch.

A zip is a stranger's: nothing it says of itself is believed before it was looked at, and what cannot be a dataset is
refused in words. Source: PKWARE's APPNOTE 6.3.10; for overlapping entries Fifield 2019, A better zip bomb.
"""

from __future__ import annotations

import re
import stat
import struct
import unicodedata
import zipfile
from collections import Counter
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import BinaryIO
from zipfile import ZipFile, ZipInfo

from core.data.images import SUFFIXES
from core.data.readers.systems import SYSTEM_FILES, SYSTEM_FOLDERS
from core.data.zips import names
from core.data.zips.limits import Limits
from core.data.zips.names import Names
from core.errors import LabError
from core.text import listed, one_line

RATIO, INNOCENT = 200, 256_000_000  # bytes unpacked for each packed one; up to so many bytes nobody asks
LONGEST_NAME, LONGEST_PATH = 255, 1000  # bytes of a name, and of a path, in UTF-8
ENTRY = 300  # bytes of the list of contents for each file, names and extra fields counted
OF_UNIX = (3, 19)  # what made an entry: Unix, OS X
PASSWORD = 0x1 | 0x40 | 0x2000  # bits of an entry's flags
PACKINGS = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2, zipfile.ZIP_LZMA}
OTHER_PACKINGS = {9: "Deflate64", 93: "Zstandard", 95: "XZ", 97: "WavPack", 98: "PPMd", 99: "AES encryption"}
ARCHIVES = (".zip", ".rar", ".7z", ".tar", ".gz", ".tgz", ".bz2", ".xz", ".zst")
UNPACK_YOURSELF = "Unpack it with another program, and choose the folder."
PACK_AGAIN = "Copy or download the zip again, or pack it anew."


@dataclass(frozen=True)
class Contents:
    """files: path in the dataset -> its entry. left_out: sentences on what is not unpacked. bytes: of files, unpacked,
    as the zip says."""

    files: dict[str, ZipInfo]
    names: Names
    left_out: list[str]
    bytes: int


def open_zip(stream: BinaryIO, zip_name: str, limits: Limits) -> ZipFile:
    """Raises LabError(kind 'zip') for what is no zip, is broken, or has a list of contents beyond all limits."""
    try:
        too_many = _list_size(stream) > limits.files * ENTRY
        archive = None if too_many else ZipFile(stream)
    except (zipfile.BadZipFile, NotImplementedError, ValueError, struct.error, EOFError) as error:
        text = f"{zip_name}: is no zip, or a broken one ({one_line(error, 120)})."
        raise LabError(text, PACK_AGAIN, "zip") from error
    if archive is None or len(archive.infolist()) > 3 * limits.files:  # folders are entries as well
        raise _too_many(zip_name, limits)
    return archive


def contents(archive: ZipFile, zip_name: str, limits: Limits, encoding: str | None = None) -> Contents:
    """What is to be unpacked of a zip. encoding: of the names that do not say theirs, as a person chose it.

    Raises LabError(kind 'zip') for names that lead out or cannot be, for a password, for entries that share their
    bytes, for more than the limits, and where there is no picture.
    """
    entries = archive.infolist()
    reading = names.judge(entries, zip_name, encoding)
    files: dict[str, ZipInfo] = {}
    system: Counter[str] = Counter()
    links: list[str] = []
    for entry in entries:
        path, is_folder = _path(entry, reading, zip_name)
        if is_folder:
            continue
        if own := _of_a_system(path):
            system[own] += 1
        elif _is_special(entry):
            links.append(path)
        elif path in files:
            raise _refused(zip_name, f"two of its files are called {path!r}", PACK_AGAIN)
        else:
            files[path] = entry
    _check_folders(files, zip_name)
    for path, entry in files.items():
        _check_packing(path, entry, zip_name)
    _check_apart(archive, entries, zip_name)
    size = sum(entry.file_size for entry in files.values())
    _check_sizes(files, size, zip_name, limits)
    _check_pictures(files, zip_name)
    return Contents(files, reading, _left_out(system, links, files), size)


def same_on_some_systems(paths: dict[str, ZipInfo]) -> tuple[str, str] | None:
    """Two paths that are one where capitals, or accents composed and apart, make no difference."""
    places: dict[str, str] = {}
    for path in paths:
        for part in (path, *(str(folder) for folder in PurePosixPath(path).parents)):
            other = places.setdefault(unicodedata.normalize("NFC", part).casefold(), part)
            if other != part:
                return other, part
    return None


def _list_size(stream: BinaryIO) -> int:
    """Bytes of the list of contents as the end of the zip says, 0 where there is no end: zipfile reads all of it."""
    stream.seek(0, 2)
    start = max(0, stream.tell() - 22 - 0xFFFF)
    stream.seek(start)
    tail = stream.read()
    stream.seek(0)
    at = tail.rfind(b"PK\x05\x06")
    if at < 0 or len(tail) - at < 22:
        return 0
    if tail[at - 20 : at].startswith(b"PK\x06\x07") and tail[at - 76 : at].startswith(b"PK\x06\x06"):
        return struct.unpack_from("<Q", tail, at - 76 + 40)[0]
    return struct.unpack_from("<L", tail, at + 12)[0]


def _path(entry: ZipInfo, reading: Names, zip_name: str) -> tuple[str, bool]:
    """(the entry's path below the dataset, whether it is a folder). Raises LabError unless it stays below."""
    try:
        text = names.text_of(entry, reading)
    except UnicodeDecodeError as error:
        text = f"a file name is not in {reading.encoding}, as the others are: {names.raw(entry)!r}"
        raise _refused(zip_name, text, UNPACK_YOURSELF) from error
    path = text.replace("\\", "/")  # as some programs for Windows write it
    parts = [part for part in path.split("/") if part not in ("", ".")]
    if path.startswith("/") or ".." in parts or re.match(r"[A-Za-z]:", path):
        raise _refused(zip_name, f"a path in it leads out of the dataset: {one_line(text, 120)!r}", "Do not trust it.")
    if any(unicodedata.category(letter) in ("Cc", "Cs") for letter in path):
        raise _refused(zip_name, f"a file name has control characters: {one_line(text, 120)!r}", UNPACK_YOURSELF)
    longest = max((len(part.encode()) for part in parts), default=0)
    if longest > LONGEST_NAME or len(path.encode()) > LONGEST_PATH:
        limit = f"{LONGEST_NAME} bytes" if longest > LONGEST_NAME else f"{LONGEST_PATH:,} bytes with its folders"
        raise _refused(zip_name, f"a name is longer than {limit}: {one_line(text, 80)!r}", "Shorten it, and pack anew.")
    return "/".join(parts), not parts or path.endswith("/") or stat.S_ISDIR(_mode(entry))


def _of_a_system(path: str) -> str:
    """The part of a path that a system put there, or that is hidden; "" where there is none."""
    *folders, name = path.split("/")
    for part in folders:
        if part.lower() in SYSTEM_FOLDERS or part.startswith("."):
            return part
    return name if name.lower() in SYSTEM_FILES or name.startswith(".") else ""


def _mode(entry: ZipInfo) -> int:
    """Kind and rights of an entry that a Unix wrote; 0 of others."""
    return entry.external_attr >> 16 if entry.create_system in OF_UNIX else 0


def _is_special(entry: ZipInfo) -> bool:
    """A link, a device or a pipe."""
    return stat.S_IFMT(_mode(entry)) not in (0, stat.S_IFREG)


def _check_folders(files: dict[str, ZipInfo], zip_name: str) -> None:
    for path in files:
        for folder in PurePosixPath(path).parents:
            if str(folder) in files:
                raise _refused(zip_name, f"{str(folder)!r} is a file and a folder in it", PACK_AGAIN)


def _check_packing(path: str, entry: ZipInfo, zip_name: str) -> None:
    if entry.flag_bits & PASSWORD or entry.compress_type == 99:
        raise _refused(zip_name, f"it is protected by a password ({path!r})", UNPACK_YOURSELF)
    if entry.compress_type not in PACKINGS:
        packing = OTHER_PACKINGS.get(entry.compress_type, f"method {entry.compress_type}")
        raise _refused(zip_name, f"{path!r} is packed in a way that is not read here ({packing})", UNPACK_YOURSELF)


def _check_apart(archive: ZipFile, entries: list[ZipInfo], zip_name: str) -> None:
    """Raises LabError where entries share bytes, so that a small zip would unpack to any size."""
    end, before = 0, ""
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        if entry.header_offset < end:
            text = f"entries share their bytes, as in a zip bomb ({before!r} and {entry.filename!r})"
            raise _refused(zip_name, text, "Do not trust it.")
        end, before = entry.header_offset + 30 + len(names.raw(entry)) + entry.compress_size, entry.filename
    if end > archive.start_dir:
        raise _refused(zip_name, f"{before!r} reaches into the list of contents", PACK_AGAIN)


def _check_sizes(files: dict[str, ZipInfo], size: int, zip_name: str, limits: Limits) -> None:
    if len(files) > limits.files:
        raise _too_many(zip_name, limits)
    if size > limits.gigabytes * 1e9:
        text = f"it unpacks to {size / 1e9:,.1f} GB; the limit is {limits.gigabytes:,} GB"
        raise _refused(zip_name, text, "Raise the limit if you trust it, or unpack it yourself and choose the folder.")
    packed = sum(entry.compress_size for entry in files.values())
    if size > INNOCENT and size > RATIO * packed:
        text = f"it unpacks to {size / max(1, packed):,.0f} times its size, as a zip bomb does"
        raise _refused(zip_name, text, "If you trust it, unpack it yourself and choose the folder.")


def _check_pictures(files: dict[str, ZipInfo], zip_name: str) -> None:
    if any(path.lower().endswith(tuple(SUFFIXES)) for path in files):
        return
    archives = [path for path in files if path.lower().endswith(ARCHIVES)]
    if archives:
        text, remedy = (
            f"there is no picture in it, only other archives: {listed(archives)}",
            "Unpack it, and drop those.",
        )
    else:
        text, remedy = "there is no picture in it", "Choose a zip of photos."
        if files:
            text += f", but {listed(list(files))}"
    raise _refused(zip_name, text, remedy)


def _left_out(system: Counter[str], links: list[str], files: dict[str, ZipInfo]) -> list[str]:
    sentences = []
    if count := system.total():
        own = "1 file" if count == 1 else f"{count:,} files"
        sentences.append(f"Left out: {own} of a system, or hidden ({listed(list(system))}).")
    if links:
        what = "1 link or device" if len(links) == 1 else f"{len(links):,} links or devices"
        sentences.append(f"Left out: {what} ({listed(links)}); a zip must not point elsewhere.")
    if archives := [path for path in files if path.lower().endswith(ARCHIVES)]:
        inside = "1 archive" if len(archives) == 1 else f"{len(archives):,} archives"
        sentences.append(f"Not unpacked: {inside} in it ({listed(archives)}).")
    return sentences


def _too_many(zip_name: str, limits: Limits) -> LabError:
    text = f"it holds more than {limits.files:,} files, the limit"
    return _refused(zip_name, text, "Raise the limit if you trust it, or unpack it yourself and choose the folder.")


def _refused(zip_name: str, what: str, remedy: str) -> LabError:
    return LabError(f"{zip_name}: {what}. Nothing was unpacked.", remedy, "zip")
