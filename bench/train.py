"""What the trainer costs against its limit and against the tutorial way: `python -m bench.train`.

--depths measures every depth at 224 px against its limit, --memory the peak of a training process by depth and batch.
In one run, alternating so that a machine whose speed drifts treats all alike:
  limit     a bare loop, same network, precision and optimizer, on one batch that already lies in memory
  ours      core.training.train's own epoch: pixel cache, seeded augmentation, counting, progress ticks
  before    the same with albumentations doing every transform, photo by photo; of a CPU, or without loader processes
  validate  core.training.train's own validation, in float32 whatever the precision of the training
  tutorial  decode every JPEG in every epoch, albumentations per sample, float32, NCHW, loss.item() each step
"""

from __future__ import annotations

import argparse
import contextlib
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import patch

import albumentations as A
import numpy as np
import psutil
import torch
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset

from core import machine
from core.augment.pipeline import split_pipeline
from core.config import recipes, run_config
from core.data.scan import scan
from core.demo.dataset import draw_demo
from core.network.model import build_model
from core.plan.plan import make_plan
from core.runs import Run
from core.runs.create import create
from core.training import batches, pixel_cache, resident, train
from core.training.batches import to_network
from core.training.device import device_name, forget_peak, peak_memory, pick_device
from core.training.fold_trainer import build_optimizer


def limit_epoch(trainer: train.FoldTrainer, steps: int, batch: int) -> float:
    """Images per second of the bare loop."""
    model, precision, device = trainer.model, trainer.precision, trainer.device
    height, width = trainer.config.input_size
    optimizer = build_optimizer(model, trainer.config.phases[0])
    images = torch.randint(0, 255, (batch, height, width, 3), dtype=torch.uint8, device=device)
    images = to_network(images, trainer.mean, trainer.std).contiguous(memory_format=torch.channels_last)
    labels = torch.randint(0, 6, (batch,), device=device)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    model.train()
    if device.type == "cuda":
        torch.cuda.synchronize()
    started = time.perf_counter()
    for _ in range(steps):
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, dtype=precision, enabled=precision != torch.float32):
            logits = model(images)
        criterion(logits.float(), labels).backward()
        optimizer.step()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return steps * batch / (time.perf_counter() - started)


def our_epoch(trainer: train.FoldTrainer, epoch: int, *, begin: bool = True) -> float:
    """Images per second of one epoch, until the device is through. begin: with the first epoch of a phase."""
    clock = train.Clock(trainer, lambda row: None, lambda: False)
    clock.start_epoch(epoch, 0)
    if begin:
        trainer.start_phase(0)
    started = time.perf_counter()
    done = trainer.train_epoch(epoch, clock.tick)
    if trainer.device.type == "cuda":
        torch.cuda.synchronize()
    seconds = time.perf_counter() - started
    done.scores()
    return done.samples / seconds


@contextlib.contextmanager
def as_before() -> Iterator[None]:
    """Nothing is drawn apart from what it does to pixels, and nothing is augmented on a GPU."""

    def split(transforms, stage):
        _, rest = split_pipeline(transforms)
        return [t for t in rest if stage == "train" or t.deterministic], [], 0, None

    with patch.object(batches, "split_exact", split), patch.object(resident, "augments", lambda device: False):
        yield


def our_validation(trainer: train.FoldTrainer) -> float:
    """Images per second of the held-out fold, counted and fetched."""
    done = trainer.evaluate(lambda *_: False)
    done.scores()
    return done.samples / done.seconds


class Tutorial(Dataset):
    def __init__(self, samples, transform):
        self.samples, self.transform = samples, transform

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        row = self.samples.iloc[index]
        image = self.transform(image=np.array(Image.open(row["path"]).convert("RGB")))["image"]
        return torch.from_numpy(image.transpose(2, 0, 1).copy()), int(row["y"])


