"""The queue, what it holds back, and the slots: files under runs/.lab/, right though nothing stays alive for them.

A job that is held back keeps its place and is not begun. runs/.lab/holds/<name>/ has an empty file for every run that
is held, those too that are still to be made; a paused study holds its runs under its own id. Imports no torch.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from core import machine
from core.errors import LabError
from core.jobs import gpus, slots, turns
from core.places import lab_folder, machine_folder, runs_folder
from core.runs import Run
from core.runs.run import ID, check_id, is_locked
from core.storage import files, locks
from core.storage.unchanged import Unchanged

STARTING = b"starting"  # in the file of a slot whose worker has not looked into the queue yet
STAMPED = re.compile(r"[0-9]{20}__")  # how the name of a place begins; all as wide, so that they sort as their times do


def queue_folder(runs: Path) -> Path:
    return lab_folder(runs) / "queue"


def check_folder(runs: Path) -> None:
    """Raises LabError(kind 'read-only') where nothing can be queued: for who would change anything before that."""
    folder = queue_folder(runs)
    with _written_to(folder):
        folder.mkdir(parents=True, exist_ok=True)
        if not os.access(folder, os.W_OK):
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))


def _written_to(folder: Path) -> contextlib.AbstractContextManager[None]:
    return files.written_to(folder, "Make the folder writable or set FACET_RUNS to another one.")


def holds_folder(runs: Path) -> Path:
    return lab_folder(runs) / "holds"


def enqueue(run: Run, folds: list[int], whose: str | None = None) -> None:
    """One small file a fold job; its name is its place: time, run, fold. It comes behind all that stands there, also
    where the clock went back meanwhile.

    whose: name of the machine that begins it by itself, since another may not have its photos; this one if None, any
    if empty, as in queues of version 0.1. A worker that is started by hand takes jobs of every machine.
    Raises LabError(kind 'read-only').
    """
    with _written_to(folder := queue_folder(run.dir.parent)):
        folder.mkdir(parents=True, exist_ok=True)
        names = os.listdir(folder)
        stamp = max(time.time_ns(), 1 + _last_stamp(names))
        waiting = {place_fold for _, _, place_fold in _jobs(folder, names, run.id)}
        for fold in folds:
            if fold not in waiting:
                place = folder / f"{stamp:020d}__{run.id}__{fold:02d}"
                try:
                    files.write_text(place, machine.name() if whose is None else whose, durable=False)
                except LabError:  # a full disk still has room for a name
                    place.touch()


def _last_stamp(names: list[str]) -> int:
    """Of the places in the queue; 0 where there is none."""
    last = max(names, default="")
    if not STAMPED.match(last):  # something else that lies there
        last = max(filter(STAMPED.match, names), default="0")
    return int(last[:20])


def entries(runs: Path, *, by_itself: bool = False) -> Iterator[tuple[Path, str, int]]:
    """(file, run id, fold) in the order in which they will be claimed: what may begin now.

    Left out is what is held back, and what is more than one person may train at a time beside what trains already.
    by_itself: only what this machine begins by itself.
    """
    return iter(turns.within_cap(runs, waiting(runs, by_itself=by_itself), lambda: list(places(runs))))


def waiting(runs: Path, *, by_itself: bool = False) -> list[turns.Job]:
    """(file, run id, fold) of all that is not held back, person by person in turn, each person's in order."""
    return _waiting(runs, list(places(runs)), machine_of if by_itself else None)


def _waiting(runs: Path, everything: list[turns.Job], whose: Callable[[Path], str] | None) -> list[turns.Job]:
    held, mine = held_runs(runs), ("", machine.name())
    jobs = [job for job in everything if job[1] not in held and (whose is None or whose(job[0]) in mine)]
    return turns.arranged(runs, jobs)


