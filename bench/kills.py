"""Kills at random moments, and whether what is resumed is what a run that was never stopped is: see bench.soak.

Workers are forked from a server that has imported torch, in place of a fresh interpreter each. They are processes of
their own with locks, threads and files of their own, and from its first look into the queue on such a worker runs
the same code as one that the lab starts, so SIGKILL from outside is the same fault. What it leaves out are the seconds
of importing, in which a worker has written nothing but that it begins; a few workers are started as the lab does it,
and killed in that time too.
"""

from __future__ import annotations

import multiprocessing
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest

from core import machine, places
from core.config import from_dict
from core.data.scan import scan
from core.jobs import control, queue
from core.places import HOME
from core.plan.plan import Plan, make_plan
from core.runs import Run
from tests.workers import alone, assert_same_result, stray_files

FORKS = multiprocessing.get_context("forkserver")
FORKS.set_forkserver_preload(
    ["core.training.train", "core.jobs.worker", "core.jobs.control", "sklearn.model_selection", "albumentations"]
)
SETTINGS: dict[str, Any] = {
    "name": "soak",
    "task": {"name": "label"},
    "folds": {"count": 2},
    "transforms": [
        {"name": "Resize", "params": {"height": 32, "width": 32}},
        {"name": "RandomBrightnessContrast", "p": 0.5},
        {"name": "HorizontalFlip", "p": 0.5},
        {"name": "Normalize"},
    ],
    "model": {"init": "scratch"},
    "phases": [
        {"optimizer": "adamw", "epochs": 3, "lr_backbone": 0, "lr_head": 1e-3},
        {"optimizer": "sgd", "epochs": 5, "lr_backbone": 1e-4, "lr_head": 1e-3, "schedule": "cosine"},
    ],
    "mix": {"method": "mixup", "alpha": 0.4},
    "training": {"batch_size": 6, "device": "cpu", "sampling": "balanced", "loader_workers": 0},
}
PEOPLE = {"a": 14, "b": 8, "c": 6}  # photos of each class: what is balanced has to be uneven
POINTS = 1.0  # of a life's seconds for an epoch between two resume points, so that metrics and state run ahead of them
IMPORTS = 6.0  # seconds of a fresh worker's imports
LONGEST = 120  # seconds for one life on a machine however busy


@dataclass
class Kills:
    """count: kills that hit a worker alive. differ: what was not identical. moments: what a kill met, and how often."""

    count: int = 0
    identical: int = 0
    differ: list[str] = field(default_factory=list)
    moments: Counter[str] = field(default_factory=Counter)


def plan_of(folder: Path) -> Plan:
    """The small run's, on photos that are drawn here."""
    import numpy as np
    from PIL import Image

    rng = np.random.default_rng(0)
    for index, (name, people) in enumerate(PEOPLE.items()):
        (folder / name).mkdir(parents=True)
        for person in range(people):
            pixels = rng.integers(0, 256, (48, 48, 3)) // 2 + np.eye(3, dtype=int)[index] * 120
            Image.fromarray(pixels.astype(np.uint8)).save(folder / name / f"{name}{person}.jpg", quality=90)
    config = from_dict({**SETTINGS, "data": {"root": str(folder)}})
    return make_plan(config, scan(config.data, threads=1))


def with_points(plan: Plan, seconds: float) -> Plan:
    training = plan.config.training.model_copy(update={"resume_seconds": round(seconds, 3)})
    return replace(plan, config=plan.config.model_copy(update={"training": training}))


def live(root: Path, environment: dict[str, str]) -> None:
    """A worker's life, in a process group of its own."""
    alone(root, environment)
    from core.jobs import worker

    worker.work(root)


