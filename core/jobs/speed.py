"""How fast this machine trains, measured, so that a launch can say how long it takes. Imports no torch at the top."""

from __future__ import annotations

import contextlib
import math
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from filelock import Timeout

from core import machine
from core.config import RunConfig, to_yaml
from core.errors import LabError
from core.jobs import gpus, halt, queue
from core.places import HOME, lab_folder, machine_folder, runs_folder
from core.plan.plan import Plan
from core.storage import files, locks


def _file(folder: Path | None) -> Path:
    """The figures of this machine."""
    return machine_folder(folder) / "speed.json"


def _key(config: RunConfig, folder: Path | None) -> str:
    device = next(iter(gpus.names(folder or runs_folder())), "cpu") if config.training.device != "cpu" else "cpu"
    return _old_key(config, folder) + ("" if device == "cpu" else f" {device}")


def _old_key(config: RunConfig, folder: Path | None) -> str:
    """As version 0.1 wrote it, which did not tell one GPU from another."""
    height, width = config.input_size
    t, threads = config.training, queue.threads_of_a_slot(folder or runs_folder())
    kind = f"{t.precision} {t.device} {threads} threads"
    return f"resnet{config.model.depth} {height}x{width} batch {t.batch_size} {kind}"


def known(config: RunConfig, folder: Path | None = None) -> float | None:
    """Training images per second of this network, size and batch in one slot of this machine, if ever measured."""
    old = lab_folder(folder) / "speed.json"  # of version 0.1, for all machines
    for file, key in ((_file(folder), _key), (old, _old_key)):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            return float(files.read_json(file)[key(config, folder)])
    return None


def known_once(folder: Path | None = None) -> Callable[[RunConfig], float | None]:
    """`known` for many configurations: asked once for each network, size and batch, since most of a study share one."""
    rates: dict[tuple[object, ...], float | None] = {}

    def of(config: RunConfig) -> float | None:
        t = config.training
        step = (config.model.depth, config.input_size, t.batch_size, t.precision, t.device)
        if step not in rates:
            rates[step] = known(config, folder)
        return rates[step]

    return of


def remember(config: RunConfig, images_per_second: float, folder: Path | None = None) -> None:
    """Keep a measured figure. A courtesy: a full disk or a damaged table never stops who reports it."""
    measured = {_key(config, folder): round(images_per_second, 2)}
    with contextlib.suppress(OSError, LabError):
        files.change_json(_file(folder), "speed.json", lambda content: files.table_of(content) | measured)


def start_measuring(config: RunConfig, folder: Path | None = None) -> None:
    """Measure in a process of its own; `known` answers when it is through.

    One at a time, and none while every slot trains: two would spoil each other's figure.
    """
    lab = lab_folder(folder)
    lab.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", suffix=".yaml", prefix="measure-", dir=lab, delete=False) as stream:
        stream.write(to_yaml(config))
    with open(lab / "worker.log", "ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "core", "measure", stream.name, "--runs", str(lab.parent)],
            cwd=HOME,
            env=machine.environment(),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def measure_when_free(config: RunConfig, folder: Path) -> str:
    """Measure and remember unless a training or another measurement is under way; returns what happened, in words.

    It has the threads of a slot. A training that comes meanwhile has the machine: the measurement gives up at its next
    step.
    """
    try:
        with locks.lock(machine_folder(folder) / "measure.lock", timeout=0):
            rate = None
            if not _training(folder):
                from core.training.device import limit_threads  # torch

                limit_threads(queue.threads_of_a_slot(folder))
                rate = measure(config, should_stop=lambda: _training(folder))
    except Timeout:
        return "not measured: another measurement is under way"
    if rate is None:
        return "not measured: a training is under way, and each would slow the other down"
    remember(config, rate, folder)
    return f"{rate:.1f} images per second"


def _training(folder: Path) -> bool:
    waits = next(queue.entries(folder, by_itself=True), None) is not None and halt.stopped(folder) is None
    return waits or not queue.free_slots(folder)


def measure(config: RunConfig, seconds: float = 4.0, should_stop: Callable[[], bool] = lambda: False) -> float | None:
    """Training images per second on random pixels: real network, optimizer and precision; two steps warm up.

    None when should_stop() says so between two steps.
    """
    import time

    import torch

    from core.network.model import build_model
    from core.training.batches import to_network
    from core.training.device import pick_device, pick_precision
    from core.training.fold_trainer import build_optimizer

    device = pick_device(config.training.device)
    precision = pick_precision(config.training.precision, device)
    scratch = config.model.model_copy(update={"init": "scratch", "head": "joint"})  # heads cost alike
    model = build_model(scratch, 6, 0)[0].to(device).train()
    optimizer = build_optimizer(model, config.phases[0])
    size = config.training.batch_size
    images = torch.randint(0, 255, (size, *config.input_size, 3), dtype=torch.uint8, device=device)
    labels = torch.randint(0, 6, (size,), device=device)
    half = torch.full((3,), 127.5, device=device)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, dtype=precision, enabled=precision != torch.float32):
            logits = model(to_network(images, half, half))
        torch.nn.functional.cross_entropy(logits.float(), labels).backward()
        optimizer.step()
        if device.type == "cuda":
            torch.cuda.synchronize()

    if should_stop():
        return None
    step()
    if should_stop():
        return None
    started = time.perf_counter()
    step()
    steps = 0
    if time.perf_counter() - started < seconds:
        started = time.perf_counter()
    else:
        steps = 1  # a step this slow is its own measurement
    looked = started
    while time.perf_counter() - started < seconds:
        if time.perf_counter() - looked > 0.2:
            looked = time.perf_counter()
            if should_stop():
                return None
        step()
        steps += 1
    return steps * size / (time.perf_counter() - started)


def estimate_seconds(plan: Plan, images_per_second: float, slots: int = 1) -> float:
    """Wall time of all folds, as many at a time as there are slots, each of them as quick as told.

    A validation image costs a third of a training image (no backward).
    """
    folds = len(plan.fold_steps)
    one = (plan.train_images + plan.validation_images / 3) / folds / images_per_second + 5.0
    return one * math.ceil(folds / slots)
