"""A study: runs launched together to be compared, on the same frozen people in the same folds. Imports no torch."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import yaml
from pydantic import Field, ValidationError

from core import config as configs
from core import files, jobs, queue, runs, speed
from core.config import Part, RunConfig, field_errors, with_setting
from core.data import Scan
from core.errors import LabError
from core.plan import Plan, make_plan
from core.runs import Run

ASK_ABOVE = 24  # runs: more than this are launched only on a second word
MILLIONS = {18: 11.2, 34: 21.3, 50: 23.5, 101: 42.5, 152: 58.2}  # parameters without the head, torchvision


class StudyConfig(Part):
    """What a study file holds. grid: dotted setting -> values; the special key 'recipe' names recipes.

    set: settings that all runs share, dotted.
    """

    name: str = Field(min_length=1, max_length=60, description="Name of the study.")
    description: str = Field("", max_length=400, description="The question it answers, one sentence.")
    recipe: str = Field("study", description="The recipe that all runs start from.")
    set: dict[str, Any] = Field(default_factory=dict, description="Settings that all runs share, dotted.")
    grid: dict[str, list[Any]] = Field(description="Setting -> the values to compare; every combination is a run.")


def from_yaml(text: str, source: str = "study") -> StudyConfig:
    """Raises LabError naming each wrong key."""
    try:
        data = yaml.safe_load(text)
        return StudyConfig.model_validate(data)
    except yaml.YAMLError as error:
        raise LabError(f"{source}: not plain YAML: {' '.join(str(error).split())}.", kind="config") from None
    except ValidationError as error:
        lines = "; ".join(f"{where}: {what}" for where, what in field_errors(error).items())
        raise LabError(f"{source}: {lines}.", "Correct the named settings.", kind="config") from None


def size(study: StudyConfig) -> int:
    """Number of runs of the grid, without making them."""
    return math.prod(len(values) for values in study.grid.values())


def expand(study: StudyConfig, data: dict[str, Any] | None = None) -> list[RunConfig]:
    """Every combination of the grid as a configuration, in the grid's order, each named after what differs.

    data: settings of the dataset that all runs share. Raises LabError naming the run and its wrong settings.
    """
    if not study.grid or size(study) == 0:
        raise LabError(f"study '{study.name}': the grid is empty.", "Give a setting with values.", kind="config")
    result = []
    for values in itertools.product(*study.grid.values()):
        chosen = dict(zip(study.grid, values, strict=True))
        base = configs.load_recipe(str(chosen.get("recipe", study.recipe))).model_dump(mode="json")
        if data:
            base["data"] = {**base["data"], **data}
        for key, value in {**study.set, **{k: v for k, v in chosen.items() if k != "recipe"}}.items():
            base = with_setting(base, key, yaml.safe_dump(value, default_flow_style=True).removesuffix("...\n").strip())
        name = " ".join([study.name, *(_word(key, value) for key, value in chosen.items())])
        base["name"] = name[:60]
        result.append(configs.from_dict(base, f"study '{study.name}', {name}"))
    return result


def _word(key: str, value: Any) -> str:
    short = key.split(".")[-1]
    if key in ("recipe", "model.head", "mix.method", "training.loss", "training.sampling", "task.name"):
        return str(value)
    return f"r{value}" if key == "model.depth" else f"{short}={value}"


def make_plans(configurations: list[RunConfig], scan: Scan, *, folder: Path | None = None) -> list[Plan]:
    """One plan a run, all with the same fold for a person.

    The run that uses most people (then most classes) splits them; the others follow it. Runs with different numbers
    of folds or seeds of the split do not share folds and are refused.
    """
    if len({c.folds for c in configurations}) > 1:
        raise LabError(
            "study: its runs ask for different folds.",
            "Take folds.count and folds.seed out of the grid: runs are compared on the same folds.",
            kind="folds",
        )
    plans = [make_plan(c, scan, folder=folder) for c in configurations]
    leader = max(plans, key=lambda plan: (plan.config.model.parent is not None, plan.people, len(plan.class_names)))
    people = leader.samples.drop_duplicates("person").set_index("person")["fold"]
    return [
        plan if _follows(plan, people) else make_plan(plan.config, scan, folder=folder, folds=people) for plan in plans
    ]


def _follows(plan: Plan, people: pd.Series) -> bool:
    return bool((plan.samples["person"].map(people) == plan.samples["fold"]).all())


@dataclass(frozen=True)
class Estimate:
    """What a study costs. seconds is None where a network's speed was not measured on this machine yet."""

    runs: int
    fold_jobs: int
    steps: int
    seconds: float | None
    bytes: int


def estimate(plans: list[Plan], folder: Path | None = None) -> Estimate:
    """Disk: per fold job best and final weights and a resume point of three times their size (Adam)."""
    rates = [speed.known(plan.config, folder) for plan in plans]
    seconds = None
    if all(rates):
        seconds = sum(speed.estimate_seconds(p, r) for p, r in zip(plans, rates, strict=True))
        seconds /= len(queue.slot_locks(folder or runs.runs_folder()))
    jobs_count = sum(plan.config.folds.count for plan in plans)
    size_ = sum(int(MILLIONS[p.config.model.depth] * 4e6 * 5) * p.config.folds.count for p in plans)
    return Estimate(len(plans), jobs_count, sum(plan.total_steps for plan in plans), seconds, size_)


def launch(study: StudyConfig, plans: list[Plan], *, folder: Path | None = None) -> list[Run]:
    """Launch every run of a study; a run's info names the study, so that pages can gather them."""
    root = folder or runs.runs_folder()
    study_id = runs.new_id(study.name)
    place = queue.lab_folder(root) / "studies"
    place.mkdir(parents=True, exist_ok=True)
    launched = [jobs.launch(plan, folder=root, study=study_id) for plan in plans]
    record = {"id": study_id, "runs": [run.id for run in launched], **study.model_dump(mode="json")}
    files.write_json(place / f"{study_id}.json", record)
    return launched
