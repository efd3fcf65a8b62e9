"""Whom a run and its ancestors held out, and which fold of which run a weights file is of. Imports no torch."""

from __future__ import annotations

import os
from pathlib import Path

import pandas as pd
import safetensors

from core.errors import LabError
from core.runs.everybody import unmeasured
from core.runs.run import ID, Run, check_id


def ancestry(run: Run) -> pd.DataFrame:
    """person, fold of everyone that this run or any ancestor of it held out; one row a person.

    Raises LabError(kind 'transfer') when somebody stands in two folds of the line.
    """
    people = run.samples()[["person", "fold"]]
    if (ancestors := run.ancestors()) is not None:
        people = pd.concat([ancestors, people])
    people = people.drop_duplicates()
    twice = people[people["person"].duplicated()]
    if len(twice):
        raise LabError(
            f"transfer: person '{twice['person'].iloc[0]}' stands in two folds of {run.id}.",
            "Its folds cannot be inherited; choose another parent run.",
            kind="transfer",
        )
    return people.reset_index(drop=True)


def line(run: Run) -> list[Run]:
    """The run and, as far as they are here, the runs that it started from: in each of them fold k held out the same."""
    runs = [run]
    while (parent := runs[-1].config().model.parent) is not None:
        before = Run(parent, run.dir.parent)
        if not before.exists():
            break
        runs.append(before)
    return runs


def line_of(run: Run) -> tuple[set[str], set[str]]:
    """(samples, people) on which this run or an ancestor of it was trained.

    samples: of the runs of its line that are here. people: of what lies behind the first one that was deleted, of which
    only the people are remembered; none where the line is whole.
    """
    runs = line(run)
    samples = {sample for each in runs for sample in each.samples()["sample"]}
    ancestors = None if runs[-1].config().model.parent is None else runs[-1].ancestors()
    return samples, set() if ancestors is None else set(ancestors["person"])


def run_holding(path: Path) -> tuple[Run, int] | None:
    """(the run, the fold) in whose folder a file lies, links resolved, in whatever folder of runs; None elsewhere."""
    real = Path(os.path.realpath(path))
    for place in real.parents:
        if ID.fullmatch(place.name) and (run := Run(place.name, place.parent)).exists():
            for fold in run.folds():
                if real.is_relative_to(run.fold_dir(fold)):
                    return run, fold
    return None


def check_file(path: Path) -> None:
    """Raises LabError(kind 'weights') for first weights that are a fold's own: every fold would start from that one."""
    if (origin := run_holding(path)) is not None:
        raise _of_one_fold(path.name, *origin)


def check_copy(path: Path, table: pd.DataFrame, folder: Path | None) -> None:
    """check_file for a copy that lies elsewhere and says where it came from, if that run is here and knew these people.

    table: labelled samples. folder: the runs. Raises LabError(kind 'weights').
    """
    if (origin := written_origin(path)) is None:
        return
    run, fold = Run(origin[0], folder), origin[1]
    if run.exists() and table["person"].isin(ancestry(run)["person"]).any():
        raise _of_one_fold(path.name, run, fold)


def written_origin(path: Path) -> tuple[str, int] | None:
    """(run id, fold) that a .safetensors file names in its metadata; None where it names none that makes sense."""
    if path.suffix != ".safetensors":
        return None
    try:
        with safetensors.safe_open(path, framework="numpy") as opened:
            metadata = opened.metadata() or {}
        return check_id(metadata["run"]), int(metadata["fold"])
    except (OSError, safetensors.SafetensorError, KeyError, ValueError, LabError):
        return None  # whether it can be read at all is for weights_file to say


def _of_one_fold(name: str, run: Run, fold: int) -> LabError:
    if unmeasured.measured_by(run) is not None:
        return LabError(
            f"weights: {name} is of {run.id}, which was trained on everybody: no fold can hold out whom it never saw.",
            "Start from other weights.",
            kind="weights",
        )
    return LabError(
        f"weights: {name} is of fold {fold} of {run.id}, whose training saw people that other folds hold out.",
        f"Start from the run (init run:{run.id}): fold k then starts from its fold k.",
        kind="weights",
    )
