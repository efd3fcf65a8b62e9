"""The network, the optimizer and the batches of one fold: an epoch of steps, a look at the held-out fold, predictions.

Every random draw is a function of (run seed, fold, epoch, purpose, sample); no step waits for the device.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch
from torch import nn

from core.augment.pipeline import normalization, step_seed
from core.config import RunConfig
from core.config.run_config import PhaseConfig
from core.data.pictures.photo import photos_of
from core.data.tasks import class_parts
from core.network.model import build_model, inherit, parameter_groups
from core.runs import Run, metrics_file, starts
from core.stats import metrics
from core.training.batches import Source, epoch_order, sent, split_batches, to_network
from core.training.device import (
    device_name,
    exact_float32,
    forget_peak,
    peak_memory,
    pick_precision,
)
from core.training.goals import OneClass, YesNo, goal_of
from core.training.resident import feed


@dataclass
class Pass:
    """What one pass over a split leaves on the device until the epoch ends.

    loss_sum, objective_sum: over answers; loss is plain cross-entropy, objective what the training minimises.
    answers: how many: one a sample, or, of yes/no attributes, one for each that a sample tells.
    labels, predicted: of each step, (b,) class indices or (b, attributes); counting them waits for the epoch's end, so
    that no step waits for the device.
    """

    goal: OneClass | YesNo
    loss_sum: torch.Tensor
    objective_sum: torch.Tensor
    bad_step: torch.Tensor
    samples: int = 0
    answers: int | torch.Tensor = 0
    seconds: float = 0.0
    labels: list[torch.Tensor] = field(default_factory=list)
    predicted: list[torch.Tensor] = field(default_factory=list)
    outputs: list[torch.Tensor] = field(default_factory=list)

    def scores(self) -> dict[str, float]:
        """What metrics.csv tells of a pass."""
        table = self.goal.confusion(self.labels, self.predicted)
        f1 = metrics.class_scores(table)
        return {
            "loss": float(self.loss_sum) / max(1, int(self.answers)),
            "objective": float(self.objective_sum) / max(1, int(self.answers)),
            "accuracy": metrics.accuracy(table),
            "f1": f1.macro,
            "f1_present": f1.present,
        }


class FoldTrainer:
    """The network, the optimizer and the batches of one fold."""

    def __init__(self, run: Run, fold: int, device: torch.device, pixels: Path | None):
        self.config: RunConfig = run.config()
        self.run, self.fold, self.device = run, fold, device
        self.info = run.info()
        samples = run.samples()
        self.samples = samples
        self.train_rows = np.flatnonzero(samples["fold"] != fold)
        self.val_rows = np.flatnonzero(samples["fold"] == fold)
        self.class_names: list[str] = self.info["class_names"]
        self.goal = goal_of(self.config, samples, self.class_names, self.train_rows)
        self.labels = self.goal.labels.to(device)
        self.sums = torch.float32 if device.type == "mps" else torch.float64  # which Apple's GPUs do not have
        self.precision = pick_precision(self.config.training.precision, device)
        seed = int(np.random.SeedSequence([self.config.training.seed, fold, 2]).generate_state(1)[0])
        parts = class_parts(self.config.task, self.class_names) if self.config.model.head == "factored" else None
        model, self.weights = build_model(self.config.model, self.goal.outputs, seed, parts)
        if self.config.model.parent:
            parent = Run(self.config.model.parent, run.dir.parent)
            one_by_one = self.config.task.one_by_one
            self.weights = inherit(model, self.config.model, self.class_names, parent, fold, one_by_one=one_by_one)
        self.model = model.to(device)
        mean, std = normalization(self.config.transforms)
        self.mean = torch.tensor(mean, device=device) * 255
        self.std = torch.tensor(std, device=device) * 255
        self.balance = self.goal.balance
        self.criterion = self.goal.criterion.to(device)
        self.plain = metrics_file.plain_objective(self.config.training)
        self.mixer = self.goal.mixer
        source = Source(photos_of(samples), pixels, self.config.transforms)
        self.train_loader = feed(self.config.training, source, fold, "train", device)
        self.val_loader = feed(self.config.training, source, fold, "eval", device)
        self.steps = len(self.batches(1))
        self.val_batches = split_batches(self.val_rows, 2 * self.config.training.batch_size)
        self.optimizer: torch.optim.Optimizer | None = None
        self.peak: int | None = None  # bytes, over the passes that were made
        self.phase = -1

    def facts(self) -> dict[str, Any]:
        """What a resume has to have in common with the start to be exact: see starts.py."""
        gpu = self.device.type == "cuda"
        return {
            "device": device_name(self.device) if gpu else f"a CPU with {torch.backends.cpu.get_cpu_capability()}",
            "threads": torch.get_num_threads(),
            "precision": str(self.precision).removeprefix("torch."),
            "evaluation": "float32",
            "versions": starts.versions(),
        }

    def batches(self, epoch: int) -> list[np.ndarray]:
        balance = self.balance if self.config.training.sampling == "balanced" else None
        order = epoch_order(self.train_rows, self.config.training.seed, self.fold, epoch, balance)
        return split_batches(order, self.config.training.batch_size)

    def labels_of(self, batches: list[np.ndarray]) -> Sequence[torch.Tensor]:
        """Labels (b, ...) of each batch, on the device: the order of an epoch goes there once."""
        order = sent(torch.from_numpy(np.concatenate(batches)), self.device)
        return self.labels[order].split([len(batch) for batch in batches])

    def start_phase(self, phase: int) -> None:
        """A fresh optimizer: weights carry over from phase to phase, optimizer state does not."""
        self.phase = phase
        self.optimizer = build_optimizer(self.model, self.config.phases[phase])

    def prepare(self, images: torch.Tensor) -> torch.Tensor:
        """uint8 (b, H, W, 3) -> what the network takes, float32 (b, 3, H, W)."""
        return to_network(images, self.mean, self.std)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """float32 (b, 3, H, W) -> float32 logits (b, classes), computed in the precision of the training."""
        enabled = self.precision != torch.float32
        with torch.autocast(self.device.type, dtype=self.precision, enabled=enabled):
            logits = self.model(inputs)
        return logits.float()

    def new_pass(self) -> Pass:
        return Pass(
            self.goal,
            torch.zeros((), device=self.device, dtype=self.sums),
            torch.zeros((), device=self.device, dtype=self.sums),
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
        labels_of = self.labels_of(batches)
        for step, images in enumerate(self.train_loader.epoch(epoch, batches)):
            factor = self.config.learning_rate_factor(phase, (epoch - 1 - before) * self.steps + step, self.steps)
            for group, rate in zip(self.optimizer.param_groups, (settings.lr_backbone, settings.lr_head), strict=True):
                group["lr"] = rate * factor
            labels = labels_of[step]
            self.optimizer.zero_grad(set_to_none=True)
            inputs, targets = self.mixer(self.prepare(images), labels, self.step_seed(epoch, step))
            logits = self.forward(inputs)
            objective = self.criterion(logits, targets)
            objective.backward()
            self.optimizer.step()
            logits, objective = logits.detach(), objective.detach()
            loss = objective if self.plain else self.goal.loss(logits, targets)
            self._count(done, step, loss, objective, logits, self.goal.judged(targets))
            if tick("train", step + 1, len(batches), done):
                return None
        done.seconds = time.perf_counter() - started
        self._note_peak()
        return done

    @torch.inference_mode()
    def evaluate(self, tick: Callable[[str, int, int, Pass], bool]) -> Pass | None:
        """The validation fold, deterministic transforms only; keeps the logits for the predictions.

        In float32 whatever the training's precision, as Look inside asks a network: a face has one answer.
        """
        done = self.new_pass()
        started = time.perf_counter()
        self.model.eval()
        labels_of = self.labels_of(self.val_batches)
        with exact_float32():
            for step, images in enumerate(self.val_loader.epoch(0, self.val_batches)):
                labels = labels_of[step]
                logits = self.model(self.prepare(images))
                targets = self.goal.targets(labels)
                loss = self.goal.loss(logits, targets)
                objective = loss if self.plain else self.criterion(logits, targets)
                self._count(done, step, loss, objective, logits, labels)
                done.outputs.append(logits)
                if tick("validation", step + 1, len(self.val_batches), done):
                    return None
        done.seconds = time.perf_counter() - started
        self._note_peak()
        return done

    def _note_peak(self) -> None:
        """At the end of each pass, when the pixels that it mapped are what they were at its peak."""
        if (peak := peak_memory(self.device)) is not None:
            self.peak = max(peak, self.peak or 0)
            forget_peak(self.device)

    @staticmethod
    def _count(
        done: Pass, step: int, loss: torch.Tensor, objective: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor
    ) -> None:
        answers = done.goal.weight(labels)
        done.loss_sum += loss.to(done.loss_sum.dtype) * answers
        done.objective_sum += objective.to(done.objective_sum.dtype) * answers
        done.answers = done.answers + answers
        done.labels.append(labels)
        done.predicted.append(done.goal.answer(logits))
        first_bad = (done.bad_step < 0) & ~torch.isfinite(objective)
        done.bad_step = torch.where(first_bad, step + 1, done.bad_step)
        done.samples += len(labels)

    def predictions(self, done: Pass) -> pd.DataFrame:
        """Out-of-fold predictions, as the goal describes them."""
        logits = torch.cat(done.outputs)
        logits = logits.cpu().double() if self.device.type == "mps" else logits.double()
        labels = self.labels[torch.from_numpy(self.val_rows).to(self.device)].to(logits.device)
        return self.goal.predictions(logits, labels, self.samples["sample"].to_numpy()[self.val_rows])

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
