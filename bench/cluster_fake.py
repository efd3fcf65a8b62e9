"""The writer beside a lab against many nodes that train nothing: a part of `python -m bench.cluster --nodes-fake N`.

Runs, queue, packing, writer and desk are the real ones. The desk has a process of its own, as in a cluster, and there
each fake node answers as a node does: it begins, says a word a second, sends a resume point after each epoch, ends.
"""

from __future__ import annotations

import heapq
import itertools
import multiprocessing
import os
import pickle
import random
import shutil
import threading
import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np

from bench import cluster_nodes
from core.demo.dataset import draw_demo
from core.engines import life, taken, writer
from core.engines.cluster import Demand
from core.engines.desk import Desk
from core.engines.door import EVERY as LOOK
from core.engines.parcel import FoldJob, Node, Parcel
from core.jobs import control, queue
from core.runs import Run
from core.storage import files

EPOCHS = 5  # of each fold; then the node takes the next one
FOLDS = 5  # of each run
ADDRESS = "ray://127.0.0.1:10001"  # never asked


class FakeNodes:
    """Hands of a desk whose nodes train nothing: a job that began waits until it is asked to send."""

    def __init__(self, count: int):
        self.rows = [Node(f"{index:04d}", f"node {index}", 1) for index in range(count)]
        self.jobs: list[FoldJob] = []
        self.over: set[str] = set()  # tasks that have ended

    def keep(self, content: bytes) -> bytes:
        return content

    def content(self, handle: bytes) -> bytes:
        return handle

    def start(self, job: FoldJob, blobs: dict[str, list[Any]], avoid: Any) -> str:
        self.jobs.append(job)
        return self.task(job)

    @staticmethod
    def task(job: FoldJob) -> str:
        return f"{job.run} {job.fold} {job.attempt}"

    def stop(self, task: str) -> None:
        pass

    def ended(self, tasks: Any) -> list[tuple[str, str]]:
        ended = self.over.intersection(tasks)
        self.over -= ended
        return [(task, "") for task in ended]

    def wait(self, tasks: Any, seconds: float) -> None:
        time.sleep(seconds)

    def nodes(self) -> list[Node]:
        return self.rows


