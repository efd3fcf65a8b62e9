"""Which photos, and whom, a run has learned from: only the fold that held them out may answer about them.

Imports no torch.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from core.config.parts import DataConfig
from core.data.content.same_bytes import digest_of
from core.errors import LabError
from core.predict.photos import Photo, rows_of
from core.runs import Run
from core.runs.ancestry import ancestry
from core.runs.everybody.unmeasured import NOBODY

BY_PATH, BY_BYTES, BY_PERSON = "path", "bytes", "person"


@dataclass(frozen=True)
class Acquaintance:
    """What a run knows of a photo. how: BY_PATH or BY_BYTES, the photo itself, called `name` there; BY_PERSON, other
    photos of the person of that name. fold: the only one whose training left it out; NOBODY of a run that was
    trained on everybody."""

    run: Run
    fold: int
    how: str
    name: str

    @property
    def words(self) -> str:
        """ "trained on as p7/mask1.jpg; fold 2, which held it out, answers"."""
        if self.fold == NOBODY:
            if self.how == BY_PERSON:
                return f"other photos of person {self.name} were trained on, which no fold held out"
            return f"trained on as {self.name}, which no fold held out"
        if self.how == BY_PERSON:
            return f"other photos of person {self.name} were trained on; fold {self.fold}, which held them out, answers"
        return f"trained on as {self.name}; fold {self.fold}, which held it out, answers"


class Known:
    """All that a run, and the runs that it started from, were trained and validated on."""

    def __init__(self, run: Run):
        """Raises LabError where the run, or its frozen samples, are gone."""
        self._run, self._data = run, run.config().data
        parts = [each.samples().reindex(columns=["sample", "path", "bytes", "fold", "hash"]) for each in _line(run)]
        table = pd.concat(parts, ignore_index=True).drop_duplicates("path")
        self._by_path = {
            os.path.normpath(path): (sample, int(fold))
            for sample, path, fold in table[["sample", "path", "fold"]].itertuples(index=False)
        }
        self._by_size = {size: rows for size, rows in table.groupby("bytes")}
        self._digests: dict[int, dict[str, tuple[str, int]]] = {}  # of one size: sha256 -> (sample, fold)
        people = ancestry(run)
        self._by_person = dict(zip(people["person"].astype(str), people["fold"].astype(int), strict=True))
        self._people: dict[str, str] | None = None  # of the whole dataset: real path -> person

    def of(self, photo: Photo) -> Acquaintance | None:
        """What is known of a photo; None where the run has seen neither it nor the person in it, as far as is known."""
        real = os.path.realpath(photo.path) if photo.path else ""
        if real in self._by_path:
            sample, fold = self._by_path[real]
            return Acquaintance(self._run, fold, BY_PATH, sample)
        if twin := self._twin(photo, real):
            return Acquaintance(self._run, twin[1], BY_BYTES, twin[0])
        person = photo.person if photo.root == self._data.root else ""
        person = person or self._person_in_dataset(real)
        if person in self._by_person:
            return Acquaintance(self._run, self._by_person[person], BY_PERSON, person)
        return None

    def _twin(self, photo: Photo, real: str) -> tuple[str, int] | None:
        """(sample, fold) of a photo of the run that is the same, byte for byte. Opens only what has the same size."""
        try:
            size = os.stat(real).st_size if photo.content is None else len(photo.content)
        except OSError:  # whoever reads it says what is wrong
            return None
        rows = self._by_size.get(size)
        if rows is None:
            return None
        if size not in self._digests:
            files = rows[["sample", "path", "fold"]].itertuples(index=False)
            frozen = rows["hash"].where(rows["hash"].notna(), "")  # older labs froze none
            self._digests[size] = {
                digest or digest_of(path, sample): (sample, int(fold))
                for (sample, path, fold), digest in zip(files, frozen, strict=True)
            }
            self._digests[size].pop("", None)
        if photo.content is None:
            digest = digest_of(photo.path, photo.sample or os.path.basename(photo.path))
        else:
            digest = hashlib.sha256(photo.content).hexdigest()
        return self._digests[size].get(digest)

    def _person_in_dataset(self, real: str) -> str:
        """Whom a photo of the run's dataset shows that the run itself did not use; "" elsewhere, or if nobody says."""
        root = self._data.root
        if not real or not root or not Path(real).is_relative_to(root):
            return ""
        if self._people is None:
            self._people = _people_of(self._data)
        return self._people.get(real, "")


def _line(run: Run) -> list[Run]:
    """The run and, as far as they are here, the runs that it started from: in each of them fold k held out the same."""
    line = [run]
    while (parent := line[-1].config().model.parent) is not None:
        before = Run(parent, run.dir.parent)
        if not before.exists():
            break
        line.append(before)
    return line


def _people_of(data: DataConfig) -> dict[str, str]:
    """Real path -> person of every photo of a dataset of whom it is known, read as the run read it, none decoded."""
    try:
        root, rows = rows_of(data)
    except LabError:  # the dataset is read otherwise by now: nobody is known by it
        return {}
    return {
        os.path.realpath(root / photo["sample"]): str(photo["person"]) for photo in rows if photo.get("person_known")
    }
