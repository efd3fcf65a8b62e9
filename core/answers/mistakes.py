"""What a run answered about faces that it had not seen: out-of-fold predictions, confusion, filters, orders.

Imports no torch.
"""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from core.data.of_what import are_of_the_same, told_apart_by
from core.data.tasks import attributes_of, class_values, grouped_as, limits_of
from core.data.values import attribute_names, column_of, is_number
from core.errors import LabError, memory_in_words
from core.runs import Run
from core.runs.everybody.unmeasured import check_held_out
from core.runs.yes_no.view import OneAttribute, check_one
from core.stats import metrics, voting
from core.storage import files
from core.storage.remembered import bytes_of, once
from core.text import in_full

if TYPE_CHECKING:
    from core.config.parts import TaskConfig
    from core.config.run_config import RunConfig

NEAR_YEARS = 2.0  # an age this close to a limit between age groups may be a matter of months
NEAR_SHARE = 0.02  # of the span of any other number
ORDERS = ("loss", "confidence", "folds", "runs")
_OPTIONAL = ("mask", "gender", "age", "label", "mtime_ns")
_NEEDS = ("sample", "label", "predicted", "loss")


@dataclass(frozen=True)
class Answers:
    """The pooled out-of-fold predictions of one run.

    table: one row a face: sample, path, person, fold, mask, gender, age, label, mtime_ns, true, predicted (class
    names), y, guess (their indices), loss (cross-entropy), confidence (probability of the predicted class), right,
    fault (the attributes that are wrong, joined by " + "; "" where right, and where merged classes leave open which),
    near (the number, such as "age 29", about which the answer is wrong though it lies at most NEAR_YEARS, or
    NEAR_SHARE, from a limit; "" else).
    probabilities: (faces, classes), rows as in table. folds: those that answered; missing: the others.
    groups: attribute -> its value of each face as ordered categories, rows as in table, of all that the dataset tells
    in two values or more, whether the task asks for it or not. told_apart_by: see of_what.told_apart_by.
    """

    run_id: str
    which: str
    class_names: tuple[str, ...]
    attributes: tuple[str, ...]
    table: pd.DataFrame
    probabilities: np.ndarray
    folds: tuple[int, ...]
    missing: tuple[int, ...]
    groups: dict[str, pd.Series]
    told_apart_by: tuple[str, ...]


@dataclass(frozen=True)
class Filter:
    """Which faces: every field that is set narrows. answer: 'wrong', 'right' or 'all'. confidence: low <= p <= high.

    samples: none but these.
    """

    answer: str = "wrong"
    fold: int | None = None
    true: str | None = None
    predicted: str | None = None
    fault: str | None = None
    low: float = 0.0
    high: float = 1.0
    person: str | None = None
    groups: tuple[tuple[str, str], ...] = ()  # (attribute, value): of one attribute any of them, of several each
    far: bool = False  # leave out mistakes about a number near a limit
    samples: frozenset[str] | None = None


def version(run: Run, which: str = "best", folds: Sequence[int] | None = None) -> tuple:
    """Changes when a file that load_answers reads of these folds does: a key for what was computed from them."""
    chosen = run.folds() if folds is None else folds
    paths = [run.config_file, run.info_file, *(run.predictions_file(fold, which) for fold in chosen)]
    return *run.photos_version(), *chosen, *(path.stat().st_mtime_ns if path.is_file() else 0 for path in paths)


