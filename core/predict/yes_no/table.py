"""What was answered about photos of each yes/no attribute, as a table: a row a photo. Imports no torch."""

from __future__ import annotations

import numpy as np
import pandas as pd

from core.data.yes_no.pairs import VALUES
from core.predict.table import SHARE
from core.predict.yes_no.answers import YesNoAnswers

ANSWER = "answer_"  # before an attribute's name


def table(answers: YesNoAnswers, thresholds: np.ndarray, vote: str = "soft") -> pd.DataFrame:
    """One row a photo, in their order: path, of each attribute answer_<name> (yes or no) and p_<name> (probability of
    yes), folds_asked (of all runs), mutual_information (in bits, mean over the attributes), known (what the runs know
    of it, in words), problem (why there is no answer).

    thresholds, vote: as of YesNoAnswers.yes. Where nobody answers, answers are None and numbers are NaN.
    """
    shares, yes = answers.probabilities(), answers.yes(thresholds, vote)
    words = np.array([*VALUES, None], dtype=object)
    columns: dict[str, object] = {"path": [photo.name for photo in answers.photos]}
    for place, name in enumerate(answers.attributes):
        columns |= {f"{ANSWER}{name}": words[yes[:, place]], f"{SHARE}{name}": shares[:, place]}
    rows = range(len(answers.photos))
    columns |= {
        "folds_asked": (~np.isnan(answers.answers[..., 0])).sum(axis=0),
        "mutual_information": answers.disagreement(),
        "known": [answers.known_in_words(row) for row in rows],
        "problem": [str(answers.problems.get(row, "")) for row in rows],
    }
    return pd.DataFrame(columns)
