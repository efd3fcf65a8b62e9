"""A run comes into being: frozen in a hidden folder and renamed into place. Imports no torch."""

from __future__ import annotations

import os
import re
import secrets
import shutil
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from core.config import RunConfig, to_yaml
from core.data.yes_no import pairs
from core.errors import LabError
from core.runs import colours
from core.runs.everybody import unmeasured
from core.runs.lists.summaries import read_summary
from core.runs.run import ID, Run
from core.runs.states import FoldState
from core.runs.summary import summary_of
from core.storage import files
from core.text import count

DRAWS = 20  # ids, of which one that no run has; a folder that does not answer seems to have each
NEIGHBOURS = 3 * len(colours.RUN_COLOURS)  # newest runs from which a new one differs in colour


def new_id(name: str) -> str:
    """<yyyymmdd-hhmmss>-<slug>-<4 hex>, made before the click so that a double click cannot launch twice."""
    slug = re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:58].strip("-") or "run"
    return f"{datetime.now():%Y%m%d-%H%M%S}-{slug}-{secrets.token_hex(2)}"


def free_id(name: str, folder: Path | None = None) -> str:
    """A new id that no run has: two launches of one name within a second draw the same four digits now and then."""
    drawn = [new_id(name) for _ in range(DRAWS)]
    return next((run_id for run_id in drawn if not Run(run_id, folder).exists()), drawn[-1])


def create(
    config: RunConfig,
    samples: pd.DataFrame,
    *,
    class_names: list[str],
    info: dict[str, Any],
    ancestors: pd.DataFrame | None = None,
    corrections: str = "",
    test: pd.DataFrame | None = None,
    run_id: str | None = None,
    folder: Path | None = None,
) -> Run:
    """Freeze a run: exclusive folder, config, samples with folds, queued states. Never overwrites.

    samples: labelled samples with an int `fold` column, unmeasured.NOBODY in all rows where one network is trained on
    everybody. ancestors: person, fold of the parent's line.
    corrections: CSV text of the label corrections that went into the samples. test: labelled photos to be scored on
    and never trained on, none of which may be among the samples.
    Raises LabError: kind 'exists' when the id is taken (a double click), 'read-only' when runs/ cannot be written,
    'leak' when a test photo is among the samples.
    """
    _check_apart(samples, test)
    run = Run(run_id or free_id(config.name, folder), folder)
    hidden = run.dir.with_name(f".{run.id}.{secrets.token_hex(4)}.new")
    if os.path.exists(run.dir):
        raise LabError(f"run '{run.id}' exists already.", "It was launched once; open it in Live.", kind="exists")
    try:
        run.dir.parent.mkdir(parents=True, exist_ok=True)
        hidden.mkdir()
    except OSError as error:
        raise LabError(
            f"{run.dir.parent} cannot be written: {error.strerror}.",
            "Make the folder writable or set FACET_RUNS to another one.",
            kind="read-only",
        ) from None
    try:
        files.write_text(hidden / "config.yaml", to_yaml(config))
        files.write_whole(hidden / "samples.parquet", lambda stream: samples.to_parquet(stream, index=False))
        if test is not None and len(test):
            files.write_whole(hidden / "test.parquet", lambda stream: test.to_parquet(stream, index=False))
        if ancestors is not None:
            files.write_whole(hidden / "ancestry.parquet", lambda stream: ancestors.to_parquet(stream, index=False))
        if corrections:
            files.write_text(hidden / "corrections.csv", corrections)
        facts = {"id": run.id, "created": time.time(), "class_names": class_names, "task": config.task.title, **info}
        facts["colour"] = _next_colour(run.dir.parent)
        facts["support"] = {} if config.folds.everybody else support(samples, class_names)
        files.write_json(hidden / "run.json", facts)
        states = [FoldState(fold=fold) for fold in unmeasured.folds_to_train(config, samples)]
        for state in states:
            (hidden / "folds" / str(state.fold)).mkdir(parents=True)
            files.write_json(hidden / "folds" / str(state.fold) / "state.json", vars(state))
        files.write_json(hidden / "summary.json", summary_of(config, samples, facts, states, run.dir.parent))
        os.rename(hidden, run.dir)  # fails if another click made the folder meanwhile: a run folder is never empty
    except OSError as error:
        shutil.rmtree(hidden, ignore_errors=True)
        if run.dir.exists():
            raise LabError(f"run '{run.id}' exists already.", "Open it in Live.", kind="exists") from None
        raise LabError(f"{run.dir} could not be written: {error.strerror}.", kind="read-only") from error
    except BaseException:
        shutil.rmtree(hidden, ignore_errors=True)
        raise
    return run


def _check_apart(samples: pd.DataFrame, test: pd.DataFrame | None) -> None:
    if test is None or test.empty:
        return
    for column in ("sample", "path"):
        both = test[column].isin(samples[column])
        if both.any():
            raise LabError(
                f"test set: {count(both.sum())} of its {count(len(test))} photos would be trained on, "
                f"first {test.loc[both, 'sample'].iloc[0]!r}.",
                "Scan the dataset again; a photo is trained on or tested, never both.",
                kind="leak",
            )


def support(samples: pd.DataFrame, class_names: Sequence[str]) -> dict[str, dict[str, int]]:
    """Fold -> class -> photos that the fold holds out of it, with 0 for a class of the task that it lacks.

    samples: labelled samples with class_name and fold. Folds are text, as JSON has keys.
    """
    numbers, fold = np.unique(samples["fold"].to_numpy(), return_inverse=True)
    if pairs.attributes_of(samples):
        held = pairs.classes(pairs.told(samples))
        counts = [held[fold == place].sum(axis=0) for place in range(len(numbers))]
    else:
        # Each run of a study counts this at its launch: of a hundred photos in 0.2 ms, by pandas' crosstab in 3.9 ms.
        classes = pd.Index(class_names).get_indexer(samples["class_name"])
        of_task = classes >= 0
        cells = fold[of_task] * len(class_names) + classes[of_task]
        counts = np.bincount(cells, minlength=len(numbers) * len(class_names)).reshape(len(numbers), -1)
    return {
        str(number): {name: int(count) for name, count in zip(class_names, held_out, strict=True)}
        for number, held_out in zip(numbers, counts, strict=True)
    }


def _next_colour(root: Path) -> int:
    """A place in the palette that the newest runs do not have, so that neighbours differ."""
    newest = sorted((entry.name for entry in os.scandir(root) if ID.fullmatch(entry.name)), reverse=True)
    newest_runs = [summary for name in newest[:NEIGHBOURS] if (summary := read_summary(root / name)) is not None]
    return colours.least_used([colours.place_of(summary) for summary in newest_runs if "unreadable" not in summary])
