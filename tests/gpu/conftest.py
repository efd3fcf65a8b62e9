"""What only a GPU can show. Without one these tests are left out, and the end of the report says so aloud."""

import pytest
import torch
import torchvision

from core.config import from_dict
from core.data.scan import scan
from core.plan.plan import make_plan
from core.training import resident
from core.training.gpu import drawers
from tests.conftest import TINY
from tests.fold_runs import draw_faces
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
    drawers.forget()


@pytest.fixture
def plan(tiny_plan):
    return with_changes(tiny_plan, training__device="cuda")


@pytest.fixture
def factored_plan(tmp_path):
    """A head for gender and one for age, of twelve photos."""
    config = {**TINY, "data": {"root": str(draw_faces(tmp_path / "utk")), "reader": "utkface"}}
    config |= {"task": {}, "model": {"init": "scratch", "head": "factored"}}
    config = from_dict(config)
    return make_plan(config, scan(config.data, threads=1))


@pytest.fixture
def network(monkeypatch):
    monkeypatch.setattr(torchvision.models, "resnet18", SmallNet)
