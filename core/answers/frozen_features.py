"""What the features of a run's own first weights tell without any training of them, with a logistic regression on top:
what training has to beat. Kept with the run once somebody asked; core/inside/first_weights.py computes it.

Imports neither torch nor scipy.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from core.data.tasks import attributes_of
from core.runs import Run
from core.runs.use import words as use_words
from core.runs.yes_no import answers
from core.stats import metrics
from core.storage import files
from core.storage.remembered import MOST_BYTES, Remembered, bytes_of
from core.text import duration, number_of

NAME = "frozen features + logistic regression"
KEY = b"facet-lab"  # in the file's metadata, as JSON
SLOWEST = 1_000  # steps, see linear_probe.STEPS


@dataclass(frozen=True)
class FoldBaseline:
    """f1: macro F1 over all classes, accuracy: both of the photos that the fold held out, as its training is scored.

    strengths: the C that was chosen among its training photos, one for each regression: of all classes, or of each
    attribute. fitted: photos that it was fitted on.
    """

    fold: int
    f1: float
    accuracy: float
    strengths: tuple[float, ...]
    fitted: int


@dataclass(frozen=True, eq=False)
class FrozenFeatures:
    """table: the answers about all held-out photos, as a fold's predictions are kept, and `fold`. init: where the first
    weights came from, as the run's settings say it. seconds: all of it took, on `device`. drawn: whether people were
    drawn to fit on, since all would have taken too long. unconverged: of the last fits, so many were cut off.
    """

    table: pd.DataFrame
    folds: tuple[FoldBaseline, ...]
    init: str
    width: int
    head: str
    seconds: float
    device: str
    drawn: bool
    unconverged: int

    @property
    def features(self) -> str:
        """Whose features they are, in a few words."""
        if self.init == "imagenet":
            return "ImageNet features"
        if self.init == "scratch":
            return "features of random weights"
        kind, _, named = self.init.partition(":")
        return f"features of {named}" if kind == "run" else f"features of {Path(named).name}"

    def scores(self, metric: str) -> dict[int, float]:
        """fold -> "f1" or "accuracy"."""
        return {each.fold: getattr(each, metric) for each in self.folds}

    def mean(self, metric: str) -> float:
        return metrics.mean_and_deviation(self.scores(metric).values())[0]


LOADED = Remembered[FrozenFeatures | None](MOST_BYTES, lambda kept: bytes_of(kept.table) if kept else 0)


def load(run: Run) -> FrozenFeatures | None:
    """What is kept of a run; None where nothing is, or what is there cannot be read. Do not modify it."""
    try:
        key = run.dir, run.frozen_features_file.stat().st_mtime_ns
        return LOADED.of(key, lambda: _read(Run(run.id, run.dir.parent)))
    except OSError:
        return None


def _read(run: Run) -> FrozenFeatures | None:
    """Raises OSError, which is not remembered: rights and disks are mended without a change of the file's time."""
    try:
        stored = pq.read_table(run.frozen_features_file)
        facts = json.loads(stored.schema.metadata[KEY])
        table = stored.to_pandas()
        scores = _scores(run, table)
        folds = tuple(
            FoldBaseline(each["fold"], *scores[each["fold"]], tuple(each["strengths"]), each["fitted"])
            for each in facts["folds"]
        )
        named = {key: facts[key] for key in ("init", "width", "head", "seconds", "device", "drawn", "unconverged")}
        return FrozenFeatures(table, folds, **named)
    except (*files.GARBAGE, pa.ArrowException):  # made anew once somebody asks
        return None


def save(run: Run, table: pd.DataFrame, facts: dict[str, Any]) -> FrozenFeatures:
    """Keep what was computed with the run. Raises LabError(kind 'disk-full'), OSError."""
    stored = pa.Table.from_pandas(table, preserve_index=False)
    stored = stored.replace_schema_metadata({**stored.schema.metadata, KEY: json.dumps(facts)})
    files.write_whole(run.frozen_features_file, lambda stream: pq.write_table(stored, stream), durable=False)
    kept = load(run)
    assert kept is not None, "it was written a moment ago"
    return kept


def _scores(run: Run, table: pd.DataFrame) -> dict[int, tuple[float, float]]:
    """fold -> (macro F1, accuracy), counted as a fold's training counts them."""
    task, names = run.config().task, [str(name) for name in run.info()["class_names"]]
    scores = {}
    for fold, of_fold in table.groupby("fold"):
        if task.one_by_one:
            counts = answers.confusion(of_fold, attributes_of(task))
        else:
            counts = metrics.confusion_of(of_fold["label"], of_fold["predicted"], names)
        scores[int(fold)] = metrics.macro_f1(counts), metrics.accuracy(counts)
    return scores


def about(kept: FrozenFeatures, trained_seconds: float | None = None) -> str:
    """How it was made, in sentences. trained_seconds: of all epochs of all folds, where that is known."""
    per_head = {
        "joint": "one regression over all classes",
        "factored": "one regression for each attribute, multiplied to classes as the run's head does",
        "each": "one regression for each attribute",
    }[kept.head]
    fitted = int(np.mean([each.fitted for each in kept.folds]))
    people = "people were drawn to fit on" if kept.drawn else "all of the other folds"
    against = f"; the folds trained for {duration(trained_seconds)}" if trained_seconds else ""
    return (
        f"The run's own first weights see each photo as validation does, and are not trained: {kept.width:,} numbers a "
        f"photo ({kept.features}). On them {per_head}, in each fold fitted on {number_of(fitted, 'photo')} ({people}), "
        f"C chosen among those alone. It took {duration(kept.seconds)} on {use_words.device(kept.device)}{against}."
    )


def notes(kept: FrozenFeatures) -> Sequence[str]:
    """What these numbers are not."""
    said = []
    if kept.init == "scratch":
        said.append(
            "This run began with random weights, which have learned nothing: their features are a random view of the "
            "photo, and a low bar. Beating it says that the run learned something, not that it was worth training "
            "instead of starting from ImageNet."
        )
    elif kept.init.startswith("run:"):
        said.append(
            "The first weights are another run's, fold by fold: they were trained already, without the people whom the "
            "same fold holds out. What is told here is what this run earned on top."
        )
    elif kept.init.startswith("file:"):
        said.append(
            "The first weights come from a file, of which nobody knows here which people it was trained on. If some of "
            "them are held out here, both numbers flatter."
        )
    if kept.unconverged:
        said.append(
            f"{number_of(kept.unconverged, 'regression')} had not converged after {SLOWEST:,} steps and was taken as "
            "it was."
        )
    return said