def tutorial_epoch(trainer: train.FoldTrainer, images: int, batch: int, workers: int) -> float:
    height, width = trainer.config.input_size
    transform = A.Compose(
        [
            A.CenterCrop(400, 256, pad_if_needed=True),
            A.Resize(height, width),
            A.RandomBrightnessContrast(),
            A.HorizontalFlip(),
            A.InvertImg(),
            A.CoarseDropout(num_holes_range=(4, 4), hole_height_range=(50, 50), hole_width_range=(50, 50)),
            A.Normalize(),
        ]
    )
    samples = trainer.samples.iloc[trainer.train_rows[:images]]
    loader = DataLoader(Tutorial(samples, transform), batch_size=batch, shuffle=True, num_workers=workers)
    model, _ = build_model(trainer.config.model, len(trainer.class_names), 0)
    model = model.to(trainer.device, memory_format=torch.contiguous_format).train()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-4, weight_decay=3e-5)
    criterion = nn.CrossEntropyLoss(label_smoothing=0.1)
    started = time.perf_counter()
    seen = total = 0
    for inputs, labels in loader:
        inputs, labels = inputs.to(trainer.device), labels.to(trainer.device)
        optimizer.zero_grad()
        loss = criterion(model(inputs), labels)
        loss.backward()
        optimizer.step()
        total += loss.item()
        seen += len(labels)
    return seen / (time.perf_counter() - started)


DEPTHS = (18, 34, 50, 101, 152)
SPARE = 2e9  # bytes that a measurement of memory leaves to everything else


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--people", type=int, default=60)
    parser.add_argument("--sizes", type=int, nargs="+", default=[224, 64])
    parser.add_argument("--workers", type=int, default=None, help="loader processes (default: as the trainer chooses)")
    parser.add_argument("--depth", type=int, default=18, choices=DEPTHS)
    parser.add_argument("--depths", action="store_true", help="every depth at 224 px, against the limit alone")
    parser.add_argument("--memory", action="store_true", help="peak memory of every depth, batches of 32 and 128")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        root = draw_demo(Path(folder) / "demo", people=arguments.people, seed=0)
        device = pick_device("auto")
        if arguments.memory:
            return memory(Path(folder), root, device)
        print(f"{device_name(device)}; median of {arguments.rounds} rounds, images per second")
        print(
            f"{'depth':>5} {'px':>4} {'limit':>8} {'before':>8} {'ours':>8} {'validate':>9} {'tutorial':>9}"
            f" {'before/limit':>13} {'ours/limit':>11} {'ours/tutorial':>14}"
        )
        cases = [(d, 224) for d in DEPTHS] if arguments.depths else [(arguments.depth, s) for s in arguments.sizes]
        for depth, size in cases:
            bench(Path(folder), root, device, depth, size, arguments)


def make_run(
    folder: Path,
    root: Path,
    depth: int,
    size: int,
    batch: int,
    *,
    folds: int = 2,
    phases: list | None = None,
    **training,
) -> Run:
    """A frozen run of the study's recipe on all photos of the demo, from random weights. training: other settings."""
    values = recipes.load_recipe("study").model_dump(mode="json")
    values["data"]["root"] = str(root)
    values["task"]["name"] = "mask-gender-age"
    values["folds"]["count"] = folds
    values["phases"] = phases or values["phases"]
    values["model"] = {"depth": depth, "init": "scratch"}
    values["training"] |= {"batch_size": batch, **training}
    values["transforms"] = [t.model_dump() for t in run_config.study_transforms(size)]
    settings = run_config.from_dict(values)
    plan = make_plan(settings, scan(settings.data))
    info: dict[str, dict] = {"dataset": {}, "versions": {}}
    return create(plan.config, plan.samples, class_names=plan.class_names, info=info, folder=folder / "runs")


