"""A study as a file that launches the same runs again: tried out, not assumed. Imports no torch.

A record says what was asked for, a recipe by its name among it. Whoever saved that recipe may have replaced it since,
and another lab has none of that name; what the runs were frozen with stands beside it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from core.config import RunConfig, from_dict, recipes
from core.config.run_config import parts_of
from core.errors import LabError
from core.storage.files import GARBAGE
from core.studies import grid
from core.studies.grid import ShrinkConfig, StudyConfig
from core.studies.naming import LONGEST, run_names, value_word
from core.studies.record_file import Study

GROUND = "study"  # the recipe on which a study is written where its own cannot be named


@dataclass(frozen=True)
class StudyFile:
    """run_ids: of the runs that the file makes; the others of the record joined later."""

    study: StudyConfig
    run_ids: frozenset[str]


def of(record: Study) -> StudyFile | None:
    """None where no file makes the runs of the grid again."""
    return as_launched(record) or on_the_labs(record)


def own_recipes(study: StudyConfig) -> list[str]:
    """The recipes that it begins with and that other labs lack, since somebody saved them here."""
    named = map(str, study.grid.get("recipe", [study.recipe]))
    return [name for name in named if name not in recipes.lab_recipes()]


def for_any_lab(study: StudyConfig) -> StudyConfig | None:
    """A study that is asked for, on recipes that every lab has: what somebody's own says is written out.

    None where that cannot be said, as where several recipes are compared.
    """
    if not own_recipes(study):
        return study.model_copy(update={"recipe": GROUND}) if "recipe" in study.grid else study
    if "recipe" in study.grid:
        return None
    try:
        own = recipes.load_recipe(study.recipe)
        differs = {**_differs(own), **{f"data.{name}": value for name, value in _data(own).items()}}
        own_settings = {key: value for key, value in differs.items() if key not in study.set}
        written = study.model_copy(update={"recipe": GROUND, "set": {**own_settings, **study.set}})
        before, after = (grid.shared(each, each.recipe, {"root": ""}) for each in (study, written))
    except LabError:
        return None
    return written if {**before, "name": ""} == {**after, "name": ""} else None


def in_words(study: StudyConfig, *, places: bool = False) -> str:
    """How a file of it is launched, and what has to be there first. places: whether it says where files lie here."""
    words = "python -m core study FILE --data FOLDER launches it."
    if not any(init.startswith("file:") for init in grid.first_weights(study)):
        return words
    if places:
        words += " It names weights files by their paths on this machine: elsewhere change model.init."
    else:
        words += " First put each weights file that it names at that path below the folder where the command is typed."
    return words


def as_launched(record: Study) -> StudyFile | None:
    """The study as it was asked for, on recipes that every lab has; None where it no longer makes the same runs."""
    try:
        study = StudyConfig.model_validate(record.settings)
        if {study.recipe, *map(str, study.grid.get("recipe", []))} - set(recipes.lab_recipes()):
            return None
        return _tried(record, study, study.set)
    except (LabError, IndexError, *GARBAGE):
        return None


def on_the_labs(record: Study) -> StudyFile | None:
    """The same runs written as differences from a recipe of the lab's own, whatever recipe they began with; None where
    that cannot say them, as where several recipes were compared."""
    try:
        study = StudyConfig.model_validate(record.settings)
        if "recipe" in study.grid:
            return None
        differs = _differs(_first(record, study))
        shared = {key: value for key, value in differs.items() if key not in study.grid}
        frozen = study.model_copy(update={"recipe": GROUND, "shrink": ShrinkConfig()})
        return _tried(record, frozen, shared)
    except (LabError, IndexError, *GARBAGE):
        return None


def _differs(config: RunConfig) -> dict[str, Any]:
    """From GROUND, its dataset and name aside."""
    base = recipes.load_recipe(GROUND)
    differs = grid.changes(base, config.model_dump(mode="json"))
    return differs if config.description == base.description else {**differs, "description": config.description}


def _tried(record: Study, study: StudyConfig, shared: dict[str, Any]) -> StudyFile | None:
    """The study with these settings for all, and the data and folds that were frozen, if it makes the runs again as
    whoever gets the file reads it."""
    first = _first(record, study)
    frozen = {f"data.{name}": value for name, value in _data(first).items()}
    frozen |= {"folds.count": first.folds.count, "folds.seed": first.folds.seed}
    shared = {key: value for key, value in shared.items() if parts_of(key)[0] != "data"}  # the frozen, root aside
    study = study.model_copy(update={"set": {**shared, **frozen}})
    left: dict[RunConfig, list[str]] = {}
    for member in record.runs:
        left.setdefault(_bare(from_dict(member.config, member.name, frozen=True)), []).append(member.id)
    run_ids = []
    for config in grid.expand(grid.from_yaml(grid.to_yaml(study))):
        same = left.get(_bare(config))
        if not same:
            return None
        run_ids.append(same.pop(0))
    return StudyFile(study, frozenset(run_ids))


def _first(record: Study, study: StudyConfig) -> RunConfig:
    """What the first run of the grid was frozen with; a study's order may have been changed since."""
    words = [value_word(key, values[0]) for key, values in study.grid.items()]
    of_older_labs = " ".join([study.name, *words])[:LONGEST]
    names = (next(run_names(study.name, study.grid), ""), of_older_labs)
    named = [member for name in names for member in record.runs if member.name == name]
    member = (named or record.runs)[0]  # another version of the lab may have given other names
    return from_dict(member.config, member.name, frozen=True)


def _data(config: RunConfig) -> dict[str, Any]:
    """What of the dataset's settings differs from the defaults, besides the root, which the command names."""
    return config.data.model_dump(mode="json", exclude_defaults=True, exclude={"root"})


def _bare(config: RunConfig) -> RunConfig:
    """Without where the dataset lies, which the command names, and without a name."""
    return config.model_copy(update={"name": "run", "data": config.data.model_copy(update={"root": ""})})
