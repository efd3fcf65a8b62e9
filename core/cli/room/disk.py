"""The verb `disk`: what takes how much room, and what may be dropped to make some."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from core import places
from core.cli.options.runs import RunsOption
from core.data.pictures import kept
from core.errors import LabError
from core.jobs.room import keep, use
from core.jobs.room.use import Offer
from core.runs import Run
from core.text import number_of, size

MOST = 20  # runs that are listed
GIGA = 1_000_000_000


def disk(
    runs: Annotated[list[str] | None, typer.Argument(help="With --drop: these runs.")] = None,
    drop: Annotated[
        str | None,
        typer.Option("--drop", help="resume-points, packages, best (keep these weights only) or results (no weights)."),
    ] = None,
    every: Annotated[
        bool,
        typer.Option(
            "--all",
            help="With --drop: every run that neither trains nor waits; of one that was stopped, its finished folds.",
        ),
    ] = False,
    yes: Annotated[
        bool, typer.Option("--yes", help="With --drop: do it; without it, only say what it would do.")
    ] = False,
    keep_rule: Annotated[
        str | None, typer.Option("--keep", help="What is kept of runs that end from now on: all, best or results.")
    ] = None,
    pixels_limit: Annotated[
        float | None,
        typer.Option(
            "--pixels-limit",
            help="GB that decoded photos may take; 0 keeps none from now on. -1 is as delivered: above "
            f"{kept.USUAL / GIGA:g} the oldest go, but those of one dataset may be more.",
        ),
    ] = None,
    pixels_folder: Annotated[
        str | None, typer.Option("--pixels-folder", help="Where decoded photos lie; '' beside the runs.")
    ] = None,
    forget_pixels: Annotated[
        bool, typer.Option("--forget-pixels", help="Delete decoded photos that no training uses; they are made anew.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    runs_dir: RunsOption = None,
) -> None:
    """Show what takes how much of the disk, and make room."""
    root = runs_dir or places.runs_folder()
    moves_pixels = pixels_limit is not None or pixels_folder is not None
    if drop is None and every:
        message = "disk: --all goes with --drop, which is not given."
        raise LabError(message, "Add --drop, or leave --all out.", kind="config")
    if runs and every:
        message = "disk: runs are named, and --all takes every one."
        raise LabError(message, "Leave out --all, or their names.", kind="config")
    if drop is None and runs:
        raise LabError("disk: runs are named, but not what to drop of them.", "Add --drop.", kind="config")
    if runs and keep_rule is not None:
        message = "disk: --keep holds for every run that ends from now on, and runs are named."
        raise LabError(message, "Leave --keep out, or set it by itself.", kind="config")
    if drop is not None and not yes and (keep_rule is not None or moves_pixels or forget_pixels):
        message = "disk: --drop without --yes only says what it would do, and something else would be done."
        raise LabError(message, "Add --yes, or ask for the rest by itself.", kind="config")
    if keep_rule is not None:
        keep.rule_of(keep_rule)
    now = kept.room_of(root)
    limit = now.limit if pixels_limit is None else _limit(pixels_limit)
    offer = None if drop is None else _offer(root, drop, runs or [], every=every)
    # nothing is changed before here, so that what is refused has done nothing
    if moves_pixels:
        folder = str(now.folder) if now.folder != kept.usual_folder(root) else ""
        kept.choose(root, folder=folder if pixels_folder is None else pixels_folder, limit=limit)
    if keep_rule is not None:
        keep.set_rule(root, keep_rule)
    if forget_pixels:
        from core.training import pixel_cache

        freed = pixel_cache.forget(kept.room_of(root).folder)
        print(f"{size(freed)} of decoded photos became free", file=sys.stderr if as_json else sys.stdout)
    if offer is not None:
        _drop(root, offer, yes=yes, as_json=as_json)
        return
    _show(root, as_json=as_json)


def _limit(gigabytes: float) -> int | None:
    """In bytes; None for as delivered. Raises LabError(kind 'config') for what is no number, or that of no disk."""
    if not gigabytes < 1e6:  # so that nan is refused, too
        remedy = "Such as 50; 0 keeps none from now on, -1 is as delivered."
        raise LabError(f"--pixels-limit {gigabytes:g}: no number of GB.", remedy, kind="config")
    return None if gigabytes < 0 else int(gigabytes * GIGA)


def _offer(root: Path, name: str, runs: list[str], *, every: bool) -> Offer:
    """What would be dropped; nothing is touched. Raises LabError for a choice or a run that there is not."""
    choice = keep.choice_of(name)
    if every:
        runs = [run.id for run in use.look(root).runs if run.state != "unreadable"]
    elif not runs:
        raise LabError("disk: no run is named.", "Name some, or add --all.", kind="config")
    for run_id in runs:
        Run(run_id, root).require()
    return use.offer(runs, choice, root)


def _drop(root: Path, offer: Offer, *, yes: bool, as_json: bool) -> None:
    """Do it, or without `yes` say what it would do."""
    choice = offer.choice
    for why in () if as_json else offer.refused.values():
        print(f"left out: {why}")
    freed = keep.drop(offer.ids, choice.name, root) if yes else offer.bytes
    if as_json:
        print(
            json.dumps({"drop": choice.name, "done": yes, "runs": offer.ids, "bytes": freed, "left_out": offer.refused})
        )
        return
    what = f"{choice.title}: {size(freed)} of {number_of(len(offer.ids), 'run')}"
    if not offer.ids:
        print("nothing to drop")
    elif yes:
        print(f"{what} became free")
    else:
        ends = "There is no way back. " if choice.weights else ""
        print(f"{what} would become free. {choice.loses}\n{ends}Add --yes to do it.")


def _show(root: Path, *, as_json: bool) -> None:
    used = use.look(root)
    if as_json:
        listed = {
            "runs": [{**asdict(run), "total": run.bytes.total} for run in used.runs],
            "pixels": [{**asdict(each), "path": str(each.path)} for each in used.pixels],
        }
        print(json.dumps({**asdict(used), **listed, "total": used.total}))
        return
    runs = used.of_runs
    print(f"{root}: {size(used.total)} used, {size(used.free)} of {size(used.disk)} free")
    for what, amount in (
        (f"{number_of(len(used.runs), 'run')}", runs.total),
        ("  best weights", runs.best),
        ("  last-epoch weights", runs.final),
        ("  resume points", runs.resume),
        ("  predictions", runs.predictions),
        ("  packages", runs.package),
        ("  other", runs.other),
        ("deleted runs in the trash", used.trash),
        ("decoded photos", used.of_pixels),
        ("unpacked datasets", used.datasets),
        ("what else the lab keeps", used.lab),
    ):
        print(f"{what:<28}{size(amount):>10}")
    if used.not_counted:
        print(used.not_counted, file=sys.stderr)
    for run in used.runs[:MOST]:
        print(f"{size(run.bytes.total):>10}  {run.id}  {run.state}")
    for pixels in used.pixels:
        print(f"{size(pixels.bytes):>10}  decoded photos of {pixels.dataset or 'a dataset that an older lab read'}")
    print(f"of runs that end: {keep.rule(root).title.lower()}")
