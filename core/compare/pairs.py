"""Runs side by side: what can be paired, and by how much they differ. Imports no torch.

A fold that is not done in both runs of a pair is named and left out; runs whose people stand in different folds are
never tested as pairs; runs that tell other classes are refused.
"""

from __future__ import annotations

import hashlib
import math
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import pandas as pd

from core.compare.members import METRICS, ComparedRun, out_of_fold, same_classes
from core.data import persons
from core.data.yes_no import pairs as yes_no
from core.errors import LabError, in_sentences
from core.runs import starts
from core.stats import paired
from core.stats.metrics import accuracy, codes, confusion_of, macro_f1
from core.stats.paired import Interval, McNemar
from core.text import listed, number_of, spread

KEYS = ["sample", "person", "class_name", "fold"]
REMEMBERED = 1_000  # intervals


class Tests(NamedTuple):
    """interval: corrected over folds; bootstrap: over people, of F1. photos, people: McNemar by photo and by person.
    None without shared folds, or without predictions."""

    interval: Interval | None
    bootstrap: Interval | None
    photos: McNemar | None
    people: McNemar | None


@dataclass(frozen=True, eq=False)
class Pair:
    """A run against a baseline. folds: shared and finished in both; empty where nothing can be paired.

    scores, base_scores: one per fold. table: out-of-fold predictions of both on the photos that both held out, with
    the columns of out_of_fold and suffixes _a (run) and _b (baseline); None where predictions are gone.
    notes: what was left out and why. warning: why the two are not a pair at all, else empty.
    """

    run: ComparedRun
    baseline: ComparedRun
    folds: tuple[int, ...]
    scores: np.ndarray
    base_scores: np.ndarray
    test_fraction: float
    table: pd.DataFrame | None
    notes: tuple[str, ...] = ()
    warning: str = ""

    @property
    def persons(self) -> str:
        """known | partly | unknown: whether people are the units of this comparison, or photos."""
        return persons.together({self.run.persons.state, self.baseline.persons.state})

    @cached_property
    def tests(self) -> Tests:
        """Computed once, however often a page is drawn again."""
        interval = boot = photos = people = None
        if self.folds:
            interval = paired.corrected_paired_interval(self.scores, self.base_scores, test_fraction=self.test_fraction)
        if self.table is not None and len(self.table):
            names = self.run.class_names
            person = pd.factorize(self.table["person"])[0]
            true, a, b = (codes(self.table[c], names) for c in ("label", "predicted_a", "predicted_b"))
            boot = _bootstrap(person, true, a, b, len(names))
            # Several answers about one photo are not independent: then the photos are the units.
            if self.run.one_by_one:
                photo = pd.factorize(self.table["sample"])[0]
                photos = paired.people_mcnemar(photo, a == true, b == true)
            else:
                photos = paired.mcnemar(a == true, b == true)
            people = paired.people_mcnemar(person, a == true, b == true)
        return Tests(interval, boot, photos, people)


def pair(run: ComparedRun, baseline: ComparedRun, *, metric: str = "f1", which: str = "best") -> Pair:
    """Find what two runs share. Raises LabError(kind 'classes') when they tell different classes."""
    if refused := same_classes(baseline, [run])[1]:
        raise refused[0]
    if warning := _different_folds(run, baseline):
        return Pair(run, baseline, (), np.empty(0), np.empty(0), math.nan, None, warning=warning)
    notes = [*_unfinished(run), *_unfinished(baseline), *_replaced(run, baseline)]
    folds = sorted(set(run.done) & set(baseline.done))
    table, trouble = _shared_predictions(run, baseline, which, folds)
    notes += trouble
    if identical_samples(run, baseline):
        scores = [[m.score(fold, metric, which) for fold in folds] for m in (run, baseline)]
    elif table is None:
        scores = [[math.nan] * len(folds)] * 2
        notes.append("The two runs hold out different photos, so without predictions their scores cannot be paired.")
    else:
        scores = [[_rescore(table[table["fold"] == f], run.class_names, s, metric) for f in folds] for s in ("a", "b")]
    ours, theirs = (np.array(values, dtype=float) for values in scores)
    finite = np.isfinite(ours) & np.isfinite(theirs)
    if table is not None or identical_samples(run, baseline):
        notes += [
            f"Fold {fold} has no finite {METRICS[metric]} in one of the two and is left out."
            for fold in np.array(folds, dtype=int)[~finite]
        ]
    paired_folds = tuple(int(fold) for fold in np.array(folds, dtype=int)[finite])
    if table is not None:
        table = table[table["fold"].isin(paired_folds)]
    return Pair(
        run,
        baseline,
        folds=paired_folds,
        scores=ours[finite],
        base_scores=theirs[finite],
        test_fraction=test_fraction(baseline, paired_folds),
        table=table,
        notes=tuple(notes),
        warning="" if paired_folds else f"{run.name} and {baseline.name} share no finished fold yet.",
    )


