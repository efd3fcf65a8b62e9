"""The networks of all folds asked about a run's test photos, which none of them was trained or validated on."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import pandas as pd

from core.answers import ensemble_scores
from core.answers.ensemble_scores import WHICH, EnsembleScores
from core.data.content.unchanged import check_unchanged
from core.data.pictures.photo import StoredPhoto, photos_of
from core.errors import LabError
from core.predict import answering
from core.predict.members import Member
from core.runs import Run


def scored(run: Run, progress: Callable[[int, int], None] = lambda done, total: None) -> EnsembleScores:
    """What the folds reach together on the test photos; they are asked once, and what they answered is kept.

    progress(done, total): photos read and answers given. Raises LabError: 'no-test' without test photos, 'unfinished'
    while a fold is not done, as check_unchanged for test photos that are not those of the launch, and as fold_model.
    """
    photos = run.test_photos()
    if photos is None:
        raise LabError(
            f"{run.id} has no test photos: its dataset set none aside when it was launched.",
            "Launch a run on a dataset with a labelled test split.",
            kind="no-test",
        )
    unfinished = [state.fold for state in run.states() if state.state != "done"]
    if unfinished:
        which = f"fold {unfinished[0]}" if len(unfinished) == 1 else f"{len(unfinished)} folds"
        raise LabError(
            f"{run.id}: the test set is scored by all folds together, and {which} of {len(run.folds())} "
            f"{'is' if len(unfinished) == 1 else 'are'} not done.",
            "Let the run finish, or resume it.",
            kind="unfinished",
        )
    if (scores := ensemble_scores.load(run)) is None:
        check_unchanged(photos, runs=run.dir.parent)
        answered = answers(run, photos, progress)
        check_unchanged(photos, runs=run.dir.parent)  # nor while they were read: a score is kept for good
        ensemble_scores.write(run, photos, answered)
        scores = ensemble_scores.load(run)
        assert scores is not None  # its file was just written
    return scores


def answers(
    run: Run, photos: pd.DataFrame, progress: Callable[[int, int], None] = lambda done, total: None
) -> np.ndarray:
    """What each fold's best network answers, float64 (folds, n, classes): the photos as in validation, softmaxed.
    Of attributes that are told one by one, the probability of each yes (folds, n, attributes).

    photos: rows of a samples table. Raises LabError as `answering.answers`, and for a photo that cannot be read.
    """
    members = [Member(run, fold) for fold in run.folds()]
    loaders = [partial(_pixels, photo) for photo in photos_of(photos)]
    answered = answering.answers(members, loaders, which=WHICH, progress=progress)
    for fault in answered.faults.values():
        raise fault
    return answered.probabilities


def _pixels(photo: StoredPhoto, bits: int) -> np.ndarray:
    return photo.pixels()  # which knows its own bits
