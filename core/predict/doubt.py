"""How far to believe the answers about new photos, by what the runs answered out of fold. scipy comes when asked."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.answers.mistakes import Answers, load_answers
from core.data.persons import persons_of, units
from core.predict.predictions import Predictions
from core.stats import conformal, selective

ACCURACY, ALPHA = 0.95, 0.1  # what is asked for at first


@dataclass(frozen=True, eq=False)
class Doubt:
    """sets: (n, classes) bool, the classes that may well be it; None where the members allow none. unsure: (n,) bool,
    answers whose probability is below the threshold from which on `accuracy` was shown; all where none shows it.
    threshold: that one, None where there is none. sentences: what both promise, and what they do not."""

    sets: np.ndarray | None
    unsure: np.ndarray
    threshold: float | None
    sentences: tuple[str, ...]


def doubt(predictions: Predictions, *, views: bool, alpha: float = ALPHA, accuracy: float = ACCURACY) -> Doubt:
    """views: whether the photos were asked about in other views too. Both are of the first run's out-of-fold answers.

    A set lacks the true class of somebody new in a share of alpha. A threshold is of one network's own probability; the
    mean of several is more careful, so that fewer answers pass, and those are right at least as often.
    Raises LabError as load_answers does.
    """
    run = predictions.runs[0]
    answers = load_answers(run)
    y, persons = answers.table["y"].to_numpy(np.int64), persons_of(answers.table)
    person = pd.factorize(answers.table["person"])[0]
    order = [answers.class_names.index(name) for name in predictions.class_names]
    p = answers.probabilities
    sets, about_sets = _sets(predictions, answers, person, order, views, alpha)
    promise = selective.promise(p.max(axis=1), p.argmax(axis=1) == y, person, accuracy)
    threshold = None if promise is None else promise.threshold
    sure = predictions.probabilities().max(axis=1) >= (np.inf if threshold is None else threshold)
    if promise is None:
        about = f"No threshold of {run.id} shows {accuracy:.0%} right answers, so none is called sure."
    else:
        about = (
            f"Not sure: below a probability of {promise.threshold:.2f}. From there on {accuracy:.0%} of one fold's "
            f"answers were right about {units(promise.people, persons.state)} held out, {promise.coverage:.0%} of the "
            "photos (95% sure)."
        )
    return Doubt(sets, ~sure, threshold, (about, about_sets))


def _sets(
    predictions: Predictions, answers: Answers, person: np.ndarray, order: list[int], views: bool, alpha: float
) -> tuple[np.ndarray | None, str]:
    """(CV+ sets, what they promise); of a photo that one fold answers, a set by the scores of the other folds."""
    folds = [member.fold for member in predictions.members]
    if len(predictions.runs) > 1 or views or sorted(folds) != sorted(answers.folds) or len(folds) < 2:
        return None, "Sets of classes are made for all folds of one run, and photos as they are."
    y, fold = answers.table["y"].to_numpy(np.int64), answers.table["fold"].to_numpy(np.int64)
    scores = conformal.scores_of(answers.probabilities[:, order], np.argsort(order)[y], fold, person)
    sets = np.zeros(predictions.answers.shape[1:], dtype=bool)
    asked = ~np.isnan(predictions.answers[..., 0])
    whole = asked.all(axis=0)
    sets[whole] = conformal.cv_plus_sets(scores, predictions.answers[:, whole], alpha, folds)
    for place, each in enumerate(folds):
        alone = asked[place] & ~whole
        limit = conformal.quantile(scores.without(each), alpha)
        sets[alone] = conformal.sets(predictions.answers[place, alone], limit)
    words = (
        f"About {1 - alpha:.0%} of the sets hold the true class of a photo of somebody new, {1 - 2 * alpha:.0%} at "
        f"least (CV+, from {units(scores.people, persons_of(answers.table).state)} held out)."
    )
    if scores.enough(alpha) > scores.people:
        words += " There are too few of them for smaller sets."
    return sets, words
