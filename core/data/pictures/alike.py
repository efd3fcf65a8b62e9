"""Pairs of photos that the search for duplicates found, kept for whoever only warns of them. Imports no scipy.

A courtesy beside the dataset's signatures in the lab. A pair that somebody settled since is kept: a run that was
launched before has it in its folds all the same. Whoever shows pairs says of which photos and persons.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
from pathlib import Path

import pandas as pd

from core.errors import LabError
from core.places import lab_folder
from core.storage import files
from core.storage.files import GARBAGE

MOST = 500  # pairs that a search keeps, the most alike


def signatures_file(root: str) -> Path:
    """What the search remembers of each photo of a dataset."""
    return lab_folder() / "signatures" / f"{hashlib.sha256(root.encode()).hexdigest()[:16]}.npz"


def keep(root: str, pairs: pd.DataFrame, searched: pd.DataFrame) -> None:
    """pairs: from core.data.duplicates.pairs. searched: sample and person of every photo among which they were found.

    What an earlier search found stays where this one could not have found it: where it did not look at one of the
    photos, or took both for one person's.
    Where they cannot be written, whoever searched sees them all the same, and the next search finds them again.
    """

    def with_earlier(content: object) -> dict[str, list]:
        rows = [*pairs.to_dict("records"), *_beyond(content, searched).to_dict("records")]
        return pd.DataFrame(rows, columns=pairs.columns).to_dict("list")

    with contextlib.suppress(OSError, LabError):
        what = "the list of photos that look the same"
        files.change_json(_file(root), what, with_earlier, timeout=2, durable=False)


def kept(root: str) -> pd.DataFrame | None:
    """The pairs that were found, None where nobody has looked. Do not modify it."""
    try:
        written = _file(root).stat()
        return _read(_file(root), written.st_mtime_ns, written.st_size)
    except (OSError, ValueError):
        return None


def at_least(pairs: pd.DataFrame | None) -> str:
    """ "at least ", before a number of the kept pairs where the search may have found more than it keeps, else ""."""
    return "at least " if pairs is not None and len(pairs) >= MOST else ""


def number_among(root: str, samples: pd.DataFrame) -> int:
    """How many of the kept pairs are of photos that are there, of different people. samples: with sample and person."""
    pairs = kept(root)
    if pairs is None or not len(pairs):
        return 0
    return int(_of_different_people(pairs, samples).sum())


def _beyond(content: object, searched: pd.DataFrame) -> pd.DataFrame:
    """The pairs of a file that a search could not have found."""
    try:
        before = _table(content)
        return before[~_of_different_people(before, searched)]
    except GARBAGE:
        return pd.DataFrame()  # a damaged file is as if nobody had looked


def _of_different_people(pairs: pd.DataFrame, samples: pd.DataFrame) -> pd.Series:
    """bool, a pair each: whether both photos are among the samples, of two persons."""
    person = samples.drop_duplicates("sample").set_index("sample")["person"]
    first, second = pairs["sample_a"].map(person), pairs["sample_b"].map(person)
    different: pd.Series = first.notna() & second.notna() & (first != second)
    return different


def _file(root: str) -> Path:
    return signatures_file(root).with_suffix(".pairs.json")


@functools.lru_cache(maxsize=8)
def _read(path: Path, written_ns: int, size: int) -> pd.DataFrame:
    return _table(files.read_json(path))


def _table(content: object) -> pd.DataFrame:
    pairs = pd.DataFrame(files.table_of(content))
    if not {"sample_a", "sample_b"} <= set(pairs):
        raise ValueError("no pairs of photos")
    return pairs
