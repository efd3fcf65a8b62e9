"""What a run's folds answered in each way of being asked, and in how many seconds: kept with the run. Imports no torch.

On the test photos every fold answers each photo. Held out, each photo is answered by the one fold whose training had
left its person out; so nothing can be told there of several folds together.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
import json
import time
import zipfile
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import numpy as np
import pandas as pd

from core.answers import ensemble_scores
from core.data.content.unchanged import check_unchanged
from core.data.pictures.photo import StoredPhoto, photos_of
from core.errors import LabError
from core.predict.extras.ways import BEGIN_WITH, EXTRAS, PLAIN, WAYS
from core.predict.members import members_of, names_of, orders_of_names
from core.runs import Run, origins
from core.runs.yes_no.view import OneAttribute, check_one
from core.storage import files
from core.text import count

WHICH = "best"  # the weights that answer, as they do about new photos
TEST, HELD_OUT = "test", "held-out"
PLACES = (TEST, HELD_OUT)  # where it is told
DRAW = 0  # seed of the people who are drawn where not all held-out photos are asked about


@dataclass(frozen=True, eq=False)
class Measured:
    """place: TEST or HELD_OUT. samples: (n,) names of the photos. folds: those that answered.

    answers: of each way float32 (folds, n, classes), in the run's order; of HELD_OUT (1, n, classes). reading: seconds
    in which a photo is read and prepared. passes: of each part of WAYS, (folds,) seconds of a network for a
    photo in its views. moment: Unix time at which it was measured, on device.
    """

    run: Run
    place: str
    samples: np.ndarray
    folds: tuple[int, ...]
    answers: dict[str, np.ndarray]
    reading: float
    passes: dict[str, np.ndarray]
    device: str
    moment: float

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Measured) and self._named() == other._named()

    def __hash__(self) -> int:
        return hash(self._named())

    def _named(self) -> tuple[Run, str, str, float, tuple[str, ...]]:
        return self.run, self.place, self.device, self.moment, tuple(self.answers)

    def with_extras(self, extras: Collection[str]) -> Measured:
        """Of these extras alone, of which all are kept."""
        return replace(self, answers={way: self.answers[way] for way in (PLAIN, *EXTRAS) if way in (PLAIN, *extras)})

    def seconds(self, way: str, *, one: bool = False) -> float:
        """Of the networks for a photo, asked in this way: all folds one after the other, or one of them on average."""
        of_folds = np.sum([self.passes[part] for part in WAYS[way]], axis=0)
        return float(np.nanmean(of_folds) if one else of_folds.sum())

    def photos(self) -> pd.DataFrame:
        """The photos, rows as in samples: the run's test photos or samples, those that were asked about."""
        table = self.run.test_photos() if self.place == TEST else self.run.samples()
        assert table is not None  # load has looked
        return table.set_index(table["sample"].astype(str)).loc[self.samples].reset_index(drop=True)


def load(run: Run, place: str) -> Measured | None:
    """What is kept of a run; None where nothing is, or of other weights than it has now. Raises LabError('gone')."""
    try:
        table = _all_photos(run.require(), place)
        with np.load(io.BytesIO(run.extras_file(place).read_bytes()), allow_pickle=False) as stored:
            facts = json.loads(str(stored["facts"]))
            if table is None or facts["stamp"] != _stamp(run, place, table):
                return None
            ways, parts = facts["ways"], facts["parts"]
            return Measured(
                run,
                place,
                table["sample"].to_numpy(str)[stored["rows"]],
                tuple(facts["folds"]),
                {way: stored[f"answers {way}"] for way in ways},
                float(facts["reading"]),
                {part: stored[f"passes {part}"] for part in parts},
                str(facts["device"]),
                float(facts["moment"]),
            )
    except (OSError, *files.GARBAGE, IndexError, EOFError, zipfile.BadZipFile):  # made anew
        return None


def kept(run: Run, place: str, extras: Sequence[str], most: int | None = None) -> Measured | None:
    """What is kept of a run, if it is of so many photos and of all these extras. Raises LabError as load does."""
    before = load(run, place)
    if before is None or not set(extras) <= before.answers.keys():
        return None
    table = _all_photos(run, place)
    assert table is not None  # it was just asked about
    return before if len(before.samples) >= len(_drawn(table, place, most)) else None


