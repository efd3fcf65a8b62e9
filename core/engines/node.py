"""One attempt of a fold job on a node: a run folder of its own, `train_fold` in it, and a shipper of what it writes.

The trainer knows nothing of this. After each epoch the files that it wrote are linked aside, which takes no time, and a
thread sends them: training waits for no network.
"""

from __future__ import annotations

import contextlib
import math
import os
import secrets
import shutil
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from core import machine, places
from core.engines.pack import fold_files, versions
from core.engines.parcel import FoldJob, Parcel
from core.engines.taken import ENDED, KEPT
from core.errors import in_sentences
from core.jobs import fold_job, halt
from core.runs import Run
from core.storage import files, locks

BEAT = 1.0  # seconds between two words to the desk
PLACE = "FACET_NODE_FOLDER"
INSTALL = "pip install -r requirements.txt"
Fetch = Callable[[str], Iterable[bytes]]


def folder() -> Path:
    """Where a node keeps decoded photos and the run folders of what trains: FACET_NODE_FOLDER, else a temporary one."""
    owner = os.getuid() if hasattr(os, "getuid") else 0
    return Path(os.environ.get(PLACE) or Path(tempfile.gettempdir()) / f"facet-node-{owner}")


def unfit(job: FoldJob) -> str:
    """Why this node's Python and libraries cannot train a fold as the lab would; empty where they can. No torch."""
    mine = versions()
    different = [
        f"{name} {mine.get(name, 'none')} instead of {text}"
        for name, text in job.versions.items()
        if mine.get(name) != text
    ]
    return f"has {', '.join(different)}; install the lab's own there: {INSTALL}" if different else ""


def cannot_import() -> str:
    """Why nothing can train here, where what a training imports is missing or broken; else empty."""
    try:
        import core.training.train  # noqa: F401  (all that a training imports, torch among it)
    except Exception as error:  # a broken library raises anything
        return f"lacks what the lab needs ({type(error).__name__}: {error}); install it there: {INSTALL}"
    return ""


def train(job: FoldJob, fetch: Fetch, desk: Any, node: dict[str, Any]) -> bool:
    """Train one attempt and send what it writes. fetch: a blob's parts. desk: as nodes reach it. node: id, name.

    Returns whether it failed in a way after which this process, or its GPU, may be in pieces.
    """
    line = Line(desk, job)
    line.start()
    try:
        with _laid_out(job, fetch) as run:
            return _train(run, job, line, node)
    except OSError as error:
        if error.errno is None:  # the desk does not answer any more, say
            raise
        full = files.disk_full(error)
        why = f"has no room in {folder()}; free some there" if full else f"cannot use {folder()} ({error}); look there"
        line.desk.unfit(job.key, job.attempt, node["id"], why)
        return False
    finally:
        line.close()


def _train(run: Run, job: FoldJob, line: Line, node: dict[str, Any]) -> bool:
    from core.training import train
    from core.training.device import device_name, limit_threads, pick_device

    fold = job.fold
    limit_threads(job.cores)
    with fold_job.output_to(run.log_file):
        reporter, begun = fold_job.Reporter(run, fold), time.monotonic()
        with fold_job.ending(run, fold) as end:
            reporter.state = fold_job.begin(run, fold, {})
            device = device_name(pick_device(run.config().training.device, 0))
            facts = {**node, "device": device, "memory": machine.memory(), "cores": job.cores}
            if not line.desk.begun(job.key, job.attempt, facts):
                return False
            line.watch(run)

            def report(row: dict[str, Any]) -> None:
                reporter(row)
                line.report(row)

            sharing = max(1, round(1 / job.gpus)) if job.gpus else 1
            finished = train.train_fold(run, fold, report=report, should_stop=line.stop.is_set, sharing=sharing)
            end["state"] = "done" if finished else "cancelled"
        broken = end.get("kind") in halt.BROKEN
        if line.stop.is_set():
            return broken  # another attempt has the fold, or nobody wants it
        if end.get("kind") == "disk-full":
            why = in_sentences(f"has no room: {end['reason']}", end["remedy"])
            line.desk.unfit(job.key, job.attempt, node["id"], why)
            return broken
        lasted = math.inf if reporter.epochs else time.monotonic() - begun
        fold_job.finish(run, fold, end, reporter.state)
    line.finish(lasted)
    return broken


