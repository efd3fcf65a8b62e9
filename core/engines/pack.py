"""A fold job packed for a node that has nothing of this lab: config, samples, decoded pixels, weights, resume point.

Everything is a blob with a name made of its content, so that what several fold jobs share travels once. Imports no
torch before photos have to be decoded.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import platform
import zipfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

from core import places
from core.data.content.unchanged import check_unchanged
from core.data.pictures import kept
from core.engines import taken
from core.engines.cluster import Cluster, Demand, Succeeded
from core.engines.parcel import FoldJob, Key
from core.errors import LabError
from core.jobs import reach
from core.network import weights
from core.plan.plan import check_weights
from core.runs import Run, starts
from core.runs.origins import pending
from core.storage import files

PART = 64_000_000  # bytes of a blob that travel at a time
FOLDS = "folds"
AT_ONCE = 16  # fold jobs that wait to be packed at most


@dataclass
class Packed:
    """A fold job, and where the content of its blobs is."""

    job: FoldJob
    sources: dict[str, Path | bytes] = field(default_factory=dict)


def versions() -> dict[str, str]:
    """What a node has to have in common with the lab, or a fold that moves there would not be the same."""
    mine = {name: text.partition("+")[0] for name, text in starts.versions().items()}  # torch's +cu130 is its build
    return mine | {"Python": ".".join(platform.python_version_tuple()[:2])}


def fold_files(run: Run, fold: int) -> list[Path]:
    """What training leaves in a fold's folder and a resume needs, there or not."""
    outcomes = [
        p for which in ("best", "final") for p in (run.weights_file(fold, which), run.predictions_file(fold, which))
    ]
    return [*outcomes, run.metrics_file(fold), run.last_file(fold), run.starts_file(fold)]


def pack(
    run: Run,
    fold: int,
    attempt: int,
    *,
    cores: int,
    gpus: float = 0.0,
    every: float = 5.0,
    progress: Callable[[int, int], None] | None = None,
    should_stop: Callable[[], bool] = lambda: False,
    users: contextlib.ExitStack | None = None,
) -> Packed:
    """What a node needs to train a fold from its resume point, or its start. Decodes the photos where nobody has yet.

    users: until it is closed, the decoded photos are not deleted to make room.
    Raises LabError: what would end the fold job on this machine too (photos changed, weights missing, no room), and
    kind 'engine' for a run that cannot travel.
    """
    config, samples = run.config(), run.samples()
    if not (goes_on := run.last_file(fold).is_file()):  # which holds all weights
        check_weights(config)
    check_unchanged(samples, run.touched_file, run.dir.parent)
    packed: dict[str, Path | bytes] = {}
    laid: dict[str, str] = {}

    def put(place: str, path: Path) -> None:
        if path.is_file():
            blob = digest_of(path)
            packed[blob], laid[place] = path, blob

    for path in (run.config_file, run.samples_file, run.info_file, run.moved_file):
        put(f"{run.id}/{path.name}", path)
    mine = fold_files(run, fold)
    waiting = map(pending, mine)  # who was killed before they were in place: the resume point tells whether they count
    for path in (*mine, *waiting, run.state_file(fold)):
        put(f"{run.id}/{FOLDS}/{fold}/{path.name}", path)
    if config.model.parent and not goes_on:
        parent, which = Run(config.model.parent, run.dir.parent), config.model.init_checkpoint
        for path in (parent.config_file, parent.info_file, parent.moved_file):
            put(f"{parent.id}/{path.name}", path)
        of_fold = (parent.weights_file(fold, which), parent.predictions_file(fold, which), parent.state_file(fold))
        for path in of_fold:
            put(f"{parent.id}/{FOLDS}/{fold}/{path.name}", path)
    first = {}
    if config.model.init == "imagenet" and not goes_on:
        path = weights.imagenet_file(config.model.depth)
        blob = digest_of(path)
        packed[blob], first[path.name] = path, blob
    if config.model.init.startswith("file:") and not goes_on:
        raise LabError(
            f"{run.id} starts from a file of weights, which does not travel to a cluster.",
            "Train it on this machine, or start from the run that the weights are of.",
            kind="engine",
        )
    pixels = _pixels(run, packed, progress, should_stop, users)
    created = run.info().get("created") or 0.0
    job = FoldJob(run.id, fold, attempt, laid, pixels, first, versions(), cores, gpus, every, created)
    return Packed(job, packed)


def _pixels(run: Run, packed: dict[str, Path | bytes], progress, should_stop, users) -> tuple[str, str]:
    from core.training import pixel_cache  # torch and albumentations

    config = run.config()
    if not pixel_cache.cacheable(config.transforms):
        raise LabError(
            f"{run.id}: its photos keep their own sizes, and only decoded photos of one size travel to a cluster.",
            "Begin the transforms with Resize or CenterCrop, or train it on this machine.",
            kind="engine",
        )
    chosen = kept.room_of(run.dir.parent)
    path = pixel_cache.build(
        chosen.folder,
        run.samples(),
        config.transforms,
        progress=progress,
        should_stop=should_stop,
        users=users,
        limit=chosen.limit,
        dataset=config.data.root,
        memory=run.touched_file,
    )
    blob = f"pixels {path.name}"  # the name is a digest of what the pixels are made of
    packed[blob] = path
    return path.name, blob


