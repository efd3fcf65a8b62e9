"""Finished runs on the demo faces, made in a moment: random networks and what they answered, or answers alone."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
from filelock import FileLock

from core.config import from_dict
from core.config.recipes import load_recipe
from core.data.scan import scan
from core.plan.plan import make_plan
from core.runs import FoldState, Run
from core.runs.create import create
from tests.answered import answer, judged


def judged_run(lab, depth: int = 18) -> Run:
    """A run on the demo faces whose folds have random networks, and what these answered.

    The networks of a depth are drawn and asked once for all workers of pytest. Their weights are the same files in
    every run: a test removes or replaces them, writes none.
    """
    run = _frozen(lab, depth)
    kept = lab.demo.parent / f"judged-{depth}"
    with FileLock(f"{kept}.lock"):
        if not kept.exists():
            drawn = kept.with_name(f"{kept.name}-drawn")
            _link_outcomes(judged(run).dir, drawn)
            drawn.rename(kept)
        else:
            _link_outcomes(kept, run.dir)
    return _scored(run)


def _link_outcomes(source: Path, target: Path) -> None:
    """Weights and predictions of each fold of one run folder in another."""
    for kind in ("safetensors", "parquet"):
        for file in source.glob(f"folds/*/*.{kind}"):
            place = target / file.relative_to(source)
            place.parent.mkdir(parents=True, exist_ok=True)
            os.link(file, place)


def doubting_run(lab, doubts: int) -> Run:
    """A run without networks that is sure of the other class for so many photos of each fold and right about the
    rest."""
    run = _frozen(lab)
    samples = run.samples()
    doubted = samples.groupby("fold").cumcount() < doubts
    return finished(run, np.where(doubted, 1 - samples["y"], samples["y"]), sure=np.where(doubted, 0.99, 0.9))


def finished(run: Run, answers: np.ndarray, sure: float | np.ndarray = 0.9) -> Run:
    """The run as if its folds had trained and answered so. answers, sure: (photos,), a class and its probability."""
    samples = run.samples()
    probabilities = np.tile(np.asarray(1 - sure, dtype=float).reshape(-1, 1), (1 if np.ndim(sure) else len(samples), 2))
    probabilities[np.arange(len(samples)), answers] = sure
    answer(run, samples, probabilities, names=run.info()["class_names"])
    return _scored(run)


def _frozen(lab, depth: int = 18) -> Run:
    recipe = load_recipe("quick").model_dump(mode="json")
    recipe |= {"name": f"depth {depth}", "data": {"root": str(lab.demo)}, "folds": {"count": 2}}
    recipe |= {"task": {"name": "gender"}, "model": {"depth": depth, "init": "scratch"}}
    recipe["task"]["unmasked"] = True
    recipe["training"] |= {"device": "cpu"}
    config = from_dict(recipe)
    plan = make_plan(config, scan(config.data, threads=1))
    return create(plan.config, plan.samples, class_names=plan.class_names, info={}, folder=lab.runs)


def _scored(run: Run) -> Run:
    for fold in run.folds():
        scores = {f"{which}_{key}": 0.45 for which in ("best", "final") for key in ("f1", "accuracy", "loss")}
        run.write_state(FoldState(fold, "done", epoch=5, best_epoch=5, scores=scores))
    return run
