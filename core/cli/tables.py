"""What the command line prints of a run: folds, means, attributes."""

from __future__ import annotations

import pandas as pd

from core.data.persons import persons_of
from core.errors import LabError, in_sentences
from core.plan.folds import gaps
from core.runs import FoldState, Run
from core.runs.everybody import unmeasured
from core.runs.yes_no import view as one_by_one
from core.stats import metrics
from core.storage.files import GARBAGE
from core.text import score


def print_folds(run: Run) -> None:
    """Folds with their best and last epoch, mean ± deviation over the finished ones, and each attribute."""
    states = run.states()
    if (parent := _everybody_of(run)) is not None:
        _print_everybody(run, states, parent)
        return
    print(
        f"{'fold':<6}{'state':<13}{'epochs':>7}{'best F1':>10}{'@ epoch':>9}"
        f"{'final F1':>10}{'best acc.':>11}{'final acc.':>12}"
    )
    for state in states:
        scores = state.scores or {}
        cells = [_number(scores.get(key)) for key in ("best_f1", "final_f1", "best_accuracy", "final_accuracy")]
        print(
            f"{state.fold:<6}{state.state:<13}{state.epoch:>7}{cells[0]:>10}{state.best_epoch or '-':>9}"
            f"{cells[1]:>10}{cells[2]:>11}{cells[3]:>12}"
        )
        if state.reason:
            print(f"      {in_sentences(state.reason, state.remedy)}")
    for doubt in doubts(run):
        print(f"note: {doubt}")
    for title, key in (
        ("best F1", "best_f1"),
        ("final F1", "final_f1"),
        ("best accuracy", "best_accuracy"),
        ("final accuracy", "final_accuracy"),
    ):
        print(f"{title:<15} {spread([(state.scores or {}).get(key) for state in states if state.state == 'done'])}")
    if one_by_one.attributes(run):
        _print_yes_no(run)
    else:
        _print_attributes(run)


def _everybody_of(run: Run) -> str | None:
    try:
        return unmeasured.measured_by(run)
    except LabError:
        return None  # a damaged run: its folds are shown all the same


def _print_everybody(run: Run, states: list[FoldState], parent: str) -> None:
    """The one network of a run that held nobody out, and where it says what to expect."""
    for state in states:
        print(f"one network, on everybody of {parent}: {state.state}, {state.epoch} epochs trained")
        if state.reason:
            print(f"      {in_sentences(state.reason, state.remedy)}")
    try:
        info = run.info()
    except (OSError, *GARBAGE):
        info = {}
    print(unmeasured.sentence(info, parent))


def doubts(run: Run) -> list[str]:
    """What the folds of a run cannot promise, in sentences: unknown persons, folds that hold none or all of a class."""
    try:
        samples, names = run.samples(), [str(name) for name in run.info()["class_names"]]
    except (LabError, OSError, *GARBAGE):
        return []  # a damaged run: its folds are shown all the same
    return [doubt for doubt in (persons_of(samples).warning, *gaps(samples, names)) if doubt]


def _print_attributes(run: Run) -> None:
    """Beneath a finished task of several attributes: each attribute's own scores, best epoch of each fold."""
    from core.answers.attribute_scores import score_run

    try:
        scores = score_run(run)
    except LabError as error:
        print(f"attributes: {error}")
        return
    for attribute in dict.fromkeys(each.attribute for each in scores):
        by_fold = [each for each in scores if each.attribute == attribute]
        accuracy, f1 = spread([each.accuracy for each in by_fold]), spread([each.f1 for each in by_fold])
        print(f"{attribute:<8} accuracy {accuracy}, F1 {f1}, at each fold's best epoch")


def _print_yes_no(run: Run) -> None:
    """Each attribute of a run that tells them one by one, best epoch of each fold, lowest F1 first."""
    from core.answers.yes_no_scores import F1_IN_WORDS, score_run

    try:
        scores = score_run(run)
    except LabError as error:
        print(f"attributes: {error}")
        return
    if scores is None:
        return
    print(f"{'best F1 of yes':<15} {spread(scores.f1_yes)}")
    print_attribute_table(scores.means)
    print(f"at each fold's best epoch, means over folds. {F1_IN_WORDS}")


def print_attribute_table(scores: pd.DataFrame) -> None:
    """scores: index attribute, columns photos, prevalence, f1, f1_yes, precision, recall, accuracy; lowest F1 first."""
    from core.answers.yes_no_scores import share_of_yes

    width = max(len("attribute"), *map(len, scores.index))
    heads = ("F1", "F1 of yes", "precision", "recall", "accuracy", "yes", "photos")
    print(f"{'attribute':<{width}}" + "".join(f"{head:>11}" for head in heads))
    for name, row in scores.sort_values("f1", kind="stable").iterrows():
        cells = [score(row[number]) for number in ("f1", "f1_yes", "precision", "recall", "accuracy")]
        cells += [share_of_yes(row["prevalence"]), f"{row['photos']:,.0f}"]
        print(f"{name:<{width}}" + "".join(f"{cell:>11}" for cell in cells))


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.3f}"


def spread(values) -> str:
    """'0.713 ± 0.012 (5)': mean, deviation over folds, their number."""
    mean, deviation, count = metrics.mean_and_deviation(values)
    if count == 0:
        return "-"
    return f"{mean:.3f} ± {deviation:.3f} ({count})" if count > 1 else f"{mean:.3f} (1)"