def _different_folds(run: ComparedRun, baseline: ComparedRun) -> str:
    """Why folds differ, as a sentence; empty when everyone in both runs stands in the same fold."""
    ours, theirs = (m.samples.drop_duplicates("person").set_index("person")["fold"] for m in (run, baseline))
    both = ours.index.intersection(theirs.index)
    state = persons.together({run.persons.state, baseline.persons.state})
    if not len(both):
        what = persons.units(1, state).removeprefix("1 ")
        return f"{run.name} and {baseline.name} have no {what} in common, so nothing can be paired."
    moved = int((ours.loc[both] != theirs.loc[both]).sum())
    if not moved:
        return ""
    return (
        f"{run.name} and {baseline.name} are split into different folds ({moved:,} of "
        f"{persons.units(len(both), state)} {'stands' if moved == 1 else 'stand'} in another one), so there is no "
        "paired test. Launch them in one study to compare them."
    )


def _unfinished(member: ComparedRun) -> list[str]:
    return [
        f"Fold {state.fold} of {member.name} is {state.state} and left out."
        for state in member.states
        if state.state != "done"
    ]


def _replaced(run: ComparedRun, baseline: ComparedRun) -> list[str]:
    """That photos of one name are not one photo, in a sentence; none where older labs kept no hash of either."""
    if run.samples is baseline.samples:
        return []
    ours, theirs = (m.samples.drop_duplicates("sample").set_index("sample")["hash"].dropna() for m in (run, baseline))
    both = ours.index.intersection(theirs.index)
    replaced = int((ours[both] != theirs[both]).sum())
    if not replaced:
        return []
    others = "has another content" if replaced == 1 else "have another content"
    return [
        f"{number_of(replaced, 'photo')} of the same name {others} in the two runs: a difference may come from that."
    ]


def other_losses(members: Sequence[ComparedRun]) -> str:
    """That some have the weighted loss of older labs and others that of now, in a sentence; empty where they do not."""
    weighted = [member for member in members if starts.weighs_photos(member.config)]
    weighed_classes = {member.id for member in weighted if starts.weighed_classes(member.run)}
    before, now = ([m.name for m in weighted if (m.id in weighed_classes) is older] for older in (True, False))
    if not before or not now:
        return ""
    return (
        f"The weighted loss of {listed(before)} weighed each class of a target, that of {listed(now)} weighs each "
        "photo by its label: a difference may come from that."
    )


def identical_samples(run: ComparedRun, baseline: ComparedRun) -> bool:
    """Whether both hold out the same photos, with the same labels, in the same folds."""
    if run.samples is baseline.samples:
        return True
    if list(run.samples) != list(baseline.samples):
        return False
    keys = [*KEYS, *(yes_no.YES + name for name in yes_no.attributes_of(run.samples))]
    first, second = (m.samples[keys].sort_values("sample", ignore_index=True) for m in (run, baseline))
    return first.equals(second)


def _shared_predictions(
    run: ComparedRun, baseline: ComparedRun, which: str, folds: Sequence[int]
) -> tuple[pd.DataFrame | None, list[str]]:
    try:
        a, b = (out_of_fold(member, which, folds) for member in (run, baseline))
    except LabError as error:
        rest = "The interval uses the recorded scores; tests by photo and flips need them."
        return None, [in_sentences(error.message, rest)]
    return merged(a, b, one_by_one=run.one_by_one)


def merged(a: pd.DataFrame, b: pd.DataFrame, *, one_by_one: bool) -> tuple[pd.DataFrame, list[str]]:
    """The answers that both give about photos of one label, as Pair.table has them, and what is left out of it.

    a, b: as out_of_fold gives them.
    """
    answer = ["sample", "fold", *(["attribute"] if one_by_one else [])]
    what = "answer" if one_by_one else "photo"
    table = a.merge(b.drop(columns=["person", "path", "bits"]), on=answer, suffixes=("_a", "_b"))
    same = table["label_a"].astype(str) == table["label_b"].astype(str)
    notes = []
    if alone := len(a) + len(b) - 2 * len(table):
        notes.append(f"Left out: {number_of(alone, what)} held out by one of the two runs alone.")
    if relabelled := int((~same).sum()):
        notes.append(f"Left out: {number_of(relabelled, what)} with different labels in the two runs.")
    return table[same].rename(columns={"label_a": "label"}).drop(columns="label_b"), notes


def _rescore(table: pd.DataFrame, names: Sequence[str], side: str, metric: str) -> float:
    if not len(table):
        return math.nan
    confusion = confusion_of(table["label"], table[f"predicted_{side}"], names)
    return macro_f1(confusion) if metric == "f1" else accuracy(confusion)