class Lane:
    """A runs folder of its own, in which one life follows the other."""

    def __init__(self, root: Path, seed: str):
        self.root, self.random = root, random.Random(seed)
        root.mkdir(parents=True)
        places.lab_folder(root).mkdir()

    def launch(self, plan: Plan) -> Run:
        run = control.launch(plan, folder=self.root)
        self.keep(run)
        return run

    def keep(self, run: Run) -> None:
        queue.remove(run, [fold for fold in run.folds() if fold != 0])

    def born(self) -> Any:
        worker = FORKS.Process(target=live, args=(self.root, dict(os.environ)))
        worker.start()
        return worker

    def whole_life(self) -> None:
        worker = self.born()
        worker.join(LONGEST)
        if worker.exitcode != 0:
            raise SystemExit(f"a worker that nobody killed left with {worker.exitcode}: see {self.root}")

    def killed(self, run: Run, born: Callable[[], Any], longest: float) -> str:
        """Kill a worker and all that it started after a random time of `longest`; what it met, "" where it was
        through before."""
        worker = born()
        time.sleep(self.random.uniform(0, longest))  # the moment is what is drawn: no condition is waited for
        try:
            os.killpg(worker.pid, signal.SIGKILL)
        except ProcessLookupError:  # it had not yet a group of its own, or is gone
            worker.kill()
        worker.join(LONGEST) if hasattr(worker, "join") else worker.wait(LONGEST)
        status = worker.exitcode if hasattr(worker, "exitcode") else worker.returncode
        return self.moment(run) if status == -signal.SIGKILL else ""

    def moment(self, run: Run) -> str:
        state = run.written_state(0).state
        if state != "running":
            return f"said {state}"
        if stray_files(run.fold_dir(0)):
            return "half-written files"
        if not run.last_file(0).exists():
            return "before the first resume point"
        import torch

        point = torch.load(run.last_file(0), mmap=True, weights_only=True)["epoch"]
        table = run.metrics(0)
        ahead = len(table) > 0 and int(table["epoch"].max()) > point
        return "metrics ahead of the resume point" if ahead else "between two epochs' files"

    def resume(self, run: Run) -> None:
        if run.fold_state(0).state == "interrupted":
            control.resume(run)
            self.keep(run)
        self.whole_life()

    def forget(self, run: Run) -> None:
        shutil.rmtree(run.dir)
        shutil.rmtree(places.lab_folder(self.root) / "cache", ignore_errors=True)


def as_the_lab_does(root: Path) -> subprocess.Popen:
    command = [sys.executable, "-m", "core", "worker", "--runs", str(root)]
    with open(places.lab_folder(root) / "worker.log", "ab") as log:
        return subprocess.Popen(command, cwd=HOME, stdout=log, stderr=log, start_new_session=True)


def kill(count: int, fresh: int, seed: int, folder: Path, seconds: float) -> Kills:
    """`count` lives that are killed at a random moment and resumed, `fresh` of them in workers as the lab starts them.

    Each is a run of its own of the same plan and is held, once it is done, against one that was never stopped.
    seconds: after which no further life begins.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FACET_SLOTS", str(machine.cores()))  # so that each worker has its share of the cores
        patch.setattr(control, "start_worker", no_worker)
        return _kill(count, fresh, seed, folder, time.time() + seconds)


def _kill(count: int, fresh: int, seed: int, folder: Path, deadline: float) -> Kills:
    lanes = machine.cores()
    lane = Lane(folder / "straight", "")
    plan = with_points(plan_of(folder / "photos"), 0)
    lane.launch(plan)
    lane.whole_life()  # the first one of a server imports what was not preloaded
    straight = lane.launch(plan)
    began = time.monotonic()
    lane.whole_life()
    longest = time.monotonic() - began
    plan = with_points(plan, POINTS * longest / plan.config.epochs)
    shares = [([True] * fresh + [False] * (count - fresh))[n::lanes] for n in range(lanes)]
    with ProcessPoolExecutor(lanes, multiprocessing.get_context("spawn")) as pool:
        work = [
            pool.submit(follow, folder / f"lane{n}", f"{seed}-{n}", share, plan, straight, longest, deadline)
            for n, share in enumerate(shares)
        ]
        parts = [part.result() for part in work]
    return Kills(
        sum(part.count for part in parts),
        sum(part.identical for part in parts),
        [difference for part in parts for difference in part.differ],
        sum((part.moments for part in parts), Counter()),
    )


def no_worker(root: Path) -> None:
    """In place of control.start_worker: each life is begun here, with a process to kill."""


def follow(
    root: Path, seed: str, share: list[bool], plan: Plan, straight: Run, longest: float, deadline: float
) -> Kills:
    """The lives of one lane. share: for each whether its worker is started as the lab does it."""
    control.start_worker = no_worker
    lane, kills = Lane(root, seed), Kills()
    for is_fresh in share:
        moment = ""
        while not moment:  # where it was through before its moment came there was no kill: another one in its place
            if time.time() > deadline:
                return kills
            run = lane.launch(plan)
            if is_fresh:
                moment = lane.killed(run, lambda: as_the_lab_does(root), IMPORTS + longest)
            else:
                moment = lane.killed(run, lane.born, longest)
            if not moment:
                lane.forget(run)
        lane.resume(run)
        kills.count += 1
        kills.moments[f"{moment}, a worker of the lab's" if is_fresh else moment] += 1
        try:
            assert_same_result(run, straight)
            kills.identical += 1
        except AssertionError as difference:  # the run stays, to be looked at
            kills.differ.append(f"{run.dir}: {str(difference).splitlines()[0]}")
            continue
        lane.forget(run)
    return kills
