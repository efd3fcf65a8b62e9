"""The option `--runs`: the folder of the runs that a verb is about, refused where none can be."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from core import places
from core.storage import runs_reach


def checked(runs: Path | None) -> Path | None:
    """Raises LabError(kind 'runs'), also for the folder that FACET_RUNS names. One that is not there yet is made."""
    named = _whole(runs)
    if fault := runs_reach.fault_of(named or places.runs_folder()):
        raise fault
    return named


def _whole(runs: Path | None) -> Path | None:
    return Path(os.path.realpath(runs)) if runs else None


_HELP = f"Folder of the runs (default: runs/, or {places.RUNS})."
RunsOption = Annotated[Path | None, typer.Option("--runs", callback=checked, help=_HELP)]
AnyRunsOption = Annotated[Path | None, typer.Option("--runs", callback=_whole, help=_HELP)]  # what may do without runs
