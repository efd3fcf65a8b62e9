"""What maps of all layers cost: `python -m bench.cam`. Prints each figure beside its goal.

bare     one forward and one backward pass of the same network, which wants no gradients of its weights; no map is made
ours     the maps of five layers, scaled to the picture, from one pass
library  the same maps by pytorch-grad-cam, a pass a layer

Rounds are interleaved, so that a busy moment of the machine hits all three; figures are medians.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np
import torch
from pytorch_grad_cam import GradCAM

from core import machine
from core.config import from_dict
from core.inside.cam import modules_of
from core.inside.fold_models import FoldModel
from core.inside.layers import LAYERS
from core.inside.maps import maps_of
from core.network.model import build_model
from core.runs import Run
from core.training.device import limit_threads

CLASSES = 6
MOST, LEAST = 1.15, 4.0  # goals: ours against bare, library against ours


def opened(depth: int) -> FoldModel:
    """A random network as fold_models opens it."""
    config = from_dict({"name": "bench", "data": {"root": "."}, "model": {"depth": depth, "init": "scratch"}})
    model, _ = build_model(config.model, CLASSES, 0)
    model.requires_grad_(False).eval()
    names = [str(i) for i in range(CLASSES)]
    return FoldModel(Run("bench"), 0, "best", model, names, config, torch.device("cpu"))


def ways(network: FoldModel, faces: torch.Tensor) -> dict[str, Callable[[], object]]:
    """The three ways, by name; each takes no argument. faces: float32 (n, 3, H, W)."""
    model = network.model

    def bare() -> None:
        logits = model(faces.clone().requires_grad_())
        logits.amax(1).sum().backward()

    def ours() -> np.ndarray:
        return maps_of(network, faces).maps

    def library() -> np.ndarray:
        maps = []
        for module in modules_of(model, LAYERS).values():
            with GradCAM(model, [module]) as cam:
                maps.append(cam(faces.clone().requires_grad_(), None))
        return np.stack(maps, 1)

    return {"bare": bare, "ours": ours, "library": library}


def measure(depth: int, faces: int, pixels: int, rounds: int) -> dict[str, float]:
    """Median seconds of each way."""
    generator = torch.Generator().manual_seed(0)
    pictures = torch.randn(faces, 3, pixels, pixels, generator=generator).to(memory_format=torch.channels_last)
    ways_by_name = ways(opened(depth), pictures)
    spent: dict[str, list[float]] = {name: [] for name in ways_by_name}
    for _ in range(rounds):
        answers = {}
        for name, make in ways_by_name.items():
            started = time.perf_counter()
            answers[name] = make()
            spent[name].append(time.perf_counter() - started)
        np.testing.assert_allclose(answers["ours"], answers["library"], atol=5e-3)  # a faster wrong map is no map
    return {name: statistics.median(values) for name, values in spent.items()}


def main() -> list[dict[str, float]]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depths", type=int, nargs="+", default=[18, 50])
    parser.add_argument("--faces", type=int, default=16)
    parser.add_argument("--pixels", type=int, default=224)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    cores = machine.cores()
    limit_threads(cores)
    print(f"{options.faces} faces, {options.pixels} px, {len(LAYERS)} layers, {cores} cores, {options.rounds} rounds")
    results = []
    for depth in options.depths:
        seconds = measure(depth, options.faces, options.pixels, options.rounds)
        against, faster = seconds["ours"] / seconds["bare"], seconds["library"] / seconds["ours"]
        print(f"ResNet-{depth}", flush=True)
        print(f"  bare    {seconds['bare']:6.2f} s")
        print(f"  ours    {seconds['ours']:6.2f} s   {against:.2f} times bare (goal at most {MOST})")
        print(
            f"  library {seconds['library']:6.2f} s   {faster:.2f} times ours (goal at least {LEAST:.0f})", flush=True
        )
        sys.stdout.flush()
        results.append(seconds)
    return results


if __name__ == "__main__":
    main()
