"""Which task a dataset is trained for, where nobody says: the recipe's, or what its table is for. Imports no torch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from core.config.run_config import RunConfig, TaskConfig
from core.data.scan import Scan
from core.data.tables.columns import MOST_VALUES
from core.data.tasks import CHOSEN, label_samples, possible_tasks, proposed_task
from core.data.values import OWN, attribute_names, column_of, is_diagnosis, is_number
from core.errors import LabError
from core.text import listed


@dataclass(frozen=True)
class Fit:
    """task: its name. attributes: those that are chosen with it. note: what was done, or is to be asked, in a
    sentence."""

    task: str
    note: str = ""
    attributes: tuple[str, ...] = ()
    is_another: bool = False

    @property
    def settings(self) -> dict[str, Any]:
        """The dotted settings that make another task of the one that was asked for; none where it stays."""
        chosen = {"task.attributes": list(self.attributes)} if self.attributes else {}
        return {"task.name": self.task, **chosen} if self.is_another else {}


def leaves_task_open(recipe: RunConfig, config: RunConfig) -> bool:
    """Whether nobody chose the task of a recipe: it says nothing of it, and neither a head of several attributes nor a
    run whose weights are gone on from asks for one. config: the recipe with what was set since, but of its task."""
    return "task" not in recipe.model_fields_set and config.model.head == "joint" and not config.model.parent


def fit_task(name: str, scan: Scan, *, is_open: bool = False) -> Fit:
    """The task to train: the one asked for, or one that the dataset has labels for.

    Of those the first whose labels make classes, in the order of the table of tasks. is_open: nobody asked for it, see
    leaves_task_open; then it is what the dataset's table is for. Where that may be something else nobody can tell, the
    note asks.
    """
    possible = possible_tasks(scan.samples)
    lacks = f"this dataset has no labels for the task {name}."
    meant = meant_task(scan.samples) if is_open else None
    if meant and meant.name != name:
        for_that = f"the dataset's table is for that. Choose {name} (task.name) if it is meant."
        note = f"Task set to {meant.title}: {for_that if name in possible else lacks}"
        return Fit(meant.name, note, tuple(meant.attributes), is_another=True)
    if name in possible or not possible:
        return Fit(name, _asked(name, scan.samples) if is_open and possible else "")
    fitting = next((name for name in possible if _has_classes(scan, name)), possible[0])
    return Fit(fitting, f"Task set to {fitting}: {lacks}", is_another=True)


def meant_task(samples: pd.DataFrame) -> TaskConfig | None:
    """The task of what a table labels beside the ages and genders of those whom its photos show: its label, or a column
    that is called as a diagnosis, of few classes each; None where there is none, and for faces with masks."""
    if samples["mask"].notna().any():
        return None
    if _are_few_classes(samples["label"], samples):
        return TaskConfig(name="label")
    own = [str(column) for column in samples if str(column).startswith(OWN) and is_diagnosis(column[len(OWN) :])]
    column = next((each for each in own if _are_few_classes(samples[each], samples)), None)
    return TaskConfig(name=CHOSEN, attributes=[column.removeprefix(OWN)]) if column else None


def _are_few_classes(values: pd.Series, samples: pd.DataFrame) -> bool:
    """Whether these tell half of the photos at least, in classes as few as attributes have, which are no persons."""
    labels = values.dropna()
    number = labels.nunique()
    if pd.api.types.is_numeric_dtype(labels) or not 1 < number <= MOST_VALUES:
        return False
    if 2 * number >= len(labels) or 2 * len(labels) < len(samples):
        return False
    known_rows = labels.index[samples["person_known"].loc[labels.index]]
    pairs = pd.DataFrame({"person": samples["person"].loc[known_rows], "label": labels.loc[known_rows]})
    pairs = pairs.drop_duplicates()
    return not (len(pairs) and len(pairs) == pairs["person"].nunique() == pairs["label"].nunique())


def _asked(name: str, samples: pd.DataFrame) -> str:
    """What else the dataset's table tells, where that may be what it is for; "" where it tells nothing else, but what
    is told of faces."""
    names = [each for each in attribute_names(samples) if each.casefold() not in ("race", "ethnicity")]
    own = [each for each in names if column_of(each, samples) == OWN + each and not is_number(each, samples)]
    others = [*(["label"] if samples["label"].nunique() > 1 else []), *own]
    if not others or samples["mask"].notna().any():
        return ""
    also = f"the photos also tell {listed(others)}. Choose another (task.name) if that is meant."
    return f"The task {name} is the recipe's; {also}"


def _has_classes(scan: Scan, name: str) -> bool:
    try:
        label_samples(scan.samples, proposed_task(name, scan.samples))
    except LabError:
        return False
    return True


def check_task(name: str, scan: Scan, source: str = "") -> None:
    """Raises LabError(kind 'task') with the tasks that there are, for a task that somebody chose by name.

    source: what a message begins with, such as "--set ".
    """
    possible = possible_tasks(scan.samples)
    if possible and name not in possible:
        raise LabError(
            f"{source}task.name={name}: this dataset has no labels for the task {name}.",
            f"Set task.name to {' or '.join(possible)}, or leave it out.",
            kind="task",
        )
