"""One sentence over all compared runs: what separates them, which one to take, and what would decide the rest.

Imports no torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from core.compare import anew
from core.compare.members import ComparedRun
from core.compare.pairs import Difference, identical_samples
from core.errors import LabError
from core.runs.lists.best import among
from core.stats import paired
from core.text import listed, number_of

FEW, ENOUGH = 3, 5  # fewer shared folds hardly say how far folds differ; so many do, and the recipes have them


@dataclass(frozen=True)
class Verdict:
    """headline: the sentence. more: what follows from it, and what would decide. kind: 'best' | 'same' | 'undecided' |
    'unpaired' | 'nothing'.

    top: id of the run that all others are set against, or of the best; take: the one to take, the cheapest of those
    that are not shown to be worse. contest: the two, the higher one first, whose difference `folds` folds would show,
    or could judge where too few folds are shared to say; None where none up to MOST_FOLDS would, where the two cannot
    be launched in so many, or where nothing is open. waits: folds that are not finished yet, run id -> how many. apart:
    ids of runs that cannot be set against `top`, where others can and none is better than it.
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
    """The run of the highest mean score, of those that have the largest share of their folds finished; None where no
    fold is. A mean of one lucky fold is no rival of one of five."""
    means = {member.id: list(member.scores(metric, which).values()) for member in members}
    rivals = _furthest([member for member in members if means[member.id]])
    return max(rivals, key=lambda member: float(np.mean(means[member.id])), default=None)


def no_rivals(members: Sequence[ComparedRun], metric: str = "f1", which: str = "best") -> dict[str, str]:
    """Run id -> why its mean is not ranked with the others', in a few words; of the runs that have one.

    Ranked are, of the largest set of runs on the same photos, labels and folds, those that are furthest; a run counts
    for the share of its folds that is finished, and of sets as large that of best_of is taken. One run on easier photos
    is thus no measure of all others.
    """
    best = best_of(members, metric, which)
    scored = [member for member in members if member.scores(metric, which)]
    sets: list[list[ComparedRun]] = []
    for member in sorted(scored, key=lambda each: each is not best):
        alike = next((each for each in sets if identical_samples(member, each[0])), None)
        if alike is None:
            sets.append([member])
        else:
            alike.append(member)
    largest = max(sets, key=lambda alike: sum(map(_share_done, alike)), default=[])
    ranked = _furthest(largest)
    return {
        m.id: f"{len(m.done)} of {number_of(len(m.states), 'fold')}"
        if m in largest
        else "other photos, labels or folds"
        for m in scored
        if m not in ranked
    }


def _furthest(scored: Sequence[ComparedRun]) -> list[ComparedRun]:
    """The runs that have the largest share of their folds finished."""
    largest = max(map(_share_done, scored), default=0.0)
    return [member for member in scored if _share_done(member) == largest]


def of_which(members: Iterable[ComparedRun]) -> str:
    """Which of these runs best_of is the highest of, as words after it; empty where all are as far."""
    return among(_share_done(member) for member in members if member.done)


