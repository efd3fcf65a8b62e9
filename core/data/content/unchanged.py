"""Whether the photos of a frozen samples table are still the ones that they were. Imports no torch.

A photo is known by its content. Where size and time are those of the table its bytes are taken to be, too; where only
the time differs (touched, copied, checked out anew) its hash decides. Tables of older labs have no hashes.
"""

from __future__ import annotations

import contextlib
import os
import posixpath
import stat
from collections.abc import Collection
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pandas as pd

from core import machine, places
from core.data.content.same_bytes import digest_of
from core.data.paths import dataset_of, leads_out
from core.data.reach import bounds
from core.errors import LabError
from core.storage.files import GARBAGE, read_json, write_json
from core.text import count

Fault = Literal["missing", "gone", "outside", "not-allowed", "changed", "undecided"]
# missing: there is no such file; gone: it cannot be looked at; outside: a link that leads out of the dataset by now;
# not-allowed: where this lab does not look; undecided: as large as it was, at another time, with no hash to go by
WORDS: dict[Fault, str] = {
    "missing": "gone",
    "gone": "gone",
    "outside": "a link that leads out of the dataset",
    "not-allowed": "where this lab does not look",
    "changed": "changed",
    "undecided": "its time changed",
}
NAMED = 3  # photos that a sentence names
Key = tuple[str, int, int, str]  # path, bytes, mtime_ns, hash of a touched photo that was read


@dataclass(frozen=True)
class Change:
    """What is not as it was at the launch about one photo."""

    sample: str
    fault: Fault

    def __str__(self) -> str:
        return f"{self.sample} ({WORDS[self.fault]})"


def changes(samples: pd.DataFrame, read: Collection[int] | None = None, memory: Path | None = None) -> list[Change]:
    """The photos that are not the ones of the table by now, in its order.

    samples: sample, path, bytes, mtime_ns and, from labs that kept it, hash. read: positions of the photos whose bytes
    are held against their hash, on all cores, whatever their time; None for those that were touched. memory: a file in
    which touched photos that were found to be the same are kept, so that they are read once.
    """
    faults: dict[int, Fault] = {}
    to_read: dict[int, Key] = {}
    same = _recall(memory)
    closed: dict[str, bool] = {}  # folder -> whether it lies where this lab does not look
    outside: dict[str, bool] = {}  # folder -> whether it leads out of the dataset
    hashes = samples["hash"].fillna("").tolist() if "hash" in samples else [""] * len(samples)
    rows = list(samples[["sample", "path", "bytes", "mtime_ns"]].itertuples(index=False, name=None))
    chosen = None if read is None else set(read)
    for place, (sample, path, size, mtime) in enumerate(rows):
        folder = os.path.dirname(path)
        if folder not in closed:
            closed[folder] = not bounds.may_look(folder)
        if closed[folder]:
            faults[place] = "not-allowed"
            continue
        try:
            status = os.lstat(path)
            is_link = stat.S_ISLNK(status.st_mode)
            if is_link and not bounds.may_look(path):
                faults[place] = "not-allowed"
                continue
            status = os.stat(path) if is_link else status
        except OSError as error:
            faults[place] = "missing" if isinstance(error, FileNotFoundError | NotADirectoryError) else "gone"
            continue
        if folder not in outside:
            outside[folder] = leads_out(folder, posixpath.dirname(sample))
        if outside[folder] or (is_link and leads_out(path, sample)):
            faults[place] = "outside"
        elif status.st_size != size:
            faults[place] = "changed"
        elif not hashes[place]:
            if status.st_mtime_ns != mtime:
                faults[place] = "undecided"
        elif status.st_mtime_ns != mtime if chosen is None else place in chosen:
            key = (path, status.st_size, status.st_mtime_ns, hashes[place])
            if chosen is not None or key not in same:
                to_read[place] = key
    if to_read:
        with ThreadPoolExecutor(machine.cores()) as pool:
            digests = list(pool.map(lambda place: digest_of(rows[place][1], rows[place][0]), to_read))
        for place, digest in zip(to_read, digests, strict=True):
            if digest != hashes[place]:
                faults[place] = "changed" if digest else "gone"
        _remember(memory, same, {key for place, key in to_read.items() if place not in faults})
    return [Change(rows[place][0], faults[place]) for place in sorted(faults)]


