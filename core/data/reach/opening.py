"""The one place where files and folders of datasets are opened: where the lab may look, and nowhere else.

Who is not held to folders (see bounds.py) opens as ever. Who is, opens the real path, without following a link that
was put there since, and asks the system what was opened before a byte of it is read: a link that is swapped meanwhile
gains nothing. What is told apart is places, not files: a hard link in an allowed folder, or a mount there, is in it.
"""

from __future__ import annotations

import contextlib
import difflib
import itertools
import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from core.data.reach import bounds
from core.errors import LabError

NOT_ALLOWED = bounds.KIND
MOST_BESIDE = 5000  # entries of a folder among which a misspelt one is looked for
_DESCRIPTORS = Path("/proc/self/fd")  # links to what is open, by which Linux tells what it really is
_TELLS = _DESCRIPTORS.is_dir()
_FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)


def open_file(path: str | Path) -> BinaryIO:
    """open(path, "rb"). Raises LabError(kind 'not-allowed') outside, else OSError as open does."""
    if bounds.allowed() is None:
        return open(path, "rb")
    descriptor = _opened(path, _FLAGS | getattr(os, "O_BINARY", 0))
    return open(descriptor, "rb")


@contextlib.contextmanager
def listing(folder: str | Path) -> Iterator[Iterator[os.DirEntry[str]]]:
    """os.scandir(folder) in a with; go by the names of entries, and use them in it. Raises as open_file does.

    An entry's is_dir and is_file follow links, also out of the folder: ask `bounds.may_look` of a link first.
    """
    if bounds.allowed() is None or os.scandir not in os.supports_fd:
        with os.scandir(bounds.check(folder)) as entries:
            yield entries
        return
    descriptor = _opened(folder, _FLAGS | os.O_DIRECTORY)
    try:
        with os.scandir(descriptor) as entries:
            yield entries
    finally:
        os.close(descriptor)


def has_file(path: str | Path) -> bool:
    """Whether there is a file. Raises LabError(kind 'not-allowed') where the lab does not look."""
    return bounds.check(path).is_file()


def is_folder(path: str | Path) -> bool:
    """Whether there is a folder, where the lab may look."""
    return bounds.may_look(path) and os.path.isdir(path)


def is_file(path: str | Path) -> bool:
    """Whether there is a file, where the lab may look."""
    return bounds.may_look(path) and os.path.isfile(path)


def alike(path: Path, most: int = 6) -> list[Path]:
    """Folders that may have been meant by a path that leads nowhere, the likeliest first: those whose names go on from
    its last part, then those that are spelt much like it. Of a path whose folder is not there either, those for that
    folder. Empty where none is like it, or where the lab may not look."""
    while not os.path.isdir(path.parent) and path.parent != path:
        path = path.parent
    names = []
    try:
        with listing(path.parent) as entries:
            for entry in itertools.islice(entries, MOST_BESIDE):
                if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                    names.append(entry.name)
    except (OSError, LabError):
        return []
    typed, folded = path.name.casefold(), {name.casefold(): name for name in sorted(names, reverse=True)}
    if not typed:
        return []
    goes_on = sorted(name for name in folded if name.startswith(typed))
    chosen = dict.fromkeys([*goes_on, *difflib.get_close_matches(typed, folded, most, 0.7)])
    return [path.parent / folded[name] for name in list(chosen)[:most]]


def _opened(path: str | Path, flags: int) -> int:
    real = bounds.check(path)
    descriptor = os.open(real, flags)
    try:
        _check_opened(descriptor, path, real)
    except BaseException:
        os.close(descriptor)
        raise
    return descriptor


def _check_opened(descriptor: int, path: str | Path, real: Path) -> None:
    """That what was opened lies where the lab may look, whatever was put in its place meanwhile."""
    if _TELLS:
        if not bounds.is_allowed(os.readlink(_DESCRIPTORS / str(descriptor))):
            raise bounds.refusal(path)
    elif not os.path.samestat(os.fstat(descriptor), os.stat(bounds.check(real))):
        raise bounds.refusal(path)
