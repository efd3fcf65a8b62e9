"""How fast this machine trains, measured, so that a launch can say how long it takes. Imports no torch at the top."""

from __future__ import annotations

import contextlib
import json
import math
import os
import re
import threading
import time
from collections.abc import Callable, Iterable
from enum import Enum
from pathlib import Path
from typing import NamedTuple

import psutil
from filelock import Timeout

from core import machine
from core.config import RunConfig, from_dict
from core.errors import LabError
from core.jobs import gpus, halt, queue
from core.jobs.processes import ready
from core.network.room import holds_features
from core.places import lab_folder, machine_folder, runs_folder
from core.plan.plan import Plan
from core.storage import files, locks

# Giga multiply-adds of one image of 224 x 224 pixels forward: `_ops` of torchvision's IMAGENET1K_V1 weights.
GIGA_MULTIPLY_ADDS = {18: 1.814, 34: 3.664, 50: 4.089, 101: 7.801, 152: 11.514}


class Step(NamedTuple):
    """What of a configuration tells how quickly it trains; size: (height, width) in pixels."""

    depth: int
    size: tuple[int, int]
    batch_size: int
    precision: str
    device: str
    speed: str


def step_of(config: RunConfig | Step) -> Step:
    """Of a configuration, or the one that was taken of it before."""
    if isinstance(config, Step):
        return config
    t = config.training
    return Step(config.model.depth, config.input_size, t.batch_size, t.precision, t.device, t.speed)


def is_compiled(config: RunConfig | Step, folder: Path | None = None) -> bool:
    """Whether it is compiled where it trains here, which takes a minute or more before its first step."""
    step = step_of(config)
    return step.speed == "fast" and step.device != "cpu" and bool(gpus.names(folder or runs_folder()))


def _file(folder: Path | None) -> Path:
    """The figures of this machine."""
    return machine_folder(folder) / "speed.json"


def _key(config: RunConfig | Step, folder: Path | None) -> str:
    step = step_of(config)
    device = next(iter(gpus.names(folder or runs_folder())), "cpu") if step.device != "cpu" else "cpu"
    if device == "cpu":
        return _old_key(step._replace(speed="exact"), folder)  # a processor has no other speed
    return f"{_old_key(step, folder)} {device}"


def _old_key(config: RunConfig | Step, folder: Path | None) -> str:
    """As version 0.1 wrote it, which did not tell one GPU from another."""
    step, threads = step_of(config), queue.threads_of_a_slot(folder or runs_folder())
    height, width = step.size
    kind = f"{step.precision} {step.device} {threads} threads" + (" fast" if step.speed == "fast" else "")
    return f"resnet{step.depth} {height}x{width} batch {step.batch_size} {kind}"


def known(config: RunConfig | Step, folder: Path | None = None) -> float | None:
    """Training images per second of this network, size and batch in one slot of this machine, if ever measured."""
    old = lab_folder(folder) / "speed.json"  # of version 0.1, for all machines
    for file, key in ((_file(folder), _key), (old, _old_key)):
        with contextlib.suppress(OSError, ValueError, KeyError, TypeError):
            return float(files.read_json(file)[key(config, folder)])
    return None


def known_once(folder: Path | None = None) -> Callable[[RunConfig | Step], float | None]:
    """`known` for many configurations: asked once for each network, size and batch, since most of a study share one."""
    rates: dict[Step, float | None] = {}

    def of(config: RunConfig | Step) -> float | None:
        step = step_of(config)
        if step not in rates:
            rates[step] = known(step, folder)
        return rates[step]

    return of


def remember(config: RunConfig, images_per_second: float, folder: Path | None = None) -> None:
    """Keep a measured figure. A courtesy: a full disk or a damaged table never stops who reports it."""
    measured = {_key(config, folder): round(images_per_second, 2)}
    with contextlib.suppress(OSError, LabError):
        files.change_json(_file(folder), "speed.json", lambda content: files.table_of(content) | measured)


def reckoned(config: RunConfig, folder: Path | None = None) -> float | None:
    """Images per second of a network that was never measured, from what was measured of others on the same device with
    as many threads: by the multiply-adds of an image, of the network nearest in them. None where nothing was measured.

    Rough: small images keep a processor less busy than their multiply-adds say.
    """
    mine, kind = _multiply_adds(config.model.depth, *config.input_size), _kind(_key(config, folder))
    rates = []
    with contextlib.suppress(OSError, ValueError):
        for key, rate in files.table_of(files.read_json(_file(folder))).items():
            step = re.match(r"resnet(\d+) (\d+)x(\d+) batch \d+ ", key)
            if step and int(step[1]) in GIGA_MULTIPLY_ADDS and _kind(key) == kind and isinstance(rate, (int, float)):
                theirs = _multiply_adds(*map(int, step.groups()))
                rates.append((abs(math.log(mine / theirs)), rate * theirs / mine))
    return min(rates)[1] if rates else None


