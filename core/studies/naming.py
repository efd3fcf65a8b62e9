"""What the runs of a study are called: those of its grid, and one that is added, from what differs. No torch."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from core.config.settings import Value, differing, name_beneath
from core.text import one_line

LONGEST = 60  # characters, as in a configuration
SHORTEST = 4  # characters of a study's name that was cut; with less room it is left out
MOST = 3  # settings that a name tells
LONGEST_VALUE = 16  # characters
UNSAID = ("name", "description", "data.", "folds.", "training.loader_workers", "training.device")


def run_names(study: str, grid: Mapping[str, Sequence[Any]]) -> Iterator[str]:
    """What the runs of a grid are called, in its order, no two alike.

    study: its name, which is cut where the whole is too long, in all runs alike. A value is never cut, since what is
    left of one reads as another: where the values alone are too long, the last are left out behind a "…".
    """
    words = [[value_word(key, value) for value in values] for key, values in grid.items()]
    room = LONGEST - sum(1 + max(map(len, of_key), default=0) for of_key in words)
    if SHORTEST <= room < len(study):
        study = one_line(study, room)
    taken: set[str] = set()
    alike: Counter[str] = Counter()
    for combination in itertools.product(*words):
        first = name = _together(study, combination, LONGEST)
        while name in taken:
            alike[first] += 1
            number = f" {alike[first] + 1}"
            name = _together(study, combination, LONGEST - len(number)) + number
        taken.add(name)
        yield name


def _together(study: str, words: Sequence[str], longest: int) -> str:
    """The name of a study and words of a run, in at most `longest` characters."""
    values, kept = " ".join(words), list(words)
    while kept and len(values) > longest:
        kept.pop()
        values = " ".join([*kept, "…"])
    room = longest - len(values) - 1
    if len(study) <= room:
        return f"{study} {values}"
    return f"{one_line(study, room)} {values}" if room >= SHORTEST else values


def own_name(run: str, study: str) -> str:
    """What a run is called beside others of its study: without the study's name, whole or as run_names cuts it."""
    start, _, words = run.partition("… ")
    if start and words and one_line(study).startswith(start):
        return words
    return run.removeprefix(f"{study} ") or run


def value_word(key: str, value: Any) -> str:
    """How the name of a run tells a setting: "r34", "mixup", "seed=1"."""
    short = name_beneath(key)[1] or key.split(".")[-1]
    if key in ("recipe", "model.head", "mix.method", "training.loss", "training.sampling", "task.name"):
        return str(value)
    if key == "model.init":
        kind, _, origin = str(value).partition(":")
        ends = {"run": f"run {origin[-4:]}", "file": Path(origin).stem, "imagenet": "ImageNet"}
        return f"from {ends.get(kind, kind)}"
    return f"r{value}" if key == "model.depth" else f"{short}={value}"


def name_from(name: str, before: Mapping[str, Value], now: Mapping[str, Value], taken: Collection[str]) -> str:
    """ "depths r34" -> "depths r50", "depths r34 label_smoothing=0": the name with the words of what differs, one that
    no run of the study has yet.

    name: of the run that it began as. before, now: flat settings, as settings.flat gives them.
    """
    changed = [key for key in differing([dict(before), dict(now)]) if not key.startswith(UNSAID)]
    words = name.split(" ")
    for key in changed[:MOST]:
        old, new = _word(key, before.get(key)), _word(key, now.get(key))
        if old in words:
            words[words.index(old)] = new
        else:
            words.append(new)
    if len(changed) > MOST:
        words.append(f"+{len(changed) - MOST}")
    return _free(" ".join(words), taken)


def _word(key: str, value: Value) -> str:
    if key == "transforms":  # one line of all of them
        return "other transforms"
    return one_line(value_word(key, "none" if value is None else value), len(key) + LONGEST_VALUE)


def _free(name: str, taken: Collection[str]) -> str:
    name = one_line(name, LONGEST)
    number, free = 2, name
    while free in taken:
        free = f"{one_line(name, LONGEST - 1 - len(str(number)))} {number}"
        number += 1
    return free
