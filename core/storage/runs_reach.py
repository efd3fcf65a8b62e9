"""Whether the folder of the runs can be read: it may be none, and its disk or share may be gone for a while."""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

from core import places
from core.errors import LabError

_NO_FOLDER = {errno.ENOTDIR, errno.ELOOP, errno.ENAMETOOLONG}


def fault_of(root: Path) -> LabError | None:
    """What is wrong with a folder of runs, of kind 'runs'; None where it can be read, and where it is not there yet."""
    try:
        if not stat.S_ISDIR(root.stat().st_mode):
            return _no_folder(root, "it is a file")
        os.scandir(root).close()
    except FileNotFoundError:
        return None
    except OSError as error:
        why = error.strerror or str(error)
        if error.errno in _NO_FOLDER:
            return _no_folder(root, why)
        remedy = f"Connect its disk or share again, or let the lab's account read it; else name another one {_where()}."
        return LabError(f"runs: {root} cannot be read ({why}).", remedy, kind="runs")
    return None


def _no_folder(root: Path, why: str) -> LabError:
    return LabError(f"runs: {root} is no folder of runs ({why}).", f"Name another one {_where()}.", kind="runs")


def _where() -> str:
    return "with --runs" if places.RUNS not in os.environ else f"with --runs or {places.RUNS}"
