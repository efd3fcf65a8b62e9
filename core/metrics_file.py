"""metrics.csv of a fold: one line per epoch and split, appended; a torn last line is ignored and cut off on resume.

Imports no torch.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import pandas as pd

from core import files
from core.errors import LabError

METRIC_COLUMNS = [
    "epoch", "phase", "split", "loss", "accuracy", "f1", "lr_backbone", "lr_head", "seconds", "images_per_second",
]  # fmt: skip


def read_metrics(path: Path) -> pd.DataFrame:
    """Every whole line of metrics.csv; a torn last line is ignored. Empty when there is none."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        raw = b""
    raw = raw[: raw.rfind(b"\n") + 1]
    lines = raw.decode("utf-8", "replace").splitlines()[1:]
    rows = [cells for line in lines if len(cells := line.split(",")) == len(METRIC_COLUMNS)]
    frame = pd.DataFrame(rows, columns=METRIC_COLUMNS)
    for column in METRIC_COLUMNS:
        if column in ("epoch", "phase"):
            frame[column] = frame[column].astype("int64")
        elif column != "split":
            frame[column] = frame[column].astype("float64")
    return frame


def append_metrics(path: Path, rows: list[dict[str, Any]]) -> None:
    """Append whole lines with one write each; starts the file with its header. Raises LabError on a full disk."""
    text = "" if path.exists() and path.stat().st_size else ",".join(METRIC_COLUMNS) + "\n"
    for row in rows:
        text += ",".join(repr(v) if isinstance(v, float) else str(v) for v in (row[c] for c in METRIC_COLUMNS)) + "\n"
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


def cut_metrics(path: Path, last_epoch: int) -> None:
    """Drop what a stopped worker wrote after its checkpoint: rows past last_epoch and a torn last line."""
    if not path.exists():
        return
    kept = read_metrics(path)
    kept = kept[kept["epoch"] <= last_epoch]
    path_rows = kept.to_dict("records")
    fresh = path.with_name(".metrics.csv.tmp")
    fresh.unlink(missing_ok=True)
    try:
        append_metrics(fresh, path_rows)
        os.replace(fresh, path)
    finally:
        fresh.unlink(missing_ok=True)


def fold_scores(table: pd.DataFrame) -> tuple[int | None, dict[str, float] | None]:
    """(best epoch, scores at the best and at the last epoch) of a fold's metrics; best is the first highest F1."""
    validation = table[table["split"] == "validation"]
    if not len(validation):
        return None, None
    best = validation.loc[validation["f1"].idxmax()]
    last = validation.iloc[-1]
    scores = {
        f"{name}_{key}": float(row[key])
        for name, row in (("best", best), ("final", last))
        for key in ("loss", "accuracy", "f1")
    }
    return int(best["epoch"]), scores
