"""A study: runs launched together to be compared, on the same frozen people in the same folds. Imports no torch."""

from __future__ import annotations

import itertools
import math
import types
import typing
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from pydantic import Field, ValidationError

from core import places
from core.config import RunConfig, from_dict, recipes
from core.config.run_config import WHOLE, Part, field_errors, parts_of, with_value
from core.config.settings import differing, flat, leaves
from core.data.scan import Scan
from core.errors import LabError
from core.jobs import speed
from core.jobs.pace import ahead
from core.jobs.room import forecast
from core.network import weights
from core.plan.fitting import check_task, fit_task, leaves_task_open
from core.plan.plan import Plan, depends_on, make_plan
from core.plan.transfer import inherit_folds
from core.storage import plain_yaml
from core.storage.files import GARBAGE
from core.studies.naming import run_names
from core.studies.shrink import shrink

MOST_RUNS = 10_000
ASK_ABOVE = 24  # runs: more than this are launched only on a second word


class ShrinkConfig(Part):
    """How much smaller than its recipe every run is."""

    size: int | None = Field(None, ge=16, le=1024, description="Side of the images in pixels; empty keeps them.")
    epochs: int | None = Field(
        None, ge=1, le=10_000, description="Epochs in all; phases keep their shares. Empty keeps the recipe's."
    )


class StudyConfig(Part):
    """What a study file holds. grid: dotted setting -> values; the special key 'recipe' names recipes.

    set: settings that all runs share, dotted.
    """

    name: str = Field(min_length=1, max_length=60, description="Name of the study.")
    description: str = Field("", max_length=400, description="The question it answers, one sentence.")
    recipe: str = Field("study", description="The recipe that all runs start from.")
    set: dict[str, Any] = Field(default_factory=dict, description="Settings that all runs share, dotted.")
    shrink: ShrinkConfig = Field(default_factory=ShrinkConfig, description="How much smaller every run is made.")
    grid: dict[str, list[Any]] = Field(description="Setting -> the values to compare; every combination is a run.")


def from_yaml(text: str, source: str = "study") -> StudyConfig:
    """Raises LabError naming each wrong key."""
    data = plain_yaml.load(text, source)
    try:
        return StudyConfig.model_validate(data)
    except ValidationError as error:
        lines = "; ".join(f"{where}: {what}" for where, what in field_errors(error).items())
        raise LabError(f"{source}: {lines}.", "Correct the named settings.", kind="config") from None


def to_yaml(study: StudyConfig) -> str:
    """What `from_yaml` reads, and `python -m core study` runs."""
    data = study.model_dump(mode="json", exclude_defaults=True)
    return plain_yaml.dump(data, width=100)


def settings() -> dict[str, list[Any] | None]:
    """Every dotted setting of one value that a grid can vary -> its values where they are a fixed list, else None."""
    choices: dict[str, list[Any] | None] = {"recipe": list(recipes.all_recipes())}
    parts = {"model": "", "task": "", "phases": "0.", "mix": "", "training": ""}
    for part, place in parts.items():
        model: Any = RunConfig.model_fields[part].annotation
        model = typing.get_args(model)[0] if typing.get_origin(model) else model
        for name, field in model.model_fields.items():
            if name not in ("device", "schedule_epochs") and typing.get_origin(field.annotation) not in (
                list,
                dict,
                tuple,
            ):
                choices[f"{part}.{place}{name}"] = _choices(field.annotation)
    return choices


def _choices(annotation: Any) -> list[Any] | None:
    if annotation is bool:
        return [False, True]
    if typing.get_origin(annotation) in (typing.Union, types.UnionType):
        inner = [kind for kind in typing.get_args(annotation) if kind is not type(None)]
        return _choices(inner[0]) if len(inner) == 1 else None
    return list(typing.get_args(annotation)) if typing.get_origin(annotation) is typing.Literal else None


def changes(base: RunConfig, now: dict[str, Any]) -> dict[str, Any]:
    """Dotted settings in which a form's draft differs from a recipe; the dataset and the run's name do not count.

    Transforms are one setting; phases are one where their number differs. So is each mapping of names that people made:
    a name that was taken out of it is not among its settings.
    """
    before: dict[str, Any] = base.model_dump(mode="json")
    changed: dict[str, Any] = {}
    for part, new in now.items():
        old: Any = before.get(part)
        if part in ("schema_version", "name", "description", "data") or old == new:
            continue
        if part == "transforms" or (isinstance(new, list) and len(new) != len(old)):
            changed[part] = new
            continue
        were = dict(leaves(old, part, whole=WHOLE))
        changed |= {path: value for path, value in leaves(new, part, whole=WHOLE) if were.get(path) != value}
    return changed


def with_whole_paths(study: StudyConfig) -> StudyConfig:
    """Files of first weights by their whole paths, as its runs are frozen with them."""
    return _with_first_weights(study, weights.whole)


def first_weights(study: StudyConfig) -> set[str]:
    """All that it names, files among them, wherever they stand."""
    met: set[str] = set()

    def meet(init: str) -> str:
        met.add(init)
        return init

    _with_first_weights(study, meet)
    return met