class Reader:
    """What this machine begins by itself, for who asks several times a second: read again only once it changed.

    Where one person's jobs are kept to a number, what trains counts too, and that is looked at each time.
    """

    def __init__(self, runs: Path, clock: Callable[[], float] = time.monotonic):
        self.runs = runs
        self._unchanged = Unchanged(clock)
        self._everything: list[turns.Job] = []
        self._waiting: list[turns.Job] = []
        self._places: dict[tuple[str, int], Path] = {}
        self._machines: dict[Path, str] = {}  # of each place, whose content never changes

    def entries(self) -> list[turns.Job]:
        """As `entries(runs, by_itself=True)` tells."""
        if not self._unchanged.since(self._paths()):
            try:
                self._read()
            except BaseException:
                self._unchanged.forget()
                raise
        return turns.within_cap(self.runs, self._waiting, lambda: self._everything)

    def stands(self, run_id: str, fold: int) -> bool:
        """Whether a fold job is in the queue at this moment, held back or not."""
        place = self._places.get((run_id, fold))
        return (place is not None and place.exists()) or fold in {each for _, _, each in places(self.runs, run_id)}

    def _paths(self) -> Iterator[Path]:
        """All that tells what may begin in which order."""
        yield from (queue_folder(self.runs), turns.turns_file(self.runs), holds := holds_folder(self.runs))
        yield from (holds / name for name in sorted(_names(holds)))

    def _read(self) -> None:
        self._everything = list(places(self.runs))
        before, self._machines = self._machines, {}
        for place, _, _ in self._everything:
            self._machines[place] = before.get(place) or machine_of(place)
        self._places = {(run_id, fold): place for place, run_id, fold in self._everything}
        self._waiting = _waiting(self.runs, self._everything, self._machines.__getitem__)


def machine_of(place: Path) -> str:
    """The machine that begins a job by itself; empty for any."""
    with contextlib.suppress(OSError, ValueError):
        return place.read_text("utf-8")
    return ""


def places(runs: Path, of_run: str | None = None) -> Iterator[turns.Job]:
    """(file, run id, fold) of every job in the queue, held back or not, in order. of_run: of this run alone."""
    folder = queue_folder(runs)
    try:
        names = os.listdir(folder)
    except (FileNotFoundError, NotADirectoryError):
        return
    yield from _jobs(folder, names, of_run)


def _jobs(folder: Path, names: Iterable[str], of_run: str | None) -> Iterator[turns.Job]:
    for name in sorted(names if of_run is None else [name for name in names if f"__{of_run}__" in name]):
        parts = name.split("__")
        if len(parts) == 3 and ID.fullmatch(parts[1]) and parts[2].isdecimal():
            yield folder / name, parts[1], int(parts[2])


def remove(run: Run, folds: list[int]) -> None:
    with _written_to(queue_folder(run.dir.parent)):
        for path, _, fold in places(run.dir.parent, run.id):
            if fold in folds:
                path.unlink(missing_ok=True)


def hold(runs: Path, name: str, run_ids: Iterable[str]) -> None:
    """Let no fold of these runs begin before `release`, or `let_go` for one of them; what trains goes on to its end.

    name: of who holds them. Runs are added to those that it holds already.
    """
    target = holds_folder(runs) / check_id(name)
    hidden = target.with_name(f".{name}.{secrets.token_hex(4)}.new")
    place = target if target.is_dir() else hidden  # a new one appears by a rename: whole, or not at all
    with _written_to(holds_folder(runs)):
        place.mkdir(parents=True, exist_ok=True)
        for run_id in run_ids:
            (place / check_id(run_id)).touch()
        if place is hidden:
            os.rename(hidden, target)


def release(runs: Path, name: str, run_ids: Iterable[str] | None = None) -> None:
    """What `name` held may begin, in the places that it kept: these runs of it, or all, which ends the hold."""
    target = holds_folder(runs) / check_id(name)
    with _written_to(holds_folder(runs)):
        if run_ids is not None:
            for run_id in run_ids:
                (target / check_id(run_id)).unlink(missing_ok=True)
            with contextlib.suppress(OSError):
                target.rmdir()  # when it holds nothing any more
            return
        hidden = target.with_name(f".{name}.{secrets.token_hex(4)}.old")
        with contextlib.suppress(FileNotFoundError):
            os.rename(target, hidden)
            shutil.rmtree(hidden, ignore_errors=True)


def let_go(run: Run) -> None:
    """This one run may begin, whoever holds it; others stay held."""
    with _written_to(holds_folder(run.dir.parent)):
        for name in _names(holds_folder(run.dir.parent)):
            (holds_folder(run.dir.parent) / name / run.id).unlink(missing_ok=True)


def is_holding(runs: Path, name: str) -> bool:
    return (holds_folder(runs) / check_id(name)).is_dir()


def held_runs(runs: Path) -> set[str]:
    """Ids of the runs of which no fold may begin."""
    return {run_id for name in _names(holds_folder(runs)) for run_id in _names(holds_folder(runs) / name)}


