"""The network as a run began, asked what its features tell without any training: see core/answers/frozen_features.py.

The same folds, the same photos, the same transforms and the same way of scoring as the run's validation: the trainer's
own parts make the network, the batches and the table of answers.
"""

from __future__ import annotations

import contextlib
import time
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import torch

from core import machine
from core.answers import frozen_features
from core.answers.frozen_features import FrozenFeatures
from core.data.content.unchanged import check_unchanged
from core.data.tasks import class_parts
from core.data.yes_no import pairs
from core.errors import LabError, memory_in_words
from core.inside.fold_models import free_device
from core.runs import Run
from core.runs.everybody.unmeasured import check_held_out
from core.stats import linear_probe
from core.stats.linear_probe import Probe
from core.text import count, size
from core.training import resident
from core.training.batches import split_batches
from core.training.device import device_name, exact_float32, limit_threads, pick_device
from core.training.fold_trainer import FoldTrainer
from core.training.frozen import MOST, without_head
from core.training.train import prepare_pixels

Progress = Callable[[str, int, int], object]
MOST_FITTED = 20_000  # photos in all folds together; of more, people are drawn until there are so many
INNER = 3  # parts at most of a fold's training people, by which C is chosen
DRAW = 0  # seed of the people who are drawn


def measure(
    run: Run, *, device: str | None = None, progress: Progress = lambda what, done, total: None
) -> FrozenFeatures:
    """Fit and answer in each fold, and keep it with the run. It asks for no fold to be done.

    device: 'cpu', 'cuda' or, where None, a GPU on which nobody trains, else the CPU. progress(what, done, total): what
    it raises ends the work, and nothing is kept.
    Raises LabError: kinds 'gone', 'everybody' (nobody was held out), 'weights' (the first weights are no longer here),
    'memory', 'unreadable' and as check_unchanged does, for photos that are not what they were.
    """
    check_held_out(run.require())
    begun = time.perf_counter()
    config, samples = run.config(), run.samples()
    check_unchanged(samples, runs=run.dir.parent)
    limit_threads(min(torch.get_num_threads(), machine.cores()))
    place = free_device(run.dir.parent) if device in (None, "auto") else pick_device(device)
    drawn = _drawn(samples)
    remedy = "Close other programs, or ask for the baseline of a run on fewer photos."
    with memory_in_words("the features of its photos", remedy), _given_back(), contextlib.ExitStack() as at_the_end:

        def decoding(row: dict[str, Any]) -> None:
            progress(row["stage"], row["step"], row["steps"])

        pixels = prepare_pixels(run, config, decoding, lambda: False, at_the_end)
        judged = list(_folds(run, drawn, place, pixels, progress))
    table = pd.concat([each.table for each in judged], ignore_index=True)
    probes = [probe for each in judged for probe in each.probes]
    facts = {
        "folds": [
            {"fold": each.fold, "strengths": [probe.strength for probe in each.probes], "fitted": each.fitted}
            for each in judged
        ],
        "init": config.model.init,
        "width": judged[0].width,
        "head": "each" if config.task.one_by_one else config.model.head,
        "seconds": time.perf_counter() - begun,
        "device": device_name(place),
        "drawn": not bool(drawn.all()),
        "unconverged": sum(not probe.converged for probe in probes),
    }
    return frozen_features.save(run, table, facts)


@contextlib.contextmanager
def _given_back() -> Iterator[None]:
    """What a device holds for the block is free for others once it ends, also by an error or a cancel, which would keep
    a trainer in the frames that it came through.
    """
    try:
        yield
    except BaseException as error:
        traceback.clear_frames(error.__traceback__)
        raise
    finally:
        resident.forget()


@dataclass(frozen=True, eq=False)
class _Judged:
    """A fold. table: its answers, with a column `fold`. fitted: photos. width: of the features."""

    fold: int
    table: pd.DataFrame
    probes: list[Probe]
    fitted: int
    width: int


def _folds(
    run: Run, drawn: np.ndarray, place: torch.device, pixels: Path | None, progress: Progress
) -> Iterator[_Judged]:
    """drawn: (samples,) bool, of those that may be fitted on."""
    config, of = run.config(), run.samples()["fold"].to_numpy()
    folds = sorted(int(fold) for fold in np.unique(of))
    alike = config.model.init == "imagenet" or config.model.file is not None  # all folds begin with one backbone
    features: np.ndarray | None = None
    for number, fold in enumerate(folds):
        tell = partial(_tell_fits, progress, number, len(folds))
        with contextlib.closing(FoldTrainer(run, fold, place, pixels)) as trainer:
            if features is None or not alike:
                rows = np.arange(len(of)) if alike else np.flatnonzero(drawn | (of == fold))
                features = _features(trainer, rows, (0, 1) if alike else (number, len(folds)), progress)
            train = np.flatnonzero(drawn & (of != fold))
            logits, probes = _answers(trainer, features, train, tell)
            labels = trainer.labels.cpu()[torch.from_numpy(trainer.val_rows)]
            held_out = trainer.samples["sample"].to_numpy()[trainer.val_rows]
            table = trainer.goal.predictions(torch.from_numpy(logits), labels, held_out)
        yield _Judged(fold, table.assign(fold=fold), probes, len(train), features.shape[1])


