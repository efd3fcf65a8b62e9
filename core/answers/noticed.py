"""What the lab notices in a run by itself: findings with their evidence, the same on its page and in a report.

Imports neither torch nor scipy.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.answers.outcome import Outcome
from core.data.pictures.alike import at_least
from core.stats.overfitting import Overfit
from core.text import listed, number_of, score

OVERFITS, NEVER, ODD_FOLD, TWINS = "overfits", "never", "odd fold", "twins"
NEVER_TITLE = "Never predicted"
GRUBBS = (  # critical values of Grubbs' two-sided test at 5%, of 4, 5, ... folds
    *(1.4813, 1.7150, 1.8871, 2.0200, 2.1266, 2.2150, 2.2900, 2.3547, 2.4116),
    *(2.4620, 2.5073, 2.5483, 2.5857, 2.6200, 2.6516, 2.6809, 2.7082),
)
FEWEST = 4  # folds: of three none can be told from chance in a way that one would act on
APART = 0.05  # of F1, from the nearest other fold: below that nobody would act on it


@dataclass(frozen=True)
class Noticed:
    """kind: OVERFITS, NEVER, ODD_FOLD or TWINS. title, words: what is said. fold: the odd one; classes: those that are
    never predicted."""

    kind: str
    title: str
    words: str
    fold: int | None = None
    classes: tuple[str, ...] = ()


def noticed(
    about: Outcome | None, over: Overfit | None, scores: Mapping[int, float], present: Mapping[int, float]
) -> list[Noticed]:
    """about: None where answers cannot be read or are told attribute by attribute. scores: fold -> macro F1 of the
    finished folds, at the best epoch. present: the same over the classes that the fold has photos of, by which folds
    are held against each other: one that merely lacks a class is not odd. Runs of older labs have it not, or not of
    all folds; all classes count for them.
    """
    said = []
    if about is not None and about.never:
        said.append(Noticed(NEVER, NEVER_TITLE, never_words(about.never), classes=about.never))
    if over is not None:
        folds = f"{over.folds} of {over.of} folds" if over.of > 1 else "its fold"
        words = f"from epoch {over.epoch} on: validation loss ends {over.rise:.0%} above its lowest, in {folds}"
        said.append(Noticed(OVERFITS, "Overfits", words))
    alike = {fold: present[fold] for fold in scores} if scores.keys() <= present.keys() else dict(scores)
    if (fold := odd_fold(alike)) is not None:
        others = [f1 for other, f1 in alike.items() if other != fold]
        over_classes = "" if alike == dict(scores) else " over the classes that each has photos of"
        words = (
            f"fold {fold} has F1 {score(alike[fold])}, the others {score(min(others))} to {score(max(others))}"
            f"{over_classes}: more than chance spreads {len(alike)} folds (Grubbs' test, 5%)"
        )
        said.append(Noticed(ODD_FOLD, "Odd fold", words, fold=fold))
    return said


def never_words(classes: Sequence[str]) -> str:
    """classes: that are never predicted, at least one."""
    return f"{listed(classes)}: no photo was taken for {'it' if len(classes) == 1 else 'them'}"


def odd_fold(scores: Mapping[int, float]) -> int | None:
    """The one fold whose score stands apart from all others; None where chance makes such a one.

    scores: fold -> score, finite. A fold is odd if its distance from the mean, in standard deviations (n - 1), is more
    than Grubbs' critical value, and it is APART from the nearest other fold. Folds that share training people are
    alike rather than apart by it, so the test errs on the silent side. None of fewer than FEWEST folds, where the value
    can hardly be reached, or of more than the table has.
    Source: Grubbs 1969, Procedures for detecting outlying observations in samples, Technometrics 11, two-sided.
    """
    folds = list(scores)
    values = np.array([scores[fold] for fold in folds], dtype=float)
    if not FEWEST <= len(values) < FEWEST + len(GRUBBS) or not np.isfinite(values).all():
        return None
    deviation = float(values.std(ddof=1))
    distances = np.abs(values - values.mean())
    odd = int(np.argmax(distances))
    nearest = float(np.abs(np.delete(values, odd) - values[odd]).min())
    if deviation <= 0 or nearest < APART or distances[odd] / deviation <= GRUBBS[len(values) - FEWEST]:
        return None
    return folds[odd]


def twins(samples: pd.DataFrame, pairs: pd.DataFrame) -> Noticed | None:
    """Photos that look the same and stand in two folds of a run, or None.

    samples: the run's, with fold. pairs: of data/duplicates.py, sample_a and sample_b of each.
    """
    folds = samples.drop_duplicates("sample").set_index("sample")["fold"]
    a, b = (pairs[name].map(folds) for name in ("sample_a", "sample_b"))
    number = int((a.notna() & b.notna() & (a != b)).sum())
    if not number:
        return None
    words = (
        f"{at_least(pairs)}{number_of(number, 'pair')} of photos that look the same "
        f"{'stands' if number == 1 else 'stand'} in two folds: one of them is trained on while the other is "
        "held out, which flatters"
    )
    return Noticed(TWINS, "In two folds", words)
