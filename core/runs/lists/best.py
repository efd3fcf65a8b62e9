"""Which runs answered about the same photos in the same folds, and which finished one of them has the highest score.

Scores of other kinds of runs are never held against each other. Imports no torch.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from core.data.of_what import are_of_the_same, told_apart_by
from core.errors import LabError
from core.runs.lists.index import Listed, settings_of
from core.runs.lists.same import kept
from core.runs.run import Run
from core.storage.files import GARBAGE, read_json
from core.text import number_of, one_line

CRITERION = "best_f1"
REMEMBERED = 20_000  # runs


@dataclass(frozen=True)
class Best:
    """others: finished runs beside it. exactly: whether photos, classes and folds are known to be the same; else, of
    runs of older labs, dataset, task and folds are the same as far as their settings tell."""

    others: int
    exactly: bool

    def in_words(self) -> str:
        same = "the same photos, classes and folds" if self.exactly else "the same dataset, task and folds"
        caveat = "" if self.exactly else ", as far as their settings tell"
        return (
            f"Highest mean F1 of {self.others + 1} finished runs on {same}{caveat}. That alone does not show it to be "
            "better: Compare tests it."
        )


@kept
def best_of(entries: Iterable[Listed]) -> dict[str, Best]:
    """Id of each run that is the best of its kind, of several the same mean each. A run alone of its kind is none, and
    neither is one with an unfinished fold or one that held nobody out."""
    alike: dict[tuple, list[tuple[float, Listed]]] = {}
    for entry in entries:
        mean = mean_of(entry, CRITERION)
        if finished(entry) and mean is not None:
            alike.setdefault(entry.answers_about, []).append((mean, entry))
    best: dict[str, Best] = {}
    for kind, scored in alike.items():
        highest = max(mean for mean, _ in scored)
        if len(scored) > 1:
            mark = Best(len(scored) - 1, isinstance(kind[-1], str))
            best |= {entry.id: mark for mean, entry in scored if mean == highest}
    return best


def highest(entries: Iterable[Listed]) -> Listed | None:
    """The run of the highest mean F1 at the best epochs of its finished folds, of those that have the largest share of
    their folds finished (`among` says which); the first of several of the same mean.

    None where no run has one, and where those that have one tell different classes: an F1 of three classes is neither
    above nor below one of eighteen.
    """
    scored = [(mean, entry) for entry in entries if (mean := mean_of(entry, CRITERION)) is not None]
    if not scored or not same_classes(entry for _, entry in scored):
        return None
    furthest = max(share_done(entry) for _, entry in scored)
    return max((each for each in scored if share_done(each[1]) == furthest), key=lambda each: each[0])[1]


def highest_first(entries: Iterable[Listed]) -> list[Listed]:
    """Runs in the order by which `highest` finds the first: the largest share of folds finished, then the mean F1;
    those without one last. As they are where they tell different classes."""
    listed = list(entries)
    means = {entry.id: mean for entry in listed if (mean := mean_of(entry, CRITERION)) is not None}
    if not same_classes(entry for entry in listed if entry.id in means):
        return listed
    return sorted(
        listed,
        key=lambda entry: (share_done(entry), means[entry.id]) if entry.id in means else (-1.0, 0.0),
        reverse=True,
    )


def share_done(entry: Listed) -> float:
    """Finished folds over all folds; 0 for a run without any."""
    done, folds = entry.done
    return done / max(1, folds)


def among(shares: Iterable[float]) -> str:
    """Of which runs a highest mean is, as words after it: a mean over one lucky fold of five is no rival of one over
    five. Empty where all are as far.

    shares: finished folds over all folds, of each run that has a finished one.
    """
    different = set(shares)
    if len(different) < 2:
        return ""
    return " of the finished runs" if max(different) == 1 else " of the runs that have come furthest"


def same_classes(entries: Iterable[Listed]) -> bool:
    """Whether runs tell the same classes: of the same names, by those that were frozen, and told apart by the same
    attributes. By their task where those cannot be read."""
    kinds: dict[tuple, Listed] = {}
    for entry in entries:
        kinds.setdefault((_classes(entry), _task(entry)), entry)
    if len({names for names, _ in kinds}) > 1:
        return False
    if len(kinds) < 2:
        return True
    different = {_told_apart_by(entry) for entry in kinds.values()}
    return all(are_of_the_same(one, other) for one, other in itertools.combinations(different, 2))


def _task(entry: Listed) -> tuple:
    """The settings of its task, and where its label is: runs of the same ones need not be asked of what classes are."""
    return tuple(
        (name, value)
        for name, value in settings_of(entry).items()
        if name.startswith("task.") or name == "data.label_column"
    )


def _told_apart_by(entry: Listed) -> tuple[str, ...]:
    run = Run(entry.id, entry.root)
    try:
        config, names = run.config(), [str(name) for name in run.info()["class_names"]]
        return told_apart_by(config.task, names, config.data.label_column)
    except (OSError, LabError, *GARBAGE):
        return (str(entry.summary.get("task")),)


def _classes(entry: Listed) -> frozenset[str] | tuple:
    path = Run(entry.id, entry.root).info_file
    try:
        status = path.stat()
        return _class_names(path, (status.st_mtime_ns, status.st_size, status.st_ino))
    except (OSError, *GARBAGE):
        return entry.summary.get("task"), entry.summary.get("classes")


@lru_cache(maxsize=REMEMBERED)
def _class_names(info_file: Path, stamp: tuple[int, int, int]) -> frozenset[str]:
    return frozenset(str(name) for name in read_json(info_file)["class_names"])


def finished(entry: Listed) -> bool:
    """Whether every fold of it is."""
    done, folds = entry.done
    return 0 < folds <= done


def mean_of(entry: Listed, score: str) -> float | None:
    """Its mean over the finished folds; None where there is none, and for a run that held nobody out."""
    if entry.summary.get("everybody"):
        return None
    mean, _, folds = entry.scores[score]
    return mean if folds and math.isfinite(mean) else None


@dataclass(frozen=True)
class Kinds:
    """Runs of one kind answered about the same photos, with the same classes, in the same folds.

    of: run id -> its kind's place, that of most runs first. words: what each kind is, as far as they differ; "" where
    all runs are of one. exactly: whether all runs tell their photos, classes and folds; those of older labs do not, and
    are held against what their settings tell.
    """

    of: dict[str, int]
    words: tuple[str, ...]
    exactly: bool = True


def kinds(entries: Iterable[Listed]) -> Kinds:
    alike: dict[tuple, list[Listed]] = {}
    for entry in entries:
        alike.setdefault(entry.answers_about, []).append(entry)
    ordered = sorted(alike.values(), key=len, reverse=True)
    of = {entry.id: place for place, runs in enumerate(ordered) for entry in runs}
    exactly = all(isinstance(kind[-1], str) for kind in alike)
    return Kinds(of, tuple(_differences([runs[0] for runs in ordered])), exactly)


def _differences(firsts: Sequence[Listed]) -> list[str]:
    """What tells runs of different kinds apart, one text a run, as few facts as do; a letter where none does."""
    words = [""] * len(firsts)
    for facts in zip(*(_facts(entry) for entry in firsts), strict=True):
        finer = [" · ".join(part for part in pair if part) for pair in zip(words, facts, strict=True)]
        if len(set(finer)) > len(set(words)):
            words = finer
    if len(firsts) < 2:
        return words
    letters: dict[str, int] = {}
    named = []
    for each in words:
        letters[each] = letters.get(each, 0) + 1
        which = "" if words.count(each) == 1 else f"photos or folds {_letter(letters[each])}"
        named.append(" · ".join(part for part in (each, which) if part))
    return named


def _letter(number: int) -> str:
    """A, B, ... Z, AA, as columns of a spreadsheet."""
    number -= 1
    return (_letter(number // 26) if number >= 26 else "") + chr(ord("A") + number % 26)


def _facts(entry: Listed) -> tuple[str, ...]:
    summary = entry.summary
    return (
        one_line(summary.get("dataset") or "no dataset", 40),
        one_line(summary.get("task") or "no task", 40),
        number_of(summary.get("classes") or 0, "class", "classes"),
        number_of(entry.done[1], "fold"),
        number_of(summary.get("samples") or 0, "photo"),
        number_of(summary.get("people") or 0, "person", "people"),
    )