def without_places(study: StudyConfig, among: Collection[str] = ()) -> StudyConfig:
    """Files of first weights by their names alone, for who reads the study elsewhere; those of one name stay apart.

    among: first weights that stand beside the study's.
    """
    beside = {*first_weights(study), *among}
    return _with_first_weights(study, lambda init: weights.without_place(init, beside))


def _with_first_weights(study: StudyConfig, named: Callable[[str], str]) -> StudyConfig:
    """named: what first weights are called -> what they are called in the study that is returned."""

    def renamed(key: str, value: Any) -> Any:
        match parts_of(key), value:
            case ["model", "init"], str():
                return named(value)
            case ["model"], {"init": str(init)}:
                return {**value, "init": named(init)}
        return value

    return study.model_copy(
        update={
            "set": {key: renamed(key, value) for key, value in study.set.items()},
            "grid": {key: [renamed(key, value) for value in values] for key, values in study.grid.items()},
        }
    )


def size(study: StudyConfig) -> int:
    """Number of runs of the grid, without making them."""
    return math.prod(len(values) for values in study.grid.values())


def expand(study: StudyConfig, data: dict[str, Any] | None = None, *, folder: Path | None = None) -> list[RunConfig]:
    """Every combination of the grid as a configuration, in the grid's order, each named after what differs.

    data: settings of the dataset that all runs share. folder: of the runs, beside which people's recipes lie. Raises
    LabError naming the run and its wrong settings.
    """
    if not study.grid or size(study) == 0:
        raise LabError(f"study '{study.name}': the grid is empty.", "Give a setting with values.", kind="config")
    if size(study) > MOST_RUNS:
        message = f"study '{study.name}': the grid has {size(study):,} runs; at most {MOST_RUNS:,} are made."
        raise LabError(message, "Take settings or values out of the grid.", kind="config")
    shared_by: dict[str, dict[str, Any]] = {}  # recipe -> what its runs share
    configurations = []
    names = run_names(study.name, study.grid)
    for values, name in zip(itertools.product(*study.grid.values()), names, strict=True):
        combination = dict(zip(study.grid, values, strict=True))
        recipe = str(combination.get("recipe", study.recipe))
        if recipe not in shared_by:
            shared_by[recipe] = shared(study, recipe, data, folder=folder)
        config = shared_by[recipe]
        for key, value in combination.items():
            if key != "recipe":
                config = with_value(config, key, value, f"study '{study.name}': ")
        configurations.append(from_dict({**config, "name": name}, f"study '{study.name}', {name}"))
    return configurations


def shared(
    study: StudyConfig, recipe: str, data: dict[str, Any] | None = None, *, folder: Path | None = None
) -> dict[str, Any]:
    """A recipe with the settings that all runs share, shrunk: what the grid starts from, as a dict.

    Raises LabError naming the epochs or sizes that cannot be shrunk; what else is wrong the grid may still set right.
    """
    base = recipes.load_recipe(recipe, folder).model_dump(mode="json")
    if data:
        base["data"] = {**base["data"], **data}
    for key, value in study.set.items():
        base = with_value(base, key, value, f"study '{study.name}': ")
    smaller = study.shrink.model_dump()
    try:
        return shrink(base, **smaller)
    except (ArithmeticError, *GARBAGE):  # of epochs or sizes that are none, or that are numbers in quotes
        return shrink(from_dict(base, f"study '{study.name}'").model_dump(mode="json"), **smaller)


def fit_study(
    study: StudyConfig, configurations: Sequence[RunConfig], scan: Scan, *, folder: Path | None = None
) -> tuple[StudyConfig, str]:
    """(the study, what was done in one sentence): its recipe's task, or one that the dataset has labels for, or is for
    where neither recipe nor study says one. folder: of the runs, beside which people's recipes lie.

    Raises LabError(kind 'task') where the study names the task itself, or where only some of its recipes ask for one
    that the dataset has no labels for.
    """
    keys = study.set.keys() | study.grid.keys()
    named = {"task", "task.name", "task.attributes"} & keys
    own = [recipes.load_recipe(name, folder) for name in {study.recipe, *map(str, study.grid.get("recipe", []))}]
    is_open = all(leaves_task_open(recipe, config) for recipe in own for config in configurations)
    is_open = is_open and not any(parts_of(key)[0] == "task" for key in keys)
    fitted = {config.task.name: fit_task(config.task.name, scan, is_open=is_open) for config in configurations}
    tasks = {fit.task for fit in fitted.values()}
    if named or len(tasks) > 1:
        for name in fitted:
            check_task(name, scan, f"study '{study.name}': ")
        return study, ""
    fit = next((fit for fit in fitted.values() if fit.note), next(iter(fitted.values())))
    return (study.model_copy(update={"set": {**study.set, **fit.settings}}) if fit.settings else study), fit.note


