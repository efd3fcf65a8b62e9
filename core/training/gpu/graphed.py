"""A training step as a CUDA graph: recorded once, then repeated by the GPU without Python.

A ResNet's step is some hundred small kernels. A processor launches them one by one and is often slower at that than the
GPU at working through them; a graph is launched as one. It runs the same kernels on the same numbers, so that an epoch
ends with the same bits whether its steps were repeated or not, and a resume is exact.
Source: torch.cuda.CUDAGraph.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any

import torch

Step = Callable[[torch.Tensor, torch.Tensor], tuple[torch.Tensor, ...]]
BEFORE = 3  # steps of a shape that run as they are, in which libraries choose their kernels and take their memory
ROOM = 1.25  # times the memory that has to be free: what steps took so far is no promise for those to come


class Graphed:
    """step(inputs, targets) -> tensors on the device, which are read before the next step begins.

    Steps of one shape are recorded after a few, where the GPU has room for that; all others run as they are.
    sharing: fold jobs that train on this GPU at a time, each of which may want such room.
    """

    def __init__(self, step: Step, optimizer: torch.optim.Optimizer, device: torch.device, sharing: int = 1):
        self.step, self.optimizer, self.device, self.sharing = step, optimizer, device, sharing
        self.stream = torch.cuda.Stream(device)
        self.recorded: dict[Any, tuple[torch.cuda.CUDAGraph, torch.Tensor, torch.Tensor, tuple[torch.Tensor, ...]]] = {}
        self._seen: dict[Any, int] = {}
        self._pool: Any = None
        self._most = 0  # bytes that tensors held in the steps that ran as they are
        self._records = True

    def __call__(self, inputs: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, ...]:
        shape = inputs.shape, targets.shape, targets.dtype
        if shape not in self.recorded and not self._record(shape, inputs, targets):
            return self._on_its_stream(inputs, targets)
        graph, held_inputs, held_targets, outputs = self.recorded[shape]
        held_inputs.copy_(inputs)
        held_targets.copy_(targets)
        graph.replay()
        return outputs

    def _on_its_stream(self, inputs: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, ...]:
        """Where it is recorded later, as torch wants it."""
        now = torch.cuda.current_stream(self.device)
        self.stream.wait_stream(now)
        with torch.cuda.stream(self.stream):
            outputs = self.step(inputs, targets)
        now.wait_stream(self.stream)
        self._most = max(self._most, torch.cuda.max_memory_allocated(self.device))
        return outputs

    def _has_room(self) -> bool:
        """Whether what a step takes is free twice: a recorded one keeps its own, and beside it others run as they are,
        such as a last batch of another shape or the look at the held-out fold. Each other fold job on this GPU has to
        find all that it holds, twice as well.
        """
        takes = self._most - torch.cuda.memory_allocated(self.device)  # weights and photos are there already
        needed = ROOM * 2 * (takes + (self.sharing - 1) * self._most)
        return torch.cuda.mem_get_info(self.device)[0] >= needed

    def _record(self, shape: Any, inputs: torch.Tensor, targets: torch.Tensor) -> bool:
        """Whether this step, too, can be repeated from now on."""
        self._seen[shape] = self._seen.get(shape, 0) + 1
        if not self._records or self._seen[shape] <= BEFORE:
            return False
        self.optimizer.zero_grad(set_to_none=True)
        torch.cuda.synchronize(self.device)
        torch.cuda.empty_cache()
        if not self._has_room():
            self._records = False
            return False
        held = inputs.clone(), targets.clone()
        graph = torch.cuda.CUDAGraph()
        groups = [group for group in self.optimizer.param_groups if "capturable" in group]
        for group in groups:
            group["capturable"] = True  # all of its state is on the GPU, as its fused kernels want it
        try:
            # Of this thread alone: others pin memory and ask for what has arrived meanwhile.
            with torch.cuda.graph(graph, self._pool, self.stream, capture_error_mode="thread_local"):
                outputs = self.step(*held)
        except torch.cuda.OutOfMemoryError:
            self._records = False
            torch.cuda.empty_cache()
            return False
        except RuntimeError as error:
            self._records = False
            sentence = f"steps are launched one by one: a CUDA graph of them was refused ({error})"
            print(sentence, file=sys.stderr, flush=True)
            return False
        finally:
            for group in groups:
                group["capturable"] = False
        self._pool = graph.pool()
        self.recorded[shape] = graph, *held, outputs
        return True
