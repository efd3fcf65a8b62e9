"""One sentence over all compared runs: what separates them, which one to take, and what would decide the rest.

Imports no torch.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.compare.members import ComparedRun
from core.compare.pairs import Difference
from core.stats import paired
from core.text import listed

FEW, ENOUGH = 3, 5  # fewer shared folds hardly say how far folds differ; so many do, and the recipes have them


@dataclass(frozen=True)
class Verdict:
    """headline: the sentence. more: what follows from it, and what would decide. kind: 'best' | 'same' | 'undecided' |
    'unpaired' | 'nothing'.

    top: id of the run with the highest mean score; take: the one to take, the cheapest of those that are not shown to
    be worse. contest: the two whose difference `folds` folds would show, or could judge where too few folds are shared
    to say; None where none up to MOST_FOLDS would, or where nothing is open. waits: folds that are not finished yet,
    run id -> how many. apart: ids of runs that cannot be set against `top`, where others can.
    """

    headline: str
    more: tuple[str, ...]
    kind: str
    top: str | None = None
    take: str | None = None
    contest: tuple[str, str] | None = None
    folds: int | None = None
    waits: tuple[tuple[str, int], ...] = ()
    apart: tuple[str, ...] = ()


def best_of(members: Sequence[ComparedRun], metric: str = "f1", which: str = "best") -> ComparedRun | None:
    """The run of the highest mean score over its finished folds; None where no fold is finished."""
    means = {member.id: list(member.scores(metric, which).values()) for member in members}
    scored = [member for member in members if means[member.id]]
    return max(scored, key=lambda member: float(np.mean(means[member.id])), default=None)


def verdict(
    members: Sequence[ComparedRun],
    top: ComparedRun | None,
    against_top: Sequence[Difference],
    costs: Mapping[str, float],
    *,
    within: float,
) -> Verdict:
    """members: the runs, of the same classes. against_top: every other one against `top`, which is best_of them, as
    pairs.differences tells it of the `highest`.

    costs: run id -> multiply-adds of one image, NaN or missing where unknown. within: as in pairs.differences.
    """
    if top is None or len(members) < 2:
        return Verdict("", (), "nothing")
    names = {member.id: member.name for member in members}
    waits = tuple((m.id, left) for m in members if (left := len(m.states) - len(m.done)))
    by_verdict: dict[str, list[Difference]] = {}
    for difference in against_top:
        has_interval = difference.interval is not None and difference.interval.known
        by_verdict.setdefault(difference.verdict if has_interval else "unpaired", []).append(difference)
    worse, same, unpaired = (by_verdict.get(key, []) for key in (paired.WORSE, paired.SAME, "unpaired"))
    open_ones = [d for d in against_top if d not in worse and d not in same and d not in unpaired]
    level = [top.id, *(d.run for d in (*same, *open_ones))]
    take = min(level, key=lambda run_id: (_known(costs.get(run_id)), level.index(run_id)))
    more: list[str] = []
    if not worse and not same and not open_ones:
        kind, headline = "unpaired", "No two of these runs can be set against each other yet."
        more += [f"{names[top.id]} has the highest mean, which says nothing by itself."]
        return Verdict(headline, tuple(more), kind, top.id, None, waits=waits)
    if not open_ones and not same:
        kind = "best"
        headline = f"{names[top.id]} is the best of these: better than {listed([names[d.run] for d in worse])}."
    elif not open_ones and not worse:
        kind = "same"
        headline = f"These runs are the same within {paired.points(within)}."
    elif not worse:
        kind, headline = "undecided", "Nothing separates these runs yet."
    else:
        kind = "undecided" if open_ones else "same"
        apart = "not told apart" if open_ones else f"the same within {paired.points(within)}"
        headline = (
            f"{listed([names[run_id] for run_id in level], most=6)} are {apart}; "
            f"{listed([names[d.run] for d in worse])} {'are' if len(worse) > 1 else 'is'} worse."
        )
    contest, folds = _contest(top, open_ones, take, within)
    if kind != "best":
        more.append(_cheapest(names[take], take, costs))
    if open_ones:
        more.append(_what_decides(names, contest, folds, open_ones, top, waits, within))
    if unpaired:
        more.append(f"{listed([names[d.run] for d in unpaired])} cannot be set against {names[top.id]}.")
    more.append(_corrected([*worse, *open_ones], within))
    others = tuple(d.run for d in unpaired)
    return Verdict(headline, tuple(filter(None, more)), kind, top.id, take, contest, folds, waits, others)


def _corrected(judged: Sequence[Difference], within: float) -> str:
    """For how many comparisons, where a difference is claimed or the correction may be why it is not."""
    for difference in judged:
        interval, comparisons = difference.interval, difference.comparisons
        apart = interval is not None and not interval.low <= 0 <= interval.high and abs(interval.mean) > within
        if apart and comparisons > 1:
            pairs = f"{comparisons} comparisons, all pairs of these runs"
            return f"Corrected for {pairs}: the best was chosen for its score."
    return ""


def _known(cost: float | None) -> float:
    return math.inf if cost is None or not math.isfinite(cost) else cost


def _cheapest(name: str, take: str, costs: Mapping[str, float]) -> str:
    if not math.isfinite(_known(costs.get(take))):
        return ""
    return f"Cheapest: {name}."


def _contest(
    top: ComparedRun, open_ones: Sequence[Difference], take: str, within: float
) -> tuple[tuple[str, str] | None, int | None]:
    """The best run against the one that would be taken instead, or against the next best, and the folds that would show
    their difference; of a difference that would not matter neither is asked.
    """
    if not open_ones:
        return None, None
    other = next((d for d in open_ones if d.run == take), None) or max(open_ones, key=lambda d: d.deltas_mean)
    if abs(other.deltas_mean) <= within:
        return (top.id, other.run), None
    folds = paired.folds_to_tell(np.array(other.deltas), len(top.states))
    if folds is None and _hardly_says(top, other):
        folds = ENOUGH
    return (None if folds is None else (top.id, other.run)), folds


def _hardly_says(top: ComparedRun, other: Difference) -> bool:
    return len(other.deltas) < FEW and len(top.states) < ENOUGH


def _what_decides(
    names: Mapping[str, str],
    contest: tuple[str, str] | None,
    folds: int | None,
    open_ones: Sequence[Difference],
    top: ComparedRun,
    waits: Sequence[tuple[str, int]],
    within: float,
) -> str:
    if waits:
        number = sum(left for _, left in waits)
        return f"{number} fold{'s are' if number > 1 else ' is'} not finished; what they score may decide."
    if contest is not None and folds is None:
        return (
            f"{names[contest[0]]} and {names[contest[1]]} lie within {paired.points(within)} on average: more folds "
            "could only show that they are the same."
        )
    if contest is None or folds is None:
        largest = max(abs(difference.deltas_mean) for difference in open_ones)
        return (
            f"No number of folds up to {paired.MOST_FOLDS} would show a difference of {100 * largest:.1f} points: "
            "the folds differ too much."
        )
    other = next(difference for difference in open_ones if difference.run == contest[1])
    if folds == ENOUGH and _hardly_says(top, other):
        return (
            f"{len(other.deltas)} shared folds hardly say how far folds differ: launch {names[contest[0]]} and "
            f"{names[contest[1]]} anew in {folds} folds."
        )
    further = folds - len(top.states)
    return (
        f"About {further} more fold{'s' if further > 1 else ''} would show {names[contest[0]]} above "
        f"{names[contest[1]]}, if the difference stays what it is: launch the two anew in {folds} folds."
    )
