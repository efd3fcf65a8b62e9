"""train_fold: one fold of one run, from its frozen samples to its predictions.

Knows nothing of processes or screens. Every random draw is a function of (run seed, fold, epoch, purpose, sample),
so a resumed fold ends bit-identical to one that was never stopped.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

from core.config import RunConfig
from core.data.pictures import kept
from core.errors import LabError
from core.network.room import of_fold
from core.runs import Run, metrics_file, starts
from core.runs.use import used
from core.training import checkpoint, pixel_cache
from core.training.course import next_epoch, outcome_of, resumed
from core.training.device import card_of, device_name, forget_peak, pick_device, set_speed
from core.training.fold_trainer import FoldTrainer, Pass
from core.training.gauges.gauge import Gauge
from core.training.points import Point, ResumePoints

GROUPS = ("backbone", "head")  # of the optimizer's parameters, in their order
TICK = 0.5  # seconds between two looks at the device for the progress file


def train_fold(
    run: Run,
    fold: int,
    *,
    report: Callable[[dict[str, Any]], None] = lambda row: None,
    should_stop: Callable[[], bool] = lambda: False,
    device_slot: int = 0,
    sharing: int = 1,
) -> bool:
    """Train one fold to its end, from its resume point if there is one. Returns False if it was asked to stop.

    report(row): 'stage' rows while photos are decoded and before the network is built, 'progress' rows at most two a
    second, an 'epoch' row for every epoch as soon as its files are written, by which time the next one may have begun;
    called by this thread alone. device_slot: picks among several GPUs. sharing: fold jobs that train on it at a time.
    Writes metrics, checkpoints and predictions into the run folder (see DESIGN in docs/architecture.md). Where one
    network is trained on everybody nothing is validated: there are no predictions, and the best weights are the last.
    Raises LabError: kinds weights, data, device, diverged, disk-full, checkpoint.
    """
    config = run.config()
    set_speed(config.training.speed)
    device = pick_device(config.training.device, device_slot)
    with contextlib.ExitStack() as users:
        try:
            pixels = prepare_pixels(run, config, report, should_stop, users)
        except pixel_cache.Stopped:
            return False
        report({"kind": "stage", "stage": "building the network", "step": 0, "steps": 0})
        if device.type == "cuda":
            torch.cuda.set_device(device)  # what is asked of no GPU by name would be done on the first one
        forget_peak(device)
        trainer = FoldTrainer(run, fold, device, pixels, sharing, goes_on=run.last_file(fold).exists())
        writer = checkpoint.Writer()
        starts.adopt(run, trainer.info)
        facts = {"device": device_name(device), "weights": trainer.weights}
        facts |= {key: trainer.facts()[key] for key in ("precision", "threads")}
        if any(trainer.info.get(key) != value for key, value in facts.items()):
            run.update_info(**facts)
        points = ResumePoints(run, fold, writer, config.training.resume_seconds)
        gauge = gauge_of(run, fold, device)
        try:
            with gauge:
                finished = _epochs(trainer, points, report, should_stop, gauge)
            points.stop()
            writer.wait()
        except Exception:
            with contextlib.suppress(OSError, LabError):  # what went wrong first is what a person is told
                points.stop()
            raise
        finally:
            writer.close()
            trainer.close()
            with contextlib.suppress(OSError, LabError):  # figures are a courtesy: a full disk has been told of
                record = gauge.totals.record()
                record |= {"sharing": sharing} if "gpu" in record else {}
                used.keep(run, fold, record, goes_on=starts.goes_on(run, fold))
    if finished and trainer.peak is not None:
        run.update_info(peak_memory=max(trainer.peak, run.info().get("peak_memory") or 0))
    return finished


def gauge_of(run: Run, fold: int, device: torch.device) -> Gauge:
    """What will look beside a fold; what cannot be told of its GPU goes to the run's log."""
    gauge = Gauge(card_of(device), lambda words: run.log(f"fold {fold}: {words}"))
    if device.type != "cpu" and gauge.card is None:
        gauge.tell("use, memory and temperature of the GPU are not told: only NVIDIA's can be asked.")
    return gauge


