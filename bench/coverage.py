"""How often the intervals cover the truth: `python -m bench.coverage`. Prints each share beside its goal.

bootstrap   studies of 300 people with seven photos each, drawn from one population, judged by two fixed networks whose
            mistakes on the photos of a person go together; the truth is the F1 difference in the population
corrected   whole small studies: people are drawn, two classifiers are trained in five folds, and their fold scores give
            the interval; the truth is the mean difference over many other studies of the same size
plain t     the same studies without the correction, to see what it is for
"""

from __future__ import annotations

import argparse
import time
from dataclasses import dataclass

import numpy as np
from scipy import stats

from core.stats.metrics import confusion, macro_f1
from core.stats.paired import LEVEL, bootstrap_f1_difference, corrected_paired_interval, f1_of_parts, f1_parts

CLASSES, PHOTOS, FOLDS = 6, 7, 5
SHARES = np.array([0.28, 0.24, 0.08, 0.2, 0.14, 0.06])  # of people a class: few are over 60


@dataclass(frozen=True)
class Coverage:
    """covered: share of the studies whose interval holds the truth. width: mean, as a share of F1."""

    studies: int
    covered: float
    width: float
    truth: float


def people_and_answers(rng: np.random.Generator, people: int) -> tuple[np.ndarray, ...]:
    """(person, true, answers of a, answers of b), each (people * PHOTOS,) int.

    A person is easy or hard for both networks alike, and more so for each alone: photos of a person are no
    independent samples.
    """
    true = np.repeat(rng.choice(CLASSES, people, p=SHARES), PHOTOS)
    person = np.repeat(np.arange(people), PHOTOS)
    ease = rng.normal(0, 1, people)
    answers = []
    for skill in (1.1, 0.9):
        own = 0.7 * ease + 0.7 * rng.normal(0, 1, people) + skill - 0.5 * (SHARES < 0.1)[true[::PHOTOS]]
        right = rng.normal(0, 1, len(true)) < own[person]
        wrong = (true + rng.integers(1, CLASSES, len(true))) % CLASSES
        answers.append(np.where(right, true, wrong))
    return person, true, *answers


def bootstrap(studies: int = 2000, people: int = 300, resamples: int = 1000, seed: int = 0) -> Coverage:
    rng = np.random.default_rng(seed)
    person, true, a, b = people_and_answers(rng, 200_000)
    f1 = [f1_of_parts(f1_parts(person, true, answer, CLASSES).sum(axis=0)) for answer in (a, b)]
    truth = float(f1[0] - f1[1])
    covered = width = 0.0
    for study in range(studies):
        data = people_and_answers(rng, people)
        interval = bootstrap_f1_difference(*data, classes=CLASSES, resamples=resamples, seed=study)
        covered += interval.low <= truth <= interval.high
        width += interval.high - interval.low
    return Coverage(studies, covered / studies, width / studies, truth)


def fold_scores(rng: np.random.Generator, people: int) -> np.ndarray:
    """Macro F1 of two nearest-mean classifiers in each fold of one study, shape (2, FOLDS).

    Three classes in eight dimensions; the second classifier sees only the first five.
    """
    true = np.arange(people) % 3
    features = rng.normal(0, 1, (people, 8)) + 0.55 * np.eye(3, 8)[true] + 0.35 * np.eye(3, 8, 5)[true]
    fold = rng.permutation(people) % FOLDS
    scores = np.empty((2, FOLDS))
    for k in range(FOLDS):
        train, test = fold != k, fold == k
        for model, seen in enumerate((8, 5)):
            x = features[:, :seen]
            means = np.stack([x[train & (true == c)].mean(axis=0) for c in range(3)])
            answer = ((x[test, None] - means) ** 2).sum(axis=-1).argmin(axis=1)
            scores[model, k] = macro_f1(confusion(true[test], answer, 3))
    return scores


def corrected(studies: int = 2000, people: int = 150, seed: int = 0, correction: bool = True) -> Coverage:
    rng = np.random.default_rng(seed)
    truth = float(np.mean([np.subtract(*fold_scores(rng, people)).mean() for _ in range(2 * studies)]))
    covered = width = 0.0
    for _ in range(studies):
        a, b = fold_scores(rng, people)
        if correction:
            interval = corrected_paired_interval(a, b, test_fraction=1 / (FOLDS - 1))
            low, high = interval.low, interval.high
        else:
            low, high = stats.ttest_rel(a, b).confidence_interval(LEVEL)
        covered += low <= truth <= high
        width += high - low
    return Coverage(studies, covered / studies, width / studies, truth)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--studies", type=int, default=2000)
    n = parser.parse_args().studies
    head = f"interval at 95%, {n:,} studies"
    print(f"{head:<40}{'covers':>10}{'goal':>12}{'mean width':>14}{'took':>8}")
    for name, goal, run in (
        ("bootstrap over people", "93 - 97 %", lambda: bootstrap(n)),
        ("corrected resampled t", ">= 93 %", lambda: corrected(n)),
        ("plain paired t, for comparison", "", lambda: corrected(n, correction=False)),
    ):
        started = time.perf_counter()
        coverage = run()
        took = time.perf_counter() - started
        print(
            f"{name:<40}{coverage.covered:>10.1%}{goal:>12}{100 * coverage.width:>11.1f} pt{took:>6.0f} s", flush=True
        )


if __name__ == "__main__":
    main()