class Cluster:
    """In the desk's process: the desk, and nodes whose epochs take `seconds` each and end at moments of their own."""

    def __init__(self, count: int, seconds: float, size: int):
        self.hands = FakeNodes(count)
        self.desk = Desk(self.hands, silence=1e9)
        self.seconds, self.content, self.draw = seconds, os.urandom(size), random.Random(0)
        self.training: dict[tuple[str, int], tuple[FoldJob, int]] = {}  # with the epochs that are done
        self.due: list[tuple[float, tuple[str, int]]] = []  # when an epoch ends, of what
        self.seen, self.messages = 0, 0

    def live(self, pipe: Connection) -> None:
        look = word = time.monotonic()
        while True:
            if pipe.poll(0.005):
                name, arguments = pickle.loads(pipe.recv_bytes())
                if name == "end":
                    return
                answer = getattr(self if name in ("flood", "cost") else self.desk, name)(*arguments)
                pipe.send_bytes(pickle.dumps(answer))
            now = time.monotonic()
            if now >= look:
                self.desk.tick()
                look = now + LOOK
                self._begin(now)
            if now >= word:
                self.words()
                word = now + 1.0
            while self.due and self.due[0][0] <= now:
                self._send(heapq.heappop(self.due)[1], now)

    def _begin(self, now: float) -> None:
        for job in self.hands.jobs[self.seen :]:
            if self.desk.begun(job.key, job.attempt, {"id": "0000", "name": "a node", "device": "CPU", "memory": 1}):
                self.training[job.key] = job, 0
                heapq.heappush(self.due, (now + self.seconds * self.draw.uniform(0.1, 1.1), job.key))
        self.seen = len(self.hands.jobs)

    def words(self) -> None:
        for key, (job, done) in list(self.training.items()):
            row = {"kind": "progress", "epoch": done + 1, "epochs": EPOCHS, "step": 1, "steps": 9, "split": "train"}
            self.messages += 1
            if not self.desk.beat(key, job.attempt, row):
                del self.training[key]

    def _send(self, key: tuple[str, int], now: float) -> None:
        if key not in self.training:
            return
        job, done = self.training[key]
        over = done + 1 == EPOCHS
        state: dict[str, Any] = {"epoch": done + 1, "best_epoch": done + 1}
        files = {"last.pt": self.content, "metrics.csv": b"x" * 1000}
        parcel = Parcel(*key, job.attempt, state=state, files=files, progress={"sent": time.time()})
        if over:
            parcel.end, parcel.state = "over", state | {"state": "done", "seconds": 1.0}
            parcel.files |= {"best.safetensors": b"x"}
        self.messages += 1
        if not self.desk.ship(parcel) or over:
            self.hands.over.add(self.hands.task(job))
            del self.training[key]
            return
        self.training[key] = job, done + 1
        heapq.heappush(self.due, (now + self.seconds, key))

    def flood(self, what: str) -> int:
        """All nodes at once: 'words' or 'epochs'. Returns how many."""
        if what == "words":
            self.words()
        else:
            self.due = []  # nothing more comes by itself
            for key, (job, done) in self.training.items():
                files = {"last.pt": self.content, "metrics.csv": b"x" * 1000}
                self.desk.ship(Parcel(*key, job.attempt, state={"epoch": done + 1}, files=files))
        return len(self.training)

    def cost(self) -> tuple[float, int]:
        """(seconds of this process's CPU, messages of the nodes) until now."""
        return time.process_time(), self.messages


def _desk(pipe: Connection, count: int, seconds: float, size: int) -> None:
    Cluster(count, seconds, size).live(pipe)


class Far:
    """The desk, as the writer reaches it: through pickled bytes, as with Ray."""

    code = ""

    def __init__(self, pipe: Connection):
        self.pipe, self.lock = pipe, threading.Lock()  # the packer asks too

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> Any:
            with self.lock:
                self.pipe.send_bytes(pickle.dumps((name, arguments)))
                return pickle.loads(self.pipe.recv_bytes())

        return call


