"""Whether a package answers as the run did: its networks on the held-out photos, against the out-of-fold tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pandas as pd

from core.data.content.unchanged import changes
from core.data.paths import photo_file
from core.errors import LabError
from core.export.runtime.package_folder import BATCH, PackageFolder
from core.runs import Run
from core.stats.calibration import with_temperature
from core.text import count

CLOSE = 1e-4  # of a probability; what float32 may differ by from one machine to another
COLUMNS = ("fold", "photos", "checked", "not_checked", "changed_answers", "largest_difference")


@dataclass(frozen=True)
class FoldParity:
    """photos: that the fold held out. checked: of them, as they lie on the disk now. changed: other answers than the
    run's own table. largest: difference of a probability, NaN where none was checked. why_not: why none could be.
    """

    fold: int
    photos: int
    checked: int
    changed: int
    largest: float
    why_not: str = ""

    @property
    def holds(self) -> bool:
        return not self.checked or (self.changed == 0 and self.largest <= CLOSE)

    def row(self) -> dict[str, object]:
        """As parity.csv has it."""
        numbers = (self.fold, self.photos, self.checked, self.photos - self.checked, self.changed, self.largest)
        return dict(zip(COLUMNS, numbers, strict=True))


def of_fold(
    package: PackageFolder,
    run: Run,
    temperature: float,
    most: int | None = None,
    progress: Callable[[int, int], None] = lambda done, total: None,
) -> FoldParity:
    """package: with one fold open. temperature: what its network divides by; the run's table is changed alike.

    most: photos to check, spread evenly over the fold's; all if None. progress(done, total): photos.
    Photos that are gone or changed since the launch are not checked. Raises LabError as Run.predictions does, but not
    where the table is missing.
    """
    (fold,) = package.folds
    samples = run.samples()
    samples = samples[samples["fold"] == fold]
    try:
        answered = run.predictions(fold).set_index("sample")
    except LabError as error:
        if error.kind != "missing":
            raise
        return FoldParity(fold, len(samples), 0, 0, np.nan, "the run has no out-of-fold table of it")
    total = len(samples) if most is None else min(most, len(samples))
    chosen = samples.iloc[np.linspace(0, len(samples) - 1, total).round().astype(int)] if total else samples.iloc[:0]
    columns = [f"p_{name}" for name in package.classes]
    checked, changed, largest = 0, 0, 0.0
    for start in range(0, total, BATCH):
        photos = _as_launched(package, chosen.iloc[start : start + BATCH])
        names = [name for name in photos if name in answered.index]
        if names:
            shares = package.answers(np.stack([photos[name] for name in names]))
            reference = with_temperature(answered.loc[names, columns].to_numpy(float), temperature)
            changed += int((shares.argmax(axis=1) != reference.argmax(axis=1)).sum())
            largest = max(largest, float(np.abs(shares - reference).max()))
            checked += len(names)
        progress(min(start + BATCH, total), total)
    why_not = "" if checked or not total else "its photos are gone or changed since the launch"
    return FoldParity(fold, len(samples), checked, changed, largest if checked else np.nan, why_not)


def table(folds: list[FoldParity]) -> pd.DataFrame:
    return pd.DataFrame([fold.row() for fold in folds], columns=list(COLUMNS))


def sentence(folds: list[FoldParity]) -> str:
    """What was held against the run's own tables, and how it ended."""
    checked, photos = sum(fold.checked for fold in folds), sum(fold.photos for fold in folds)
    if not checked:
        why = next((fold.why_not for fold in folds if fold.why_not), "nobody asked for it")
        return f"Not held against the run's own answers: {why}."
    changed, largest = sum(fold.changed for fold in folds), max(fold.largest for fold in folds if fold.checked)
    return (
        f"{count(checked)} of {count(photos)} held-out photos answered by the packaged networks: {count(changed)} "
        f"changed {'answer' if changed == 1 else 'answers'}, largest difference of a probability {largest:.1e}."
    )


def _as_launched(package: PackageFolder, samples: pd.DataFrame) -> dict[str, np.ndarray]:
    """The photos that are still those of the launch and can be read, prepared, by sample."""
    photos = {}
    others = {change.sample for change in changes(samples)}
    for sample, path in samples[["sample", "path"]].itertuples(index=False, name=None):
        if sample not in others:
            try:
                photos[sample] = package.prepared(photo_file(path, sample))
            except LabError:  # it could be read at the launch; it counts as not checked
                continue
    return photos
