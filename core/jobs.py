"""Launch, cancel, resume, and the workers that train what waits. Imports no torch until a worker has a job.

The operating system frees a dead process's locks, so a fold that says 'running' while its lock is free was
interrupted: nothing here depends on a daemon, a heartbeat or a clock.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import time
import traceback
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil
from filelock import FileLock, Timeout

from core import corrections, files, queue, runs, slots, speed
from core.errors import LabError
from core.plan import Plan, check_unchanged, check_weights
from core.runs import FoldState, Run

GRACE = 3.0  # seconds between asking a worker to stop and killing it; last.pt makes the kill harmless
LIBRARIES = ("torch", "torchvision", "albumentations", "opencv-python-headless", "pillow", "numpy", "scikit-learn")


def launch(plan: Plan, run_id: str | None = None, folder: Path | None = None, *, study: str | None = None) -> Run:
    """Freeze the plan as a run, queue its folds and see that a worker is there.

    Raises LabError: 'exists' for an id that was launched before, 'weights', 'read-only', 'disk-full'.
    """
    check_weights(plan.config)
    info = {
        "dataset": {"root": plan.config.data.root, "reader": plan.config.data.reader, "fingerprint": plan.fingerprint},
        "left_out": plan.left_out,
        "dropped": plan.dropped,
        "corrections": [correction.id for correction in plan.corrections],
        "versions": {name: version(name) for name in LIBRARIES} | {"python": sys.version.split()[0]},
        "parent": plan.config.model.parent,
        "study": study,
    }
    run = runs.create(
        plan.config,
        plan.samples,
        class_names=plan.class_names,
        info=info,
        ancestors=plan.ancestors,
        corrections=corrections.to_csv(plan.corrections) if plan.corrections else "",
        run_id=run_id,
        folder=folder,
    )
    queue.enqueue(run, run.folds())
    ensure_workers(run.dir.parent)
    return run


def resume(run: Run) -> list[int]:
    """Queue every fold that is neither done nor under way; each goes on from its last checkpoint.

    Returns the folds. Raises LabError(kind 'data-changed') when the photos are not those of the launch.
    """
    check_unchanged(run.require().samples())
    waiting = []
    for fold in run.folds():
        with contextlib.suppress(Timeout), run.fold_lock(fold).acquire(timeout=0.2):
            state = run.written_state(fold)
            if state.state == "done":
                continue
            run.cancel_file(fold).unlink(missing_ok=True)
            run.write_state(FoldState(fold, epoch=state.epoch, best_epoch=state.best_epoch, scores=state.scores))
            waiting.append(fold)
    queue.enqueue(run, waiting)
    ensure_workers(run.dir.parent)
    return waiting


def cancel(run: Run, *, grace: float = GRACE) -> None:
    """Stop every fold of a run: what waits at once, what trains within `grace` seconds or by force."""
    run.require()
    queue.remove(run, run.folds())
    asked = []
    for fold in run.folds():
        state = run.fold_state(fold).state
        if state in ("queued", "running"):
            run.cancel_file(fold).touch()
            asked.append(fold)
    deadline = time.monotonic() + grace
    for fold in asked:
        while runs.is_locked(run.fold_lock(fold)) and time.monotonic() < deadline:
            time.sleep(0.05)
        if runs.is_locked(run.fold_lock(fold)):
            kill_worker(run, fold)
        with contextlib.suppress(Timeout), run.fold_lock(fold).acquire(timeout=2):
            state = run.written_state(fold)
            if state.state in ("queued", "running"):
                run.write_state(replace(state, state="cancelled", ended=time.time()))
    ensure_workers(run.dir.parent)


def kill_worker(run: Run, fold: int) -> None:
    """Kill the process tree that trains a fold: only while the fold's lock is held, and only if pid and start agree."""
    worker = run.written_state(fold).worker or {}
    with contextlib.suppress(psutil.Error, KeyError):
        process = psutil.Process(worker["pid"])
        if abs(process.create_time() - worker["create_time"]) > 1 or not runs.is_locked(run.fold_lock(fold)):
            return
        tree = [*process.children(recursive=True), process]
        for member in tree:
            with contextlib.suppress(psutil.Error):
                member.kill()
        psutil.wait_procs(tree, timeout=2)


