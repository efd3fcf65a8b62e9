"""How much room a run's networks take on the disk, told before they are there. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass

from core.config import RunConfig

MILLIONS = {18: 11.2, 34: 21.3, 50: 23.5, 101: 42.5, 152: 58.2}  # parameters without the head, torchvision
FLOAT = 4  # bytes
MOST_FEATURES = 1 << 31  # bytes of what a frozen backbone sees that are held; of more photos each epoch looks anew


def holds_features(depth: int, photos: int) -> bool:
    """Whether what a frozen backbone sees of so many photos is held; from 50 layers on it is four times as much."""
    return photos * (512 if depth < 50 else 2048) * FLOAT <= MOST_FEATURES


@dataclass(frozen=True)
class FoldBytes:
    """weights: of one network. kept: best and final weights, which stay. training: what comes on top while it trains:
    the resume point, with the optimizer's moments, and the next one and the next weights, written beside those in use.
    """

    weights: int
    kept: int
    training: int


def of_fold(config: RunConfig) -> FoldBytes:
    """Of one fold job; what its photos' answers and curves take is small beside it."""
    weights = int(MILLIONS[config.model.depth] * 1e6 * FLOAT)
    moments = max(1 if phase.optimizer == "sgd" else 2 for phase in config.phases)  # as torch's optimizers keep them
    point = weights * (1 + moments)
    return FoldBytes(weights, 2 * weights, 2 * point + weights)
