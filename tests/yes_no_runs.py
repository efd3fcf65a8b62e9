"""Finished runs that tell yes/no attributes one by one, without a training: folds answer with their first weights."""

import os

import torch

from core.config import from_dict
from core.data.scan import scan
from core.plan.plan import make_plan
from core.runs import FoldState
from core.runs.create import create
from core.training import checkpoint
from core.training.course import outcome_of
from core.training.fold_trainer import FoldTrainer

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
