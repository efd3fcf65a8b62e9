"""Whether a folder holds the photos that runs were launched on: all names and sizes, and a sample of the bytes.

Imports no torch.
"""

from __future__ import annotations

import contextlib
import itertools
import os
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd

from core.data.content.unchanged import Change, changes, named
from core.data.reach.opening import is_file, listing
from core.errors import LabError
from core.runs.moves.moved import Moved
from core.runs.run import Run
from core.text import count

COMPARED = 200  # photos of a run whose bytes are compared, at most, spread over all
TRIED = 100  # entries of a folder in which the dataset may be meant
COLUMNS = ["sample", "path", "bytes", "mtime_ns", "hash"]


@dataclass(frozen=True)
class Agreement:
    """What was found of a run's photos in another folder.

    photos: of the run, its test photos among them. compared: how many of them by their bytes. missing: not there.
    different: other size, other bytes or behind a link out of the folder. undecided: as large as they were, with
    another time and no hash to go by, of a run of an older lab. times: the mtime_ns of those now.
    """

    photos: int
    compared: int
    missing: list[Change]
    different: list[Change]
    undecided: list[Change]
    times: dict[str, int] = field(default_factory=dict)

    def told(self) -> str:
        """ "18,900 photos found, 200 compared byte by byte", and what somebody agreed to."""
        there = self.photos - len(self.missing)
        words = f"{count(there)} photo{'s' * (there != 1)} found, {count(self.compared)} compared byte by byte"
        if self.undecided:
            words += f"; {count(len(self.undecided))} by size alone, as agreed"
        return words + (f"; missing: {named(self.missing)}" if self.missing else "")


def photos_of(run: Run) -> pd.DataFrame:
    """sample, path, bytes, mtime_ns and hash of every photo that was frozen; hash "" where none was kept."""
    tables = [run.samples(), run.test_photos()]
    table = pd.concat([each.reindex(columns=COLUMNS) for each in tables if each is not None], ignore_index=True)
    return table.assign(hash=table["hash"].astype("object").where(table["hash"].notna(), "")).drop_duplicates(
        "sample", ignore_index=True
    )


def agreement(photos: pd.DataFrame, root: Path) -> Agreement:
    """Compare photos, as photos_of gives them, with what lies in a folder."""
    there = Moved(str(root)).of_photos(photos)
    hashed = np.flatnonzero(there["hash"] != "")
    looked_at = hashed[np.linspace(0, len(hashed) - 1, min(COMPARED, len(hashed))).astype(int)] if len(hashed) else []
    changed = changes(there, looked_at)
    missing = {change.sample for change in changed if change.fault == "missing"}
    undecided = [change for change in changed if change.fault == "undecided"]
    paths, times = dict(zip(there["sample"], there["path"], strict=True)), {}
    for change in undecided:
        with contextlib.suppress(OSError):  # gone within this second: Resume will say so
            times[change.sample] = os.stat(paths[change.sample]).st_mtime_ns
    return Agreement(
        photos=len(there),
        compared=sum(there["sample"].iloc[place] not in missing for place in looked_at),
        missing=[change for change in changed if change.fault == "missing"],
        different=[change for change in changed if change.fault not in ("missing", "undecided")],
        undecided=undecided,
        times=times,
    )


def check(agreed: Agreement, root: Path, run: Run, *, missing: bool, same_sizes: bool) -> None:
    """Raises LabError unless the folder holds the run's photos: kinds 'not-there' (none of them), 'other-data',
    'missing-photos' (some; unless missing is agreed to), 'data-undecided' (unless same_sizes is agreed to).
    """
    of = f"of {count(agreed.photos)} photos of run '{run.id}'"
    if len(agreed.missing) == agreed.photos:
        raise LabError(
            f"{root} does not hold this dataset: not one {of} is there, such as {agreed.missing[0].sample}.",
            f"Name the folder in which {agreed.missing[0].sample} lies.{_perhaps(root, run, agreed.missing[0].sample)}",
            kind="not-there",
        )
    if agreed.different:
        is_ = "is" if len(agreed.different) == 1 else "are"
        raise LabError(
            f"{root} is not the dataset of this run as it was: {count(len(agreed.different))} {of} {is_} not the same: "
            f"{named(agreed.different)}. {count(agreed.compared)} were compared byte by byte.",
            "Choose the folder to which the photos moved. If it is this one and they were edited since, put them back "
            "as they were, or take them out of it: that some are missing can be agreed to.",
            kind="other-data",
        )
    if agreed.missing and not missing:
        raise LabError(
            f"{root} lacks {count(len(agreed.missing))} {of}: {named(agreed.missing)}. The others agree; "
            f"{count(agreed.compared)} were compared byte by byte.",
            "Put them there, or agree to go on without them (on the command line --missing): everything works for the "
            "others, and Resume waits until they are back.",
            kind="missing-photos",
        )
    if agreed.undecided and not same_sizes:
        raise LabError(
            f"{root}: {count(len(agreed.undecided))} {of} have the size but not the time that they had: "
            f"{named(agreed.undecided)}. An older lab launched this run and kept no hashes, so nobody can tell whether "
            "the bytes are the same.",
            "If you know that these are the same photos, agree to go by size (on the command line --same-sizes).",
            kind="data-undecided",
        )


def _perhaps(root: Path, run: Run, sample: str) -> str:
    """A guess at what was meant: a folder in the one that was named, or the one above."""
    beside = [root / Path(run.config().data.root).name, root.parent]
    with contextlib.suppress(OSError), listing(root) as entries:
        tried = itertools.islice(entries, TRIED)
        beside += [root / entry.name for entry in tried if entry.is_symlink() or entry.is_dir()]
    meant = next((folder for folder in beside if is_file(folder / sample)), None)
    return "" if meant is None else f" Perhaps you mean {meant}"
