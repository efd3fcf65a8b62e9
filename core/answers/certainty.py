"""How sure a run may be believed to be, from what its folds answered about people whom they held out. Imports no torch.

scipy is imported with this module; a page or a verb that has to begin quickly imports it when somebody asks.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.answers import mistakes
from core.answers.attribute_scores import P, attribute_probabilities
from core.answers.certainty_words import BEST_EPOCH
from core.answers.mistakes import Answers
from core.data.persons import Persons, persons_of, units
from core.data.tasks import scored_parts
from core.errors import LabError
from core.runs import Run
from core.stats import calibration, conformal, decisions, one_vs_rest, over_people, selective
from core.stats.over_people import Believable
from core.text import listed

if TYPE_CHECKING:
    from core.stats.conformal import Scores
    from core.stats.decisions import Gain
    from core.stats.paired import Interval
    from core.stats.selective import Promise, RiskCoverage

FEW = 50  # people, or photos where persons are unknown: fewer make all of this rough
FEW_OF_A_CLASS = 10
ALPHAS = (0.05, 0.1, 0.2)  # how often a set may lack the true class
ACCURACY, ALPHA = 0.95, 0.1  # what is asked for at first


@dataclass(frozen=True, eq=False)
class ClassLine:
    """One class, or one value of an attribute, against all others; intervals are over people.

    photos, people: whose label it is. auc: area under its ROC curve; average_precision: under its precision-recall
    curve. error: calibration error of its own probability. NaN where there is nothing to tell.
    """

    name: str
    photos: int
    people: int
    precision: Interval
    recall: Interval
    f1: Interval
    auc: Interval
    average_precision: Interval
    error: Interval


@dataclass(frozen=True, eq=False)
class Question:
    """The classes of the task, or the values of one of its attributes. attribute: "" for the classes.

    probabilities: (n, values). labels: (n,). macro: (precision, recall, F1) over all values.
    """

    attribute: str
    names: tuple[str, ...]
    probabilities: np.ndarray
    labels: np.ndarray
    lines: tuple[ClassLine, ...]
    macro: tuple[Interval, Interval, Interval]
    accuracy: Interval
    believable: Believable


@dataclass(frozen=True, eq=False)
class SetSummary:
    """Sets that should lack the true class in a share alpha of photos; of each fold's photos, from the other folds.

    coverage: share of sets that hold it. size: mean number of classes. sizes: (classes + 1,) share of photos with sets
    of 0, 1, 2, ... classes. of_classes: coverage among the photos of each class. least: the smallest alpha for which
    there are people enough.
    """

    alpha: float
    coverage: Interval
    size: float
    sizes: np.ndarray
    of_classes: tuple[Interval, ...]
    least: float


@dataclass(frozen=True, eq=False)
class Certainty:
    """Everything that a run's out-of-fold answers tell about its probabilities; rows are photos.

    questions: the classes first, then each attribute in which the classes of a task of several differ. fold: (n,) the
    fold that answered; person: (n,) codes from 0, each photo's own where persons are unknown. missing: folds not
    finished or without answers.
    temperatures: fold -> that of its network, fitted on what it held out: what the network is to be used with.
    temperature: one for all folds, on all answers. crossed: fold -> the temperature from all other folds, under which
    `after` is told; empty, with after, offsets None, where one fold alone has answered. scores: what conformal sets are
    made with. offsets: of the classes, for macro F1, and what they honestly bring. risk: by the answer's probability.
    """

    run_id: str
    which: str
    persons: Persons
    folds: tuple[int, ...]
    missing: tuple[int, ...]
    questions: tuple[Question, ...]
    fold: np.ndarray
    person: np.ndarray
    temperatures: dict[int, float]
    temperature: float
    crossed: dict[int, float]
    after: Believable | None
    risk: RiskCoverage
    scores: Scores
    offsets: Gain | None

    @property
    def classes(self) -> Question:
        return self.questions[0]

    @property
    def before(self) -> Believable:
        return self.classes.believable

    @property
    def photos(self) -> int:
        return len(self.fold)

    def promise(self, accuracy: float = ACCURACY) -> Promise | None:
        """The confidence from which on a wanted accuracy is shown, of one fold's own probabilities: selective.promise.

        None where these people show none. Raises ValueError unless 0 < accuracy < 1.
        """
        p, y = self.classes.probabilities, self.classes.labels
        return selective.promise(p.max(axis=1), p.argmax(axis=1) == y, self.person, accuracy)

    def sets(self, alpha: float = ALPHA) -> SetSummary | None:
        """Conformal sets, each fold's judged with the scores of all others; None for one fold. ValueError: alpha."""
        if len(self.folds) < 2:
            return None
        p, y = self.classes.probabilities, self.classes.labels
        members = np.empty(p.shape, dtype=bool)
        for fold in self.folds:
            own = self.fold == fold
            members[own] = conformal.sets(p[own], conformal.quantile(self.scores.without(fold), alpha))
        covered, size = members[np.arange(len(y)), y], members.sum(axis=1)
        *of_classes, of_all = over_people.shares(self.person, covered, y, p.shape[1])
        return SetSummary(
            alpha,
            of_all,
            float(size.mean()),
            np.bincount(size, minlength=p.shape[1] + 1) / len(size),
            tuple(of_classes),
            1 / (self.scores.people + 1),
        )

    @property
    def doubts(self) -> list[str]:
        """When not to trust these numbers, in sentences."""
        lines = []
        if len(self.folds) < 2:
            lines.append(
                f"Only fold {self.folds[0]} has answered: nothing can be fitted on other folds than those it is told "
                "of, so temperatures, offsets and sets are not judged."
            )
        elif self.missing:
            folds = listed([str(fold) for fold in self.missing])
            lines.append(
                f"Fold {folds} is not in it: it is not finished, or has no answers."
                if len(self.missing) == 1
                else f"Folds {folds} are not in it: they are not finished, or have no answers."
            )
        if not self.persons.are_known:
            lines.append(f"{self.persons.warning} Intervals may then be too narrow, and sets and thresholds too bold.")
        if self.persons.people < FEW:
            lines.append(f"{units(self.persons.people, self.persons.state)} make all of this rough.")
        rare = [line.name for line in self.classes.lines if line.people < FEW_OF_A_CLASS]
        if rare:
            unit = units(FEW_OF_A_CLASS, self.persons.state)
            lines.append(f"Fewer than {unit} have {listed(rare)}: their lines rest on hardly anybody.")
        return lines

    @property
    def limits(self) -> str:
        """What these numbers cannot tell of any run, in a sentence or two."""
        chosen = f"{BEST_EPOCH} " if self.which == "best" else ""
        return f"{chosen}Photos unlike these (other cameras, ages, countries) may be answered with the same confidence."


