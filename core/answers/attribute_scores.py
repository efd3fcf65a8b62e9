"""Scores of each attribute from joint predictions, and joint predictions from networks of one attribute each.

Imports no torch.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.config.parts import TaskConfig
from core.data.tasks import CHOSEN, attributes_of, joint_name, merged, scored_parts
from core.errors import LabError
from core.runs import Run
from core.stats.metrics import accuracy, class_f1, codes, confusion, macro_f1
from core.text import listed

P = "p_"  # prefix of a class's probability in the predictions of a fold


@dataclass(frozen=True)
class AttributeScore:
    """accuracy, f1: 0..1 over the samples of one fold; f1 is the mean over all values of the attribute."""

    attribute: str
    fold: int
    accuracy: float
    f1: float
    samples: int


def attribute_probabilities(predictions: pd.DataFrame, parts: Sequence[dict[str, str]], attribute: str) -> pd.DataFrame:
    """Probability of each value of an attribute: the sum over the classes that have it. Shape (samples, values).

    predictions: as a fold leaves them, one p_<class> column a class in the order of parts (data.class_parts).
    """
    columns = [name for name in predictions.columns if name.startswith(P)]
    values = [part[attribute] for part in parts]
    summed = predictions[columns].T.groupby(values, sort=False).sum().T
    return summed[list(dict.fromkeys(values))]


def attribute_scores(
    predictions: pd.DataFrame, parts: Sequence[dict[str, str]], class_names: Sequence[str], fold: int
) -> list[AttributeScore]:
    """One score for each attribute that parts speak of (data.scored_parts): none for a task of one, whose joint score
    says it already.

    A value is predicted by its summed probability, not read from the likeliest joint class: the two can differ.
    """
    scores = []
    for attribute in parts[0]:
        shares = attribute_probabilities(predictions, parts, attribute)
        values = list(shares.columns)
        by_class = {name: values.index(part[attribute]) for name, part in zip(class_names, parts, strict=True)}
        counts = confusion(predictions["label"].map(by_class), shares.to_numpy().argmax(axis=1), len(values))
        scores.append(AttributeScore(attribute, fold, accuracy(counts), macro_f1(counts), len(predictions)))
    return scores


def without_score(tasks: Iterable[TaskConfig], scored: Container[str]) -> str:
    """Which attributes of these tasks a table of those that are scored leaves out, in a sentence; "" for none."""
    left_out = [name for name in dict.fromkeys(itertools.chain(*map(attributes_of, tasks))) if name not in scored]
    return f"There is no score of {listed(left_out)}, whose values the classes do not tell apart." if left_out else ""


def score_run(run: Run, which: str = "best") -> list[AttributeScore]:
    """The attribute scores of every finished fold of a run, from its out-of-fold predictions."""
    names = run.info()["class_names"]
    parts = scored_parts(run.config().task, names)
    done = [state.fold for state in run.states() if state.state == "done"] if parts[0] else []
    return [s for fold in done for s in attribute_scores(run.predictions(fold, which), parts, names, fold)]


def combine(
    predictions: Sequence[tuple[pd.DataFrame, list[str]]], name_of: Callable[[Sequence[str]], str] = " ".join
) -> tuple[pd.DataFrame, list[str]]:
    """Joint predictions of networks that each tell one attribute, taken as independent given the photo.

    predictions: (out-of-fold predictions, class names) of each network, in the order in which the joint name is read.
    name_of: values, one a network -> the name of their joint class.
    Returns (predictions of the joint classes for the samples that all of them predicted, class names): a joint class
    has the product of its parts' probabilities. Raises LabError(kind 'combine') when they share no sample.
    """
    tables = [table.set_index("sample") for table, _ in predictions]
    shared = tables[0].index
    for table in tables[1:]:
        shared = shared[shared.isin(table.index)]
    if not len(shared):
        raise LabError(
            "combine: the networks share no out-of-fold photo.",
            "Give runs of the same dataset and the same folds.",
            kind="combine",
        )
    tables = [table.loc[shared] for table in tables]
    names = [name_of(words) for words in itertools.product(*(classes for _, classes in predictions))]
    shares = np.ones((len(shared), 1))
    for table, (_, classes) in zip(tables, predictions, strict=True):
        marginal = table[[P + name for name in classes]].to_numpy()
        shares = (shares[:, :, None] * marginal[:, None, :]).reshape(len(shared), -1)
    label = [name_of(words) for words in zip(*(table["label"].astype(str) for table in tables), strict=True)]
    chosen = np.asarray(names, dtype=object)[shares.argmax(axis=1)]
    index = {name: i for i, name in enumerate(names)}
    true = np.array([index[name] for name in label])
    loss = -np.log(np.clip(shares[np.arange(len(true)), true], 1e-300, None))
    frame = pd.DataFrame({"sample": shared, "label": label, "predicted": chosen, "loss": loss})
    columns = pd.DataFrame(shares, columns=[P + name for name in names])
    return pd.concat([frame.reset_index(drop=True), columns], axis=1), names


@dataclass(frozen=True)
class JointScore:
    """What several networks of one attribute reach together, on one fold."""

    fold: int
    accuracy: float
    f1: float
    samples: int


def score_together(
    runs: Sequence[Run],
    which: str = "best",
    classes: Sequence[str] | None = None,
    merge: Mapping[str, Sequence[str]] | None = None,
) -> list[JointScore]:
    """Joint accuracy and macro F1 per fold of runs that each tell one attribute.

    classes: the joint classes over which F1 is averaged; all combinations when left out. merge: those of them that are
    merged -> their members; they have the probability of all of these.
    Raises LabError(kind 'combine') for runs whose folds hold out different people: their scores would not be
    out-of-fold together; and for a joint class that they do not tell.
    """
    scores = []
    for fold, product, combinations in _combined(runs, which):
        table, names = _as_merged(product, combinations, merge or {}), merged(merge or {}, combinations)
        order = list(classes or dict.fromkeys(names))
        if untold := [name for name in order if name not in names]:
            raise LabError(
                f"combine: {listed([run.id for run in runs])} together tell no class {untold[0]!r}, which the run of "
                "all their attributes has.",
                "Launch them with the groups of that run, and without classes that are merged or left out.",
                kind="combine",
            )
        table = table[table["label"].isin(order)]
        chosen = codes(table["predicted"], order)
        chosen[chosen < 0] = len(order)  # a combination that no photo has: wrong for its true class
        counts = confusion(codes(table["label"], order), chosen, len(order) + 1)
        f1 = float(class_f1(counts)[: len(order)].mean())
        scores.append(JointScore(fold, accuracy(counts), f1, int(counts.sum())))
    return scores


def _as_merged(table: pd.DataFrame, names: list[str], merge: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """Predictions with the label and the likeliest class once some are merged. names: the classes before that."""
    if not merge:
        return table
    of_class = dict(zip(names, merged(merge, names), strict=True))
    shares = table[[P + name for name in names]].T.groupby(list(of_class.values()), sort=False).sum().T
    predicted = shares.columns.to_numpy()[shares.to_numpy().argmax(axis=1)]
    return table.assign(label=table["label"].map(of_class), predicted=predicted)


def attributes_together(runs: Sequence[Run], which: str = "best") -> list[AttributeScore]:
    """Each attribute's scores per fold of runs that each tell one, on the photos that all of them hold out.

    Raises LabError(kind 'combine') as score_together does.
    """
    tasks = [attributes_of(run.config().task)[0] for run in runs]
    scores = []
    for fold, table, names in _combined(runs, which):
        values = itertools.product(*(run.info()["class_names"] for run in runs))
        parts = [dict(zip(tasks, words, strict=True)) for words in values]
        scores += attribute_scores(table, parts, names, fold)
    return scores


def _combined(runs: Sequence[Run], which: str) -> Iterator[tuple[int, pd.DataFrame, list[str]]]:
    """(fold, joint predictions, joint classes) of every fold that all runs have finished."""
    fold_of_person = [run.samples().set_index("person")["fold"] for run in runs]
    first = fold_of_person[0][~fold_of_person[0].index.duplicated()]
    for run, folds in zip(runs[1:], fold_of_person[1:], strict=True):
        shared = folds[folds.index.isin(first.index)]
        if (shared != first.loc[shared.index]).any():
            raise LabError(
                f"combine: {run.id} holds out other people than {runs[0].id}.",
                "Launch both in one study: its runs share their folds.",
                kind="combine",
            )
    done = [{state.fold for state in run.states() if state.state == "done"} for run in runs]
    tasks = [run.config().task for run in runs]
    are_chosen = any(task.name == CHOSEN for task in tasks)
    name_of = functools.partial(joint_name, [attributes_of(task)[0] for task in tasks]) if are_chosen else " ".join
    for fold in sorted(set.intersection(*done)):
        yield fold, *combine([(run.predictions(fold, which), run.info()["class_names"]) for run in runs], name_of)
