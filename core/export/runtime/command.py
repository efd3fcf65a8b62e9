"""`python predict.py PHOTO|FOLDER...`: what the networks of a package say of photos, as a table."""

from __future__ import annotations

import argparse
import contextlib
import csv
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from io import TextIOWrapper
from pathlib import Path
from typing import TextIO

import numpy as np

from core.data.images import SUFFIXES
from core.data.pictures import dicom
from core.data.readers.systems import SYSTEM_FOLDERS
from core.errors import LabError
from core.export.runtime.package_folder import BATCH, PackageFolder

# DICOM also where nothing reads it: a photo that is left out silently is worse than one with a fault.
PHOTOS = {*SUFFIXES, *dicom.SUFFIXES}
NO_YES = ("no", "yes")
FORMULA = ("=", "+", "-", "@", "\t", "\r")  # what a spreadsheet would run
UNWRITABLE = "backslashreplace"  # letters of a name that its encoding lacks: one odd name must not lose all answers


def main(folder: Path, arguments: Sequence[str] | None = None) -> int:
    """Answer the photos that are named; the exit code. folder: the package's own."""
    parser = argparse.ArgumentParser(prog="predict.py", description="Answer photos with the networks of this package.")
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO|FOLDER", help="photos, or folders of photos")
    parser.add_argument("--out", type=Path, metavar="FILE.csv", help="write the table there (default: print it)")
    parser.add_argument("--fold", type=int, metavar="K", help="ask this fold alone (default: the mean of all folds)")
    parser.add_argument("--int8", action="store_true", help="ask the networks in int8, where the package has them")
    chosen = parser.parse_args(arguments)
    try:
        paths = list(photo_paths(chosen.photos))
        package = PackageFolder(folder, None if chosen.fold is None else [chosen.fold], int8=chosen.int8)
        if chosen.out is None:
            if isinstance(sys.stdout, TextIOWrapper):
                sys.stdout.reconfigure(errors=UNWRITABLE)
            bad = write_table(package, paths, sys.stdout)
        else:
            temporary = chosen.out.with_name(f".{chosen.out.name}.tmp")
            try:
                with open(temporary, "w", encoding="utf-8", errors=UNWRITABLE, newline="") as stream:
                    bad = write_table(package, paths, stream)
                os.replace(temporary, chosen.out)
            finally:
                with contextlib.suppress(OSError):
                    temporary.unlink(missing_ok=True)
    except LabError as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except OSError as error:
        print(f"error: {error.filename or chosen.out}: {error.strerror}", file=sys.stderr)
        return 1
    if bad:
        print(f"{bad:,} of {len(paths):,} photos could not be read; the table says why.", file=sys.stderr)
    return 1 if bad else 0


def photo_paths(named: Iterable[Path]) -> Iterator[tuple[Path, str]]:
    """The photos themselves, and those below the folders, sorted by name: (path, ""); of a folder there that cannot be
    listed (path, why).

    Below a folder what is hidden, or a system's own, is left out, as in the lab. Raises LabError where there is none.
    """
    for path in named:
        if not path.is_dir():
            yield path, ""
            continue
        inside: list[tuple[Path, str]] = []
        faults: list[OSError] = []
        for folder, folders, names in os.walk(path, onerror=faults.append):
            folders[:] = [name for name in folders if not name.startswith(".") and name.lower() not in SYSTEM_FOLDERS]
            photos = (Path(folder, name) for name in names if not name.startswith("."))
            inside += [(photo, "") for photo in photos if photo.suffix.lower() in PHOTOS]
        for fault in faults:
            inside.append((Path(fault.filename), f"the folder cannot be listed ({fault.strerror}). Check its rights."))
        if not inside:
            raise LabError(f"{path}: the folder holds no photo.", "Name a folder with photos.", kind="empty")
        yield from sorted(inside)


def write_table(package: PackageFolder, paths: Sequence[tuple[Path, str]], stream: TextIO) -> int:
    """A row a photo, in the order of paths; how many could not be read, whose rows end with why. paths: as photo_paths
    gives them."""
    writer = csv.writer(stream, lineterminator="\n")
    columns = _columns(package)
    writer.writerow(["photo", *columns, "fault"])
    bad = 0
    for start in range(0, len(paths), BATCH):
        group = paths[start : start + BATCH]
        photos: dict[Path, np.ndarray] = {}
        faults = {path: fault for path, fault in group if fault}
        for path in (path for path, fault in group if not fault):
            try:
                photos[path] = package.prepared(path)
            except LabError as error:
                faults[path] = str(error)
        rows: dict[Path, list[str]] = {}
        if photos:
            of_folds = package.of_folds(np.stack(list(photos.values())))
            rows = {path: _cells(package, of_folds[:, place]) for place, path in enumerate(photos)}
        for path, _ in group:
            writer.writerow([_cell(str(path)), *rows.get(path, [""] * len(columns)), _cell(faults.get(path, ""))])
        bad += len(faults)
    return bad


def _columns(package: PackageFolder) -> list[str]:
    """What stands between a photo's name and its fault."""
    if package.one_by_one:
        return [column for name in package.classes for column in (f"answer_{name}", f"p_{name}")]
    agree = ["folds_agree"] if len(package.folds) > 1 else []
    return ["class", "probability", *agree, *(f"p_{name}" for name in package.classes)]


def _cells(package: PackageFolder, of_folds: np.ndarray) -> list[str]:
    """Of one photo, in the order of _columns. of_folds: (folds, classes)."""
    shares = of_folds.mean(axis=0)
    if package.one_by_one:
        yes = package.decided(shares)
        return [cell for said, share in zip(yes, shares, strict=True) for cell in (NO_YES[int(said)], f"{share:.6f}")]
    best = int(shares.argmax())
    agree = [str(int((of_folds.argmax(axis=1) == best).sum()))] if len(package.folds) > 1 else []
    return [_cell(package.classes[best]), f"{shares[best]:.6f}", *agree, *(f"{share:.6f}" for share in shares)]


def _cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULA) else text
