"""One batch as the trainer is fed it: the same order, draws and mixing as core/training/train.py, for a screen."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd
import torch

from core.augment.pipeline import step_seed
from core.config import RunConfig
from core.data.pictures.photo import photos_of
from core.data.yes_no import pairs
from core.errors import LabError, memory_in_words
from core.training.batches import AugmentedBatches, Source, epoch_order, repeats, split_batches
from core.training.losses import Mixer, YesNoMixer

NAMED = 6  # attributes that a photo's words list


@dataclass(frozen=True)
class BatchView:
    """images: uint8 (b, H, W, 3), mixed where the batch is. rows: (b,) rows of the samples table.

    labels: (b,) class of each photo. targets: (b, classes) shares that sum to 1. mixed: whether this batch was. Of
    attributes that are told one by one labels are (b, attributes), 1, 0 or -1 (not told), and targets (b, attributes)
    shares of yes, NaN where it is not told.
    step, steps: 0-based place in the epoch and its length.
    """

    images: np.ndarray
    rows: np.ndarray
    labels: np.ndarray
    targets: np.ndarray
    mixed: bool
    step: int
    steps: int


@memory_in_words("batch", "Choose a smaller batch or smaller images, or wait until nothing trains here.")
def batch(
    config: RunConfig, samples: pd.DataFrame, classes: int, *, fold: int, epoch: int, step: int, limit: int = 64
) -> BatchView:
    """What step `step` of an epoch of a fold is fed.

    samples: the frozen table (y, or what is told of attributes; fold, path). limit: with no mixing only that many
    photos are decoded. Raises LabError for a photo that cannot be read or a step past the end.
    """
    one_by_one, training = bool(pairs.attributes_of(samples)), config.training
    labels = pairs.told(samples) if one_by_one else samples["y"].to_numpy(np.int64)
    rows = np.flatnonzero(samples["fold"] != fold)
    balance = labels[rows] if training.sampling == "balanced" and not one_by_one else None  # as core/training/goals.py
    order = epoch_order(rows, training.seed, fold, epoch, balance)
    batches = split_batches(order, training.batch_size)
    if not 0 <= step < len(batches):
        raise LabError(f"step {step + 1}: an epoch has {len(batches)} steps.", "Choose a smaller step.", "step")
    places = np.cumsum([0, *(len(one) for one in batches)])
    again = repeats(order)[places[step] : places[step + 1]]
    chosen = batches[step]
    if config.mix.method == "none":
        chosen, again = chosen[:limit], again[:limit]
    source = Source(photos_of(samples), None, config.transforms)
    images = AugmentedBatches(source, training.seed, fold, "train")[epoch, chosen, again]
    given = torch.from_numpy(labels[chosen])
    seed = step_seed(training.seed, fold, epoch, step)
    # Mixing is linear, so that mixing before normalisation shows what training mixes after it.
    pixels = images.permute(0, 3, 1, 2).float()
    if one_by_one:
        mixed, targets = YesNoMixer(config.mix, labels.shape[1])(pixels, given, seed)
        yes, is_told = targets.chunk(2, 1)
        was_mixed, shares = mixed is not pixels, torch.where(is_told > 0, yes, torch.nan)
    else:
        mixed, targets = Mixer(config.mix, classes)(pixels, given, seed)
        was_mixed = targets.ndim == 2
        shares = targets if was_mixed else torch.nn.functional.one_hot(given, classes).float()
    pictures = mixed[:limit].round().clamp(0, 255).to(torch.uint8).permute(0, 2, 3, 1).contiguous().numpy()
    cut = slice(0, limit)
    return BatchView(pictures, chosen[cut], labels[chosen][cut], shares[cut].numpy(), was_mixed, step, len(batches))


def yes_in_words(target: np.ndarray, names: Sequence[str]) -> str:
    """A row of targets of attributes that are told one by one as `Smiling, Young 70 %`; "none" where none is yes."""
    yes = [f"{names[i]} {target[i]:.0%}" if target[i] < 0.995 else names[i] for i in np.flatnonzero(target > 0.005)]
    return ", ".join(yes[:NAMED]) + (f" and {len(yes) - NAMED} more" if len(yes) > NAMED else "") or "none"


def shares_in_words(target: np.ndarray, names: Sequence[str]) -> str:
    """A row of targets as `female <30 70 %, male 30-59 30 %`."""
    order = [i for i in np.argsort(-target, kind="stable") if target[i] > 0.005]
    if len(order) == 1:
        return names[order[0]]
    return ", ".join(f"{names[i]} {target[i]:.0%}" for i in order)
