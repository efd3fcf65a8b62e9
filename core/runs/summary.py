"""What a list reads of a run, from what was frozen: summary.json can be written anew at any time. Imports no torch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from core.config import RunConfig, recipes, settings
from core.data.persons import persons_of
from core.data.yes_no import pairs
from core.errors import LabError
from core.runs import colours
from core.runs.states import FoldState, check_summary, slim
from core.storage import files
from core.storage.files import GARBAGE

if TYPE_CHECKING:
    from core.runs.run import Run

GUESSED = "guessed"  # in no summary.json


def summary_of(
    config: RunConfig, samples: pd.DataFrame, info: dict[str, Any], states: Sequence[FoldState], root: Path
) -> dict[str, Any]:
    """summary.json of a run. info: its run.json. root: the folder of its runs, beside which people's recipes lie.

    While the folder of these is out of reach it has no recipe: the next change of the run's state adds it. One file in
    it that cannot be read counts as no recipe.
    """
    recipe = {"recipe": list(settings.recipe_of(config, root))} if recipes.out_of_reach(root) is None else {}
    return {
        "id": info["id"],
        "name": config.name,
        "created": info["created"],
        "colour": colours.place_of(info),
        "task": config.task.title,
        "classes": len(info["class_names"]),
        "samples": len(samples),
        "people": int(samples["person"].nunique()),
        "persons": persons_of(samples).state,
        "split": split_of(samples),
        "dataset": Path(config.data.root).name,
        "depth": config.model.depth,
        "init": config.model.init,
        "epochs": config.epochs,
        "study": info.get("study"),
        "retrained": info.get("retrained"),
        "by": info.get("by"),
        "everybody": config.folds.everybody,
        **recipe,
        "settings": settings.flat(config),
        "folds": [slim(state) for state in states],
    }


def split_of(samples: pd.DataFrame) -> str:
    """What two runs share that answer about the same photos, with the same classes, in the same folds, in any order."""
    answers = [pairs.YES + name for name in pairs.attributes_of(samples)]
    table = samples[["sample", "class_name", "fold", *answers]]
    hashes = pd.util.hash_pandas_object(table.astype({"sample": str, "class_name": str, "fold": "int64"}), index=False)
    return hashlib.sha256(hashes.sort_values().to_numpy().tobytes()).hexdigest()[:16]


def written_or_rebuilt(run: Run) -> dict[str, Any] | None:
    """summary.json, made anew where it is missing or damaged; None where there is nothing to make it from, or a guess
    would be written. One that has no recipe, since saved ones were out of reach at the launch, gets it now."""
    summary = _written(run)
    return rebuilt_to_write(run) if summary is None else _with_recipe(summary, run)


def _with_recipe(summary: dict[str, Any], run: Run) -> dict[str, Any]:
    root = run.dir.parent
    if "recipe" in summary or recipes.out_of_reach(root) is not None:
        return summary
    try:
        return summary | {"recipe": list(settings.recipe_of(run.config(), root))}
    except (OSError, LabError):
        return summary


def _written(run: Run) -> dict[str, Any] | None:
    try:
        summary = files.read_json(run.summary_file)
        check_summary(summary)
        return summary
    except (OSError, *GARBAGE):
        return None


def rebuilt_to_write(run: Run) -> dict[str, Any] | None:
    """The same made anew in any case; None for a guess, too, which would stay: nobody makes a good summary anew."""
    summary = rebuilt(run)
    return None if summary is not None and is_guessed(summary) else summary


def rebuilt(run: Run) -> dict[str, Any] | None:
    """summary.json as it has to be, from configuration, samples, fold states and, where it is not damaged, run.json.

    None where configuration, samples or folds cannot be read, and while any of them is out of reach. While the folder
    of saved recipes is, its recipe is what is written, none for a run of an older lab; where no good summary is
    written, it is guessed among the lab's own, which is_guessed tells.
    """
    try:
        config, samples = run.config(), run.samples()
        facts = _facts(run, samples)
        states = [run.state_in_reach(fold) for fold in run.folds()]
        summary = summary_of(config, samples, facts, states, run.dir.parent)
        check_summary(summary)
    except (OSError, LabError, *GARBAGE):
        return None
    if "recipe" not in summary:
        if (before := _written(run)) is None:
            summary |= {"recipe": list(settings.recipe_of(config, run.dir.parent)), GUESSED: True}
        elif "recipe" in before:
            summary["recipe"] = before["recipe"]
    return summary if summary["folds"] else None


def is_guessed(summary: Mapping[str, Any]) -> bool:
    """Whether it was made while saved recipes were out of reach: it is listed, and neither written nor remembered."""
    return GUESSED in summary


def _facts(run: Run, samples: pd.DataFrame) -> dict[str, Any]:
    """run.json, and what it has to say where it is lost: the classes that occur, the time in the run's id.

    Raises OSError where it is out of reach.
    """
    try:
        info = dict(run.info())
    except (OSError, *GARBAGE) as error:
        if files.out_of_reach(error):
            raise
        info = {}
    if not isinstance(info.get("created"), (int, float)):
        try:
            info["created"] = datetime.strptime(run.id[:15], "%Y%m%d-%H%M%S").timestamp()
        except ValueError:
            info["created"] = run.config_file.stat().st_mtime
    if not isinstance(info.get("class_names"), list):
        if attributes := pairs.attributes_of(samples):
            return {**info, "class_names": pairs.class_names(attributes), "id": run.id}
        names = samples.drop_duplicates("y").set_index("y")["class_name"]
        info["class_names"] = [str(names.get(y, "")) for y in range(int(samples["y"].max()) + 1)]
    return {**info, "id": run.id}
