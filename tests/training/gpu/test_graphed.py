"""A step is recorded only where the GPU has room for it, and for those that run as they are beside it."""

import contextlib
from types import SimpleNamespace

import pytest
import torch

from core.training.gpu import graphed

GIB = 1 << 30


class Stream:
    def __init__(self, device=None):
        self.waited = []

    def wait_stream(self, other):
        self.waited.append(other)


class Repeated:
    """In place of a CUDA graph."""

    def pool(self):
        return 1, 0

    def replay(self):
        pass


@pytest.fixture
def memory(monkeypatch):
    """Bytes that a GPU tells of itself; what is to run there runs here."""
    says = SimpleNamespace(free=0, held=0, most=0)
    here = {
        "Stream": Stream,
        "current_stream": Stream,
        "stream": contextlib.nullcontext,
        "graph": lambda *recording, **options: contextlib.nullcontext(),
        "CUDAGraph": Repeated,
        "synchronize": lambda device: None,
        "empty_cache": lambda: None,
        "mem_get_info": lambda device: (says.free, 80 * GIB),
        "memory_allocated": lambda device: says.held,
        "max_memory_allocated": lambda device: says.most,
    }
    for name, instead in here.items():
        monkeypatch.setattr(torch.cuda, name, instead)
    return says


# What has to be free for a step that takes 1 GiB: as much for its record and for an eager step, with a quarter to spare
@pytest.mark.parametrize(
    ("most", "held", "free", "sharing", "records"),
    [
        (1, 0, 1.5, 1, False),  # the record would fit, and the first batch of another shape would not
        (1, 0, 2.4, 1, False),
        (1, 0, 2.6, 1, True),
        (10, 9, 2.4, 1, False),
        (10, 9, 2.6, 1, True),  # weights and photos are there already, and are not held twice
        (1, 0, 7.4, 3, False),  # two others may want as much
        (1, 0, 7.6, 3, True),
    ],
)
def test_a_step_is_recorded_where_another_fits_beside_it(memory, most, held, free, sharing, records):
    memory.most, memory.held, memory.free = int(most * GIB), int(held * GIB), int(free * GIB)
    weight = torch.zeros(1)

    def step(inputs, targets):
        return (inputs + targets,)

    repeated = graphed.Graphed(step, torch.optim.SGD([weight], 0.1), torch.device("cuda", 0), sharing)
    for _ in range(graphed.BEFORE + 2):
        repeated(torch.ones(2), torch.ones(2))
    assert bool(repeated.recorded) is records
