"""Labels that looked wrong and that a person found right, so that nobody has to look twice. Imports no torch.

One small CSV a dataset, beside its corrections: when, sample, label.
"""

from __future__ import annotations

import csv
import io
from datetime import datetime
from pathlib import Path

from core.data.labels import corrections
from core.data.reach import bounds
from core.errors import LabError
from core.storage import files, locks

COLUMNS = ("when", "sample", "label")
MEND = "Mend or delete it."


def subject(sample: str, attribute: str = "") -> str:
    """What is confirmed: a photo's class, or what it is of one attribute where it has a label of each."""
    return f"{sample}\t{attribute}" if attribute else sample


def file(root: str | Path, folder: Path | None = None) -> Path:
    """The reviewed labels of one dataset. folder: of the runs, FACET_RUNS if None."""
    return corrections.file(root, folder).with_suffix(".reviewed.csv")


def load(root: str | Path, folder: Path | None = None) -> dict[str, str]:
    """subject -> the class name that was found right. Raises LabError for a file that cannot be read."""
    return {sample: label for sample, (_, label) in _read(file(root, folder)).items()}


def _read(path: Path) -> dict[str, tuple[str, str]]:
    try:
        lines = list(csv.reader(io.StringIO(path.read_text("utf-8"), newline=""), strict=True))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, csv.Error) as error:
        raise LabError(
            f"reviewed labels {path}: cannot be read ({error})", "Mend or delete it.", "corrections"
        ) from None
    if not lines or tuple(lines[0]) != COLUMNS or any(len(cells) != len(COLUMNS) for cells in lines[1:] if cells):
        raise LabError(f"reviewed labels {path}: its lines are not {', '.join(COLUMNS)}", MEND, "corrections")
    return {sample: (when, label) for when, sample, label in filter(None, lines[1:])}


def confirm(root: str | Path, sample: str, label: str, folder: Path | None = None) -> None:
    """Remember that this sample's label is right. Raises LabError if it cannot be written."""
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    _change(root, folder, lambda reviewed: reviewed | {sample: (now, label)})


def forget(root: str | Path, sample: str, folder: Path | None = None) -> None:
    _change(root, folder, lambda reviewed: {name: row for name, row in reviewed.items() if name != sample})


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
            rows.writerows((when, sample, label) for sample, (when, label) in change(_read(path)).items())
            files.write_text(path, stream.getvalue())
    except OSError as error:
        raise LabError(
            f"reviewed labels {path}: cannot be written ({error.strerror})", "Check its permissions.", "corrections"
        ) from error
