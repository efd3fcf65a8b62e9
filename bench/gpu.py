"""How near its limit a GPU trains, and how long the study takes on it: `python -m bench.gpu`.

ResNets at 224 px and batch 128, from random weights, on drawn photos. In one run, alternating:
  limit     a bare step on one batch that already lies on the device, same network, precision and optimizer, recorded as
            a CUDA graph and repeated: nothing but the card can slow it down
  launched  the same as a bare loop in Python, each kernel launched by the processor
  ours      core.training.train's own epoch: photos on the device, seeded augmentation, counting, progress ticks
  one by one  the same as ours, its steps launched and not repeated
  processes the same with photos kept on the host: augmented by loader processes, as where they do not fit
  tutorial  decode every JPEG in every epoch, albumentations per sample in --workers processes, float32, loss.item()
  lightning, fastai  their defaults, where they are installed (bench/frameworks.py)
peak is the most memory that tensors held in our epochs, GB. --study times whole runs instead: five folds x --epochs of
each depth, with validation, resume points and predictions, as a worker trains them one after the other; its `held` is
what torch held of the card at its most, recorded steps included.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from pathlib import Path

import pandas as pd
import torch

from bench import frameworks
from bench.train import DEPTHS, limit_epoch, make_run, our_epoch, tutorial_epoch
from core.demo.dataset import draw_demo
from core.runs import Run
from core.training import pixel_cache, train
from core.training.batches import to_network
from core.training.device import device_name, pick_device, set_speed
from core.training.fold_trainer import build_optimizer


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--depths", type=int, nargs="+", default=list(DEPTHS), choices=DEPTHS)
    parser.add_argument("--size", type=int, default=224, help="px, at least 64")
    parser.add_argument("--batch", type=int, default=128)
    parser.add_argument(
        "--data", type=Path, help="a drawn demo, as `python -m core demo` leaves one; else one is drawn"
    )
    parser.add_argument("--people", type=int, default=386, help="2,700 photos, as the study has")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--workers", type=int, default=8, help="loader processes of `processes` and `tutorial`")
    parser.add_argument("--speed", choices=("exact", "fast"), default="exact")
    parser.add_argument(
        "--frameworks", type=int, nargs="*", default=[18], help="depths to train with Lightning and fastai"
    )
    parser.add_argument("--study", action="store_true", help="time whole runs")
    parser.add_argument("--epochs", type=int, default=50, help="of --study")
    arguments = parser.parse_args()
    device = pick_device("auto")
    if device.type == "cpu":
        print("no GPU here: what follows measures a CPU")
    with tempfile.TemporaryDirectory() as folder:
        root = arguments.data or draw_demo(Path(folder) / "demo", people=arguments.people, seed=0)
        print(f"{device_name(device)}; {arguments.size} px, batch {arguments.batch}, speed {arguments.speed}")
        if arguments.study:
            study(Path(folder), root, arguments)
        else:
            rates(Path(folder), root, device, arguments)


FIRST = 5  # the first epoch that is timed: in a run there is one such start, and tens of what follows
COLUMNS = ("limit", "launched", "ours", "one by one", "processes", "tutorial", "lightning", "fastai")


def rates(folder: Path, root: Path, device: torch.device, arguments) -> None:
    """Images per second, medians over the rounds; the ratio is the median of each round's own."""
    print(f"{'depth':>5}" + "".join(f"{name:>11}" for name in COLUMNS) + f"{'ours/limit':>11} {'peak':>6}")
    for depth in arguments.depths:
        run = made(folder, root, depth, arguments)
        elsewhere = made(folder, root, depth, arguments, photos_on_device=0.0, loader_workers=arguments.workers)
        pixels = pixel_cache.build(folder / "cache", run.samples(), run.config().transforms)
        set_speed(arguments.speed)
        trainer = train.FoldTrainer(run, 0, device, pixels)
        apart = train.FoldTrainer(elsewhere, 0, device, pixels)
        apart.model, apart.network = trainer.model, trainer.network
        limit = Limit(trainer, arguments.batch)
        limit_epoch(trainer, 3, arguments.batch)
        for each in (trainer, apart):
            warmed(each)
        ways: dict[str, list[float]] = {name: [] for name in COLUMNS}
        for round_ in range(arguments.rounds):
            ways["limit"].append(limit.epoch(trainer.steps))
            ways["launched"].append(limit_epoch(trainer, trainer.steps, arguments.batch))
            ways["ours"].append(our_epoch(trainer, FIRST + 2 * round_, begin=False))
            ways["processes"].append(our_epoch(apart, FIRST + round_, begin=False))
            repeated, trainer.repeated = trainer.repeated, None
            ways["one by one"].append(our_epoch(trainer, FIRST + 2 * round_ + 1, begin=False))
            trainer.repeated = repeated
        ratio = statistics.median(rate / li for rate, li in zip(ways["ours"], ways["limit"], strict=True))
        peak = trainer.peak or 0
        for each in (trainer, apart):  # what was recorded holds memory
            each.repeated = None
        del limit, repeated
        if device.type == "cuda":
            torch.cuda.empty_cache()
        ways["tutorial"].append(tutorial_epoch(trainer, len(trainer.train_rows), arguments.batch, arguments.workers))
        for name in frameworks.WAYS if depth in arguments.frameworks else ():
            if (rate := frameworks.rate(name, trainer, arguments.batch, arguments.workers)) is not None:
                ways[name].append(rate)
        for each in (trainer, apart):
            each.close()
        cells = "".join(f"{statistics.median(way):>11.1f}" if way else f"{'-':>11}" for way in ways.values())
        print(f"{depth:>5}{cells} {ratio:>10.3f} {peak / 1e9:>6.2f}", flush=True)
        del trainer, apart


