"""Files written whole: a reader sees the old content or the new, never half of it."""

from __future__ import annotations

import contextlib
import errno
import fnmatch
import json
import os
import secrets
import stat
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, TypeGuard

from core.errors import LabError
from core.storage import locks

GARBAGE = (ValueError, TypeError, KeyError, AttributeError, RecursionError)  # what a mangled JSON file ends in
CHECK = "Check its rights and its disk, then try again."  # the remedy for what is out of reach
_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NO_SYNC = (errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP)  # of a folder, as on some shared folders and network disks


def out_of_reach(error: BaseException) -> TypeGuard[OSError]:
    """Whether what could not be read may be good: this account may not, or its disk does not answer. Nobody is told to
    delete it then, nor to train anew. pyarrow tells damage as an OSError too, without a number.
    """
    gone = isinstance(error, FileNotFoundError | NotADirectoryError | IsADirectoryError)
    return isinstance(error, OSError) and bool(error.errno) and not gone


def may_be_there(path: Path) -> bool:
    """Whether there is such a file, or one may be that is out of reach, of which whoever reads it says why."""
    try:
        return stat.S_ISREG(path.stat().st_mode)
    except (OSError, ValueError) as error:
        return out_of_reach(error)


def write_whole(
    path: Path, write: Callable[[BinaryIO], object], *, durable: bool = True, private: bool = False
) -> None:
    """Write through a temporary file in the same folder, flush, fsync, rename; no stray file stays behind.

    durable: False leaves out the fsync, for what may be lost in a power cut. private: at no moment anybody but this
    account may read it.

    Raises LabError(kind 'disk-full') naming the folder when there is no room; other OSErrors pass.
    """
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(4)}.tmp")
    try:
        with open(temporary, "xb", opener=_opened_privately if private else None) as stream:
            write(stream)
            stream.flush()
            if durable:
                os.fsync(stream.fileno())
        os.replace(temporary, path)
    except BaseException as error:
        size = temporary.stat().st_size if temporary.exists() else 0
        with contextlib.suppress(FileNotFoundError):
            temporary.unlink()
        if disk_full(error):
            raise LabError(
                f"disk full: no room for {path.name} in {path.parent}.",
                f"Free at least {max(size, 1_000_000) / 1e6:,.0f} MB there (a checkpoint needs most), then resume.",
                kind="disk-full",
            ) from error
        raise
    if durable:
        _sync_folder(path.parent)


def _opened_privately(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _sync_folder(folder: Path) -> None:
    """The rename itself must survive a power cut, where the file system can promise that of a folder.

    Windows opens no folder, and orders its own journal.
    """
    if not hasattr(os, "O_DIRECTORY"):
        return
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _NO_SYNC:
            raise
    finally:
        os.close(descriptor)


def disk_full(error: BaseException | None) -> bool:
    """Whether an error, or what caused it, is the operating system's 'no space left'.

    torch's zip writer reports a short write as a RuntimeError; the OSError is then in its context.
    """
    while error is not None:
        if isinstance(error, OSError) and error.errno in _FULL:
            return True
        error = error.__cause__ or error.__context__
    return False


@contextlib.contextmanager
def written_to(
    folder: Path, remedy: str = "Make the folder writable, or copy the run to one that is."
) -> Iterator[None]:
    """What cannot be written in this block is told as LabError(kind 'read-only'), of the folder of a run or another."""
    try:
        yield
    except OSError as error:
        raise LabError(f"{folder} cannot be written: {error.strerror}.", remedy, kind="read-only") from error


def write_text(path: Path, text: str, *, durable: bool = True, private: bool = False) -> None:
    write_whole(path, lambda stream: stream.write(text.encode("utf-8")), durable=durable, private=private)


def write_json(path: Path, data: Any, *, durable: bool = True, private: bool = False) -> None:
    write_text(path, json.dumps(data, indent=1, ensure_ascii=False), durable=durable, private=private)


def read_json(path: Path) -> Any:
    return json.loads(path.read_text("utf-8"))


def change_json(
    path: Path, what: str, change: Callable[[Any], Any], *, timeout: float = 10, durable: bool = True
) -> None:
    """Write what `change` makes of a JSON file's content as it is now; no other process changes it meanwhile.

    change: gets None where the file is absent or no JSON. what: the file, as a person calls it. Makes its folder.
    Raises LabError: 'locked' when others write it for `timeout` seconds, 'unreadable' where it is out of reach,
    'disk-full'; other OSErrors pass.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with locks.held(path.with_suffix(".lock"), what, timeout):
        try:
            content = read_json(path)
        except (FileNotFoundError, ValueError, RecursionError):
            content = None
        except OSError as error:
            if not out_of_reach(error):
                raise
            raise LabError(f"{path} cannot be read: {error.strerror}.", CHECK, kind="unreadable") from error
        write_json(path, change(content), durable=durable)


def table_of(content: Any) -> dict[str, Any]:
    """A JSON object as it is; {} for anything else, so that a damaged file is written anew."""
    return content if isinstance(content, dict) else {}


def matching(folder: Path, pattern: str) -> list[Path]:
    """What lies in a folder under such a name, sorted; nothing where there is no folder.

    Raises OSError for one that this account may not list, or not enter, and where its disk does not answer: Path.glob
    finds nothing there, and people's work looks gone.
    """
    try:
        names = os.listdir(os.path.join(folder, "."))  # the dot: one that may not be entered is not listed, either
    except (FileNotFoundError, NotADirectoryError):
        return []
    return sorted(folder / name for name in fnmatch.filter(names, pattern))


def keep_newest(
    folder: Path,
    most: int,
    days: float,
    most_bytes: float = float("inf"),
    whose: Callable[[Path], str] = lambda path: "",
) -> None:
    """Let the oldest of a folder's JSON files go, none of which anybody misses for long: past so many, so many days, so
    many bytes in all. The newest stays, however large. whose: a file is; those of each person are counted apart."""
    aged = []
    for path in folder.glob("*.json"):
        with contextlib.suppress(OSError):
            status = path.stat()
            aged.append((status.st_mtime, status.st_size, path))
    newer: dict[str, tuple[int, int]] = {}  # person -> (number, bytes)
    for written, size, path in sorted(aged, reverse=True):
        place, together = newer.get(person := whose(path), (0, 0))
        newer[person] = place + 1, together + size
        if place >= most or (place and together + size > most_bytes) or time.time() - written > days * 86_400:
            with contextlib.suppress(OSError):  # one that stays is no reason to keep all the older ones
                path.unlink()


def sizes_below(folder: Path, unread: dict[Path, str] | None = None) -> Iterator[tuple[Path, int]]:
    """Every file below a folder with its size in bytes; links are not followed, and what goes meanwhile is left out.

    unread: gets each folder that is left out because it is out of reach, and why.
    """

    def left_out(place: str | os.PathLike, error: OSError) -> None:
        if unread is not None and out_of_reach(error):
            unread[Path(place)] = str(error.strerror)

    for place, _, names in os.walk(folder, onerror=lambda error: left_out(error.filename, error)):
        for name in names:
            path = Path(place, name)
            try:
                size = path.lstat().st_size
            except OSError as error:
                left_out(place, error)
            else:
                yield path, size
