"""What each extra brings over the step before it, and what it costs, from what the folds of runs answered.

Imports no torch; scipy comes with this module.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import pandas as pd

from core.data.persons import Persons, persons_of
from core.errors import LabError
from core.predict import weights
from core.predict.extras.measured import HELD_OUT, TEST, Measured
from core.predict.extras.ways import EXTRAS, NAMES, PLAIN
from core.predict.members import orders_of_names
from core.runs import Run
from core.stats import gains, paired, voting
from core.stats.calibration import pooled
from core.stats.gains import Way
from core.stats.metrics import mean_and_deviation
from core.stats.paired import Interval
from core.text import count

ONE, ALL, VIEWS, RUNS, WEIGHTED, HARD = "one fold", "all folds", "views", "runs", "weighted", "hard"


@dataclass(frozen=True, eq=False)
class Rung:
    """kind: of ONE to HARD. name: what it is. subject, versus: what brings something over what, in a sentence. run:
    whose it is, None of several together. way: F1, and what it brings. against: the place of the rung that it is held
    against, None for a first one. seconds: for 100 photos, reading included; None where the runs' times are of several
    devices. verdict: of paired.decide, corrected for all comparisons; "" for a first one.
    """

    kind: str
    name: str
    subject: str
    versus: str
    run: Run | None
    way: Way
    against: int | None
    seconds: float | None
    verdict: str

    @property
    def over(self) -> Interval | None:
        return self.way.over


@dataclass(frozen=True, eq=False)
class Ladder:
    """names: of the runs, for a person. rungs: each run's, then of all runs together. photos: those that all runs
    answered. reading: seconds for 100 of them, which are in each rung's too; None as there. devices, moments: what each
    run was measured on, and when. weights: of the runs, fitted on what they answered out of fold. notes: what was left
    out or has to be known, a sentence each."""

    place: str
    runs: tuple[Run, ...]
    names: dict[Run, str]
    rungs: tuple[Rung, ...]
    photos: int
    persons: Persons
    classes: int
    reading: float | None
    devices: tuple[str, ...]
    moments: tuple[float, ...]
    weights: tuple[float, ...]
    notes: tuple[str, ...]

    @property
    def comparisons(self) -> int:
        return sum(rung.over is not None for rung in self.rungs)

    def times(self, rung: Rung) -> float | None:
        """How often as long as the rung that it is held against."""
        before = None if rung.against is None else self.rungs[rung.against].seconds
        return rung.seconds / before if rung.seconds and before else None


@dataclass
class _Step:
    kind: str
    name: str
    subject: str
    versus: str
    run: Run | None
    answers: np.ndarray  # (networks, n) classes
    against: int | None
    seconds: float  # of the networks for a photo


def ladder(measured: Sequence[Measured]) -> Ladder:
    """measured: of one place, one a run; the first run's classes are the order.

    Several runs are told of the photos that all of them answered, which must be of the same persons to each. Against
    which run they are held is decided by the scores of the folds: that with the higher mean F1.
    Raises LabError: 'classes' for runs of other classes, 'vote' where they share too few photos, or see other persons
    in them.
    """
    return _ladder(tuple(measured))


@lru_cache(maxsize=16)
def _ladder(measured: tuple[Measured, ...]) -> Ladder:
    first = measured[0]
    classes = [str(name) for name in first.run.info()["class_names"]]
    orders = orders_of_names([each.run for each in measured], classes)
    photos, rows, notes = _shared(measured)
    true, person = photos["y"].to_numpy(np.int64), pd.factorize(photos["person"])[0]
    answers = [
        {way: each[:, own][..., order] for way, each in of_run.answers.items()}
        for of_run, own, order in zip(measured, rows, orders, strict=True)
    ]
    steps: list[_Step] = []
    several, names = len(measured) > 1, _names([each.run for each in measured])
    bases = [
        _of_run(of_run, own, steps, f" of {names[of_run.run]}" if several else "")
        for of_run, own in zip(measured, answers, strict=True)
    ]
    shares: tuple[float, ...] = ()
    if several:
        shares = _together(measured, answers, photos, bases, steps, notes, names)
    judged = gains.judged(
        person, true, [step.answers for step in steps], [step.against for step in steps], len(classes)
    )
    reading = _reading(measured)
    p = paired.holm([way.over.p if way.over else np.nan for way in judged])
    rungs = []
    for place, (step, way) in enumerate(zip(steps, judged, strict=True)):
        alone = step.run is not None
        read = next(each.reading for each in measured if each.run == step.run) if alone else reading
        seconds = None if read is None else 100 * (read + step.seconds)
        verdict = paired.decide(way.over, float(p[place]), 0.0) if way.over else ""
        rungs.append(
            Rung(step.kind, step.name, step.subject, step.versus, step.run, way, step.against, seconds, verdict)
        )
    return Ladder(
        first.place,
        tuple(each.run for each in measured),
        names,
        tuple(rungs),
        len(photos),
        persons_of(photos),
        len(classes),
        None if reading is None else 100 * reading,
        tuple(each.device for each in measured),
        tuple(each.moment for each in measured),
        shares,
        tuple(notes),
    )


def _of_run(measured: Measured, answers: dict[str, np.ndarray], steps: list[_Step], whose: str) -> int:
    """Add a run's own steps; the place of that which other runs join: all folds, or the one that held a photo out."""
    plain, run, folds = answers[PLAIN], measured.run, len(measured.folds)
    one = measured.seconds(PLAIN, one=True)
    on_test = measured.place == TEST
    steps.append(_Step(ONE, "one fold", "", "", run, plain.argmax(axis=2), None, one))
    alone = f"one fold{whose}"
    if on_test and folds > 1:
        of_all = plain.mean(axis=0).argmax(axis=1)[None]
        subject, before = f"{count(folds)} folds{whose}", len(steps) - 1
        steps.append(
            _Step(ALL, f"all {count(folds)} folds", subject, "one", run, of_all, before, measured.seconds(PLAIN))
        )
        alone = f"{count(folds)} folds alone"
    base = len(steps) - 1
    for way in (way for way in EXTRAS if way in answers):
        chosen = answers[way].mean(axis=0).argmax(axis=1)[None]
        spent = measured.seconds(way, one=not on_test)
        subject = f"{NAMES[way].capitalize()}{whose}"
        steps.append(_Step(VIEWS, f"+ {NAMES[way]}", subject, alone, run, chosen, base, spent))
    return base


