"""One network for all attributes: a head that reads each attribute apart and answers for their combination."""

from __future__ import annotations

import numpy as np
import torch
from torch import nn


class FactoredHead(nn.Module):
    """One linear layer per attribute; a class's log-probability is the sum of its attributes' log-probabilities.

    sizes: values of each attribute. index: (classes, attributes) int, which value of each attribute a class has.
    Cross-entropy on its output is the sum of the attributes' cross-entropies, label smoothing included where the
    classes are the full product.
    """

    def __init__(self, features: int, sizes: list[int], index: np.ndarray):
        super().__init__()
        self.heads = nn.ModuleList(nn.Linear(features, size) for size in sizes)
        self.register_buffer("index", torch.as_tensor(index, dtype=torch.int64), persistent=False)

    def forward(self, features: torch.Tensor) -> torch.Tensor:
        """(b, features) -> (b, classes) log-probabilities, which softmax leaves as they are."""
        return self._summed([head(features).log_softmax(1) for head in self.heads])

    def evidence(self, features: torch.Tensor) -> torch.Tensor:
        """(b, features) -> (b, classes) what speaks for each class: the sum of its attributes' logits.

        It is what a joint head's logit is, and what maps explain. Its softmax over classes is that of `forward`, but
        its gradient does not fade where the head is sure: a log-probability's does, by one minus the probability.
        """
        return self._summed([head(features) for head in self.heads])

    def _summed(self, values: list[torch.Tensor]) -> torch.Tensor:
        """values: (b, size) of each attribute -> (b, classes)."""
        return torch.stack([value[:, self.index[:, i]] for i, value in enumerate(values)]).sum(0)