def _names(folder: Path) -> list[str]:
    try:
        return [name for name in os.listdir(folder) if ID.fullmatch(name)]
    except (FileNotFoundError, NotADirectoryError):
        return []


def gpu_count(runs: Path | None = None) -> int:
    """GPUs that a worker here can use, told without loading torch."""
    return len(gpus.names(runs or runs_folder()))


def slots_of_a_gpu(runs: Path) -> int:
    """How many fold jobs may train on one GPU at a time; 1 where there is none."""
    return -(-slot_count(runs) // gpu_count(runs)) if gpu_count(runs) else 1


def slot_count(runs: Path) -> int:
    """FACET_SLOTS slots, else a slot per GPU, else as many as the lab's settings say for a CPU."""
    return slots.forced() or gpu_count(runs) or slots.read(runs).count


def slots_are_set(runs: Path) -> bool:
    """Whether the settings say how many slots there are: not where FACET_SLOTS is set, or where there is a GPU."""
    return not slots.forced() and not gpu_count(runs)


def threads_of_a_slot(runs: Path) -> int:
    """The cores shared among the slots, or as the settings say, so that two CPU slots do not fight."""
    return slots.read(runs).threads or max(1, machine.cores() // slot_count(runs))


def slot_locks(runs: Path) -> list[FileLock]:
    """One lock a slot of this machine; others that share the runs folder have their own."""
    return [locks.lock(_slot_file(runs, index)) for index in range(slot_count(runs))]


def _slot_file(runs: Path, index: int) -> Path:
    return machine_folder(runs) / "slots" / f"{index}.lock"


def take_slot(runs: Path) -> tuple[int, FileLock] | None:
    """The first free slot, held until its process ends; None when all are taken, or those of another account."""
    for index, lock in enumerate(slot_locks(runs)):
        try:
            lock.acquire(timeout=0)
            return index, lock
        except Timeout:
            continue
        except PermissionError as error:
            print(f"slot {index} cannot be locked and is left out: {error}", file=sys.stderr, flush=True)
    return None


def take_slot_for_worker(runs: Path) -> tuple[int, int] | None:
    """(slot, a descriptor that holds its lock) for a worker that is about to be started; None when all are taken.

    A worker that is born with its slot leaves no moment in which the slot looks free and another worker is started for
    it. Until the worker looks into the queue, the slot counts as that of one who starts.
    """
    for index, lock in enumerate(slot_locks(runs)):
        descriptor = locks.take_to_hand_over(Path(lock.lock_file))
        if descriptor is not None:
            with contextlib.suppress(OSError):  # a courtesy: with a full disk the slot is taken all the same
                os.ftruncate(descriptor, 0)
                os.write(descriptor, STARTING)
            return index, descriptor
    return None


def looks_for_work(held: FileLock | locks.Inherited) -> None:
    """The holder of a slot does not only start any more: what comes into the queue from now on may need another one."""
    with contextlib.suppress(OSError):
        if isinstance(held, locks.Inherited):
            os.ftruncate(held.descriptor, 0)
        else:
            os.truncate(held.lock_file, 0)


def free_slots(runs: Path) -> int:
    return sum(not is_locked(lock) for lock in slot_locks(runs))


def starting_workers(runs: Path) -> int:
    """Workers that have their slot and have not looked into the queue yet; a dead one has no slot."""
    return sum(is_locked(lock) and _is_starting(Path(lock.lock_file)) for lock in slot_locks(runs))


def _is_starting(slot_file: Path) -> bool:
    with contextlib.suppress(OSError):  # of another user, who lets nobody read it
        return slot_file.read_bytes() == STARTING
    return False


def reorder(root: Path, run_ids: list[str]) -> None:
    """Let the waiting fold jobs of these runs be claimed in this order; other runs keep their places.

    The jobs share out the places that they hold now. A job that a worker claims meanwhile leaves an entry behind, which
    the next worker finds to be taken and drops.
    """
    waiting = [(path, run_id, fold) for path, run_id, fold in places(root) if run_id in run_ids]
    ordered = sorted(waiting, key=lambda entry: (run_ids.index(entry[1]), entry[2]))
    stamp = 0
    for (place, *_), (path, run_id, fold) in zip(waiting, ordered, strict=True):
        stamp = max(stamp + 1, int(place.name.split("__")[0]))
        with contextlib.suppress(FileNotFoundError):
            path.rename(path.with_name(f"{stamp:020d}__{run_id}__{fold:02d}"))
