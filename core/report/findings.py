"""What a report is made from: the runs that can be compared, their differences and costs.

Imports no torch before a network has to be counted.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from core.compare import cost, members
from core.compare.cost import RunCost
from core.compare.members import ComparedRun
from core.compare.pairs import Difference, Pair, differences, pair
from core.errors import LabError
from core.runs import Run
from core.runs.colours import colour_of

SHOWN, BLURRED, WITHOUT = PHOTOS = ("shown", "blurred", "none")  # what a report does with photos of people


@dataclass(frozen=True, eq=False)
class Findings:
    """What the sections are made from. members: those that can be compared, the baseline first or alone."""

    members: list[ComparedRun]
    baseline: ComparedRun
    pairs: list[Pair]
    differences: list[Difference]
    costs: dict[str, RunCost]
    colours: dict[str, str]
    names: dict[str, str]  # run id -> a name that no other run of the report has
    problems: list[str]
    within: float
    maps: bool
    trust: bool = False  # how far to trust each map is measured
    faces: tuple[str, ...] = ()  # samples that the reader asked for
    photos: str = SHOWN


def compare_runs(
    runs: Sequence[Run],
    *,
    baseline: str | None = None,
    within: float = 0.01,
    maps: bool = False,
    trust: bool = False,
    faces: Sequence[str] = (),
    photos: str = SHOWN,
) -> Findings:
    """photos: of PHOTOS. Raises LabError when no run can be read, or the baseline is not among them."""
    if photos not in PHOTOS:
        raise LabError(f"report: photos '{photos}' is not known.", f"Choose of {', '.join(PHOTOS)}.", kind="config")
    if not runs:
        raise LabError("report: no run is named.", "Name a study or runs.", kind="gone")
    root = runs[0].dir.parent
    readable, errors = members.load_all([run.id for run in runs], root)
    if not readable:
        raise errors[0]
    first = next((m for m in readable if m.id == baseline), readable[0] if baseline is None else None)
    if first is None:
        raise LabError(f"report: the baseline '{baseline}' is not among the runs.", "Name one of them.", kind="gone")
    comparable, refused = members.same_classes(first, readable)
    ordered = members.told_apart([first, *(m for m in comparable if m is not first)])
    first = ordered[0]
    costs = {m.id: cost.cost_of(m, m.run.all_metrics()) for m in ordered}
    ratios = cost.ratios({run_id: c.size for run_id, c in costs.items()}, first.id)
    pairs = [pair(m, first) for m in ordered[1:]]
    return Findings(
        members=ordered,
        baseline=first,
        pairs=pairs,
        differences=differences(pairs, within=within, cost_ratios=ratios),
        costs=costs,
        colours={m.id: colour_of({**m.info, "id": m.id}) for m in ordered},
        names={m.id: m.name for m in ordered},
        problems=[str(error) for error in (*errors, *refused)],
        within=within,
        maps=maps and photos != WITHOUT,
        trust=trust,
        faces=tuple(dict.fromkeys(faces)),
        photos=photos,
    )
