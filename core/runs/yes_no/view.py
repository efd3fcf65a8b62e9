"""A run whose yes/no attributes are told one by one, seen through one of them: as a run that tells that one alone.

Whoever reads answers, labels or classes of a run reads those of the attribute, and needs to know nothing of the others.
Imports no torch.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pandas as pd

from core.config import RunConfig
from core.data.yes_no.pairs import UNTOLD, VALUES, YES, attributes_of
from core.errors import LabError
from core.runs.run import Run
from core.runs.yes_no import answers

OF = ":"  # between a run's id and one of its attributes in a key
NAMED = 12  # attributes that a message lists


class OneAttribute(Run):
    """One attribute of a run. Its photos are those that tell it; files, states and metrics are the run's."""

    def __init__(self, run: Run, attribute: str):
        super().__init__(run.id, run.dir.parent)
        self.attribute = attribute

    def __eq__(self, other: object) -> bool:
        return isinstance(other, OneAttribute) and (self.dir, self.attribute) == (other.dir, other.attribute)

    def __hash__(self) -> int:
        return hash((self.dir, self.attribute))

    def __repr__(self) -> str:
        return f"OneAttribute({self.key!r})"

    @property
    def key(self) -> str:
        return f"{self.id}{OF}{self.attribute}"

    @property
    def whole(self) -> Run:
        """The run with all its attributes."""
        return Run(self.id, self.dir.parent)

    @property
    def place(self) -> int:
        """Of the attribute among those of the run, in the order of the network's outputs."""
        return super().config().task.attributes.index(self.attribute)

    def config(self) -> RunConfig:
        """Under a name that says which attribute it is."""
        config = super().config()
        task = config.task.model_copy(update={"attributes": [self.attribute], "together": "product"})
        return config.model_copy(update={"task": task, "name": f"{config.name}, {self.attribute}"})

    def info(self) -> dict[str, Any]:
        info = super().info()
        names = {f"{self.attribute} {value}": value for value in VALUES}
        of_one = {
            fold: {names[name]: photos for name, photos in held.items() if name in names}
            for fold, held in (info.get("support") or {}).items()
        }
        return {**info, "class_names": list(VALUES), "task": self.attribute, "support": of_one}

    def samples(self) -> pd.DataFrame:
        return _of_attribute(super().samples(), self.attribute)

    def test_photos(self) -> pd.DataFrame | None:
        photos = super().test_photos()
        return photos if photos is None else _of_attribute(photos, self.attribute)

    def predictions(self, fold: int, which: str = "best") -> pd.DataFrame:
        return answers.of_attribute(super().predictions(fold, which), self.attribute)


def _of_attribute(table: pd.DataFrame, attribute: str) -> pd.DataFrame:
    """A labelled table as that of one attribute: y and class_name of no and yes, without photos that do not tell it."""
    of_one = table[table[YES + attribute] != UNTOLD].reset_index(drop=True)
    y = of_one[YES + attribute].astype("int64")
    of_one = of_one.drop(columns=[YES + name for name in attributes_of(table)])
    return of_one.assign(y=y, class_name=y.map(dict(enumerate(VALUES))).astype("str"))


def opened(key: str, folder: Path | None = None) -> Run:
    """A run by its id, or one attribute of it by "<id>:<attribute>".

    Raises LabError: 'bad-id', and 'attribute' where the run does not tell it, or not by itself.
    """
    run_id, of, attribute = str(key).partition(OF)
    run = Run(run_id, folder)
    if not of:
        return run
    if attribute not in (names := attributes(run.require())):
        raise LabError(f"{run.id} does not tell {attribute!r} by itself.", _choose(run, names), kind="attribute")
    return OneAttribute(run, attribute)


def id_of(key: str) -> str:
    """The run's id in a key."""
    return key.partition(OF)[0]


def attributes(run: Run) -> list[str]:
    """The attributes that a run tells one by one; none of a run whose photos have one class each, or of one of them."""
    task = run.config().task
    return list(task.attributes) if task.one_by_one else []


def check_one(run: Run) -> None:
    """Raises LabError(kind 'attribute') for a run that tells attributes one by one and is not seen through one."""
    if names := attributes(run):
        raise LabError(
            f"{run.id} tells {len(names)} attributes one by one; its answers are looked at for one of them.",
            _choose(run, names),
            kind="attribute",
        )


def _choose(run: Run, names: list[str]) -> str:
    if not names:
        return "Its photos have one class each: leave the attribute out."
    listed = ", ".join(names[:NAMED]) + (f" and {len(names) - NAMED} more" if len(names) > NAMED else "")
    return f"Choose one, such as {run.id}{OF}{names[0]}; it tells {listed}."
