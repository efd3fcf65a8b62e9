"""A small dataset with a test set, and runs on it that nobody trained, to be moved, copied, touched and damaged."""

import json

from core.config import from_dict
from core.data.scan import scan
from core.plan.plan import make_plan
from core.runs.create import create
from tests.photos import draw


def draw_dataset(root):
    """Two classes of four photos, of which no two are the same, and two test photos; all of about one size."""
    for number, name in enumerate(("cat", "dog")):
        for n in range(4):
            draw(root / "train" / name / f"{n}.png", (n + 1, number, 7))
        draw(root / "test" / name / "9.png", (99, number, 7))
    return root


def frozen_run(folder, root, name="frozen", *, test=True, hashes=True, **data):
    """A queued run on a dataset of draw_dataset. hashes: False as an older lab froze it."""
    config = from_dict(
        {
            "name": name,
            "data": {"root": str(root), **data},
            "task": {"name": "label"},
            "folds": {"count": 2},
            "transforms": [{"name": "Resize", "params": {"height": 8, "width": 8}}, {"name": "Normalize"}],
            "model": {"init": "scratch"},
            "phases": [{"epochs": 1}],
        }
    )
    plan = make_plan(config, scan(config.data, threads=1), folder=folder)
    tables = [plan.samples, plan.apart.photos if test else None]
    if not hashes:
        tables = [None if table is None else table.drop(columns="hash") for table in tables]
    return create(plan.config, tables[0], class_names=plan.class_names, info={}, test=tables[1], folder=folder)


def listed(run):
    """What a list reads of the run, without the lab."""
    return json.loads(run.summary_file.read_text("utf-8"))
