"""What a run's folds reach together on its test photos, from what they answered about them. Imports no torch.

The ensemble's probability of a class is the mean of the folds' probabilities.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from core.answers import yes_no_scores
from core.data.persons import UNKNOWN, Persons, noun, persons_of, units
from core.data.yes_no import pairs
from core.errors import LabError
from core.runs import Run, origins
from core.runs.kept import dropped
from core.runs.yes_no.answers import of_probabilities
from core.runs.yes_no.view import OneAttribute, attributes
from core.stats import metrics
from core.storage import files
from core.storage.files import GARBAGE

if TYPE_CHECKING:
    from core.stats.paired import Interval

WHICH = "best"  # the weights that answer
FEW = 20  # people, or photos where persons are unknown: fewer make a rough interval
NO_CHOICE = (
    "A test set that chooses between runs is no test set any more: each look at the score is counted, and Compare "
    "never uses it for its verdicts."
)


@dataclass(frozen=True)
class FoldScore:
    fold: int
    f1: float
    accuracy: float


@dataclass(frozen=True, eq=False)
class EnsembleScores:
    """f1, accuracy: of the ensemble, with intervals over people (over photos where persons are unknown).
    one_by_one: classes are the no and yes of attributes, of which each photo has an answer to those that it tells;
    accuracy is then the share of right answers.

    present: F1 over the classes that have test photos. absent: the other classes. confusion: (classes, classes), rows
    true. folds: each fold's network alone, on the same photos. F1 is over all classes of the task.
    """

    class_names: tuple[str, ...]
    photos: int
    persons: Persons
    f1: Interval
    accuracy: Interval
    present: float
    absent: tuple[str, ...]
    confusion: np.ndarray
    folds: tuple[FoldScore, ...]
    one_by_one: bool = False

    @property
    def attributes(self) -> pd.DataFrame:
        """Of attributes that are told one by one: index attribute, columns of metrics.YesScores, lowest F1 first."""
        names = [name.removesuffix(" no") for name in self.class_names[::2]] if self.one_by_one else []
        rows = {name: vars(scores) for name, scores in yes_no_scores.of_counts(self.confusion, names).items()}
        return pd.DataFrame.from_dict(rows, orient="index", columns=yes_no_scores.NUMBERS).sort_values("f1")

    @property
    def f1_yes(self) -> float:
        """Mean over the attributes of the F1 of yes."""
        return float(self.attributes["f1_yes"].mean())

    @property
    def gain(self) -> float:
        """F1 of the ensemble minus the mean F1 of its folds."""
        return self.f1.mean - float(np.mean([fold.f1 for fold in self.folds]))

    @property
    def about(self) -> str:
        """What the intervals are over, and what they cannot say, in a sentence."""
        persons = self.persons
        over = f"95% intervals are over {noun(persons.state)} of the test set, drawn anew"
        if not persons.are_known:
            those = "unknown" if persons.state == UNKNOWN else "known for some photos only"
            over += f"; persons are {those}, so they may be too narrow"
        if not self.f1.known or not self.accuracy.known:
            over += "; there is none where every draw gives the same"
        elif persons.people < FEW:
            over += f"; {units(persons.people, persons.state)} make a rough one"
        return f"{over}."

    @property
    def lacking(self) -> str:
        """Which classes have no test photo, in a sentence; empty where all have some."""
        if not self.absent:
            return ""
        names = ", ".join(self.absent[:5]) + (f" and {len(self.absent) - 5} more" if len(self.absent) > 5 else "")
        return f"No test photo of {names}: it counts 0 in F1; over the classes present F1 is {self.present:.3f}."


def score(
    probabilities: np.ndarray, true: np.ndarray, photos: pd.DataFrame, names: Sequence[str], one_by_one: bool = False
) -> EnsembleScores:
    """probabilities: (folds, n, classes), in the order of the folds. true: (n,) class indices. photos: n rows.

    one_by_one: probabilities are of yes, (folds, n, attributes), and true is 1, 0 or -1 (not told), (n, attributes).
    """
    from core.stats import paired  # scipy takes half a second, which a list of runs need not wait for

    person = pd.factorize(photos["person"])[0]
    if one_by_one:
        is_told, places = true >= 0, 2 * np.arange(true.shape[1])
        person = np.broadcast_to(person[:, None], true.shape)[is_told]
        labels = (true + places)[is_told]

        def answered(shares: np.ndarray) -> np.ndarray:
            return ((shares > 0.5) + places)[is_told]

    else:
        labels = true

        def answered(shares: np.ndarray) -> np.ndarray:
            return shares.argmax(axis=1)

    answers = answered(probabilities.mean(axis=0))
    counts = metrics.confusion(labels, answers, len(names))
    of_classes = metrics.class_scores(counts)
    f1, accuracy = paired.bootstrap_scores(person, labels, answers, len(names))
    folds = []
    for fold, alone in enumerate(probabilities):
        of_fold = metrics.confusion(labels, answered(alone), len(names))
        folds.append(FoldScore(fold, metrics.macro_f1(of_fold), metrics.accuracy(of_fold)))
    absent = tuple(names[place] for place in of_classes.absent)
    return EnsembleScores(
        tuple(names),
        len(true),
        persons_of(photos),
        f1,
        accuracy,
        of_classes.present,
        absent,
        counts,
        tuple(folds),
        one_by_one,
    )


def column(fold: int, name: str) -> str:
    """The column of test_predictions.parquet with one fold's probability of a class."""
    return f"fold_{fold}_p_{name}"


