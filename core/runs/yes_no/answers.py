"""Predictions of yes/no attributes that are told one by one: one row a photo, as a fold leaves them. Imports no torch.

Columns: sample, loss (mean cross-entropy over the attributes that the photo tells), and of each attribute yes_<name>
(int8: 1, 0, -1 not told), p_<name> (probability of yes) and loss_<name> (NaN where it is not told).
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from core.data.yes_no.pairs import UNTOLD, VALUES, class_names
from core.stats import metrics

YES, P, LOSS = "yes_", "p_", "loss_"


def of_logits(samples: np.ndarray, attributes: Sequence[str], true: np.ndarray, logits: np.ndarray) -> pd.DataFrame:
    """The predictions of a network. samples: (n,) names. true: (n, attributes), 1 yes, 0 no, -1 not told. logits:
    float64 (n, attributes)."""
    loss = np.logaddexp(0, np.where(true == 1, -logits, logits))
    return _table(samples, attributes, true, probability(logits), loss)


def of_probabilities(
    samples: np.ndarray, attributes: Sequence[str], true: np.ndarray, probabilities: np.ndarray
) -> pd.DataFrame:
    """The predictions of an ensemble. probabilities: of yes, float64 (n, attributes)."""
    loss = -np.log(np.clip(np.where(true == 1, probabilities, 1 - probabilities), 1e-300, None))
    return _table(samples, attributes, true, probabilities, loss)


def _table(
    samples: np.ndarray, attributes: Sequence[str], true: np.ndarray, probabilities: np.ndarray, loss: np.ndarray
) -> pd.DataFrame:
    is_told = true != UNTOLD
    loss = np.where(is_told, loss, np.nan)
    columns: dict[str, np.ndarray] = {"sample": samples, "loss": np.nansum(loss, axis=1) / is_told.sum(axis=1)}
    for place, name in enumerate(attributes):
        columns |= {YES + name: true[:, place].astype(np.int8), P + name: probabilities[:, place]}
        columns[LOSS + name] = loss[:, place]
    return pd.DataFrame(columns)


def probability(logits: np.ndarray) -> np.ndarray:
    """1 / (1 + e^-z), without overflow."""
    small = np.exp(-np.abs(logits))
    return np.where(logits >= 0, 1 / (1 + small), small / (1 + small))


def true_and_predicted(predictions: pd.DataFrame, attributes: Sequence[str]) -> tuple[np.ndarray, np.ndarray]:
    """(n, attributes) each: 1 yes, 0 no, and -1 in the first where a photo does not tell it."""
    true = predictions[[YES + name for name in attributes]].to_numpy(np.int64)
    return true, (predictions[[P + name for name in attributes]].to_numpy(float) > 0.5).astype(np.int64)


def of_attribute(predictions: pd.DataFrame, name: str) -> pd.DataFrame:
    """The predictions of one attribute as those of a run that tells it alone: sample, label, predicted, loss, p_no,
    p_yes, without the photos that do not tell it."""
    of_one = predictions[predictions[YES + name] != UNTOLD]
    words = np.asarray(VALUES, dtype=object)
    yes = of_one[P + name].to_numpy(float)
    return pd.DataFrame(
        {
            "sample": of_one["sample"].to_numpy(),
            "label": words[of_one[YES + name].to_numpy(np.int64)],
            "predicted": words[(yes > 0.5).astype(np.int64)],
            "loss": of_one[LOSS + name].to_numpy(float),
            "p_no": 1 - yes,
            "p_yes": yes,
        }
    )


def rows(predictions: pd.DataFrame, attributes: Sequence[str]) -> pd.DataFrame:
    """One row a photo and attribute that it tells: sample, attribute, label and predicted ("<attribute> yes"), loss,
    and p_true, p_predicted, the probabilities of the two. Words are categories, since there are many rows."""
    true, predicted = true_and_predicted(predictions, attributes)
    photo, place = np.nonzero(true != UNTOLD)
    true, predicted = true[photo, place], predicted[photo, place]
    yes = predictions[[P + name for name in attributes]].to_numpy(float)[photo, place]
    names = class_names(attributes)

    def words(codes: np.ndarray, of: Sequence[str]) -> pd.Categorical:
        return pd.Categorical.from_codes(codes, categories=list(of))

    return pd.DataFrame(
        {
            "sample": predictions["sample"].to_numpy()[photo],
            "attribute": words(place, attributes),
            "label": words(2 * place + true, names),
            "predicted": words(2 * place + predicted, names),
            "loss": predictions[[LOSS + name for name in attributes]].to_numpy(float)[photo, place],
            "p_true": np.where(true == 1, yes, 1 - yes),
            "p_predicted": np.where(predicted == 1, yes, 1 - yes),
        }
    )


def confusion(predictions: pd.DataFrame, attributes: Sequence[str]) -> np.ndarray:
    """Counts, (2 attributes, 2 attributes), see metrics.confusion_of_pairs."""
    return metrics.confusion_of_pairs(*true_and_predicted(predictions, attributes))
