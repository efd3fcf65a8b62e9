"""A configuration as a flat table of settings, for lists, groups and comparisons. Imports no torch."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

from core.config import recipes
from core.config.run_config import WHOLE, RunConfig

# Settings that say what a run is called, where it runs and on what, not how it learns.
APART = (
    *("schema_version", "name", "description", "data.", "task.", "folds.", "training.seed", "training.device"),
    *("training.loader_workers", "training.precision", "model.depth", "model.init"),
)
Value = str | int | float | bool | None


def flat(config: RunConfig) -> dict[str, Value]:
    """Dotted setting -> plain value, in the order of the configuration.

    Transforms are one setting, a line such as 'Resize 224 x 224 + HorizontalFlip (p 0.5)', and lists are text.
    """
    data = config.model_dump(mode="json") | {"transforms": transforms_line(config)}
    return {path: _plain(value) for path, value in leaves(data)}


def leaves(data: Any, path: str = "", first: int = 0, whole: Collection[str] = ()) -> Iterator[tuple[str, Any]]:
    """(dotted path, value) of each setting of a configuration as a dict, in its order; a list of plain values is one.

    path: of `data` itself. first: number of the first entry of a list of settings, 0 as everywhere, 1 for people.
    whole: mappings that are one setting, also an empty one, which has no setting beneath it.
    """
    if isinstance(data, dict) and path not in whole:
        entries = [(str(key), value) for key, value in data.items()]
    elif isinstance(data, list) and any(isinstance(value, dict) for value in data):
        entries = [(str(number), value) for number, value in enumerate(data, first)]
    else:
        yield path, data
        return
    for key, value in entries:
        yield from leaves(value, f"{path}.{key}" if path else key, first, whole)


def name_beneath(path: str) -> tuple[str, str]:
    """(the one of WHOLE that a dotted path leads into, the name that somebody gave beneath it), both empty for another
    setting: "task.limits.waist.cm" -> ("task.limits", "waist.cm"), "task.limits" -> ("task.limits", ""). The name may
    stand in quotes, as with_value reads it."""
    whole = next((each for each in WHOLE if path == each or path.startswith(f"{each}.")), "")
    name = path[len(whole) + 1 :] if whole else ""
    return whole, name[1:-1] if len(name) > 1 and name[0] == name[-1] == '"' else name


def transforms_line(config: RunConfig) -> str:
    """The enabled transforms in one line, with what a person tells them apart by."""
    words = []
    for transform in config.transforms:
        if transform.enabled:
            size = [transform.params.get(side) for side in ("height", "width")]
            word = f"{transform.name} {size[0]} x {size[1]}" if None not in size else transform.name
            words.append(word if transform.deterministic else f"{word} (p {transform.p:g})")
    return " + ".join(words)


def phases_line(config: RunConfig) -> str:
    """Optimizers and epochs in one line: 'adam 15 + sgd 50 epochs'."""
    return " + ".join(f"{phase.optimizer} {phase.epochs}" for phase in config.phases) + " epochs"


@lru_cache(maxsize=4)
def _recipes(version: tuple, root: Path | None) -> dict[str, dict[str, Value]]:
    """version: of the files that are read, from recipes.version."""
    return {name: _learning(flat(recipe)) for name, recipe in recipes.all_recipes(root=root).items()}


def recipe_of(config: RunConfig, root: Path | None = None) -> tuple[str, int]:
    """(the recipe that the configuration is nearest to, number of settings in which it differs from it).

    Name, dataset, task, folds, seed, device, depth and first weights are not counted: they are settings of their own.
    """
    mine = _learning(flat(config))
    distances = {name: len(differing([mine, theirs])) for name, theirs in _recipes(recipes.version(root), root).items()}
    name = min(distances, key=lambda name: (distances[name], name))
    return name, distances[name]


def differing(tables: list[dict[str, Value]]) -> list[str]:
    """Settings that are not the same in all tables, in the order in which they are met first."""
    keys = dict.fromkeys(key for table in tables for key in table)
    absent = object()
    return [key for key in keys if any(table.get(key, absent) != tables[0].get(key, absent) for table in tables[1:])]


def _learning(table: dict[str, Value]) -> dict[str, Value]:
    return {key: value for key, value in table.items() if not key.startswith(APART)}


def _plain(value: Any) -> Value:
    return ", ".join(map(str, value)) if isinstance(value, list) else value
