"""What a report is made from: the runs that can be compared, their differences and costs.

Imports no torch before a network has to be counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from core import compare, cost, figures, members, run_index, runs
from core.compare import Difference, Pair
from core.cost import Cost
from core.errors import LabError
from core.members import Member
from core.runs import Run


@dataclass(frozen=True, eq=False)
class Findings:
    """What the sections are made from. members: those that can be compared, the baseline first or alone."""

    members: list[Member]
    baseline: Member
    pairs: list[Pair]
    differences: list[Difference]
    costs: dict[str, Cost]
    colours: dict[str, str]
    names: dict[str, str]  # run id -> a name that no other run of the report has
    problems: list[str]
    within: float
    maps: bool


def findings(
    chosen: Sequence[Run], *, baseline: str | None = None, within: float = 0.01, maps: bool = False
) -> Findings:
    """Raises LabError when no run can be read, or the baseline is not among them."""
    if not chosen:
        raise LabError("report: no run is named.", "Name a study or runs.", kind="gone")
    root = chosen[0].dir.parent
    readable, errors = members.load_all([run.id for run in chosen], root)
    if not readable:
        raise errors[0]
    first = next((m for m in readable if m.id == baseline), readable[0] if baseline is None else None)
    if first is None:
        raise LabError(f"report: the baseline '{baseline}' is not among the runs.", "Name one of them.", kind="gone")
    kept, refused = members.same_classes(first, readable)
    ordered = [first, *(m for m in kept if m.id != first.id)]
    costs = {m.id: cost.cost_of(m, m.run.all_metrics()) for m in ordered}
    ratios = cost.ratios({run_id: c.size for run_id, c in costs.items()}, first.id)
    pairs = [compare.pair(m, first) for m in ordered[1:]]
    names = _names(ordered)
    told = [replace(p, run=_named(p.run, names), baseline=_named(p.baseline, names)) for p in pairs]
    return Findings(
        members=ordered,
        baseline=first,
        pairs=told,
        differences=compare.differences(told, within=within, cost_ratios=ratios),
        costs=costs,
        colours=_colours(ordered, root),
        names=names,
        problems=[str(error) for error in (*errors, *refused)],
        within=within,
        maps=maps,
    )


def _names(chosen: Sequence[Member]) -> dict[str, str]:
    """Names that tell the runs apart: those that share one get the end of their id."""
    shared = [m.name for m in chosen]
    return {m.id: m.name if shared.count(m.name) == 1 else f"{m.name} ({m.id[-4:]})" for m in chosen}


def _named(member: Member, names: dict[str, str]) -> Member:
    return replace(member, config=member.config.model_copy(update={"name": names[member.id]}))


def _colours(chosen: Sequence[Member], root: Path) -> dict[str, str]:
    """The colours that the pages give them: by their place among all runs."""
    ids = [entry.id for entry in run_index.listed(root if root != runs.runs_folder() else None)]
    places = {run_id: len(ids) - 1 - place for place, run_id in enumerate(ids)}
    return {m.id: figures.run_colour(places.get(m.id, number)) for number, m in enumerate(chosen)}
