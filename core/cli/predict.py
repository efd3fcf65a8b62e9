"""The verb `predict`: new photos answered by the networks of finished runs, as a table or in the form of a sample."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from core.cli.options.device import AUTO, DeviceOption, named
from core.cli.options.runs import RunsOption
from core.cli.progress import bar
from core.cli.write import write_file
from core.errors import LabError
from core.predict import photos
from core.predict.predictions import SHARES_OF_VOTES, VOTES
from core.predict.predictor import Predictor
from core.predict.submission import of_attributes, of_classes
from core.predict.yes_no.answers import YesNoAnswers
from core.runs import Run
from core.runs.yes_no.view import opened
from core.text import count, listed

if TYPE_CHECKING:
    import numpy as np

    from core.predict.photos import Photo
    from core.predict.predictions import Asked, Predictions

    Form = of_classes.Form | of_attributes.Form

FILES = (".csv", ".parquet")
TTA = {"none": (), "flip": ("flip",), "crops": ("crops",), "flip+crops": ("flip", "crops")}


def predict(
    ids: Annotated[
        list[str],
        typer.Argument(
            metavar="RUN...", help="Finished runs of the same classes, by their ids; RUN:ATTRIBUTE for one of many."
        ),
    ],
    where: Annotated[Path, typer.Option("--photos", help="A folder, a table that names photos, or one photo.")],
    out: Annotated[Path, typer.Option("--out", help="A .csv or .parquet file: a row a photo.")],
    sample: Annotated[
        Path | None, typer.Option("--sample-submission", help="Write --out in the columns and order of this file.")
    ] = None,
    labels: Annotated[
        str | None, typer.Option("--labels", help=f"How the sample writes a label: {', '.join(of_classes.LABELS)}.")
    ] = None,
    codes: Annotated[
        list[str] | None,
        typer.Option("--code", help="CLASS=CODE, what is written for a class, or no and yes."),
    ] = None,
    vote: Annotated[
        str, typer.Option("--vote", help="How answers are made one: soft, hard, or weighted runs.")
    ] = "soft",
    tta: Annotated[str, typer.Option("--tta", help=f"Ask about other views too: {', '.join(TTA)}.")] = "none",
    folds: Annotated[str | None, typer.Option("--folds", help="Only these folds of each run, such as 0,1.")] = None,
    device: DeviceOption = AUTO,
    runs_dir: RunsOption = None,
) -> None:
    """Answer new photos by all folds of finished runs; a photo that a run knows, by the fold that held it out."""
    _check_choices(out, sample, vote, tta)
    _check_form(sample, {"--labels": labels, "--code": codes})
    runs = [opened(run_id, runs_dir) for run_id in ids]
    predictor = Predictor(runs, folds=_folds(folds), views=TTA[tta], device=named(device))
    asked = photos.of_path(where, lambda text: print(f"note: {text}", file=sys.stderr))
    form = _form(sample, asked, predictor, labels, codes or [])
    if predictor.one_by_one and vote == "weighted":
        raise LabError(
            "--vote weighted: weights of runs are not fitted for attributes that are told one by one.",
            "Vote soft or hard, or ask for one attribute by RUN:ATTRIBUTE.",
            kind="vote",
        )
    weights = _weights(runs) if vote == "weighted" else None
    predictions = predictor.answer(asked, bar("photos read and answers given,") or (lambda done, total: None))
    limits = _limits(predictions) if isinstance(predictions, YesNoAnswers) else None
    if form is None:
        write_file(out, _table(predictions, vote, weights, limits, out.suffix.lower()))
    else:
        try:
            content = _filled(form, predictions, vote, weights, limits)
        except LabError as error:
            if error.kind != "ids":
                raise
            beside = out.parent / f"{out.stem}.table.csv"  # what was answered cost minutes, and is no less right
            write_file(beside, _table(predictions, vote, weights, limits, beside.suffix))
            _tell(predictions)
            remedy = f"All other answers, and why there is none, are in {beside}; mend the photos, or ask all folds."
            raise LabError(error.message, remedy, error.kind) from error
        write_file(out, content)
    _tell(predictions)
    print(out)


def _limits(answers: YesNoAnswers) -> np.ndarray:
    """Of each attribute the probability above which it is a yes, told with where it is from."""
    from core.predict.yes_no import thresholds

    fitted = thresholds.fitted(answers.runs, answers.attributes)
    for sentence in fitted.sentences:
        print(f"note: {sentence}", file=sys.stderr)
    return fitted.values


def _table(
    predictions: Predictions | YesNoAnswers,
    vote: str,
    weights: np.ndarray | None,
    limits: np.ndarray | None,
    suffix: str,
) -> bytes:
    """A row a photo. limits: of the attributes that are told one by one."""
    from core.predict import table
    from core.predict.yes_no import table as of_yes_no

    if isinstance(predictions, YesNoAnswers):
        return table.as_file(of_yes_no.table(predictions, limits, vote), suffix)
    if vote == "hard":
        print(f"note: {SHARES_OF_VOTES}", file=sys.stderr)
    return table.as_file(table.table(predictions, vote, weights), suffix)


def _filled(
    form: Form,
    predictions: Predictions | YesNoAnswers,
    vote: str,
    weights: np.ndarray | None,
    limits: np.ndarray | None,
) -> bytes:
    """The sample's form. Raises LabError(kind 'ids') naming ids of photos that have no answer."""
    if isinstance(predictions, YesNoAnswers):
        return form.filled(predictions.probabilities(), predictions.yes(limits, vote))
    return form.filled(predictions.means(weights), predictions.classes(vote, weights))


