"""What was corrected of a run's photos since it was launched, as far as its task asks it. Imports no torch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from core.config.run_config import TaskConfig
from core.data.labels import corrections
from core.data.labels.correction_rows import SEVERAL, Correction
from core.data.readers.spelling import nfc
from core.data.tasks import attributes_of, label_as
from core.data.values import column_of
from core.data.yes_no import pairs
from core.runs import Run
from core.storage.remembered import Remembered
from core.text import count, listed, number_of

SAID = Remembered[str](64)  # what corrected_since says, which the page asks each time that it is drawn
LACKING = "taken back, or made in another lab: Data, Corrections takes such in"


def corrected_since(parent: Run) -> str:
    """What a training on everybody of a run does not learn from, in a sentence: the folds measured its settings on the
    labels that they have. Empty where no photo has another class or person by now."""
    root, folder = parent.config().data.root, parent.dir.parent
    key = parent.dir, root, corrections.version(root, folder), parent.photos_version()
    return SAID.of(key, lambda: _corrected_since(parent, root, folder))


def _corrected_since(parent: Run, root: str, folder: Path) -> str:
    own, now = corrections.read(parent.corrections_file), corrections.load(root, folder)
    ids, kept = {each.id for each in own}, {each.id for each in now}
    later = _asked(parent, [each for each in now if each.id not in ids])
    gone = _asked(parent, [each for each in own if each.id not in kept])
    if not corrections.file(root, folder).is_file():
        gone = []  # they are of another lab, and nobody took them back
    again = {_says(each) for each in later}
    gone = [e for e in gone if _says(e) not in again or any(_order_matters(e, other) for other in [*own, *now])]
    if not gone and not later:
        return ""
    samples = parent.samples()
    gone = _within(parent, gone, samples, own)
    before = _named(samples, [*gone, *later])
    without, is_without = _without(before, gone)
    after, _ = corrections.effects(without, later)
    changed = _changed(parent, samples, after)
    by_later = _differ(without, after, _columns(without, later))
    if is_without:  # else it is not known of which photos
        gone = _of_photos(gone, changed - by_later)
    parts = []
    if relabelled := len(changed & by_later):
        parts.append(f"{number_of(relabelled, 'label')} {'was' if relabelled == 1 else 'were'} corrected")
    if left_out := len(without) - len(after):
        parts.append(f"{number_of(left_out, 'photo')} {'was' if left_out == 1 else 'were'} left out")
    sentences = [f"Since {parent.id} was launched, {listed(parts)}"] if parts else []
    if gone:
        whose = "its corrections" if parts else f"the corrections of {parent.id}"
        are = "is" if len(gone) == 1 else "are"
        sentences.append(f"{count(len(gone))} of {whose} {are} not among this lab's ({LACKING})")
    return f"{'; '.join(sentences)}: this trains on the labels of its folds." if sentences else ""


def _asked(parent: Run, several: Sequence[Correction]) -> list[Correction]:
    """Of corrections those that may change which photos a run has, their classes or their persons."""
    task = parent.config().task
    asked = {*attributes_of(task), *task.only, "person", *(["mask"] if _unmasked(task) else [])}
    return [each for each in several if each.kind != "relabel" or each.attribute in asked]


def _within(
    parent: Run, gone: Sequence[Correction], samples: pd.DataFrame, own: Sequence[Correction]
) -> list[Correction]:
    """Without relabels of photos that the run does not have and, by what they said before, would not have either."""
    task = parent.config().task
    lets_in = {*task.only, *(["mask"] if _unmasked(task) else []), *(attributes_of(task) if task.leave_out else ())}
    photos, people = {*samples["sample"]}, {nfc(person) for person in samples["person"].unique()}
    people |= {name for each in own if each.attribute == "person" for name in _names(each)}  # they are called so now
    stands = [each.sample in photos if each.sample else not people.isdisjoint(_names(each)) for each in gone]
    return [
        each
        for each, is_there in zip(gone, stands, strict=True)
        if is_there or each.kind != "relabel" or not each.after or each.attribute in lets_in
    ]


def _unmasked(task: TaskConfig) -> bool:
    return task.unmasked or task.name == "gender-age"


def _says(each: Correction) -> tuple:
    return each.kind, each.sample or each.person, not each.sample, each.attribute, each.before, each.after


def _order_matters(one: Correction, other: Correction) -> bool:
    """Whether two corrections that say something else may do something else the other way round."""
    if "exclude-photo" in (one.kind, other.kind) or _says(one) == _says(other):
        return False
    attributes = {one.attribute, other.attribute}
    if one.sample and other.sample:
        return one.sample == other.sample and len(attributes) == 1
    return ("person" in attributes or len(attributes) == 1) and not _names(one).isdisjoint(_names(other))


def _names(each: Correction) -> set[str]:
    return {nfc(name) for name in corrections.names_of(each)}


def _without(samples: pd.DataFrame, gone: Sequence[Correction]) -> tuple[pd.DataFrame, bool]:
    """(samples as they were before corrections that are gone, True); (as they are, False) where these cannot tell."""
    if any(each.kind != "relabel" or SEVERAL in each.before for each in gone):
        return samples, False
    back = [replace(each, before=each.after, after=each.before) for each in reversed(gone)]
    before, outcome = corrections.effects(samples, back)
    return (before, True) if all(effect.photos for effect in outcome) else (samples, False)


def _of_photos(gone: Sequence[Correction], photos: set[str]) -> list[Correction]:
    return [each for each in gone if photos and (not each.sample or each.sample in photos)]


def _named(samples: pd.DataFrame, several: Sequence[Correction]) -> pd.DataFrame:
    """The photos that corrections are of: few of what may be many, by their own names and by those of persons."""
    names = {name for each in several for name in _names(each)}
    people = [person for person in samples["person"].unique() if nfc(person) in names]
    is_named = samples["sample"].isin([each.sample for each in several]) | samples["person"].isin(people)
    return samples[is_named]


def _changed(parent: Run, samples: pd.DataFrame, after: pd.DataFrame) -> set[str]:
    """Of photos as they are corrected those of another class or person than in the samples, or out of the task."""
    if after.empty:
        return set()
    labelled, _, _ = label_as(after, samples, parent.config().task, parent.info()["class_names"])
    columns = ["class_name", "person", *(column for column in samples if str(column).startswith(pairs.YES))]
    return {*after["sample"]} - {*labelled["sample"]} | _differ(samples, labelled, columns)


def _columns(samples: pd.DataFrame, several: Sequence[Correction]) -> list[str]:
    """Those that corrections may write into."""
    names = sorted({each.attribute for each in several if each.attribute})
    columns = ("person" if name == "person" else column_of(name, samples) for name in names)
    return [column for column in columns if column is not None]


def _differ(before: pd.DataFrame, after: pd.DataFrame, columns: Sequence[str]) -> set[str]:
    """The photos of both tables of which these columns say something else."""
    before = before[before["sample"].isin(after["sample"])]
    were, are = (
        table[["sample", *columns]].drop_duplicates("sample").set_index("sample").astype(str)
        for table in (before, after)
    )
    other = (were.loc[are.index] != are).any(axis=1)
    return {*other.index[other]}
