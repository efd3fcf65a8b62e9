"""Pairs of photos that the search for duplicates found, kept for whoever only warns of them. Imports no scipy.

A courtesy beside the dataset's signatures in the lab: what another search finds takes their place.
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

MOST = 500  # pairs that a search keeps, the most alike


def signatures_file(root: str) -> Path:
    """What the search remembers of each photo of a dataset."""
    return lab_folder() / "signatures" / f"{hashlib.sha256(root.encode()).hexdigest()[:16]}.npz"


def keep(root: str, pairs: pd.DataFrame) -> None:
    """pairs: from core.data.duplicates.pairs, of the dataset with its corrections.

    Where they cannot be written, whoever searched sees them all the same, and the next search finds them again.
    """
    with contextlib.suppress(OSError, LabError):
        _file(root).parent.mkdir(parents=True, exist_ok=True)
        files.write_json(_file(root), pairs.to_dict("list"), durable=False)


def kept(root: str) -> pd.DataFrame | None:
    """The pairs that were found last, None where nobody has looked. Do not modify it."""
    try:
        written = _file(root).stat()
        return _read(_file(root), written.st_mtime_ns, written.st_size)
    except (OSError, ValueError):
        return None


def at_least(pairs: pd.DataFrame | None) -> str:
    """ "at least ", before a number of the kept pairs where the search may have found more than it keeps, else ""."""
    return "at least " if pairs is not None and len(pairs) >= MOST else ""


def number_among(root: str, samples: pd.DataFrame) -> int:
    """How many of the kept pairs are of photos that are there."""
    pairs = kept(root)
    if pairs is None or not len(pairs):
        return 0
    return int((pairs["sample_a"].isin(samples["sample"]) & pairs["sample_b"].isin(samples["sample"])).sum())


def _file(root: str) -> Path:
    return signatures_file(root).with_suffix(".pairs.json")


@functools.lru_cache(maxsize=8)
def _read(path: Path, written_ns: int, size: int) -> pd.DataFrame:
    pairs = pd.DataFrame(files.table_of(files.read_json(path)))
    if not {"sample_a", "sample_b"} <= set(pairs):
        raise ValueError(f"{path}: no pairs of photos")
    return pairs