def prepare_pixels(
    run: Run, config: RunConfig, report, should_stop, users: contextlib.ExitStack | None = None
) -> Path | None:
    """The pixel cache of a run, decoded on first use; None where the transforms leave photos of many sizes, or where
    there is no room for it: then photos are decoded anew in each epoch, and run.json and the log say why.

    users: until it is closed, the file is not deleted to make room for others.
    """
    if not pixel_cache.cacheable(config.transforms):
        return None
    pixels, why = None, ""
    chosen, room = kept.room_of(run.dir.parent), of_fold(config)
    try:
        pixels = pixel_cache.build(
            chosen.folder,
            run.samples(),
            config.transforms,
            progress=lambda done, total: report(
                {"kind": "stage", "stage": "decoding photos", "step": done, "steps": total}
            ),
            should_stop=should_stop,
            users=users,
            limit=chosen.limit,
            spare=room.kept + room.training if kept.on_one_disk(chosen.folder, run.dir) else 0,
            dataset=config.data.root,
            memory=run.touched_file,
        )
    except (pixel_cache.DiskFull, pixel_cache.TooLarge) as error:
        why = error.message
        run.log(f"photos are decoded anew in each epoch, which takes longer: {why}")
    if run.info().get(kept.DECODED_ANEW, "") != why:
        run.update_info(**{kept.DECODED_ANEW: why})
    return pixels


def _epochs(trainer: FoldTrainer, points: ResumePoints, report, should_stop, gauge: Gauge) -> bool:
    config, writer = trainer.config, points.writer
    course = resumed(trainer)
    clock = Clock(trainer, report, should_stop, lambda: gauge.latest)

    def tick(*step) -> bool:
        writer.poll()
        return clock.tick(*step)

    epoch = next_epoch(config, course.epoch, course.phase_best)
    while epoch <= config.epochs:
        phase, _ = config.phase_of(epoch)
        if phase != trainer.phase:
            trainer.start_phase(phase)
            course.phase_best = None
        clock.start_epoch(epoch, phase)
        trained = trainer.train_epoch(epoch, tick)
        validated = trainer.evaluate(tick) if trained is not None and trainer.validates else None
        writer.wait()
        passes = {"train": trained, **({"validation": validated} if trainer.validates else {})}
        if None in passes.values() or should_stop():  # who hears of an epoch and stops gets no epoch more
            return False
        rates = {f"lr_{group}": rate for group, rate in zip(GROUPS, trainer.rates, strict=True)}
        rows = []
        for split, done in passes.items():
            assert done is not None  # it was just looked at
            clock.check_finite(epoch, done)
            speed = {"seconds": round(done.seconds, 3), "images_per_second": round(done.samples / done.seconds, 1)}
            split_scores = done.scores()
            rows.append({"epoch": epoch, "phase": phase, "split": split, **split_scores, **rates, **speed})
        scores = {key: rows[1][key] for key in metrics_file.SCORES} if trainer.validates else {}
        if scores and (course.phase_best is None or scores["f1"] > course.phase_best["f1"]):
            course.phase_best = {"epoch": epoch, "f1": scores["f1"]}
        following = next_epoch(config, epoch, course.phase_best)
        final = following > config.epochs
        is_best = final  # where nobody is held out nothing else tells an epoch from another
        if scores:
            is_best = course.best is None or scores["f1"] > course.best["f1"]
        outcome = outcome_of(trainer, epoch, validated) if is_best or final else None
        if is_best:
            course.best = {"epoch": epoch, "token": outcome.origin.token, **scores}
        course.epoch = epoch
        best, phase_best = dict(course.best or {}), dict(course.phase_best or {})
        state = {"epoch": epoch, "phase": phase, "best": best, "phase_best": phase_best}
        state |= {"final": outcome.origin.token if final else None}
        state |= checkpoint.snapshot({"model": trainer.model.state_dict(), "optimizer": trainer.optimizer_state()})
        state |= {"scaler": trainer.scaler.state_dict()} if trainer.scaler.is_enabled() else {}
        due = [which for which, is_due in (("best", is_best), ("final", final)) if is_due]
        trained_scores = {key: rows[0][key] for key in metrics_file.SCORES}
        ended = {"kind": "epoch", "epoch": epoch, "best": best, "scores": scores, "trained": trained_scores}
        points.epoch(
            Point(state, {which: (state["model"], outcome) for which in due}, checkpoint.Arrival(trainer.device)),
            rows,
            is_last=final,
            then=lambda row=ended: report(row),
        )
        epoch = following
    writer.wait()
    return True


