"""The networks of all folds asked about a run's test photos, which none of them was trained or validated on."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd

from core.answers import ensemble_scores
from core.answers.ensemble_scores import WHICH, EnsembleScores
from core.data.pictures.photo import photos_of
from core.errors import LabError, memory_in_words
from core.inside.fold_answers import BATCH, of_one_size, probabilities
from core.plan.plan import check_unchanged
from core.runs import Run

HELD = 150_000_000  # bytes of photos that are held at a time, as the networks get them
FEWER = "Wait until nothing trains here, then ask again."


def scored(run: Run, progress: Callable[[int, int], None] = lambda done, total: None) -> EnsembleScores:
    """What the folds reach together on the test photos; they are asked once, and what they answered is kept.

    progress(done, total): photos read and answers given. Raises LabError: 'no-test' without test photos, 'unfinished'
    while a fold is not done, 'data-changed' where a test photo is not the one of the launch, and as fold_model does.
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
        check_unchanged(photos)
        ensemble_scores.write(run, photos, answers(run, photos, progress))
        scores = ensemble_scores.load(run)
        assert scores is not None  # its file was just written
    return scores


@memory_in_words("the test set", FEWER)
def answers(
    run: Run, photos: pd.DataFrame, progress: Callable[[int, int], None] = lambda done, total: None
) -> np.ndarray:
    """What each fold's best network answers, float64 (folds, n, classes): the photos as in validation, softmaxed."""
    from core.inside.fold_models import as_seen

    config, folds, classes = run.config(), run.folds(), len(run.info()["class_names"])
    answered = np.full((len(folds), len(photos), classes), np.nan)
    done, total = 0, len(photos) * (len(folds) + 1)
    height, width = config.input_size
    at_a_time = max(BATCH, HELD // (3 * height * width))  # many, since each fold's network may have to be opened anew
    for start in range(0, len(photos), at_a_time):
        seen: dict[str, np.ndarray] = {}
        for row, photo in enumerate(photos_of(photos.iloc[start : start + at_a_time])):
            seen[str(start + row)] = as_seen(config, photo.pixels())
            done += 1
            progress(done, total)
        for place, fold in enumerate(folds):
            for group in of_one_size(seen):
                for first in range(0, len(group), BATCH):
                    names = group[first : first + BATCH]
                    rows = [int(name) for name in names]
                    answered[place, rows] = probabilities(run, fold, [seen[name] for name in names], WHICH)
                    done += len(names)
                    progress(done, total)
    return answered
