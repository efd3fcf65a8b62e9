"""train_fold: one fold of one run, from its frozen samples to its predictions.

Knows nothing of processes or screens. Every random draw is a function of (run seed, fold, epoch, purpose, sample),
so a resumed fold ends bit-identical to one that was never stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from core import cache, checkpoint, metrics_file, places, runs
from core.config import RunConfig
from core.device import device_name, forget_peak, peak_memory, pick_device
from core.errors import LabError
from core.fold_trainer import FoldTrainer, Pass

TICK = 0.5  # seconds between two looks at the device for the progress file


def train_fold(
    run: runs.Run,
    fold: int,
    *,
    report: Callable[[dict[str, Any]], None] = lambda row: None,
    should_stop: Callable[[], bool] = lambda: False,
    device_slot: int = 0,
) -> bool:
    """Train one fold to its end, from its resume point if there is one. Returns False if it was asked to stop.

    report(row): 'stage' rows while photos are decoded, 'progress' rows at most two a second, an 'epoch' row after
    every epoch. Writes metrics, checkpoints and predictions into the run folder (see DESIGN in docs/architecture.md).
    Raises LabError: kinds weights, data, device, diverged, disk-full, checkpoint.
    """
    config = run.config()
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.utils.deterministic.fill_uninitialized_memory = False  # a debugging aid that costs time
    device = pick_device(config.training.device, device_slot)
    forget_peak(device)
    try:
        pixels = prepare_pixels(run, config, report, should_stop)
    except cache.Stopped:
        return False
    trainer = FoldTrainer(run, fold, device, pixels)
    writer = checkpoint.Writer()
    facts = {"device": device_name(device), "precision": str(trainer.precision).removeprefix("torch.")}
    facts |= {"weights": trainer.weights, "threads": torch.get_num_threads()}
    if any(trainer.info.get(key) != value for key, value in facts.items()):
        run.update_info(**facts)
    try:
        finished = _epochs(trainer, writer, report, should_stop)
    finally:
        writer.close()
        trainer.close()
    if finished and (peak := peak_memory(device)) is not None:
        run.update_info(peak_memory=max(peak, run.info().get("peak_memory") or 0))
    return finished


def prepare_pixels(run: runs.Run, config: RunConfig, report, should_stop) -> Path | None:
    """The pixel cache of a run, decoded on first use; None where the transforms leave photos of many sizes."""
    if not cache.cacheable(config.transforms):
        return None
    return cache.build(
        places.lab_folder(run.dir.parent) / "cache",
        run.samples(),
        config.transforms,
        progress=lambda done, total: report(
            {"kind": "stage", "stage": "decoding photos", "step": done, "steps": total}
        ),
        should_stop=should_stop,
    )


def _epochs(trainer: FoldTrainer, writer: checkpoint.Writer, report, should_stop) -> bool:
    run, fold, config = trainer.run, trainer.fold, trainer.config
    last = checkpoint.load_last(run.last_file(fold), trainer.device)
    first_epoch, best = 1, None
    if last is not None:
        checkpoint.check_fits(run.last_file(fold), last, trainer.model)
        trainer.model.load_state_dict(last["model"])
        trainer.start_phase(last["phase"])
        trainer.optimizer.load_state_dict(last["optimizer"])
        first_epoch, best = last["epoch"] + 1, last["best"]
    metrics_file.cut_metrics(run.metrics_file(fold), first_epoch - 1)
    clock = Clock(trainer, report, should_stop)

    for epoch in range(first_epoch, config.epochs + 1):
        if stops_early(config, epoch - 1, best):
            break
        phase, _ = config.phase_of(epoch)
        if phase != trainer.phase:
            trainer.start_phase(phase)
        clock.start_epoch(epoch, phase)
        trained = trainer.train_epoch(epoch, clock.tick)
        validated = trainer.evaluate(clock.tick) if trained is not None else None
        if validated is None:
            writer.wait()
            return False
        rates = {
            "lr_backbone": trainer.optimizer.param_groups[0]["lr"],
            "lr_head": trainer.optimizer.param_groups[1]["lr"],
        }
        rows = []
        for split, done in (("train", trained), ("validation", validated)):
            clock.check_finite(epoch, done)
            speed = {"seconds": round(done.seconds, 3), "images_per_second": round(done.samples / done.seconds, 1)}
            rows.append(
                {
                    "epoch": epoch,
                    "phase": phase,
                    "split": split,
                    **done.scores(len(trainer.class_names)),
                    **rates,
                    **speed,
                }
            )
        scores = {key: rows[1][key] for key in metrics_file.SCORES}
        is_best = best is None or scores["f1"] > best["f1"]
        if is_best:
            best = {"epoch": epoch, **scores}
        final = epoch == config.epochs or stops_early(config, epoch, best)
        predictions = trainer.predictions(validated) if is_best or final else None
        state = {"epoch": epoch, "phase": phase, "best": dict(best)}
        state |= checkpoint.snapshot({"model": trainer.model.state_dict(), "optimizer": trainer.optimizer.state_dict()})
        writer.submit(lambda s=state, r=rows, b=is_best, f=final, p=predictions: _write_epoch(run, fold, s, r, b, f, p))
        if final:
            writer.wait()
        report({"kind": "epoch", "epoch": epoch, "best": dict(best), "scores": scores})
    return True


def stops_early(config: RunConfig, epoch: int, best: dict[str, Any] | None) -> bool:
    """Whether the fold ends after this epoch because validation F1 has not risen for long enough."""
    patience = config.training.early_stopping
    return patience is not None and best is not None and epoch - best["epoch"] >= patience


def _write_epoch(run, fold, state, rows, is_best, final, predictions) -> None:
    """In an order that a kill between any two lines survives: the resume point comes last and decides."""
    if is_best:
        checkpoint.save_weights(run.weights_file(fold, "best"), state["model"])
        checkpoint.save_predictions(run.predictions_file(fold, "best"), predictions)
    if final:
        checkpoint.save_weights(run.weights_file(fold, "final"), state["model"])
        checkpoint.save_predictions(run.predictions_file(fold, "final"), predictions)
    metrics_file.append_metrics(run.metrics_file(fold), rows)
    checkpoint.save_last(run.last_file(fold), state)


class Clock:
    """Progress, time left, the request to stop and the look for a diverged loss: at most every TICK seconds."""

    def __init__(self, trainer: FoldTrainer, report, should_stop):
        self.trainer, self.report, self.should_stop = trainer, report, should_stop
        self.epoch_seconds: float | None = None
        self.next_look = 0.0

    def start_epoch(self, epoch: int, phase: int) -> None:
        now = time.perf_counter()
        if getattr(self, "epoch_started", None) is not None:
            self.epoch_seconds = now - self.epoch_started
        self.epoch, self.phase, self.epoch_started = epoch, phase, now

    def tick(self, split: str, step: int, steps: int, done: Pass) -> bool:
        """True when the work should stop. Looks at the device only when a progress line is due."""
        now = time.perf_counter()
        if now < self.next_look and step < steps:
            return False
        self.next_look = now + TICK
        if self.should_stop():
            return True
        self.check_finite(self.epoch, done)
        spent = time.perf_counter() - self.epoch_started
        epochs = self.trainer.config.epochs
        left = epochs - self.epoch
        # The first epoch has no whole epoch to go by: validation is taken as a third of a step's cost per image.
        share = step / steps if split == "train" else 1.0
        whole = self.epoch_seconds or (spent / max(share, 1e-3)) * (
            1 + len(self.trainer.val_rows) / 3 / len(self.trainer.train_rows)
        )
        self.report(
            {
                "kind": "progress",
                "epoch": self.epoch,
                "epochs": epochs,
                "phase": self.phase,
                "split": split,
                "step": step,
                "steps": steps,
                "images_per_second": round(done.samples / max(spent, 1e-6), 1) if split == "train" else None,
                "eta_seconds": round(max(0.0, whole - spent) + whole * left, 1),
                "device": self.trainer.device.type,
            }
        )
        return False

    def check_finite(self, epoch: int, done: Pass) -> None:
        bad = int(done.bad_step)
        if bad >= 0:
            raise LabError(
                f"diverged: the loss is not a number at epoch {epoch}, step {bad}.",
                "Lower the learning rates or use float32, then run again; the checkpoint before is kept.",
                kind="diverged",
            )
