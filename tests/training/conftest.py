"""What tests of the trainer share: one thread, so that sums come in one order, and a network of milliseconds."""

import pytest
import torch
import torchvision

from tests.workers import SmallNet


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
    torch.use_deterministic_algorithms(False)


@pytest.fixture
def network(monkeypatch):
    """A network that trains in milliseconds; the ResNet itself is trained in test_faults.py."""
    monkeypatch.setattr(torchvision.models, "resnet18", SmallNet)
