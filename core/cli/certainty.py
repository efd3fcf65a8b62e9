"""The verb `certainty`: how sure a run may be believed to be, from what its folds answered about held-out people."""

from __future__ import annotations

import json
import math
import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from core.cli.options.runs import RunsOption
from core.errors import LabError
from core.runs.yes_no.view import opened

if TYPE_CHECKING:
    from core.answers.certainty import Certainty, Question, SetSummary
    from core.answers.together import Together
    from core.stats.over_people import Believable
    from core.stats.paired import Interval
    from core.stats.selective import Promise


def certainty(
    run_id: Annotated[str, typer.Argument(help="A run of which a fold is done, or <run>:<attribute>.")],
    accuracy: Annotated[float, typer.Option(help="Answer only where so large a share is right, such as 0.95.")] = 0.95,
    alpha: Annotated[float, typer.Option(help="Share of sets of classes that may lack the true one.")] = 0.1,
    which: Annotated[str, typer.Option(help="Checkpoint: best or final.")] = "best",
    as_json: Annotated[bool, typer.Option("--json", help="For programs.")] = False,
    runs_dir: RunsOption = None,
) -> None:
    """Tell how far a run's probabilities can be believed: classes, calibration, thresholds, sets, offsets."""
    for name, share in (("accuracy", accuracy), ("alpha", alpha)):
        if not 0 < share < 1:
            raise LabError(f"--{name} {share:g}: not a share.", "Give a number between 0 and 1.", kind="config")
    from core.answers import certainty as answers
    from core.answers import together

    run = opened(run_id, runs_dir)
    sure = answers.load(run, which)
    promise, summary, test = sure.promise(accuracy), sure.sets(alpha), None
    try:
        test = together.load(run, sure, alpha)
    except LabError as error:  # about the test set alone
        print(f"note: {error}", file=sys.stderr)
    if as_json:
        print(json.dumps(_record(sure, test, accuracy, promise, summary)))
    else:
        _print(sure, test, accuracy, promise, summary)


def _print(
    sure: Certainty, test: Together | None, accuracy: float, promise: Promise | None, summary: SetSummary | None
) -> None:
    from core.answers import certainty_words as words

    print(f"{sure.run_id}: {sure.photos:,} photos, each answered by the fold that held it out; [95% interval]")
    for question in sure.questions:
        _print_question(question)
    print(words.trust(sure))
    print(words.temperature(sure))
    print(words.together(test) if test else words.mean_of_folds(sure))
    print(words.threshold(sure, accuracy, promise))
    print(words.sets(summary, sure))
    print(words.offsets(sure))
    for doubt in (*sure.doubts, sure.limits):
        print(f"note: {doubt}")


def _print_question(question: Question) -> None:
    from core.answers.certainty_words import interval

    width = max(len(name) for name in (*question.names, question.attribute, "mean of all"))
    titles = ("precision", "recall", "F1", "ROC area", "PR area", "calibration error")
    print(f"{question.attribute or 'class':<{width}}  {'photos':>7}" + "".join(f"  {title:<20}" for title in titles))
    for line in question.lines:
        cells = (line.precision, line.recall, line.f1, line.auc, line.average_precision, line.error)
        print(f"{line.name:<{width}}  {line.photos:>7,}" + "".join(f"  {interval(cell):<20}" for cell in cells))
    macro = "".join(f"  {interval(each):<20}" for each in question.macro)
    print(f"{'mean of all':<{width}}  {len(question.labels):>7,}{macro}")


def _record(
    sure: Certainty, test: Together | None, accuracy: float, promise: Promise | None, summary: SetSummary | None
) -> dict[str, Any]:
    gain, risk = sure.offsets, sure.risk
    return {
        "run": sure.run_id,
        "which": sure.which,
        "photos": sure.photos,
        "persons": {"known": sure.persons.known, "count": sure.persons.people},
        "folds": list(sure.folds),
        "missing": list(sure.missing),
        "questions": [_of_question(question) for question in sure.questions],
        "believable": {
            "as_it_says": _of_probabilities(sure.before),
            "with_temperature": _of_probabilities(sure.after) if sure.after else None,
        },
        "temperature": {
            "of_folds": {str(fold): value for fold, value in sure.temperatures.items()},
            "of_the_other_folds": {str(fold): value for fold, value in sure.crossed.items()},
            "one_for_all": sure.temperature,
        },
        "threshold": {"accuracy": accuracy, "promise": asdict(promise) if promise else None, "aurc": risk.area},
        "sets": None
        if summary is None
        else {
            "alpha": summary.alpha,
            "coverage": _ends(summary.coverage),
            "size": summary.size,
            "sizes": summary.sizes.tolist(),
            "of_classes": [_ends(of) for of in summary.of_classes],
            "least_alpha": summary.least,
        },
        "offsets": None
        if gain is None
        else {
            "offsets": dict(zip(sure.classes.names, gain.tuned.tolist(), strict=True)),
            "f1_before": gain.before,
            "f1_after": gain.after,
            "gain": _ends(gain.gain),
            "gain_where_tuned": gain.flattering,
        },
        "test": None if test is None else _of_test(test),
        "notes": [*sure.doubts, sure.limits],
    }


def _of_question(question: Question) -> dict[str, Any]:
    rows = [
        {
            "name": line.name,
            "photos": line.photos,
            "people": line.people,
            "precision": _ends(line.precision),
            "recall": _ends(line.recall),
            "f1": _ends(line.f1),
            "roc_area": _ends(line.auc),
            "pr_area": _ends(line.average_precision),
            "calibration_error": _ends(line.error),
        }
        for line in question.lines
    ]
    macro = dict(zip(("precision", "recall", "f1"), map(_ends, question.macro), strict=True))
    return {"attribute": question.attribute, "lines": rows, "macro": macro, "accuracy": _ends(question.accuracy)}


def _of_probabilities(of: Believable) -> dict[str, Any]:
    bins = of.reliability
    rows = zip(bins.count.tolist(), bins.promised.tolist(), bins.came.tolist(), strict=True)
    return {
        "calibration_error": _ends(of.error),
        "gap": _ends(of.gap),
        "brier": _ends(of.brier),
        "negative_log_likelihood": _ends(of.likelihood),
        "bins": [{"photos": photos, "promised": promised, "right": right} for photos, promised, right in rows],
    }


def _of_test(test: Together) -> dict[str, Any]:
    return {
        "photos": test.photos,
        "mean_of_folds": _of_probabilities(test.plain),
        "calibrated_folds": _of_probabilities(test.members),
        "mean_then_temperature": _of_probabilities(test.pooled) if test.pooled else None,
        "temperature": test.temperature,
        "sets": {"alpha": test.alpha, "coverage": _ends(test.coverage), "size": test.size},
    }


def _ends(interval: Interval) -> dict[str, float | None]:
    ends = {"score": interval.mean, "low": interval.low, "high": interval.high}
    return {name: value if math.isfinite(value) else None for name, value in ends.items()}
