"""One row of small photos of a run's dataset: a first impression of what it is about."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from core.data import thumbnails
from core.data.pictures.photo import photo_of
from core.data.reach import bounds
from core.errors import LabError
from core.runs import Run
from core.storage.files import GARBAGE
from pages.parts.shared import faces

PHOTOS, SIDE = 18, 160  # px as they are sent, shown at less than two thirds


class _Gaps(Exception):
    """Carries the row without the photos that cannot be read now: it is shown, and not remembered."""


def of_run(run: Run, *, named: bool = True) -> str:
    """HTML of one photo of each class, then of another one each; empty where none can be read. named: with classes."""
    try:
        return _of_run(run.dir, run.photos_version(), named, bounds.allowed())
    except _Gaps as gaps:
        return str(gaps)
    except (LabError, OSError, *GARBAGE):
        return ""


@lru_cache(maxsize=32)
def _of_run(folder: Path, photos: tuple[int, ...], named: bool, allowed: bounds.Allowed | None) -> str:
    """photos: the version of the run's. allowed: where the lab looks, so that nothing is remembered beyond it."""
    table = Run(folder.name, folder.parent).samples()
    turn = table.groupby("class_name").cumcount()
    chosen = table.assign(turn=turn).sort_values(["turn", "class_name"], kind="stable").head(PHOTOS)
    pictures = thumbnails.thumbnails([photo_of(row) for row in chosen.itertuples()], SIDE)
    both = zip(chosen["class_name"], pictures, strict=True)
    row = [(str(name) if named else "", picture) for name, picture in both if not isinstance(picture, LabError)]
    if len(row) < len(pictures):
        raise _Gaps(faces.strip(row))
    return faces.strip(row)
