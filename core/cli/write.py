"""The verbs that write files: `python -m core report` and `python -m core export`."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Annotated

import typer

from core.cli.options.runs import RunsOption
from core.errors import LabError
from core.runs import Run
from core.storage import files

FORMATS = {".csv": "metrics_csv", ".parquet": "metrics_parquet"}


def report(
    names: Annotated[list[str], typer.Argument(help="A study, or the runs to write up; ids.")],
    out: Annotated[Path | None, typer.Option("--out", help="File to write (default: <first id>.html or .md).")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="Markdown instead of HTML.")] = False,
    title: Annotated[str, typer.Option(help="Title of the report.")] = "",
    question: Annotated[str, typer.Option(help="The question it answers.")] = "",
    baseline: Annotated[str | None, typer.Option(help="Run that the others are compared with.")] = None,
    within: Annotated[float, typer.Option(min=0, max=100, help="Points of F1 that count as the same.")] = 1.0,
    maps: Annotated[bool, typer.Option(help="Show what the networks looked at on the chosen photos.")] = True,
    trust: Annotated[
        bool, typer.Option(help="Measure how far to trust each map, which costs some fifty answers a map.")
    ] = False,
    photo: Annotated[
        list[str] | None, typer.Option("--photo", "--face", help="A sample to show as well; can be repeated.")
    ] = None,
    photos: Annotated[
        str, typer.Option(help="Photos of people: shown, blurred (maps of them too), or none.")
    ] = "shown",
    runs_dir: RunsOption = None,
) -> None:
    """Write a study or some runs up: one HTML file that needs no network, or Markdown. Prints the answer.

    The HTML file shows photos of people as they are, unless --photos says otherwise.
    """
    from core.report import render
    from core.report.gather import of_names

    written = of_names(
        names,
        runs_dir,
        title=title,
        question=question,
        baseline=baseline,
        within=within / 100,
        maps=maps or trust,
        trust=trust,
        faces=photo or [],
        photos=photos,
    )
    path = out or Path(f"{names[0]}.{'md' if markdown else 'html'}")
    as_markdown = markdown or path.suffix.lower() == ".md"
    write_file(path, (render.markdown(written) if as_markdown else render.html(written)).encode())
    for sentence in written.sentences:
        print(sentence)
    print(path)


def export(
    ids: Annotated[list[str], typer.Argument(help="The runs, by their ids.")],
    out: Annotated[Path, typer.Option("--out", help="A .csv or .parquet file, or a folder for TensorBoard.")],
    runs_dir: RunsOption = None,
) -> None:
    """Write every metric of some runs as tidy CSV or Parquet, or as TensorBoard event files into a folder."""
    from core.runs import exports

    chosen = [Run(run_id, runs_dir).require() for run_id in ids]
    suffix = out.suffix.lower()
    if suffix in FORMATS:
        write_file(out, getattr(exports, FORMATS[suffix])(chosen))
    elif suffix:
        remedy = "End the name in .csv or .parquet, or name a folder for TensorBoard."
        raise LabError(f"export: '{suffix}' files cannot be written.", remedy, kind="config")
    else:
        shown_by = f"tensorboard --logdir {shlex.quote(str(out))}"
        print(f"{exports.write_events(chosen, out)} logs; look at them with: {shown_by}")
    print(out)


def write_file(path: Path, data: bytes) -> None:
    """What --out names. Raises LabError(kind 'read-only')."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        files.write_whole(path, lambda stream: stream.write(data), durable=False)
    except OSError as error:
        message = f"{path} cannot be written: {error.strerror}."
        raise LabError(message, "Choose another file with --out.", kind="read-only") from error