def digest_of(path: Path) -> str:
    with open(path, "rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def parts_of(source: Path | bytes) -> Iterator[tuple[int, int, bytes]]:
    """(part, parts, content) of a blob, in order."""
    with io.BytesIO(source) if isinstance(source, bytes) else open(source, "rb") as stream:
        size = stream.seek(0, io.SEEK_END)
        stream.seek(0)
        parts = max(1, -(-size // PART))
        for part in range(parts):
            yield part, parts, stream.read(PART)


def code() -> bytes:
    """The lab's own code as a zip, the same bytes for the same code: what trains on a node is what would train here."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for path in sorted((places.HOME / "core").rglob("*")):
            if path.is_file() and "__pycache__" not in path.parts:
                name = path.relative_to(places.HOME).as_posix()
                archive.writestr(zipfile.ZipInfo(name), path.read_bytes(), zipfile.ZIP_DEFLATED)
    return content.getvalue()


def room_for(error: BaseException, folder: Path) -> str:
    """Why a node cannot take a job, where a full disk is why; else empty."""
    return f"there is no room in {folder}" if files.disk_full(error) else ""


class Packer:
    """Packs fold jobs one after another in a thread of its own, and sends the desk what it lacks of them.

    doing: what takes long at the moment. under_way: what was begun and is not collected yet.
    """

    def __init__(self, root: Path, cluster: Cluster, writer: str, demand: Callable[[Path, int, str], Demand]):
        self.root, self.cluster, self.writer, self.demand = root, cluster, writer, demand
        self.doing = ""
        self.under_way: dict[Key, Future[FoldJob]] = {}
        self._outlived: set[Future[FoldJob]] = set()  # begun with a connection that there is no more
        self._sent: dict[Key, set[str]] = {}  # blobs that were sent, or are, for what is under way
        self._thread = ThreadPoolExecutor(1, "packer")
        self._leaving = False

    def connect(self, cluster: Cluster) -> None:
        """From now on it is sent there."""
        self.cluster, self._outlived = cluster, set(self.under_way.values())

    @property
    def sent(self) -> set[str]:
        """Blobs that the desk is to hold for what is under way."""
        return set().union(*self._sent.values())

    def begin(self, key: Key, gpu_nodes: int) -> None:
        """Pack a fold job when its turn comes; one that is under way is not packed twice."""
        if key not in self.under_way and len(self.under_way) < AT_ONCE:
            self.under_way[key] = self._thread.submit(self._pack, key, gpu_nodes)

    def keep_to(self, keys: Sequence[Key]) -> None:
        """Begin none of those under way but these."""
        for key in self.under_way.keys() - set(keys):
            if self.under_way[key].cancel():
                del self.under_way[key]

    def finished(self) -> Iterator[tuple[Key, Future[FoldJob]]]:
        """What has been packed, or could not be; each is told once."""
        for key in [key for key, future in self.under_way.items() if future.done()]:
            self.doing = ""
            self._sent.pop(key, None)
            yield key, self.under_way.pop(key)

    def is_outlived(self, future: Future[FoldJob]) -> bool:
        """Whether an error says nothing about the connection of now, nor about the job, which is to be packed again."""
        return future in self._outlived

    def close(self) -> None:
        self._leaving = True
        self._thread.shutdown(wait=True, cancel_futures=True)

    def _pack(self, key: Key, gpu_nodes: int) -> FoldJob:
        """In the thread. Raises LabError as `pack`, and what the cluster raises."""
        run, fold = Run(key[0], self.root), key[1]
        before = [entry["attempt"] for entry in taken.written_attempts(run, fold)]
        demand = self.demand(self.root, gpu_nodes, run.config().training.device)
        with reach.held_as_asked(run), contextlib.ExitStack() as users:
            packed = pack(
                run,
                fold,
                max(before, default=0) + 1,
                cores=demand.cores,
                gpus=demand.gpus,
                every=demand.every,
                progress=lambda done, total: self._do(f"decoding photos of {run.id}: {done:,} of {total:,}"),
                should_stop=lambda: self._leaving,
                users=users,
            )
            self._sent[key] = packed.job.blobs
            for blob in self.cluster.missing(self.writer, sorted(packed.job.blobs)):
                for part, parts, content in parts_of(packed.sources[blob]):
                    self._do(f"sending {run.id}: part {part + 1:,} of {parts:,}")
                    if self._leaving or not self.cluster.keep(self.writer, blob, part, parts, content):
                        raise Succeeded
        return packed.job

    def _do(self, doing: str) -> None:
        self.doing = doing
