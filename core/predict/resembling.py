"""What a new photo resembles: the training photos that one fold's network sees most alike, and how far the nearest is.

The features are what the network's head takes, at length 1. Those of a run's own photos are kept in its folder; they
can be made anew. Source: Sun, Ming, Zhu & Li 2022, Out-of-distribution detection with deep nearest neighbors.
"""

from __future__ import annotations

import contextlib
import io
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from core.data.content.unchanged import check_unchanged
from core.data.pictures.photo import StoredPhoto, photos_of
from core.errors import LabError
from core.predict.members import Member
from core.runs.yes_no.view import OneAttribute
from core.storage import files

RULES = 2  # raised when features are made under other conditions: those of older rules are made anew
FAR = 0.99  # share of the held-out photos that are nearer to a photo that was trained on
AT_A_TIME = 1 << 22  # similarities that are held at a time


@dataclass(frozen=True, eq=False)
class Features:
    """Of a member: what its network's head takes for each of the run's photos, float16 (photos, features), length 1.

    rows: in the order of the run's samples. trained: bool (photos,), which the member was trained on. limit: the
    distance to the nearest of those that a share of FAR of the held-out photos stays within.
    """

    member: Member
    rows: np.ndarray
    trained: np.ndarray
    limit: float

    def nearest(self, features: np.ndarray, most: int = 6) -> tuple[np.ndarray, np.ndarray]:
        """(places among the run's samples, distances 0..2) of the photos trained on that are most alike, nearest first.

        features: (n, features), as Predictions has them; both (n, most), -1 and NaN for a photo that has none.
        """
        return _nearest(_at_length_one(features), self.rows, np.flatnonzero(self.trained), most)

    def far(self, features: np.ndarray) -> np.ndarray:
        """(n,) bool: further from all photos trained on than the limit; False for a photo without features."""
        return self.nearest(features, 1)[1][:, 0] > self.limit


def load(member: Member, which: str = "best") -> Features | None:
    """The features that are kept of a member; None where there are none of these weights."""
    member = _of_all_photos(member)
    try:
        with np.load(io.BytesIO(member.run.features_file(member.fold, which).read_bytes()), allow_pickle=False) as kept:
            if kept["stamp"].tolist() != _stamp(member, which):
                return None
            return _judged(member, kept["rows"])
    except (OSError, LabError, *files.GARBAGE, EOFError, zipfile.BadZipFile):  # made anew
        return None


def made(
    member: Member,
    progress: Callable[[int, int], None] = lambda done, total: None,
    *,
    which: str = "best",
    device: str | None = None,
) -> Features:
    """The features of a member, kept for the next time: every photo of the run goes through its network once.

    Raises LabError as answering.answers does, as check_unchanged for photos that are not, or were not all the while,
    those of the launch, and for a photo of the run that cannot be read.
    """
    if (kept := load(member, which)) is not None:
        return kept
    member = _of_all_photos(member)
    from core.predict import answering

    samples = member.run.samples()
    check_unchanged(samples, runs=member.run.dir.parent)
    stamp = _stamp(member, which)
    answered = answering.answers(
        [member],
        [partial(_pixels, photo) for photo in photos_of(samples)],
        which=which,
        features_of=[0],
        device=device,
        progress=progress,
    )
    for fault in answered.faults.values():
        raise fault
    # Nor while they were read: what is kept is of the photos that were trained on.
    check_unchanged(samples, runs=member.run.dir.parent)
    rows = _at_length_one(answered.features[0]).astype(np.float16)
    path = member.run.features_file(member.fold, which)
    with contextlib.suppress(OSError, LabError):  # a full disk makes it slower the next time, not impossible
        files.write_whole(path, lambda stream: np.savez(stream, rows=rows, stamp=np.array(stamp)), durable=False)
    return _judged(member, rows)


def _of_all_photos(member: Member) -> Member:
    """Of a run that is seen through one attribute, the whole one: photos that do not tell it were trained on too."""
    return Member(member.run.whole, member.fold) if isinstance(member.run, OneAttribute) else member


def _pixels(photo: StoredPhoto, bits: int) -> np.ndarray:
    return photo.pixels()  # which knows its own bits


def _judged(member: Member, rows: np.ndarray) -> Features:
    trained = member.run.samples()["fold"].to_numpy() != member.fold
    if len(trained) != len(rows):
        raise ValueError("not of these photos")
    if trained.all() or not trained.any():
        return Features(member, rows, trained, float("inf"))
    distance = _nearest(rows[~trained].astype(np.float32), rows, np.flatnonzero(trained), 1)[1]
    return Features(member, rows, trained, float(np.quantile(distance, FAR)))


def _nearest(features: np.ndarray, rows: np.ndarray, among: np.ndarray, most: int) -> tuple[np.ndarray, np.ndarray]:
    most = min(most, len(among))
    places = np.full((len(features), most), -1)
    distances = np.full((len(features), most), np.nan)
    against = rows[among].astype(np.float32)
    with_features = np.flatnonzero(np.isfinite(features).all(axis=1))
    step = max(1, AT_A_TIME // max(1, len(among)))
    for start in range(0, len(with_features), step):
        own = with_features[start : start + step]
        alike = features[own] @ against.T
        best = np.argsort(-alike, axis=1, kind="stable")[:, :most]
        places[own] = among[best]
        distances[own] = np.sqrt(np.maximum(0, 2 - 2 * np.take_along_axis(alike, best, axis=1)))
    return places, distances


def _at_length_one(features: np.ndarray) -> np.ndarray:
    length = np.linalg.norm(features, axis=1, keepdims=True)
    return np.divide(features, length, out=np.zeros_like(features), where=~(length == 0))


def _stamp(member: Member, which: str) -> list[int]:
    """Changes with the weights, with the frozen samples and with RULES."""
    try:
        stats = [path.stat() for path in (member.run.weights_file(member.fold, which), member.run.samples_file)]
    except OSError:  # whoever opens the network says which is gone
        return []
    return [RULES, *(number for each in stats for number in (each.st_mtime_ns, each.st_size))]
