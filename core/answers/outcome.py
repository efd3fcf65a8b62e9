"""What stands out in a run: its weakest class, what it confuses most, labels that it contradicts, where it overfits.

Imports no torch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.answers import label_errors, mistakes
from core.answers.mistakes import Answers, Filter
from core.stats import metrics
from core.stats.overfitting import Overfit, overfit


@dataclass(frozen=True)
class Confusion:
    """photos of the class `true` that were taken for `predicted`, of so many `of` that class; rows: their positions in
    the answers' table, highest loss first.
    """

    true: str
    predicted: str
    photos: int
    of: int
    rows: tuple[int, ...]


@dataclass(frozen=True)
class Outcome:
    """Of a run's out-of-fold answers, pooled over the folds that answered.

    weakest: the class of lowest F1 among those with photos, weakest_f1 that F1, weakest_photos their number.
    never: classes with photos that no photo was taken for. confusion: the commonest mistake, None without mistakes; of
    several that are as common the one that is the larger share of its class.
    wrong, photos: mistakes and answers. contradicted: labels that the network is confidently against (confident
    learning, see label_errors): candidates for wrong labels, not a count of them.
    """

    weakest: str
    weakest_f1: float
    weakest_photos: int
    never: tuple[str, ...]
    confusion: Confusion | None
    wrong: int
    photos: int
    contradicted: int

    @property
    def too_weak(self) -> bool:
        """Whether what it contradicts says nothing about the labels."""
        return label_errors.too_weak(self.wrong, self.photos)


def outcome(answers: Answers) -> Outcome:
    """answers: of at least one photo, as load_answers gives them."""
    names, counts = answers.class_names, mistakes.confusion(answers)
    scores = metrics.class_scores(counts)
    with_photos = np.flatnonzero(scores.support > 0)
    weakest = int(with_photos[np.argmin(scores.f1[with_photos])])
    return Outcome(
        weakest=names[weakest],
        weakest_f1=float(scores.f1[weakest]),
        weakest_photos=int(scores.support[weakest]),
        never=tuple(names[i] for i in with_photos if not counts[:, i].any()),
        confusion=_commonest(answers, counts),
        wrong=int(counts.sum() - np.trace(counts)),
        photos=int(counts.sum()),
        contradicted=len(label_errors.likely_errors(answers)),
    )


def _commonest(answers: Answers, counts: np.ndarray) -> Confusion | None:
    off = counts - np.diag(np.diag(counts))
    if not off.any():
        return None
    shares = off / np.maximum(1, counts.sum(axis=1, keepdims=True))
    true, predicted = max(np.argwhere(off == off.max()).tolist(), key=lambda cell: shares[tuple(cell)])
    names = answers.class_names
    rows = mistakes.select(answers, Filter(true=names[true], predicted=names[predicted]))
    return Confusion(
        names[true],
        names[predicted],
        int(off[true, predicted]),
        int(counts[true].sum()),
        tuple(mistakes.order(answers, rows).tolist()),
    )


def overfits(table: pd.DataFrame) -> Overfit | None:
    """Where a run's folds begin to overfit, by their loss; None where they do not.

    table: fold, epoch, split and loss of every epoch of the folds in question, as Run.all_metrics gives them.
    """
    curves = []
    for _, of_fold in table.sort_values("epoch").groupby("fold"):
        train, validation = (of_fold[of_fold["split"] == split] for split in ("train", "validation"))
        epochs = validation["epoch"].to_numpy(int)
        curves.append((epochs, train["loss"].to_numpy(float), validation["loss"].to_numpy(float)))
    return overfit(curves)
