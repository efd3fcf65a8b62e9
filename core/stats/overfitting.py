"""Where training goes on to learn its photos by heart: arrays in, an epoch out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

FEWEST = 5  # epochs below which nothing can be said
RISE = 0.1  # of the lowest validation loss: less is the noise of a curve
LAST = 0.2  # of the epochs: their mean is what the curve ends at


@dataclass(frozen=True)
class Overfit:
    """epoch: from 1, of the lowest validation loss, the middle one of the folds that overfit. rise: how far above
    its lowest value it ends, a share, mean over those folds. folds: how many overfit, of so many `of`.
    """

    epoch: int
    rise: float
    folds: int
    of: int


def overfit(curves: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]]) -> Overfit | None:
    """Whether most folds overfit, and from which epoch on.

    curves: (epochs, training loss, validation loss) of each fold, all of shape (n,), one value an epoch. epochs: their
    numbers, from 1; those that a phase which stopped early was spared are not among them.
    A fold overfits where its validation loss ends RISE above its lowest value while its training loss went on falling
    from there. It ends at the mean of the last LAST of its epochs. None unless more than half of the folds do.
    Source: early stopping's generalisation loss, Prechelt 1998, Early stopping, but when?, here against the end.
    """
    overfitted = [each for curve in curves if (each := _of_fold(*curve)) is not None]
    if 2 * len(overfitted) <= len(curves):
        return None
    epochs, rises = zip(*overfitted, strict=True)
    return Overfit(int(np.sort(epochs)[(len(epochs) - 1) // 2]), float(np.mean(rises)), len(overfitted), len(curves))


def _of_fold(epochs: np.ndarray, train: np.ndarray, validation: np.ndarray) -> tuple[int, float] | None:
    """(epoch of the lowest validation loss; its rise from there), None where the fold does not overfit."""
    if len(train) != len(validation) or len(validation) < FEWEST or not np.isfinite(validation).all():
        return None
    last = max(1, round(LAST * len(validation)))
    lowest = int(np.argmin(validation))
    end = float(validation[-last:].mean())
    low = float(validation[lowest])
    if low <= 0 or end / low - 1 < RISE or lowest >= len(validation) - last:
        return None
    if not float(train[-last:].mean()) < float(train[lowest]):
        return None
    return int(epochs[lowest]), end / low - 1