def _share_done(member: ComparedRun) -> float:
    return len(member.done) / len(member.states)


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
    better, worse, same, open_ones, unpaired = (
        by_verdict.get(key, []) for key in (paired.BETTER, paired.WORSE, paired.SAME, paired.UNDECIDED, "unpaired")
    )
    highest = f"{names[top.id]} has the highest mean{of_which(members)}"
    if not better and not worse and not same and not open_ones:
        headline, said = f"Nothing can be set against {names[top.id]} yet.", f"{highest}, which says nothing by itself."
        return Verdict(headline, (said,), "unpaired", top.id, None, waits=waits)
    level = [d.run for d in better] or [top.id, *(d.run for d in (*same, *open_ones))]
    take = min(level, key=lambda run_id: (_known(costs.get(run_id)), level.index(run_id)))
    more: list[str] = []
    if better and len(members) == 2:
        kind, headline = "best", f"{names[take]} is the best of these: better than {names[top.id]}."
    elif better:
        kind = "undecided"
        headline = f"{_are(names, better)} better than {names[top.id]}{_also_worse(names, worse)}."
    elif not open_ones and not same:
        kind = "best"
        best = "better than" if unpaired else "the best of these: better than"
        headline = f"{names[top.id]} is {best} {listed([names[d.run] for d in worse])}."
    elif not open_ones and not worse:
        kind = "same"
        headline = f"{_same(names, top, same, 'These runs' if len(members) == 2 else '', within)}."
    elif not worse:
        kind, headline = "undecided", "Nothing separates these runs yet."
    else:
        kind = "undecided" if open_ones else "same"
        not_apart = f"{listed([names[run_id] for run_id in level], most=6)} are not told apart"
        headline = f"{not_apart if open_ones else _same(names, top, same, '', within)}{_also_worse(names, worse)}."
    contest, folds = _contest(top, [] if better else open_ones, take, within)
    by_id = {member.id: member for member in members}
    refusal = None
    if contest is not None and folds is not None and not waits:
        refusal = anew.refusal([by_id[run_id] for run_id in contest], folds)
    if better:
        more.append(f"{highest}, but not on the folds and photos that they share.")
    if kind != "best" and len(level) > 1:
        more.append(_cheapest(names[take], take, costs))
    if better and kind != "best":
        alone = f"Compare the others without {names[top.id]}, which is not the best of these."
        more.append(_unfinished(waits) or alone)
    elif open_ones:
        more.append(_what_decides(names, contest, folds, open_ones, top, waits, within, refusal))
    if unpaired:
        more.append(f"{listed([names[d.run] for d in unpaired])} cannot be set against {names[top.id]}.")
    more.append(_corrected([*better, *worse, *open_ones], within))
    others = () if better else tuple(d.run for d in unpaired)
    best_id = take if kind == "best" else top.id
    if refusal is not None:
        contest, folds = None, None
    return Verdict(headline, tuple(filter(None, more)), kind, best_id, take, contest, folds, waits, others)


def _are(names: Mapping[str, str], differences: Sequence[Difference]) -> str:
    return f"{listed([names[d.run] for d in differences])} {'are' if len(differences) > 1 else 'is'}"


def _same(names: Mapping[str, str], top: ComparedRun, same: Sequence[Difference], both: str, within: float) -> str:
    """Of which runs it was shown that they are the same: of each beside `top`, of no two of the others. both: what two
    runs are called together, their names where it is empty."""
    if len(same) > 1:
        return f"{_are(names, same)} each the same as {names[top.id]} within {paired.points(within)}"
    both = both or listed([names[top.id], *(names[d.run] for d in same)])
    return f"{both} are the same within {paired.points(within)}"


def _also_worse(names: Mapping[str, str], worse: Sequence[Difference]) -> str:
    return f"; {_are(names, worse)} worse" if worse else ""


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
    their difference; of a difference that would not matter neither is asked. The higher one of the two stands first: on
    the folds and photos that they share, that may be the other one.
    """
    if not open_ones:
        return None, None
    other = next((d for d in open_ones if d.run == take), None) or max(open_ones, key=lambda d: d.deltas_mean)
    if abs(other.deltas_mean) <= within:
        return (top.id, other.run), None
    two = (other.run, top.id) if other.deltas_mean > 0 else (top.id, other.run)
    folds = paired.folds_to_tell(np.array(other.deltas), len(top.states))
    if folds is None and _hardly_says(top, other):
        folds = ENOUGH
    return (None if folds is None else two), folds


def _hardly_says(top: ComparedRun, other: Difference) -> bool:
    return len(other.deltas) < FEW and len(top.states) < ENOUGH


def _unfinished(waits: Sequence[tuple[str, int]]) -> str:
    number = sum(left for _, left in waits)
    are = "are" if number > 1 else "is"
    return f"{number_of(number, 'fold')} {are} not finished; what they score may decide." if number else ""


def _what_decides(
    names: Mapping[str, str],
    contest: tuple[str, str] | None,
    folds: int | None,
    open_ones: Sequence[Difference],
    top: ComparedRun,
    waits: Sequence[tuple[str, int]],
    within: float,
    refusal: LabError | None,
) -> str:
    if waits:
        return _unfinished(waits)
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
    other = next(difference for difference in open_ones if difference.run in contest)
    cannot = f"; but they cannot be launched anew in {folds} folds: {refusal}" if refusal else ""
    if folds == ENOUGH and _hardly_says(top, other):
        launch = f": launch {names[contest[0]]} and {names[contest[1]]} anew in {folds} folds."
        return f"{len(other.deltas)} shared folds hardly say how far folds differ{cannot or launch}"
    further = folds - len(top.states)
    return (
        f"About {further} more fold{'s' if further > 1 else ''} would show {names[contest[0]]} above "
        f"{names[contest[1]]}, if the difference stays what it is"
        f"{cannot or f': launch the two anew in {folds} folds.'}"
    )
