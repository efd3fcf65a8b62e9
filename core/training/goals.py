"""What a network is asked about a photo, and all that follows from it: labels, loss, mixing, answers, scores.

Two kinds: one class of several, or yes or no to each of several attributes.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
import torch
from torch import nn

from core.config import RunConfig
from core.data.yes_no import pairs
from core.runs.yes_no import answers
from core.stats import metrics
from core.training.losses import Mixer, YesNoLoss, YesNoMixer, build_loss, yes_no_targets


class OneClass:
    """Each photo is of one class. labels: (n,) class of each sample. balance: (training rows,) their classes."""

    def __init__(self, config: RunConfig, samples: pd.DataFrame, class_names: list[str], train_rows: np.ndarray):
        self.class_names = class_names
        self.outputs = len(class_names)
        self.labels = torch.from_numpy(samples["y"].to_numpy(np.int64, copy=True))
        self.balance = samples["y"].to_numpy()[train_rows]
        counts = np.bincount(self.balance, minlength=len(class_names))
        self.criterion = build_loss(config.training, counts)
        self.mixer = Mixer(config.mix, len(class_names))

    def targets(self, labels: torch.Tensor) -> torch.Tensor:
        """What the loss takes for labels that are not mixed."""
        return labels

    def loss(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """Plain cross-entropy."""
        return nn.functional.cross_entropy(logits, targets)

    def judged(self, targets: torch.Tensor) -> torch.Tensor:
        """The label that an answer is held against: of a mixed image the class that has the larger share in it."""
        return targets.argmax(1) if targets.ndim == 2 else targets

    def answer(self, logits: torch.Tensor) -> torch.Tensor:
        return logits.argmax(1)

    def weight(self, labels: torch.Tensor) -> int | torch.Tensor:
        """Over how many answers the loss of a batch is the mean."""
        return len(labels)

    def confusion(self, labels: Sequence[torch.Tensor], answers: Sequence[torch.Tensor]) -> np.ndarray:
        """labels, answers: of each step."""
        true, predicted = torch.stack([torch.cat(list(labels)), torch.cat(list(answers))]).cpu().numpy()
        return metrics.confusion(true, predicted, len(self.class_names))

    def predictions(self, logits: torch.Tensor, labels: torch.Tensor, samples: np.ndarray) -> pd.DataFrame:
        """sample, label, predicted, loss (plain cross-entropy), p_<class>... logits: float64 (n, classes)."""
        loss = nn.functional.cross_entropy(logits, labels, reduction="none").cpu().numpy()
        probabilities = logits.softmax(1).cpu().numpy()
        names = np.asarray(self.class_names, dtype=object)
        frame = pd.DataFrame(
            {
                "sample": samples,
                "label": names[labels.cpu().numpy()],
                "predicted": names[probabilities.argmax(1)],
                "loss": loss,
            }
        )
        return pd.concat(
            [frame, pd.DataFrame(probabilities, columns=[f"p_{name}" for name in self.class_names])], axis=1
        )


class YesNo:
    """Yes or no to each attribute. labels: (n, attributes) int8, -1 where a photo does not tell it."""

    balance = None

    def __init__(self, config: RunConfig, samples: pd.DataFrame, train_rows: np.ndarray):
        self.attributes = pairs.attributes_of(samples)
        self.outputs = len(self.attributes)
        values = pairs.told(samples)
        self.labels = torch.from_numpy(values.copy())
        trained = values[train_rows]
        counts = np.stack([(trained == 0).sum(0), (trained == 1).sum(0)], axis=1)
        self.criterion = YesNoLoss(config.training, counts)
        self.mixer = YesNoMixer(config.mix, len(self.attributes))

    def targets(self, labels: torch.Tensor) -> torch.Tensor:
        return yes_no_targets(labels)

    def loss(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        shares, is_told = targets.chunk(2, 1)
        each = nn.functional.binary_cross_entropy_with_logits(logits, shares, weight=is_told, reduction="sum")
        return each / is_told.sum().clamp(min=1)

    def judged(self, targets: torch.Tensor) -> torch.Tensor:
        shares, is_told = targets.chunk(2, 1)
        return torch.where(is_told > 0, (shares > 0.5).to(torch.int8), pairs.UNTOLD)

    def answer(self, logits: torch.Tensor) -> torch.Tensor:
        return (logits > 0).to(torch.int8)

    def weight(self, labels: torch.Tensor) -> int | torch.Tensor:
        return (labels >= 0).sum()

    def confusion(self, labels: Sequence[torch.Tensor], answers: Sequence[torch.Tensor]) -> np.ndarray:
        """labels, answers: of each step."""
        true, predicted = torch.stack([torch.cat(list(labels)), torch.cat(list(answers))]).cpu().numpy()
        return metrics.confusion_of_pairs(true, predicted)

    def predictions(self, logits: torch.Tensor, labels: torch.Tensor, samples: np.ndarray) -> pd.DataFrame:
        """As core/runs/yes_no/answers.py describes them. logits: float64 (n, attributes)."""
        return answers.of_logits(samples, self.attributes, labels.cpu().numpy(), logits.cpu().numpy())


def goal_of(
    config: RunConfig, samples: pd.DataFrame, class_names: list[str], train_rows: np.ndarray
) -> OneClass | YesNo:
    if config.task.one_by_one:
        return YesNo(config, samples, train_rows)
    return OneClass(config, samples, class_names, train_rows)
