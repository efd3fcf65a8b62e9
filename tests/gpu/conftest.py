"""What only a GPU can show. Without one these tests are left out, and the end of the report says so aloud."""

import pytest
import torch
import torchvision

from core.training import resident
from tests.workers import SmallNet, with_changes

WITHOUT = "no CUDA GPU here: nothing below tests/gpu was tested"


def pytest_collection_modifyitems(config, items):
    here = [item for item in items if "tests/gpu/" in item.nodeid]
    if here and not torch.cuda.is_available():
        for item in here:
            item.add_marker(pytest.mark.skip(reason=WITHOUT))
        config.stash[LEFT_OUT] = len(here)


LEFT_OUT = pytest.StashKey[int]()


def pytest_terminal_summary(terminalreporter, config):
    if count := config.stash.get(LEFT_OUT, 0):
        terminalreporter.section(f"{WITHOUT} ({count} tests)", sep="!", yellow=True)


@pytest.fixture
def gpu():
    yield torch.device("cuda", 0)
    torch.cuda.set_sync_debug_mode("default")
    torch.use_deterministic_algorithms(False)
    resident._held = None


@pytest.fixture
def plan(tiny_plan):
    return with_changes(tiny_plan, training__device="cuda")


@pytest.fixture
def network(monkeypatch):
    monkeypatch.setattr(torchvision.models, "resnet18", SmallNet)
