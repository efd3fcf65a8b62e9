"""torch's one generator, of all threads of a process: who draws from it as a seed says has it alone meanwhile.

Of two threads beside each other, as two sessions of a lab are, each would else go on with what the other one seeded.
"""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Iterator

import torch

_alone = threading.Lock()  # taken last: within it nothing else is waited for


@contextlib.contextmanager
def generator_alone() -> Iterator[None]:
    """Nobody else here draws from torch's global generator until the block ends; it is then as it was before."""
    with _alone, torch.random.fork_rng(devices=[]):
        yield


@contextlib.contextmanager
def seeded(seed: int) -> Iterator[None]:
    """What is drawn on the CPU in the block is a function of the seed, and leaves the global generator alone."""
    with generator_alone():
        torch.manual_seed(seed)
        yield
