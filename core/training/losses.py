"""What the training minimises, and how images and labels are mixed."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn
from torchvision.transforms import v2

from core.config.run_config import MixConfig, TrainingConfig


def class_weights(counts: np.ndarray) -> torch.Tensor:
    """Weight of every class, inverse to its share of the training samples, mean 1 over samples; shape (classes,).

    counts: (classes,) training samples of each class; an absent class gets the weight of a single sample.
    Source: scikit-learn's class_weight='balanced', which is the published King and Zeng 2001 heuristic.
    """
    counts = np.maximum(np.asarray(counts, dtype=float), 1)
    return torch.tensor(counts.sum() / (len(counts) * counts), dtype=torch.float32)


class FocalLoss(nn.Module):
    """mean over samples of sum_c t_c (1 - p_c)^gamma (-log p_c), for index or probability targets.

    Source: Lin et al. 2017, Focal loss for dense object detection, in its softmax form; gamma 0 is cross-entropy.
    """

    def __init__(self, gamma: float, label_smoothing: float = 0.0):
        super().__init__()
        self.gamma, self.label_smoothing = gamma, label_smoothing

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """logits (b, classes); targets (b,) int64 or (b, classes) probabilities."""
        classes = logits.shape[1]
        if targets.ndim == 1:
            targets = nn.functional.one_hot(targets, classes).to(logits.dtype)
        targets = targets * (1 - self.label_smoothing) + self.label_smoothing / classes
        log_p = logits.log_softmax(1)
        return -(targets * (1 - log_p.exp()).pow(self.gamma) * log_p).sum(1).mean()


def build_loss(training: TrainingConfig, counts: np.ndarray) -> nn.Module:
    """logits (b, classes), targets (b,) or (b, classes) -> scalar. counts: training samples of each class."""
    if training.loss == "focal":
        return FocalLoss(training.focal_gamma, training.label_smoothing)
    weight = class_weights(counts) if training.loss == "weighted" else None
    return nn.CrossEntropyLoss(weight=weight, label_smoothing=training.label_smoothing)


class Mixer:
    """Mix-up and CutMix on a batch; every draw comes from the seed that is passed in.

    Source: torchvision.transforms.v2.MixUp, CutMix (Zhang et al. 2018, Yun et al. 2019).
    """

    def __init__(self, mix: MixConfig, classes: int):
        kinds = {"mixup": [v2.MixUp], "cutmix": [v2.CutMix], "both": [v2.MixUp, v2.CutMix], "none": []}[mix.method]
        self.kinds = [kind(alpha=mix.alpha, num_classes=classes) for kind in kinds]
        self.probability = mix.probability

    def __call__(self, images: torch.Tensor, labels: torch.Tensor, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
        """images (b, 3, H, W), labels (b,) -> the same shape of images, labels (b,) or mixed labels (b, classes)."""
        if not self.kinds:
            return images, labels
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            if torch.rand(()) >= self.probability:
                return images, labels
            kind = self.kinds[int(torch.randint(len(self.kinds), ()))]
            return kind(images, labels)
