"""Finished runs to compare, made without training: their predictions are drawn, their scores follow from them."""

from __future__ import annotations

import itertools
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image
from sklearn.metrics import accuracy_score, f1_score

from core.config import from_dict
from core.runs import FoldState, Run, metrics_file
from core.runs.create import create

CLASSES = [f"{gender} {age}" for gender in ("female", "male") for age in ("<30", "30-59", ">=60")]


def samples(folder: Path, people=40, photos=3, folds=5, classes=CLASSES, draw=False, seed=0) -> pd.DataFrame:
    """A frozen samples table; person p stands in fold p % folds once the people are shuffled by the seed."""
    place = np.random.default_rng(seed).permutation(people) % folds
    rows = []
    for person, photo in itertools.product(range(people), range(photos)):
        path = folder / "photos" / f"{person:04d}-{photo}.jpg"
        size = changed = 0  # of a photo that lies nowhere
        if draw:
            path.parent.mkdir(parents=True, exist_ok=True)
            shade = np.random.default_rng([person, photo]).integers(0, 255, (6, 6, 3), dtype=np.uint8)
            Image.fromarray(shade).resize((48, 48)).save(path)
            size, changed = path.stat().st_size, path.stat().st_mtime_ns
        label, fold = classes[person % len(classes)], int(place[person])
        rows.append((path.name, str(path), f"p{person:04d}", label, fold, size, changed))
    table = pd.DataFrame(rows, columns=["sample", "path", "person", "class_name", "fold", "bytes", "mtime_ns"])
    return table.assign(y=table["class_name"].map(classes.index), width=48, height=48)


def predictions(table: pd.DataFrame, names: list[str], skill: float, rng: np.random.Generator) -> pd.DataFrame:
    """What a network of that skill leaves; skill: share of photos on which the truth leads by far."""
    logits = rng.normal(0, 1, (len(table), len(names)))
    true = table["class_name"].map(names.index).to_numpy()
    logits[np.arange(len(table)), true] += np.where(rng.random(len(table)) < skill, 4.0, 0.0)
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    frame = pd.DataFrame(
        {
            "sample": table["sample"].to_numpy(),
            "label": table["class_name"].to_numpy(),
            "predicted": np.array(names, dtype=object)[shares.argmax(1)],
            "loss": -np.log(shares[np.arange(len(true)), true]),
        }
    )
    return pd.concat([frame, pd.DataFrame(shares, columns=[f"p_{n}" for n in names])], axis=1)


def make_run(
    folder: Path,
    table: pd.DataFrame,
    name: str = "resnet18",
    *,
    skill: float = 0.7,
    seed: int = 0,
    epochs: int = 6,
    classes: list[str] = CLASSES,
    states: dict[int, str] | None = None,
    run_id: str | None = None,
    config: dict | None = None,
) -> Run:
    """A run as a worker leaves it. states: fold -> a state other than done; such a fold leaves no predictions."""
    folds = sorted(table["fold"].unique())
    data = {"name": name, "data": {"root": str(folder / "photos")}, "folds": {"count": len(folds)}}
    data |= {"phases": [{"epochs": epochs}], **(config or {})}
    info = {"device": "cpu", "peak_memory": 512_000_000}
    run = create(from_dict(data), table, class_names=list(classes), info=info, folder=folder, run_id=run_id)
    rng = np.random.default_rng([seed, 7])
    for fold in folds:
        state = (states or {}).get(int(fold), "done")
        held = table[table["fold"] == fold]
        answers = predictions(held, list(classes), skill, rng)
        labels = {"labels": list(classes), "average": "macro", "zero_division": 0}
        f1 = float(f1_score(answers["label"], answers["predicted"], **labels))
        right = float(accuracy_score(answers["label"], answers["predicted"]))
        length = epochs if state == "done" else max(1, epochs // 2)
        metrics_file.append_metrics(run.metrics_file(fold), metric_rows(length, f1, right, rng))
        scores = None
        if state == "done":
            answers.to_parquet(run.predictions_file(fold, "best"), index=False)
            answers.to_parquet(run.predictions_file(fold, "final"), index=False)
            run.weights_file(fold, "best").write_bytes(b"x" * 4096)
            _, scores = metrics_file.fold_scores(run.metrics(fold))
        why = (
            {"reason": "diverged: the loss is not a number.", "remedy": "Lower the rate."} if state == "failed" else {}
        )
        run.write_state(FoldState(int(fold), state, epoch=length, best_epoch=length, scores=scores, **why))
    return run


def metric_rows(epochs: int, f1: float, right: float, rng: np.random.Generator) -> list[dict]:
    """Curves that rise to f1 and right, which they reach, and are best, at the last epoch."""
    rows = []
    for epoch in range(1, epochs + 1):
        share = (1 - np.exp(-3 * epoch / epochs)) / (1 - np.exp(-3)) if epoch < epochs else 1.0
        for split, lift in (("train", 1.1), ("validation", 1.0)):
            noise = 1 + rng.normal(0, 0.01) if epoch < epochs else 1.0
            now = [f1 * lift * share * 0.999, right * lift * share] if epoch < epochs else [f1, right]
            rows.append(
                {
                    **{"epoch": epoch, "phase": 0, "split": split},
                    "loss": float(2 - 1.5 * share * noise),
                    "objective": float(2.1 - 1.5 * share * noise),
                    "f1_present": float(min(1.0, now[0])),
                    "accuracy": float(min(1.0, now[1])),
                    "f1": float(min(1.0, now[0])),
                    **{"lr_backbone": 1e-5, "lr_head": 6e-4},
                    "seconds": 3.0 if split == "train" else 1.0,
                    "images_per_second": 28.0 if split == "train" else 80.0,
                }
            )
    return rows