def ensure_workers(folder: Path | None = None) -> None:
    """Start workers for what waits, at most one a free slot. Cheap when nothing waits."""
    root = folder or runs.runs_folder()
    waiting = sum(1 for _ in queue.entries(root))
    if waiting:
        for _ in range(min(waiting, queue.free_slots(root))):
            start_worker(root)


def start_worker(root: Path) -> None:
    """A detached worker: its own session, no terminal, output to a file; it outlives whoever started it."""
    lab = queue.lab_folder(root)
    lab.mkdir(parents=True, exist_ok=True)
    with open(lab / "worker.log", "ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", "core", "worker", "--runs", str(root)],
            cwd=Path(__file__).parents[1],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        )


def waiting(folder: Path | None = None) -> list[tuple[str, int]]:
    """(run id, fold) of every fold job that waits, in order."""
    return [(run_id, fold) for _, run_id, fold in queue.entries(folder or runs.runs_folder())]


def claim(root: Path) -> tuple[Run, int, FileLock, Path] | None:
    """(run, fold, its lock, held, its place in the queue) of the oldest waiting fold job; None when there is none.

    Its place is given up only when its state says running: a worker killed in between loses nothing.
    """
    for entry, run_id, fold in list(queue.entries(root)):
        try:
            run = Run(run_id, root).require()
            lock = run.fold_lock(fold)
            lock.acquire(timeout=0.2)
        except (LabError, OSError):
            entry.unlink(missing_ok=True)  # its run was deleted
            continue
        except Timeout:
            continue
        if run.written_state(fold).state == "queued" and not run.cancel_file(fold).exists():
            return run, fold, lock, entry
        entry.unlink(missing_ok=True)
        lock.release()
    return None


def work(folder: Path | None = None) -> int:
    """A worker's life: take a slot, train what waits, leave when nothing does. Returns the number of jobs."""
    root = folder or runs.runs_folder()
    count = 0
    while (taken := queue.take_slot(root)) is not None:
        slot, slot_lock = taken
        try:
            while (job := claim(root)) is not None:
                run, fold, fold_lock, entry = job
                try:
                    train_job(run, fold, slot, entry)
                finally:
                    fold_lock.release()
                count += 1
        finally:
            slot_lock.release()
        # A job queued while this worker was leaving saw the slot taken: look once more with the slot free.
        if not any(_claimable(root)):
            break
    return count


def _claimable(root: Path):
    for _, run_id, fold in queue.entries(root):
        run = Run(run_id, root)
        yield run.exists() and not runs.is_locked(run.fold_lock(fold))


def train_job(run: Run, fold: int, slot: int, entry: Path) -> None:
    """Train one claimed fold and leave a state that says how it ended; nothing escapes to the next job.

    entry: its place in the queue, given up as soon as the state says that it runs.
    """
    with _output_to(run.log_file):
        process = psutil.Process()
        state = replace(
            run.written_state(fold),
            state="running",
            worker={"pid": process.pid, "create_time": process.create_time()},
            started=time.time(),
            ended=None,
            reason="",
            remedy="",
            kind="",
        )
        try:
            run.write_state(state)
            entry.unlink(missing_ok=True)
            run.sweep(fold)
            run.log(f"fold {fold}: started, {state.epoch} epochs done before")
            from core import train  # seconds of importing torch, in which the fold can be seen and cancelled already

            check_unchanged(run.samples())
            _limit_threads(run.dir.parent)
            finished = train.train_fold(
                run,
                fold,
                report=Reporter(run, fold),
                should_stop=lambda: run.cancel_file(fold).exists() or not run.config_file.exists(),
                device_slot=slot,
            )
            end = {"state": "done" if finished else "cancelled"}
        except LabError as error:
            end = {"state": "failed", "reason": error.message, "remedy": error.remedy, "kind": error.kind}
        except BaseException as error:
            end = {"state": "failed", **_explain(error, run)}
            if not isinstance(error, Exception):
                run.log(f"fold {fold}: {type(error).__name__}")
                raise
        if not run.exists():
            return  # deleted while it trained: there is no one left to tell
        _finish(run, fold, end)


