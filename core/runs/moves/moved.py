"""Where a run's dataset lies by now, which people said after it was moved: moved.json of the run's folder.

What was frozen is never rewritten. Whoever reads it from the run gets it with the move applied. Imports no torch.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from core.config import RunConfig
from core.data.paths import moved_to
from core.errors import LabError
from core.runs.summary import rebuilt_to_write
from core.storage import files
from core.storage.files import GARBAGE

if TYPE_CHECKING:
    from core.runs.run import Run


@dataclass(frozen=True)
class Moved:
    """root: where the dataset lies now. times: of photos without a hash of which somebody said that only their time
    changed, the mtime_ns that they have now."""

    root: str
    times: Mapping[str, int] = field(default_factory=dict)

    def of_photos(self, table: pd.DataFrame) -> pd.DataFrame:
        """A frozen table of photos (sample, path, mtime_ns and more), as they are named now."""
        pairs = zip(table["path"], table["sample"], strict=True)
        table = table.assign(path=[moved_to(self.root, path, sample) for path, sample in pairs])
        if self.times:
            now = table["sample"].map(self.times)
            table["mtime_ns"] = [
                old if pd.isna(new) else int(new) for old, new in zip(table["mtime_ns"], now, strict=True)
            ]
        return table


def read(path: Path) -> Moved | None:
    """None where nobody said that it moved. A damaged file says nothing either: the run then asks again.

    Raises LabError(kind 'unreadable') where it is out of reach: what lies at the old place by now may be other photos.
    """
    try:
        content = files.read_json(path)
        times = {str(sample): int(time_ns) for sample, time_ns in (content.get("times") or {}).items()}
        return Moved(str(content["moves"][-1]["root"]), times)
    except (OSError, IndexError, *GARBAGE) as error:
        if files.out_of_reach(error):
            what = f"{path.parent.name}: {path.name} cannot be read ({error.strerror}); it says where its dataset lies."
            raise LabError(what, files.CHECK, kind="unreadable") from error
        return None


def config(frozen: RunConfig, path: Path) -> RunConfig:
    """A frozen configuration with the dataset's folder as it is now. path: of the run's moved.json."""
    move = read(path)
    if move is None:
        return frozen
    return frozen.model_copy(update={"data": frozen.data.model_copy(update={"root": move.root})})


def photos(frozen: pd.DataFrame, path: Path) -> pd.DataFrame:
    """A frozen table of photos where they lie now. path: of the run's moved.json."""
    move = read(path)
    return frozen if move is None else move.of_photos(frozen)


def record(run: Run, root: Path, facts: Mapping[str, Any], times: Mapping[str, int]) -> None:
    """Remember that the run's dataset lies at root now, in what lists read, too.

    facts: what was compared, kept beside it for people.

    times: see Moved; they are added to those of moves before. Raises LabError: 'locked', 'read-only', 'disk-full'.
    """

    def one_more(content: Any) -> dict[str, Any]:
        before = files.table_of(content)
        moves, earlier = before.get("moves"), files.table_of(before.get("times"))
        moves = moves if isinstance(moves, list) else []
        return {"moves": [*moves, {"root": str(root), "time": time.time(), **facts}], "times": {**earlier, **times}}

    with files.written_to(run.dir):
        files.change_json(run.moved_file, f"where the dataset of '{run.id}' lies", one_more)
        with run.written_alone():
            if (summary := rebuilt_to_write(run)) is not None:
                files.write_json(run.summary_file, summary)
