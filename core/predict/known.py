"""Which photos, and whom, a run has learned from: only the fold that held them out may answer about them.

Imports no torch.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from core.config.parts import DataConfig
from core.data.content.same_bytes import digest_of
from core.data.labels import corrections
from core.data.labels.corrections import Correction
from core.data.persons import COLUMN as PERSON_KNOWN
from core.data.readers.spelling import nfc
from core.errors import LabError
from core.predict.photos import Photo, reading_of, rows_of
from core.runs import Run
from core.runs.ancestry import ancestry, line
from core.runs.everybody.unmeasured import NOBODY
from core.text import number_of

BY_PATH, BY_BYTES, BY_PERSON, BY_FILE = "path", "bytes", "person", "file"


@dataclass(frozen=True)
class Acquaintance:
    """What a run knows of a photo. how: BY_PATH or BY_BYTES, the photo itself, called `name` there; BY_PERSON, other
    photos of the person of that name; BY_FILE, whatever lies where the photo `name` lay, where nothing else tells that
    it is not that photo saved anew. fold: the only one whose training left it out; NOBODY of a run that was trained on
    everybody. copy: (name, fold) of the same photo, byte for byte, that another fold held out: each fold was then
    trained on one of the two, and none may answer."""

    run: Run
    fold: int
    how: str
    name: str
    copy: tuple[str, int] | None = None

    def left_out_by(self, fold: int) -> bool:
        """Whether the fold's network has learned neither from the photo nor from the person in it."""
        return self.copy is None and fold == self.fold

    @property
    def words(self) -> str:
        """ "trained on as p7/mask1.jpg; fold 2, which held it out, answers"."""
        met, then = f"trained on as {self.name}", ""
        if self.how == BY_FILE:
            met, then = f"the file of {self.name}, changed since it was trained on", "then "
        if self.fold == NOBODY:
            if self.how == BY_PERSON:
                return f"other photos of person {self.name} were trained on, which no fold held out"
            return f"{met}, which no fold held out"
        if self.copy is not None:
            return (
                f"{met}, which fold {self.fold} held out, and {then}byte for byte the same as "
                f"{self.copy[0]}, which fold {self.copy[1]} held out: every fold was trained on it"
            )
        if self.how == BY_PERSON:
            return f"other photos of person {self.name} were trained on; fold {self.fold}, which held them out, answers"
        return f"{met}; fold {self.fold}, which held it out, answers"


class _Row(NamedTuple):
    """A photo that the run knows, as its samples table has it. hash: "" of a run of an older lab."""

    sample: str
    path: str
    bytes: int
    mtime_ns: int
    fold: int
    hash: str

    def digest(self) -> str:
        return self.hash or digest_of(self.path, self.sample)

    def lies_at(self, real: str, digest: Callable[[], str]) -> bool:
        """Whether the file at its path, of that digest, is still the photo; taken for it where no hash can tell."""
        if not self.hash:
            return True
        try:
            now = os.stat(real)
        except OSError:  # whoever reads it says what is wrong
            return True
        return (now.st_size, now.st_mtime_ns) == (self.bytes, self.mtime_ns) or digest() == self.hash


