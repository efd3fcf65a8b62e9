"""Which labels are likely wrong: confident learning on out-of-fold probabilities. Imports no torch.

Source: Northcutt, Jiang & Chuang 2021, Confident learning: estimating uncertainty in dataset labels (JAIR 70).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.answers.mistakes import Answers
from core.stats.metrics import confusion


@dataclass(frozen=True)
class ConfidentJoint:
    """counts: (classes, classes), given label x confidently another; thresholds: (classes,), NaN for an absent class.

    estimate: the same table, scaled so that each row sums to its label's faces: how many faces of each label are truly
    of each class, if the network is right where it is sure.
    confident: (faces,), the class that each face confidently is, -1 where it is sure of none.
    """

    counts: np.ndarray
    thresholds: np.ndarray
    estimate: np.ndarray
    confident: np.ndarray


def confident_joint(labels: np.ndarray, probabilities: np.ndarray) -> ConfidentJoint:
    """Count the faces that are confidently of a class against the labels that they have.

    labels: (faces,) int. probabilities: (faces, classes), out-of-fold. A face is confidently of a class if its
    probability is at least the mean probability of that class among the faces with that label; of several such classes
    the most probable one. Faces with a probability that is no number are sure of nothing.
    """
    labels, p = np.asarray(labels), np.asarray(probabilities, dtype=float)
    if p.ndim != 2 or labels.shape != p.shape[:1]:
        raise ValueError(f"labels {labels.shape} do not fit probabilities {p.shape}")
    classes = p.shape[1]
    good = np.isfinite(p).all(axis=1)
    thresholds = np.array(
        [p[good & (labels == c), c].mean() if (good & (labels == c)).any() else np.nan for c in range(classes)]
    )
    # A mean can lie above every one of the equal values it is of, by rounding.
    sure = good[:, None] & (p >= thresholds - 1e-12)
    confident = np.where(sure.any(axis=1), np.where(sure, p, -1.0).argmax(axis=1), -1)
    counted = confident >= 0
    counts = confusion(labels[counted], confident[counted], classes)
    total = counts.sum(axis=1, keepdims=True)
    shares = np.divide(counts, total, out=np.eye(classes), where=total > 0)
    return ConfidentJoint(counts, thresholds, shares * np.bincount(labels, minlength=classes)[:, None], confident)


def too_weak(wrong: int, photos: int) -> bool:
    """Whether a network is wrong about more photos than not: where it contradicts a label it is then wrong itself more
    often than the label is, whatever the number of classes, and its candidates say nothing about the labels."""
    return 2 * wrong > photos


def likely_errors(answers: Answers) -> pd.DataFrame:
    """The faces that are confidently of another class than their label, most suspicious first.

    Columns: row (position in the table), sample, person, label (class name), likely (class name), self_confidence
    (probability of the label itself, the order), likely_confidence.
    """
    labels = answers.table["y"].to_numpy()
    joint = confident_joint(labels, answers.probabilities)
    rows = np.flatnonzero((joint.confident >= 0) & (joint.confident != labels))
    names = np.asarray(answers.class_names, dtype=object)
    suspects = pd.DataFrame(
        {
            "row": rows,
            "sample": answers.table["sample"].to_numpy()[rows],
            "person": answers.table["person"].to_numpy()[rows],
            "label": names[labels[rows]],
            "likely": names[joint.confident[rows]],
            "self_confidence": answers.probabilities[rows, labels[rows]],
            "likely_confidence": answers.probabilities[rows, joint.confident[rows]],
        }
    )
    return suspects.sort_values(["self_confidence", "sample"], kind="stable", ignore_index=True)
