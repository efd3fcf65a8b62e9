"""Which finished run has the highest score among those that answered about the same photos in the same folds.

Imports no torch.
"""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

from core.runs.lists.index import Listed

CRITERION = "best_f1"


@dataclass(frozen=True)
class Best:
    """others: finished runs beside it. exactly: whether photos, classes and folds are known to be the same; else, of
    runs of older labs, dataset, task and folds are the same as far as their settings tell."""

    others: int
    exactly: bool

    def in_words(self) -> str:
        same = "the same photos, classes and folds" if self.exactly else "the same dataset, task and folds"
        caveat = "" if self.exactly else ", as far as their settings tell"
        return (
            f"Highest mean F1 of {self.others + 1} finished runs on {same}{caveat}. That alone does not show it to be "
            "better: Compare tests it."
        )


def best_of(entries: Iterable[Listed]) -> dict[str, Best]:
    """Id of each run that is the best of its kind, of several the same mean each. A run alone of its kind is none, and
    neither is one with an unfinished fold or one that held nobody out."""
    alike: dict[tuple, list[tuple[float, Listed]]] = {}
    for entry in entries:
        done, folds = entry.done
        if not folds or done < folds or entry.summary.get("everybody"):
            continue
        mean = entry.scores[CRITERION][0]
        if math.isfinite(mean):
            alike.setdefault(entry.answers_about, []).append((mean, entry))
    best: dict[str, Best] = {}
    for kind, scored in alike.items():
        highest = max(mean for mean, _ in scored)
        if len(scored) > 1:
            mark = Best(len(scored) - 1, isinstance(kind[-1], str))
            best |= {entry.id: mark for mean, entry in scored if mean == highest}
    return best
