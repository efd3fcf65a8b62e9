"""A task picks samples and names their classes."""

import itertools
from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import pandas as pd

from core.config.run_config import TaskConfig
from core.data.values import (
    OWN,
    are_apart,
    attribute_names,
    column_of,
    grouped,
    in_one_order,
    is_diagnosis,
    is_number,
    proposed_limits,
    yes_no_names,
)
from core.data.yes_no import pairs
from core.errors import LabError
from core.text import in_full, number_of

TASK_ATTRIBUTES = {
    "gender-age": ("gender", "age"),
    "mask-gender-age": ("mask", "gender", "age"),
    "mask": ("mask",),
    "gender": ("gender",),
    "age": ("age",),
    "label": ("label",),
}
CHOSEN = "attributes"  # the task whose attributes are chosen in its settings
AND = " + "  # between the values in the name of a class of several chosen attributes
MOST_COMBINATIONS = 64  # classes of a product
FEW_YES_NO = 3  # attributes of which a product is proposed; of more each is told by itself
NAMED = 20  # classes that a message lists


def attributes_of(task: TaskConfig) -> tuple[str, ...]:
    """The attributes that make a class, in the order in which its name tells them."""
    return tuple(task.attributes) if task.name == CHOSEN else TASK_ATTRIBUTES[task.name]


def class_names(task: TaskConfig, samples: pd.DataFrame) -> list[str]:
    """The task's classes in their order.

    A mask state, gender or age group that no photo has is left out, so a dataset without masks worn wrongly has 12
    classes in mask-gender-age; the combinations of what is there all stay. Of chosen attributes only the combinations
    that occur are classes. Merged classes stand where the first of them stood. Of attributes that are told one by one
    each has two, its no and its yes.
    """
    if task.one_by_one:
        return pairs.class_names(attributes_of(task))
    return _kept(task, _plain_names(task, _of_task(samples, task)).values())


def class_parts(task: TaskConfig, names: list[str]) -> list[dict[str, str]]:
    """What each class says about each attribute, in class order: [{'gender': 'female', 'age': '<30'}, ...].

    A merged class says what its members have in common, and "x or y" where they differ. One of attributes that are told
    one by one speaks of its attribute alone.
    """
    if task.one_by_one:
        return [{name: value} for name in attributes_of(task) for value in pairs.VALUES]
    if len(attributes_of(task)) == 1:
        return [{attributes_of(task)[0]: name} for name in names]
    return [{each: " or ".join(values) for each, values in of_class.items()} for of_class in class_values(task, names)]


def class_values(task: TaskConfig, names: Sequence[str]) -> list[dict[str, list[str]]]:
    """The values of each attribute that a photo of each class may have, in class order: several where it is merged of
    classes that differ in it. Of a task whose attributes are not told one by one."""
    values = []
    for name in names:
        members = [_parts_of(task, member) for member in task.merge.get(name, [name])]
        values.append({each: list(dict.fromkeys(member[each] for member in members)) for each in members[0]})
    return values


def differing_parts(task: TaskConfig, names: Sequence[str]) -> list[dict[str, str]]:
    """class_parts, but only of the attributes of a task of several in which its classes differ; none of a task of one.

    What several classes leave open reads the same in all of them, in whichever order their members were merged.
    """
    if task.one_by_one or len(attributes_of(task)) < 2:
        return [{} for _ in names]
    values = class_values(task, names)
    groups = {name: in_one_order([of_class[name] for of_class in values]) for name in values[0]}
    differ = [name for name in groups if len(set(map(tuple, groups[name]))) > 1]
    return [{name: " or ".join(groups[name][place]) for name in differ} for place in range(len(names))]


def scored_parts(task: TaskConfig, names: list[str]) -> list[dict[str, str]]:
    """differing_parts, but only of the attributes that the classes tell apart.

    One that is the same in all classes, as gender is of women only and of classes that are merged across it, is told
    right whatever is answered: there is nothing to score. Neither is there where a merged class leaves open what
    another says, as "female or male" does beside "female": either answer to its photos may be right.
    """
    parts = differing_parts(task, names)
    values = class_values(task, names) if parts[0] else []
    apart = [name for name in parts[0] if are_apart({frozenset(of_class[name]) for of_class in values})]
    return [{name: part[name] for name in apart} for part in parts]


