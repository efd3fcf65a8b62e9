"""A backbone that no step changes: what it sees of a photo is computed once, where nothing random comes before it.

Its batch normalisation keeps the means that it has (`frozen_norm`), so that what it sees of a photo depends on that
photo alone. Only the head is trained.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import torch
from torch import nn

from core.augment.pipeline import split_pipeline
from core.config import RunConfig
from core.network.room import MOST_FEATURES
from core.training.batches import split_batches

if TYPE_CHECKING:
    from core.training.fold_trainer import FoldTrainer

MOST = MOST_FEATURES


class FrozenBackbone:
    """seen: (n, features) of each sample that is trained on, by its row, in the training's precision; None before."""

    def __init__(self, config: RunConfig, model: nn.Module):
        self._once = config.mix.method == "none" and all(t.deterministic for t in split_pipeline(config.transforms)[1])
        self._width = next(module.in_features for module in model.fc.modules() if isinstance(module, nn.Linear))
        self.seen: torch.Tensor | None = None
        self._held_out: list[torch.Tensor] | None = None

    def logits(self, trainer: FoldTrainer) -> Iterator[torch.Tensor]:
        """(b, classes) of each batch of the held-out fold, which nothing random comes before in any case."""
        model, seen = trainer.model, []
        if self._held_out is not None:
            yield from map(model.fc, self._held_out)
            return
        for images in trainer.val_loader.epoch(0, trainer.val_batches):
            with without_head(model):
                seen.append(model(trainer.prepare(images)))
            yield model.fc(seen[-1])
        if 4 * len(trainer.val_rows) * self._width <= MOST:
            self._held_out = seen

    def look(self, trainer: FoldTrainer, should_stop: Callable[[], bool]) -> bool:
        """Compute what is computed once, if it was not yet. False where should_stop() said so.

        Photos go through in the order of the samples, so that a resume sees the same to the bit.
        """
        rows, device = trainer.train_rows, trainer.device
        if not self._once or self.seen is not None or 4 * len(trainer.samples) * self._width > MOST:
            return True
        batches = split_batches(rows, 2 * trainer.config.training.batch_size)
        seen = None
        with torch.no_grad(), without_head(trainer.model), trainer.autocast():
            for batch, images in zip(batches, trainer.val_loader.epoch(0, batches), strict=True):
                features = trainer.model(trainer.prepare(images))
                if seen is None:
                    seen = torch.zeros(len(trainer.samples), features.shape[1], dtype=features.dtype, device=device)
                seen[torch.from_numpy(batch).to(device)] = features
                if should_stop():
                    return False
        self.seen = seen
        return True


@contextlib.contextmanager
def without_head(model: nn.Module) -> Iterator[None]:
    """The network gives what its head would take."""
    head, model.fc = model.fc, nn.Identity()
    try:
        yield
    finally:
        model.fc = head
