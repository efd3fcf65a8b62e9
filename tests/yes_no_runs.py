"""Finished runs that tell yes/no attributes one by one, without a training: folds answer with their first weights, or
as is made up."""

import os

import numpy as np
import pandas as pd
import torch

from core.answers import ensemble_scores
from core.config import from_dict
from core.data.scan import scan
from core.data.yes_no import pairs
from core.plan.plan import make_plan
from core.runs import FoldState
from core.runs.create import create
from core.runs.yes_no.answers import of_probabilities
from core.training import checkpoint
from core.training.course import outcome_of
from core.training.fold_trainer import FoldTrainer
from tests.celeba import drawn
from tests.held_apart import with_test

SIZE = 32
NAMES = ("Smiling", "Young", "Male", "Bald", "Bangs")
SETTINGS = {
    "task": {"name": "attributes", "together": "each"},
    "folds": {"count": 2},
    "transforms": [{"name": "Resize", "params": {"height": SIZE, "width": SIZE}}, {"name": "Normalize"}],
    "model": {"depth": 18, "init": "scratch"},
    "phases": [{"epochs": 2, "lr_backbone": 1e-3, "lr_head": 1e-2}],
    "training": {"device": "cpu", "batch_size": 16, "label_smoothing": 0.0},
}


def planned(root, *, name="made one by one", aside=None, **settings):
    """The plan of a dataset; all of its yes/no attributes unless the task says otherwise. aside(scan): another scan."""
    config = from_dict({**SETTINGS, "name": name, "data": {"root": str(root)}, **settings})
    scanned = scan(config.data, threads=1)
    return make_plan(config, aside(scanned) if aside else scanned)


def frozen(plan, folder):
    apart = plan.apart.photos
    test = apart if len(apart) else None
    info = {"test": plan.apart.record()} if test is not None else {}
    return create(plan.config, plan.samples, class_names=plan.class_names, info=info, test=test, folder=folder)


def finished(plan, folder):
    """The run, with best and last weights and what they answer, as the trainer leaves them."""
    run = frozen(plan, folder)
    for fold in run.folds():
        trainer = FoldTrainer(run, fold, torch.device("cpu"), None)
        with torch.no_grad():
            trainer.model.fc.weight.mul_(20)  # so that answers differ from photo to photo
        done = trainer.evaluate(lambda *_: False)
        outcome = outcome_of(trainer, 1, done)
        scores = {f"{which}_{key}": value for which in ("best", "final") for key, value in done.scores().items()}
        checkpoint.save_pending(run, fold, "best", trainer.model.state_dict(), outcome.predictions, outcome.origin)
        checkpoint.publish(run, fold, "best")
        for best, final in zip(*(checkpoint.outcome_files(run, fold, each) for each in ("best", "final")), strict=True):
            os.link(best, final)
        run.write_state(FoldState(fold=fold, state="done", epoch=1, best_epoch=1, scores=scores))
        trainer.close()
    return run


def told_by_few(folder, *, fold=None, test=False, runs=None):
    """A run without networks, as if its three folds had answered about Smiling and Young of 60 photos and of a test set
    of 12. Nobody whom this fold held out, or nobody of the test set, tells Young."""
    root = drawn(folder / "celeba", photos=72, people=36, attributes=NAMES[:2], side=8)
    aside = [f"img_align_celeba/{number:06d}.jpg" for number in range(61, 73)]
    task = SETTINGS["task"] | {"attributes": list(NAMES[:2])}
    plan = planned(root, task=task, folds={"count": 3}, aside=lambda scanned: with_test(scanned, aside))
    run = frozen(plan, runs or folder / "runs")
    rng, names = np.random.default_rng(0), run.config().task.attributes
    samples, photos = run.samples(), run.test_photos()
    _untold(samples, (samples["fold"] == fold).to_numpy(), run.samples_file)
    _untold(photos, np.full(len(photos), test), run.test_file)
    for each in run.folds():
        held = samples[samples["fold"] == each]
        answers = of_probabilities(held["sample"].to_numpy(), names, pairs.told(held), _made_up(rng, held))
        checkpoint.save_predictions(run.predictions_file(each, "best"), answers)
        run.write_state(FoldState(each, "done", epoch=1))
    ensemble_scores.write(run, photos, np.stack([_made_up(rng, photos) for _ in run.folds()]))
    return run


def _untold(table: pd.DataFrame, rows: np.ndarray, file) -> None:
    table.loc[rows, pairs.YES + "Young"] = pairs.UNTOLD
    table.to_parquet(file, index=False)


def _made_up(rng: np.random.Generator, table: pd.DataFrame) -> np.ndarray:
    """Probabilities of yes, (n, attributes), on the right side of a half as a rule."""
    return np.clip(0.5 + 0.25 * (2 * pairs.told(table).clip(0) - 1) + rng.normal(0, 0.15, (len(table), 2)), 0.02, 0.98)