def _kind(key: str) -> str:
    """Precision, device, threads and speed of a key."""
    return key.partition(" batch ")[2].partition(" ")[2]


def _multiply_adds(depth: int, height: int, width: int) -> float:
    return GIGA_MULTIPLY_ADDS[depth] * height * width / 224**2


def start_measuring(config: RunConfig, folder: Path | None = None) -> ready.Measurement:
    """Measure beside the lab; `known` answers when it is through. It ends with the code of its Outcome.

    One at a time, and none while something trains: two would spoil each other's figure. Raises OSError.
    """
    return ready.measure(lab_folder(folder).parent, json.dumps(config.model_dump(mode="json")))


def answer(descriptor: int, folder: Path) -> int:
    """In the process that measures: the code of the Outcome, which is also said where somebody can hear it.

    descriptor: of a line, over which comes a configuration in one line of JSON. Once that line is closed at its other
    end the machine is needed for something else: the process leaves in the middle of a step, unless it is through.
    """
    with open(descriptor, "rb", buffering=0, closefd=False) as stream:
        text = stream.readline()
        ends = threading.Lock()  # who has it says how the measurement ends

        def leave_when_told() -> None:
            stream.read(1)
            with ends:
                _say(descriptor, Outcome.TRAINING)
                os._exit(Outcome.TRAINING.value[0])

        threading.Thread(target=leave_when_told, daemon=True).start()
        outcome = measure_when_free(from_dict(json.loads(text)), folder, ends.acquire)
        _say(descriptor, outcome)
    return outcome.value[0]


def _say(descriptor: int, outcome: Outcome) -> None:
    code, words = outcome.value
    print(words, flush=True)
    with contextlib.suppress(OSError):  # a pipe from who started this process, who asks for the code of its end
        os.write(descriptor, bytes([code]))


def measure_when_free(config: RunConfig, folder: Path, measured: Callable[[], object] = lambda: None) -> Outcome:
    """Measure and remember, unless a training, another measurement or another program is at work beside it.

    It has the threads of a slot. A training that comes meanwhile has the machine: the measurement gives up at its next
    step. measured(): is called before anything is kept.
    """
    try:
        with locks.lock(machine_folder(folder) / "measure.lock", timeout=0):
            rate, threads = None, queue.threads_of_a_slot(folder)
            beside = Beside()
            if not _training(folder):
                from core.training.device import limit_threads  # torch

                limit_threads(threads)
                beside = Beside()
                rate = measure(config, should_stop=lambda: _training(folder))
    except Timeout:
        return Outcome.MEASURING
    if rate is None:
        return Outcome.TRAINING
    measured()
    if not beside.leaves(threads):
        return Outcome.BUSY
    remember(config, rate, folder)
    return Outcome.MEASURED


class Outcome(Enum):
    """How a measurement ended: (exit code, words)."""

    MEASURED = 0, "measured"
    MEASURING = 3, "not measured: another measurement is under way"
    TRAINING = 4, "not measured: a training is under way, and each would slow the other down"
    BUSY = 5, "not kept: other programs had this machine's cores, and slowed it down"


class Beside:
    """What other processes take of this machine's cores from now on."""

    def __init__(self) -> None:
        self.wall, self.others = time.monotonic(), _busy_seconds() - _own_seconds()

    def cores(self) -> float:
        """Cores' worth of time, mean since it was made."""
        wall = time.monotonic() - self.wall
        return max(0.0, _busy_seconds() - _own_seconds() - self.others) / max(wall, 1e-9)

    def leaves(self, threads: int) -> bool:
        """Whether they left this process its threads, or nearly: a lab with open pages takes a little itself."""
        return leaves(self.cores(), threads, machine.processors())


def leaves(others: float, threads: int, cores: int) -> bool:
    """others: cores that other processes take, of as many as the machine has."""
    return cores - others >= 0.75 * min(threads, cores)


def _busy_seconds() -> float:
    """All processors of the machine, since it started; what is niced gives way to this process, unless that is too."""
    spent = psutil.cpu_times()
    niced = getattr(spent, "nice", 0.0) if psutil.POSIX and psutil.Process().nice() > 0 else 0.0
    return niced + spent.user + spent.system + getattr(spent, "irq", 0.0) + getattr(spent, "softirq", 0.0)


def _own_seconds() -> float:
    """This process and those that it started."""
    total = 0.0
    for process in (own := psutil.Process(), *own.children(recursive=True)):
        with contextlib.suppress(psutil.Error):
            spent = process.cpu_times()
            total += spent.user + spent.system + spent.children_user + spent.children_system
    return total


