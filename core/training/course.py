"""The course of a fold: which epoch comes next, what its resume point says, and its files brought into line with it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import safetensors.torch
from safetensors import SafetensorError

from core.config import RunConfig
from core.errors import LabError, out_of_memory
from core.runs import Run, metrics_file, origins, starts
from core.runs.kept import dropped
from core.runs.origins import Origin
from core.stats import metrics
from core.training import checkpoint
from core.training.fold_trainer import FoldTrainer, Pass

ROUNDED = 0.02  # probabilities differ by up to 0.007 between bfloat16, in which version 0.1.0 answered, and float32


@dataclass
class Course:
    """How far a fold has come: what a resume point holds beside weights and optimizer.

    epoch: the last one that was trained. best: epoch, token (origins.Origin) and scores of the epoch with the highest
    validation F1, the first of several; where nobody is held out epoch and token of the last one, once that is trained.
    phase_best: epoch and F1 of the best epoch of the phase under way.
    """

    epoch: int = 0
    best: dict[str, Any] | None = None
    phase_best: dict[str, Any] | None = None


@dataclass(frozen=True)
class Outcome:
    """What an epoch leaves that is best or last, and which it is of. predictions: None where nobody was held out."""

    predictions: pd.DataFrame | None
    origin: Origin


def outcome_of(trainer: FoldTrainer, epoch: int, validated: Pass | None) -> Outcome:
    """validated: None where nobody is held out; then there are no predictions."""
    if validated is None:
        return Outcome(None, Origin(epoch, checkpoint.token_of(trainer.model.state_dict())))
    predictions = trainer.predictions(validated)
    return Outcome(predictions, origins.of_answers(epoch, predictions))


def next_epoch(config: RunConfig, epoch: int, phase_best: dict[str, Any] | None) -> int:
    """The epoch to train after this one; past the configuration's last one where the fold has ended.

    A phase whose validation F1 has not risen for `early_stopping` epochs ends, and the next one begins at its own first
    epoch: the numbers between are never trained, so that an epoch's order, augmentation and learning rate do not depend
    on when another phase ended. epoch: 0 before the first. phase_best: of the phase of that epoch.
    """
    patience = config.training.early_stopping
    if epoch and patience is not None and phase_best is not None and epoch - phase_best["epoch"] >= patience:
        phase, before = config.phase_of(epoch)
        return before + config.phases[phase].epochs + 1
    return epoch + 1


def resumed(trainer: FoldTrainer) -> Course:
    """Put the trainer where the resume point says, and every file of the fold with it.

    Raises LabError(kind 'checkpoint') where the fold has ended and nothing can give its best files back, and where its
    resume point went meanwhile.
    """
    run, fold = trainer.run, trainer.fold
    last = checkpoint.load_last(run.last_file(fold), trainer.device)
    if last is None and trainer.goes_on:
        raise LabError(
            f"checkpoint: {run.last_file(fold)} was deleted as this fold was about to go on from it.",
            "Resume the run to train this fold from its start.",
            kind="checkpoint",
        )
    if last is None and (course := _ended(trainer)) is not None:
        return course
    if last is not None:
        checkpoint.check_fits(run.last_file(fold), last, trainer.model)
    epoch = last["epoch"] if last else 0
    trained = metrics_file.read_metrics(run.metrics_file(fold))["epoch"].max()
    if trained > epoch:  # of no metrics it is no number
        which = f"epochs {epoch + 1} to {trained}" if trained > epoch + 1 else f"epoch {trained}"
        run.log(f"fold {fold}: {which} had no resume point yet when it was cut off: trained again")
    metrics_file.cut_metrics(run.metrics_file(fold), epoch)
    if last is None:
        starts.note(run, fold, 0, trainer.facts())
        checkpoint.settle(run, fold, {"best": None, "final": None})
        return Course()
    course = Course(epoch, last["best"] or None, last.get("phase_best") or _best_of_phase(run, fold, last["phase"]))
    named = {
        "best": _named(course.best) if course.best else None,
        "final": Origin(epoch, last["final"]) if last.get("final") else None,
    }
    checkpoint.settle(run, fold, named)
    holds_best = not trainer.validates or _holds_best(trainer, course.best)
    trainer.model.load_state_dict(last["model"])
    trainer.start_phase(last["phase"])
    trainer.load_optimizer(last["optimizer"])
    if trainer.scaler.is_enabled() and last.get("scaler"):
        trainer.scaler.load_state_dict(last["scaler"])
    ended = next_epoch(trainer.config, epoch, course.phase_best) > trainer.config.epochs
    if not ended:
        starts.note(run, fold, epoch, trainer.facts())
        for path in checkpoint.outcome_files(run, fold, "final"):
            path.unlink(missing_ok=True)  # of a last epoch that is not the last one any more
    if not holds_best:
        if course.best["epoch"] == epoch:
            course.best = {**course.best, "token": _made_anew(trainer, epoch, "best").token}
        elif ended:
            raise LabError(
                f"{run.id}, fold {fold}: it has ended, and the weights and predictions of its best epoch, "
                f"{course.best['epoch']}, are gone or damaged.",
                f"Copy both files back, or delete {run.last_file(fold).name} to train this fold from its start.",
                kind="checkpoint",
            )
        else:
            run.log(f"fold {fold}: the best weights on disk are not those of epoch {course.best['epoch']}; begun anew")
            course.best = None
    if not trainer.validates:
        for which in ("best", "final") if ended else ():
            if origins.of_weights(run.weights_file(fold, which)) != named[which]:
                _made_anew(trainer, epoch, which)
    elif ended and not all(path.is_file() for path in checkpoint.outcome_files(run, fold, "final")):
        _made_anew(trainer, epoch, "final")
    return course


def _ended(trainer: FoldTrainer) -> Course | None:
    """The course of a fold that has ended and whose resume point was therefore dropped; None of any other.

    Its final weights and predictions, which only the last epoch puts in place, say that it has, in accord with metrics
    and with the best ones; of weights that were dropped on purpose their predictions do. So it does not begin anew
    where its state alone was lost. What still waits to be put in place is: of an end that came from a node and was
    being written down (engines.taken).
    """
    run, fold = trainer.run, trainer.fold
    table = metrics_file.read_metrics(run.metrics_file(fold))
    if table.empty:
        return None
    epoch, phase = int(table["epoch"].max()), int(table["phase"].iloc[-1])
    phase_best = _best_of_phase(run, fold, phase) if trainer.validates else None
    if next_epoch(trainer.config, epoch, phase_best) <= trainer.config.epochs:
        return None
    outcomes = {}
    for which in ("best", "final"):
        weights_file, predictions_file = checkpoint.outcome_files(run, fold, which)
        answered = _newest(predictions_file, origins.of_predictions)
        outcomes[which] = answered if dropped.missing(run, fold, which) else _newest(weights_file, origins.of_weights)
        if trainer.validates and answered != outcomes[which]:
            return None
    best, final = outcomes["best"], outcomes["final"]
    if not trainer.validates and dropped.missing(run, fold, "final"):
        final = best  # both are the last epoch's
    if best is None or final is None or final.epoch != epoch:
        return None
    checkpoint.settle(run, fold, outcomes)
    run.log(f"fold {fold}: it has ended, as its final files say")
    return Course(epoch, {"epoch": best.epoch, "token": best.token}, phase_best)


def _newest(path: Path, read: Callable[[Path], Origin | None]) -> Origin | None:
    """What waits to be put in place, or else what stands there."""
    return read(origins.pending(path)) or read(path)


def _made_anew(trainer: FoldTrainer, epoch: int, which: str) -> Origin:
    """Write weights and predictions of the network as it is."""
    outcome = outcome_of(trainer, epoch, _answered(trainer) if trainer.validates else None)
    state = trainer.model.state_dict()
    checkpoint.save_pending(trainer.run, trainer.fold, which, state, outcome.predictions, outcome.origin)
    checkpoint.publish(trainer.run, trainer.fold, which)
    return outcome.origin


def _answered(trainer: FoldTrainer) -> Pass:
    done = trainer.evaluate(lambda *_: False)
    assert done is not None  # nobody asked it to stop
    return done


def _named(best: dict[str, Any]) -> Origin | None:
    return Origin(best["epoch"], best["token"]) if "token" in best else None


def _holds_best(trainer: FoldTrainer, best: dict[str, Any]) -> bool:
    """Whether the best weights and predictions on disk are those that the resume point names.

    One of version 0.1.0 names none: it wrote best weights, then predictions, then the resume point, so that each can be
    of an epoch that was never completed. Then the predictions give another F1 than the resume point says, or the
    weights, which are asked once (the network is not as before afterwards), give other answers than the predictions.
    """
    run = trainer.run
    weights_file, predictions_file = checkpoint.outcome_files(run, trainer.fold, "best")
    named = _named(best)
    if named is not None:
        return origins.of_weights(weights_file) == named == origins.of_predictions(predictions_file)
    try:
        predictions = pd.read_parquet(predictions_file)
        table = metrics.confusion_of(predictions["label"], predictions["predicted"], run.info()["class_names"])
        if abs(metrics.macro_f1(table) - best["f1"]) > 1e-9:
            return False
        trainer.model.load_state_dict(safetensors.torch.load_file(weights_file, str(trainer.device)))
        shares = [f"p_{name}" for name in trainer.class_names]
        answers = trainer.predictions(_answered(trainer))[["sample", *shares]].merge(predictions, on="sample")
        now, then = (answers[[f"{name}_{side}" for name in shares]].to_numpy() for side in ("x", "y"))
        return len(answers) == len(predictions) and bool(np.abs(now - then).max() < ROUNDED)
    except (OSError, ValueError, KeyError, SafetensorError):
        return False
    except RuntimeError as error:  # tensors of another network
        if out_of_memory(error):
            raise
        return False


def _best_of_phase(run: Run, fold: int, phase: int) -> dict[str, Any] | None:
    """The best epoch of a phase as the metrics tell it; a resume point of version 0.1.0 holds none."""
    table = run.metrics(fold)
    table = table[(table["split"] == "validation") & (table["phase"] == phase)]
    if not table["f1"].notna().any():
        return None
    best = table.loc[table["f1"].idxmax()]
    return {"epoch": int(best["epoch"]), "f1": float(best["f1"])}
