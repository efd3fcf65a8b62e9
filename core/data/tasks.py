"""A task picks samples and names their classes."""

import pandas as pd

from core.config.run_config import TaskConfig
from core.errors import LabError

MASKS = ("mask", "incorrect", "normal")
GENDERS = ("female", "male")
TASK_ATTRIBUTES = {
    "gender-age": ("gender", "age"),
    "mask-gender-age": ("mask", "gender", "age"),
    "mask": ("mask",),
    "gender": ("gender",),
    "age": ("age",),
    "label": ("label",),
}


def class_names(task: TaskConfig, samples: pd.DataFrame) -> list[str]:
    """The task's classes in their order.

    A mask state, gender or age group that no photo has is left out, so a dataset without masks worn wrongly has 12
    classes in mask-gender-age; the combinations of what is there all stay.
    """
    parts = _parts(_of_task(samples, task), task)
    names = [""]
    for name in parts.columns:
        present = set(parts[name])
        values = [value for value in _values(name, task, present) if value in present]
        names = [f"{start} {value}".strip() if name != "label" else value for start in names for value in values]
    return names


def class_parts(task: TaskConfig, names: list[str]) -> list[dict[str, str]]:
    """What each class says about each attribute, in class order: [{'gender': 'female', 'age': '<30'}, ...]."""
    attributes = TASK_ATTRIBUTES[task.name]
    if len(attributes) == 1:
        return [{attributes[0]: name} for name in names]
    return [dict(zip(attributes, name.split(" "), strict=True)) for name in names]


def label_samples(samples: pd.DataFrame, task: TaskConfig) -> tuple[pd.DataFrame, list[str], int]:
    """(samples of the task with int `y` and str `class_name` added, class names, number of samples not in the task).

    Raises LabError if no sample has the task's attributes, if a class has no photo, or if there is one class only.
    """
    chosen = _of_task(samples, task)
    if chosen.empty:
        has = [name for name in ("mask", "gender", "age", "label") if samples[name].notna().any()]
        needs = " and ".join(TASK_ATTRIBUTES[task.name]) + (
            " of unmasked photos" if task.name == "gender-age" or task.unmasked else ""
        )
        fits = ", ".join(possible_tasks(samples)) or "none does"
        raise LabError(
            f"task {task.name}: none of {len(samples)} photos tells {needs}; they tell {', '.join(has) or 'nothing'}",
            f"Choose a task that fits the dataset ({fits}), or another reader.",
            "task",
        )
    names = class_names(task, samples)
    parts = _parts(chosen, task)
    class_name = parts.iloc[:, 0].str.cat(parts.iloc[:, 1:], sep=" ") if len(parts.columns) > 1 else parts.iloc[:, 0]
    y = class_name.map({name: i for i, name in enumerate(names)}).astype("int64")
    table = chosen.assign(y=y, class_name=class_name.astype("str")).reset_index(drop=True)
    absent = sorted(set(names) - set(class_name))
    if absent:
        raise LabError(
            f"task {task.name}: class {absent[0]!r} has no photos" + (f", nor have {absent[1:]}" if absent[1:] else ""),
            "Change the age limits, or choose a task with fewer attributes.",
            "task",
        )
    if len(names) < 2:
        raise LabError(
            f"task {task.name}: one class only, {names[0]!r} ({len(table)} photos); a classifier needs two",
            "Choose another task, or add photos of another class.",
            "task",
        )
    return table, names, len(samples) - len(table)


def possible_tasks(samples: pd.DataFrame) -> list[str]:
    """The tasks that some photo has all labels for, the study's first."""
    return [name for name in TASK_ATTRIBUTES if len(_of_task(samples, TaskConfig(name=name)))]


def _of_task(samples: pd.DataFrame, task: TaskConfig) -> pd.DataFrame:
    keep = samples[list(TASK_ATTRIBUTES[task.name])].notna().all(axis=1)
    if task.name == "gender-age" or task.unmasked:
        keep &= samples["mask"].isna() | (samples["mask"] == "normal")
    return samples[keep]


def _parts(samples: pd.DataFrame, task: TaskConfig) -> pd.DataFrame:
    """The task's attributes as text, in the order in which they make a class name: mask, gender, age group."""
    parts = samples[list(TASK_ATTRIBUTES[task.name])].copy()
    if "age" in parts:
        parts["age"] = age_group(parts["age"], task)
    return parts.astype("object")


def age_group(age: pd.Series, task: TaskConfig) -> pd.Series:
    """Ages in years -> names of the task's age groups; None without an age."""
    low, high = task.age_limits
    groups = pd.cut(age, [-float("inf"), low, high, float("inf")], right=False, labels=_ages(task)).astype("object")
    return groups.where(groups.notna(), None)


def _ages(task: TaskConfig) -> list[str]:
    low, high = task.age_limits
    return [f"<{low}", f"{low}-{high - 1}", f">={high}"]


def _values(name: str, task: TaskConfig, present: set[str]) -> list[str]:
    return {"mask": list(MASKS), "gender": list(GENDERS), "age": _ages(task), "label": sorted(present)}[name]
