"""The baseline of a run made without a network: what it answers is drawn, and kept as the lab keeps it."""

import numpy as np
import pandas as pd

from core.answers import frozen_features
from tests.compared import CLASSES, predictions


def keep(run, table, skill, *, seed=5, init="imagenet", seconds=3.0):
    """table: the run's samples. skill: share of photos on which the truth leads by far, as in compared.make_run."""
    rng = np.random.default_rng(seed)
    parts, folds = [], []
    for fold in sorted(table["fold"].unique()):
        held_out = table[table["fold"] == fold]
        parts.append(predictions(held_out, CLASSES, skill, rng).assign(fold=int(fold)))
        folds.append({"fold": int(fold), "strengths": [0.01], "fitted": int((table["fold"] != fold).sum())})
    facts = {"folds": folds, "init": init, "width": 512, "head": "joint", "seconds": seconds, "device": "an abacus"}
    facts |= {"drawn": False, "unconverged": 0}
    return frozen_features.save(run, pd.concat(parts, ignore_index=True), facts)
