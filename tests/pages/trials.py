"""Runs as workers leave them, with made-up metrics, for pages that only read them."""

import numpy as np
import pandas as pd

from core.config import from_dict
from core.runs import FoldState, metrics_file
from core.runs.create import create
from core.runs.everybody import unmeasured

CLASSES = ["female <30", "<script>alert(1)</script>"]


def make_run(
    folder,
    name="trial",
    states=("done", "done"),
    epochs=4,
    run_id=None,
    info=None,
    lacks=None,
    everybody=None,
    **settings,
):
    """lacks: a fold that holds no photo of the second class. everybody: id of the run on all of whose people this one
    was trained."""
    config = from_dict(
        {
            "name": name,
            "data": {"root": "/photos/demo"},
            "folds": {"count": 2 if everybody else len(states), "everybody": everybody},
            "phases": [{"epochs": epochs}],
            **settings,
        }
    )
    rows = range(4 * len(states))
    samples = pd.DataFrame(
        {
            "sample": [f"{i}.jpg" for i in rows],
            "path": [str(folder / f"{i}.jpg") for i in rows],
            "person": [str(i) for i in rows],
            "y": [i % 2 for i in rows],
            "class_name": [CLASSES[i % 2] for i in rows],
            "fold": [i % len(states) for i in rows],
        }
    )
    if lacks is not None:
        samples = samples[(samples["fold"] != lacks) | (samples["y"] == 0)]
    if everybody is not None:
        samples = samples.assign(fold=unmeasured.NOBODY)
    run = create(config, samples, class_names=CLASSES, info=info or {}, folder=folder, run_id=run_id)
    for fold, state in enumerate(states):
        n = {"done": epochs, "queued": 0}.get(state, epochs // 2)
        if n:
            metrics_file.append_metrics(run.metrics_file(fold), metric_rows(n, fold))
        best, scores = metrics_file.fold_scores(run.metrics(fold))
        why = {"reason": "diverged: <i>NaN</i> at epoch 2.", "remedy": "Lower the rate."} if state == "failed" else {}
        run.write_state(FoldState(fold, state, epoch=n, best_epoch=best, scores=scores, **why))
    return run


def metric_rows(epochs, fold=0):
    rng = np.random.default_rng(fold)
    return [
        {
            "epoch": epoch,
            "phase": 0,
            "split": split,
            **{"loss": 1.0 / epoch, "accuracy": 0.8, "f1": 0.5 + rng.random() / 3},
            **{"lr_backbone": 1e-5, "lr_head": 6e-4, "seconds": 3.0, "images_per_second": 28.0},
        }
        for epoch in range(1, epochs + 1)
        for split in ("train", "validation")
    ]


def spared(run, fold, epochs):
    """The run without these epochs of a fold, as a phase that stops early leaves it: the next one keeps its numbers."""
    table = run.metrics(fold)
    run.metrics_file(fold).unlink()
    metrics_file.append_metrics(run.metrics_file(fold), table[~table["epoch"].isin(epochs)].to_dict("records"))
    return run


def lost_samples(run, left=None):
    """The run with its samples file torn to these bytes, or gone."""
    run.samples_file.unlink()
    if left is not None:
        run.samples_file.write_bytes(left)
    return run
