"""Where fold jobs train: the protocol that pages and commands use, and its two engines. Imports no torch and no ray.

The queue, its order, pause, resume and cancel are the same for both: files beside the runs (core/jobs/). An engine says
what there is room for, begins what waits, and tells what trains where.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from core import machine, places
from core.engines import taken
from core.engines.cluster import Demand
from core.engines.parcel import Node
from core.errors import LabError
from core.jobs import control, elsewhere, gpus, queue
from core.runs import Run
from core.runs.run import is_locked

SHARE = "FACET_JOBS_PER_GPU"


@dataclass(frozen=True)
class Placed:
    """A fold job that trains. memory: bytes of its node; speed: images per second, None until it is known."""

    run: str
    fold: int
    node: str
    device: str = ""
    memory: int = 0
    attempt: int = 0
    speed: float | None = None


@dataclass(frozen=True)
class Capacity:
    """What an engine has: its nodes, fold jobs that train at a time, and how many do. trouble: in a sentence, or ''.

    asked: whether it was asked just now, and did not only tell what it knew when it last worked.
    """

    nodes: tuple[Node, ...]
    places: int
    busy: int
    waiting: int
    trouble: str = ""
    doing: str = ""
    asked: bool = True


class Engine(Protocol):
    """Where fold jobs train."""

    name: str

    def capacity(self) -> Capacity:
        """Raises LabError(kind 'engine') where nothing can be told, and why."""

    def submit(self, run: Run, folds: list[int]) -> None:
        """Let folds of a run wait their turn, and see that somebody begins them."""

    def cancel(self, run: Run) -> None: ...

    def placed(self, summaries: Sequence[dict[str, Any]] | None = None) -> list[Placed]:
        """What trains where. summaries: of all runs, where they were just read."""

    def lost(self, run: Run) -> list[int]:
        """Folds that said they run while nobody trains them any more."""

    def to_share(self, jobs: int) -> str:
        """What to do so that as many fold jobs train on one GPU."""


class _Queued:
    """What both engines share: the queue beside the runs."""

    def __init__(self, root: Path):
        self.root = root

    def submit(self, run: Run, folds: list[int]) -> None:
        queue.enqueue(run, folds)
        control.ensure_workers(self.root)

    def cancel(self, run: Run) -> None:
        control.cancel(run)

    def lost(self, run: Run) -> list[int]:
        return [state.fold for state in run.states() if state.state == "interrupted"]

    def _waiting(self) -> int:
        return len(queue.waiting(self.root))

    def _running(self, summaries: Sequence[dict[str, Any]] | None) -> list[tuple[Run, int]]:
        """summaries: of all runs, where they were just read."""
        from core.runs.lists import index

        every = index.summaries(self.root) if summaries is None else summaries
        return [
            (Run(summary["id"], self.root), int(fold["fold"]))
            for summary in every
            if "unreadable" not in summary
            for fold in summary["folds"]
            if fold["state"] == "running"
        ]


class ThisMachine(_Queued):
    """Today's queue, slots and workers."""

    name = elsewhere.HERE

    def capacity(self) -> Capacity:
        slots = queue.slot_locks(self.root)
        node = Node(machine.name(), machine.name(), machine.cores(), len(gpus.names(self.root)), machine.memory())
        return Capacity((node,), len(slots), sum(map(is_locked, slots)), self._waiting())

    def to_share(self, jobs: int) -> str:
        return f"start the lab with FACET_SLOTS={jobs * queue.gpu_count(self.root)}"

    def placed(self, summaries: Sequence[dict[str, Any]] | None = None) -> list[Placed]:
        return [placed_of(run, fold) for run, fold in self._running(summaries)]


class RayEngine(_Queued):
    """A Ray cluster, as the writer beside the lab told of it last; asked anew where it has not told lately."""

    def __init__(self, root: Path, address: str):
        super().__init__(root)
        self.name = address

    def capacity(self) -> Capacity:
        return self.told() if elsewhere.told_lately(self.root, self.name).get("nodes") else self._asked()

    def to_share(self, jobs: int) -> str:
        return f"start the lab with {SHARE}={jobs}"

    def told(self) -> Capacity:
        """What the writer told last, however long ago; asks nobody."""
        report = elsewhere.report(self.root)
        nodes = tuple(Node(**{key: row[key] for key in Node.__dataclass_fields__}) for row in report.get("nodes") or ())
        busy, trouble = len(elsewhere.under_way(self.root)), str(report.get("trouble") or "")
        doing = str(report.get("doing") or "")
        return Capacity(nodes, int(report.get("places", 0)), busy, self._waiting(), trouble, doing)

    def _asked(self) -> Capacity:
        from core.engines import ray_cluster

        nodes = tuple(ray_cluster.look(self.root, self.name))
        cores = demand(self.root, len([node for node in nodes if node.gpus])).cores
        room = sum(int(node.cores // cores) for node in nodes)
        trouble = elsewhere.waits_for(self.root)
        return Capacity(nodes, room, len(elsewhere.under_way(self.root)), self._waiting(), trouble)

    def placed(self, summaries: Sequence[dict[str, Any]] | None = None) -> list[Placed]:
        return [placed_of(Run(run_id, self.root), fold) for run_id, fold in elsewhere.under_way(self.root)]


def placed_of(run: Run, fold: int) -> Placed:
    """Where a fold trains or trained last, as its state and progress tell."""
    worker = run.written_state(fold).worker or {}
    speed = run.progress(fold).get("images_per_second")
    if "attempt" not in worker:
        return Placed(run.id, fold, machine.name(), "", machine.memory(), speed=speed)
    return Placed(
        run.id,
        fold,
        str(worker.get("name") or "a node"),
        str(worker.get("device") or ""),
        int(worker.get("memory") or 0),
        int(worker.get("attempt") or len(taken.attempts(run, fold))),
        speed,
    )


def engine_of(root: Path | None = None) -> Engine:
    """The engine of a runs folder: FACET_ENGINE, else the setting of this machine. Raises LabError(kind 'engine')."""
    root = root or places.runs_folder()
    address = elsewhere.address(root)
    return ThisMachine(root) if address is None else RayEngine(root, address)


def demand(root: Path, gpu_nodes: int, device: str = "auto") -> Demand:
    """What a fold job has to itself on a node: a GPU, or the share of one that FACET_JOBS_PER_GPU says, where the
    cluster has GPUs; else as many cores as a slot of this machine, so that it computes the same bits there as here.
    """
    cores = queue.threads_of_a_slot(root)
    every = _number("FACET_SHIP_SECONDS", 5.0)
    if gpu_nodes and device != "cpu":
        return Demand(1, 1.0 / max(1, int(_number(SHARE, 1))), every)
    return Demand(cores, 0.0, every)


def _number(name: str, default: float) -> float:
    text = os.environ.get(name, "")
    try:
        number = float(text) if text else default
    except ValueError:
        number = -1.0
    if number < 0:
        raise LabError(f"{name}: {text!r} is no number from 0 on.", kind="engine")
    return number