def label_samples(samples: pd.DataFrame, task: TaskConfig) -> tuple[pd.DataFrame, list[str], int]:
    """(samples of the task with int `y` and str `class_name` added, class names, number of samples not in the task).

    Of attributes that are told one by one the samples that tell at least one of them, see pairs.labelled.
    Raises LabError if no sample has the task's attributes, if a class has no photo, or if there is one class only; and
    where attributes, limits, or classes to leave out or merge are not those of the dataset.
    """
    chosen = _of_task(samples, task)
    if chosen.empty:
        raise _nothing_to_train(samples, task)
    if task.one_by_one:
        pairs.check(chosen, attributes_of(task), task.title)
        table = pairs.labelled(chosen, attributes_of(task))
        return table, class_names(task, samples), len(samples) - len(table)
    plain = _plain_names(task, chosen)
    _check_classes(task, list(plain.values()))
    names = _kept(task, plain.values())
    class_name = _class_of(chosen, task, plain)
    kept = ~class_name.isin(task.leave_out)
    class_name = class_name[kept]
    y = class_name.map({name: i for i, name in enumerate(names)}).astype("int64")
    table = chosen[kept].assign(y=y, class_name=class_name.astype("str")).reset_index(drop=True)
    absent = sorted(set(names) - set(class_name))
    if absent:
        raise LabError(
            f"task {task.title}: class {absent[0]!r} has no photos"
            + (f", nor have {absent[1:]}" if absent[1:] else ""),
            "Change the age limits, choose a task with fewer attributes, or leave the class out (task.leave_out).",
            "task",
        )
    if len(attributes_of(task)) > 1 and task.name == CHOSEN and len(names) > MOST_COMBINATIONS:
        raise LabError(
            f"task {task.title}: {len(names):,} combinations occur; a product of attributes has at most "
            f"{MOST_COMBINATIONS} classes",
            "Choose fewer attributes, fewer groups of a number, or leave out or merge classes.",
            "task",
        )
    if len(names) < 2:
        only = f"one class only, {names[0]!r} ({len(table)} photos)" if names else "no class is left"
        raise LabError(
            f"task {task.title}: {only}; a classifier needs two",
            "Choose another task, or add photos of another class.",
            "task",
        )
    return table, names, len(samples) - len(table)


def not_used(number: int, task: TaskConfig) -> str:
    """Why photos of the dataset are not in a task, in a sentence without its stop; number: how many, at least one."""
    are, them = ("is", "it") if number == 1 else ("are", "them")
    return (
        f"{number_of(number, 'photo')} of the dataset {are} not used: the task {task.title} leaves {them} out, or a "
        "label that it needs lacks"
    )


def classes_of(samples: pd.DataFrame, task: TaskConfig) -> tuple[pd.Series, list[str]]:
    """(the class of each photo in the task, by its row of the samples; class names in their order, also of classes that
    no photo has). Raises LabError as `label_samples`, but for what is wrong with classes alone.
    """
    chosen = _of_task(samples, task)
    plain = _plain_names(task, chosen)
    _check_classes(task, list(plain.values()))
    names = _kept(task, plain.values())
    class_name = _class_of(chosen, task, plain).astype("object")
    return class_name[~class_name.isin(task.leave_out)], names


