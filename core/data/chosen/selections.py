"""Selections of a dataset's photos on disk, so that a reload and a link find them. Imports no torch.

runs/.lab/selections/<person>/<name>.json, those of older labs right in selections/. The name is a digest of what is
selected: a selection never changes under its name, and the same photos have one name, whoever selects them. Each click
makes one: the newest MOST of each person are kept, and none longer than DAYS, so that nobody's clicks take the link of
another away. The person is a digest too, since names and addresses are no names of folders.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from core import places
from core.errors import LabError
from core.storage import asking, files
from core.storage.files import GARBAGE

MOST, DAYS, MOST_BYTES = 500, 30, 60_000_000  # of one person
LARGEST = 50_000_000  # bytes of one: a million names
_NAME = re.compile(r"[0-9a-f]{16}")


@dataclass(frozen=True)
class Selection:
    """Photos of the dataset at root, by their names in its samples table, in the order in which they were selected."""

    root: str
    samples: tuple[str, ...] = ()

    @cached_property
    def name(self) -> str:
        """What it is called in an address."""
        return hashlib.sha256(self._text.encode("utf-8", "surrogatepass")).hexdigest()[:16]

    @cached_property
    def _text(self) -> str:
        return json.dumps({"root": self.root, "samples": self.samples})


def selection(root: str | Path, samples: Iterable[str] = ()) -> Selection:
    """Of a dataset's folder, however it is spelt; photos that are named twice count once."""
    return Selection(os.path.realpath(root), tuple(dict.fromkeys(samples)))


def keep(selected: Selection, folder: Path | None = None) -> None:
    """Keep it under its name, for whoever asks. folder: of the runs, FACET_RUNS if None.

    Raises LabError: 'read-only', 'disk-full'.
    """
    everybody = _place(folder)
    path = everybody / hashlib.sha256(asking.asker().name.encode()).hexdigest()[:16] / f"{selected.name}.json"
    with files.written_to(path.parent, "Make the folder writable; until then a selection holds for one tab alone."):
        path.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(OSError):
            if _read(path) is not None:  # one that a power cut left empty is written anew
                return
        files.write_text(path, selected._text, durable=False)
        for place in (everybody, *everybody.glob("*/")):
            files.keep_newest(place, MOST, DAYS, MOST_BYTES)


def load(name: str, folder: Path | None = None) -> Selection | None:
    """What anybody kept under a name; None for nothing, for what is no name, and for a damaged file.

    Raises LabError(kind 'unreadable') where it may be kept out of reach.
    """
    if not _NAME.fullmatch(name):
        return None
    everybody, fault = _place(folder), None
    try:
        places_of_people = [folder for folder in files.matching(everybody, "*") if folder.suffix != ".json"]
    except OSError as error:
        places_of_people, fault = [], error
    for path in (place / f"{name}.json" for place in (everybody, *places_of_people)):
        try:
            if (selected := _read(path)) is not None:
                return selected
        except OSError as error:
            fault = error
    if fault is None:
        return None
    what = f"the selection {name} cannot be read in {everybody}: {fault.strerror}."
    raise LabError(what, files.CHECK, kind="unreadable") from fault


def _read(path: Path) -> Selection | None:
    """What a file keeps under its name, as used just now. Raises OSError for what is out of reach."""
    try:
        if path.stat().st_size > LARGEST:
            return None
        content = files.read_json(path)
        selected = Selection(str(content["root"]), tuple(str(sample) for sample in content["samples"]))
    except (OSError, *GARBAGE) as error:
        if files.out_of_reach(error):
            raise
        return None
    if selected.name != path.stem:
        return None
    with contextlib.suppress(OSError):  # a lab that is only read keeps it as it is
        os.utime(path)
    return selected


def _place(folder: Path | None) -> Path:
    return places.lab_folder(folder) / "selections"
