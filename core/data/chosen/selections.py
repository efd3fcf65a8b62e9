"""Selections of a dataset's photos on disk, so that a reload and a link find them. Imports no torch.

runs/.lab/selections/<name>.json. The name is a digest of what is selected: a selection never changes under its name,
and the same photos have one name, whoever selects them. The newest MOST are kept, and none longer than DAYS.
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
from core.storage import files
from core.storage.files import GARBAGE

MOST, DAYS, MOST_BYTES = 200, 30, 60_000_000
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
    """Keep it under its name. folder: of the runs, FACET_RUNS if None.

    Raises LabError: 'read-only', 'disk-full'.
    """
    path = _path(selected.name, folder)
    with files.written_to(path.parent, "Make the folder writable; until then a selection holds for one tab alone."):
        path.parent.mkdir(parents=True, exist_ok=True)
        if load(selected.name, folder) is not None:  # one that a power cut left empty is written anew
            return
        files.write_text(path, selected._text, durable=False)
        files.keep_newest(path.parent, MOST, DAYS, MOST_BYTES)


def load(name: str, folder: Path | None = None) -> Selection | None:
    """What was kept under a name; None for nothing, for what is no name, and for a damaged file."""
    if not _NAME.fullmatch(name):
        return None
    path = _path(name, folder)
    try:
        if path.stat().st_size > LARGEST:
            return None
        content = files.read_json(path)
        selected = Selection(str(content["root"]), tuple(str(sample) for sample in content["samples"]))
    except (OSError, *GARBAGE):
        return None
    if selected.name != name:
        return None
    with contextlib.suppress(OSError):  # as used just now; a lab that is only read keeps it as it is
        os.utime(path)
    return selected


def _path(name: str, folder: Path | None) -> Path:
    return places.lab_folder(folder) / "selections" / f"{name}.json"