def label_as(
    others: pd.DataFrame, samples: pd.DataFrame, task: TaskConfig, names: Sequence[str]
) -> tuple[pd.DataFrame, dict[str, int], int]:
    """Other photos labelled as a run's samples are: (those with `y` and `class_name` of the run's classes, photos of
    each class that is none of them, number of photos not in the task).

    samples: what `label_samples` made the classes from. names: those classes, in their order.
    """
    alike = _told_alike(others, samples, task)
    both = pd.concat([samples, alike], ignore_index=True)  # judged together, so that one rule holds for both
    in_task = _of_task(both, task)
    if task.one_by_one:
        rows = in_task.index[in_task.index >= len(samples)]
        chosen = others.reset_index(drop=True).set_axis(range(len(samples), len(both))).loc[rows]
        return (
            pairs.labelled(chosen, attributes_of(task)),
            pairs.unknown(chosen, attributes_of(task)),
            len(others) - len(chosen),
        )
    class_name = _class_of(in_task, task, _plain_names(task, in_task))[in_task.index >= len(samples)].astype("str")
    chosen = others.reset_index(drop=True).set_axis(range(len(samples), len(both))).loc[class_name.index]
    y = class_name.map({name: i for i, name in enumerate(names)})
    of_run = y.notna()
    table = chosen[of_run].assign(y=y[of_run].astype("int64"), class_name=class_name[of_run])
    unknown = class_name[~of_run].value_counts().sort_index()
    return table.reset_index(drop=True), {str(k): int(n) for k, n in unknown.items()}, len(others) - len(chosen)


def _told_alike(others: pd.DataFrame, samples: pd.DataFrame, task: TaskConfig) -> pd.DataFrame:
    """Other photos with the dataset's own attributes as numbers or as words, as the samples tell them.

    Where samples and limits are whole numbers, those of others are rounded down, which moves none to another group:
    groups keep their names then.
    """
    columns: dict[str, pd.Series] = {}
    for column in (name for name in others if str(name).startswith(OWN) and name in samples):
        values = others[column]
        if pd.api.types.is_numeric_dtype(samples[column]):
            values = pd.to_numeric(values, errors="coerce").astype("float64")
            counted = [*limits_of(column.removeprefix(OWN), task), *samples[column].dropna()]
            columns[column] = np.floor(values) if all(float(each).is_integer() for each in counted) else values
        elif pd.api.types.is_numeric_dtype(values):
            columns[column] = values.map(in_full).astype("object").where(values.notna(), None)
    return others.assign(**columns)


def possible_tasks(samples: pd.DataFrame) -> list[str]:
    """The tasks that some photo has all labels for, the study's first; chosen attributes where there are any."""
    named = [name for name in TASK_ATTRIBUTES if _is_of_task(samples, TaskConfig(name=name)).any()]
    return [*named, CHOSEN] if attribute_names(samples) else named


def proposed_task(name: str, samples: pd.DataFrame) -> TaskConfig:
    """A task by its name, for a dataset that nobody has said more about: of chosen attributes a diagnosis, else the
    first that makes classes, a number cut in three."""
    if name != CHOSEN:
        return TaskConfig(name=name)
    names = attribute_names(samples)
    own = [each for each in names if str(column_of(each, samples)).startswith(OWN)] or names
    several = [each for each in own if samples[str(column_of(each, samples))].nunique() > 1] or own
    plain = [each for each in several if not is_number(each, samples)]
    first = next(filter(is_diagnosis, plain), next(iter(plain), several[0]))
    return with_limits(TaskConfig(name=CHOSEN, attributes=[first]), samples)


def proposed_together(names: Sequence[str], samples: pd.DataFrame, now: str = "product") -> str:
    """How several attributes are told: one by one where all are yes/no and more than a few, else as now if that can
    be."""
    if not names or not set(names) <= set(yes_no_names(samples)):
        return "product"
    return "each" if len(names) > FEW_YES_NO else now


def with_limits(task: TaskConfig, samples: pd.DataFrame) -> TaskConfig:
    """The task with proposed limits for each chosen number that has none."""
    numbers = [name for name in attributes_of(task) if column_of(name, samples) and is_number(name, samples)]
    lacking = [name for name in numbers if task.name == CHOSEN and name not in task.limits]
    proposed = {name: limits for name in lacking if (limits := proposed_limits(name, samples))}
    return task.model_copy(update={"limits": {**task.limits, **proposed}}) if proposed else task


