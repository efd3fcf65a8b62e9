"""What was answered about photos, as a table: a row a photo. Imports no torch."""

from __future__ import annotations

import io

import numpy as np
import pandas as pd

from core.predict.predictions import Predictions
from core.stats import voting
from core.storage.spreadsheet import spreadsheet_csv

FIRST = ("path", "answer", "probability")
SHARE = "p_"  # before a class's name, as in a run's own predictions


def table(predictions: Predictions, vote: str = "soft", weights: np.ndarray | None = None) -> pd.DataFrame:
    """One row a photo, in their order: path, answer, probability, p_<class>..., folds_agree, folds_asked (of all runs),
    mutual_information (in bits), known (what the runs know of it, in words), problem (why there is no answer).

    vote, weights: as of Predictions.probabilities. Where nobody answers, answer is None and numbers are NaN.
    """
    shares, classes = predictions.probabilities(vote, weights), predictions.classes(vote, weights)
    agree, asked = voting.agreeing(predictions.answers, classes)
    answered = classes >= 0
    names = np.array([*predictions.class_names, None], dtype=object)
    columns = {
        "path": [photo.name for photo in predictions.photos],
        "answer": names[classes],
        "probability": np.where(answered, shares[np.arange(len(classes)), classes], np.nan),
        **{f"{SHARE}{name}": shares[:, place] for place, name in enumerate(predictions.class_names)},
        "folds_agree": agree,
        "folds_asked": asked,
        "mutual_information": voting.mutual_information(predictions.answers),
        "known": [predictions.known_in_words(row) for row in range(len(classes))],
        "problem": [str(predictions.problems.get(row, "")) for row in range(len(classes))],
    }
    return pd.DataFrame(columns)


def as_file(rows: pd.DataFrame, suffix: str) -> bytes:
    """A table as '.csv' (for spreadsheets, nothing in it is run as a formula) or '.parquet'."""
    if suffix == ".csv":
        return spreadsheet_csv(rows)
    buffer = io.BytesIO()
    rows.to_parquet(buffer, index=False)
    return buffer.getvalue()