def warmed(trainer: train.FoldTrainer) -> None:
    """Epochs in which steps of both sizes are recorded and processes come up."""
    our_epoch(trainer, 1)
    apart = getattr(trainer.train_loader.dataset, "apart", None)
    while apart is not None and not apart.is_up():
        time.sleep(0.1)
    for epoch in range(2, FIRST):
        our_epoch(trainer, epoch, begin=False)


class Limit:
    """A step of `bench.train.limit_epoch` recorded as a CUDA graph; on a processor that loop itself."""

    def __init__(self, trainer: train.FoldTrainer, batch: int):
        self.trainer, self.batch = trainer, batch
        self.graph: torch.cuda.CUDAGraph | None = None
        if trainer.device.type == "cuda":
            self.graph = self._recorded()

    def epoch(self, steps: int) -> float:
        """Images per second."""
        if self.graph is None:
            return limit_epoch(self.trainer, steps, self.batch)
        torch.cuda.synchronize()
        started = time.perf_counter()
        for _ in range(steps):
            self.graph.replay()
        torch.cuda.synchronize()
        return steps * self.batch / (time.perf_counter() - started)

    def _recorded(self) -> torch.cuda.CUDAGraph:
        trainer, device = self.trainer, self.trainer.device
        height, width = trainer.config.input_size
        images = torch.randint(0, 255, (self.batch, height, width, 3), dtype=torch.uint8, device=device)
        self.images = to_network(images, trainer.mean, trainer.std).contiguous(memory_format=torch.channels_last)
        self.labels = torch.randint(0, 6, (self.batch,), device=device)
        self.optimizer = build_optimizer(trainer.model, trainer.config.phases[0])
        criterion = torch.nn.CrossEntropyLoss(label_smoothing=0.1)
        trainer.model.train()

        def step() -> None:
            self.optimizer.zero_grad(set_to_none=True)
            with torch.autocast("cuda", dtype=trainer.precision, enabled=trainer.precision != torch.float32):
                logits = trainer.network(self.images)
            criterion(logits.float(), self.labels).backward()
            self.optimizer.step()

        stream = torch.cuda.Stream(device)
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(3):
                step()
        torch.cuda.synchronize()
        for group in self.optimizer.param_groups:
            if "capturable" in group:
                group["capturable"] = True
        self.optimizer.zero_grad(set_to_none=True)
        graph = torch.cuda.CUDAGraph()
        with torch.cuda.graph(graph, stream=stream):
            step()
        return graph


def study(folder: Path, root: Path, arguments) -> None:
    """Wall time of five folds of each depth, and of all; of it, what the passes say of themselves."""
    print(f"{'depth':>5} {'minutes':>8} {'training':>9} {'validation':>11} {'macro F1':>9} {'peak':>6} {'held':>6}")
    on_gpu = torch.cuda.is_available()
    whole = 0.0
    for depth in arguments.depths:
        run = made(folder, root, depth, arguments)
        if on_gpu:
            torch.cuda.empty_cache()
            torch.cuda.reset_peak_memory_stats()
        started = time.perf_counter()
        for fold in run.folds():
            train.train_fold(run, fold)
        spent = time.perf_counter() - started
        whole += spent
        table = pd.concat([run.metrics(fold) for fold in run.folds()])
        parts = [table[table["split"] == split]["seconds"].sum() / 60 for split in ("train", "validation")]
        f1 = table[(table["split"] == "validation") & (table["epoch"] == table["epoch"].max())]["f1"].mean()
        memory = run.info().get("peak_memory") or 0, torch.cuda.max_memory_reserved() if on_gpu else 0
        figures = " ".join(f"{value / 1e9:>6.2f}" for value in memory)
        print(f"{depth:>5} {spent / 60:>8.2f} {parts[0]:>9.2f} {parts[1]:>11.2f} {f1:>9.3f} {figures}", flush=True)
    print(f"{'all':>5} {whole / 60:>8.2f}")


def made(folder: Path, root: Path, depth: int, arguments, **training) -> Run:
    """A frozen run of the study's recipe, five folds. training: its settings that differ."""
    phase = {"optimizer": "adam", "epochs": arguments.epochs}
    settings = {"speed": arguments.speed, **training}
    return make_run(folder, root, depth, arguments.size, arguments.batch, folds=5, phases=[phase], **settings)


if __name__ == "__main__":
    main()
