"""What a cluster costs the lab: `python -m bench.cluster`.

With --nodes N, and Ray: how much faster N nodes of one core train a study than one does; --share 0.3 gives each 0.3.
With --nodes-fake N ...: the writer and its queue against so many nodes that train nothing and send what a fold sends.
With --desk N: a desk and a queue with so many fold jobs. With --photos-many N: what grows with the photos of a
dataset. Without any, the writer: seconds that a fold-epoch takes it, by depth, with resume point, best weights and
predictions on a disk; shipping: the decoded photos of a study at 224 px through a desk.
"""

from __future__ import annotations

import argparse
import os
import pickle
import statistics
import tempfile
import time
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from bench import cluster_fake, cluster_nodes, cluster_photos
from bench.cluster_fake import FakeNodes
from core.config import from_dict
from core.engines import pack, taken
from core.engines.desk import Desk
from core.engines.parcel import FoldJob, Parcel
from core.jobs import queue
from core.runs import Run
from core.runs.create import create

FOLDS = 20  # of each simulated run
CONFIG: dict[str, Any] = {
    "name": "cluster",
    "task": {"name": "label"},
    "transforms": [{"name": "Resize", "params": {"height": 224, "width": 224}}, {"name": "Normalize"}],
    "model": {"init": "scratch"},
    "training": {"device": "cpu"},
}


def make_run(root: Path, folds: int, depth: int = 18) -> Run:
    """A run without photos, as its launch leaves it."""
    rows = 10 * folds
    samples = pd.DataFrame(
        {
            "sample": [f"{row}.jpg" for row in range(rows)],
            "path": [str(root / f"{row}.jpg") for row in range(rows)],
            "person": [str(row) for row in range(rows)],
            "y": np.arange(rows) % 2,
            "class_name": np.where(np.arange(rows) % 2, "a", "b"),
            "fold": np.arange(rows) % folds,
            "bytes": 1,
            "mtime_ns": 1,
        }
    )
    config = from_dict({**CONFIG, "folds": {"count": folds}, "model": {**CONFIG["model"], "depth": depth}})
    info: dict[str, Any] = {"dataset": {}, "persons": None, "versions": {}, "study": None}
    return create(config, samples, class_names=["a", "b"], info=info, folder=root)


def files_of(depth: int, classes: int = 18, photos: int = 3780) -> dict[str, bytes]:
    """What a best epoch of a depth leaves, by size: resume point with Adam's two moments, weights, predictions."""
    import torchvision

    network = getattr(torchvision.models, f"resnet{depth}")(num_classes=classes)
    size = sum(tensor.numel() * tensor.element_size() for tensor in network.state_dict().values())
    rng = np.random.default_rng(0)
    return {
        "last.pt": rng.bytes(3 * size),
        "best.safetensors": rng.bytes(size),
        "predictions_best.parquet": rng.bytes(photos * (classes + 4) * 6),
        "metrics.csv": b"x" * 20_000,
    }


def time_writer(root: Path, depth: int, rounds: int) -> tuple[float, int]:
    """(median seconds, bytes) of a fold-epoch in the writer, all of it on the disk."""
    run, files = make_run(root, 2, depth), files_of(depth)
    seconds = []
    for epoch in range(1, rounds + 1):
        parcel = Parcel(run.id, 0, 1, state={"epoch": epoch, "best_epoch": epoch, "scores": None}, files=files)
        begun = time.perf_counter()
        taken.write(run, parcel)
        seconds.append(time.perf_counter() - begun)
    return statistics.median(seconds), sum(map(len, files.values()))


def time_shipping(photos: int, side: int) -> tuple[float, int]:
    """(seconds, bytes) of decoded photos from a file through a desk onto a node's disk, without a network between."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pixels.npy"
        np.save(path, np.random.default_rng(0).integers(0, 256, (photos, side, side, 3), dtype=np.uint8))
        desk = Desk(FakeNodes(1))
        desk.hello("w")
        begun = time.perf_counter()
        for part, parts, content in pack.parts_of(path):
            desk.keep("w", "pixels", part, parts, content)
        with open(Path(folder) / "there.npy", "wb") as stream:
            for part in desk.blobs["pixels"]:
                stream.write(part)
        return time.perf_counter() - begun, path.stat().st_size


def time_desk(waiting: int) -> dict[str, float]:
    """What a desk with so many fold jobs that wait takes, by seconds and by bytes of Python's objects."""
    versions = pack.versions()

    def job(index: int) -> FoldJob:
        """As the packer makes it: no object is shared between two jobs."""
        run, fold = f"20261127-000000-run-{index // 5:04x}", index % 5
        names = [f"{run}/{name}" for name in ("config.yaml", "samples.parquet", "run.json")]
        laid = {name: os.urandom(32).hex() for name in [*names, f"{run}/folds/{fold}/state.json"]}
        return FoldJob(run, fold, 1, laid, (os.urandom(16).hex(), os.urandom(16).hex()), {}, dict(versions))

    hands = FakeNodes(1)
    desk = Desk(hands)
    desk.hello("w")
    jobs = [job(index) for index in range(waiting)]
    desk.blobs = {blob: [b""] for each in jobs for blob in each.blobs}
    sent = pickle.dumps(("w", jobs, []))
    del jobs
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    desk.arrange(*pickle.loads(sent))
    size = tracemalloc.get_traced_memory()[0] - before
    tracemalloc.stop()
    seconds = {}
    for name, call in (
        ("arranging them, s", lambda: desk.arrange(*pickle.loads(sent))),
        ("a look of the desk at all, s", desk.tick),
        ("its status, s", desk.status),
        ("what is new for the writer, s", lambda: desk.take("w", 0)),
    ):
        begun = time.perf_counter()
        call()
        seconds[name] = time.perf_counter() - begun
    return {"sent to it, MB": len(sent) / 1e6, "held by it, MB": size / 1e6, **seconds}


