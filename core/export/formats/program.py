"""A fold's network as a program of torch.export (.pt2): what the ONNX file takes and gives, for torch alone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch

from core.errors import LabError, memory_in_words, out_of_memory
from core.export.network import FEWER, INPUT, answering, exporting
from core.inside.fold_models import FoldModel


@memory_in_words("a network as a program", FEWER)
def program_of(opened: FoldModel) -> torch.export.ExportedProgram:
    """A run's network for any number of photos of its size, with the weights of one fold.

    opened: on the CPU. Raises LabError(kind 'pt2') where torch cannot write it.
    """
    height, width = opened.config.input_size
    example = torch.zeros((2, height, width, 3), dtype=torch.uint8)
    try:
        with torch.inference_mode(False), torch.no_grad(), exporting():
            program = torch.export.export(
                answering(opened, 1.0), (example,), dynamic_shapes={INPUT: {0: torch.export.Dim("batch")}}
            )
    except (LabError, OSError, MemoryError):
        raise
    except Exception as error:  # the exporter has types of its own for each of its stages
        if out_of_memory(error):
            raise
        raise _no_program(opened, str(error)) from error
    for node in program.graph.nodes:  # where in the source it came from: places of this machine
        node.meta.pop("stack_trace", None)
    return program


@memory_in_words("a network as a program", FEWER)
def write_program(
    program: torch.export.ExportedProgram, opened: FoldModel, path: Path, temperature: float, about: dict[str, str]
) -> None:
    """Write a run's program with the weights of a fold of it. about: files that it carries beside them.

    Raises LabError(kind 'pt2') where the program is of another network; OSErrors pass.
    """
    state, places = answering(opened, temperature).state_dict(), program.state_dict
    if {name: value.shape for name, value in state.items()} != {name: value.shape for name, value in places.items()}:
        raise _no_program(opened, "the program is of another network")
    for name, value in state.items():  # put in place, not copied over: the network that was exported lives on
        is_parameter = isinstance(places[name], torch.nn.Parameter)
        places[name] = torch.nn.Parameter(value, requires_grad=False) if is_parameter else value
    with exporting():
        torch.export.save(program, path, extra_files=about)


def opened_program(path: Path) -> Callable[[np.ndarray], np.ndarray]:
    """uint8 (n, H, W, 3) -> float32 (n, classes), as whoever has torch alone opens it."""
    network = torch.export.load(path).module()

    def ask(photos: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return network(torch.from_numpy(photos)).numpy()

    return ask


def _no_program(opened: FoldModel, why: str) -> LabError:
    return LabError(
        f"{opened.run.id}, fold {opened.fold}: torch cannot write the network as a program ({why}).",
        "Package the run without .pt2.",
        kind="pt2",
    )
