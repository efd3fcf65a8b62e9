"""How one fold job begins, is told of while it trains, and ends: the same wherever it trains. Imports no torch."""

from __future__ import annotations

import contextlib
import os
import sys
import time
import traceback
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from core.errors import LabError, out_of_memory
from core.runs import FoldState, Run, deaths, origins
from core.runs.metrics_file import SCORES, fold_scores
from core.storage import files


def begin(run: Run, fold: int, worker: dict[str, Any]) -> FoldState:
    """Say that a fold runs. worker: who trains it. Returns the state that was written."""
    before = run.written_state(fold)
    state = replace(before, state="running", worker=worker, started=time.time(), ended=None, resumed=before.was_begun)
    state = replace(state, reason="", remedy="", kind="")
    run.write_state(state)
    return state


def _before(run: Run, fold: int, last: FoldState | None) -> FoldState:
    """The state that the next one goes on from; `last` where it is out of reach, since a guess would be kept with it.

    Raises OSError where that is None.
    """
    try:
        return run.state_in_reach(fold)
    except OSError:
        if last is None:
            raise
        return last


@contextlib.contextmanager
def ending(run: Run, fold: int) -> Iterator[dict[str, Any]]:
    """What the block does to a fold, as the fields of its state that say how it ended.

    The block sets "state"; where an error ends it, state, reason, remedy and kind are those of a failure. What is no
    Exception passes on once it is told.
    """
    end: dict[str, Any] = {}
    try:
        yield end
    except LabError as error:
        end |= {"state": "failed", "reason": error.message, "remedy": error.remedy, "kind": error.kind}
    except BaseException as error:
        end |= {"state": "failed", **explain(error, run)}
        if not isinstance(error, Exception):
            run.log(f"fold {fold}: {type(error).__name__}")
            raise


def finish(run: Run, fold: int, end: dict[str, Any], last: FoldState | None = None) -> None:
    """Write the state of a fold that has ended, with the scores and times of its metrics. end: as `ending` gives it.

    last: its state as whoever trained it wrote it, for where it is out of reach. Raises OSError there without one.
    """
    before = _before(run, fold, last)
    table = run.metrics(fold)
    epoch = int(table["epoch"].max()) if len(table) else before.epoch
    best = origins.of_predictions(run.predictions_file(fold, "best"))
    best_epoch, scores = fold_scores(table, best.epoch if best else None)
    spent = float(table["seconds"].sum())
    run.write_state(
        replace(before, **end, ended=time.time(), seconds=spent, epoch=epoch, best_epoch=best_epoch, scores=scores)
    )
    with contextlib.suppress(FileNotFoundError):
        run.progress_file(fold).unlink()
    run.log(f"fold {fold}: {end['state']}{': ' + end['reason'] if end.get('reason') else ''}")


def forget_resume_point(run: Run, fold: int) -> None:
    """Remove the resume point of a fold that is done; for the holder of its lock, after `finish`.

    It is as large as weights and optimizer together, and nothing reads it any more: a done fold is not resumed, what
    starts from the run takes its weights, and best and final files are in place. Where the state is lost all the same,
    these tell that the fold has ended (training.course).
    """
    if run.written_state(fold).state == "done":
        with contextlib.suppress(OSError):  # it costs room alone, and Settings frees it
            run.last_file(fold).unlink(missing_ok=True)


def images_per_second(run: Run, fold: int) -> float | None:
    """Training speed of a fold, the median of its epochs that trained the whole network; None where there is none.

    Where the backbone has a rate of 0 nothing goes backward through it, and its photos may be seen once for all epochs:
    such an epoch says nothing about a launch that trains it.
    """
    whole = [number for number, phase in enumerate(run.config().phases) if phase.lr_backbone > 0]
    table = run.metrics(fold)
    rates = table[(table["split"] == "train") & table["phase"].isin(whole)]["images_per_second"]
    return float(rates.median()) if len(rates) else None


class Reporter:
    """Turns the trainer's rows into progress.json, state.json and the log.

    state: as it was last written, first by `begin`.
    """

    def __init__(self, run: Run, fold: int):
        self.run, self.fold, self.epochs = run, fold, 0
        self.state: FoldState | None = None

    def __call__(self, row: dict[str, Any]) -> None:
        if row["kind"] == "epoch":
            self.epochs += 1
            state = replace(_before(self.run, self.fold, self.state), epoch=row["epoch"])
            if row["scores"]:  # else nobody was held out, and what was trained on says nothing about new people
                best = row["best"]
                scores = {f"best_{k}": best[k] for k in SCORES if k in best}
                scores |= {f"final_{k}": v for k, v in row["scores"].items()}
                state = replace(state, best_epoch=best["epoch"], scores=scores)
            self.run.write_state(state)
            self.state = state
            scores, on = (row["scores"], "") if row["scores"] else (row["trained"], ", on the photos trained on")
            self.run.log(
                f"fold {self.fold}: epoch {row['epoch']}: loss {scores['loss']:.4f}, "
                f"accuracy {scores['accuracy']:.3f}, F1 {scores['f1']:.3f}{on}"
            )
        else:
            # Progress is a courtesy: a disk that stays full fails at the checkpoint, with advice.
            with contextlib.suppress(OSError, LabError):
                path = self.run.progress_file(self.fold)
                files.write_json(path, {**row, "worker": deaths.note()}, durable=False)


def explain(error: BaseException, run: Run) -> dict[str, str]:
    """reason, remedy and kind of an error that nobody foresaw; its traceback goes to the log."""
    run.log("".join(traceback.format_exception(error)))
    text = str(error)
    if out_of_memory(error):
        size = run.config().training.batch_size
        smaller = f"Try batch size {size // 2}." if size >= 4 else "Try smaller images or a shallower network."
        if size >= 4 and (parent := run.config().folds.everybody) is not None:
            smaller = f"Train again on everybody with batch size {size // 2}, on the page of the run {parent}."
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


@contextlib.contextmanager
def output_to(path: Path) -> Iterator[None]:
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