@memory_in_words("answers", "Close other programs, or choose a smaller run.")
def load_answers(run: Run, which: str = "best", folds: Sequence[int] | None = None) -> Answers:
    """The out-of-fold predictions of every fold that has some, joined with the frozen samples.

    which: 'best' or 'final'. folds: those that count, the others are missing; for what is told as the result of a run
    its finished ones (Run.done_folds), since a fold that trains or was stopped has answered too, as far as it came.
    Raises LabError: kind 'gone'; 'everybody' where nobody was held out; 'attribute' of a run that tells attributes one
    by one; 'missing' where no fold that counts has predictions; 'unreadable' where a file is damaged or cannot be read;
    'memory'; 'leak' where a fold answered about a face that it had not held out. Seen through one attribute, a fold of
    which no photo tells it has no predictions. In a block of `remembered.shared` they are those of the last call.
    """
    check_held_out(run.require())
    check_one(run)
    try:
        key = "answers", str(run.dir), run.key, which, folds and tuple(folds), version(run, which, folds)
    except OSError:
        return _loaded(run, which, folds)  # which says what is out of reach
    return once(key, lambda: _loaded(run, which, folds), _bytes_of)


def _bytes_of(answers: Answers) -> int:
    return bytes_of(answers.table) + answers.probabilities.nbytes


def _loaded(run: Run, which: str, folds: Sequence[int] | None) -> Answers:
    config, class_names, samples = _frozen(run)
    task = config.task
    predictions, missing = _predictions(run, which, class_names, folds)
    if not predictions:
        about = ", or none about a photo that tells it" if isinstance(run, OneAttribute) else ""
        raise LabError(
            f"run '{run.key}' has no {which} predictions yet{about}.",
            "Let a fold finish, or choose another run.",
            kind="missing",
        )
    pooled = pd.concat(predictions, ignore_index=True)
    table = _joined(run, pooled, samples, class_names)
    probabilities = pooled[[f"p_{name}" for name in class_names]].to_numpy(float)
    try:
        _judge(table, probabilities, class_names, task)
    except ValueError as error:
        raise _damaged(run, run.info_file.name, f"its classes are not of the task {task.title}") from error
    return Answers(
        run_id=run.key,
        which=which,
        class_names=tuple(class_names),
        attributes=attributes_of(task),
        table=table,
        probabilities=probabilities,
        folds=tuple(sorted(table["fold"].unique().tolist())),
        missing=tuple(missing),
        groups=groups_of(table, task),
        told_apart_by=told_apart_by(task, class_names, config.data.label_column),
    )


def groups_of(table: pd.DataFrame, task: TaskConfig) -> dict[str, pd.Series]:
    """Each attribute that a samples table tells in two values or more, as ordered categories; numbers are cut."""
    groups = {name: grouped_as(name, table, task) for name in attribute_names(table)}
    return {name: group for name, group in groups.items() if len(group.cat.categories) > 1}


def _frozen(run: Run) -> tuple[RunConfig, list[str], pd.DataFrame]:
    """What was frozen at the launch: the settings, the names of its classes, the samples with every optional column."""
    try:
        config, info, samples = run.config(), run.info(), run.samples()
        class_names = [str(name) for name in info["class_names"]]
        samples = samples.reindex(columns=[*samples.columns, *(c for c in _OPTIONAL if c not in samples)])
        samples["sample"] = samples["sample"].astype(str)
    except (LabError, MemoryError):
        raise
    except Exception as error:  # any parser error of a damaged file means the same thing to a person
        raise _damaged(run, "its configuration, run.json or samples.parquet", error) from error
    return config, class_names, samples


def _predictions(
    run: Run, which: str, class_names: list[str], folds: Sequence[int] | None
) -> tuple[list[pd.DataFrame], list[int]]:
    """(the predictions of each fold that counts and has some, with the fold as answered_by; the other folds)."""
    predictions, missing = [], []
    for fold in run.folds():
        if folds is not None and fold not in folds:
            missing.append(fold)
            continue
        place = f"folds/{fold}/predictions_{which}.parquet"
        try:
            of_fold = run.predictions(fold, which)
        except LabError as error:
            if error.kind != "missing":
                raise
            missing.append(fold)
            continue
        except MemoryError:
            raise
        except Exception as error:
            raise _damaged(run, place, error) from error
        absent = [column for column in (*_NEEDS, *(f"p_{name}" for name in class_names)) if column not in of_fold]
        if absent:
            raise _damaged(run, place, f"no column {absent[0]!r}")
        if of_fold.empty:  # no photo that it held out tells the attribute
            missing.append(fold)
            continue
        predictions.append(of_fold.assign(answered_by=fold, sample=of_fold["sample"].astype(str)))
    return predictions, missing