class Line:
    """Sends what an attempt writes: a word each second, a resume point at most each `job.every` seconds, the end.

    stop: set as soon as the desk refuses, or cannot be reached any more.
    """

    def __init__(self, desk: Any, job: FoldJob):
        self.desk, self.job = desk, job
        self.stop, self._closed = threading.Event(), threading.Event()
        self._swap, self._sending = threading.Lock(), threading.Lock()
        self._gone: tuple[str, ...] = ()
        self._links: dict[str, Path] = {}  # what waits to be sent
        self._state: dict[str, Any] = {}  # of the epoch that the links are of
        self._count = 0
        self._progress: dict[str, Any] | None = None
        self._run: Run | None = None
        self._seen: dict[str, tuple[int, int, int]] = {}
        self._info: dict[str, Any] = {}
        self._logged = 0
        self._shipped = time.monotonic()
        self._thread = threading.Thread(target=self._live, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def watch(self, run: Run) -> None:
        """From now on this run's folder is what is sent of; what lies there already came from the lab."""
        self._run, self._info = run, run.info()
        self._seen = {path.name: _stamp(path) for path in fold_files(run, self.job.fold) if path.exists()}

    def report(self, row: dict[str, Any]) -> None:
        """Called by the thread that trains, which waits for nothing unless `job.every` is 0.

        After an epoch every file is whole and of that epoch.
        """
        if row["kind"] == "epoch":
            self._link(KEPT)
            if not self.job.every:
                self._ship()
        else:
            self._progress = row

    def finish(self, lasted: float) -> None:
        """Send the end and wait until it is there. lasted: as a parcel has it.

        Of a fold that is done nobody needs the resume point, most of what there is: this node has better to do.
        """
        self._link(ENDED, lasted=lasted)
        if self._state["state"] == "done":
            self._leave_out_resume_point()
        self._ship(over=True)

    def close(self) -> None:
        self._closed.set()
        self._thread.join()

    def _live(self) -> None:
        while not self._closed.wait(BEAT) and not self.stop.is_set():
            progress, self._progress = self._progress, None
            try:
                if not self.desk.beat(self.job.key, self.job.attempt, progress):
                    self.stop.set()
                elif self._links and time.monotonic() - self._shipped >= self.job.every:
                    self._ship()
            except Exception as error:  # the desk is gone, and with it whoever would want this
                print(f"the desk cannot be reached: {type(error).__name__}: {error}", flush=True)
                self.stop.set()

    def _link(self, fields: tuple[str, ...], **more: Any) -> None:
        assert self._run is not None
        aside, links = self._run.dir.parent.parent / "aside", {}
        aside.mkdir(exist_ok=True)
        self._count += 1
        for path in fold_files(self._run, self.job.fold):
            if not path.exists() or self._seen.get(path.name) == (stamp := _stamp(path)):
                continue
            self._seen[path.name] = stamp
            links[path.name] = link = aside / f"{self._count} {path.name}"
            if path == self._run.metrics_file(self.job.fold):  # the one file that is appended to
                shutil.copyfile(path, link)
            else:
                os.link(path, link)
        state = vars(self._run.written_state(self.job.fold))
        with self._swap:
            for name in links.keys() & self._links.keys():
                self._links[name].unlink()
            self._links |= links
            self._state = {key: state[key] for key in fields} | more

    def _leave_out_resume_point(self) -> None:
        assert self._run is not None
        name = self._run.last_file(self.job.fold).name
        self._gone = (name,)
        with self._swap:
            if (link := self._links.pop(name, None)) is not None:
                link.unlink()

    def _ship(self, *, over: bool = False) -> None:
        run = self._run
        assert run is not None
        with self._sending:
            with self._swap:
                links, self._links, state = self._links, {}, self._state
                contents = {name: open(link, "rb") for name, link in links.items()}  # noqa: SIM115
            files_of = {}
            for name, stream in contents.items():
                with stream:
                    files_of[name] = stream.read()
                links[name].unlink()
            info = run.info()
            with open(run.log_file, "rb") as stream:
                stream.seek(self._logged)
                log = stream.read()
            facts = {key: value for key, value in info.items() if self._info.get(key) != value}
            parcel = Parcel(*self.job.key, self.job.attempt, state=state, facts=facts, files=files_of)
            parcel.log, parcel.end, parcel.gone = log.decode("utf-8", "replace"), "over" if over else "", self._gone
            if self.stop.is_set() or not self.desk.ship(parcel):
                self.stop.set()
                return
            self._info, self._shipped = info, time.monotonic()
            self._logged += len(log)


def _stamp(path: Path) -> tuple[int, int, int]:
    stat = path.stat()
    return stat.st_ino, stat.st_mtime_ns, stat.st_size


@contextlib.contextmanager
def _laid_out(job: FoldJob, fetch: Fetch) -> Iterator[Run]:
    """A runs folder with all that the job needs, which is gone afterwards; the decoded photos stay for the next one."""
    top = folder()
    (top / "cache").mkdir(parents=True, exist_ok=True)
    (top / "jobs").mkdir(exist_ok=True)
    _sweep(top / "jobs")
    name = secrets.token_hex(8)
    mine, hidden = top / "jobs" / name, top / "jobs" / f".{name}"
    hidden.mkdir()
    try:
        with locks.held(hidden / "lock", "this node's job"):
            os.rename(hidden, mine)  # whoever sweeps sees no folder whose lock is not taken
            runs = mine / "runs"
            lab = places.lab_folder(runs)
            lab.mkdir(parents=True)
            os.symlink(top / "cache", lab / "cache", target_is_directory=True)
            for place, blob in job.files.items():
                _write(runs / place, fetch(blob))
            for name, blob in job.weights.items():
                _write(mine / "torch" / "hub" / "checkpoints" / name, fetch(blob))
            if job.weights:
                os.environ["TORCH_HOME"] = str(mine / "torch")
            run = Run(job.run, runs)
            run.fold_dir(job.fold).mkdir(parents=True, exist_ok=True)
            if job.pixels:
                _keep_pixels(top / "cache" / job.pixels[0], fetch(job.pixels[1]))
            yield run
    finally:
        shutil.rmtree(mine, ignore_errors=True)


def _write(path: Path, parts: Iterable[bytes]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with open(path, "wb") as stream:
        for part in parts:
            stream.write(part)


def _keep_pixels(path: Path, parts: Iterable[bytes]) -> None:
    """Decoded photos into the node's cache, unless they are there; one process fetches them, the others wait."""
    from core.training import pixel_cache

    with locks.held(path.with_suffix(".lock"), "decoded photos", timeout=3600):
        if path.exists():
            os.utime(path)
            return
        temporary = path.with_name(f".{path.name}.tmp")
        try:
            _write(temporary, parts)
            os.replace(temporary, path)
        finally:
            temporary.unlink(missing_ok=True)
    pixel_cache.forget_oldest(path.parent, keep=path)


def _sweep(jobs: Path) -> None:
    """What killed jobs left."""
    for place in list(jobs.iterdir()):
        if not place.name.startswith(".") and not locks.is_held(place / "lock"):
            shutil.rmtree(place, ignore_errors=True)
