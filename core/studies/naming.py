"""A name for a run that is added to a study, from what differs between it and the run that it began as. No torch."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from core.config.settings import Value, differing
from core.studies.grid import value_word
from core.text import one_line

LONGEST = 60  # characters, as in a configuration
MOST = 3  # settings that a name tells
LONGEST_VALUE = 16  # characters
UNSAID = ("name", "description", "data.", "folds.", "training.loader_workers", "training.device")


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