def _training(folder: Path) -> bool:
    waits = next(queue.entries(folder, by_itself=True), None) is not None and halt.stopped(folder) is None
    return waits or queue.free_slots(folder) < queue.slot_count(folder)


def measure(config: RunConfig, seconds: float = 4.0, should_stop: Callable[[], bool] = lambda: False) -> float | None:
    """Training images per second on random pixels: real network, optimizer, precision and speed; two steps warm up, in
    the first of which a network is compiled where it will be.

    None when should_stop() says so between two steps.
    """
    import torch

    from core.network.model import build_model
    from core.training.batches import to_network
    from core.training.device import compiled, pick_device, pick_precision, set_speed
    from core.training.fold_trainer import build_optimizer

    set_speed(config.training.speed)
    device = pick_device(config.training.device)
    precision = pick_precision(config.training.precision, device)
    scratch = config.model.model_copy(update={"init": "scratch", "head": "joint"})  # heads cost alike
    model = build_model(scratch, 6, 0)[0].to(device).train()
    network = compiled(model, config.training.speed, device)
    optimizer = build_optimizer(model, config.phases[0])
    size = config.training.batch_size
    images = torch.randint(0, 255, (size, *config.input_size, 3), dtype=torch.uint8, device=device)
    labels = torch.randint(0, 6, (size,), device=device)
    half = torch.full((3,), 127.5, device=device)

    def step() -> None:
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast(device.type, dtype=precision, enabled=precision != torch.float32):
            logits = network(to_network(images, half, half))
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


class Passes(NamedTuple):
    """Over all epochs of a fold, in what the whole network takes to train on one image: the time for each photo that it
    trains on, and for each that it holds out."""

    trained: float
    held_out: float


class PhaseWork(NamedTuple):
    """What a phase takes for each photo. step: of one that is trained on, in passes. trains_once, validates_once:
    whether its backbone looks at each photo that is trained on, or held out, once, and not in each of the epochs."""

    epochs: int
    step: float
    trains_once: bool
    validates_once: bool


def phases_of(config: RunConfig, photos: int) -> tuple[PhaseWork, ...]:
    """photos: of the fold, trained on or held out.

    An image that nothing goes backward for costs a third. So does all training of a head alone; and what a backbone
    sees that no step changes is computed once a phase where nothing is drawn before it (training/frozen.py).
    """
    drawn = any(t.enabled and t.name != "Normalize" and not t.deterministic for t in config.transforms)
    drawn = drawn or config.mix.method != "none"
    is_held = holds_features(config.model.depth, photos)
    return tuple(
        PhaseWork(
            phase.epochs,
            1.0 if phase.lr_backbone else 1 / 3,
            trains_once=phase.frozen_norm and is_held and not drawn,
            validates_once=phase.frozen_norm and is_held,
        )
        for phase in config.phases
    )


def passes(phases: Iterable[PhaseWork], behind: int = 0) -> Passes:
    """behind: epochs that are done. Who goes on in the middle of a phase looks at the photos once more."""
    trained = held_out = 0.0
    for phase in phases:
        epochs = max(0, phase.epochs - behind)
        behind = max(0, behind - phase.epochs)
        trained += phase.step * (min(1, epochs) if phase.trains_once else epochs)
        held_out += (min(1, epochs) if phase.validates_once else epochs) / 3
    return Passes(trained, held_out)


def estimate_seconds(plan: Plan, images_per_second: float, slots: int = 1) -> float:
    """Wall time of all folds, as many at a time as there are slots, each of them as quick as told."""
    return seconds_of_a_fold(plan, images_per_second) * math.ceil(len(plan.fold_steps) / slots)


def seconds_of_a_fold(plan: Plan, images_per_second: float) -> float:
    """Wall time of the mean fold of a plan."""
    held_out = 0.0 if plan.everybody else plan.photos / len(plan.fold_steps)
    work = passes(phases_of(plan.config, plan.photos))
    return fold_seconds(work, plan.photos - held_out, held_out, images_per_second)


def estimate_of(config: RunConfig, photos: int, images_per_second: float, slots: int = 1) -> float:
    """The same of so many photos, before there is a plan."""
    folds = config.folds.count
    held_out = photos / folds
    one = fold_seconds(passes(phases_of(config, photos)), photos - held_out, held_out, images_per_second)
    return one * math.ceil(folds / slots)


def fold_seconds(passes: Passes, trained: float, held_out: float, images_per_second: float) -> float:
    """Wall time of one fold over all its epochs. trained, held_out: photos. Five seconds are for its beginning and
    end."""
    return (trained * passes.trained + held_out * passes.held_out) / images_per_second + 5.0
