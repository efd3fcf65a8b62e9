"""The verbs of datasets: draw the demo, scan a folder."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Annotated

import typer

from core.cli.progress import bar
from core.config.run_config import from_dict
from core.data.persons import UNKNOWN, units


def demo(
    folder: Annotated[Path, typer.Argument(help="Folder to draw into; must be empty or absent.")],
    people: Annotated[int, typer.Option(help="Number of people, seven photos each.")] = 300,
    seed: Annotated[int, typer.Option(help="Another seed draws other people.")] = 0,
) -> None:
    """Draw the demo dataset: faces with and without masks, made by code."""
    from core.demo.dataset import draw_demo

    started = time.monotonic()
    draw_demo(folder, people=people, seed=seed, progress=bar("drawing"))
    print(f"{people:,} people, {people * 7:,} photos in {folder} ({time.monotonic() - started:.0f} s)")


def scan(
    folder: Annotated[Path, typer.Argument(help="Folder of the dataset.")],
    reader: Annotated[str, typer.Option(help="auto, mask, utkface, folders or csv.")] = "auto",
) -> None:
    """Read a dataset: people, photos, attributes, and everything that is wrong with it. Exit code 1 on bad files."""
    from core.data.scan import scan as scan_dataset

    config = from_dict({"data": {"root": str(folder), "reader": reader}})
    dataset = scan_dataset(config.data, progress=bar("scanning"))
    persons = dataset.persons
    of = f" of {units(persons.people, persons.state)}" if persons.state != UNKNOWN else ""
    print(f"{dataset.reader}: {len(dataset.samples):,} photos{of}")
    if persons.warning:
        print(f"note: {persons.warning}")
    for column in ("label", "mask", "gender"):
        counts = dataset.samples[column].value_counts()
        if len(counts):
            print(f"{column}: " + ", ".join(f"{name} {count:,}" for name, count in counts.items()))
    for problem in dataset.problems.itertuples():
        print(f"{problem.severity}: {problem.where}: {problem.problem} {problem.remedy}")
    if (dataset.problems["severity"] == "error").any():
        raise typer.Exit(1)
