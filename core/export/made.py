"""The package that lies in a run's folder: what it holds, and whether the run is still the one that was packaged.

Imports no torch.
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass

from core import places
from core.errors import LabError
from core.export.formats.names import USUAL
from core.export.runtime.package_folder import FACTS
from core.runs import Run, origins
from core.runs.kept import dropped
from core.storage import files
from core.storage.files import GARBAGE
from core.text import listed


@dataclass(frozen=True)
class MadePackage:
    """bytes: of the zip. formats: of its networks. parity: the sentence on how it answers; int8: on what that costs and
    brings, "" without. current: its weights are those of the run now, or those that were dropped since."""

    bytes: int
    folds: list[int]
    formats: list[str]
    parity: str
    int8: str
    current: bool


def made_package(run: Run) -> MadePackage | None:
    """None where nobody packaged the run. Raises LabError(kind 'package') for a file that is damaged or cannot be
    read."""
    path = run.package_file
    if not path.is_file():
        return None
    try:
        with zipfile.ZipFile(path) as archive:
            facts = json.loads(archive.read(f"{run.id}/{FACTS}"))
        folds = [int(fold) for fold in facts["folds"]]
        now = {fold: origins.of_weights(run.weights_file(fold, "best")) for fold in folds}
        current = all(dropped.missing(run, fold, "best") for fold in folds) or all(
            facts["weights"][str(f)] == (origin.metadata() if origin else None) for f, origin in now.items()
        )
        int8 = str((facts.get("int8") or {}).get("told", ""))
        formats = list(facts.get("networks") or USUAL)  # of a package that does not name them
        return MadePackage(path.stat().st_size, folds, formats, str(facts["parity"]), int8, current)
    except (OSError, zipfile.BadZipFile, *GARBAGE) as error:
        what, remedy = f"is damaged ({type(error).__name__})", "Package the run again."
        if files.out_of_reach(error):
            what, remedy = f"cannot be read ({error.strerror})", files.CHECK
        raise LabError(f"{run.id}: {path.name} {what}.", remedy, kind="package") from error


def check_replaced(run: Run, folds: Sequence[int]) -> None:
    """Before the package in the run's folder is made anew, of these folds.

    Raises LabError(kind 'last') where it is the last place of other folds' networks, and as `made_package` does for one
    that is out of reach; of one that is damaged nothing is kept.
    """
    try:
        made = made_package(run)
    except LabError as error:
        if error.remedy == files.CHECK:
            raise
        return
    if made is None or not folds:
        return
    lost = [fold for fold in made.folds if fold not in folds and not run.weights_file(fold, "best").is_file()]
    if lost:
        named = f"fold{'s' if len(lost) > 1 else ''} {listed([str(fold) for fold in lost])}"
        raise LabError(
            f"{run.id}: {run.package_file.name} is the last place that has the best weights of {named}, and the new "
            "package would be without.",
            f"Download it or copy it elsewhere, then delete {run.package_file}; or write the new one to another file: "
            f"python -m core package {run.id} --folds {','.join(map(str, folds))} --out FILE.zip"
            f"{places.runs_option(run.dir.parent)}.",
            kind="last",
        )
