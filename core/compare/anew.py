"""Whether compared runs can be launched anew together, in another number of folds. Imports no torch."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

from core.compare.contrast import configurations, settings
from core.compare.members import ComparedRun
from core.config import RunConfig
from core.config.names import titles_of
from core.data.persons import units
from core.errors import LabError
from core.studies.grid import of_other_data


def refusal(members: Sequence[ComparedRun], folds: int) -> LabError | None:
    """Why these runs cannot be launched anew on one split in so many folds, as far as it can be told without the
    dataset; its message is a part of a sentence.

    members: two or more, the first of which gives the split to all.
    """
    configs = configurations(members)
    if apart := of_other_data(configs):  # all are planned on one scan, which is of one dataset, read one way
        return LabError(
            f"their data settings differ ({', '.join(titles_of(apart).values())})",
            "Launch one of them with the other's, then compare the two.",
            kind="data",
        )
    for (one, first), (other, second) in itertools.combinations(zip(members, configs, strict=True), 2):
        if _trained(first) == _trained(second):
            return LabError(
                f"{one.name} and {other.name} differ in their labels or folds alone and would be the same run twice",
                "Compare runs that differ in a setting.",
                kind="same",
            )
    changed = [member for member in members if len(member.states) != folds]
    if configs[0].folds.given and changed:
        return LabError(
            f"they stand on the dataset's own {len(members[0].states)} folds",
            "Let the lab make the folds (folds.given), and launch them from the form.",
            kind="folds",
        )
    for member in changed:
        if (parent := member.config.model.parent) is not None:
            return LabError(
                f"{member.name} follows the {len(member.states)} folds of {parent}",
                f"Train {parent} in {folds} folds first, and start from that run.",
                kind="folds",
            )
        rarest, people = _rarest(member)
        if people < folds:
            return LabError(
                f"{rarest} only {units(people, member.persons.state)}",
                "Merge that class with another, or add photos." if not member.one_by_one else "Add photos.",
                kind="folds",
            )
    return None


def _trained(config: RunConfig) -> dict[str, str]:
    """What decides what is learned, but for the labels and the split."""
    return {name: value for name, value in settings(config).items() if not name.startswith("folds.")}


def _rarest(member: ComparedRun) -> tuple[str, int]:
    """(what has fewest people and must stand in each fold, how many)."""
    if member.one_by_one:
        return "the photos show", int(member.samples["person"].nunique())
    people = member.samples.groupby("class_name")["person"].nunique()
    return f"class '{people.idxmin()}' of {member.name} has", int(people.min())
