"""The queue and the slots: files under runs/.lab/, right though nothing stays alive for them. Imports no torch."""

from __future__ import annotations

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from filelock import FileLock, Timeout

from core import locks, machine, slots
from core.places import lab_folder
from core.runs import ID, Run, is_locked


def queue_folder(runs: Path) -> Path:
    return lab_folder(runs) / "queue"


def enqueue(run: Run, folds: list[int]) -> None:
    """One empty file a fold job; its name is its place: time, run, fold."""
    folder = queue_folder(run.dir.parent)
    folder.mkdir(parents=True, exist_ok=True)
    stamp = time.time_ns()
    for fold in folds:
        if not any(entry_run == run.id and entry_fold == fold for _, entry_run, entry_fold in entries(run.dir.parent)):
            (folder / f"{stamp:020d}__{run.id}__{fold:02d}").touch()


def entries(runs: Path) -> Iterator[tuple[Path, str, int]]:
    """(file, run id, fold) in the order in which they will be claimed."""
    try:
        names = sorted(os.listdir(queue_folder(runs)))
    except FileNotFoundError:
        return
    for name in names:
        parts = name.split("__")
        if len(parts) == 3 and ID.fullmatch(parts[1]) and parts[2].isdecimal():
            yield queue_folder(runs) / name, parts[1], int(parts[2])


def remove(run: Run, folds: list[int]) -> None:
    for path, run_id, fold in entries(run.dir.parent):
        if run_id == run.id and fold in folds:
            path.unlink(missing_ok=True)


def gpu_count() -> int:
    """GPUs that this machine offers, told without loading CUDA: CUDA_VISIBLE_DEVICES, else the driver's own list."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    driver = Path("/proc/driver/nvidia/gpus")
    found = len(list(driver.iterdir())) if driver.is_dir() else 0
    if visible is not None:
        return min(found, len([part for part in visible.split(",") if part.strip() not in ("", "-1")]))
    return found


def slot_count(runs: Path) -> int:
    """FACET_SLOTS slots, else a slot per GPU, else as many as the lab's settings say for a CPU."""
    return slots.forced() or gpu_count() or slots.read(runs).count


def threads_of_a_slot(runs: Path) -> int:
    """The cores shared among the slots, or as the settings say, so that two CPU slots do not fight."""
    return slots.read(runs).threads or max(1, machine.cores() // slot_count(runs))


def slot_locks(runs: Path) -> list[FileLock]:
    """One lock a slot."""
    folder = lab_folder(runs) / "slots"
    folder.mkdir(parents=True, exist_ok=True)
    return [locks.lock(folder / f"{index}.lock") for index in range(slot_count(runs))]


def take_slot(runs: Path) -> tuple[int, FileLock] | None:
    """The first free slot, held until its process ends; None when all are taken."""
    for index, lock in enumerate(slot_locks(runs)):
        try:
            lock.acquire(timeout=0)
            return index, lock
        except Timeout:
            continue
    return None


def free_slots(runs: Path) -> int:
    return sum(not is_locked(lock) for lock in slot_locks(runs))


def reorder(root: Path, run_ids: list[str]) -> None:
    """Let the waiting fold jobs of these runs be claimed in this order; other runs keep their places.

    The jobs share out the places that they hold now. A job that a worker claims meanwhile leaves an entry behind, which
    the next worker finds to be taken and drops.
    """
    waiting = [(path, run_id, fold) for path, run_id, fold in entries(root) if run_id in run_ids]
    wanted = sorted(waiting, key=lambda entry: (run_ids.index(entry[1]), entry[2]))
    stamp = 0
    for (place, *_), (path, run_id, fold) in zip(waiting, wanted, strict=True):
        stamp = max(stamp + 1, int(place.name.split("__")[0]))
        with contextlib.suppress(FileNotFoundError):
            path.rename(path.with_name(f"{stamp:020d}__{run_id}__{fold:02d}"))
