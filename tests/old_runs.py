"""Runs that version 0.1.0 left behind, from before metrics had `objective` and weights said which epoch they are of.

Real runs of the small network on 24 photos, made by the code of that version on one thread: a study of two runs that
are done, and a run with the configuration of the first whose fold 0 was killed in epoch 3 of 4. Frozen under the root
/dataset; `thaw` puts them where a test can open, change and resume them.
"""

import os
import shutil
from pathlib import Path

import pandas as pd

FROZEN = Path(__file__).parent / "fixtures" / "old_runs"
STUDY = "20261126-120000-old-study-0a1b"
FINISHED = "20261126-120000-old-study-lr-head-0-001-aa41"
FASTER = "20261126-120000-old-study-lr-head-0-01-ce03"
INTERRUPTED = "20261126-120100-old-interrupted-0c2d"


def thaw(folder: Path) -> Path:
    """Copy dataset/ and runs/ into a folder and name it wherever they name their root. Returns the runs folder."""
    dataset, root = folder / "dataset", folder / "runs"
    shutil.copytree(FROZEN / "dataset", dataset)
    shutil.copytree(FROZEN / "runs", root, dirs_exist_ok=True)
    for path in [*root.rglob("*.json"), *root.rglob("*.yaml")]:
        text = path.read_text("utf-8")
        path.write_text(
            text.replace('"/dataset"', f'"{dataset}"').replace("root: /dataset\n", f"root: {dataset}\n"), "utf-8"
        )
    for path in root.glob("*/samples.parquet"):
        samples = pd.read_parquet(path)
        samples["path"] = [str(dataset / sample) for sample in samples["sample"]]
        samples.to_parquet(path, index=False)
        for row in samples.itertuples():
            os.utime(row.path, ns=(row.mtime_ns, row.mtime_ns))
    return root
