"""The verb `extras`: what all folds, other views of a photo and other runs bring over one fold, and what they cost."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.answers.ensemble_scores import NO_CHOICE
from core.cli.options.device import AUTO, DeviceOption, named
from core.cli.options.runs import RunsOption
from core.cli.progress import bar
from core.errors import LabError
from core.plan import apart
from core.predict.extras.ways import BEGIN_WITH, EXTRAS
from core.runs import Run, looks
from core.runs.yes_no.view import opened

if TYPE_CHECKING:
    from core.predict.extras.ladder import Ladder, Rung
    from core.stats.paired import Interval

NONE = "none"


def extras(
    ids: Annotated[
        list[str], typer.Argument(metavar="RUN...", help="Finished runs of the same classes and people, by their ids.")
    ],
    place: Annotated[
        str | None,
        typer.Option("--on", help="test (each call is a look) or held-out; test where all runs have test photos."),
    ] = None,
    views: Annotated[
        str, typer.Option("--views", help=f"Other views to try, of {', '.join(EXTRAS)}; {NONE} for none.")
    ] = ",".join(BEGIN_WITH),
    most: Annotated[
        int | None, typer.Option("--photos", min=1, help="Ask about so many held-out photos, of people drawn.")
    ] = None,
    device: DeviceOption = AUTO,
    again: Annotated[bool, typer.Option("--again", help="Measure anew what is kept with the run.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    runs_dir: RunsOption = None,
) -> None:
    """What each extra brings, F1 with paired intervals, and costs, seconds for 100 photos; asked once, then kept."""
    from core.predict.extras import measured

    runs = list(dict.fromkeys(opened(each, runs_dir).require() for each in ids))
    chosen = [] if views == NONE else [view.strip() for view in views.split(",") if view.strip()]
    place = place or (measured.TEST if all(run.test_file.is_file() for run in runs) else measured.HELD_OUT)
    measured.check(chosen, place)
    if most is not None and place == measured.TEST:
        raise LabError("--photos: a test set is asked about whole.", "Leave it out, or add --on held-out.", "config")
    progress = bar("photos read and looks at them,") or (lambda done, total: None)
    asked = measured.of_runs(runs, place, chosen, most=most, device=named(device), again=again, progress=progress)
    from core.predict.extras.ladder import ladder

    judged = ladder(asked)
    seen = looks.add_together(runs, "command line") if place == measured.TEST else {}
    if as_json:
        print(json.dumps(_record(judged, seen)))
    else:
        tell(judged, seen)


def tell(ladder: Ladder, seen: dict[Run, int]) -> None:
    """Print the table of ways, what each brings, and how it was told. seen: how often each test set was looked at."""
    from core.predict.extras import words

    for run, look in seen.items():
        print(f"test set of {run.key}: {looks.words(look, looks.others([run]))}")
        for sentence in apart.sentences(run.info().get("test"))[1:]:
            print(f"note: {sentence}")
    rows = [("", "F1 [95%]", "over the step before [95%]", "100 photos", "times")]
    for rung in ladder.rungs:
        over = words.difference(rung.over) if rung.over else ""
        of_one = f" ({words.spread(rung)})" if words.spread(rung) else ""
        ratio = words.times(ladder.times(rung)) if rung.over else ""
        rows.append((words.name(rung, ladder), words.f1(rung) + of_one, over, words.seconds(rung.seconds), ratio))
    widths = [max(len(row[column]) for row in rows) for column in range(5)]
    for row in rows:
        print("  ".join(f"{cell:<{width}}" for cell, width in zip(row, widths, strict=True)).rstrip())
    for sentence in (*words.verdicts(ladder), words.about(ladder), words.cost(ladder)):
        print(sentence)
    for sentence in words.notes(ladder):
        print(f"note: {sentence}")
    if seen:
        print(NO_CHOICE)


def _record(ladder: Ladder, seen: dict[Run, int]) -> dict[str, Any]:
    return {
        "runs": [run.key for run in ladder.runs],
        "on": ladder.place,
        "looks": {run.key: look for run, look in seen.items()},
        "photos": ladder.photos,
        "persons": {"known": ladder.persons.known, "count": ladder.persons.people},
        "devices": list(ladder.devices),
        "seconds_of_reading": ladder.reading,
        "weights": list(ladder.weights),
        "steps": [_of_rung(rung, ladder) for rung in ladder.rungs],
        "notes": list(ladder.notes),
    }


def _of_rung(rung: Rung, ladder: Ladder) -> dict[str, Any]:
    over = None
    if rung.over is not None:
        over = _ends(rung.over) | {"p": rung.over.p if math.isfinite(rung.over.p) else None, "verdict": rung.verdict}
    return {
        "name": rung.name,
        "run": None if rung.run is None else rung.run.key,
        "f1": _ends(rung.way.f1),
        "f1_of_each": list(rung.way.each),
        "against": rung.against,
        "over": over,
        "seconds_for_100_photos": rung.seconds,
        "times": ladder.times(rung),
    }


def _ends(interval: Interval) -> dict[str, float | None]:
    ends = {"score": interval.mean, "low": interval.low, "high": interval.high}
    return {name: value if math.isfinite(value) else None for name, value in ends.items()}