def limits_of(name: str, task: TaskConfig) -> Sequence[float]:
    """Where a number is cut into groups: as the task says, an age by its age limits else; () for nowhere."""
    if name in task.limits and task.name == CHOSEN:
        return task.limits[name]
    return task.age_limits if name == "age" else task.limits.get(name, ())


def grouped_as(name: str, samples: pd.DataFrame, task: TaskConfig) -> pd.Series:
    """An attribute's value of each photo as ordered categories, those that occur; missing where it is not told.

    A number is cut at the task's limits, else where it is proposed.
    """
    limits = limits_of(name, task) or (proposed_limits(name, samples) if is_number(name, samples) else ())
    values, order = grouped(name, samples, limits)
    return pd.Series(pd.Categorical(values, order), index=samples.index, name=name)


def own_columns(task: TaskConfig, samples: pd.DataFrame) -> list[str]:
    """The columns of the dataset's own attributes that decide which photos are used and what class they are."""
    columns = [column_of(name, samples) for name in (*attributes_of(task), *task.only)]
    return sorted({column for column in columns if column and column.startswith(OWN)})


def _of_task(samples: pd.DataFrame, task: TaskConfig) -> pd.DataFrame:
    """The photos that tell all that the task asks for. Raises LabError for an attribute that the dataset lacks."""
    return samples[_is_of_task(samples, task)]


def _is_of_task(samples: pd.DataFrame, task: TaskConfig) -> pd.Series:
    """_of_task as a bool for each photo: where they are only counted, no table of 200,000 is copied."""
    columns = [_column(name, samples, task) for name in attributes_of(task)]
    if not columns:
        raise LabError(
            f"task {task.title}: no attribute is chosen; the photos tell {_told(samples)}",
            "Choose some (task.attributes, such as [" + ", ".join(attribute_names(samples)[:2]) + "]).",
            "task",
        )
    is_told = samples[columns].notna()
    keep = is_told.any(axis=1) if task.one_by_one else is_told.all(axis=1)
    if task.name == "gender-age" or task.unmasked:
        keep &= samples["mask"].isna() | (samples["mask"] == "normal")
    for name, values_kept in task.only.items():
        _column(name, samples, task)
        values, present = grouped(name, samples, limits_of(name, task))
        if absent := [value for value in values_kept if value not in present]:
            raise LabError(
                f"task {task.title}: no photo has {name} {absent[0]!r}",
                f"Choose of its values (task.only): {_listed(present)}.",
                "task",
            )
        keep &= values.isin(values_kept)
    return keep


def _column(name: str, samples: pd.DataFrame, task: TaskConfig) -> str:
    """The column of an attribute. Raises LabError if there is none."""
    column = column_of(name, samples)
    if column is None:
        raise LabError(
            f"task {task.title}: the dataset has no attribute {name!r}; the photos tell {_told(samples)}",
            "Choose one of those, or the columns that are attributes (data.attributes).",
            "task",
        )
    return column


def _values(chosen: pd.DataFrame, task: TaskConfig) -> list[list[str]]:
    """For each attribute the value of each photo, as text."""
    return [grouped(name, chosen, _limits(name, chosen, task))[0].tolist() for name in attributes_of(task)]


def _limits(name: str, chosen: pd.DataFrame, task: TaskConfig) -> Sequence[float]:
    """Raises LabError for a number that has none: each of its values would be a class."""
    limits = limits_of(name, task)
    if not limits and is_number(name, chosen):
        numbers = chosen[str(column_of(name, chosen))]
        such = ", ".join(in_full(limit) for limit in proposed_limits(name, chosen)) or f"{numbers.mean():g}"
        span = f"{in_full(numbers.min())} to {in_full(numbers.max())}"
        raise LabError(
            f"task {task.title}: {name} is a number ({span}) and is not cut into groups",
            f"Set its limits (task.limits), such as {{{name}: [{such}]}}.",
            "task",
        )
    return limits