def _finish(run: Run, fold: int, end: dict[str, Any]) -> None:
    before = run.written_state(fold)
    table = run.metrics(fold)
    epoch = int(table["epoch"].max()) if len(table) else before.epoch
    best_epoch, scores = fold_scores(table)
    spent = float(table["seconds"].sum())
    run.write_state(
        replace(before, **end, ended=time.time(), seconds=spent, epoch=epoch, best_epoch=best_epoch, scores=scores)
    )
    with contextlib.suppress(FileNotFoundError):
        (run.fold_dir(fold) / "progress.json").unlink()
    run.log(f"fold {fold}: {end['state']}{': ' + end['reason'] if end.get('reason') else ''}")
    if end["state"] == "done" and len(table):
        rate = table[table["split"] == "train"]["images_per_second"].median()
        speed.remember(run.config(), float(rate), run.dir.parent)


def fold_scores(table) -> tuple[int | None, dict[str, float] | None]:
    """(best epoch, scores at the best and at the last epoch) of a fold's metrics; best is the first highest F1."""
    validation = table[table["split"] == "validation"]
    if not len(validation):
        return None, None
    best = validation.loc[validation["f1"].idxmax()]
    last = validation.iloc[-1]
    scores = {
        f"{name}_{key}": float(row[key])
        for name, row in (("best", best), ("final", last))
        for key in ("loss", "accuracy", "f1")
    }
    return int(best["epoch"]), scores


class Reporter:
    """Turns the trainer's rows into progress.json, state.json and the log."""

    def __init__(self, run: Run, fold: int):
        self.run, self.fold = run, fold

    def __call__(self, row: dict[str, Any]) -> None:
        if row["kind"] == "epoch":
            best = row["best"]
            scores = {f"best_{k}": best[k] for k in ("loss", "accuracy", "f1")}
            scores |= {f"final_{k}": v for k, v in row["scores"].items()}
            state = self.run.written_state(self.fold)
            self.run.write_state(replace(state, epoch=row["epoch"], best_epoch=best["epoch"], scores=scores))
            self.run.log(
                f"fold {self.fold}: epoch {row['epoch']}: loss {row['scores']['loss']:.4f}, "
                f"accuracy {row['scores']['accuracy']:.3f}, F1 {row['scores']['f1']:.3f}"
            )
        else:
            with contextlib.suppress(
                OSError
            ):  # progress is a courtesy: a full disk fails at the checkpoint, with advice
                files.write_json(self.run.fold_dir(self.fold) / "progress.json", row, durable=False)


def _explain(error: BaseException, run: Run) -> dict[str, str]:
    """reason, remedy and kind of an error that nobody foresaw; its traceback goes to the log."""
    run.log("".join(traceback.format_exception(error)))
    text = str(error)
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError" or "allocate memory" in text:
        size = run.config().training.batch_size
        smaller = f"Try batch size {size // 2}." if size >= 4 else "Try smaller images or a shallower network."
        return {"reason": f"memory: batch size {size} does not fit.", "remedy": smaller, "kind": "memory"}
    if files.disk_full(error):
        return {
            "reason": f"disk full: no room in {run.dir}.",
            "remedy": "Free some space there, then resume.",
            "kind": "disk-full",
        }
    first = text.splitlines()[0] if text else "no message"
    return {
        "reason": f"unexpected: {type(error).__name__}: {first[:200]}",
        "remedy": "The log has the details; resume continues from the last checkpoint.",
        "kind": "unexpected",
    }


def _limit_threads(root: Path) -> None:
    """Share the cores among the slots, or as the settings say, so that two CPU slots do not fight."""
    from core.device import limit_threads

    wanted = slots.read(root)
    limit_threads(wanted.threads or max(1, slots.cores() // len(queue.slot_locks(root))))


@contextlib.contextmanager
def _output_to(path: Path):
    """Send this process's stdout and stderr, native code's too, to a run's log while its job lasts."""
    saved = os.dup(1), os.dup(2)
    target = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        os.dup2(target, 1)
        os.dup2(target, 2)
        yield
    finally:
        for stream in (sys.stdout, sys.stderr):
            stream.flush()
        os.dup2(saved[0], 1)
        os.dup2(saved[1], 2)
        for descriptor in (*saved, target):
            os.close(descriptor)
