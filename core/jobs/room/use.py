"""What takes how much of the disk: runs by kind, decoded photos by dataset, what else the lab keeps. No torch."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core import places
from core.data.pictures import kept
from core.data.pictures.kept import KeptPixels
from core.jobs.room import keep
from core.jobs.room.keep import Choice
from core.jobs.trash import trash_folder
from core.runs import Run
from core.runs.kept import sizes
from core.runs.kept.sizes import RunBytes
from core.runs.lists import index
from core.runs.lists.index import Listed
from core.storage import files
from core.text import number_of


@dataclass(frozen=True)
class RunUse:
    """A run and what it takes. name: as people call it."""

    id: str
    name: str
    state: str
    bytes: RunBytes


@dataclass(frozen=True)
class Use:
    """runs: the largest first. trash: deleted runs. pixels: decoded photos, the largest first. datasets: unpacked
    zips. lab: all else that the lab keeps for itself. free, disk: bytes of the disk of the runs. not_counted: that
    folders are out of reach, in a sentence; else empty."""

    runs: tuple[RunUse, ...]
    trash: int
    pixels: tuple[KeptPixels, ...]
    datasets: int
    lab: int
    free: int
    disk: int
    not_counted: str = ""

    @property
    def of_runs(self) -> RunBytes:
        return sum((run.bytes for run in self.runs), RunBytes())

    @property
    def of_pixels(self) -> int:
        return sum(pixels.bytes for pixels in self.pixels)

    @property
    def total(self) -> int:
        return self.of_runs.total + self.trash + self.of_pixels + self.datasets + self.lab


def look(root: Path | None = None, entries: Sequence[Listed] | None = None) -> Use:
    """Every file of the runs folder once, and of the folder of decoded photos where it lies elsewhere. entries: of all
    runs, where they were just listed."""
    root = root or places.runs_folder()
    unread: dict[Path, str] = {}
    runs = [
        RunUse(entry.id, entry.name, entry.state, sizes.bytes_of(Run(entry.id, root), unread))
        for entry in (index.listed(root) if entries is None else entries)
    ]
    lab, trash, datasets = places.lab_folder(root), trash_folder(root), places.datasets_folder(root)
    chosen = kept.room_of(root)
    try:
        files.matching(chosen.folder, "*")
    except OSError as error:
        unread[chosen.folder] = str(error.strerror)
    of_lab = of_trash = of_datasets = 0
    for path, size in files.sizes_below(lab, unread):
        if trash in path.parents:
            of_trash += size
        elif datasets in path.parents:
            of_datasets += size
        elif not (path.parent == chosen.folder and kept.is_pixels(path)):
            of_lab += size
    disk = shutil.disk_usage(next(place for place in (root, *root.parents) if place.exists()))
    return Use(
        tuple(sorted(runs, key=lambda run: run.bytes.total, reverse=True)),
        of_trash,
        tuple(sorted(kept.kept(chosen.folder), key=lambda pixels: pixels.bytes, reverse=True)),
        of_datasets,
        of_lab,
        disk.free,
        disk.total,
        not_counted(unread),
    )


def not_counted(unread: Mapping[Path, str]) -> str:
    """That folders are out of reach and count as nothing, in a sentence; empty where there is none. unread: each, and
    why."""
    if not unread:
        return ""
    first, why = next(iter(unread.items()))
    more = f" and {number_of(len(unread) - 1, 'more folder')} cannot be read and are" if len(unread) > 1 else ""
    return f"{first}{more or ' cannot be read and is'} not counted ({why})."


@dataclass(frozen=True)
class Offer:
    """What a choice would free. ids: of runs that lose something by it. bytes: that become free. refused: ids that
    cannot be touched now, and why."""

    choice: Choice
    ids: tuple[str, ...]
    bytes: int
    refused: dict[str, str]


def offer(ids: Sequence[str], choice: Choice, root: Path | None = None) -> Offer:
    """What a choice would free of these runs, each looked at on its own; nothing is touched."""
    return offers(ids, root, choices=[choice])[choice.name]


def offers(
    ids: Sequence[str],
    root: Path | None = None,
    *,
    choices: Sequence[Choice] = tuple(keep.CHOICES.values()),
    summaries: Sequence[dict[str, Any]] | None = None,
) -> dict[str, Offer]:
    """Name of a choice -> what it would free of these runs, each of which is looked at once for all choices; nothing is
    touched. summaries: of all runs, where they were just read."""
    root = root or places.runs_folder()
    seen = [keep.see(Run(run_id, root)) for run_id in ids]
    if summaries is None and seen and any(choice.weights for choice in choices):
        summaries = index.summaries(root)
    return {choice.name: _offer(seen, choice, summaries) for choice in choices}


def _offer(seen: Sequence[keep.Seen], choice: Choice, summaries: Sequence[dict[str, Any]] | None) -> Offer:
    freed, losing, refused = 0, [], {}
    why_of = keep.refusals(seen, choice, summaries)
    for each in seen:
        plan = keep.would_drop(each, choice)
        if not plan.bytes:
            continue
        if why := why_of.get(each.run.id):
            refused[each.run.id] = str(why)
        else:
            losing.append(each.run.id)
            freed += plan.bytes
    return Offer(choice, tuple(losing), freed, refused)