class Clock:
    """Progress, time left, the request to stop and the look for a diverged loss: at most every TICK seconds."""

    def __init__(self, trainer: FoldTrainer, report, should_stop, use: Callable[[], dict[str, float]] = dict):
        self.trainer, self.report, self.should_stop, self.use = trainer, report, should_stop, use
        self.epoch_seconds: float | None = None
        self.epoch_started, self.phase = 0.0, -1
        self.next_look = 0.0
        self.asked: tuple[torch.Tensor, checkpoint.Arrival] | None = None

    def start_epoch(self, epoch: int, phase: int) -> None:
        now = time.perf_counter()
        goes_on = self.phase >= 0 and self._trained(phase) == self._trained(self.phase)
        self.epoch_seconds = now - self.epoch_started if goes_on else None
        self.epoch, self.phase, self.epoch_started, self.asked = epoch, phase, now, None

    def _trained(self, phase: int) -> tuple[bool, bool]:
        """What an epoch of a phase trains: phases in which that is the same have epochs that take as long."""
        settings = self.trainer.config.phases[phase]
        return settings.lr_backbone > 0, settings.frozen_norm

    def _left(self, split: str, step: int, steps: int, spent: float) -> float | None:
        """Seconds to the end of the fold; None where nothing tells them: before the first step, and while epochs are to
        come that train what none of these does."""
        config = self.trainer.config
        later = range(self.phase + 1, len(config.phases))
        if step == 0 or any(self._trained(phase) != self._trained(self.phase) for phase in later):
            return None
        # The first epoch has no whole epoch to go by: validation is taken as a third of a step's cost per image.
        share = step / steps if split == "train" else 1.0
        validation = len(self.trainer.val_rows) / 3 / len(self.trainer.train_rows)
        whole = self.epoch_seconds or spent / share * (1 + validation)
        return round(max(0.0, whole - spent) + whole * (config.epochs - self.epoch), 1)

    def tick(self, split: str, step: int, steps: int, done: Pass) -> bool:
        """True when the work should stop. Asks the device only when a progress line is due, and waits for no answer."""
        now = time.perf_counter()
        if now < self.next_look and step < steps:
            return False
        self.next_look = now + TICK
        if self.should_stop():
            return True
        self.glance(done)
        if step == 0:  # a frozen backbone looks at its photos, which it does once: no epoch after it takes that time
            self.epoch_started = now
        spent = time.perf_counter() - self.epoch_started
        self.report(
            {
                "kind": "progress",
                "epoch": self.epoch,
                "epochs": self.trainer.config.epochs,
                "phase": self.phase,
                "split": split,
                "step": step,
                "steps": steps,
                "images_per_second": round(done.samples / max(spent, 1e-6), 1) if split == "train" else None,
                "eta_seconds": self._left(split, step, steps, spent),
                "device": self.trainer.device.type,
                "use": self.use(),
            }
        )
        return False

    def glance(self, done: Pass) -> None:
        """check_finite that waits for nothing: a GPU's answer is read at a later glance, once it is here."""
        if self.trainer.device.type != "cuda":
            self.check_finite(self.epoch, done)
        elif self.asked is None:
            self.asked = checkpoint.snapshot(done.bad_step), checkpoint.Arrival(self.trainer.device)
        elif self.asked[1].is_here():
            self._refuse(self.epoch, int(self.asked[0]))
            self.asked = None

    def check_finite(self, epoch: int, done: Pass) -> None:
        self._refuse(epoch, int(done.bad_step))

    def _refuse(self, epoch: int, bad: int) -> None:
        if bad >= 0:
            raise LabError(
                f"diverged: the loss is not a number at epoch {epoch}, step {bad}.",
                "Lower the learning rates or use float32, then run again; the checkpoint before is kept.",
                kind="diverged",
            )
