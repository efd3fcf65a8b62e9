"""Labels that looked wrong and that a person found right, so that nobody has to look twice. Imports no torch.

One small CSV a dataset, beside its corrections: when, sample, label, by. After the sample, apart by tabs, stand the
attributes that the label is of; older labs wrote none where a photo had one class.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import NamedTuple

from core.data.labels import brought, corrections
from core.errors import LabError
from core.storage import asking, files, locks

COLUMNS = ("when", "sample", "label", "by")
OLDER = COLUMNS[:3]
MEND = "Mend or delete it."
_BETWEEN = "\t"  # a sample and the attributes


class Review(NamedTuple):
    """When a label was found right, which, and by whom: "" in lists of older labs."""

    when: str
    label: str
    by: str


class Confirmation(NamedTuple):
    """What `confirm` wrote, and what stood there before: another label that was found right, None for none."""

    review: Review
    before: Review | None


def subject(sample: str, attributes: Sequence[str]) -> str:
    """What is confirmed: what a photo is of these attributes, whose classes may be called as those of others are."""
    return _BETWEEN.join((sample, *attributes))


def of_subject(subject: str) -> tuple[str, tuple[str, ...]]:
    """(sample, attributes) of what was confirmed; without attributes as older labs wrote it."""
    sample, *attributes = subject.split(_BETWEEN)
    return sample, tuple(attributes)


def file(root: str | Path, folder: Path | None = None) -> Path:
    """The reviewed labels of one dataset. folder: of the runs, FACET_RUNS if None."""
    return corrections.file(root, folder).with_suffix(".reviewed.csv")


def load(root: str | Path, folder: Path | None = None) -> dict[str, str]:
    """subject -> the class name that was found right. Raises LabError for a file that cannot be read."""
    return {sample: review.label for sample, review in listed(root, folder).items()}


def listed(root: str | Path, folder: Path | None = None) -> dict[str, Review]:
    """subject -> what was found right, when and by whom, as it was written. Raises LabError as `load` does."""
    return _read(file(root, folder))


def _read(path: Path) -> dict[str, Review]:
    """By subject."""
    try:
        lines = list(csv.reader(io.StringIO(path.read_text("utf-8"), newline=""), strict=True))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, csv.Error) as error:
        why, remedy = (error.strerror, files.CHECK) if files.out_of_reach(error) else (error, MEND)
        raise LabError(f"reviewed labels {path}: cannot be read ({why})", remedy, "corrections") from None
    head, rows = tuple(lines[0]) if lines else (), [cells for cells in lines[1:] if cells]
    if head not in (COLUMNS, OLDER) or any(len(cells) != len(head) for cells in rows):
        raise LabError(f"reviewed labels {path}: its lines are not {', '.join(COLUMNS)}", MEND, "corrections")
    return {sample: Review(when, label, by[0] if by else "") for when, sample, label, *by in rows}


def confirm(root: str | Path, sample: str, label: str, folder: Path | None = None) -> Confirmation | None:
    """Remember that whoever asks found this sample's label right; what was written, None where somebody found the same
    before: theirs stays as it is. Raises LabError if it cannot be written."""
    review = Review(datetime.now().astimezone().isoformat(timespec="seconds"), label, asking.asker().name)
    before: Review | None = None

    def with_it(reviewed: dict[str, Review]) -> dict[str, Review]:
        nonlocal before
        before = reviewed.get(sample)
        return reviewed if before is not None and before.label == label else reviewed | {sample: review}

    return Confirmation(review, before) if _change(root, folder, with_it)[sample] is review else None


def forget(root: str | Path, sample: str, folder: Path | None = None, *, made: Confirmation | None = None) -> None:
    """made: what `confirm` wrote, which alone is forgotten, and what it replaced, such as the label of a task with
    other limits of age, put back: what somebody else found since stays.

    Raises LabError: 'not-yours', and as `confirm` does.
    """

    def without(reviewed: dict[str, Review]) -> dict[str, Review]:
        review = reviewed.get(sample)
        if review is None or (made is not None and review != made.review):
            return reviewed
        asking.check(review.by, f"what was found of {of_subject(sample)[0]}")
        if made is not None and made.before is not None:
            return reviewed | {sample: made.before}
        return {name: row for name, row in reviewed.items() if name != sample}

    _change(root, folder, without)


def take_over(
    old: str | Path, new: str | Path, folder: Path | None = None, *, leave: bool = False, shared: bool = False
) -> int:
    """Give a dataset that moved, or a copy of it, what was found right where it lay before.

    It is left where it was as corrections are, not given once more, and taken out at the new place as they are. Returns
    how much was undone or changed, which is taken out or holds there still. Raises LabError as the others do.
    """
    before, there, path = _read(file(old, folder)), _read(file(new, folder)), file(new, folder)
    names, given = _names(before), brought.of(path)
    undone = given & brought.undone(file(old, folder), names)
    labels = {subject: review.label for subject, review in before.items()}  # by now, also those that were found again
    back = {name for name, of in _names(there).items() if name in undone and labels.get(of) != there[of].label}
    gone = set() if shared else back
    fresh = {subject: before[subject] for name, subject in names.items() if name not in given}
    if fresh or gone:

        def as_left(reviewed: dict[str, Review]) -> dict[str, Review]:
            left = {subject: reviewed[subject] for name, subject in _names(reviewed).items() if name not in gone}
            return fresh | left

        there = _change(new, folder, as_left)
    brought.follow(file(old, folder), path, names, _names(there), keep=brought.stays(old, leave=leave))
    return len(back)


def _names(reviewed: dict[str, Review]) -> dict[str, str]:
    """What notes of what was brought call each review -> its subject."""
    return {_BETWEEN.join((subject, review.when, review.label)): subject for subject, review in reviewed.items()}


def _change(
    root: str | Path, folder: Path | None, change: Callable[[dict[str, Review]], dict[str, Review]]
) -> dict[str, Review]:
    """All of a dataset, after the change."""
    path = file(root, folder)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locks.held(path.with_suffix(".lock"), f"the list of reviewed labels {path}", timeout=5):
            stream = io.StringIO(newline="")
            rows = csv.writer(stream, lineterminator="\n")
            rows.writerow(COLUMNS)
            after = change(_read(path))
            rows.writerows((when, sample, label, by) for sample, (when, label, by) in after.items())
            files.write_text(path, stream.getvalue())
    except OSError as error:
        raise LabError(
            f"reviewed labels {path}: cannot be written ({error.strerror})", "Check its permissions.", "corrections"
        ) from error
    return after
