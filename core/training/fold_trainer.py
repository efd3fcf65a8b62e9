"""The network, the optimizer and the batches of one fold: an epoch of steps, a look at the held-out fold, predictions.

Every random draw is a function of (run seed, fold, epoch, purpose, sample); no step waits for the device.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
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
    Stopwatch,
    compiled,
    device_name,
    exact_float32,
    forget_peak,
    peak_memory,
    pick_precision,
    repeats_steps,
)
from core.training.frozen import FrozenBackbone
from core.training.goals import OneClass, YesNo, goal_of
from core.training.gpu.graphed import Graphed
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
    watch: Stopwatch
    samples: int = 0
    answers: int | torch.Tensor = 0
    labels: list[torch.Tensor] = field(default_factory=list)
    predicted: list[torch.Tensor] = field(default_factory=list)
    outputs: list[torch.Tensor] = field(default_factory=list)

    @property
    def seconds(self) -> float:
        """Of a pass that has ended, on the device; waits for it."""
        return self.watch.seconds()

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
    """The network, the optimizer and the batches of one fold.

    pixels: the run's pixel cache, or None. sharing: fold jobs that train on the device at a time. goes_on: it has a
    resume point, which holds all weights: the first ones, and the run or file that they are of, need not be there.
    """

    def __init__(
        self,
        run: Run,
        fold: int,
        device: torch.device,
        pixels: Path | None,
        sharing: int = 1,
        *,
        goes_on: bool = False,
    ):
        self.config: RunConfig = run.config()
        self.run, self.fold, self.device, self.sharing = run, fold, device, sharing
        self.info = run.info()
        samples = run.samples()
        self.samples = samples
        self.train_rows = np.flatnonzero(samples["fold"] != fold)
        self.val_rows = np.flatnonzero(samples["fold"] == fold)
        self.validates = self.config.folds.everybody is None  # else nobody is held out: the photos stand in no fold
        self.class_names: list[str] = self.info["class_names"]
        self.goal = goal_of(self.config, samples, self.class_names, self.train_rows)
        self.labels = self.goal.labels.to(device)
        self.sums = torch.float32 if device.type == "mps" else torch.float64  # which Apple's GPUs do not have
        begun_in = next((start.get("precision") for start in starts.read(run, fold)), None)
        self.precision = pick_precision(self.config.training.precision, device, begun_in)
        self.scaler = torch.amp.GradScaler(device.type, enabled=self.precision == torch.float16)
        seed = int(np.random.SeedSequence([self.config.training.seed, fold, 2]).generate_state(1)[0])
        parts = class_parts(self.config.task, self.class_names) if self.config.model.head == "factored" else None
        self.goes_on = goes_on
        noted = self.info.get("weights") or {}  # since the launch, of a file; else since a fold began
        begins = self.config.model.model_copy(update={"init": "scratch"}) if goes_on else self.config.model
        launched = noted.get("sha256", "")
        model, self.weights = build_model(begins, self.goal.outputs, seed, parts, launched=launched)
        if goes_on:
            self.weights = noted or {"init": self.config.model.init}
        elif self.config.model.parent:
            parent = Run(self.config.model.parent, run.dir.parent)
            self.weights = inherit(model, self.config, self.class_names, parent, fold)
        self.model = model.to(device)
        self.network = compiled(self.model, self.config.training.speed, device)
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
        self.rates: tuple[float, ...] = (0.0, 0.0)  # of backbone and head, in the last step
        self.repeated: Graphed | None = None  # the step, where the device repeats it by itself
        self.peak: int | None = None  # bytes, over the passes that were made
        self.phase = -1
        self.frozen: FrozenBackbone | None = None

    def facts(self) -> dict[str, Any]:
        """What a resume has to have in common with the start to be exact: see starts.py."""
        gpu = self.device.type != "cpu"
        fast = {"speed": "fast"} if self.config.training.speed == "fast" and gpu else {}
        weighs = {"weighs": "photos"} if starts.weighs_photos(self.config) else {}
        return {
            **fast,
            **weighs,
            "device": device_name(self.device) if gpu else f"a CPU with {torch.backends.cpu.get_cpu_capability()}",
            "threads": torch.get_num_threads(),
            "precision": str(self.precision).removeprefix("torch."),
            "evaluation": "float32",
            "versions": dict(starts.versions()),
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
        """A fresh optimizer: weights carry over from phase to phase, optimizer state does not.

        A backbone with a rate of 0 has no gradients: none of its weights would move by them.
        """
        settings = self.config.phases[phase]
        self.phase, self.frozen = phase, None
        for parameter in parameter_groups(self.model)[0]:
            parameter.requires_grad_(settings.lr_backbone > 0)
        if settings.frozen_norm:
            self.frozen = FrozenBackbone(self.config, self.model)
        self.optimizer = build_optimizer(self.model, settings)
        self._tie_rates()
        self.repeated = None
        if self.frozen is None and repeats_steps(self.device, self.scaler):
            self.repeated = Graphed(self.one_step, self.optimizer, self.device, self.sharing)

    def rates_of(self, epoch: int) -> np.ndarray:
        """(steps, 2): the learning rates of backbone and head in each step of an epoch."""
        phase, before = self.config.phase_of(epoch)
        settings, first = self.config.phases[phase], (epoch - 1 - before) * self.steps
        factors = [self.config.learning_rate_factor(phase, first + step, self.steps) for step in range(self.steps)]
        return np.multiply.outer(factors, (settings.lr_backbone, settings.lr_head))

    def _tie_rates(self) -> None:
        """On a GPU both rates are one tensor, which steps read there and which changes there without a wait."""
        assert self.optimizer is not None
        if self.device.type != "cuda":
            return
        self.rates_there = torch.zeros(2, device=self.device)
        for group, rate in zip(self.optimizer.param_groups, self.rates_there, strict=True):
            group["lr"] = rate

    def optimizer_state(self) -> dict[str, Any]:
        """What a resume point keeps of the optimizer: its rates as numbers, wherever they are."""
        assert self.optimizer is not None
        state = self.optimizer.state_dict()
        groups = [{**group, "lr": float(rate)} for group, rate in zip(state["param_groups"], self.rates, strict=True)]
        return {**state, "param_groups": groups}

    def load_optimizer(self, state: dict[str, Any]) -> None:
        assert self.optimizer is not None
        self.optimizer.load_state_dict(state)
        self.rates = tuple(float(group["lr"]) for group in self.optimizer.param_groups)
        self._tie_rates()

    def prepare(self, images: torch.Tensor) -> torch.Tensor:
        """uint8 (b, H, W, 3) -> what the network takes, float32 (b, 3, H, W)."""
        return to_network(images, self.mean, self.std)

    def autocast(self) -> torch.autocast:
        """The precision of the training."""
        return torch.autocast(self.device.type, dtype=self.precision, enabled=self.precision != torch.float32)

    def forward(self, inputs: torch.Tensor) -> torch.Tensor:
        """float32 (b, 3, H, W), or what a frozen backbone sees, (b, features) -> float32 logits (b, classes)."""
        with self.autocast():
            logits = (self.model.fc if inputs.ndim == 2 else self.network)(inputs)
        return logits.float()

    def new_pass(self) -> Pass:
        return Pass(
            self.goal,
            torch.zeros((), device=self.device, dtype=self.sums),
            torch.zeros((), device=self.device, dtype=self.sums),
            torch.full((), -1, device=self.device, dtype=torch.int64),
            Stopwatch(self.device),
        )

    def step_seed(self, epoch: int, step: int) -> int:
        """The seed of what is drawn once a batch (mix-up)."""
        return step_seed(self.config.training.seed, self.fold, epoch, step)

    def train_epoch(self, epoch: int, tick: Callable[[str, int, int, Pass], bool]) -> Pass | None:
        """One epoch of steps; None when tick() says stop. No step waits for the device."""
        done = self.new_pass()
        self.model.train(self.frozen is None)
        batches = self.batches(epoch)
        labels_of = self.labels_of(batches)
        if self.frozen and not self.frozen.look(self, lambda: tick("train", 0, len(batches), done)):
            return None
        rates = self.rates_of(epoch)
        rates_there = sent(torch.from_numpy(rates).float(), self.device) if self.device.type == "cuda" else None
        for step, inputs in enumerate(self.fed(epoch, batches)):
            self.rates = tuple(rates[step].tolist())
            if rates_there is not None:
                self.rates_there.copy_(rates_there[step])
            else:
                for group, rate in zip(self.optimizer.param_groups, self.rates, strict=True):
                    group["lr"] = rate
            inputs, targets = self.mixer(inputs, labels_of[step], self.step_seed(epoch, step))
            logits, objective, loss = (self.repeated or self.one_step)(inputs, targets)
            self._count(done, step, loss, objective, logits, self.goal.judged(targets))
            if tick("train", step + 1, len(batches), done):
                return None
        done.watch.stop()
        if (
            self.device.type != "cpu"
            and epoch < self.config.epochs
            and not (self.frozen and self.frozen.seen is not None)
        ):
            self.train_loader.begin(epoch + 1, self.batches(epoch + 1))  # a processor has no time to spare
        self._note_peak()
        return done

    def one_step(self, inputs: torch.Tensor, targets: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """-> float32 logits (b, outputs), the objective that was minimised and plain cross-entropy, of before it."""
        self.optimizer.zero_grad(set_to_none=True)
        logits = self.forward(inputs)
        objective = self.criterion(logits, targets)
        self.scaler.scale(objective).backward()
        self.scaler.step(self.optimizer)
        self.scaler.update()
        logits, objective = logits.detach(), objective.detach()
        return logits, objective, objective if self.plain else self.goal.loss(logits, targets)

    def fed(self, epoch: int, batches: list[np.ndarray]) -> Iterator[torch.Tensor]:
        """What the network, or the head of a frozen one, takes in each step."""
        if self.frozen and self.frozen.seen is not None:
            order = sent(torch.from_numpy(np.concatenate(batches)), self.device)
            return iter(self.frozen.seen[order].split([len(batch) for batch in batches]))
        return map(self.prepare, self.train_loader.epoch(epoch, batches))

    def held_out(self) -> Iterator[torch.Tensor]:
        """float32 logits of each batch of the held-out fold."""
        if self.frozen:
            return self.frozen.logits(self)
        return (self.model(self.prepare(images)) for images in self.val_loader.epoch(0, self.val_batches))

    @torch.inference_mode()
    def evaluate(self, tick: Callable[[str, int, int, Pass], bool]) -> Pass | None:
        """The validation fold, deterministic transforms only; keeps the logits for the predictions.

        In float32 whatever the training's precision, as Look inside asks a network: a face has one answer.
        """
        done = self.new_pass()
        self.model.eval()
        labels_of = self.labels_of(self.val_batches)
        with exact_float32():
            for step, logits in enumerate(self.held_out()):
                labels = labels_of[step]
                targets = self.goal.targets(labels)
                loss = self.goal.loss(logits, targets)
                objective = loss if self.plain else self.criterion(logits, targets)
                self._count(done, step, loss, objective, logits, labels)
                done.outputs.append(logits)
                if tick("validation", step + 1, len(self.val_batches), done):
                    return None
        done.watch.stop()
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
        self.repeated = None  # which holds the trainer, and memory of a GPU that the next fold job wants
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
