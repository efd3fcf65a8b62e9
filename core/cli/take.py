"""The verbs that take a run out of the lab: `package` and `serve`."""

from __future__ import annotations

import re
import sys
from pathlib import Path
from typing import Annotated

import typer

from core.cli.options.runs import AnyRunsOption, RunsOption, checked
from core.cli.progress import bar
from core.errors import LabError
from core.export.formats import names
from core.runs import Run
from core.runs.everybody import unmeasured


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
    formats: Annotated[
        str, typer.Option("--formats", help=f"Forms of each fold's network, of {', '.join(names.FILES)}; onnx is one.")
    ] = ",".join(names.USUAL),
    int8: Annotated[
        bool, typer.Option("--int8", help="Also as ONNX in int8, with its out-of-fold F1 beside the float one's.")
    ] = False,
    calibration: Annotated[
        int, typer.Option("--calibration", min=1, help="Training photos of each fold that int8 is calibrated on.")
    ] = names.CALIBRATION,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace the file if it is there.")] = False,
    runs_dir: RunsOption = None,
) -> None:
    """Package a run to be used without the lab: weights, ONNX, model card, predict.py, server, parity table."""
    from core.export import package as packages
    from core.export import parity

    packaged = packages.package(
        Run(run_id, runs_dir).require(),
        out,
        folds=_folds(folds),
        check=check,
        calibrate=calibrate,
        formats=[*(part.strip() for part in formats.split(",")), *([names.INT8] if int8 else [])],
        calibration=calibration,
        overwrite=overwrite,
        progress=_progress,
    )
    run = Run(run_id, runs_dir)
    notes = packaged.notes
    if (parent := unmeasured.measured_by(run)) is not None:
        notes = [unmeasured.sentence(run.info(), parent), *notes]
    for note in notes:
        print(f"note: {note}", file=sys.stderr)
    print(
        f"{'fold':<6}{'network':<9}{'photos':>8}{'checked':>9}{'changed answers':>17}{'largest difference':>20}"
        f"{'macro F1':>10}{'MB':>8}{'s/100':>8}"
    )
    for each in packaged.parity:
        numbers = (f"{each.largest:.1e}", f"{each.f1:.3f}", f"{each.seconds:.2f}")
        largest, f1, seconds = numbers if each.checked else ("-", "-", "-")
        print(
            f"{each.fold:<6}{each.network:<9}{each.photos:>8,}{each.checked:>9,}{each.changed:>17,}{largest:>20}"
            f"{f1:>10}{each.bytes / 1e6:>8,.1f}{seconds:>8}"
        )
    print(parity.sentence(packaged.parity))
    if packaged.int8:
        print(packaged.int8.sentence)
    print(f"{out} ({packaged.bytes / 1e6:,.1f} MB)")


def serve(
    name: Annotated[str, typer.Argument(help="A run, a package's .zip, or its unpacked folder.")],
    host: Annotated[str, typer.Option(help="Where to listen; others than this machine need a token.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes any that is free.")] = 8000,
    token: Annotated[
        str, typer.Option(envvar="FACET_TOKEN", help="That each request has to carry; better in FACET_TOKEN.")
    ] = "",
    int8: Annotated[bool, typer.Option("--int8", help="By the networks in int8, which a run is given first.")] = False,
    folds: Annotated[
        str | None,
        typer.Option("--folds", help="The folds that answer, such as 0,2 (default: all, which must be done)."),
    ] = None,
    runs_dir: AnyRunsOption = None,
) -> None:
    """Answer photos over HTTP until told to stop: POST /predict; the page at / says how."""
    from core.export import serving
    from core.export.runtime import server

    server.check_token(host, token)  # before a run is packaged for minutes
    if not serving.is_package(name):
        checked(runs_dir)
    chosen = _folds(folds)
    with serving.opened(name, runs_dir, _progress, int8=int8, folds=chosen) as (package_folder, notes):
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