def write(run: Run, photos: pd.DataFrame, probabilities: np.ndarray) -> None:
    """test_predictions.parquet: sample, label, predicted, loss, p_<class> of the ensemble, then each fold's; of
    attributes that are told one by one the columns of core/runs/yes_no/answers.py.

    probabilities: (folds, n, classes), or (folds, n, attributes) of yes. It says which epoch of each fold answered.
    Raises LabError: kinds 'read-only' and 'disk-full'.
    """
    attribute_names = attributes(run)
    names = attribute_names or [str(name) for name in run.info()["class_names"]]
    together = probabilities.mean(axis=0)
    if attribute_names:
        frame = of_probabilities(photos["sample"].to_numpy(), attribute_names, pairs.told(photos), together)
        table = {name: frame[name].to_numpy() for name in frame}
    else:
        true = photos["y"].to_numpy(np.int64)
        table = {
            "sample": photos["sample"].to_numpy(),
            "label": [names[y] for y in true],
            "predicted": [names[place] for place in together.argmax(axis=1)],
            "loss": -np.log(np.clip(together[np.arange(len(true)), true], 1e-300, None)),
            **{f"p_{name}": together[:, place] for place, name in enumerate(names)},
        }
    for fold, alone in enumerate(probabilities):
        table |= {column(fold, name): alone[:, place] for place, name in enumerate(names)}
    written = pa.Table.from_pandas(pd.DataFrame(table), preserve_index=False)
    answered = json.dumps({"folds": _origins(run)})
    written = written.replace_schema_metadata({**written.schema.metadata, origins.KEY: answered})
    with files.written_to(run.dir):
        files.write_whole(run.test_predictions_file, lambda stream: pq.write_table(written, stream))


def load(run: Run) -> EnsembleScores | None:
    """The scores on a run's test photos; None where nobody asked for them yet, or there are no such photos.

    Raises LabError: 'gone', 'unreadable' for a damaged file, 'mixed' where other weights answered than the run has.
    """
    run.require()
    try:
        stamps = *run.photos_version(), run.test_file.stat().st_mtime_ns, run.test_predictions_file.stat().st_mtime_ns
    except FileNotFoundError:
        return None
    try:
        written = json.loads((pq.read_schema(run.test_predictions_file).metadata or {})[origins.KEY])["folds"]
        scores = _scores(str(run.dir), stamps)
    except (OSError, *GARBAGE) as error:
        what = f"is damaged, or not about its test photos ({type(error).__name__})"
        remedy = "Delete it: the folds then answer anew."
        if files.out_of_reach(error):
            what, remedy = f"cannot be read ({error.strerror})", files.CHECK
        raise LabError(f"{run.id}: test_predictions.parquet {what}.", remedy, kind="unreadable") from error
    if not _same_networks(run, written):
        raise LabError(
            f"{run.id}: other weights answered about the test set than the run has now.",
            "Delete test_predictions.parquet in its folder: the folds then answer anew.",
            kind="mixed",
        )
    return scores


def _origins(run: Run) -> dict[str, dict[str, str] | None]:
    """Of each fold, the epoch and token of the network that answers; None for one of an older lab, which says none."""
    read = {fold: origins.of_predictions(run.predictions_file(fold, WHICH)) for fold in run.folds()}
    # One that was trained on everybody has no predictions.
    of_folds = {fold: origin or origins.of_weights(run.weights_file(fold, WHICH)) for fold, origin in read.items()}
    return {str(fold): origin.metadata() if origin else None for fold, origin in of_folds.items()}


def _same_networks(run: Run, answered: dict[str, Any]) -> bool:
    """Whether the networks that answered are those of the run; of dropped ones without predictions nothing says other.

    answered: as `_origins` gave it then.
    """
    now = _origins(run)
    return now.keys() == answered.keys() and all(
        now[fold] == answered[fold] or (now[fold] is None and dropped.missing(run, int(fold), WHICH) is not None)
        for fold in now
    )


@lru_cache(maxsize=64)
def _scores(run_dir: str, stamps: tuple[int, ...]) -> EnsembleScores:
    run = Run(Path(run_dir).name, Path(run_dir).parent)
    names = [str(name) for name in run.info()["class_names"]]
    probabilities, photos = of_folds(run)
    one_by_one = bool(attributes(run))
    true = pairs.told(photos).astype(np.int64) if one_by_one else photos["y"].to_numpy(np.int64)
    return score(probabilities, true, photos, names, one_by_one)


def of_folds(run: Run) -> tuple[np.ndarray, pd.DataFrame]:
    """(what each fold answered, float64 (folds, n, classes) in the order of the folds; the n test photos).

    Of attributes that are told one by one the probability of yes, (folds, n, attributes); through one of them, the
    answers about the photos that tell it.

    `load` first says whether the files are whole. Raises ValueError where they are not about the same photos.
    """
    if isinstance(run, OneAttribute):
        return _of_attribute(run)
    names = [str(name) for name in run.info()["class_names"]]
    photos, answers = run.test_photos(), pd.read_parquet(run.test_predictions_file)
    if photos is None or photos["sample"].tolist() != answers["sample"].tolist():
        raise ValueError("not about the same photos")
    columns = attributes(run) or names
    folds = [answers[[column(fold, name) for name in columns]].to_numpy(np.float64) for fold in run.folds()]
    return np.stack(folds), photos


def _of_attribute(run: OneAttribute) -> tuple[np.ndarray, pd.DataFrame]:
    yes, photos = of_folds(run.whole)
    is_told = photos[pairs.YES + run.attribute].to_numpy() != pairs.UNTOLD
    of_one = run.test_photos()
    assert of_one is not None  # they were just read
    yes = yes[:, is_told, run.place]
    return np.stack([1 - yes, yes], axis=2), of_one
