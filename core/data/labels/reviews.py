"""Labels that looked wrong and that a person found right, so that nobody has to look twice. Imports no torch.

One small CSV a dataset, beside its corrections: when, sample, label, by.
"""

from __future__ import annotations

import csv
import io
from datetime import datetime
from pathlib import Path

from core.data.labels import corrections
from core.data.reach import bounds
from core.errors import LabError
from core.storage import asking, files, locks

COLUMNS = ("when", "sample", "label", "by")
OLDER = COLUMNS[:3]
MEND = "Mend or delete it."


def subject(sample: str, attribute: str = "") -> str:
    """What is confirmed: a photo's class, or what it is of one attribute where it has a label of each."""
    return f"{sample}\t{attribute}" if attribute else sample


def file(root: str | Path, folder: Path | None = None) -> Path:
    """The reviewed labels of one dataset. folder: of the runs, FACET_RUNS if None."""
    return corrections.file(root, folder).with_suffix(".reviewed.csv")


def load(root: str | Path, folder: Path | None = None) -> dict[str, str]:
    """subject -> the class name that was found right. Raises LabError for a file that cannot be read."""
    return {sample: label for sample, (_, label, _) in _read(file(root, folder)).items()}


def _read(path: Path) -> dict[str, tuple[str, str, str]]:
    """subject -> when it was found right, the class name, by whom ("" in lists of older labs)."""
    try:
        lines = list(csv.reader(io.StringIO(path.read_text("utf-8"), newline=""), strict=True))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, csv.Error) as error:
        raise LabError(
            f"reviewed labels {path}: cannot be read ({error})", "Mend or delete it.", "corrections"
        ) from None
    head, rows = tuple(lines[0]) if lines else (), [cells for cells in lines[1:] if cells]
    if head not in (COLUMNS, OLDER) or any(len(cells) != len(head) for cells in rows):
        raise LabError(f"reviewed labels {path}: its lines are not {', '.join(COLUMNS)}", MEND, "corrections")
    return {sample: (when, label, by[0] if by else "") for when, sample, label, *by in rows}


def confirm(root: str | Path, sample: str, label: str, folder: Path | None = None) -> None:
    """Remember that whoever asks found this sample's label right. Raises LabError if it cannot be written."""
    row = datetime.now().astimezone().isoformat(timespec="seconds"), label, asking.asker().name
    _change(root, folder, lambda reviewed: reviewed | {sample: row})


def forget(root: str | Path, sample: str, folder: Path | None = None) -> None:
    """Raises LabError: 'not-yours', and as `confirm` does."""

    def without(reviewed: dict[str, tuple[str, str, str]]) -> dict[str, tuple[str, str, str]]:
        if sample in reviewed:
            asking.check(reviewed[sample][2], f"what was found of {sample}")
        return {name: row for name, row in reviewed.items() if name != sample}

    _change(root, folder, without)


def take_over(old: str | Path, new: str | Path, folder: Path | None = None) -> None:
    """Give a dataset that moved, or a copy of it, what was found right where it lay before.

    It is left where it was if the dataset is, or may be, there, too. Raises LabError as the others do.
    """
    if brought := _read(file(old, folder)):
        _change(new, folder, lambda reviewed: brought | reviewed)
        if bounds.may_look(old) and not Path(old).is_dir():
            file(old, folder).unlink(missing_ok=True)


def _change(root: str | Path, folder: Path | None, change) -> None:
    path = file(root, folder)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with locks.held(path.with_suffix(".lock"), f"the list of reviewed labels {path}", timeout=5):
            stream = io.StringIO(newline="")
            rows = csv.writer(stream, lineterminator="\n")
            rows.writerow(COLUMNS)
            rows.writerows((when, sample, label, by) for sample, (when, label, by) in change(_read(path)).items())
            files.write_text(path, stream.getvalue())
    except OSError as error:
        raise LabError(
            f"reviewed labels {path}: cannot be written ({error.strerror})", "Check its permissions.", "corrections"
        ) from error