def _together(
    measured: Sequence[Measured],
    answers: list[dict[str, np.ndarray]],
    photos: pd.DataFrame,
    bases: list[int],
    steps: list[_Step],
    notes: list[str],
    names: dict[Run, str],
) -> tuple[float, ...]:
    """Add the steps of all runs together; the weights of the runs, none where their answers allow none."""
    number, seconds = len(measured), sum(steps[base].seconds for base in bases)
    means = np.stack([each[PLAIN].mean(axis=0) for each in answers])
    best = int(np.argmax([_score_of(each.run) for each in measured]))
    soft = len(steps)
    them, alone = f"{count(number)} runs", f"{names[measured[best].run]} alone"
    mean = pooled(means).argmax(axis=1)[None]
    steps.append(_Step(RUNS, f"{them}, mean", f"{them} together", alone, None, mean, bases[best], seconds))
    shares: tuple[float, ...] = ()
    try:
        fitted = weights.fitted([each.run for each in measured])
    except LabError as error:
        notes.append(f"Weights of the runs are left out. {error}")
    else:
        shares, weighted = tuple(fitted.weights.tolist()), pooled(means, fitted.weights).argmax(axis=1)
        if measured[0].place == HELD_OUT:  # each fold's people by weights that were fitted without them
            fold = photos["fold"].to_numpy(np.int64)
            for k, of_fold in fitted.gain.of_folds.items():
                weighted[fold == k] = pooled(means[:, fold == k], of_fold).argmax(axis=1)
        subject, versus = "Weights of the runs", "equal ones"
        steps.append(_Step(WEIGHTED, f"{them}, weighted", subject, versus, None, weighted[None], soft, seconds))
    alone = np.concatenate([each[PLAIN] for each in answers])
    run_of = np.repeat(np.arange(number), [len(each[PLAIN]) for each in answers])
    voted = voting.chosen(voting.hard(alone, run_of), voting.soft(alone, run_of))
    subject, versus = "Counted votes", "the mean of the probabilities"
    steps.append(_Step(HARD, f"{them}, hard vote", subject, versus, None, voted[None], soft, seconds))
    return shares


