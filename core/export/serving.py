"""A run or a package, opened to be served: a run is packaged into a temporary place first."""

from __future__ import annotations

import contextlib
import tempfile
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from core import machine
from core.errors import LabError
from core.export.formats.names import INT8, ONNX
from core.export.package import Progress, build
from core.export.runtime.package_folder import FACTS, PackageFolder, check_sums
from core.runs import Run
from core.storage import files

CHECKED = 16  # photos of each fold that a run is held against before it is served


def is_package(name: str) -> bool:
    """Whether a .zip or an unpacked folder is named, and not a run."""
    return Path(name).is_dir() or Path(name).suffix.lower() == ".zip"


@contextlib.contextmanager
def opened(
    name: str,
    runs: Path | None = None,
    progress: Progress = lambda what, done, total: None,
    *,
    int8: bool = False,
    folds: Sequence[int] | None = None,
) -> Iterator[tuple[PackageFolder, list[str]]]:
    """The package that a run's id, a .zip or an unpacked folder names, and what has to be said of it.

    int8: answered by the networks in int8, which a run is given. folds: those that answer; where None all, which of a
    run have to be done. Programs in a package are not run: the lab's own answer. Raises LabError: kind 'package' for a
    .zip or folder that is none or is damaged, 'int8' for a package that has no such networks, 'fold' for one that lacks
    a fold, else as `build`.
    """
    path = Path(name)
    with contextlib.ExitStack() as stack:
        notes: list[str] = []
        if path.is_dir():
            folder = path
            check_sums(folder)
        else:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="facet-package-")))
            if is_package(name):
                folder = _unpacked(path, folder)
            else:
                forms = (ONNX, INT8) if int8 else (ONNX,)
                with _temporary_disk_in_words():
                    options: dict[str, Any] = {"folds": folds, "check": CHECKED, "formats": forms}
                    notes = build(Run(name, runs), folder, **options, progress=progress).notes
        chosen = None if folds is None else sorted(set(folds))
        yield PackageFolder(folder, chosen, threads=machine.cores(), int8=int8), notes


@contextlib.contextmanager
def _temporary_disk_in_words() -> Iterator[None]:
    """A run is packaged in a place that nobody chose, in the one form that answers: there is less to be done about a
    full disk than where a package is asked for."""
    try:
        yield
    except LabError as error:
        if error.kind != "disk-full":
            raise
        remedy = "Free some, name fewer folds with --folds, or set TMPDIR to another disk."
        raise LabError(error.message, remedy, error.kind) from error


def _unpacked(path: Path, folder: Path) -> Path:
    """The folder inside a zip that holds preprocess.json, unpacked and held against its SHA-256 sums."""
    try:
        with zipfile.ZipFile(path) as archive:
            facts = [Path(name) for name in archive.namelist() if Path(name).name == FACTS]
            if len(facts) != 1 or len(facts[0].parts) > 2:
                raise LabError(f"{path} is no package: it has no {FACTS}.", "Name a package's zip.", kind="package")
            archive.extractall(folder)
    except FileNotFoundError:
        raise LabError(f"there is no file {path}.", "Name a run or a package.", kind="package") from None
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError, RuntimeError) as error:  # or encrypted
        raise LabError(f"{path} is no zip, or a damaged one ({error}).", "Copy it anew.", kind="package") from error
    except OSError as error:
        if files.disk_full(error):
            text = f"disk full: no room to unpack {path.name} in {folder.parent}."
            raise LabError(text, "Free some, or set TMPDIR to another disk.", kind="disk-full") from error
        raise LabError(f"{path} cannot be unpacked: {error.strerror or error}.", kind="package") from error
    place = folder / facts[0].parent
    check_sums(place)
    return place
