"""The runs of a comparison, as far as they can be read: what was frozen, fold states, out-of-fold predictions.

Imports no torch. What is read is kept by path and time of its files.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pandas as pd

from core.config import RunConfig
from core.data.of_what import are_of_the_same, told_apart_by
from core.data.persons import Persons, persons_of
from core.data.yes_no import pairs
from core.errors import LabError
from core.runs import Run
from core.runs.everybody.unmeasured import nobody_held_out
from core.runs.names import given
from core.runs.states import FoldState
from core.runs.yes_no import answers
from core.runs.yes_no.view import attributes
from core.storage import files
from core.storage.files import GARBAGE
from core.storage.remembered import MOST_BYTES, Remembered, bytes_of
from core.studies import records
from core.studies.naming import own_name
from core.text import listed

METRICS = {"f1": "F1", "accuracy": "accuracy"}
WHICH = {"best": "best epoch", "final": "last epoch"}
COLUMNS = ["sample", "path", "bits", "person", "class_name", "fold"]
Frozen = tuple[RunConfig, dict[str, Any], pd.DataFrame, Persons]
FROZEN = Remembered[Frozen](64)  # by number: a page asks for all of its runs each time that it is drawn
POOLED = Remembered[pd.DataFrame](MOST_BYTES, bytes_of)


@dataclass(frozen=True, eq=False)
class ComparedRun:
    """One run as a comparison reads it. Do not modify the tables.

    samples: sample, path, bits, person, class_name, fold, hash (the start of that of a photo's bytes; none of a run of
    an older lab), and what a photo tells of each attribute where those are told one by one.
    version: equal as long as the files that were frozen are the same. persons: how far it is known whom photos show.
    """

    run: Run
    config: RunConfig
    info: dict[str, Any]
    class_names: tuple[str, ...]
    samples: pd.DataFrame
    states: tuple[FoldState, ...]
    version: tuple[int, ...]
    persons: Persons

    @property
    def id(self) -> str:
        return self.run.id

    @property
    def name(self) -> str:
        return self.config.name

    @property
    def one_by_one(self) -> bool:
        """Whether its classes are the no and yes of attributes, of which a photo has an answer to each."""
        return self.config.task.one_by_one

    @property
    def done(self) -> tuple[int, ...]:
        return tuple(state.fold for state in self.states if state.state == "done")

    def score(self, fold: int, metric: str, which: str) -> float:
        """The recorded score of a fold, NaN where there is none."""
        state = next((s for s in self.states if s.fold == fold), None)
        value = ((state.scores if state else None) or {}).get(f"{which}_{metric}")
        return float(value) if isinstance(value, (int, float)) else math.nan

    def scores(self, metric: str, which: str) -> dict[int, float]:
        """fold -> finite score of every finished fold."""
        recorded = {fold: self.score(fold, metric, which) for fold in self.done}
        return {fold: score for fold, score in recorded.items() if math.isfinite(score)}


def load(run_id: str, folder: Path | None = None) -> ComparedRun:
    """Raises LabError: kinds 'bad-id', 'gone', 'unreadable', 'everybody' for a run that held nobody out."""
    run = Run(run_id, folder).require()
    try:
        version = tuple(path.stat().st_mtime_ns for path in (run.config_file, run.info_file, run.samples_file))
        version += run.photos_version()
        frozen, info, samples, persons = FROZEN.of((str(run.dir), version), lambda: _frozen(run))
        config = given.config(frozen, run.notes_file)
        names = tuple(str(name) for name in info["class_names"])
        if (parent := config.folds.everybody) is not None:
            raise nobody_held_out(run.id, parent)
    except (OSError, *GARBAGE) as error:
        if not run.exists():
            run.require()
        what = f"is missing or damaged ({type(error).__name__})"
        remedy = "Copy its files back from a backup, or compare without it."
        if files.out_of_reach(error):
            what, remedy = f"cannot be read ({error.strerror})", files.CHECK
        raise LabError(f"run '{run_id}' is unreadable: a file of it {what}.", remedy, kind="unreadable") from error
    return ComparedRun(run, config, info, names, samples, tuple(run.states()), version, persons)


def _frozen(run: Run) -> Frozen:
    samples = run.samples()
    tells = [pairs.YES + name for name in pairs.attributes_of(samples)]
    content = samples["hash"].astype("object").str[:16] if "hash" in samples else None
    return run.config(), run.info(), samples[[*COLUMNS, *tells]].assign(hash=content), persons_of(samples)


def load_all(ids: Sequence[str], folder: Path | None = None) -> tuple[list[ComparedRun], list[LabError]]:
    """The runs that can be read, in order and once each, and what is wrong with the others."""
    members, problems = [], []
    for run_id in dict.fromkeys(ids):
        try:
            members.append(load(run_id, folder))
        except LabError as error:
            problems.append(error)
    return members, problems


def told_apart(members: Sequence[ComparedRun]) -> list[ComparedRun]:
    """The same runs under names that tell them apart.

    Runs of one study lose its name, which all of theirs begin with; those that share a name get the end of their id.
    """
    names = _names(members)
    return [
        replace(m, config=m.config.model_copy(update={"name": n if names.count(n) == 1 else f"{n} ({m.id[-4:]})"}))
        for m, n in zip(members, names, strict=True)
    ]


def _names(members: Sequence[ComparedRun]) -> list[str]:
    names = [member.name for member in members]
    of = {str(member.info.get("study") or "") for member in members}
    if len(members) < 2 or len(of) != 1 or "" in of:
        return names
    try:
        study = records.load(of.pop(), members[0].run.dir.parent)
    except LabError:
        return names  # deleted, damaged, or the runs were copied without it
    return [own_name(name, study.name) for name in names]


def version_of(member: ComparedRun, which: str) -> tuple:
    """Equal as long as nothing that a comparison reads of this run has changed: name, fold states, predictions."""
    times = []
    for fold in member.done:
        try:
            times.append(member.run.predictions_file(fold, which).stat().st_mtime_ns)
        except OSError:
            times.append(0)
    states = tuple((s.fold, s.state, repr(s.scores)) for s in member.states)
    return str(member.run.dir), member.name, member.version, states, tuple(times)


def same_classes(baseline: ComparedRun, members: Sequence[ComparedRun]) -> tuple[list[ComparedRun], list[LabError]]:
    """The runs that tell the baseline's classes, and a refusal for each that does not.

    Folders may tell what either of two columns does: beside a baseline on folders the first run of a column decides.
    """
    comparable, refused = [], []
    first_of = {_of_what(baseline): baseline}
    for member in members:
        of = _of_what(member)
        names_differ = set(member.class_names) != set(baseline.class_names) or member.one_by_one != baseline.one_by_one
        apart = (run for others, run in first_of.items() if not are_of_the_same(of, others))
        other = baseline if names_differ else next(apart, None)
        if other is None:
            comparable.append(member)
            first_of.setdefault(of, member)
        else:
            refused.append(_tell_others(member, other))
    return comparable, refused


def _of_what(member: ComparedRun) -> tuple[str, ...]:
    return told_apart_by(member.config.task, member.class_names, member.config.data.label_column)


def _tell_others(member: ComparedRun, baseline: ComparedRun) -> LabError:
    """How the classes of two runs differ."""
    extra, missing = set(member.class_names) - {*baseline.class_names}, {*baseline.class_names} - {*member.class_names}
    of, of_baseline = _of_what(member), _of_what(baseline)
    if extra or missing:
        apart = f"'{min(extra or missing)}' is a class of {'the first' if extra else 'the second'} alone"
    elif not are_of_the_same(of, of_baseline):
        mine, theirs = (listed(each) or "none" for each in (of, of_baseline))
        apart = f"those of the first are of {mine}, of the second of {theirs}"
    else:
        apart = "one of them tells them one by one"
    return LabError(
        f"{member.name} ({len(member.class_names)} classes) and {baseline.name} "
        f"({len(baseline.class_names)} classes) do not tell the same classes: {apart}.",
        "Compare runs of one task.",
        kind="classes",
    )


def out_of_fold(member: ComparedRun, which: str, folds: Sequence[int] | None = None) -> pd.DataFrame:
    """Pooled predictions of finished folds with the person, path and fold of each sample. Do not modify it.

    Columns sample, label, predicted, loss, p_<class>..., person, path, fold. Of attributes that are told one by one a
    row for each answer: attribute, p_true and p_predicted instead of p_<class>. Raises LabError: kinds 'gone' and
    'missing'.
    """
    chosen = tuple(member.done if folds is None else folds)
    try:
        version = tuple(member.run.predictions_file(fold, which).stat().st_mtime_ns for fold in chosen)
        version += member.run.photos_version()
        run = Run(member.run.id, member.run.dir.parent)
        key = str(run.dir), which, chosen, version
        return POOLED.of(key, lambda: as_rows(run, {fold: run.predictions(fold, which) for fold in chosen}))
    except FileNotFoundError:
        member.run.require()
    except (OSError, *GARBAGE) as error:
        why, remedy = type(error).__name__, "Resume or repeat the run to write them again."
        if files.out_of_reach(error):
            why, remedy = str(error.strerror), files.CHECK
        message = f"{member.name}: predictions of the {WHICH[which]} cannot be read ({why})."
        raise LabError(message, remedy, kind="missing") from error
    raise LabError(
        f"{member.name}: predictions of a finished fold are gone.", "Repeat the run to have them again.", kind="missing"
    )


def as_rows(run: Run, predictions: Mapping[int, pd.DataFrame]) -> pd.DataFrame:
    """The answers of folds pooled, as out_of_fold gives them. predictions: fold -> a table as the fold leaves it."""
    attribute_names = attributes(run)
    tables = [
        (answers.rows(table, attribute_names) if attribute_names else table).assign(fold=fold)
        for fold, table in predictions.items()
    ]
    if not tables:
        return pd.DataFrame(columns=["sample", "label", "predicted", "loss", "person", "path", "bits", "fold"])
    where = run.samples().drop_duplicates("sample").set_index("sample")[["person", "path", "bits"]]
    if attribute_names:  # categories, as the words of each answer are: a photo has many rows
        where = where.astype({"person": "category", "path": "category"})
    return pd.concat(tables, ignore_index=True).join(where, on="sample")
