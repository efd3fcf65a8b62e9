"""The verb `baseline`: what a run's first weights tell without any training, and what training earned over it."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.answers import frozen_features
from core.answers.frozen_features import NAME, FrozenFeatures
from core.cli.options.device import AUTO, DeviceOption, named
from core.cli.options.runs import RunsOption
from core.cli.progress import bar
from core.cli.tables import spread
from core.errors import LabError
from core.runs import Run

if TYPE_CHECKING:
    from core.compare.earned import Earned
    from core.stats.paired import Interval


def baseline(
    run_id: Annotated[str, typer.Argument(metavar="RUN", help="A cross-validated run; no fold of it has to be done.")],
    device: DeviceOption = AUTO,
    again: Annotated[bool, typer.Option("--again", help="Compute anew what is kept with the run.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    runs_dir: RunsOption = None,
) -> None:
    """Frozen features of the run's own first weights with a logistic regression, on the same folds: what training
    has to beat, and what it earned. Computed once, then kept."""
    run = Run(run_id, runs_dir).require()
    kept = None if again else frozen_features.load(run)
    if kept is None:
        from core.inside import first_weights  # heavy: once only

        kept = first_weights.measure(run, device=named(device), progress=_progress())
    from core.compare import earned, members

    earnings, problem = [], ""
    try:
        member = members.load(run.id, run.dir.parent)
        earnings = [each for which in ("final", "best") if (each := earned.of_run(member, which=which)) is not None]
    except LabError as error:  # the baseline stands without the run's own answers
        problem = str(error)
    if problem:
        print(f"note: {problem}", file=sys.stderr)
    if as_json:
        print(json.dumps(_record(run, kept, earnings)))
    else:
        _tell(run, kept, earnings)


def _progress():
    bars = {what: bar(what) for what in ("photos seen", "fits made", "decoding photos")}

    def tell(what: str, done: int, total: int) -> None:
        if (show := bars.get(what)) is not None:
            show(done, total)

    return tell


def _tell(run: Run, kept: FrozenFeatures, earnings: list[Earned]) -> None:
    print(f"{run.id}: {NAME}, of its own first weights ({kept.init})")
    print(f"{'fold':<6}{'F1':>8}{'accuracy':>10}  C")
    for fold in kept.folds:
        strengths = ", ".join(f"{strength:g}" for strength in fold.strengths)
        print(f"{fold.fold:<6}{fold.f1:>8.3f}{fold.accuracy:>10.3f}  {strengths}")
    print(f"{'F1':<15} {spread(kept.scores('f1').values())}")
    print(f"{'accuracy':<15} {spread(kept.scores('accuracy').values())}")
    for each in earnings:
        print(each.sentence)
    if not earnings:
        print("What training earned is told once a fold of the run is done.")
    print(frozen_features.about(kept))
    for note in frozen_features.notes(kept):
        print(f"note: {note}")


def _record(run: Run, kept: FrozenFeatures, earnings: list[Earned]) -> dict[str, Any]:
    means = {
        metric: dict(zip(("mean", "deviation", "folds"), _spread(kept.scores(metric)), strict=True))
        for metric in ("f1", "accuracy")
    }
    return {
        "run": run.id,
        "first_weights": kept.init,
        "features": kept.width,
        "head": kept.head,
        **means,
        "by_fold": [asdict(each) for each in kept.folds],
        "seconds": kept.seconds,
        "device": kept.device,
        "earned": {each.difference.which: _of(each) for each in earnings},
        "notes": list(frozen_features.notes(kept)),
    }


def _spread(scores: dict[int, float]) -> tuple[float, float | None, int]:
    from core.stats.metrics import mean_and_deviation

    mean, deviation, folds = mean_and_deviation(scores.values())
    return mean, deviation if math.isfinite(deviation) else None, folds


def _of(each: Earned) -> dict[str, Any]:
    difference = each.difference
    return {
        "f1": difference.deltas_mean,
        "folds": list(difference.folds),
        "over_folds": _ends(difference.interval),
        "over_people": _ends(difference.bootstrap),
        "persons": difference.persons,
        "verdict": difference.verdict,
        "sentence": each.sentence,
    }


def _ends(interval: Interval | None) -> dict[str, float | None] | None:
    if interval is None:
        return None
    ends = {"mean": interval.mean, "low": interval.low, "high": interval.high, "p": interval.p}
    return {name: value if math.isfinite(value) else None for name, value in ends.items()}
