"""A run that trains one network on all people of a cross-validated run: nobody is held out, so nothing measures it.

Its photos stand in no fold, and what may be expected of it is what the cross-validated run reached. Imports no torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from core.config import RunConfig
from core.config.run_config import read_config
from core.errors import LabError
from core.stats.metrics import mean_and_deviation
from core.text import number_of, spread

if TYPE_CHECKING:
    from core.runs.run import Run

NOBODY = -1  # the fold of a photo that no fold holds out
ALONE = 0  # the one fold job of such a run
NOT_MEASURED = "not measured"
INFO = "everybody"  # in run.json: what `record` gives


def folds_to_train(config: RunConfig, samples: pd.DataFrame) -> list[int]:
    """The fold jobs of a run. Raises ValueError where photos stand in folds though nobody is to be held out."""
    folds = sorted(int(fold) for fold in samples["fold"].unique())
    if config.folds.everybody is None:
        return folds
    if folds != [NOBODY]:
        raise ValueError(f"{config.name} trains on everybody, and its photos stand in folds {folds}")
    return [ALONE]


def measured_by(run: Run) -> str | None:
    """The id of the cross-validated run on all of whose people this one was trained; None for any other run.

    Reads the configuration alone. Raises LabError as Run.config.
    """
    return read_config(run.require().config_file, f"{run.id}/config.yaml", frozen=True).folds.everybody


def check_held_out(run: Run) -> None:
    """Raises LabError(kind 'everybody') for a run that held nobody out."""
    if (parent := measured_by(run)) is not None:
        raise nobody_held_out(run.id, parent)


def nobody_held_out(run_id: str, parent: str) -> LabError:
    return LabError(
        f"run '{run_id}' was trained on everybody: no photo was held out, so its answers about people that it had not "
        "seen are not measured.",
        f"Ask the cross-validated run '{parent}'.",
        kind="everybody",
    )


def record(parent: Run, best_epochs: Mapping[int, int]) -> dict[str, Any]:
    """What run.json keeps of the cross-validated run, which may be deleted later: id, name, best epoch and best scores
    of each fold."""
    scores = [state.scores or {} for state in parent.states()]
    return {
        "run": parent.id,
        "name": parent.config().name,
        "best_epochs": {str(fold): epoch for fold, epoch in best_epochs.items()},
        **{key: [of_fold.get(f"best_{key}") for of_fold in scores] for key in ("f1", "accuracy")},
    }


def expected(info: Mapping[str, Any]) -> str:
    """ "0.713 ± 0.012 (5)", the macro F1 that the cross-validated run reached; "" where run.json does not say it."""
    numbers = _numbers(info)
    return spread(numbers) if mean_and_deviation(numbers)[2] else ""


def sentence(info: Mapping[str, Any], parent: str) -> str:
    """What is said wherever a score would stand. info: run.json."""
    here = f"Trained on everybody, none held out: its own score is {NOT_MEASURED}."
    if photos := test_photos(info):
        here = (
            f"Trained on everybody, none held out: it has no score of folds. {number_of(photos, 'test photo')} "
            f"{'was' if photos == 1 else 'were'} set aside, on which it can be scored."
        )
    numbers, reached = _numbers(info), expected(info)
    if not reached:
        return f"{here} What to expect was measured by the cross-validated run {parent}."
    folds = f"folds of {parent}" if len(numbers) != 1 else f"fold of {parent}"
    return (
        f"{here} What to expect of it is what the {folds} reached with fewer people each: F1 {reached}, at their best "
        "epochs, which flatters a little."
    )


def test_photos(info: Mapping[str, Any]) -> int:
    """How many labelled photos were set aside before everybody was trained on, which can measure it. info: run.json."""
    kept = info.get("test")
    photos = kept.get("photos") if isinstance(kept, Mapping) else None
    return photos if isinstance(photos, int) else 0


def _numbers(info: Mapping[str, Any]) -> Sequence[float]:
    kept = info.get(INFO)
    numbers = kept.get("f1") if isinstance(kept, Mapping) else None
    if not isinstance(numbers, list):
        return []
    return [float(f1) for f1 in numbers if isinstance(f1, (int, float)) and math.isfinite(f1)]


def cross_validated(summaries: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    """The summaries of runs that held people out, in their order."""
    return [summary for summary in summaries if not summary.get("everybody")]