def _names(runs: Sequence[Run]) -> dict[Run, str]:
    """As people called them, where that tells them apart."""
    names = [run.config().name for run in runs]
    return dict(zip(runs, names if len(set(names)) == len(names) else [run.key for run in runs], strict=True))


def _score_of(run: Run) -> float:
    """Mean F1 of the folds on the people that they held out; below all others where none is recorded."""
    mean = mean_and_deviation([(state.scores or {}).get("best_f1") for state in run.states()])[0]
    return mean if np.isfinite(mean) else -1.0


def _reading(measured: Sequence[Measured]) -> float | None:
    """Seconds for a photo: read once for all runs that prepare photos alike, once for each other; None where they were
    measured on several devices."""
    if len({each.device for each in measured}) > 1:
        return None
    alike: dict[str, float] = {}
    for each in measured:
        look = repr([each.run.bits(), *(transform.model_dump() for transform in each.run.config().transforms)])
        alike[look] = max(alike.get(look, 0.0), each.reading)
    return sum(alike.values())


def _shared(measured: Sequence[Measured]) -> tuple[pd.DataFrame, list[np.ndarray], list[str]]:
    """(the photos that all runs answered, as the first has them; of each run their rows; what was left out)."""
    tables = [each.photos() for each in measured]
    first = tables[0]
    if len(tables) == 1:
        return first, [np.arange(len(first))], []
    keys = [_keys(each.run, table) for each, table in zip(measured, tables, strict=True)]
    shared = keys[0][np.logical_and.reduce([keys[0].isin(key) for key in keys])]
    names = [each.run.id for each in measured]
    if len(shared) < weights.LEAST:
        kind = "test" if measured[0].place == TEST else "held-out"
        raise LabError(
            f"extras: {', '.join(names)} share {count(len(shared))} {kind} photos of the same labels, too few to ask "
            "what they bring together.",
            "Choose runs on the same dataset and task; those of one study have the same people in the same folds.",
            kind="vote",
        )
    rows = [key.get_indexer(shared) for key in keys]
    persons = [pd.factorize(table["person"].to_numpy()[own])[0] for table, own in zip(tables, rows, strict=True)]
    if not all(np.array_equal(persons[0], other) for other in persons[1:]):
        raise LabError(
            f"extras: {', '.join(names)} do not agree on whom the photos show, so whom one held out the others may "
            "have been trained on.",
            "Choose runs that read persons in the same way.",
            kind="vote",
        )
    notes = []
    if left := sum(len(key) for key in keys) - len(keys) * len(shared):
        notes.append(f"{count(left)} answers are about photos that not all of the runs answered, and are left out.")
    table = first.iloc[rows[0]].reset_index(drop=True)
    if measured[0].place == HELD_OUT:
        folds = [each["fold"].to_numpy()[own] for each, own in zip(tables, rows, strict=True)]
        if not all(np.array_equal(folds[0], other) for other in folds[1:]):
            notes.append(
                "The runs have people in other folds: of each run that fold answers a photo which held its person out."
            )
    return table, rows, notes


def _keys(run: Run, photos: pd.DataFrame) -> pd.MultiIndex:
    root = run.config().data.root
    return pd.MultiIndex.from_arrays(
        [[root] * len(photos), photos["sample"].astype(str), photos["class_name"].astype(str)]
    )
