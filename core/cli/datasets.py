"""The verbs of datasets: draw the demo, scan a folder, unpack a zip; and which dataset a command is about."""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from core.cli.options.runs import RunsOption
from core.cli.progress import bar
from core.config.parts import DataConfig
from core.config.run_config import from_dict, with_setting
from core.data.readers.reading import Fact
from core.data.scan import Scan
from core.errors import LabError, in_sentences


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
    reader: Annotated[str, typer.Option(help="auto, mask, utkface, names, folders or csv.")] = "auto",
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="How it is read: data.key=value, such as data.person_pattern='^(p[0-9]+)'."),
    ] = None,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json",
            help="For programs: reader, photos (those of the cross-validation), persons (known: of every photo; count: "
            "different ones that are known), attributes (value: photos; of a number min, max, photos), set_aside "
            "(test, unlabelled), problems (where, kind, problem, remedy, severity), facts (kind, text, settings, "
            "probable).",
        ),
    ] = False,
) -> None:
    """Say what was understood of a dataset, and everything that is wrong with it. Exit code 1 on bad files."""
    from core.data.scan import scan as scan_dataset
    from core.data.understood import as_record, bad_files, facts_of

    dataset = scan_dataset(_data_settings(folder, reader, settings or []), progress=bar("scanning"))
    if as_json:
        print(json.dumps(as_record(dataset)))
    else:
        for fact in facts_of(dataset):
            print(_fact_line(fact))
        for problem in dataset.problems.itertuples():
            print(f"{problem.severity}: {problem.where}: {in_sentences(problem.problem, problem.remedy)}")
    if bad_files(dataset):
        raise typer.Exit(1)


def unpack(
    zip_file: Annotated[Path, typer.Argument(help="A zip of photos.")],
    names: Annotated[
        str | None, typer.Option(help="Encoding of file names that do not say theirs, such as cp949 or gb18030.")
    ] = None,
    runs_dir: RunsOption = None,
) -> None:
    """Make a dataset of a zip, in the lab's own folder. Prints that folder; the same zip again is the same dataset."""
    from core.config.parts import known_encoding
    from core.data.zips import unpack as zips

    try:
        encoding = known_encoding(names) if names else None
    except ValueError as error:
        raise LabError(f"--names {names}: {error}.", "Such as --names cp949.", "config") from error
    try:
        stream = open(zip_file, "rb")  # noqa: SIM115  closed below, apart from what unpacking may raise
    except OSError as error:
        text = f"{zip_file}: cannot be read ({error.strerror})."
        raise LabError(text, "Check its name and rights.", "zip") from error
    with stream:
        dataset = zips.unpack(stream, zip_file.name, runs=runs_dir, encoding=encoding, progress=bar("unpacking"))
    print(dataset.root)
    for note in (*dataset.notes, *([] if dataset.is_new else ["This zip was unpacked before: nothing was written."])):
        print(f"note: {note}", file=sys.stderr)


def put_root(values: dict[str, Any], root: Path, named_by: str) -> None:
    """Into a configuration as a dict: the dataset that a command names. Raises LabError where --set named another."""
    of_data = values["data"]
    if not isinstance(of_data, dict):
        return  # which its check refuses by name
    if (other := of_data.get("root")) not in (None, "", str(root)):
        message = f"{named_by} names the dataset {root}, and --set data.root={other}."
        raise LabError(message, f"Take data.root out of --set, or name that folder instead of {root}.", kind="config")
    of_data["root"] = str(root)  # not read as YAML: a folder may be called 2024


def note_questions(dataset: Scan) -> None:
    """A line beside the output for each question that a page would ask about the dataset: which table is not read, that
    folders may be persons or parts and no classes, that masks count as photos."""
    for fact in dataset.facts:
        if not fact.probable:
            continue
        answer = f" To choose, set {' or '.join(f'data.{name}' for name in fact.settings)}." if fact.settings else ""
        if dataset.reader == "csv" and fact.kind == "table" and fact.settings == ("reader",):
            answer = " To take them for the classes, set data.reader to folders."
        print(f"note: {fact.text}{answer}", file=sys.stderr)


def _data_settings(folder: Path, reader: str, settings: list[str]) -> DataConfig:
    values: dict[str, Any] = {"data": DataConfig().model_dump(mode="json") | {"reader": reader}}
    for setting in settings:
        key, equals, value = setting.partition("=")
        if not equals or not key.startswith("data."):
            remedy = "Such as --set data.person_column=id."
            raise LabError(f"--set {setting}: expected data.key=value.", remedy, kind="config")
        values = with_setting(values, key, value)
    put_root(values, folder, "scan: FOLDER")
    if reader != "auto" and (other := values["data"]["reader"]) != reader:
        message = f"scan: --reader is {reader}, and --set data.reader={other}."
        raise LabError(message, "Take data.reader out of --set, or --reader.", kind="config")
    return from_dict(values).data


def _fact_line(fact: Fact) -> str:
    """The fact as the page tells it, what is only probable as a question, and the settings that change it."""
    settings = f"  [{', '.join(f'data.{name}' for name in fact.settings)}]" if fact.settings else ""
    return f"{'?' if fact.probable else '-'} {fact.text}{settings}"