def _check_choices(out: Path, sample: Path | None, vote: str, tta: str) -> None:
    """Before anything is opened. Raises LabError(kind 'config')."""
    if vote not in VOTES:
        raise LabError(f"--vote {vote}: there is no such vote.", f"Choose of {', '.join(VOTES)}.", "config")
    if tta not in TTA:
        raise LabError(f"--tta {tta}: there is no such view.", f"Choose of {', '.join(TTA)}.", "config")
    if sample is None and out.suffix.lower() not in FILES:
        raise LabError(
            f"predict: '{out.suffix}' files cannot be written.", "End the name in .csv or .parquet.", "config"
        )


def _check_form(sample: Path | None, options: dict[str, object]) -> None:
    """options: name -> value of those that say how a sample submission is written. Raises LabError(kind 'config')."""
    given = [name for name, value in options.items() if value]
    if sample is None and given:
        raise LabError(
            f"{given[0]} says how labels are written in the form of a sample submission, and none is named.",
            f"Add --sample-submission FILE, or leave {listed(given)} out.",
            kind="config",
        )


def _folds(text: str | None) -> list[int] | None:
    if text is None:
        return None
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts or not all(part.isascii() and part.isdecimal() for part in parts):
        raise LabError(f"--folds {text}: expected numbers.", "Such as --folds 0,1.", kind="config")
    return [int(part) for part in parts]


def _form(
    sample: Path | None, asked: list[Photo], predictor: Predictor, labels: str | None, codes: list[str]
) -> Form | None:
    """The sample file, understood and told; None without one."""
    if sample is None:
        return None
    read = of_attributes if predictor.one_by_one else of_classes
    if labels is not None and labels not in read.LABELS:
        ways = ", ".join(read.LABELS)
        raise LabError(f"--labels {labels}: there is no such way to write a label.", f"Choose of {ways}.", "config")
    given = dict(code.rpartition("=")[::2] for code in codes)
    try:
        content = sample.read_bytes()
    except OSError as error:
        raise LabError(f"{sample}: cannot be read ({error.strerror}).", "Check its name and rights.", "csv") from error
    names = photos.sheet_names(asked)
    form = read.read_form(content, sample.name, names, predictor.names, labels=labels, codes=given)
    for sentence in form.sentences:
        print(f"note: {sentence}", file=sys.stderr)
    return form


def _weights(runs: list[Run]) -> np.ndarray:
    """The weights of runs, fitted on their out-of-fold answers, with what that is told to bring."""
    from core.predict import weights

    fitted = weights.fitted(runs)
    for sentence in fitted.sentences:
        print(f"note: {sentence}", file=sys.stderr)
    return fitted.weights


def _tell(predictions: Asked) -> None:
    """How many were answered, which were not, and whom the runs knew, or may know."""
    for sentence in predictions.notes:
        print(f"note: {sentence}", file=sys.stderr)
    answered, several = int(predictions.is_answered.sum()), len(predictions.runs) > 1
    folds = f"{len(predictions.members)} fold{'s' * (len(predictions.members) != 1)}"
    folds += f" of {len(predictions.runs)} runs" if several else ""
    print(f"{count(answered)} of {count(len(predictions.photos))} photos answered by {folds}")
    if predictions.acquaintances:
        rows = list(predictions.acquaintances)
        held_out = [predictions.photos[row].name for row in rows if row not in predictions.problems]
        if held_out:
            verb, names = "is" if len(held_out) == 1 else "are", listed(held_out)
            print(f"{count(len(held_out))} {verb} known to the runs, answered by the fold that held them out: {names}")
    for row, problem in list(predictions.problems.items())[:5]:
        print(f"no answer for {predictions.photos[row].name}: {problem}", file=sys.stderr)
    if (rest := len(predictions.problems) - 5) > 0:
        print(f"and {count(rest)} more; the column problem of the table tells why", file=sys.stderr)
