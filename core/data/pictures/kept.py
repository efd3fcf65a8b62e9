"""Where the decoded photos of datasets are kept, and how much room they may take: settings of this machine.

Beside each file of pixels lies what it is of, so that a person sees which dataset takes the room. Imports no torch.
"""

from __future__ import annotations

import contextlib
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.data.reach import bounds
from core.errors import LabError
from core.places import lab_folder, runs_option
from core.storage import asking, files, locks, machine_settings
from core.storage.files import GARBAGE

PLACE, LIMIT = "pixels_folder", "pixels_limit"  # in the machine's settings
DECODED_ANEW = "decoded_anew"  # in a run's run.json: why photos are decoded in each epoch; empty where they are kept
PIXELS = re.compile(r"[0-9a-f]{32}\.npy")  # whole names of pixels; other .npy files are somebody's own
USUAL = 20_000_000_000  # bytes that decoded photos may take where nothing was chosen, beyond those that are in use


@dataclass(frozen=True)
class PixelRoom:
    """folder: where decoded photos lie. limit: bytes that they may take together; None where nothing was chosen, and
    then the oldest go above USUAL, but those of one dataset may be more."""

    folder: Path
    limit: int | None = None


@dataclass(frozen=True)
class KeptPixels:
    """One file of decoded photos. dataset: its folder, "" where an older lab did not say. used: Unix time of its last
    use. in_use: whether a training uses it now."""

    path: Path
    bytes: int
    dataset: str
    photos: int
    used: float
    in_use: bool


def usual_folder(root: Path) -> Path:
    return lab_folder(root) / "cache"


def room_of(root: Path) -> PixelRoom:
    """What was chosen on this machine for a runs folder; what is damaged counts as not chosen."""
    settings = machine_settings.read(root)
    folder, limit = settings.get(PLACE), settings.get(LIMIT)
    place = Path(folder) if isinstance(folder, str) and os.path.isabs(folder) else usual_folder(root)
    is_limit = isinstance(limit, int) and not isinstance(limit, bool) and limit >= 0
    return PixelRoom(place, limit if is_limit else None)


def choose(root: Path, *, folder: str, limit: int | None) -> PixelRoom:
    """Keep the settings; trainings that begin from now on follow them. folder: "" for the usual one beside the runs.

    What was decoded into the folder before stays there, unused. Raises LabError(kind 'config') for a folder that
    cannot be written, is not given from the root on, or cannot lock, and for another one than now where the pages may
    not look everywhere: what is old in it would be deleted; 'not-yours' before any of it.
    """
    asking.check_lab("where decoded photos are kept")
    place: Any = None
    if folder.strip():
        place = Path(os.path.expanduser(folder.strip()))
        if not place.is_absolute():
            raise LabError(f"{folder!r} does not say where it begins.", "Give the whole path, from / on.", "config")
        if bounds.allowed() is not None and place != room_of(root).folder:
            raise LabError(
                f"{place}: lab.toml says where this lab looks, so that no page chooses where decoded photos lie.",
                f"Ask who runs the lab: python -m core disk --pixels-folder FOLDER{runs_option(root)}.",
                "config",
            )
        try:
            place.mkdir(parents=True, exist_ok=True)
            locks.check_folder(place)
        except OSError as error:
            raise LabError(
                f"{place} cannot be used for decoded photos ({error.strerror}).", "Choose a folder of yours.", "config"
            ) from error
        place = place.resolve()
    machine_settings.change(root, **{PLACE: None if place is None else str(place), LIMIT: limit})
    return room_of(root)


def on_one_disk(first: Path, second: Path) -> bool:
    """Whether two folders, or what they will lie in, share the room of one disk."""
    there = [next(place for place in (folder, *folder.parents) if place.exists()) for folder in (first, second)]
    return there[0].stat().st_dev == there[1].stat().st_dev


def label_of(path: Path) -> Path:
    """Beside a file of pixels: what it is of."""
    return path.with_suffix(".json")


def note(path: Path, dataset: str, photos: int) -> None:
    """Say what a file of pixels is of; a courtesy, which a full disk may refuse. dataset: "" where nobody knows."""
    with contextlib.suppress(OSError, LabError):
        if dataset and not label_of(path).exists():
            files.write_json(label_of(path), {"dataset": dataset, "photos": photos}, durable=False)


def is_pixels(path: Path) -> bool:
    """Whether a file is decoded photos by its name: the folder may hold files of its owner's too."""
    return PIXELS.fullmatch(path.name) is not None


def pixels_in(folder: Path) -> list[Path]:
    """The files of decoded photos of a folder, in no order; none where there is no folder."""
    return [path for path in folder.glob("*.npy") if is_pixels(path)]


def kept(folder: Path) -> Iterator[KeptPixels]:
    """What lies there, in no order."""
    for path in pixels_in(folder):
        with contextlib.suppress(OSError):
            stat = path.stat()
            dataset, photos = _label(path)
            yield KeptPixels(path, stat.st_size, dataset, photos, stat.st_mtime, is_used(path))


def users_of(path: Path) -> list[Path]:
    """The locks of those that said they use a file of pixels; one that is not held is of a dead process."""
    return list(path.parent.glob(f"{path.stem}.*.use"))


def is_used(path: Path) -> bool:
    return any(locks.is_held(user) for user in users_of(path))


def _label(path: Path) -> tuple[str, int]:
    try:
        content = files.read_json(label_of(path))
        return str(content["dataset"]), int(content["photos"])
    except (OSError, *GARBAGE):
        return "", 0
