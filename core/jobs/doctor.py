"""What of this machine and of the lab's folders could spoil a training, each with what to do. Imports no torch."""

from __future__ import annotations

import contextlib
import glob
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import psutil

from core import machine, places
from core.errors import LabError
from core.jobs import gpus, halt, queue
from core.jobs.alerts import addresses
from core.jobs.room.use import not_counted
from core.network import weights
from core.runs import Run
from core.runs.lists.summaries import summaries, what_to_do
from core.storage import asking, files, lab_file, locks, runs_reach
from core.text import listed

Verdict = Literal["good", "note", "fault"]
REQUIREMENTS = "requirements.txt"
ROOM = 2e9  # bytes of free disk below which a training may not end: ResNet-50's five folds leave about as much
SHARED = 1e9  # bytes of shared memory that loader processes may want: 8 of them, 2 batches of 128 photos at 224 px
OLD = 24 * 3600.0  # seconds after which nobody writes a temporary file any longer
TEMPORARY = re.compile(r"^\..+\.[0-9a-f]{8}\.tmp$")  # as core.storage.files names them
TEMPORARY_FOUND = f".?*.{'[0-9a-f]' * 8}.tmp"  # the same, for find
# Folders that get their name once they are whole: launches, packages and holds; zips. And runs while they are deleted
# for good.
UNFINISHED = re.compile(r"^\..+\.[0-9a-f]{8}\.(new|old)$|^\.[0-9a-f]{12}$|^\.[0-9a-f]{8}\.gone$")
MKDTEMP = "[a-z0-9_]" * 8  # what tempfile ends a name with
REMOTE = ("nfs", "nfs4", "cifs", "smb3", "smbfs", "9p", "fuse.sshfs", "afs", "ceph", "glusterfs", "lustre")
DOORS = {
    "alone": "this machine only, and of its browsers those that opened the lab's link",
    "proxy": "whom the web server in front names",
    "oidc": "who logs in and is allowed by name",
}
HOLDER = """
import sys
from pathlib import Path
from core.storage import files, locks
from core.text import listed
with locks.lock(Path(sys.argv[1]), timeout=5):
    print("held", flush=True)
    sys.stdin.read()
"""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked at. good: nothing to do; note: worth knowing; fault: trainings will fail or suffer."""

    subject: str
    verdict: Verdict
    what: str
    remedy: str = ""


def examine(root: Path | None = None, top: Path = machine.TOP) -> list[Finding]:
    """Look at everything once. root: the runs folder, by default the lab's. top: the root of /dev and /proc.

    A look that itself fails is a finding, never an exception: the doctor is asked when things are broken.
    """
    root = root or places.runs_folder()
    looks: list[tuple[str, Callable[[], Iterator[Finding]]]] = [
        ("versions", _versions),
        ("machine", lambda: _machine(root, top)),
        ("shared memory", lambda: _shared_memory(top)),
        ("rights", lambda: _rights(root)),
        ("door", lambda: _door(root)),
        ("alerts", lambda: _alerts(root)),
        ("locks", lambda: _locks(root)),
        ("disk", lambda: _disk(root)),
        ("weights", _weights),
        ("queue", lambda: _queue(root)),
        ("runs", lambda: _runs(root)),
        ("left-overs", lambda: _left_overs(root)),
        ("left-overs", lambda: _cut_off(root)),
    ]
    findings: list[Finding] = []
    if fault := runs_reach.fault_of(root):  # what lies in it is no fault of its own
        what = f"{fault.message.removeprefix('runs: ').removesuffix('.')}: nothing can be launched."
        findings = [Finding("rights", "fault", what, fault.remedy)]
        looks = [("versions", _versions), ("shared memory", lambda: _shared_memory(top)), ("weights", _weights)]
    for subject, look in looks:
        try:
            findings += look()
        except (OSError, LabError, ValueError, subprocess.SubprocessError) as error:
            findings.append(Finding(subject, "fault", f"could not be looked at: {error}"))
    return findings


def _versions() -> Iterator[Finding]:
    pins = dict(re.findall(r"^([A-Za-z0-9_.-]+)==([^\s;]+)", (places.HOME / REQUIREMENTS).read_text("utf-8"), re.M))
    others = []
    for package, pinned in pins.items():
        try:
            installed = version(package)
        except PackageNotFoundError:
            yield Finding("versions", "fault", f"{package} is not installed.", f"pip install {package}=={pinned}")
            continue
        if installed.partition("+")[0] != pinned:
            others.append(f"{package} {installed} (tested: {pinned})")
    with contextlib.suppress(PackageNotFoundError):
        yield Finding("versions", "good", f"Python {platform.python_version()}, torch {version('torch')}.")
    if others:
        yield Finding(
            "versions",
            "note",
            f"Not the versions that the lab is tested with: {', '.join(others)}.",
            f"pip install -r {REQUIREMENTS}",
        )


def _machine(root: Path, top: Path) -> Iterator[Finding]:
    memory, limit = machine.memory(top), " (a limit of its container)" if machine.is_limited(top) else ""
    cards = gpus.names(root, top)
    what = f"{_counted(machine.cores(top), 'core')}, {memory / 1e9:.0f} GB of memory{limit}, "
    what += f"{_counted(len(cards), 'GPU')}: {', '.join(cards)}." if cards else "no GPU that torch can use."
    yield Finding("machine", "good", what)
    if not cards and sorted((top / "dev").glob("nvidia[0-9]*")):
        yield Finding(
            "machine",
            "fault",
            "There is an NVIDIA card, but torch cannot use it.",
            "Install a torch with CUDA and a driver that it knows, then ask again in ten minutes.",
        )
    yield Finding("machine", "good", f"{_counted(queue.slot_count(root), 'fold job')} at a time.")


def _shared_memory(top: Path) -> Iterator[Finding]:
    folder = top / "dev" / "shm"
    if not folder.is_dir():
        return
    free = shutil.disk_usage(folder).free
    if free >= SHARED:
        yield Finding("shared memory", "good", f"{free / 1e9:.1f} GB are free in {folder}.")
        return
    yield Finding(
        "shared memory",
        "note" if not sorted((top / "dev").glob("nvidia[0-9]*")) else "fault",
        f"{folder} has {free / 1e6:,.0f} MB: loader processes hand their batches through it, and die of a bus error.",
        "Start the container with --shm-size=2g, or train with --set training.loader_workers=0.",
    )


def _rights(root: Path) -> Iterator[Finding]:
    for folder in (root, places.lab_folder(root), places.machine_folder(root)):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            probe = folder / f".{os.getpid()}.doctor"
            probe.write_bytes(b"")
            probe.unlink()
        except OSError as error:
            yield Finding(
                "rights",
                "fault",
                f"{folder} cannot be written ({error.strerror}): nothing can be launched.",
                "Give this user the right to write there, or set FACET_RUNS to another folder.",
            )
            return
    yield Finding("rights", "good", f"{root} can be written.")


def _door(root: Path) -> Iterator[Finding]:
    """Who comes in, as lab.toml says it; who may write that file says who."""
    path = places.lab_file(root)
    try:
        mode = lab_file.read(root).door.mode
    except LabError as error:
        yield Finding("door", "fault", f"the lab does not start: {error.message}", error.remedy)
        return
    open_to_all = [place for place in (path, path.parent) if place.exists() and place.stat().st_mode & 0o1002 == 0o002]
    if open_to_all:
        what = f"every account of this machine can write {open_to_all[0]}, and say in {path.name} who comes in."
        yield Finding("door", "fault", what, f"chmod o-w {shlex.quote(str(open_to_all[0]))}")
    else:
        yield Finding("door", "good", f"{DOORS[mode]} ({mode}).")


def _alerts(root: Path) -> Iterator[Finding]:
    """Addresses that are told of ends: who else can read them, and which was not reached last; for admins alone."""
    try:
        named = lab_file.read(root).alerts.to
    except LabError:
        return  # the door says so
    if not asking.asker().admin:
        return
    path = places.lab_file(root)
    if named and path.stat().st_mode & 0o044:
        what = f"other accounts can read {path}, which names addresses that are told of ends."
        yield Finding("alerts", "note", what, f"chmod go-r {shlex.quote(str(path))}")
    for entry in addresses.listed(root):
        if entry.ok is False:
            what = f"{entry.masked} was not told of an end: {entry.words}"
            yield Finding("alerts", "note", what, "Send it a test on Settings, or name another address.")


def _locks(root: Path) -> Iterator[Finding]:
    """Whether a lock that one process holds is seen by another, tried with two."""
    folder = places.machine_folder(root)
    try:
        locks.check_folder(folder)
        seen, gone = _try_lock(folder / ".doctor.lock")
    except LabError as error:
        yield Finding("locks", "fault", error.message, error.remedy)
        return
    if not seen or not gone:
        yield Finding(
            "locks",
            "fault",
            f"In {folder} a lock that one process holds is {'kept after its end' if seen else 'not seen by another'}.",
            "Set FACET_RUNS to a folder on a local disk: two workers could train one fold.",
        )
        return
    kind = _file_system(root)
    if kind in REMOTE:
        yield Finding(
            "locks",
            "note",
            f"{root} is on a network file system ({kind}). Processes of this machine see each other's locks; "
            "whether those of two machines do, one machine cannot tell.",
            "Let one machine at a time use these runs, or set FACET_RUNS to a local disk.",
        )
    else:
        yield Finding("locks", "good", "A lock that one process holds is seen by another, and gone when it dies.")


def _try_lock(path: Path) -> tuple[bool, bool]:
    """(seen while another process holds it, gone once that one is killed)."""
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(path)],
        cwd=places.HOME,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert holder.stdout
        if holder.stdout.readline().strip() != "held":
            return False, False
        seen = locks.is_held(path)
    finally:
        holder.kill()
        holder.communicate()
    return seen, not locks.is_held(path)


def _file_system(path: Path) -> str:
    """The kind of file system that a folder lies on, such as ext4 or nfs4; empty where that is not known."""
    mounts = {part.mountpoint: part.fstype for part in psutil.disk_partitions(all=True)}
    return next((mounts[str(p)] for p in (path, *path.parents) if str(p) in mounts), "")


def _disk(root: Path) -> Iterator[Finding]:
    folder = next(p for p in (root, *root.parents) if p.exists())
    free = shutil.disk_usage(folder).free
    yield Finding(
        "disk",
        "good" if free >= ROOM else "fault",
        f"{free / 1e9:.1f} GB are free in {root}.",
        ""
        if free >= ROOM
        else f"Make room on the page Settings (or: python -m core disk{places.runs_option(root)}), or set FACET_RUNS "
        "to a larger disk.",
    )
    sizes = {"runs": 0, "resume points of runs": 0, "decoded photos and what else the lab keeps": 0}
    lab, resume_point = places.lab_folder(root), Run("any", root).last_file(0).name
    unread: dict[Path, str] = {}
    for path, size in files.sizes_below(root, unread):
        if lab in path.parents:
            sizes["decoded photos and what else the lab keeps"] += size
        else:
            sizes["runs"] += size
            sizes["resume points of runs"] += size * (path.name == resume_point)
    used = ", ".join(f"{what} {size / 1e9:.2f} GB" for what, size in sizes.items())
    yield Finding("disk", "good", f"Used: {used}.")
    if sentence := not_counted(unread):
        yield Finding("disk", "note", sentence, files.CHECK)


def _weights() -> Iterator[Finding]:
    here = [depth for depth in weights.IMAGENET if weights.imagenet_file(depth).is_file()]
    names = ", ".join(f"ResNet-{depth}" for depth in here)
    if here:
        yield Finding("weights", "good", f"ImageNet weights are here for {names}.")
    else:
        yield Finding(
            "weights",
            "note",
            f"No ImageNet weights in {weights.weights_folder()}: only training from scratch, from a file or from "
            "another run is possible.",
            "python -m core weights 18 downloads those of ResNet-18 (45 MB).",
        )


def _queue(root: Path) -> Iterator[Finding]:
    if stop := halt.stopped(root):
        yield Finding("queue", "fault", stop.message, stop.remedy)


def _runs(root: Path) -> Iterator[Finding]:
    runs = summaries(root)
    broken = [run for run in runs if "unreadable" in run]
    for run in broken:
        what = f"{run['id']} cannot be read: {run['unreadable']}."
        yield Finding("runs", "fault", what, what_to_do(Run(run["id"], root)))
    stopped = [run["id"] for run in runs if run.get("state") == "interrupted"]
    if stopped:
        yield Finding(
            "runs",
            "note",
            f"{_counted(len(stopped), 'run')} interrupted: {listed(stopped)}.",
            f"Resume on the run's page, or python -m core resume RUN{places.runs_option(root)}.",
        )
    if not broken:
        yield Finding("runs", "good", f"{_counted(len(runs), 'run')}, all readable.")


def _left_overs(root: Path) -> Iterator[Finding]:
    """Temporary files that a killed process left: their writers take them away themselves unless they are killed."""
    left = []
    for path, size in files.sizes_below(root):
        if TEMPORARY.match(path.name):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > OLD:
                    left.append((path, size))
    if left:
        size = sum(size for _, size in left)
        yield Finding(
            "left-overs",
            "note",
            f"{_counted(len(left), 'temporary file')} of killed processes, {size / 1e6:,.1f} MB, older than a day, "
            f"such as {left[0][0]}.",
            f"find {shlex.quote(str(root))} -type f -name '{TEMPORARY_FOUND}' -mtime +0 -delete",
        )


def _cut_off(root: Path) -> Iterator[Finding]:
    """Folders that a killed process was filling, which are left as temporary files are."""
    left = []
    for folder in _unfinished(root):
        with contextlib.suppress(OSError):
            inside = list(files.sizes_below(folder))
            written = max(path.lstat().st_mtime for path in (folder, *(path for path, _ in inside)))
            if time.time() - written > OLD and not locks.is_held(folder.with_name(f"{folder.name}.lock")):
                left.append((folder, sum(size for _, size in inside)))
    if left:
        size = sum(size for _, size in left)
        yield Finding(
            "left-overs",
            "note",
            f"{_counted(len(left), 'unfinished folder')} of killed processes, {size / 1e6:,.1f} MB, older than a day, "
            f"such as {left[0][0]}.",
            f"rm -r {' '.join(shlex.quote(str(folder)) for folder, _ in left)}",
        )


def _unfinished(root: Path) -> Iterator[Path]:
    """Folders that have not got their name yet, or no longer have it: of launches, packages, zips and what is deleted
    for good, and beside the runs those of the demo and of downloads."""
    for place, names, _ in os.walk(root):
        unnamed = [name for name in names if UNFINISHED.match(name)]
        names[:] = [name for name in names if name not in unnamed]
        yield from (Path(place, name) for name in unnamed)
    demo, downloads = places.demo_folder(), weights.weights_folder()
    for folder in (*demo.parent.glob(f".{glob.escape(demo.name)}-{MKDTEMP}"), *downloads.glob(f".download-{MKDTEMP}")):
        if folder.is_dir():
            yield folder


def _counted(number: int, what: str) -> str:
    return f"{number:,} {what}{'' if number == 1 else 's'}"