def load(run: Run, which: str = "best") -> Certainty:
    """The certainty of a run's finished folds, computed once for the same files.

    which: 'best' or 'final'. Raises LabError as load_answers does; 'unreadable' too where a probability is no number,
    'classes' for a run that does not choose one of several classes.
    """
    folds = tuple(run.require().done_folds())
    return _load(run, which, folds, mistakes.version(run, which, folds))


@lru_cache(maxsize=8)
def _load(run: Run, which: str, folds: tuple[int, ...], version: tuple) -> Certainty:
    answers = mistakes.load_answers(run, which, folds)
    if len(answers.class_names) < 2:
        raise LabError(
            f"run '{run.id}' has one class, so it cannot be unsure.", "Choose a run of several classes.", kind="classes"
        )
    try:
        return of_answers(answers, scored_parts(run.config().task, list(answers.class_names)))
    except ValueError as error:
        raise LabError(
            f"run '{run.id}' is unreadable: its predictions are damaged ({error}).",
            "Copy its files back from a backup, or choose another run.",
            kind="unreadable",
        ) from error


def of_answers(answers: Answers, parts: list[dict[str, str]]) -> Certainty:
    """parts: each class's value of each attribute to be scored (data.scored_parts). Raises ValueError for what
    no network answers."""
    table = answers.table
    p, y = answers.probabilities, answers.table["y"].to_numpy(np.int64)
    fold, person = table["fold"].to_numpy(np.int64), pd.factorize(table["person"])[0]
    questions = [_question("", answers.class_names, p, y, person)]
    named = pd.DataFrame(p, columns=[P + name for name in answers.class_names])
    for attribute in parts[0]:
        shares = attribute_probabilities(named, parts, attribute)
        values = list(shares.columns)
        labels = np.array([values.index(part[attribute]) for part in parts])[y]
        questions.append(_question(attribute, tuple(map(str, values)), shares.to_numpy(float), labels, person))
    after, offsets = None, None
    crossed: dict[int, float] = {}
    if len(answers.folds) > 1:
        scaled, crossed = calibration.cross_fitted(p, y, fold)
        after = over_people.believable(person, scaled, y)
        offsets = decisions.offset_gain(p, y, fold, person)
    return Certainty(
        run_id=answers.run_id,
        which=answers.which,
        persons=persons_of(table),
        folds=answers.folds,
        missing=answers.missing,
        questions=tuple(questions),
        fold=fold,
        person=person,
        temperatures=calibration.temperature_of_folds(p, y, fold),
        temperature=calibration.fit_temperature(p, y),
        crossed=crossed,
        after=after,
        risk=selective.risk_coverage(p.max(axis=1), p.argmax(axis=1) == y),
        scores=conformal.scores_of(p, y, fold, person),
        offsets=offsets,
    )


def _question(attribute: str, names: tuple[str, ...], p: np.ndarray, y: np.ndarray, person: np.ndarray) -> Question:
    p = p / p.sum(axis=1, keepdims=True) if attribute else p  # sums of float32 probabilities
    of_classes = over_people.class_intervals(person, y, p.argmax(axis=1), len(names))
    believable = over_people.believable(person, p, y)
    lines = []
    for c, name in enumerate(names):
        own = y == c
        lines.append(
            ClassLine(
                name,
                int(own.sum()),
                len(np.unique(person[own])),
                of_classes.precision[c],
                of_classes.recall[c],
                of_classes.f1[c],
                one_vs_rest.auc(p[:, c], own, person),
                one_vs_rest.average_precision(p[:, c], own, person),
                believable.class_errors[c],
            )
        )
    return Question(attribute, names, p, y, tuple(lines), of_classes.macro, of_classes.accuracy, believable)