def _joined(run: Run, pooled: pd.DataFrame, samples: pd.DataFrame, class_names: list[str]) -> pd.DataFrame:
    """The predictions, row by row, with what is known of their samples. Raises LabError where both do not fit."""
    answers = pooled.rename(columns={"label": "true"})[["sample", "true", "predicted", "loss", "answered_by"]]
    frozen = samples.drop(columns=["y", "class_name"], errors="ignore")
    table = answers.merge(frozen, on="sample", how="left", validate="one_to_one")
    if table["fold"].isna().any():
        name = table.loc[table["fold"].isna(), "sample"].iloc[0]
        raise _damaged(run, "its predictions", f"{name!r} is not among its samples")
    leaked = table[table["fold"] != table["answered_by"]]
    if len(leaked):
        row = leaked.iloc[0]
        raise LabError(
            f"run '{run.id}': fold {row['answered_by']} answered about {row['sample']!r}, which fold {row['fold']:.0f} "
            "holds out.",
            "Its predictions are of another split; train the run again.",
            kind="leak",
        )
    unknown = (set(table["true"]) | set(table["predicted"])) - set(class_names)
    if unknown:
        raise _damaged(run, "its predictions", f"class {min(map(str, unknown))!r} is not the run's")
    return table.drop(columns="answered_by").astype({"fold": "int64"})


def _judge(table: pd.DataFrame, probabilities: np.ndarray, class_names: list[str], task: TaskConfig) -> None:
    """Add what follows from a prediction: indices, confidence, right, fault, nearness to a limit."""
    place = {name: i for i, name in enumerate(class_names)}
    table["y"] = table["true"].map(place).astype("int64")
    table["guess"] = table["predicted"].map(place).astype("int64")
    table["confidence"] = probabilities[np.arange(len(table)), table["guess"]]
    table["right"] = table["y"] == table["guess"]
    values, wrong = class_values(task, class_names), {}
    for name in values[0]:
        may_be = [set(of_class[name]) for of_class in values]
        pairs = zip(table["y"], table["guess"], strict=True)
        wrong[name] = np.array([may_be[true].isdisjoint(may_be[guess]) for true, guess in pairs], dtype=bool)
    table["fault"] = [" + ".join(name for name in wrong if wrong[name][i]) for i in range(len(table))]
    table["age"] = pd.to_numeric(table["age"], errors="coerce")
    table["near"] = ""
    for name in wrong:
        if column_of(name, table) and is_number(name, table):
            numbers = table[str(column_of(name, table))].to_numpy(float)
            close = wrong[name] & is_near(name, numbers, limits_of(name, task))
            table.loc[close, "near"] = [f"{name} {in_full(number)}" for number in numbers[close]]


def is_near(name: str, numbers: np.ndarray, limits: Sequence[float]) -> np.ndarray:
    """Whether numbers of an attribute, shape (n,), are so close to a limit between groups that either is hardly wrong.

    An age in years is whole: 29 is as close to a limit of 30 as 30 is to 29.
    """
    if not len(limits) or not np.isfinite(numbers).any():
        return np.zeros(len(numbers), dtype=bool)
    half = 0.5 if name == "age" else 0.0
    within = NEAR_YEARS if name == "age" else NEAR_SHARE * (np.nanmax(numbers) - np.nanmin(numbers))
    return np.abs(numbers[:, None] - (np.asarray(limits, dtype=float) - half)).min(1) + half <= within


def confusion(answers: Answers, rows: np.ndarray | None = None) -> np.ndarray:
    """Counts, shape (classes, classes), rows true, columns predicted. rows: positions in the table, all if None."""
    table = answers.table if rows is None else answers.table.iloc[rows]
    return metrics.confusion(table["y"], table["guess"], len(answers.class_names))


