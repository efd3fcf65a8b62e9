"""The verb `test`: what the folds of a run reach together on its test photos. Each call is a look, and counted."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.answers.ensemble_scores import NO_CHOICE
from core.answers.yes_no_scores import F1_IN_WORDS
from core.cli.options.runs import RunsOption
from core.cli.progress import bar
from core.cli.tables import print_attribute_table
from core.plan import apart
from core.runs import Run, looks
from core.stats.metrics import mean_and_deviation

if TYPE_CHECKING:
    from core.answers.ensemble_scores import EnsembleScores
    from core.stats.paired import Interval


def test(
    run_id: Annotated[str, typer.Argument(help="A finished run whose dataset sets test photos aside.")],
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    runs_dir: RunsOption = None,
) -> None:
    """Score the test photos of a run, which no fold was trained on, by all folds together. Each call is counted."""
    from core.predict import ensemble

    run = Run(run_id, runs_dir).require()
    scores = ensemble.scored(run, bar("test photos read and answered,") or (lambda done, total: None))
    look = looks.add(run, "command line")
    if as_json:
        print(json.dumps(_record(run, scores, look)))
    else:
        _print(run, scores, look)


def _print(run: Run, scores: EnsembleScores, look: int) -> None:
    photos = run.test_photos()
    assert photos is not None  # they were just scored
    print(f"test set: {apart.told_persons(photos)}, never trained on; {looks.words(look, looks.others([run]))}")
    for sentence in apart.sentences(run.info().get("test"))[1:]:
        print(f"note: {sentence}")
    print(f"{'':<22}{'F1':<24}  accuracy")
    who = f"ensemble of {len(scores.folds)} folds" if len(scores.folds) > 1 else "the one network"
    print(f"{who:<22}{_told(scores.f1):<24}  {_told(scores.accuracy)}")
    if len(scores.folds) > 1:
        _print_alone(scores)
    for sentence in (scores.about, scores.lacking):
        if sentence:
            print(sentence)
    if scores.one_by_one:
        print_attribute_table(scores.attributes)
        print(f"of the ensemble; mean F1 of yes {scores.f1_yes:.3f}. {F1_IN_WORDS}")
        print(NO_CHOICE)
        return
    width = max(len(name) for name in scores.class_names)
    print(f"{'true, down; predicted':<{width}}" + "".join(f"  {name}" for name in scores.class_names))
    for name, row in zip(scores.class_names, scores.confusion.tolist(), strict=True):
        cells = (f"  {number:>{len(title)}}" for title, number in zip(scores.class_names, row, strict=True))
        print(f"{name:<{max(width, len('true, down; predicted'))}}" + "".join(cells))
    print(NO_CHOICE)


def _print_alone(scores: EnsembleScores) -> None:
    """Each fold, their mean, and what the ensemble brings over it."""
    for fold in scores.folds:
        print(f"{f'fold {fold.fold} alone':<22}{fold.f1:<24.3f}  {fold.accuracy:.3f}")
    means = [mean_and_deviation([getattr(fold, name) for fold in scores.folds]) for name in ("f1", "accuracy")]
    words = [f"{mean:.3f} ± {deviation:.3f}" for mean, deviation, _ in means]
    print(f"{'mean of the folds':<22}{words[0]:<24}  {words[1]}")
    print(f"the ensemble brings {scores.gain:+.3f} F1 over the mean fold")


def _told(interval: Interval) -> str:
    ends = f" [{interval.low:.3f}, {interval.high:.3f}]" if interval.known else ""
    return f"{interval.mean:.3f}{ends}"


def _record(run: Run, scores: EnsembleScores, look: int) -> dict[str, Any]:
    record = run.info().get("test") or {}
    of_attributes = scores.attributes.to_dict("index")
    return {
        "run": run.id,
        "look": look,
        "looks_through_others": looks.others([run]),
        "photos": scores.photos,
        "persons": {"known": scores.persons.known, "count": scores.persons.people},
        "classes": list(scores.class_names),
        "ensemble": {
            "f1": _ends(scores.f1),
            "accuracy": _ends(scores.accuracy),
            "f1_present": scores.present,
            "absent": list(scores.absent),
        },
        "folds": [vars(fold) for fold in scores.folds],
        "confusion": scores.confusion.tolist(),
        "attributes": {
            attribute: {name: number if math.isfinite(number) else None for name, number in numbers.items()}
            for attribute, numbers in of_attributes.items()
        },
        "left_out": {name: record.get(name) for name in ("unknown", *apart.REASONS)},
        "people_shared": record.get("people_shared"),
    }


def _ends(interval: Interval) -> dict[str, float | None]:
    ends = {"score": interval.mean, "low": interval.low, "high": interval.high}
    return {name: value if math.isfinite(value) else None for name, value in ends.items()}
