"""What prediction costs: `python -m bench.predict`. Prints each figure beside its goal.

bare    every photo decoded and resized once, on all cores, then one forward pass of each fold's network, no more
ours    the same photos through the Predictor, which also looks whether the run knows them
memory  most bytes that ours held above what it had before, while the first quarter of so many photos was answered and
        while the last one was, in a process of its own: what an answer keeps of each photo would show

Rounds are interleaved, so that a busy moment of the machine hits both; figures are medians.
"""

from __future__ import annotations

import argparse
import multiprocessing
import statistics
import tempfile
import threading
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import psutil
import torch
from PIL import Image

from core import machine
from core.config import from_dict
from core.config.recipes import load_recipe
from core.data.scan import scan
from core.demo.dataset import draw_demo
from core.inside import fold_models
from core.inside.fold_answers import BATCH
from core.network.model import build_model
from core.plan.plan import make_plan
from core.predict import photos
from core.predict.predictor import Predictor
from core.runs import FoldState, Run
from core.runs.create import create
from core.training import checkpoint
from core.training.device import limit_threads

MOST = 1.1  # goal: ours against bare
FLAT = 1.1  # goal: memory in the last quarter of the photos against that in the first


def made_run(folder: Path, demo: Path, depth: int, pixels: int, folds: int) -> Run:
    """A finished run whose folds have random networks."""
    values = load_recipe("quick").model_dump(mode="json")
    values |= {"name": f"bench {depth}", "data": {"root": str(demo)}, "folds": {"count": folds}}
    values |= {"task": {"name": "gender", "unmasked": True}, "model": {"depth": depth, "init": "scratch"}}
    values["transforms"] = [{"name": "Resize", "params": {"height": pixels, "width": pixels}}, {"name": "Normalize"}]
    plan = make_plan(from_dict(values), scan(from_dict(values).data))
    run = create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=folder)
    for fold in run.folds():
        model, _ = build_model(plan.config.model, len(plan.class_names), fold)
        checkpoint.save_weights(run.weights_file(fold, "best"), model.state_dict())
        run.write_state(FoldState(fold, "done", epoch=1, best_epoch=1, scores={}))
    return run


def drawn(folder: Path, number: int) -> list[photos.Photo]:
    """Photos of 640 x 480 px with structure, as cameras write them."""
    folder.mkdir()
    rng = np.random.default_rng(0)
    for place in range(number):
        coarse = Image.fromarray(rng.integers(0, 256, (48, 64, 3), dtype=np.uint8))
        coarse.resize((640, 480), Image.Resampling.BICUBIC).save(folder / f"{place:05d}.jpg", quality=90)
    return photos.of_folder(folder)


def bare(run: Run, asked: list[photos.Photo]) -> np.ndarray:
    """float64 (folds, n, classes), without anything that is not needed for it."""
    config, bits = run.config(), run.bits()
    own = threading.local()

    def read(photo: photos.Photo) -> np.ndarray:
        if not hasattr(own, "view"):
            own.view = fold_models.viewer(config)
        return own.view(photo.pixels(bits))

    with ThreadPoolExecutor(machine.cores()) as pool:
        seen = list(pool.map(read, asked))
    answers = []
    for fold in run.folds():
        with fold_models.fold_model(run, fold, device="cpu") as opened, torch.inference_mode():
            of_batches = [
                opened.model(fold_models.normalised(config, seen[start : start + BATCH])).double().softmax(1).numpy()
                for start in range(0, len(seen), BATCH)
            ]
        answers.append(np.concatenate(of_batches))
    return np.stack(answers)


def most_held(run: Run, folder: Path, number: int) -> tuple[int, int]:
    """Bytes of this process above what it had once its networks were open, at most, in the first quarter of so many
    photos and in the last one."""
    limit_threads(machine.cores())
    predictor = Predictor([run], device="cpu")
    files = photos.of_folder(folder)
    asked = [replace(files[each % len(files)], name=str(each)) for each in range(number)]
    predictor.answer(asked[:BATCH])
    process, over, at = psutil.Process(), threading.Event(), 0.0
    before, most = process.memory_info().rss, [0, 0, 0, 0]

    def look() -> None:
        while not over.wait(0.02):
            quarter = min(3, int(4 * at))
            most[quarter] = max(most[quarter], process.memory_info().rss - before)

    def progress(done: int, total: int) -> None:
        nonlocal at
        at = done / total

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        predictor.answer(asked, progress=progress)
    finally:
        over.set()
        watcher.join()
    return most[0], most[3]


def alone(work: Callable[..., tuple[int, int]], *given: object) -> tuple[int, int]:
    """What a function gives in a process of its own."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *given).result()


def main() -> dict[str, float]:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--photos", type=int, default=200)
    parser.add_argument("--depth", type=int, default=18)
    parser.add_argument("--pixels", type=int, default=224)
    parser.add_argument("--folds", type=int, default=5)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--memory", type=int, default=0, help="photos over which memory is looked at; 0 leaves it out")
    options = parser.parse_args()
    cores = machine.cores()
    limit_threads(cores)
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory() as place:
        draw_demo(Path(place) / "demo", people=4 * options.folds)
        run = made_run(Path(place) / "runs", Path(place) / "demo", options.depth, options.pixels, options.folds)
        asked = drawn(Path(place) / "photos", max(options.photos, min(options.memory, 500)))
        timed = asked[: options.photos]
        spent: dict[str, list[float]] = {"bare": [], "ours": []}
        ways = {"bare": lambda: bare(run, timed), "ours": lambda: Predictor([run], device="cpu").answer(timed).answers}
        Predictor([run], device="cpu").answer(timed[:BATCH])  # opens the networks, which both find open then
        for _ in range(options.rounds):
            answers = {}
            for name, way in ways.items():
                started = time.perf_counter()
                answers[name] = way()
                spent[name].append(time.perf_counter() - started)
            np.testing.assert_allclose(answers["ours"], answers["bare"], atol=1e-6)
        figures |= {name: statistics.median(seconds) for name, seconds in spent.items()}
        print(f"{len(timed)} photos, ResNet-{options.depth}, {options.pixels} px, {options.folds} folds, {cores} cores")
        print(f"bare    {figures['bare']:7.2f} s")
        print(f"ours    {figures['ours']:7.2f} s   {figures['ours'] / figures['bare']:.2f} times bare (goal {MOST})")
        if options.memory:
            first, last = alone(most_held, run, Path(place) / "photos", options.memory)
            figures |= {"first": first, "last": last}
            print(f"memory  {first / 1e6:7.0f} MB in the first quarter of {options.memory:,} photos")
            print(f"        {last / 1e6:7.0f} MB in the last   {last / first:.2f} times (goal {FLAT})")
    fold_models.free()
    return figures


if __name__ == "__main__":
    main()
