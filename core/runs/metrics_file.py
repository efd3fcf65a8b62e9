"""metrics.csv of a fold: one line per epoch and split, appended; a torn last line is ignored and cut off on resume.

Imports no torch.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.config.run_config import TrainingConfig
from core.errors import LabError
from core.storage import files

SCORES = ("loss", "accuracy", "f1", "f1_present")  # what is told of an epoch in states and lists
_HEADER = "epoch,phase,split,loss,objective,accuracy,f1,f1_present,lr_backbone,lr_head,seconds,images_per_second\n"
METRIC_COLUMNS = _HEADER.strip().split(",")
LATER = ("objective", "f1_present")  # columns that files of version 0.1.0 lack; there `loss` was the objective


def read_metrics(path: Path) -> pd.DataFrame:
    """Every whole line of metrics.csv, columns METRIC_COLUMNS; a torn last line is ignored. Empty when there is none.

    loss: plain cross-entropy, mean over samples (for mixed images against both labels, each with its share).
    objective: what the training minimises, with smoothing, class weights and focal factor; equal to loss without them.
    accuracy, f1: 0..1; f1 is the mean over all classes of the task, f1_present over those with photos in the split.
    seconds: of the pass. Columns that an older file lacks are NaN: see `tells_objective`.
    """
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raw = b""
    raw = raw[: raw.rfind(b"\n") + 1]
    lines = raw.decode("utf-8", "replace").splitlines()
    header = lines[0].split(",") if lines else []
    columns = header if set(METRIC_COLUMNS) - set(LATER) <= set(header) else METRIC_COLUMNS
    rows = [cells for line in lines[1:] if len(cells := line.split(",")) == len(columns)]
    cells_of = dict(zip(columns, zip(*rows, strict=True), strict=True)) if rows else dict.fromkeys(columns, ())
    return pd.DataFrame({name: _column(name, cells_of.get(name, ("nan",) * len(rows))) for name in METRIC_COLUMNS})


def _column(name: str, cells: Sequence[str]) -> np.ndarray:
    """Column by column: pages read this each second, and to convert a frame takes pandas six times as long."""
    if name == "split":
        return np.array(cells, dtype=object)
    return np.array(cells, dtype=str).astype("int64" if name in ("epoch", "phase") else "float64")


def read_all(paths: Mapping[int, Path]) -> pd.DataFrame:
    """Several folds' metrics, by fold, in one table with a leading `fold` column."""
    parts = [part for fold, path in paths.items() if len(part := read_metrics(path).assign(fold=fold))]
    columns = ["fold", *METRIC_COLUMNS]
    return pd.concat(parts, ignore_index=True)[columns] if parts else pd.DataFrame(columns=columns)


def tells_objective(table: pd.DataFrame, training: TrainingConfig) -> bool:
    """Whether some line's `loss` is the objective and no plain cross-entropy, so that it cannot be held against others.

    So it is in lines of version 0.1.0, which told one loss only, where the two differ. table: as read_metrics gives it.
    """
    return bool(table["objective"].isna().any()) and not plain_objective(training)


def plain_objective(training: TrainingConfig) -> bool:
    """Whether what the training minimises is plain cross-entropy."""
    return training.loss == "cross-entropy" and training.label_smoothing == 0


def append_metrics(path: Path, rows: list[dict[str, Any]]) -> None:
    """Append whole lines with one write each; starts the file with its header. Raises LabError on a full disk.

    A file with the header of an older version is written anew first. Of the columns, those of LATER may be left out.
    """
    text = "" if path.exists() and path.stat().st_size else _HEADER
    if not text and not _has_header(path):
        cut_metrics(path, None)
    for row in rows:
        values = [row.get(c, math.nan) if c in LATER else row[c] for c in METRIC_COLUMNS]
        text += ",".join(repr(float(v)) if isinstance(v, float) else str(v) for v in values) + "\n"
    try:
        with open(path, "ab") as stream:
            stream.write(text.encode())
            stream.flush()
            os.fsync(stream.fileno())
    except OSError as error:
        if files.disk_full(error):
            raise LabError(
                f"disk full: no room for a metrics line in {path.parent}.",
                "Free at least 1 MB there (a checkpoint needs more), then resume.",
                kind="disk-full",
            ) from error
        raise


def _has_header(path: Path) -> bool:
    with open(path, "rb") as stream:
        return stream.read(len(_HEADER)) == _HEADER.encode()


def cut_metrics(path: Path, last_epoch: int | None) -> None:
    """Drop what a stopped worker wrote after its checkpoint: rows past last_epoch (if given) and a torn last line.

    The file gets the columns of today.
    """
    if not path.exists():
        return
    rows = read_metrics(path)
    rows = rows if last_epoch is None else rows[rows["epoch"] <= last_epoch]
    lines = rows.to_dict("records")
    fresh = path.with_name(".metrics.csv.tmp")
    fresh.unlink(missing_ok=True)
    try:
        append_metrics(fresh, lines)
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def fold_scores(table: pd.DataFrame, best_epoch: int | None = None) -> tuple[int | None, dict[str, float] | None]:
    """(best epoch, scores at the best and at the last epoch) of a fold's metrics.

    best_epoch: the one that the fold's best files are of, where they say so; else the first with the highest F1.
    """
    validation = table[table["split"] == "validation"]
    if not len(validation):
        return None, None
    named = validation[validation["epoch"] == best_epoch]
    best = named.iloc[-1] if len(named) else validation.loc[validation["f1"].idxmax()]
    last = validation.iloc[-1]
    scores = {
        f"{name}_{key}": float(row[key])
        for name, row in (("best", best), ("final", last))
        for key in SCORES
        if math.isfinite(row[key]) or key not in LATER
    }
    return int(best["epoch"]), scores
