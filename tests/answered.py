"""Runs that answered without a training: predictions made up, written as the trainer writes them."""

import os
import shutil

import numpy as np
import pandas as pd
from PIL import Image

from core.config import from_dict
from core.runs import FoldState, Run
from core.runs.create import create
from core.training import checkpoint

CLASSES = ["female <30", "female 30-59", "female >=60", "male <30", "male 30-59", "male >=60"]
AGES = {"<30": 24, "30-59": 45, ">=60": 70}


def photo(path, seed, size=(64, 48)):
    """A photo with soft shapes, so that networks and thumbnails have something to see."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(0, 256, (6, 5, 3), dtype=np.uint8))
    path.parent.mkdir(parents=True, exist_ok=True)
    small.resize(size, Image.Resampling.BICUBIC).save(path, quality=90)


def table_of(root, people=24, folds=2, photos=1):
    """Labelled samples of gender-age, one row a photo; every class has people / 6 people."""
    rows = []
    for person in range(people):
        name = CLASSES[person % 6]
        gender, group = name.split(" ")
        for k in range(photos):
            sample = f"p{person:03d}/{k}.jpg"
            rows.append(
                {
                    **{"sample": sample, "path": str(root / sample), "person": f"p{person:03d}"},
                    **{"mask": "normal", "gender": gender, "age": float(AGES[group] + person // 6)},
                    **{"label": None, "row": None, "bytes": 1, "mtime_ns": 1, "width": 64, "height": 48},
                    **{"y": person % 6, "class_name": name, "fold": (person // 6) % folds},
                }
            )
    return pd.DataFrame(rows)


def probabilities_of(labels, seed=0, wrong=(), sure=0.9, classes=6):
    """(n, classes): the true class has about `sure`; rows in `wrong` {row: class} have it for another."""
    rng = np.random.default_rng(seed)
    p = rng.dirichlet(np.ones(classes), len(labels)) * (1 - sure)
    top = np.array(labels)
    for row, other in dict(wrong).items():
        top[row] = other
    p[np.arange(len(labels)), top] += sure
    return p


def answer(run, samples, probabilities, which=("best", "final"), folds=None, names=CLASSES):
    """Write what each fold answered about the photos that it held out, as FoldTrainer.predictions does."""
    p, labels = np.asarray(probabilities, dtype=float), samples["y"].to_numpy()
    for fold in sorted(samples["fold"].unique()) if folds is None else folds:
        rows = np.flatnonzero(samples["fold"] == fold)
        frame = pd.DataFrame(
            {
                "sample": samples["sample"].to_numpy()[rows],
                "label": np.asarray(names, dtype=object)[labels[rows]],
                "predicted": np.asarray(names, dtype=object)[p[rows].argmax(1)],
                "loss": -np.log(p[rows, labels[rows]]),
            }
        )
        frame = pd.concat([frame, pd.DataFrame(p[rows], columns=[f"p_{name}" for name in names])], axis=1)
        for name in which:
            checkpoint.save_predictions(run.predictions_file(int(fold), name), frame)


def made(
    folder, samples, *, name="made", probabilities=None, run_id=None, root="/photos/demo", names=CLASSES, **config
):
    """A finished run; with predictions if probabilities are given."""
    values = {
        "name": name,
        "data": {"root": str(root)},
        "task": {"name": "gender-age"},
        "folds": {"count": int(samples["fold"].nunique())},
        "transforms": [{"name": "Resize", "params": {"height": 64, "width": 64}}, {"name": "Normalize"}],
        "model": {"init": "scratch"},
        "phases": [{"epochs": 1}],
        **config,
    }
    run = create(from_dict(values), samples, class_names=list(names), info={}, folder=folder, run_id=run_id)
    scores = {f"{which}_{score}": 0.5 for which in ("best", "final") for score in ("f1", "accuracy", "loss")}
    for fold in run.folds():
        run.write_state(FoldState(fold, "done", epoch=1, best_epoch=1, scores=scores))
    if probabilities is not None:
        answer(run, samples, probabilities, names=names)
    return run


def judged(run, depth_seed=0):
    """Give every fold of a run a random network and let it answer, with the trainer's own functions."""
    import torch

    from core.training.train import FoldTrainer

    for fold in run.folds():
        trainer = FoldTrainer(run, fold, torch.device("cpu"), None)
        try:
            generator = torch.Generator().manual_seed(depth_seed + fold)
            with torch.no_grad():  # a fresh head hardly tells faces apart
                trainer.model.fc.weight.normal_(0, 1, generator=generator)
            done = trainer.evaluate(lambda *_: False)
            for which in ("best", "final"):
                checkpoint.save_weights(run.weights_file(fold, which), trainer.model.state_dict())
                checkpoint.save_predictions(run.predictions_file(fold, which), trainer.predictions(done))
        finally:
            trainer.close()
    return run


def copied(run, folder):
    """A copy that a test may damage. Its weights are the same files: a test removes or replaces them, writes none."""

    def copy(source, target):
        return os.link(source, target) if source.endswith(".safetensors") else shutil.copy2(source, target)

    shutil.copytree(run.dir, folder / run.id, copy_function=copy)
    return Run(run.id, folder)
