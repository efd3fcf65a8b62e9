"""What a network costs: parameters, multiply-adds, speed, disk; and which runs are worth their cost.

Imports no torch until something has to be counted; counts are kept in runs/.lab/costs.json, since they never change.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np
import pandas as pd

from core import places
from core.compare.members import ComparedRun
from core.config import RunConfig
from core.data.tasks import class_parts
from core.errors import LabError
from core.runs.use import used
from core.runs.use import words as use_words
from core.runs.use.used import Record
from core.storage import files
from core.storage.files import GARBAGE


@dataclass(frozen=True)
class Size:
    """parameters: trained numbers. multiply_adds: of one image forward, convolutions and linear layers."""

    parameters: int
    multiply_adds: int


@dataclass(frozen=True)
class RunCost:
    """What one run cost on the machine it ran on; NaN where nothing was recorded.

    training_rate, validation_rate: images per second, median over epochs and folds; validation is forward only, with
    reading. epoch_seconds: training and validation of one epoch of one fold, mean. seconds: all folds together.
    checkpoint_bytes: one fold's best weights, mean. memory_bytes: the most that training a fold held, on the GPU or,
    on a CPU, in its process. device: as the run recorded it. use: how much of its machine it used, as runs.use.used
    describes it; {} where that was not kept.
    """

    size: Size
    training_rate: float
    validation_rate: float
    epoch_seconds: float
    seconds: float
    checkpoint_bytes: float
    memory_bytes: float
    device: str
    use: Record = field(default_factory=dict)


def size_of(config: RunConfig, class_names: Sequence[str], folder: Path) -> Size:
    """Parameters and multiply-adds of a configuration's network. folder: all runs, whose .lab keeps the counts.

    The first count of a network imports torch (seconds); it builds the network without memory (device meta).
    """
    height, width = config.input_size
    parts = class_parts(config.task, list(class_names)) if config.model.head == "factored" else None
    width_of_head = len(class_names) // 2 if config.task.one_by_one else len(class_names)
    key = f"resnet{config.model.depth} {height}x{width} {width_of_head} classes {config.model.head}"
    if parts:
        key += " " + "x".join(str(len({part[name] for part in parts})) for name in parts[0])
    path = places.lab_folder(folder) / "costs.json"
    try:
        counts = files.read_json(path)
        return Size(int(counts[key]["parameters"]), int(counts[key]["multiply_adds"]))
    except (OSError, *GARBAGE):
        pass
    outputs = tuple(len({part[name] for part in parts}) for name in parts[0]) if parts else (width_of_head,)
    size = _count(config.model.depth, height, width, outputs)
    with contextlib.suppress(OSError, LabError):  # a courtesy to the next page
        files.change_json(path, "costs.json", lambda content: files.table_of(content) | {key: vars(size)})
    return size


@lru_cache(maxsize=64)
def _count(depth: int, height: int, width: int, outputs: tuple[int, ...]) -> Size:
    """outputs: width of each linear layer of the head; a joint head has one.

    Source: torch.utils.flop_counter counts two operations a multiply-add.
    """
    import torch
    import torchvision
    from torch.utils.flop_counter import FlopCounterMode

    with torch.device("meta"), torch.no_grad():
        model = getattr(torchvision.models, f"resnet{depth}")(weights=None)
        features = model.fc.in_features
        model.fc = torch.nn.Linear(features, sum(outputs))  # heads side by side are one layer of their summed width
        with FlopCounterMode(display=False) as counter:
            model.eval()(torch.empty(1, 3, height, width))
    return Size(sum(p.numel() for p in model.parameters()), counter.get_total_flops() // 2)


def cost_of(member: ComparedRun, metrics: pd.DataFrame) -> RunCost:
    """metrics: every fold's lines with a `fold` column, as Run.all_metrics gives them."""
    rates = metrics.groupby("split")["images_per_second"].median() if len(metrics) else {}
    seconds = metrics.groupby(["fold", "epoch"])["seconds"].sum() if len(metrics) else pd.Series(dtype=float)
    weights = []
    for fold in member.done:
        with contextlib.suppress(OSError):
            weights.append(member.run.weights_file(fold, "best").stat().st_size)
    memory = member.info.get("peak_memory")
    return RunCost(
        size=size_of(member.config, member.class_names, member.run.dir.parent),
        training_rate=float(rates.get("train", math.nan)),
        validation_rate=float(rates.get("validation", math.nan)),
        epoch_seconds=float(seconds.mean()) if len(seconds) else math.nan,
        seconds=float(seconds.sum()) if len(seconds) else math.nan,
        checkpoint_bytes=float(np.mean(weights)) if weights else math.nan,
        memory_bytes=float(memory) if isinstance(memory, (int, float)) else math.nan,
        device=use_words.device(member.info.get("device")),
        use=used.of_run(member.info),
    )


def ratios(sizes: dict[str, Size], baseline: str) -> dict[str, float]:
    """Run id -> its multiply-adds per image over the baseline's."""
    return {run: size.multiply_adds / sizes[baseline].multiply_adds for run, size in sizes.items()}


def pareto_front(cost: Sequence[float], score: Sequence[float]) -> np.ndarray:
    """Which runs no other beats, shape (n,) bool: nobody costs at most as much and scores at least as well, one of the
    two strictly. A run without a finite cost or score is never on the front.
    """
    costs, scores = np.asarray(cost, dtype=float), np.asarray(score, dtype=float)
    finite = np.isfinite(costs) & np.isfinite(scores)
    no_worse = (costs[:, None] <= costs) & (scores[:, None] >= scores)  # [i, j]: i is at least as good as j in both
    better = (costs[:, None] < costs) | (scores[:, None] > scores)
    return finite & ~(no_worse & better & finite[:, None]).any(axis=0)