def launched(top: Path, root: Path, jobs: int) -> float:
    """Seconds of CPU that a fold job took to be queued, until `jobs` of them wait in a fresh lab.

    One run is launched; the others are copies of its folder, as they would lie there.
    """
    root.mkdir()
    draw_demo(top / "demo", people=30)
    first = control.launch(cluster_nodes.plan_of(top / "demo", EPOCHS, folds=FOLDS), folder=root)
    begun = time.process_time()
    for place in range(1, -(-jobs // FOLDS)):
        run = Run(f"{first.id}-{place:04d}", root)
        shutil.copytree(first.dir, run.dir)
        summary = files.read_json(run.summary_file)
        files.write_json(run.summary_file, {**summary, "id": run.id}, durable=False)
        queue.enqueue(run, run.folds())
    return (time.process_time() - begun) / jobs


def simulate(top: Path, nodes: int, waiting: int, *, epoch: float, window: float, size: int) -> dict[str, float]:
    """So many fake nodes, with `waiting` fold jobs behind theirs, watched for `window` seconds once all of them train.

    An epoch takes `epoch` seconds and sends a resume point of `size` bytes. Times in seconds; cpu is the writer's.
    """
    os.environ["FACET_ENGINE"] = ADDRESS
    life.allow_files(nodes)
    control.start_writer = lambda root: None  # the writer is this process
    queueing = launched(top, root := top / "runs", nodes + waiting)
    mine, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=_desk, args=(theirs, nodes, epoch, size), daemon=True)
    process.start()
    far = Far(mine)
    scribe = writer.Writer(root, far, ADDRESS, lambda *_: Demand(1))
    watched = Watched(scribe)
    scribe.greet()
    try:
        begun, cpu = time.perf_counter(), time.process_time()
        while len(scribe.held) < nodes:
            watched.round()
        filled, filling = time.perf_counter() - begun, time.process_time() - cpu
        watched.forget()
        desk_cpu, messages = far.cost()
        begun, cpu = time.perf_counter(), time.process_time()
        while time.perf_counter() - begun < window:
            watched.round()
        took, spent = time.perf_counter() - begun, time.process_time() - cpu
        desk_cpu, messages = (now - before for now, before in zip(far.cost(), (desk_cpu, messages), strict=True))
        figures = {
            "cpu of queueing a fold job": queueing,
            "until all nodes train": filled,
            "cpu a fold job until it trains": filling / nodes,
            "fold-epochs written a second": len(watched.latencies) / took,
            "fold jobs begun a second": watched.taken_up / took,
            "messages of the nodes a second": messages / took,
            "share of the time that the writer works": watched.worked / took,
            "share of a core that the writer takes": spent / took,
            "cpu a fold-epoch, all that comes with it": spent / max(1, len(watched.latencies)),
            "share of a core that the desk takes": desk_cpu / took,
            "from sent to written, median": float(np.median(watched.latencies)),
            "from sent to written, 95 of 100": float(np.quantile(watched.latencies, 0.95)),
            "from sent to written, longest": max(watched.latencies),
            "the longest round": watched.longest,
            "reads of the queue": float(watched.reads),
            "rounds": float(watched.rounds),
        }
        for what in ("epochs", "words"):  # the first lets nothing else come
            while far.status()["uncollected"] or scribe.parcels:
                scribe._receive()
            count = far.flood(what)
            begun, cpu = time.perf_counter(), time.process_time()
            while far.status()["uncollected"] or scribe.parcels:
                scribe._receive()
            name = {"epochs": "fold-epochs", "words": "words of nodes"}[what]
            figures[f"all nodes at once: {name} written a second"] = count / (time.perf_counter() - begun)
            figures[f"all nodes at once: cpu of one of these {name}"] = (time.process_time() - cpu) / count
        return figures
    finally:
        far.pipe.send_bytes(pickle.dumps(("end", ())))
        process.join()
        for held in list(scribe.held.values()):
            held.lock.release()
        scribe.close()


class Watched:
    """Rounds of a writer at its own pace, and what they took."""

    def __init__(self, scribe: writer.Writer):
        self.scribe = scribe
        self.forget()
        written, begun, read = taken.write, scribe._begun, scribe.queue._read

        def write(run: Any, parcel: Parcel) -> None:
            written(run, parcel)
            if parcel.progress and "sent" in parcel.progress and parcel.state.get("epoch"):
                self.latencies.append(time.time() - parcel.progress["sent"])

        def take_up(*arguments: Any) -> None:
            self.taken_up += 1
            begun(*arguments)

        def read_queue() -> None:
            self.reads += 1
            read()

        taken.write, scribe._begun, scribe.queue._read = write, take_up, read_queue

    def forget(self) -> None:
        self.latencies: list[float] = []
        self.worked = self.longest = 0.0
        self.rounds = self.reads = self.taken_up = 0

    def round(self) -> None:
        begun = time.perf_counter()
        self.scribe.round()
        took = time.perf_counter() - begun
        self.worked, self.longest, self.rounds = self.worked + took, max(self.longest, took), self.rounds + 1
        time.sleep(life.EVERY)


def told(nodes: int, waiting: int, epoch: float, figures: dict[str, float]) -> str:
    head = f"{nodes:,} fake nodes, {waiting:,} fold jobs behind theirs, an epoch takes {epoch:g} s:"
    return "\n".join(itertools.chain([head], (f"  {name}: {number:.4f}" for name, number in figures.items())))