def time_queue(root: Path, waiting: int) -> dict[str, float]:
    """What a long queue takes the writer beside the lab, which hands the desk the first of it at a time."""
    runs = [make_run(root, FOLDS) for _ in range(-(-waiting // FOLDS))]
    for run in runs:
        queue.enqueue(run, run.folds())
    now = [0.0]
    reader = queue.Reader(root, lambda: now[0])

    def read(after: float) -> float:
        now[0] += after
        begun = time.process_time()
        reader.entries()
        return time.process_time() - begun

    seconds = {"reading the queue, s of CPU": read(0.0), "once more, s of CPU": read(3.0)}
    read(3.0)
    seconds["a round in which nothing changed, s of CPU"] = read(0.3)
    queue.remove(runs[0], [0])
    return seconds | {"a round after a fold began, s of CPU": read(0.3)}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--depths", type=int, nargs="*", default=[18, 152], help="depths whose resume points are written"
    )
    parser.add_argument("--rounds", type=int, default=3, help="epochs of each")
    parser.add_argument("--photos", type=int, default=2700, help="decoded photos to ship")
    parser.add_argument(
        "--nodes-fake", type=int, nargs="+", help="watch the writer with so many fake nodes, and nothing else"
    )
    parser.add_argument("--waiting", type=int, default=200, help="fold jobs that wait behind those that train")
    parser.add_argument("--epoch", type=float, default=60.0, help="seconds that an epoch of a fake node takes")
    parser.add_argument("--window", type=float, default=60.0, help="seconds for which they are watched")
    parser.add_argument("--photos-many", type=int, help="measure what grows with so many photos, and nothing else")
    parser.add_argument("--folder", type=Path, help="where to write (default: a temporary folder)")
    parser.add_argument("--nodes", type=int, help="measure so many Ray nodes of one core against one, and nothing else")
    parser.add_argument("--share", type=float, default=1.0, help="of a core that each of those may use, as 0.3")
    parser.add_argument("--jobs", type=int, default=12, help="fold jobs that those train")
    parser.add_argument("--epochs", type=int, default=3, help="epochs of each of those")
    parser.add_argument("--desk", type=int, help="measure a desk and a queue of so many fold jobs, and nothing else")
    options = parser.parse_args()
    if options.nodes:
        cluster_nodes.check(options.nodes, options.share)
        with tempfile.TemporaryDirectory(dir=options.folder) as top:
            print(cluster_nodes.measure(Path(top), options.nodes, options.jobs, options.epochs, options.share))
        return
    for count in options.nodes_fake or ():
        with tempfile.TemporaryDirectory(dir=options.folder) as top:
            figures = cluster_fake.simulate(
                Path(top), count, options.waiting, epoch=options.epoch, window=options.window, size=100_000
            )
        print(cluster_fake.told(count, options.waiting, options.epoch, figures), flush=True)
    if options.photos_many:
        print(f"{options.photos_many:,} photos, in seconds of CPU where nothing else is said:")
        with tempfile.TemporaryDirectory(dir=options.folder) as top:
            for name, number in cluster_photos.measure(Path(top), options.photos_many).items():
                print(f"  {name}: {number:.3f}")
    if options.nodes_fake or options.photos_many:
        return
    if options.desk:
        print(f"a desk with {options.desk:,} fold jobs that wait, and the queue that they come from:")
        with tempfile.TemporaryDirectory(dir=options.folder) as top:
            for name, number in (time_desk(options.desk) | time_queue(Path(top), options.desk)).items():
                print(f"  {name}: {number:.4f}")
        return
    with tempfile.TemporaryDirectory(dir=options.folder) as top:
        for depth in options.depths:
            seconds, size = time_writer(Path(top) / f"depth-{depth}", depth, options.rounds)
            print(f"writer, ResNet-{depth}: {seconds:.2f} s a fold-epoch of {size / 1e6:,.0f} MB, all on the disk")
        seconds, size = time_shipping(options.photos, 224)
        print(f"shipping {options.photos:,} photos at 224 px: {seconds:.2f} s for {size / 1e6:,.0f} MB, once a node")


if __name__ == "__main__":
    main()
