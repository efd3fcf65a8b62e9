"""train_fold: one fold of one run, from its frozen samples to its predictions.

Knows nothing of processes or screens. Every random draw is a function of (run seed, fold, epoch, purpose, sample),
so a resumed fold ends bit-identical to one that was never stopped.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from core import cache, checkpoint, metrics, metrics_file, places, runs
from core.augment import normalization, step_seed
from core.batches import AugmentedBatches, Loader, Source, epoch_order, split_batches, to_network
from core.config import PhaseConfig, RunConfig
from core.data import class_parts
from core.device import device_name, forget_peak, peak_memory, pick_device, pick_loader_workers, pick_precision
from core.errors import LabError
from core.losses import Mixer, build_loss
from core.model import build_model, inherit, parameter_groups

TICK = 0.5  # seconds between two looks at the device for the progress file


@dataclass
class Pass:
    """What one pass over a split leaves on the device until the epoch ends.

    loss_sum: over samples. labels, predicted: (b,) class indices of each step; counting them waits for the epoch's end,
    so that no step waits for the device.
    """

    loss_sum: torch.Tensor
    bad_step: torch.Tensor
    samples: int = 0
    seconds: float = 0.0
    labels: list[torch.Tensor] = field(default_factory=list)
    predicted: list[torch.Tensor] = field(default_factory=list)
    outputs: list[torch.Tensor] = field(default_factory=list)

    def scores(self, classes: int) -> dict[str, float]:
        true, predicted = torch.stack([torch.cat(self.labels), torch.cat(self.predicted)]).cpu().numpy()
        table = metrics.confusion(true, predicted, classes)
        return {
            "loss": float(self.loss_sum) / max(1, self.samples),
            "accuracy": metrics.accuracy(table),
            "f1": metrics.macro_f1(table),
        }


class FoldTrainer:
    """The network, the optimizer and the batches of one fold."""

    def __init__(self, run: runs.Run, fold: int, device: torch.device, pixels: Path | None):
        self.config: RunConfig = run.config()
        self.run, self.fold, self.device = run, fold, device
        self.info = run.info()
        samples = run.samples()
        self.samples = samples
        self.labels = torch.from_numpy(samples["y"].to_numpy(np.int64, copy=True)).to(device)
        self.train_rows = np.flatnonzero(samples["fold"] != fold)
        self.val_rows = np.flatnonzero(samples["fold"] == fold)
        self.class_names: list[str] = self.info["class_names"]
        self.precision = pick_precision(self.config.training.precision, device)
        seed = int(np.random.SeedSequence([self.config.training.seed, fold, 2]).generate_state(1)[0])
        parts = class_parts(self.config.task, self.class_names) if self.config.model.head == "factored" else None
        model, self.weights = build_model(self.config.model, len(self.class_names), seed, parts)
        if self.config.model.parent:
            parent = runs.Run(self.config.model.parent, run.dir.parent)
            self.weights = inherit(model, self.config.model, self.class_names, parent, fold)
        self.model = model.to(device)
        mean, std = normalization(self.config.transforms)
        self.mean = torch.tensor(mean, device=device) * 255
        self.std = torch.tensor(std, device=device) * 255
        self.balance = samples["y"].to_numpy()[self.train_rows]
        counts = np.bincount(self.balance, minlength=len(self.class_names))
        self.criterion = build_loss(self.config.training, counts).to(device)
        self.mixer = Mixer(self.config.mix, len(self.class_names))
        source = Source(samples["path"].tolist(), pixels, self.config.transforms)
        run_seed = self.config.training.seed
        workers = pick_loader_workers(self.config.training, device)
        self.train_loader = Loader(AugmentedBatches(source, run_seed, fold, "train"), workers, device)
        self.val_loader = Loader(AugmentedBatches(source, run_seed, fold, "eval"), 0, device)
        self.steps = len(self.batches(1))
        self.val_batches = split_batches(self.val_rows, 2 * self.config.training.batch_size)
        self.optimizer: torch.optim.Optimizer | None = None
        self.phase = -1

    def batches(self, epoch: int) -> list[np.ndarray]:
        balance = self.balance if self.config.training.sampling == "balanced" else None
        order = epoch_order(self.train_rows, self.config.training.seed, self.fold, epoch, balance)
        return split_batches(order, self.config.training.batch_size)

    def start_phase(self, phase: int) -> None:
        """A fresh optimizer: weights carry over from phase to phase, optimizer state does not."""
        self.phase = phase
        self.optimizer = build_optimizer(self.model, self.config.phases[phase])

    def prepare(self, images: torch.Tensor) -> torch.Tensor:
        """uint8 (b, H, W, 3) -> what the network takes, float32 (b, 3, H, W)."""
        return to_network(images, self.mean, self.std)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """float32 (b, 3, H, W) -> float32 logits (b, classes)."""
        enabled = self.precision != torch.float32
        with torch.autocast(self.device.type, dtype=self.precision, enabled=enabled):
            logits = self.model(inputs)
        return logits.float()

    def new_pass(self) -> Pass:
        return Pass(
            torch.zeros((), device=self.device, dtype=torch.float64),
            torch.full((), -1, device=self.device, dtype=torch.int64),
        )

    def step_seed(self, epoch: int, step: int) -> int:
        """The seed of what is drawn once a batch (mix-up)."""
        return step_seed(self.config.training.seed, self.fold, epoch, step)

    def train_epoch(self, epoch: int, tick: Callable[[str, int, int, Pass], bool]) -> Pass | None:
        """One epoch of steps; None when tick() says stop. No step waits for the device."""
        phase, before = self.config.phase_of(epoch)
        settings = self.config.phases[phase]
        done = self.new_pass()
        started = time.perf_counter()
        self.model.train()
        batches = self.batches(epoch)
        for step, images in enumerate(self.train_loader.epoch(epoch, batches)):
            factor = self.config.learning_rate_factor(phase, (epoch - 1 - before) * self.steps + step, self.steps)
            for group, rate in zip(self.optimizer.param_groups, (settings.lr_backbone, settings.lr_head), strict=True):
                group["lr"] = rate * factor
            labels = self.labels[torch.from_numpy(batches[step]).to(self.device)]
            self.optimizer.zero_grad(set_to_none=True)
            inputs, targets = self.mixer(self.prepare(images), labels, self.step_seed(epoch, step))
            logits = self.forward(inputs)
            loss = self.criterion(logits, targets)
            loss.backward()
            self.optimizer.step()
            # A mixed image counts for the class that has the larger share in it.
            labels = targets.argmax(1) if targets.ndim == 2 else targets
            self._count(done, step, loss.detach(), logits.detach(), labels)
            if tick("train", step + 1, len(batches), done):
                return None
        done.seconds = time.perf_counter() - started
        return done

    @torch.inference_mode()
    def evaluate(self, tick: Callable[[str, int, int, Pass], bool]) -> Pass | None:
        """The validation fold, deterministic transforms only; keeps the logits for the predictions."""
        done = self.new_pass()
        started = time.perf_counter()
        self.model.eval()
        for step, images in enumerate(self.val_loader.epoch(0, self.val_batches)):
            labels = self.labels[torch.from_numpy(self.val_batches[step]).to(self.device)]
            logits = self.forward(self.prepare(images))
            self._count(done, step, self.criterion(logits, labels), logits, labels)
            done.outputs.append(logits)
            if tick("validation", step + 1, len(self.val_batches), done):
                return None
        done.seconds = time.perf_counter() - started
        return done

    @staticmethod
    def _count(done: Pass, step: int, loss: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor) -> None:
        done.loss_sum += loss.double() * len(labels)
        done.labels.append(labels)
        done.predicted.append(logits.argmax(1))
        first_bad = (done.bad_step < 0) & ~torch.isfinite(loss)
        done.bad_step = torch.where(first_bad, step + 1, done.bad_step)
        done.samples += len(labels)

    def predictions(self, done: Pass) -> pd.DataFrame:
        """Out-of-fold predictions: sample, label, predicted, loss (plain cross-entropy), p_<class>..."""
        logits = torch.cat(done.outputs).double()
        labels = self.labels[torch.from_numpy(self.val_rows).to(self.device)]
        loss = nn.functional.cross_entropy(logits, labels, reduction="none").cpu().numpy()
        probabilities = logits.softmax(1).cpu().numpy()
        names = np.asarray(self.class_names, dtype=object)
        frame = pd.DataFrame(
            {
                "sample": self.samples["sample"].to_numpy()[self.val_rows],
                "label": names[labels.cpu().numpy()],
                "predicted": names[probabilities.argmax(1)],
                "loss": loss,
            }
        )
        return pd.concat(
            [frame, pd.DataFrame(probabilities, columns=[f"p_{name}" for name in self.class_names])], axis=1
        )

    def close(self) -> None:
        self.train_loader.close()
        self.val_loader.close()


def build_optimizer(model: nn.Module, phase: PhaseConfig) -> torch.optim.Optimizer:
    """Two groups, backbone then head. Fused kernels where torch has them for the device."""
    backbone, head = parameter_groups(model)
    groups = [{"params": backbone, "lr": phase.lr_backbone}, {"params": head, "lr": phase.lr_head}]
    if phase.optimizer == "sgd":
        return torch.optim.SGD(
            groups, momentum=phase.momentum, nesterov=phase.nesterov, weight_decay=phase.weight_decay, fused=True
        )
    kind = torch.optim.AdamW if phase.optimizer == "adamw" else torch.optim.Adam
    return kind(groups, weight_decay=phase.weight_decay, fused=True)


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
        scores = {key: rows[1][key] for key in ("loss", "accuracy", "f1")}
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