def select(answers: Answers, criteria: Filter) -> np.ndarray:
    """Positions in the table of the faces that a filter keeps, in the order of the table."""
    table = answers.table
    keep = np.ones(len(table), dtype=bool)
    if criteria.answer != "all":
        keep &= (table["right"] == (criteria.answer == "right")).to_numpy()
    equal = {
        "fold": criteria.fold,
        "true": criteria.true,
        "predicted": criteria.predicted,
        "person": criteria.person,
    }
    for column, value in equal.items():
        if value is not None:
            keep &= (table[column].astype(object) == value).to_numpy()
    for name in dict(criteria.groups):
        values = [value for attribute, value in criteria.groups if attribute == name]
        keep &= answers.groups[name].isin(values).to_numpy()
    if criteria.fault is not None:
        keep &= np.array([criteria.fault in fault.split(" + ") for fault in table["fault"]], dtype=bool)
    if criteria.low > 0 or criteria.high < 1:
        keep &= table["confidence"].between(criteria.low, criteria.high).to_numpy()
    if criteria.far:
        keep &= (table["near"] == "").to_numpy()
    if criteria.samples is not None:
        keep &= table["sample"].isin(criteria.samples).to_numpy()
    return np.flatnonzero(keep)


def order(answers: Answers, rows: np.ndarray, by: str = "loss", disagreement: pd.Series | None = None) -> np.ndarray:
    """rows, worst first: highest loss, highest confidence, or largest disagreement. Ties go by sample.

    disagreement: by sample, for 'folds' and 'runs'; a face that it lacks comes last. A loss that is no number is worst.
    """
    part = answers.table.iloc[rows]
    if by in ("folds", "runs"):
        if disagreement is None:
            raise ValueError(f"order by {by} needs the disagreement")
        worth = part["sample"].map(disagreement).fillna(-1.0)
    else:
        worth = part["confidence" if by == "confidence" else "loss"].fillna(np.inf)
    return rows[np.lexsort((part["sample"].to_numpy(str), -worth.to_numpy(float)))]


def divergence(probabilities: np.ndarray) -> np.ndarray:
    """How far several models disagree about each face: Jensen-Shannon divergence in bits, 0 where they are one.

    probabilities: (models, faces, classes). At most log2(models). Source: Lin 1991.
    """
    return voting.mutual_information(probabilities)


def between_runs(answers: Sequence[Answers]) -> pd.Series:
    """Disagreement of runs about each face that all of them answered, by sample.

    Raises LabError(kind 'classes') unless their classes are the same, or if there are fewer than two runs.
    """
    if len(answers) < 2:
        raise LabError("one run cannot disagree.", "Choose at least two runs.", kind="classes")
    for first, of_run in itertools.combinations(answers, 2):
        same = are_of_the_same(of_run.told_apart_by, first.told_apart_by)
        if of_run.class_names != first.class_names or not same:
            raise LabError(
                f"runs '{first.run_id}' and '{of_run.run_id}' have different classes.",
                "Choose runs of the same task.",
                kind="classes",
            )
    frames = [pd.DataFrame(a.probabilities, index=a.table["sample"]) for a in answers]
    shared = frames[0].index
    for frame in frames[1:]:
        shared = shared.intersection(frame.index)
    stacked = np.stack([frame.loc[shared].to_numpy() for frame in frames])
    return pd.Series(divergence(stacked), index=shared)


def _damaged(run: Run, what: str, error: Exception | str) -> LabError:
    if isinstance(error, Exception) and files.out_of_reach(error):
        text = f"run '{run.id}' is unreadable: {what} cannot be read ({error.strerror})."
        return LabError(text, files.CHECK, kind="unreadable")
    why = error if isinstance(error, str) else type(error).__name__
    return LabError(
        f"run '{run.id}' is unreadable: {what} is damaged ({why}).",
        "Copy its files back from a backup, or choose another run.",
        kind="unreadable",
    )
