"""How sure the mean of a run's folds is, on its test photos; only what somebody has asked for already is told.

The mean of calibrated networks is under-confident, and out-of-fold answers cannot show it: one fold answers each photo
there. Imports no torch; scipy comes with this module.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.answers import ensemble_scores
from core.answers.certainty import ALPHA, Certainty
from core.data.persons import Persons, persons_of
from core.errors import LabError
from core.runs import Run, looks
from core.stats import calibration, conformal, over_people
from core.stats.over_people import Believable

if TYPE_CHECKING:
    from core.stats.paired import Interval

GROUPS = 5  # of test people; the temperature of each group's photos is fitted on the others


@dataclass(frozen=True, eq=False)
class Together:
    """The mean of all folds' probabilities on the test photos.

    plain: as it is. members: the mean of folds that each have their own temperature, or that of all folds where no own
    one was best. pooled: the mean, then one
    temperature, fitted on other test people than those it is judged on. temperature: the one to use, fitted on all of
    them; None where fewer than GROUPS people leave nothing to judge it with, as is pooled then.
    alpha, coverage, size: CV+ sets from all folds' answers, share that holds the true class, mean number of classes.
    """

    photos: int
    persons: Persons
    plain: Believable
    members: Believable
    pooled: Believable | None
    temperature: float | None
    alpha: float
    coverage: Interval
    size: float


def load(run: Run, certainty: Certainty, alpha: float = ALPHA) -> Together | None:
    """None for a run without test photos, or of an attribute that none of them tells; where a fold has no answers; and
    as long as nobody looked at the score: this is no further look.

    certainty: of the run's best weights, which answer about test photos. Raises LabError as ensemble_scores.load does,
    and 'unreadable' too for what no network answers.
    """
    if certainty.which != ensemble_scores.WHICH or certainty.missing or not looks.times(run):
        return None
    if ensemble_scores.load(run) is None:
        return None
    try:
        answers, photos = ensemble_scores.of_folds(run)
        if photos.empty:
            return None
        return of_answers(answers, photos, certainty, run.folds(), alpha)
    except ValueError as error:
        raise LabError(
            f"{run.id}: test_predictions.parquet is damaged ({error}).",
            "Delete it: the folds then answer anew.",
            kind="unreadable",
        ) from error


def of_answers(
    answers: np.ndarray, photos: pd.DataFrame, certainty: Certainty, folds: list[int], alpha: float = ALPHA
) -> Together:
    """answers: (folds, n, classes). photos: y and person of the n test photos. Raises ValueError as metrics.checked."""
    y, person = photos["y"].to_numpy(np.int64), pd.factorize(photos["person"])[0]
    mean = calibration.pooled(answers)
    fitted = {k: certainty.temperature if calibration.at_limit(t) else t for k, t in certainty.temperatures.items()}
    own = [calibration.with_temperature(p, fitted[k]) for k, p in zip(folds, answers, strict=True)]
    temperature, pooled = None, None
    if person.max() + 1 >= GROUPS:
        group = np.random.default_rng(0).permutation(person.max() + 1)[person] % GROUPS
        pooled = over_people.believable(person, calibration.cross_fitted(mean, y, group)[0], y)
        temperature = calibration.fit_temperature(mean, y)
    sets = conformal.cv_plus_sets(certainty.scores, answers, alpha, folds)
    *_, coverage = over_people.shares(person, sets[np.arange(len(y)), y], y, answers.shape[2])
    return Together(
        len(y),
        persons_of(photos),
        over_people.believable(person, mean, y),
        over_people.believable(person, calibration.pooled(np.stack(own)), y),
        pooled,
        temperature,
        alpha,
        coverage,
        float(sets.sum(axis=1).mean()),
    )
