"""Of what classes are: "present" says nothing without the name of its attribute, "cat" does. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence

from core.config.parts import NO_COLUMN
from core.config.run_config import TaskConfig
from core.data.tables.cells import spelt
from core.data.tables.meanings import usual_column
from core.data.tasks import attributes_of, class_values
from core.data.values import are_apart, is_bare, names_itself

LABEL = "label"  # the attribute of folders of classes, and of a column whatever it is called


def told_apart_by(task: TaskConfig, names: Sequence[str], label_column: str | None = None) -> tuple[str, ...]:
    """The attributes that a task's classes differ in and whose name one must know beside theirs, to say what they are.

    In the task's order: "present + absent" of a and b is not that of b and a. A yes to one attribute is none to another
    either, and "<30" may be years or kilos; "cat" says what it is, whatever its column is called. What classes were
    merged across, in any order, tells none from another: across masks, they are gender-age's.
    names: those classes. label_column: of the run's dataset; a label is of what its column is called, where that says
    more than "label" or "class".
    """
    says = label_column not in (None, NO_COLUMN) and usual_column([str(label_column)], LABEL) is None
    called = {each: str(label_column) if says and each == LABEL else each for each in attributes_of(task)}
    in_order = tuple(sorted(called.values()))
    if task.one_by_one or not names:
        return in_order
    try:
        values = class_values(task, names)
    except ValueError:  # names of a damaged run are not of its task
        return in_order
    apart = [name for name in values[0] if are_apart({frozenset(of_class[name]) for of_class in values})]
    all_bare = any(each in task.merge and not names_itself(each) for each in names)  # "low", whatever it is merged of
    classes = list(zip(names, values, strict=True))
    return tuple(
        called[name]
        for name in apart
        if all_bare or any(is_bare(name, value, of) for of, has in classes for value in has[name])
    )


def are_of_the_same(one: Sequence[str], other: Sequence[str]) -> bool:
    """Whether classes of the same names are told apart by the same attributes, as told_apart_by names them.

    A label that nothing says more about, as that of folders, may be any attribute.
    """
    return len(one) == len(other) and all(
        spelt(mine) == spelt(others) or LABEL in (mine, others) for mine, others in zip(one, other, strict=True)
    )