def _plain_names(task: TaskConfig, chosen: pd.DataFrame) -> dict[tuple[str, ...], str]:
    """Values of the attributes -> name of their class, in the order of the classes, before any are merged."""
    names = attributes_of(task)
    orders = [grouped(name, chosen, _limits(name, chosen, task))[1] for name in names]
    if task.name != CHOSEN:
        return {values: " ".join(values) for values in itertools.product(*orders)}
    places = [{value: place for place, value in enumerate(order)} for order in orders]
    occurring = set(zip(*_values(chosen, task), strict=True))
    ordered = sorted(occurring, key=lambda values: [place[value] for place, value in zip(places, values, strict=True)])
    return {values: joint_name(names, values) for values in ordered}


def joint_name(attributes: Sequence[str], values: Sequence[str]) -> str:
    """The class of chosen attributes with these values, such as "dark + smiling yes"."""
    return values[0] if len(values) == 1 else AND.join(map(_word, attributes, values))


def _word(name: str, value: str) -> str:
    """A value in the name of a class of several attributes: a yes says to what."""
    return f"{name} {value}" if value in ("yes", "no") else value.replace(AND, "+")


def _parts_of(task: TaskConfig, name: str) -> dict[str, str]:
    """What an unmerged class says about each attribute. Raises ValueError if it is none of the task's."""
    attributes = attributes_of(task)
    if len(attributes) == 1:
        return {attributes[0]: name}
    values = name.split(AND if task.name == CHOSEN else " ")
    value_of = {each: value.removeprefix(f"{each} ") for each, value in zip(attributes, values, strict=True)}
    return {
        each: value_of[each] if value_of[each] in ("yes", "no") else value
        for each, value in zip(value_of, values, strict=True)
    }


def _class_of(chosen: pd.DataFrame, task: TaskConfig, plain: dict[tuple[str, ...], str]) -> pd.Series:
    """The name of each photo's class once some are merged. plain: from _plain_names."""
    final = dict(zip(plain, merged(task.merge, plain.values()), strict=True))
    values = pd.Series(list(zip(*_values(chosen, task), strict=True)), index=chosen.index, dtype="object")
    return values.map(final.get)


def merged(merge: Mapping[str, Sequence[str]], names: Iterable[str]) -> list[str]:
    """The name of each class once some are merged. merge: the name of each merged class -> its members."""
    into = {member: name for name, members in merge.items() for member in members}
    return [into.get(name, name) for name in names]


def _kept(task: TaskConfig, names: Iterable[str]) -> list[str]:
    """The classes, once each, after some are merged and some left out."""
    left_out = set(task.leave_out)
    return [name for name in dict.fromkeys(merged(task.merge, names)) if name not in left_out]


def _check_classes(task: TaskConfig, names: list[str]) -> None:
    """Raises LabError for a class to leave out or merge that is none, and for a merged one with another's name."""
    there = set(names)
    for setting, members in [("leave_out", task.leave_out), *(("merge", each) for each in task.merge.values())]:
        if absent := [member for member in members if member not in there]:
            raise LabError(
                f"task {task.title}: there is no class {absent[0]!r} to {setting.replace('_', ' ')}",
                f"Name classes of the task (task.{setting}): {_listed(names)}.",
                "task",
            )
    for name, members in task.merge.items():
        if name in there and name not in members:
            raise LabError(
                f"task {task.title}: {name!r} is a class already, and not one of those merged into it",
                "Call the merged class something else (task.merge), or name it among its members.",
                "task",
            )


def _nothing_to_train(samples: pd.DataFrame, task: TaskConfig) -> LabError:
    needs = " and ".join(attributes_of(task)) + (
        " of unmasked photos" if task.name == "gender-age" or task.unmasked else ""
    )
    needs += "".join(f" with {name} {' or '.join(values)}" for name, values in task.only.items())
    fits = ", ".join(possible_tasks(samples)) or "none does"
    has = ", ".join(attribute_names(samples)) or "nothing"
    return LabError(
        f"task {task.title}: none of {len(samples)} photos tells {needs}; they tell {has}",
        f"Choose a task that fits the dataset ({fits}), or another reader.",
        "task",
    )


def _told(samples: pd.DataFrame) -> str:
    return _listed(attribute_names(samples)) or "none"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED:,} more" if len(names) > NAMED else "")