def bench(folder: Path, root: Path, device: torch.device, depth: int, size: int, arguments) -> None:
    batch = 32
    run = make_run(folder, root, depth, size, batch, loader_workers=arguments.workers)
    pixels = pixel_cache.build(folder / "cache", run.samples(), run.config().transforms)
    trainer = sized(train.FoldTrainer(run, 0, device, pixels), depth, size, batch)
    with as_before():
        old = sized(train.FoldTrainer(run, 0, device, pixels), depth, size, batch)
        old.model = old.network = trainer.model
        our_epoch(old, 1)  # its pipeline is built now
    limit_epoch(trainer, 2, batch)
    our_epoch(trainer, 1)
    our_validation(trainer)
    limit, before, ours, validate, tutorial = [], [], [], [], []
    for round_ in range(arguments.rounds):
        limit.append(limit_epoch(trainer, trainer.steps, batch))
        ours.append(our_epoch(trainer, round_ + 2))
        before.append(our_epoch(old, round_ + 2))
        validate.append(our_validation(trainer))
        if round_ < 3 and not arguments.depths:
            tutorial.append(tutorial_epoch(trainer, 96 if size > 64 else 192, batch, 0))
    for each in (trainer, old):
        each.close()
    ratios = [statistics.median(rate / li for rate, li in zip(way, limit, strict=True)) for way in (before, ours)]
    rates = [statistics.median(way) for way in (limit, before, ours)]
    c = statistics.median(tutorial) if tutorial else None
    other, gain = (f"{c:.1f}", f"{rates[2] / c:.2f}") if c else ("-", "-")
    print(
        f"{depth:>5} {size:>4} {rates[0]:>8.1f} {rates[1]:>8.1f} {rates[2]:>8.1f} {statistics.median(validate):>9.1f}"
        f" {other:>9} {ratios[0]:>13.3f} {ratios[1]:>11.3f} {gain:>14}",
        flush=True,
    )


def sized(trainer: train.FoldTrainer, depth: int, size: int, batch: int) -> train.FoldTrainer:
    """With an epoch that is long enough to time, and one that ends."""
    if size <= 64:
        trainer.train_rows = np.tile(trainer.train_rows, 4)
    if depth > 50:
        trainer.train_rows = trainer.train_rows[: 4 * batch]
        trainer.val_batches = trainer.val_batches[:2]
    trainer.balance = trainer.samples["y"].to_numpy()[trainer.train_rows]
    trainer.steps = len(trainer.batches(1))
    return trainer


def peak(folder: Path, root: Path, depth: int, batch: int, answer) -> None:
    """In a process of its own: build the network, train two steps; sends the trainer's own peak, bytes."""
    device = pick_device("auto")
    run = make_run(folder, root, depth, 224, batch)
    pixels = pixel_cache.build(folder / "cache", run.samples(), run.config().transforms)
    forget_peak(device)
    trainer = train.FoldTrainer(run, 0, device, pixels)
    trainer.train_rows = np.resize(trainer.train_rows, 2 * batch)
    trainer.steps = 2
    our_epoch(trainer, 1)
    answer.send(trainer.peak)
    trainer.close()


def measure_peak(folder: Path, root: Path, depth: int, batch: int) -> float:
    """Bytes. Raises RuntimeError when the process died, as one without memory does."""
    here, there = multiprocessing.Pipe(duplex=False)
    process = multiprocessing.get_context("spawn").Process(target=peak, args=(folder, root, depth, batch, there))
    process.start()
    there.close()
    try:
        return here.recv()
    except EOFError:
        raise RuntimeError(f"ResNet-{depth}, batch {batch}: the process died") from None
    finally:
        process.join()


def memory(folder: Path, root: Path, device: torch.device) -> None:
    """Batch 128 is tried only where the growth from 16 to 32 images says that it fits into what is free now."""
    if peak_memory(device) is None:
        raise SystemExit("nobody counts the peak memory of a process here; Linux does")
    what = "of tensors on the GPU" if device.type == "cuda" else "of the process, without mapped files"
    print(f"{device_name(device)}; 224 px, GB {what} at its peak")
    print(f"{'depth':>5} {'batch 32':>9} {'batch 128':>22}")
    for depth in DEPTHS:
        small = measure_peak(folder, root, depth, 16)
        middle = measure_peak(folder, root, depth, 32)
        needed = middle + (middle - small) / 16 * 96
        free = min(psutil.virtual_memory().available, machine.memory())
        if device.type == "cuda":
            free = torch.cuda.mem_get_info()[0]
        if needed > free - SPARE:
            large = f"does not fit (~{needed / 1e9:.0f})"
        else:
            large = f"{measure_peak(folder, root, depth, 128) / 1e9:.2f}"
        print(f"{depth:>5} {middle / 1e9:>9.2f} {large:>22}", flush=True)


if __name__ == "__main__":
    main()