def make_plans(
    configurations: list[RunConfig], scan: Scan, *, folder: Path | None = None, people: pd.Series | None = None
) -> list[Plan]:
    """One plan a run, all with the same fold for a person.

    The run that uses most people (then most classes) splits them; the others follow it, and whom it lacks the first
    of them assigns for all. people: fold by person of runs that are there already, which all follow. Runs with
    different numbers of folds or seeds of the split do not share folds and are refused, as are runs of other data
    settings: the scan is of one reading of a dataset.
    """
    if apart := of_other_data(configurations):
        raise LabError(
            f"study: its runs have different data settings ({', '.join(apart)}).",
            "Take them out of the grid and set them for all runs: runs are compared on the same photos.",
            kind="data",
        )
    if len({c.folds for c in configurations}) > 1:
        raise LabError(
            "study: its runs ask for different folds.",
            "Take folds.count and folds.seed out of the grid: runs are compared on the same folds.",
            kind="folds",
        )
    planned: dict[Any, Plan] = {}
    plans = [_planned(planned, c, scan, folder) for c in configurations]
    leading = sorted(range(len(plans)), key=lambda place: _leads(plans[place]), reverse=True)
    people = _fold_of(plans[leading[0]].samples) if people is None else people
    followed: dict[Any, Plan] = {}
    for place in leading:
        if not _follows(plans[place], people):
            plans[place] = _moved(followed, plans[place], people, scan, folder)
            samples = plans[place].samples
            people = pd.concat([people, _fold_of(samples[~samples["person"].isin(people.index)])])
    return plans


def of_other_data(configurations: Sequence[RunConfig]) -> list[str]:
    """The dotted data settings that are not the same in all of them."""
    if len({config.data for config in configurations}) < 2:
        return []
    return [path for path in differing([flat(config) for config in configurations]) if path.startswith("data.")]


def _leads(plan: Plan) -> tuple[bool, int, int]:
    return plan.config.model.parent is not None, plan.people, len(plan.class_names)


def _fold_of(samples: pd.DataFrame) -> pd.Series:
    return samples.drop_duplicates("person").set_index("person")["fold"]


def _planned(cache: dict[Any, Plan], config: RunConfig, scan: Scan, folder: Path | None) -> Plan:
    plan = cache.get(depends_on(config)) or make_plan(config, scan, folder=folder)
    cache[depends_on(config)] = plan
    return plan.carrying(config)


def _moved(cache: dict[Any, Plan], plan: Plan, people: pd.Series, scan: Scan, folder: Path | None) -> Plan:
    """The plan with everybody in the fold of `people`; who is new there is assigned."""
    if plan.config.folds.given:
        return _on_given(plan, people)
    key = depends_on(plan.config)
    if key not in cache:
        assigned = people.rename_axis("person").rename("fold").reset_index()
        spread = inherit_folds(plan.samples, assigned, plan.config.folds.count, plan.config.folds.seed)
        fold_of = _fold_of(plan.samples.assign(fold=spread))
        if plan.ancestors is not None:
            held_out = plan.ancestors.set_index("person")["fold"]
            both = fold_of[fold_of.index.isin(held_out.index)]
            if (both != held_out.loc[both.index]).any():
                raise LabError(
                    f"study: {plan.config.model.parent} held other people out than the other runs of the study.",
                    "A study's runs share their folds: start all of them from runs with the same folds.",
                    kind="transfer",
                )
        cache[key] = make_plan(plan.config, scan, folder=folder, folds=fold_of)
    return cache[key].carrying(plan.config)


def _on_given(plan: Plan, people: pd.Series) -> Plan:
    """The plan as it is: the dataset gives its folds. Raises LabError where `people` have others."""
    fold_of = plan.samples["person"].map(people)
    moved = plan.samples["person"][fold_of.notna() & (fold_of != plan.samples["fold"])]
    if len(moved):
        raise LabError(
            f"folds: {moved.iloc[0]} stands in another of the dataset's folds than in the runs that are there.",
            "Let the lab make the folds (folds.given off), or launch this run on its own.",
            kind="given",
        )
    return plan


def _follows(plan: Plan, people: pd.Series) -> bool:
    return bool((plan.samples["person"].map(people) == plan.samples["fold"]).all())


@dataclass(frozen=True)
class Estimate:
    """What a study costs. seconds is None where a network's speed was not measured on this machine yet, or where fold
    jobs train on a cluster."""

    runs: int
    fold_jobs: int
    steps: int
    seconds: float | None
    bytes: int


def estimate(plans: list[Plan], folder: Path | None = None) -> Estimate:
    """bytes: what stays of all runs, and what comes on top while they train."""
    rate_of, at_once = ahead.rates(folder), ahead.places(folder or places.runs_folder())
    rates = [rate_of(plan.config) for plan in plans]
    each = [speed.estimate_seconds(plan, rate) for plan, rate in zip(plans, rates, strict=True) if rate]
    seconds = None
    if at_once and len(each) == len(plans):
        seconds = sum(each) / at_once
    return Estimate(
        runs=len(plans),
        fold_jobs=sum(plan.config.folds.count for plan in plans),
        steps=sum(plan.total_steps for plan in plans),
        seconds=seconds,
        bytes=forecast.forecast(plans, folder).needed,
    )