def since_launch(samples: pd.DataFrame) -> dict[str, str]:
    """Of the photos that lie there, those that are not the ones of the table: sample -> what to say of it.

    samples: as for `changes`. What cannot be looked at says why where it is opened.
    """
    others = [change for change in changes(samples) if change.fault in ("changed", "undecided")]
    return {change.sample: f"{WORDS[change.fault]} since the launch" for change in others}


def _recall(memory: Path | None) -> set[Key]:
    if memory is None or not memory.is_file():
        return set()
    try:
        return {(str(path), int(size), int(mtime), str(digest)) for path, size, mtime, digest in read_json(memory)}
    except (OSError, *GARBAGE):
        return set()  # only a memory: a damaged one is written anew


def _remember(memory: Path | None, before: set[Key], fresh: set[Key]) -> None:
    if memory is None or not fresh:
        return
    paths = {path for path, *_ in fresh}
    kept = [key for key in before if key[0] not in paths]
    with contextlib.suppress(OSError, LabError):  # a check is no worse for not being remembered
        memory.parent.mkdir(parents=True, exist_ok=True)
        write_json(memory, sorted([*kept, *fresh]), durable=False)


class PhotosGone(LabError):
    """Photos are not where they were: they may lie in another folder, such as after only a part of them was found."""


def check_unchanged(samples: pd.DataFrame, memory: Path | None = None, runs: Path | None = None) -> None:
    """Raises LabError naming what changed since the launch: kind 'not-allowed' where the lab does not look at some of
    the photos, 'data-moved' where not one photo is in its place, 'data-undecided' where the times alone differ and the
    run is of a lab that kept no hashes, else 'data-changed', as PhotosGone where some are not in their place.

    memory: as for `changes`. runs: the folder of the runs that these are of, where that is not the lab's.
    """
    changed = changes(samples, memory=memory)
    if not changed:
        return
    option = places.runs_option(runs or places.runs_folder())
    closed = [change for change in changed if change.fault == "not-allowed"]
    if closed:
        raise LabError(
            f"{count(len(closed))} of {count(len(samples))} photos lie where this lab does not look: {named(closed)}.",
            bounds.ASK,
            bounds.KIND,
        )
    if len(changed) == len(samples) and all(change.fault == "missing" for change in changed):
        raise moved(samples, option)
    if all(change.fault == "undecided" for change in changed):
        what = "the photo has" if len(changed) == 1 else f"{count(len(changed))} photos have"
        raise LabError(
            f"{what} another time than at the launch: {named(changed)}. An older lab launched this run and kept no "
            "hashes, so nobody can tell whether the bytes are the same; the sizes are.",
            "If only the times changed (a copy, a backup put back), say so on the run's page, which asks for its "
            "dataset once this was tried there, or with python -m core relocate RUN FOLDER --same-sizes"
            f"{option}; else put the files back, or use 'Run again'.",
            kind="data-undecided",
        )
    gone = any(change.fault == "missing" for change in changed)
    elsewhere = f" say where all of them are with python -m core relocate RUN FOLDER{option}," if gone else ""
    raise (PhotosGone if gone else LabError)(
        f"the dataset changed since the launch: {named(changed)}.",
        f"Put the files back,{elsewhere} or use 'Run again' to start a new run on the data as they are now.",
        kind="data-changed",
    )


def moved(samples: pd.DataFrame, option: str) -> LabError:
    """That not one of the photos is where the table says. option: as of `places.runs_option`."""
    root = dataset_of(*samples[["path", "sample"]].iloc[0])
    return LabError(
        f"dataset {root}: not one of its {count(len(samples))} photos is there any more.",
        f"If it moved, say where it is now: on the run's page, or with python -m core relocate RUN FOLDER{option}.",
        kind="data-moved",
    )


def named(changed: list[Change]) -> str:
    """ "a.jpg (gone), b.jpg (changed), c.jpg (changed) and 5 more"."""
    words = ", ".join(map(str, changed[:NAMED]))
    return words + (f" and {count(len(changed) - NAMED)} more" if len(changed) > NAMED else "")
