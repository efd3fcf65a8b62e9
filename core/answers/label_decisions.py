"""What people decided about the labels that a run contradicts, and how often the run was right. Imports no torch."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import pandas as pd
from scipy import stats

from core.answers.mistakes import Answers
from core.data.labels import corrections, reviews
from core.data.labels.corrections import Correction

WAITS, RIGHT, WRONG, LEFT_OUT = "", "right", "wrong", "left out"
LEVEL = 0.95


@dataclass(frozen=True)
class Tally:
    """Candidates by what became of them: photos."""

    waiting: int
    right: int
    wrong: int
    left_out: int

    @property
    def decided(self) -> int:
        return self.right + self.wrong + self.left_out

    @property
    def judged(self) -> int:
        """Those about which somebody said whether the label is right; a photo left out says nothing of that."""
        return self.right + self.wrong

    @property
    def precision(self) -> float:
        """The share of wrong labels among the judged; NaN without any."""
        return self.wrong / self.judged if self.judged else math.nan

    def interval(self) -> tuple[float, float]:
        """Of the precision, at LEVEL; (NaN, NaN) without a judged one.

        Source: Wilson 1927, the score interval, as scipy computes it.
        """
        if not self.judged:
            return math.nan, math.nan
        ends = stats.binomtest(self.wrong, self.judged).proportion_ci(LEVEL, method="wilson")
        return float(ends.low), float(ends.high)


def decisions(
    candidates: pd.DataFrame, root: str, since: float, attributes: Sequence[str], attribute: str = ""
) -> pd.Series:
    """What was decided about each row of label_errors.likely_errors since the run was launched: WAITS, RIGHT (its
    label was confirmed), WRONG (it was relabelled) or LEFT_OUT.

    since: Unix time. attributes: those of the task; a correction of another one decides nothing here. attribute: the
    one that is asked about, where a photo has a label of each. What older labs confirmed of a photo counts for the
    class that it has, of whatever task it was. Raises LabError where a list of decisions is broken.
    """
    confirmed = reviews.load(root)
    later = [each for each in corrections.load(root) if datetime.fromisoformat(each.when).timestamp() >= int(since)]
    later = [each for each in later if each.kind != "relabel" or each.attribute in attributes]
    labels = candidates["sample"].map(lambda sample: confirmed.get(reviews.subject(sample, attributes)))
    if not attribute:
        labels = labels.where(labels.notna(), candidates["sample"].map(confirmed))
    right = labels.astype(object) == candidates["label"].astype(object)
    decided = pd.Series(WAITS, index=candidates.index, dtype=object)
    decided[right] = RIGHT
    decided[_meant(candidates, [each for each in later if each.kind == "relabel"])] = WRONG
    decided[_meant(candidates, [each for each in later if each.kind != "relabel"])] = LEFT_OUT
    return decided


def _meant(candidates: pd.DataFrame, made: Sequence[Correction]) -> pd.Series:
    photos = {each.sample for each in made if each.sample}
    persons = {each.person for each in made if not each.sample}
    return candidates["sample"].isin(photos) | candidates["person"].isin(persons)


def tally(decided: pd.Series) -> Tally:
    counts = decided.value_counts()
    return Tally(*(int(counts.get(kind, 0)) for kind in (WAITS, RIGHT, WRONG, LEFT_OUT)))


def of_run(
    candidates: pd.DataFrame, answers: Answers, root: str, since: float, attribute: str = ""
) -> tuple[pd.DataFrame, Tally]:
    """(the candidates that nobody has decided about, how many were decided how). Raises LabError as `decisions`."""
    decided = decisions(candidates, root, since, answers.attributes, attribute)
    return candidates[decided == WAITS], tally(decided)
