"""The verb `relocate`: a dataset moved, and its runs are told where it lies now."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from core.cli.options.runs import RunsOption
from core.errors import LabError
from core.runs import Run
from core.text import count


def relocate(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="[RUN] FOLDER", help="A run, and the folder in which its dataset lies now; only that with --all-of."
        ),
    ],
    all_of: Annotated[
        str | None,
        typer.Option(
            "--all-of", metavar="OLD", help="Folder in which the dataset lay: all its runs and studies follow."
        ),
    ] = None,
    missing: Annotated[
        bool, typer.Option("--missing", help="Agree that some photos are not there; Resume waits until they are.")
    ] = False,
    same_sizes: Annotated[
        bool,
        typer.Option("--same-sizes", help="Agree to go by size alone where an older lab kept no hashes of the photos."),
    ] = False,
    folder: RunsOption = None,
) -> None:
    """Say where the dataset of a run lies now: its names, sizes and a sample of its bytes are compared first."""
    from core.studies import relocate as moves

    if len(names) != (2 if all_of is None else 1):
        raise LabError(
            "relocate: a run and a folder are expected, or --all-of and a folder.",
            "Such as: relocate RUN FOLDER, or: relocate --all-of OLD FOLDER.",
            kind="config",
        )
    if all_of is None:
        outcome = moves.relocate(Run(names[0], folder).require(), names[1], missing=missing, same_sizes=same_sizes)
    else:
        outcome = moves.relocate_all(all_of, names[0], folder, missing=missing, same_sizes=same_sizes)
    for run_id, agreed in outcome.agreed.items():
        print(f"{run_id}  {agreed.told()}")
    for study in outcome.studies:
        print(f"{study}  launches from there, too")
    if outcome.corrections:
        print(f"label corrections that hold there: {count(outcome.corrections)}")
    if words := outcome.told():
        print(words)
    for run_id, error in outcome.refused.items():
        print(f"error: {run_id} stays where it was: {error.message}\n       {error.remedy}", file=sys.stderr)
    if outcome.refused:
        raise typer.Exit(1)
