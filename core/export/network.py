"""A fold's network as ONNX: uint8 photos in, probabilities out, with normalisation, temperature and softmax inside."""

from __future__ import annotations

import contextlib
import logging
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path

import onnx
import onnx.helper
import onnx.numpy_helper
import torch
from torch import nn

from core.augment.pipeline import normalization
from core.errors import LabError, memory_in_words, out_of_memory
from core.inside.fold_models import FoldModel
from core.network.drawing import generator_alone
from core.network.weights_file import COUNTER
from core.runs.yes_no.view import attributes

FEWER = "Wait until nothing trains here, then package the run again."
OPSET = 18  # onnxruntime from 1.14 on reads it
INPUT, OUTPUT = "photos", "probabilities"


class Answering(nn.Module):
    """uint8 (n, H, W, 3) -> float32 (n, classes) probabilities. mean, std: on a 0..1 scale, as Normalize has them.

    A joint head gives logits, a factored one log-probabilities: the softmax of either, over the temperature. One that
    tells attributes one by one gives a logit an attribute: probabilities of yes, (n, attributes).
    """

    def __init__(
        self, network: nn.Module, mean: Sequence[float], std: Sequence[float], temperature: float, one_by_one: bool
    ):
        super().__init__()
        self.one_by_one = one_by_one
        self.network = network
        self.register_buffer("photo_mean", torch.tensor(mean) * 255)
        self.register_buffer("photo_std", torch.tensor(std) * 255)
        self.register_buffer("temperature", torch.tensor([temperature], dtype=torch.float32))

    def forward(self, photos: torch.Tensor) -> torch.Tensor:
        pixels = (photos.float() - self.photo_mean) / self.photo_std  # as core.training.batches.to_network
        logits = self.network(pixels.permute(0, 3, 1, 2)) / self.temperature
        return logits.sigmoid() if self.one_by_one else logits.softmax(1)


def answering(opened: FoldModel, temperature: float) -> Answering:
    """The fold's network from uint8 photos to probabilities."""
    mean, std = normalization(opened.config.transforms)
    return Answering(opened.model, mean, std, temperature, bool(attributes(opened.run))).eval()


@memory_in_words("a network as ONNX", FEWER)
def graph_of(opened: FoldModel) -> onnx.ModelProto:
    """A run's network for any number of photos of its size, with the weights of one fold.

    opened: on the CPU. Raises LabError(kind 'onnx') where it cannot be written as ONNX.
    """
    height, width = opened.config.input_size
    example = torch.zeros((2, height, width, 3), dtype=torch.uint8)
    try:
        with torch.inference_mode(False), torch.no_grad(), exporting():
            program = torch.onnx.export(
                answering(opened, 1.0),
                (example,),
                dynamo=True,
                external_data=False,
                input_names=[INPUT],
                output_names=[OUTPUT],
                dynamic_shapes={INPUT: {0: torch.export.Dim("batch")}},
                opset_version=OPSET,
                optimize=False,  # else weights are computed into each other, and another fold's cannot take their place
                verbose=False,
            )
        assert program is not None  # with dynamo=True there is one
        model = program.model_proto
    except (LabError, OSError, MemoryError):
        raise
    except Exception as error:  # the exporter has types of its own for each of its stages
        if out_of_memory(error):
            raise
        raise _no_onnx(opened, str(error)) from error
    _leave_out_zero_biases(model)
    _forget_traces(model)
    return model


@memory_in_words("a network as ONNX", FEWER)
def write_onnx(
    graph: onnx.ModelProto, opened: FoldModel, path: Path, temperature: float, about: dict[str, str]
) -> None:
    """Write a run's graph with the weights of a fold of it. about: metadata that the file carries.

    Raises LabError(kind 'onnx') where the graph is of another network; OSErrors pass.
    """
    state = answering(opened, temperature).state_dict()
    state = {name: value for name, value in state.items() if not name.endswith(COUNTER)}
    places = {tensor.name: tensor for tensor in graph.graph.initializer}
    for name, value in state.items():
        array = value.detach().cpu().contiguous().numpy()
        if name not in places or list(places[name].dims) != list(array.shape):
            raise _no_onnx(opened, f"its graph has no place for {name}")
        places[name].CopyFrom(onnx.numpy_helper.from_array(array, name))
    del graph.metadata_props[:]
    onnx.helper.set_model_props(graph, about)
    onnx.save(graph, str(path))


def _no_onnx(opened: FoldModel, why: str) -> LabError:
    return LabError(
        f"{opened.run.id}, fold {opened.fold}: the network cannot be written as ONNX ({why}).",
        "Take its weights (best.safetensors in the run's folder) instead.",
        kind="onnx",
    )


def _leave_out_zero_biases(model: onnx.ModelProto) -> None:
    """Convolutions without a bias are written with one, of zeros computed from the input: onnxruntime then cannot fold
    the batch norm behind them into their weights, and what answers takes longer."""
    graph = model.graph
    made_by = {output: node for node in graph.node for output in node.output}

    def is_zero(name: str) -> bool:
        node = made_by.get(name)
        if node is not None and node.op_type in ("Expand", "CastLike", "Cast"):
            return is_zero(node.input[0])
        value = next((a.t for a in node.attribute if a.name == "value"), None) if node is not None else None
        return value is not None and not onnx.numpy_helper.to_array(value).any()

    for node in graph.node:
        if node.op_type == "Conv" and len(node.input) > 2 and is_zero(node.input[2]):
            del node.input[2]
    ends = {output.name for output in graph.output}
    while True:
        used = ends.union(*(node.input for node in graph.node))
        idle = [node for node in graph.node if not used.intersection(node.output)]
        if not idle:
            break
        for node in idle:
            graph.node.remove(node)
    named = {name for node in graph.node for name in node.output}
    for value in [value for value in graph.value_info if value.name not in named]:
        graph.value_info.remove(value)


def _forget_traces(model: onnx.ModelProto) -> None:
    """Leave out where in the source each node came from: places of this machine that say nothing elsewhere."""
    graph = model.graph
    for part in (model, graph, *graph.node, *graph.input, *graph.output, *graph.value_info, *graph.initializer):
        del part.metadata_props[:]
    for node in graph.node:
        node.doc_string = ""


@contextlib.contextmanager
def exporting() -> Iterator[None]:
    """Torch's exporter for this thread alone, and what it tells left out.

    While it looks at a network it changes torch's modules for all threads, and puts their one generator back to where
    it found it: of two beside each other one fails and torch stays changed, and weights drawn meanwhile are others.
    It tells of its stages and of what other libraries mark as outdated; nobody here can act on it.
    """
    logger = logging.getLogger("torch.onnx")
    with generator_alone():  # a fold's network is opened before, never within
        level = logger.level
        logger.setLevel(logging.ERROR)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                yield
        finally:
            logger.setLevel(level)
