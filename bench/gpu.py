"""How near its limit a GPU trains, and how long the study takes on it: `python -m bench.gpu`.

ResNets at 224 px and batch 128, from random weights, on drawn photos. In one run, alternating:
  limit     a bare loop on one batch that already lies on the device, same network, precision and optimizer
  ours      core.training.train's own epoch: photos on the device, seeded augmentation, counting, progress ticks
  processes the same with photos kept on the host: augmented by loader processes, as where they do not fit
  tutorial  decode every JPEG in every epoch, albumentations per sample in --workers processes, float32, loss.item()
peak is the most memory that tensors held in our epochs, GB. --study times whole runs instead: five folds x --epochs of
each depth, with validation, resume points and predictions, as a worker trains them one after the other.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import torch

from bench.train import DEPTHS, limit_epoch, make_run, our_epoch, tutorial_epoch
from core.demo.dataset import draw_demo
from core.runs import Run
from core.training import pixel_cache, train
from core.training.device import device_name, pick_device, set_speed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depths", type=int, nargs="+", default=list(DEPTHS), choices=DEPTHS)
    parser.add_argument("--size", type=int, default=224, help="px, at least 64")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument("--people", type=int, default=386, help="2,700 photos, as the study has")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=8, help="loader processes of `processes` and `tutorial`")
    parser.add_argument("--speed", choices=("exact", "fast"), default="exact")
    parser.add_argument("--study", action="store_true", help="time whole runs")
    parser.add_argument("--epochs", type=int, default=50, help="of --study")
    arguments = parser.parse_args()
    device = pick_device("auto")
    if device.type == "cpu":
        print("no GPU here: what follows measures a CPU")
    with tempfile.TemporaryDirectory() as folder:
        root = draw_demo(Path(folder) / "demo", people=arguments.people, seed=0)
        print(f"{device_name(device)}; {arguments.size} px, batch {arguments.batch}, speed {arguments.speed}")
        if arguments.study:
            study(Path(folder), root, arguments)
        else:
            rates(Path(folder), root, device, arguments)


def rates(folder: Path, root: Path, device: torch.device, arguments) -> None:
    """Images per second, medians over the rounds; the ratio is the median of each round's own."""
    print(f"{'depth':>5} {'limit':>9} {'ours':>9} {'processes':>9} {'tutorial':>9} {'ours/limit':>11} {'peak':>6}")
    for depth in arguments.depths:
        run = made(folder, root, depth, arguments)
        elsewhere = made(folder, root, depth, arguments, photos_on_device=0.0, loader_workers=arguments.workers)
        pixels = pixel_cache.build(folder / "cache", run.samples(), run.config().transforms)
        set_speed(arguments.speed)
        trainer = train.FoldTrainer(run, 0, device, pixels)
        apart = train.FoldTrainer(elsewhere, 0, device, pixels)
        apart.model, apart.network = trainer.model, trainer.network
        limit_epoch(trainer, 3, arguments.batch)
        for each in (trainer, apart):
            our_epoch(each, 1)
        limit, ours, processes, tutorial = [], [], [], []
        for round_ in range(arguments.rounds):
            limit.append(limit_epoch(trainer, trainer.steps, arguments.batch))
            ours.append(our_epoch(trainer, round_ + 2))
            processes.append(our_epoch(apart, round_ + 2))
        tutorial.append(tutorial_epoch(trainer, len(trainer.train_rows), arguments.batch, arguments.workers))
        for each in (trainer, apart):
            each.close()
        ratio = statistics.median(rate / li for rate, li in zip(ours, limit, strict=True))
        cells = "".join(f"{statistics.median(way):>10.1f}" for way in (limit, ours, processes, tutorial))
        print(f"{depth:>5}{cells} {ratio:>11.3f} {(trainer.peak or 0) / 1e9:>6.2f}", flush=True)


def study(folder: Path, root: Path, arguments) -> None:
    """Wall time of five folds of each depth, and of all."""
    print(f"{'depth':>5} {'minutes':>8}")
    whole = 0.0
    for depth in arguments.depths:
        run = made(folder, root, depth, arguments)
        started = time.perf_counter()
        for fold in run.folds():
            train.train_fold(run, fold)
        spent = time.perf_counter() - started
        whole += spent
        print(f"{depth:>5} {spent / 60:>8.2f}", flush=True)
    print(f"{'all':>5} {whole / 60:>8.2f}")


def made(folder: Path, root: Path, depth: int, arguments, **training) -> Run:
    """A frozen run of the study's recipe, five folds. training: its settings that differ."""
    phase = {"optimizer": "adam", "epochs": arguments.epochs}
    settings = {"speed": arguments.speed, **training}
    return make_run(folder, root, depth, arguments.size, arguments.batch, folds=5, phases=[phase], **settings)


if __name__ == "__main__":
    main()
