"""Many photos through many networks: each photo is decoded once, each network is asked about a block of photos.

The one way from files to what networks answer, for test photos and new ones alike: photos are read and prepared by the
functions of training and validation. Memory does not grow with the photos: those of two blocks are held at a time.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from math import prod

import numpy as np

from core import machine
from core.config import RunConfig
from core.errors import LabError, memory_in_words
from core.inside.fold_answers import BATCH, of_one_size, with_features
from core.predict.members import Member
from core.runs import Run
from core.runs.yes_no.view import attributes

HELD = 150_000_000  # bytes of photos that a block holds, as the networks get them; the next one is decoded meanwhile
FEWER = "Wait until nothing trains here, then ask again."
VIEWS = ("flip", "crops")  # of test-time augmentation
CROP = 7 / 8  # of height and of width, as 224 px of 256
Loader = Callable[[int], np.ndarray]
Look = tuple[RunConfig, int]  # how a run prepares photos, and its bits, as load_image takes them


@dataclass(frozen=True, eq=False)
class Answered:
    """probabilities: float64 (members, n, classes), in each run's own order of classes; NaN of a photo that a member
    was not asked about, and of one that could not be read. features: by the member's place, what its head took for the
    photo as it is, float32 (n, features), of the members of which that was asked. faults: by its row, why a photo could
    not be read."""

    probabilities: np.ndarray
    features: dict[int, np.ndarray] = field(default_factory=dict)
    faults: dict[int, LabError] = field(default_factory=dict)


@memory_in_words("the answers", FEWER)
def answers(
    members: Sequence[Member],
    loaders: Sequence[Loader],
    *,
    who: np.ndarray | None = None,
    which: str = "best",
    views: Sequence[str] = (),
    features_of: Sequence[int] = (),
    device: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Answered:
    """What each member answers about each photo, softmaxed; with views the mean of what it answers about each view.

    Of runs that tell yes/no attributes one by one the probability of each yes, (members, n, attributes).

    members: of runs with one number of classes. loaders: n functions that give a photo, uint8 (h, w, 3), of so many
    bits (see load_image); each is called once for all runs of the same bits, in whichever thread. who: bool (members,
    n), which member is asked about which photo; all about all if None.
    views: of VIEWS, beside the photo as it is. features_of: places of the members whose features are kept.
    progress(done, total): photos read and answers given; what it raises ends everything.
    Raises LabError as fold_model does; what is wrong with one photo is in the faults.
    """
    run = members[0].run
    classes = len(attributes(run)) or len(run.info()["class_names"])
    who = np.ones((len(members), len(loaders)), dtype=bool) if who is None else who
    answered = Answered(np.full((len(members), len(loaders), classes), np.nan))
    done, total = 0, len(loaders) + int(who.sum())
    looks: dict[str, Look] = {}
    look_of = {run: _look(run, looks) for run in dict.fromkeys(member.run for member in members)}
    for rows, futures in blocks(list(looks.values()), loaders):
        seen: dict[str, dict[int, np.ndarray]] = {look: {} for look in looks}
        for row, future in zip(rows, futures, strict=True):
            try:
                for look, photo in zip(looks, future.result(), strict=True):
                    seen[look][row] = photo
            except LabError as fault:
                answered.faults[row] = fault
                total -= int(who[:, row].sum())
            done += 1
            progress(done, total)
        for place, member in enumerate(members):
            asked = {row: photo for row, photo in seen[look_of[member.run]].items() if who[place, row]}
            for batch in batches(asked):
                photos = np.stack([asked[row] for row in batch])
                shares, features = with_features(member.run, member.fold, photos, which, device)
                others = [
                    with_features(member.run, member.fold, view, which, device)[0] for view in viewed(photos, views)
                ]
                answered.probabilities[place, batch] = np.mean([shares, *others], axis=0)
                if place in features_of:
                    empty = np.full((len(loaders), features.shape[1]), np.nan, dtype=np.float32)
                    answered.features.setdefault(place, empty)[batch] = features
                done += len(batch)
                progress(done, total)
    return answered


def viewed(photos: np.ndarray, views: Sequence[str]) -> list[np.ndarray]:
    """Other views of photos as the networks get them, uint8 (n, h, w, 3), each of that shape.

    views: 'flip': mirrored; 'crops': the four corners and the middle, CROP of height and width, enlarged to the whole
    size; with both, the crops are mirrored too. Source: the ten crops of Krizhevsky, Sutskever & Hinton 2012.
    """
    upright = [*(_crops(photos) if "crops" in views else ())]
    mirrored = [np.ascontiguousarray(view[:, :, ::-1]) for view in (photos, *upright)] if "flip" in views else []
    return [*upright, *mirrored]


def _crops(photos: np.ndarray) -> list[np.ndarray]:
    import cv2

    height, width = photos.shape[1:3]
    high, wide = max(1, round(height * CROP)), max(1, round(width * CROP))
    tops, lefts = (0, height - high), (0, width - wide)
    corners = [(top, left) for top in tops for left in lefts] + [(tops[1] // 2, lefts[1] // 2)]
    whole = (width, height)
    return [
        np.stack([cv2.resize(np.ascontiguousarray(photo), whole, interpolation=cv2.INTER_LINEAR) for photo in cut])
        for cut in (photos[:, top : top + high, left : left + wide] for top, left in corners)
    ]


def _look(run: Run, looks: dict[str, Look]) -> str:
    """A key for how a run prepares photos, which several runs may share."""
    config, bits = run.config(), run.bits()
    key = repr([bits, *(transform.model_dump() for transform in config.transforms)])
    looks.setdefault(key, (config, bits))
    return key


def batches(photos: dict[int, np.ndarray]) -> Iterator[list[int]]:
    """Rows of photos of one size, at most BATCH at a time."""
    for group in of_one_size({str(row): photo for row, photo in photos.items()}):
        for first in range(0, len(group), BATCH):
            yield [int(row) for row in group[first : first + BATCH]]


def _put(photo: np.ndarray, place: np.ndarray) -> np.ndarray:
    """The photo at its place in a block; where a pipeline keeps the size of each photo, as it is."""
    if photo.shape != place.shape or photo.dtype != place.dtype:
        return photo
    place[:] = photo
    return place


def blocks(
    looks: Sequence[Look], loaders: Sequence[Loader], most: int = 2
) -> Iterator[tuple[range, list[Future[list[np.ndarray]]]]]:
    """(rows, the photo of each row in each look), block by block: many photos each, since every network may have to be
    opened anew for a block. most: blocks that are held; of two the next is read while the first is answered."""
    shapes = [(*config.input_size, 3) for config, _ in looks]
    at_a_time = max(BATCH, HELD // sum(prod(shape) for shape in shapes))
    own = threading.local()  # of each thread: its pipelines

    def read(load: Loader, places: list[np.ndarray]) -> list[np.ndarray]:
        if not hasattr(own, "views"):
            from core.inside.fold_models import viewer

            own.views = [viewer(config) for config, _ in looks]
        photos = {bits: load(bits) for bits in {bits for _, bits in looks}}
        seen = [view(photos[bits]) for view, (_, bits) in zip(own.views, looks, strict=True)]
        return [_put(photo, place) for photo, place in zip(seen, places, strict=True)]

    def begun(rows: range) -> list[Future[list[np.ndarray]]]:
        """Photos of a block in one piece of memory, which the system gets back when the block is let go of: freed one
        by one they would leave gaps, and more of them with each block."""
        pieces = [np.empty((len(rows), *shape), dtype=np.uint8) for shape in shapes]
        return [pool.submit(read, loaders[row], [piece[row - rows.start] for piece in pieces]) for row in rows]

    pool = ThreadPoolExecutor(machine.cores(), "read photos")
    try:
        ahead: list[list[Future[list[np.ndarray]]]] = []
        for start in range(0, len(loaders), at_a_time):
            while len(ahead) < most and (later := start + len(ahead) * at_a_time) < len(loaders):
                ahead.append(begun(range(later, min(later + at_a_time, len(loaders)))))
            futures = ahead.pop(0)
            yield range(start, start + len(futures)), futures
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
