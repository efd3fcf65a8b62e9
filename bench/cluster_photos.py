"""What grows with the photos of a dataset, piece by piece: a part of `python -m bench.cluster --photos-many N`.

No photo is decoded: it is what a launch, a fold job on its way to a cluster, and a page have to do with so many rows.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from streamlit.testing.v1 import AppTest

from core.config import from_dict
from core.data.content.unchanged import check_unchanged
from core.engines import pack
from core.places import HOME
from core.plan import split
from core.runs import FoldState
from core.runs.create import create
from core.runs.lists.summaries import summaries

LOOKED_AT = 20_000  # photos that are made, to see how long one takes to look at
SIDE = 224
CONFIG = {"name": "many", "task": {"name": "label"}, "folds": {"count": 5}, "training": {"device": "cpu"}}


def samples(photos: int) -> pd.DataFrame:
    """Two photos a person, two classes."""
    index = np.arange(photos)
    return pd.DataFrame(
        {
            "sample": [f"people/{row // 1000:04d}/photo-{row:07d}.jpg" for row in index],
            "path": [f"/data/photos/people/{row // 1000:04d}/photo-{row:07d}.jpg" for row in index],
            "person": [f"person {row // 2:06d}" for row in index],
            **{"bytes": 20_000 + index % 9999, "mtime_ns": 1_700_000_000_000_000_000 + index},
            **{"width": SIDE, "height": SIDE},
            "y": index // 2 % 2,
            "class_name": np.where(index // 2 % 2, "a", "b"),
        }
    )


def cpu(call: Callable[[], Any]) -> tuple[float, Any]:
    """(seconds of this process's CPU, what the call returned)."""
    begun = time.process_time()
    answer = call()
    return time.process_time() - begun, answer


def measure(top: Path, photos: int) -> dict[str, float]:
    """Seconds are of CPU; bytes where a name says MB."""
    figures: dict[str, float] = {}
    table = samples(photos)
    figures["samples table in memory, MB"] = table.memory_usage(deep=True).sum() / 1e6
    groups = pd.factorize(table["person"])[0]
    seconds, folds = cpu(lambda: split.stratified_groups(table["y"].to_numpy(), groups, 5, 0))
    figures["folds by person"] = seconds
    table["fold"] = folds
    info: dict[str, Any] = {"dataset": {}, "persons": None, "versions": {}, "study": None}
    root = top / "runs"
    made = lambda: create(from_dict(CONFIG), table, class_names=["b", "a"], info=info, folder=root)  # noqa: E731
    figures["a run frozen"], run = cpu(made)
    figures["its samples table on the disk, MB"] = run.samples_file.stat().st_size / 1e6
    figures["its samples read"], read = cpu(run.samples)
    assert len(read) == photos
    figures["its digest, on the way to a cluster"], _ = cpu(lambda: pack.digest_of(run.samples_file))
    looked_at = made_photos(top / "photos", min(photos, LOOKED_AT))
    seconds, _ = cpu(lambda: check_unchanged(looked_at))
    figures[f"{len(looked_at):,} photos looked at, whether they changed"] = seconds
    figures["the list of runs, which knows no photo"], _ = cpu(lambda: summaries(root))
    for fold in run.folds():
        run.write_state(FoldState(fold, "cancelled"))
    os.environ["FACET_RUNS"] = str(root)
    for name in ("runs", "live"):
        at = AppTest.from_file(HOME / "app.py", default_timeout=600)
        at.switch_page(f"pages/{name}.py")
        at.query_params["run"] = run.id
        figures[f"{name}, first opened"], _ = cpu(at.run)
        figures[f"{name}, again"], _ = cpu(at.run)
        assert not at.exception, at.exception
    return figures


def made_photos(folder: Path, count: int) -> pd.DataFrame:
    """Files as a dataset's, empty, and a samples table that says so."""
    folder.mkdir(parents=True)
    table = samples(count)
    paths = [folder / f"{row}.jpg" for row in range(count)]
    for path in paths:
        path.touch()
    table["path"] = [str(path) for path in paths]
    stamps = [path.stat() for path in paths]
    table["bytes"], table["mtime_ns"] = [s.st_size for s in stamps], [s.st_mtime_ns for s in stamps]
    return table
