"""The weights that files of these tests hold."""

import pytest
import torch
import torchvision


@pytest.fixture(scope="session")
def donor_of():
    """Of a ResNet-18 with 1000 classes, made by torchvision alone, with statistics that no new network has."""

    def weights():
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(99)
            network = torchvision.models.resnet18(num_classes=1000)
            for name, buffer in network.named_buffers():
                buffer.copy_(torch.rand(buffer.shape) * 3 if "running" in name else torch.tensor(7))
        return network.state_dict()

    return weights


@pytest.fixture(scope="module")
def donor(donor_of):
    return donor_of()
