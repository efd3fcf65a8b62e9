"""What a list reads of a run, from what was frozen: summary.json can be written anew at any time. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from core import colours, settings
from core.config import RunConfig
from core.persons import persons_of
from core.states import FoldState, slim


def summary_of(
    config: RunConfig, samples: pd.DataFrame, info: dict[str, Any], states: Sequence[FoldState]
) -> dict[str, Any]:
    """summary.json of a run. info: its run.json."""
    return {
        "id": info["id"],
        "name": config.name,
        "created": info["created"],
        "colour": colours.place_of(info),
        "task": config.task.name,
        "classes": len(info["class_names"]),
        "samples": len(samples),
        "people": int(samples["person"].nunique()),
        "persons": persons_of(samples).state,
        "dataset": Path(config.data.root).name,
        "depth": config.model.depth,
        "init": config.model.init,
        "epochs": config.epochs,
        "study": info.get("study"),
        "recipe": list(settings.recipe_of(config)),
        "settings": settings.flat(config),
        "folds": [slim(state) for state in states],
    }
