"""Datasets and runs made without a page: nobody trained them, and they have curves."""

from __future__ import annotations

import time
from pathlib import Path

import numpy as np
from PIL import Image

from core.config import from_dict
from core.config.recipes import load_recipe
from core.data.scan import scan
from core.plan.plan import make_plan
from core.runs import FoldState, Run, metrics_file
from core.runs.create import create


def people_in_folders(root: Path, names: list[str], people: int = 6) -> Path:
    """Folders layout: one photo a person, the colour carries the class."""
    rng = np.random.default_rng(0)
    for index, name in enumerate(names):
        (root / name).mkdir(parents=True)
        for person in range(people):
            pixels = rng.integers(0, 256, (64, 48, 3)) // 2 + np.eye(3, dtype=int)[index % 3] * 120
            Image.fromarray(pixels.astype(np.uint8)).save(root / name / f"<i>{person}.jpg", quality=90)
    return root


def rows_of(epochs, f1=lambda epoch: 0.4 + epoch / 100) -> list[dict]:
    """Lines of a metrics file."""
    return [
        {
            **{"epoch": epoch, "phase": 0, "split": split},
            **{"loss": 2 / epoch, "accuracy": 0.5, "f1": f1(epoch)},
            **{"lr_backbone": 1e-3, "lr_head": 1e-3, "seconds": 1.0, "images_per_second": 50.0},
        }
        for epoch in epochs
        for split in ("train", "validation")
    ]


def made_run(lab, root: Path, *, name: str = "made", state: str = "done", task: str = "label", reason: str = "") -> Run:
    """A run with curves of two folds that nobody trained."""
    recipe = load_recipe("quick").model_dump(mode="json")
    recipe |= {"name": name, "data": {"root": str(root)}, "task": {"name": task}, "folds": {"count": 2}}
    config = from_dict(recipe)
    plan = make_plan(config, scan(config.data, threads=1))
    run = create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=lab.runs)
    for fold in run.folds():
        metrics_file.append_metrics(run.metrics_file(fold), rows_of(range(1, 6)))
        scores = {f"{which}_{key}": 0.45 for which in ("best", "final") for key in ("f1", "accuracy", "loss")}
        times = {"started": time.time() - 60, "ended": None if state == "queued" else time.time()}
        run.write_state(FoldState(fold, state, epoch=5, best_epoch=5, scores=scores, reason=reason, **times))
    return run
