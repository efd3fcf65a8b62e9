"""A task with other classes: some left out, some merged, merged ones apart again. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from core.config.parts import TaskConfig

FEW = 3  # classes whose names together are the name of what they become


def members_of(task: TaskConfig, name: str) -> list[str]:
    """What a class is made of: the classes that were merged into it, else itself."""
    return list(task.merge.get(name, [name]))


def without(task: TaskConfig, names: Sequence[str]) -> TaskConfig:
    """The task without the photos of these classes; of a merged class those of all its members."""
    members = [member for name in names for member in members_of(task, name)]
    left_out = list(dict.fromkeys([*task.leave_out, *members]))
    kept = {name: merged for name, merged in task.merge.items() if name not in names}
    return task.model_copy(update={"leave_out": left_out, "merge": kept})


def merged(task: TaskConfig, names: Sequence[str], name: str) -> TaskConfig:
    """The task in which these classes are one of that name."""
    members = list(dict.fromkeys(member for each in names for member in members_of(task, each)))
    others = {each: parts for each, parts in task.merge.items() if each not in names and each != name}
    return task.model_copy(update={"merge": {**others, name: members}})


def apart(task: TaskConfig, name: str) -> TaskConfig:
    """The task in which a merged class is its members again."""
    return task.model_copy(update={"merge": {each: parts for each, parts in task.merge.items() if each != name}})


def proposed_name(names: Sequence[str], others: Sequence[str] = ()) -> str:
    """What merged classes may be called: "cat or dog"; of many "other". others: names that are taken."""
    name = " or ".join(names) if len(names) <= FEW else "other"
    while name in others:
        name += " (merged)"
    return name
