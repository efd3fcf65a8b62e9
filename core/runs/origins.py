"""Which epoch a fold's weights and predictions are of, written into both files and into the resume point.

After a resume that computed other bits, an epoch that was trained twice has two outcomes; the number of the epoch does
not tell them apart, the answers of the network do. Files of version 0.1.0 say nothing and are taken as they are.
Imports no torch.
"""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from core.errors import LabError

if TYPE_CHECKING:
    from core.runs.run import Run

KEY = b"facet-lab"  # in a parquet file's metadata, as JSON
HEADER_BYTES = 50_000_000  # no header of a safetensors file is longer; a damaged file may say so
LOOKS = 3  # a worker that puts weights and predictions in place is between the two for an instant


@dataclass(frozen=True)
class Origin:
    """epoch: counted from 1. token: digest of what the network of that epoch answered about its held-out fold; of its
    weights where nobody was held out."""

    epoch: int
    token: str

    def metadata(self) -> dict[str, str]:
        return {"epoch": str(self.epoch), "token": self.token}


def of_answers(epoch: int, predictions: pd.DataFrame) -> Origin:
    """The origin of a network from what it answers: the same answers to the bit give the same token."""
    shares = predictions[[column for column in predictions if column.startswith("p_")]].to_numpy(np.float64)
    return Origin(epoch, hashlib.sha256(np.ascontiguousarray(shares).tobytes()).hexdigest()[:16])


def of_weights(path: Path) -> Origin | None:
    """What a .safetensors file says; None where it says nothing, is damaged or is not there. Reads its header only."""
    try:
        with open(path, "rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            header = json.loads(stream.read(length)) if length < HEADER_BYTES else {}
        return _origin(header["__metadata__"])
    except (OSError, ValueError, KeyError, TypeError):
        return None


def of_predictions(path: Path) -> Origin | None:
    """What a .parquet file says; None where it says nothing, is damaged or is not there."""
    try:
        return _origin(json.loads((pq.read_schema(path).metadata or {})[KEY]))
    except (OSError, ValueError, KeyError, TypeError, pa.ArrowException):
        return None


def _origin(metadata: dict) -> Origin:
    return Origin(int(metadata["epoch"]), str(metadata["token"]))


def pending(path: Path) -> Path:
    """Where best or final weights or predictions wait until the resume point that names them is on the disk."""
    return path.with_name(f".{path.name}.next")


def check(run: Run, fold: int, which: str) -> None:
    """Raises LabError(kind 'mixed') where a fold's weights, predictions and recorded scores are of different epochs."""
    for _ in range(LOOKS):
        weights = of_weights(run.weights_file(fold, which))
        predictions = of_predictions(run.predictions_file(fold, which))
        if weights is None or predictions is None or weights == predictions:
            break
    else:
        assert weights is not None and predictions is not None  # the loop ends before where one is missing
        raise _mixed(run, fold, f"the {which} weights are of epoch {_epochs(weights, predictions)}")
    origin = predictions or weights
    state = run.written_state(fold)
    scored = {"best": state.best_epoch, "final": state.epoch}[which]
    if origin is not None and state.state == "done" and scored and origin.epoch != scored:
        raise _mixed(run, fold, f"the {which} predictions are of epoch {origin.epoch}, the scores of epoch {scored}")


def _epochs(weights: Origin, predictions: Origin) -> str:
    if weights.epoch == predictions.epoch:
        return f"{weights.epoch}, the predictions of another training of that epoch"
    return f"{weights.epoch}, the predictions of epoch {predictions.epoch}"


def _mixed(run: Run, fold: int, what: str) -> LabError:
    return LabError(
        f"{run.id}, fold {fold}: {what}.",
        "Copy both files back from one backup; a fold that is not done mends itself when it is resumed.",
        kind="mixed",
    )
