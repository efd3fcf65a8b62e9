"""The verbs that take a run out of the lab: `package` and `serve`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from core.cli.progress import bar
from core.errors import LabError
from core.runs import Run

RunsOption = Annotated[Path | None, typer.Option("--runs", help="Folder of the runs (default: runs/, or FACET_RUNS).")]


def package(
    run_id: Annotated[str, typer.Argument(help="The run.")],
    out: Annotated[Path, typer.Option("--out", help="The .zip to write.")],
    folds: Annotated[
        str | None, typer.Option("--folds", help="The folds to take, such as 0,2 (default: all, which must be done).")
    ] = None,
    check: Annotated[
        int | None,
        typer.Option("--check", min=0, help="Photos of each fold to hold its network against (default: all held out)."),
    ] = None,
    calibrate: Annotated[
        bool, typer.Option(help="Divide each network's logits by the temperature of its held-out answers.")
    ] = True,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is there.")] = False,
    runs_dir: RunsOption = None,
) -> None:
    """Package a run to be used without the lab: weights, ONNX, model card, predict.py, server, parity table."""
    from core.export import package as packages
    from core.export import parity

    packaged = packages.package(
        Run(run_id, runs_dir and runs_dir.resolve()).require(),
        out,
        folds=_folds(folds),
        check=check,
        calibrate=calibrate,
        overwrite=overwrite,
        progress=_progress,
    )
    for note in packaged.notes:
        print(f"note: {note}", file=sys.stderr)
    print(f"{'fold':<6}{'photos':>8}{'checked':>9}{'changed answers':>17}{'largest difference':>20}")
    for fold in packaged.parity:
        largest = f"{fold.largest:.1e}" if fold.checked else "-"
        print(f"{fold.fold:<6}{fold.photos:>8,}{fold.checked:>9,}{fold.changed:>17,}{largest:>20}")
    print(parity.sentence(packaged.parity))
    print(f"{out} ({packaged.bytes / 1e6:,.1f} MB)")


def serve(
    name: Annotated[str, typer.Argument(help="A run, a package's .zip, or its unpacked folder.")],
    host: Annotated[str, typer.Option(help="Where to listen; others than this machine need a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")] = 8000,
    token: Annotated[
        str, typer.Option(envvar="FACET_TOKEN", help="That each request has to carry; better in FACET_TOKEN.")
    ] = "",
    runs_dir: RunsOption = None,
) -> None:
    """Answer photos over HTTP until told to stop: POST /predict; the page at / says how."""
    from core.export import serving
    from core.export.runtime import server

    server.check_token(host, token)  # before a run is packaged for minutes
    with serving.opened(name, runs_dir and runs_dir.resolve(), _progress) as (package_folder, notes):
        for note in notes:
            print(f"note: {note}", file=sys.stderr)
        server.serve(package_folder, host, port, token)


def _folds(text: str | None) -> list[int] | None:
    if text is None:
        return None
    if not re.fullmatch(r"\s*\d+(\s*,\s*\d+)*\s*", text):
        raise LabError(f"--folds {text}: expected numbers.", "Such as --folds 0,2.", kind="config")
    return [int(part) for part in text.split(",")]


def _progress(what: str, done: int, total: int) -> None:
    if (show := bar(f"{what},")) is not None:
        show(done, total)
