"""A run's networks asked about photos in every view that an extra needs, each part of the work timed by itself.

The photos of a block are read first and answered then, never both at once: so the seconds of a way of answering are
the sum of what it needs, and a view that several ways need is asked about once. A photo is read, and each network
answers its first batch, once before time is taken: what is paid once is no part of what a photo costs.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from core.errors import memory_in_words
from core.inside.fold_answers import with_features
from core.predict import answering
from core.predict.answering import FEWER, Loader
from core.predict.extras.ways import PARTS, PLAIN, WAYS, passes_of
from core.predict.members import Member
from core.runs.yes_no.view import attributes


@dataclass(frozen=True, eq=False)
class Asked:
    """answers: of each way float64 (members, n, classes), NaN where a member was not asked. reading: seconds in which
    all photos were read and prepared. passes: of each part (members,) seconds. asked: (members,) photos. device: in
    words."""

    answers: dict[str, np.ndarray]
    reading: float
    passes: dict[str, np.ndarray]
    asked: np.ndarray
    device: str


@memory_in_words("the answers", FEWER)
def asked(
    members: Sequence[Member],
    loaders: Sequence[Loader],
    ways: Sequence[str],
    *,
    who: np.ndarray,
    which: str = "best",
    device: str | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> Asked:
    """members: of one run. loaders: as of answering.answers. ways: of WAYS. who: bool (members, n).

    progress(done, total): photos read and looks of a network at a photo; what it raises ends everything.
    Raises LabError as fold_model does, and for the first photo that cannot be read.
    """
    from core.inside.fold_models import viewer

    run = members[0].run
    classes = len(attributes(run)) or len(run.info()["class_names"])
    parts = passes_of(ways)
    answers = {way: np.full((len(members), len(loaders), classes), np.nan) for way in ways}
    passes = {part: np.zeros(len(members)) for part in parts}
    done, total = 0, len(loaders) + int(who.sum()) * sum(parts.values())
    reading, warm, name = 0.0, set(), ""
    viewer(run.config())(loaders[0](run.bits()))
    started = time.perf_counter()
    for rows, futures in answering.blocks([(run.config(), run.bits())], loaders, most=1):
        photos = {row: future.result()[0] for row, future in zip(rows, futures, strict=True)}
        reading += time.perf_counter() - started
        done += len(rows)
        progress(done, total)
        for place, member in enumerate(members):
            for batch in answering.batches({row: photo for row, photo in photos.items() if who[place, row]}):
                seen = np.stack([photos[row] for row in batch])
                if place not in warm:
                    name = _warmed(member, seen, which, device)
                    warm.add(place)
                sums = {}
                for part in parts:
                    started = time.perf_counter()
                    views = _views(seen, part)
                    sums[part] = np.sum([with_features(run, member.fold, v, which, device)[0] for v in views], axis=0)
                    passes[part][place] += time.perf_counter() - started
                    done += len(batch) * parts[part]
                    progress(done, total)
                for way in ways:
                    number = sum(PARTS[part] for part in WAYS[way])
                    answers[way][place, batch] = np.sum([sums[part] for part in WAYS[way]], axis=0) / number
        started = time.perf_counter()
    return Asked(answers, reading, passes, who.sum(axis=1), name)


def _views(photos: np.ndarray, part: str) -> list[np.ndarray]:
    """The views of a part, each of the shape of photos, uint8 (n, h, w, 3): those of answering.viewed, told apart."""
    if part == PLAIN:
        return [photos]
    if part == "mirrored crops":
        return [np.ascontiguousarray(view[:, :, ::-1]) for view in answering.viewed(photos, ("crops",))]
    return answering.viewed(photos, (part,))


def _warmed(member: Member, photos: np.ndarray, which: str, device: str | None) -> str:
    """Open a member's network, let it answer once, and say on what it did."""
    from core.inside.fold_models import fold_model
    from core.training.device import device_name

    with_features(member.run, member.fold, photos, which, device)
    with fold_model(member.run, member.fold, which, device, whole=bool(attributes(member.run))) as opened:
        return device_name(opened.device)