def test_fraction(member: ComparedRun, folds: Sequence[int]) -> float:
    """Held-out people / training people, mean over the folds."""
    people = member.samples.groupby("fold")["person"].nunique()
    held = people[[fold for fold in folds if fold in people.index]]
    return float((held / (people.sum() - held)).mean()) if len(held) else math.nan


@dataclass(frozen=True)
class Difference:
    """A run minus a baseline. deltas: one per fold. interval: corrected over folds; bootstrap: over people, of F1.

    p: corrected for `comparisons` (Holm). photos, people: McNemar by photo and by person; None without predictions.
    persons: known | partly | unknown; where they are unknown, photos stand for people in bootstrap and McNemar.
    """

    run: str
    baseline: str
    name: str
    baseline_name: str
    metric: str
    which: str
    folds: tuple[int, ...]
    deltas: tuple[float, ...]
    interval: Interval | None
    bootstrap: Interval | None
    photos: McNemar | None
    people: McNemar | None
    p: float
    comparisons: int
    verdict: str
    sentence: str
    notes: tuple[str, ...]
    warning: str
    persons: str

    @property
    def deltas_mean(self) -> float:
        """NaN without shared folds."""
        return float(np.mean(self.deltas)) if self.deltas else math.nan


def differences(
    pairs: Sequence[Pair],
    *,
    within: float = 0.01,
    metric: str = "f1",
    which: str = "best",
    cost_ratios: Mapping[str, float] | None = None,
    highest: bool = False,
) -> list[Difference]:
    """Every run against the baseline, corrected together.

    within: half width of the region that counts as the same, a share. cost_ratios: run id -> multiply-adds per image
    over the baseline's. highest: the baseline was chosen for its score (verdict.best_of). Any of them could have been,
    so that every pair of them counts as a comparison, not only those with the baseline.
    """
    undecided = [_difference(pair, metric, which) for pair in pairs]
    p_values = [d.interval.p if d.interval else math.nan for d in undecided]
    tested = int(np.isfinite(p_values).sum())
    comparisons = math.comb(tested + 1, 2) if highest else tested
    corrected = paired.holm(p_values, comparisons)
    decided = []
    for pair, difference, p in zip(pairs, undecided, corrected, strict=True):
        if difference.interval is None:
            sentence = _unpaired_sentence(pair, metric, which)
            decided.append(replace(difference, comparisons=comparisons, sentence=sentence))
            continue
        verdict = paired.decide(difference.interval, float(p), within)
        sentence = paired.sentence(
            difference.name,
            difference.baseline_name,
            difference.interval,
            verdict,
            within=within,
            metric=METRICS[metric],
            cost_ratio=(cost_ratios or {}).get(difference.run),
            comparisons=comparisons,
        )
        decided.append(replace(difference, p=float(p), comparisons=comparisons, verdict=verdict, sentence=sentence))
    return decided


def _difference(pair: Pair, metric: str, which: str) -> Difference:
    tests = pair.tests
    run, base = pair.run, pair.baseline
    return Difference(
        run=run.id,
        baseline=base.id,
        name=run.name if run.name != base.name else f"{run.name} {run.id[-4:]}",
        baseline_name=base.name if run.name != base.name else f"{base.name} {base.id[-4:]}",
        metric=metric,
        which=which,
        folds=pair.folds,
        deltas=tuple(float(d) for d in pair.scores - pair.base_scores),
        interval=tests.interval,
        bootstrap=tests.bootstrap,
        photos=tests.photos,
        people=tests.people,
        p=math.nan,
        comparisons=0,
        verdict=paired.UNDECIDED,
        sentence="",
        notes=pair.notes,
        warning=pair.warning,
        persons=pair.persons,
    )


def _bootstrap(person: np.ndarray, true: np.ndarray, a: np.ndarray, b: np.ndarray, classes: int) -> Interval:
    """The same faces give the same interval, so a page that is drawn again does not draw people again.

    Known by a digest of the answers: themselves they are many megabytes.
    """
    digest = hashlib.sha256()
    for part in (person, true, a, b):
        digest.update(np.ascontiguousarray(part, dtype=np.int64).data)
    key = digest.digest(), len(person), classes
    if (interval := _INTERVALS.get(key)) is None:
        interval = _INTERVALS[key] = paired.bootstrap_f1_difference(person, true, a, b, classes)
        while len(_INTERVALS) > REMEMBERED:
            _INTERVALS.popitem(last=False)
    return interval


_INTERVALS: OrderedDict[tuple[bytes, int, int], Interval] = OrderedDict()


def _unpaired_sentence(pair: Pair, metric: str, which: str) -> str:
    means = [spread(m.scores(metric, which).values()) for m in (pair.run, pair.baseline)]
    label = METRICS[metric]
    return (
        f"{pair.run.name} cannot be tested against {pair.baseline.name}: {label} {means[0]} against {means[1]}, "
        "mean ± deviation (folds), not paired."
    )
