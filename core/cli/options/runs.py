"""The option `--runs`: the folder of the runs that a verb is about, refused where none can be."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import Annotated

import typer

from core import places
from core.errors import LabError


def checked(runs: Path | None) -> Path | None:
    """Raises LabError(kind 'runs'), also for the folder that FACET_RUNS names. One that is not there yet is made."""
    named = _whole(runs)
    folder = named or places.runs_folder()
    try:
        is_folder = stat.S_ISDIR(folder.stat().st_mode)
    except FileNotFoundError:
        return named
    except OSError as error:  # a loop of links, a file in the place of a folder above it, rights
        raise _refused(folder, str(error.strerror)) from error
    if not is_folder:
        raise _refused(folder, "it is a file")
    return named


def _whole(runs: Path | None) -> Path | None:
    return Path(os.path.realpath(runs)) if runs else None


def _refused(folder: Path, why: str) -> LabError:
    where = "--runs" if places.RUNS not in os.environ else f"--runs or {places.RUNS}"
    return LabError(f"runs: {folder} is no folder of runs ({why}).", f"Name another one with {where}.", kind="runs")


_HELP = f"Folder of the runs (default: runs/, or {places.RUNS})."
RunsOption = Annotated[Path | None, typer.Option("--runs", callback=checked, help=_HELP)]
AnyRunsOption = Annotated[Path | None, typer.Option("--runs", callback=_whole, help=_HELP)]  # what may do without runs
