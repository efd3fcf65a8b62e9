"""Tables that leave the lab. Imports no torch."""

from __future__ import annotations

import importlib.util
import io
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from core.config import to_yaml
from core.config.settings import recipe_of
from core.errors import LabError
from core.runs.metrics_file import LATER
from core.runs.owners import owner
from core.runs.run import Run
from core.storage import files
from core.storage.spreadsheet import spreadsheet_csv

SCALARS = ("loss", "objective", "accuracy", "f1", "f1_present", "lr_backbone", "lr_head", "images_per_second")
TIDY = ["run", "name", "by", "depth", "recipe", "seed", "fold", "epoch", "phase", "split", "metric", "value"]


def tidy_metrics(chosen: Sequence[Run]) -> pd.DataFrame:
    """Every metric of every run in one table, a line per run, fold, epoch, split and metric.

    Columns: run, name, by (who launched it, empty where that is not known), depth, recipe, seed, fold, epoch, phase,
    split, metric, value. Raises LabError for a run that is gone; folds without epochs give no lines.
    """
    parts = []
    for run in chosen:
        config = run.config()
        wide = run.all_metrics()
        long = wide.melt(["fold", "epoch", "phase", "split"], var_name="metric", value_name="value")
        long = long[long["value"].notna() | ~long["metric"].isin(LATER)]  # an older run never measured them
        recipe, _ = recipe_of(config, run.dir.parent)
        about = {"run": run.id, "name": config.name, "by": owner.of(run), "recipe": recipe}
        parts.append(long.assign(**about, depth=config.model.depth, seed=config.training.seed))
    table = pd.concat(parts, ignore_index=True) if parts else pd.DataFrame(columns=TIDY)
    table = table[TIDY].astype({"value": "float64"})
    return table.sort_values(["run", "fold", "metric", "split", "epoch"], kind="stable", ignore_index=True)


def metrics_csv(chosen: Sequence[Run]) -> bytes:
    return spreadsheet_csv(tidy_metrics(chosen))


def metrics_parquet(chosen: Sequence[Run]) -> bytes:
    buffer = io.BytesIO()
    tidy_metrics(chosen).to_parquet(buffer, index=False)
    return buffer.getvalue()


def has_tensorboard() -> bool:
    return importlib.util.find_spec("tensorboard") is not None


def missing_tensorboard() -> LabError:
    """What is said where TensorBoard is asked for and is not there; tensorboard is an extra of pyproject.toml."""
    remedy = "Install it from the lab's folder: python -m pip install -e '.[tensorboard]'"
    return LabError("TensorBoard is not installed.", remedy, kind="optional")


def write_events(chosen: Sequence[Run], folder: Path) -> int:
    """TensorBoard event files under `folder`, one log a run, fold and split; the step is the epoch.

    Returns the number of logs. Raises LabError(kind 'optional') when tensorboard is not installed, 'read-only' when the
    folder cannot be written.
    """
    if not has_tensorboard():
        raise missing_tensorboard()
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.compat.proto.summary_pb2 import Summary
    from tensorboard.summary.writer.event_file_writer import EventFileWriter

    logs = 0
    for run in chosen:
        config, created = run.config(), float(run.info().get("created") or 0.0)
        for (fold, split), table in run.all_metrics().groupby(["fold", "split"], sort=True):
            place = folder / f"{run.id}" / f"fold{fold}-{split}"
            try:
                writer = EventFileWriter(str(place))
            except OSError as error:
                message = f"{place} cannot be written: {error.strerror}."
                raise LabError(message, "Choose another folder.", kind="read-only") from error
            passed = table["seconds"].cumsum().to_numpy()  # wall time of the run, without its pauses
            for row, seconds in zip(table.to_dict("records"), passed, strict=True):
                values = [Summary.Value(tag=name, simple_value=row[name]) for name in SCALARS if pd.notna(row[name])]
                when = created + float(seconds)
                writer.add_event(Event(wall_time=when, step=int(row["epoch"]), summary=Summary(value=values)))
            writer.close()
            logs += 1
        if (folder / run.id).is_dir():
            files.write_text(folder / run.id / "config.yaml", to_yaml(config), durable=False)
    return logs


def events_zip(chosen: Sequence[Run]) -> bytes:
    """write_events as one zip file."""
    buffer = io.BytesIO()
    with tempfile.TemporaryDirectory() as name:
        write_events(chosen, Path(name))
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
            for path in sorted(Path(name).rglob("*")):
                if path.is_file():
                    archive.write(path, path.relative_to(name))
    return buffer.getvalue()