def _tell_fits(progress: Progress, number: int, folds: int, done: int, total: int) -> None:
    """done of the total fits of a fold, which comes after `number` others."""
    progress("fits made", number * total + done, folds * total)


def _drawn(samples: pd.DataFrame) -> np.ndarray:
    """(n,) bool: all photos of as many people as it takes, drawn, until there are MOST_FITTED."""
    if len(samples) <= MOST_FITTED:
        return np.ones(len(samples), dtype=bool)
    person, people = pd.factorize(samples["person"])
    order = np.random.default_rng(DRAW).permutation(len(people))
    enough = int(np.searchsorted(np.bincount(person)[order].cumsum(), MOST_FITTED)) + 1
    return np.isin(person, order[:enough])


def _features(trainer: FoldTrainer, rows: np.ndarray, passes: tuple[int, int], progress: Progress) -> np.ndarray:
    """float32 (samples, width): what the head would take, of these rows; 0 of others. passes: (which, of how many)."""
    width = next(module.in_features for module in trainer.model.fc.modules() if isinstance(module, torch.nn.Linear))
    if (needed := 4 * len(trainer.samples) * width) > MOST:
        raise LabError(
            f"frozen features: those of {count(len(trainer.samples))} photos take {size(needed)}, and more than "
            f"{size(MOST)} are not held.",
            "Ask for them of a run on fewer photos (data.max_people), or of a smaller network.",
            kind="memory",
        )
    features = np.zeros((len(trainer.samples), width), dtype=np.float32)
    batches = split_batches(rows, 2 * trainer.config.training.batch_size)
    before, done = passes[0] * len(rows), 0
    trainer.model.eval()
    with torch.inference_mode(), exact_float32(), without_head(trainer.model):
        for batch, images in zip(batches, trainer.val_loader.epoch(0, batches), strict=True):
            progress("photos seen", before + done, passes[1] * len(rows))
            features[batch] = trainer.model(trainer.prepare(images)).float().cpu().numpy()
            done += len(batch)
    return features


def _answers(
    trainer: FoldTrainer, features: np.ndarray, train: np.ndarray, tick: Callable[[int, int], object]
) -> tuple[np.ndarray, list[Probe]]:
    """What the fold's goal takes for logits of the photos that it held out, and the regressions behind them."""
    samples, held_out = trainer.samples, trainer.val_rows
    training = trainer.config.training
    balanced = training.loss == "weighted" or training.sampling == "balanced"
    inner = _inner(samples, train)
    problems = list(_problems(trainer))
    total = sum(linear_probe.fits(inner[codes[train] >= 0]) for codes, _ in problems)
    done = 0

    def next_fit() -> None:
        nonlocal done
        tick(done, total)
        done += 1

    probes = []
    for codes, classes in problems:
        fit = train[codes[train] >= 0]
        parts = inner[codes[train] >= 0]
        probes.append(
            linear_probe.probe(
                features[fit].astype(np.float64),
                codes[fit],
                parts,
                features[held_out].astype(np.float64),
                classes,
                balanced=balanced,
                tick=next_fit,
            )
        )
    if trainer.config.task.one_by_one:
        return np.stack([each.log_probabilities[:, 1] - each.log_probabilities[:, 0] for each in probes], 1), probes
    if trainer.config.model.head == "factored":
        index = _index(trainer)
        return np.sum([each.log_probabilities[:, index[:, i]] for i, each in enumerate(probes)], axis=0), probes
    return probes[0].log_probabilities, probes


def _problems(trainer: FoldTrainer) -> Iterator[tuple[np.ndarray, int]]:
    """(code of each sample, -1 where it does not tell it; how many there are) of each regression."""
    labels = trainer.labels.cpu().numpy()
    if trainer.config.task.one_by_one:
        for place in range(labels.shape[1]):
            yield np.where(labels[:, place] == pairs.UNTOLD, -1, labels[:, place]).astype(np.int64), 2
    elif trainer.config.model.head == "factored":
        index = _index(trainer)
        for place in range(index.shape[1]):
            yield index[labels, place], int(index[:, place].max()) + 1
    else:
        yield labels, len(trainer.class_names)


def _index(trainer: FoldTrainer) -> np.ndarray:
    """(classes, attributes): which value of each attribute a class has, as the factored head counts them."""
    parts = class_parts(trainer.config.task, trainer.class_names)
    return np.stack([pd.factorize(np.array([part[name] for part in parts]))[0] for name in parts[0]], axis=1)


def _inner(samples: pd.DataFrame, train: np.ndarray) -> np.ndarray:
    """(train,) parts of which no person is in two: the other folds, joined to at most INNER; of one fold its people."""
    folds = pd.factorize(samples["fold"].to_numpy()[train], sort=True)[0]
    if folds.max(initial=0) > 0:
        return folds % INNER
    return pd.factorize(samples["person"].to_numpy()[train])[0] % INNER