def measured(
    run: Run,
    place: str,
    extras: Sequence[str] = BEGIN_WITH,
    *,
    most: int | None = None,
    device: str | None = None,
    again: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Measured:
    """What the folds answer, and how long they take; asked once, and kept with the run.

    extras: of EXTRAS. most: held-out photos to ask about; people are drawn until there are so many, all if None, and a
    test set is always asked about whole. device: as of fold_model. again: though it is kept, as on another device.
    The answers about the photos as they are become the score of the test set, unless there is one.
    Raises LabError: 'no-test', 'everybody', 'unfinished', 'fold', 'checkpoint', 'attribute', as check_unchanged and
    fold_model do, for a photo that cannot be read, 'config' for what is no such extra or place.
    """
    check(extras, place)
    table = _answerable(run, place)
    members = members_of(run, None, WHICH)
    if not again and (enough := kept(run, place, extras, most)) is not None:
        return enough
    if (before := load(run, place)) is not None:
        extras = [way for way in EXTRAS if way in extras or way in before.answers]
    rows = _drawn(table, place, most)
    from core.predict.extras import asking

    photos = table.iloc[rows]
    check_unchanged(photos, runs=run.dir.parent)
    folds = [member.fold for member in members]
    who = np.ones((len(members), len(rows)), dtype=bool)
    if place == HELD_OUT:
        who = np.equal.outer(np.array(folds), photos["fold"].to_numpy())
    stamp = _stamp(run, place, table)
    loaders = [partial(_pixels, photo) for photo in photos_of(photos)]
    asked = asking.asked(members, loaders, [PLAIN, *extras], who=who, which=WHICH, device=device, progress=progress)
    check_unchanged(photos, runs=run.dir.parent)  # nor while they were read: it is kept as of the photos of the launch
    answers = asked.answers
    if place == TEST:
        _score(run, photos, answers[PLAIN])
    else:  # each photo has one fold's answer
        answers = {way: each[who.argmax(axis=0), np.arange(len(rows))][None] for way, each in answers.items()}
    number = np.where(asked.asked > 0, asked.asked, np.nan)  # of a fold that holds none of those out nothing is known
    per_photo = {part: spent / number for part, spent in asked.passes.items()}
    facts: dict[str, Any] = {
        "stamp": stamp,
        "folds": folds,
        "ways": list(answers),
        "parts": list(per_photo),
        "device": asked.device,
    }
    facts |= {"reading": asked.reading / len(rows), "moment": time.time()}
    arrays = {f"answers {way}": each.astype(np.float32) for way, each in answers.items()}
    arrays |= {f"passes {part}": spent for part, spent in per_photo.items()}
    with contextlib.suppress(OSError, LabError):  # a full disk makes it slower the next time, not impossible
        files.write_whole(
            run.extras_file(place),
            lambda stream: np.savez_compressed(stream, facts=np.array(json.dumps(facts)), rows=rows, **arrays),
            durable=False,
        )
    return Measured(
        run,
        place,
        table["sample"].to_numpy(str)[rows],
        tuple(folds),
        {way: arrays[f"answers {way}"] for way in answers},
        facts["reading"],
        per_photo,
        asked.device,
        facts["moment"],
    )


def of_runs(
    runs: Sequence[Run],
    place: str,
    extras: Sequence[str] = BEGIN_WITH,
    *,
    most: int | None = None,
    device: str | None = None,
    again: bool = False,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> list[Measured]:
    """`measured` of each run, of these extras alone, once it is known of all that they can be asked together.

    Raises LabError as `measured` does, and 'classes' for runs that tell other classes apart.
    """
    check(extras, place)
    for run in runs:
        _answerable(run, place)
        members_of(run, None, WHICH)
    orders_of_names(runs, names_of(runs[0]))
    asked: list[Measured] = []
    for run in runs:
        before = len(asked)

        def of_all(done: int, total: int, before: int = before) -> None:
            progress(before * total + done, len(runs) * total)

        asked.append(measured(run, place, extras, most=most, device=device, again=again, progress=of_all))
    return [each.with_extras(extras) for each in asked]


def check(extras: Sequence[str], place: str) -> None:
    """Raises LabError(kind 'config') for what is no extra, or no place."""
    for each in extras:
        if each not in EXTRAS:
            raise LabError(f"extras: there is no view {each!r}.", f"Choose of {', '.join(EXTRAS)}.", kind="config")
    if place not in PLACES:
        raise LabError(f"extras: there is no place {place!r}.", f"Choose of {', '.join(PLACES)}.", kind="config")


def check_cross_validated(run: Run) -> None:
    """Raises LabError(kind 'everybody') for a run that held nobody out."""
    if (run.samples()["fold"] < 0).any():
        raise LabError(
            f"{run.id} trained one network on everybody: it has no folds, of which what extras bring could be told.",
            "Ask the cross-validated run that it was made after.",
            kind="everybody",
        )


def _answerable(run: Run, place: str) -> pd.DataFrame:
    """The photos that a run can be asked about. Raises LabError as `measured` does for one that cannot be asked."""
    check_one(run.require())
    check_cross_validated(run)
    table = _all_photos(run, place)
    if table is None:
        raise LabError(
            f"{run.id} has no test photos: its dataset set none aside when it was launched.",
            "Ask about the photos that the folds held out, or launch a run on a dataset with a labelled test split.",
            kind="no-test",
        )
    if table.empty:  # of one attribute
        raise LabError(
            f"{run.key}: no test photo tells this attribute.",
            "Ask about the photos that the folds held out, or about another attribute.",
            kind="no-test",
        )
    return table


def _score(run: Run, photos: pd.DataFrame, answers: np.ndarray) -> None:
    """The folds have answered about all test photos now: what they say is kept as their score, where there is none."""
    whole_photo = not isinstance(run, OneAttribute)  # of one attribute the others' answers are lacking
    if whole_photo and not run.test_predictions_file.exists():
        with contextlib.suppress(LabError):  # a folder that cannot be written costs asking once more
            ensemble_scores.write(run, photos, answers)


def _pixels(photo: StoredPhoto, bits: int) -> np.ndarray:
    return photo.pixels()  # which knows its own bits


def _all_photos(run: Run, place: str) -> pd.DataFrame | None:
    return run.test_photos() if place == TEST else run.samples()


def _drawn(table: pd.DataFrame, place: str, most: int | None) -> np.ndarray:
    """Rows of people drawn until there are `most` photos; all photos of a person, in the order of the table."""
    if place == TEST or most is None or len(table) <= most:
        return np.arange(len(table))
    if most < 1:
        raise LabError(f"extras: {count(most)} photos are none.", "Ask about at least one.", kind="config")
    person, people = pd.factorize(table["person"])
    order = np.random.default_rng(DRAW).permutation(len(people))
    photos = np.bincount(person)[order].cumsum()
    chosen = order[: np.searchsorted(photos, most) + 1]
    return np.flatnonzero(np.isin(person, chosen))


def _stamp(run: Run, place: str, table: pd.DataFrame) -> str:
    """Changes with the weights that answer, and with the photos and their labels; not with where the run lies."""
    folds = sorted(int(fold) for fold in run.samples()["fold"].unique())
    weights: list[Any] = []
    for fold in folds:
        path = run.weights_file(fold, WHICH)
        origin = origins.of_weights(path) or origins.of_predictions(run.predictions_file(fold, WHICH))
        if origin is None:
            stat = path.stat() if path.is_file() else None  # dropped to make room
            weights.append((stat.st_mtime_ns, stat.st_size) if stat else None)
        else:
            weights.append(origin.metadata())
    photos = hashlib.sha256("\0".join(table["sample"].astype(str)).encode())
    photos.update(table["y"].to_numpy(np.int64).tobytes())
    return hashlib.sha256(json.dumps([1, run.key, place, folds, weights, photos.hexdigest()]).encode()).hexdigest()
