"""The temperature that each packaged network divides its logits by, from the run's own out-of-fold answers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from core.answers import mistakes
from core.errors import LabError
from core.runs import Run
from core.runs.yes_no.view import attributes
from core.stats import calibration
from core.text import count

FEWEST = 50  # held-out photos of a fold; a temperature of fewer is noise
NOBODY_HELD_OUT = (
    "It was trained on everybody, so it has answered nobody whom it had not seen: there is nothing to fit a "
    "temperature on, and those of the cross-validated folds are of other networks."
)
RAW = "Not calibrated: the temperature is 1. A probability of 0.97 does not promise 97 right answers of 100."
AT_A_HALF = "A yes is a probability above 0.5: nobody was held out to fit thresholds on."
ONE_BY_ONE = "Attributes that are told one by one have thresholds of their own, and no temperature."


@dataclass(frozen=True)
class Temperatures:
    """of_fold: fold -> what its logits are divided by; 1 where it is not calibrated. words: what a card says of it."""

    of_fold: dict[int, float]
    words: str


def temperatures(run: Run, folds: Sequence[int], calibrate: bool = True) -> Temperatures:
    """Fitted fold by fold on what its network answered about the people that it held out.

    1 for all where somebody asked for that, of attributes that are told one by one, where nobody was held out, where
    the run has no such answers, or too few of them in a fold. Raises LabError as mistakes.load_answers, but not where
    answers are missing.
    """
    plain = dict.fromkeys(folds, 1.0)
    one_by_one = bool(attributes(run))
    if run.config().folds.everybody is not None:
        return Temperatures(plain, f"{RAW} {AT_A_HALF if one_by_one else NOBODY_HELD_OUT}")
    if one_by_one:
        return Temperatures(plain, f"{RAW} {ONE_BY_ONE}")
    if not calibrate:
        return Temperatures(plain, f"{RAW} Nobody asked for more.")
    try:
        answers = mistakes.load_answers(run)
    except LabError as error:
        if error.kind != "missing":
            raise
        return Temperatures(plain, f"{RAW} The run has no out-of-fold answers to find one from.")
    rows = answers.table["fold"].isin(list(folds)).to_numpy()
    shares, labels, fold = answers.probabilities[rows], answers.table["y"].to_numpy()[rows], answers.table["fold"][rows]
    photos = {each: int((fold == each).sum()) for each in folds}
    few = [each for each, number in photos.items() if number < FEWEST]
    if few:
        why = f"Fold {few[0]} held out {count(photos[few[0]])} photos; a temperature needs {FEWEST}."
        return Temperatures(plain, f"{RAW} {why}")
    of_fold = calibration.temperature_of_folds(shares, labels, fold.to_numpy())
    if ends := [each for each, value in of_fold.items() if calibration.at_limit(value)]:
        return Temperatures(plain, f"{RAW} For fold {ends[0]} no temperature was best.")
    named = ", ".join(f"{value:.2f} (fold {each})" for each, value in of_fold.items())
    words = [
        f"Calibrated: each network divides its logits by the temperature under which its answers about its own "
        f"{count(min(photos.values()))} or more held-out photos are likeliest: {named}."
    ]
    if len(of_fold) > 1:
        scaled, _ = calibration.cross_fitted(shares, labels, fold.to_numpy())
        before, after = (float(np.mean(calibration.nll_terms(p, labels))) for p in (shares, scaled))
        words.append(
            f"Under temperatures of the other folds the negative log-likelihood of held-out answers goes from "
            f"{before:.3f} to {after:.3f}."
        )
        words.append("The mean of several calibrated networks is less sure than it is right.")
    words.append("Of photos unlike those of the training none of this promises anything.")
    return Temperatures(of_fold, " ".join(words))
