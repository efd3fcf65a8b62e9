"""The verb `attend`: where the heat of a run's maps lies, layer by layer, in right and in wrong answers."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import numpy as np
import typer

from core.cli.options.runs import RunsOption
from core.data.persons import noun
from core.errors import LabError, in_sentences
from core.runs import Run
from core.runs.yes_no.view import opened

if TYPE_CHECKING:
    from core.inside.attend import Attention


def attend(
    run_ids: Annotated[
        list[str],
        typer.Argument(help="Finished runs, such as one of each depth; <run>:<attribute> for one of several."),
    ],
    photos: Annotated[
        int | None, typer.Option(min=1, help="Look at so many photos of a run, of different people first.")
    ] = None,
    method: Annotated[
        str, typer.Option(help="GradCAM, GradCAM++, XGradCAM, HiResCAM, LayerCAM, EigenCAM, ...")
    ] = "GradCAM",
    which: Annotated[str, typer.Option(help="Checkpoint: best or final.")] = "best",
    boxes: Annotated[
        str,
        typer.Option(
            help="Where a face is in a photo: close, portrait, or auto, which guesses it where the dataset tells of "
            "faces, by gender, age or mask, and else tells no regions."
        ),
    ] = "auto",
    runs_dir: RunsOption = None,
) -> None:
    """Print the share of heat per region and layer, right and wrong answers, 95 % intervals over people or photos."""
    from core.inside import attend as attention
    from core.inside import regions
    from core.inside.fold_models import free

    if boxes != "auto" and boxes not in regions.PRESETS:
        raise LabError(f"--boxes {boxes}: not known.", f"Choose auto, {' or '.join(regions.PRESETS)}.", kind="regions")
    for run_id in run_ids:
        run = opened(run_id, runs_dir).require()
        placed = regions.PRESETS.get(boxes) or regions.guessed(run.samples())
        heat = attention.attend(run, _choose(run, photos), placed, method=method, which=which, progress=_progress)
        free()
        _print(run, heat)
        if placed is None:
            print(_unplaced(run), file=sys.stderr)
        if heat.faults:
            print(f"photos left out, unreadable: {len(heat.faults):,}, first {next(iter(heat.faults))}\n")


def _unplaced(run: Run) -> str:
    return in_sentences(
        f"{run.key}: nothing in its dataset tells that its photos show faces, so it is not guessed where eyes, nose "
        "and mouth are.",
        "If they show faces, add --boxes close or --boxes portrait. Boxes for other things are placed in a browser: "
        "Look inside, Groups.",
    )


def _choose(run: Run, photos: int | None) -> list[str]:
    """All samples, or so many in a seeded order that takes everybody's first photo before anybody's second."""
    table = run.samples()
    if photos is None or photos >= len(table):
        return table["sample"].tolist()
    mixed = table.sample(frac=1, random_state=0)
    turn = mixed.groupby("person").cumcount()
    return mixed.loc[turn.sort_values(kind="stable").index[:photos], "sample"].tolist()


def _progress(done: int, total: int) -> None:
    if sys.stderr.isatty():
        print(f"\rmaps of {done:,} of {total:,} photos", end="\n" if done >= total else "", file=sys.stderr, flush=True)


def _print(run: Run, heat: Attention) -> None:
    from core.inside.cells import in_words, is_coarse
    from core.inside.regions import REGIONS

    right = heat.right
    print(f"{run.key}: ResNet-{run.config().model.depth}, {len(right):,} photos, {right.mean():.1%} right")
    print(f"share of heat [95 % interval over {noun(heat.persons)}]; area: share of the picture")
    print(f"{'':<24}" + "".join(f"{name:>22}" for name in REGIONS) + f"{'in a tenth':>12}")
    print(f"{'area':<24}" + "".join(f"{_percent(value):>22}" for value in heat.area.mean(0)))
    for name, group in (("right", right), ("wrong", ~right)):
        if not group.any():
            print(f"{name}: none")
            continue
        share = heat.share_of(group)
        tops = np.array([_mean(heat.concentration[group, i]) for i in range(len(heat.layers))])
        for i, layer in enumerate(heat.layers):
            cells = [_cell(share.mean[i, r], share.low[i, r], share.high[i, r]) for r in range(len(REGIONS))]
            head = f"{name} ({share.samples:,})"
            print(f"{head:<15}{layer:<9}" + "".join(f"{cell:>22}" for cell in cells) + f"{_percent(tops[i]):>12}")
    if right.any() and not right.all():
        change = heat.difference(~right, right)
        for i, layer in enumerate(heat.layers):
            cells = [_cell(change.mean[i, r], change.low[i, r], change.high[i, r], "+") for r in range(len(REGIONS))]
            print(f"{'wrong - right':<15}{layer:<9}" + "".join(f"{cell:>22}" for cell in cells))
    grids = zip(heat.layers, heat.grids, strict=True)
    coarse = [f"{layer} {in_words([grid])}" for layer, grid in grids if is_coarse(grid)]
    if coarse and heat.placed:
        print(f"too few cells to tell regions apart: {', '.join(coarse)}")
    if heat.silent:
        print(f"no alarm can be raised. {heat.silent}")
    for alarm in heat.alarms():
        print(f"alarm: {alarm.sentence}")
    print()


def _mean(values: np.ndarray) -> float:
    finite = values[np.isfinite(values)]
    return float(finite.mean()) if len(finite) else float("nan")


def _percent(value: float, sign: str = "") -> str:
    return "-" if np.isnan(value) else f"{100 * value:{sign}.1f}%"


def _cell(mean: float, low: float, high: float, sign: str = "") -> str:
    return "-" if np.isnan(mean) else f"{_percent(mean, sign)} [{_percent(low, sign)}, {_percent(high, sign)}]"
