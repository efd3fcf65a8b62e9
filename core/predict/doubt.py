"""How far to believe the answers about new photos, by what the runs answered out of fold. scipy comes when asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.answers.certainty_words import BEST_EPOCH
from core.answers.mistakes import Answers, load_answers
from core.data.persons import persons_of, units
from core.predict.predictions import Predictions
from core.predict.weights import LEAST, RunWeights, joint
from core.stats import conformal, selective, voting
from core.text import count

ACCURACY, ALPHA = 0.95, 0.1  # what is asked for at first


@dataclass(frozen=True, eq=False)
class Doubt:
    """sets: (n, classes) bool, the classes that may well be it; None where the members allow none. unsure: (n,) bool,
    answers whose class has a probability below the threshold from which on `accuracy` was shown, or about which not
    all runs could be asked; all where no threshold shows it. threshold: that one, None where there is none.
    sentences: what both promise, what they do not, and on what both rest."""

    sets: np.ndarray | None
    unsure: np.ndarray
    threshold: float | None
    sentences: tuple[str, ...]


def doubt(
    predictions: Predictions,
    *,
    views: bool,
    vote: str = "soft",
    weights: RunWeights | None = None,
    alpha: float = ALPHA,
    accuracy: float = ACCURACY,
) -> Doubt:
    """views: whether the photos were asked about in other views too. vote, weights: how answers are made one, as of
    Predictions.probabilities; the confidence is the mean probability of the class that is answered so.

    A set lacks the true class of somebody new in a share of alpha. A threshold is fitted on out-of-fold answers, those
    of several runs made one in the same way on the photos that they share; weights are those fitted without the fold.
    There one fold of each run answers a photo. The mean of several folds, or views, is less confident at equal
    accuracy, so the threshold errs on the careful side: fewer answers pass than could. That is no theorem; the test
    simulates it, for careful and for reckless networks.
    Raises LabError as load_answers does.
    """
    runs = predictions.runs
    of_runs = [load_answers(run, folds=run.done_folds()) for run in runs]
    order = [of_runs[0].class_names.index(name) for name in predictions.class_names]
    sets, about_sets = _sets(predictions, of_runs[0], order, views, alpha)
    _, sure_of = _answered(predictions.answers, predictions.run_of, vote, None if weights is None else weights.weights)
    of_all = ~np.isnan(voting.by_run(predictions.answers, predictions.run_of)[..., 0]).any(axis=0)
    promise, about = _promise(predictions, of_runs, views, vote, weights, accuracy)
    if promise is None:
        rests = () if sets is None else (BEST_EPOCH,)
        return Doubt(sets, np.ones(len(sure_of), dtype=bool), None, (about, about_sets, *rests))
    if (predictions.is_answered & ~of_all).any():
        about += " Photos about which not all runs may be asked are not sure either."
    return Doubt(sets, ~(of_all & (sure_of >= promise.threshold)), promise.threshold, (about, about_sets, BEST_EPOCH))


def _answered(
    answers: np.ndarray, run_of: Sequence[int], vote: str, weights: np.ndarray | None
) -> tuple[np.ndarray, np.ndarray]:
    """((n,) the class that is answered, (n,) its mean probability); -1 and -inf where nobody answers."""
    mean = voting.soft(answers, run_of, weights)
    is_hard = vote == "hard"
    classes = voting.chosen(voting.hard(answers, run_of) if is_hard else mean, mean if is_hard else None)
    return classes, np.where(classes >= 0, mean[np.arange(len(classes)), classes], -np.inf)


def _promise(
    predictions: Predictions,
    of_runs: Sequence[Answers],
    views: bool,
    vote: str,
    weights: RunWeights | None,
    accuracy: float,
) -> tuple[selective.Promise | None, str]:
    """(what out-of-fold answers show, made one as the new ones are; that in words)."""
    runs = predictions.runs
    names = f"{', '.join(run.id for run in runs[:-1])} and {runs[-1].id}" if len(runs) > 1 else "this run"
    frame, stacked = joint(runs, of_runs)
    if len(runs) > 1 and len(frame) < LEAST:
        return None, (
            f"{names} share {count(len(frame))} photos with out-of-fold answers, too few for a threshold of what they "
            "answer together, so none is called sure."
        )
    y, fold = frame["y"].to_numpy(np.int64), frame["fold"].to_numpy(np.int64)
    classes, sure_of = np.empty(len(y), dtype=np.int64), np.empty(len(y))
    for each in np.unique(fold):
        rows = fold == each
        without = None if weights is None else weights.gain.of_folds[int(each)]
        classes[rows], sure_of[rows] = _answered(stacked[:, rows], range(len(runs)), vote, without)
    promise = selective.promise(sure_of, classes == y, pd.factorize(frame["person"])[0], accuracy)
    if promise is None:
        return None, (
            f"No threshold of {names} shows {accuracy:.0%} right answers about people held out, so none is called sure."
        )
    whose = "one fold's answers" if len(runs) == 1 else f"the answers of one fold of each run, of {names} together,"
    mean = " mean" if len(predictions.members) > 1 or views else ""
    about = (
        f"Not sure: the class answered has a{mean} probability below {promise.threshold:.2f}. From there on "
        f"{accuracy:.0%} of {whose} were right about {units(promise.people, persons_of(frame).state)} held out, "
        f"{promise.coverage:.0%} of the photos (95% sure)."
    )
    if len(predictions.members) > len(runs) or views:
        more = "folds" if len(predictions.members) > len(runs) else "views"
        about += f" That is careful: the mean of several {more} is less confident, so fewer answers pass than could."
    return promise, about


def _sets(
    predictions: Predictions, answers: Answers, order: list[int], views: bool, alpha: float
) -> tuple[np.ndarray | None, str]:
    """(CV+ sets, what they promise); of a photo that one fold answers, a set by the scores of the other folds."""
    folds = [member.fold for member in predictions.members]
    if len(predictions.runs) > 1 or views or sorted(folds) != sorted(answers.folds) or len(folds) < 2:
        return None, "Sets of classes are made for all folds of one run, and photos as they are."
    y, fold = answers.table["y"].to_numpy(np.int64), answers.table["fold"].to_numpy(np.int64)
    person = pd.factorize(answers.table["person"])[0]
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