class Known:
    """All that a run, and the runs that it started from, were trained and validated on."""

    def __init__(self, run: Run):
        """Raises LabError where the run, or its frozen samples, are gone, or its corrections cannot be read."""
        self._run, self._data = run, run.config().data
        self._reading = reading_of(self._data)
        generations = line(run)
        self._oldest = generations[-1]
        parts = [each.samples().reindex(columns=[*_Row._fields]) for each in generations]
        table = pd.concat(parts, ignore_index=True).drop_duplicates(["path", "hash"])
        is_hashed = table["hash"].notna()  # older labs froze none
        table = table[is_hashed | ~table["path"].isin(table["path"][is_hashed])]
        table["hash"] = table["hash"].astype("object").where(is_hashed, "")
        self._by_path: dict[str, list[_Row]] = {}
        self._by_size: dict[int, list[_Row]] = {}
        for row in map(_Row._make, table.itertuples(index=False, name=None)):
            self._by_path.setdefault(os.path.normpath(row.path), []).append(row)
            self._by_size.setdefault(row.bytes, []).append(row)
        self._digests: dict[int, dict[str, dict[int, str]]] = {}  # of one size: sha256 -> fold -> a sample in it
        people = ancestry(run)
        names = people["person"].astype(str).map(nfc)  # older labs did not join the spellings of a name
        self._by_person = dict(zip(names, people["fold"].astype(int), strict=True))
        self._renamings = [_renamings(each) for each in generations]  # who is called how differs from run to run
        self._people: dict[str, tuple[str, str, bool]] | None = None  # of the whole dataset, as _people_of gives it
        self._fault: LabError | None = None  # why it does not say whom its photos show

    def of(self, photo: Photo) -> Acquaintance | None:
        """What is known of a photo; None where the run has seen neither it nor the person in it, as far as is known."""
        real = os.path.realpath(photo.path) if photo.path else ""
        rows = self._by_path.get(real, [])
        if row := next((row for row in rows if row.lies_at(real, lambda: _digest(photo))), None):
            copies = self._copies(row.bytes, row.digest)
            return self._met(BY_PATH, row.sample, int(row.fold), copies)
        if copies := self._same_bytes(photo, real):
            fold, sample = next(iter(copies.items()))
            return self._met(BY_BYTES, sample, fold, copies)
        for person in self._names_of(photo, real):
            if person in self._by_person:
                return Acquaintance(self._run, self._by_person[person], BY_PERSON, person)
        if rows:  # rotated or saved anew it still shows whom the other folds were trained on
            return self._met(BY_FILE, rows[0].sample, int(rows[0].fold), self._copies(rows[0].bytes, rows[0].digest))
        return None

    def notes(self, strangers: Iterable[Photo]) -> list[str]:
        """Why folds may answer that were trained on one of these photos, of which `of` knows nothing, or on the person
        in it; a sentence each, none where it is certain that none was."""
        photos = [photo for photo in strangers if photo.fault is None]
        asked = [os.path.realpath(photo.path) for photo in photos if photo.path and not self._is_told(photo)]
        notes = []
        if self._fault is not None and (number := sum(map(self._lies_here, asked))):
            notes.append(
                f"{self._run.id}: whom {number_of(number, 'photo')} {'shows' if number == 1 else 'show'} could not be "
                f"read from its dataset, so that folds may answer that were trained on them: {self._fault}"
            )
        if photos and (parent := self._oldest.config().model.parent) is not None:
            notes.append(
                f"{self._oldest.id} started from {parent}, which is not here any more: of what that run was trained on "
                "only the people are known by now, so that folds may answer that were trained on one of these photos. "
                "Bring it back from Trash or a backup to be certain."
            )
        return notes

    def _met(self, how: str, sample: str, fold: int, copies: dict[int, str]) -> Acquaintance:
        """copies: fold -> sample of what is the same photo, byte for byte."""
        if NOBODY in copies:
            return Acquaintance(self._run, NOBODY, how, sample)
        others = [(name, other) for other, name in copies.items() if other != fold]
        return Acquaintance(self._run, fold, how, sample, others[0] if others else None)

    def _same_bytes(self, photo: Photo, real: str) -> dict[int, str]:
        """Fold -> sample of the photos of the run that are the same, byte for byte."""
        try:
            size = os.stat(real).st_size if photo.content is None else len(photo.content)
        except OSError:  # whoever reads it says what is wrong
            return {}
        return self._copies(size, lambda: _digest(photo))

    def _copies(self, size: int, digest: Callable[[], str]) -> dict[int, str]:
        """Fold -> sample of the photos of the run of that size and digest. Opens only what has the same size."""
        rows = self._by_size.get(size, [])
        if not rows:
            return {}
        if size not in self._digests:
            of_size = self._digests[size] = {}
            for row in rows:
                if of_row := row.digest():
                    of_size.setdefault(of_row, {}).setdefault(int(row.fold), row.sample)
        return self._digests[size].get(digest(), {})

    def _names_of(self, photo: Photo, real: str) -> list[str]:
        """What the launch of the run, and of those that it started from, called the person of a photo of its dataset.

        None elsewhere, or if nobody says: corrections of persons are laid over the dataset, never written into it.
        """
        row = (photo.sample, photo.person, True) if self._is_told(photo) else self._row_of(real)
        return [nfc(name) for made in self._renamings if (name := _renamed(row, made))] if row else []

    def _is_told(self, photo: Photo) -> bool:
        """Whether the photo says whom it shows by the run's own reading: another run of the dataset may read it
        otherwise."""
        return bool(photo.person) and photo.reading == self._reading

    def _row_of(self, real: str) -> tuple[str, str, bool] | None:
        """What the run's dataset says of a photo that the run itself did not use; None of a photo from elsewhere."""
        if not self._lies_here(real):
            return None
        if self._people is None:
            self._people, self._fault = self._read_people()
        return self._people.get(real)

    def _lies_here(self, real: str) -> bool:
        """Whether a photo may be one of the run's dataset: with links that are followed it may lie anywhere."""
        root = self._data.root
        if not real or not root:
            return False
        return self._data.follow_links or Path(real).is_relative_to(os.path.realpath(root))

    def _read_people(self) -> tuple[dict[str, tuple[str, str, bool]], LabError | None]:
        """(see `_people_of`, why it does not say whom the photos show by now)."""
        try:
            people = _people_of(self._data)
        except LabError as error:
            return {}, error
        samples = self._run.samples()
        corrected = {nfc(each.after) for each in self._renamings[0]}
        named = samples["person"][samples[PERSON_KNOWN].astype(bool)].astype(str).map(nfc)
        if named.isin(corrected).all() or any(is_known for _, _, is_known in people.values()):
            return people, None
        text = f"dataset {self._data.root}: it names nobody any more."  # such as without a table beside the labels
        return people, LabError(text, "Put back what told the persons.", "missing")


def _digest(photo: Photo) -> str:
    if photo.content is None:
        return digest_of(photo.path, photo.sample or os.path.basename(photo.path))
    return hashlib.sha256(photo.content).hexdigest()


def _renamings(run: Run) -> list[Correction]:
    """The corrections of persons that the launch of a run applied. Raises LabError where they cannot be read."""
    frozen = corrections.read(run.corrections_file)
    return [each for each in frozen if each.kind == "relabel" and each.attribute == "person"]


def _renamed(row: tuple[str, str, bool], renamings: list[Correction]) -> str:
    """The person of a row of `_people_of` after these corrections; "" of somebody who is not known then either."""
    sample, person, is_known = row
    if not any(each.sample == sample or each.person == person for each in renamings):
        return person if is_known else ""
    corrected, made = corrections.apply(pd.DataFrame({"sample": [sample], "person": [person]}), renamings)
    return str(corrected["person"].iloc[0]) if is_known or made else ""


def _people_of(data: DataConfig) -> dict[str, tuple[str, str, bool]]:
    """Real path -> (sample, person, whether the dataset names them) of every photo of a dataset, none decoded.

    Read as the run read it; nothing is corrected. Raises LabError as `rows_of`.
    """
    root, rows = rows_of(data)
    return {
        os.path.realpath(root / row["sample"]): (row["sample"], str(row["person"]), bool(row.get("person_known")))
        for row in rows
    }
