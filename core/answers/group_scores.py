"""Whether a run fails on some group: its answers cut by every attribute of the dataset, asked for or not.

Imports no torch.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.stats.metrics import accuracy, class_f1, confusion_of
from core.text import count

if TYPE_CHECKING:
    from core.answers.mistakes import Answers
    from core.stats.paired import Interval

MOST_GROUPS = 24  # values of one attribute that are told, those with the most photos
SURE = 0.05  # p, corrected for all groups, below which a group is called worse or better


@dataclass(frozen=True)
class GroupScore:
    """How the photos with one value of an attribute were answered.

    photos, people: of the group. accuracy, f1: 0..1; f1 is the mean over the classes of which the group holds photos.
    gap: accuracy minus that of the photos that tell another value of the attribute, with its interval over people.
    p: of the gap, corrected for all groups that were looked at (Holm); NaN where nothing can be said.
    passed_over: values of the same attribute that photos have and nobody looked at.
    """

    attribute: str
    value: str
    photos: int
    people: int
    accuracy: float
    f1: float
    gap: Interval
    p: float
    passed_over: int = 0

    @property
    def differs(self) -> str:
        """worse, better, or empty where neither is shown."""
        return ("worse" if self.gap.mean < 0 else "better") if self.p < SURE else ""


def of_answers(answers: Answers) -> list[GroupScore]:
    """The groups of one run; an attribute whose values are its classes is told by their scores already."""
    true = answers.table["true"].astype(object)
    groups = {name: group for name, group in answers.groups.items() if not _are_one(group, true)}
    return group_scores(answers.table.rename(columns={"label": "_", "true": "label"}), groups, answers.class_names)


def _are_one(group: pd.Series, true: pd.Series) -> bool:
    """Whether each value stands with one class alone, and each class with one value."""
    pairs = pd.DataFrame({"group": group, "true": true}).dropna().drop_duplicates()
    return pairs["group"].is_unique and pairs["true"].is_unique


def group_scores(table: pd.DataFrame, groups: Mapping[str, pd.Series], names: Sequence[str]) -> list[GroupScore]:
    """One score a value of each attribute, in its order; values that hold all photos or none are left out.

    table: out-of-fold answers with person, label and predicted (class names). groups: attribute -> its value of each
    row as ordered categories.
    """
    from core.stats.clustered import accuracy_gap  # scipy: a page begins without it
    from core.stats.paired import holm

    person, _ = pd.factorize(table["person"])
    right = (table["label"].astype(object) == table["predicted"].astype(object)).to_numpy()
    scores, places = [], []  # places: which test a score belongs to
    tests: list[float] = []
    passed_over: dict[str, int] = {}
    for name, group in groups.items():
        codes = group.cat.codes.to_numpy()
        counts = np.bincount(codes[codes >= 0], minlength=len(group.cat.categories))
        held = [i for i in np.sort(np.argsort(-counts, kind="stable")[:MOST_GROUPS]) if 0 < counts[i] < counts.sum()]
        passed_over[name] = max(0, int((counts > 0).sum()) - MOST_GROUPS)
        for i in held:
            labelled = codes >= 0
            inside = codes == i
            gap = accuracy_gap(pd.factorize(person[labelled])[0], right[labelled], inside[labelled])
            if not (len(held) == 2 and i == held[1]):  # of two values the second asks the same
                tests.append(gap.p)
            places.append(len(tests) - 1)
            matrix = confusion_of(table["label"][inside], table["predicted"][inside], names)
            f1 = float(class_f1(matrix)[matrix.sum(axis=1) > 0].mean())
            people = len(np.unique(person[inside]))
            value = str(group.cat.categories[i])
            scores.append((name, value, int(counts[i]), people, accuracy(matrix), f1, gap))
    corrected = holm(tests)
    placed = zip(scores, places, strict=True)
    return [GroupScore(*score, float(corrected[place]), passed_over[score[0]]) for score, place in placed]


def same_photos(of_runs: Iterable[Sequence[GroupScore]]) -> bool:
    """Whether the runs answered about as many photos of each group that several of them hold."""
    counts: dict[tuple[str, str], int] = {}
    every = (each for of_run in of_runs for each in of_run)
    return all(counts.setdefault((each.attribute, each.value), each.photos) == each.photos for each in every)


def sentence(scores: Sequence[GroupScore], who: str) -> str:
    """What the groups say together, in words. who: what the photos show, "people" or "photos"."""
    worse = sorted((score for score in scores if score.differs == "worse"), key=lambda score: score.gap.mean)
    if not scores:
        return ""
    if not worse:
        several = len({score.attribute for score in scores})
        looked_at = f"{count(len(scores))} groups of {count(several)} attribute{'s' if several > 1 else ''}"
        return (
            f"None of {looked_at} is shown to be answered worse than the others; small groups can hide much."
            + values_passed_over(scores)
        )
    listed = "; ".join(
        f"{score.attribute} {score.value} ({score.accuracy:.1%} right, {-100 * score.gap.mean:.1f} points below the "
        f"others, {count(score.people)} {who})"
        for score in worse[:4]
    )
    more = f"; and {count(len(worse) - 4)} more" if len(worse) > 4 else ""
    return f"Answered worse than the others: {listed}{more}.{values_passed_over(scores)}"


def values_passed_over(scores: Sequence[GroupScore]) -> str:
    """Attributes of so many values that some are not looked at, each in a sentence that begins with a space."""
    more = {score.attribute: score.passed_over for score in scores if score.passed_over}
    return "".join(
        f" Of {attribute} the {MOST_GROUPS} values with the most photos are looked at, {count(n)} more are not."
        for attribute, n in more.items()
    )
