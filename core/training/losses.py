"""What the training minimises, and how images and labels are mixed."""

from __future__ import annotations

import numpy as np
import torch
import torchvision
import torchvision.transforms.v2
from torch import nn

from core.config.run_config import MixConfig, TrainingConfig
from core.network.drawing import seeded


def class_weights(counts: np.ndarray) -> torch.Tensor:
    """Weight of every class, inverse to its share of the training samples, mean 1 over samples; shape (classes,).

    counts: (classes,) training samples of each class; an absent class gets the weight of a single sample.
    Source: scikit-learn's class_weight='balanced', which is the published King and Zeng 2001 heuristic.
    """
    counts = np.maximum(np.asarray(counts, dtype=float), 1)
    return torch.tensor(counts.sum() / (len(counts) * counts), dtype=torch.float32)


def focus(doubt: torch.Tensor, gamma: float) -> torch.Tensor:
    """doubt^gamma; doubt: 1 - p of each answer, of any shape.

    Below 1 a power has an infinite slope at 0, which is where a sure answer's p is 1 to the last bit, and its gradient
    would be 0 times infinity. So close to 0 the power is flat: of such an answer nothing is left to learn.
    """
    return doubt.clamp(min=torch.finfo(doubt.dtype).tiny).pow(gamma)


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
        return -(targets * focus(1 - log_p.exp(), self.gamma) * log_p).sum(1).mean()


class WeightedLoss(nn.Module):
    """Mean over samples of their cross-entropy, each with the weight of what it is labelled: sum_c t_c w_c, of a mixed
    one that of its shares. For index or probability targets.

    Label smoothing spreads a share of the target after that. Were each class of a target weighed, as torch.nn's
    CrossEntropyLoss does, the smoothing share of a rare class would outweigh a common label. Without smoothing and
    mixing both are one.
    """

    def __init__(self, weights: torch.Tensor, label_smoothing: float = 0.0):
        """weights: (classes,)."""
        super().__init__()
        self.register_buffer("weights", weights)
        self.label_smoothing = label_smoothing

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """logits (b, classes); targets (b,) int64 or (b, classes) probabilities."""
        if targets.ndim == 1 and not self.label_smoothing:
            return nn.functional.cross_entropy(logits, targets, self.weights)  # the bits that runs were begun with
        weights = self.weights[targets] if targets.ndim == 1 else (targets * self.weights).sum(1)
        each = nn.functional.cross_entropy(logits, targets, reduction="none", label_smoothing=self.label_smoothing)
        return (weights * each).sum() / weights.sum()


def build_loss(training: TrainingConfig, counts: np.ndarray) -> nn.Module:
    """logits (b, classes), targets (b,) or (b, classes) -> scalar. counts: training samples of each class."""
    if training.loss == "focal":
        return FocalLoss(training.focal_gamma, training.label_smoothing)
    if training.loss == "weighted":
        return WeightedLoss(class_weights(counts), training.label_smoothing)
    return nn.CrossEntropyLoss(label_smoothing=training.label_smoothing)


class YesNoLoss(nn.Module):
    """Binary cross-entropy, mean over all answers that are told; with focal factor or weights as the run says.

    Of each attribute it is what the loss of one class is of the two classes no and yes with the logits 0 and z: label
    smoothing gives half of its share to either, the focal factor is (1 - p)^gamma of the answer, and the weights of no
    and yes are `class_weights` of the two (their ratio is torch's pos_weight; the mean is over answers, as they are),
    by which an answer is weighed before its target is smoothed: see WeightedLoss.
    Source: torch.nn.BCEWithLogitsLoss; Lin et al. 2017 in its sigmoid form.
    """

    def __init__(self, training: TrainingConfig, counts: np.ndarray):
        """counts: (attributes, 2), training photos that are no and yes."""
        super().__init__()
        self.gamma = training.focal_gamma if training.loss == "focal" else 0.0
        self.label_smoothing = training.label_smoothing
        self.is_weighted = training.loss == "weighted"
        weights = torch.ones(counts.shape)
        if self.is_weighted:
            weights = torch.stack([class_weights(of_one) for of_one in counts])
        self.register_buffer("no", weights[:, 0].clone())
        self.register_buffer("yes", weights[:, 1].clone())

    def forward(self, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        """logits (b, k); targets (b, 2 k): shares of yes, then whether each is told (1 or 0)."""
        shares, is_told = targets.chunk(2, 1)
        weights = is_told * (self.yes * shares + self.no * (1 - shares)) if self.is_weighted else is_told
        shares = shares * (1 - self.label_smoothing) + self.label_smoothing / 2
        log_yes, log_no = nn.functional.logsigmoid(logits), nn.functional.logsigmoid(-logits)
        yes, no = -shares * log_yes, -(1 - shares) * log_no
        if self.gamma:
            yes, no = yes * focus(log_no.exp(), self.gamma), no * focus(log_yes.exp(), self.gamma)
        return ((yes + no) * weights).sum() / is_told.sum().clamp(min=1)


def yes_no_targets(labels: torch.Tensor) -> torch.Tensor:
    """(b, k) of 1 yes, 0 no, -1 not told -> (b, 2 k) float32: shares of yes, then whether each is told."""
    return torch.cat([labels == 1, labels >= 0], 1).float()


class Mixer:
    """Mix-up and CutMix on a batch; every draw comes from the seed that is passed in.

    Source: torchvision.transforms.v2.MixUp, CutMix (Zhang et al. 2018, Yun et al. 2019).
    """

    def __init__(self, mix: MixConfig, classes: int):
        v2 = torchvision.transforms.v2
        kinds = {"mixup": [v2.MixUp], "cutmix": [v2.CutMix], "both": [v2.MixUp, v2.CutMix], "none": []}[mix.method]
        self.kinds = [kind(alpha=mix.alpha, num_classes=classes) for kind in kinds]
        self.probability = mix.probability

    def __call__(self, images: torch.Tensor, labels: torch.Tensor, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
        """images (b, 3, H, W), labels (b,) -> the same shape of images, labels (b,) or mixed labels (b, classes)."""
        if not self.kinds:
            return images, labels
        with seeded(seed):
            if torch.rand(()) >= self.probability:
                return images, labels
            kind = self.kinds[int(torch.randint(len(self.kinds), ()))]
            return kind(images, labels)


class YesNoMixer(Mixer):
    """The same of photos with an answer to each attribute; what one of the two photos does not tell stays untold."""

    def __init__(self, mix: MixConfig, attributes: int):
        super().__init__(mix, 2 * attributes)

    def __call__(self, images: torch.Tensor, labels: torch.Tensor, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
        """images (b, 3, H, W), labels (b, k) of 1, 0 and -1 -> images, targets (b, 2 k) as YesNoLoss takes them."""
        images, targets = super().__call__(images, yes_no_targets(labels), seed)
        shares, is_told = targets.chunk(2, 1)
        return images, torch.cat([shares, (is_told > 1 - 1e-6).float()], 1)
