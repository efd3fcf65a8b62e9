"""A package as one file: where it is made, its sums, its zip, and whether the disk has room for it."""

from __future__ import annotations

import contextlib
import glob
import hashlib
import secrets
import shutil
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

from core.errors import LabError
from core.export.formats.names import FILES, size_of
from core.export.runtime.package_folder import SUMS
from core.runs import Run
from core.storage import files, locks


def check_room(run: Run, folds: Sequence[int], formats: Sequence[str], folder: Path) -> None:
    """Raises LabError(kind 'disk-full') where the disk cannot hold the package while it is made: folder and zip."""
    weights = 0
    for fold in folds:
        with contextlib.suppress(OSError):  # opening it says what is wrong with it
            weights += run.weights_file(fold, "best").stat().st_size
    needed, free = 2 * size_of(weights, formats), shutil.disk_usage(folder).free
    if needed > free:
        raise LabError(
            f"disk full: the package needs {needed / 1e6:,.0f} MB in {folder.parent} while it is made, and "
            f"{free / 1e6:,.0f} MB are free.",
            "Free some, choose fewer folds or forms, or write it to another disk.",
            kind="disk-full",
        )


@contextlib.contextmanager
def unfinished(out: Path) -> Iterator[Path]:
    """An empty folder beside `out` in which its package is made; afterwards it is gone.

    A lock beside it is held meanwhile: what another process that was killed left there is told by its free one, and
    goes first. OSErrors pass.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    _clear(out)
    hidden = out.parent / f".{out.stem}.{secrets.token_hex(4)}.new"
    mark = hidden.with_name(f"{hidden.name}.lock")
    try:
        with contextlib.ExitStack() as stack:
            try:
                stack.enter_context(locks.held(mark, "a package"))
            except OSError as error:
                if error.errno not in locks.CANNOT_LOCK:  # a disk that one takes it home on need not be able to
                    raise
                mark.unlink(missing_ok=True)
            hidden.mkdir()
            yield hidden
    finally:
        shutil.rmtree(hidden, ignore_errors=True)
        mark.unlink(missing_ok=True)


def _clear(out: Path) -> None:
    for mark in out.parent.glob(f".{glob.escape(out.stem)}.{'[0-9a-f]' * 8}.new.lock"):
        if not locks.is_held(mark):
            shutil.rmtree(mark.with_suffix(""), ignore_errors=True)
            with contextlib.suppress(OSError):  # of another account
                mark.unlink()


def sums(folder: Path) -> str:
    """As sha256sum writes them, of every file below a folder."""
    lines = []
    for path in sorted(p for p in folder.rglob("*") if p.is_file() and p.name != SUMS):
        with open(path, "rb") as stream:
            lines.append(f"{hashlib.file_digest(stream, 'sha256').hexdigest()}  {path.relative_to(folder).as_posix()}")
    return "\n".join(lines) + "\n"


def write_zip(folder: Path, name: str, stream: BinaryIO) -> None:
    """Every file below `folder`, under one folder `name`; networks as they are, since they do not get smaller."""
    with zipfile.ZipFile(stream, "w") as archive:
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            kind = zipfile.ZIP_STORED if path.name in FILES.values() else zipfile.ZIP_DEFLATED
            archive.write(path, f"{name}/{path.relative_to(folder).as_posix()}", kind)


@contextlib.contextmanager
def disk_in_words(out: Path) -> Iterator[None]:
    """Errors of a disk as LabError: kind 'disk-full' or 'read-only'."""
    try:
        yield
    except OSError as error:
        if files.disk_full(error):
            raise LabError(
                f"disk full: no room for {out.name} in {out.parent}.",
                "Free some, choose fewer folds, or write it to another disk.",
                kind="disk-full",
            ) from error
        raise LabError(
            f"{error.filename or out} cannot be written: {error.strerror or error}.",
            "Choose another file.",
            kind="read-only",
        ) from error
