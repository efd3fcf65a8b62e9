"""Draws the demo dataset: people who do not exist, in the study's mask layout, for the lab to train on."""

import csv
import multiprocessing
import shutil
import tempfile
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import cv2
import numpy as np
from PIL import Image

from core import machine
from core.demo.hairstyles import comb
from core.demo.people import SHOTS, cast, draw_person, draw_snapshot
from core.demo.photo import draw_photo
from core.errors import LabError

QUALITY = 88  # of the JPEGs
BATCH = 4  # people a process draws between two reports


def draw_demo(
    root: Path,
    *,
    people: int = 300,
    seed: int = 0,
    progress: Callable[[int, int], None] | None = None,
    processes: int | None = None,
) -> Path:
    """Draws `people` x 7 photos (384 x 512 JPEG) and train.csv below `root`; returns `root`.

    The same people and seed give the same bytes, however many processes draw (default: one per usable core).
    progress(done, total) counts people. Everything appears at once at the end: a killed draw leaves no dataset.
    Raises LabError if `root` holds files already, cannot be written, or `people` is below 1.
    """
    root = Path(root)
    if people < 1:
        raise LabError(
            f"demo: {people} people were asked for", "Ask for at least 1; the classes need about 30.", "data"
        )
    if root.exists() and (not root.is_dir() or any(root.iterdir())):
        raise LabError(f"demo: {root} already holds files", "Name a new or an empty folder.", "data")
    who = cast(people, seed)
    batches = [(i, who[i : i + BATCH]) for i in range(0, people, BATCH)]
    processes = min(processes or machine.cores(), len(batches))
    try:
        root.parent.mkdir(parents=True, exist_ok=True)
        unfinished = Path(tempfile.mkdtemp(prefix=f".{root.name}-", dir=root.parent))
    except OSError as error:
        raise LabError(
            f"demo: cannot write beside {root}: {error.strerror}", "Name a folder you may write to.", "data"
        ) from error
    try:
        rows, done = [], 0
        for drawn in _draw_batches(unfinished, seed, batches, processes):
            rows += drawn
            done += len(drawn)
            if progress:
                progress(done, people)
        with open(unfinished / "train.csv", "w", newline="", encoding="utf-8") as file:
            table = csv.writer(file, lineterminator="\n")
            table.writerow(["id", "gender", "race", "age", "path"])
            table.writerows(rows)
        unfinished.chmod(0o755)
        if root.exists():
            root.rmdir()
        unfinished.rename(root)
    except OSError as error:
        raise LabError(
            f"demo: writing {root} failed: {error.strerror}",
            "Free some space (about 100 MB) and try again.",
            "disk-full",
        ) from error
    finally:
        shutil.rmtree(unfinished, ignore_errors=True)
    return root


def _draw_batches(folder: Path, seed: int, batches: list, processes: int):
    """Yields the CSV rows of each batch in order."""
    if processes == 1:
        yield from (_draw_people(folder, seed, *batch) for batch in batches)
        return
    # spawn: the caller may hold threads and locks that a forked child would inherit half way.
    pool = ProcessPoolExecutor(processes, mp_context=multiprocessing.get_context("spawn"))
    try:
        waiting = [pool.submit(_draw_people, folder, seed, *batch) for batch in batches]
        for future in waiting:
            yield future.result()
    finally:
        pool.shutdown(cancel_futures=True)


def _draw_people(folder: Path, seed: int, first: int, who: list[tuple[str, int]]) -> list[list]:
    """Draws people `first`, `first + 1`, ... below `folder`; returns their CSV rows."""
    threads = cv2.getNumThreads()
    cv2.setNumThreads(1)  # one core a process; also the pictures then never depend on how work was split
    try:
        rows = []
        for index, (gender, age) in enumerate(who, start=first):
            rng = np.random.default_rng([seed, index])
            person = draw_person(rng, gender, age)
            hair = comb(person)
            name = f"{index + 1:06d}"
            path = f"{name}_{gender}_{age}"
            place = folder / "images" / path
            place.mkdir(parents=True)
            for shot in SHOTS:
                photo = draw_photo(person, hair, draw_snapshot(rng, shot))
                Image.fromarray(photo).save(place / f"{shot}.jpg", quality=QUALITY)
            rows.append([name, gender, "synthetic", age, path])
        return rows
    finally:
        cv2.setNumThreads(threads)
