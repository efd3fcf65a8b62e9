"""A run and the one that was retrained on its corrected labels: whether that helped, and what each is scored on.

The two are not scored on the same labels, so their own scores cannot be subtracted. Imports no torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from core.compare.members import ComparedRun, out_of_fold
from core.compare.pairs import Difference
from core.stats import paired
from core.stats.metrics import confusion_of, macro_f1
from core.text import count, number_of

HELPED = {
    paired.BETTER: "The corrected labels helped.",
    paired.WORSE: "The corrected labels made it worse.",
    paired.SAME: "The corrected labels changed nothing that matters.",
    paired.UNDECIDED: "The corrected labels are not shown to help or to harm.",
}


@dataclass(frozen=True)
class ScoredOn:
    """Macro F1 of both, pooled over the folds, on the same photos and the same labels. photos: how many; of attributes
    told one by one: answers."""

    labels: str
    photos: int
    before: float
    after: float


@dataclass(frozen=True)
class Corrected:
    """relabelled: photos of another class in the later run. gone: of the earlier run alone; new: of the later alone."""

    relabelled: int
    gone: int
    new: int
    rows: tuple[ScoredOn, ...]


def pair_of(members: Sequence[ComparedRun]) -> tuple[ComparedRun, ComparedRun] | None:
    """(a run, the newest one that was retrained on its corrected labels) among the members; None without such two."""
    by_id = {member.id: member for member in members}
    later = [member for member in members if member.info.get("retrained") in by_id]
    newest = max(later, key=lambda member: float(member.info.get("created") or 0), default=None)
    return None if newest is None else (by_id[str(newest.info["retrained"])], newest)


def headline(difference: Difference) -> str:
    """Whether it helped, in a sentence. difference: the later run minus the earlier."""
    if difference.interval is None or not difference.interval.known:
        return "Whether the corrected labels helped cannot be told yet."
    return HELPED[difference.verdict]


def corrected(before: ComparedRun, after: ComparedRun, which: str = "best") -> Corrected:
    """What was corrected, and both runs scored on the labels that stayed, on the old ones and on the new ones.

    Only photos that both held out count. rows is empty until both have finished a fold of the same number.
    Raises LabError where predictions are gone.
    """
    folds = sorted(set(before.done) & set(after.done))
    were, are = (run.samples.drop_duplicates("sample").set_index("sample") for run in (before, after))
    both = were.index.intersection(are.index)
    columns = [c for c in were if c not in ("path", "bits", "person", "fold", "hash") and c in are]
    other = (were.loc[both, columns].astype(str) != are.loc[both, columns].astype(str)).any(axis=1)
    gone, new = len(were.index.difference(are.index)), len(are.index.difference(were.index))
    rows = _rows(before, after, which, folds) if folds else ()
    return Corrected(int(other.sum()), gone, new, rows)


def _rows(before: ComparedRun, after: ComparedRun, which: str, folds: Sequence[int]) -> tuple[ScoredOn, ...]:
    keys = ["sample", "fold", *(["attribute"] if before.one_by_one else [])]
    columns = [*keys, "label", "predicted"]
    a, b = (out_of_fold(run, which, folds)[columns] for run in (before, after))
    table = a.merge(b, on=keys, suffixes=("_before", "_after"))
    same = table["label_before"].astype(str) == table["label_after"].astype(str)
    names = before.class_names
    ways = (
        ("labels that stayed as they were", table[same], "label_before"),
        (f"all, by the labels of {before.name}", table, "label_before"),
        (f"all, by the corrected labels of {after.name}", table, "label_after"),
    )
    return tuple(ScoredOn(words, len(part), *_both(part, label, names)) for words, part, label in ways if len(part))


def _both(table: pd.DataFrame, label: str, names: Sequence[str]) -> tuple[float, float]:
    of_before, of_after = (
        macro_f1(confusion_of(table[label], table[f"predicted_{side}"], names)) for side in ("before", "after")
    )
    return of_before, of_after


def what_it_is_scored_on(change: Corrected, before: ComparedRun, after: ComparedRun) -> str:
    """How the comparison was made fair, and what it cannot know, in sentences."""
    parts = [f"{number_of(change.relabelled, 'photo')} of another class"] if change.relabelled else []
    parts += [f"{count(change.gone)} left out"] if change.gone else []
    parts += [f"{count(change.new)} new"] if change.new else []
    differs = f"In {after.name}: {', '.join(parts)}. " if parts else ""
    return (
        f"{differs}Scores on different labels cannot be subtracted, so the verdict counts only photos whose label "
        f"stayed. The others were corrected because {before.name} contradicted their labels, which favours it there."
    )
